"""The layers of a Keras network, as its file describes them in JSON.

Only the kinds of layers in Teachable Machine's image projects are supported (the layers of
MobileNetV2, and dense layers), with settings for which ONNX computes what Keras computes. All other
kinds of layers are rejected. Among them is Keras' Lambda layer, which contains code; Keras itself
would run this code.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from installation.errors import ellipsize

MOST_LAYERS = 2_000
"""The largest number of layers of a network; Teachable Machine's networks have 158."""

Side = Annotated[int, Field(ge=1, le=64)]
Margin = Annotated[int, Field(ge=0, le=64)]
Units = Annotated[int, Field(ge=1, le=100_000)]
Activation = Literal["linear", "relu", "softmax"]


class RefusedError(Exception):
    """The file contains something that is not supported; the error's text says what."""


class _Layer(BaseModel):
    """The settings of a layer. Settings that matter only to training are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: str


class _OnPictures(_Layer):
    data_format: Literal["channels_last"]


class _Window(_OnPictures):
    """A layer that moves a window over the picture."""

    kernel_size: tuple[Side, Side]
    strides: tuple[Side, Side]
    padding: Literal["same", "valid"]
    dilation_rate: tuple[Literal[1], Literal[1]]
    groups: Literal[1] = 1
    activation: Activation
    use_bias: bool


class Convolution(_Window):
    """Keras' Conv2D."""

    filters: Units


class DepthwiseConvolution(_Window):
    """Keras' DepthwiseConv2D: a filter for each channel."""

    depth_multiplier: Side


class ZeroPadding(_OnPictures):
    """Keras' ZeroPadding2D: rows above and below, columns on the left and on the right."""

    padding: tuple[tuple[Margin, Margin], tuple[Margin, Margin]]


class BatchNormalization(_Layer):
    """Keras' BatchNormalization over the channels."""

    axis: tuple[Literal[3]] | Literal[3]
    epsilon: Annotated[float, Field(gt=0, le=1)]
    center: bool
    scale: bool


class Relu(_Layer):
    """Keras' ReLU, limited to `max_value` if that is a number."""

    max_value: Annotated[float, Field(gt=0, le=1_000)] | None
    negative_slope: Annotated[float, Field(ge=0, le=0)] = 0.0
    threshold: Annotated[float, Field(ge=0, le=0)] = 0.0


class Add(_Layer):
    """The sum of its inputs."""


class AveragePooling(_OnPictures):
    """Keras' GlobalAveragePooling2D."""

    keepdims: Literal[False] = False


class Dense(_Layer):
    """Keras' Dense: each output is a weighted sum of all inputs."""

    units: Units
    activation: Activation
    use_bias: bool


KINDS: dict[str, type[_Layer]] = {
    "Conv2D": Convolution,
    "DepthwiseConv2D": DepthwiseConvolution,
    "ZeroPadding2D": ZeroPadding,
    "BatchNormalization": BatchNormalization,
    "ReLU": Relu,
    "Add": Add,
    "GlobalAveragePooling2D": AveragePooling,
    "Dense": Dense,
}
"""The supported layers, keyed by the names of Keras' classes."""

INPUT = "InputLayer"
CHAIN = "Sequential"
GRAPHS = ("Functional", "Model")
"""Keras' class names of networks: `CHAIN` is a plain sequence of layers, and `GRAPHS` are graphs in
which each layer names its inputs.
"""


def parse_layer(class_name: str, config: Any) -> _Layer:
    """Return a layer with its settings; raises RefusedError unless it is one of `KINDS`."""
    kind = KINDS.get(class_name)
    if kind is None:
        problem = f"it has a layer of the kind '{ellipsize(str(class_name))}'"
        raise RefusedError(f"{problem}, which Teachable Machine's image networks do not have")
    try:
        return kind.model_validate(_as_tuples(config))
    except ValidationError as failure:
        error = failure.errors()[0]
        where = ".".join(str(part) for part in error["loc"]) or "config"
        name = ellipsize(str(config.get("name")) if isinstance(config, dict) else "?")
        seen = "missing" if error["type"] == "missing" else ellipsize(repr(error["input"]))
        problem = f"the setting {where} of its layer '{name}' ({class_name}) is {seen}"
        raise RefusedError(
            f"{problem}, which Teachable Machine's image networks do not have"
        ) from None


def _as_tuples(value: Any) -> Any:
    """Return a JSON value in which each list is replaced by a tuple.

    In its strict mode, pydantic rejects a list if a field must be a tuple.
    """
    if isinstance(value, dict):
        return {key: _as_tuples(each) for key, each in value.items()}
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
