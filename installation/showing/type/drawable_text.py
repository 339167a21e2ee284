"""Prepares text for drawing: composes it (NFC), puts it on one line, splits it into clusters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SPACES = re.compile(r"[^\S\u00a0\u2007\u202f]+")
"""Matches one or more spaces, except spaces at which a line must not break."""

SOFT_HYPHEN = "\u00ad"
ZERO_WIDTH_SPACE = "\u200b"

_JOINERS = "\u200c\u200d"
_WORD_JOINER = "\u2060"
_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Arabic, Syriac and Kaithi signs that are visible, although Unicode calls them format
characters.
"""

UNSEEN = frozenset(SOFT_HYPHEN + ZERO_WIDTH_SPACE + _JOINERS + _WORD_JOINER + _DIRECTIONS)
"""The invisible characters that have a meaning, for line breaks, joining or direction."""

_KEPT = UNSEEN | frozenset(_SIGNS)


def clean(text: str) -> str:
    """Return `text` composed (NFC), on one line, without control characters and byte-order marks.

    Even characters that most fonts cannot draw are kept, so that they are reported if no font has
    them.
    """
    composed = unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip())
    return "".join(
        letter
        for letter in composed
        if letter in _KEPT or unicodedata.category(letter) not in ("Cc", "Cf")
    )


def clusters(text: str) -> list[str]:
    """Return `text` split into clusters: a letter with its marks and joiners.

    A cluster is drawn by one font. It may be smaller than what readers see as one letter: a flag
    consists of two clusters.
    """
    found: list[str] = []
    for letter in text:
        if found and (letter in _JOINERS or unicodedata.category(letter)[0] == "M"):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def distinct_clusters(texts: Iterable[str]) -> set[str]:
    """Return all clusters of `texts`, each once."""
    found: set[str] = set()
    for text in texts:
        # The shortcut for ASCII is ten times as fast for a thousand English labels.
        found.update(text if text.isascii() else clusters(clean(text)))
    return {cluster for cluster in found if cluster.isprintable() or not cluster.isascii()}


def needs_no_font(cluster: str) -> bool:
    """Return whether `cluster` is invisible, such as a space or a control character."""
    return all(letter in UNSEEN or unicodedata.category(letter) == "Zs" for letter in cluster)
