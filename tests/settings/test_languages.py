from __future__ import annotations

from itertools import product
from pathlib import Path
from string import ascii_lowercase

import pytest

from installation.errors import SettingsError
from installation.settings.kiosk import Settings, load_settings
from installation.settings.languages import (
    ENGLISH,
    Language,
    label_languages,
    resolve_language,
    word_languages,
)


def test_a_file_of_words_is_a_language(tmp_path: Path) -> None:
    """A language is added by adding its file; English always exists."""
    for name in ("it.yaml", "en.yaml", "notes.txt"):
        (tmp_path / name).touch()
    assert word_languages(tmp_path) == ["en", "it"]
    assert ENGLISH in word_languages()


@pytest.mark.parametrize(
    ("code", "translations", "language"),
    [
        ("en", [], Language("en", "en", translated=False)),
        ("de", ["de"], Language("de", "de", translated=True)),
        ("de", ["it"], Language("de", "de", translated=False)),
        ("la", ["la"], Language("en", "la", translated=True)),
    ],
)
def test_a_code_becomes_a_language_for_words_and_one_for_labels(
    code: str, translations: list[str], language: Language
) -> None:
    """If the kiosk has no words in a language, its words are English; the labels are not."""
    assert resolve_language(code, translations) == language


@pytest.mark.parametrize(
    ("value", "first", "second"),
    [
        ("de", "de", None),
        (["de"], "de", None),
        (["de", "en"], "de", "en"),
        (["la", "fr"], "en", "fr"),
    ],
)
def test_a_show_has_one_or_two_languages(value: object, first: str, second: str | None) -> None:
    """`language: [de, en]` is a show in two languages; the first comes first on the screen."""
    language = Settings.model_validate({"language": value}).language
    assert language.words == first
    assert (language.second and language.second.words) == second
    assert language.second_labels == (None if second is None else value[1])  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[de, en, fr]", "language is a list (expected a code such as en, or a list of two"),
        ("[]", "language is a list (expected a code"),
        ("[de, 5]", "language is a list (expected a code"),
        ("[de, de]", "language names 'de' twice. Write `language: de`."),
        ("[de, xx]", "language is 'xx', but neither the kiosk's words nor the names in"),
    ],
)
def test_other_lists_of_languages_are_mistakes(text: str, message: str, tmp_path: Path) -> None:
    """A list is a mistake if it is empty, or has three, equal or unknown languages."""
    file = tmp_path / "kiosk.yaml"
    file.write_text(f"language: {text}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert message in str(caught.value)


MANY = ",".join(
    f"definition_{first}{second}" for first, second in product(ascii_lowercase, repeat=2)
)


@pytest.mark.parametrize(
    "content",
    [
        b"id,name,name_it,definition_fr\n",
        b"\xef\xbb\xbfID;Name; NAME_IT\n",
        b'sep=;\r\n"id";"name_it"\r\n',
        b'"sep=|"\nid|name_it\n',
        b"\n;;;\n\nid;name_it\n",
        b"id\tname_it\n",
        b'id,"a note\nin two lines",name_it\n',
        b"id,name_it\n1,caf\xe9\n",
        b'id,name_it\n1,"no end\n',
        f"id,{MANY},name_it\n".encode(),
    ],
)
def test_the_languages_of_labels_are_those_of_the_header(content: bytes, tmp_path: Path) -> None:
    """The header is found after `sep=;` and blank lines; mistakes further down do not matter."""
    (tmp_path / "weather").mkdir()
    (tmp_path / "weather" / "labels.csv").write_bytes(content)
    assert label_languages("weather", tmp_path) == ["it"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b'"id', b"first_name_it,name_italian,name-it"])
def test_labels_without_a_translated_name_have_no_languages(content: bytes, tmp_path: Path) -> None:
    """A column counts only if it is named `name_` and a code, as when the label set is loaded."""
    (tmp_path / "weather").mkdir()
    (tmp_path / "weather" / "labels.csv").write_bytes(content)
    assert label_languages("weather", tmp_path) == []


def test_a_set_without_labels_csv_has_no_languages(tmp_path: Path) -> None:
    """The names of a set without labels.csv are in one language."""
    assert label_languages("weather", tmp_path) == []
