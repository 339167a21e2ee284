"""Rotates and mirrors a camera's picture before the picture is shown or analysed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from installation.memory.pool import Pool
from installation.seeing.frame import Pixels
from installation.settings.kiosk import CameraSettings

_Step = Callable[[Pixels, Pool], Pixels]
"""A function that returns the picture in another orientation, as a copy from the pool."""


def _copied(pixels: Pixels, pool: Pool) -> Pixels:
    copied = pool.take(*pixels.shape[:2])
    np.copyto(copied, pixels)
    return copied


def _flipped(axes: int) -> _Step:
    """Return the step that swaps left and right (`axes` is 1), top and bottom (0), or both (-1)."""

    def step(pixels: Pixels, pool: Pool) -> Pixels:
        flipped = pool.take(*pixels.shape[:2])
        cv2.flip(pixels, axes, flipped)
        return flipped

    return step


def _rotated(direction: int) -> _Step:
    def step(pixels: Pixels, pool: Pool) -> Pixels:
        height, width, _ = pixels.shape
        rotated = pool.take(width, height)
        cv2.rotate(pixels, direction, rotated)
        return rotated

    return step


def _transposed(pixels: Pixels, pool: Pool) -> Pixels:
    height, width, _ = pixels.shape
    transposed = pool.take(width, height)
    cv2.transpose(pixels, transposed)
    return transposed


_STEPS: Mapping[tuple[int, bool], tuple[_Step, ...]] = {
    (0, False): (_copied,),
    (90, False): (_rotated(cv2.ROTATE_90_CLOCKWISE),),
    (180, False): (_flipped(-1),),
    (270, False): (_rotated(cv2.ROTATE_90_COUNTERCLOCKWISE),),
    (0, True): (_flipped(1),),
    (90, True): (_transposed,),
    (180, True): (_flipped(0),),
    (270, True): (_rotated(cv2.ROTATE_90_COUNTERCLOCKWISE), _flipped(1)),
}
"""The steps by which OpenCV orients a picture, keyed by degrees clockwise and `mirror`."""


@dataclass(frozen=True)
class Orientation:
    """A rotation by `rotate` degrees clockwise, then a left-right flip if `mirror` is true."""

    rotate: int = 0
    mirror: bool = False
    pool: Pool = field(default_factory=Pool, compare=False, repr=False)
    """The pool that holds the rotated pictures."""

    @classmethod
    def from_settings(cls, settings: CameraSettings) -> Orientation:
        """Return the orientation that kiosk.yaml sets."""
        return cls(settings.rotate, settings.mirror)

    def apply(self, pixels: Pixels) -> Pixels:
        """Return the rotated and mirrored picture, always as a new array from the pool.

        The picture is copied once, except if it is both rotated by 270 degrees and mirrored: then
        it is copied twice, because OpenCV has no single function for that.
        """
        turn, *others = _STEPS[self.rotate, self.mirror]
        turned = turn(pixels, self.pool)
        for step in others:
            turned = step(turned, self.pool)
        return turned
