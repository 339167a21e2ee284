"""Puts the weights in the second file of an ONNX network into the network itself.

Otherwise onnxruntime would open that file. Exporters write a second file if the weights are large.
The network names the file, but the name does not matter here, because people rename files.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from onnx.external_data_helper import uses_external_data

from installation.naming.label_set.folder import ONNX_DATA_FILE


def take_weights(model: Any, weights: bytes) -> str | None:
    """Put the weights from a network's second file into the tensors that refer to this file.

    `model` is the ModelProto of the first file, and `weights` has the bytes of the second. Returns
    why the two files do not belong together, or None if they do. Raises DecodeError if the
    first file is damaged.
    """
    tensors = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    if not tensors:
        return f"the file contains all its weights, but there is a second file, {ONNX_DATA_FILE}"
    if len({data_location(tensor).get("location") for tensor in tensors}) > 1:
        return "its weights are in several other files (expected at most one other file)"
    total = 0
    for tensor in tensors:
        location = data_location(tensor)
        start = location.get("offset", "0")
        if not _is_number(start):
            raise DecodeError
        length = location.get("length", str(max(0, len(weights) - int(start))))
        if not _is_number(length):
            raise DecodeError
        end = int(start) + int(length)
        total += int(length)
        if end > len(weights) or total > len(weights):
            problem = f"{ONNX_DATA_FILE} belongs to another network, or is incomplete"
            return f"{problem} (expected at least {max(end, total):,} bytes)"
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        tensor.raw_data = weights[int(start) : end]
    return None


def data_location(tensor: Any) -> dict[str, str]:
    """Return the values of `location`, `offset` and `length` that `tensor` has, keyed by name.

    They say in which file, and where in it, the numbers of `tensor` are. All values are text.
    """
    return {entry.key: entry.value for entry in tensor.external_data}


def _is_number(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 20
