from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from installation.errors import WeightsError
from installation.naming.networks.efficientnet import FILE, EfficientNetLite0
from installation.naming.networks.efficientnet_torch import EfficientNetLite0Torch
from installation.naming.networks.encoder import Batch, Encoder


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Twelve crops."""
    return np.random.default_rng(0).random((12, 3, 224, 224), np.float32) * 2 - 1


@pytest.mark.parametrize("output", ["logits", "features"])
def test_it_gives_what_pytorch_gives(output: str, batch: Batch) -> None:
    """Logits and features differ by less than 1e-4 from those of the package's own weights."""
    ours = EfficientNetLite0(output=output)  # type: ignore[arg-type]
    theirs = EfficientNetLite0Torch("cpu", output=output)  # type: ignore[arg-type]
    assert ours.width == theirs.width
    assert ours.fingerprint == theirs.fingerprint
    assert np.abs(ours.encode(batch) - theirs.encode(batch)).max() < 1e-4


def test_it_keeps_the_encoders_contract(batch: Batch) -> None:
    """The network satisfies Encoder: a row of `width` float32 numbers per crop, or no rows."""
    encoder: Encoder = EfficientNetLite0()
    for count in (0, 1, 3, 12):
        logits = encoder.encode(batch[:count])
        assert logits.shape == (count, encoder.width)
        assert logits.dtype == np.float32


def test_a_batch_is_its_crops_one_by_one(batch: Batch) -> None:
    """The logits of a crop do not depend on the other crops, nor on forgetting in between."""
    network = EfficientNetLite0()
    together = network.encode(batch)
    network.forget()
    alone = np.concatenate([network.encode(crop[None]) for crop in batch])
    assert np.array_equal(together, alone)


def refusal(file: Path) -> str:
    """Return the message for a file that is not the network's."""
    with pytest.raises(WeightsError) as caught:
        EfficientNetLite0(file)
    return str(caught.value)


def test_a_truncated_or_tampered_file_is_refused(tmp_path: Path) -> None:
    """A file that is not the pinned one, byte for byte, is never loaded."""
    content = bytearray(FILE.read_bytes())
    file = tmp_path / FILE.name
    file.write_bytes(content[:-1])
    assert "truncated or are not the pinned ones" in refusal(file)
    content[1_000_000] ^= 1
    file.write_bytes(content)
    assert "not the pinned ones" in refusal(file)
    assert refusal(file).endswith("Copy the kiosk's files again.")
    assert "the weights cannot be read" in refusal(tmp_path / "missing.onnx")
