"""Keras files as Teachable Machine exports them, with weights from a seed.

The description is exactly what its exporter writes: all keys and values, and the names of the
weights in their order, are taken from three files that people exported with it (Keras 2.4.0).
MobileNetV2 is Keras' own: width 0.35, without its top.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

ALPHA = 0.35
BLOCKS = (
    # expansion, channels before the width is applied, stride
    *((1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1)),
    *((6, 64, 2), (6, 64, 1), (6, 64, 1), (6, 64, 1), (6, 96, 1), (6, 96, 1), (6, 96, 1)),
    *((6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1)),
)
"""MobileNetV2's blocks (Sandler et al., arXiv 1801.04381, table 2)."""

Description = dict[str, Any]

SEED = 5
ANSWERS = [
    [2.5526367e-03, 9.9628109e-01, 1.1663161e-03],
    [9.9001103e-04, 9.9799430e-01, 1.0156990e-03],
]
"""The answers of tf_keras 2.21 to `pictures_of_answers`; weights of the seed SEED, 3 outputs."""


def pictures_of_answers() -> np.ndarray[Any, Any]:
    """Return the pictures of `ANSWERS`, (2, 224, 224, 3)."""
    return np.random.default_rng(0).uniform(-1, 1, (2, 224, 224, 3)).astype(np.float32)


def teachable_machine(outputs: int = 3, size: int = 224) -> Description:
    """Return the description of a network as Teachable Machine writes it."""
    features = {
        "class_name": "Sequential",
        "config": {
            "name": "sequential_1",
            "layers": [
                _input([size, size, 3], "model1_input"),
                _mobile_net(size),
                _layer(
                    "GlobalAveragePooling2D",
                    "global_average_pooling2d_GlobalAveragePooling2D1",
                    data_format="channels_last",
                ),
            ],
        },
    }
    head = {
        "class_name": "Sequential",
        "config": {
            "name": "sequential_3",
            "layers": [
                _input([1280], "dense_Dense1_input"),
                _dense("dense_Dense1", 100, "relu", batch_input_shape=[None, 1280]),
                _dense("dense_Dense2", outputs, "softmax"),
            ],
        },
    }
    input_ = _input([size, size, 3], "sequential_1_input")
    return {
        "class_name": "Sequential",
        "config": {"name": "sequential_4", "layers": [input_, features, head]},
    }


def pad_as_new_keras_does(description: Description) -> Description:
    """Return the description with the padding of newer networks: no padding layers, but "same"."""
    parts = description["config"]["layers"]
    for layer in parts[1]["config"]["layers"][1]["config"]["layers"]:
        if layer["name"] == "Conv1_pad":
            layer["config"]["padding"] = [[0, 0], [0, 0]]
        if layer["name"] == "Conv1":
            layer["config"]["padding"] = "same"
    return description


def keras_file(
    description: Description,
    seed: int = 0,
    write: Callable[[h5py.Group, str, np.ndarray[Any, Any]], None] | None = None,
) -> bytes:
    """Return the bytes of an HDF5 file with `description`, and with random weights for it.

    `write` stores an array in a group under a name; the default stores it as Keras does.
    """
    store = write or (lambda group, name, array: group.create_dataset(name, data=array))
    numbers = np.random.default_rng(seed)
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        file.attrs["keras_version"] = b"2.4.0"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(description).encode()
        groups = file.create_group("model_weights")
        parts = description["config"]["layers"]
        parts = [part for part in parts if part["class_name"] == "Sequential"]
        groups.attrs["layer_names"] = np.array([part["config"]["name"] for part in parts], "S")
        groups.attrs["backend"] = b"tensorflow"
        groups.attrs["keras_version"] = b"2.4.0"
        for part in parts:
            group = groups.create_group(part["config"]["name"])
            shapes = dict(_shapes(part))
            group.attrs["weight_names"] = np.array(list(shapes), "S")
            for name, shape in shapes.items():
                store(group, name, _weights(numbers, name, shape))
    return target.getvalue()


def _weights(
    numbers: np.random.Generator, name: str, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Return weights with which signals neither vanish nor overflow."""
    if "kernel" in name:
        depthwise = "depthwise" in name
        taken = math.prod(shape[:2]) if depthwise else math.prod(shape[:-1])
        return numbers.normal(0, math.sqrt(2 / taken), shape).astype(np.float32)
    if "gamma" in name or "variance" in name:
        return numbers.uniform(0.8, 1.2, shape).astype(np.float32)
    return numbers.normal(0, 0.1, shape).astype(np.float32)


def _shapes(part: Description) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and shape of each variable, those that are trained first, as Keras does."""
    found = [*_variables(part, [3])]
    yield from ((name, shape) for name, shape in found if "/moving_" not in name)
    yield from ((name, shape) for name, shape in found if "/moving_" in name)


def _variables(part: Description, channels: list[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the variables of a layer; `channels` has the layer's input channels, and is changed."""
    config = part["config"]
    name = config["name"]
    if part["class_name"] in ("Sequential", "Functional"):
        for layer in config["layers"]:
            yield from _variables(layer, channels)
    elif part["class_name"] == "Conv2D":
        yield f"{name}/kernel:0", (*config["kernel_size"], channels[0], config["filters"])
        channels[0] = config["filters"]
    elif part["class_name"] == "DepthwiseConv2D":
        yield f"{name}/depthwise_kernel:0", (*config["kernel_size"], channels[0], 1)
    elif part["class_name"] == "BatchNormalization":
        for variable in ("gamma", "beta", "moving_mean", "moving_variance"):
            yield f"{name}/{variable}:0", (channels[0],)
    elif part["class_name"] == "Dense":
        if "batch_input_shape" in config:
            channels[0] = config["batch_input_shape"][1]
        yield f"{name}/kernel:0", (channels[0], config["units"])
        if config["use_bias"]:
            yield f"{name}/bias:0", (config["units"],)
        channels[0] = config["units"]


def _mobile_net(size: int) -> Description:
    layers: list[Description] = [
        _input([size, size, 3], "input_1") | {"name": "input_1", "inbound_nodes": []}
    ]
    last = "input_1"

    def add(class_name: str, name: str, *inputs: str, **settings: object) -> None:
        nonlocal last
        layer = _layer(class_name, name, **settings)
        inbound = [[each, 0, 0, {}] for each in inputs or (last,)]
        layers.append(layer | {"name": name, "inbound_nodes": [inbound]})
        last = name

    def normalized(name: str, *, relu: str | None) -> None:
        add("BatchNormalization", name, **_normalization())
        if relu:
            add("ReLU", relu, max_value=6.0, negative_slope=0.0, threshold=0.0)

    first = _channels(32)
    add("ZeroPadding2D", "Conv1_pad", padding=[[0, 1], [0, 1]], data_format="channels_last")
    add("Conv2D", "Conv1", **_convolution(first, 3, 2))
    normalized("bn_Conv1", relu="Conv1_relu")
    channels = first
    for i, (expansion, wanted, stride) in enumerate(BLOCKS):
        prefix, block_input = f"block_{i}_" if i else "expanded_conv_", last
        if i:
            add("Conv2D", f"{prefix}expand", **_convolution(expansion * channels, 1, 1))
            normalized(f"{prefix}expand_BN", relu=f"{prefix}expand_relu")
        if stride == 2:
            padding = [[0, 1], [0, 1]]
            add("ZeroPadding2D", f"{prefix}pad", padding=padding, data_format="channels_last")
        add("DepthwiseConv2D", f"{prefix}depthwise", **_depthwise(stride))
        normalized(f"{prefix}depthwise_BN", relu=f"{prefix}depthwise_relu")
        made = _channels(wanted)
        add("Conv2D", f"{prefix}project", **_convolution(made, 1, 1))
        normalized(f"{prefix}project_BN", relu=None)
        if channels == made and stride == 1:
            add("Add", f"{prefix}add", block_input, last)
        channels = made
    add("Conv2D", "Conv_1", **(_convolution(1280, 1, 1) | {"padding": "valid"}))
    normalized("Conv_1_bn", relu="out_relu")
    return {
        "class_name": "Functional",
        "config": {
            "name": "model1",
            "layers": layers,
            "input_layers": [["input_1", 0, 0]],
            "output_layers": [["out_relu", 0, 0]],
        },
    }


def _channels(wanted: int) -> int:
    """Return a number of channels times the width, as a multiple of 8, as Keras rounds it."""
    made = max(8, int(wanted * ALPHA + 4) // 8 * 8)
    return made + 8 if made < 0.9 * wanted * ALPHA else made


def _layer(class_name: str, name: str, **settings: object) -> Description:
    config = {"name": name, "trainable": True, "dtype": "float32", **settings}
    return {"class_name": class_name, "config": config}


def _input(shape: list[int], name: str) -> Description:
    config = {
        "batch_input_shape": [None, *shape],
        "dtype": "float32",
        "sparse": False,
        "ragged": False,
        "name": name,
    }
    return {"class_name": "InputLayer", "config": config}


def _scaling(mode: str, distribution: str) -> Description:
    config = {"scale": 1, "mode": mode, "distribution": distribution, "seed": None}
    return {"class_name": "VarianceScaling", "config": config}


def _start(class_name: str) -> Description:
    return {"class_name": class_name, "config": {}}


def _window(side: int, stride: int) -> Description:
    return {
        "kernel_size": [side, side],
        "strides": [stride, stride],
        "padding": "valid" if stride == 2 else "same",
        "data_format": "channels_last",
        "dilation_rate": [1, 1],
        "groups": 1,
        "activation": "linear",
        "use_bias": False,
        "bias_initializer": _start("Zeros"),
        "bias_regularizer": None,
        "activity_regularizer": None,
        "bias_constraint": None,
    }


def _convolution(filters: int, side: int, stride: int) -> Description:
    return {
        **_window(side, stride),
        "filters": filters,
        "kernel_initializer": _scaling("fan_avg", "uniform"),
        "kernel_regularizer": None,
        "kernel_constraint": None,
    }


def _depthwise(stride: int) -> Description:
    return {
        **_window(3, stride),
        "depth_multiplier": 1,
        "depthwise_initializer": _scaling("fan_avg", "uniform"),
        "depthwise_regularizer": None,
        "depthwise_constraint": None,
    }


def _normalization() -> Description:
    return {
        "axis": [3],
        "momentum": 0.999,
        "epsilon": 0.001,
        "center": True,
        "scale": True,
        "beta_initializer": _start("Zeros"),
        "gamma_initializer": _start("Ones"),
        "moving_mean_initializer": _start("Zeros"),
        "moving_variance_initializer": _start("Ones"),
        "beta_regularizer": None,
        "gamma_regularizer": None,
        "beta_constraint": None,
        "gamma_constraint": None,
    }


def _dense(name: str, units: int, activation: str, **settings: object) -> Description:
    return _layer(
        "Dense",
        name,
        **settings,
        units=units,
        activation=activation,
        use_bias=activation != "softmax",
        kernel_initializer=_scaling("fan_in", "truncated_normal"),
        bias_initializer=_start("Zeros"),
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
    )
