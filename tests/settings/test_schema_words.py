"""Tests of values that people understand and YAML does not: each remedy has the form to write.

Decimal commas, percentages, fractions, units, quotes, words for true and false, sizes, lists, and
settings in another section.
"""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from installation.settings.schema_words import (
    Keys,
    expected_in_words,
    explain_unknown_key,
    find_piece,
    remedy_for_value,
    setting_name,
    value_in_words,
)
from installation.settings.yaml_file import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Inner(Section):
    """A section with one number."""

    rate: int = Field(default=30, ge=1, le=240)


class Outer(Section):
    """A file with settings of all kinds."""

    inner: Inner = Inner()
    above: float = Field(default=1.0, gt=0)
    share: float = Field(default=0.5, ge=0, le=1)
    width: int = Field(default=640, ge=160, le=7680)
    mirror: bool = True
    mode: Literal["fast", "slow"] = "fast"
    near: float = Field(default=0.1, ge=0, le=0.9)
    below: float | None = Field(default=None, ge=0, lt=1)
    part: float = Field(default=0.5, gt=0, le=1)
    speed: int = Field(default=30, ge=1, le=240)
    turn: Literal[0, 90, 180, 270] = 0
    names: tuple[str, ...] = ()
    choices: tuple[Literal["a", "b"], ...] = ()
    size: Literal["auto"] | int = "auto"
    title: str | None = None
    sizes: dict[str, int] = Field(default_factory=dict)
    colour: tuple[Share, Share, Share] = (0.5, 0.5, 0.5)
    described: str = Field(default="", description="the name of a folder")


SCHEMA = Outer.model_json_schema()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("inner",), "a section with rate"),
        (("inner", "rate"), "a whole number from 1 to 240"),
        (("above",), "a number, above 0"),
        (("mode",), "one of fast, slow"),
        (("names",), "a list in which each item is text"),
        (("names", 1), "text"),
        (("colour",), "a list of 3 items, in which each item is a number from 0 to 1"),
        (("colour", 2), "a number from 0 to 1"),
        (("size",), "auto or a whole number"),
        (("title",), "text or nothing"),
        (("sizes", "wide"), "a whole number"),
        (("described",), "the name of a folder"),
        (("other",), "something else"),
    ],
)
def test_what_a_setting_expects_is_in_plain_words(keys: Keys, words: str) -> None:
    """The words for what a setting accepts come from the schema, so new settings have them too."""
    assert expected_in_words(find_piece(SCHEMA, keys), SCHEMA) == words


@pytest.mark.parametrize(
    ("keys", "name"),
    [((), "the file"), (("content", "hide", 3), "content.hide, item 4"), (("a\nb",), "a·b")],
)
def test_a_setting_has_a_name(keys: Keys, name: str) -> None:
    """Items of a list are counted from one, and control characters are not printed."""
    assert setting_name(keys) == name


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "empty"), (True, "true"), ("a", "'a'"), ((), "a list"), ({}, "a section"), (3, "3")],
)
def test_a_value_is_quoted_as_in_the_file(value: object, words: str) -> None:
    """Values are quoted in YAML's words, not in Python's."""
    assert value_in_words(value) == words


@pytest.mark.parametrize(
    ("value", "plain_word", "key", "remedy"),
    [
        ("fsat", False, "mode", "Did you mean 'fast'?"),
        ("rate:30", False, "inner", "Write each setting as 'name: value', with a space after"),
        (3, True, "title", "If the value is meant as text, put it in quotes."),
        (-1, True, "above", "Change the value, or delete the line to use the default, 1.0."),
        ("b", False, "names", "Change the value, or remove the setting."),
    ],
)
def test_a_wrong_value_has_a_remedy(value: object, plain_word: bool, key: str, remedy: str) -> None:
    """The remedy depends on what the setting accepts and on how the file spells the value."""
    piece = find_piece(SCHEMA, (key,))
    assert remedy_for_value(value, plain_word, piece, SCHEMA).startswith(remedy)


@pytest.mark.parametrize(
    ("value", "key", "remedy"),
    [
        ("1,5", "above", "Write 1.5, with a point."),
        ("1.5", "above", "Write 1.5, without quotes."),
        ("1.5s", "above", "Write 1.5."),
        ("8 sec.", "above", "Write 8."),
        ("60%", "share", "Write 0.6."),
        ("60 %", "share", "Write 0.6."),
        ("0,6", "share", "Write 0.6, with a point."),
        (60, "share", "Write 0.6."),
        (100, "share", "Write 1."),
        (2, "share", "Change the value, or delete the line to use the default, 0.5."),
        ("640", "width", "Write 640, without quotes."),
        ("1,280", "width", "Write 1280."),
        ("1.280", "width", "Write 1280."),
        ("1 280", "width", "Write 1280."),
        ("1280px", "width", "Write 1280."),
        (1280.0, "width", "Write 1280."),
        (1.28, "width", "Write 1280."),
        ("1/2", "share", "Write 0.5."),
        ("3 / 2", "above", "Write 1.5."),
        ("1 1/2", "above", "Write 1.5."),
        ("30000/1001", "speed", "Write 30."),
        (29.97, "speed", "Write 30."),
        ("\u00bd", "share", "Write 0.5."),
        ("1\u00bd", "above", "Write 1.5."),
        ("2\u20443", "share", "Write 0.667."),
        (".6.", "share", "Write 0.6."),
        (".6", "share", "Write 0.6, without quotes."),
        (",6", "share", "Write 0.6, with a point."),
        ("0.6;", "share", "Write 0.6."),
        ("0 .6", "share", "Write 0.6."),
        ("0\u00b76", "share", "Write 0.6."),
        ("=0.6", "share", "Write 0.6."),
        ("\u201c0.6\u201d", "share", "Write 0.6."),
        ("50 %", "share", "Write 0.5."),
        ("5 per cent", "share", "Write 0.05."),
        ("100%", "near", "Write at most 0.9; 100 % is 1, which is too large."),
        ("100 %", "below", "Write at most 0.99; 100 % is 1, which is too large."),
        (100, "below", "Write at most 0.99; 100 % is 1, which is too large."),
        ("0%", "part", "Write at least 0.01; 0 % is 0, which is too small."),
        ("500 ms", "above", "Write 0.5."),
        ("2 min", "above", "Write 120."),
        ("1920x1080", "width", "Write `width: 1920` and `height: 1080`, on two lines."),
        ("1920 \u00d7 1080 px", "width", "Write `width: 1920` and `height: 1080`, on two lines."),
        (-90, "turn", "Write 270."),
        ("y", "mirror", "Write true."),
        ("1.2.3", "above", "Change the value, or delete the line to use the default, 1.0."),
        ("1 2", "speed", "Change the value, or delete the line to use the default, 30."),
        ("1/0", "share", "Change the value, or delete the line to use the default, 0.5."),
        (1280.5, "width", "Change the value, or delete the line to use the default, 640."),
        (9999, "width", "Change the value, or delete the line to use the default, 640."),
        ("false", "mirror", "Write false, without quotes."),
        ("ja", "mirror", "Write true."),
        ("Nein", "mirror", "Write false."),
        (0, "mirror", "Write false."),
        ("none", "title", "Leave it empty."),
        ("slur, insult", "names", "Type `[slur, insult]`, with brackets."),
        ("a b", "choices", "Type `[a, b]`, with brackets."),
        ("a", "choices", "Type `[a]`, with brackets."),
        ("all", "choices", "Change the value, or remove the setting."),
        (10, "near", "Write 0.1."),
        (
            ({"rate": 30},),
            "inner",
            "Write each setting on a separate line, indented and without a dash.",
        ),
        (
            "rate = 30",
            "inner",
            "Write each setting as 'name: value', with a space after the colon.",
        ),
    ],
)
def test_a_value_in_another_form_is_written_out(value: object, key: str, remedy: str) -> None:
    """If a value is clear to people but not to YAML, the remedy has the form to write."""
    assert remedy_for_value(value, False, find_piece(SCHEMA, (key,)), SCHEMA) == remedy


@pytest.mark.parametrize(
    ("keys", "remedy"),
    [
        (("iner",), "Did you mean 'inner'?"),
        (("rate",), "This setting belongs under 'inner:', on a separate, indented line."),
        (("inner", "mode"), "This setting belongs at the start of a line, not indented."),
        (("inner", "xyz"), "Settings allowed here: rate."),
    ],
)
def test_an_unknown_key_has_a_remedy(keys: Keys, remedy: str) -> None:
    """For a setting in the wrong section, the remedy names the right section."""
    assert explain_unknown_key(keys, SCHEMA) == (f"{setting_name(keys)} is not a setting", remedy)
