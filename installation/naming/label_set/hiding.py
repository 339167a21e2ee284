"""Decides which rows are hidden: the reasons of each row, and the reasons that a show hides.

A row of a label set has up to three sources of reasons:

- its own cell `hidden_because` in labels.csv;
- ImageNet's own judgement of its person categories, if the venue has fetched it: K. Yang, K.
  Qinami, L. Fei-Fei, J. Deng, O. Russakovsky, *Towards Fairer Datasets: Filtering and Balancing the
  Distribution of the People Subtree in the ImageNet Hierarchy*, 2020 (arXiv 1912.07726), judged
  1,593 of the 2,832 person categories unsafe: offensive in any context, or sensitive in some. No
  licence for the list is known, so the kiosk does not carry it; `kiosk fetch imagenet-safety` takes
  it from image-net.org;
- for names that came with a network, the reasons of the shipped sets `objects` and `persons`.

`content.hide` in kiosk.yaml says which reasons hide; by default all do. Hiding takes place when a
set is loaded, before any score is computed.

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
"""Hides labels with any reason: a show loads a set so unless the curator decides otherwise."""

EVERYTHING = ContentSettings.model_construct(hide=())
"""Hides nothing: tools load a set so, but never a show."""

JUDGED = ("objects", "persons")
"""The shipped sets whose reasons also hold for names that came with a network."""

UNSAFE_FILE = "unsafe_synsets.txt"
"""ImageNet's list of unsafe person categories, in the folder of fetched weights."""

UNSAFE_COUNT = 1593
"""Ids in the list; the paper's figure, and that of the one public copy that was looked at."""

MAX_UNSAFE_BYTES = 64 * 1024
"""Bytes of the list; four times what 1,593 lines of ten bytes take."""

FETCH_AGAIN_REMEDY = "Delete it, and run: kiosk fetch imagenet-safety"

WORDNET_ID = re.compile(r"n\d{8}")


def hidden_rows(rows: Sequence[Row], content: ContentSettings) -> dict[str, Reason]:
    """Return the first reason in `content.hide` of each row that has one, by the row's id."""
    because = {row.id: [reason for reason in row.reasons if reason in content.hide] for row in rows}
    return {id_: reasons[0] for id_, reasons in because.items() if reasons}


def with_reasons(rows: Sequence[Row], settings: LabelSetSettings, file: Path) -> Iterator[Row]:
    """Yield the checked rows of `file` with all reasons for which each may be hidden.

    What ImageNet's authors judged unsafe is hidden if their list has been fetched, whatever the
    row's name is. Names that came with a network, which nobody has read, also get the reasons of
    the shipped sets; the author of a labels.csv decides for it.
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
        own = [row.hidden_because] if row.hidden_because else []
        all_ = own + [reason for reason in REASONS if reason in found.difference(own)]
        first = next(iter(all_), "")
        yield replace(row, hidden_because=first, also_hidden_because=tuple(all_[1:]))


def masked_rows(rows: Sequence[Row], settings: LabelSetSettings) -> frozenset[str]:
    """Return the ids of the rows that are masked classes of the network, which never have a score.

    Labels of a method that does not read a network's classes as labels are never among them.
    """
    if settings.outputs is None:
        return frozenset()
    masks = masked.reasons().keys()
    return frozenset(
        row.id for row, ids in zip(rows, _synsets(rows, settings), strict=True) if ids & masks
    )


def _synsets(rows: Sequence[Row], settings: LabelSetSettings) -> list[set[str]]:
    """Return the WordNet ids that each row may have, among its other ids."""
    outputs = settings.outputs or {}
    by_number = {str(i): id_ for id_, i in outputs.items() if WORDNET_ID.fullmatch(id_)}
    return [{row.id, by_number.get(row.id, row.id), *row.synsets} for row in rows]


def _shipped_reasons() -> Iterator[tuple[str, set[str]]]:
    """Yield the WordNet id of each category in the shipped sets, and why it is hidden there."""
    unsafe = unsafe_synsets(WEIGHTS)
    for name in JUDGED:
        for row in csv_file.read_csv(MODELS / name / LABELS_CSV):
            yield row.id, {*row.reasons, *(["imagenet"] if row.id in unsafe else [])}


def unsafe_synsets(folder: Path = WEIGHTS) -> frozenset[str]:
    """Return the WordNet ids that ImageNet's authors judged unsafe; none if `folder` has no list.

    Raises LabelSetError if the list is damaged: a damaged list must not show more than a whole one.
    """
    file = folder / UNSAFE_FILE
    return read_unsafe_synsets(file) if file.exists() else frozenset()


def read_unsafe_synsets(file: Path) -> frozenset[str]:
    """Return the 1,593 WordNet ids of the list in `file`; raises LabelSetError."""
    where = display_path(file)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_UNSAFE_BYTES + 1)
    except OSError as failure:
        what = f"it cannot be read ({failure.strerror})"
        raise LabelSetError(Mistake(where, what, FETCH_AGAIN_REMEDY)) from None
    words = data.decode("ascii", errors="replace").split()
    strange = next((word for word in words if not WORDNET_ID.fullmatch(word)), None)
    if len(data) > MAX_UNSAFE_BYTES:
        what = (
            f"it has more than {MAX_UNSAFE_BYTES:,} bytes (expected {UNSAFE_COUNT:,} lines of ten)"
        )
        raise LabelSetError(Mistake(where, what, FETCH_AGAIN_REMEDY))
    if strange is not None:
        seen = ellipsize(strange)
        what = f"it is not ImageNet's list (found '{seen}', expected ids such as n00007846)"
        raise LabelSetError(Mistake(where, what, FETCH_AGAIN_REMEDY))
    ids = frozenset(words)
    if len(ids) != UNSAFE_COUNT:
        what = f"it has {len(ids):,} different ids (expected {UNSAFE_COUNT:,})"
        raise LabelSetError(Mistake(where, what, FETCH_AGAIN_REMEDY))
    return ids
