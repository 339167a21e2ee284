"""Faces, and the Protocol of what finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2

from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels

Landmark = tuple[float, float]
"""Where a landmark is, x and y in full-frame px."""

REDUCED_PX = 640
"""The longer side of the reduced frame that detectors see, px.

A face of 32 px there is a visitor about two metres from a camera with a field of view of 70°. The
time that detection takes grows with the square of it.
"""


@dataclass(frozen=True)
class Face:
    """A detection: box and five landmarks in full-frame px, score 0–1.

    The landmarks are in the usual order: the eye at the left of the picture, the eye at its right,
    the nose, the corner of the mouth at the left, the corner at the right.
    """

    box: Box
    score: float
    landmarks: tuple[Landmark, Landmark, Landmark, Landmark, Landmark]


class Detector(Protocol):
    """Finds faces."""

    name: str

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        ...

    def forget(self) -> None:
        """Run the networks on black, to overwrite what libraries hold of the last frame."""
        ...


def reduce_frame(frame: Frame, buffers: Buffers) -> tuple[Pixels, float]:
    """Return the picture of `frame` at no more than `REDUCED_PX`, and the factor back to full size.

    The picture is `(h, w, 3)` uint8 RGB in `buffers`, or the frame's own if that is small enough.
    """
    factor = max(frame.width, frame.height) / REDUCED_PX
    if factor <= 1:
        return frame.pixels, 1.0
    w, h = max(1, round(frame.width / factor)), max(1, round(frame.height / factor))
    small = buffers.take("reduced", (h, w, 3))
    cv2.resize(frame.pixels, (w, h), small, interpolation=cv2.INTER_AREA)
    return small, factor
