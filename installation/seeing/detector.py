"""What finds faces: the values and the Protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from installation.seeing.box import Box
from installation.seeing.frame import Frame

Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A detection: box and five landmarks in full-frame px, score 0–1.

    Landmarks in the order of the field: the eye at the left of the picture, the eye at its right,
    nose, the mouth's corner at the left, the one at the right.
    """

    box: Box
    score: float
    landmarks: tuple[Point, Point, Point, Point, Point]


class Detector(Protocol):
    """Finds faces."""

    name: str

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        ...
