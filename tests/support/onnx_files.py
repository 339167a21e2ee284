"""ONNX files for fuzzing, and the process that opens them, because a file may crash onnxruntime.

`python -m tests.support.onnx_files FOLDER FUZZ CASES` tries CASES cases in FOLDER, made by a
function of tests/support/fuzzing.py. It prints the number of each case as it begins, then the
number of accepted files and the number of different kinds of refusal.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from installation.errors import display_path
from installation.naming.label_set.folder import ONNX_FILE
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks import onnx_check
from installation.naming.networks.onnx_network import OnnxNetwork
from tests.support.fuzzing import (
    FUZZERS,
    NUMBERS,
    Fuzz,
    FuzzTarget,
    Tally,
    WatchedFolder,
    chance,
    mutate,
)
from tests.support.tensors import encode

SIZE, OUTPUTS = 16, 4
SETTINGS = f"""\
title: Fish
credit: Written for a test
root: {{id: thing, name: thing, definition: something}}
method: onnx
input: {{size: {SIZE}}}
"""
LABELS = "id,name,definition,parent,hidden_because\n" + "".join(
    f"{i},name {i},,,\n" for i in range(OUTPUTS)
)
TOKENS = (b"x", b"y", b"w", b"Loop", b"If", b"\x0a", b"\x12", b"\x22\x00", b"\xff\xff\xff\xff\x0f")
OUTSIDE = (
    "../../neighbour/diary.txt",
    "/etc/passwd",
    "labels.csv",
    "classifier.onnx",
    "/dev/zero",
    "",
)
OPERATORS = (
    "Relu",
    "Softmax",
    "Flatten",
    "Loop",
    "Nothing",
    "Conv",
    "TfIdfVectorizer",
    "Attention",
    "",
)


def network(random: Random | None = None) -> ModelProto:
    """Return a small classifier of pictures, (N, 3, 16, 16) to (N, 4)."""
    numbers = np.random.default_rng(random.randrange(9) if random else 0)
    weight = numpy_helper.from_array(numbers.normal(size=(3, OUTPUTS)).astype(np.float32), "w")
    bias = numpy_helper.from_array(np.zeros(OUTPUTS, np.float32), "b")
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["y"]),
    ]
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", OUTPUTS])
    graph = helper.make_graph(nodes, "classifier", [taken], [given], [weight, bias])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def onnx_file(random: Random) -> bytes:
    """Return the bytes of a network, most with a mistake in the graph, half damaged as well."""
    model = network(random)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        random.choice(WAYS)(random, model)
    content = model.SerializeToString()
    return mutate(random, content, TOKENS) if chance(random, 0.5) else content


def _other_shape(random: Random, model: ModelProto) -> None:
    """Declare an input that is not pictures, or an output that is not one score per label."""
    value = random.choice((model.graph.input, model.graph.output))[0]
    dims = [
        random.choice((0, 1, 3, 4, 16, -1, 2**31, 2**60, "N", "M"))
        for _ in range(random.randrange(6))
    ]
    kind = random.choice((1, 1, 1, 0, 2, 6, 7, 8, 9, 10, 11, 14, 16, 20, 99))
    value.CopyFrom(helper.make_tensor_value_info(value.name, kind, dims))


def _claimed_tensor(random: Random, model: ModelProto) -> None:
    """Claim weights with another shape or type than the numbers in the file."""
    tensor = random.choice(model.graph.initializer)
    del tensor.dims[:]
    tensor.dims.extend(random.choice(([2**60], [2**32, 2**32], [-1], [0], [3, 5], [4, 3], [])))
    tensor.data_type = random.choice((1, 1, 0, 2, 8, 10, 11, 16, 99))


def _weights_elsewhere(random: Random, model: ModelProto) -> None:
    """Store weights in another file."""
    tensor = random.choice(model.graph.initializer)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (
        ("location", random.choice(OUTSIDE)),
        ("offset", str(random.choice((0, *NUMBERS)))),
        ("length", str(random.choice((48, *NUMBERS)))),
    ):
        tensor.external_data.add(key=key, value=value)


def _large_result(random: Random, model: ModelProto) -> None:
    """Need more memory than the machine has, in the middle of the graph."""
    shape = numpy_helper.from_array(np.array([random.choice((2**20, 2**34, 2**40, -1))] * 2), "s")
    model.graph.initializer.append(shape)
    model.graph.node.append(
        helper.make_node(random.choice(("ConstantOfShape", "Range")), ["s"], ["z"])
    )
    model.graph.node.append(helper.make_node("Expand", ["y", "s"], ["zz"]))
    model.graph.output.append(helper.make_tensor_value_info("zz", TensorProto.FLOAT, None))


def _endless(random: Random, model: ModelProto) -> None:
    """Run a loop that may not end."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Add", ["v", "v"], ["v2"])],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("c", TensorProto.BOOL, []),
            value("v", TensorProto.FLOAT, None),
        ],
        [value("c2", TensorProto.BOOL, []), value("v2", TensorProto.FLOAT, None)],
    )
    times = numpy_helper.from_array(np.array(random.choice((0, 1, 2**62)), np.int64), "t")
    model.graph.initializer.append(times)
    model.graph.node.append(helper.make_node("Loop", ["t", "", "y"], ["l"], body=body))
    model.graph.output[0].name = "l"


def _deep(random: Random, model: ModelProto) -> None:
    """Put graphs into graphs."""
    node = model.graph.node[0]
    for _ in range(random.choice((1, 5, 25))):
        inner = helper.make_graph([node], "inner", [], [])
        node = helper.make_node("If", ["x"], ["q"], then_branch=inner)
    model.graph.node.append(node)


def _rewired(random: Random, model: ModelProto) -> None:
    """Connect nodes in cycles, to nothing, or to others; remove some, or add settings."""
    node = random.choice(model.graph.node)
    match random.randrange(5):
        case 0:
            node.op_type = random.choice(OPERATORS)
        case 1 if node.input:
            node.input[0] = random.choice(("x", "y", "f", "w", "", "nothing"))
        case 2 if node.output:
            node.output[0] = random.choice(("x", "y", "f", "w", "", "nothing"))
        case 3:
            model.graph.node.remove(node)
        case _:
            node.attribute.append(_attribute(random))


def _attribute(random: Random) -> AttributeProto:
    value: Any = random.choice((-1, 2**62, 1.5, "x" * 1000, [2**40] * 3, [1.0], network()))
    if isinstance(value, ModelProto):
        value = value.graph
    return helper.make_attribute(
        random.choice(("axis", "transA", "alpha", "body", "kernel_shape")), value
    )


def _other_version(random: Random, model: ModelProto) -> None:
    """Declare another version of the format, or another domain."""
    model.ir_version = random.choice((0, 1, 3, 13, 2**31, 2**62))
    model.opset_import[0].version = random.choice((0, 1, 17, 99, -1, 2**40))
    model.opset_import[0].domain = random.choice(("", "", "ai.onnx.ml", "com.microsoft", "a.b"))


def _more_inputs(random: Random, model: ModelProto) -> None:
    """Take another input beside pictures, or return another output beside scores."""
    values = random.choice((model.graph.input, model.graph.output))
    values.append(helper.make_tensor_value_info(random.choice(("x", "f", "extra")), 1, [1]))


def _wild_numbers(random: Random, model: ModelProto) -> None:
    """Use weights that are infinite or NaN."""
    raw = model.graph.initializer[0].raw_data
    wild = np.array([random.choice((np.nan, np.inf, -np.inf, 3e38))], np.float32).tobytes()
    model.graph.initializer[0].raw_data = wild + raw[4:]


WAYS: tuple[Callable[[Random, ModelProto], None], ...] = (
    _other_shape,
    _claimed_tensor,
    _weights_elsewhere,
    _large_result,
    _endless,
    _deep,
    _rewired,
    _rewired,
    _other_version,
    _more_inputs,
    _wild_numbers,
)


def write_set(watched: WatchedFolder) -> Path:
    """Write a label set without its network, and return the path of the network."""
    folder = watched.models / "fish"
    folder.mkdir()
    (folder / "labelset.yaml").write_text(SETTINGS)
    (folder / "labels.csv").write_text(LABELS)
    return folder / "classifier.onnx"


def open_(label_set: LabelSet) -> None:
    """Check and open the label set's network, and let it classify two pictures."""
    file = label_set.folder / ONNX_FILE
    data = file.read_bytes()
    network = OnnxNetwork(label_set, onnx_check.judge_here(display_path(file), data), "cpu")
    logits = encode(network, torch.ones(2, 3, SIZE, SIZE))
    assert logits.shape[0] == 2
    assert logits.dtype == torch.float32


def try_(folder: Path, fuzz: Fuzz, cases: int) -> Tally:
    """Return the results of `cases`; prints the number of each as it begins."""
    watched = WatchedFolder(folder)
    file = write_set(watched)
    file.write_bytes(network().SerializeToString())
    label_set = load_label_set("fish", EVERYTHING, watched.models)
    open_(label_set)  # memory for the libraries does not count in the first case
    numbers = itertools.count()

    def make(random: Random) -> bytes:
        sys.stdout.write(f"{next(numbers)}\n")
        sys.stdout.flush()
        return onnx_file(random)

    return fuzz(FuzzTarget(watched, make, file.write_bytes, lambda: open_(label_set)), cases)


if __name__ == "__main__":
    makers = {fuzz.__name__: fuzz for fuzz, _ in FUZZERS}
    tally = try_(Path(sys.argv[1]), makers[sys.argv[2]], int(sys.argv[3]))
    sys.stdout.write(f"accepted {tally.accepted}\nkinds {len(tally.refused)}\n")
