"""Checks the texts that people write for the screen; some have placeholders, such as `{score}`."""

from __future__ import annotations

from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from installation.settings.damaged_text import find_damage

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


def _check_damage(text: str) -> str:
    """Return `text`, which is shown to visitors; raises if another program has damaged it."""
    if damage := find_damage(text):
        context = {"damage": damage.problem, "remedy": damage.remedy}
        raise PydanticCustomError("damaged", "{damage}", context)
    return text


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_Text = Annotated[
    NonEmptyText,
    Field(
        max_length=MAX_SENTENCE_LENGTH,
        description=f"text of at most {MAX_SENTENCE_LENGTH} characters",
    ),
    AfterValidator(_check_damage),
]
_NoneIfEmpty = BeforeValidator(_none_if_empty)
CuratorSentence = Annotated[Annotated[_Text, with_placeholders()] | None, _NoneIfEmpty]
CuratorScore = Annotated[Annotated[_Text, with_placeholders("score")] | None, _NoneIfEmpty]
