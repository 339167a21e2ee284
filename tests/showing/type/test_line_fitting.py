from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from installation.showing.type.drawable_text import clean
from installation.showing.type.line_breaks import line_breaks
from installation.showing.type.line_fitting import fit, least_width


def _advances(text: str) -> list[float]:
    return [0 if letter in "\u200b\u00ad" else 2 if letter > "\u2e80" else 1 for letter in text]


def _width(text: str) -> float:
    return sum(_advances(text))


def _lines(text: str, width: float, language: str = "") -> list[str]:
    spans = fit(text, _advances(text), width, 1, language)
    return [text[span.start : span.end] + "-" * span.hyphen for span in spans]


def _greedy(text: str, width: float) -> list[str]:
    """Return `text` in lines that are filled one after the other."""
    lines, line, start = list[str](), "", 0
    for end in line_breaks(text):
        piece, start = text[start : end.index], end.index
        if line and _width((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


texts = st.text("ab d宇宙。「」…", min_size=1, max_size=60).map(clean).filter(bool)


@given(texts, st.integers(2, 30))
def test_lines_hold_all_of_the_text_within_their_width(text: str, width: int) -> None:
    """Lines contain all of the text in order, and each fits unless it is one character."""
    lines = _lines(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(_width(line) <= width or len(line) == 1 for line in lines)


@given(texts, st.integers(2, 30))
@example("a aa。。a", 6)  # "aa。。" fits exactly, and no hyphen follows it
def test_even_lines_are_as_few_as_filled_ones_and_no_wider_than_allowed(
    text: str, width: int
) -> None:
    """Making lines even adds no line, and none is wider than allowed."""
    if least_width(text, _advances(text)) <= width:
        filled, even = _greedy(text, width), _lines(text, width)
        assert len(even) == len(filled)
        assert max(map(_width, even)) <= width


@given(texts, st.integers(2, 30))
def test_no_word_is_broken_that_fits(text: str, width: int) -> None:
    """No word is broken to make lines even: not 'Momen / t, bitte'."""
    if least_width(text, _advances(text)) <= width:
        places = {each.index for each in line_breaks(text)}
        ends = [span.end for span in fit(text, _advances(text), width)]
        assert all(end in places or text[end] == " " for end in ends)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("Einen Moment, bitte.", 9, ["Einen", "Moment,", "bitte."]),
        ("a woman who will be married soon", 28, ["a woman who will", "be married soon"]),
        ("宇宙船に乗り、「宇宙」へ。", 12, ["宇宙船に乗", "り、「宇", "宙」へ。"]),
        ("Rind\u00adfleisch\u200bsuppe", 10, ["Rind-", "fleisch", "suppe"]),
    ],
)
def test_lines_are_even(text: str, width: int, lines: list[str]) -> None:
    """Lines are even: no line is full while the next is half empty."""
    assert _lines(text, width) == lines


def test_a_word_that_is_too_wide_is_hyphenated_in_its_language() -> None:
    """A word that is too wide is hyphenated, or cut between letters if its language is unknown."""
    word = "Donaudampfschiff"
    assert _lines(word, 11, "de") == ["Donaudampf-", "schiff"]
    assert _lines(word, 11) == ["Donaudam", "pfschiff"]


def test_a_long_word_does_not_leave_the_first_line_half_empty() -> None:
    """In a known language, a long word begins on the first line and is hyphenated."""
    text = "eine Straßenbahnhaltestelle"
    assert _lines(text, 22, "de") == ["eine Straßen-", "bahnhaltestelle"]
    assert _lines(text, 22) == ["eine", "Straßenbahnhaltestelle"]


def test_short_words_are_not_hyphenated_for_the_looks() -> None:
    """A hyphen is used only if it makes the lines much more even."""
    text = "somebody who gets one shoulder wet so that two can walk under it"
    assert not any(line.endswith("-") for line in _lines(text, 30, "en"))
