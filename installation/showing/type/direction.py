"""The direction of text: Unicode's bidirectional algorithm (UAX 9), as ICU implements it.

The direction of a paragraph is decided once, by its first letter that has one (rules P2 and P3),
and so are the embedding levels of its characters. A line keeps the levels of its paragraph: an
Arabic paragraph stays one when a line of it begins with a Latin word. Levels come from PyICU, since
python-bidi returns only the text in its order from left to right, which cannot be shaped.
"""

from __future__ import annotations

from collections.abc import Sequence

import icu

FROM_FIRST_LETTER = 0xFE
"""ICU's UBIDI_DEFAULT_LTR: rules P2 and P3, and from the left if no letter has a direction."""

_ALWAYS_FROM_LEFT = "\u0590"
"""Below it no character is read from the right, nor changes a direction: the test is a fast one."""


def levels(text: str) -> bytes:
    """Return the embedding level of each character of `text`, one paragraph; odd: from the right.

    Empty if all of it is read from the left.
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
    """Return whether the paragraph `text` is read from the right."""
    return bool(text) and max(text) >= _ALWAYS_FROM_LEFT and bool(_paragraph(text).getParaLevel())


def visual_order(run_levels: Sequence[int]) -> list[int]:
    """Return the places of runs, which have `run_levels`, in their order from left to right.

    Rule L2: from the highest level down, each sequence of that level or higher is reversed.
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
    paragraph.setPara(icu.UnicodeString(text), FROM_FIRST_LETTER)
    return paragraph


def _places_in_utf16(text: str) -> list[int]:
    """Return where each character of `text` begins in its UTF-16 form."""
    places, place = [], 0
    for letter in text:
        places.append(place)
        place += 1 + (ord(letter) > 0xFFFF)
    return places
