"""Label sets: folders under models/ with the names that can be put on a visitor.

A folder holds `labelset.yaml` (what it is and how it reads), `labels.csv` (a spreadsheet's file, a
row per label) and, where the method needs one, `built.safetensors`, made from them by
scripts/build_labels.py. The built file has every row, hidden or not, and hiding is applied when
the set is loaded: a curator who hides a label need not build anything.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from installation.config import MODELS, REASONS, ContentSettings, Reason, Share, label_sets
from installation.document import Section, cut, did_you_mean, load_yaml, read_text, shown
from installation.errors import LabelSetError, Mistake
from installation.naming.labels import Label

Crop = Literal["bust", "face", "frame"]
Method = Literal["conse", "classes"]

COLUMNS = ("id", "name", "definition", "parent", "hidden_because")
LONGEST_NAME = 120
LONGEST_DEFINITION = 400
"""Letters; what the screen can hold. WordNet's longest definition of a person has 318."""
LARGEST_CSV = 8 * 1024 * 1024
"""Bytes; thirty times the 2,832 rows of the shipped persons."""
MOST_MISTAKES = 50
"""Mistakes of one file that are named; more are only counted."""

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's bidirectional embeddings, overrides and isolates, which can disguise a name."""


class RootSettings(Section):
    """The name at the top of every chain; what a visitor is called where nothing scores enough."""

    id: str
    name: str
    definition: str


class LabelSetSettings(Section):
    """All of labelset.yaml."""

    title: str
    credit: str
    root: RootSettings
    crop: Crop = "bust"
    encoder: Literal["efficientnet_lite0"] = "efficientnet_lite0"
    method: Method
    temperature: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """What logits are divided by before the softmax: lower makes the scores more decided."""
    min_score: Share = 0.1
    """The score below which a visitor is only the root."""


@dataclass(frozen=True)
class LabelSet:
    """The labels that can be put on a visitor, and how they are read.

    `labels` are the visible ones in the file's order. `rows[i]` is where the i-th stands in the
    built tensors, or for the method `classes` in the encoder's head. `size` counts all rows of
    labels.csv. `hidden` counts what is hidden, by reason. `fingerprint` is the SHA-256 of what the
    built file is made from: ids, names and definitions of all rows.
    """

    name: str
    folder: Path
    settings: LabelSetSettings
    root: Label
    labels: tuple[Label, ...]
    rows: tuple[int, ...]
    size: int
    hidden: Mapping[Reason, int]
    fingerprint: str

    @property
    def built(self) -> Path:
        """Where its tensors are."""
        return self.folder / "built.safetensors"

    def texts(self) -> Iterator[str]:
        """Yield all that the screen may show of it, for what asks which scripts need a font."""
        for label in (self.root, *self.labels):
            yield from (label.name, label.definition, *label.chain)

    @property
    def remedy(self) -> str:
        """The sentence that says how its tensors are built."""
        return f"Run: scripts/build-labels {self.name}"


@dataclass(frozen=True)
class Row:
    """One row of labels.csv, with what timm's tables add; `line` is where it starts."""

    line: int
    id: str
    name: str
    definition: str
    parent: str
    hidden_because: str


def load(
    name: str,
    content: ContentSettings,
    models: Path = MODELS,
    *,
    where: str = "kiosk.yaml",
) -> LabelSet:
    """Return the label set `name` with the labels that `content` lets through.

    `where` is the place that names the set, for the message where there is none of that name.
    Raises LabelSetError with all mistakes of the set's files at once. Whether the built file fits
    is for `open_classifier` to say, as only the encoder knows its shape.
    """
    known = label_sets(models)
    if name not in known:
        remedy = did_you_mean(name, known) or f"Known here: {', '.join(known) or 'none'}."
        what = f"labels is '{name}', but no such label set exists"
        raise LabelSetError(Mistake(where, what, remedy))
    folder = models / name
    mistakes: list[Mistake] = []
    settings = None
    try:
        settings = load_yaml(folder / "labelset.yaml", LabelSetSettings, LabelSetError).settings
    except LabelSetError as error:
        mistakes += error.mistakes
    file = shown(folder / "labels.csv")
    rows: list[Row] = []
    try:
        rows = _read(read_text(folder / "labels.csv", file, LabelSetError, LARGEST_CSV), file)
    except LabelSetError as error:
        mistakes += error.mistakes
    if settings is not None:
        mistakes += _check_settings(settings, shown(folder / "labelset.yaml"))
        if rows:
            mistakes += _check_rows(rows, settings, file)
    if mistakes:
        raise LabelSetError(*_shorten(mistakes))
    assert settings is not None
    label_set = _assemble(name, folder, settings, rows, content)
    if not label_set.labels:
        what = f"no label is visible (all {len(rows)} rows are hidden, expected at least one)"
        remedy = "Empty hidden_because in the rows that may be shown."
        raise LabelSetError(Mistake(file, what, remedy))
    return label_set


def imagenet_classes() -> tuple[str, ...]:
    """Return the WordNet ids of ImageNet-1k's classes, in the order of its networks' heads."""
    return tuple(_table("imagenet_synsets.txt").splitlines())


def imagenet_names() -> dict[str, str]:
    """Return the synonyms of each of ImageNet's synsets by WordNet id: 'captain, headwaiter'."""
    return _pairs("imagenet_synset_to_lemma.txt")


def imagenet_definitions() -> dict[str, str]:
    """Return the definition of each of ImageNet's synsets by WordNet id."""
    return _pairs("imagenet_synset_to_definition.txt")


@cache
def _pairs(file: str) -> dict[str, str]:
    return dict(line.split("\t", 1) for line in _table(file).splitlines())


@cache
def _table(file: str) -> str:
    """Return one of timm's tables, found without importing timm, which would import torch."""
    spec = importlib.util.find_spec("timm")
    if spec is None or not spec.submodule_search_locations:
        what = "it is not installed, and it carries ImageNet's names"
        raise LabelSetError(Mistake("package timm", what, "Run scripts/run, which installs it."))
    folder = Path(spec.submodule_search_locations[0]) / "data" / "_info"
    return (folder / file).read_text(encoding="utf-8")


def _read(text: str, file: str) -> list[Row]:
    """Return the rows of a spreadsheet's file; names and definitions as far as they are known.

    Raises LabelSetError where its form is wrong: columns, quotes, cells without a column.
    """
    records = _records(text, file)
    first, header = next(records, (1, []))
    columns = [cell.casefold() for cell in header]
    if mistakes := list(_check_columns(columns, f"{file}:{first}")):
        raise LabelSetError(*mistakes)
    rows = []
    try:
        for line, cells in records:
            if len(cells) > len(columns):
                what = f"the row has {len(cells)} cells (expected {len(columns)})"
                remedy = "Put text that holds the separator in quotes."
                mistakes.append(Mistake(f"{file}:{line}", what, remedy))
            else:
                cell = dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))
                rows.append(Row(line, *(cell[column] for column in COLUMNS)))
    except LabelSetError as error:
        mistakes += error.mistakes
    if not rows and not mistakes:
        what = "there is no label in it (expected a row per label under the header)"
        mistakes.append(Mistake(file, what, "Add a row."))
    if mistakes:
        raise LabelSetError(*_shorten(mistakes))
    return [_complete(row) for row in rows]


def _records(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank and the line it starts on.

    White space in a cell, line breaks included, counts as one blank.
    """
    header = text.lstrip().partition("\n")[0]
    separator = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as failure:
            what = f"the row that starts here cannot be read ({failure})"
            remedy = 'Close each quote, and write a quote inside quotes twice: "".'
            raise LabelSetError(Mistake(f"{file}:{line}", what, remedy)) from None
        cells = [" ".join(cell.split()) for cell in record]
        if any(cells):
            yield line, cells


def _check_columns(columns: Sequence[str], where: str) -> Iterator[Mistake]:
    strangers = [column for column in columns if column and column not in COLUMNS]
    for column in COLUMNS:
        count = columns.count(column)
        if count > 1:
            yield Mistake(where, f"the column '{column}' is there {count} times", "Keep one.")
        elif not count:
            seen = ", ".join(columns) or "none"
            what = f"the column '{column}' is missing (seen: {cut(seen)})"
            meant = did_you_mean(column, strangers)
            remedy = meant.replace("Did you mean", "Rename") if meant else ""
            remedy = remedy.replace("?", f" to '{column}'.") or "Add it; its cells may be empty."
            yield Mistake(where, what, remedy)


def _complete(row: Row) -> Row:
    """Fill an empty name or definition from timm's tables, where the id is a WordNet id there."""
    if row.name and row.definition:
        return row
    name = row.name or imagenet_names().get(row.id, "").partition(", ")[0]
    return replace(
        row, name=name, definition=row.definition or imagenet_definitions().get(row.id, "")
    )


def _check_settings(settings: LabelSetSettings, file: str) -> Iterator[Mistake]:
    root = settings.root
    texts = {"title": settings.title, "credit": settings.credit}
    texts |= {"root.id": root.id, "root.name": root.name, "root.definition": root.definition}
    for key, text in texts.items():
        if not text.strip():
            yield Mistake(file, f"{key} is empty (expected text)", "Write it.")
        yield from _check_text(text, key, LONGEST_DEFINITION, file)


def _check_rows(rows: Sequence[Row], settings: LabelSetSettings, file: str) -> Iterator[Mistake]:
    """Yield what is wrong with each row, and between rows, in the order of the file."""
    first_id: dict[str, int] = {}
    first_name: dict[str, int] = {}
    parents = {row.id: row.parent for row in rows}
    classes = set(imagenet_classes()) if settings.method == "classes" else None
    headings = _headings(rows) if classes is not None else set()
    for row in rows:
        where = f"{file}:{row.line}"
        if not row.id:
            yield Mistake(where, "the id is empty (expected one of its own)", "Write one.")
        elif row.id == settings.root.id:
            what = f"the id '{cut(row.id)}' is the root's (labelset.yaml names the root)"
            yield Mistake(where, what, "Take the row out.")
        elif (line := first_id.setdefault(row.id, row.line)) != row.line:
            what = f"the id '{cut(row.id)}' is there twice (first on line {line})"
            yield Mistake(where, what, "Give each row an id of its own.")
        if not row.name:
            what = f"the name is empty, and ImageNet has none for the id '{cut(row.id)}'"
            yield Mistake(where, what, "Write a name.")
        elif (line := first_name.setdefault(row.name.casefold(), row.line)) != row.line:
            what = f"the name '{cut(row.name)}' is there twice (first on line {line})"
            yield Mistake(where, what, "Make the names differ, or take one row out.")
        yield from _check_text(row.id, "the id", LONGEST_NAME, where)
        yield from _check_text(row.name, "the name", LONGEST_NAME, where)
        yield from _check_text(row.definition, "the definition", LONGEST_DEFINITION, where)
        if row.parent and row.parent != settings.root.id:
            if row.parent not in parents:
                what = f"the parent '{cut(row.parent)}' is not the id of any row"
                remedy = (
                    did_you_mean(row.parent, list(parents))
                    or "Write a row's id, or leave it empty."
                )
                yield Mistake(where, what, remedy)
            elif row.id in (chain := list(_ancestors(row.id, parents))):
                path = " › ".join(cut(id_) for id_ in [*reversed(chain), row.id][-4:])
                yield Mistake(where, f"the parents run in a circle ({path})", "Empty one of them.")
        if row.hidden_because and row.hidden_because not in REASONS:
            what = f"hidden_because is '{cut(row.hidden_because)}' (expected a known reason)"
            remedy = did_you_mean(row.hidden_because, REASONS)
            yield Mistake(where, what, remedy or f"Known: {', '.join(REASONS)}.")
        if classes is not None and row.id and row.id not in classes and row.id not in headings:
            what = f"the id '{cut(row.id)}' is no class of {settings.encoder}, nor any row's parent"
            yield Mistake(where, what, did_you_mean(row.id, sorted(classes)) or "Take the row out.")


def _headings(rows: Sequence[Row]) -> set[str]:
    """Return the ids that are other rows' parents; with `classes` they need not be classes."""
    return {row.parent for row in rows if row.parent}


def _ancestors(id_: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the ids above `id_`, nearest first, until there is no more or one comes again."""
    seen = set()
    while (id_ := parents.get(id_, "")) and id_ not in seen:
        seen.add(id_)
        yield id_


def _check_text(text: str, what: str, longest: int, where: str) -> Iterator[Mistake]:
    if len(text) > longest:
        seen = f"{what} has {len(text)} letters (expected at most {longest})"
        yield Mistake(where, seen, "Shorten it.")
    bad = next((letter for letter in text if _forbidden(letter)), None)
    if bad is not None:
        kind = "direction-changing" if bad in OVERRIDES else "control"
        seen = f"{what} holds a {kind} character (U+{ord(bad):04X})"
        yield Mistake(where, seen, "Take it out.")


def _forbidden(letter: str) -> bool:
    return letter in OVERRIDES or unicodedata.category(letter) in ("Cc", "Cs")


def _shorten(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return the first mistakes, and how many more there are."""
    kept = list(mistakes[:MOST_MISTAKES])
    if more := len(mistakes) - len(kept):
        where = kept[-1].where.rpartition(":")[0] or kept[-1].where
        kept.append(Mistake(where, f"{more} more mistakes are not listed", "Mend these first."))
    return kept


def _assemble(
    name: str,
    folder: Path,
    settings: LabelSetSettings,
    rows: Sequence[Row],
    content: ContentSettings,
) -> LabelSet:
    """Return the label set of rows in which nothing is wrong."""
    hidden = {row.id: row.hidden_because for row in rows if row.hidden_because in content.hide}
    parents = {row.id: row.parent for row in rows}
    name_of = {row.id: row.name for row in rows}
    row_of: dict[str, int] = {row.id: i for i, row in enumerate(rows)}
    if settings.method == "classes":
        row_of = {id_: i for i, id_ in enumerate(imagenet_classes())}

    def chain(id_: str) -> tuple[str, ...]:
        above = [name_of[a] for a in _ancestors(id_, parents) if a in name_of and a not in hidden]
        return (settings.root.name, *reversed(above))

    labelled = [row for row in rows if row.id in row_of]
    visible = [row for row in labelled if row.id not in hidden]
    counts = Counter(hidden[row.id] for row in labelled if row.id in hidden)
    root = settings.root
    return LabelSet(
        name=name,
        folder=folder,
        settings=settings,
        root=Label(root.id, root.name, root.definition, ()),
        labels=tuple(Label(row.id, row.name, row.definition, chain(row.id)) for row in visible),
        rows=tuple(row_of[row.id] for row in visible),
        size=len(rows),
        hidden={reason: counts[reason] for reason in REASONS if counts[reason]},
        fingerprint=_fingerprint(rows),
    )


def _fingerprint(rows: Sequence[Row]) -> str:
    """Return the SHA-256 of what tensors are built from; hiding and parents do not change it."""
    text = json.dumps([[row.id, row.name, row.definition] for row in rows], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
