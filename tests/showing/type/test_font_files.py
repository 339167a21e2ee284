"""Tests of the fonts: every letter has one, or is named with its row."""

from __future__ import annotations

import unicodedata

import icu
import pytest

from installation.errors import ScreenError
from installation.showing.type.font_files import (
    find_faces,
    own_face,
    packaged_face,
    search_fonts,
    undrawable,
)
from installation.showing.type.fonts import Fonts
from installation.showing.type.scripts import script_of
from tests.support.fonts import hide_system_fonts

CHEROKEE = "ᏣᎳᎩ (1821)"


@pytest.fixture
def no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a machine on which fontconfig cannot be run."""
    hide_system_fonts(monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        *("Ångström’s “test” › – …", "άνθρωπος ᾧ", "человек, ҡош, ѝ"),
        *("žluťoučký kůň", "Ọ̀yọ́, ṣẹ̀gún", "g̃uahẽ m̃ ỹ", "ė́ į̃ ū̃", "Ḥāfiẓ ʻāmm", "Người được"),
        *("Hawaiʻi", "ɓaɗɗo ƙwaƙwa", "Ɛʋe ŋɔŋlɔ", "qʷ χ̌ ƛ̓", "ằ ễ ợ ự Ǘ"),
        *(
            "شخص (منذ 1961)",
            "אַסְטְרוֹנָאוּט",
            "คนที่",
            "ຄົນທີ່",
            "មនុស្ស",
            "လူ",
            "व्यक्ति",
            "ሰው",
            "մարդ",
            "ადამიანი",
        ),
    ],
)
@pytest.mark.usefixtures("no_system_fonts")
def test_the_package_draws_it(text: str) -> None:
    """Latin with all marks, Greek, Cyrillic and 19 more scripts need no font of the system."""
    assert find_faces([text])[1] == set()


@pytest.mark.parametrize("script", ["Latn", "Grek", "Cyrl"])
def test_every_letter_of_the_script_is_of_the_kiosks_own_face(script: str) -> None:
    """The kiosk's own face draws every letter of Latin, Greek and Cyrillic.

    Left out are forms for East Asian typewriters, Roman numerals as single characters, and signs of
    ancient Greek numbers and music; and the letters after Unicode 14, which the face does not have
    and only newer versions of Python know.
    """
    letters = [
        letter
        for letter in map(chr, range(0x30000))
        if script_of(letter) == script
        and unicodedata.category(letter)[0] == "L"
        and unicodedata.east_asian_width(letter) != "F"
        and float(icu.Char.charAge(letter)) < 15
    ]
    assert len(letters) > 300
    assert [letter for letter in letters if not own_face().covers(letter)] == []


def test_every_mark_of_those_scripts_is_of_that_face() -> None:
    """Any letter can have any of the marks of Unicode's main blocks for Latin and Cyrillic."""
    blocks = (*range(0x300, 0x370), *range(0x1AB0, 0x1AC0), *range(0x1DC0, 0x1DFA), 0x483, 0xFE20)
    assert [f"{mark:04X}" for mark in blocks if not own_face().covers(f"m{chr(mark)}")] == []


@pytest.mark.usefixtures("no_system_fonts")
def test_symbols_need_no_font_of_the_system() -> None:
    """The symbols that people put into labels need no font of the system, except some rare ones."""
    assert find_faces(["→ ♀ ⚥ ≤ ≠ ½ ² √ ∑ № ™ € ₹ ‑ ′ ÷ ♪ ☺ † ① ⓐ"])[1] == set()


def test_latin_greek_and_cyrillic_are_of_one_face() -> None:
    """Latin, Greek and Cyrillic letters are drawn by one face, with any marks."""
    for cluster in ("a", "Ọ̀", "m\u0303", "ė\u0301", "ƛ\u0313", "ᾧ", "Ҡ"):
        assert packaged_face(cluster) is own_face()


@pytest.mark.usefixtures("no_system_fonts")
def test_without_fontconfig_other_scripts_are_missing() -> None:
    """On a machine without fonts the message names the letters and the packages to install."""
    texts = ["a person", "человек", CHEROKEE, "宇宙", "人物。"]
    assert find_faces(texts)[1] == set("ᏣᎳᎩ宇宙人物。")
    with pytest.raises(ScreenError, match=r"Cherokee and East Asian.*apt-get install .*fonts-noto"):
        Fonts(texts)


@pytest.mark.usefixtures("no_system_fonts")
def test_each_letter_without_a_font_is_named_with_its_place() -> None:
    """The message has the row and the letters, by which they are found in a spreadsheet."""
    mistakes = undrawable(
        {"labels.csv:2": "a person", "labels.csv:3": CHEROKEE, "labels.csv:4": "宇宙の, a🐟b\ue000"}
    )
    assert [(mistake.where, mistake.problem) for mistake in mistakes] == [
        (
            "labels.csv:3",
            "no font on this machine can draw Ꭹ (U+13A9), Ꮃ (U+13B3), Ꮳ (U+13E3), in Cherokee",
        ),
        (
            "labels.csv:4",
            "no font on this machine can draw の (U+306E), 宇 (U+5B87), 宙 (U+5B99) and 2 more, "
            "in East Asian and Emoji",
        ),
    ]


def test_emoji_are_to_be_taken_out() -> None:
    """Emoji are never drawn, with any fonts."""
    (mistake,) = undrawable({"labels.csv:3": "gold 🐟"})
    assert str(mistake) == (
        "labels.csv:3: no font on this machine can draw 🐟 (U+1F41F), in Emoji. Remove the letters."
    )


def test_a_private_character_has_no_script() -> None:
    """The message about a private character names only its code point."""
    (mistake,) = undrawable({"labels.csv:3": "\U000f0000"})
    assert mistake.problem.endswith("(U+F0000)")


@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize("letter", ["\ue000", "\uf8ff", "\U000f0000", "\uffff", "🐟\uf8ff"])
def test_no_font_is_to_be_installed_for_what_no_font_has(letter: str) -> None:
    """The remedy for a letter that no font can have is to remove it, not to install a font."""
    (mistake,) = undrawable({"labels.csv:3": f"a{letter}b"})
    assert mistake.remedy == "Remove the letters."


@pytest.mark.usefixtures("no_system_fonts")
def test_the_remedy_tells_letters_apart() -> None:
    """If a font exists for some of the letters only, the remedy names those to remove."""
    (mistake,) = undrawable({"labels.csv:3": "宙 \uf8ff"})
    assert mistake.remedy.startswith("Remove \uf8ff (U+F8FF), and install a font for the other ")


@pytest.mark.usefixtures("no_system_fonts")
def test_an_unassigned_letter_is_not_called_east_asian() -> None:
    """Python calls unassigned letters wide; the message names no script for them."""
    (mistake,) = undrawable({"labels.csv:3": "a\u0378"})
    assert mistake.problem.endswith("(U+0378)")


def test_the_system_draws_other_scripts() -> None:
    """Chinese, Japanese, Korean, Cherokee and others come from the system's fonts."""
    faces, missing = find_faces(["宇宙の", "한국", CHEROKEE])
    assert not missing
    assert faces["宇"] is faces["の"] is faces["한"] is not own_face()
    assert len({faces["宇"], faces["Ꮳ"], faces["1"]}) == 3


def test_a_search_before_the_guard_finds_what_texts_need_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After `search_fonts`, fonts for the same texts are found without running fontconfig again.

    A character that Chinese and Japanese write differently still has a different font in each.
    """
    texts = ["直", "直の", "한국", CHEROKEE]
    search_fonts("".join(texts))
    monkeypatch.setenv("PATH", "")
    found = [find_faces([text]) for text in texts]
    assert [missing for _, missing in found] == [set(), set(), set(), set()]
    assert found[0][0]["直"] is not found[1][0]["直"]


def test_chinese_has_its_own_forms() -> None:
    """A set in Chinese alone is drawn in Chinese forms, and a set with kana in Japanese forms."""
    assert find_faces(["直"])[0]["直"] is not find_faces(["直の"])[0]["直"]
