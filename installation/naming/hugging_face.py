"""A folder from Hugging Face with an image classifier: config.json and model.safetensors.

Two kinds are understood, each as a network of timm: those that timm itself saved, and transformers'
ViTForImageClassification, whose tensors have other names, and queries, keys and values apart.
Running the latter by transformers was rejected: here the file is compared with the network tensor
by tensor before anything is allocated, and one library runs all networks of the show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import safetensors.torch
import timm
import torch
from safetensors import SafetensorError
from timm.models import VisionTransformer, is_model
from torch import nn

from installation.document import cut, read_text, shown
from installation.errors import LabelSetError, Mistake
from installation.naming.encoder import Channels, Input, in_parts
from installation.naming.files import CONFIG, LARGEST, PREPROCESSOR, SETTINGS, TENSORS
from installation.naming.labelset import InputSettings, LabelSet
from installation.naming.output_names import parse_config
from installation.naming.tensors import difference
from installation.naming.vocabulary import MOST_OUTPUTS

VIT = "ViTForImageClassification"
UNDERSTOOD = f"those that timm saved, with an `architecture`, and transformers' {VIT}"

BICUBIC = 3
"""In PREPROCESSOR's `resample`, by Pillow's numbers; all others count as bilinear."""

DEEPEST = 200
"""Layers; the deepest vision transformers have some 50."""
WIDEST = 20_000
"""Numbers in a layer; the largest have some 15,000."""

CLOSE = 1e-6
"""How far `rescale_factor` may be from 1/255, which files write with some digits less."""

POOLS = ("", "avg", "token", "map", "max", "avgmax", "catavgmax", "fast", "fastavg")
"""What timm's `global_pool` may be."""

ACTIVATIONS: Mapping[str, Callable[..., nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_pytorch_tanh": partial(nn.GELU, approximate="tanh"),
    "relu": nn.ReLU,
}

RENAMED = {
    "vit.embeddings.cls_token": "cls_token",
    "vit.embeddings.position_embeddings": "pos_embed",
    "vit.embeddings.patch_embeddings.projection": "patch_embed.proj",
    "vit.layernorm": "norm",
    "classifier": "head",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
}
"""transformers' names of a vision transformer's tensors and timm's, without `.weight` or `.bias`;
the last five are within a layer."""
LAYER = "vit.encoder.layer."
QUERY, KEY, VALUE = ("attention.attention." + part for part in ("query", "key", "value"))
"""Within a layer; timm has them as one tensor."""

Tensors = dict[str, torch.Tensor]


class HuggingFaceNetwork:
    """Encodes crops as the logits of an image classifier from Hugging Face."""

    def __init__(self, label_set: LabelSet, data: bytes, device: torch.device) -> None:
        """Take the bytes of model.safetensors; config.json is in the set's folder beside it.

        Raises LabelSetError where the two do not fit each other or are of a kind that is not
        understood.
        """
        config = _Config.open(label_set.folder / CONFIG)
        self._file = shown(label_set.folder / TENSORS)
        try:
            tensors = safetensors.torch.load(data)
        except (SafetensorError, ValueError, KeyError):
            raise self._unfit("it is no safetensors file, or a damaged one") from None
        if "architecture" in config.said:
            self.name, make = _saved_by_timm(config)
        else:
            self.name, make = _vision_transformer(config)
            tensors = renamed(tensors)
        with torch.device("meta"):  # allocates nothing
            plan = _make(make, config)
        seen = {name: list(tensor.shape) for name, tensor in tensors.items()}
        if wrong := difference(seen, plan):
            raise self._unfit(f"it does not hold the {self.name} of {CONFIG}: {wrong}")
        network = _make(make, config)
        network.load_state_dict(tensors)
        self.fingerprint = hashlib.sha256(data).hexdigest()
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
            where = shown(label_set.folder / SETTINGS)
            what = "output is scores, but classifiers from Hugging Face give logits"
            raise LabelSetError(Mistake(where, what, "Take the line out."))
        side = self.input.size
        grey = torch.zeros(1, 3, side, side, device=self.device, dtype=self._dtype)
        try:
            said = self._network(grey)
        except (RuntimeError, AssertionError, ValueError) as failure:
            raise self._unfit(
                f"it cannot take pictures of {side} px ({cut(str(failure))})"
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


class _Config:
    """A JSON file whose numbers are judged as they are read."""

    def __init__(self, said: Mapping[str, object], file: str) -> None:
        self.said = said
        self.file = file

    @classmethod
    def open(cls, path: Path) -> _Config:
        file = shown(path)
        return cls(
            parse_config(read_text(path, file, LabelSetError, LARGEST[path.name]), file), file
        )

    def part(self, key: str) -> _Config:
        """Return the mapping under `key`; an empty one where there is none."""
        part = self.said.get(key)
        return _Config(part if isinstance(part, dict) else {}, self.file)

    def number(self, key: str, default: int | None, most: int = WIDEST) -> int:
        """Return the whole number from 1 to `most` under `key`, or `default`."""
        value = self.said.get(key, default)
        if type(value) is not int or not 1 <= value <= most:
            seen = "missing" if value is None else cut(repr(value))
            raise self.wrong(f"{key} is {seen} (expected a number from 1 to {most:,})")
        return value

    def side(self, key: str, default: int | None, least: int = 16) -> int:
        """Return a square's side, px, given as a number or as two or three that end in it."""
        value = self.said.get(key, default)
        sides = value[-2:] if isinstance(value, list) else [value, value]
        last = sides[-1] if len(sides) == 2 and sides[0] == sides[1] else None
        if type(last) is not int or not least <= last <= 1024:
            what = f"{key} is {cut(repr(value))} (expected a square of {least} to 1,024 px)"
            raise self.wrong(what)
        return last

    def channels(self, key: str, least: float, default: float) -> Channels:
        """Return three numbers between `least` and 10."""
        value = self.said.get(key, [default] * 3)
        if (
            not isinstance(value, list)
            or len(value) != 3
            or not all(type(of) in (int, float) and least <= of <= 10 for of in value)
        ):
            raise self.wrong(f"{key} is {cut(repr(value))} (expected three numbers up to 10)")
        red, green, blue = (float(of) for of in value)
        return red, green, blue

    def wrong(self, what: str) -> LabelSetError:
        remedy = f"Bring a classifier that is understood: {UNDERSTOOD}; or an ONNX file."
        return LabelSetError(Mistake(self.file, what, remedy))


def _saved_by_timm(config: _Config) -> tuple[str, Callable[[], nn.Module]]:
    """Return the name of the network that timm saved, and what makes it without its weights."""
    name = config.said["architecture"]
    if not isinstance(name, str) or not is_model(name):
        seen = cut(repr(name))
        raise config.wrong(f"the architecture {seen} is none of timm {timm.__version__}")
    own = config.part("model_args")
    known = {"num_classes", "in_chans", "global_pool", "img_size"}
    if strange := sorted(own.said.keys() - known):
        raise config.wrong(f"model_args has {cut(', '.join(strange))}, which is not understood")
    if own.number("in_chans", 3) != 3:
        raise config.wrong("in_chans is not 3 (expected pictures of red, green and blue)")
    both = _Config({**config.said, **own.said}, config.file)  # as timm, which lets model_args win
    said: dict[str, object] = {"num_classes": both.number("num_classes", None, MOST_OUTPUTS)}
    if "img_size" in own.said:
        said["img_size"] = own.side("img_size", None)
    pool = both.said.get("global_pool")
    if pool is not None:
        if pool not in POOLS:
            raise config.wrong(f"global_pool is {cut(repr(pool))}, which is not understood")
        said["global_pool"] = pool
    return name, partial(timm.create_model, name, pretrained=False, **said)


def _vision_transformer(config: _Config) -> tuple[str, Callable[[], nn.Module]]:
    """Return the name of transformers' vision transformer, and what makes it in timm."""
    kinds = config.said.get("architectures")
    if kinds != [VIT]:
        raise config.wrong(f"it is for {cut(repr(kinds))} (expected {UNDERSTOOD})")
    if config.number("num_channels", 3) != 3:
        raise config.wrong("num_channels is not 3 (expected pictures of red, green and blue)")
    activation = config.said.get("hidden_act", "gelu")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        seen = cut(repr(activation))
        raise config.wrong(f"hidden_act is {seen} (expected {', '.join(ACTIVATIONS)})")
    epsilon = config.said.get("layer_norm_eps", 1e-12)
    if type(epsilon) is not float or not 0 < epsilon < 1:
        raise config.wrong(f"layer_norm_eps is {cut(repr(epsilon))} (expected a small number)")
    width = config.number("hidden_size", 768)
    names = config.said.get("id2label", {"0": "", "1": ""})
    classes = len(names) if isinstance(names, dict) else 0
    return VIT, partial(
        VisionTransformer,
        img_size=config.side("image_size", 224),
        patch_size=config.side("patch_size", 16, least=1),
        num_classes=classes,
        embed_dim=width,
        depth=config.number("num_hidden_layers", 12, DEEPEST),
        num_heads=config.number("num_attention_heads", 12),
        mlp_ratio=config.number("intermediate_size", 3072) / width,
        qkv_bias=config.said.get("qkv_bias", True) is True,
        norm_layer=partial(nn.LayerNorm, eps=epsilon),
        act_layer=ACTIVATIONS[activation],
    )


def _make(make: Callable[[], nn.Module], config: _Config) -> nn.Module:
    try:
        return make()
    except Exception as failure:  # timm says in many ways that sizes do not go together
        raise config.wrong(f"timm cannot make it ({cut(str(failure))})") from None


def renamed(tensors: Tensors) -> Tensors:
    """Return the tensors of transformers' vision transformer under timm's names.

    What has no name in timm keeps its own.
    """
    found: Tensors = {}
    for name, tensor in tensors.items():
        place, inside = "", name
        if name.startswith(LAYER):
            number, _, inside = name.removeprefix(LAYER).partition(".")
            place = f"blocks.{number}."
        stem, _, kind = inside.rpartition(".")
        if stem in (KEY, VALUE) and place:
            continue
        if stem == QUERY and place:
            before = name.removesuffix(f"{QUERY}.{kind}")
            three = [tensors.get(f"{before}{part}.{kind}") for part in (QUERY, KEY, VALUE)]
            if all(part is not None and part.shape == tensor.shape for part in three):
                found[f"{place}attn.qkv.{kind}"] = torch.cat([p for p in three if p is not None])
                continue
        new = RENAMED.get(inside) or (f"{RENAMED[stem]}.{kind}" if stem in RENAMED else None)
        found[f"{place}{new}" if new else name] = tensor
    return found


def _input(label_set: LabelSet, config: _Config) -> Input:
    """Return the pictures that the network takes: as labelset.yaml says, else as its own files."""
    own = config.part("pretrained_cfg")
    resized: object = own.said.get("interpolation")
    if "architecture" in config.said:
        size = own.side("input_size", 224)
        mean, std = own.channels("mean", -10, 0.5), own.channels("std", 1e-6, 0.5)
    else:
        size = config.side("image_size", 224)
        path = label_set.folder / PREPROCESSOR
        own = _Config.open(path) if path.exists() else _Config({}, shown(path))
        if not (own.said.get("do_rescale", True) and own.said.get("do_normalize", True)):
            raise own.wrong("do_rescale or do_normalize is off, which is not understood")
        scale = own.said.get("rescale_factor", 1 / 255)
        if not isinstance(scale, float) or not abs(scale - 1 / 255) <= CLOSE:
            raise own.wrong(f"rescale_factor is {cut(repr(scale))} (expected 1/255)")
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
