from __future__ import annotations

import onnx
import pytest
from google.protobuf.message import DecodeError
from onnx import TensorProto

from installation.naming.networks.onnx_weights import data_location, take_weights
from tests.support.made_networks import onnx_classifier


def test_the_second_file_becomes_the_weights_of_its_tensors() -> None:
    """The tensor that names a second file has that file's bytes, and names no file any more."""
    model = onnx_classifier()
    tensor = model.graph.initializer[1]
    whole, weights = onnx.ModelProto.FromString(model.SerializeToString()), tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w")
    assert data_location(tensor) == {"location": "w"}
    assert take_weights(model, weights) is None
    assert model == whole


@pytest.mark.parametrize("offset", ["-1", "1e3", "٣", "", "9" * 20])
def test_an_offset_that_is_not_a_number_is_damage(offset: str) -> None:
    """Only plain digits are an offset."""
    model = onnx_classifier()
    tensor = model.graph.initializer[1]
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "w"), ("offset", offset)):
        tensor.external_data.add(key=key, value=value)
    with pytest.raises(DecodeError):
        take_weights(model, bytes(100))
