"""Fits a frame to the screen: cropped around its middle to the screen's shape, then scaled."""

from __future__ import annotations

from dataclasses import dataclass

from installation.seeing.box import Box
from installation.showing.scene import Size


@dataclass(frozen=True)
class Cover:
    """The part of the frame that is visible, in px of the frame, and the screen that it fills.

    The part is in whole pixels, so that the picture and the boxes on it are scaled alike.
    """

    x: int
    y: int
    width: int
    height: int
    screen: Size

    @classmethod
    def from_sizes(cls, frame: Size, screen: Size) -> Cover:
        """Return how a frame of `frame` px fills a screen of `screen` px (width, height)."""
        scale = max(screen[0] / frame[0], screen[1] / frame[1])
        width = min(frame[0], max(1, round(screen[0] / scale)))
        height = min(frame[1], max(1, round(screen[1] / scale)))
        return cls((frame[0] - width) // 2, (frame[1] - height) // 2, width, height, screen)

    def to_screen(self, box: Box) -> Box:
        """Return `box` (px of the frame) in px of the screen."""
        across, down = self.screen[0] / self.width, self.screen[1] / self.height
        return Box(
            (box.x0 - self.x) * across,
            (box.y0 - self.y) * down,
            (box.x1 - self.x) * across,
            (box.y1 - self.y) * down,
        )
