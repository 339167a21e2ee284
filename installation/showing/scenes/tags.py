"""The tag on a square: a name, as prominent as its evidence.

While a face is read, the letters are green on black, and a question mark is after each candidate. A
verdict fills a share of the tag's width with green that equals the score, and a withdrawn name is
struck through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from installation.showing.scene import GREEN, ON_BLACK, WHITE, Bar, Panel, Rect, Shown, Visitor
from installation.showing.scenes.captions import RUNNERS_UP
from installation.showing.type.scripts import script_of
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

TAG_SIZES = (96, 84, 72, 60, 50, 42)
"""The font sizes of the tag, px per em at 1080; the largest that suits the square and the name is
used.
"""

TAG_SHARE = 0.24
"""The largest font size of the tag relative to the side of the square."""

MOST_LINES = 4
"""The largest number of lines of a name; a name that needs more in the smallest type is not shown,
only the square.
"""

PANEL_SHARE = 2
"""The largest width of a tag or a caption relative to the side of its square."""

PAD = 18
SMALL_PAD = 12
"""The space around the type of a tag, and of one in small type, px at 1080."""
SMALL_TAG_SIZE = 50

QUESTIONS = {"es": "¿{}?", "fr": "{}\u00a0?"}
"""The form of a question in languages that need more than a question mark after the name."""

QUESTION_SCRIPTS = frozenset({"Cyrl", "Hebr", "Latn"})
"""The scripts with the question mark '?'. The others have different question marks (Arabic, Greek)
or none (Thai).
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
    text = _text(context, shown)
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


def _text(context: ScreenContext, shown: Shown) -> str:
    is_candidate = shown.stage == "reading"
    return as_question(shown.name, context.label_language) if is_candidate else shown.name


def as_question(name: str, language: str) -> str:
    """Return `name` as a question; unchanged if one of its scripts lacks the question mark '?'."""
    if {script_of(letter) for letter in name} - {""} - QUESTION_SCRIPTS:
        return name
    return QUESTIONS.get(language, "{}?").format(name)


def _marked(context: ScreenContext, visitor: Visitor, panel: Panel) -> Panel:
    """Return `panel`, filled in proportion to the evidence, or struck through."""
    shown = visitor.shown
    if shown.stage == "named" and shown.verdict is not None:
        own = shown.verdict.shares(RUNNERS_UP).own
        return replace(panel, filled_px=round(panel.rect.width * own / 100))
    if shown.stage == "withdrawn":
        strikes = []
        for line in panel.lines:
            thickness = max(2, round(STRIKE * line.size))
            y = line.baseline - round(STRIKE_RISE * line.size) - thickness // 2
            width = context.fonts.extent(line.text, line.size, line.levels).width
            reach = line.size // 8
            x = max(0, line.x - reach)
            right = min(panel.rect.width, line.x + width + reach)
            strikes.append(Bar(Rect(x, y, right - x, thickness), WHITE))
        return replace(panel, strikes=tuple(strikes))
    return panel
