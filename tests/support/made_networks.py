"""Label sets with small random networks that have real names, keys and loaders."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import timm
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from installation.errors import LabelSetError
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
from installation.making.build import build
from installation.naming.label_set import hiding
from installation.naming.label_set.folder import ONNX_FILE, TENSORS_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.settings.kiosk import ContentSettings

TINY = "vit_tiny_patch16_224.augreg_in21k"
"""The smallest of timm's vision transformers with ImageNet's 21,843 classes."""

ROOT = "root: {id: n00007846, name: person, definition: a human being}"
HEADER = "id,name,definition,parent,hidden_because"
PERSONS = (
    HEADER,
    "n09820263,athlete,,artisans,",
    "n09818022,astronaut,,n09820263,",
    "artisans,people of skill,only a heading,,",
    "n09846755,beekeeper,,artisans,unseen",
    "n10344774,namer,,,",
)


def write_set(models: Path, name: str, settings: str, *rows: str) -> Path:
    """Write a label set and return its folder; no rows: no labels.csv."""
    folder = models / name
    folder.mkdir(parents=True, exist_ok=True)
    yaml = f"title: Made\ncredit: Made for a test\n{ROOT}\n{settings}\n"
    (folder / "labelset.yaml").write_text(yaml, encoding="utf-8")
    if rows:
        (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def write_unsafe(models: Path, *ids: str) -> None:
    """Put a list of unsafe synsets with these `ids` at the path that `kiosk fetch` uses."""
    all_ids = [*ids, *(f"n{number:08d}" for number in range(hiding.UNSAFE_COUNT - len(ids)))]
    (models / "weights").mkdir(exist_ok=True)
    (models / "weights" / hiding.UNSAFE_FILE).write_text("\n".join(all_ids) + "\n")


@cache
def tiny(seed: int = 0) -> Any:
    """Return timm's tiny vision transformer with random weights, also in its head."""
    torch.manual_seed(seed)
    network = timm.create_model(TINY, pretrained=False)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    torch.nn.init.normal_(network.head.bias, std=0.1)
    return network.eval()


def write_weights(models: Path, network: Any, name: str) -> Path:
    """Put a network's weights at the path that `kiosk fetch` uses, and return the file."""
    file = models / "weights" / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), file)
    return file


def made_classes(models: Path) -> LabelSet:
    """Return a built label set with the method `classes` and timm's tiny vision transformer."""
    write_weights(models, tiny(), TINY)
    write_set(models, "made-classes", f"method: classes\nencoder: {TINY}", *PERSONS)
    build.build("made-classes", models)
    return load_label_set("made-classes", ContentSettings(), models)


SIDE = 32
"""The side of the pictures that the small networks accept, px."""
WEATHER = (
    HEADER,
    "0,sunny one,brings the light,,",
    "1,rainy one,,,",
    "3,windy one,,,unseen",
    "2,snowy one,brings the quiet,1,",
)

Array = npt.NDArray[np.float32]


def weights(outputs: int = 4) -> tuple[Array, Array, Array]:
    """Return random weights: a convolution `(6, 3, 8, 8)`, a matrix `(6, outputs)`, a bias."""
    random = np.random.default_rng(0)
    shapes = ((6, 3, 8, 8), (6, outputs), (outputs,))
    first, second, third = (random.normal(0, 0.3, shape).astype(np.float32) for shape in shapes)
    return first, second, third


def onnx_classifier(
    *,
    shape: Sequence[int | str] = ("N", 3, SIDE, SIDE),
    kind: int = TensorProto.FLOAT,
    softmax: bool = False,
    outputs: int = 4,
) -> onnx.ModelProto:
    """Return a classifier: a convolution, its mean over the picture, and a matrix."""
    conv, matrix, bias = weights(outputs)
    nodes = []
    pixels = "pixels"
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [pixels], ["floats"], to=TensorProto.FLOAT))
        pixels = "floats"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", [pixels], ["first"], perm=[0, 3, 1, 2]))
        pixels = "first"
    nodes += [
        helper.make_node("Conv", [pixels, "conv"], ["parts"], strides=[8, 8]),
        helper.make_node("Relu", ["parts"], ["rectified"]),
        helper.make_node("GlobalAveragePool", ["rectified"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "matrix", "bias"], ["logits"]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=1))
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(array, name)
            for name, array in (("conv", conv), ("matrix", matrix), ("bias", bias))
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def with_node(node: onnx.NodeProto, *initializers: onnx.TensorProto) -> onnx.ModelProto:
    """Return the classifier with one more node, and the tensors that it needs."""
    model = onnx_classifier()
    model.graph.node.append(node)
    model.graph.initializer.extend(initializers)
    return model


def reference(batch: torch.Tensor, outputs: int = 4) -> torch.Tensor:
    """Return the logits `(N, outputs)` of `onnx_classifier` for `(N, 3, S, S)`, by torch."""
    conv, matrix, bias = (torch.from_numpy(array) for array in weights(outputs))
    parts = torch.nn.functional.conv2d(batch, conv, stride=8).relu()
    return parts.mean((2, 3)) @ matrix + bias


def write_onnx(models: Path, model: onnx.ModelProto, settings: str = "", *rows: str) -> Path:
    """Write a label set with an ONNX file and return its folder; without `rows`, WEATHER's."""
    yaml = f"method: onnx\n{settings}"
    folder = write_set(models, "made-onnx", yaml, *(rows or WEATHER))
    (folder / "classifier.onnx").write_bytes(model.SerializeToString())
    return folder


def made_onnx(models: Path) -> LabelSet:
    """Return a label set with an ONNX classifier."""
    write_onnx(models, onnx_classifier())
    return load_label_set("made-onnx", ContentSettings(), models)


def write_hf(models: Path, network: Any, config: dict[str, object], settings: str = "") -> Path:
    """Write a label set with a classifier from Hugging Face and return its folder."""
    folder = write_set(models, "made-hf", f"method: onnx\n{settings}")
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    save_file(network.state_dict(), folder / "model.safetensors")
    return folder


def timm_config(**other: object) -> dict[str, object]:
    """Return the config.json that timm writes for a small network with three labels."""
    return {
        "architecture": "resnet10t",
        "num_classes": 3,
        "label_names": ["cat", "dog", "n09818022"],
        "global_pool": "avg",
        "model_args": {"num_classes": 3, "in_chans": 3, "global_pool": "avg"},
        "pretrained_cfg": {
            "input_size": [3, 64, 64],
            "interpolation": "bicubic",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
        },
        **other,
    }


@cache
def small(classes: int = 3) -> Any:
    """Return timm's smallest residual network with random weights."""
    torch.manual_seed(0)
    return timm.create_model("resnet10t", num_classes=classes).eval()


def made_hf(models: Path) -> LabelSet:
    """Return a label set with a classifier that timm saved for Hugging Face."""
    write_hf(models, small(), timm_config())
    return load_label_set("made-hf", ContentSettings(), models)


def noise(count: int, side: int = SIDE) -> torch.Tensor:
    """Return a batch `(count, 3, side, side)` as `crops.cut` makes it, of noise."""
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def load(folder: Path) -> LabelSet:
    """Return the label set in the folder of a test."""
    return load_label_set(folder.name, ContentSettings(), folder.parent)


@contextmanager
def as_in_a_show() -> Iterator[None]:
    """Let PyTorch run a label set's own network in this process, not in a child of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_VARIABLE, SandboxStatus("degraded").to_json())
        yield


def opened(folder: Path) -> Encoder:
    """Return the open network of the label set in the folder of a test.

    A network from Hugging Face runs in this process, an ONNX network in a child.
    """
    is_torch = (folder / TENSORS_FILE).exists() and not (folder / ONNX_FILE).exists()
    with as_in_a_show() if is_torch else nullcontext():
        return open_encoder(load(folder), "cpu")


def refusal(folder: Path) -> str:
    """Return why the label set or its network is refused, without the path of the test's folder."""
    with pytest.raises(LabelSetError) as caught:
        opened(folder)
    return str(caught.value).replace(f"{folder}/", "").replace(f"{folder}", "the folder")


def peak_memory() -> int:
    """Return the peak memory of this process, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
