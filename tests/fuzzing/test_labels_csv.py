from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from installation.naming.label_set import csv_file
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.load import load_label_set
from tests.support.fuzzing import (
    FUZZERS,
    Fuzz,
    FuzzTarget,
    WatchedFolder,
    assert_drawable,
    chance,
    mutate,
    try_seeded,
)

pytestmark = pytest.mark.slow

YAML = """\
title: Weather
credit: Written for a test
root: {{id: somebody, name: somebody, definition: a person}}
method: {method}
"""
METHODS = ("text", "prompts", "examples", "classes", "onnx")

IDS = ("sun", "rain", "n01443537", "n09818022", "0", "7", "somebody", "É", "a" * 121, "", " ")
TEXTS = (
    *("sunny one", "Sunny One", "ß", "a" * 120, "a" * 121, "a" * 401, "b" * 2001, "", " ", "\t"),
    *("rain, and hail", 'the "big" one', "two\nlines", "a|b||c", "=1+1", "{}", "%s", "\\", "'"),
    *(
        "\u202eneila",
        "be\x07ep",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\ufeff",
        "\u200b",
        "\u3164",
        "sunny\xad one",
        "two\x0blines",
        "\U0001f3f3\ufe0f",
    ),
    *("שלום", "雨", "e\u0301" * 60, "\ud800", "\uffff", "İ", "ﬁ"),
)
CELLS: dict[str, tuple[str, ...]] = {
    "id": IDS,
    "parent": (*IDS, "", "", ""),
    "hidden_because": ("", "", "", "insult", "insalt", "INSULT", "\x07"),
    "is_background": ("", "no", "yes", "TRUE", "x", "maybe", "İ"),
}
HEADERS = (
    *(
        "name_es",
        "definition_es",
        "name_xx",
        "looks_like",
        "looks_lik",
        "is_background",
        "isbackground",
    ),
    *(
        "notes",
        "",
        "NAME",
        "definiton",
        "name_",
        "name-es",
        "definition es",
        "id",
        "name_e\u0301",
        "\x1b[2J",
        "x" * 500,
    ),
)
TOKENS = (
    b'"',
    b'""',
    b",",
    b";",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
)


def sheet(random: Random) -> bytes:
    """Return a labels.csv, more or less valid, and in half of all cases damaged."""
    columns = list(csv_file.MAIN_COLUMNS)
    while chance(random, 0.4):
        columns.insert(random.randrange(len(columns) + 1), random.choice(HEADERS))
    if chance(random, 0.1):
        columns.pop(random.randrange(len(columns)))
    wild = random.choice((0, 0, 0.1, 0.6))
    rows = [
        [_cell(random, column, number, wild) for column in columns]
        for number in range(random.choice((0, 1, 2, 3, 5, 9, 70)))
    ]
    if chance(random, 0.1):
        for number, row in enumerate(rows):
            row[:] = _linked(columns, number, len(rows))
    for row in rows:
        if chance(random, 0.02):
            row.append("more")
    text = io.StringIO(newline="")
    csv.writer(
        text,
        delimiter=random.choice(",;" * 8 + "\t|"),
        lineterminator=random.choice(("\n", "\r\n", "\r")),
        quoting=random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    ).writerows([columns, *rows])
    encoding = random.choice(("utf-8",) * 30 + ("utf-8-sig", "utf-16", "latin-1"))
    errors = "surrogatepass" if chance(random, 0.02) and "utf" in encoding else "replace"
    content = text.getvalue().encode(encoding, errors)
    return mutate(random, content, TOKENS) if chance(random, 0.5) else content


def _cell(random: Random, column: str, number: int, wild: float) -> str:
    if chance(random, wild):
        return random.choice(CELLS.get(column, TEXTS))
    plain = {"id": str(number), "parent": "", "hidden_because": "", "is_background": ""}
    return plain.get(column, f"{column} {number}")


def _linked(columns: list[str], number: int, count: int) -> list[str]:
    """Return a row whose parent is the next one: a deep chain that ends in a cycle."""
    cells = {"id": str(number), "parent": str((number + 1) % count), "name": f"name {number}"}
    return [cells.get(column, "") for column in columns]


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    """Return a watched folder with a label set for each method, without labels."""
    watched = WatchedFolder(tmp_path)
    for method in METHODS:
        (watched.models / method).mkdir()
        (watched.models / method / "labelset.yaml").write_text(YAML.format(method=method))
        (watched.models / method / "labels.csv").touch()
    return watched


class Reader:
    """Reads each case's file as the labels of a set; the method changes from case to case."""

    def __init__(self, watched: WatchedFolder, load: Callable[[str, Path], object]) -> None:
        self._models = watched.models
        self._load = load
        self._method = ""

    def put(self, content: bytes) -> None:
        """Write the file."""
        self._method = METHODS[len(content) % len(METHODS)]
        (self._models / self._method / "labels.csv").write_bytes(content)

    def read(self) -> None:
        """Read the file."""
        self._load(self._method, self._models)


def load(method: str, models: Path) -> None:
    """Load a set as the commands do."""
    assert_drawable(load_label_set(method, EVERYTHING, models, language="es"))


@pytest.mark.parametrize(("fuzz", "cases"), FUZZERS)
def test_no_spreadsheet_gives_a_traceback(watched: WatchedFolder, fuzz: Fuzz, cases: int) -> None:
    """Each of thousands of labels.csv results in labels for the screen, or in a message."""
    reader = Reader(watched, load)
    tally = fuzz(FuzzTarget(watched, sheet, reader.put, reader.read), cases)
    assert tally.cases >= cases
    assert tally.accepted > cases // 20, "files that are right are among them"
    assert len(tally.refused) >= min(20, cases // 50), "most of the mistakes are made"


def trusting(method: str, models: Path) -> None:
    """Read a spreadsheet without checks."""
    with (models / method / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            assert row["id"]


def test_a_reader_that_trusts_the_file_is_found(watched: WatchedFolder) -> None:
    """The control: the same files crash a reader without checks."""
    reader = Reader(watched, trusting)
    with pytest.raises(AssertionError, match="case"):
        try_seeded(FuzzTarget(watched, sheet, reader.put, reader.read), 100)
