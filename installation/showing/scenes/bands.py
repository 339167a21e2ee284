"""The bands at the screen's edges: the notice at the top, the origin of the names at the foot.

They have the same places and sizes in every scene, so that nothing jumps between scenes. The
picture is between them, because a notice over the picture would cover faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from installation.seeing.presence.presence import GONE_S
from installation.showing.scene import GREY, ON_BLACK, WHITE, Line, Panel, Rect
from installation.showing.type.typesetting import Paragraph, ScreenContext, set_panel
from installation.showing.words import Words

MARGIN = 60
"""The distance from the left and right edges of the screen to the type, px at 1080."""

SAFE = 40
"""The distance from the upper and lower edges to the type, px at 1080: a display's overscan cuts
27.
"""

NOTICE_SIZE = 42
"""The font size of the notice, px per em at 1080: capitals of 15 mm on a screen of 43 inches."""

FOOT_SIZE = 34
"""The font size of the foot, px per em at 1080: capitals of 15 mm on a screen of 55 inches."""

SPACE = 18
"""The space between the type of a band and the picture, px at 1080."""

COLUMN_GAP = 36
LANGUAGE_GAP = 26
"""The least space between two columns, and above the second of two stacked languages, px at
1080.
"""


LINE_SPACE = 0.29
"""The space between two statements in one column, over the font size."""


@dataclass(frozen=True)
class Bands:
    """The notice and the foot of every scene, and the room for the picture between them."""

    notice: Panel
    foot: Panel
    room: Rect

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Both bands, the notice first."""
        return self.notice, self.foot


def bands(context: ScreenContext) -> Bands:
    """Return the bands of every scene on the screen of `context`."""
    width, height = context.size
    notice = _notice(context)
    foot = _foot(context)
    room = Rect(0, notice.rect.height, width, height - notice.rect.height - foot.rect.height)
    return Bands(notice, foot, room)


def _notice(context: ScreenContext) -> Panel:
    """Return the notice in each language: what happens here, and below it how not to be read."""
    size, space = context.px(NOTICE_SIZE), context.px(LINE_SPACE * NOTICE_SIZE)
    columns = [
        [
            Paragraph(words.notice, size, WHITE),
            Paragraph(words.way_out.format(seconds=GONE_S), size, WHITE, space),
        ]
        for words in context.languages
    ]
    lines, height = _set(context, [columns], context.px(SAFE))
    rect = Rect(0, 0, context.size[0], context.px(SAFE) + height + context.px(SPACE))
    return Panel(rect, ON_BLACK, lines)


def _foot(context: ScreenContext) -> Panel:
    """Return the foot in each language: the origin of the names, and what happens to pictures."""
    size = context.px(FOOT_SIZE)
    rows = [
        [[Paragraph(text, size, GREY)] for text in (_origin(context, words), words.privacy) if text]
        for words in context.languages
    ]
    lines, text_height = _set(context, rows, context.px(SPACE))
    height = context.px(SPACE) + text_height + context.px(SAFE)
    return Panel(Rect(0, context.size[1] - height, context.size[0], height), ON_BLACK, lines)


def _origin(context: ScreenContext, words: Words) -> str:
    """Return who wrote the names, and how many are used; empty before they are loaded."""
    label_set = context.label_set
    if label_set is None:
        return ""
    return words.names.format(
        credit=label_set.settings.credit_in(words.code),
        used=words.number(len(label_set.labels)),
        all=words.number(label_set.size),
    )


def _set(
    context: ScreenContext, rows: Sequence[Sequence[Sequence[Paragraph]]], top: int
) -> tuple[tuple[Line, ...], int]:
    """Return the lines of `rows` of columns of paragraphs, and their height, px.

    The first line has its upper edge at `top`. The last column is flush right. If the columns of
    any row do not fit side by side, the columns of all rows are stacked.
    """
    left = context.px(MARGIN)
    width = context.size[0] - 2 * left
    set_rows = [
        [set_panel(context.fonts, column, width, 0, None) for column in row] for row in rows
    ]
    least_gap = context.px(COLUMN_GAP)
    fits = all(
        sum(panel.rect.width for panel in row) + (len(row) - 1) * least_gap <= width
        for row in set_rows
    )
    lines: list[Line] = []
    y = top
    for number, row in enumerate(set_rows):
        if number:
            y += context.px(LINE_SPACE * FOOT_SIZE if fits else LANGUAGE_GAP)
        for column, panel in enumerate(row):
            is_right = fits and column and column == len(row) - 1
            x = left + (width - panel.rect.width if is_right else 0)
            if not fits and column:
                y += context.px(LANGUAGE_GAP if len(rows) == 1 else LINE_SPACE * FOOT_SIZE)
            lines += [
                replace(line, x=x + line.x, baseline=y + line.baseline) for line in panel.lines
            ]
            y += 0 if fits else panel.rect.height
        y += max((panel.rect.height for panel in row), default=0) if fits else 0
    return tuple(lines), y - top
