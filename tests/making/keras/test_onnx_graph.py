"""Tests that each operation of ONNX computes what the layer of Keras does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from installation.making.keras import layers
from installation.making.keras.layers import RefusedError
from installation.making.keras.onnx_graph import GraphBuilder, Signal

NUMBERS = np.random.default_rng(0)
WINDOW: dict[str, Any] = {
    "name": "made",
    "data_format": "channels_last",
    "dilation_rate": (1, 1),
    "activation": "linear",
    "use_bias": True,
}


class Weights:
    """Stands in for the Keras file: random weights of each shape, which are stored."""

    def __init__(self) -> None:
        self.given: dict[str, np.ndarray[Any, Any]] = {}

    def weights(
        self, _group: str, _layer: str, variable: str, shape: tuple[int, ...]
    ) -> np.ndarray[Any, Any]:
        """Return weights of `shape`."""
        self.given[variable] = NUMBERS.normal(size=shape).astype(np.float32)
        return self.given[variable]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("side", [7, 8, 9])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 3)])
def test_a_convolution_pads_as_keras_does(
    padding: Any, side: int, strides: tuple[int, int], kernel: tuple[int, int]
) -> None:
    """With padding "same", an odd row or column of zeros is added below or on the right."""
    layer = layers.Convolution(
        **WINDOW, kernel_size=kernel, strides=strides, padding=padding, filters=4
    )
    picture = NUMBERS.normal(size=(side, side, 3)).astype(np.float32)
    made, weights = _run(layer, picture)
    expected = _by_hand(picture, weights["kernel"], strides, padding) + weights["bias"]
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-4


def _by_hand(
    picture: np.ndarray[Any, Any],
    kernel: np.ndarray[Any, Any],
    strides: tuple[int, int],
    padding: str,
) -> np.ndarray[Any, Any]:
    """Return the convolution that TensorFlow's documentation of tf.nn.conv2d defines."""
    margins = []
    for side, window, step in zip(picture.shape[:2], kernel.shape[:2], strides, strict=True):
        zeros = max((-(-side // step) - 1) * step + window - side, 0) if padding == "same" else 0
        margins.append((zeros // 2, zeros - zeros // 2))
    padded = np.pad(picture, (*margins, (0, 0)))
    rows = range(0, padded.shape[0] - kernel.shape[0] + 1, strides[0])
    columns = range(0, padded.shape[1] - kernel.shape[1] + 1, strides[1])
    return np.array(
        [
            [
                np.tensordot(
                    padded[y : y + kernel.shape[0], x : x + kernel.shape[1]], kernel, axes=3
                )
                for x in columns
            ]
            for y in rows
        ]
    )


def _run(
    layer: Any, picture: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return what the layer makes of a picture `(H, W, C)`, as `(H, W, C)`, and its weights."""
    weights = Weights()
    builder = GraphBuilder(weights)  # type: ignore[arg-type]
    height, width, channels = picture.shape
    pictures = Signal("pictures", (channels, height, width))
    outputs = builder.add("group", layer, [pictures])
    network = builder.network(pictures, outputs).SerializeToString()
    session = onnxruntime.InferenceSession(network)
    (made,) = session.run(None, {"pictures": picture.transpose(2, 0, 1)[None]})
    assert made.shape[1:] == outputs.shape
    return made[0].transpose(1, 2, 0), weights.given


def test_filters_of_each_channel_come_in_keras_order() -> None:
    """With two filters for each channel, the first channel's filters come first."""
    layer = layers.DepthwiseConvolution(
        **WINDOW, kernel_size=(1, 1), strides=(1, 1), padding="valid", depth_multiplier=2
    )
    picture = NUMBERS.normal(size=(3, 3, 2)).astype(np.float32)
    made, weights = _run(layer, picture)
    first, second = weights["depthwise_kernel"][0, 0]
    expected = np.concatenate([picture[..., :1] * first, picture[..., 1:] * second], axis=2)
    assert np.abs(made - (expected + weights["bias"])).max() < 1e-5


def test_a_normalization_without_its_scale_is_read_too() -> None:
    """Keras stores no gamma and beta if a network was trained without them."""
    layer = layers.BatchNormalization(name="made", axis=3, epsilon=0.5, center=False, scale=False)
    picture = NUMBERS.normal(size=(2, 2, 3)).astype(np.float32)
    weights = Weights()
    weights.weights = lambda *args: np.full(args[3], 1.5, np.float32)  # type: ignore[method-assign]
    builder = GraphBuilder(weights)  # type: ignore[arg-type]
    pictures = Signal("pictures", (3, 2, 2))
    outputs = builder.add("group", layer, [pictures])
    session = onnxruntime.InferenceSession(builder.network(pictures, outputs).SerializeToString())
    (made,) = session.run(None, {"pictures": picture.transpose(2, 0, 1)[None]})
    expected = (picture - 1.5) / np.sqrt(1.5 + 0.5)
    assert np.abs(made[0].transpose(1, 2, 0) - expected).max() < 1e-5


def test_a_layer_that_does_not_fit_what_it_is_given_is_refused() -> None:
    """A layer that does not fit the size of its inputs is refused.

    The layers are a sum of two sizes, a dense layer on a picture, and a window larger than its
    input.
    """
    builder = GraphBuilder(Weights())  # type: ignore[arg-type]
    small, large = Signal("a", (3, 2, 2)), Signal("b", (3, 4, 4))
    with pytest.raises(RefusedError, match=r"'sum' does not fit its inputs \(3×2×2, 3×4×4\)"):
        builder.add("group", layers.Add(name="sum"), [small, large])
    dense = layers.Dense(name="row", units=2, activation="linear", use_bias=False)
    with pytest.raises(RefusedError, match="'row' does not fit"):
        builder.add("group", dense, [small])
    window = layers.Convolution(
        **WINDOW, kernel_size=(3, 3), strides=(1, 1), padding="valid", filters=2
    )
    with pytest.raises(RefusedError, match="'made' would be 2×0×0, channels"):
        builder.add("group", window, [small])
