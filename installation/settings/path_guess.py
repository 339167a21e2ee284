"""A guess at the path that a mistyped one means, for remedies.

Only what could stand in its place is proposed: a film for a film, not whatever lies in the folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from installation.errors import nearest

MOST_ENTRIES = 1_000
"""Entries of a folder among which one is sought; comparing more takes noticeable time."""


def meant_path(text: str, folder: Path, is_possible: Callable[[Path], bool]) -> str | None:
    """Return the path that `text` probably misspells, in the form of `text`; None if there is none.

    The first part of the path that does not exist is compared, without regard to capitals, with
    the names beside it. A relative path starts at `folder`. `is_possible` returns whether a path
    may be what is sought.
    """
    typed = Path(text)
    done, place = Path(), folder
    try:
        place = folder.expanduser()
        for i, part in enumerate(typed.parts):
            if i == 0 and part == "~":
                done, place = Path(part), Path(part).expanduser()
                continue
            if (place / part).exists():
                done, place = done / part, place / part
                continue
            rest = typed.parts[i + 1 :]
            entries = [
                entry for _, entry in zip(range(MOST_ENTRIES), place.iterdir(), strict=False)
            ]
            by_name = {
                entry.name.casefold(): entry.name
                for entry in sorted(entries)
                if not entry.name.startswith(".") and is_possible(entry.joinpath(*rest))
            }
            found = nearest(part.casefold(), by_name)
            return None if found is None else str(done.joinpath(by_name[found], *rest))
    except (OSError, ValueError, RuntimeError):
        pass
    return None
