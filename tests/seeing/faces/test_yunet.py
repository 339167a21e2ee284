from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import WeightsError
from installation.seeing.faces import yunet
from installation.seeing.faces.yunet import YuNet


def test_tampered_weights_are_refused(tmp_path: Path) -> None:
    """A file of the right name and size with other content is never loaded."""
    file = tmp_path / yunet.WEIGHTS_FILE.name
    file.write_bytes(bytes(232_589))
    with pytest.raises(WeightsError, match="truncated or not the expected one") as caught:
        YuNet(file)
    assert yunet.WEIGHTS_SHA256 in str(caught.value)


def test_missing_weights_are_named_with_a_remedy(tmp_path: Path) -> None:
    """If YuNet's weights are missing, the message proposes `detector: mtcnn`."""
    with pytest.raises(WeightsError, match=r"cannot be read.*detector: mtcnn"):
        YuNet(tmp_path / yunet.WEIGHTS_FILE.name)
