"""The visible chests of the people on a picture, which panels avoid."""

from __future__ import annotations

from installation.showing.scene import Rect

BODY_WIDTH = 1.7
"""The width of the chest below a face, relative to the side of the face's square. Shoulders are
some 45 cm wide, and a face is 20 cm high.
"""

BODY_HEIGHT = 1.5
"""The height of the chest below a face, relative to the side of the face's square."""


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
