"""The direction of text: Unicode's bidirectional algorithm (UAX 9), as ICU implements it.

The direction of a paragraph is decided by the majority of its letters, as rule HL1 allows; so an
Arabic definition is right-to-left even if it begins with a Latin word. Direction and embedding
levels are decided once for the whole paragraph, and its lines keep them. Levels come from PyICU.
Rejected: deciding by the first letter (rules P2 and P3), which is wrong for a definition that
begins with a name in another script; and python-bidi, which returns only the text reordered from
left to right, from which HarfBuzz cannot shape the letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import icu

FROM_FIRST_LETTER = 0xFE
"""ICU's UBIDI_DEFAULT_LTR: the first letter that has a direction decides (rules P2 and P3); if
there is none, the text is left-to-right.
"""

FROM_LEFT, FROM_RIGHT = 0, 1
"""The embedding levels of a left-to-right and of a right-to-left paragraph."""

_MARKS = "\u061c\u200e\u200f"
"""The invisible marks that have a direction; one at the beginning decides the paragraph's
direction.
"""

_ALWAYS_FROM_LEFT = "\u0590"
"""The first character in Unicode's order that may be right-to-left or change the direction. If all
characters of a text come before it, the text is left-to-right; this test is fast.
"""


def levels(text: str) -> bytes:
    """Return the bidi embedding level of each character of `text`, which is one paragraph.

    Odd levels are right-to-left. The result is empty if all of `text` is left-to-right.
    """
    if not text or max(text) < _ALWAYS_FROM_LEFT:
        return b""
    found: Sequence[int] = _paragraph(text).getLevels()
    if not any(found):
        return b""
    if len(found) != len(text):
        # ICU counts units of UTF-16: a character above U+FFFF takes two.
        found = [found[place] for place in _places_in_utf16(text)]
    return bytes(found)


def is_right_to_left(text: str) -> bool:
    """Return whether the paragraph `text` is right-to-left."""
    return bool(text) and max(text) >= _ALWAYS_FROM_LEFT and bool(_paragraph(text).getParaLevel())


def visual_order(run_levels: Sequence[int]) -> list[int]:
    """Return the order of runs from left to right, as their indices in `run_levels`.

    `run_levels` has the embedding level of each run, in reading order.

    This is rule L2: for each level, from the highest down, every sequence of runs at that level or
    above is reversed.
    """
    order = list(range(len(run_levels)))
    for level in range(max(run_levels, default=0), 0, -1):
        start = 0
        for end in range(len(order) + 1):
            if end == len(order) or run_levels[order[end]] < level:
                order[start:end] = reversed(order[start:end])
                start = end + 1
    return order


def _paragraph(text: str) -> icu.Bidi:
    paragraph = icu.Bidi()
    paragraph.setPara(icu.UnicodeString(text), _paragraph_level(text))
    return paragraph


def _paragraph_level(text: str) -> int:
    """Return `FROM_LEFT` or `FROM_RIGHT`: the direction of most letters of `text`.

    `FROM_FIRST_LETTER` if there is no majority, or if `text` begins with one of `_MARKS`.
    """
    directions = [unicodedata.bidirectional(letter) for letter in text]
    left, right = directions.count("L"), directions.count("R") + directions.count("AL")
    if text[0] in _MARKS or left == right:
        return FROM_FIRST_LETTER
    return FROM_RIGHT if right > left else FROM_LEFT


def _places_in_utf16(text: str) -> list[int]:
    """Return the index at which each character of `text` begins in UTF-16."""
    places, place = [], 0
    for letter in text:
        places.append(place)
        place += 1 + (ord(letter) > 0xFFFF)
    return places
