from __future__ import annotations

import numpy as np
import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.errors import ScreenError
from installation.showing.fonts import (
    BUNDLED,
    Fonts,
    clean,
    in_visual_order,
    missing_scripts,
    right_to_left,
)
from installation.showing.scene import Line
from installation.showing.typesetting import balance, widest, wrap

HEBREW = "אדם שהוכשר (1961)"


@pytest.mark.parametrize(
    ("read", "seen"),
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
def test_right_to_left_text_is_put_in_order(read: str, seen: str) -> None:
    """Hebrew runs from the right, numbers and Latin do not, brackets turn, marks stay put."""
    assert in_visual_order(read) == seen


@pytest.mark.parametrize(
    ("text", "expected"), [("(אדם) x", True), ("12 x אדם", False), ("شخص", True), ("12", False)]
)
def test_the_first_letter_says_the_direction(text: str, expected: bool) -> None:
    """A line is set flush right where its first letter is read from the right."""
    assert right_to_left(text) is expected


def test_without_fontconfig_other_scripts_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts says which scripts it cannot draw, and what to install."""
    monkeypatch.setenv("PATH", "")
    texts = ["a person", "žluťoučký kůň", "человек", HEBREW, "宇宙飛行士", "人物。"]
    assert missing_scripts(texts) == ["East Asian", "Hebrew"]
    with pytest.raises(ScreenError, match=r"East Asian and Hebrew.*apt-get install .*fonts-noto"):
        Fonts(texts)


def test_the_bundled_font_needs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latin, Greek and Cyrillic are drawn with what pygame carries: no process is started."""
    monkeypatch.setenv("PATH", "")
    assert missing_scripts(["Ångström’s “test” › – …", "άνθρωπος", "человек"]) == []


def test_type_is_drawn_within_its_extent() -> None:
    """Ink stays in the width that was measured, to a pixel at each end for round letters."""
    fonts = Fonts()
    for text in ("astronaut", "What would a machine call you?", "AVATAR", "fjord"):
        extent = fonts.extent(text, 72)
        surface = pygame.Surface((extent.width + 40, 140))
        fonts.draw(Line(text, 72, (255, 255, 255), 20, 100), surface)
        columns, rows = np.nonzero(pygame.surfarray.array3d(surface)[..., 0] > 127)
        assert columns.min() >= 18
        assert columns.max() < extent.width + 22
        assert rows.min() >= 100 - extent.rise - 2
        assert rows.max() < 100 + extent.drop + 2


def test_lower_case_letters_are_not_torn_apart() -> None:
    """The bundled font's kerning only draws letters together, as in AV, never apart, as in ma."""
    fonts = Fonts()
    assert fonts.extent("AV", 1000).width < 2 * fonts.extent("V", 1000).width
    apart = sum(fonts.extent(letter, 1000).width for letter in "machine")
    assert fonts.extent("machine", 1000).width <= apart


def test_what_cannot_be_drawn_is_left_out() -> None:
    """Line breaks, zero bytes and invisible controls do not reach the fonts."""
    assert clean(" a\n b\x00\u200ec\te ") == "a bc e"
    assert clean("e\u0301") == "é"


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
    """A narrower line is no reason to tear a word: 'Momen / t, bitte'."""
    if widest(text, _width) <= width:
        longest = max(map(_width, balance(text, width, _width)), default=0)
        assert longest >= widest(text, _width)


def test_a_long_word_stays_whole_when_lines_are_balanced() -> None:
    """Three lines hold it whole, so that none of them is made narrower than the word."""
    assert balance("Einen Moment, bitte.", 9, _width) == ("Einen", "Moment,", "bitte.")


def test_french_marks_stay_with_the_word_before_them() -> None:
    """No line begins with a mark that French sets apart, nor ends with a quote that opens."""
    assert wrap("Ça va ? Oui : « si »", 6, _width) == ("Ça", "va ?", "Oui :", "« si »")


def test_east_asian_lines_break_between_characters_but_not_before_a_full_stop() -> None:
    """A closing mark stays with what it closes, an opening one with what it opens."""
    assert wrap("宇宙船に乗り、「宇宙」へ。", 12, _width) == ("宇宙船に乗", "り、「宇宙」", "へ。")


def test_the_bundled_font_is_there() -> None:
    """The font that everything else is measured for still comes with pygame."""
    assert BUNDLED.name == "freesansbold.ttf"


def test_letters_that_were_not_looked_for_are_named() -> None:
    """A label set that comes later may hold only what the fonts of the start can draw."""
    fonts = Fonts(("a",))
    assert fonts.lacks("abc äöü Ελ Да 0 ›\n") == []
    assert fonts.lacks("a語") == ["East Asian"]
