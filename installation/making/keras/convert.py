"""Converts keras_model.h5, which Teachable Machine exports, to classifier.onnx.

The show then reads the result like every ONNX network, and does not need Keras. No code in the file
is run. to_onnx.py reads the file in a child process with limits on memory and time, under all
stages of the guard: reading a malicious file could take all memory, or never end.

Rejected: tf2onnx, which needs TensorFlow (two gigabytes) and lets Keras run code in the file.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from onnx import ModelProto

from installation.errors import LabelSetError, Mistake, counted, display_path
from installation.isolated import OPTIONS
from installation.making.atomic_write import replacing
from installation.making.build.result import BuildResult
from installation.making.keras.to_onnx import KERAS_KEY, REFUSED
from installation.naming.label_set.folder import KERAS_FILE, ONNX_FILE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.networks import onnx_check
from installation.settings.paths import PROJECT

MAX_KERAS_BYTES = 2**26
"""The largest keras_model.h5, bytes; Teachable Machine's files have 2.5 MB."""

CHILD_TIMEOUT_S = 60.0
"""The most seconds that the child process may take; enough even on a busy machine."""

_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from installation.making.keras.to_onnx import convert_input; convert_input()"
)

_KERAS_REMEDY = (
    "In Teachable Machine, export the image project again: choose Tensorflow, then Keras. Convert "
    "other Keras networks with tf2onnx."
)


def convert(source: LabelSetSource) -> BuildResult | None:
    """Write classifier.onnx from the keras_model.h5 of a set; return None if the set has none.

    Raises LabelSetError if the file is rejected, or if a classifier.onnx from another source would
    be replaced; the folder is then unchanged.
    """
    file, to = source.folder / KERAS_FILE, source.folder / ONNX_FILE
    if not file.exists():
        return None
    if to.exists() and keras_hash(to) is None:
        problem = f"two networks found: {KERAS_FILE}, and a {ONNX_FILE} that was not made from it"
        raise LabelSetError(Mistake(display_path(source.folder), problem, "Keep only one."))
    data = _read(file)
    network = _in_child(display_path(file), data)
    network = onnx_check.judge(display_path(file), network)
    with replacing(to) as new:
        new.write_bytes(network)
    model = ModelProto()
    model.ParseFromString(network)
    _, *sides = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim)
    outputs = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    figures = [
        f"{KERAS_FILE} was converted to {ONNX_FILE}: pictures of {sides[1]}×{sides[2]} px, "
        f"{counted(outputs, 'output')}."
    ]
    is_softmax = model.graph.node[-1].op_type == "Softmax"
    if is_softmax and source.settings.output != "scores":
        figures.append(
            f"The outputs of {ONNX_FILE} are scores. Write `output: scores` in labelset.yaml."
        )
    return BuildResult({}, hashlib.sha256(network).hexdigest(), figures)


def keras_hash(file: Path) -> str | None:
    """Return the SHA-256 of the Keras file from which the ONNX `file` was made.

    It is None if `file` was not made from a Keras file. Raises LabelSetError if `file` is not an
    ONNX file that may be opened.
    """
    if file.stat().st_size > MAX_KERAS_BYTES:
        return None
    data = _read(file)
    model = ModelProto()
    model.ParseFromString(onnx_check.judge(display_path(file), data))
    return next((each.value for each in model.metadata_props if each.key == KERAS_KEY), None)


def keras_has_changed(folder: Path) -> bool:
    """Return whether a set's keras_model.h5 has changed since classifier.onnx was made from it.

    Raises LabelSetError if one of the two files cannot be read.
    """
    file, made = folder / KERAS_FILE, folder / ONNX_FILE
    if not (file.exists() and made.exists()):
        return False
    return keras_hash(made) not in (None, hashlib.sha256(_read(file)).hexdigest())


def _read(file: Path) -> bytes:
    most = MAX_KERAS_BYTES
    try:
        if not file.is_file() or file.stat().st_size > most:
            problem = f"this is not a file, or is too large (expected at most {most / 1e6:,.0f} MB)"
            raise LabelSetError(Mistake(display_path(file), problem, _KERAS_REMEDY))
        return file.read_bytes()
    except OSError as failure:
        problem = f"it cannot be read ({failure.strerror})"
        raise LabelSetError(
            Mistake(display_path(file), problem, "Check its permissions.")
        ) from None


def _in_child(file: str, data: bytes) -> bytes:
    """Return the ONNX network that a child process makes from `data`; raises LabelSetError."""
    words = [sys.executable, *OPTIONS, "-X", "utf8", "-c", _CHILD, str(PROJECT)]
    problem = "reading the file needs more memory or time than the kiosk allows for its size"
    try:
        child = subprocess.run(
            words, input=data, capture_output=True, timeout=CHILD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise LabelSetError(Mistake(file, problem, _KERAS_REMEDY)) from None
    if child.returncode == REFUSED:
        raise LabelSetError(Mistake(file, child.stdout.decode("utf-8"), _KERAS_REMEDY))
    if child.returncode:
        raise LabelSetError(Mistake(file, problem, _KERAS_REMEDY))
    return child.stdout
