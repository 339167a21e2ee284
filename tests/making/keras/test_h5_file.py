"""Tests that weights are read only if they are numbers in the file itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from installation.making.keras.layers import RefusedError
from installation.making.keras.to_onnx import to_onnx
from tests.support.keras_files import keras_file, teachable_machine

Array = np.ndarray[Any, Any]
NAME = "dense_Dense2/kernel:0"


def _file(store: Callable[[h5py.Group, str, Array], None]) -> bytes:
    """Return a file in which `store` writes the last weights; the others are written as usual."""

    def write(group: h5py.Group, name: str, array: Array) -> None:
        if name == NAME:
            store(group, name, array)
        else:
            group.create_dataset(name, data=array)

    return keras_file(teachable_machine(), write=write)


def _external_link(group: h5py.Group, name: str, _: Array) -> None:
    group[name] = h5py.ExternalLink("/etc/passwd", "/weights")


def _soft_link_to_nothing(group: h5py.Group, name: str, _: Array) -> None:
    group[name] = h5py.SoftLink("/nowhere")


def _group(group: h5py.Group, name: str, _: Array) -> None:
    group.create_group(name)


def _compressed(group: h5py.Group, name: str, array: Array) -> None:
    group.create_dataset(name, data=array, compression="gzip")


def _double(group: h5py.Group, name: str, array: Array) -> None:
    group.create_dataset(name, data=array.astype(np.float64))


def _in_second_file(group: h5py.Group, name: str, array: Array) -> None:
    external = [("/etc/passwd", 0, array.nbytes)]
    group.create_dataset(name, shape=array.shape, dtype="f4", external=external)


def _virtual(group: h5py.Group, name: str, array: Array) -> None:
    layout = h5py.VirtualLayout(array.shape, "f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "weights", array.shape)
    group.create_virtual_dataset(name, layout)


def _never_written(group: h5py.Group, name: str, array: Array) -> None:
    group.create_dataset(name, shape=array.shape, dtype="f4")


def _terabyte(group: h5py.Group, name: str, _: Array) -> None:
    group.create_dataset(name, shape=(2**20, 2**18), dtype="f4")


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (_external_link, "link"),
        (_soft_link_to_nothing, "link"),
        (_group, "group or a link"),
        (_compressed, "not one block of uncompressed float32 numbers"),
        (_double, "not one block of uncompressed float32 numbers"),
        (_in_second_file, "not in the file"),
        (_virtual, "not one block of uncompressed float32 numbers"),
        (_never_written, "not in the file"),
        (_terabyte, "have the shape 1048576×262144 (expected 100×3)"),
    ],
)
def test_weights_that_are_not_plain_numbers_in_the_file_are_refused(
    store: Callable[[h5py.Group, str, Array], None], problem: str
) -> None:
    """Weights that are linked, compressed, missing or of another shape are refused.

    The message names the array.
    """
    with pytest.raises(RefusedError, match="dense_Dense2/kernel") as raised:
        to_onnx(_file(store))
    assert problem in str(raised.value)


def test_weights_without_their_network_are_told_from_a_damaged_file(tmp_path: Path) -> None:
    """A file by `save_weights` of Keras is refused as weights without their network."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_group("model_weights")
    with pytest.raises(RefusedError, match="contains weights only"):
        to_onnx((tmp_path / "weights.h5").read_bytes())
