"""Finds positions for panels beside a square, and a free position along one of its edges.

Each obstacle blocks an interval of the positions along the edge, so that the nearest free position
is found exactly, however small the gap is. Rejected: testing a few positions for overlap with every
obstacle. With 32 people, this took four times as long as the exact search, and it missed gaps
between obstacles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from installation.showing.scene import Panel, Rect, Side

Obstacle = tuple[int, int, int, int, int]
"""The left, upper, right and lower edge of an area that no panel may cover, and the space that must
stay free around the area, px.
"""

OVERHANG = 0.25
"""How far a tag in a crowd may be moved to the left or right of its usual positions if there is no
other room, relative to the tag's width. In its usual positions, a tag is within the width of its
square, or spans this width if the tag is wider.
"""

CORNER_SHARE = 0.2
"""The size of a square's corner relative to the square's side. In a crowd and during the countdown,
a tag may not cover the corners of its own square: without them, nobody would see a square.
"""

Interval = tuple[int, int]
"""The two ends of a blocked interval of positions, px; the ends themselves are free."""


@dataclass(frozen=True)
class Slide:
    """The positions that a panel may have along one edge of a square.

    A position is the x and y of the panel's upper left corner. Along an edge, one of them varies.
    """

    is_across: bool
    """Whether the x of the panel's corner varies; if false, its y varies."""
    fixed: int
    """The y of the panel's corner if its x varies, otherwise its x, px."""
    wanted: int
    """The best value of the panel's varying coordinate, x or y, px."""
    low: int
    """The least value of the panel's varying coordinate, x or y, px."""
    high: int
    """The largest value of the panel's varying coordinate, x or y, px."""

    def corner(
        self, width: int, height: int, obstacles: Iterable[Obstacle]
    ) -> tuple[int, int] | None:
        """Return the position nearest to `wanted` at which `width` × `height` px are free.

        The result is None if `obstacles` leave no room.
        """
        fixed, low, high = self.fixed, self.low, self.high
        blocked: list[Interval] = []
        for left, top, right, bottom, space in obstacles:
            if self.is_across:
                is_level = fixed - space < bottom and fixed + height + space > top
                begin, end = left - space - width, right + space
            else:
                is_level = fixed - space < right and fixed + width + space > left
                begin, end = top - space - height, bottom + space
            if is_level:
                if begin < low and high < end:
                    return None
                blocked.append((begin, end))
        free = nearest_free(self.wanted, low, high, blocked)
        if free is None:
            return None
        return (free, fixed) if self.is_across else (fixed, free)


def nearest_free(wanted: int, low: int, high: int, blocked: Sequence[Interval]) -> int | None:
    """Return the free position from `low` to `high` nearest to `wanted`; None if there is none."""
    if low > high:
        return None
    after = before = max(low, min(wanted, high))
    for begin, end in sorted(blocked):
        if begin < after < end:
            after = end
    for end, begin in sorted(((end, begin) for begin, end in blocked), reverse=True):
        if begin < before < end:
            before = begin
    found = [each for each in (before, after) if low <= each <= high]
    return min(found, key=lambda each: abs(each - wanted), default=None)


def near(rects: Iterable[Rect], space: int, part: Rect) -> list[Obstacle]:
    """Return the `rects` that overlap `part`, as obstacles with `space` px around them."""
    left, top, right, bottom = part.x, part.y, part.right, part.bottom
    return [
        (each.x, each.y, each.x + each.width, each.y + each.height, space)
        for each in rects
        if each.x < right
        and each.y < bottom
        and each.x + each.width > left
        and each.y + each.height > top
    ]


def is_free(rect: Rect, obstacles: Iterable[Obstacle]) -> bool:
    """Return whether `rect` is outside all `obstacles` and the space to keep free around them."""
    x, y, right, bottom = rect.x, rect.y, rect.right, rect.bottom
    # A loop instead of `any`: it takes half the time.
    for left_edge, upper_edge, right_edge, lower_edge, space in obstacles:
        if (
            x - space < right_edge
            and left_edge < right + space
            and y - space < lower_edge
            and upper_edge < bottom + space
        ):
            return False
    return True


def corners(
    panel: Panel, side: Side, square: Rect, tag: Rect, room: Rect
) -> Iterator[tuple[int, int]]:
    """Yield possible upper left corners of `panel` at `side` of `square`, best first.

    `tag` is the tag of the square; without a tag, it is the square itself. `room` is the part of
    the screen that panels may cover.
    """
    width, height = panel.rect.width, panel.rect.height
    x = _clamped(square.x, width, room.x, room.right)
    y = _clamped(square.y, height, room.y, room.bottom)
    match side:
        case "below":
            yield x, tag.bottom if tag.y == square.bottom else square.bottom
        case "right":
            yield from ((square.right, y), (square.right, tag.bottom), (tag.right, y))
            yield square.right, square.bottom - height
        case "left":
            yield from ((square.x - width, y), (square.x - width, square.bottom - height))
        case "above":
            yield x, min(tag.y, square.y) - height
        case "over":
            yield x, room.bottom - height
            # The tag is in the way, so the panel may be beside it, then above or below it.
            yield from ((tag.right, y), (tag.x - width, y))
            yield from ((x, tag.y - height), (x, tag.bottom))
            # Beside a face that is very near, there is most space at the edges of the room.
            edges = sorted((room.x, room.right - width), key=lambda edge: abs(edge - tag.x))
            yield from ((edge, tag.bottom) for edge in edges)


def _clamped(wanted: int, length: int, low: int, high: int) -> int:
    """Return the position nearest to `wanted` at which `length` px fit between `low` and `high`."""
    return max(low, min(wanted, high - length))


def outer_corners(square: Rect) -> list[Rect]:
    """Return the corners of `square`: four squares with `CORNER_SHARE` of its side."""
    side = round(CORNER_SHARE * square.width)
    return [
        Rect(x, y, side, side)
        for x in (square.x, square.right - side)
        for y in (square.y, square.bottom - side)
    ]


def tag_slides(
    square: Rect,
    room: Rect,
    tag: Rect,
    over_px: int,
    below_first: bool,
    is_crowd: bool,
    at_side: bool,
) -> Iterator[Slide]:
    """Yield the slides along the edges of `square` for a tag of the size of `tag`, best first.

    Args:
        square: The square to which the tag belongs.
        room: The part of the screen that panels may cover.
        tag: A rectangle with the size of the tag.
        over_px: How far a tag at an edge of the square overlaps the square, px. If this is more
            than 0, the last slide may be for a tag inside the square, along its upper edge.
        below_first: Whether the lower edge comes before the upper one.
        is_crowd: Whether there are many visitors. Then a tag may extend further beyond its square
            (`OVERHANG`), and without `at_side` it must be above or below the square.
        at_side: Whether positions above and below the square are left out.
    """
    width, height = tag.width, tag.height
    top = max(square.y, room.y)
    left, right = sorted((square.x, square.right - width))
    overhang_px = round(OVERHANG * width) if is_crowd else 0
    left, right = left - overhang_px, right + overhang_px
    left = max(room.x, min(left, room.right - width))
    right = min(room.right - width, max(right, room.x))
    upper, lower = sorted((top, square.bottom - height))
    upper, lower = max(room.y, upper), min(room.bottom - height, lower)
    above, below = square.y - height + over_px, square.bottom - over_px
    for y in (below, above) if below_first else (above, below):
        if not at_side and room.y <= y <= room.bottom - height:
            yield Slide(True, y, square.x, left, right)
    if is_crowd and not at_side:
        return
    for x in (square.right - over_px, square.x - width + over_px):
        if room.x <= x <= room.right - width:
            yield Slide(False, x, top, upper, lower)
    if over_px and top + height <= room.bottom:
        yield Slide(True, top, square.x, left, right)
