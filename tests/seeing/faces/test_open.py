from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from installation.errors import WeightsError
from installation.seeing.faces import yunet
from installation.seeing.faces.open import open_detector
from tests.support.pictures import yunet_file

CPU: Final = "cpu"


def test_auto_takes_mtcnn_if_there_is_no_file_for_yunet(tmp_path: Path) -> None:
    """Without YuNet's file `detector: auto` opens MTCNN, so the default show needs no download."""
    assert open_detector("auto", tmp_path / yunet.WEIGHTS_FILE.name).name == "mtcnn"


def test_auto_takes_yunet_if_its_file_is_there() -> None:
    """The faster detector is used as soon as it has been fetched."""
    assert open_detector("auto", yunet_file()).name == "yunet"


def test_auto_refuses_a_file_of_yunets_name_with_other_content(tmp_path: Path) -> None:
    """A damaged file is an error, and not a silent change of the detector."""
    file = tmp_path / yunet.WEIGHTS_FILE.name
    file.touch()
    with pytest.raises(WeightsError, match=r"Run `kiosk fetch yunet`, or set `detector: mtcnn`"):
        open_detector("auto", file)


def test_mtcnn_is_taken_by_name_even_if_yunets_file_is_there(tmp_path: Path) -> None:
    """`detector: mtcnn` reads no file of YuNet."""
    file = tmp_path / yunet.WEIGHTS_FILE.name
    file.touch()
    assert open_detector("mtcnn", file).name == "mtcnn"
