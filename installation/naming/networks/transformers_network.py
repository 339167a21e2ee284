"""Image classifiers from Hugging Face (config.json and model.safetensors), run by transformers.

transformers supports its own image classifiers and, through its TimmWrapper, the networks that timm
saved. The folder may come from a stranger, so transformers is given settings and tensors but never
the folder: no code in the folder is run, nothing is downloaded, and no pickle is read. The network
is built on torch's meta device, where tensors take no memory. Building stops as soon as the network
is larger than all tensors that the header of model.safetensors lists.

Rejected: giving the folder to transformers. It would also read adapters, generation settings and
the names of other weight files there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import timm
import torch
from safetensors import SafetensorError, safe_open
from timm.models import is_model
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
    MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
)
from transformers.utils import logging

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.naming.label_set.folder import (
    CONFIG_FILE,
    MAX_BYTES,
    PREPROCESSOR_FILE,
    SETTINGS_FILE,
    TENSORS_FILE,
)
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.output_names import parse_config
from installation.naming.label_set.settings import InputSettings
from installation.naming.lists.class_lists import MOST_OUTPUTS
from installation.naming.lists.safetensors_header import listed, shapes
from installation.naming.networks.device import Device
from installation.naming.networks.encoder import Channels, Input, fingerprint
from installation.naming.networks.torch_network import TorchEncoder, TorchNetwork
from installation.settings.text_file import read_text

TIMM = "timm_wrapper"
"""transformers' `model_type` for the networks of timm."""

MODEL_TYPES: Mapping[str, str] = {
    kind: model_type
    for model_type, kinds in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.items()
    for kind in ((kinds,) if isinstance(kinds, str) else kinds)
    if model_type != TIMM
}
"""The `model_type` of each image classifier of transformers, keyed by the name of its class."""

UNDERSTOOD = (
    "an image classifier of transformers, such as ViTForImageClassification, or a network of timm "
    "with an `architecture` in config.json"
)

IGNORED = frozenset(
    """
    architectures attn_implementation auto_map compression_config distributed_config dtype
    experts_implementation fusion_config id2label kernel_config label2id model_type num_labels
    quantization_config torch_dtype transformers_weights use_kernels backbone backbone_config
    backbone_kwargs use_pretrained_backbone use_timm_backbone
    """.split()  # noqa: SIM905  a list of quoted words would be three times as long
)
"""The settings that are not passed to transformers, at any depth; settings that begin with `_` are
not passed either.

Some of them name code, other networks, or files to load or download. The others are set or replaced
by this module.
"""

LARGEST_NUMBER = 1_000_000
"""The largest number in config.json, and the largest sum of the numbers in one of its lists.

Numbers are sizes, counts and tokens. Sums are limited because some networks create a list as long
as the sum of their `depths` before they build anything.
"""

MOST_ITEMS = 200
"""The largest number of items of a list in config.json; a list has an item per stage or layer."""

POOLS = ("", "avg", "token", "map", "max", "avgmax", "catavgmax", "fast", "fastavg")
"""The values of timm's `global_pool` that are accepted."""

TIMM_ARGUMENTS = {"num_classes", "in_chans", "global_pool", "img_size"}
"""The keys that are accepted in timm's `model_args`; others name files to load."""

COMPUTED_NUMBERS = 2**24
"""The number of values that a network may have in addition to those in its file. It computes them
itself, for example tables of positions.
"""

BICUBIC = 3
"""The value of `resample` in preprocessor_config.json for bicubic, as in Pillow; all other values
mean bilinear.
"""

RESCALE_TOLERANCE = 1e-6
"""The tolerance of `rescale_factor` around 1/255, which files state with few digits."""


class TransformersNetwork(TorchEncoder):
    """Encodes crops as the logits of an image classifier from Hugging Face."""

    def __init__(self, label_set: LabelSet, file: Path, device: Device) -> None:
        """Open model.safetensors, `file`, as config.json in the label set's folder describes it.

        Raises LabelSetError if the two files do not belong together or the kind of network is not
        supported.
        """
        config = ConfigFile.read(label_set.folder / CONFIG_FILE)
        self.name, model_type, settings = _network_settings(config)
        self._file = display_path(file)
        try:
            # `pread`, because a mapped file that is truncated later would crash the show.
            with safe_open(file, framework="pt", backend="pread") as tensors:
                network, difference = _load(config, model_type, settings, tensors)
            if difference:
                raise self._unfit(
                    f"its tensors do not fit the {self.name} that {CONFIG_FILE} describes: "
                    f"{difference}"
                )
            self.fingerprint = fingerprint(file)
        except (SafetensorError, OSError):
            raise self._unfit("it is not a safetensors file, or it is damaged") from None
        self.input = _input(label_set, config, network.config)
        self.network = TorchNetwork(network, device, partial(_logits, network))
        self.width = self._try(label_set)

    def _unfit(self, problem: str) -> LabelSetError:
        remedy = f"Copy both {TENSORS_FILE} and {CONFIG_FILE} from the folder of one model."
        return LabelSetError(Mistake(self._file, problem, remedy))

    def _try(self, label_set: LabelSet) -> int:
        """Return the number of outputs, from one run on a grey picture."""
        if label_set.settings.output == "scores":
            where = display_path(label_set.folder / SETTINGS_FILE)
            problem = "it has `output: scores`, but classifiers from Hugging Face return logits"
            raise LabelSetError(Mistake(where, problem, "Delete the line."))
        side = self.input.size
        try:
            logits = self.network.run(np.zeros((1, 3, side, side), np.float32), 0)
        except Exception as failure:  # each kind of network raises its own type
            reason = ellipsize(str(failure))
            raise self._unfit(
                f"the network cannot process pictures of {side} px ({reason})"
            ) from None
        if logits.ndim != 2 or not logits.shape[1] or not np.isfinite(logits).all():
            raise self._unfit(
                "the network's output is not a row of finite numbers for each picture"
            )
        return int(logits.shape[1])


def _logits(network: Any, batch: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = network(**{network.main_input_name: batch}).logits
    return logits


class ConfigFile:
    """A JSON file from Hugging Face, whose values are checked as they are read."""

    def __init__(self, values: Mapping[str, object], file: str) -> None:
        self.values = values
        self.file = file

    @classmethod
    def read(cls, path: Path) -> ConfigFile:
        """Return the contents of the file; raises LabelSetError if it is not a JSON mapping."""
        file = display_path(path)
        text = read_text(path, file, LabelSetError, MAX_BYTES[path.name])
        return cls(parse_config(text, file), file)

    def part(self, key: str) -> ConfigFile:
        """Return the mapping under `key`; an empty one if there is none."""
        part = self.values.get(key)
        return ConfigFile(part if isinstance(part, dict) else {}, self.file)

    def count(self, key: str, default: int | None, most: int) -> int:
        """Return the whole number from 1 to `most` under `key`, or `default` if the key is missing.

        Raises LabelSetError for any other value, and if the key is missing and `default` is None.
        """
        value = self.values.get(key, default)
        if type(value) is not int or not 1 <= value <= most:
            seen = "missing" if value is None else ellipsize(repr(value))
            raise self.wrong(f"{key} is {seen} (expected a number from 1 to {most:,})")
        return value

    def side(self, key: str, default: object) -> int:
        """Return the side of a square, px.

        The file may state it as one number, or as a list whose last two numbers are equal, such as
        `[3, 224, 224]`. Raises LabelSetError for any other value.
        """
        value = self.values.get(key, default)
        sides = value[-2:] if isinstance(value, list | tuple) else [value, value]
        side = sides[-1] if len(sides) == 2 and sides[0] == sides[1] else None
        if type(side) is not int or not 16 <= side <= 1024:
            raise self.wrong(
                f"{key} is {ellipsize(repr(value))} (expected a square of 16 to 1,024 px)"
            )
        return side

    def channels(self, key: str, least: float, default: float) -> Channels:
        """Return the three numbers under `key`; if the key is missing, each number is `default`.

        Raises LabelSetError if the value is not a list of three numbers from `least` to 10.
        """
        value = self.values.get(key, [default] * 3)
        if (
            not isinstance(value, list)
            or len(value) != 3
            or not all(type(item) in (int, float) and least <= item <= 10 for item in value)
        ):
            raise self.wrong(f"{key} is {ellipsize(repr(value))} (expected three numbers up to 10)")
        red, green, blue = (float(item) for item in value)
        return red, green, blue

    def wrong(self, problem: str) -> LabelSetError:
        """Return the error for `problem`, something in the file that is not supported.

        The remedy names the supported kinds.
        """
        remedy = f"Use {UNDERSTOOD}, or an ONNX file."
        return LabelSetError(Mistake(self.file, problem, remedy))


def check_config(path: Path) -> None:
    """Raise LabelSetError if config.json describes a network that is not supported."""
    _network_settings(ConfigFile.read(path))


def _network_settings(config: ConfigFile) -> tuple[str, str, dict[str, Any]]:
    """Return the network's name, its model type in transformers, and its settings.

    Raises LabelSetError if the network is not supported.
    """
    if "architecture" in config.values:
        name, settings = _timm_settings(config)
        return name, TIMM, settings
    kinds = config.values.get("architectures")
    kind = kinds[0] if isinstance(kinds, list) and len(kinds) == 1 else None
    if not isinstance(kind, str) or kind not in MODEL_TYPES:
        raise config.wrong(f"architectures is {ellipsize(repr(kinds))} (expected {UNDERSTOOD})")
    if config.values.get("num_channels", 3) != 3:
        raise config.wrong("num_channels is not 3 (expected pictures of red, green and blue)")
    if "image_size" in config.values:
        config.side("image_size", None)
    try:
        settings = _passed_on(config.values, config)
    except RecursionError:
        raise config.wrong("it is nested too deeply") from None
    names = config.values.get("id2label")
    count = {"num_labels": len(names)} if isinstance(names, dict) else config.values
    settings["num_labels"] = ConfigFile(count, config.file).count("num_labels", 2, MOST_OUTPUTS)
    return kind, MODEL_TYPES[kind], {**settings, "architectures": [kind]}


def _timm_settings(config: ConfigFile) -> tuple[str, dict[str, Any]]:
    """Return the name of the network that timm saved, and its settings.

    Raises LabelSetError if the network is not supported.
    """
    name = config.values["architecture"]
    if not isinstance(name, str) or not is_model(name):
        seen = ellipsize(repr(name))
        raise config.wrong(f"architecture is {seen}, which timm {timm.__version__} does not know")
    arguments = config.part("model_args")
    if unknown := sorted(arguments.values.keys() - TIMM_ARGUMENTS):
        raise config.wrong(
            f"model_args has {ellipsize(', '.join(unknown))}, which is not supported"
        )
    if arguments.values.get("in_chans", 3) != 3:
        raise config.wrong("in_chans is not 3 (expected pictures of red, green and blue)")
    # As in timm, model_args has precedence.
    both = ConfigFile({**config.values, **arguments.values}, config.file)
    passed: dict[str, object] = {}
    if "img_size" in arguments.values:
        passed["img_size"] = arguments.side("img_size", None)
    pool = both.values.get("global_pool")
    if pool is not None:
        if pool not in POOLS:
            raise config.wrong(f"global_pool is {ellipsize(repr(pool))}, which is not supported")
        passed["global_pool"] = pool
    classes = both.count("num_classes", None, MOST_OUTPUTS)
    return name, {"architecture": name, "num_labels": classes, "model_args": passed}


def _passed_on(values: Mapping[str, object], config: ConfigFile) -> dict[str, Any]:
    """Return the settings that are passed to transformers.

    Raises LabelSetError if a number, the sum of a list or its length is above the limit for it.
    """

    def checked(key: str, value: object) -> object:
        if isinstance(value, dict):
            return _passed_on(value, config)
        items = value if isinstance(value, list) else [value]
        if len(items) > MOST_ITEMS:
            problem = f"{ellipsize(key)} has {len(items):,} items (expected at most {MOST_ITEMS:,})"
            raise config.wrong(problem)
        if sum(abs(item) for item in items if isinstance(item, int | float)) > LARGEST_NUMBER:
            seen = ellipsize(repr(value))
            raise config.wrong(f"{ellipsize(key)} is {seen} (expected at most {LARGEST_NUMBER:,})")
        return [checked(key, item) for item in value] if isinstance(value, list) else value

    return {
        key: checked(key, value)
        for key, value in values.items()
        if key not in IGNORED and not key.startswith("_")
    }


class _TooLargeError(Exception):
    """The network that config.json describes has too many values for the tensors in its file."""


@contextmanager
def _no_larger_than(tensors: Mapping[str, Sequence[int]]) -> Iterator[None]:
    """In a `with` block, raise _TooLargeError as soon as a network larger than `tensors` is built.

    It may have twice the values of `tensors`, because it may register a tensor under two names.
    """
    most_numbers = 2 * sum(map(prod, tensors.values())) + COMPUTED_NUMBERS
    most_tensors = 3 * len(tensors) + 1000
    numbers = 0
    seen: set[tuple[int, str]] = set()

    def count(module: torch.nn.Module, name: str, tensor: torch.Tensor | None) -> None:
        nonlocal numbers
        if tensor is not None and (id(module), name) not in seen:
            seen.add((id(module), name))
            numbers += tensor.numel()
            if numbers > most_numbers or len(seen) > most_tensors:
                raise _TooLargeError

    hooks = [
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _load(
    config: ConfigFile, model_type: str, settings: Mapping[str, Any], tensors: Any
) -> tuple[Any, str]:
    """Return the network with the file's tensors, and a text that says which tensors do not fit it.

    The text is empty if all tensors fit. If the network is larger than all tensors in the file
    together, it is not built: None is returned in its place, and the text says so.

    `tensors` is the file from `safetensors.safe_open`. Tensors that the network lacks are not read.
    Raises LabelSetError if building the network fails, SafetensorError or OSError if reading fails.
    """
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    header = shapes(tensors)
    try:
        with _no_larger_than(header):
            full = AutoConfig.for_model(model_type, **settings)
            kind = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING[type(full)]
            if isinstance(kind, tuple):
                (kind,) = (one for one in kind if one.__name__ in settings["architectures"])
            network, report = kind.from_pretrained(
                None,
                config=full,
                state_dict={name: tensors.get_slice(name) for name in header},
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # they are reported, not raised
                output_loading_info=True,
                local_files_only=True,
            )
    except _TooLargeError:
        return None, "the network is larger than all tensors in the file together"
    except (SafetensorError, OSError):
        raise
    except Exception as failure:  # each kind of network raises its own type
        reason = failure.__cause__ or failure
        raise config.wrong(
            f"transformers cannot build the network ({ellipsize(str(reason))})"
        ) from None
    prefix = f"{kind.base_model_prefix}." if model_type == TIMM else ""  # the file's names lack it

    def named(name: str) -> str:
        return ellipsize(name.removeprefix(prefix))

    return network, listed(
        {
            "missing": sorted(map(named, report["missing_keys"])),
            "unknown": sorted(map(named, report["unexpected_keys"])),
            "with another shape": [
                f"{named(name)} {list(seen)}, expected {list(expected)}"
                for name, seen, expected in sorted(report["mismatched_keys"])
            ],
            "unreadable": [ellipsize(message) for message in report["error_msgs"]],
        }
    )


def _input(label_set: LabelSet, config: ConfigFile, full: Any) -> Input:
    """Return the format of the network's pictures, from labelset.yaml or the network's files.

    `full` is transformers' configuration. It has a default for all that config.json leaves out.
    """
    own = config.part("pretrained_cfg")
    resized: object = own.values.get("interpolation")
    if "architecture" in config.values:
        size = own.side("input_size", 224)
        levels = {"mean": "mean", "std": "std"}
    else:
        tower = getattr(full, "vision_config", full)
        size = config.side("image_size", getattr(tower, "image_size", None) or 224)
        path = label_set.folder / PREPROCESSOR_FILE
        own = ConfigFile.read(path) if path.exists() else ConfigFile({}, display_path(path))
        if not (own.values.get("do_rescale", True) and own.values.get("do_normalize", True)):
            raise own.wrong("do_rescale or do_normalize is off, which is not supported")
        scale = own.values.get("rescale_factor", 1 / 255)
        if not isinstance(scale, float) or not abs(scale - 1 / 255) <= RESCALE_TOLERANCE:
            raise own.wrong(f"rescale_factor is {ellipsize(repr(scale))} (expected 1/255)")
        levels = {"mean": "image_mean", "std": "image_std"}
        resized = "bicubic" if own.values.get("resample") == BICUBIC else "bilinear"
    way: Literal["bilinear", "bicubic"] = "bicubic" if resized == "bicubic" else "bilinear"
    mean, std = own.channels(levels["mean"], -10, 0.5), own.channels(levels["std"], 1e-6, 0.5)
    chosen = label_set.settings.input or InputSettings()
    given = chosen.model_dump(include={"size", "mean", "std"}, exclude_unset=True)
    assumed = tuple(
        name for name, key in levels.items() if name not in given and key not in own.values
    )
    return replace(Input(size, mean, std, way, assumed), **given)
