"""Counts the records of an ONNX file, before the package onnx builds an object for each of them.

An ONNX file consists of records: a key that names a field, and the field's value, which may consist
of records too. A file of 30 MB may have 15 million records of two bytes. Protobuf makes an object
for each of them, and the checks that follow take microseconds for each object, so such a file kept
its reader busy for minutes. Counting stops at the limit. The bytes within long values, such as
weights, are skipped.

Rejected: a limit of processor time alone. A show that starts would wait until the limit is reached,
and a limit that suits a slow computer is long.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf.message import DecodeError
from onnx import ModelProto

MOST_RECORDS = 500_000
"""The largest number of records in an ONNX file. A vision transformer of the size "large" has
60,000 if its exporter adds a description to each operation.
"""

DEEPEST = 100
"""The depth to which protobuf reads messages within messages."""

_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
"""The wire types, in the lowest three bits of a key (protobuf.dev, Encoding). The groups of old
protobuf files (3, 4) are not in ONNX.
"""

_FIXED_BYTES = {_FIXED_64: 8, _FIXED_32: 4}

_LONGEST_VARINT = 10
"""The largest number of bytes of a varint."""

_LAST_BYTES = bytes(range(128))
"""The values of a varint's last byte."""

Fields = Mapping[int, Any]
"""The descriptors of those fields of a message type that contain messages or numbers, keyed by
field number.
"""


def count_records(data: bytes, most: int) -> int:
    """Return the number of records in the ONNX file `data`, or `most` + 1 if it has more.

    A packed list of numbers is one record, but its numbers count as well, except in the data of
    tensors. Only the bytes below 128 are counted in such a list: each varint has exactly one of
    them, but a number of a fixed size may have none or several. Raises DecodeError if the file is
    damaged.
    """
    count = at = 0
    end, fields = len(data), _fields(ModelProto.DESCRIPTOR)
    outer: list[tuple[int, Fields]] = []
    while at < end or outer:
        if at == end:
            end, fields = outer.pop()
            continue
        count += 1
        if count > most:
            break
        key, at = _read_varint(data, at, end)
        wire_type = key & 7
        if wire_type == _VARINT:
            _, at = _read_varint(data, at, end)
            continue
        if wire_type == _LENGTH:
            size, at = _read_varint(data, at, end)
        elif (fixed := _FIXED_BYTES.get(wire_type)) is not None:
            size = fixed
        else:
            raise DecodeError
        after = at + size
        if after > end:
            raise DecodeError
        field = fields.get(key >> 3) if wire_type == _LENGTH else None
        if field is None:
            at = after
        elif field.message_type is None:
            # Each varint ends with one such byte; fixed numbers need no more memory than here.
            count += size - len(data[at:after].translate(None, _LAST_BYTES))
            at = after
        elif len(outer) == DEEPEST:
            raise DecodeError
        else:
            outer.append((end, fields))
            end, fields = after, _fields(field.message_type)
    return min(count, most + 1)


def _read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the varint at the offset `at`, and the offset after it; raises DecodeError."""
    number = 0
    for i in range(min(_LONGEST_VARINT, end - at)):
        byte = data[at + i]
        number |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return number, at + i + 1
    raise DecodeError


@cache
def _fields(message: Any) -> Fields:
    """Return the fields that `count_records` looks into, keyed by field number.

    They contain messages or numbers, but not the data of tensors. `message` is protobuf's
    description of a message type.
    """
    return {
        field.number: field
        for field in message.fields
        if field.message_type is not None
        or (field.type not in (field.TYPE_STRING, field.TYPE_BYTES) and not _is_data(field))
    }


def _is_data(field: Any) -> bool:
    """Return whether a field contains the numbers of a tensor; these numbers are not checked."""
    return bool(field.containing_type.name == "TensorProto" and field.name.endswith("_data"))
