"""Builds an ONNX network from the layers and weights of a Keras network.

Keras puts the channels last, ONNX first. The weights are transposed once, here, so that the network
transposes nothing when it runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from installation.making.keras import layers
from installation.making.keras.h5_file import KerasFile
from installation.making.keras.layers import RefusedError

OPSET, IR_VERSION = 17, 8
"""The versions of the operations and of the file format; ONNX 1.12 (June 2022) has both."""

LARGEST_SIDE = 2048
"""The largest side of a picture or of a layer's output, px."""


@dataclass(frozen=True)
class Signal:
    """A tensor of the graph: its name, and its shape without the batch, `(C, H, W)` or `(D,)`."""

    name: str
    shape: tuple[int, ...]


class GraphBuilder:
    """Adds the operations of one network, layer by layer."""

    def __init__(self, file: KerasFile) -> None:
        self._file = file
        self._nodes: list[NodeProto] = []
        self._tensors: list[TensorProto] = []

    def network(self, pictures: Signal, outputs: Signal) -> ModelProto:
        """Return the network of all layers so far, from `pictures` to `outputs`."""
        value = helper.make_tensor_value_info
        taken = value(pictures.name, TensorProto.FLOAT, ["N", *pictures.shape])
        given = value(outputs.name, TensorProto.FLOAT, ["N", *outputs.shape])
        graph = helper.make_graph(self._nodes, "classifier", [taken], [given], self._tensors)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

    def add(self, group: str, layer: Any, inputs: Sequence[Signal]) -> Signal:
        """Add `layer`, and return its output for `inputs`.

        Its weights are read from `group`. Raises RefusedError if the inputs or the weights do not
        fit the layer.
        """
        if isinstance(layer, layers.Add):
            if len(inputs) < 2 or len({signal.shape for signal in inputs}) > 1:
                raise _misfit(layer.name, inputs)
            sum_ = inputs[0]
            for signal in inputs[1:]:
                sum_ = self._node("Add", [sum_, signal], sum_.shape)
            return sum_
        dimensions = 1 if isinstance(layer, layers.Dense) else 3
        if len(inputs) != 1 or len(inputs[0].shape) != dimensions:
            raise _misfit(layer.name, inputs)
        (signal,) = inputs
        match layer:
            case layers.Convolution() | layers.DepthwiseConvolution():
                return self._convolution(group, layer, signal)
            case layers.ZeroPadding():
                return self._padding(layer, signal)
            case layers.BatchNormalization():
                return self._normalization(group, layer, signal)
            case layers.Relu():
                return self._relu(layer.max_value, signal)
            case layers.AveragePooling():
                pooled = self._node("GlobalAveragePool", [signal], (signal.shape[0], 1, 1))
                return self._node("Flatten", [pooled], signal.shape[:1])
            case layers.Dense():
                return self._dense(group, layer, signal)
        raise AssertionError(
            f"a bug in kiosk: {type(layer).__name__} is accepted, but has no ONNX operation"
        )

    def _convolution(
        self,
        group: str,
        layer: layers.Convolution | layers.DepthwiseConvolution,
        signal: Signal,
    ) -> Signal:
        channels = signal.shape[0]
        if isinstance(layer, layers.Convolution):
            filters, groups = layer.filters, 1
            shape = (*layer.kernel_size, channels, filters)
            kernel = self._file.weights(group, layer.name, "kernel", shape)
            kernel = kernel.transpose(3, 2, 0, 1)  # (filters, channels, height, width)
        else:
            filters, groups = channels * layer.depth_multiplier, channels
            shape = (*layer.kernel_size, channels, layer.depth_multiplier)
            kernel = self._file.weights(group, layer.name, "depthwise_kernel", shape)
            kernel = kernel.transpose(2, 3, 0, 1).reshape(filters, 1, *layer.kernel_size)
        given = [signal, self._tensor(kernel)]
        if layer.use_bias:
            given.append(self._tensor(self._file.weights(group, layer.name, "bias", (filters,))))
        sides, before, after = [], [], []
        for side, window, step in zip(
            signal.shape[1:], layer.kernel_size, layer.strides, strict=True
        ):
            # Keras' "same": as many zeros as needed, the odd one below and on the right.
            steps = math.ceil(side / step) if layer.padding == "same" else 0
            zeros = max((steps - 1) * step + window - side, 0) if steps else 0
            before.append(zeros // 2)
            after.append(zeros - zeros // 2)
            sides.append((side + zeros - window) // step + 1)
        made = self._node(
            "Conv",
            given,
            _checked(layer.name, (filters, *sides)),
            group=groups,
            strides=layer.strides,
            pads=[*before, *after],
        )
        return self._activation(layer.activation, made, axis=1)

    def _padding(self, layer: layers.ZeroPadding, signal: Signal) -> Signal:
        (top, bottom), (left, right) = layer.padding
        channels, height, width = signal.shape
        pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
        shape = _checked(layer.name, (channels, height + top + bottom, width + left + right))
        return self._node("Pad", [signal, self._tensor(pads)], shape)

    def _normalization(
        self, group: str, layer: layers.BatchNormalization, signal: Signal
    ) -> Signal:
        channels = signal.shape[:1]

        def weights(variable: str, *, is_stored: bool, default: float) -> Signal:
            if not is_stored:
                return self._tensor(np.full(channels, default, np.float32))
            return self._tensor(self._file.weights(group, layer.name, variable, channels))

        given = [
            weights("gamma", is_stored=layer.scale, default=1),
            weights("beta", is_stored=layer.center, default=0),
            weights("moving_mean", is_stored=True, default=0),
            weights("moving_variance", is_stored=True, default=1),
        ]
        return self._node(
            "BatchNormalization", [signal, *given], signal.shape, epsilon=layer.epsilon
        )

    def _relu(self, most: float | None, signal: Signal) -> Signal:
        if most is None:
            return self._node("Relu", [signal], signal.shape)
        limits = [self._tensor(np.array(limit, np.float32)) for limit in (0, most)]
        return self._node("Clip", [signal, *limits], signal.shape)

    def _dense(self, group: str, layer: layers.Dense, signal: Signal) -> Signal:
        shape = (signal.shape[0], layer.units)
        given = [signal, self._tensor(self._file.weights(group, layer.name, "kernel", shape))]
        if layer.use_bias:
            bias = self._file.weights(group, layer.name, "bias", (layer.units,))
            given.append(self._tensor(bias))
        return self._activation(layer.activation, self._node("Gemm", given, (layer.units,)), axis=1)

    def _activation(self, name: layers.Activation, signal: Signal, axis: int) -> Signal:
        if name == "relu":
            return self._relu(None, signal)
        if name == "softmax":
            return self._node("Softmax", [signal], signal.shape, axis=axis)
        return signal

    def _tensor(self, array: npt.NDArray[Any]) -> Signal:
        name = f"weights_{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return Signal(name, array.shape)

    def _node(
        self, kind: str, given: Sequence[Signal], shape: tuple[int, ...], **settings: object
    ) -> Signal:
        name = f"step_{len(self._nodes)}"
        taken = [signal.name for signal in given]
        self._nodes.append(helper.make_node(kind, taken, [name], **settings))
        return Signal(name, shape)


def _checked(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the output `shape` of the layer `name`; raises RefusedError if empty or too large."""
    if not all(1 <= side <= LARGEST_SIDE for side in shape[1:]):
        seen = "×".join(map(str, shape))
        expected = f"expected a height and a width of 1 to {LARGEST_SIDE:,}"
        raise RefusedError(
            f"the output of its layer '{name}' would be {seen}, channels × height × width "
            f"({expected})"
        )
    return shape


def _misfit(name: str, inputs: Sequence[Signal]) -> RefusedError:
    seen = ", ".join("×".join(map(str, signal.shape)) for signal in inputs) or "nothing"
    return RefusedError(f"its layer '{name}' does not fit its inputs ({seen})")
