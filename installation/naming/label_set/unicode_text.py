"""What of a name can be seen, and when two names look the same."""

from __future__ import annotations

import unicodedata

_UNSEEN = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me")
"""Unicode's categories of what leaves no mark of its own: controls, blanks, accents alone."""

_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a sign that are drawn as nothing: Hangul's fillers and Braille's empty cell."""


def is_visible(text: str) -> bool:
    """Tell whether any letter or sign of `text` can be seen."""
    return any(
        unicodedata.category(letter) not in _UNSEEN and letter not in _FILLERS for letter in text
    )


def confusable_key(text: str) -> str:
    """Return what is the same for texts that look the same but for capital letters."""
    seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", seen).casefold()
