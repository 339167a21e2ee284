"""Setting type: texts broken into lines and put on panels."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from installation.showing.drawable_text import clean, is_right_to_left
from installation.showing.fonts import Fonts
from installation.showing.scene import Colour, Line, Panel, Paper, Rect, Size
from installation.showing.words import Words

Width = Callable[[str], int]
"""Returns what a line of text takes, px."""

LEADING = 1.24
"""From baseline to baseline over the size; tight, as one weight of a bold type bears it."""

_CLOSING = "、。，．・：；？！）」』】〕〉》”’…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_OPENING = "（「『【〔〈《“‘"
_SPACED = "?!:;»"
"""What French sets apart from the word before it by a space, on the same line."""


@dataclass(frozen=True)
class ScreenContext:
    """What every scene of a show has in common: its words, its fonts and the screen's size, px."""

    words: Words
    fonts: Fonts
    size: Size

    @property
    def screen(self) -> Rect:
        """The whole screen."""
        return Rect(0, 0, *self.size)

    def px(self, length: float) -> int:
        """Return `length`, given in px of a screen of 1080 px on its short side, on this one."""
        return max(1, round(length * min(self.size) / 1080))


@dataclass(frozen=True)
class Text:
    """A paragraph: its size in px per em, its colour, and the room above it, px.

    `leading` is from baseline to baseline, over the size.
    """

    text: str
    size: int
    colour: Colour
    above: int = 0
    leading: float = LEADING


def wrap(text: str, width: int, measure: Width) -> tuple[str, ...]:
    """Return `text` in lines of at most `width` px, as few as there can be.

    Lines break at spaces, between East Asian characters, and inside a word that alone is too wide.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if measure((line + piece).rstrip()) <= width:
            line += piece
            continue
        if line.strip():
            lines.append(line.strip())
        line = piece
        while measure(line.rstrip()) > width and len(line) > 1:
            end = _fitting(line, width, measure)
            lines.append(line[:end])
            line = line[end:]
    if line.strip():
        lines.append(line.strip())
    return tuple(lines)


def balance(text: str, width: int, measure: Width) -> tuple[str, ...]:
    """Return `text` in as few lines as `wrap`, but as even in length as they can be.

    No word is broken that fits into `width`.
    """
    lines = wrap(text, width, measure)
    low, high = min(width, widest(text, measure)), width
    while low < high:
        middle = (low + high) // 2
        if len(wrap(text, middle, measure)) <= len(lines):
            high = middle
        else:
            low = middle + 1
    return wrap(text, high, measure) if len(lines) > 1 else lines


def widest(text: str, measure: Width) -> int:
    """Return the least width in which no word of `text` has to be broken, px."""
    return max((measure(piece.rstrip()) for piece in _pieces(text)), default=0)


def _fitting(word: str, width: int, measure: Width) -> int:
    """Return how many characters of `word` fit into `width`, one at least, no mark cut off."""
    end = 1
    while end < len(word) and measure(word[: end + 1]) <= width:
        end += 1
    while end < len(word) and unicodedata.category(word[end])[0] == "M":
        end += 1
    return end


def _pieces(text: str) -> list[str]:
    """Return `text` cut wherever a line may break; a space stays with what is before it."""
    pieces: list[str] = []
    for letter in text:
        before = pieces[-1][-1] if pieces else ""
        wide = any(unicodedata.east_asian_width(each) in "WF" for each in (before, letter) if each)
        spaced = before == " " and letter not in _SPACED and not pieces[-1].endswith("« ")
        apart = spaced or (wide and letter not in _CLOSING and before not in _OPENING)
        if pieces and (letter == " " or not apart):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def set_panel(
    fonts: Fonts,
    texts: Sequence[Text],
    measure: int,
    pad: int,
    paper: Paper | None,
) -> Panel:
    """Return `texts` one below the other on a panel at 0, 0 that is as small as they allow.

    `measure` is the longest line, px; `pad` the room around the type. Right-to-left text is set
    flush right.
    """
    key = (tuple(texts), measure, pad, paper)
    kept = fonts.panels.get(tuple(text.text for text in texts), dict)
    if key not in kept:
        kept[key] = _set_panel(fonts, *key)
    return kept[key]


def width_at(fonts: Fonts, size: int) -> Width:
    """Return what measures a line of type of `size` px per em."""
    return lambda line: fonts.extent(line, size).width


def _set_panel(
    fonts: Fonts, texts: tuple[Text, ...], measure: int, pad: int, paper: Paper | None
) -> Panel:
    rows: list[tuple[str, Text, int, bool]] = []
    y, drop = pad, 0
    for text in texts:
        content = clean(text.text)
        flush_right = is_right_to_left(content)
        for index, line in enumerate(balance(content, measure, width_at(fonts, text.size))):
            extent = fonts.extent(line, text.size)
            if index:
                y += max(round(text.leading * text.size), drop + extent.ascent + text.size // 12)
            else:
                y += extent.ascent + (text.above + drop if rows else 0)
            drop = extent.descent
            rows.append((line, text, y, flush_right))
    widths = [fonts.extent(line, text.size).width for line, text, _, _ in rows]
    width = max(widths, default=0)
    lines = tuple(
        Line(line, text.size, text.colour, pad + (width - own if flush_right else 0), baseline)
        for (line, text, baseline, flush_right), own in zip(rows, widths, strict=True)
    )
    return Panel(Rect(0, 0, width + 2 * pad, y + max(drop, pad)), paper, lines)
