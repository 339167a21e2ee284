from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from installation.guarding.status import SandboxStatus
from installation.naming.label_set.load import load_label_set
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.settings.kiosk import CameraSettings, ContentSettings
from installation.settings.paths import PROJECT
from installation.show.parts import allowed_cameras, warm_up
from tests.support.small_show import FirstLabel, OneFace


def test_before_the_first_visitor_everything_has_run_once() -> None:
    """Both networks see a grey frame of the camera's size; then the classifier forgets it."""
    calls: list[tuple[object, ...]] = []

    class RecordingDetector(OneFace):
        def detect(self, frame: Frame) -> list[Face]:
            calls.append(("detect", frame.width, frame.height))
            return []

    class RecordingClassifier(FirstLabel):
        def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
            assert all(0 < box.area < frame.width * frame.height for box in boxes)
            calls.append(("classify", frame.width, frame.height, len(boxes)))
            return super().classify(frame, boxes)

        def forget(self) -> None:
            calls.append(("forget",))

    classifier = RecordingClassifier(load_label_set("kindnesses", ContentSettings()))
    warm_up(RecordingDetector(), classifier, CameraSettings(width=640, height=360, rotate=90))
    assert calls == [("detect", 360, 640), ("classify", 360, 640, 1), ("forget",)]


def test_a_camera_that_comes_while_the_show_loads_counts_as_new() -> None:
    """After the computer was switched on a camera may come late; the rehearsal then gives way.

    The sandbox allows the devices that were there when the launcher looked.
    """
    early, late = Path("/dev/video0"), Path("/dev/video2")
    status = SandboxStatus("enforce", devices=("/dev/null", "/dev/video0"))
    assert allowed_cameras([early, late], status) == [early]
    assert allowed_cameras([early, late], None) == [early, late]


def test_nothing_that_the_show_loads_loads_triton() -> None:
    """Triton's LLVM and that of Mesa's OpenGL crash a process that has both: a dead wall."""
    script = (
        "import sys, installation.naming.reading.classifier, installation.seeing.faces.mtcnn\n"
        "print(sorted(name for name in sys.modules if name.startswith('triton.')))\n"
        "maps = open('/proc/self/maps').read() if sys.platform == 'linux' else ''\n"
        "print('libtriton' in maps)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )
    assert ran.stdout.splitlines() == ["[]", "False"], ran.stderr
