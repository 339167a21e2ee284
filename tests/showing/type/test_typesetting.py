from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.type.drawable_text import clean
from installation.showing.type.typesetting import balance, least_width, wrap


def _width(text: str) -> int:
    return sum(2 if letter > "\u2e80" else 1 for letter in text)


texts = st.text("ab d宇宙。「」…", min_size=1, max_size=60).map(clean)


@given(texts, st.integers(2, 30))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    """Lines hold all of the text in order, and each fits unless it is one character."""
    lines = wrap(text, width, _width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(_width(line) <= width or len(line) == 1 for line in lines)


@given(texts, st.integers(2, 30))
def test_balancing_keeps_the_number_of_lines(text: str, width: int) -> None:
    """Balanced lines are as few as before, and the longest of them no longer."""
    plain, even = wrap(text, width, _width), balance(text, width, _width)
    assert len(even) == len(plain)
    assert max(map(_width, even), default=0) <= max(map(_width, plain), default=0)


@given(texts, st.integers(2, 30))
def test_balancing_breaks_no_word_that_fits(text: str, width: int) -> None:
    """No word is broken to make lines even: not 'Momen / t, bitte'."""
    if least_width(text, _width) <= width:
        longest = max(map(_width, balance(text, width, _width)), default=0)
        assert longest >= least_width(text, _width)


def test_a_long_word_stays_whole_when_lines_are_balanced() -> None:
    """The lines are not made narrower than the longest word."""
    assert balance("Einen Moment, bitte.", 9, _width) == ("Einen", "Moment,", "bitte.")


def test_french_marks_stay_with_the_word_before_them() -> None:
    """No line begins with a mark that French sets apart, nor ends with a quote that opens."""
    assert wrap("Ça va ? Oui : « si »", 6, _width) == ("Ça", "va ?", "Oui :", "« si »")


def test_east_asian_lines_break_between_characters_but_not_before_a_full_stop() -> None:
    """No line begins with a closing mark or ends with an opening one."""
    assert wrap("宇宙船に乗り、「宇宙」へ。", 12, _width) == ("宇宙船に乗", "り、「宇宙」", "へ。")
