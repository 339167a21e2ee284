"""Checks a stranger's ONNX file before onnxruntime reads any of it.

The package onnx parses the file, and all operations of its graph are checked. Only operations that
image classifiers consist of are allowed: none of them reads a file, contains another network,
loops, or handles text. Divisions of integers and huge numbers, with which fuzzing crashed
onnxruntime's process, are rejected as well.

A file may also be made to exhaust its reader: records of two bytes take 76 times as much memory in
the package onnx as in the file (measured with 1.23), and checking 15 million of them took minutes.
So the records are counted first (`onnx_records`). The file is read in a child process, which has
limits of memory and time, is in the show's whole sandbox, and may crash without consequences. A
show has the file checked before its sandbox forbids new processes; a network that is changed while
the show runs is used from the next start on.

onnxruntime has another parser, which may find other content in the same bytes: keys beyond 32 bits,
fields that the package onnx does not know, or its own format. So onnxruntime never reads the file
itself; it reads the checked network, which is serialised again.

Exporters may write the weights of a network into a second file. These weights are put into the
first file before it is checked, so onnxruntime never opens a file.

Rejected: parsing the whole file with code of our own. That needs no child process, but such code
must know what each field means; `onnx_records` only counts.
"""

from __future__ import annotations

import math
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError, EncodeError
from onnx import ModelProto
from onnx.external_data_helper import uses_external_data

from installation.errors import LabelSetError, Mistake, ellipsize
from installation.guarding.confine import confine
from installation.isolated import OPTIONS
from installation.naming.label_set.folder import ONNX_DATA_FILE
from installation.naming.networks.onnx_divisions import division_of_integers
from installation.naming.networks.onnx_records import MOST_RECORDS, count_records
from installation.naming.networks.onnx_weights import data_location, take_weights
from installation.settings.paths import PROJECT

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
"""The allowed operations, all of them ONNX's own (onnx.ai/onnx/operators)."""

DOMAINS = ("", "ai.onnx")
"""The two names of the domain of ONNX's own operations."""

MOST_NODES = 20_000
"""The largest number of operations in a network; a vision transformer of the size "huge" has about
2,000.
"""

MOST_DIMENSIONS = 16

MOST_NUMBERS = 100_000
"""The largest number of values in one list of an operation's settings."""

LARGEST_NUMBER = 1_000_000
"""The largest absolute value of an integer in an operation's settings, such as a size or an axis.

A larger `blocksize` can crash the process: onnxruntime 1.31 divides by the square of `blocksize`,
which can overflow to zero.
"""

ANY_NUMBER = ("starts", "ends", "value_int", "value_ints")
"""The settings to which `LARGEST_NUMBER` does not apply, because in them the largest int64 means
"to the end".
"""

CHILD_BYTES = 2**30
"""The child process may use this much memory (bytes) in addition to five times the network's size.

This is enough for a network of 1.6 GB, the largest that is allowed, if nearly all of it is tensors.
"""

CHILD_CPU_S = 20
"""The limit on the child process's CPU time, s, in addition to `CPU_S_PER_GB`."""

CPU_S_PER_GB = 30
"""How much more CPU time the child process may use for each 10⁹ bytes of the network, s. The
process needs about 4 s for each.
"""

CHILD_TIMEOUT_S = 60.0
"""The limit on the elapsed time of the child process, s.

A show has its network checked while it starts. The supervisor ends a show that has not started in
time (`running.heartbeat`), so this limit is shorter than the supervisor's limit.
"""

_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from installation.naming.networks.onnx_check import judge_input; judge_input()"
)

_EXPORT_REMEDY = (
    "Export the network alone, for one picture of a fixed size; or, if Hugging Face has the "
    "network, copy its config.json and model.safetensors in place of this file."
)


PACKED = ("MatMulNBits", "MatMulBnb4", "GatherBlockQuantized")
"""The operations of onnxruntime whose weights have few bits each, as in the files `model_q4`,
`model_q4f16` and `model_bnb4` for transformers.js.
"""

PACKED_REMEDY = (
    "Copy model.onnx, model_fp16.onnx or model_quantized.onnx from the folder where this file was "
    "published, and name it classifier.onnx; or replace this file with config.json and "
    "model.safetensors of the network that it was made from."
)

NAMING = ("ArgMax", "Hardmax")
"""ONNX operations that choose a name from the scores in networks of Custom Vision."""

NAMING_REMEDY = (
    "Cut off the operations after the scores, by means of onnx.utils.extract_model; see Custom "
    "Vision in the table of exporters in docs/artists.md."
)
"""The remedy for a network whose last operations turn scores into names."""

OPTIMISED_REMEDY = (
    "Export the network without `--optimize`, or replace this file with config.json and "
    "model.safetensors of the network that it was made from."
)
"""The remedy for an operation that only onnxruntime has. Its optimiser merges several of ONNX's
operations into such an operation.
"""

_ACCEPTED, _REFUSED = b"+", b"-"
"""The first byte of the child's answer. After `_ACCEPTED` comes the network; after `_REFUSED` come
the reason and the remedy, with `_SEPARATOR` between them.
"""

_SEPARATOR = "\0"

_LENGTH = struct.Struct("<Q?")
"""The first bytes of the child's input: the length of the first file, and whether a second one
follows it.
"""

_ORT, _ORT_AT = b"ORTM", 4
"""The bytes, and their offset, by which onnxruntime recognises its own format, whatever the other
bytes are.
"""

MOST_METADATA = 200
"""The longest metadata entry that is kept: the number of characters in its key and value together.
An entry in which `making.keras` stores a hash is shorter.
"""


class _BrokenError(Exception):
    """The bytes are not an ONNX file."""


class _RefusedError(Exception):
    """The file contains something that is not allowed; the error's text says what."""

    def __init__(self, problem: str, remedy: str = _EXPORT_REMEDY) -> None:
        super().__init__(problem)
        self.remedy = remedy


def judge(file: str, data: bytes, weights: bytes | None = None) -> bytes:
    """Return the checked network of the ONNX file `data`, serialised again.

    An exporter may have written the weights into a second file; then `weights` has the bytes of
    this file, and the result contains them. Both files are read in a child process. `file` is the
    name of the ONNX file in messages. Raises LabelSetError if the network must not be opened, or if
    the sandbox no longer allows child processes.
    """
    with start_child(file) as child:
        return judge_in(child, file, data, weights)


def start_child(file: str) -> subprocess.Popen[bytes]:
    """Return a child process for `judge_in`; the process waits for the ONNX file.

    `file` is that file's name in messages. Raises LabelSetError if the sandbox no longer allows
    child processes.
    """
    try:
        return subprocess.Popen(
            [sys.executable, *OPTIONS, "-X", "utf8", "-c", _CHILD, str(PROJECT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        problem = (
            "this network is new, but new networks are checked by a separate process, which a "
            "running show must not start"
        )
        raise LabelSetError(Mistake(file, problem, "Restart the show.")) from None


def judge_in(
    child: subprocess.Popen[bytes], file: str, data: bytes, weights: bytes | None = None
) -> bytes:
    """Return what `judge` returns, from the `child` that `start_child` has started."""
    first = _LENGTH.pack(len(data), weights is not None)
    try:
        answer, _ = child.communicate(
            b"".join((first, data, weights or b"")), timeout=CHILD_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        child.kill()
        problem = f"reading the file took more than {CHILD_TIMEOUT_S:.0f} s"
        raise _refused(file, problem) from None
    if child.returncode or answer[:1] not in (_ACCEPTED, _REFUSED):
        problem = "reading the file needs more memory or time than the kiosk allows for its size"
        raise _refused(file, problem)
    if answer[:1] == _REFUSED:
        problem, _, remedy = answer[1:].decode("utf-8").partition(_SEPARATOR)
        raise _refused(file, problem, remedy)
    return answer[1:]


def judge_here(file: str, data: bytes, weights: bytes | None = None) -> bytes:
    """Return what `judge` returns, but read the file in this process.

    Memory and time are not limited.
    """
    judged = _judged(data, weights)
    if isinstance(judged, _RefusedError):
        raise _refused(file, str(judged), judged.remedy)
    return judged


def judge_input() -> None:
    """Write the checked ONNX network to standard output, or the reason why it is rejected.

    Standard input has `_LENGTH`, the ONNX file and, if there is one, the second file with weights.

    This is the child process of `judge`.
    """
    with open(0, "rb", closefd=False) as stdin:
        first = stdin.read(_LENGTH.size)
        if not first:
            return  # `judge` had no file to send.
        length, has_weights = _LENGTH.unpack(first)
        data, weights = stdin.read(length), stdin.read()
    size = len(data) + len(weights)
    confine(5 * size + CHILD_BYTES, CHILD_CPU_S + int(CPU_S_PER_GB * size / 1e9))
    judged = _judged(data, weights if has_weights else None)
    if isinstance(judged, _RefusedError):
        answer = _REFUSED + f"{judged}{_SEPARATOR}{judged.remedy}".encode()
    else:
        answer = _ACCEPTED + judged
    with open(1, "wb", closefd=False) as stdout:
        stdout.write(answer)


def _refused(file: str, problem: str, remedy: str = _EXPORT_REMEDY) -> LabelSetError:
    return LabelSetError(Mistake(file, problem, remedy))


def _judged(data: bytes, weights: bytes | None) -> bytes | _RefusedError:
    """Return the network of an ONNX file, serialised again, or why it must not be opened."""
    if data[_ORT_AT : _ORT_AT + len(_ORT)] == _ORT:
        return _RefusedError("it is in onnxruntime's own format (expected ONNX)")
    try:
        if count_records(data, MOST_RECORDS) > MOST_RECORDS:
            return _RefusedError(
                f"it has more than {MOST_RECORDS:,} entries (fields, and numbers outside the "
                "weights), and no image classifier has so many"
            )
        model = ModelProto()
        model.ParseFromString(data)
        if weights is not None and (problem := take_weights(model, weights)) is not None:
            return _RefusedError(problem)
        _check(model)
        written = bytes(_rewritten(model).SerializeToString(deterministic=True))
    except (DecodeError, EncodeError, _BrokenError):
        return _RefusedError("the file is not an ONNX file, or is damaged")
    except _RefusedError as refused:
        return refused
    assert written[_ORT_AT : _ORT_AT + len(_ORT)] != _ORT
    return written


def _rewritten(model: Any) -> Any:
    """Return a new ModelProto with the parts of `model` that `_check` has checked.

    Fields that the package onnx does not know are left out. They were not checked, and ONNX Runtime
    might know them.
    """
    new = ModelProto(ir_version=model.ir_version)
    for opset in model.opset_import:
        if opset.domain not in DOMAINS:
            continue  # `_check_node` rejects its operations.
        new.opset_import.add(domain=opset.domain, version=opset.version)
    for entry in model.metadata_props:
        _check_names(entry.key, entry.value)
        if len(entry.key) + len(entry.value) <= MOST_METADATA:
            new.metadata_props.add(key=entry.key, value=entry.value)
    graph = new.graph
    graph.name = "network"
    for node in model.graph.node:
        kept = graph.node.add(op_type=node.op_type, domain=node.domain)
        kept.input.extend(node.input)
        kept.output.extend(node.output)
        for setting in node.attribute:
            if setting.ref_attr_name:
                raise _RefusedError("it contains functions in addition to the network")
            kept.attribute.add().CopyFrom(setting)
    graph.initializer.extend(model.graph.initializer)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for value in (*graph.input, *graph.output):
        if value.type.WhichOneof("value") != "tensor_type":
            problem = "one of its inputs or outputs is not a tensor (expected only tensors)"
            raise _RefusedError(problem, NAMING_REMEDY)
    new.DiscardUnknownFields()
    return new


def _check(model: Any) -> None:
    """Raise _RefusedError or _BrokenError if a ModelProto must not be opened."""
    for beside, found in (("training", model.training_info), ("functions", model.functions)):
        if found:
            raise _RefusedError(
                f"it contains {beside} in addition to the network (expected the network alone)"
            )
    if not model.HasField("graph"):
        raise _BrokenError
    graph = model.graph
    if graph.sparse_initializer:
        raise _RefusedError("it contains sparse tensors")
    if len(graph.node) > MOST_NODES:
        raise _RefusedError(f"it has more than {MOST_NODES:,} operations")
    if not graph.node:
        raise _RefusedError("it does not contain any operation")
    for tensor in graph.initializer:
        _check_tensor(tensor)
    for node in graph.node:
        _check_node(node)
    if (problem := division_of_integers(graph)) is not None:
        raise _RefusedError(problem)


def _check_names(*names: object) -> None:
    """Raise _BrokenError if a name is not valid UTF-8.

    protobuf returns such a name as bytes.
    """
    if not all(isinstance(name, str) for name in names):
        raise _BrokenError


def _check_node(node: Any) -> None:
    """Raise _RefusedError if an operation or its settings are not allowed."""
    settings = [setting.name for setting in node.attribute]
    _check_names(node.op_type, node.domain, *node.input, *node.output, *settings)
    if node.domain not in DOMAINS:
        raise _foreign(node)
    for setting in node.attribute:
        if setting.HasField("g") or setting.graphs:
            raise _RefusedError("one of its operations contains another network")
        if setting.HasField("sparse_tensor") or setting.sparse_tensors:
            raise _RefusedError("it contains sparse tensors")
        if len(setting.ints) > MOST_NUMBERS:
            raise _RefusedError(f"a setting of an operation has more than {MOST_NUMBERS:,} numbers")
        numbers = (setting.i, *setting.ints)
        if setting.name not in ANY_NUMBER and any(abs(n) > LARGEST_NUMBER for n in numbers):
            name = ellipsize(setting.name)
            raise _RefusedError(
                f"the setting '{name}' of an operation is larger than {LARGEST_NUMBER:,}"
            )
        for tensor in _tensors(setting):
            _check_tensor(tensor)
    if node.op_type not in OPERATIONS:
        name = ellipsize(node.op_type)
        problem = f"it uses the operation '{name}', which image classifiers do not need"
        remedy = NAMING_REMEDY if node.op_type in NAMING else _EXPORT_REMEDY
        raise _RefusedError(problem, remedy)


def _foreign(node: Any) -> _RefusedError:
    """Return the error for an operation that is not one of ONNX's own."""
    name, domain = ellipsize(node.op_type), ellipsize(node.domain)
    if node.op_type in PACKED:
        problem = (
            f"its operation '{name}' packs weights in onnxruntime's own format, as model_q4, "
            "model_q4f16 and model_bnb4 do (expected operations of the ONNX standard)"
        )
        return _RefusedError(problem, PACKED_REMEDY)
    problem = f"it uses the operation '{name}' of '{domain}' (expected ONNX's own)"
    if node.domain == "ai.onnx.ml":
        return _RefusedError(problem, NAMING_REMEDY)
    if node.domain == "com.microsoft":
        return _RefusedError(problem, OPTIMISED_REMEDY)
    return _RefusedError(problem)


def _tensors(setting: Any) -> Sequence[Any]:
    return (setting.t, *setting.tensors) if setting.HasField("t") else setting.tensors


def _check_tensor(tensor: Any) -> None:
    """Raise _RefusedError if a tensor contains text, or too few numbers for its shape."""
    _check_names(tensor.name)
    if uses_external_data(tensor) or tensor.external_data:
        name = ellipsize(str(data_location(tensor).get("location", "")))
        problem = f"some of its weights are in a second file, '{name}'"
        raise _RefusedError(f"{problem} (expected in the same folder, named {ONNX_DATA_FILE})")
    if tensor.string_data:
        raise _RefusedError("a tensor contains text (expected numbers)", NAMING_REMEDY)
    dims = tensor.dims
    # The smallest numbers take half a byte each, so no valid tensor has more than two in a byte.
    fits = len(dims) <= MOST_DIMENSIONS and all(dim >= 0 for dim in dims)
    if not fits or math.prod(dims) > 2 * tensor.ByteSize():
        seen = "×".join(str(dim) for dim in dims[:MOST_DIMENSIONS])
        size = tensor.ByteSize()
        raise _RefusedError(f"a tensor of {size:,} bytes claims to have {ellipsize(seen)} numbers")
