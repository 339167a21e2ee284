"""CLIP's image tower: features that pictures share with the sentences that describe them.

Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, arXiv
2103.00020; open_clip's ViT-B-32, trained by LAION on LAION-2B. One file holds both towers; the show
reads the image tower's tensors alone, as sentences were embedded when the set was built.

timm's vision transformer computes the same as open_clip's, and is filled here by open_clip's names:
`import open_clip` took 1.2 to 3 s more on two shared cores and brought 178 modules with it,
transformers among them, while timm is loaded for the default network anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from installation.errors import Mistake, WeightsError, display_path
from installation.naming.lists.safetensors_header import mismatch
from installation.naming.lists.weights import CLIP, fetch_command, weights_file
from installation.naming.networks.encoder import Input, in_parts
from installation.settings.paths import WEIGHTS

FILE = weights_file(CLIP, WEIGHTS)
"""open_clip_model.safetensors of laion/CLIP-ViT-B-32-laion2B-s34B-b79K."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the pictures that CLIP was trained on, as OpenAI published them and open_clip keeps them."""

HEAD_WIDTH = 64
"""Numbers of one attention head, in both towers (arXiv 2103.00020, table 20)."""


@dataclass(frozen=True)
class Tower:
    """A transformer: the width of its states and how many layers they go through."""

    width: int
    layers: int

    @property
    def heads(self) -> int:
        """Attention heads of each layer."""
        return self.width // HEAD_WIDTH


@dataclass(frozen=True)
class Architecture:
    """The sizes of a CLIP: two towers that end in as many `features`.

    Pictures are squares of `size` px, read in patches of `patch` px; sentences are up to `context`
    tokens out of `vocabulary`.
    """

    image: Tower
    text: Tower
    features: int
    size: int = 224
    patch: int = 32
    context: int = 77
    vocabulary: int = 49408


VIT_B_32 = Architecture(image=Tower(768, 12), text=Tower(512, 12), features=512)
"""As open_clip's model_configs/ViT-B-32.json has it."""

_NAMES = {
    "cls_token": "class_embedding",
    "pos_embed": "positional_embedding",
    "patch_embed.proj.": "conv1.",
    "norm_pre.": "ln_pre.",
    "blocks.": "transformer.resblocks.",
    ".norm1.": ".ln_1.",
    ".norm2.": ".ln_2.",
    ".attn.qkv.": ".attn.in_proj_",
    ".attn.proj.": ".attn.out_proj.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
    "norm.": "ln_post.",
    "head.weight": "proj",
}
"""What open_clip calls a part of the image tower, by what timm calls it."""


class Clip:
    """Encodes crops as features of unit length, which a sentence's embedding is compared with."""

    name = "clip"

    def __init__(
        self, device: torch.device, weights: Path = FILE, architecture: Architecture = VIT_B_32
    ) -> None:
        """Raise WeightsError where `weights` are missing, damaged, or another network's."""
        self.device = device
        self.input = Input(architecture.size, MEAN, STD, "bicubic")
        self.width = architecture.features
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        self.fingerprint = _checksum(weights)
        with torch.device("meta"):
            network = _image_tower(architecture)
        network.to_empty(device="cpu")
        fill(_places(network), weights)
        self._network = network.eval().to(device, self._dtype)
        self._network.requires_grad_(False)

    @torch.inference_mode()
    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return features `(N, width)` of unit length, float32 on `device`.

        `batch` is `(N, 3, size, size)` float32 on `device`, normalised by `MEAN` and `STD`.
        """
        features = in_parts(self._network, batch.to(self._dtype), self.width)
        return nn.functional.normalize(features)


def fill(places: Mapping[str, torch.Tensor], weights: Path) -> None:
    """Copy tensors out of the file of a CLIP into `places`, by their names in it.

    All names and shapes are checked before anything is read. Raises WeightsError.
    """
    try:
        with safe_open(weights, framework="pt") as file:
            for name, place in places.items():
                if wrong := mismatch(file, name, "F32", place.shape):
                    raise _unfit(weights, wrong)
            with torch.no_grad():
                for name, place in places.items():
                    place.copy_(file.get_tensor(name))
    except SafetensorError:
        raise _unfit(weights, "the weights are damaged") from None
    except OSError as error:
        raise _unreadable(weights, error) from None


def _checksum(weights: Path) -> str:
    """Return the SHA-256 of the file."""
    try:
        with weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(weights, error) from None


def _image_tower(architecture: Architecture) -> VisionTransformer:
    tower = architecture.image
    network = VisionTransformer(
        img_size=architecture.size,
        patch_size=architecture.patch,
        embed_dim=tower.width,
        depth=tower.layers,
        num_heads=tower.heads,
        num_classes=architecture.features,
        pre_norm=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-5),
    )
    network.head = nn.Linear(tower.width, architecture.features, bias=False)
    return network


def _places(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the network's parameters under their names in the file, in the file's shapes."""
    places: dict[str, torch.Tensor] = {}
    for name, parameter in network.named_parameters():
        place: torch.Tensor = parameter
        if name == "cls_token":
            place = parameter[0, 0]  # (width,)
        elif name == "pos_embed":
            place = parameter[0]  # (patches + 1, width)
        elif name == "head.weight":
            place = parameter.T  # (width, features)
        places[f"visual.{_renamed(name)}"] = place
    return places


def _renamed(name: str) -> str:
    for theirs, ours in _NAMES.items():
        if name.startswith(theirs) or (theirs.startswith(".") and theirs in name):
            name = name.replace(theirs, ours)
    return name


def _unreadable(weights: Path, error: OSError) -> WeightsError:
    return _unfit(weights, f"the weights cannot be read ({error.strerror})")


def _unfit(weights: Path, what: str) -> WeightsError:
    return WeightsError(Mistake(display_path(weights), what, f"Run: {fetch_command(CLIP)}"))
