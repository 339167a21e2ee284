"""YuNet, OpenCV's face detector, for venues that have fetched its file.

W. Wu, H. Peng, S. Yu, *YuNet: A Tiny Millisecond-level Face Detector*, 2023; MIT licence. YuNet is
faster than MTCNN and finds turned heads more reliably.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from installation.memory.buffers import Buffers
from installation.pinned_file import read_pinned
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face, reduce_frame
from installation.seeing.frame import Frame
from installation.settings.paths import WEIGHTS

WEIGHTS_FILE = WEIGHTS / "face_detection_yunet_2023mar.onnx"
WEIGHTS_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

MIN_SCORE = 0.7
"""The least score of a detection that counts as a face, 0–1; a guess. With OpenCV's default, 0.9,
turned heads are missed.
"""

NMS_IOU = 0.3
"""The IoU above which two detections count as one face; OpenCV's default."""

MAX_CANDIDATES = 200
"""The largest number of detections that are compared with each other; if there are more, those with
the lowest scores are ignored.
"""


class YuNet:
    """Finds faces of about 10–300 px on the reduced frame. Use it from one thread only.

    Raises WeightsError if `file` is missing, truncated or not the pinned one.
    """

    name = "yunet"
    follows = False

    def __init__(self, file: Path = WEIGHTS_FILE) -> None:
        data = read_pinned(
            file, WEIGHTS_SHA256, "Run `kiosk fetch yunet`, or set `detector: mtcnn`."
        )
        self._size = (0, 0)
        """The picture size that the network is configured for: width and height, px."""
        self._holds_frame = False
        self._buffers = Buffers()
        # OpenCV warns on stderr about a target that is not used here.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._net = cv2.FaceDetectorYN.create(
            "onnx",
            np.frombuffer(data, np.uint8),
            np.empty(0, np.uint8),
            (320, 320),
            MIN_SCORE,
            NMS_IOU,
            MAX_CANDIDATES,
        )

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        try:
            small, factor = reduce_frame(frame, self._buffers)
            size = small.shape[1], small.shape[0]
            if size != self._size:
                self._net.setInputSize(size)
                self._size = size
            self._holds_frame = True
            _, rows = self._net.detect(small)  # (N, 15) or None
        finally:
            self._buffers.forget()
        faces = [] if rows is None else [_face(row.tolist(), factor) for row in rows]
        return sorted(faces, key=lambda face: -face.score)

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:  # noqa: ARG002 - see below
        """Return all faces of `frame`: the network searches everywhere in one pass."""
        return self.detect(frame)

    def forget(self) -> None:
        """Run the network on a black frame, to overwrite data that OpenCV still holds."""
        if self._holds_frame:
            width, height = self._size
            self.detect(Frame(bgr=np.zeros((height, width, 3), np.uint8), taken_at=0.0))
            self._holds_frame = False


def _face(row: list[float], factor: float) -> Face:
    """Return the face that `row` describes: x, y, width, height, five landmarks and a score."""
    x, y, width, height, *points, score = (*(value * factor for value in row[:14]), row[14])
    pairs = list(zip(points[::2], points[1::2], strict=True))
    a, b, c, d, e = pairs
    return Face(Box(x, y, x + width, y + height), min(1.0, score), (a, b, c, d, e))
