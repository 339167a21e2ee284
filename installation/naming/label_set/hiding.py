"""ImageNet's own judgement of its person categories, where a venue has fetched it.

K. Yang, K. Qinami, L. Fei-Fei, J. Deng, O. Russakovsky, *Towards Fairer Datasets: Filtering and
Balancing the Distribution of the People Subtree in the ImageNet Hierarchy*, 2020 (arXiv
1912.07726), judged 1,593 of the 2,832 person categories unsafe: offensive whoever is shown, or
sensitive by context. No licence for the list is known, so the kiosk does not carry it; `kiosk fetch
imagenet-safety` takes it from image-net.org.

Nothing here imports torch or timm.
"""

from __future__ import annotations

import re
from pathlib import Path

from installation.errors import LabelSetError, Mistake
from installation.settings.kiosk import WEIGHTS
from installation.settings.yaml_file import cut, shown

FILE = "unsafe_synsets.txt"

COUNT = 1593
"""Ids in the list; the paper's figure, and that of the one public copy that was looked at."""

LARGEST = 64 * 1024
"""Bytes; four times what 1,593 lines of ten bytes take."""

REMEDY = "Delete it, and run: kiosk fetch imagenet-safety"

WORDNET_ID = re.compile(r"n\d{8}")


def unsafe_synsets(folder: Path = WEIGHTS) -> frozenset[str]:
    """Return the WordNet ids that ImageNet's authors judged unsafe; none where no list is there.

    A list that is there and damaged raises LabelSetError: it must not show more than a whole one.
    """
    file = folder / FILE
    return read(file) if file.exists() else frozenset()


def read(file: Path) -> frozenset[str]:
    """Return the WordNet ids of a list, of which there are 1,593; raises LabelSetError."""
    where = shown(file)
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as failure:
        what = f"it cannot be read ({failure.strerror})"
        raise LabelSetError(Mistake(where, what, REMEDY)) from None
    words = data.decode("ascii", errors="replace").split()
    strange = next((word for word in words if not WORDNET_ID.fullmatch(word)), None)
    if len(data) > LARGEST:
        what = f"it has more than {LARGEST:,} bytes (expected {COUNT:,} lines of ten)"
        raise LabelSetError(Mistake(where, what, REMEDY))
    if strange is not None:
        what = f"it is not ImageNet's list (seen '{cut(strange)}', expected ids such as n00007846)"
        raise LabelSetError(Mistake(where, what, REMEDY))
    ids = frozenset(words)
    if len(ids) != COUNT:
        what = f"it has {len(ids):,} different ids (expected {COUNT:,})"
        raise LabelSetError(Mistake(where, what, REMEDY))
    return ids
