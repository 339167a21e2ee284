"""Fits a frame to its part of the screen: cropped around its middle, then scaled.

A frame may lose any part of its width, but at most `MAX_CROP` of its height, because heads should
not be cropped away. If a frame as wide as its part of the screen would lose more of its height, it
is made smaller, and the screen on both sides of it stays black.
"""

from __future__ import annotations

from dataclasses import dataclass

from installation.seeing.box import Box
from installation.showing.scene import Rect, Size

MAX_CROP = 0.31
"""The largest share of a frame's height that may be cropped away. One half is cropped at the top,
the other half at the bottom. The value is a guess.

With two languages, the bands leave less height for the picture. On a screen of 16 : 9, a frame of
16 : 9 then loses 0.30 of its height.
"""


@dataclass(frozen=True)
class Cover:
    """The visible part of a frame, in px of the frame, and the part of the screen that it fills.

    Both parts are rounded to whole pixels. The picture and the boxes on it are both scaled from the
    rounded parts, so each box stays on its face.
    """

    x: int
    y: int
    width: int
    height: int
    view: Rect
    """The part of the screen that the visible part of the frame fills."""

    @classmethod
    def from_sizes(cls, frame: Size, room: Rect) -> Cover:
        """Return how a frame of `frame` px (width, height) is shown in the part `room` of a screen.

        The part of the screen that the frame fills is either the whole room, or its middle, which
        is as high as the room but narrower.
        """
        across, down = room.width / frame[0], room.height / frame[1]
        largest = min(max(across, down), down / (1 - MAX_CROP))
        view_width = min(room.width, max(1, round(frame[0] * largest)))
        view = Rect(room.x + (room.width - view_width) // 2, room.y, view_width, room.height)
        scale = max(view.width / frame[0], view.height / frame[1])
        width = min(frame[0], max(1, round(view.width / scale)))
        height = min(frame[1], max(1, round(view.height / scale)))
        return cls((frame[0] - width) // 2, (frame[1] - height) // 2, width, height, view)

    @property
    def part(self) -> Box:
        """The visible part of the frame, px of the frame."""
        return Box(self.x, self.y, self.x + self.width, self.y + self.height)

    def to_screen(self, box: Box) -> Box:
        """Return `box`, which is in px of the frame, converted to px of the screen."""
        across, down = self.view.width / self.width, self.view.height / self.height
        return Box(
            self.view.x + (box.x0 - self.x) * across,
            self.view.y + (box.y0 - self.y) * down,
            self.view.x + (box.x1 - self.x) * across,
            self.view.y + (box.y1 - self.y) * down,
        )
