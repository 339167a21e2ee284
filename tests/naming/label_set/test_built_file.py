from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import pytest
import torch
from safetensors.torch import save_file

from installation.errors import LabelSetError
from installation.making.build import build
from installation.making.build.result import BuildResult
from installation.naming.label_set import built_file
from installation.naming.label_set.hiding import (
    EVERYTHING,
)
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.scoring.linear import LinearScorer
from tests.support.label_sets import HEADER, YAML, write_label_set

CPU: Final = "cpu"


ENCODER = "e" * 64


@pytest.fixture
def linear(tmp_path: Path) -> LabelSet:
    """A set of two labels that reads features, built."""
    write_label_set(
        tmp_path, HEADER, "a,air,,,", "b,breeze,,,", yaml=YAML.replace("text", "examples")
    )
    tensors = {"weight": torch.ones(2, 4), "bias": torch.zeros(2)}
    build.build("weather", tmp_path, lambda *_: BuildResult(tensors, ENCODER, ()))
    return load_label_set("weather", EVERYTHING, tmp_path)


@pytest.mark.parametrize("claim", [2**17, 2**60, 2**64 - 1])
def test_a_header_that_claims_too_much_is_not_read(linear: LabelSet, claim: int) -> None:
    """The length that a file states for its header does not decide how much memory is used."""
    linear.built.write_bytes(struct.pack("<Q", claim) + linear.built.read_bytes()[8:])
    with pytest.raises(LabelSetError, match=f"the header has {claim} bytes"):
        built_file.check_built(linear)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -3e38])
def test_numbers_that_give_no_scores_are_refused(linear: LabelSet, number: float) -> None:
    """A built file with NaN or huge numbers is refused, even if its checksum is right."""
    tensors = {"weight": torch.ones(2, 4), "bias": torch.zeros(2)}
    tensors["weight"][1, 2] = number
    metadata = built_file.expected_metadata(linear, ENCODER)
    save_file(tensors, linear.built, metadata)
    save_file(
        tensors, linear.built, metadata | {"tensors_sha256": built_file.checksum(linear.built)}
    )
    with pytest.raises(LabelSetError, match="'weight' has NaN or numbers beyond ±1,000,000"):
        LinearScorer.from_built(linear, ENCODER, 4)
