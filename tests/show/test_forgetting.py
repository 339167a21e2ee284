"""A whole show whose memory is searched from outside, while a visitor is there and afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from installation.memory.onnx_session import open_session
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.seeing.faces import mtcnn
from installation.settings.paths import PROJECT
from tests.support.pictures import yunet_file

pytestmark = pytest.mark.slow

SIZE = (640, 360)

SHOW = """
import os, sys, threading
from dataclasses import replace
from pathlib import Path
from installation import STARTED_AT
from installation.settings import kiosk as config
from installation.show.parts import open_parts
from installation.show.show import Show
from installation.errors import CameraError, Mistake
from installation.running.clock import MonotonicClock
from installation.seeing.frame import Frame
from installation.memory.pool import Pool
from installation.showing.window import OffScreen

folder, ending = Path(sys.argv[1]), sys.argv[3]
yunet = Path(sys.argv[4]) if sys.argv[4:] else None
named = []

class RawCamera:
    # Reads pictures straight into the pool, so that this camera makes no other copy.
    name, visitor_there = "raw pictures", True
    def __init__(self):
        self.pool, self.closed = Pool(), threading.Event()
    def read(self):
        self.closed.wait(1 / 30)
        if named and ending == "lost":
            raise CameraError(Mistake("camera", "it was unplugged", "Plug it in again."))
        pixels = self.pool.take(360, 640)
        name = "visitor" if self.visitor_there else "wall"
        with open(folder / name, "rb", buffering=0) as file:
            file.readinto(memoryview(pixels).cast("B"))
        return Frame(bgr=pixels, taken_at=clock.now())
    def forget(self):
        self.pool.forget()
    def close(self):
        self.closed.set()

camera = RawCamera()

def write(name, array):
    with open(folder / name, "wb", buffering=0) as file:
        file.write(memoryview(array.reshape(-1)).cast("B"))

def pause(name):
    # Waits until the test has searched the memory; the visitor must not be lost meanwhile.
    clock.stop()
    print(name, flush=True)
    sys.stdin.readline()
    clock.go_on()

paused = []

class PausingPNet:
    # MTCNN's first network, which pauses once after the last level with a pattern: the arena still
    # holds what was computed of it.
    def __init__(self, session):
        self.session, self.get_outputs = session, session.get_outputs
    def run(self, names, given):
        if named and ending == "detector failed":
            raise RuntimeError("the detector has failed")
        outputs = self.session.run(names, given)
        if given["pixels"].shape[2] == int(sys.argv[2]) and not paused:
            paused.append(True)
            pause("detecting")
        return outputs

class PausingNet:
    # YuNet's network, which pauses once after a detection: it still holds its input.
    def __init__(self, net):
        self.net, self.setInputSize = net, net.setInputSize
    def detect(self, bgr):
        found = self.net.detect(bgr)
        if not paused:
            paused.append(True)
            pause("detecting")
        return found

class PausingEfficientNet:
    # The classifier's network, which pauses once after a run, and writes the batch to disk.
    def __init__(self, session):
        self.session, self.count = session, 0
    def run(self, names, given):
        self.count += 1
        if self.count > 3 and ending == "classifier failed":  # who has a name is not read
            raise RuntimeError("the classifier has failed")
        outputs = self.session.run(names, given)
        if self.count == 3:
            write("batch", given["batch"])
            pause("classifying")
        return outputs

class VisibleScreen(OffScreen):
    visible = True

class PrintingClock(MonotonicClock):
    # Prints that the trouble card is on the screen, and stands still during a pause.
    printed = False
    paused_s, stopped_at = 0.0, None
    def now(self):
        stopped_at = self.stopped_at
        return super().now() - self.paused_s if stopped_at is None else stopped_at
    def stop(self):
        self.stopped_at = self.now()
    def go_on(self):
        self.paused_s = super().now() - self.stopped_at
        self.stopped_at = None
    def wait(self, seconds):
        if not self.printed:
            self.printed = True
            print("card", flush=True)
        super().wait(seconds)

clock = PrintingClock()

def open_pausing_parts(*arguments):
    parts = open_parts(*arguments)
    return replace(
        parts, open_camera=lambda: camera, open_networks=lambda: pausing(parts.open_networks())
    )

def pausing(networks):
    detector = networks.detector
    if yunet is None:
        detector._sessions["pnet.onnx"] = PausingPNet(detector._sessions["pnet.onnx"])
    else:
        from installation.seeing.faces.yunet import YuNet
        detector = YuNet(yunet)
        detector._net = PausingNet(detector._net)
    encoder = networks.classifier.encoder
    encoder._session = PausingEfficientNet(encoder._session)
    return replace(networks, detector=detector)

def emit(event):
    print(event["event"], flush=True)
    if event["event"] == "verdict":
        named.append(True)
        camera.visitor_there = ending != "left"

def log(line):
    print(line, file=sys.stderr)
    if line.startswith("analysis: failed"):
        # The mirror goes on with those who are present: now nobody.
        camera.visitor_there = False
        print("failed", flush=True)

Show(
    config.load_settings(folder / "kiosk.yaml"), VisibleScreen((640, 360)), started_at=STARTED_AT,
    clock=clock, log=log, emit=emit,
    open_parts=open_pausing_parts,
).run(100)
os._exit(0)
"""

Pattern = bytes


def classifier_forms(batch: bytes) -> dict[str, tuple[bytes, int]]:
    """Return the classifier's `batch`, which the program writes, and the features in its arena.

    The features are computed here from the batch; the program itself reads only the logits.
    """
    crops = np.frombuffer(batch, np.float32).reshape(-1, 3, 224, 224)
    features = EfficientNetLite0(output="features").encode(crops)
    return {"batch": (batch, 4), "features": (features.tobytes(), 4)}


def visitor() -> npt.NDArray[np.uint8]:
    """Return a frame of noise with a face in it, whose bytes no other memory has."""
    picture = np.random.default_rng(7).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    package = find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    portrait = cv2.imread(str(Path(package.origin).parent / "data" / "astronaut.png"))
    assert portrait is not None
    picture[40:360, 160:480] = cv2.resize(portrait, (320, 320))
    return picture


def patterns(data: bytes, step: int, count: int = 60) -> list[Pattern]:
    """Return up to `count` runs of 32 bytes of `data` that occur nowhere else by chance.

    `step` is the size of a number in `data`, bytes.
    """
    random = np.random.default_rng(1)
    starts = random.integers(0, (len(data) - 32) // step, 50 * count) * step
    stretches = (data[start : start + 32] for start in starts)
    rare = [each for each in stretches if len(set(each[:4])) > 2 and len(set(each)) > 8]
    return rare[:count]


def levels(count: int = 3) -> Iterator[tuple[int, int]]:
    """Yield the width and height, px, of the first levels of the detector's image pyramid."""
    scale = mtcnn.PNET_PX / mtcnn.MIN_FACE_PX
    for _ in range(count):
        yield int(SIZE[0] * scale + 1), int(SIZE[1] * scale + 1)
        scale *= mtcnn.PYRAMID_FACTOR


def pictures(frame: npt.NDArray[np.uint8], detector: str) -> dict[str, tuple[bytes, int]]:
    """Return `frame` in the forms that the camera, the screen and the detector have in memory.

    Each is bytes and the size of a number in them.
    """
    forms: dict[str, tuple[bytes, int]] = {
        "frame": (frame.tobytes(), 1),
        "screen": (cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA).tobytes(), 1),
    }
    if detector == "yunet":
        planes = np.ascontiguousarray(frame.transpose(2, 0, 1), np.float32)
        return forms | {"planes": (planes.tobytes(), 4)}
    level = frame
    for number, size in enumerate(levels()):
        level = np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_AREA), np.uint8)
        forms[f"level {number}"] = level.tobytes(), 1
    session = open_session((mtcnn.FOLDER / "pnet.onnx").read_bytes())
    (offsets,) = session.run(["offsets"], {"pixels": level[None]})
    return forms | {"offsets": (offsets.tobytes(), 4)}


@dataclass(frozen=True)
class Search:
    """Searches for patterns in all memory that a process may write."""

    patterns: dict[str, list[Pattern]]

    @classmethod
    def from_forms(cls, forms: dict[str, tuple[bytes, int]]) -> Search:
        """Return a search for patterns of the data in `forms`.

        Each form is its data and the size of a number in the data, bytes.
        """
        return cls({name: patterns(*form) for name, form in forms.items()})

    def count(self, process: int) -> Counter[str]:
        """Return how many places in the memory of `process` have a pattern of each form."""
        by_word: dict[int, list[tuple[str, Pattern]]] = {}
        for name, of_form in self.patterns.items():
            for pattern in of_form:
                word = int.from_bytes(pattern[:4], "little")
                by_word.setdefault(word, []).append((name, pattern))
        words = np.array(sorted(by_word), np.uint32)
        listed = np.zeros(1 << 22, bool)
        listed[_hashed(words)] = True
        found: Counter[str] = Counter()
        for chunk in _memory(process):
            seen = np.frombuffer(chunk, np.uint32, len(chunk) // 4)
            likely = np.flatnonzero(listed[_hashed(seen)])
            for place in likely[np.isin(seen[likely], words)].tolist():
                for name, pattern in by_word[int(seen[place])]:
                    found[name] += chunk[4 * place : 4 * place + 32] == pattern
        return +found


def _hashed(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    return (words * np.uint32(2654435761)) >> np.uint32(10)


def _memory(process: int) -> Iterator[bytes]:
    """Yield the memory that `process` may write, a piece at a time."""
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(edge, 16) for edge in span.split("-"))
            if not rights.startswith("rw"):
                continue
            for at in range(start, end, 1 << 23):
                memory.seek(at)
                try:
                    yield memory.read(min(end - at, 1 << 23))
                except OSError:
                    break


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize(
    ("ending", "last", "detector"),
    [
        ("left", "left", "mtcnn"),
        ("lost", "card", "mtcnn"),
        ("classifier failed", "failed", "mtcnn"),
        ("detector failed", "failed", "mtcnn"),
        ("left", "left", "yunet"),
        ("lost", "card", "yunet"),
    ],
)
def test_no_picture_of_a_visitor_is_in_memory_a_second_later(
    tmp_path: Path, ending: str, last: str, detector: str
) -> None:
    """Frame, screen, the detector's levels, the classifier's batch and features are forgotten.

    Each of these forms is in memory while it is used, which is checked once. None is there a second
    after the visitor has left, or after a network has failed and the visitor has left, or while the
    trouble card is on the screen because the camera was lost.
    """
    (tmp_path / "visitor").write_bytes(visitor().tobytes())
    (tmp_path / "wall").write_bytes(np.full((*SIZE[::-1], 3), 150, np.uint8).tobytes())
    (tmp_path / "kiosk.yaml").write_text("device: cpu\ndetector: mtcnn\n")
    *_, last_level = levels()
    arguments = [str(tmp_path), str(last_level[0]), ending]
    if detector == "yunet":
        arguments.append(str(yunet_file()))
    show = subprocess.Popen(
        [sys.executable, "-c", SHOW, *arguments],
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert show.stdin is not None
    assert show.stdout is not None
    forms, during = pictures(visitor(), detector), Counter[str]()
    try:
        lines = []
        for line in show.stdout:
            lines.append(line.strip())
            if lines[-1] in ("detecting", "classifying"):
                if lines[-1] == "classifying":
                    forms |= classifier_forms((tmp_path / "batch").read_bytes())
                if ending == "left":
                    during |= Search.from_forms(forms).count(show.pid)
                show.stdin.write("\n")
                show.stdin.flush()
            if lines[-1] == last:
                break
        with pytest.raises(subprocess.TimeoutExpired):
            show.wait(1)
        after = Search.from_forms(forms).count(show.pid)
    finally:
        show.kill()
        _, errors = show.communicate()
    named = [] if ending == "classifier failed" else ["verdict"]
    in_order = list(dict.fromkeys(lines))  # a name may still follow the verdict 'person'
    assert in_order == ["detecting", "announced", "classifying", *named, last], errors
    if ending == "left":
        assert during.keys() == forms.keys(), "the control: each form is found while it is used"
    assert not after
