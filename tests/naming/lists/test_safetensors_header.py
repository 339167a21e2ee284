from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from installation.naming.lists.safetensors_header import (
    difference,
    header_length,
    mismatch,
    shapes,
)


def test_a_tensor_of_another_shape_or_type_is_named(tmp_path: Path) -> None:
    """A header tells whether a tensor fits before any of its numbers is read."""
    file = tmp_path / "some.safetensors"
    save_file({"weight": torch.zeros(3, 4)}, file)
    with safe_open(file, framework="pt") as opened:
        assert shapes(opened) == {"weight": [3, 4]}
        assert mismatch(opened, "weight", "F32", (3, 4)) == ""
        assert mismatch(opened, "weight", "F16", (3, 4)) == (
            "the tensor 'weight' is F32 [3, 4] (expected F16 [3, 4])"
        )
        assert mismatch(opened, "bias", "F32", (3,)) == (
            "the tensor 'bias' is missing (expected F32 [3])"
        )


def test_the_stated_length_of_a_header_is_read(tmp_path: Path) -> None:
    """The length of the header is read from the first eight bytes; for an empty file it is 0."""
    file = tmp_path / "some.safetensors"
    save_file({"weight": torch.zeros(3, 4)}, file)
    assert file.stat().st_size == 8 + header_length(file) + 4 * 12
    file.write_bytes(b"")
    assert header_length(file) == 0


def test_how_tensors_differ_from_a_networks_is_said_by_name() -> None:
    """Missing, unknown and wrongly shaped tensors are counted, and the first three are named."""
    network = nn.Linear(4, 3)
    assert difference({"weight": [3, 4], "bias": [3]}, network) == ""
    seen = {"weight": [3, 5], **{f"extra{i}": [1] for i in range(4)}}
    assert difference(seen, network) == (
        "1 tensor missing (bias); 4 tensors unknown (extra0, extra1, extra2, …); "
        "1 tensor with another shape (weight [3, 5], expected [3, 4])"
    )
