from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from installation.errors import LabelSetError
from installation.naming.networks.confined_network import ConfinedNetwork
from installation.naming.networks.onnx_network import OnnxNetwork
from tests.support.made_networks import SIDE, made_onnx


def test_the_logits_are_those_of_the_network_in_this_process(tmp_path: Path) -> None:
    """The child returns the same logits as this process, for batches of any size."""
    label_set = made_onnx(tmp_path)
    data = (label_set.folder / "classifier.onnx").read_bytes()
    confined, plain = ConfinedNetwork(label_set, data, "abc"), OnnxNetwork(label_set, data, "cpu")
    assert (confined.width, confined.input, confined.fingerprint) == (4, plain.input, "abc")
    for count in (3, 1, 0):
        batch = np.random.default_rng(0).random((count, 3, SIDE, SIDE), np.float32)
        assert np.array_equal(confined.encode(batch), plain.encode(batch))


def test_what_is_not_a_network_is_refused_by_name(tmp_path: Path) -> None:
    """A child that fails is a mistake in the set's file, not a traceback."""
    label_set = made_onnx(tmp_path)
    with pytest.raises(LabelSetError, match=r"classifier\.onnx"):
        ConfinedNetwork(label_set, b"no network", "abc")


def test_a_child_that_was_killed_is_a_mistake(tmp_path: Path) -> None:
    """A network that needs too much memory or time is ended by the kernel; the command says so."""
    label_set = made_onnx(tmp_path)
    data = (label_set.folder / "classifier.onnx").read_bytes()
    confined = ConfinedNetwork(label_set, data, "abc")
    confined._child.kill()
    with pytest.raises(LabelSetError, match="needs more memory or time than the kiosk allows"):
        confined.encode(np.zeros((1, 3, SIDE, SIDE), np.float32))
