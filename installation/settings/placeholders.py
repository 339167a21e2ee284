"""Texts with placeholders in braces, such as `{score}`, that the show fills in."""

from __future__ import annotations

from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field

FORMAT_SPECS = ("", "02")
"""The allowed format specifications of a placeholder: none, or at least two digits."""

MAX_SENTENCE_LENGTH = 200
"""The largest length of a curator's sentence, characters; a sentence of this length fits a screen
of 1280×720.
"""


def with_placeholders(*names: str) -> AfterValidator:
    """Return a validator that accepts texts with each placeholder of `names` once and no other.

    A placeholder may request at least two digits: `{minute:02}`.
    """
    wanted = " and ".join(f"{{{name}}}" for name in names)
    expected = f"that contains {wanted} once and no other braces" if names else "without { or }"

    def check(text: str) -> str:
        if _placeholders(text) != sorted(names):
            raise ValueError(f"text {expected}")
        return text

    return AfterValidator(check)


def _placeholders(text: str) -> list[str] | None:
    """Return the names of the placeholders in `text`, sorted; None if other braces occur."""
    names = []
    try:
        for literal, name, format_, conversion in Formatter().parse(text):
            if set(literal) & set("{}") or conversion or (format_ or "") not in FORMAT_SPECS:
                return None
            names += [] if name is None else [name]
    except ValueError:
        return None
    return sorted(names)


NonEmptyText = Annotated[str, Field(min_length=1, pattern=r"\S")]
Sentence = Annotated[NonEmptyText, with_placeholders()]
"""Text without placeholders."""
