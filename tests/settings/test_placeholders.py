from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from installation.settings.placeholders import NonEmptyText, Sentence, with_placeholders

Time: TypeAdapter[str] = TypeAdapter(Annotated[NonEmptyText, with_placeholders("hour", "minute")])


@pytest.mark.parametrize("text", ["{hour}:{minute}", "{minute:02} past {hour}"])
def test_a_text_has_each_placeholder_once(text: str) -> None:
    """The placeholders may be in any order, and may request two digits."""
    assert Time.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "{hour}",
        "{hour}:{minute}:{minute}",
        "{hour}:{minute}{other}",
        "{hour}:{minute:5}",
        "{hour}:{minute!r}",
        "{hour}:{minute.real}",
        "{{hour}}:{minute}",
        "{hour}:{minute",
        "}",
    ],
)
def test_other_braces_are_refused(text: str) -> None:
    """A placeholder that is missing, unknown, repeated or formatted in another way is refused."""
    with pytest.raises(ValidationError, match=r"text that contains {hour} and {minute} once"):
        Time.validate_python(text)


@pytest.mark.parametrize("text", ["", " \n", "{score}", "{"])
def test_a_sentence_is_text_without_placeholders(text: str) -> None:
    """A sentence has at least one character that can be seen, and no braces."""
    with pytest.raises(ValidationError):
        TypeAdapter(Sentence).validate_python(text)
