"""The loops that people would write instead of the kiosk, measured on a film by `bench`.

Unless its line below says something else, each loop uses the kiosk's own detector and classifier.
It cuts one crop for each face, writes the label beside the face, and scales the picture to the
screen. The film plays at its own rate, and a loop that reads late misses pictures, as with a
camera.

- `plain`: read a picture, detect, classify every face, write its label, scale, repeat;
- `reader`: the same with a thread that reads the film, so that the loop uses the newest picture;
- `split`: one thread reads the film, one detects and classifies, and one shows each picture with
  the newest labels, which may be those of an earlier picture;
- `pipeline`: roboflow's InferencePipeline (package streamvision) calls the plain loop's steps;
- `loader`: the plain loop on the pictures of Ultralytics' LoadStreams;
- `plain torch` and `split torch`: the same as `plain` and `split`, but PyTorch runs the networks:
  MTCNN from facenet-pytorch, and EfficientNet-Lite0 from timm. The kiosk's ONNX files were made
  from these networks.

Run as a program, it prints the figures of one loop as JSON.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from scripts.bench_stages import Write, recorded_writes, whole_pictures

if TYPE_CHECKING:
    from installation.naming.label_set.label_set import LabelSet
    from installation.naming.networks.encoder import Encoder
    from installation.seeing.box import Box
    from installation.seeing.cameras.camera import Camera
    from installation.seeing.frame import Frame, Pixels

PACKAGES = {
    "pipeline": "streamvision",
    "loader": "ultralytics",
    "plain torch": "facenet_pytorch",
    "split torch": "facenet_pytorch",
}
"""The packages that a loop needs in addition to the kiosk's."""

STAMP_BYTES = 8
"""The number of bytes at the start of a picture that hold its time of arrival. Other libraries pass
on the pixels of a picture, but not its time. So `Capture` writes the time into the pixels.
"""

Words = list[tuple[str, tuple[int, int]]]


class Measured:
    """The work of a loop on each picture, and its measurements."""

    def __init__(
        self, film: Path, screen: tuple[int, int], seconds: float, *, in_torch: bool = False
    ) -> None:
        """Open the film and the networks; with `in_torch`, PyTorch runs the networks."""
        self._started_at = time.monotonic()
        from installation.naming.label_set.load import load_label_set
        from installation.naming.reading.classifier import open_classifier
        from installation.running.clock import MonotonicClock
        from installation.running.telemetry import Durations
        from installation.seeing.cameras.open import open_camera
        from installation.seeing.faces.open import open_detector
        from installation.settings.kiosk import CameraSettings, ContentSettings
        from installation.settings.source import Film

        self._screen = screen
        label_set = load_label_set("persons", ContentSettings())
        self._classifier = open_classifier(label_set, "cpu")
        self._classifier.has_time = False
        if in_torch:
            self._find = _facenet_boxes()
            self._classifier.encoder = _torch_encoder(label_set)
        else:
            detector = open_detector("mtcnn")
            self._find = lambda frame: [face.box for face in detector.detect(frame)]
        self.camera: Camera = open_camera(Film(film), CameraSettings(), MonotonicClock())
        cv2.setNumThreads(-1)  # Only the show limits OpenCV's threads; a loop has the usual ones.
        self._buffer = np.empty((screen[1], screen[0], 3), np.uint8)
        self._drawn: Pixels | None = None
        self._size = (1, 1)
        self._ages, self._intervals = Durations(), Durations()
        self._shown_at = self._started_at
        self._readings = 0
        self._first_at: float | None = None
        self._named_at: float | None = None
        # PyTorch takes longer to load than a short run lasts.
        self._ends_at = (time.monotonic() if in_torch else self._started_at) + seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends_at

    def words(self, frame: Frame) -> Words:
        """Return the best label of each face on `frame`, and its position, px."""
        boxes = self._find(frame)
        if not boxes:
            return []
        scores = self._classifier.classify(frame, boxes)
        self._readings += len(boxes)
        names = [self._classifier.label_set.labels[int(row.argmax())].name for row in scores]
        return [(name, (int(box.x0), int(box.y0))) for name, box in zip(names, boxes, strict=True)]

    def show(self, frame: Frame, words: Sequence[tuple[str, tuple[int, int]]]) -> None:
        """Write `words` on a copy of `frame`, and scale it to the screen."""
        if self._drawn is None:
            self._drawn = np.empty_like(frame.bgr)
            self._size = frame.width, frame.height
        np.copyto(self._drawn, frame.bgr)
        for text, place in words:
            cv2.putText(self._drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
        cv2.resize(self._drawn, self._screen, self._buffer)
        now = time.monotonic()
        self._ages.add(now - frame.taken_at)
        if self._first_at is None:
            self._first_at = now
        else:
            self._intervals.add(now - self._shown_at)
        self._shown_at = now
        if words and self._named_at is None:
            self._named_at = now

    def figures(self, written: Sequence[Write]) -> dict[str, float | None]:
        """Return the figures of one run: its rates, its delays, and the copies for each picture.

        The copies of whole pictures are counted from `written`, the recorded calls that wrote
        pictures to memory. Rates are measured from the first shown picture on.
        """
        passed = time.monotonic() - (self._first_at or self._started_at)
        shown = self._ages.total
        copies = whole_pictures(written, self._size)
        return {
            "shown_fps": shown / passed,
            "interval_p50_ms": self._intervals.percentile_ms(0.5),
            "interval_p99_ms": self._intervals.percentile_ms(0.99),
            "age_p95_ms": self._ages.percentile_ms(0.95),
            "readings_per_s": self._readings / passed,
            "copies": copies / shown if shown else None,
            "first_paint_s": None,
            "first_frame_s": self._since_start(self._first_at),
            "first_name_s": self._since_start(self._named_at),
        }

    def _since_start(self, instant: float | None) -> float | None:
        return None if instant is None else instant - self._started_at


def plain(work: Measured) -> None:
    """Run the loop `plain`: one step after the other."""
    while not work.is_over:
        frame = work.camera.read()
        assert frame is not None
        work.show(frame, work.words(frame))


def reader(work: Measured) -> None:
    """Run the loop `reader`: a thread reads the film, and the loop uses the newest picture."""
    newest = _newest(work.camera)
    while not work.is_over:
        frame = newest.take(timeout=0.1)
        if frame is not None:
            work.show(frame, work.words(frame))


def split(work: Measured) -> None:
    """Run the loop `split`: draw the newest labels while another thread finds the next ones."""
    from installation.running.latest import Latest

    newest, looks, words = _newest(work.camera), Latest[Any](), Words()

    def look() -> None:
        while True:
            frame = looks.take(timeout=0.1)
            if frame is not None:
                words[:] = work.words(frame)

    _start(look)
    while not work.is_over:
        frame = newest.take(timeout=0.1)
        if frame is not None:
            looks.put(frame)
            work.show(frame, list(words))


def _facenet_boxes() -> Callable[[Frame], list[Box]]:
    """Return a function that finds the faces on a frame with facenet-pytorch's MTCNN.

    It searches the same reduced picture as the kiosk's detector, with the same thresholds.
    """
    from facenet_pytorch import MTCNN

    from installation.memory.buffers import Buffers
    from installation.seeing.box import Box
    from installation.seeing.faces.detector import reduce_frame
    from installation.seeing.faces.mtcnn import MIN_FACE_PX, MIN_SCORES, PYRAMID_FACTOR

    buffers = Buffers()
    detector = MTCNN(
        keep_all=True, min_face_size=MIN_FACE_PX, thresholds=MIN_SCORES, factor=PYRAMID_FACTOR
    )

    def find(frame: Frame) -> list[Box]:
        small, factor = reduce_frame(frame, buffers)
        boxes, _ = detector.detect(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        return [] if boxes is None else [Box(*map(float, box * factor)) for box in boxes]

    return find


def _torch_encoder(label_set: LabelSet) -> Encoder:
    """Return EfficientNet-Lite0 as PyTorch runs it, with the output that `label_set` needs."""
    from installation.naming.networks.efficientnet_torch import EfficientNetLite0Torch

    return EfficientNetLite0Torch("cpu", output=label_set.settings.method.encoder_output)


class Capture:
    """The film with the methods of `cv2.VideoCapture`; each picture holds its time of arrival."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._picture: Pixels | None = None

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        """Return True."""
        return True

    def get(self, number: int) -> float:
        """Return the width, the height or the frame rate of the film; 0 for any other property."""
        width, height, fps = 1280.0, 720.0, 30.0
        known = {
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: height,
            cv2.CAP_PROP_FPS: fps,
        }
        return known.get(number, 0.0)

    def grab(self) -> bool:
        """Wait for the next picture, and return True."""
        frame = self._camera.read()
        assert frame is not None
        self._picture = frame.bgr.copy()
        stamp = np.frombuffer(struct.pack("<d", frame.taken_at), np.uint8)
        self._picture.reshape(-1)[:STAMP_BYTES] = stamp
        return True

    def retrieve(self, *_: object) -> tuple[bool, Pixels | None]:
        """Return the picture that was grabbed."""
        return True, self._picture

    def read(self, *_: object) -> tuple[bool, Pixels | None]:
        """Return the next picture."""
        return self.grab(), self._picture

    def release(self) -> None:
        """Do nothing."""


def _stamped(bgr: Pixels) -> Frame:
    """Return a picture from a `Capture` as a frame with its time of arrival."""
    from installation.seeing.frame import Frame

    (taken_at,) = struct.unpack("<d", bgr.reshape(-1)[:STAMP_BYTES].tobytes())
    return Frame(bgr=bgr, taken_at=taken_at)


def loader(work: Measured) -> None:
    """Run the loop `loader`: the plain loop's work on pictures from Ultralytics' LoadStreams."""
    loaders = import_module("ultralytics.data.loaders")
    opened = Capture(work.camera)
    loaders.cv2.VideoCapture = lambda *_: opened
    for _, pictures, _ in loaders.LoadStreams("0", vid_stride=1, buffer=False):
        frame = _stamped(pictures[0])
        work.show(frame, work.words(frame))
        if work.is_over:
            return


def pipeline(work: Measured) -> None:
    """Run the loop `pipeline`: roboflow's pipeline, which calls the function of the plain loop."""
    entities = import_module("streamvision.camera.entities")
    pipelines = import_module("streamvision.stream.pipeline")

    class Producer(Capture, entities.VideoFrameProducer):  # type: ignore[name-defined, misc]
        """The film as a camera of roboflow's pipeline."""

        def __init__(self) -> None:
            super().__init__(work.camera)

        def discover_source_properties(self) -> Any:
            return entities.SourceProperties(
                width=1280,
                height=720,
                total_frames=-1,
                is_file=False,
                fps=30.0,
                is_reconnectable=False,
                timestamp_created=datetime.datetime.now(),
            )

        def initialize_source_properties(self, properties: dict[str, float]) -> None:
            """Do nothing: a film has fixed properties."""

    def see(frames: Sequence[Any]) -> list[dict[str, Any]]:
        seen = [_stamped(each.image) for each in frames]
        return [{"frame": frame, "words": work.words(frame)} for frame in seen]

    def show(seen: Any, _: Any) -> None:
        if seen is not None and not work.is_over:
            work.show(seen["frame"], seen["words"])

    running = pipelines.InferencePipeline.init_with_custom_logic(
        video_reference=Producer, on_video_frame=see, on_prediction=show
    )
    running.start(use_main_thread=False)
    while not work.is_over:
        time.sleep(0.1)


LOOPS: dict[str, Callable[[Measured], None]] = {
    "plain": plain,
    "reader": reader,
    "split": split,
    "pipeline": pipeline,
    "loader": loader,
    "plain torch": plain,
    "split torch": split,
}


def _newest(camera: Camera) -> Any:
    """Return a `Latest` into which a thread puts each frame that it reads from `camera`."""
    from installation.running.latest import Latest

    newest: Latest[Any] = Latest()

    def read() -> None:
        while True:
            newest.put(camera.read())

    _start(read)
    return newest


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def main() -> None:
    """Run one loop, and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("loop", choices=LOOPS)
    parser.add_argument("film", type=Path)
    parser.add_argument("screen", type=int, nargs=2)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    package = PACKAGES.get(options.loop)
    if package is not None and find_spec(package) is None:
        print(json.dumps({"missing": package}), flush=True)
        return
    screen, in_torch = tuple(options.screen), options.loop.endswith("torch")
    work = Measured(options.film, screen, options.seconds, in_torch=in_torch)
    with recorded_writes() as written:
        LOOPS[options.loop](work)
        print(json.dumps(work.figures(written)), flush=True)
    sys.stdout.flush()
    os._exit(0)  # A thread that is still inside a network would abort an ordinary end.


if __name__ == "__main__":
    main()
