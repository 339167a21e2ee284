"""How a camera's picture is turned before anybody sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2

from installation.config import CameraSettings
from installation.seeing.frame import Pixels

_ROTATIONS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


@dataclass(frozen=True)
class Turn:
    """Degrees clockwise, and then left for right as in a mirror."""

    rotate: int = 0
    mirror: bool = False

    @classmethod
    def from_settings(cls, settings: CameraSettings) -> Turn:
        """Return the turn that the curator has set."""
        return cls(settings.rotate, settings.mirror)

    def apply(self, pixels: Pixels) -> Pixels:
        """Return the turned picture; `pixels` itself where nothing turns."""
        if self.rotate:
            pixels = cast(Pixels, cv2.rotate(pixels, _ROTATIONS[self.rotate]))
        if self.mirror:
            pixels = cast(Pixels, cv2.flip(pixels, 1))
        return pixels
