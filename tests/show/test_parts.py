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
    """Before the first visitor both networks run on a grey frame, and the classifier forgets."""
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
    """A camera that appears while the show loads replaces the rehearsal.

    The sandbox allows only the devices that were there when the launcher looked.
    """
    early, late = Path("/dev/video0"), Path("/dev/video2")
    status = SandboxStatus("enforce", devices=("/dev/null", "/dev/video0"))
    assert allowed_cameras([early, late], status) == [early]
    assert allowed_cameras([early, late], None) == [early, late]


SHOW = """
import sys, time
from pathlib import Path
import installation.show.entry
from installation.running.clock import MonotonicClock
from installation.running.latest import Latest
from installation.seeing.cameras.played.rehearsal import ENTER_S, RehearsalPictures
from installation.seeing.frame import Frame
from installation.settings.kiosk import load_settings
from installation.show.analysis import Analysis
from installation.show.parts import open_parts

class FilmClock(MonotonicClock):
    at = 0.0
    def now(self):
        return self.at

clock = FilmClock()
parts = open_parts(load_settings(Path("kiosk.yaml")), MonotonicClock(), lambda _: None)
def libraries():
    lines = open("/proc/self/maps").read().splitlines() if sys.platform == "linux" else ()
    return {line.partition("/")[2] for line in lines if ".so" in line}

without = libraries()
networks = parts.open_networks()
analysis = Analysis(parts, networks, Latest(), Latest(), clock, lambda frame: frame.box)
pictures, counts = RehearsalPictures(1280, 720, 30), set()
for number in range(60):
    clock.at = number / 10
    picture = pictures.picture(ENTER_S + 1 + number / 10)
    sightings = analysis.analyse(Frame(bgr=picture, taken_at=number / 10))
    counts.add(sightings.reading_count)
print(max(counts) > 0)
print(len(sys.modules))
print(sorted(libraries() - without))
print(*{name.partition(".")[0] for name in sys.modules})
print(any("libtriton" in library or "libtorch" in library for library in libraries()))
"""

HEAVY = {"torch", "torchvision", "timm", "scipy", "sklearn", "skimage", "transformers", "onnx"}
"""What the default show never loads; PyTorch alone has 1,217 modules and 567 MB."""

MOST_MODULES = 700
"""A little more than the 604 modules of a default show, of which the networks need 35."""


def test_the_default_show_reads_visitors_without_heavy_libraries() -> None:
    """The default show reads visitors without importing large libraries such as PyTorch.

    Once the networks are being opened, behind the mirror, no shared library is loaded. Triton is
    never loaded, because its LLVM and Mesa's crash a process that has both.
    """
    ran = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    has_read, count, behind_the_mirror, loaded, has_large_files = ran.stdout.splitlines()
    assert has_read == "True"
    assert not HEAVY & set(loaded.split())
    assert behind_the_mirror == "[]"
    assert int(count) <= MOST_MODULES
    assert has_large_files == "False"
