from __future__ import annotations

import pytest

from installation.showing.type.scripts import font_group, script_of


@pytest.mark.parametrize(
    ("letter", "script"),
    [
        ("a", "Latn"),
        ("ß", "Latn"),
        ("ש", "Hebr"),
        ("한", "Hang"),
        ("Ꮳ", "Cher"),
        ("1", ""),
        ("›", ""),
        ("。", ""),
        ("\u0301", ""),
        ("\u060c", "Arab"),
        ("\u0964", "Deva"),
    ],
)
def test_a_letter_has_the_script_of_unicode(letter: str, script: str) -> None:
    """Characters that all scripts use have no script; the Arabic comma is Arabic."""
    assert script_of(letter) == script


@pytest.mark.parametrize(
    ("letter", "group"),
    [
        ("語", "East Asian"),
        ("か", "East Asian"),
        ("。", "East Asian"),
        ("Ａ", "East Asian"),
        ("ー", "East Asian"),
        ("א", "Hebrew"),
        ("٣", "Arabic"),
        ("Ꮳ", "Cherokee"),
        ("∰", "Symbols"),
        ("🙂", "Emoji"),
        ("🌧", "Emoji"),
        ("🇩", "Emoji"),
        ("🏽", "Emoji"),
    ],
)
def test_letters_that_share_a_font_have_one_name(letter: str, group: str) -> None:
    """Scripts that share a font have one name, for messages and for the search."""
    assert font_group(letter) == group
