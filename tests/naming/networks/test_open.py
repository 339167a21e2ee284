from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.naming.label_set.folder import MAX_NETWORK_BYTES, ONNX_FILE, TENSORS_FILE
from installation.naming.networks.open import check_size
from tests.support.made_networks import HEADER, onnx_classifier, refusal, write_set


def test_there_is_one_network(tmp_path: Path) -> None:
    """A label set without a network, or with two, is refused with what it needs."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx", HEADER, "0,a,,,")
    assert "there is none (expected classifier.onnx, or" in refusal(folder)
    (folder / "classifier.onnx").write_bytes(b"")
    (folder / "model.safetensors").write_bytes(b"")
    assert "both are there" in refusal(folder)


def test_a_wrong_number_of_names_is_named(tmp_path: Path) -> None:
    """labels.txt must name every output of the network."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "classifier.onnx").write_bytes(onnx_classifier().SerializeToString())
    (folder / "labels.txt").write_text("Sun\nRain\nSnow\n")
    assert refusal(folder) == (
        "labels.txt: it names 3 outputs, but the network has 4. Name each output, in their order."
    )


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """The size of a file is checked before it is read."""
    for name in (ONNX_FILE, TENSORS_FILE):
        file = tmp_path / name
        with file.open("wb") as sparse:
            sparse.truncate(MAX_NETWORK_BYTES + 1)
        with pytest.raises(LabelSetError, match="Use a smaller network"):
            check_size(file)
        file.unlink()
        with pytest.raises(LabelSetError, match="it cannot be read"):
            check_size(file)
