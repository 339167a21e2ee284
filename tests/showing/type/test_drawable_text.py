from __future__ import annotations

import pytest

from installation.showing.type.drawable_text import clean, in_visual_order, is_right_to_left


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("a person", "a person"),
        ("אדם", "םדא"),
        ("אדם › נוסע", "עסונ ‹ םדא"),
        ("שלום (abc) 12", "12 (abc) םולש"),
        ("abc (שלום) 12", "abc (םולש) 12"),
        ("((אב)) [ג]", "[ג] ((בא))"),
        ("f(g(x)) א", "f(g(x)) א"),
        ("שָׁם", "ם" + "שָׁ"),
    ],
)
def test_right_to_left_text_is_put_in_order(text: str, drawn: str) -> None:
    """Hebrew runs from the right, numbers and Latin do not, and brackets are mirrored."""
    assert in_visual_order(text) == drawn


@pytest.mark.parametrize(
    ("text", "expected"), [("(אדם) x", True), ("12 x אדם", False), ("شخص", True), ("12", False)]
)
def test_the_first_letter_says_the_direction(text: str, expected: bool) -> None:
    """A line is set flush right if its first letter belongs to right-to-left text."""
    assert is_right_to_left(text) is expected


def test_what_cannot_be_drawn_is_left_out() -> None:
    """Line breaks, zero bytes and invisible controls do not reach the fonts."""
    assert clean(" a\n b\x00\u200ec\te ") == "a bc e"
    assert clean("e\u0301") == "é"
