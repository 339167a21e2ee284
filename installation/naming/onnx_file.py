"""A stranger's ONNX file, judged before onnxruntime sees a byte of it.

The file is walked as what it is, nested records of protocol buffers, with the few fields that
matter: which operations it asks for, what lies outside the file, how large tensors claim to be. The
package onnx was rejected for this: it builds the whole network in memory before anything is judged.

Only operations that pictures' classifiers are made of are let through. None of them reads a file,
holds a network inside the network, repeats itself, or handles text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from installation.document import cut
from installation.errors import LabelSetError, Mistake

OPERATIONS = set(
    """
    Abs Add And Attention AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat
    Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos CumSum DepthToSpace
    DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten
    Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
    Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool LRN MatMul
    MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mul Neg Not Or PRelu Pad Pow
    QLinearConv QLinearMatMul QuantizeLinear RMSNormalization Range Reciprocal ReduceL1 ReduceL2
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

LONGEST_VARINT = 10
"""Bytes of a number in a protocol buffer."""

_EXPORT = "Export it as one plain network in one file, as torch.onnx.export does."


@dataclass(frozen=True)
class Field:
    """One field of a record: its number, and what it holds."""

    number: int
    value: int | memoryview
    """A number (fixed-size ones as 0), or the bytes of text, a tensor's values, or a record."""


# The fields of each kind of record that are looked into, by number (onnx.proto3, IR version 13).
MODEL = {7: "graph", 20: "training", 25: "functions"}
GRAPH = {1: "node", 5: "tensor", 15: "sparse"}
NODE = {4: "operation", 5: "attribute", 7: "domain"}
ATTRIBUTE = {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"}
DIMS, DATA_TYPE, STRINGS, RAW, EXTERNAL, LOCATION = 1, 2, 6, 9, 13, 14
"""Fields of a tensor."""


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
    nodes = 0
    for field in _fields(graphs[0]):
        kind = GRAPH.get(field.number)
        if kind == "node":
            nodes += 1
            if nodes > MOST_NODES:
                raise _RefusedError(f"it has more than {MOST_NODES:,} operations")
            _judge_node(_record(field))
        elif kind is not None:
            _judge_values(kind, _record(field))
    if not nodes:
        raise _RefusedError("there is no operation in it")


def _judge_node(node: memoryview) -> None:
    said: dict[str, str] = {}
    for field in _fields(node):
        kind = NODE.get(field.number)
        if kind == "attribute":
            for part in _fields(_record(field)):
                if inside := ATTRIBUTE.get(part.number):
                    _judge_values(inside, _record(part))
        elif kind is not None:
            if kind in said:
                raise _BrokenError
            said[kind] = _text(field)
    operation, domain = said.get("operation", ""), said.get("domain", "")
    if domain not in DOMAINS:
        raise _RefusedError(
            f"it uses the operation '{cut(operation)}' of '{cut(domain)}' (expected ONNX's own)"
        )
    if operation not in OPERATIONS:
        raise _RefusedError(
            f"it uses the operation '{cut(operation)}', which no classifier of pictures needs"
        )


def _judge_values(kind: str, record: memoryview) -> None:
    if kind == "graph":
        raise _RefusedError("it holds a network inside the network")
    if kind == "sparse":
        raise _RefusedError("it holds sparse tensors")
    dims: list[int] = []
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
    # The smallest numbers take half a byte each, so nothing honest claims more than two a byte.
    claimed = math.prod(dims) if len(dims) <= MOST_DIMENSIONS and all(d >= 0 for d in dims) else -1
    if not 0 <= claimed <= 2 * len(record):
        seen = "×".join(str(dim) for dim in dims[:MOST_DIMENSIONS])
        raise _RefusedError(f"a tensor claims {cut(seen)} numbers in {len(record):,} bytes")


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
        while at < len(field.value) and len(values) <= MOST_DIMENSIONS:
            value, at = _varint(field.value, at)
            values.append(value)
    return [value - (1 << 64) if value >> 63 else value for value in values]


def _text(field: Field) -> str:
    try:
        return str(_record(field), "utf-8")
    except UnicodeDecodeError:
        raise _BrokenError from None
