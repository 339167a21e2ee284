"""A stranger's ONNX file, judged before onnxruntime sees a byte of it.

The file is walked as what it is, nested records of protocol buffers, with the few fields that
matter: which operations it asks for, what lies outside the file, how large tensors claim to be. The
package onnx was rejected for this: it builds the whole network in memory before anything is judged.

Only operations that pictures' classifiers are made of are let through. None of them reads a file,
holds a network inside the network, repeats itself, or handles text. Two things that end onnxruntime
and its process with it, found by trying, are looked for as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from installation.errors import LabelSetError, Mistake, ellipsize

OPERATIONS = set(
    """
    Abs Add And Attention AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat
    Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos CumSum DepthToSpace
    DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten
    Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
    Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool LRN MatMul
    MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not Or PRelu Pad
    Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
    Resize Round ScatterND Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus Softsign
    SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tanh ThresholdedRelu Tile TopK Transpose Trilu
    Unsqueeze Upsample Where Xor
    """.split()  # noqa: SIM905  a list of quoted words would be three times as long
)
"""Of ONNX's own (onnx.ai/onnx/operators)."""

DOMAINS = ("", "ai.onnx")
"""Both are ONNX's own name for its operations."""

MOST_NODES = 20_000
"""Operations; a vision transformer of the size "huge" has some 2,000."""

MOST_DIMENSIONS = 16

MOST_NUMBERS = 100_000
"""In one list that is no tensor: sizes, settings."""

LONGEST_VARINT = 10
"""Bytes of a number in a protocol buffer."""

_EXPORT = "Export it as one plain network in one file, for one picture of a fixed size."


@dataclass(frozen=True)
class Field:
    """One field of a record: its number, and what it holds."""

    number: int
    value: int | memoryview
    """A number (fixed-size ones as 0), or the bytes of text, a tensor's values, or a record."""


# The fields of each kind of record that are looked into, by number (onnx.proto3, IR version 13).
MODEL = {7: "graph", 20: "training", 25: "functions"}
GRAPH = {1: "node", 5: "tensor", 15: "sparse"}
NODE = {1: "input", 2: "output", 4: "operation", 5: "attribute", 7: "domain"}
ATTRIBUTE = {1: "name", 3: "number", 5: "tensor", 6: "graph", 8: "number", 10: "tensor"}
ATTRIBUTE |= {11: "graph", 22: "sparse", 23: "sparse"}
DIMS, DATA_TYPE, STRINGS, NAME, RAW, EXTERNAL, LOCATION = 1, 2, 6, 8, 9, 13, 14
"""Fields of a tensor."""

FLOATS = (1, 10, 11, 16)
"""Types of numbers with a fraction: float, float16, double, bfloat16."""

LARGEST_NUMBER = 1_000_000
"""Of an operation's settings: sizes, steps, axes. onnxruntime 1.31 divides by zero, and its process
ends, where the square of a block's size overflows."""
ANY_NUMBER = ("starts", "ends", "value_int", "value_ints")
"""Settings where the largest number there is means "to the end"."""

BY_FIRST = frozenset(
    """
    CumSum Expand Gather GatherElements GatherND Pad Resize Reshape ScatterND Slice Split Squeeze
    Tile Trilu Unsqueeze Upsample ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare
    """.split()  # noqa: SIM905  as above
)
"""What they give is of their first input's type, whatever says where or how much."""
TO_WHOLE = {"Shape", "Size", "TopK", "ConvInteger", "MatMulInteger", "QuantizeLinear"}
TO_WHOLE |= {"DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul"}
TO_FRACTION = {"DequantizeLinear", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
TO_FRACTION |= {"Not", "And", "Or", "Xor"}
"""What they give is whole, or not, whatever they are given; truth cannot be divided either."""


def judge(data: bytes, file: str) -> None:
    """Raise LabelSetError where the ONNX file that holds `data` must not be opened.

    `file` names it in messages. Takes time and memory in proportion to the number of its records,
    whatever they claim.
    """
    try:
        _judge(memoryview(data))
    except _BrokenError:
        what = "it is no ONNX file, or a damaged one"
        raise LabelSetError(Mistake(file, what, _EXPORT)) from None
    except _RefusedError as refused:
        raise LabelSetError(Mistake(file, str(refused), _EXPORT)) from None


class _BrokenError(Exception):
    """The bytes are no records."""


class _RefusedError(Exception):
    """The file asks for what is not done here; its text says what."""


def _judge(model: memoryview) -> None:
    graphs = []
    for field in _fields(model):
        kind = MODEL.get(field.number)
        if kind == "graph":
            graphs.append(_record(field))
        elif kind in ("training", "functions"):
            raise _RefusedError(f"it holds {kind} beside the network (expected the network alone)")
    if len(graphs) != 1:
        raise _BrokenError
    nodes: list[_Node] = []
    whole: set[str] = set()
    for field in _fields(graphs[0]):
        kind = GRAPH.get(field.number)
        if kind == "node":
            nodes.append(_read_node(_record(field)))
            if len(nodes) > MOST_NODES:
                raise _RefusedError(f"it has more than {MOST_NODES:,} operations")
        elif kind is not None:
            name, type_ = _judge_values(kind, _record(field))
            if type_ not in FLOATS:
                whole.add(name)
    if not nodes:
        raise _RefusedError("there is no operation in it")
    _judge_divisions(nodes, whole)


@dataclass
class _Node:
    """One operation, as far as it is judged; `whole` is None where its settings say no type."""

    operation: str
    inputs: list[str]
    outputs: list[str]
    whole: bool | None


def _read_node(record: memoryview) -> _Node:
    """Return an operation that may be done; raises _RefusedError elsewhere."""
    said: dict[str, list[str]] = {"input": [], "output": [], "operation": [], "domain": []}
    whole: bool | None = None
    for field in _fields(record):
        kind = NODE.get(field.number)
        if kind == "attribute":
            name, types = _judge_setting(_record(field))
            if types and name in ("to", "value", "value_int", "value_ints"):
                whole = any(type_ not in FLOATS for type_ in types) or bool(whole)
        elif kind is not None:
            said[kind].append(_text(field))
    if len(said["operation"]) != 1 or len(said["domain"]) > 1:
        raise _BrokenError
    operation, domain = said["operation"][0], "".join(said["domain"])
    if domain not in DOMAINS:
        seen = f"'{ellipsize(operation)}' of '{ellipsize(domain)}'"
        raise _RefusedError(f"it uses the operation {seen} (expected ONNX's own)")
    if operation not in OPERATIONS:
        raise _RefusedError(
            f"it uses the operation '{ellipsize(operation)}', which no classifier of pictures needs"
        )
    return _Node(operation, said["input"], said["output"], whole)


def _judge_setting(record: memoryview) -> tuple[str, list[int]]:
    """Return a setting's name and the types that it may give, by ONNX's numbers."""
    name, types, numbers = "", [], []
    for field in _fields(record):
        kind = ATTRIBUTE.get(field.number)
        if kind == "name":
            name = _text(field)
        elif kind == "number":
            numbers += _numbers(field)
        elif kind is not None:
            types.append(_judge_values(kind, _record(field))[1])
    if name not in ANY_NUMBER and any(abs(number) > LARGEST_NUMBER for number in numbers):
        raise _RefusedError(f"its setting '{ellipsize(name)}' is beyond {LARGEST_NUMBER:,}")
    return name, types + (numbers if name == "to" else [0] * len(numbers))


def _judge_divisions(nodes: list[_Node], whole: set[str]) -> None:
    """Raise _RefusedError where whole numbers are divided; `whole` are the values that are whole.

    The least whole number divided by -1 ends onnxruntime 1.31 and its process. Operations come in
    the order in which they are done; onnxruntime refuses any other.
    """
    for node in nodes:
        given = [name in whole for name in node.inputs]
        if node.operation in ("Div", "Mod") and any(given):
            what = f"it divides whole numbers ('{ellipsize(', '.join(node.inputs))}')"
            raise _RefusedError(f"{what}, as networks of no fixed size do")
        if node.operation in TO_WHOLE:
            gives = True
        elif node.operation in TO_FRACTION:
            gives = False
        elif node.operation in ("Cast", "Constant", "ConstantOfShape"):
            gives = bool(node.whole)
        elif node.operation in BY_FIRST:
            gives = any(given[:1])
        else:
            gives = any(given)
        if gives:
            whole.update(node.outputs)


def _judge_values(kind: str, record: memoryview) -> tuple[str, int]:
    """Return the name of a tensor and its type, by ONNX's number."""
    if kind == "graph":
        raise _RefusedError("it holds a network inside the network")
    if kind == "sparse":
        raise _RefusedError("it holds sparse tensors")
    dims: list[int] = []
    name, types = "", []
    single: set[int] = set()
    for field in _fields(record):
        if field.number in (EXTERNAL, LOCATION) and field.value:
            raise _RefusedError("some of its weights lie in other files (expected all in this one)")
        if field.number == STRINGS:
            raise _RefusedError("it holds text as a tensor")
        if field.number == DIMS:
            dims += _numbers(field)
        elif field.number in (DATA_TYPE, RAW):
            if field.number in single:
                raise _BrokenError
            single.add(field.number)
            if field.number == DATA_TYPE:
                types = _numbers(field)
        elif field.number == NAME:
            name = _text(field)
    # The smallest numbers take half a byte each, so nothing honest claims more than two a byte.
    claimed = math.prod(dims) if len(dims) <= MOST_DIMENSIONS and all(d >= 0 for d in dims) else -1
    if not 0 <= claimed <= 2 * len(record):
        seen = "×".join(str(dim) for dim in dims[:MOST_DIMENSIONS])
        raise _RefusedError(f"a tensor claims {ellipsize(seen)} numbers in {len(record):,} bytes")
    return name, types[0] if types else 0


def _fields(record: memoryview) -> Iterator[Field]:
    """Yield the fields of a record in their order; raises _BrokenError where it is none."""
    at, end = 0, len(record)
    while at < end:
        key, at = _varint(record, at)
        number, form = key >> 3, key & 7
        value: int | memoryview = 0
        if form == 0:
            value, at = _varint(record, at)
        elif form == 2:
            length, at = _varint(record, at)
            value, at = record[at : at + length], at + length
        elif form in (1, 5):
            at += 8 if form == 1 else 4
        else:
            raise _BrokenError
        if number == 0 or at > end:
            raise _BrokenError
        yield Field(number, value)


def _varint(record: memoryview, at: int) -> tuple[int, int]:
    """Return the number at `at` and where it ends."""
    value = 0
    for place, byte in enumerate(record[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & (1 << 64) - 1, at + place + 1
    raise _BrokenError


def _record(field: Field) -> memoryview:
    if isinstance(field.value, int):
        raise _BrokenError
    return field.value


def _numbers(field: Field) -> list[int]:
    """Return the signed numbers of a field, which is one or a packed list."""
    values, at = [], 0
    if isinstance(field.value, int):
        values.append(field.value)
    else:
        while at < len(field.value):
            if len(values) == MOST_NUMBERS:
                raise _RefusedError(f"it has a list of more than {MOST_NUMBERS:,} settings")
            value, at = _varint(field.value, at)
            values.append(value)
    return [value - (1 << 64) if value >> 63 else value for value in values]


def _text(field: Field) -> str:
    try:
        return str(_record(field), "utf-8")
    except UnicodeDecodeError:
        raise _BrokenError from None
