"""The bands at the screen's edges: the notice at the top, and the statements at the foot.

The foot says that a name is a guess, where the names come from, and what happens to the pictures.
Both bands have the same positions and sizes in every scene, so that nothing jumps. The picture is
between them, because a notice on the picture would cover faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from installation.seeing.presence.presence import GONE_S
from installation.showing.scene import GREY, ON_BLACK, WHITE, Line, Panel, Rect
from installation.showing.type.typesetting import Paragraph, ScreenContext, set_panel
from installation.showing.words import Words

MARGIN = 60
"""The distance from the left and right edges of the screen to the text, px at 1080p."""

SAFE = 40
"""The distance from the upper and lower edges of the screen to the text, px at 1080p. A display
with overscan cuts off 27 px.
"""

NOTICE_SIZE = 42
"""The font size of the notice, px per em at 1080p: capitals of 15 mm on a screen of 43 inches."""

FOOT_SIZE = 34
"""The font size of the foot, px per em at 1080p: capitals of 15 mm on a screen of 55 inches."""

SPACE = 18
"""The space between the text of a band and the picture, px at 1080p."""

COLUMN_GAP = 60
"""The space between the columns of two languages, px at 1080p."""

LANGUAGE_GAP = 26
"""The space between two languages that are one below the other, px at 1080p."""

WIDE = 2
"""With two languages, the foot is shortened if the screen's width is more than this many times its
height. So the picture has enough room.

A shortened foot has the short sentence `promise`, after `guess`, instead of the sentence `privacy`.
If pictures could be stored, `promise` is empty, and the foot is not shortened.
"""

LINE_SPACE = 0.25
"""The space between two statements in one column, relative to the font size."""


@dataclass(frozen=True)
class Bands:
    """The notice and the foot of a scene, and the room between them, which is for the picture."""

    notice: Panel
    foot: Panel
    room: Rect

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Both bands, the notice first."""
        return self.notice, self.foot


@lru_cache(maxsize=2)
def bands(context: ScreenContext, *, guesses: bool = True, is_crowd: bool = False) -> Bands:
    """Return the notice and the foot, which have the same size and place in every scene.

    If `guesses` is true, the foot says that a name is a guess; otherwise, it says that no name on
    the screen is a guess. `is_crowd` means that there are so many visitors that some have squares
    without words. The foot then says why, if one of its lines has room for this remark.

    Two results are cached, those for the most recently used arguments, because a scene needs the
    same two for each frame.
    """
    width, height = context.size
    notice = _notice(context)
    feet = {stands: _foot(context, guesses=stands) for stands in (True, False)}
    foot_height = max(text_height for _, text_height in feet.values())
    foot_height += context.px(SPACE) + context.px(SAFE)
    foot_rect = Rect(0, height - foot_height, width, foot_height)
    foot_lines = feet[guesses][0]
    if is_crowd:
        foot_lines = _with_remarks(context, foot_lines)
    foot = Panel(foot_rect, ON_BLACK, foot_lines)
    room = Rect(0, notice.rect.height, width, height - notice.rect.height - foot_height)
    return Bands(notice, foot, room)


def _notice(context: ScreenContext) -> Panel:
    """Return the notice in each language, which says what happens here and how to avoid it."""
    size, space = context.px(NOTICE_SIZE), context.px(LINE_SPACE * NOTICE_SIZE)
    columns = [
        [
            Paragraph(words.notice, size, WHITE),
            Paragraph(words.way_out_in(GONE_S), size, WHITE, space),
        ]
        for words in context.languages
    ]
    top = context.px(SAFE)
    lines, height = _in_columns(context, columns, top)
    rect = Rect(0, 0, context.size[0], top + height + context.px(SPACE))
    return Panel(rect, ON_BLACK, lines)


def _foot(context: ScreenContext, *, guesses: bool) -> tuple[tuple[Line, ...], int]:
    """Return the lines of the foot in each language, and their height, px.

    It says that a name is a guess, who wrote the names, and what happens to pictures. Two languages
    are in two columns; on a screen that is higher than wide, one is below the other.
    """
    size, space = context.px(FOOT_SIZE), context.px(LINE_SPACE * FOOT_SIZE)
    width, height = context.size
    is_double = len(context.languages) > 1
    columns: list[list[Paragraph]] = []
    for words in context.languages:
        guess, origin = words.guess if guesses else words.no_guess, _origin(context, words)
        statements = [(guess, WHITE), (origin, GREY), (words.privacy, WHITE)]
        if is_double and width > WIDE * height and words.promise:
            statements = [(f"{guess} {words.promise}", WHITE), (origin, GREY)]
        columns.append(
            [
                Paragraph(text, size, colour, space if is_double and number else 0)
                for number, (text, colour) in enumerate(statements)
                if text
            ]
        )
    broken = [_broken(context, column) for column in columns]
    top = context.px(SPACE)
    if is_double:
        return _in_columns(context, broken, top)
    (only,), (parts,) = columns, broken
    spaced = [replace(each, space_above=space if each != only[0] else 0) for each in parts]
    return (
        _in_rows(context, [only], top)
        or _in_rows(context, [only[:-1], only[-1:]], top)
        or _stacked(context, [spaced], top)
    )


def _with_remarks(context: ScreenContext, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return `lines` of the foot, with a remark added in each language.

    The remark says why some squares have no name. In each language, it is at the end of the last
    line that has room for it. If no line in a language has room, it is left out there.
    """
    size, gap = context.px(FOOT_SIZE), context.px(COLUMN_GAP)
    left, column_px = context.px(MARGIN), _column_width(context)
    found = list(lines)
    for words in context.languages:
        own = f"{words.guess} {words.no_guess} {_origin(context, words)} {words.privacy}"
        width = context.fonts.extent(words.only_square, size).width
        for line in reversed([each for each in lines if each.text in own]):
            x = line.x + context.fonts.extent(line.text, line.size, line.levels).width + gap // 2
            column = left + (line.x - left) // (column_px + gap) * (column_px + gap)
            is_last = all(
                each.x <= line.x or each.x >= column + column_px
                for each in lines
                if each.baseline == line.baseline
            )
            if is_last and x + width <= column + column_px:
                found.append(Line(words.only_square, size, GREY, x, line.baseline))
                break
    return tuple(found)


def _broken(context: ScreenContext, paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """Return `paragraphs`; one that is wider than its column is broken after each sentence.

    It is not broken if one of its sentences is wider than the column too.
    """
    found: list[Paragraph] = []
    for each in paragraphs:
        parts = [replace(each, text=text) for text in each.text.replace(". ", ".\n").split("\n")]
        fits = [_is_one_line(context, part) for part in (each, *parts)]
        found += parts if not fits[0] and all(fits[1:]) else [each]
    return found


def _is_one_line(context: ScreenContext, paragraph: Paragraph) -> bool:
    """Return whether `paragraph` is one line in its column."""
    alone = replace(paragraph, space_above=0)
    return len(set_panel(context.fonts, [alone], _column_width(context), 0, None).lines) == 1


def _column_width(context: ScreenContext) -> int:
    """Return the width of a column, px; on a tall screen each language has the whole width."""
    width, height = context.size
    left, gap = context.px(MARGIN), context.px(COLUMN_GAP)
    count = 1 if height > width else len(context.languages)
    return (width - 2 * left - (count - 1) * gap) // count


def _origin(context: ScreenContext, words: Words) -> str:
    """Return the sentence that says who wrote the names and how many are used.

    It is empty if there is no label set yet.
    """
    label_set = context.label_set
    if label_set is None:
        return ""
    return words.names.format(
        credit=label_set.settings.credit_in(words.code),
        used=words.number(len(label_set.labels)),
        all=words.number(label_set.size),
    )


def _in_columns(
    context: ScreenContext, columns: Sequence[Sequence[Paragraph]], top: int
) -> tuple[tuple[Line, ...], int]:
    """Return the lines of all `columns`, and the height that they take together, px.

    The columns are side by side. They have the same width, and begin at `top`, px. On a tall
    screen, they are one below the other, and the first one begins at `top`.
    """
    width, height = context.size
    if height > width:
        return _stacked(context, columns, top)
    left, gap = context.px(MARGIN), context.px(COLUMN_GAP)
    column_width = _column_width(context)
    panels = [set_panel(context.fonts, column, column_width, 0, None) for column in columns]
    lines: list[Line] = []
    for number, panel in enumerate(panels):
        lines += _moved(panel, left + number * (column_width + gap), top)
    return tuple(lines), max(panel.rect.height for panel in panels)


def _in_rows(
    context: ScreenContext, rows: Sequence[Sequence[Paragraph]], top: int
) -> tuple[tuple[Line, ...], int] | None:
    """Return the lines of `rows`, and their height, px; None if a row is wider than the screen.

    The first line has its upper edge at `top`, px. If there is only one row, its last paragraph is
    flush right. If there are several rows, no paragraph is flush right: a paragraph at the right
    end of the first row would stand just above the end of the second row.
    """
    left, least_gap = context.px(MARGIN), context.px(COLUMN_GAP)
    width = context.size[0] - 2 * left
    lines: list[Line] = []
    y = top
    for number, row in enumerate(each for each in rows if each):
        panels = [set_panel(context.fonts, [each], width, 0, None) for each in row]
        free = width - sum(panel.rect.width for panel in panels)
        if free < (len(row) - 1) * least_gap or any(len(panel.lines) > 1 for panel in panels):
            return None
        y += context.px(LINE_SPACE * FOOT_SIZE) if number else 0
        x = left
        for column, panel in enumerate(panels, start=1):
            lines += _moved(panel, x, y)
            gap = free // (len(row) - 1) if len(rows) == 1 and column < len(row) else least_gap
            x += panel.rect.width + gap
        y += max(panel.rect.height for panel in panels)
    return tuple(lines), y - top


def _stacked(
    context: ScreenContext, groups: Sequence[Sequence[Paragraph]], top: int
) -> tuple[tuple[Line, ...], int]:
    """Return the lines of `groups` of paragraphs, one below the other, and their height, px.

    The first line has its upper edge at `top`, px.
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
