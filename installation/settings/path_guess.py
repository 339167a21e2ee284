"""Guesses the existing path that was meant by a misspelt path, for the remedies in messages.

Only paths of the right kind are proposed, not just any file in the folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from installation.errors import nearest

MOST_ENTRIES = 1_000
"""The largest number of entries of a folder that are compared; comparing more would cause a
noticeable delay.
"""


def meant_path(text: str, folder: Path, is_possible: Callable[[Path], bool]) -> str | None:
    """Return the existing path closest to the misspelt `text`; None if nothing is close.

    The result is relative if `text` is relative, and begins with `~` if `text` does.

    A relative path starts at `folder`. The path is followed part by part. The first part that does
    not exist is compared, ignoring case, with the names in the folder reached so far. `is_possible`
    returns whether a path may be proposed.
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
            if found is None or not _has_similar_stem(found, part.casefold()):
                return None
            return str(done.joinpath(by_name[found], *rest))
    except (OSError, ValueError, RuntimeError):
        pass
    return None


def _has_similar_stem(name: str, other: str) -> bool:
    """Return whether the stems of two similar names are also similar.

    Names with the same suffix, such as .yaml, can be similar because of the suffix alone. So their
    stems are compared too. Names with different suffixes, or with none, need no such comparison:
    for them the result is True.
    """
    suffix = Path(name).suffix
    if not suffix or Path(other).suffix != suffix:
        return True
    return nearest(Path(other).stem, [Path(name).stem]) is not None
