"""Finds names that are invisible, and names that look the same."""

from __future__ import annotations

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me")
"""Unicode's categories of invisible characters: controls, blanks, and accents without a letter."""

_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol that are drawn as nothing: Hangul's fillers and Braille's empty cell."""


def is_visible(text: str) -> bool:
    """Return whether any character of `text` is visible."""
    return any(
        unicodedata.category(letter) not in _INVISIBLE and letter not in _FILLERS for letter in text
    )


def confusable_key(text: str) -> str:
    """Return a key with which texts are compared.

    Two texts have the same key if they differ only in capital letters, in invisible characters, or
    in the encoding of accents.
    """
    if text.isascii():
        return text.casefold()
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", visible).casefold()
