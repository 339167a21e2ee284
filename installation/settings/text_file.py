"""Text files that people write by hand or save from other programs."""

from __future__ import annotations

from pathlib import Path

from installation.errors import KioskError, Mistake, did_you_mean, nearest
from installation.settings.paths import MAX_TEXT_BYTES

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""The byte-order marks with which text in UTF-16 begins."""

ZIP_MAGIC = b"PK"
"""The first bytes of a zip, which .xlsx and .ods files are."""


def read_text(path: Path, file: str, error: type[KioskError], limit: int = MAX_TEXT_BYTES) -> str:
    """Return the text of a UTF-8 file of at most `limit` bytes, with or without a BOM.

    `file` is its name in messages. Raises `error` if the file is missing, not a regular file, too
    large, empty, binary or in another encoding.
    """

    def wrong(problem: str, remedy: str, line: int = 0) -> KioskError:
        return error(Mistake(f"{file}:{line}" if line else file, problem, remedy))

    try:
        if path.is_dir():
            raise wrong("this is a folder (expected a file)", "Name a file in it.")
        if path.exists() and not path.is_file():
            raise wrong("this is a device (expected a file)", "Name a file.")
        with path.open("rb") as opened:
            content = opened.read(limit + 1)
    except FileNotFoundError:
        raise wrong("there is no such file", _similar_file(path)) from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        raise wrong(f"it cannot be read ({reason})", "Check its name and permissions.") from None
    remedy = "Save it as plain text in UTF-8."
    if path.suffix == ".csv":
        remedy = 'In the spreadsheet, save it as "CSV UTF-8".'
    if len(content) > limit:
        raise wrong(f"it is larger than {limit // 1024} KiB", "Check that it is the right file.")
    if b"\0" in content:
        if content.startswith(ZIP_MAGIC):
            raise wrong("it is a workbook (.xlsx or .ods) under another name", remedy)
        if content.startswith(UTF_16_MARKS):
            raise wrong("it is not UTF-8 (it seems to be UTF-16)", remedy)
        raise wrong("it is not text (it contains zero bytes)", remedy)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        byte = content[failure.start]
        encoding = _likely_encoding(content)
        problem = f"it is not UTF-8 (byte {byte:#04x} is not part of a letter{encoding})"
        raise wrong(problem, remedy, line) from None
    if not text.strip():
        raise wrong("it is empty", "Write it, or restore the file that came with the kiosk.")
    return text


def _likely_encoding(content: bytes) -> str:
    """Return which encoding the bytes seem to have, for a message; "" if none is likely."""
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return "; it seems to be Windows-1252"


def _similar_file(path: Path) -> str:
    """Return a remedy that names the most similar file in the folder of `path`."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except (OSError, ValueError):
        names = []
    return did_you_mean(nearest(path.name, names)) or "Check the path."
