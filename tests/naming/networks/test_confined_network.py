from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from installation.errors import LabelSetError
from installation.naming.networks import confined_network, onnx_check
from installation.naming.networks.confined_network import (
    ConfinedNetwork,
    NetworkLimitError,
    try_network,
)
from installation.naming.networks.onnx_network import OnnxNetwork
from installation.naming.networks.open import open_encoder
from installation.running import heartbeat
from tests.support.made_networks import SIDE, made_hf, made_onnx, opened


def test_the_logits_are_those_of_the_network_in_this_process(tmp_path: Path) -> None:
    """The child returns the same logits as this process, for batches of any size."""
    label_set = made_onnx(tmp_path)
    data = (label_set.folder / "classifier.onnx").read_bytes()
    confined, plain = ConfinedNetwork(label_set, data, "abc"), OnnxNetwork(label_set, data, "cpu")
    assert (confined.width, confined.input, confined.fingerprint) == (4, plain.input, "abc")
    for count in (3, 1, 0):
        batch = np.random.default_rng(0).random((count, 3, SIDE, SIDE), np.float32)
        assert np.array_equal(confined.encode(batch), plain.encode(batch))


def test_a_network_from_hugging_face_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Outside a show PyTorch runs it in a confined child, which returns the same logits."""
    label_set = made_hf(tmp_path)
    confined, plain = open_encoder(label_set, "cpu"), opened(label_set.folder)
    assert isinstance(confined, ConfinedNetwork)
    assert confined.library == "PyTorch, in a process of its own"
    assert (confined.width, confined.input) == (plain.width, plain.input)
    assert (confined.name, confined.fingerprint) == (plain.name, plain.fingerprint)
    status = Path(f"/proc/{confined._child.pid}/status").read_text()
    assert "Seccomp:\t2" in status
    for count in (3, 0):
        batch = np.random.default_rng(0).random((count, 3, 64, 64), np.float32)
        assert np.abs(confined.encode(batch) - plain.encode(batch)).max(initial=0) < 1e-4
    file = label_set.folder / "config.json"
    file.write_text(file.read_text().replace('"mean"', '"mean": [9, 9], "was"'))
    with pytest.raises(LabelSetError) as here:
        opened(label_set.folder)
    with pytest.raises(LabelSetError) as there:
        open_encoder(label_set, "cpu")
    assert there.value.mistakes == here.value.mistakes


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


ENDINGS = {
    "it crashes": "import os; os.abort()",
    "its answer is no JSON": "print('x' * 100_000)",
    "its answer is longer than a line": "print('[' + '0,' * 100_000)",
    "it does not answer": "import time; time.sleep(600)",
    "it does not read": "import sys, time; sys.stdin.close(); time.sleep(600)",
    "its line does not end": "import time; print('{', end='', flush=True); time.sleep(600)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_child_keeps_its_command_waiting(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a child crashes, answers wrongly or does not answer in time, its network is refused."""
    label_set = made_onnx(tmp_path)
    monkeypatch.setattr(confined_network, "_CHILD", ENDINGS[ending])
    monkeypatch.setattr(confined_network, "OPEN_TIMEOUT_S", 0.2)
    with pytest.raises(NetworkLimitError, match="needs more memory or time than the kiosk allows"):
        ConfinedNetwork(label_set, bytes(1_000_000), "abc")


def test_a_trial_fails_only_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial fails if the child needs too much memory, but not if it cannot read the network.

    A network that cannot be read is refused when it is opened with its label set's settings.
    """
    label_set = made_onnx(tmp_path)
    data = (label_set.folder / "classifier.onnx").read_bytes()
    try_network(label_set.folder, data)
    try_network(label_set.folder, b"no network")
    monkeypatch.setattr(confined_network, "_CHILD", "raise MemoryError")
    with pytest.raises(NetworkLimitError):
        try_network(label_set.folder, data)


def test_a_strangers_network_cannot_outlast_the_start_of_a_show() -> None:
    """Judging, trying and opening a network take less time than the supervisor allows a start."""
    most_s = onnx_check.CHILD_TIMEOUT_S + 2 * confined_network.OPEN_TIMEOUT_S
    assert most_s <= heartbeat.START_S - 40
