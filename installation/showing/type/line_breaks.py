"""The places where a line may break: Unicode's (UAX 14), as ICU finds them, and hyphens in words.

ICU is reached through PyICU, which also knows the direction of text. `uniseg` has Unicode's rules
alone, and they cannot break Thai, Lao, Khmer and Burmese, which put no space between words: that
takes a dictionary, and ICU brings one for each. Its rules are taken in their strict form, in which
no line begins with a small kana. `pyphen` has LibreOffice's hyphenation patterns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import icu

from installation.showing.type.drawable_text import SOFT_HYPHEN

if TYPE_CHECKING:
    import pyphen

_LEAST_LETTERS = 3
"""Letters of a word before a hyphen and after it, at least; the patterns allow two."""

_WORD = re.compile(r"[^\W\d_]{6,}")
"""What is worth a hyphen: letters in a row. A word with soft hyphens is in pieces already."""

_DICTIONARIES = [
    re.compile(f"[{block}]")
    for block in ("\u0e00-\u0e7f", "\u0e80-\u0eff", "\u1000-\u109f", "\u1780-\u17ff")
]
"""The letters for which ICU opens a dictionary at their first word: Thai, Lao, Burmese, Khmer."""

_JOINS_NEXT = "\u17d2\u1039\u1a60"
"""Khmer's coeng, Burmese's virama and Tai Tham's sakot: the next letter stands below the last."""


BreakKind = Literal["space", "soft hyphen", "hyphen", "letters"]
"""Why a line may end: Unicode lets it, nothing is drawn; the author lets the word break there; its
language does; or only since the word is too wide for a line."""


@dataclass(frozen=True)
class Break:
    """A line may end before the character `place`."""

    place: int
    kind: BreakKind

    @property
    def hyphenates(self) -> bool:
        """Whether the line then ends with a hyphen."""
        return self.kind in ("soft hyphen", "hyphen")


def line_breaks(text: str, language: str = "") -> list[Break]:
    """Return where `text` may break, in order, the last at its end.

    `language` is a code such as `de`; without it, and in languages without patterns, there are no
    hyphens but the soft ones in the text.
    """
    found: dict[int, BreakKind] = {
        place: "soft hyphen" if text[place - 1] == SOFT_HYPHEN else "space"
        for place in _places(text, icu.BreakIterator.createLineInstance, language or "en")
    }
    for place in _hyphens(text, language):
        found.setdefault(place, "hyphen")
    return [Break(place, found[place]) for place in sorted(found)]


def letter_breaks(text: str) -> list[Break]:
    """Return where `text` may break if it has to: between what readers take for letters."""
    places = _places(text, icu.BreakIterator.createCharacterInstance, "en")
    return [Break(place, "letters") for place in places]


def _places(text: str, make: object, language: str) -> list[int]:
    """Return the ends of the pieces that an iterator of ICU finds.

    A vowel that is written before its consonant, as in Thai, Lao and Tai Viet, is never parted from
    it.
    """
    iterator = make(icu.Locale(f"{language}@lb=strict"))  # type: ignore[operator]
    iterator.setText(text)
    units = list(iterator)
    places = units if text.isascii() else _from_utf16(text, units)
    return [
        place for place in places if place == len(text) or not _belongs_to_next(text[place - 1])
    ]


def _belongs_to_next(letter: str) -> bool:
    """Return whether `letter` is a vowel before its consonant, or puts the next letter below."""
    return letter in _JOINS_NEXT or bool(
        icu.Char.hasBinaryProperty(letter, icu.UProperty.LOGICAL_ORDER_EXCEPTION)
    )


def _from_utf16(text: str, units: list[int]) -> list[int]:
    """Return places of ICU, which counts units of UTF-16, as places in `text`."""
    if max(text) <= "\uffff":
        return units
    characters, count = {0: 0}, 0
    for number, letter in enumerate(text, 1):
        count += 1 + (letter > "\uffff")
        characters[count] = number
    return [characters[unit] for unit in units]


def _hyphens(text: str, language: str) -> Iterator[int]:
    """Yield where the words of `text` may be hyphenated by the patterns of `language`."""
    patterns = _patterns(language) if language else None
    if patterns is None:
        return
    for word in _WORD.finditer(text):
        beside = text[word.start() - 1 : word.start()] + text[word.end() : word.end() + 1]
        # A mark that stands alone cuts the word in two, and the patterns would not know it.
        if SOFT_HYPHEN in beside or any(unicodedata.combining(letter) for letter in beside):
            continue
        for place in patterns.positions(word[0]):
            # Some languages change the letters at a hyphen; such places are left alone.
            if getattr(place, "data", None) is None:
                yield word.start() + int(place)


def warm_up(texts: Iterable[str], language: str) -> None:
    """Load what the first of `texts` in `language` would wait for: 0.4 s of German patterns."""
    if language:
        _patterns(language)
    texts = list(texts)
    for letters in _DICTIONARIES:
        text = next((text for text in texts if letters.search(text)), None)
        if text is not None:
            line_breaks(text)


@cache
def _patterns(language: str) -> pyphen.Pyphen | None:
    # Few shows need it; the import takes 3 ms.
    import pyphen

    known = pyphen.language_fallback(language.replace("-", "_"))
    if known is None:
        return None
    return pyphen.Pyphen(lang=known, left=_LEAST_LETTERS, right=_LEAST_LETTERS)
