"""labels.csv: a spreadsheet's file, a row per label.

Whatever a spreadsheet saves is read: commas, semicolons or tabs, a BOM or none, any order of the
columns and any more. Five columns must be there; the others may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installation.errors import (
    LabelSetError,
    Mistake,
    did_you_mean,
    display_path,
    ellipsize,
    nearest,
)
from installation.naming.label_set.folder import MAX_LABELS_BYTES
from installation.naming.lists import imagenet
from installation.settings.languages import TRANSLATED
from installation.settings.spreadsheet import Record, read_records, row_place
from installation.settings.text_file import read_text

REQUIRED_COLUMNS = ("id", "name", "definition", "parent", "hidden_because")
OPTIONAL_COLUMNS = ("looks_like", "is_background")
NEARLY_TRANSLATED = re.compile(r"(name|definition)[^a-z]+(?:([a-z]{2,3})(?:[-_][a-z]{2,4})?\W*|.*)")
"""A column such as `name-es`, `name (es)` or `name_pt-br`; or `name_spanish`, without a code."""

MOST_ROWS = 25_000
"""All of ImageNet's 21,843 categories, and more."""
MOST_COLUMNS = 400
"""Names and definitions in all of the 184 languages that have two letters, and more."""

YES = ("yes", "true", "1", "x", "ja", "wahr", "sí", "si", "verdadero", "oui", "vrai")
NO = ("", "no", "false", "0", "nein", "falsch", "falso", "non", "faux")
"""What a cell of is_background may say; spreadsheets write TRUE and FALSE, in their language."""


@dataclass(frozen=True)
class Wording:
    """A name and its definition in one language; what is empty there is empty here."""

    name: str = ""
    definition: str = ""


@dataclass(frozen=True)
class Row:
    """One row of labels.csv, with what ImageNet's tables add; `line` is where it starts.

    `looks_like` holds sentences for the encoder to match, with `|` between them. `is_background` is
    the cell's own text. `wordings` is by language. `synsets` are the WordNet ids of what ImageNet
    means by the name that came with a network, which may be several. `also_hidden_because` are
    reasons beyond the first that the kiosk has found. `number` is what a spreadsheet calls the row.
    """

    line: int
    id: str
    name: str
    definition: str
    parent: str = ""
    hidden_because: str = ""
    looks_like: str = ""
    is_background: str = ""
    wordings: Mapping[str, Wording] = field(default_factory=dict)
    synsets: frozenset[str] = frozenset()
    also_hidden_because: tuple[str, ...] = ()
    number: int | None = None

    @property
    def location(self) -> str:
        """Where the row is, as messages say it: `6`, or `6 (row 4)` after cells of many lines."""
        return row_place(self.line, self.number)

    @property
    def reasons(self) -> tuple[str, ...]:
        """All why it must not be shown; its own first."""
        return (self.hidden_because, *self.also_hidden_because) if self.hidden_because else ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it looks like, a sentence each; none where that is left to name and definition."""
        return tuple(said.strip() for said in self.looks_like.split("|") if said.strip())

    @property
    def background(self) -> bool:
        """Whether it takes score and is never shown."""
        return self.is_background.casefold() in YES


def read_csv(path: Path) -> list[Row]:
    """Return the rows of the file at `path`; names and definitions as far as they are known.

    Raises LabelSetError with all that is wrong with its form: columns, quotes, cells without a
    column. What the cells say is for the label set to judge.
    """
    file = display_path(path)
    text = read_text(path, file, LabelSetError, MAX_LABELS_BYTES)
    records = read_records(text, file, LabelSetError)
    header = next(records, Record(1, 1, []))
    where = f"{file}:{header.place}"
    columns = [cell.casefold() for cell in header.cells]
    if len(columns) > MOST_COLUMNS:
        what = f"there are {len(columns)} columns (expected at most {MOST_COLUMNS})"
        raise LabelSetError(Mistake(where, what, "Take out those that are not used."))
    if mistakes := list(_check_columns(columns, where)):
        raise LabelSetError(*mistakes)
    rows = []
    try:
        for count, record in enumerate(records):
            where = f"{file}:{record.place}"
            if count == MOST_ROWS:
                what = f"there are more than {MOST_ROWS} rows"
                raise LabelSetError(Mistake(where, what, "Make two sets of them."))
            if len(record.cells) > len(columns):
                what = f"the row has {len(record.cells)} cells (expected {len(columns)})"
                remedy = "Put text that holds the separator in quotes."
                mistakes.append(Mistake(where, what, remedy))
            else:
                rows.append(_row(record, dict(zip(columns, record.cells, strict=False))))
    except LabelSetError as error:
        mistakes += error.mistakes
    if not rows and not mistakes:
        what = "there is no label in it (expected a row per label under the header)"
        mistakes.append(Mistake(file, what, "Add a row."))
    if mistakes:
        raise LabelSetError(*mistakes)
    return rows


def _check_columns(columns: Sequence[str], where: str) -> Iterator[Mistake]:
    known = {column for column in columns if column in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)}
    known |= {column for column in columns if TRANSLATED.fullmatch(column)}
    strangers = [column for column in columns if column and column not in known]
    for column in dict.fromkeys((*REQUIRED_COLUMNS, *sorted(known))):
        count = columns.count(column)
        if count > 1:
            yield Mistake(where, f"the column '{column}' is there {count} times", "Keep one.")
        elif not count:
            seen = ", ".join(columns) or "none"
            what = f"the column '{column}' is missing (seen: {ellipsize(seen)})"
            remedy = "Add it; its cells may be empty."
            if misspelt := nearest(column, strangers):
                strangers.remove(misspelt)
                remedy = f"Rename '{ellipsize(misspelt)}' to '{column}'."
            yield Mistake(where, what, remedy)
    for stranger in strangers:
        # A column of notes is the artist's own; a slip in a column that may be left out is not.
        what = f"the column '{ellipsize(stranger)}' means nothing here"
        if nearly := NEARLY_TRANSLATED.fullmatch(stranger):
            column, code = nearly.groups()
            example = f"Write the language in two or three letters, such as {column}_de."
            yield Mistake(where, what, f"Did you mean '{column}_{code}'?" if code else example)
            continue
        code = stranger.rpartition("_")[2]
        translated = (f"name_{code}", f"definition_{code}") if 2 <= len(code) <= 3 else ()
        if meant := did_you_mean(nearest(stranger, (*OPTIONAL_COLUMNS, *translated))):
            yield Mistake(where, what, meant)


def _row(record: Record, cells: Mapping[str, str]) -> Row:
    """Return a row; an empty name or definition is ImageNet's, where the id is one of its own."""
    plain: dict[str, Any] = {c: cells.get(c, "") for c in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)}
    if not plain["name"]:
        plain["name"] = imagenet.names().get(plain["id"], "").partition(", ")[0]
    if not plain["definition"]:
        plain["definition"] = imagenet.definitions().get(plain["id"], "")
    languages = {
        match[2]
        for column, cell in cells.items()
        if cell and (match := TRANSLATED.fullmatch(column))
    }
    wordings = {
        code: Wording(cells.get(f"name_{code}", ""), cells.get(f"definition_{code}", ""))
        for code in languages
    }
    return Row(record.line, **plain, wordings=wordings, number=record.number)
