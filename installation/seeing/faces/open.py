"""Opens the detector that `detector` in kiosk.yaml names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from installation.seeing.faces import yunet
from installation.seeing.faces.detector import Detector


def open_detector(
    name: Literal["auto", "mtcnn", "yunet"],
    yunet_file: Path = yunet.WEIGHTS_FILE,
) -> Detector:
    """Load the detector's networks and return the detector.

    `auto` means YuNet if `yunet_file` exists, otherwise MTCNN; the `name` of the returned detector
    says which of the two it is. Both run on the CPU. Raises WeightsError.
    """
    if name == "yunet" or (name == "auto" and yunet_file.exists()):
        return yunet.YuNet(yunet_file)
    # Importing ONNX Runtime takes a tenth of a second, and YuNet does not need it.
    from installation.seeing.faces.mtcnn import Mtcnn

    return Mtcnn()
