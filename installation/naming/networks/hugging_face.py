"""A folder from Hugging Face with an image classifier: config.json and model.safetensors.

Each is a network of timm: those that timm itself saved, and some of transformers', whose tensors
have other names there. Running the latter by transformers was rejected: here the file is compared
with the network tensor by tensor before anything is allocated, and one library runs all networks of
the show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import timm
import torch
from safetensors import SafetensorError, safe_open
from timm.models import is_model
from torch import nn

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.naming.label_set.folder import CONFIG, PREPROCESSOR, SETTINGS, TENSORS
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.settings import InputSettings
from installation.naming.lists.class_lists import MOST_OUTPUTS
from installation.naming.lists.safetensors_header import difference, shapes
from installation.naming.networks.encoder import Input, in_parts
from installation.naming.networks.hugging_face_config import TIMM, Config
from installation.naming.networks.transformers_networks import (
    RULES,
    joined_shapes,
    joined_tensors,
    planned,
    renamed,
)

BICUBIC = 3
"""In PREPROCESSOR's `resample`, by Pillow's numbers; all others count as bilinear."""

CLOSE = 1e-6
"""How far `rescale_factor` may be from 1/255, which files write with some digits less."""

POOLS = ("", "avg", "token", "map", "max", "avgmax", "catavgmax", "fast", "fastavg")
"""What timm's `global_pool` may be."""


class HuggingFaceNetwork:
    """Encodes crops as the logits of an image classifier from Hugging Face."""

    def __init__(self, label_set: LabelSet, file: Path, device: torch.device) -> None:
        """Take model.safetensors; config.json is in the set's folder beside it.

        Raises LabelSetError where the two do not fit each other or are of a kind that is not
        understood; no tensor is read before all shapes are right.
        """
        config = Config.read(label_set.folder / CONFIG)
        self._file = display_path(file)
        kind = config.kind()
        self.name, make = _saved_by_timm(config) if kind == TIMM else (kind, planned(kind, config))
        with torch.device("meta"):  # allocates nothing
            plan = _make(make, config)
        try:
            with safe_open(file, framework="numpy") as opened:  # with torch it would map the file
                there = shapes(opened)
            sources = renamed(there, RULES.get(kind, ()))
            if wrong := difference(joined_shapes(sources, there), plan):
                raise self._unfit(f"it does not hold the {self.name} of {CONFIG}: {wrong}")
            network = _make(make, config)
            with safe_open(file, framework="pt") as opened:
                network.load_state_dict(joined_tensors(sources, opened))
            with file.open("rb") as whole:
                self.fingerprint = hashlib.file_digest(whole, "sha256").hexdigest()
        except (SafetensorError, OSError):
            raise self._unfit("it is no safetensors file, or a damaged one") from None
        self.input = _input(label_set, config)
        self.device = device
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        self._network = network.eval().to(device, self._dtype).requires_grad_(False)
        self.width = self._try(label_set)

    def _unfit(self, what: str) -> LabelSetError:
        remedy = f"Bring {TENSORS} and {CONFIG} from the same folder."
        return LabelSetError(Mistake(self._file, what, remedy))

    @torch.inference_mode()
    def _try(self, label_set: LabelSet) -> int:
        """Run once on grey and return how many outputs there are."""
        if label_set.settings.output == "scores":
            where = display_path(label_set.folder / SETTINGS)
            what = "output is scores, but classifiers from Hugging Face give logits"
            raise LabelSetError(Mistake(where, what, "Take the line out."))
        side = self.input.size
        grey = torch.zeros(1, 3, side, side, device=self.device, dtype=self._dtype)
        try:
            said = self._network(grey)
        except (RuntimeError, AssertionError, ValueError) as failure:
            raise self._unfit(
                f"it cannot take pictures of {side} px ({ellipsize(str(failure))})"
            ) from None
        if said.ndim != 2 or not said.shape[1] or not said.isfinite().all():
            raise self._unfit("it does not answer with a row of finite numbers")
        return int(said.shape[1])

    @torch.inference_mode()
    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return logits `(N, width)` float32 on `device`.

        `batch` is `(N, 3, size, size)` float32 on `device`, normalised as the network's `input`
        says.
        """
        return in_parts(self._network, batch.to(self._dtype), self.width)


def _saved_by_timm(config: Config) -> tuple[str, Callable[[], nn.Module]]:
    """Return the name of the network that timm saved, and what makes it without its weights."""
    name = config.said["architecture"]
    if not isinstance(name, str) or not is_model(name):
        seen = ellipsize(repr(name))
        raise config.wrong(f"the architecture {seen} is none of timm {timm.__version__}")
    own = config.part("model_args")
    known = {"num_classes", "in_chans", "global_pool", "img_size"}
    if strange := sorted(own.said.keys() - known):
        raise config.wrong(
            f"model_args has {ellipsize(', '.join(strange))}, which is not understood"
        )
    if own.number("in_chans", 3) != 3:
        raise config.wrong("in_chans is not 3 (expected pictures of red, green and blue)")
    both = Config({**config.said, **own.said}, config.file)  # as timm, which lets model_args win
    said: dict[str, object] = {"num_classes": both.number("num_classes", None, MOST_OUTPUTS)}
    if "img_size" in own.said:
        said["img_size"] = own.side("img_size", None)
    pool = both.said.get("global_pool")
    if pool is not None:
        if pool not in POOLS:
            raise config.wrong(f"global_pool is {ellipsize(repr(pool))}, which is not understood")
        said["global_pool"] = pool
    return name, partial(timm.create_model, name, pretrained=False, **said)


def _make(make: Callable[[], nn.Module], config: Config) -> nn.Module:
    try:
        return make()
    except Exception as failure:  # timm says in many ways that sizes do not go together
        raise config.wrong(f"timm cannot make it ({ellipsize(str(failure))})") from None


def _input(label_set: LabelSet, config: Config) -> Input:
    """Return the pictures that the network takes: as labelset.yaml says, else as its own files."""
    own = config.part("pretrained_cfg")
    resized: object = own.said.get("interpolation")
    if "architecture" in config.said:
        size = own.side("input_size", 224)
        mean, std = own.channels("mean", -10, 0.5), own.channels("std", 1e-6, 0.5)
    else:
        size = config.side("image_size", 224)
        path = label_set.folder / PREPROCESSOR
        own = Config.read(path) if path.exists() else Config({}, display_path(path))
        if not (own.said.get("do_rescale", True) and own.said.get("do_normalize", True)):
            raise own.wrong("do_rescale or do_normalize is off, which is not understood")
        scale = own.said.get("rescale_factor", 1 / 255)
        if not isinstance(scale, float) or not abs(scale - 1 / 255) <= CLOSE:
            raise own.wrong(f"rescale_factor is {ellipsize(repr(scale))} (expected 1/255)")
        mean, std = own.channels("image_mean", -10, 0.5), own.channels("image_std", 1e-6, 0.5)
        resized = "bicubic" if own.said.get("resample") == BICUBIC else "bilinear"
    way: Literal["bilinear", "bicubic"] = "bicubic" if resized == "bicubic" else "bilinear"
    said = label_set.settings.input or InputSettings()
    return Input(
        said.size if "size" in said.model_fields_set else size,
        said.mean if "mean" in said.model_fields_set else mean,
        said.std if "std" in said.model_fields_set else std,
        way,
    )
