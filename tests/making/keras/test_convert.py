"""Tests that a file of Teachable Machine becomes classifier.onnx, and that no code in it is run.

Exports of other tools are tested in tests/naming/networks/test_onnx_network.py: two files by torch,
named axes by Optimum, a map by Custom Vision, channels last by tf2onnx.
"""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import pytest
import torch

from installation.errors import LabelSetError
from installation.making.build import build
from installation.making.check_set import check_lines
from installation.making.keras import convert
from installation.making.keras.to_onnx import to_onnx
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import open_encoder
from tests.support.children import needs_guard
from tests.support.confined import TELL_LAYERS, assert_confined
from tests.support.keras_files import (
    ANSWERS,
    SEED,
    keras_file,
    pictures_of_answers,
    teachable_machine,
)
from tests.support.tensors import encode

YAML = """\
title: Fruit
credit: Written for a test
root: {id: thing, name: thing, definition: something}
method: onnx
output: scores
"""


def _set(models: Path, data: bytes, yaml: str = YAML) -> Path:
    folder = models / "fruit"
    folder.mkdir(parents=True)
    (folder / "labelset.yaml").write_text(yaml)
    (folder / "labels.txt").write_text("0 Naranja\n1 Negro\n2 Nada\n")
    (folder / "keras_model.h5").write_bytes(data)
    return folder


@needs_guard
def test_the_child_that_converts_is_under_all_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads a stranger's Keras file can do nothing but compute."""
    monkeypatch.setattr(convert, "_CHILD", f"{convert._CHILD}; {TELL_LAYERS}")
    assert_confined(convert._in_child("keras_model.h5", keras_file(teachable_machine(size=32))))


def _refusal(models: Path, data: bytes) -> str:
    folder = _set(models, data)
    with pytest.raises(LabelSetError) as raised:
        build.build("fruit", models)
    assert not (folder / "classifier.onnx").exists()
    (mistake,) = raised.value.mistakes
    assert mistake.where.endswith("keras_model.h5")
    return mistake.problem


def test_a_file_of_teachable_machine_is_built_checked_and_read(tmp_path: Path) -> None:
    """Copy keras_model.h5 and labels.txt, build, and the set has no mistakes."""
    folder = _set(tmp_path, keras_file(teachable_machine(), SEED))
    with pytest.raises(LabelSetError, match="Run: kiosk labels build fruit"):
        list(check_lines("fruit", tmp_path))
    result = build.build("fruit", tmp_path)
    assert result is not None
    assert result.figures == [
        "keras_model.h5 was converted to classifier.onnx: pictures of 224×224 px, 3 outputs."
    ]
    lines = list(check_lines("fruit", tmp_path))
    assert "models/fruit has no mistakes: 3 labels shown, 0 hidden" in lines[0]
    label_set = load_label_set("fruit", EVERYTHING, tmp_path)
    encoder = open_encoder(label_set, "cpu")
    assert (encoder.input.mean, encoder.input.std) == ((0.5,) * 3, (0.5,) * 3)
    logits = encode(encoder, torch.from_numpy(pictures_of_answers().transpose(0, 3, 1, 2).copy()))
    assert (logits.softmax(1) - torch.tensor(ANSWERS)).abs().max() < 1e-5
    assert {path.name for path in folder.iterdir()} == {
        "labelset.yaml",
        "labels.txt",
        "keras_model.h5",
        "classifier.onnx",
    }


def test_a_build_says_that_the_outputs_are_scores(tmp_path: Path) -> None:
    """If `output: scores` is missing in labelset.yaml, the build says so, not only the show."""
    _set(tmp_path, keras_file(teachable_machine()), YAML.replace("output: scores\n", ""))
    result = build.build("fruit", tmp_path)
    assert result is not None
    assert result.figures[-1] == (
        "The outputs of classifier.onnx are scores. Write `output: scores` in labelset.yaml."
    )


def test_check_says_that_the_file_has_changed_since_the_build(tmp_path: Path) -> None:
    """A second export of the project is not shown until it is built, and check says so."""
    folder = _set(tmp_path, keras_file(teachable_machine(), SEED))
    build.build("fruit", tmp_path)
    (folder / "keras_model.h5").write_bytes(keras_file(teachable_machine(), SEED + 1))
    told = "keras_model.h5 has changed since it was converted. Run: kiosk labels build fruit"
    assert told in list(check_lines("fruit", tmp_path))
    build.build("fruit", tmp_path)
    assert told not in list(check_lines("fruit", tmp_path))


def test_an_artists_own_onnx_file_is_never_replaced(tmp_path: Path) -> None:
    """Two networks in a folder are a mistake; the artist decides which one stays."""
    folder = _set(tmp_path, keras_file(teachable_machine()))
    other = to_onnx(keras_file(teachable_machine(), 9)).replace(b"keras_sha256", b"other_sha256")
    (folder / "classifier.onnx").write_bytes(other)
    with pytest.raises(LabelSetError, match=r"two networks found.* Keep only one\."):
        build.build("fruit", tmp_path)
    assert (folder / "classifier.onnx").read_bytes() == other


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"class_name": "Sequential", "config": {"layers": [' * 200_000, "damaged"),
        (b'{"config": [' + b"[]," * 15_000_000 + b"[]]}", "more memory or time"),
    ],
)
def test_a_description_that_exhausts_its_reader_is_refused(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    """A description that is nested too deeply, or needs a gigabyte, ends only the child process."""
    target = io.BytesIO(keras_file(teachable_machine()))
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = text
    assert problem in _refusal(tmp_path, target.getvalue())


@pytest.mark.parametrize("length", [0, 7, 600, 100_000, 2_000_000])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, length: int) -> None:
    """A truncated download is refused as such."""
    problem = _refusal(tmp_path, keras_file(teachable_machine())[:length])
    assert "damaged" in problem or "are not in the file" in problem


def test_another_kind_of_file_under_that_name_is_refused(tmp_path: Path) -> None:
    """Keras' newer format is a zip, and Teachable Machine's other exports are no HDF5 either."""
    assert "not a Keras file" in _refusal(tmp_path, b"PK\x03\x04" + bytes(100))
