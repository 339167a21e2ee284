"""What analysis says of one frame: every visitor with what has been read so far."""

from __future__ import annotations

from dataclasses import dataclass

from installation.naming.label_set.label import Label
from installation.seeing.tracker import Track


@dataclass(frozen=True)
class Candidate:
    """A label and its current score, 0–1."""

    label: Label
    score: float


@dataclass(frozen=True)
class Verdict:
    """What has settled for a visitor: a label, or the set's root where no label did.

    `score` is the label's share of the evidence when it settled, 0–1; for the root, above which no
    label has scored since. `settled_at` is on the monotonic clock.
    """

    label: Label
    score: float
    settled_at: float


@dataclass(frozen=True)
class Sighting:
    """One visitor on one frame.

    `candidates` is the current distribution, best first, cut to the names that the screen lets
    tumble past; `evidence` says how near the verdict is, 0–1.
    """

    track: Track
    candidates: tuple[Candidate, ...]
    evidence: float
    verdict: Verdict | None


@dataclass(frozen=True)
class Sightings:
    """All visitors at the instant `taken_at` of the analysed frame, and the `scene` it shows."""

    taken_at: float
    visitors: tuple[Sighting, ...]
    scene: int = 0
