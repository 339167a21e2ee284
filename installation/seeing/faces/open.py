"""From what the curator wrote under `detector` to a detector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from installation.seeing.faces import yunet
from installation.seeing.faces.detector import Detector

if TYPE_CHECKING:
    import torch


def open_detector(
    name: Literal["auto", "mtcnn", "yunet"], device: torch.device, file: Path = yunet.FILE
) -> Detector:
    """Return the detector, its network loaded.

    `auto` takes YuNet where its `file` is and MTCNN elsewhere; the detector's `name` says which.
    YuNet runs on the CPU whatever `device` is. Raises WeightsError.
    """
    if name == "yunet" or (name == "auto" and file.exists()):
        return yunet.YuNet(file)
    # PyTorch takes seconds to import, and the window is painted before that.
    from installation.seeing.faces.mtcnn import Mtcnn

    return Mtcnn(device)
