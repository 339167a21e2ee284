"""Tests of the package's structure: the size of modules and folders, and their test modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from installation.settings.paths import PROJECT

PACKAGE = PROJECT / "installation"
TESTS = PROJECT / "tests"

MOST_MODULES = 14
"""The largest number of modules in a folder, so that its list is short."""

MOST_LINES = 450
"""The largest number of lines of a module."""


def modules(top: Path) -> list[Path]:
    """Return every module below `top` but the packages' own, relative to it."""
    return sorted(
        file.relative_to(top) for file in top.rglob("*.py") if not file.name.startswith("__")
    )


def test_no_folder_lists_more_modules_than_one_glance_takes_in() -> None:
    """A folder has at most `MOST_MODULES` modules, so that a stranger finds a module quickly."""
    folders = [module.parent for module in modules(PACKAGE)]
    assert {
        folder: folders.count(folder) for folder in folders if folders.count(folder) > MOST_MODULES
    } == {}


def test_no_module_is_too_long() -> None:
    """A module does the one thing that its name says, so it stays short."""
    lengths = {
        module: len((PACKAGE / module).read_text().splitlines()) for module in modules(PACKAGE)
    }
    assert {module: length for module, length in lengths.items() if length > MOST_LINES} == {}


@pytest.mark.parametrize("module", modules(PACKAGE), ids=str)
def test_every_module_has_a_test_module_of_its_name(module: Path) -> None:
    """A module's tests are at the same place in tests/."""
    assert (TESTS / module.parent / f"test_{module.name}").is_file()


def test_no_test_imports_a_test_module() -> None:
    """What tests share is in tests/support/, so that a test module can be moved or deleted."""
    found = [
        (file.relative_to(TESTS).as_posix(), node.module)
        for file in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("tests.")
        and not (node.module or "").startswith("tests.support")
    ]
    assert found == []


def test_no_test_sleeps() -> None:
    """A test waits for an event or sets a clock; it never guesses how long something takes."""
    found = [
        file.relative_to(TESTS).as_posix()
        for file in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
    ]
    assert found == []
