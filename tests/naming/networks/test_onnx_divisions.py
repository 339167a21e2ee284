from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from installation.naming.networks.onnx_divisions import division_of_integers
from tests.support.made_networks import with_node

REFUSED = "it divides whole numbers ('sizes, by')"


def _divided_by(constant: onnx.NodeProto | onnx.TensorProto) -> onnx.ModelProto:
    """Return a network that divides the sizes of its pictures by `constant`, named "by"."""
    model = with_node(helper.make_node("Shape", ["pixels"], ["sizes"]))
    if isinstance(constant, onnx.NodeProto):
        model.graph.node.append(constant)
    else:
        model.graph.initializer.append(constant)
    model.graph.node.append(helper.make_node("Div", ["sizes", "by"], ["rounded"]))
    model.graph.node.append(helper.make_node("Mod", ["rounded", "by"], ["rest"]))
    return model


def _integers(*numbers: int, type_: type[np.signedinteger[Any]] = np.int64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(numbers or 7, type_), "by")


@pytest.mark.parametrize(
    "constant",
    [
        _integers(2),
        _integers(),
        _integers(2, type_=np.int32),
        helper.make_tensor("by", TensorProto.INT64, [1], [2]),
        helper.make_node("Constant", [], ["by"], value=_integers(2)),
        helper.make_node("Constant", [], ["by"], value_int=2),
    ],
)
def test_integers_may_be_divided_by_a_positive_constant(
    constant: onnx.NodeProto | onnx.TensorProto,
) -> None:
    """Networks that cut a picture of any size into windows, such as MobileViT's, are accepted."""
    assert division_of_integers(_divided_by(constant).graph) is None


def _filled_twice() -> onnx.TensorProto:
    tensor = _integers(2)
    tensor.int64_data.append(0)
    return tensor


@pytest.mark.parametrize(
    "constant",
    [
        _integers(0),
        _integers(-1),
        _integers(2, 0),
        _integers(-1, type_=np.int32),
        numpy_helper.from_array(np.array(255, np.uint8), "by"),
        _filled_twice(),
        helper.make_node("Constant", [], ["by"], value_int=0),
        helper.make_node("Constant", [], ["by"], value_int=2, value=_integers(-1)),
        helper.make_node("Constant", [], ["by"], value_ints=[-1]),
    ],
)
def test_a_division_by_what_may_be_zero_or_negative_is_refused(
    constant: onnx.NodeProto | onnx.TensorProto,
) -> None:
    """A division by zero, by −1, by several numbers or by an ambiguous constant is refused.

    A constant is ambiguous if it has two values, and readers could take either.
    """
    assert REFUSED in str(division_of_integers(_divided_by(constant).graph))


def test_a_constant_that_is_defined_twice_is_no_proof() -> None:
    """A divisor whose name also stands for something else is refused."""
    model = _divided_by(_integers(2))
    model.graph.node.insert(0, helper.make_node("Neg", ["sizes"], ["by"]))
    assert REFUSED in str(division_of_integers(model.graph))
    model = _divided_by(_integers(2))
    model.graph.input.append(helper.make_tensor_value_info("by", TensorProto.INT64, [1]))
    assert REFUSED in str(division_of_integers(model.graph))
