"""The data types of classification, from the scores on one frame to what the screen shows.

All are frozen, because they pass from the analysis thread to the main thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from installation.naming.label_set.label_set import Label, LabelSet
from installation.seeing.tracker import Track


@dataclass(frozen=True, eq=False, repr=False)
class Reading:
    """The classifier's scores for one track on one frame.

    `scores` is `(labels,)` float32, 0–1 and summing to at most 1, in the order of the label set's
    visible labels. `taken_at` is the instant of the frame (s, monotonic).
    """

    track_id: int
    taken_at: float
    scores: npt.NDArray[np.float32]

    def __repr__(self) -> str:
        return f"<Reading of visitor {self.track_id} at {self.taken_at:.3f}>"


@dataclass(frozen=True)
class Candidate:
    """A label and its current score, 0–1."""

    label: Label
    score: float


@dataclass(frozen=True)
class RunnerUp:
    """A label that had one of the best scores for a visitor, but is not the visitor's name.

    `score` is 0–1. `is_given` says that another visitor who was present had this label as a name
    when the verdict settled. So the label may have a higher score than the visitor's name.
    """

    label: Label
    score: float
    is_given: bool = False


@dataclass(frozen=True)
class Shares:
    """A verdict's scores as whole hundredths, which sum to 100, as the screen prints them.

    `own` is the share of the verdict's label. `runners_up` are the runners-up with their shares,
    best first. `others` is the share of the `other_count` remaining visible labels. `nobodys` is
    the rest of the 100. It includes the share of the background rows: the rows of labels.csv that
    get scores but are never shown.
    """

    own: int
    runners_up: tuple[tuple[RunnerUp, int], ...]
    other_count: int
    others: int
    nobodys: int


@dataclass(frozen=True)
class Verdict:
    """The name that a visitor is given, or the set's root label if no name has enough evidence.

    `score` is the name's mean score at `settled_at` (s, monotonic), 0–1. For the root label it is
    the highest mean score that any label has had since `settled_at`. Once a name has been withdrawn
    and has disappeared, the verdict is the root label with the score 0.

    `runners_up` are the other labels that had the best scores at `settled_at`, best first.
    `others_score` is the sum of the scores of the `other_count` remaining visible labels. The root
    label has none of these. `is_drawn` says that the label was drawn at random (`draw: sample`).
    Then a runner-up may have a higher score.
    """

    label: Label
    score: float
    settled_at: float
    runners_up: tuple[RunnerUp, ...] = ()
    other_count: int = 0
    others_score: float = 0.0
    is_drawn: bool = False

    def shares(self, most_runners_up: int) -> Shares:
        """Return the scores as whole hundredths, with at most `most_runners_up` runners-up.

        Runners-up beyond this number, and those whose share is 0, are included in `others` and
        `other_count`.
        """
        named = self.runners_up[:most_runners_up]
        while True:
            unnamed = self.runners_up[len(named) :]
            others = self.others_score + sum(each.score for each in unnamed)
            scores = [self.score, others, *(each.score for each in named)]
            own, others_share, *shares, nobodys = hundredths([*scores, max(0.0, 1 - sum(scores))])
            if not named or shares[-1] > 0:
                break
            named = named[:-1]
        return Shares(
            own,
            tuple(zip(named, shares, strict=True)),
            self.other_count + len(unnamed),
            others_share,
            nobodys,
        )


def hundredths(scores: Sequence[float]) -> list[int]:
    """Return `scores`, which sum to 1, as whole hundredths that sum to 100.

    Each score is rounded down, and the scores with the largest remainders are then increased by
    one.
    """
    shares = [math.floor(100 * score) for score in scores]
    remainders = [100 * score - share for score, share in zip(scores, shares, strict=True)]
    largest = sorted(range(len(scores)), key=lambda place: -remainders[place])
    for place in largest[: max(0, 100 - sum(shares))]:
        shares[place] += 1
    return shares


Stage = Literal["announced", "reading", "named", "withdrawn", "unsure", "person"]
"""The stage of a visitor in the show.

`announced`: an empty square tells visitors that they will be classified, which has not begun yet.
`reading`: evidence is collected. `named`: the verdict is a name. `withdrawn`: the show is taking
the name back, because its time is over. `unsure`: no name had enough evidence, so the verdict is
the label set's root label; a name may still follow. `person`: a name has been withdrawn and has
disappeared. While the visitor stays, no other name follows. The verdict is the root label, with a
score of 0.
"""


@dataclass(frozen=True)
class Sighting:
    """One visitor on one frame.

    `candidates` are the labels with the highest scores while the visitor is read, best first. The
    screen cycles through their names. `evidence` is the progress towards a verdict, 0–1.
    `verdict` is None while the visitor is announced or read; while a name is being withdrawn, it is
    the verdict with that name. `ends_at` is the instant (s, monotonic) at which `announced`,
    `named` and `withdrawn` end by themselves; None for other stages. Until a visitor is named, the
    announcement or the reading pauses while their face is turned away or not found. During a pause,
    `held_at` is the instant of this frame (s, monotonic); otherwise it is None.
    """

    track: Track
    candidates: tuple[Candidate, ...]
    evidence: float
    verdict: Verdict | None
    stage: Stage
    ends_at: float | None = None
    held_at: float | None = None

    def left_s(self, now: float) -> float:
        """Return the time until the stage ends, s; 0 or less if it has ended.

        `now` is an instant (s, monotonic). Only for a stage that ends by itself.
        """
        assert self.ends_at is not None
        return self.ends_at - (now if self.held_at is None else self.held_at)

    def seconds_left(self, now: float) -> int:
        """Return `left_s` in whole seconds, rounded up, at least 1."""
        return max(1, math.ceil(self.left_s(now)))


@dataclass(frozen=True)
class Sightings:
    """All visitors on one analysed frame, and all that the main thread knows about the analysis.

    `taken_at` is the instant of the frame (s, monotonic), and `scene` its `Frame.scene`, a number
    that rises at each cut in a film. `bystanders` are the faces of people who are too far away to
    be classified. They get no square and no words, and no words cover them. `label_set` is the
    label set from which the visitors are named. `reading_count` counts the readings since the start
    of the show.
    """

    taken_at: float
    visitors: tuple[Sighting, ...]
    scene: int
    label_set: LabelSet
    reading_count: int
    bystanders: tuple[Track, ...] = ()
