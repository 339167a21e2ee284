"""Reads looks.csv: a sentence and labels for each kind of object that is seen on people.

looks.csv has a row for each of the network's classes that is seen on people or beside them, such as
an accordion. `id` is the class's WordNet id, and `name` its name. `looks_like` is a sentence about
the person whom the object suggests, or empty. `labels` are the names of the labels that the object
suggests, separated by semicolons. These suggestions are opinions of the kiosk's authors. Each
listed label must exist in the set and must not be hidden. No class of clothing suggests a label
about the body, hair or clothing.

The lists are used only for a set with `lists: true` in labelset.yaml, because another set has other
labels.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from installation.errors import (
    LabelSetError,
    Mistake,
    did_you_mean,
    display_path,
    ellipsize,
    limit_mistakes,
    nearest,
)
from installation.naming.label_set.csv_file import Row
from installation.naming.lists import imagenet
from installation.naming.scoring.conse import LIST_LENGTH

LOOKS_CSV = Path(__file__).with_name("looks.csv")

PRIOR_CSV = Path(__file__).with_name("class_prior.csv")
"""The file with the prior of each class, in the columns `id`, `name` and `share`. The prior is
approximately the mean score of the class on pictures of people.
"""


@dataclass(frozen=True)
class ClassLooks:
    """The row of looks.csv for a class, and the line on which it is."""

    line: int
    id: str
    name: str
    sentence: str
    labels: tuple[str, ...]


@cache
def class_looks(file: Path = LOOKS_CSV) -> tuple[ClassLooks, ...]:
    """Return the rows of looks.csv."""
    with file.open(encoding="utf-8", newline="") as opened:
        table = csv.DictReader(opened)
        return tuple(
            ClassLooks(
                table.line_num,
                row["id"],
                row["name"],
                row["looks_like"],
                tuple(name.strip() for name in row["labels"].split(";") if name.strip()),
            )
            for row in table
        )


@cache
def class_prior() -> torch.Tensor:
    """Return the prior of each class, read from `PRIOR_CSV`, `(1000,)`, never 0."""
    with PRIOR_CSV.open(encoding="utf-8", newline="") as file:
        shares = {row["id"]: float(row["share"]) for row in csv.DictReader(file)}
    return torch.tensor([shares[id_] for id_ in imagenet.classes()])


def listed_rows(rows: Sequence[Row], looks: Sequence[ClassLooks] | None = None) -> torch.Tensor:
    """Return the labels that looks.csv lists for each class, as indices in `rows`.

    The result is `(1000, LIST_LENGTH)` int64, and unused entries are −1. `looks` are the rows of
    looks.csv, by default those of the shipped file.

    Raises LabelSetError with a mistake for each row of looks.csv that lists too many labels, or a
    label that does not exist or is hidden.
    """
    looks = class_looks() if looks is None else looks
    by_name = {row.name: place for place, row in enumerate(rows) if not row.background}
    visible = [name for name, place in by_name.items() if not rows[place].reasons]
    places = {id_: place for place, id_ in enumerate(imagenet.classes())}
    lists = torch.full((len(places), LIST_LENGTH), -1)
    mistakes = []
    for look in looks:
        if wrong := _mistake(look, by_name, visible, rows):
            mistakes.append(wrong)
            continue
        for number, name in enumerate(look.labels):
            lists[places[look.id], number] = by_name[name]
    if mistakes:
        raise LabelSetError(*limit_mistakes(mistakes))
    return lists


def _mistake(
    look: ClassLooks, by_name: dict[str, int], visible: Sequence[str], rows: Sequence[Row]
) -> Mistake | None:
    """Return the first mistake in the labels of `look`, a row of looks.csv; None if there is none.

    `by_name` maps the names of `rows` to their indices; `visible` are the names that the set shows.
    """
    where = f"{display_path(LOOKS_CSV)}:{look.line}"
    if len(look.labels) > LIST_LENGTH:
        problem = f"'{look.name}' lists {len(look.labels)} labels (expected at most {LIST_LENGTH})"
        return Mistake(where, problem, "Remove some.")
    for name in look.labels:
        if name not in by_name:
            problem = f"'{look.name}' lists '{ellipsize(name)}', but no label has that name"
            remedy = did_you_mean(nearest(name, visible)) or "Remove it."
            return Mistake(where, problem, remedy)
        if reasons := rows[by_name[name]].reasons:
            problem = f"'{look.name}' lists '{ellipsize(name)}', which is hidden ({reasons[0]})"
            remedy = "Remove this label from the list, or write another label in its place."
            return Mistake(where, problem, remedy)
    return None
