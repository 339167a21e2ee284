"""Finds the letters of a label set that no font draws, for `check`, `build` and `preview`.

All rows are checked, in all languages and including hidden ones, because another kiosk.yaml may
show them.
"""

from __future__ import annotations

from collections.abc import Iterator

from installation.errors import LabelSetError, Mistake, display_path, limit_mistakes
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.folder import SETTINGS_FILE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.label_set.output_names import labels_file
from installation.showing.type import font_files


def check_drawable(source: LabelSetSource) -> None:
    """Raise LabelSetError if a text of `source` has letters that no font of this machine draws."""
    if mistakes := undrawable(source):
        raise LabelSetError(*limit_mistakes(mistakes))


def undrawable(source: LabelSetSource) -> list[Mistake]:
    """Return a mistake for each row with letters that no font of this machine draws.

    If labelset.yaml has such letters, there is one mistake for this file.
    """
    file = display_path(labels_file(source.folder))
    texts = {display_path(source.folder / SETTINGS_FILE): " ".join(_own_texts(source))}
    texts |= {f"{file}:{row.location}": " ".join(_texts(row)) for row in source.rows}
    return font_files.undrawable(texts)


def _own_texts(source: LabelSetSource) -> Iterator[str]:
    """Yield the texts of labelset.yaml that the screen, or the map of a preview, may show."""
    root = source.settings.root
    yield from (source.settings.title, root.name, root.definition)
    for wording in root.translations.values():
        yield from (wording.name, wording.definition)


def _texts(row: Row) -> Iterator[str]:
    yield from (row.name, row.definition)
    for wording in row.wordings.values():
        yield from (wording.name, wording.definition)
