"""The values that reading visitors produces, from the scores on one frame to what the screen shows.

All are frozen: they cross from the analysis thread to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass

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
class Verdict:
    """The label that has settled for a visitor, or the set's root if no label did.

    `score` is the label's mean score when it settled, 0–1. For the root it is a bound: no label has
    scored more since. `settled_at` is an instant (s, monotonic).
    """

    label: Label
    score: float
    settled_at: float


@dataclass(frozen=True)
class Sighting:
    """One visitor on one frame.

    `candidates` are the labels with the highest scores, best first, no more than the screen lets
    tumble past. `evidence` is the progress towards a verdict, 0–1.
    """

    track: Track
    candidates: tuple[Candidate, ...]
    evidence: float
    verdict: Verdict | None


@dataclass(frozen=True)
class Sightings:
    """All visitors on one analysed frame, and all that the main thread knows of the analysis.

    `taken_at` is the instant of the frame (s, monotonic), and `scene` the one that it belongs to.
    `label_set` is the one by which the visitors are named. `reading_count` counts the readings
    since the start of the show.
    """

    taken_at: float
    visitors: tuple[Sighting, ...]
    scene: int
    label_set: LabelSet
    reading_count: int
