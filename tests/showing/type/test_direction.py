"""Tests of the direction of a paragraph, which is decided once for all of its lines.

A definition in Hebrew or Arabic may begin with a Latin name, a number, a bracket or a quotation; a
mark of direction decides.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.showing.type.direction import is_right_to_left, levels, visual_order


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a person", ""),
        ("אדם", "111"),
        ("שלום (abc) 12", "1111112221122"),
        ("abcde (שלום) 12", "000000011110022"),
        ("abc (שלום) 12", "2221111111122"),
        ("אבגד [a(b)c]", "111111222221"),
        ("f(g(x)) א", "000000001"),
        ("🙂 א 🙂", "11111"),
        ("🙂 a א", "00001"),
    ],
)
def test_each_character_has_its_level(text: str, expected: str) -> None:
    """Hebrew runs from the right, numbers and Latin do not, and brackets follow their contents."""
    assert "".join(str(level) for level in levels(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(אדם) x", True),
        ("12 x אדם", True),
        ("NASA ארגון לחקר החלל", True),
        ("“Hello” قالها شخص ما", True),
        ("שלום is what people say in Hebrew", False),
        ("אב cd", True),
        ("ab גד", False),
        ("\u200eab אדם", False),
        ("\u200fabcd א", True),
        ("شخص", True),
        ("12", False),
        ("", False),
    ],
)
def test_most_letters_say_the_direction(text: str, expected: bool) -> None:
    """A Hebrew or Arabic definition that begins with a Latin name is right-to-left.

    Without a majority the first letter decides; a mark at the beginning always decides.
    """
    assert is_right_to_left(text) is expected


@pytest.mark.parametrize(
    ("run_levels", "order"),
    [([0, 0], [0, 1]), ([1, 2, 1], [2, 1, 0]), ([0, 1, 2, 1, 0], [0, 3, 2, 1, 4])],
)
def test_runs_are_put_in_order(run_levels: list[int], order: list[int]) -> None:
    """Right-to-left runs are reversed as a whole, and the numbers in them are not."""
    assert visual_order(run_levels) == order


@given(st.lists(st.integers(0, 4), max_size=12))
def test_no_run_is_lost(run_levels: list[int]) -> None:
    """Every run has one position on the line."""
    assert sorted(visual_order(run_levels)) == list(range(len(run_levels)))
