"""Reads CSV files as spreadsheets save them, with any separator, with or without Excel's `sep=;`.

The label set reads the rows of labels.csv with this module, and `languages` reads its header.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from installation.errors import KioskError, Mistake, ellipsize

SEPARATORS = ",;\t|"

MOST_BLANK_ROWS = 100_000
"""The largest number of blank rows before the last row that is not blank."""

STATED_SEPARATOR = re.compile(r'"?sep=([,;\t|])', re.IGNORECASE)
"""Matches a line that states the separator, which may be the first line of a file saved by
Excel.
"""

_WHITE_SPACE = re.compile(r"[^\S\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")
"""Matches white space, but not the control characters that Python counts as white space."""


class Record(NamedTuple):
    """One row that is not blank."""

    line: int
    """The line of the file on which the row starts."""
    number: int
    """The row's number in a spreadsheet, in which a row counts once even if its cells have several
    lines.
    """
    cells: list[str]

    @property
    def location(self) -> str:
        """The row's location in messages, such as `6`: the line on which the row starts.

        If a spreadsheet gives the row another number, this number is added: `6 (row 4)`.
        """
        return row_location(self.line, self.number)


def row_location(line: int, number: int | None) -> str:
    """Return the location of a row as messages name it; see `Record.location`."""
    return f"{line}" if number in (None, line) else f"{line} (row {number})"


def read_records(text: str, file: str, error: type[KioskError]) -> Iterator[Record]:
    """Yield the rows of `text` that are not blank; the first one is the header.

    In each cell, white space at the ends is removed, and other runs of white space become one
    space. Raises `error` at a row that cannot be read; `file` is the file's name in messages.
    """
    header = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    stated = STATED_SEPARATOR.match(header)
    separator = stated[1] if stated else max(SEPARATORS, key=header.count)
    text = _without_blank_end(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = blank = 0
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
            raise error(Mistake(f"{file}:{row_location(line, number)}", problem, remedy)) from None
        cells = [collapse_whitespace(cell) for cell in row]
        if stated and any(cells):
            # A spreadsheet does not count the line `sep=;` as a row.
            stated, number = None, number - 1
        elif any(cells):
            yield Record(line, number, cells)
        elif (blank := blank + 1) > MOST_BLANK_ROWS:
            problem = f"the file has more than {MOST_BLANK_ROWS:,} blank rows before this one"
            where = f"{file}:{row_location(line, number)}"
            raise error(Mistake(where, problem, "Delete the blank rows."))


def _without_blank_end(text: str) -> str:
    """Return `text` without the blank rows at its end.

    A spreadsheet may save a million of them, and reading them as rows takes many seconds.
    """
    end = len(text.rstrip(f"{SEPARATORS} \r\n"))
    line = re.compile(r"[\r\n]").search(text, end)
    return text if line is None else text[: line.end()]


def collapse_whitespace(text: str) -> str:
    """Return `text` without white space at its ends; other runs of white space become one space.

    Line breaks count as white space. Control characters stay, so that the label set can reject
    them.
    """
    return _WHITE_SPACE.sub(" ", text).strip(" ")
