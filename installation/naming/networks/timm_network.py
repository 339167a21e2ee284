"""The networks that timm knows by name, from weights that `kiosk fetch` has brought.

timm itself puts the weights in: each of its families has a rule that brings older names of tensors
up to date. Loading the file straight into the network was rejected, as it refuses some of those.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from safetensors import SafetensorError, safe_open
from timm.models import get_pretrained_cfg, is_model
from torch import nn

from installation.errors import LabelSetError, Mistake, WeightsError, display_path, ellipsize
from installation.naming.label_set.folder import SETTINGS_FILE
from installation.naming.lists import weights
from installation.naming.lists.safetensors_header import difference, shapes
from installation.naming.networks.encoder import Input, in_parts
from installation.settings.paths import WEIGHTS


class TimmFeatures:
    """Encodes crops as the features below a network's head."""

    def __init__(
        self, name: str, device: torch.device, folder: Path = WEIGHTS, where: str = SETTINGS_FILE
    ) -> None:
        """Take timm's `name` of a network whose weights are in `folder`; `where` is what names it.

        Raises LabelSetError where timm knows no such network or it takes no squares, and
        WeightsError where the weights are missing or another network's.
        """
        said = pretrained(name, where)
        network, self.fingerprint = open_timm(name, folder)
        network.reset_classifier(0)  # leaves what lies below the head
        self.name = name
        self.input = input_of(said)
        self.device = device
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        self._network = network.to(device, self._dtype)
        self._network.requires_grad_(False)
        side = self.input.size
        with torch.inference_mode():
            nothing = torch.zeros(1, 3, side, side, device=device, dtype=self._dtype)
            self.width = self._network(nothing).shape[1]

    @torch.inference_mode()
    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return features `(N, width)` float32 on `device`.

        `batch` is `(N, 3, size, size)` float32 on `device`, normalised as the network's `input`
        says.
        """
        return in_parts(self._network, batch.to(self._dtype), self.width)


def weights_file(name: str, folder: Path = WEIGHTS) -> Path:
    """Return where the weights of timm's network `name` are; raises WeightsError without them."""
    file = weights.weights_file(name, folder)
    if not file.is_file():
        what = f"the weights of {ellipsize(name)} are not there"
        raise WeightsError(Mistake(display_path(file), what, f"Run: {weights.fetch_command(name)}"))
    return file


def open_timm(name: str, folder: Path = WEIGHTS) -> tuple[Any, str]:
    """Return timm's network `name` with its head, for reading, and the SHA-256 of its weights.

    Raises LabelSetError where timm knows no such network, and WeightsError where the weights are
    missing or another network's.
    """
    said = pretrained(name)
    file = weights_file(name, folder)
    from_file = {"file": str(file), "custom_load": False}
    try:
        with file.open("rb") as opened:
            fingerprint = hashlib.file_digest(opened, "sha256").hexdigest()
        network = timm.create_model(
            name,
            pretrained=True,
            pretrained_cfg_overlay=from_file,
            num_classes=said.num_classes,  # else what does not fit is passed over in silence
        )
    except (OSError, SafetensorError):
        raise _unfit(name, file, "the file is damaged") from None
    except (RuntimeError, LookupError, AttributeError, TypeError, ValueError):
        # What timm's rules make of another network's tensors ends in any of these.
        plain = timm.create_model(name, pretrained=False, num_classes=said.num_classes)
        raise _unfit(name, file, _difference(file, plain)) from None
    return network.eval(), fingerprint


def pretrained(name: str, where: str = SETTINGS_FILE) -> Any:
    """Return what timm says about its network `name`: classes, size, mean, std, head.

    Raises LabelSetError where timm knows no such network or it takes no squares; `where` is the
    file that names it.
    """
    try:
        said = get_pretrained_cfg(name) if is_model(name) else None
    except RuntimeError:  # an architecture that it knows, trained in a way that it does not
        said = None
    if said is None:
        what = f"encoder is '{ellipsize(name)}', but timm {timm.__version__} knows no such network"
        remedy = "Write the whole name, such as vit_base_patch16_224.augreg_in21k."
        raise LabelSetError(Mistake(where, what, remedy))
    _, height, width = said.input_size
    if height != width:
        what = (
            f"encoder is '{ellipsize(name)}', which takes {width}×{height} px (expected a square)"
        )
        raise LabelSetError(Mistake(where, what, "Take another network."))
    return said


def input_of(said: Any) -> Input:
    """Return the pictures that a network takes, from what timm says about it."""
    way: Literal["bilinear", "bicubic"] = (
        "bilinear" if said.interpolation == "bilinear" else "bicubic"
    )
    return Input(said.input_size[1], said.mean, said.std, way)


def _unfit(name: str, file: Path, what: str) -> WeightsError:
    remedy = f"Delete it and run: {weights.fetch_command(name)}"
    return WeightsError(
        Mistake(display_path(file), f"it does not hold {ellipsize(name)}: {what}", remedy)
    )


def _difference(file: Path, network: nn.Module) -> str:
    with safe_open(file, framework="pt") as opened:
        return difference(shapes(opened), network)
