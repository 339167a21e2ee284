from __future__ import annotations

import datetime
import re
from dataclasses import asdict, fields, replace
from pathlib import Path
from string import Formatter

import pytest

from installation.errors import ScreenError
from installation.settings.kiosk import FIXED_WORDS, OwnWords, ScreenSettings, Settings
from installation.settings.languages import resolve_language, word_languages
from installation.settings.paths import WORDS_FOLDER
from installation.showing.type.font_files import find_faces
from installation.showing.words import (
    Words,
    load_words,
    privacy_line,
    read_unchecked,
    with_privacy_line,
    words_of,
)
from tests.support.fonts import hide_system_fonts
from tests.support.languages import LANGUAGES


def _sentences(words: Words) -> dict[str, str]:
    return {key: text for key, text in asdict(words).items() if isinstance(text, str)}


def test_every_file_of_words_is_known_to_the_tests() -> None:
    """The kiosk's own words are in German, English, Spanish and French, and the tests know them."""
    assert word_languages() == sorted(LANGUAGES)
    assert {"de", "en", "es", "fr"} <= LANGUAGES.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_own_name(language: str) -> None:
    """The name of a language is in that language."""
    assert load_words(language).language == LANGUAGES[language].name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_complete(language: str) -> None:
    """Each language has every sentence, translated, with the same placeholders as English."""
    words, english = load_words(language), load_words()
    assert all(text.strip() or text == words.thousands for text in words.texts())
    assert len(set(words.months)) == len(words.months) == 12
    assert set(words.texts()) == {*_sentences(words).values(), *words.months}
    for key, text in _sentences(words).items():
        names = {name for _, name, _, _ in Formatter().parse(text) if name}
        assert names == {name for _, name, _, _ in Formatter().parse(getattr(english, key)) if name}
        short = ("time", "date", "first_day", "thousands")
        assert language == "en" or key in short or text != getattr(english, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_need_only_the_bundled_font(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kiosk's own sentences are readable on a machine without any font."""
    hide_system_fonts(monkeypatch)
    assert not find_faces(load_words(language).texts())[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_typeset(language: str) -> None:
    """No straight quotes and no three dots; only French has a space before ? ! : ;."""
    for text in load_words(language).texts():
        assert not re.search(r"[\"']|\.\.\.|  | $|^ ", text), text
        spaced = re.findall(r".(?=[?!:;»](?:\s|$))", text)
        assert all((before == "\u00a0") is (language == "fr") for before in spaced), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_screen_promises_no_more_than_the_program_does(language: str) -> None:
    """Only the sentences after a self-test say that anything was tried, and none says too much."""
    words = load_words(language)
    tested, never = LANGUAGES[language].tested, LANGUAGES[language].never
    for text in (words.privacy_today, words.privacy_earlier, words.privacy_undated):
        assert tested in text
    rest = [
        text
        for key, text in _sentences(words).items()
        if not re.match("privacy_(tod|ear|und)|staff_", key)
    ]
    assert not any(tested.lower() in text.lower() for text in rest)
    assert not any(claim in text.lower() for text in words.texts() for claim in never)


@pytest.mark.parametrize("language", LANGUAGES)
def test_visitors_read_plain_words(language: str) -> None:
    """Words that visitors did not understand are only on the staff card."""
    for_visitors = [
        text
        for key, text in _sentences(load_words(language)).items()
        if not key.startswith(("staff_", "unguarded_staff"))
    ]
    # The name of a placeholder is not on the screen.
    shown = [re.sub(r"{.*?}", "", text).lower() for text in for_visitors]
    found = [
        (word, text) for word in LANGUAGES[language].technical for text in shown if word in text
    ]
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plain_promise_is_the_same_everywhere(language: str) -> None:
    """Before a self-test the screen says that no picture is stored, and no more."""
    assert load_words(language).privacy == LANGUAGES[language].privacy


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("privacy:", "privaty:", "privacy is missing"),
        ("title: What would a machine call you?", "title: ''", "title"),
        ("{score}\\_of", "of", "score"),
        ("{score}\\_of", "{score} of {sum}", "score"),
    ],
)
def test_a_mistake_in_the_words_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """The message names the sentence that a translator left out, and its line."""
    text = (WORDS_FOLDER / "en.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "xx.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ScreenError, match=complaint) as caught:
        load_words("xx", tmp_path)
    assert "xx.yaml:" in str(caught.value)


def test_a_brace_in_a_sentence_without_placeholders_is_a_mistake(tmp_path: Path) -> None:
    """A list of eleven months and a brace in a sentence without placeholders are both reported."""
    text = (WORDS_FOLDER / "en.yaml").read_text(encoding="utf-8")
    text = text.replace("December]", "]").replace("waking up.", "waking up {now}.")
    (tmp_path / "xx.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScreenError) as caught:
        load_words("xx", tmp_path)
    first, second = str(caught.value).splitlines()
    assert "months is a list (expected a list of the twelve months)" in first
    assert "loading is 'The machine is waking up {now}.' (expected text without { or })" in second


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_and_days_are_in_the_form_of_the_language(language: str) -> None:
    """The hour and the day of the self-test are written as the language writes them."""
    words, facts = load_words(language), LANGUAGES[language]
    written = (
        words.time_of(datetime.datetime(2026, 5, 1, 9, 5)),
        words.date_of(datetime.date(2026, 5, 1)),
        words.date_of(datetime.date(2026, 9, 12)),
    )
    expected = (facts.morning, facts.may_first, facts.september_twelfth)
    assert tuple(text.replace("\u00a0", " ") for text in written) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_in_the_form_of_the_language(language: str) -> None:
    """Thousands are set apart as the language does."""
    words = load_words(language)
    assert words.number(1889).replace("\u00a0", " ") == LANGUAGES[language].thousand
    assert words.number(31) == "31"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_promise_says_what_is_true_at_that_moment(language: str) -> None:
    """The privacy line has the time of the test, or promises less if the kernel prevents less."""
    words = load_words(language)
    at = datetime.datetime(2026, 5, 2, 9, 5)
    today, tomorrow = at.date(), at.date() + datetime.timedelta(days=1)
    proved, earlier = (privacy_line(words, True, at, day) for day in (today, tomorrow))
    assert words.time_of(at) in proved
    assert words.date_of(today) in earlier
    assert proved.startswith(words.privacy)
    assert earlier.startswith(words.privacy)
    assert privacy_line(words, True, None, today) == words.privacy_undated
    assert words.privacy_undated.startswith(words.privacy)
    assert privacy_line(words, False, at, today) == words.privacy_unguarded


def test_the_promise_in_english() -> None:
    """The English privacy lines, word for word; the other languages translate them."""
    words = load_words()
    at = datetime.datetime(2026, 5, 2, 9, 5)
    assert privacy_line(words, True, at, at.date()) == (
        "No picture is kept. Saving is blocked: tested today at\u00a009:05."
    )
    assert privacy_line(words, False, at, at.date()) == (
        "This program keeps no picture of you, but on this computer it would be possible."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_promised_under_an_empty_square_without_the_sandbox(language: str) -> None:
    """The short promise is the first sentence of the privacy line, or absent."""
    words, at = load_words(language), datetime.datetime(2026, 5, 2, 9, 5)
    assert words.promise == words.privacy
    assert with_privacy_line(words, True, at, at.date()).promise == words.privacy
    assert with_privacy_line(words, False, at, at.date()).promise == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_are_sentences(language: str) -> None:
    """Each sentence of the kiosk's own in a caption has a capital and a full stop.

    Definitions have neither, because they are quotations, and what stands in a list is no sentence.
    """
    words = load_words(language)
    sentences = (
        *(
            words.turn_away,
            words.artwork,
            words.promise,
            words.reading,
            words.score,
            words.unsure,
        ),
        *(words.drawn, words.withdrawn),
    )
    for sentence in sentences:
        assert sentence[0].isupper(), sentence
        assert sentence.endswith("."), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_there_is_a_name_nobody_reads_that_the_machine_knows_theirs(language: str) -> None:
    """The notice and the countdown do not say 'name', which was taken for a first name."""
    words = load_words(language)
    for text in (words.notice, words.countdown, words.turn_away):
        assert not re.search(r"\b(nam|nom)", text.lower())


@pytest.mark.parametrize("language", LANGUAGES)
def test_seconds_are_written_out(language: str) -> None:
    """Seconds are written out, because an "s" was read as a 5; after 1 the word is singular."""
    words = load_words(language)
    one, two = words.way_out_in(1), words.way_out_in(2)
    assert one != two.replace("2", "1")
    for text, number in ((one, "1"), (two, "2")):
        _, _, unit = text.partition(number)
        assert re.match("\u00a0(Sekunde|second|segundo|seconde)", unit)


def test_the_curators_words_replace_those_of_the_kiosk() -> None:
    """Sentences of the curator replace the kiosk's, in any language; the others stay."""
    settings = Settings(
        language=resolve_language("de"),
        words=OwnWords(invitation="Nur Mut.", score="{score} %"),
        screen=ScreenSettings(title="Wer bist du?"),
    )
    (words,), german = words_of(settings), load_words("de")
    assert (words.invitation, words.score, words.title) == ("Nur Mut.", "{score} %", "Wer bist du?")
    changed = {"invitation": "", "score": "", "title": ""}
    assert words.updated(changed) == german.updated(changed)


def test_the_curators_words_have_no_second_language() -> None:
    """A curator's sentence is shown alone, because the kiosk's could say something else."""
    settings = Settings(
        language=replace(resolve_language("de"), second=resolve_language("fr")),
        words=OwnWords(invitation="Nur Mut."),
        screen=ScreenSettings(title="Wer bist du?"),
    )
    german, french = words_of(settings)
    assert (german.title, german.invitation) == ("Wer bist du?", "Nur Mut.")
    assert (french.title, french.invitation) == ("", "")
    assert french.notice == load_words("fr").notice


def test_each_sentence_is_changeable_or_fixed() -> None:
    """Every sentence is either changeable or fixed, and the sentences about privacy are fixed."""
    own, fixed = set(OwnWords.model_fields), set(FIXED_WORDS)
    elsewhere = {"title", "language", "code", "thousands", "time", "date", "first_day", "months"}
    keys = {field.name for field in fields(Words)}
    staffs = {key for key in keys if key.startswith("staff_")}
    assert own | fixed | elsewhere | staffs == keys
    assert not own & fixed
    assert {key for key in keys if "privacy" in key} | {"notice", "guess"} <= fixed


def test_without_words_in_the_language_of_the_labels_the_kiosk_speaks_english() -> None:
    """A label set can be shown before somebody has written the kiosk's words in its language."""
    assert words_of(Settings(language=resolve_language("la"))) == (load_words("en"),)
    both = replace(resolve_language("la"), second=resolve_language("en"))
    assert words_of(Settings(language=both)) == (load_words("en"),)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_the_same_without_the_check(language: str) -> None:
    """The title card has the words of every other scene."""
    assert read_unchecked(language) == load_words(language)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("loading:", "loading: # "),
        ("loading:", "lading:"),
        ("loading:", "loading: [a, b] #"),
        ("months:", "months: 12 #"),
        ("months:", "months"),
        ("title:", "title: 7 #"),
    ],
)
def test_without_a_check_words_are_used_only_if_all_are_texts(
    before: str, after: str, tmp_path: Path
) -> None:
    """Before the check, a damaged file of words is ignored; the check then reports it."""
    text = (WORDS_FOLDER / "en.yaml").read_text()
    assert f"\n{before}" in text
    (tmp_path / "en.yaml").write_text(text.replace(f"\n{before}", f"\n{after}", 1))
    assert read_unchecked("en", tmp_path) is None
    with pytest.raises(ScreenError):
        load_words("en", tmp_path)
    assert read_unchecked("de", tmp_path) is None
