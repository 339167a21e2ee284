"""The files of a label set's folder: names, largest sizes, and a way to notice changes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from installation.settings.paths import MAX_TEXT_BYTES
from installation.settings.text_file import decode_start

SETTINGS_FILE = "labelset.yaml"
BUILT_FILE = "built.safetensors"
CARD_FILE = "card.md"
CONTACT_SHEET_FILE = "contact_sheet.png"
"""The sheet that shows the squares cut from an artist's pictures; it is not part of a zip."""
ONNX_FILE = "classifier.onnx"
ONNX_DATA_FILE = "classifier.onnx.data"
"""The weights of an ONNX network, if its exporter wrote them into a second file."""
KERAS_FILE = "keras_model.h5"
"""Teachable Machine's network; `kiosk labels build` makes ONNX_FILE from it."""
TENSORS_FILE = "model.safetensors"
"""The network of a label set, if the network is a Hugging Face model and not an ONNX file."""
PREPROCESSOR_FILE = "preprocessor_config.json"
"""The optional file that states how a transformers classifier expects its pictures."""
LABELS_CSV = "labels.csv"
LABELS_TXT = "labels.txt"
CONFIG_FILE = "config.json"

LABEL_FILES = (LABELS_CSV, LABELS_TXT, CONFIG_FILE)
"""The files that may contain the labels; the first one that exists is read."""

MAX_LABELS_BYTES = 8 * 1024 * 1024
"""The largest labels.csv, bytes: 33 times the size of the shipped labels.csv of `persons`,
which has 2,832 rows.
"""

MAX_NETWORK_BYTES = 3 * 2**29
"""The largest network file, bytes. A vision transformer of the size "large" has 1.2 billion bytes.
"""

MAX_BYTES: Mapping[str, int] = {
    SETTINGS_FILE: MAX_TEXT_BYTES,
    LABELS_CSV: MAX_LABELS_BYTES,
    BUILT_FILE: 2**28,
    CARD_FILE: MAX_TEXT_BYTES,
    ONNX_FILE: MAX_NETWORK_BYTES,
    ONNX_DATA_FILE: MAX_NETWORK_BYTES,
    LABELS_TXT: MAX_LABELS_BYTES,
    CONFIG_FILE: MAX_LABELS_BYTES,
    TENSORS_FILE: MAX_NETWORK_BYTES,
    PREPROCESSOR_FILE: MAX_TEXT_BYTES,
}
"""The largest size of each file of a label set, in bytes. It has no entry for an artist's pictures.
"""

TEXT_FILES = (SETTINGS_FILE, LABELS_CSV, LABELS_TXT)
"""The text files of a label set; a `LabelSet` contains everything that they state."""
NUMBER_FILES = (
    BUILT_FILE,
    ONNX_FILE,
    ONNX_DATA_FILE,
    TENSORS_FILE,
    CONFIG_FILE,
    PREPROCESSOR_FILE,
)
"""The files that affect the scores, but whose contents are not in the `LabelSet`."""

Stamp = tuple[int, int, int] | None
Signature = Mapping[str, Stamp]


def signature(folder: Path) -> Signature:
    """Return the time, size and inode of each file.

    A different signature means that a file has changed.
    """
    return {name: _stamp(folder / name) for name in (*TEXT_FILES, *NUMBER_FILES)}


def letters_in(folder: Path) -> set[str]:
    """Return all letters of the files in `folder` that may contain labels.

    The files are not parsed, because fonts are searched for before a label set is loaded. So the
    result may include letters that are not in labels.
    """
    letters: set[str] = set()
    for name in (*TEXT_FILES, CONFIG_FILE):
        try:
            with (folder / name).open("rb") as file:
                text = decode_start(file.read(MAX_BYTES[name]))
        except OSError:
            continue
        letters.update(text)
        # JSON may write a letter as a number, or as two numbers if it has more than 16 bits.
        escaped = "".join(re.findall(r"(?:\\u[0-9a-fA-F]{4})+", text))
        letters.update(json.loads(f'"{escaped}"'))
    return {letter for letter in letters if not "\ud800" <= letter <= "\udfff"}


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
