"""Typesetting: breaks paragraphs into lines and sets them on panels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from installation.showing.scene import Background, Colour, Line, Panel, Rect, Size
from installation.showing.type import line_fitting
from installation.showing.type.direction import is_right_to_left, levels
from installation.showing.type.drawable_text import clean
from installation.showing.type.expiring_cache import remembered
from installation.showing.type.fonts import Extent, Fonts
from installation.showing.words import Words

if TYPE_CHECKING:
    from installation.naming.label_set.label_set import LabelSet

LEADING = 1.24
"""The distance between baselines relative to the font size; sufficient for bold type."""

HYPHEN = "-"

MOST_PANELS = 256
"""The largest number of panels with the same text that are cached, in different sizes. In a crowd
of 32, in which all tags have the same text, a search for room needs up to 224.
"""


LEAST_OF_DIAGONAL = 0.8
"""The least size of lengths and letters, as a share of their size on a 16 : 9 screen with the same
diagonal. So the notice's capitals are at least 15 mm high on any screen of 55 inches.
"""


@dataclass(frozen=True, eq=False)
class ScreenContext:
    """The words, the fonts and the screen's size (px), which all scenes of a show share.

    Two contexts are equal only if they are the same object, so that a context can be the key
    of a cached layout.
    """

    words: Words
    fonts: Fonts
    size: Size
    label_language: str = ""
    """The code of the language by whose patterns the labels are hyphenated; empty if it is unknown.
    """
    second: Words | None = None
    """The words of the second language, if the show has two."""
    label_set: LabelSet | None = None
    """The label set in use; None until it is loaded."""
    idle: Literal["list", "mirror"] = "list"
    """What the screen shows while nobody is in front of it."""

    @property
    def languages(self) -> tuple[Words, ...]:
        """The words of each language of the show."""
        return (self.words,) if self.second is None else (self.words, self.second)

    @property
    def screen(self) -> Rect:
        """The rectangle of the whole screen."""
        return Rect(0, 0, *self.size)

    def px(self, length: float) -> int:
        """Return `length` (px at 1080p) in px of this screen; the result is at least 1.

        The scale is the larger of two: that of the largest 16 : 9 screen that fits into this one,
        and `LEAST_OF_DIAGONAL` times that of a 16 : 9 screen with the same diagonal. The result is
        rounded up, so that no type is too small.
        """
        return max(1, math.ceil(round(length * self._scale, 6)))

    @cached_property
    def _scale(self) -> float:
        shorter, longer = sorted(self.size)
        fitting = min(shorter / 1080, longer / 1920)
        by_diagonal = math.hypot(shorter, longer) / math.hypot(1080, 1920)
        return max(fitting, LEAST_OF_DIAGONAL * by_diagonal)


@dataclass(frozen=True)
class Paragraph:
    """A text to be set in one size and colour."""

    text: str
    size: int
    """The font size, px per em."""
    colour: Colour
    space_above: int = 0
    """The space between this paragraph and the previous one, px."""
    leading: float = LEADING
    """The distance between baselines relative to the font size."""
    language: str = ""
    """The code of the language whose hyphenation patterns are used; empty for no hyphenation."""


@dataclass(frozen=True)
class TextLine:
    """One line of a paragraph, with the same attributes as `Line`."""

    text: str
    levels: bytes
    extent: Extent


class LazyPanels:
    """Panels that are typeset when they are first needed, and then kept."""

    def __init__(self, coming: Iterator[Panel]) -> None:
        self._coming = coming
        self._kept: list[Panel] = []

    def __iter__(self) -> Iterator[Panel]:
        yield from self._kept
        while self.typeset_next():
            yield self._kept[-1]

    def typeset_next(self) -> bool:
        """Typeset the next panel; return whether there was one left."""
        panel = next(self._coming, None)
        if panel is not None:
            self._kept.append(panel)
        return panel is not None


def break_lines(fonts: Fonts, paragraph: Paragraph, max_width: int) -> list[TextLine]:
    """Return the lines of `paragraph`: as few as fit `max_width` px, and as even as possible.

    A word is hyphenated only by the patterns of the paragraph's language. It is broken without a
    hyphen only if it is wider than `max_width`.
    """
    text, size = clean(paragraph.text), paragraph.size
    text_levels = levels(text)
    advances = [advance * size for advance in fonts.advances(text, text_levels)]
    hyphen = fonts.extent(HYPHEN, size).width
    width: float = max_width
    while True:
        spans = line_fitting.fit(text, advances, width, hyphen, paragraph.language)
        lines = [_text_line(fonts, text, text_levels, span, size) for span in spans]
        widest = max((line.extent.width for line in lines), default=0)
        # At the ends of a line, letters may have other forms and distances than in the whole
        # paragraph, so a line may be too wide. A single letter may be wider than all lines.
        if widest <= max_width or width <= max_width / 2:
            return lines
        width = max(width - (widest - max_width), max_width / 2)


def least_width(fonts: Fonts, paragraph: Paragraph) -> int:
    """Return the least width in which no word of `paragraph` has to be broken, px."""

    def measured() -> float:
        text = clean(paragraph.text)
        return line_fitting.least_width(text, fonts.advances(text, levels(text)))

    return math.ceil(fonts.least_widths.get(paragraph.text, measured) * paragraph.size)


def _text_line(
    fonts: Fonts, text: str, text_levels: bytes, span: line_fitting.Span, size: int
) -> TextLine:
    line, line_levels = text[span.start : span.end], text_levels[span.start : span.end]
    if span.hyphen:
        line, line_levels = line + HYPHEN, line_levels + line_levels[-1:]
    return TextLine(line, line_levels, fonts.extent(line, size, line_levels))


def set_panel(
    fonts: Fonts,
    paragraphs: Sequence[Paragraph],
    max_width: int,
    pad: int,
    background: Background | None,
) -> Panel:
    """Return the smallest panel, at 0, 0, that has `paragraphs` one below the other.

    Right-to-left text is set flush right. The panel is cached while its text is on the screen.

    Args:
        fonts: The fonts, which also keep the panel.
        paragraphs: From top to bottom.
        max_width: The largest width of a line, px.
        pad: The space around the type, px.
        background: The background's colour and opacity; None for a transparent panel.
    """
    key = (tuple(paragraphs), max_width, pad, background)
    kept = fonts.panels.get(tuple(paragraph.text for paragraph in paragraphs), dict)
    return remembered(kept, key, lambda: _set_panel(fonts, *key), MOST_PANELS)


def _set_panel(
    fonts: Fonts,
    paragraphs: tuple[Paragraph, ...],
    max_width: int,
    pad: int,
    background: Background | None,
) -> Panel:
    rows: list[tuple[TextLine, Paragraph, int, bool]] = []
    y, descent = pad, 0
    for paragraph in paragraphs:
        flush_right = is_right_to_left(clean(paragraph.text))
        for number, line in enumerate(break_lines(fonts, paragraph, max_width)):
            extent = line.extent
            if number:
                leading = round(paragraph.leading * paragraph.size)
                above = max(extent.ascent + paragraph.size // 12, extent.top)
                y += max(leading, descent + above)
            else:
                y += extent.ascent + (paragraph.space_above + descent if rows else 0)
            descent = extent.descent
            rows.append((line, paragraph, y, flush_right))
    width = max((line.extent.width for line, _, _, _ in rows), default=0)
    placed = tuple(
        Line(
            line.text,
            paragraph.size,
            paragraph.colour,
            pad + (width - line.extent.width if flush_right else 0),
            baseline,
            line.levels,
        )
        for line, paragraph, baseline, flush_right in rows
    )
    return Panel(Rect(0, 0, width + 2 * pad, y + _room_below(rows, pad)), background, placed)


def _room_below(rows: Sequence[tuple[TextLine, Paragraph, int, bool]], pad: int) -> int:
    """Return the space below the last baseline, px: `pad`, or more if marks or letters need it.

    Letters such as g may extend into the space `pad`, but not as far as the edge of the panel,
    where they would touch the picture.
    """
    if not rows:
        return pad
    line, _, _, _ = rows[-1]
    return max(pad, line.extent.descent + pad // 3)
