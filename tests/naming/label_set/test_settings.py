from __future__ import annotations

from pathlib import Path

import pytest

from installation.naming.label_set.settings import LabelSetSettings, RootSettings
from installation.naming.methods import METHODS, Method
from tests.support.label_sets import YAML, mistakes, write_label_set


@pytest.mark.parametrize("line", [r'title: "\UFFFFFFFF"', f"%YAML 1.{'9' * 5000}\n---"])
def test_values_that_break_the_yaml_parser_are_mistakes(tmp_path: Path, line: str) -> None:
    """An escape beyond Unicode and an oversized YAML version are mistakes, not tracebacks."""
    write_label_set(tmp_path, yaml=f"{line}\n{YAML}")
    (mistake,) = mistakes(tmp_path)
    assert "labelset.yaml: this is not well-formed YAML" in mistake


def test_an_unknown_method_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """A misspelt method is a mistake that lists the methods and names the nearest."""
    write_label_set(tmp_path, yaml=YAML.replace("method: text", "method: prompt"))
    (mistake,) = mistakes(tmp_path)
    assert mistake == (
        "weather/labelset.yaml:4: method is 'prompt' (expected one of text, prompts, examples, "
        "classes, onnx). Did you mean 'prompts'?"
    )


@pytest.mark.parametrize("method", METHODS.values(), ids=str)
def test_the_defaults_are_the_methods_own(method: Method) -> None:
    """Temperature, least score and network are the method's, unless labelset.yaml sets them."""
    root = RootSettings(id="p", name="person", definition="a human being")
    settings = LabelSetSettings(title="A", credit="B", root=root, method=method)
    assert (settings.temperature, settings.min_score) == (method.temperature, method.min_score)
    assert settings.encoder_name == method.encoder
    other = LabelSetSettings(title="A", credit="B", root=root, method=method, temperature=3.0)
    assert (other.temperature, other.min_score) == (3.0, method.min_score)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "mean: [123.675, 116.28, 103.53]",
            "input.mean is for colours from 0 to 255 (expected for colours from 0 to 1). "
            "Write mean: [0.485, 0.456, 0.406].",
        ),
        (
            "std: [58, 57, 57]",
            "input.std is for colours from 0 to 255 (expected for colours from 0 to 1). "
            "Write std: [0.2275, 0.2235, 0.2235].",
        ),
        (
            "mean: 0.5",
            "input.mean is 0.5 (expected a list of 3 items, in which each item is a number from "
            "-10 to 10). Change the value, or remove the setting.",
        ),
    ],
)
def test_a_mean_of_another_scale_or_form_is_written_out(
    tmp_path: Path, line: str, message: str
) -> None:
    """A mean for colours up to 255 is refused with the values to write instead.

    A single number is refused with the form of a list.
    """
    write_label_set(tmp_path, yaml=f"{YAML.replace('text', 'onnx')}input: {{{line}}}\n")
    (mistake,) = mistakes(tmp_path)
    assert mistake.endswith(message)
