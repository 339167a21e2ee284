"""Fits a paragraph into lines: as few as possible, and as even in length as possible.

All ways to break the paragraph are compared by the space that stays free in each line, as in TeX
(Knuth and Plass, Software: Practice and Experience 11, 1981). Rejected: filling one line after
another. A line then stays half empty if the next word is long. Narrowing all lines afterwards does
not correct this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from installation.showing.type.drawable_text import SOFT_HYPHEN, ZERO_WIDTH_SPACE
from installation.showing.type.line_breaks import Break, BreakKind, letter_breaks, line_breaks

LINE_COST = 10.0
"""The cost of each line. It is so high that no line is added only to make the lines more even. The
total cost of a line is `LINE_COST` + s² + the cost of its break, where s (0–1) is the share of the
line's width that stays free.
"""

BREAK_COSTS: dict[BreakKind, float] = {
    "space": 0.0,
    "soft hyphen": 0.02,
    "hyphen": 0.1,
    "letters": 5.0,
}
"""The cost of a break of each kind, chosen by eye. With these costs, a word is hyphenated if that
saves a line, or if it lowers the sum of s² over all lines by more than 0.1. Here s (0–1) is the
share of a line's width that stays free.
"""

SECOND_HYPHEN_COST = 0.1
"""The additional cost of a line that ends with a hyphen if the previous line ends with one too."""

OVERFULL_COST = 1000.0

_BLANK = " " + ZERO_WIDTH_SPACE
"""The characters that take no space at the end of a line."""


@dataclass(frozen=True)
class Span:
    """A line: the characters `start` to `end` of its paragraph, without spaces around them."""

    start: int
    end: int
    hyphen: bool
    """Whether a hyphen is drawn at the end."""


@dataclass(frozen=True)
class _Way:
    """The cheapest line breaks found for the beginning of a paragraph."""

    cost: float
    spans: tuple[Span, ...]


def fit(
    text: str,
    advances: Sequence[float],
    max_width: float,
    hyphen_width: float = 0.0,
    language: str = "",
) -> tuple[Span, ...]:
    """Return the lines of `text`; none is wider than `max_width` unless it is a single letter.

    Args:
        text: A paragraph, as `drawable_text.clean` returns it.
        advances: The width of each character, in any unit.
        max_width: The largest width of a line, in the unit of `advances`.
        hyphen_width: The width of a hyphen, in the unit of `advances`.
        language: The code of the language, as for `line_breaks`.
    """
    edges = [0.0, *accumulate(advances)]
    breaks = _breaks_that_fit(text, edges, max_width, hyphen_width, language)
    ways = {0: _Way(0.0, ())}
    for number, end in enumerate(breaks):
        best: _Way | None = None
        # The shortest line is tried first: if a line is too wide, all longer lines are too.
        for start in (*(each.index for each in breaks[:number][::-1]), 0):
            span = _span(text, start, end)
            room = max_width - (edges[span.end] - edges[span.start] + span.hyphen * hyphen_width)
            if room < 0 and best is not None:
                break
            before = ways[start]
            cost = before.cost + _cost(room / max_width, end, before.spans)
            if best is None or cost < best.cost:
                best = _Way(cost, (*before.spans, span))
        assert best is not None
        ways[end.index] = best
    return tuple(span for span in ways[len(text)].spans if span.end > span.start)


def least_width(text: str, advances: Sequence[float]) -> float:
    """Return the least width in which no word of `text` is hyphenated or broken."""
    edges = [0.0, *accumulate(advances)]
    start, widest = 0, 0.0
    for end in line_breaks(text):
        span = _span(text, start, end)
        widest = max(widest, edges[span.end] - edges[span.start])
        start = end.index
    return widest


def _breaks_that_fit(
    text: str, edges: Sequence[float], max_width: float, hyphen_width: float, language: str
) -> list[Break]:
    """Return the breaks of `text`; a word wider than `max_width` also has breaks between letters.

    `edges[n]` is the width of the first `n` characters of `text`. Text before a break that draws a
    hyphen is wider by `hyphen_width`.
    """
    breaks: list[Break] = []
    start = 0
    for end in line_breaks(text, language):
        span = _span(text, start, end)
        width = edges[span.end] - edges[span.start] + span.hyphen * hyphen_width
        if width > max_width:
            inside = letter_breaks(text[span.start : span.end])[:-1]
            breaks += [Break(span.start + each.index, each.kind) for each in inside]
        breaks.append(end)
        start = end.index
    return breaks


def _span(text: str, start: int, end: Break) -> Span:
    """Return the line between two breaks, without the blanks at its ends."""
    last = end.index
    if end.kind == "soft hyphen" and last < len(text):
        last -= len(SOFT_HYPHEN)
    while last > start and text[last - 1] in _BLANK:
        last -= 1
    while start < last and text[start] in _BLANK:
        start += 1
    return Span(start, last, end.hyphenates and end.index < len(text))


def _cost(free_share: float, end: Break, before: Sequence[Span]) -> float:
    """Return the cost of a line that follows the lines `before`.

    `free_share` is the share of the line's width that stays free, 0–1; negative if the line
    is too wide.
    """
    cost = LINE_COST + BREAK_COSTS[end.kind]
    if end.hyphenates and before and before[-1].hyphen:
        cost += SECOND_HYPHEN_COST
    return cost + (free_share**2 if free_share >= 0 else OVERFULL_COST * -free_share)
