"""The tag on a square: a name, which is the more prominent the more evidence it has.

While a name is being chosen, the letters are green on black, and each candidate has a question
mark. When the name has been chosen, its letters become white, and a part of the tag behind them
becomes green. This part begins at the name's first letter, and its share of the tag's width equals
the score. A name that is taken back is struck through. Rejected: a green band below the name. All
letters then stay on black, and a name with a score of 90 (of 100) is hardly more prominent than a
name with a score of 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from installation.showing.scene import (
    GREEN,
    ON_BLACK,
    WHITE,
    Bar,
    Line,
    Panel,
    Rect,
    Visitor,
)
from installation.showing.scenes.captions import RUNNERS_UP, fills_from_right
from installation.showing.type.scripts import script_of
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

TAG_SIZES = (96, 84, 72, 60, 50, 42)
"""The font sizes of the tag, px per em at 1080p; the largest in which the name has room is used."""

TAG_SHARE = 0.24
"""The largest font size of the tag relative to the side of the square."""

MOST_LINES = 4
"""The largest number of lines of a name. If a name needs more lines even in the smallest font size,
only the square is shown, without the name.
"""

PANEL_SHARE = 2
"""The largest width of a tag or a caption relative to the side of its square."""

PAD = 18
"""The space around the text of a tag, px at 1080p."""

SMALL_PAD = 8
"""The space around the text of a tag if the font size is at most `SMALL_TAG_SIZE`, px at 1080p.

With 8 px, 77 of 100 visitors in random crowds have a tag; with 12 px, only 71 have one.
"""

SMALL_TAG_SIZE = 50
"""The largest font size of a small tag, px per em at 1080p. Its text is surrounded by `SMALL_PAD`,
and the text of a larger tag by `PAD`.
"""

QUESTIONS = {"es": "¿{}?", "fr": "{}\u00a0?"}
"""The form of a question in languages that need more than a question mark after the name."""

QUESTION_SCRIPTS = frozenset({"Cyrl", "Hebr", "Latn"})
"""The scripts that use the question mark '?'. Other scripts use a different one (Arabic, Greek) or
none (Thai).
"""

STRIKE = 0.1
"""The thickness of the line that strikes through a name, relative to the font size."""

STRIKE_RISE = 0.28
"""How far the line that strikes through a name is above the baseline, relative to the font size."""


def tag_panels(
    context: ScreenContext, visitor: Visitor, max_width: int, *, is_crowd: bool = False
) -> Iterator[tuple[Panel, int]]:
    """Yield the tags that `visitor` may have, each with its font size, px per em at 1080p.

    Tags with fewer lines come first, and of those with equally many lines, the larger ones. In the
    smallest font size, words of a known language may be hyphenated. No tag is wider than
    `max_width`, px, or than `PANEL_SHARE` times the square. For a countdown, tags with the long
    text (`countdown`) come before tags with the short one (`brief_countdown`). If `is_crowd`, the
    short text is only the number, and tags with the long text are not wider than the square.
    Nothing is yielded if there is no name, or no space for it.
    """
    shown = visitor.shown
    if not shown.name:
        return
    widest = min(max_width, PANEL_SHARE * visitor.square.width)
    long_widest = min(widest, visitor.square.width) if is_crowd else widest
    match shown.stage:
        case "announced":
            brief = "{seconds}" if is_crowd else context.words.brief_countdown
            texts = [
                (context.words.countdown.format(seconds=shown.name), long_widest),
                (brief.format(seconds=shown.name), widest),
            ]
        case "reading":
            texts = [(as_question(shown.name, context.label_language), widest)]
        case _:
            texts = [(shown.name, widest)]
    for text, width in texts:
        yield from _panels_of(context, visitor, text, width)


def _panels_of(
    context: ScreenContext, visitor: Visitor, text: str, max_width: int
) -> Iterator[tuple[Panel, int]]:
    """Yield the tags with `text`, at most `max_width` px wide, in all possible font sizes."""
    largest = TAG_SHARE * visitor.square.width
    broken: list[tuple[Panel, int]] = []
    for size in [s for s in TAG_SIZES if context.px(s) <= largest] or [TAG_SIZES[-1]]:
        pad = context.px(PAD if size > SMALL_TAG_SIZE else SMALL_PAD)
        name = Paragraph(
            text, context.px(size), GREEN, leading=1.1, language=context.label_language
        )
        least_px = least_width(context.fonts, name)
        is_torn = least_px > max_width - 2 * pad
        if is_torn and not (name.language and size == TAG_SIZES[-1]):
            continue
        panel = set_panel(context.fonts, [name], max_width - 2 * pad, pad, ON_BLACK)
        if len(panel.lines) == 1:
            yield _marked(context, visitor, panel), size
        elif len(panel.lines) <= MOST_LINES:
            broken.append((_marked(context, visitor, panel), size))
        if size == TAG_SIZES[-1] and not is_torn and " " in text:
            for width in (_two_lines_width(context, name), least_px):
                narrow = set_panel(context.fonts, [name], width, pad, ON_BLACK)
                if narrow.rect.width < panel.rect.width and len(narrow.lines) <= MOST_LINES:
                    broken.append((_marked(context, visitor, narrow), size))
    yield from sorted(broken, key=lambda each: len(each[0].lines))


def _two_lines_width(context: ScreenContext, name: Paragraph) -> int:
    """Return the least width in which `name` fits on two lines, px; `name` must contain a space."""
    words = name.text.split(" ")
    halves = ((words[:split], words[split:]) for split in range(1, len(words)))
    return min(
        max(context.fonts.extent(" ".join(half), name.size).width for half in both)
        for both in halves
    )


def as_question(name: str, language: str) -> str:
    """Return `name` as a question; unchanged if one of its scripts lacks the question mark '?'."""
    if {script_of(letter) for letter in name} - {""} - QUESTION_SCRIPTS:
        return name
    return QUESTIONS.get(language, "{}?").format(name)


def _marked(context: ScreenContext, visitor: Visitor, panel: Panel) -> Panel:
    """Return `panel`, partly green if the name is chosen, or struck through if it is taken back.

    The green part's share of the panel's width equals the name's score.
    """
    shown = visitor.shown
    match shown.stage:
        case "named" if shown.verdict is not None:
            own = shown.verdict.shares(RUNNERS_UP).own
            return replace(
                panel,
                lines=tuple(replace(line, colour=WHITE) for line in panel.lines),
                filled_px=round(panel.rect.width * own / 100),
                fills_from_right=fills_from_right(shown.verdict),
            )
        case "withdrawn":
            strikes = tuple(_strike(context, panel, line) for line in panel.lines)
            return replace(panel, strikes=strikes)
        case _:
            return panel


def _strike(context: ScreenContext, panel: Panel, line: Line) -> Bar:
    """Return the bar that strikes through `line`; it is a little longer than the line."""
    thickness = max(2, round(STRIKE * line.size))
    y = line.baseline - round(STRIKE_RISE * line.size) - thickness // 2
    width = context.fonts.extent(line.text, line.size, line.levels).width
    reach = line.size // 8
    x = max(0, line.x - reach)
    right = min(panel.rect.width, line.x + width + reach)
    return Bar(Rect(x, y, right - x, thickness), WHITE)
