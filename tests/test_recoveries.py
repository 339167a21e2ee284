"""Tests of the table of recoveries, which is made only from recorded observations."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from installation.settings.paths import PROJECT


@pytest.fixture(scope="module")
def recoveries() -> ModuleType:
    """Return the script as a module."""
    path = PROJECT / "scripts" / "recoveries.py"
    spec = importlib.util.spec_from_file_location("recoveries", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["recoveries"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_table_of_the_observations(recoveries: ModuleType) -> None:
    """No figure of the table was written by hand; `scripts/recoveries` writes it."""
    page = recoveries.PAGE.read_text(encoding="utf-8")
    assert page == recoveries.with_table(page, recoveries.read())


def test_a_cell_has_median_worst_and_number(recoveries: ModuleType) -> None:
    """Each setup has a column; a fault that was not observed has no row."""
    seen = [recoveries.Observation("killed", "alone", s) for s in (3.0, 9.0, 4.0)]
    seen.append(recoveries.Observation("torn", "soak", None))
    rows = recoveries.table(seen).splitlines()[2:]
    assert [row.split(" | ")[2:] for row in rows] == [
        ["", "", "seen (1)", " |"],
        ["", "4.0 s, 9.0 s (3)", "", " |"],
    ]


def test_observations_are_appended_and_read_again(recoveries: ModuleType, tmp_path: Path) -> None:
    """Times are stored to a tenth of a second."""
    path = tmp_path / "recoveries.csv"
    path.write_text("fault,setup,recovery_s\n", encoding="utf-8")
    seen = [recoveries.Observation("killed", "alone", 3.04)]
    recoveries.append(seen, path)
    assert recoveries.read(path) == [recoveries.Observation("killed", "alone", 3.0)]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("kiled,alone,3.0", "recoveries.csv:2: the fault 'kiled' is not in FAULTS"),
        ("killed,aloen,3.0", "recoveries.csv:2: the setup 'aloen' is not in SETUPS"),
        ("killed,alone,inf", "recoveries.csv:2: 'inf' is not a time"),
        ("killed,alone,soon", "could not convert string to float: 'soon'"),
    ],
)
def test_a_mistyped_observation_is_refused(
    recoveries: ModuleType, tmp_path: Path, row: str, problem: str
) -> None:
    """A mistyped row, which would be missing in the table, is refused."""
    path = tmp_path / "recoveries.csv"
    path.write_text(f"fault,setup,recovery_s\n{row}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(problem)):
        recoveries.read(path)
