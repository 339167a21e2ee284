"""The scrolling list of all names of a label set, with a bar in place of each hidden name.

Only the rows on the screen are typeset, and each new row begins with the name after the last name
of the previous row. So even for a long list, only a few names a second are measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from installation.showing.scene import GREEN, ON_BLACK, Bar, Colour, Line, Panel, Rect
from installation.showing.type.fonts import CAP_HEIGHT, Fonts
from installation.showing.type.typesetting import ScreenContext

NAME_SIZE = 34
"""The font size of the names, px per em at 1080p."""

ROW = 1.34
"""The distance between baselines relative to the font size."""

NAME_GAP = 0.6
"""The space between two names of a row, relative to the font size."""

LETTER = 0.52
"""The width of a bar per letter of the hidden name, relative to the font size."""

BAR_SHARE = 0.6
"""The height of a bar relative to the font size."""

DRIFT_PX_S = 14
"""The speed at which the list scrolls up, px/s at 1080p: a row every three seconds, slow enough to
read. The list moves in steps of 1 px at 1080p, so that a larger screen need not be painted more
often.
"""

LIT_S = 3.0
"""How long each name is highlighted, s."""

LIT_ROWS = 4
"""The number of rows that are searched for a name to highlight, because a row may have only bars.
"""

NAME_COLOUR: Colour = (150, 150, 150)
BAR_COLOUR: Colour = (96, 96, 96)


@dataclass(frozen=True)
class _Row:
    """One row of the list; `items` are its names from the left, as in `LabelSet.listing`."""

    items: tuple[str | int, ...]
    xs: tuple[int, ...]
    """The left edges of the names or bars, px."""
    widths: tuple[int, ...]


class _Rows:
    """The rows of one list, each `width` px wide.

    Each row begins with the item after the last item of the previous row.
    `listing` has the names as in `LabelSet.listing`, `size` is the font size, px per em, and
    `start` is the index in `listing` of the first row's first name.
    """

    def __init__(
        self, fonts: Fonts, listing: Sequence[str | int], size: int, width: int, start: int
    ) -> None:
        self._fonts = fonts
        self._listing = listing
        self._size = size
        self._width = width
        self._start = start
        self._restart()

    def _restart(self) -> None:
        self._next = self._start
        self._first = 0
        self._kept: list[_Row] = []

    def take(self, first: int, count: int) -> list[_Row]:
        """Return `count` rows from the row number `first` on, and drop all earlier rows."""
        if first < self._first:
            self._restart()
        while self._first + len(self._kept) < first + count:
            self._kept.append(self._set_next())
            if self._first < first:
                del self._kept[0]
                self._first += 1
        del self._kept[: first - self._first]
        self._first = first
        return self._kept[:count]

    def _set_next(self) -> _Row:
        items: list[str | int] = []
        xs: list[int] = []
        widths: list[int] = []
        x = 0
        while True:
            item = self._listing[self._next % len(self._listing)]
            width = self._width_of(item)
            if items and x + width > self._width:
                return _Row(tuple(items), tuple(xs), tuple(widths))
            items.append(item)
            xs.append(x)
            widths.append(width)
            x += width + round(NAME_GAP * self._size)
            self._next += 1

    def _width_of(self, item: str | int) -> int:
        if isinstance(item, str):
            return self._fonts.extent(item, self._size).width
        return min(self._width, round(LETTER * self._size * item))


@lru_cache(maxsize=2)
def _rows(fonts: Fonts, listing: tuple[str | int, ...], size: int, width: int, start: int) -> _Rows:
    return _Rows(fonts, listing, size, width, start)


def list_panels(
    context: ScreenContext,
    listing: tuple[str | int, ...],
    room: Rect,
    since: float,
    now: float,
) -> list[Panel]:
    """Return the rows of `listing` that are entirely in `room` at `now`.

    `since` is the instant at which the screen became idle (both s, monotonic). The first name of
    the list depends on `since`, so that passers-by do not always see the same names.
    """
    if not listing:
        return []
    size = context.px(NAME_SIZE)
    row_px = round(ROW * size)
    start = int(since * 1000) % len(listing)
    rows = _rows(context.fonts, listing, size, room.width, start)
    speed, step = context.px(DRIFT_PX_S), context.px(1)
    first, shift = divmod(step * round(speed * (now - since) / step), row_px)
    count = math.ceil((room.height + shift) / row_px)
    period = int((now - since) / LIT_S)
    turn = period * 5 % max(1, room.height // row_px - LIT_ROWS - 2)
    from_row = round(speed * period * LIT_S) // row_px + 2 + turn
    ahead = rows.take(first, max(count, from_row - first + LIT_ROWS))
    lit_row, lit_item = _lit(ahead, from_row - first, period)
    visible = ahead[:count]
    return [
        _panel(
            row,
            size,
            Rect(room.x, room.y + number * row_px - shift, room.width, row_px),
            lit_item if number == lit_row else None,
        )
        for number, row in enumerate(visible)
        if shift <= number * row_px <= room.height + shift - row_px
    ]


def _lit(rows: Sequence[_Row], start: int, period: int) -> tuple[int, int | None]:
    """Return the index of the row with the highlighted name, and the index of the name in the row.

    The row is the first one with a name among the `LIT_ROWS` rows from `start` on. If none of these
    rows has a name, the result is `start` and None. `period` says how many times `LIT_S` has
    passed. If the row has several names, `period` selects one of them.
    """
    for number in range(start, start + LIT_ROWS):
        items = rows[number].items
        names = [place for place, item in enumerate(items) if isinstance(item, str)]
        if names:
            return number, names[period % len(names)]
    return start, None


def _panel(row: _Row, size: int, rect: Rect, lit: int | None) -> Panel:
    """Return `row` as a panel at `rect`, with text of `size` px per em.

    The name at the index `lit` is highlighted.
    """
    baseline = round(CAP_HEIGHT * size + (rect.height - CAP_HEIGHT * size) / 2)
    bar_height = round(BAR_SHARE * size)
    bar_y = baseline - round((CAP_HEIGHT * size + bar_height) / 2)
    lines, bars = [], []
    for place, (item, x, width) in enumerate(zip(row.items, row.xs, row.widths, strict=True)):
        if isinstance(item, str):
            colour = GREEN if place == lit else NAME_COLOUR
            lines.append(Line(item, size, colour, x, baseline))
        else:
            bars.append(Bar(Rect(x, bar_y, width, bar_height), BAR_COLOUR))
    return Panel(rect, ON_BLACK, tuple(lines), tuple(bars))
