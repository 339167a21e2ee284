"""What finds faces: the values and the Protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2

from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels

Point = tuple[float, float]

DETECTED_PX = 640
"""The longer side of the reduced frame that detectors see, px.

A face of 32 px there is a visitor about two metres from a camera of 70 degrees; larger frames cost
time with the square of it.
"""


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

    def forget(self) -> None:
        """Have the networks see black, to overwrite what libraries hold of the last frame."""
        ...


def reduced(frame: Frame, buffers: Buffers) -> tuple[Pixels, float]:
    """Return the frame's picture on at most `DETECTED_PX`, and how many times larger the frame is.

    `(h, w, 3)` uint8 RGB in `buffers`; the frame's own pixels where it is small enough.
    """
    factor = max(frame.width, frame.height) / DETECTED_PX
    if factor <= 1:
        return frame.pixels, 1.0
    w, h = max(1, round(frame.width / factor)), max(1, round(frame.height / factor))
    small = buffers.take("reduced", (h, w, 3))
    cv2.resize(frame.pixels, (w, h), small, interpolation=cv2.INTER_AREA)
    return small, factor
