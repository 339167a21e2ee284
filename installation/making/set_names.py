"""What a label set may be called: the name of a folder that is the same on every machine."""

from __future__ import annotations

import re
from pathlib import Path

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.settings.paths import WEIGHTS

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")

TAKEN = (WEIGHTS.name,)
"""Folders in models/ that are no label sets."""


def check_plain(name: str, where: str) -> None:
    """Raise LabelSetError where no set can be called `name`."""
    if not PLAIN.fullmatch(name) or name.casefold() in TAKEN:
        what = f"'{ellipsize(name)}' cannot be a set's name"
        expected = f"letters A–Z, digits, - and _, at most 60, and not {', '.join(TAKEN)}"
        raise LabelSetError(Mistake(where, f"{what} (expected {expected})", "Take another name."))


def check_free(name: str, models: Path, remedy: str) -> None:
    """Raise LabelSetError where `models` has the name, in capitals or not."""
    taken = {entry.name.casefold(): entry.name for entry in models.iterdir()}
    if there := taken.get(name.casefold()):
        what = "it is there already, and it is not touched"
        raise LabelSetError(Mistake(display_path(models / there), what, remedy))
