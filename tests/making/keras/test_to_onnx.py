"""Tests that a converted network computes the same as its Keras file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import onnxruntime
import pytest

from installation.making.keras.layers import RefusedError
from installation.making.keras.to_onnx import to_onnx
from tests.support.keras_files import (
    ANSWERS,
    SEED,
    Description,
    keras_file,
    pad_as_new_keras_does,
    pictures_of_answers,
    teachable_machine,
)


@pytest.mark.parametrize("change", [lambda same: same, pad_as_new_keras_does])
def test_a_converted_network_answers_as_keras_does(
    change: Callable[[Description], Description],
) -> None:
    """The scores equal Keras' to within 1e-5, for each way of writing the padding."""
    network = to_onnx(keras_file(change(teachable_machine()), SEED))
    session = onnxruntime.InferenceSession(network)
    (scores,) = session.run(None, {"pictures": pictures_of_answers().transpose(0, 3, 1, 2)})
    assert np.abs(scores - ANSWERS).max() < 1e-5


def _lambda(description: Description) -> None:
    code = ["4wEAAAAAAAAAAAAAAAEAAAACAAAAQw==", None, None]
    config = {"name": "lambda", "function": code, "function_type": "lambda"}
    description["config"]["layers"].append({"class_name": "Lambda", "config": config})


def _own_class(description: Description) -> None:
    layer = {"class_name": "os>system", "config": {"name": "touch"}}
    description["config"]["layers"].append(layer)


def _features(description: Description) -> list[Any]:
    layers: list[Any] = description["config"]["layers"][1]["config"]["layers"][1]["config"][
        "layers"
    ]
    return layers


def _dilated(description: Description) -> None:
    _features(description)[2]["config"]["dilation_rate"] = [2, 2]


def _huge(description: Description) -> None:
    description["config"]["layers"][2]["config"]["layers"][2]["config"]["units"] = 100_000


def _twice(description: Description) -> None:
    layer = _features(description)[3]
    layer["inbound_nodes"] = layer["inbound_nodes"] * 2


def _small(description: Description) -> None:
    description["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 224, 224, 1]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_lambda, "it has a layer of the kind 'Lambda'"),
        (_own_class, "it has a layer of the kind 'os>system'"),
        (_dilated, "the setting dilation_rate.0 of its layer 'Conv1' (Conv2D) is 2"),
        (_twice, "it uses a layer twice"),
        (_small, "its input is [None, 224, 224, 1] (expected colour pictures"),
    ],
)
def test_what_teachable_machine_does_not_write_is_refused(
    change: Callable[[Description], None], problem: str
) -> None:
    """A Lambda layer with code, a class that names code, and other settings are refused."""
    description = teachable_machine()
    data = keras_file(teachable_machine())
    change(description)
    with pytest.raises(RefusedError) as raised:
        to_onnx(_with_description(data, description))
    assert str(raised.value).startswith(problem)


def test_layers_that_claim_more_than_the_file_holds_are_refused() -> None:
    """The weights are compared with the description before memory is allocated for them."""
    description = teachable_machine()
    _huge(description)
    data = keras_file(teachable_machine())
    with pytest.raises(RefusedError) as raised:
        to_onnx(_with_description(data, description))
    assert str(raised.value) == (
        "the weights 'dense_Dense2/kernel' have the shape 100×3 (expected 100×100000)"
    )


def _with_description(data: bytes, description: Description) -> bytes:
    target = io.BytesIO(data)
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = json.dumps(description).encode()
    return target.getvalue()
