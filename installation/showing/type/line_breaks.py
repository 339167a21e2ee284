"""Finds where a line may break, by Unicode's rules (UAX 14) as ICU applies them and by hyphens.

ICU is used through PyICU, which also computes the direction of text. Its rules are used in their
strict form, in which no line begins with a small kana. `pyphen` has LibreOffice's hyphenation
patterns. Rejected: `uniseg`, which has only Unicode's rules. They are not enough for Thai, Lao,
Khmer and Burmese, which have no spaces between words; breaking their lines requires a dictionary,
and ICU has one for each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import icu

from installation.showing.type.drawable_text import SOFT_HYPHEN, ZERO_WIDTH_SPACE

if TYPE_CHECKING:
    import pyphen

NO_BREAK_SPACE = "\u00a0"
WORD_JOINER = "\u2060"
"""An invisible character at which no line may end."""

_LEAST_LETTERS = 3
"""The least number of letters of a word before a hyphen, and after it; the patterns allow two."""

_WORD = re.compile(r"[^\W\d_]{6,}")
"""Matches words that may be hyphenated: six or more letters in a row. In a word with soft hyphens,
it matches the parts between the soft hyphens.
"""

_DICTIONARIES = [
    re.compile(f"[{block}]")
    for block in ("\u0e00-\u0e7f", "\u0e80-\u0eff", "\u1000-\u109f", "\u1780-\u17ff")
]
"""Match the letters of Thai, Lao, Burmese and Khmer. For each of these scripts ICU needs a
dictionary, which it opens at the first word.
"""

_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7a3]")
"""Matches Korean letters."""

_JOINS_NEXT = "\u17d2\u1039\u1a60"
"""The characters after which the next letter is written below the one before: Khmer's coeng, the
virama of Burmese, and Tai Tham's sakot.
"""


BreakKind = Literal["space", "soft hyphen", "hyphen", "letters"]
"""The reason why a line may end: `space` if Unicode's rules allow it; `soft hyphen` if the text has
a soft hyphen there; `hyphen` if the hyphenation patterns of the language allow it; `letters` if the
word is too wide for a line. A hyphen is drawn only for `soft hyphen` and `hyphen`.
"""


@dataclass(frozen=True)
class Break:
    """A position at which a line may end: before the character with the number `index`."""

    index: int
    kind: BreakKind

    @property
    def hyphenates(self) -> bool:
        """Whether a line that ends here ends with a hyphen."""
        return self.kind in ("soft hyphen", "hyphen")


def line_breaks(text: str, language: str = "") -> list[Break]:
    """Return the positions at which `text` may break, in order; the last is the end of `text`.

    `language` is a code such as `de`. Words are hyphenated only if there are patterns for this
    language. Otherwise, only the soft hyphens in the text are used.
    """
    # Korean has spaces, so its words too are broken only if they are too wide for a line.
    korean = _HANGUL.search(text)
    locale = "ko@lb=strict;lw=phrase" if korean else f"{language or 'en'}@lb=strict"
    found: dict[int, BreakKind] = {
        position: "soft hyphen" if text[position - 1] == SOFT_HYPHEN else "space"
        for position in _positions(text, icu.BreakIterator.createLineInstance, locale)
    }
    for position in _hyphens(text, language):
        found.setdefault(position, "hyphen")
    return [Break(position, found[position]) for position in sorted(found)]


def letter_breaks(text: str) -> list[Break]:
    """Return the positions between the letters of `text`; the last is the end of `text`.

    A word that is wider than a line is broken at these positions. A letter is what readers see as
    one letter.
    """
    positions = _positions(text, icu.BreakIterator.createCharacterInstance, "en")
    return [Break(position, "letters") for position in positions]


def _positions(text: str, make: object, locale: str) -> list[int]:
    """Return the ends of the parts of `text` that ICU's iterator finds by the rules of `locale`.

    `make` creates the iterator. A vowel that is written before its consonant, as in Thai, Lao and
    Tai Viet, is never separated from it.
    """
    iterator = make(icu.Locale(locale))  # type: ignore[operator]
    iterator.setText(text)
    units = list(iterator)
    positions = units if text.isascii() else _from_utf16(text, units)
    return [
        position
        for position in positions
        if position == len(text) or not _belongs_to_next(text[position - 1])
    ]


def _belongs_to_next(letter: str) -> bool:
    """Return whether no line may end between `letter` and the letter after it.

    The result is True for a vowel that is written before its consonant, and for a letter in
    `_JOINS_NEXT`.
    """
    return letter in _JOINS_NEXT or bool(
        icu.Char.hasBinaryProperty(letter, icu.UProperty.LOGICAL_ORDER_EXCEPTION)
    )


def _from_utf16(text: str, units: list[int]) -> list[int]:
    """Return the positions `units` in `text`, converted from ICU's UTF-16 units to characters."""
    if max(text) <= "\uffff":
        return units
    characters, count = {0: 0}, 0
    for number, letter in enumerate(text, 1):
        count += 1 + (letter > "\uffff")
        characters[count] = number
    return [characters[unit] for unit in units]


def _hyphens(text: str, language: str) -> Iterator[int]:
    """Yield the positions at which the patterns of `language` allow hyphens in words of `text`."""
    patterns = _patterns(language) if language else None
    if patterns is None:
        return
    for word in _WORD.finditer(text):
        beside = text[word.start() - 1 : word.start()] + text[word.end() : word.end() + 1]
        # A separate mark splits the match of a word, and the patterns do not suit the parts.
        if SOFT_HYPHEN in beside or any(unicodedata.combining(letter) for letter in beside):
            continue
        for position in patterns.positions(word[0]):
            # Some languages change the letters at a hyphen; these positions are not used.
            if getattr(position, "data", None) is None:
                yield word.start() + int(position)


def warm_up(texts: Iterable[str], language: str) -> None:
    """Load the data that breaking `texts` in `language` needs; for German, this takes 0.4 s."""
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


def unbreakable(text: str) -> str:
    """Return `text` without places at which a line may end."""
    text = text.replace(ZERO_WIDTH_SPACE, "")
    # Twice, because a line may still end before a no-break space that follows a hyphen.
    for _ in range(2):
        ends = [each.index for each in line_breaks(text)]
        *parts, last = [text[start:end] for start, end in pairwise([0, *ends])] or [""]
        text = "".join(map(_glued, parts)) + last
    return text


def _glued(part: str) -> str:
    """Return `part` with its end changed so that no line may end there any more."""
    return part[:-1] + NO_BREAK_SPACE if part.endswith(" ") else part + WORD_JOINER
