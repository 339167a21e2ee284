"""Typesetting: paragraphs broken into lines and set on panels.

Lines are broken one after the other, each as long as it can be; then the width is reduced as far as
that adds no line, which makes them even. No word is hyphenated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from installation.showing.scene import Background, Colour, Line, Panel, Rect, Size
from installation.showing.type.drawable_text import clean, is_right_to_left
from installation.showing.type.fonts import Fonts
from installation.showing.words import Words

Measure = Callable[[str], int]
"""Returns the width of a line of text, px."""

LEADING = 1.24
"""From baseline to baseline over the size; close, which the heavy weight of the type allows."""

_CLOSING = "、。，．・：；？！）」』】〕〉》”’…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
"""Never first on a line."""
_OPENING = "（「『【〔〈《“‘"
"""Never last on a line."""
_SET_APART = "?!:;»"
"""Stays on the line of the word before it, although French puts a space between them."""


@dataclass(frozen=True)
class ScreenContext:
    """The words, the fonts and the screen's size (px), which all scenes of a show share."""

    words: Words
    fonts: Fonts
    size: Size

    @property
    def screen(self) -> Rect:
        """The whole screen."""
        return Rect(0, 0, *self.size)

    def px(self, length: float) -> int:
        """Return `length`, in px of a screen of 1080 px on its short side, in px of this screen."""
        return max(1, round(length * min(self.size) / 1080))


@dataclass(frozen=True)
class Paragraph:
    """A text to be set in one size and colour."""

    text: str
    size: int
    """px per em."""
    colour: Colour
    space_above: int = 0
    """Room between it and the paragraph before it, px."""
    leading: float = LEADING
    """From baseline to baseline, over the size."""


def wrap(text: str, max_width: int, measure: Measure) -> tuple[str, ...]:
    """Return `text` in lines of at most `max_width` px, as few as possible.

    Lines break at spaces, between East Asian characters, and inside a word that alone is too wide.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if measure((line + piece).rstrip()) <= max_width:
            line += piece
            continue
        if line.strip():
            lines.append(line.strip())
        line = piece
        while measure(line.rstrip()) > max_width and len(line) > 1:
            end = _fitting_length(line, max_width, measure)
            lines.append(line[:end])
            line = line[end:]
    if line.strip():
        lines.append(line.strip())
    return tuple(lines)


def balance(text: str, max_width: int, measure: Measure) -> tuple[str, ...]:
    """Return `text` in as few lines as `wrap`, but as even in length as possible.

    No word is broken that fits into `max_width`.
    """
    lines = wrap(text, max_width, measure)
    low, high = min(max_width, least_width(text, measure)), max_width
    while low < high:
        middle = (low + high) // 2
        if len(wrap(text, middle, measure)) <= len(lines):
            high = middle
        else:
            low = middle + 1
    return wrap(text, high, measure) if len(lines) > 1 else lines


def least_width(text: str, measure: Measure) -> int:
    """Return the least width in which no word of `text` has to be broken, px."""
    return max((measure(piece.rstrip()) for piece in _pieces(text)), default=0)


def _fitting_length(word: str, max_width: int, measure: Measure) -> int:
    """Return how many characters of `word` fit into `max_width`; at least one, with its marks."""
    end = 1
    while end < len(word) and measure(word[: end + 1]) <= max_width:
        end += 1
    while end < len(word) and unicodedata.category(word[end])[0] == "M":
        end += 1
    return end


def _pieces(text: str) -> list[str]:
    """Return `text` cut wherever a line may break; a space stays with the word before it."""
    pieces: list[str] = []
    for letter in text:
        last = pieces[-1][-1] if pieces else ""
        wide = any(unicodedata.east_asian_width(each) in "WF" for each in (last, letter) if each)
        after_space = last == " " and letter not in _SET_APART and not pieces[-1].endswith("« ")
        breaks = after_space or (wide and letter not in _CLOSING and last not in _OPENING)
        if pieces and (letter == " " or not breaks):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def set_panel(
    fonts: Fonts,
    paragraphs: Sequence[Paragraph],
    max_width: int,
    pad: int,
    background: Background | None,
) -> Panel:
    """Return a panel at 0, 0 with `paragraphs` one below the other, as small as they allow.

    Right-to-left text is set flush right. The panel is kept while its text is on the screen.

    Args:
        fonts: The fonts, which also keep the panel.
        paragraphs: From top to bottom.
        max_width: Of a line, px.
        pad: The room around the type, px.
        background: None for type on the bare picture.
    """
    key = (tuple(paragraphs), max_width, pad, background)
    kept = fonts.panels.get(tuple(paragraph.text for paragraph in paragraphs), dict)
    if key not in kept:
        kept[key] = _set_panel(fonts, *key)
    return kept[key]


def width_at(fonts: Fonts, size: int) -> Measure:
    """Return the function that measures a line of type of `size` px per em."""
    return lambda line: fonts.extent(line, size).width


def _set_panel(
    fonts: Fonts,
    paragraphs: tuple[Paragraph, ...],
    max_width: int,
    pad: int,
    background: Background | None,
) -> Panel:
    rows: list[tuple[str, Paragraph, int, bool]] = []
    y, descent = pad, 0
    for paragraph in paragraphs:
        text = clean(paragraph.text)
        flush_right = is_right_to_left(text)
        lines = balance(text, max_width, width_at(fonts, paragraph.size))
        for number, line in enumerate(lines):
            extent = fonts.extent(line, paragraph.size)
            if number:
                leading = round(paragraph.leading * paragraph.size)
                y += max(leading, descent + extent.ascent + paragraph.size // 12)
            else:
                y += extent.ascent + (paragraph.space_above + descent if rows else 0)
            descent = extent.descent
            rows.append((line, paragraph, y, flush_right))
    widths = [fonts.extent(line, paragraph.size).width for line, paragraph, _, _ in rows]
    width = max(widths, default=0)
    placed = tuple(
        Line(
            line,
            paragraph.size,
            paragraph.colour,
            pad + (width - own_width if flush_right else 0),
            baseline,
        )
        for (line, paragraph, baseline, flush_right), own_width in zip(rows, widths, strict=True)
    )
    return Panel(Rect(0, 0, width + 2 * pad, y + max(descent, pad)), background, placed)
