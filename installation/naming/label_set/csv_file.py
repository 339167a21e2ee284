"""Reads labels.csv, the spreadsheet file with one row per label.

A file must have the column `name` or the column `id`. All other columns are optional, and columns
may be in any order. An unknown column is a mistake if its name looks like a misspelt known name;
otherwise it is ignored.
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
from installation.settings.spreadsheet import Record, read_records, row_location
from installation.settings.text_file import read_text

MAIN_COLUMNS = ("id", "name", "definition", "parent", "hidden_because")
"""The columns that every new labels.csv has; optional columns may follow. A file must have `name`,
or `id` if the ids are ImageNet's.
"""
OPTIONAL_COLUMNS = ("looks_like", "is_background", "defined_by")
SYNONYMS = {
    "name": (
        "label",
        "labels",
        "names",
        "title",
        "category",
        "class",
        "bezeichnung",
        "nombre",
        "nom",
    ),
    "definition": ("description", "definitions", "beschreibung", "definición", "définition"),
}
"""Other names that people use for the columns `name` and `definition`, in the kiosk's languages."""

NEARLY_TRANSLATED = re.compile(r"(name|definition)[^a-z]+(?:([a-z]{2,3})(?:[-_][a-z]{2,4})?\W*|.*)")
"""Matches a misspelt translation column: `name-es`, `name (es)`, `name_pt-br`, or
`name_spanish`.
"""

WINDOWS_NAME = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
"""Matches the names that Windows reserves for devices, with or without an extension."""

MOST_ROWS = 25_000
"""The largest number of rows in a file; ImageNet has 21,843 categories."""
MOST_COLUMNS = 400
"""The largest number of columns: enough for names and definitions in all 184 languages with
two-letter codes.
"""

YES = ("yes", "true", "1", "x", "ja", "wahr", "sí", "si", "verdadero", "oui", "vrai")
NO = ("", "no", "false", "0", "nein", "falsch", "falso", "non", "faux")
"""The values of is_background that mean "no". A spreadsheet writes TRUE and FALSE in the language
that it is set to.
"""


@dataclass(frozen=True)
class Wording:
    """A name and its definition in one language; empty if the row has none."""

    name: str = ""
    definition: str = ""


UNWORDED = Wording()
"""A wording that has neither a name nor a definition."""


@dataclass(frozen=True)
class Row:
    """One row of labels.csv, completed from ImageNet's tables.

    `line` is the line of the file on which the row starts, and `number` its number in a
    spreadsheet. `looks_like` has sentences for the encoder, separated by `|`. `is_background` is
    the text in the column of this name; the property `background` is its value as a boolean.
    `defined_by` names the author of the definition, if the set's credit names another author.
    `wordings` is keyed by language. If the row is an output of a network, `synsets` has the
    WordNet ids of all ImageNet categories that its name may mean. `also_hidden_because` has the
    reasons that the kiosk found in addition to `hidden_because`.
    """

    line: int
    id: str
    name: str
    definition: str
    parent: str = ""
    hidden_because: str = ""
    looks_like: str = ""
    is_background: str = ""
    defined_by: str = ""
    wordings: Mapping[str, Wording] = field(default_factory=dict)
    synsets: frozenset[str] = frozenset()
    also_hidden_because: tuple[str, ...] = ()
    number: int | None = None

    @property
    def location(self) -> str:
        """The row's line for messages: `6`, or `6 (row 4)` if a spreadsheet counts differently."""
        return row_location(self.line, self.number)

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons for hiding the row; the reason in the row's own cell comes first."""
        return (self.hidden_because, *self.also_hidden_because) if self.hidden_because else ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of looks_like; empty if the name and the definition are used instead."""
        sentences = (sentence.strip() for sentence in self.looks_like.split("|"))
        return tuple(sentence for sentence in sentences if sentence)

    @property
    def background(self) -> bool:
        """Whether the row is background: it gets a share of the score, but is never shown."""
        return self.is_background.casefold() in YES


def read_csv(path: Path) -> list[Row]:
    """Return the rows of the file at `path`, completed from ImageNet's tables.

    Raises LabelSetError with all mistakes in the file's format: columns, quotes, cells without a
    column. `check_rows` checks the contents of the cells.
    """
    file = display_path(path)
    text = read_text(path, file, LabelSetError, MAX_LABELS_BYTES)
    records = read_records(text, file, LabelSetError)
    header = next(records, Record(1, 1, []))
    where = f"{file}:{header.location}"
    columns = [cell.casefold() for cell in header.cells]
    if len(columns) > MOST_COLUMNS:
        problem = f"the file has {len(columns)} columns (expected at most {MOST_COLUMNS})"
        raise LabelSetError(Mistake(where, problem, "Remove the unused columns."))
    if not _known_columns(columns):
        raise LabelSetError(_without_header(header, next(records, None), where))
    if mistakes := list(_check_columns(columns, where)):
        raise LabelSetError(*mistakes)
    rows = []
    try:
        for count, record in enumerate(records):
            where = f"{file}:{record.location}"
            if count == MOST_ROWS:
                problem = f"the file has more than {MOST_ROWS:,} rows"
                raise LabelSetError(Mistake(where, problem, "Split the rows into two label sets."))
            if len(record.cells) > len(columns):
                problem = f"the row has {len(record.cells)} cells (expected {len(columns)})"
                remedy = "Put quotes around any text that contains the separator."
                mistakes.append(Mistake(where, problem, remedy))
            elif len(columns) > 1 and [cell.casefold() for cell in record.cells] == columns:
                problem = "this row repeats the header; perhaps two files were joined"
                mistakes.append(Mistake(where, problem, "Delete the row."))
            else:
                rows.append(_row(record, dict(zip(columns, record.cells, strict=False))))
    except LabelSetError as error:
        mistakes += error.mistakes
    if not rows and not mistakes:
        problem = "the file has no labels (expected a row per label below the header)"
        mistakes.append(Mistake(file, problem, "Add a row."))
    if mistakes:
        raise LabelSetError(*mistakes)
    return rows


def _known_columns(columns: Sequence[str]) -> set[str]:
    """Return the names in `columns` that are known column names."""
    known = {column for column in columns if column in (*MAIN_COLUMNS, *OPTIONAL_COLUMNS)}
    return known | {column for column in columns if TRANSLATED.fullmatch(column)}


def _without_header(first: Record, second: Record | None, where: str) -> Mistake:
    """Return the mistake for a file whose first row does not name any known column."""
    seen = ellipsize(", ".join(filter(None, first.cells)))
    problem = (
        f"this row does not name any known column (seen: {seen}; expected names such as id and "
        "name)"
    )
    cells = [cell.casefold() for cell in first.cells]
    if second is not None and {"id", "name"} & {cell.casefold() for cell in second.cells}:
        return Mistake(where, problem, f"Delete this row: the header is on line {second.location}.")
    for column, synonyms in SYNONYMS.items():
        if meant := next((cell for cell in cells if cell in synonyms), None):
            return Mistake(where, problem, f"Rename '{ellipsize(meant)}' to '{column}'.")
    if misspelt := nearest("name", cells) or nearest("id", [cell for cell in cells if cell]):
        return Mistake(where, problem, f"Rename '{ellipsize(misspelt)}' to 'name'.")
    return Mistake(
        where, problem, "Above this row, insert a row with the column names: name, definition."
    )


def _check_columns(columns: Sequence[str], where: str) -> Iterator[Mistake]:
    """Yield a mistake for each duplicate or misspelt column, and one if id and name are missing."""
    known = _known_columns(columns)
    unknown = [column for column in columns if column and column not in known]
    has_names = bool({"id", "name"} & known)
    for column in dict.fromkeys((*MAIN_COLUMNS, *sorted(known))):
        count = columns.count(column)
        if count > 1:
            yield Mistake(where, f"the column '{column}' occurs {count} times", "Keep one.")
        elif not count:
            seen = ", ".join(columns)
            problem = f"the column '{column}' is missing (seen: {ellipsize(seen)})"
            synonyms = [name for name in unknown if name in SYNONYMS.get(column, ())]
            if misspelt := next(iter(synonyms), None) or nearest(column, unknown):
                unknown.remove(misspelt)
                remedy = f"Rename '{ellipsize(misspelt)}' to '{column}'."
                yield Mistake(where, problem, remedy)
            elif column == "name" and not has_names:
                yield Mistake(where, problem, "Add the column, with the name of each label in it.")
    for column in unknown:
        # Columns of notes are allowed, but a misspelt optional column would be lost unnoticed.
        problem = f"the column '{ellipsize(column)}' is not a known column"
        if match := NEARLY_TRANSLATED.fullmatch(column):
            kind, code = match.groups()
            remedy = f"Write the language as a code of two or three letters, such as {kind}_de."
            yield Mistake(where, problem, did_you_mean(f"{kind}_{code}") if code else remedy)
            continue
        code = column.rpartition("_")[2]
        translated = (f"name_{code}", f"definition_{code}") if 2 <= len(code) <= 3 else ()
        if remedy := did_you_mean(nearest(column, (*OPTIONAL_COLUMNS, *translated))):
            yield Mistake(where, problem, remedy)


def id_from_name(name: str) -> str:
    """Return the id for a row without an id: its name, changed to a valid name of a folder."""
    return folder_name(re.sub(r"[/\\]+", "-", name).lstrip(".").strip())


def folder_name(text: str) -> str:
    """Return `text` without slashes, as a valid name of a folder on Windows.

    A set's folders of pictures may be copied to a machine with Windows.
    """
    text = re.sub(r'[<>:"|?*]+', "-", text).rstrip(". ")
    return WINDOWS_NAME.sub(r"\1_", text)


def _row(record: Record, cells: Mapping[str, str]) -> Row:
    """Return the row of a record; an empty id is replaced by one made from the name.

    If the id is ImageNet's, an empty name or definition is filled in from ImageNet.
    """
    plain: dict[str, Any] = {c: cells.get(c, "") for c in (*MAIN_COLUMNS, *OPTIONAL_COLUMNS)}
    if not plain["id"]:
        plain["id"] = id_from_name(plain["name"])
    if not plain["name"]:
        plain["name"] = imagenet.names().get(plain["id"], "").partition(", ")[0]
    if not plain["definition"]:
        plain["definition"] = imagenet.definitions().get(plain["id"], "")
    languages = {
        match[2]
        for column, cell in cells.items()
        if cell and column not in plain and (match := TRANSLATED.fullmatch(column))
    }
    wordings = {
        code: Wording(cells.get(f"name_{code}", ""), cells.get(f"definition_{code}", ""))
        for code in languages
    }
    return Row(record.line, **plain, wordings=wordings, number=record.number)
