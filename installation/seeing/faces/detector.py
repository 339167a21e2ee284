"""A detected face, and the Protocol of face detectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2

from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels
from installation.seeing.scaling import scale

Landmark = tuple[float, float]
"""The position of a landmark, x and y in full-frame px."""

REDUCED_PX = 640
"""The longer side of the reduced frame in which faces are detected, px.

A face that is 32 px high on the reduced frame belongs to a visitor about three metres away from a
camera with a diagonal angle of view of 70°. The detection time grows with the square of this
length.
"""


TURNED = 0.25
"""The least sideways shift of the nose with which a face counts as turned away from the camera.

A line connects the middle of the eyes with the middle of the mouth. The shift is the distance of
the nose from this line, divided by the length of the line or by the distance between the eyes,
whichever is longer. With a nose 28 mm long and a line of 70 mm, 0.25 is a turn of some 40°.

The shift was measured on every fifth frame of a film of nine seconds, on a stage and in an
audience:

                                                     MTCNN           YuNet
    faces turned away by less than 45°               at most 0.24    at most 0.31
    faces nearly in profile                          0.25 to 0.39    0.29 to 0.49
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

    @property
    def is_turned(self) -> bool:
        """Whether the face is turned to the left or right, so that it does not see the screen.

        A face that is tilted, raised or lowered is not turned: a camera above or below the screen
        sees everybody like that. Rejected: computing from the height of the nose, between eyes and
        mouth, how far a face is lowered. A camera that hangs high changes this height, too.
        """
        left, right, (x, y), mouth_left, mouth_right = self.landmarks
        eyes_x, eyes_y = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
        down_x = (mouth_left[0] + mouth_right[0]) / 2 - eyes_x
        down_y = (mouth_left[1] + mouth_right[1]) / 2 - eyes_y
        down = math.hypot(down_x, down_y)
        longest = max(down, math.dist(left, right))
        if not down:
            return False
        shift = abs((x - eyes_x) * down_y - (y - eyes_y) * down_x) / down
        return shift >= TURNED * longest


class DetectionError(ArithmeticError):
    """A detector returned numbers that are infinite or NaN."""


class Detector(Protocol):
    """Finds faces."""

    name: str
    follows: bool
    """Whether `follow` takes much less time than `detect`."""

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        ...

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        """Return the faces of `frame` at or near `boxes`, at most one for each, in any order.

        `boxes` are places, in full-frame px, at which faces are expected. A face that is not found
        here may still be found by `detect`. A detector whose `follows` is false searches the whole
        frame, and returns all faces that it finds.
        """
        ...

    def forget(self) -> None:
        """Overwrite the data of the last frame, which the networks' libraries may still hold."""
        ...


def reduction(frame: Frame) -> float:
    """Return the factor that scales the reduced picture of `frame` to full size, at least 1."""
    return max(1.0, max(frame.width, frame.height) / REDUCED_PX)


def reduce_frame(frame: Frame, buffers: Buffers) -> tuple[Pixels, float]:
    """Return the reduced picture of `frame`, and the factor that scales it to full size.

    The picture is `(h, w, 3)` uint8 BGR, its longer side is at most `REDUCED_PX`. It is stored in
    `buffers`; if the frame is small enough, its own picture is returned.
    """
    factor = reduction(frame)
    if factor == 1:
        return frame.bgr, 1.0
    w, h = max(1, round(frame.width / factor)), max(1, round(frame.height / factor))
    small = buffers.take("reduced", (h, w, 3))
    scale(frame.bgr, small, cv2.INTER_AREA)
    return small, factor
