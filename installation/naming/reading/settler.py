"""From many readings of a visitor to one verdict that stands still.

Each visitor has evidence: the mean of their readings' scores, older ones counting less. With a
thousand labels no label ever holds 60 of 100 of such a mean, however sure the machine is, so
agreement is not a share of the score. It is the share of the readings, weighted alike, that had the
leading label among their three best: do the readings say the same, or does each say another thing?
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.values import (
    Candidate,
    Reading,
    Sighting,
    Sightings,
    Verdict,
)
from installation.seeing.tracker import Track
from installation.settings.kiosk import ReadingSettings

HALF_LIFE_S = 2.0
"""After so long a reading counts half; a guess: about what a visitor takes to turn round."""

BEST = 3
"""How many of a reading's best labels it votes for."""

PATIENCE = 3.0
"""A visitor whose readings do not agree within so many minimum times is only the root."""

HYSTERESIS = 1.25
"""How many times a verdict's own score another label must have to replace it, and how many times
smaller than the least score its own may become."""

TUMBLING = 24
"""How many names tumble past."""


@dataclass(eq=False, repr=False)
class _Evidence:
    """What has been read of one visitor; `(labels,)` arrays, and the readings' summed weight."""

    first_at: float
    last_at: float
    scores: npt.NDArray[np.float64]
    votes: npt.NDArray[np.float64]
    weight: float = 0.0
    readings: int = 0
    verdict: Verdict | None = None

    def add(self, reading: Reading) -> None:
        """Take a reading in; what was there before fades by its age."""
        fade = 0.5 ** (max(0.0, reading.taken_at - self.last_at) / HALF_LIFE_S)
        self.scores *= fade
        self.scores += reading.scores
        self.votes *= fade
        self.votes[_best(reading.scores, BEST)] += 1
        self.weight = self.weight * fade + 1
        self.readings += 1
        self.last_at = reading.taken_at


class Settler:
    """Keeps the evidence of every visitor who is there, and of nobody else."""

    def __init__(
        self, label_set: LabelSet, settings: ReadingSettings, roulette: random.Random
    ) -> None:
        self._settings = settings
        self._roulette = roulette
        self.turn_to(label_set)

    def turn_to(self, label_set: LabelSet) -> None:
        """Settle by `label_set` from now on; whoever is there is read anew."""
        self.label_set = label_set
        least = self._settings.min_score
        self._min_score = label_set.settings.min_score if least is None else least
        self._places = {label.id: i for i, label in enumerate(label_set.labels)}
        self._visitors: dict[int, _Evidence] = {}

    def settle(self, readings: Sequence[Reading], tracks: Sequence[Track], now: float) -> Sightings:
        """Return all of `tracks` at the instant `now` (s, monotonic) with what has settled.

        `readings` belong to some of the tracks; a track without one keeps what it had. A visitor
        whose track is not among `tracks` is forgotten.

        A verdict needs `min_time_s` since the first reading, `min_readings` and `agreement`. Where
        the leading label's share of the evidence is nothing or below the least score, or the
        readings do not agree in time, it is the root, until some label earns more. Any other
        verdict holds for `hold_s`, and then until its share is `HYSTERESIS` times below the least
        score, or another label has `HYSTERESIS` times its share. With `draw: sample` the roulette
        turns among all labels that have the least score, and again after each `hold_s`.
        """
        here = {track.id for track in tracks}
        self._visitors = {id_: of for id_, of in self._visitors.items() if id_ in here}
        for reading in readings:
            if reading.track_id in here:
                self._of(reading).add(reading)
        return Sightings(now, tuple(self._sight(track, now) for track in tracks))

    def _of(self, reading: Reading) -> _Evidence:
        nothing = np.zeros(len(self.label_set.labels))
        new = _Evidence(reading.taken_at, reading.taken_at, nothing, nothing.copy())
        return self._visitors.setdefault(reading.track_id, new)

    def _sight(self, track: Track, now: float) -> Sighting:
        evidence = self._visitors.get(track.id)
        if evidence is None:
            return Sighting(track, (), 0.0, None)
        shares = evidence.scores / evidence.weight
        best = _best(shares, TUMBLING)
        labels = self.label_set.labels
        candidates = tuple(Candidate(labels[i], float(shares[i])) for i in best)
        agreement = float(evidence.votes[best[0]] / evidence.weight)
        enough = self._enough(evidence, now)
        agreed = _ratio(agreement, self._settings.agreement)
        if enough >= 1:
            evidence.verdict = self._decide(evidence, shares, int(best[0]), agreed >= 1, now)
        nearness = 1.0 if evidence.verdict else min(enough, agreed)
        return Sighting(track, candidates, nearness, evidence.verdict)

    def _enough(self, evidence: _Evidence, now: float) -> float:
        """Return how much of the least time and the least readings there is, 0–1."""
        settings = self._settings
        waited = _ratio(now - evidence.first_at, settings.min_time_s)
        return min(waited, _ratio(evidence.readings, settings.min_readings))

    def _decide(
        self,
        evidence: _Evidence,
        shares: npt.NDArray[np.float64],
        leader: int,
        agreed: bool,
        now: float,
    ) -> Verdict | None:
        """Return the verdict from now on: the one there was, another, or none yet.

        `shares` is `(labels,)`, and `leader` the place of its best.
        """
        settings, old = self._settings, evidence.verdict
        named = None if old is None else self._places.get(old.label.id)
        if old is not None and named is not None and now - old.settled_at < settings.hold_s:
            return old
        best, own = float(shares[leader]), 0.0 if named is None else float(shares[named])
        stays = own > 0 and own >= self._min_score / HYSTERESIS
        if best <= 0 or best < self._min_score:
            return old if stays else self._root(old, best, now)
        if not agreed:
            patience = PATIENCE * settings.min_time_s
            if stays or (old is None and now - evidence.first_at < patience):
                return old
            return self._root(old, best, now)
        if settings.draw == "sample":
            drawn = np.flatnonzero(shares >= self._min_score).tolist()
            leader = self._roulette.choices(drawn, shares[drawn].tolist())[0]
        elif stays and best < HYSTERESIS * own:
            return old
        return Verdict(self.label_set.labels[leader], float(shares[leader]), now)

    def _root(self, old: Verdict | None, best: float, now: float) -> Verdict:
        """Return the root, whose score is the `best` that there has been since it settled."""
        root = self.label_set.root
        if old is not None and old.label == root:
            return Verdict(root, max(old.score, best), old.settled_at)
        return Verdict(root, best, now)


def _best(scores: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.intp]:
    """Return the places of the `count` highest scores, highest first; all where there are fewer."""
    count = min(count, len(scores))
    places = np.argpartition(-scores, count - 1)[:count]
    return places[np.argsort(-scores[places], kind="stable")]


def _ratio(value: float, needed: float) -> float:
    """Return how near `value` is to what is `needed`, 0–1."""
    return 1.0 if value >= needed else value / needed
