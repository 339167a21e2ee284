"""Decides which rows are hidden, from the reasons of each row and the reasons that a show hides.

The reasons of a row come from up to three sources:

- its own cell `hidden_because` in labels.csv;
- the list of person categories that ImageNet's authors judged unsafe: offensive in any context, or
  sensitive in some. The list has 1,593 of the 2,832 person categories. Source: K. Yang, K. Qinami,
  L. Fei-Fei, J. Deng, O. Russakovsky, *Towards Fairer Datasets: Filtering and Balancing the
  Distribution of the People Subtree in the ImageNet Hierarchy*, 2020 (arXiv 1912.07726). No licence
  for the list is known, so the kiosk does not include it. The list is used only if the venue has
  downloaded it from image-net.org, by `kiosk fetch imagenet-safety`;
- for names that came with a network, the reasons of the shipped sets `objects` and `persons`.

`content.hide` in kiosk.yaml lists the reasons for which rows are hidden; by default these are all
reasons. Rows are hidden when a set is loaded, before any score is computed.

Nothing here imports torch or timm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.naming.label_set import csv_file
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.folder import LABELS_CSV
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.lists import masked
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS, WEIGHTS
from installation.settings.reasons import REASONS, Reason

SAFE = ContentSettings()
"""The settings that hide every label with a reason to be hidden. A show uses them unless the
curator decides otherwise.
"""

EVERYTHING = ContentSettings.model_construct(hide=())
"""The settings that hide nothing, for tools; a show never uses them."""

JUDGED = ("objects", "persons")
"""The shipped sets whose reasons for hiding a category also apply to names from a network."""

UNSAFE_FILE = "unsafe_synsets.txt"
"""ImageNet's list of unsafe person categories, in the folder of fetched weights."""

UNSAFE_COUNT = 1593
"""The number of ids in the list, both in the paper and in a public copy of the list."""

MAX_UNSAFE_BYTES = 64 * 1024
"""The largest size of the file with the list, bytes. The list needs a quarter of this: 1,593 lines
of ten bytes.
"""

FETCH_AGAIN_REMEDY = "Delete the file, and run: kiosk fetch imagenet-safety"

WORDNET_ID = re.compile(r"n\d{8}")


def hidden_rows(rows: Sequence[Row], content: ContentSettings) -> dict[str, Reason]:
    """Return the reason for hiding each hidden row, keyed by row id.

    A row is hidden if any of its reasons is in `content.hide`; the first such reason is returned.
    """
    because = {row.id: [reason for reason in row.reasons if reason in content.hide] for row in rows}
    return {id_: reasons[0] for id_, reasons in because.items() if reasons}


def with_reasons(rows: Sequence[Row], settings: LabelSetSettings, file: Path) -> Iterator[Row]:
    """Yield the checked rows of `file`, each with all reasons for which it may be hidden.

    If the list of the categories that ImageNet's authors judged unsafe has been fetched, a row with
    such a category gets a reason. The row's own name does not matter for this. Nobody has reviewed
    names that came with a network, so their rows also get the reasons of the shipped sets. The rows
    of a labels.csv do not, because its author decides which rows are hidden.
    """
    synsets = _synsets(rows, settings)
    reasons: dict[str, set[str]] = {
        id_: {"imagenet"} for id_ in unsafe_synsets(file.parents[1] / WEIGHTS.name)
    }
    if file.suffix != ".csv" and any(WORDNET_ID.fullmatch(id_) for ids in synsets for id_ in ids):
        for id_, shipped in _shipped_reasons():
            reasons[id_] = reasons.get(id_, set()) | shipped
    for row, ids in zip(rows, synsets, strict=True):
        found = {reason for id_ in ids for reason in reasons.get(id_, ())}
        found.discard(row.hidden_because)
        if not found:
            yield row
            continue
        own = [row.hidden_because] if row.hidden_because else []
        all_ = own + [reason for reason in REASONS if reason in found]
        first = next(iter(all_), "")
        yield replace(row, hidden_because=first, also_hidden_because=tuple(all_[1:]))


def masked_rows(rows: Sequence[Row], settings: LabelSetSettings) -> frozenset[str]:
    """Return the ids of the rows that are masked classes, with which nobody is ever named.

    naming/lists/masked.py says which classes these are. A masked class never has a score. The
    result is empty if the labels are not classes of a network, or if these are not known.
    """
    if settings.outputs is None:
        return frozenset()
    masks = masked.reasons().keys()
    return frozenset(
        row.id for row, ids in zip(rows, _synsets(rows, settings), strict=True) if ids & masks
    )


def _synsets(rows: Sequence[Row], settings: LabelSetSettings) -> list[set[str]]:
    """Return the ids of each row: its own, and the WordNet ids of the categories it may mean.

    The own id may be a number or a word. The WordNet ids are ImageNet's.
    """
    outputs = settings.outputs or {}
    by_number = {str(i): id_ for id_, i in outputs.items() if WORDNET_ID.fullmatch(id_)}
    return [{row.id, by_number.get(row.id, row.id), *row.synsets} for row in rows]


def _shipped_reasons() -> Iterator[tuple[str, set[str]]]:
    """Yield the WordNet id of each category in the shipped sets, with the reasons for hiding it."""
    unsafe = unsafe_synsets(WEIGHTS)
    for name in JUDGED:
        for row in csv_file.read_csv(MODELS / name / LABELS_CSV):
            yield row.id, {*row.reasons, *(["imagenet"] if row.id in unsafe else [])}


def unsafe_synsets(folder: Path = WEIGHTS) -> frozenset[str]:
    """Return the WordNet ids that ImageNet's authors judged unsafe; empty if `folder` has no list.

    Raises LabelSetError if the list is damaged, because fewer labels would then be hidden.
    """
    file = folder / UNSAFE_FILE
    return read_unsafe_synsets(file) if file.exists() else frozenset()


def read_unsafe_synsets(file: Path) -> frozenset[str]:
    """Return the 1,593 WordNet ids in `file`, ImageNet's list of unsafe categories.

    Raises LabelSetError.
    """
    where = display_path(file)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_UNSAFE_BYTES + 1)
    except OSError as failure:
        problem = f"the file cannot be read ({failure.strerror})"
        raise LabelSetError(Mistake(where, problem, FETCH_AGAIN_REMEDY)) from None
    words = data.decode("ascii", errors="replace").split()
    strange = next((word for word in words if not WORDNET_ID.fullmatch(word)), None)
    if len(data) > MAX_UNSAFE_BYTES:
        problem = (
            f"the file has more than {MAX_UNSAFE_BYTES:,} bytes (expected {UNSAFE_COUNT:,} lines, "
            "each with an id of nine characters)"
        )
        raise LabelSetError(Mistake(where, problem, FETCH_AGAIN_REMEDY))
    if strange is not None:
        seen = ellipsize(strange)
        problem = f"this is not ImageNet's list (found '{seen}', expected ids such as n00007846)"
        raise LabelSetError(Mistake(where, problem, FETCH_AGAIN_REMEDY))
    ids = frozenset(words)
    if len(ids) != UNSAFE_COUNT:
        problem = f"it has {len(ids):,} different WordNet ids (expected {UNSAFE_COUNT:,})"
        raise LabelSetError(Mistake(where, problem, FETCH_AGAIN_REMEDY))
    return ids
