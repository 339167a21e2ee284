"""timm networks whose weights were downloaded by `kiosk fetch`, and CLIP's image tower.

timm loads the tensors into the networks, because some files have the tensor names of older versions
or of open_clip. For each family of networks, timm has a rule that converts these names. Rejected:
loading the file directly into the network, which fails for some of these names; and open_clip for
CLIP, because importing open_clip as well as timm took 1.2 to 3 s longer on two shared cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import timm
import torch
from safetensors import SafetensorError, safe_open
from timm.models import get_pretrained_cfg, is_model
from torch import nn

from installation.errors import LabelSetError, Mistake, WeightsError, display_path, ellipsize
from installation.naming.label_set.folder import SETTINGS_FILE
from installation.naming.lists import weights
from installation.naming.lists.safetensors_header import difference, shapes
from installation.naming.lists.weights import CLIP
from installation.naming.networks.device import Device
from installation.naming.networks.encoder import Input, fingerprint
from installation.naming.networks.torch_network import TorchEncoder, TorchNetwork
from installation.settings.paths import WEIGHTS

CLIP_FILE = weights.weights_file(CLIP, WEIGHTS)
"""The file open_clip_model.safetensors of laion/CLIP-ViT-B-32-laion2B-s34B-b79K, with both
towers.
"""

CLIP_IN_TIMM = "vit_base_patch32_clip_224.laion2b"
"""timm's name for the image tower in `CLIP_FILE`."""

HEAD_WIDTH = 64
"""The width of one attention head in both towers (arXiv 2103.00020, table 20)."""

ANOTHER_NETWORK = (RuntimeError, LookupError, AttributeError, TypeError, ValueError)
"""The exceptions that timm raises if it loads the tensors of another network."""


class TimmFeatures(TorchEncoder):
    """Encodes crops as features: the output of a network without its head."""

    def __init__(
        self, name: str, device: Device, folder: Path = WEIGHTS, where: str = SETTINGS_FILE
    ) -> None:
        """Open timm's network `name` on `device`, with the weights in `folder`.

        `where` is the file that names the network, for messages. Raises LabelSetError if timm does
        not have the network or if its input is not square, and WeightsError if the weights are
        missing or belong to another network.
        """
        config = pretrained_config(name, where)
        network, self.fingerprint = open_timm(name, folder)
        network.reset_classifier(0)  # removes the head
        self.name = name
        self.input = _input(config)
        self.network = TorchNetwork(network, device)
        side = self.input.size
        self.width = self.network.run(np.zeros((1, 3, side, side), np.float32), 0).shape[1]


@dataclass(frozen=True)
class Tower:
    """A transformer: the width of its states and how many layers it has."""

    width: int
    layers: int

    @property
    def heads(self) -> int:
        """The number of attention heads of each layer."""
        return self.width // HEAD_WIDTH


@dataclass(frozen=True)
class Architecture:
    """The sizes of a CLIP network: two towers that both end in `features` values.

    Pictures are squares of `size` px, split into patches of `patch` px; sentences have up to
    `context` tokens out of `vocabulary`.
    """

    image: Tower
    text: Tower
    features: int
    size: int = 224
    patch: int = 32
    context: int = 77
    vocabulary: int = 49408


VIT_B_32 = Architecture(image=Tower(768, 12), text=Tower(512, 12), features=512)
"""The sizes of ViT-B-32, from open_clip's model_configs/ViT-B-32.json."""


class Clip(TorchEncoder):
    """Encodes crops as features of unit length, to be compared with embeddings of sentences.

    This is the image tower of CLIP (Radford et al., *Learning Transferable Visual Models From
    Natural Language Supervision*, arXiv 2103.00020), trained by LAION on LAION-2B. A show never
    runs the text tower, because sentences are embedded when the label set is built.
    """

    name = "clip"

    def __init__(
        self, device: Device, file: Path = CLIP_FILE, architecture: Architecture = VIT_B_32
    ) -> None:
        """Open the weights in `file`; raises WeightsError if they are missing or do not fit.

        An `architecture` other than the default is only for tests.
        """
        image = architecture.image
        config = pretrained_config(CLIP_IN_TIMM)
        self.input = Input(architecture.size, config.mean, config.std, "bicubic")
        self.width = architecture.features
        try:
            self._check_kinds(file)
            self.fingerprint = fingerprint(file)
            network = _create(
                CLIP_IN_TIMM,
                file,
                architecture.features,
                img_size=architecture.size,
                patch_size=architecture.patch,
                embed_dim=image.width,
                depth=image.layers,
                num_heads=image.heads,
                weight_init="skip",  # saves 0.4 s: the file's numbers replace random ones
            )
        except FileNotFoundError:
            raise _missing(CLIP, file) from None
        except (OSError, SafetensorError):
            raise _unfit(CLIP, file, "the file is damaged") from None
        except ANOTHER_NETWORK:
            raise _unfit(CLIP, file, "its tensors belong to another network") from None
        self.network = TorchNetwork(network, device)

    def _check_kinds(self, file: Path) -> None:
        """Raise WeightsError if a tensor is not float32; timm would convert it silently."""
        with safe_open(file, framework="numpy") as opened:
            tower = [name for name in opened.keys() if name.startswith("visual.")]  # noqa: SIM118
            kinds = {opened.get_slice(name).get_dtype() for name in tower}
        if kinds - {"F32"}:
            raise _unfit(CLIP, file, f"its tensors are {', '.join(sorted(kinds))} (expected F32)")

    def finish(self, output: torch.Tensor) -> torch.Tensor:
        """Return features `(N, width)` of unit length."""
        return nn.functional.normalize(output)


def weights_file(name: str, folder: Path = WEIGHTS) -> Path:
    """Return the file of weights of timm's network `name`; raises WeightsError if it is missing."""
    file = weights.weights_file(name, folder)
    if not file.is_file():
        raise _missing(name, file)
    return file


def open_timm(name: str, folder: Path = WEIGHTS) -> tuple[Any, str]:
    """Return timm's network `name` with its head, for inference, and the SHA-256 of its weights.

    Raises LabelSetError if timm does not know the network, and WeightsError if the weights are
    missing or belong to another network.
    """
    classes = pretrained_config(name).num_classes
    file = weights_file(name, folder)
    try:
        return _create(name, file, classes), fingerprint(file)
    except (OSError, SafetensorError):
        raise _unfit(name, file, "the file is damaged") from None
    except ANOTHER_NETWORK:
        plain = timm.create_model(name, pretrained=False, num_classes=classes)
        with safe_open(file, framework="pt") as opened:
            problem = difference(shapes(opened), plain)
        raise _unfit(name, file, problem) from None


def _create(name: str, file: Path, outputs: int, **arguments: Any) -> nn.Module:
    """Return timm's network `name` with the tensors in `file`, for inference.

    `arguments` describe the architecture to timm. Raises OSError or SafetensorError if the file is
    damaged, and one of the exceptions in ANOTHER_NETWORK if its tensors do not fit.
    """
    # Without the number of outputs, a head of another size would be left out silently.
    config = {"file": str(file), "custom_load": False, "num_classes": outputs}
    network: nn.Module = timm.create_model(
        name, pretrained=True, pretrained_cfg_overlay=config, num_classes=outputs, **arguments
    )
    return network.eval()


def pretrained_config(name: str, where: str = SETTINGS_FILE) -> Any:
    """Return timm's description of its network `name`: classes, size, mean, std, head.

    Raises LabelSetError if timm does not know the network or its input is not square. `where` is
    the file that names the network, for messages.
    """
    try:
        config = get_pretrained_cfg(name) if is_model(name) else None
    except RuntimeError:  # a known architecture with weights that timm does not know
        config = None
    if config is None:
        version = timm.__version__
        problem = f"encoder is '{ellipsize(name)}', but timm {version} has no network of this name"
        remedy = "Write the whole name, such as vit_base_patch16_224.augreg_in21k."
        raise LabelSetError(Mistake(where, problem, remedy))
    _, height, width = config.input_size
    if height != width:
        seen = f"takes pictures of {width}×{height} px (expected a square)"
        problem = f"encoder is '{ellipsize(name)}', which {seen}"
        raise LabelSetError(Mistake(where, problem, "Use another network."))
    return config


def _input(config: Any) -> Input:
    """Return the format of a network's pictures, from timm's description of the network."""
    way: Literal["bilinear", "bicubic"] = (
        "bilinear" if config.interpolation == "bilinear" else "bicubic"
    )
    return Input(config.input_size[1], config.mean, config.std, way)


def _missing(name: str, file: Path) -> WeightsError:
    problem = f"the weights of {ellipsize(name)} are missing"
    return WeightsError(Mistake(display_path(file), problem, f"Run: {weights.fetch_command(name)}"))


def _unfit(name: str, file: Path, problem: str) -> WeightsError:
    problem = f"the file does not contain {ellipsize(name)}: {problem}"
    remedy = f"Delete the file and run: {weights.fetch_command(name)}"
    return WeightsError(Mistake(display_path(file), problem, remedy))
