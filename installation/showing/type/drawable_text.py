"""Text as it can be drawn: composed, on one line, its characters in the order in which they appear.

The order is that of Unicode's bidirectional algorithm (UAX 9), from python-bidi. Brackets and marks
are put right here, since that library leaves them as they are.
"""

from __future__ import annotations

import re
import unicodedata

_SPACES = re.compile(r"[^\S\u00a0]+")
_JOINERS = "\u200c\u200d"
"""Zero width, and no control characters on paper: they decide how their neighbours join."""

_RIGHT_TO_LEFT_MARKS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u074a"
_MARKS_BEFORE_LETTER = re.compile(f"([{_RIGHT_TO_LEFT_MARKS}]+)([^{_RIGHT_TO_LEFT_MARKS}])")

_BRACKETS = "()[]{}<>«»‹›"
_MIRRORED = str.maketrans(_BRACKETS, ")(][}{><»«›‹")
_FLAG = "\u200b"
"""Has no width, and stands in no text that was cleaned."""
_BRACKET = re.compile(f"([{re.escape(_BRACKETS)}])")
_FLAGGED = re.compile(f"{_BRACKET.pattern}{_FLAG}|{_FLAG}{_BRACKET.pattern}")


def clean(text: str) -> str:
    """Return `text` composed (NFC), on one line, without characters that cannot be drawn."""
    composed = unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip())
    return "".join(
        letter
        for letter in composed
        if letter in _JOINERS or unicodedata.category(letter)[0] != "C"
    )


def is_right_to_left(text: str) -> bool:
    """Return whether `text` is read from the right: by its first letter that has a direction."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def in_visual_order(text: str) -> str:
    """Return one line of `text` with its characters in their order from left to right.

    Marks stay behind the letter that they belong to, which is where shaping looks for them.
    """
    if not any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text):
        return text
    # Most shows never need it, and the import takes 20 ms.
    from bidi import get_display

    # The library does not mirror brackets. A flag follows each bracket through the reordering; if
    # it comes out in front, the bracket stands in right-to-left text and has to be mirrored.
    flagged = _BRACKET.sub(rf"\1{_FLAG}", text)
    ordered = str(get_display(flagged, base_dir="R" if is_right_to_left(text) else "L"))
    ordered = _FLAGGED.sub(lambda found: found[1] or found[2].translate(_MIRRORED), ordered)
    return _MARKS_BEFORE_LETTER.sub(lambda pair: pair[2] + pair[1][::-1], ordered)
