"""The shapes of the tensors in a safetensors file, before any of them is read.

This module does not import torch, so that `kiosk check` is fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from installation.errors import ellipsize

if TYPE_CHECKING:
    from torch import nn

NAMED = 3
"""The most tensors that a message names; the rest are counted."""


def mismatch(opened: Any, name: str, kind: str, shape: Sequence[int]) -> str:
    """Return what is wrong with a tensor, in words; empty if it has the dtype `kind` and the shape.

    `opened` is the file from `safetensors.safe_open`; `kind` is its name of a dtype, as "F32".
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
    """Return the shape of each tensor by its name; `opened` is the file from `safe_open`."""
    return {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118


def difference(seen: Mapping[str, list[int]], network: nn.Module) -> str:
    """Return in words how tensors of these shapes differ from a network's; empty if not at all."""
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
            "of another shape": other,
        }
    )


def listed(differences: Mapping[str, Sequence[str]]) -> str:
    """Return in words how many tensors differ in each way, and the first of them; "" if none do.

    `differences` has the tensors, as a message may name them, by the way in which they differ.
    """
    return "; ".join(
        f"{len(names)} tensors {way} ({', '.join(names[:NAMED])}"
        f"{', …' if len(names) > NAMED else ''})"
        for way, names in differences.items()
        if names
    )
