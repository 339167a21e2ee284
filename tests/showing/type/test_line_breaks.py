"""Tests of the places where lines may break: never inside a letter, a number or an address.

Thai, Lao, Khmer and Burmese break at words; soft hyphens and zero-width spaces are such places, as
are the hyphens of a known language; no-break spaces and word joiners are not.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from installation.showing.type.line_breaks import letter_breaks, line_breaks


def _pieces(text: str, language: str = "") -> list[str]:
    """Return `text` cut at all its breaks; a hyphen that would be drawn is shown."""
    pieces, start = [], 0
    for each in line_breaks(text, language):
        pieces.append(text[start : each.index].replace("\u00ad", "") + "-" * each.hyphenates)
        start = each.index
    return pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Ça va ? Oui : « si »", ["Ça ", "va ? ", "Oui : ", "« si »"]),
        ("1\u202f000,5 km", ["1\u202f000,5 ", "km"]),
        ("宇宙船「宇宙」へ。", ["宇", "宙", "船", "「宇", "宙」", "へ。"]),
        ("キャッチ", ["キャッ", "チ"]),
        ("a – b—c", ["a ", "– ", "b", "—", "c"]),
        ("a\u200bb\u2060c", ["a\u200b", "b\u2060c"]),
        ("Rind\u00adfleisch", ["Rind-", "fleisch"]),
        ("우주비행사가 되었다", ["우주비행사가 ", "되었다"]),
        ("voir https://a.org/b?c=1", ["voir ", "https://", "a.org/", "b?", "c=1"]),
        ("🙂 \U00020000\U00020001", ["🙂 ", "\U00020000", "\U00020001"]),
    ],
)
def test_lines_break_where_unicode_says(text: str, pieces: list[str]) -> None:
    """Lines break where Unicode allows it: not before a closing mark, nor at a no-break space."""
    assert _pieces(text) == pieces


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("คนที่ได้รับการฝึก", ["คน", "ที่", "ได้", "รับ", "การ", "ฝึก"]),
        ("ຄົນທີ່ໄດ້ຮັບການຝຶກ", ["ຄົນທີ່", "ໄດ້ຮັບ", "ການຝຶກ"]),
        ("មនុស្សដែលបានហ្វឹកហាត់", ["មនុស្ស", "ដែល", "បាន", "ហ្វឹកហាត់"]),
        ("လူတစ်ယောက်", ["လူ", "တစ်", "ယောက်"]),
    ],
)
def test_text_without_spaces_breaks_between_words(text: str, words: list[str]) -> None:
    """Thai, Lao, Khmer and Burmese break at words, whatever the language of the show."""
    assert _pieces(text) == words


@pytest.mark.parametrize("text", ["เแโใไก", "ເແໂໃໄກ", "ꪵꪶꪹꪻꪼꪀ", "ស្ត្រី", "က္က"])
def test_a_leading_vowel_stays_with_its_consonant(text: str) -> None:
    """A vowel that is written before its consonant is not separated from it."""
    for each in (*line_breaks(text), *letter_breaks(text)):
        before = text[each.index - 1]
        assert each.index == len(text) or before not in "เแโใไເແໂໃໄꪵꪶꪹꪻꪼ\u17d2\u1039"


def test_marks_stay_with_their_letter() -> None:
    """A word is never broken between a letter and its marks."""
    text = "o\u0323\u0300m\u0303g\u0303"
    assert [each.index for each in letter_breaks(text)] == [3, 5, 7]


def test_nothing_is_loaded_at_the_first_verdict() -> None:
    """The patterns and dictionaries of a label set are in memory before the mirror opens.

    The test breaks a German and a Thai text in a new process, after the warm-up.
    """
    code = (
        "import sys, time; from installation.showing.type.line_breaks import line_breaks, warm_up;"
        "texts = ['Regenschirm', 'คนที่ได้รับการฝึก']; warm_up(texts, 'de');"
        "opened = []; sys.addaudithook(lambda event, _: opened.append(event));"
        "[line_breaks(text, 'de') for text in texts];"
        "print([event for event in opened if event in ('open', 'import')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_show_in_an_unknown_language_loads_no_patterns() -> None:
    """The warm-up for labels in an unknown language does not import pyphen."""
    code = (
        "import sys; from installation.showing.type.line_breaks import warm_up;"
        "warm_up(['a label'], ''); print('pyphen' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("text", "language", "pieces"),
    [
        ("Regenschirm", "de", ["Regen-", "schirm"]),
        ("Regenschirm", "", ["Regenschirm"]),
        ("Regenschirm", "xx", ["Regenschirm"]),
        ("parapluie", "fr", ["para-", "pluie"]),
        ("umbrella", "en", ["umbrella"]),
        ("Re\u00adgenschirm", "de", ["Re-", "genschirm"]),
        ("Boot", "de", ["Boot"]),
        ("Regenm\u0303schirm", "de", ["Regenm\u0303schirm"]),
        ("gépjárművezető", "hu", ["gép-", "jár-", "mű-", "ve-", "zető"]),
    ],
)
def test_words_are_hyphenated_in_their_language(
    text: str, language: str, pieces: list[str]
) -> None:
    """The patterns of a known language apply, but not to words that their author hyphenated."""
    assert _pieces(text, language) == pieces
