from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from installation.settings.kiosk import load_settings
from installation.settings.paths import MAX_TEXT_BYTES
from tests.support.kiosk_yaml import mistakes_in

Write = Callable[[str | bytes], Path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "",
            "kiosk.yaml: it is empty. Write it, or restore the file that came with the kiosk.",
        ),
        (
            " \n\t\n",
            "kiosk.yaml: it is empty. Write it, or restore the file that came with the kiosk.",
        ),
        (
            b"\x7fELF\0\0\0",
            "kiosk.yaml: it is not text (it contains zero bytes). Save it as plain text in UTF-8.",
        ),
        (
            "labels: persons\n# für alle\n".encode("latin-1"),
            "kiosk.yaml:2: it is not UTF-8 (byte 0xfc is not part of a letter; it seems to be "
            "Windows-1252). "
            "Save it as plain text in UTF-8.",
        ),
        (
            b"#" * (MAX_TEXT_BYTES + 1),
            "kiosk.yaml: it is larger than 64 KiB. Check that it is the right file.",
        ),
    ],
)
def test_a_file_that_is_not_text_is_refused(
    write: Write, content: str | bytes, message: str
) -> None:
    """Empty, binary, wrongly encoded and too large files have a message each."""
    assert mistakes_in(write(content)) == [message]


def test_a_byte_order_mark_is_not_a_mistake(write: Write) -> None:
    """A byte-order mark, as Windows' Notepad writes it, is not part of the text."""
    loaded = load_settings(write(b"\xef\xbb\xbflabels: victorian\r\n"), models=Path("models"))
    assert loaded.settings.labels == "victorian"


def test_a_missing_file_is_answered_with_the_nearest(write: Write) -> None:
    """A file that does not exist is reported with the most similar name in its folder."""
    write("labels: persons\n")
    assert mistakes_in(Path("kosk.yaml")) == [
        "kosk.yaml: there is no such file. Did you mean 'kiosk.yaml'?"
    ]
    assert mistakes_in(Path("elsewhere/kiosk.yaml")) == [
        "elsewhere/kiosk.yaml: there is no such file. Check the path."
    ]


def test_a_folder_and_a_device_are_refused(write: Write, tmp_path: Path) -> None:
    """A folder or a device in the place of the file is refused without reading it."""
    assert mistakes_in(tmp_path) == [".: this is a folder (expected a file). Name a file in it."]
    assert mistakes_in(Path("/dev/zero")) == [
        "/dev/zero: this is a device (expected a file). Name a file."
    ]
    assert mistakes_in(Path("a\0b"))[0].endswith("Check its name and permissions.")
