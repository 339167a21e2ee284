"""Checks the header of a safetensors file: its length, and the shapes of tensors.

No tensor is read for this.

This module does not import torch, so that `kiosk check` is fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from installation.errors import counted, ellipsize

if TYPE_CHECKING:
    from torch import nn

LENGTH_BYTES = 8
"""The number of bytes before the header of a safetensors file; they state the header's length."""

NAMED = 3
"""The largest number of tensors that a message names for each kind of difference, such as
"missing". The message also states how many tensors differ in this way.
"""


def header_length(file: Path) -> int:
    """Return the length that a safetensors `file` states for its header, bytes; raises OSError.

    Callers reject a long header before the library safetensors reads it. The library accepts up to
    100 MB, and JSON takes many times its size in memory when it is parsed.
    """
    with file.open("rb") as opened:
        return int.from_bytes(opened.read(LENGTH_BYTES), "little")


def mismatch(opened: Any, name: str, kind: str, shape: Sequence[int]) -> str:
    """Return the mistake in a tensor, in words; empty if its dtype and shape are as expected.

    `opened` is the file from `safetensors.safe_open`; `kind` is safetensors' name of a dtype, such
    as "F32".
    """
    expected = f"(expected {kind} {list(shape)})"
    if name not in opened.keys():  # noqa: SIM118  not a mapping
        return f"the tensor '{name}' is missing {expected}"
    part = opened.get_slice(name)
    seen = part.get_dtype(), part.get_shape()
    if seen != (kind, list(shape)):
        return f"the tensor '{name}' is {seen[0]} {seen[1]} {expected}"
    return ""


def shapes(opened: Any) -> dict[str, list[int]]:
    """Return the shape of each tensor, keyed by name; `opened` is the file from `safe_open`."""
    return {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118


def difference(seen: Mapping[str, list[int]], network: nn.Module) -> str:
    """Return in words how tensors of the shapes `seen` differ from the tensors of `network`.

    The result is empty if they do not differ.
    """
    expected = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    other = [
        f"{ellipsize(name)} {seen[name]}, expected {expected[name]}"
        for name in sorted(seen.keys() & expected.keys())
        if seen[name] != expected[name]
    ]
    return listed(
        {
            "missing": [ellipsize(name) for name in sorted(expected.keys() - seen.keys())],
            "unknown": [ellipsize(name) for name in sorted(seen.keys() - expected.keys())],
            "with another shape": other,
        }
    )


def listed(differences: Mapping[str, Sequence[str]]) -> str:
    """Return in words how many tensors differ, and how; "" if none differ.

    `differences` maps each kind of difference, such as "missing", to the names of the tensors that
    differ in this way, or to short texts about them. For each kind, the result has at most `NAMED`
    of these names or texts.
    """
    return "; ".join(
        f"{counted(len(names), 'tensor')} {way} ({', '.join(names[:NAMED])}"
        f"{', …' if len(names) > NAMED else ''})"
        for way, names in differences.items()
        if names
    )
