"""Combines many readings of a visitor into one verdict that stays.

The evidence about each visitor is the mean of their readings' scores, older ones counting less.
With a thousand labels no label ever has 60 % of such a mean, however sure the network is, so
agreement is not a share of the score. It is the share of the readings, weighted in the same way,
that had the leading label among their three best.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.values import Candidate, Reading, Sighting, Verdict
from installation.seeing.tracker import Track
from installation.settings.kiosk import ReadingSettings

HALF_LIFE_S = 2.0
"""The age at which a reading counts half; a guess: about the time that turning round takes."""

VOTES = 3
"""How many of a reading's best labels it votes for."""

PATIENCE = 3.0
"""A visitor whose readings do not agree within so many times `min_time_s` is named the root."""

HYSTERESIS = 1.25
"""How many times a verdict's own score another label must have to replace it, and how many times
smaller than `min_score` its own may become."""

NEAR = 0.05
"""What share of the best score a label must have to be given instead of one that somebody else who
is there has. Among a thousand labels a twentieth of the best score is still one of the best few."""

CANDIDATES = 24
"""How many names tumble past on the screen before there is a verdict."""


@dataclass(eq=False, repr=False)
class _Evidence:
    """The faded sum of one visitor's readings, from `first_at` to `last_at` (s, monotonic).

    `scores` and `votes` are `(labels,)`; `weight` is what each would be if every reading had a
    score of 1 for the label.
    """

    first_at: float
    last_at: float
    scores: npt.NDArray[np.float64]
    votes: npt.NDArray[np.float64]
    weight: float = 0.0
    reading_count: int = 0
    verdict: Verdict | None = None

    @classmethod
    def from_instant(cls, at: float, labels: int) -> _Evidence:
        """Return evidence without readings, of which the first comes `at` this instant."""
        return cls(at, at, np.zeros(labels), np.zeros(labels))

    def add(self, reading: Reading) -> None:
        """Add `reading`, and fade the earlier ones by their age."""
        fade = 0.5 ** (max(0.0, reading.taken_at - self.last_at) / HALF_LIFE_S)
        self.scores *= fade
        self.scores += reading.scores
        self.votes *= fade
        best = _best(reading.scores, VOTES)
        self.votes[best[reading.scores[best] > 0]] += 1
        self.weight = self.weight * fade + 1
        self.reading_count += 1
        self.last_at = reading.taken_at


class Settler:
    """Keeps the evidence about each visitor who is present, and only about those."""

    def __init__(
        self, label_set: LabelSet, settings: ReadingSettings, roulette: random.Random
    ) -> None:
        """Name visitors by `label_set`; `roulette` draws labels for `draw: sample`."""
        self._settings = settings
        self._roulette = roulette
        self.use_label_set(label_set)

    def use_label_set(self, label_set: LabelSet) -> None:
        """Name visitors by `label_set` from now on; all evidence so far is dropped."""
        self.label_set = label_set
        own = self._settings.min_score
        self._min_score = label_set.settings.min_score if own is None else own
        self._places = {label.id: i for i, label in enumerate(label_set.labels)}
        self._visitors: dict[int, _Evidence] = {}

    def settle(
        self, readings: Sequence[Reading], tracks: Sequence[Track], now: float
    ) -> tuple[Sighting, ...]:
        """Return a sighting of each of `tracks`, in their order, at `now` (s, monotonic).

        `readings` are of some of the tracks; a track without one keeps its evidence. The evidence
        about visitors who are not among `tracks` is dropped.

        A verdict needs `min_time_s` since the first reading, `min_readings` and `agreement`. It is
        the root if the best mean score is 0 or below `min_score`, or if the readings do not agree
        within `PATIENCE` times `min_time_s`; any label that earns more replaces the root. Another
        verdict stands for `hold_s`, and then until its own mean score is `HYSTERESIS` times below
        `min_score`, or until another label scores `HYSTERESIS` times as much. With `draw: sample`
        the label is drawn, by their scores, from all that have `min_score`, and drawn again after
        each `hold_s`.

        Nobody is given the name of somebody else who is there if another label has `NEAR` times the
        best score and `min_score`: those who have a name keep it, and the others are named in the
        order of their best scores. Only who is there now counts.
        """
        here = {track.id for track in tracks}
        self._visitors = {id_: known for id_, known in self._visitors.items() if id_ in here}
        for reading in readings:
            if reading.track_id in here:
                self._evidence_for(reading).add(reading)
        sightings = {track.id: self._sight(track, now) for track in self._surest_first(tracks)}
        return tuple(sightings[track.id] for track in tracks)

    def _surest_first(self, tracks: Sequence[Track]) -> list[Track]:
        """Return the tracks, those with a verdict first, then by their best mean score."""

        def rank(track: Track) -> tuple[bool, float]:
            evidence = self._visitors.get(track.id)
            if evidence is None:
                return True, 0.0
            return evidence.verdict is None, -float(evidence.scores.max() / evidence.weight)

        return sorted(tracks, key=rank)

    def _others_places(self, evidence: _Evidence) -> set[int]:
        """Return the places of the labels that others who are there have."""
        verdicts = (other.verdict for other in self._visitors.values() if other is not evidence)
        named = (self._places.get(verdict.label.id) for verdict in verdicts if verdict is not None)
        return {place for place in named if place is not None}

    def _evidence_for(self, reading: Reading) -> _Evidence:
        """Return the evidence that `reading` is to be added to."""
        evidence = self._visitors.get(reading.track_id)
        if evidence is None:
            evidence = _Evidence.from_instant(reading.taken_at, len(self.label_set.labels))
            self._visitors[reading.track_id] = evidence
        return evidence

    def _sight(self, track: Track, now: float) -> Sighting:
        evidence = self._visitors.get(track.id)
        if evidence is None:
            return Sighting(track, (), 0.0, None)
        means = evidence.scores / evidence.weight
        best = _best(means, CANDIDATES)
        labels = self.label_set.labels
        candidates = tuple(Candidate(labels[i], float(means[i])) for i in best)
        agreement = float(evidence.votes[best[0]] / evidence.weight)
        enough = self._enough(evidence, now)
        agreed = _progress(agreement, self._settings.agreement)
        if enough >= 1:
            evidence.verdict = self._decide(evidence, means, int(best[0]), agreed >= 1, now)
        progress = 1.0 if evidence.verdict else min(enough, agreed)
        return Sighting(track, candidates, progress, evidence.verdict)

    def _enough(self, evidence: _Evidence, now: float) -> float:
        """Return the progress towards the least time and the least number of readings, 0–1."""
        settings = self._settings
        waited = _progress(now - evidence.first_at, settings.min_time_s)
        return min(waited, _progress(evidence.reading_count, settings.min_readings))

    def _decide(
        self,
        evidence: _Evidence,
        means: npt.NDArray[np.float64],
        leader: int,
        agreed: bool,
        now: float,
    ) -> Verdict | None:
        """Return the verdict from now on: the old one, another one, or None as long as it is open.

        `means` are the mean scores, `(labels,)`, and `leader` is the place of the best.
        """
        settings, old = self._settings, evidence.verdict
        named = None if old is None else self._places.get(old.label.id)
        if old is not None and named is not None and now - old.settled_at < settings.hold_s:
            return old
        best, own = float(means[leader]), 0.0 if named is None else float(means[named])
        stays = own > 0 and own >= self._min_score / HYSTERESIS
        if best <= 0 or best < self._min_score:
            return old if stays else self._root(old, best, now)
        if not agreed:
            patience = PATIENCE * settings.min_time_s
            if stays or (old is None and now - evidence.first_at < patience):
                return old
            return self._root(old, best, now)
        others = self._others_places(evidence)
        if settings.draw == "sample":
            drawn = np.flatnonzero(means >= self._min_score).tolist()
            drawn = [place for place in drawn if place not in others] or drawn
            leader = self._roulette.choices(drawn, means[drawn].tolist())[0]
        else:
            leader = self._free(means, leader, others)
            if stays and (leader == named or means[leader] < HYSTERESIS * own):
                return old
        return Verdict(self.label_set.labels[leader], float(means[leader]), now)

    def _free(self, means: npt.NDArray[np.float64], leader: int, others: set[int]) -> int:
        """Return the best label that nobody else has and that is near the leader, or the leader."""
        least = max(NEAR * float(means[leader]), self._min_score)
        near = _best(means, len(others) + 1)
        free = (int(place) for place in near if means[place] >= least and place not in others)
        return next(free, leader)

    def _root(self, old: Verdict | None, best: float, now: float) -> Verdict:
        """Return the root, whose score is the highest that any label had since it settled."""
        root = self.label_set.root
        if old is not None and old.label == root:
            return Verdict(root, max(old.score, best), old.settled_at)
        return Verdict(root, best, now)


def _best(scores: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.intp]:
    """Return the places of the `count` highest scores, highest first; all if there are fewer."""
    count = min(count, len(scores))
    places = np.argpartition(-scores, count - 1)[:count]
    return places[np.argsort(-scores[places], kind="stable")]


def _progress(value: float, needed: float) -> float:
    """Return `value` over `needed`, at most 1."""
    return 1.0 if value >= needed else value / needed
