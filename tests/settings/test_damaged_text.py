"""Tests of the search for texts that another program, such as a spreadsheet, has damaged."""

from __future__ import annotations

import pytest

from installation.naming.label_set.load import read_source
from installation.settings.damaged_text import find_damage, undo_wrong_encoding
from installation.settings.paths import label_set_names


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("KÃ¼nstler", "Künstler"),
        ("Ã–sterreicher", "Österreicher"),
        ("cafÃ©", "café"),
        ("KÃƒÂ¼nstler", "Künstler"),
        (r"K\u00fcnstler", "Künstler"),
        (r"\ud83d\ude00 smile", "😀 smile"),
        ("%C3%9Cber", "Über"),
        ("=C3=9Cber", "Über"),
        ("baker&nbsp;and&nbsp;cook", "baker and cook"),
        ("lâ€™homme", "l’homme"),
        ("K√ºnstler", "Künstler"),
        ("Å‚uk", "łuk"),
        ("ÐœÐ°Ð¼Ð°", "Мама"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("it&#39;s", "it's"),
        ("<b>baker</b>", "baker"),
        ("baker<br/>cook", "baker cook"),
        ("<script>baker</script>", "baker"),
        ("<td>baker</td>", "baker"),
    ],
)
def test_a_damaged_text_is_answered_with_what_was_meant(text: str, meant: str) -> None:
    """The remedy for a wrong encoding, an escape or a tag has the original text."""
    damage = find_damage(text)
    assert damage is not None
    assert f"Probably '{meant}' is meant" in damage.remedy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L\ufffdwe", "a letter that was lost (U+FFFD"),
        ("K?nstler", "a question mark inside a word"),
        ("gh" + "\u0301" * 9 + "ost", "a letter with 9 marks on it: 'h' (U+0068)"),
        ("a" + "\u200d\u0300" * 60, "a letter with 60 marks on it: 'a' (U+0061)"),
        ("\u0300" * 60, "a letter with 60 marks on it"),
        ("\u0e17" + "\u0e49" * 12, "a letter with 12 marks on it"),
        ("#NAME?", "a spreadsheet's error"),
        ("#REF!", "a spreadsheet's error"),
        ("#N/A", "a spreadsheet's error"),
        ("#BEZUG!", "a spreadsheet's error"),
        ("#¿NOMBRE?", "a spreadsheet's error"),
        ("#VALEUR!", "a spreadsheet's error"),
        ("Err:508", "a spreadsheet's error"),
        ("#ERROR!", "a spreadsheet's error"),
        ("Loading...", "a spreadsheet's error"),
        ("=A1", "a formula"),
        ('=VLOOKUP("a",B:C,2)', "a formula"),
        ("=-bold", "a formula"),
        ("two_x000D_lines", "Excel's escape for a line break"),
        ("#####", "if a column is too narrow"),
        ("<br>", "an HTML tag"),
        ("&nbsp;", "an HTML escape"),
        ("NaN", "which programs write for an empty cell"),
        ("NULL", "which programs write for an empty cell"),
    ],
)
def test_what_a_program_wrote_in_the_place_of_text_is_named(text: str, words: str) -> None:
    """A lost letter, error, formula or word for "no value" is refused and called what it is."""
    damage = find_damage(text)
    assert damage is not None
    assert words in damage.problem


@pytest.mark.parametrize(
    "text",
    [
        "SÃO PAULO",
        "IRMÃ”",
        "CAFÉ”",
        "«été»",
        "peut–être",
        "„Ä“",
        "Åsa’s",
        "Île de Ré",
        "R&D",
        "AT&T; and more",
        "1 < 2 > 0",
        "who?",
        "Is it? Yes",
        "see https://x.org/?a=b",
        "#1 fan",
        "#",
        "100%",
        "20%25 off",
        "C:\\users",
        "E=MC2",
        "= equal",
        "nan",
        "Jane <jane@x.org>",
        "\u0f67\u0f90\u0fb5\u0fa8\u0fb3\u0fba\u0fbc\u0fbb\u0f82",
        "\u05e9\u05c1\u05bc\u05b7\u0591\u05bd",
        "Nguye\u0302\u0303n",
    ],
)
def test_what_people_write_is_not_damage(text: str) -> None:
    """Letters, signs and names that people write are not reported as damage."""
    assert find_damage(text) is None
    assert undo_wrong_encoding(text) == text


@pytest.mark.parametrize("name", label_set_names())
def test_no_text_of_the_shipped_sets_is_damaged(name: str) -> None:
    """No name or definition of a shipped set looks damaged."""
    assert read_source(name).rows
