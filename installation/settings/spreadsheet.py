"""CSV as spreadsheets save it: any separator, with or without Excel's line `sep=;`.

The one reader of such files: the label set reads its rows with it, and `languages` the header.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from installation.errors import KioskError, Mistake, ellipsize

SEPARATORS = ",;\t"

STATED_SEPARATOR = re.compile(r'"?sep=([,;\t|])', re.IGNORECASE)
"""How a file saved by Excel may begin."""

_WHITE_SPACE = re.compile(r"[^\S\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")
"""White space without the control characters that Python counts as such."""


class Record(NamedTuple):
    """One row that is not blank."""

    line: int
    """The line of the file on which it starts."""
    number: int
    """Its number in a spreadsheet, which counts a cell of many lines as one row."""
    cells: list[str]

    @property
    def place(self) -> str:
        """`6`, or `6 (row 4)` if a spreadsheet counts it differently; for messages."""
        return row_place(self.line, self.number)


def row_place(line: int, number: int | None) -> str:
    """Return the place of a row in words; see `Record.place`."""
    return f"{line}" if number in (None, line) else f"{line} (row {number})"


def read_records(text: str, file: str, error: type[KioskError]) -> Iterator[Record]:
    """Yield the rows of `text` that are not blank; the first one is the header.

    The cells are stripped, with one blank for each run of white space. Raises `error` at the row
    that cannot be read; `file` is its name in messages.
    """
    header = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    stated = STATED_SEPARATOR.match(header)
    separator = stated[1] if stated else max(SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        line = reader.line_num + 1
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as failure:
            problem = f"the row that starts here cannot be read ({ellipsize(str(failure))})"
            remedy = 'Close each quote, and write a quote inside quotes twice: "".'
            raise error(Mistake(f"{file}:{row_place(line, number)}", problem, remedy)) from None
        cells = [collapse_whitespace(cell) for cell in row]
        if stated and any(cells):
            # The line `sep=;` is not a row to a spreadsheet.
            stated, number = None, number - 1
        elif any(cells):
            yield Record(line, number, cells)


def collapse_whitespace(text: str) -> str:
    """Return `text`, stripped, with one blank for each run of white space and line breaks.

    Control characters stay, for the label set to refuse.
    """
    return _WHITE_SPACE.sub(" ", text).strip(" ")
