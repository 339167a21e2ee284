from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from installation.errors import WeightsError
from installation.naming.networks import efficientnet
from installation.naming.networks.efficientnet import CLASSES, FILE, EfficientNetLite0
from installation.naming.networks.efficientnet_torch import EfficientNetLite0Torch
from installation.naming.networks.encoder import Batch, Encoder


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Twelve crops."""
    return np.random.default_rng(0).random((12, 3, 224, 224), np.float32) * 2 - 1


@pytest.mark.parametrize("output", ["logits", "features"])
def test_it_gives_what_pytorch_gives(output: str, batch: Batch) -> None:
    """Logits and features differ by less than 1e-4 from those of the package's own weights."""
    ours = EfficientNetLite0(output=output)  # type: ignore[arg-type]
    theirs = EfficientNetLite0Torch("cpu", output=output)  # type: ignore[arg-type]
    assert ours.width == theirs.width
    assert ours.fingerprint == theirs.fingerprint
    assert np.abs(ours.encode(batch) - theirs.encode(batch)).max() < 1e-4


def test_it_keeps_the_encoders_contract(batch: Batch) -> None:
    """The network satisfies Encoder: a row of `width` float32 numbers per crop, or no rows."""
    encoder: Encoder = EfficientNetLite0()
    for count in (0, 1, 3, 12):
        logits = encoder.encode(batch[:count])
        assert logits.shape == (count, encoder.width)
        assert logits.dtype == np.float32


def test_a_batch_is_its_crops_one_by_one(batch: Batch) -> None:
    """The logits of a crop do not depend on the other crops, nor on forgetting in between."""
    network = EfficientNetLite0()
    together = network.encode(batch)
    network.forget()
    alone = np.concatenate([network.encode(crop[None]) for crop in batch])
    assert np.array_equal(together, alone)


class TwoAtOnce:
    """A session that runs only while a second thread runs it too; `failing` raises in one."""

    def __init__(self, failing: str = "") -> None:
        self._both = threading.Barrier(2, timeout=60)
        self._failing = failing
        self.running = 0

    def run(self, _: list[str], given: dict[str, Batch]) -> list[Batch]:
        """Return the mean of each crop as its logits."""
        self.running += 1
        self._both.wait()
        if threading.current_thread().name == self._failing:
            self.running -= 1
            raise ArithmeticError(self._failing)
        means = given["batch"].mean(axis=(1, 2, 3))
        self.running -= 1
        return [np.repeat(means[:, None], CLASSES, axis=1)]


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two cores."""
    monkeypatch.setattr(efficientnet, "usable_cores", lambda: 2)


@pytest.mark.usefixtures("two_cores")
def test_two_crops_are_encoded_at_once(batch: Batch) -> None:
    """On two cores each thread has a crop, and each row has the logits of its own crop."""
    network = EfficientNetLite0()
    network._session = TwoAtOnce()
    rows = network.encode(batch)
    np.testing.assert_array_equal(rows[:, 0], batch.mean(axis=(1, 2, 3)))


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("failing", ["reading", "MainThread"])
def test_a_failure_in_one_thread_ends_both(failing: str, batch: Batch) -> None:
    """The exception is raised when nothing runs any more, so that the crops can be zeroed."""
    network = EfficientNetLite0()
    network._session = session = TwoAtOnce(failing)
    with pytest.raises(ArithmeticError, match=failing):
        network.encode(batch[:2])
    assert session.running == 0
    network.forget()


@pytest.mark.usefixtures("two_cores")
def test_one_second_thread_reads_until_the_network_forgets(batch: Batch) -> None:
    """All batches have the same second thread, which ends with `forget` and starts again."""
    before = set(threading.enumerate())

    def further_threads() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in before]

    network = EfficientNetLite0()
    network.encode(batch[:2])
    first = further_threads()
    network.encode(batch[:3])
    assert further_threads() == first
    assert [thread.name for thread in first] == ["reading"]
    network.forget()
    assert further_threads() == []
    network.encode(batch[:2])
    assert [thread.name for thread in further_threads()] == ["reading"]
    network.forget()


def refusal(file: Path) -> str:
    """Return the message for a file that is not the network's."""
    with pytest.raises(WeightsError) as caught:
        EfficientNetLite0(file)
    return str(caught.value)


def test_a_truncated_or_tampered_file_is_refused(tmp_path: Path) -> None:
    """A file that is not the pinned one, byte for byte, is never loaded."""
    content = bytearray(FILE.read_bytes())
    file = tmp_path / FILE.name
    file.write_bytes(content[:-1])
    assert "truncated or not the expected one" in refusal(file)
    content[1_000_000] ^= 1
    file.write_bytes(content)
    assert "not the expected one" in refusal(file)
    assert refusal(file).endswith("Restore this file from the kiosk's repository.")
    assert "the file cannot be read" in refusal(tmp_path / "missing.onnx")
