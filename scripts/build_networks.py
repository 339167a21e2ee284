"""Makes the ONNX files of the default networks from the weights in their packages.

The show runs MTCNN's three networks and EfficientNet-Lite0 by ONNX Runtime, without PyTorch. Their
files are part of the repository. This script makes them again, byte for byte:

    .venv/bin/python scripts/build_networks.py

The graphs are written node by node. An exporter would make other files with each version of
PyTorch, and could not simplify the graphs as this script does. Batch norm becomes part of the
convolution before it. In MTCNN, the normalisation of pixels and the order of channels in a camera's
picture become part of the first convolution (which has no padding). The package flattens features
in another order than ONNX; the first dense layer's weights are reordered for that. The softmax over
two classes becomes a sigmoid of the difference of their logits.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import facenet_pytorch
import numpy as np
import numpy.typing as npt
import torch
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper
from torch import nn

from installation.naming.networks import efficientnet, efficientnet_torch
from installation.pinned_file import read_pinned
from installation.seeing.faces import mtcnn

OPSET, IR_VERSION = 17, 10
"""The versions of ONNX that the files use; ONNX Runtime 1.14 and later read them."""

MTCNN_WEIGHTS = {
    "pnet": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}
"""The SHA-256 of the weights in facenet-pytorch 2.5.3."""

MEAN, STD = 127.5, 128.0
"""MTCNN's normalisation of pixels: `(x − 127.5) / 128`."""

Array = npt.NDArray[Any]


class Graph:
    """An ONNX graph that grows node by node."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node of `kind`, and return the name of its output."""
        output = output or f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, array: Array) -> str:
        """Add an array of weights, and return its name."""
        name = f"w{len(self._weights)}"
        array = np.ascontiguousarray(array, np.float32)
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def model(
        self, given: tuple[str, int, list[Any]], outputs: Mapping[str, list[Any]]
    ) -> ModelProto:
        """Return the model with the input `given` (name, type, shape) and float32 `outputs`."""
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info(*given)],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
            self._weights,
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, producer_name="kiosk", ir_version=IR_VERSION, opset_imports=opset
        )
        checker.check_model(model, full_check=True)
        return model


def build_mtcnn(name: str, weights: Mapping[str, Array]) -> ModelProto:
    """Return one of MTCNN's networks, `pnet`, `rnet` or `onet`, with its package's `weights`.

    The network accepts pixels `(N, h, w, 3)` uint8 BGR, and returns `scores` (the probability of a
    face) and `offsets`; `onet` also returns `points`. P-Net's outputs have the shapes `(N, C, y,
    x)`.
    """
    graph = Graph(name)
    pools = {"pnet": [2], "rnet": [3, 3], "onet": [3, 3, 2]}[name]
    convolutions = [number for number in range(1, 5) if f"conv{number}.weight" in weights]
    x = graph.add("Transpose", "pixels", perm=[0, 3, 1, 2])
    x = graph.add("Cast", x, to=TensorProto.FLOAT)
    for number in convolutions:
        weight, bias = weights[f"conv{number}.weight"], weights[f"conv{number}.bias"]
        if number == 1:
            bias = bias - weight.sum((1, 2, 3)) * (MEAN / STD)
            weight = weight[:, ::-1] / STD  # the weights are for RGB
        x = _convolution(graph, x, weight, bias)
        x = _prelu(graph, x, weights[f"prelu{number}.weight"])
        if number <= len(pools):
            size = [pools[number - 1]] * 2
            x = graph.add("MaxPool", x, kernel_shape=size, strides=[2, 2], ceil_mode=1)
    stage = len(convolutions) + 1
    if name == "pnet":
        score, offset = weights["conv4_1.weight"], weights["conv4_2.weight"]
        differing = weights["conv4_1.bias"][1:] - weights["conv4_1.bias"][:1]
        x_score = _convolution(graph, x, score[1:] - score[:1], differing)
        graph.add("Sigmoid", x_score, output="scores")
        _convolution(graph, x, offset, weights["conv4_2.bias"], output="offsets")
        area: list[Any] = ["n", "y", "x"]
        shapes = {"scores": [area[0], 1, *area[1:]], "offsets": [area[0], 4, *area[1:]]}
        return graph.model(("pixels", TensorProto.UINT8, ["n", "h", "w", 3]), shapes)
    side = {"rnet": 3, "onet": 3}[name]
    channels = weights[f"conv{stage - 1}.weight"].shape[0]
    # The package's networks flatten width first, then height, then channels.
    dense: Array = weights[f"dense{stage}.weight"].reshape(-1, side, side, channels)
    dense = dense.transpose(0, 3, 2, 1).reshape(len(dense), -1)
    x = graph.add("Flatten", x)
    x = _dense(graph, x, dense, weights[f"dense{stage}.bias"])
    x = graph.add("PRelu", x, graph.weight(weights[f"prelu{stage}.weight"]))
    head = f"dense{stage + 1}"
    score, bias = weights[f"{head}_1.weight"], weights[f"{head}_1.bias"]
    x_score = _dense(graph, x, score[1:] - score[:1], bias[1:] - bias[:1])
    graph.add("Sigmoid", x_score, output="scores")
    outputs = {"scores": ["n", 1], "offsets": ["n", 4]}
    _dense(graph, x, weights[f"{head}_2.weight"], weights[f"{head}_2.bias"], output="offsets")
    if name == "onet":
        _dense(graph, x, weights[f"{head}_3.weight"], weights[f"{head}_3.bias"], output="points")
        outputs["points"] = ["n", 10]
    px = {"rnet": mtcnn.RNET_PX, "onet": mtcnn.ONET_PX}[name]
    return graph.model(("pixels", TensorProto.UINT8, ["n", px, px, 3]), outputs)


def build_efficientnet(network: nn.Module) -> ModelProto:
    """Return EfficientNet-Lite0 from timm's `network`, whose batch norms are folded.

    The network accepts a batch `(N, 3, 224, 224)` float32 from `crops.cut`, and returns `logits`
    `(N, 1000)` and `features` `(N, 1280)`.
    """
    graph, side = Graph("efficientnet_lite0"), efficientnet.EfficientNetLite0.input.size
    x, side = _same_convolution(graph, "batch", network.conv_stem, side, clipped=True)
    for block in network.blocks.modules():  # type: ignore[union-attr]
        layers = [child for child in block.children() if isinstance(child, nn.Conv2d)]
        if not layers:
            continue
        before, size_before = x, side
        for layer in layers:
            # Only the last convolution of a block is not followed by an activation.
            x, side = _same_convolution(graph, x, layer, side, clipped=layer is not layers[-1])
        if side == size_before and layers[0].in_channels == layers[-1].out_channels:
            x = graph.add("Add", x, before)
    x, _ = _same_convolution(graph, x, network.conv_head, side, clipped=True)
    x = graph.add("GlobalAveragePool", x)
    graph.add("Flatten", x, output="features")
    head = network.classifier
    assert isinstance(head, nn.Linear)
    _dense(graph, "features", head.weight.numpy(), head.bias.numpy(), output="logits")
    shape = ["n", 3, *[efficientnet.EfficientNetLite0.input.size] * 2]
    outputs = {
        "logits": ["n", efficientnet.CLASSES],
        "features": ["n", efficientnet.FEATURES],
    }
    return graph.model(("batch", TensorProto.FLOAT, shape), outputs)


def _convolution(
    graph: Graph, x: str, weight: Array, bias: Array, output: str | None = None, **attributes: Any
) -> str:
    weights = graph.weight(weight), graph.weight(bias)
    return graph.add("Conv", x, *weights, output=output, **attributes)


def _prelu(graph: Graph, x: str, slope: Array) -> str:
    """Add a PReLU with a `slope` for each channel, and return the name of its output.

    It is computed as `slope · x + (1 − slope) · relu(x)`, because ONNX Runtime's own PRelu took two
    thirds of MTCNN's time. For 32 crops on an Intel Xeon, R-Net took 2.5 ms, of which PRelu took
    1.8 ms; the sum takes 0.2 ms instead.
    """
    slope = slope.reshape(-1, 1, 1)
    line = graph.add("Mul", x, graph.weight(slope))
    bend = graph.add("Mul", graph.add("Relu", x), graph.weight(1 - slope))
    return graph.add("Add", line, bend)


def _dense(graph: Graph, x: str, weight: Array, bias: Array, output: str | None = None) -> str:
    return graph.add("Gemm", x, graph.weight(weight), graph.weight(bias), output=output, transB=1)


def _same_convolution(
    graph: Graph, x: str, layer: Any, side: int, *, clipped: bool
) -> tuple[str, int]:
    """Add a convolution with TensorFlow's padding `same`; return its output and its side, px.

    `layer` is PyTorch's layer, and `x` the name of its input in `graph`, whose side is `side` px.
    With `clipped` the output is limited to 0–6.
    """
    (kernel, _), (stride, _) = layer.kernel_size, layer.stride
    result = -(-side // stride)
    padding = max(0, (result - 1) * stride + kernel - side)
    pads = [padding // 2] * 2 + [padding - padding // 2] * 2
    x = _convolution(
        graph,
        x,
        layer.weight.numpy(),
        layer.bias.numpy(),
        pads=pads,
        strides=[stride] * 2,
        group=layer.groups,
    )
    if clipped:
        low, high = (graph.weight(np.array(edge, np.float32)) for edge in (0, 6))
        x = graph.add("Clip", x, low, high)
    return x, result


def mtcnn_weights(name: str) -> dict[str, Array]:
    """Return the weights of one of MTCNN's networks in float64, by their names in the package."""
    file = Path(facenet_pytorch.__file__).parent / "data" / f"{name}.pt"
    data = read_pinned(file, MTCNN_WEIGHTS[name], "Install facenet-pytorch 2.5.3 again.")
    tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return {key: tensor.double().numpy() for key, tensor in tensors.items()}


def build_all() -> dict[Path, bytes]:
    """Return the content of each network's ONNX file, keyed by the file's path."""
    built = {
        mtcnn.FOLDER / f"{name}.onnx": build_mtcnn(name, mtcnn_weights(name))
        for name in MTCNN_WEIGHTS
    }
    built[efficientnet.FILE] = build_efficientnet(efficientnet_torch.folded_network())
    return {file: model.SerializeToString(deterministic=True) for file, model in built.items()}


def main() -> None:
    """Write the files, and print the SHA-256 of each.

    `mtcnn.py` and `efficientnet.py`, which load the files, contain these SHA-256.
    """
    for file, data in build_all().items():
        file.write_bytes(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {file.name}  {len(data):,} bytes")


if __name__ == "__main__":
    main()
