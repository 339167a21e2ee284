from __future__ import annotations

import onnx
import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from installation.errors import LabelSetError
from installation.naming.networks import onnx_check
from installation.naming.networks.onnx_records import DEEPEST, MOST_RECORDS, count_records
from tests.support.call_count import count_calls
from tests.support.hostile_onnx import GRAPH, HOSTILE, NESTED, field, varint
from tests.support.made_networks import onnx_classifier


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_count_ends_at_the_limit(kind: str) -> None:
    """What follows the largest allowed number of records is not read."""
    data = HOSTILE[kind](100_000)
    assert count_records(data, 200_000) >= 100_000
    assert count_calls(lambda: count_records(data, 500)) < 5_000
    assert count_records(data, 500) == 501


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_of_too_many_records_is_not_parsed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake is reported before the package onnx makes an object of each record."""
    monkeypatch.setattr(onnx_check, "MOST_RECORDS", 500)
    monkeypatch.setattr(onnx_check, "ModelProto", lambda: pytest.fail("the file is parsed"))
    with pytest.raises(LabelSetError, match="it has more than 500 entries") as raised:
        onnx_check.judge_here("classifier.onnx", HOSTILE[kind](1_000))
    assert "Export the network alone" in str(raised.value)


def test_messages_within_messages_are_refused_at_the_depth_of_protobuf() -> None:
    """Protobuf refuses the same depth, so such a file is damaged for both."""
    onnx.ModelProto.FromString(NESTED(DEEPEST - 2))
    assert count_records(NESTED(DEEPEST - 2), MOST_RECORDS) == DEEPEST - 1
    for refuses in (lambda data: count_records(data, MOST_RECORDS), onnx.ModelProto.FromString):
        with pytest.raises(DecodeError):
            refuses(NESTED(DEEPEST + 2))


def test_networks_are_far_from_the_limit() -> None:
    """A network with 2,000 operations has less than a tenth of the records that are allowed."""
    model = onnx_classifier()
    for i in range(2_000):
        node = helper.make_node(
            "Conv", ["x", "w", "b"], [f"y{i}"], kernel_shape=[3, 3], pads=[1] * 4
        )
        node.doc_string = "where it is from"
        model.graph.node.append(node)
    assert count_records(model.SerializeToString(), MOST_RECORDS) < MOST_RECORDS / 10


def test_weights_are_one_record() -> None:
    """The numbers of a tensor are not counted, however they are stored."""
    for number in (4, 5, 7, 9, 10, 11):
        assert (
            count_records(field(GRAPH, field(5, field(number, bytes(80_000)))), MOST_RECORDS) == 3
        )


def records(message: Message) -> int:
    """Return the number of records of a message, by protobuf's own reading."""
    count = 0
    for described, value in message.ListFields():
        values = value if described.is_repeated else [value]
        count += sum(1 + (records(each) if described.message_type else 0) for each in values)
    return count


def test_the_count_is_that_of_protobuf() -> None:
    """The oracle: all values that protobuf finds in a network."""
    model = onnx_classifier()
    model.graph.node.append(helper.make_node("Conv", ["x"], ["y"], kernel_shape=[3, 3], name="c"))
    assert count_records(model.SerializeToString(), MOST_RECORDS) == records(model)


@settings(max_examples=2_000)
@given(st.binary(max_size=60), st.integers(0, 5))
def test_what_is_counted_as_damaged_is_damaged_for_protobuf(content: bytes, padding: int) -> None:
    """A file that `count_records` calls damaged is damaged for protobuf too, or contains groups.

    Protobuf reads groups, but ONNX files have none.
    """
    data = varint(GRAPH << 3 | 2) + varint(len(content), padding) + content
    try:
        count_records(data, MOST_RECORDS)
    except DecodeError:
        try:
            read = onnx.ModelProto.FromString(data)
        except DecodeError:
            return
        # Protobuf keeps a group as an unknown field.
        unknown = read.ByteSize()
        read.DiscardUnknownFields()
        assert read.ByteSize() < unknown
