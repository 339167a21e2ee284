"""Tests of the card of a show whose kiosk.yaml is wrong: what is right in the file counts.

The language and the display are read from files with a wrong value, an open quote or bracket, a
misspelt language, two languages, or the encoding of another program.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.cli.valid_parts import load_valid_parts


@pytest.mark.parametrize(
    "text",
    [
        "language: de\nscreen: {display: 1, title: Wer da}\nlabels: no such set\n",
        "language: de\nscreen:\n  display: 1\n  title: Wer da\n  rotate: 45\n",
        "language: de\nscreen:\n  display: 1\n  title: Wer da\nwords:\n  score: x\n",
        'language: de\nscreen: {display: 1, title: Wer da}\ncamera:\n  source: "unclosed\n',
        "language: de\nscreen: {display: 1, title: Wer da}\ncamera: {\nreading: ]\n",
    ],
)
def test_what_is_right_in_a_wrong_file_is_used(text: str, tmp_path: Path) -> None:
    """If kiosk.yaml has a mistake, the settings without mistakes are used."""
    file = tmp_path / "kiosk.yaml"
    file.write_text(text)
    settings = load_valid_parts(file).settings
    assert settings.language.words == "de"
    assert settings.screen.display == 1
    assert settings.screen.title == "Wer da"


@pytest.mark.parametrize("code", ["DE", "deutsch", "de-CH", "[Deutsch, en]", "ger"])
def test_a_misspelt_language_is_the_one_that_is_meant(code: str, tmp_path: Path) -> None:
    """The card is in the language that a misspelt language in kiosk.yaml probably means."""
    file = tmp_path / "kiosk.yaml"
    file.write_text(f"language: {code}\n")
    assert load_valid_parts(file).settings.language.words == "de"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    """A file in an encoding of Notepad also decides the language of the card."""
    file = tmp_path / "kiosk.yaml"
    file.write_bytes("language: de\nscreen: {display: 1}\nlabels: größer\n".encode(encoding))
    settings = load_valid_parts(file).settings
    assert (settings.language.words, settings.screen.display) == ("de", 1)


def test_of_two_languages_the_first_is_read(tmp_path: Path) -> None:
    """With two languages and a mistake in another setting, the words are in the first language."""
    file = tmp_path / "kiosk.yaml"
    file.write_text("language: [de, en]\ncamera: 5\n")
    assert load_valid_parts(file).settings.language.words == "de"


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\0", b"[" * 5000, b"language: [xx]\n", b"- 1\n", b"language: xx\n"]
)
def test_what_cannot_be_read_has_its_default(content: bytes, tmp_path: Path) -> None:
    """A file without any valid setting, and a missing file, result in the defaults and no error."""
    file = tmp_path / "kiosk.yaml"
    assert load_valid_parts(file).settings.language.words == "en"
    file.write_bytes(content)
    assert load_valid_parts(file).settings.language.words == "en"
