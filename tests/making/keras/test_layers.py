"""Tests that only layers of Teachable Machine, with settings that ONNX supports, are accepted."""

from __future__ import annotations

import pytest

from installation.making.keras.layers import KINDS, RefusedError, Relu, parse_layer
from tests.support.keras_files import teachable_machine


def test_every_kind_that_is_known_is_one_of_teachable_machines() -> None:
    """Every supported kind of layer is in the tests' network of Teachable Machine."""
    text = repr(teachable_machine())
    assert {kind for kind in KINDS if f"'class_name': '{kind}'" in text} == set(KINDS)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"max_value": 6.0}, None),
        ({"max_value": None}, None),
        ({"max_value": "6"}, "the setting max_value of its layer 'relu' (ReLU) is '6'"),
        ({"max_value": -1.0}, "the setting max_value of its layer 'relu' (ReLU) is -1.0"),
        ({"max_value": float("inf")}, "the setting max_value of its layer 'relu' (ReLU) is inf"),
        ({}, "the setting max_value of its layer 'relu' (ReLU) is missing"),
        (
            {"max_value": 6.0, "negative_slope": 0.3},
            "the setting negative_slope of its layer 'relu' (ReLU)",
        ),
    ],
)
def test_a_setting_that_would_compute_something_else_is_refused(
    settings: dict[str, object], problem: str | None
) -> None:
    """A setting for which ONNX would compute something else is refused, with its layer."""
    config = {"name": "relu", **settings}
    if problem is None:
        assert parse_layer("ReLU", config) == Relu(name="relu", max_value=settings["max_value"])  # type: ignore[arg-type]
        return
    with pytest.raises(RefusedError) as raised:
        parse_layer("ReLU", config)
    assert str(raised.value).startswith(problem)
