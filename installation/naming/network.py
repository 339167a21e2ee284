"""The network that a label set brings itself: an ONNX file, or a folder from Hugging Face.

Both are a stranger's files. What can be judged is judged before a library opens them; what cannot
be ruled out is a mistake in onnxruntime itself.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

from installation.document import shown
from installation.errors import LabelSetError, Mistake
from installation.naming import onnx_file
from installation.naming.encoder import Encoder
from installation.naming.labelset import NETWORKS, LabelSet
from installation.naming.output_names import labels_file

LARGEST = 3 * 2**29
"""Bytes; a vision transformer of the size "large" has 1.2 billion."""


def open_network(label_set: LabelSet, device: torch.device) -> Encoder:
    """Return the label set's own network, which gives logits; what it runs on is in its name.

    Raises LabelSetError where there is none or two, where it must not be opened, and where it does
    not fit what the set says about it.
    """
    there = [label_set.folder / name for name in NETWORKS if (label_set.folder / name).exists()]
    if len(there) != 1:
        seen = "both are there" if there else "there is none"
        what = f"{seen} (expected classifier.onnx, or config.json with model.safetensors)"
        remedy = "Keep one." if there else "Put the network there."
        raise LabelSetError(Mistake(shown(label_set.folder), what, remedy))
    network: Encoder
    if there[0].suffix == ".onnx":
        from installation.naming.onnx_network import OnnxNetwork

        network = OnnxNetwork(label_set, read_onnx(there[0]), device)
    else:
        from installation.naming.hugging_face import HuggingFaceNetwork

        network = HuggingFaceNetwork(label_set, read_bytes(there[0]), device)
    names = labels_file(label_set.folder)
    if names.suffix != ".csv" and network.width != label_set.size:
        what = f"it names {label_set.size} outputs, but the network has {network.width}"
        raise LabelSetError(Mistake(shown(names), what, "Name each output, in their order."))
    return network


def inspect(file: Path) -> None:
    """Raise LabelSetError where an ONNX file must not be opened; opens it in no library."""
    read_onnx(file)


def read_onnx(file: Path) -> bytes:
    """Return the bytes of an ONNX file that may be opened; raises LabelSetError."""
    data = read_bytes(file)
    onnx_file.judge(data, shown(file))
    return data


def read_bytes(file: Path) -> bytes:
    """Return the bytes of a file of at most `LARGEST`; raises LabelSetError."""
    try:
        size = os.stat(file).st_size
        if not file.is_file() or size > LARGEST:
            what = f"it has {size / 1e6:,.0f} MB (expected a file of {LARGEST / 1e6:,.0f} at most)"
            raise LabelSetError(Mistake(shown(file), what, "Bring a smaller network."))
        return file.read_bytes()
    except OSError as failure:
        what = f"it cannot be read ({failure.strerror})"
        raise LabelSetError(Mistake(shown(file), what, "Check its permissions.")) from None
