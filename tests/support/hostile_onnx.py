"""ONNX files of many tiny records, which are cheap to make and expensive to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

GRAPH, NODE = 7, 1
"""The numbers of the field `graph` of a model, and of the field `node` of a graph."""


def varint(number: int, padding: int = 0) -> bytes:
    """Return `number` as protobuf writes it, with `padding` bytes that add nothing."""
    parts = []
    while True:
        parts.append(number & 0x7F)
        number >>= 7
        if not number:
            break
    parts += [0] * padding
    return bytes(part | 0x80 for part in parts[:-1]) + bytes(parts[-1:])


def field(number: int, content: bytes) -> bytes:
    """Return the field `number` of a message, whose value is `content`."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def _empty(*path: int, count: int) -> bytes:
    """Return nested fields with the numbers of `path`; the innermost are `count` empty ones."""
    *outer, last = path
    content = field(last, b"") * count
    for number in reversed(outer):
        content = field(number, content)
    return content


def _packed(count: int) -> bytes:
    """Return one operation with settings whose lists of numbers have `count` zeros in all."""
    setting = field(5, field(1, b"a") + field(8, bytes(min(count, 50_000))))
    return field(GRAPH, field(NODE, setting * (count // 50_000 + 1)))


def _nested(count: int) -> bytes:
    """Return `count` nested messages: a node, its attribute, the attribute's graph, and so on."""
    heads: list[bytes] = []
    length = 0
    for i in range(count):
        head = varint((NODE, 5, 6)[(count - 1 - i) % 3] << 3 | 2) + varint(length)
        heads.append(head)
        length += len(head)
    return field(GRAPH, b"".join(reversed(heads)))


HOSTILE: Mapping[str, Callable[[int], bytes]] = {
    "unknown fields": lambda count: b"\x78\x00" * count,
    "graphs": lambda count: _empty(GRAPH, count=count),
    "versions": lambda count: _empty(8, count=count),
    "metadata": lambda count: _empty(14, count=count),
    "operations": lambda count: _empty(GRAPH, NODE, count=count),
    "tensors": lambda count: _empty(GRAPH, 5, count=count),
    "inputs": lambda count: _empty(GRAPH, 11, count=count),
    "descriptions of values": lambda count: _empty(GRAPH, 13, count=count),
    "empty names": lambda count: _empty(GRAPH, NODE, 1, count=count),
    "settings": lambda count: _empty(GRAPH, NODE, 5, count=count),
    "dimensions": lambda count: field(GRAPH, field(5, b"\x08\x00" * count)),
    "packed zeros": _packed,
}
"""Files with at least as many records as the argument, keyed by what they consist of."""

NESTED = _nested
"""A file of messages within messages, as many as the argument."""
