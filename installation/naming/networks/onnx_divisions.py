"""Finds divisions of integers in an ONNX network, which can crash onnxruntime's process.

In onnxruntime 1.31 a division by zero ends the process, and so does a division of the least integer
by −1. A division by a positive constant is safe. Networks that accept pictures of any size may
contain unsafe divisions: they divide the size of a picture to find where to cut it into windows.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from onnx import AttributeProto, TensorProto

from installation.errors import ellipsize

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
"""The types of floating-point numbers."""

TYPED = ("to", "value", "value_int", "value_ints")
"""The settings that decide which type of number an operation returns."""

BY_FIRST = frozenset(
    """
    Attention CumSum Dropout Expand Gather GatherElements GatherND MaxPool Pad Pow Resize Reshape
    ScatterND Slice Split Squeeze Tile TopK Trilu Unsqueeze Upsample ReduceL1 ReduceL2
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
    """.split()  # noqa: SIM905  as above
)
"""The operations that return numbers of the same type as their first input."""

BY_SECOND = frozenset({"CastLike", "Where"})
"""The operations that return numbers of the type of their second input."""

TO_WHOLE = {"Shape", "Size", "ConvInteger", "MatMulInteger", "QuantizeLinear"}
TO_WHOLE |= {"QLinearConv", "QLinearMatMul"}
"""The operations that always return integers."""

WHOLE_OUTPUTS = {"DynamicQuantizeLinear": (0, 2), "MaxPool": (1,), "TopK": (1,)}
"""The indices of the outputs that are always integers, keyed by operation. The types of the other
outputs may vary.
"""

TO_FRACTION = {"DequantizeLinear", "DynamicQuantizeLinear", "Equal", "Greater", "GreaterOrEqual"}
TO_FRACTION |= {"Less", "LessOrEqual", "Not", "And", "Or", "Xor"}
"""The operations that never return integers, except in the outputs that `WHOLE_OUTPUTS` names.
Booleans do not count as integers, because they cannot be divided.
"""


def division_of_integers(graph: Any) -> str | None:
    """Return a sentence about an unsafe division of integers in `graph`; None if there is none.

    The types of an operation's inputs are known from the operations before it, because onnxruntime
    accepts a file only if its operations are in the order of execution.
    """
    whole = {tensor.name for tensor in graph.initializer if tensor.data_type not in FLOATS}
    positive = _positive_constants(graph)
    for node in graph.node:
        given = [name in whole for name in node.input]
        is_safe = len(node.input) == 2 and node.input[1] in positive
        if node.op_type in ("Div", "Mod") and any(given) and not is_safe:
            names = ellipsize(", ".join(node.input))
            return f"it divides whole numbers ('{names}'), which can crash onnxruntime"
        if node.op_type in TO_WHOLE:
            returns = True
        elif node.op_type in TO_FRACTION:
            returns = False
        elif node.op_type in ("Cast", "Constant", "ConstantOfShape"):
            returns = any(type_ not in FLOATS for type_ in _types(node))
        elif node.op_type in BY_FIRST:
            returns = any(given[:1])
        elif node.op_type in BY_SECOND:
            returns = any(given[1:2])
        else:
            returns = any(given)
        always = WHOLE_OUTPUTS.get(node.op_type, ())
        whole.update(name for i, name in enumerate(node.output) if returns or i in always)
    return None


def _positive_constants(graph: Any) -> set[str]:
    """Return the names of constants that consist of one positive integer and are defined once."""
    values = {tensor.name: _integer(tensor) for tensor in graph.initializer}
    names = Counter(tensor.name for tensor in (*graph.initializer, *graph.input))
    for node in graph.node:
        names.update(node.output)
        if node.op_type == "Constant" and len(node.output) == len(node.attribute) == 1:
            values[node.output[0]] = _constant(node.attribute[0])
    return {name for name, value in values.items() if value > 0 and names[name] == 1}


def _constant(setting: Any) -> int:
    """Return the value of an operation `Constant` whose only setting is `setting`.

    The result is 0 if the value is not a single integer.
    """
    if setting.name == "value_int" and setting.type == AttributeProto.INT:
        return int(setting.i)
    if setting.name == "value" and setting.type == AttributeProto.TENSOR:
        return _integer(setting.t)
    return 0


def _integer(tensor: Any) -> int:
    """Return the number in a tensor of one integer; 0 for any other tensor."""
    if any(dim != 1 for dim in tensor.dims):
        return 0
    if tensor.data_type == TensorProto.INT32:
        numbers, size = tensor.int32_data, 4
    elif tensor.data_type == TensorProto.INT64:
        numbers, size = tensor.int64_data, 8
    else:
        return 0
    raw = tensor.raw_data
    if len(raw) == size and not numbers:
        return int.from_bytes(raw, "little", signed=True)
    return int(numbers[0]) if len(numbers) == 1 and not raw else 0


def _types(node: Any) -> list[int]:
    """Return the data types that an operation's settings give to its result, as ONNX's codes.

    The setting `to` is itself such a code. Any other setting gives INT64 if it contains integers,
    and the data type of its tensor if it contains a tensor.
    """
    types: list[int] = []
    for setting in node.attribute:
        if setting.name in TYPED:
            numbers = [setting.i, *setting.ints] if setting.HasField("i") else list(setting.ints)
            types += [
                tensor.data_type
                for tensor in ([setting.t] if setting.HasField("t") else setting.tensors)
            ]
            types += numbers if setting.name == "to" else [TensorProto.INT64] * len(numbers)
    return types
