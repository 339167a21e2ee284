from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from installation.errors import LabelSetError
from installation.making import check_set, watch
from installation.naming.label_set.hiding import SAFE
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_examples import made_examples, save

pytestmark = pytest.mark.slow


def for_looks(count: int, meanwhile: Callable[[int], None]) -> Callable[[], bool]:
    """Return a `has_ended` that is False `count` times; it calls `meanwhile` with each number."""
    numbers = iter(range(count))

    def has_ended() -> bool:
        number = next(numbers, None)
        if number is not None:
            meanwhile(number)
        return number is None

    return has_ended


def test_a_saved_spreadsheet_with_a_mistake_is_reported_once(tmp_path: Path) -> None:
    """A change with a mistake is reported with its line, once, and so is its correction."""
    yaml = "title: T\ncredit: C\nroot: {id: r, name: r, definition: r}\nmethod: classes\n"
    write_label_set(tmp_path, HEADER, "n01440764,tench,,,", yaml=yaml)
    lines: list[str] = []

    def meanwhile(number: int) -> None:
        if number == 2:
            write_label_set(tmp_path, HEADER, "n01440764,tench,,,x", yaml=yaml)
        if number == 8:
            write_label_set(tmp_path, HEADER, "n01440764,tench,,,", yaml=yaml)

    watch.rebuild_on_change("weather", SAFE, lines.append, for_looks(12, meanwhile), tmp_path)
    assert lines[0] == "labels: the changed set cannot be built; the show uses the last valid set."
    assert "labels.csv:2: hidden_because is 'x'" in lines[1]
    assert lines[2:] == ["labels: the mistakes have been corrected."]


def test_a_set_without_a_label_is_reported_too(tmp_path: Path) -> None:
    """A set without a visible label is reported by `watch`, because the show does not report it."""
    yaml = "title: T\ncredit: C\nroot: {id: r, name: r, definition: r}\nmethod: classes\n"
    write_label_set(tmp_path, HEADER, "n01440764,tench,,,", yaml=yaml)
    lines: list[str] = []

    def meanwhile(number: int) -> None:
        if number == 2:
            write_label_set(tmp_path, HEADER, "n01440764,tench,,,unseen", yaml=yaml)

    watch.rebuild_on_change("weather", SAFE, lines.append, for_looks(6, meanwhile), tmp_path)
    assert "no label is visible" in lines[1]


def test_a_new_picture_makes_a_build_stale(tmp_path: Path) -> None:
    """A new example picture is reported by a check, and watching builds the set again."""
    folder = made_examples(tmp_path).folder
    lines: list[str] = []

    def meanwhile(number: int) -> None:
        if number == 2:
            shutil.copyfile(folder / "examples/red/0.png", folder / "examples/red/same.png")
        if number == 6:
            assert lines == [], "a duplicate is left out and changes nothing"
            grey = np.full((80, 80, 3), (200, 90, 90), np.uint8)
            save(folder / "examples/red/new.png", grey)
            stale = (
                "Pictures have changed since the set was built. Run: kiosk labels build examples"
            )
            assert stale in check_set.check_lines("examples", tmp_path)

    watch.rebuild_on_change("examples", SAFE, lines.append, for_looks(12, meanwhile), tmp_path)
    assert lines == ["labels: building examples …", "labels: examples is built."]
    assert not any("changed" in line for line in check_set.check_lines("examples", tmp_path))


def test_what_is_saved_during_a_build_is_not_lost(tmp_path: Path) -> None:
    """A set that is stale at the start is built; a change during a build is noticed after it."""
    folder = made_examples(tmp_path).folder
    grey = np.full((80, 80, 3), (200, 90, 90), np.uint8)
    save(folder / "examples/red/new.png", grey)
    lines: list[str] = []

    def log(line: str) -> None:
        lines.append(line)
        if line == "labels: examples is built.":
            with (folder / "labels.csv").open("a") as file:
                file.write("\npink,pink one,looks pink,,nonsense,\n")

    watch.rebuild_on_change("examples", SAFE, log, for_looks(6, lambda number: None), tmp_path)
    assert lines[:2] == ["labels: building examples …", "labels: examples is built."]
    assert lines[2] == "labels: the changed set cannot be built; the show uses the last valid set."
    assert "hidden_because is 'nonsense'" in lines[3]
    assert len(lines) == 4


def test_a_set_with_mistakes_starts_no_show(tmp_path: Path) -> None:
    """The show does not start with a set that has mistakes."""
    write_label_set(tmp_path, HEADER, "a,air,,,nobody")
    with pytest.raises(LabelSetError, match="nobody"):
        watch.watch("weather", SAFE, [], lambda line: None, tmp_path)
