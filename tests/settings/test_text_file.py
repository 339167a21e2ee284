"""Tests of files of other programs: their form is named, or they are read.

Rich text, word processors' and spreadsheets' files, PDF, web pages, other encodings, other endings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from installation.settings.kiosk import load_settings
from installation.settings.paths import MAX_TEXT_BYTES
from installation.settings.text_file import remedy_for_missing
from tests.support.kiosk_yaml import mistakes_in

Write = Callable[[str | bytes], Path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "",
            "kiosk.yaml: the file is empty. Write text into it, or restore the file that came "
            "with the kiosk.",
        ),
        (
            " \n\t\n",
            "kiosk.yaml: the file is empty. Write text into it, or restore the file that came "
            "with the kiosk.",
        ),
        (
            b"\x7fELF\0\0\0",
            "kiosk.yaml: the file is not text (it contains null characters). Save the file as "
            "plain text in UTF-8 "
            "(in TextEdit: Format, Make Plain Text).",
        ),
        (
            "labels: persons\n# für alle\n".encode("latin-1"),
            "kiosk.yaml:2: the file is not UTF-8 (it contains the invalid byte 0xfc). "
            "Save the file as plain text in UTF-8 "
            "(in TextEdit: Format, Make Plain Text).",
        ),
        (
            b"#" * (MAX_TEXT_BYTES + 1),
            "kiosk.yaml: the file is larger than 64 KiB. Check whether this is the right file.",
        ),
    ],
)
def test_a_file_that_is_not_text_is_refused(
    write: Write, content: str | bytes, message: str
) -> None:
    """Empty, binary, wrongly encoded and too large files have a message each."""
    assert mistakes_in(write(content)) == [message]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp1250", "iso8859-15", "cp437"])
def test_no_older_encoding_is_taken_for_another(write: Write, encoding: str) -> None:
    """A text of a Mac, of Windows or of DOS is refused on its line; no encoding is guessed."""
    (mistake,) = mistakes_in(write("labels: persons\n# für alle\n".encode(encoding)))
    byte = "ü".encode(encoding)[0]
    assert mistake.startswith(
        f"kiosk.yaml:2: the file is not UTF-8 (it contains the invalid byte {byte:#04x}). Save the"
    )


def test_a_byte_order_mark_is_not_a_mistake(write: Write) -> None:
    """A byte-order mark, as Windows' Notepad writes it, is not part of the text."""
    loaded = load_settings(write(b"\xef\xbb\xbflabels: victorian\r\n"), models=Path("models"))
    assert loaded.settings.labels == "victorian"


def test_a_missing_file_is_answered_with_the_nearest(write: Write) -> None:
    """A file that does not exist is reported with the most similar name in its folder."""
    write("labels: persons\n")
    assert mistakes_in(Path("kosk.yaml")) == [
        "kosk.yaml: this file does not exist. Did you mean 'kiosk.yaml'?"
    ]
    assert mistakes_in(Path("kiosk.yml")) == [
        "kiosk.yml: this file does not exist. Did you mean 'kiosk.yaml'?"
    ]
    assert mistakes_in(Path("elsewhere/kiosk.yaml")) == [
        "elsewhere/kiosk.yaml: this file does not exist. Check the path."
    ]


def test_a_folder_and_a_device_are_refused(write: Write, tmp_path: Path) -> None:
    """A folder or a device instead of the file is refused without reading it."""
    assert mistakes_in(tmp_path) == [
        ".: this is a folder (expected a file). Give the name of a file in this folder."
    ]
    assert mistakes_in(Path("a\0b"))[0].endswith("Check the file's name and permissions.")


@pytest.mark.parametrize(
    ("start", "form"),
    [
        (b"{\\rtf1\\ansi\\ansicpg1252\\cocoartf2639\n", "rich text, as TextEdit saves it"),
        (b"PK\3\4\0\0", "a workbook, a word processor's file, or another ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a file of an old version of Office, .xls or .doc"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"<!DOCTYPE html>\n<html>", "a web page"),
        (b"<html><body>labels: persons", "a web page"),
        (b"<?xml version='1.0'?>", "XML, as old spreadsheets save it"),
    ],
)
def test_a_file_of_another_program_is_named(write: Write, start: bytes, form: str) -> None:
    """A file of another program is refused with its format's name, under any name."""
    assert mistakes_in(write(start + b"labels: persons\n")) == [
        f"kiosk.yaml: the file is {form} (expected plain text). Save the file as plain text "
        "in UTF-8 (in TextEdit: Format, Make Plain Text)."
    ]


def test_utf_32_is_not_taken_for_utf_16(write: Write) -> None:
    """UTF-32, whose byte-order mark begins like UTF-16's, is refused as UTF-32."""
    (mistake,) = mistakes_in(write("labels: persons\n".encode("utf-32")))
    assert mistake.startswith("kiosk.yaml: the file is not text (it contains null characters).")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(write: Write, encoding: str) -> None:
    """UTF-16, which Windows calls Unicode, is read if the file begins with its byte-order mark."""
    mark = "" if encoding == "utf-16" else "\ufeff"
    path = write(
        f"{mark}labels: victorian\nscreen:\n  title: Wer bist du, Künstler?\n".encode(encoding)
    )
    settings = load_settings(path, models=Path("models")).settings
    assert (settings.labels, settings.screen.title) == ("victorian", "Wer bist du, Künstler?")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (
            "show.yaml.txt",
            "Rename 'show.yaml.txt' to 'show.yaml' (file managers often hide the suffix).",
        ),
        ("Show.YAML", "Rename 'Show.YAML' to 'show.yaml'."),
        (
            "show.rtf",
            "This folder has 'show.rtf'. Save the file as plain text in UTF-8 (in TextEdit: "
            "Format, Make Plain Text). Name the saved file 'show.yaml'.",
        ),
        (
            "show.yaml.docx",
            "This folder has 'show.yaml.docx'. Save the file as plain text in UTF-8 (in TextEdit: "
            "Format, Make "
            "Plain Text). Name the saved file 'show.yaml'.",
        ),
    ],
)
def test_a_file_with_another_ending_is_found(tmp_path: Path, name: str, remedy: str) -> None:
    """If a program saved the file under a longer or another name, the message names that file."""
    (tmp_path / name).touch()
    assert remedy_for_missing(tmp_path / "show.yaml") == remedy
