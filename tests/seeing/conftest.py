"""Fixtures and settings for all tests of this room."""

import pytest
import torch

from installation.seeing.faces.detector import Detector
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.faces.yunet import YuNet
from tests.support.pictures import yunet_file

# Networks as small as MTCNN's gain nothing from a second thread, and wait long for one while other
# programs use the cores.
torch.set_num_threads(1)


@pytest.fixture(scope="session", params=["mtcnn", "yunet"])
def detector(request: pytest.FixtureRequest) -> Detector:
    """Return each detector."""
    return Mtcnn() if request.param == "mtcnn" else YuNet(yunet_file())
