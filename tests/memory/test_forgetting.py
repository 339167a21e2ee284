from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import memory
from installation.memory.forgetting import forget_all

PACKAGE = Path(memory.__file__).parents[1]


class Holder:
    """Holds a picture; with a `failure`, cannot forget it."""

    def __init__(self, failure: str | None = None) -> None:
        self.holds = True
        self._failure = failure

    def forget(self) -> None:
        if self._failure:
            raise RuntimeError(self._failure)
        self.holds = False


def test_all_parts_forget_even_if_one_of_them_fails() -> None:
    """A network that has failed does not keep the other parts from forgetting a visitor."""
    first, broken, last = Holder(), Holder("out of memory"), Holder()
    with pytest.raises(RuntimeError, match="out of memory"):
        forget_all([first, broken, last])
    assert not first.holds
    assert not last.holds


def _defined(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield the names of the classes and functions of `file`, and whether each has `forget`.

    Protocols are left out.
    """
    module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield f"{module}.{node.name}", False
        elif isinstance(node, ast.ClassDef):
            methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            is_protocol = any(ast.unparse(base) == "Protocol" for base in node.bases)
            yield f"{module}.{node.name}", "forget" in methods and not is_protocol


def test_the_list_names_every_part_that_forgets() -> None:
    """A part with `forget` is in the list in memory/__init__.py, and all that it names exists."""
    named = set(re.findall(r"`((?:[a-z_0-9]+\.)+\w+)`", memory.__doc__ or ""))
    files = list(PACKAGE.rglob("*.py"))
    defined = dict(each for file in files for each in _defined(file))
    modules = {".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in files}
    assert {name for name, forgets in defined.items() if forgets} <= named
    assert named <= defined.keys() | modules
