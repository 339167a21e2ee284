from __future__ import annotations

import pytest

from installation.showing.type.drawable_text import clean, clusters, needs_no_font


def test_text_is_composed_and_on_one_line() -> None:
    """Line breaks and zero bytes do not reach the fonts, and an accent joins its letter."""
    assert clean(" a\n b\x00c\te ") == "a bc e"
    assert clean("e\u0301") == "é"


@pytest.mark.parametrize(
    "letter",
    ["\u00a0", "\u2007", "\u202f", "\u00ad", "\u200b", "\u200d", "\u200e", "\u2060", "\u06dd"],
)
def test_what_breaks_joins_and_directs_is_kept(letter: str) -> None:
    """Invisible characters for line breaks, joining and direction are kept."""
    assert clean(f"a{letter}b") == f"a{letter}b"


@pytest.mark.parametrize("letter", ["\ue000", "\U000e0fff", "\ufffd"])
def test_what_no_font_has_is_not_dropped(letter: str) -> None:
    """A private or unassigned character is kept, so that it is reported."""
    assert letter in clean(f"a{letter}b")


def test_a_cluster_is_a_letter_with_its_marks() -> None:
    """A letter, its marks and its joiners are drawn by one font."""
    assert clusters("am\u0303\u0323b\u200dc") == ["a", "m\u0303\u0323", "b\u200d", "c"]
    assert clusters("\u0303") == ["\u0303"]


def test_spaces_and_controls_need_no_font() -> None:
    """Spaces and controls are drawn with the font of the letters beside them."""
    assert needs_no_font(" ")
    assert needs_no_font("\u00ad")
    assert not needs_no_font("1")
