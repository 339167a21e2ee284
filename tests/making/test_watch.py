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


def looks(count: int, meanwhile: Callable[[int], None]) -> Callable[[], bool]:
    """Return an `ended` that lasts for `count` looks; `meanwhile` is told each one's number."""
    numbers = iter(range(count))

    def ended() -> bool:
        number = next(numbers, None)
        if number is not None:
            meanwhile(number)
        return number is None

    return ended


def test_a_saved_spreadsheet_is_tried_once_and_mistakes_are_said(tmp_path: Path) -> None:
    """A change that is wrong is named with its line, once, and watching goes on."""
    yaml = "title: T\ncredit: C\nroot: {id: r, name: r, definition: r}\nmethod: classes\n"
    write_label_set(tmp_path, HEADER, "n01440764,tench,,,", yaml=yaml)
    said: list[str] = []

    def meanwhile(number: int) -> None:
        if number == 2:
            write_label_set(tmp_path, HEADER, "n01440764,tench,,,x", yaml=yaml)

    watch.keep_built("weather", SAFE, said.append, looks(12, meanwhile), tmp_path)
    assert said[0] == "labels: a change cannot be built; the show keeps the labels that it has."
    assert "labels.csv:2: hidden_because is 'x'" in said[1]
    assert len(said) == 2


def test_a_new_picture_is_built_in_and_the_check_asks_for_it(tmp_path: Path) -> None:
    """A picture that an artist adds makes a build stale, and watching builds the set anew."""
    folder = made_examples(tmp_path).folder
    said: list[str] = []

    def meanwhile(number: int) -> None:
        if number == 2:
            shutil.copyfile(folder / "examples/red/0.png", folder / "examples/red/same.png")
        if number == 6:
            assert said == [], "what is left out changes nothing"
            grey = np.full((80, 80, 3), (200, 90, 90), np.uint8)
            save(folder / "examples/red/new.png", grey)
            stale = "Its pictures have changed since it was built. Run: kiosk labels build examples"
            assert stale in check_set.examined("examples", tmp_path)

    watch.keep_built("examples", SAFE, said.append, looks(12, meanwhile), tmp_path)
    assert said == ["labels: building examples …", "labels: examples is built."]
    assert not any("changed" in line for line in check_set.examined("examples", tmp_path))


def test_what_is_saved_during_a_build_is_not_lost(tmp_path: Path) -> None:
    """A save during the build before the show is built in; one during that build is tried next."""
    folder = made_examples(tmp_path).folder
    grey = np.full((80, 80, 3), (200, 90, 90), np.uint8)
    save(folder / "examples/red/new.png", grey)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line == "labels: examples is built.":
            with (folder / "labels.csv").open("a") as file:
                file.write("\npink,pink one,looks pink,,nonsense,\n")

    watch.keep_built("examples", SAFE, say, looks(6, lambda number: None), tmp_path)
    assert said[:2] == ["labels: building examples …", "labels: examples is built."]
    assert said[2] == "labels: a change cannot be built; the show keeps the labels that it has."
    assert "hidden_because is 'nonsense'" in said[3]
    assert len(said) == 4


def test_a_set_that_is_wrong_from_the_start_is_no_show(tmp_path: Path) -> None:
    """The show does not begin with a set that has mistakes."""
    write_label_set(tmp_path, HEADER, "a,air,,nobody,")
    with pytest.raises(LabelSetError, match="nobody"):
        watch.watch("weather", SAFE, [], lambda line: None, tmp_path)
