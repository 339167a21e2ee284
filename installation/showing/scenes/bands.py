"""The bands at the screen's edges: the notice at the top, the guess and its names at the foot.

They have the same positions and sizes in every scene, so that nothing jumps between scenes. The
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
"""The space between two statements in one column, relative to the font size."""


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
    """Return the notice in each language: what happens here, and below it how to avoid it."""
    size, space = context.px(NOTICE_SIZE), context.px(LINE_SPACE * NOTICE_SIZE)
    columns = [
        [
            Paragraph(words.notice, size, WHITE),
            Paragraph(words.way_out.format(seconds=GONE_S), size, WHITE, space),
        ]
        for words in context.languages
    ]
    top = context.px(SAFE)
    lines, height = _side_by_side(context, [columns], top) or _stacked(context, columns, top)
    rect = Rect(0, 0, context.size[0], top + height + context.px(SPACE))
    return Panel(rect, ON_BLACK, lines)


def _foot(context: ScreenContext) -> Panel:
    """Return the foot in each language.

    It says that a name is a guess, who wrote the names, and what happens to pictures.
    """
    size, space = context.px(FOOT_SIZE), context.px(LINE_SPACE * FOOT_SIZE)
    statements = [
        [
            Paragraph(text, size, colour)
            for text, colour in (
                (words.guess, WHITE),
                (_origin(context, words), GREY),
                (words.privacy, WHITE),
            )
            if text
        ]
        for words in context.languages
    ]
    on_one_line = [[[each] for each in language] for language in statements]
    guesses_first = [
        [[language[0]] for language in statements],
        *([[each] for each in language[1:]] for language in statements),
    ]
    columns = [
        [language[0], *(replace(each, space_above=space) for each in language[1:])]
        for language in statements
    ]
    top = context.px(SPACE)
    lines, text_height = (
        _side_by_side(context, on_one_line, top)
        or (_side_by_side(context, [columns], top) if len(columns) > 1 else None)
        or _side_by_side(context, guesses_first, top)
        or _stacked(context, columns if len(columns) > 1 else on_one_line[0], top)
    )
    height = top + text_height + context.px(SAFE)
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


def _side_by_side(
    context: ScreenContext, rows: Sequence[Sequence[Sequence[Paragraph]]], top: int
) -> tuple[tuple[Line, ...], int] | None:
    """Return the lines of `rows`, and their height, px; a row is columns of paragraphs.

    The first line has its upper edge at `top`. The last column of a row is flush right. The result
    is None if the columns of any row do not fit side by side.
    """
    left, least_gap = context.px(MARGIN), context.px(COLUMN_GAP)
    width = context.size[0] - 2 * left
    lines: list[Line] = []
    y = top
    for number, row in enumerate(rows):
        panels = [set_panel(context.fonts, column, width, 0, None) for column in row]
        free = width - sum(panel.rect.width for panel in panels)
        if free < (len(row) - 1) * least_gap:
            return None
        y += context.px(LINE_SPACE * FOOT_SIZE) if number else 0
        x = left
        for column, panel in enumerate(panels, start=1):
            lines += _moved(panel, x, y)
            x += panel.rect.width + (free // (len(row) - 1) if column < len(row) else 0)
        y += max((panel.rect.height for panel in panels), default=0)
    return tuple(lines), y - top


def _stacked(
    context: ScreenContext, groups: Sequence[Sequence[Paragraph]], top: int
) -> tuple[tuple[Line, ...], int]:
    """Return the lines of `groups` of paragraphs, one below the other, and their height, px.

    The first line has its upper edge at `top`.
    """
    left = context.px(MARGIN)
    lines: list[Line] = []
    y = top
    for number, group in enumerate(groups):
        panel = set_panel(context.fonts, group, context.size[0] - 2 * left, 0, None)
        y += context.px(LANGUAGE_GAP) if number else 0
        lines += _moved(panel, left, y)
        y += panel.rect.height
    return tuple(lines), y - top


def _moved(panel: Panel, x: int, y: int) -> list[Line]:
    """Return the lines of `panel`, moved so that its upper left corner is at `x, y`."""
    return [replace(line, x=x + line.x, baseline=y + line.baseline) for line in panel.lines]
