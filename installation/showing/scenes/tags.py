"""The tag on a square: a name, as prominent as its evidence.

The letters are green on black, and while a face is read, a question mark is after each candidate. A
verdict fills a share of the tag's width with green that equals the score: a band below the name. It
is empty again when the name is withdrawn and struck through. Rejected: green behind the letters.
One that lies on the end of the green is hard to read, above all for weak eyes: blurred with a
standard deviation of 6 px, "hornist" at 12 of 100 cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from installation.showing.scene import (
    GREEN,
    ON_BLACK,
    WHITE,
    Bar,
    Line,
    Panel,
    Rect,
    Shown,
    Visitor,
)
from installation.showing.scenes.captions import RUNNERS_UP
from installation.showing.type.scripts import script_of
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

TAG_SIZES = (96, 84, 72, 60, 50, 42)
"""The font sizes of the tag, px per em at 1080; the largest in which the name has room is used."""

TAG_SHARE = 0.24
"""The largest font size of the tag relative to the side of the square."""

MOST_LINES = 4
"""The largest number of lines of a name. If a name needs more lines even in the smallest type, only
the square is shown, without the name.
"""

PANEL_SHARE = 2
"""The largest width of a tag or a caption relative to the side of its square."""

PAD = 18
"""The space around the type of a tag, px at 1080."""

SMALL_PAD = 12
"""The space around the type of a tag in type of at most `SMALL_TAG_SIZE`, px at 1080."""

SMALL_TAG_SIZE = 50
"""The largest font size with which a tag has the smaller space around its type, px per em at 1080.
"""

QUESTIONS = {"es": "¿{}?", "fr": "{}\u00a0?"}
"""The form of a question in languages that need more than a question mark after the name."""

QUESTION_SCRIPTS = frozenset({"Cyrl", "Hebr", "Latn"})
"""The scripts that use the question mark '?'. Other scripts use a different one (Arabic, Greek) or
none (Thai).
"""

BAND = 0.28
BAND_SPACE = 0.12
"""The height of the green band below a name, and the least space between it and the letters, over
the font size.
"""

BORDER = 0.1
"""The thickness of the black around the band, over the font size; without it the green would touch
the picture, which may be light.
"""

STRIKE = 0.1
STRIKE_RISE = 0.28
"""The thickness of the line through a name, and its height above the baseline, relative to the font
size.
"""


def tag_panels(
    context: ScreenContext, visitor: Visitor, max_width: int
) -> Iterator[tuple[Panel, int]]:
    """Yield the tags that `visitor` may have, with the size of their type, px per em at 1080.

    Tags on one line come first, the largest first; in the smallest type, words of a known language
    may be hyphenated. None is wider than `max_width`, px, or than `PANEL_SHARE` times the square.
    Nothing is yielded if there is no name, or no space for it.
    """
    shown = visitor.shown
    if not shown.name:
        return
    max_width = min(max_width, PANEL_SHARE * visitor.square.width)
    largest = TAG_SHARE * visitor.square.width
    for text in _texts(context, shown):
        yield from _panels_of(context, visitor, text, max_width, largest)


def _panels_of(
    context: ScreenContext, visitor: Visitor, text: str, max_width: int, largest: float
) -> Iterator[tuple[Panel, int]]:
    """Yield the tags with `text`, in type of at most `largest` px, if that is not too small."""
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
            narrow = set_panel(context.fonts, [name], least_px, pad, ON_BLACK)
            if narrow != panel and len(narrow.lines) <= MOST_LINES:
                broken.append((_marked(context, visitor, narrow), size))
    yield from broken


def _texts(context: ScreenContext, shown: Shown) -> Sequence[str]:
    """Return the texts that the tag may have, the best first."""
    words = context.words
    match shown.stage:
        case "announced":
            long, brief = words.countdown, words.brief_countdown
            return long.format(seconds=shown.name), brief.format(seconds=shown.name)
        case "reading":
            return (as_question(shown.name, context.label_language),)
        case _:
            return (shown.name,)


def as_question(name: str, language: str) -> str:
    """Return `name` as a question; unchanged if one of its scripts lacks the question mark '?'."""
    if {script_of(letter) for letter in name} - {""} - QUESTION_SCRIPTS:
        return name
    return QUESTIONS.get(language, "{}?").format(name)


def _marked(context: ScreenContext, visitor: Visitor, panel: Panel) -> Panel:
    """Return `panel` with the band below its name, or struck through.

    A withdrawn name has the space for the band, too, so that the letters stay where they are.
    """
    shown = visitor.shown
    match shown.stage:
        case "named" if shown.verdict is not None:
            return _with_band(context, panel, shown.verdict.shares(RUNNERS_UP).own)
        case "withdrawn":
            strikes = tuple(_strike(context, panel, line) for line in panel.lines)
            return replace(_with_band(context, panel, 0), strikes=strikes)
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


def _with_band(context: ScreenContext, panel: Panel, score: int) -> Panel:
    """Return `panel`, higher by a band of which `score` hundredths of the width are green."""
    last = panel.lines[-1]
    height = round(BAND * last.size)
    border = max(1, round(BORDER * last.size))
    extent = context.fonts.extent(last.text, last.size, last.levels)
    y = last.baseline + extent.bottom + round(BAND_SPACE * last.size)
    rect = Rect(0, 0, panel.rect.width, y + height + border)
    green = round((rect.width - 2 * border) * score / 100)
    bars = (Bar(Rect(border, y, green, height), GREEN),) if green else ()
    return replace(panel, rect=rect, bars=bars)
