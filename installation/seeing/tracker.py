"""Stub replaced by the seeing helper."""
from __future__ import annotations
from dataclasses import dataclass
from installation.seeing.box import Box


@dataclass(frozen=True)
class Track:
    """One visitor over time.

    `box` is where the face is at `seen_at` (s, monotonic), smoothed; `velocity` is the change of
    the box's `(centre x, centre y, width, height)` in px/s. `id` is never reused.
    """

    id: int
    box: Box
    velocity: tuple[float, float, float, float]
    seen_at: float
    born_at: float
    hits: int
    misses: int

    def box_at(self, instant: float) -> Box:
        """Return the box predicted for `instant` (s, monotonic)."""
        raise NotImplementedError
