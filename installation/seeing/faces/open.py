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

    `auto` is YuNet if `yunet_file` exists, otherwise MTCNN; the detector's `name` is the one of
    these. Both run on the CPU. Raises WeightsError.
    """
    if name == "yunet" or (name == "auto" and yunet_file.exists()):
        return yunet.YuNet(yunet_file)
    # ONNX Runtime takes a tenth of a second to import, and YuNet does without.
    from installation.seeing.faces.mtcnn import Mtcnn

    return Mtcnn()
