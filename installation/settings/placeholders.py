"""The form of what the kiosk says: text, and in braces what the show fills in."""

from __future__ import annotations

from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field

FORMS = ("", "02")
"""What may follow a name in braces: nothing, or that it takes two digits at least."""


def holding(*names: str) -> AfterValidator:
    """Return the check that a text has each of `names` in braces once, and no other braces.

    A name may ask for two digits at least: `{minute:02}`.
    """
    wanted = " and ".join(f"{{{name}}}" for name in names)
    expected = f"that holds {wanted} once and no other braces" if names else "without { or }"

    def check(text: str) -> str:
        if _names(text) != sorted(names):
            raise ValueError(f"text {expected}")
        return text

    return AfterValidator(check)


def _names(text: str) -> list[str] | None:
    """Return what stands in braces in `text`, sorted; None where a brace stands for itself."""
    names = []
    try:
        for plain, name, form, conversion in Formatter().parse(text):
            if set(plain) & set("{}") or conversion or (form or "") not in FORMS:
                return None
            names += [] if name is None else [name]
    except ValueError:
        return None
    return sorted(names)


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Sentence = Annotated[Text, holding()]
"""Text in which nothing is filled in."""

LONGEST_SENTENCE = 200
"""Letters of a sentence of the curator's: as long as this, it still fits a wall of 1280×720."""
