"""Settles the readings of a visitor into one name, which is withdrawn after it was shown.

A reading is the classifier's scores for one visitor on one frame.

The evidence about a visitor is the mean of the scores of their readings; older readings have less
weight. With a thousand labels, no label ever has a mean score of 0.6, however certain the
network is. So the scores do not show whether the readings agree on a label. The agreement is
measured as the share of the readings whose three best labels include the label with the highest
mean; here too, older readings have less weight.

The verdict about a visitor is a name, or the label set's root label (such as "person") if no name
has enough evidence.

Each visitor is named once. Then the name is withdrawn, and the visitor is shown as a person for as
long as they stay. The show remembers only that they were named, and keeps neither the evidence nor
the name. Somebody who leaves, or steps back so far that they are not classified, and comes again,
is a new visitor to the show, and may be named again. Rejected: a new name every few seconds, which
would suggest that only the last name was wrong.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.reading_time import WITHDRAWN_S, reading_time_s
from installation.naming.reading.values import (
    Candidate,
    Reading,
    RunnerUp,
    Sighting,
    Stage,
    Verdict,
)
from installation.seeing.presence.presence import Present
from installation.seeing.tracker import Track
from installation.settings.kiosk import ReadingSettings

HALF_LIFE_S = 2.0
"""The age, in seconds, at which a reading counts half as much as a new one. A visitor needs about
this time to turn round; the number is a guess.
"""

VOTES = 3
"""A reading votes for this number of labels: those that have the highest scores in it."""

PATIENCE = 3.0
"""If a visitor's readings still do not agree after this time, the visitor gets the label set's root
label. The time is in units of `min_time_s` and begins with the visitor's first reading. A reading
is the classifier's scores for one visitor on one frame.
"""

NEAR = 0.05
"""If another visitor already has the label with the best score, a label that nobody has is given
instead, provided that its score is at least NEAR times the best score. Among a thousand labels, a
label with a twentieth of the best score is still one of the best few.
"""

CANDIDATES = 24
"""The number of names that the screen cycles through before there is a verdict."""

RUNNERS_UP = 5
"""The largest number of other labels that a verdict lists with their scores. The screen shows at
most the first two.
"""


@dataclass(eq=False, repr=False)
class _Evidence:
    """The sum of one visitor's readings, in which older readings have less weight.

    `scores` and `votes` are `(labels,)`. `weight` is the sum of the readings' weights, so that
    `scores / weight` are mean scores. `first_at` and `last_at` are the instants of the first and
    the last reading (s, monotonic).
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
        """Return empty evidence for a visitor whose first reading is taken at `at`."""
        return cls(at, at, np.zeros(labels), np.zeros(labels))

    def add(self, reading: Reading) -> None:
        """Add `reading`, after reducing the weights of all earlier readings.

        Their weights are halved for each `HALF_LIFE_S` since the last reading.
        """
        fade = 0.5 ** (max(0.0, reading.taken_at - self.last_at) / HALF_LIFE_S)
        self.scores *= fade
        self.scores += reading.scores
        self.votes *= fade
        best = _best(reading.scores, VOTES)
        self.votes[best[reading.scores[best] > 0]] += 1
        self.weight = self.weight * fade + 1
        self.reading_count += 1
        self.last_at = reading.taken_at


@dataclass(eq=False, repr=False)
class _Name:
    """The name that a visitor was given; `verdict` is None as soon as the name has disappeared."""

    verdict: Verdict | None
    withdrawn_at: float


class Settler:
    """Keeps the evidence about visitors who are present, and drops it when they leave."""

    def __init__(
        self, label_set: LabelSet, settings: ReadingSettings, roulette: random.Random
    ) -> None:
        """Name visitors with the labels of `label_set`.

        `roulette` draws labels for `draw: sample`.
        """
        self._settings = settings
        self._roulette = roulette
        self.use_label_set(label_set)

    def use_label_set(self, label_set: LabelSet) -> None:
        """Use the labels of `label_set` from now on, and drop all evidence and all names."""
        self.label_set = label_set
        own = self._settings.min_score
        self._min_score = label_set.settings.min_score if own is None else own
        self._indices = {label.id: i for i, label in enumerate(label_set.labels)}
        self.forget()

    def forget(self) -> None:
        """Drop all evidence and all names."""
        self._evidence: dict[int, _Evidence] = {}
        self._names: dict[int, _Name] = {}

    def is_named(self, track_id: int) -> bool:
        """Return whether a visitor has or had a name. If so, further readings have no effect."""
        return track_id in self._names

    def is_unsure(self, track_id: int) -> bool:
        """Return whether a visitor has the root label as verdict; a name may still replace it."""
        evidence = self._evidence.get(track_id)
        return evidence is not None and evidence.verdict is not None

    def settle(
        self, readings: Sequence[Reading], visitors: Sequence[Present], now: float
    ) -> tuple[Sighting, ...]:
        """Return a sighting of each of `visitors`, in their order, at `now` (s, monotonic).

        `readings` are of some of the visitors; a visitor without a reading keeps their evidence.
        The evidence about people who are not among `visitors` is dropped, and so are their names.
        While a visitor's face is covered, the evidence is dropped, and a name that is shown is
        withdrawn for good: the face that appears at this place may be another person's.

        A verdict needs `min_time_s` since the first reading, and `min_readings`. It is a name if
        the readings agree (`agreement`), and if the best mean score is above 0 and at least
        `min_score`. It is the label set's root label if the best mean score is lower, or if the
        readings do not agree within `PATIENCE` times `min_time_s`. A name that meets the conditions
        later replaces the root label.
        A name stays for `hold_s`, or for its reading time (`reading_time_s`) if that is longer.
        Then it is shown as withdrawn for `WITHDRAWN_S`.

        A visitor whose face was not found on the last frame, or was turned away, is given no
        verdict.

        A label is free if no visitor who is present has it as a name. A visitor gets the free label
        with the highest score. If this score is below `min_score`, or below `NEAR` times the best
        score of all labels, the visitor gets the label with the best score instead. With
        `draw: sample` the label is drawn at random: from the free labels whose score is at least
        `min_score`, or from all labels with such a score if none of them is free. The scores are
        the weights. Visitors who have a name keep it, and the others are named in the order of
        their best scores.
        """
        here = {visitor.track.id for visitor in visitors}
        seen = {visitor.track.id for visitor in visitors if not visitor.track.is_covered(now)}
        self._evidence = {id_: known for id_, known in self._evidence.items() if id_ in seen}
        self._names = {id_: name for id_, name in self._names.items() if id_ in here}
        for id_, name in self._names.items():
            if id_ not in seen:
                name.verdict = None
        for reading in readings:
            if reading.track_id in here and reading.track_id not in self._names:
                self._evidence_for(reading).add(reading)
        sightings = {
            visitor.track.id: self._sight(visitor, now) for visitor in self._surest_first(visitors)
        }
        return tuple(sightings[visitor.track.id] for visitor in visitors)

    def _surest_first(self, visitors: Sequence[Present]) -> list[Present]:
        """Return the visitors sorted by their best mean score, highest first."""

        def best_score(visitor: Present) -> float:
            evidence = self._evidence.get(visitor.track.id)
            return 0.0 if evidence is None else float(evidence.scores.max() / evidence.weight)

        return sorted(visitors, key=best_score, reverse=True)

    def _taken_places(self) -> set[int]:
        """Return the indices of the labels that visitors have as their names."""
        verdicts = (name.verdict for name in self._names.values())
        return {self._indices[verdict.label.id] for verdict in verdicts if verdict is not None}

    def _evidence_for(self, reading: Reading) -> _Evidence:
        """Return the evidence that `reading` has to be added to."""
        evidence = self._evidence.get(reading.track_id)
        if evidence is None:
            evidence = _Evidence.from_instant(reading.taken_at, len(self.label_set.labels))
            self._evidence[reading.track_id] = evidence
        return evidence

    def _sight(self, visitor: Present, now: float) -> Sighting:
        track = visitor.track
        if track.id in self._names:
            return self._sight_named(track, self._names[track.id], now)
        evidence = self._evidence.get(track.id)
        held_at = now if visitor.is_held else None
        if evidence is None and visitor.is_announced(now):
            return Sighting(track, (), 0.0, None, "announced", visitor.announced_until, held_at)
        if evidence is None:
            return Sighting(track, (), 0.0, None, "reading", held_at=held_at)
        means = evidence.scores / evidence.weight
        best = _best(means, CANDIDATES)
        agreement = float(evidence.votes[best[0]] / evidence.weight)
        enough = self._enough(evidence, now)
        agreed = _progress(agreement, self._settings.agreement)
        # A visitor who turns away is given no name while their track is still there.
        if enough >= 1 and track.misses == 0 and not visitor.is_held:
            evidence.verdict = self._decide(evidence, means, int(best[0]), agreed >= 1, now)
        verdict = evidence.verdict
        if verdict is not None and verdict.label != self.label_set.root:
            stands_s = max(self._settings.hold_s, reading_time_s(verdict.label))
            name = self._names[track.id] = _Name(verdict, verdict.settled_at + stands_s)
            del self._evidence[track.id]
            return self._sight_named(track, name, now)
        candidates = tuple(Candidate(self.label_set.labels[i], float(means[i])) for i in best)
        progress = 1.0 if verdict else min(enough, agreed)
        stage: Stage = "unsure" if verdict else "reading"
        return Sighting(track, candidates, progress, verdict, stage, held_at=held_at)

    def _sight_named(self, track: Track, name: _Name, now: float) -> Sighting:
        """Return the sighting of a visitor who has a name or whose name was withdrawn."""
        person_at = name.withdrawn_at + WITHDRAWN_S
        if now >= person_at:
            name.verdict = None
        if name.verdict is None:
            root = Verdict(self.label_set.root, 0.0, person_at)
            return Sighting(track, (), 1.0, root, "person")
        if now >= name.withdrawn_at:
            return Sighting(track, (), 1.0, name.verdict, "withdrawn", person_at)
        return Sighting(track, (), 1.0, name.verdict, "named", name.withdrawn_at)

    def _enough(self, evidence: _Evidence, now: float) -> float:
        """Return the share of `min_time_s` that has passed, or of `min_readings` that is reached.

        The smaller of the two shares is returned, 0–1.
        """
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
        """Return a name, the root label if no name fits, or None if nothing is decided yet.

        `means` are the mean scores of `evidence`, `(labels,)`, and `leader` is the index of the
        highest. `agreed` says whether the readings agree on a label. `now` is an instant (s,
        monotonic).
        """
        settings, root = self._settings, evidence.verdict
        best = float(means[leader])
        if best <= 0 or best < self._min_score:
            return self._root(root, best, now)
        if not agreed:
            patience = PATIENCE * settings.min_time_s
            if root is None and now - evidence.first_at < patience:
                return None
            return self._root(root, best, now)
        taken = self._taken_places()
        if settings.draw == "sample":
            drawn = np.flatnonzero(means >= self._min_score).tolist()
            drawn = [place for place in drawn if place not in taken] or drawn
            place = self._roulette.choices(drawn, means[drawn].tolist())[0]
        else:
            place = self._free(means, leader, taken)
        return self._verdict(means, place, taken, now)

    def _verdict(
        self, means: npt.NDArray[np.float64], place: int, taken: set[int], now: float
    ) -> Verdict:
        """Return the verdict that names the label with the index `place`.

        It also has the runners-up: the next best labels whose score is above 0. `is_given` is true
        for a runner-up whose index is in `taken`, the indices of the labels that other visitors
        have as their names. The verdict also has the sum of the scores of all remaining labels,
        which are neither named nor runners-up.
        """
        labels, masked = self.label_set.labels, self.label_set.masked
        best = (int(other) for other in _best(means, RUNNERS_UP + 1) if other != place)
        runners = [other for other in best if means[other] > 0][:RUNNERS_UP]
        others_score = float(means.sum() - means[place] - means[runners].sum())
        return Verdict(
            labels[place],
            float(means[place]),
            now,
            tuple(RunnerUp(labels[each], float(means[each]), each in taken) for each in runners),
            len(labels) - len(set(masked)) - 1 - len(runners),
            max(0.0, others_score),
            self._settings.draw == "sample",
        )

    def _free(self, means: npt.NDArray[np.float64], leader: int, taken: set[int]) -> int:
        """Return the index of the best label that is not `taken`, or else `leader`.

        The result is `leader` if the score of that best label is below `min_score`, or below `NEAR`
        times the score of `leader`.
        """
        least = max(NEAR * float(means[leader]), self._min_score)
        near = _best(means, len(taken) + 1)
        free = (int(place) for place in near if means[place] >= least and place not in taken)
        return next(free, leader)

    def _root(self, old: Verdict | None, best: float, now: float) -> Verdict:
        """Return the root label as a verdict.

        Its score is `best` or the score of `old`, whichever is higher.
        """
        if old is not None:
            return Verdict(old.label, max(old.score, best), old.settled_at)
        return Verdict(self.label_set.root, best, now)


def _best(scores: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.intp]:
    """Return the indices of the `count` highest scores, highest first; fewer if there are fewer."""
    count = min(count, len(scores))
    places = np.argpartition(-scores, count - 1)[:count]
    return places[np.argsort(-scores[places], kind="stable")]


def _progress(value: float, needed: float) -> float:
    """Return `value` divided by `needed`, at most 1."""
    return 1.0 if value >= needed else value / needed
