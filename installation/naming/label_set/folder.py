"""The files in a label set's folder: their names, how large each may be, and their state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from installation.settings.paths import MAX_TEXT_BYTES

SETTINGS = "labelset.yaml"
BUILT = "built.safetensors"
CARD = "card.md"
ONNX = "classifier.onnx"
TENSORS = "model.safetensors"
"""The two networks that a set may bring; this one is Hugging Face's."""
PREPROCESSOR = "preprocessor_config.json"
"""How transformers' classifiers take pictures; a folder may go without."""
LABELS = "labels.csv"
LINES = "labels.txt"
CONFIG = "config.json"

NAMING = (LABELS, LINES, CONFIG)
"""What may hold a set's labels; the first one that is there does."""

LARGEST_LABELS = 8 * 1024 * 1024
"""Bytes; thirty times the 2,832 rows of the shipped persons."""

LARGEST_NETWORK = 3 * 2**29
"""Bytes; a vision transformer of the size "large" has 1.2 billion."""

LARGEST: Mapping[str, int] = {
    SETTINGS: MAX_TEXT_BYTES,
    LABELS: LARGEST_LABELS,
    BUILT: 2**28,
    CARD: MAX_TEXT_BYTES,
    ONNX: LARGEST_NETWORK,
    LINES: LARGEST_LABELS,
    CONFIG: LARGEST_LABELS,
    TENSORS: LARGEST_NETWORK,
    PREPROCESSOR: MAX_TEXT_BYTES,
}
"""All files of a set, and how many bytes each may have. The artist's pictures are not among them.
"""

WORDS = (SETTINGS, LABELS, LINES)
"""What a set's files say in words, all of which is in its `LabelSet`."""
NUMBERS = (BUILT, ONNX, TENSORS, CONFIG, PREPROCESSOR)
"""What the scores are made by, which may change while the words stay."""

Stamp = tuple[int, int, int] | None
Signature = Mapping[str, Stamp]


def signature(folder: Path) -> Signature:
    """Return what tells one state of a set's files from another, without reading them."""
    return {name: _stamp(folder / name) for name in (*WORDS, *NUMBERS)}


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
