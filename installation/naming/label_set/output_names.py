"""Reads the names of a network's outputs if they come with the network and not in a labels.csv.

`labels.txt` has a line for each output: a name, or its number and a name, as Teachable Machine
writes it. `config.json` is the file of a Hugging Face model; its `id2label` has a name for each
number. A config.json by timm has `label_names` instead.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from installation.errors import LabelSetError, Mistake, counted, display_path, ellipsize
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.folder import (
    CONFIG_FILE,
    LABEL_FILES,
    LABELS_CSV,
    MAX_LABELS_BYTES,
)
from installation.naming.label_set.unicode_text import confusable_key
from installation.naming.lists import imagenet
from installation.naming.lists.class_lists import MOST_OUTPUTS
from installation.settings.spreadsheet import collapse_whitespace
from installation.settings.text_file import read_text

LINE_END = re.compile(r"\r\n|\r|\n")

NUMBERED = re.compile(r"(\d{1,6})[ :,]+(\S.*)")
"""Matches a line such as `0 Name`."""

NUMBERED_KEY = re.compile(r'"(\d{1,6})"\s*:')
"""Matches a key such as `"0":`."""

SYNSET = re.compile(r"(n\d{8})(?!\d).*")
"""Matches a name such as `n01440764`, or `n01440764 tench, Tinca tinca`."""

Name = tuple[int, str]
"""The number of the line that names an output, and the output's name."""


def labels_file(folder: Path) -> Path:
    """Return the file of a set's folder that contains its labels; labels.csv if none exists."""
    return next(
        (folder / name for name in LABEL_FILES if (folder / name).exists()), folder / LABELS_CSV
    )


def read_output_names(path: Path) -> list[Row]:
    """Return a row for each output in labels.txt or config.json; its id is the output's number.

    An output whose name is a WordNet id of ImageNet gets the name and definition of that category.
    An output whose name consists of ImageNet's synonyms keeps its name. Both kinds of outputs
    get the synsets of their categories. The output's number is added to a name that occurs twice.
    Raises LabelSetError.
    """
    file = display_path(path)
    text = read_text(path, file, LabelSetError, MAX_LABELS_BYTES)
    found = list(_of_config(text, file) if path.name == CONFIG_FILE else _of_lines(text, file))
    meanings = imagenet.meanings()
    if not any(", " in name and name in meanings for _, name in found):
        meanings = {}  # single words such as crane may be the author's own names
    rows = [_row(line, i, name, meanings) for i, (line, name) in enumerate(found)]
    count = Counter(confusable_key(row.name) for row in rows)
    return [
        replace(row, name=f"{row.name} ({row.id})") if count[confusable_key(row.name)] > 1 else row
        for row in rows
    ]


def _row(line: int, number: int, name: str, meanings: Mapping[str, frozenset[str]]) -> Row:
    """Return the row of the output `number`, called `name` in the line `line` of the file.

    `meanings` has the synsets of each of ImageNet's names.
    """
    match = SYNSET.fullmatch(name)
    if match is None:
        return Row(line, str(number), name, "", synsets=meanings.get(name, frozenset()))
    id_ = match[1]
    words = imagenet.names().get(id_, name).partition(", ")[0]
    definition = imagenet.definitions().get(id_, "")
    return Row(line, str(number), words, definition, synsets=frozenset({id_}))


def _of_lines(text: str, file: str) -> Iterator[Name]:
    lines = [(i, collapse_whitespace(line)) for i, line in enumerate(LINE_END.split(text), 1)]
    lines = [(i, line) for i, line in lines if line]
    if len(lines) > MOST_OUTPUTS:
        problem = f"the file names more than {MOST_OUTPUTS:,} outputs"
        where = f"{file}:{lines[MOST_OUTPUTS][0]}"
        raise LabelSetError(Mistake(where, problem, "Check whether this is the right file."))
    matches = [NUMBERED.fullmatch(line) for _, line in lines]
    if not all(matches):  # then the numbers are parts of the names
        yield from lines
        return
    for number, ((line, _), match) in enumerate(zip(lines, matches, strict=True)):
        assert match is not None, "a bug in kiosk: a line without a number is treated as numbered"
        if int(match[1]) != number:
            problem = (
                f"the line begins with {match[1]} (expected {number}, because outputs are "
                "numbered 0, 1, 2 …)"
            )
            example = f"0 {ellipsize(lines[0][1])}"
            remedy = (
                "Correct the number. If the number is part of the name, write the output's number "
                f"before each name: {example}"
            )
            raise LabelSetError(Mistake(f"{file}:{line}", problem, remedy))
        yield line, match[2]


def _of_config(text: str, file: str) -> Iterator[Name]:
    config = parse_config(text, file)
    names = config.get("id2label")
    if names is None:
        pretrained = config.get("pretrained_cfg")
        own = pretrained.get("label_names") if isinstance(pretrained, dict) else None
        names = config.get("label_names", own)
    if isinstance(names, list):
        names = {str(i): name for i, name in enumerate(names)}
    if not isinstance(names, dict) or not names or len(names) > MOST_OUTPUTS:
        problem = (
            "the file does not name any outputs (expected id2label with a name for each number)"
        )
        remedy = "Write the names there, or into a labels.csv or labels.txt."
        raise LabelSetError(Mistake(file, problem, remedy))
    line_numbers = _line_numbers(text)
    for number in range(len(names)):
        name = names.get(str(number))
        if not isinstance(name, str) or not name.strip():
            problem = (
                f"id2label has no name for output {number} ({counted(len(names), 'name')} found)"
            )
            raise LabelSetError(
                Mistake(file, problem, "Number the outputs 0, 1, 2 … and name each.")
            )
        yield line_numbers.get(str(number), 1), collapse_whitespace(name)


def parse_config(text: str, file: str) -> dict[str, object]:
    """Return the JSON object in `text`; raises LabelSetError if it is not one."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as failure:
        line = getattr(failure, "lineno", 1)
        problem = f"the file is not JSON ({ellipsize(str(failure))})"
        raise LabelSetError(
            Mistake(f"{file}:{line}", problem, "Use the published file, unchanged.")
        ) from None
    if not isinstance(config, dict):
        problem = "the file is not a JSON object (expected a model's config.json)"
        raise LabelSetError(Mistake(file, problem, "Use the published file, unchanged."))
    return config


def _line_numbers(text: str) -> dict[str, int]:
    """Return the line on which each number after id2label first occurs as a key.

    The result is keyed by the number's digits. `text` is read once, because it may have a hundred
    thousand keys.
    """
    at = max(text.find('"id2label"'), 0)
    line = text.count("\n", 0, at) + 1
    lines: dict[str, int] = {}
    for found in NUMBERED_KEY.finditer(text, at):
        line += text.count("\n", at, found.start())
        at = found.start()
        lines.setdefault(found[1], line)
    return lines
