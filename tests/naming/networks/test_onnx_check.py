from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
from onnxruntime.transformers.float16 import convert_float_to_float16

from installation.errors import LabelSetError
from installation.naming.networks import onnx_check
from tests.support.children import needs_guard
from tests.support.confined import TELL_LAYERS, assert_confined
from tests.support.hostile_onnx import HOSTILE, varint
from tests.support.made_networks import onnx_classifier, peak_memory, with_node


def judged(model: onnx.ModelProto) -> str:
    """Return why an ONNX file is refused before it is opened."""
    with pytest.raises(LabelSetError) as caught:
        onnx_check.judge_here("classifier.onnx", model.SerializeToString())
    return str(caught.value)


def test_weights_in_other_files_are_refused() -> None:
    """A network that would read another file is refused."""
    model = onnx_classifier()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    assert (
        "are in a second file, '../../../etc/passwd' (expected in the same folder, named"
        in judged(model)
    )


def two_files(length: int = 96, start: int = 0, place: str = "w") -> tuple[bytes, bytes]:
    """Return a classifier whose matrix of 96 bytes is in a second file."""
    model = onnx_classifier()
    tensor = model.graph.initializer[1]
    weights = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", place), ("offset", str(start)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return model.SerializeToString(), weights


def test_a_second_file_is_judged_with_the_first() -> None:
    """A network with its weights in a second file has the same result as one in a single file.

    The result is the same in a child and in this process. Without the second file, or if that is
    damaged, the network is refused.
    """
    first, second = two_files()
    whole = onnx_check.judge("classifier.onnx", first, second)
    assert whole == onnx_check.judge_here("classifier.onnx", first, second)
    assert whole == onnx_check.judge_here("classifier.onnx", onnx_classifier().SerializeToString())
    with pytest.raises(LabelSetError, match=r"'w' \(expected in the same folder, named"):
        onnx_check.judge("classifier.onnx", first)
    for damaged in (second[:-1], b""):
        with pytest.raises(LabelSetError, match="belongs to another network, or is incomplete"):
            onnx_check.judge("classifier.onnx", first, damaged)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (two_files(start=-4), "damaged"),
        (two_files(start=2**62), "is incomplete"),
        (two_files(length=2**63), "is incomplete"),
        ((onnx_classifier().SerializeToString(), b"x"), "contains all its weights"),
    ],
)
def test_wrong_places_in_a_second_file_are_refused(files: tuple[bytes, bytes], why: str) -> None:
    """Nothing beyond the second file is read, and no tensor claims more than it has there."""
    with pytest.raises(LabelSetError, match=why):
        onnx_check.judge_here("classifier.onnx", *files)


def test_weights_that_are_named_often_are_refused() -> None:
    """Many tensors cannot refer to the same bytes of a second file."""
    first, second = two_files()
    model = onnx.load_from_string(first)
    for i in range(3):
        model.graph.initializer.append(model.graph.initializer[1])
        model.graph.initializer[-1].name = f"again{i}"
    with pytest.raises(LabelSetError, match="is incomplete"):
        onnx_check.judge_here("classifier.onnx", model.SerializeToString(), second)


def test_operations_that_no_classifier_needs_are_refused() -> None:
    """Unknown operations, other domains, and networks inside networks are named."""
    assert "the operation 'Loop', which image classifiers do not need" in judged(
        with_node(helper.make_node("Loop", [], []))
    )
    mine = helper.make_node("Conv", [], [], domain="com.example")
    assert "'Conv' of 'com.example' (expected ONNX's own)" in judged(with_node(mine))
    inner = helper.make_node("Relu", ["x"], ["y"], body=onnx_classifier().graph)
    assert "contains another network" in judged(with_node(inner))
    model = onnx_classifier()
    model.functions.add(name="mine")
    assert "it contains functions in addition to the network" in judged(model)
    texts = helper.make_tensor("t", TensorProto.STRING, [1], [b"a"])
    assert "a tensor contains text" in judged(with_node(helper.make_node("Relu", [], []), texts))


OPTIMUM = Path(__file__).with_name("exported") / "optimum.onnx"
"""A vision transformer as Optimum exports it, from which files for transformers.js are made."""


def model_bnb4(kind: int) -> onnx.ModelProto:
    """Return `model_bnb4.onnx` as onnxruntime makes it: `kind` is FP4 or NF4."""
    quantizer = MatMulBnb4Quantizer(onnx.load(OPTIMUM), quant_type=kind, block_size=64)
    quantizer.process()
    return quantizer.model.model


def model_q4() -> onnx.ModelProto:
    """Return `model_q4.onnx`, with the nodes that onnxruntime's quantizer writes.

    The quantizer itself needs a package that the kiosk does not have.
    """
    model = onnx.load(OPTIMUM)
    matrices = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "MatMul" or len(node.input) < 2 or node.input[1] not in matrices:
            continue
        rows, columns = matrices[node.input[1]].dims
        blocks = -(-rows // 32)
        packed = np.zeros((columns, blocks, 16), np.uint8)
        scales = np.ones(columns * blocks, np.float32)
        name = node.input[1]
        for array, end in ((packed, "_Q4"), (scales, "_scales")):
            model.graph.initializer.append(numpy_helper.from_array(array, name + end))
        node.CopyFrom(
            helper.make_node(
                "MatMulNBits",
                [node.input[0], f"{name}_Q4", f"{name}_scales"],
                list(node.output),
                domain="com.microsoft",
                K=rows,
                N=columns,
                bits=4,
                block_size=32,
            )
        )
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


@pytest.mark.parametrize(
    ("made", "operation"),
    [
        (partial(model_bnb4, MatMulBnb4Quantizer.FP4), "MatMulBnb4"),
        (partial(model_bnb4, MatMulBnb4Quantizer.NF4), "MatMulBnb4"),
        (model_q4, "MatMulNBits"),
        (lambda: convert_float_to_float16(model_q4(), disable_shape_infer=True), "MatMulNBits"),
    ],
    ids=["bnb4", "bnb4 nf4", "q4", "q4f16"],
)
def test_packed_weights_of_transformers_js_are_refused_with_the_files_that_are_read(
    made: Callable[[], onnx.ModelProto], operation: str
) -> None:
    """For model_q4, model_q4f16 and model_bnb4 the message names the files to copy instead."""
    assert judged(made()) == (
        f"classifier.onnx: its operation '{operation}' packs weights in onnxruntime's own format, "
        "as model_q4, model_q4f16 and model_bnb4 do (expected operations of the ONNX standard). "
        "Copy model.onnx, model_fp16.onnx or model_quantized.onnx from the folder where this file "
        "was published, and name it classifier.onnx; or replace this file with config.json and "
        "model.safetensors of the network that it was made from."
    )


TAGS = helper.make_tensor("tags", TensorProto.STRING, [2], [b"a", b"b"])


@pytest.mark.parametrize(
    ("node", "tensors", "remedy"),
    [
        (helper.make_node("ArgMax", [], []), (), "Cut off the operations after the scores"),
        (helper.make_node("ZipMap", [], [], domain="ai.onnx.ml"), (), "Cut off the operations"),
        (helper.make_node("Relu", [], []), (TAGS,), "Cut off the operations after the scores"),
        (helper.make_node("FusedConv", [], [], domain="com.microsoft"), (), "without `--optimize`"),
        (helper.make_node("BiasGelu", [], [], domain="com.microsoft"), (), "without `--optimize`"),
        (helper.make_node("Conv", [], [], domain="com.example"), (), "Export the network alone"),
    ],
)
def test_an_operation_that_an_exporter_adds_has_that_exporters_remedy(
    node: onnx.NodeProto, tensors: tuple[onnx.TensorProto, ...], remedy: str
) -> None:
    """An operation that Custom Vision or Optimum adds is refused with that exporter's remedy."""
    data = with_node(node, *tensors).SerializeToString()
    for judge in (onnx_check.judge_here, onnx_check.judge):
        with pytest.raises(LabelSetError) as caught:
            judge("classifier.onnx", data)
        assert remedy in str(caught.value)


def test_what_ends_onnxruntime_is_refused() -> None:
    """Divisions that crash onnxruntime's process are refused before onnxruntime gets the file."""
    node = helper.make_node("DepthToSpace", ["pixels"], ["y"], blocksize=2**32)
    assert "the setting 'blocksize' of an operation is larger than 1,000,000" in judged(
        with_node(node)
    )
    least, minus = (
        numpy_helper.from_array(np.array([number], np.int64), name)
        for number, name in ((-(2**63), "least"), (-1, "minus"))
    )
    for operation in ("Div", "Mod"):
        node = helper.make_node(operation, ["least", "minus"], ["y"])
        assert "it divides whole numbers ('least, minus')" in judged(with_node(node, least, minus))
    model = with_node(helper.make_node("Cast", ["pixels"], ["whole"], to=TensorProto.INT32))
    model.graph.node.append(helper.make_node("Neg", ["whole"], ["negative"]))
    model.graph.node.append(helper.make_node("Div", ["whole", "negative"], ["y"]))
    refused = judged(model)
    assert "it divides whole numbers" in refused
    assert "copy its config.json and model.safetensors in place of this file" in refused


def test_fractions_may_be_divided() -> None:
    """A network may divide floating-point numbers even if it has an integer for an axis."""
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    model = with_node(helper.make_node("Unsqueeze", ["logits", "axes"], ["more"]), axes)
    model.graph.node.append(helper.make_node("Div", ["more", "more"], ["y"]))
    onnx_check.judge_here("classifier.onnx", model.SerializeToString())


@pytest.mark.parametrize(
    ("operation", "inputs", "outputs", "whole"),
    [
        ("DynamicQuantizeLinear", ["logits"], ["o", "fraction", "zero"], "zero"),
        ("TopK", ["logits", "ones"], ["fraction", "place"], "place"),
        ("MaxPool", ["logits"], ["fraction", "place"], "place"),
        ("Pow", ["logits", "ones"], ["fraction"], "ones"),
        ("Where", ["ones", "logits", "logits"], ["fraction"], "ones"),
        ("CastLike", ["ones", "logits"], ["fraction"], "ones"),
        ("Dropout", ["logits", "", "ones"], ["fraction"], "ones"),
    ],
)
def test_each_output_has_a_type_of_its_own(
    operation: str, inputs: list[str], outputs: list[str], whole: str
) -> None:
    """If an operation has values of several types, floats may be divided and integers may not."""
    ones = numpy_helper.from_array(np.array([1, 1], np.int64), "ones")
    for divided in ("fraction", whole):
        model = with_node(helper.make_node(operation, inputs, outputs), ones)
        model.graph.node.append(helper.make_node("Div", [divided, divided], ["y"]))
        if divided == whole:
            assert f"it divides whole numbers ('{whole}, {whole}')" in judged(model)
        else:
            onnx_check.judge_here("classifier.onnx", model.SerializeToString())


@pytest.mark.parametrize("dims", [[2**40], [2**20, 2**20], [-1], [2**63 - 1, 0], [1] * 17])
def test_a_tensor_that_claims_more_than_it_holds_is_refused(dims: list[int]) -> None:
    """Shapes are compared with the bytes in the file before memory is allocated."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "t")
    del tensor.dims[:]
    tensor.dims.extend(dims)
    model = with_node(helper.make_node("Relu", ["t"], ["u"]), tensor)
    if 0 in dims:
        onnx_check.judge_here("classifier.onnx", model.SerializeToString())
    else:
        assert "bytes claims to have" in judged(model)


@settings(max_examples=3000)
@given(st.binary(max_size=300))
@example(b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")
@example(b"")
def test_random_bytes_are_refused(data: bytes) -> None:
    """Random bytes end in a message, never in a traceback."""
    with pytest.raises(LabelSetError):
        onnx_check.judge_here("classifier.onnx", data)


def test_all_allowed_operations_are_onnxs_own() -> None:
    """ONNX describes each allowed operation, and none of them takes a graph."""
    schemas = {schema.name: schema for schema in onnx.defs.get_all_schemas()}
    assert schemas.keys() >= onnx_check.OPERATIONS
    for name in onnx_check.OPERATIONS:
        kinds = {attribute.type.name for attribute in schemas[name].attributes.values()}
        assert not kinds & {"GRAPH", "GRAPHS"}, name


def test_a_child_process_judges_as_this_one_does() -> None:
    """The check in a child process accepts and refuses the same files, with the same messages."""
    onnx_check.judge("classifier.onnx", onnx_classifier().SerializeToString())
    for data in (b"hello", with_node(helper.make_node("Schleife ∞", [], [])).SerializeToString()):
        with pytest.raises(LabelSetError) as apart:
            onnx_check.judge("classifier.onnx", data)
        with pytest.raises(LabelSetError) as here:
            onnx_check.judge_here("classifier.onnx", data)
        assert str(apart.value) == str(here.value)


def test_a_file_that_exhausts_its_reader_is_refused() -> None:
    """Millions of records of two bytes end in a mistake, and use no memory of this process."""
    data = HOSTILE["operations"](15_000_000)
    before = peak_memory()
    with pytest.raises(LabelSetError, match=r"classifier\.onnx: it has more than 500,000 entries"):
        onnx_check.judge("classifier.onnx", data)
    assert peak_memory() - before < 5 * len(data)


@needs_guard
def test_the_child_that_judges_is_under_all_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads a stranger's file can do nothing but compute, within its limits."""
    monkeypatch.setattr(onnx_check, "_CHILD", f"{onnx_check._CHILD}; {TELL_LAYERS}")
    judged_ = onnx_check.judge("classifier.onnx", onnx_classifier().SerializeToString())
    assert_confined(judged_)


def test_a_child_beyond_its_limits_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the child fails at a limit of memory or time, the mistake says so, with the remedy."""
    monkeypatch.setattr(onnx_check, "_CHILD", "raise MemoryError")
    with pytest.raises(
        LabelSetError, match="needs more memory or time than the kiosk allows"
    ) as raised:
        onnx_check.judge("classifier.onnx", onnx_classifier().SerializeToString())
    assert "Export the network alone" in str(raised.value)


SECRET = b"LoopReadFile"


@st.composite
def hidden_fields(draw: st.DrawFn) -> bytes:
    """A field, with a node in it, whose key some readers know and others do not."""
    number = draw(st.sampled_from((1, 2, 5, 7, 8, 20, 25, 26, 99, 2**20, 2**28)))
    key = number << 3 | 2 | draw(st.sampled_from((0, 1 << 32, 1 << 35, 1 << 40, 1 << 63)))
    node = helper.make_node(SECRET.decode(), ["x"], ["y"]).SerializeToString()
    inner: bytes = draw(st.sampled_from((node, b"\x0a" + varint(len(node)) + node, SECRET)))
    key_bytes = varint(key, draw(st.integers(0, 2)))
    return key_bytes + varint(len(inner), draw(st.integers(0, 2))) + inner


@settings(max_examples=400, deadline=None)
@given(hidden_fields(), st.sampled_from(("before", "after", "in the graph")))
def test_what_one_reader_does_not_know_reaches_no_other(field: bytes, where: str) -> None:
    """Keys beyond 32 bits, padded keys and unknown fields never reach onnxruntime.

    The oracle is protobuf's own reading: what it reads from the file is checked, and only what was
    checked is written.
    """
    model = onnx_classifier()
    data = model.SerializeToString()
    if where == "in the graph":
        graph = model.graph.SerializeToString() + field
        model.ClearField("graph")
        data = model.SerializeToString() + b"\x3a" + varint(len(graph)) + graph
    else:
        data = field + data if where == "before" else data + field
    try:
        written = onnx_check.judge_here("classifier.onnx", data)
    except LabelSetError:
        return
    read = onnx.ModelProto.FromString(data)
    assert SECRET not in written
    new = onnx.ModelProto.FromString(written)
    assert [node.op_type for node in new.graph.node] == [node.op_type for node in read.graph.node]
    assert new.graph.initializer == read.graph.initializer
    assert onnx_check.judge_here("classifier.onnx", written) == written, "nothing is left unjudged"
    known = onnx.ModelProto.FromString(written)
    known.DiscardUnknownFields()
    assert known.SerializeToString(deterministic=True) == written, "no unknown field is written"


def test_hidden_fields_are_in_files_that_protobuf_reads() -> None:
    """The control: protobuf reads such a file, and would write it again unchanged."""
    node = helper.make_node(SECRET.decode(), ["x"], ["y"]).SerializeToString()
    data = onnx_classifier().SerializeToString() + varint(99 << 3 | 2) + varint(len(node)) + node
    assert SECRET in onnx.ModelProto.FromString(data).SerializeToString()
    assert SECRET not in onnx_check.judge_here("classifier.onnx", data)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=0, max_size=40), st.sampled_from((0, 4, 8)))
def test_onnxruntimes_own_format_never_reaches_it(filling: bytes, at: int) -> None:
    """A file that is ONNX to one reader and onnxruntime's format to another is refused."""
    model = onnx_classifier()
    # An unknown field of two bytes comes first, so that the content begins at byte 4.
    content = (bytes(at) + filling)[:at].ljust(at, b"\0") + b"ORTM" + filling
    data = varint(100 << 3 | 2, 0) + varint(len(content) + 0, 0)
    data = data + content + model.SerializeToString()
    try:
        written = onnx_check.judge_here("classifier.onnx", data)
    except LabelSetError:
        return
    assert b"ORTM" not in written
    assert written == onnx_check.judge_here("classifier.onnx", model.SerializeToString())


def test_a_file_that_is_both_formats_is_refused() -> None:
    """A file with `ORTM` where onnxruntime looks for it is refused, although protobuf reads it."""
    content = b"\0ORTM" + bytes(20)
    data = varint(15 << 3 | 2) + varint(len(content), 1) + content
    data += onnx_classifier().SerializeToString()
    assert data[4:8] == b"ORTM"
    assert onnx.ModelProto.FromString(data).graph.node, "the control: protobuf reads the network"
    with pytest.raises(LabelSetError, match="onnxruntime's own format"):
        onnx_check.judge_here("classifier.onnx", data)
