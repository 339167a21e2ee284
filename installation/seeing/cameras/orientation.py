"""Rotates and mirrors a camera's picture before the picture is shown or analysed."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from installation.memory.pool import Pool
from installation.seeing.frame import Pixels
from installation.settings.kiosk import CameraSettings

_ROTATIONS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


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
        """Return the rotated and mirrored picture, always as a new array from the pool."""
        height, width, _ = pixels.shape
        if not self.rotate and not self.mirror:
            copied = self.pool.take(height, width)
            np.copyto(copied, pixels)
            return copied
        if self.rotate:
            if self.rotate != 180:
                height, width = width, height
            rotated = self.pool.take(height, width)
            cv2.rotate(pixels, _ROTATIONS[self.rotate], rotated)
            pixels = rotated
        if self.mirror:
            mirrored = self.pool.take(height, width)
            cv2.flip(pixels, 1, mirrored)
            pixels = mirrored
        return pixels
