"""The network that a label set brings itself: an ONNX file, or a folder from Hugging Face.

Both are a stranger's files. What can be judged is judged before a library opens them; what cannot
be ruled out is a mistake in onnxruntime itself.

Nothing here imports torch until a network is opened, so that `kiosk labels check` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from installation.errors import LabelSetError, Mistake, display_path
from installation.naming.label_set.folder import CONFIG_FILE, MAX_BYTES, ONNX_FILE, TENSORS_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.output_names import labels_file
from installation.naming.networks import onnx_check

if TYPE_CHECKING:
    import torch

    from installation.naming.networks.encoder import Encoder


def open_network(label_set: LabelSet, device: torch.device) -> Encoder:
    """Return the label set's own network, which gives logits; what it runs on is in its name.

    Raises LabelSetError where there is none or two, where it must not be opened, and where it does
    not fit what the set says about it.
    """
    file = find(label_set.folder)
    network: Encoder
    if file.name == ONNX_FILE:
        from installation.naming.networks.onnx_network import OnnxNetwork

        network = OnnxNetwork(label_set, read_onnx(file), device)
    else:
        from installation.naming.networks.transformers_network import TransformersNetwork

        check_size(file)
        network = TransformersNetwork(label_set, file, device)
    names = labels_file(label_set.folder)
    if names.suffix != ".csv" and network.width != label_set.size:
        what = f"it names {label_set.size} outputs, but the network has {network.width}"
        raise LabelSetError(Mistake(display_path(names), what, "Name each output, in their order."))
    return network


def find(folder: Path) -> Path:
    """Return the file of a set's own network; raises LabelSetError where there is none or two."""
    there = [folder / name for name in (ONNX_FILE, TENSORS_FILE) if (folder / name).exists()]
    if len(there) != 1:
        seen = "both are there" if there else "there is none"
        what = f"{seen} (expected {ONNX_FILE}, or {CONFIG_FILE} with {TENSORS_FILE})"
        remedy = "Keep one." if there else "Put the network there."
        raise LabelSetError(Mistake(display_path(folder), what, remedy))
    return there[0]


def inspect(folder: Path) -> None:
    """Raise LabelSetError where a set's own network is missing or must not be opened.

    So it is where config.json is of a kind that is not understood. The network is not opened here,
    and nothing is allocated for what it claims to hold.
    """
    file = find(folder)
    if file.name == ONNX_FILE:
        read_onnx(file)
        return
    from installation.naming.networks.transformers_network import check_config

    check_config(folder / CONFIG_FILE)
    check_size(file)
    try:
        with safe_open(file, framework="numpy"):
            pass
    except (SafetensorError, OSError):
        what = "it is no safetensors file, or a damaged one"
        raise LabelSetError(
            Mistake(display_path(file), what, "Copy or download it again.")
        ) from None


def read_onnx(file: Path) -> bytes:
    """Return the bytes of an ONNX file that may be opened; raises LabelSetError."""
    data = read_bytes(file)
    onnx_check.judge(data, display_path(file))
    return data


def read_bytes(file: Path) -> bytes:
    """Return the bytes of a network's file, if it is not too large; raises LabelSetError."""
    check_size(file)
    try:
        return file.read_bytes()
    except OSError as failure:
        raise _unreadable(file, failure) from None


def check_size(file: Path) -> None:
    """Raise LabelSetError where a network's file is too large, or none."""
    most = MAX_BYTES[file.name]
    try:
        size = os.stat(file).st_size
    except OSError as failure:
        raise _unreadable(file, failure) from None
    if not file.is_file() or size > most:
        what = f"it has {size / 1e6:,.0f} MB (expected a file of {most / 1e6:,.0f} at most)"
        raise LabelSetError(Mistake(display_path(file), what, "Bring a smaller network."))


def _unreadable(file: Path, failure: OSError) -> LabelSetError:
    what = f"it cannot be read ({failure.strerror})"
    return LabelSetError(Mistake(display_path(file), what, "Check its permissions."))
