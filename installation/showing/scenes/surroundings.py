"""The room for panels in a scene, and the people in it, whose faces and chests panels avoid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from installation.showing.scene import Rect, Visitor
from installation.showing.type.typesetting import ScreenContext

BODY_WIDTH = 1.7
"""The width of the chest below a face, relative to the side of the face's square. Shoulders are
some 45 cm wide, and a face is 20 cm high.
"""

BODY_HEIGHT = 1.5
"""The height of the chest below a face, relative to the side of the face's square."""

MOST_AVOIDED = 12
"""With more visitors than this, panels may cover chests. In such a crowd, there are chests
everywhere between the faces, and a search for better places is too slow.
"""

GAP = 10
"""The least space between the panels of two visitors, px at 1080p."""

SPARE = 8
"""The least space between a new panel and the boxes of faces, which jitter, px at 1080p."""

ROUNDING = 2
"""The tolerance for rounding: a panel that stays may have this much less space than `GAP`, px."""


@dataclass(frozen=True)
class Surroundings:
    """What the panels of a scene must keep clear of."""

    context: ScreenContext
    room: Rect
    """The part of the screen that panels may cover."""
    visitors: Sequence[Visitor]
    faces: Sequence[Rect]
    """Every face on the picture, of visitors and of bystanders."""
    bystanders: Sequence[Rect] = ()
    """The squares around bystanders' faces, which are not drawn."""

    @cached_property
    def gap(self) -> int:
        """The least space between the panels of two visitors, px."""
        return self.context.px(GAP)

    @cached_property
    def spare(self) -> int:
        """The least space between a new panel and a face, px."""
        return self.context.px(SPARE)

    def other_squares(self, square: Rect) -> list[Rect]:
        """Return the squares of all visitors except the one whose square is `square`."""
        return [each.square for each in self.visitors if each.square is not square]

    def other_chests(self, square: Rect) -> list[Rect]:
        """Return the visible parts of the chests of all people except the one in `square`.

        A part that is hidden behind the chest of the person in `square` is left out. The result is
        empty if there are more than `MOST_AVOIDED` visitors.
        """
        if len(self.visitors) > MOST_AVOIDED:
            return []
        own = chest(square)
        chests: list[Rect] = []
        for other in (*self.other_squares(square), *self.bystanders):
            behind = other.width < square.width
            chests += without(chest(other), own) if behind else [chest(other)]
        return chests


def chest(square: Rect) -> Rect:
    """Return the area in which the chest of the person whose face is in `square` probably is."""
    width, height = round(BODY_WIDTH * square.width), round(BODY_HEIGHT * square.width)
    return Rect(square.x - (width - square.width) // 2, square.bottom, width, height)


def without(rect: Rect, hidden: Rect) -> list[Rect]:
    """Return up to four rectangles that cover the part of `rect` that is not in `hidden`."""
    if not rect.overlaps(hidden):
        return [rect]
    top, bottom = max(rect.y, hidden.y), min(rect.bottom, hidden.bottom)
    left, right = max(rect.x, hidden.x), min(rect.right, hidden.right)
    parts = (
        Rect(rect.x, rect.y, rect.width, top - rect.y),
        Rect(rect.x, bottom, rect.width, rect.bottom - bottom),
        Rect(rect.x, top, left - rect.x, bottom - top),
        Rect(right, top, rect.right - right, bottom - top),
    )
    return [part for part in parts if part.width > 0 and part.height > 0]
