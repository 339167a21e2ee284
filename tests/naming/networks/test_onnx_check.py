from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from installation.errors import LabelSetError
from installation.naming.networks import onnx_check
from tests.support.made_networks import onnx_classifier, peak_memory, with_node


def judged(model: onnx.ModelProto) -> str:
    """Return why an ONNX file is refused before it is opened."""
    with pytest.raises(LabelSetError) as caught:
        onnx_check.judge_here(model.SerializeToString(), "classifier.onnx")
    return str(caught.value)


def test_weights_in_other_files_are_refused() -> None:
    """A network that would read another file is refused."""
    model = onnx_classifier()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    assert "lie in other files (expected all in this one)" in judged(model)


def test_operations_that_no_classifier_needs_are_refused() -> None:
    """Unknown operations, other domains, and networks inside networks are named."""
    assert "the operation 'Loop', which no" in judged(with_node(helper.make_node("Loop", [], [])))
    mine = helper.make_node("Conv", [], [], domain="com.example")
    assert "'Conv' of 'com.example' (expected ONNX's own)" in judged(with_node(mine))
    inner = helper.make_node("Relu", ["x"], ["y"], body=onnx_classifier().graph)
    assert "a network inside the network" in judged(with_node(inner))
    model = onnx_classifier()
    model.functions.add(name="mine")
    assert "it holds functions beside the network" in judged(model)
    texts = helper.make_tensor("t", TensorProto.STRING, [1], [b"a"])
    assert "text as a tensor" in judged(with_node(helper.make_node("Relu", [], []), texts))


def test_what_ends_onnxruntime_is_refused() -> None:
    """The divisions that end onnxruntime and its process never reach it."""
    node = helper.make_node("DepthToSpace", ["pixels"], ["y"], blocksize=2**32)
    assert "its setting 'blocksize' is beyond 1,000,000" in judged(with_node(node))
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
    assert "it divides whole numbers" in judged(model)


def test_fractions_may_be_divided() -> None:
    """The whole numbers that name an axis do not make a picture's own numbers whole."""
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    model = with_node(helper.make_node("Unsqueeze", ["logits", "axes"], ["more"]), axes)
    model.graph.node.append(helper.make_node("Div", ["more", "more"], ["y"]))
    onnx_check.judge_here(model.SerializeToString(), "classifier.onnx")


@pytest.mark.parametrize("dims", [[2**40], [2**20, 2**20], [-1], [2**63 - 1, 0], [1] * 17])
def test_a_tensor_that_claims_more_than_it_holds_is_refused(dims: list[int]) -> None:
    """Shapes are compared with the bytes in the file before memory is taken."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "t")
    del tensor.dims[:]
    tensor.dims.extend(dims)
    model = with_node(helper.make_node("Relu", ["t"], ["u"]), tensor)
    if 0 in dims:
        onnx_check.judge_here(model.SerializeToString(), "classifier.onnx")
    else:
        assert "a tensor claims" in judged(model)


@settings(max_examples=3000)
@given(st.binary(max_size=300))
@example(b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")
@example(b"")
def test_random_bytes_are_refused(data: bytes) -> None:
    """Random bytes end in a message, never in a traceback."""
    with pytest.raises(LabelSetError):
        onnx_check.judge_here(data, "classifier.onnx")


def test_all_allowed_operations_are_onnxs_own() -> None:
    """ONNX describes each allowed operation, and none of them takes a graph."""
    schemas = {schema.name: schema for schema in onnx.defs.get_all_schemas()}
    assert schemas.keys() >= onnx_check.OPERATIONS
    for name in onnx_check.OPERATIONS:
        kinds = {attribute.type.name for attribute in schemas[name].attributes.values()}
        assert not kinds & {"GRAPH", "GRAPHS"}, name


def test_a_child_process_judges_as_this_one_does() -> None:
    """A file is accepted, or refused with the same words, in both processes."""
    onnx_check.judge(onnx_classifier().SerializeToString(), "classifier.onnx")
    for data in (b"hello", with_node(helper.make_node("Schleife ∞", [], [])).SerializeToString()):
        with pytest.raises(LabelSetError) as apart:
            onnx_check.judge(data, "classifier.onnx")
        with pytest.raises(LabelSetError) as here:
            onnx_check.judge_here(data, "classifier.onnx")
        assert str(apart.value) == str(here.value)


def test_a_file_that_exhausts_its_reader_is_refused() -> None:
    """Millions of records of two bytes take memory only in the child process, up to its limit."""
    records = b"\x0a\x00" * 15_000_000
    length = bytes([*(len(records) >> shift & 127 | 128 for shift in (0, 7, 14)), 14])  # a varint
    before = peak_memory()
    with pytest.raises(LabelSetError, match=r"classifier\.onnx: it is not an ONNX file"):
        onnx_check.judge(b"\x3a" + length + records, "classifier.onnx")
    assert peak_memory() - before < 10 * len(records)
