"""Opens the detector that `detector` in kiosk.yaml names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from installation.seeing.faces import yunet
from installation.seeing.faces.detector import Detector

if TYPE_CHECKING:
    import torch


def open_detector(
    name: Literal["auto", "mtcnn", "yunet"],
    device: torch.device,
    yunet_file: Path = yunet.WEIGHTS_FILE,
) -> Detector:
    """Load the detector's networks and return the detector.

    `auto` takes YuNet if `yunet_file` exists and MTCNN if not; the detector's `name` says which.
    YuNet runs on the CPU whatever `device` is. Raises WeightsError.
    """
    if name == "yunet" or (name == "auto" and yunet_file.exists()):
        return yunet.YuNet(yunet_file)
    # PyTorch takes seconds to import, and the first scene is painted before that.
    from installation.seeing.faces.mtcnn import Mtcnn

    return Mtcnn(device)
