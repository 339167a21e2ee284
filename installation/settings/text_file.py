"""Reads text files that people write by hand or save from other programs."""

from __future__ import annotations

from pathlib import Path

from installation.errors import KioskError, Mistake, did_you_mean, ellipsize
from installation.settings.path_guess import meant_path
from installation.settings.paths import MAX_TEXT_BYTES

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""The byte-order marks at the beginning of UTF-16 text."""

UTF_32_MARK = b"\xff\xfe\0\0"
"""The byte-order mark of UTF-32 text; its first two bytes are also a mark of UTF-16."""

FILE_SIGNATURES = {
    b"PK\3\4": "a workbook, a word processor's file, or another ZIP archive",
    b"\xd0\xcf\x11\xe0": "a file of an old version of Office, .xls or .doc",
    b"{\\rtf": "rich text, as TextEdit saves it",
    b"%PDF": "a PDF",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML, as old spreadsheets save it",
    b"bplist": "a property list of a Mac",
}
"""The formats of files that are not plain text, by their first bytes."""

PLAIN_TEXT = {
    "": "Save the file as plain text in UTF-8 (in TextEdit: Format, Make Plain Text).",
    ".csv": 'In the spreadsheet, save it as "CSV UTF-8" (in Numbers: File, Export To, CSV).',
}
"""The remedy for a file in another format, keyed by the suffix that the file should have."""

HIDDEN_SUFFIXES = ("", ".txt", ".csv", ".yaml", ".yml")
"""The suffixes that a program may have added to the expected name of a file; many computers hide
them. The suffix "" is for a file whose name differs only in capital letters.
"""

OTHER_SUFFIXES = (".xlsx", ".xls", ".ods", ".numbers", ".rtf", ".docx", ".doc", ".odt", ".tsv")
"""The suffixes of other programs' files that people save instead of a text file."""


def read_text(path: Path, file: str, error: type[KioskError], limit: int = MAX_TEXT_BYTES) -> str:
    """Return the text of a file of at most `limit` bytes, in UTF-8 or, with a BOM, UTF-16.

    `file` is the file's name in messages. Raises `error` if the file is missing, not a regular
    file, too large, empty, binary or in another encoding.
    """

    def wrong(problem: str, remedy: str, line: int = 0) -> KioskError:
        return error(Mistake(f"{file}:{line}" if line else file, problem, remedy))

    try:
        if path.is_dir():
            raise wrong(
                "this is a folder (expected a file)", "Give the name of a file in this folder."
            )
        if path.exists() and not path.is_file():
            raise wrong("this is a device (expected a file)", "Give the name of a file.")
        with path.open("rb") as opened:
            content = opened.read(limit + 1)
    except FileNotFoundError:
        raise wrong("this file does not exist", remedy_for_missing(path)) from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        raise wrong(
            f"the file cannot be read ({reason})", "Check the file's name and permissions."
        ) from None
    remedy = PLAIN_TEXT.get(path.suffix, PLAIN_TEXT[""])
    if len(content) > limit:
        raise wrong(
            f"the file is larger than {limit // 1024} KiB", "Check whether this is the right file."
        )
    if form := next(
        (form for start, form in FILE_SIGNATURES.items() if content.startswith(start)), None
    ):
        raise wrong(f"the file is {form} (expected plain text)", remedy)
    is_utf_16 = content.startswith(UTF_16_MARKS) and not content.startswith(UTF_32_MARK)
    if b"\0" in content and not is_utf_16:
        raise wrong("the file is not text (it contains null characters)", remedy)
    try:
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as failure:
        if is_utf_16:
            raise wrong(
                "the file begins with a byte-order mark of UTF-16, but is not valid UTF-16", remedy
            ) from None
        line = content.count(b"\n", 0, failure.start) + 1
        byte = content[failure.start]
        # Most bytes are letters in every older encoding, so none of these is named.
        problem = f"the file is not UTF-8 (it contains the invalid byte {byte:#04x})"
        raise wrong(problem, remedy, line) from None
    if not text.strip():
        raise wrong(
            "the file is empty",
            "Write text into it, or restore the file that came with the kiosk.",
        )
    return text


YAML_SUFFIXES = (".yaml", ".yml")
"""The suffixes of YAML files."""


def decode_start(content: bytes) -> str:
    """Return the text of a file's first bytes; bytes that are not UTF-8 become U+FFFD."""
    encoding = "utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig"
    return content.decode(encoding, errors="replace")


def remedy_for_missing(path: Path) -> str:
    """Return a remedy for the missing file `path`.

    If the folder of `path` has a file that the user probably meant, the remedy names that file.
    """
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except (OSError, ValueError):
        return "Check the path."
    wanted = path.name.casefold()
    for name in names:
        longer = name.casefold().removeprefix(wanted)
        if longer in HIDDEN_SUFFIXES and name.casefold().startswith(wanted):
            hint = " (file managers often hide the suffix)" if longer else ""
            return f"Rename '{ellipsize(name)}' to '{path.name}'{hint}."
        entry = Path(name.casefold())
        if entry.stem in (wanted, Path(wanted).stem) and entry.suffix in OTHER_SUFFIXES:
            how = PLAIN_TEXT.get(path.suffix, PLAIN_TEXT[""])
            return f"This folder has '{ellipsize(name)}'. {how} Name the saved file '{path.name}'."
    suffixes = YAML_SUFFIXES if path.suffix in YAML_SUFFIXES else (path.suffix,)
    meant = meant_path(
        path.name, path.parent, lambda other: other.is_file() and other.suffix in suffixes
    )
    return did_you_mean(meant) or "Check the path."
