"""Small parts of a show that reach a verdict without a network, and a show made of them.

They stand in for the camera, the detector and the classifier; everything else is real.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from installation.errors import CameraError, Mistake
from installation.guarding.guard import Guard
from installation.memory.pool import Pool
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Sightings
from installation.running.clock import Clock, MonotonicClock
from installation.running.latest import Latest
from installation.seeing.box import Box
from installation.seeing.cameras.camera import Camera
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import Presence
from installation.seeing.tracker import Tracker
from installation.settings.kiosk import ContentSettings, ReadingSettings, Settings
from installation.settings.yaml_file import Loaded
from installation.show.analysis import Analysis
from installation.show.events import Emit
from installation.show.parts import Log, Networks, Parts
from installation.show.show import Show
from installation.showing.window import OffScreen, Screen

DEFAULTS = Loaded(Settings(), "kiosk.yaml", {}, {})
"""An empty kiosk.yaml."""

EVENT_KEYS = [
    *("event", "at", "visitor", "id", "label", "definition", "chain", "score", "box"),
]
"""The keys of a verdict's event, in their order."""


def unplugged() -> CameraError:
    """Return the error of a camera that is lost."""
    return CameraError(Mistake("camera", "it was unplugged", "Plug it in again."))


def grey_frame(level: int = 128, taken_at: float = 0.0) -> Frame:
    """Return a frame of one grey, 160×90."""
    return Frame.from_rgb(np.full((90, 160, 3), level, np.uint8), taken_at)


class GreyFilm:
    """A camera whose frames come at once: one every thirtieth of a second of its own time."""

    name = "a film of one grey wall"

    def __init__(self, frames: int, fails_at: int | None = None) -> None:
        self.pool = Pool()
        self._numbers = iter(range(frames))
        self._fails_at = fails_at
        self.closed = 0
        self.forgotten = 0

    def read(self) -> Frame | None:
        number = next(self._numbers, None)
        if number is None:
            return None
        if number == self._fails_at:
            raise unplugged()
        return grey_frame(taken_at=number / 30)

    def forget(self) -> None:
        self.forgotten += 1

    def close(self) -> None:
        self.closed += 1


class OneFace:
    """A detector that finds the same face on every frame."""

    name = "one face"
    follows = True

    def detect(self, frame: Frame) -> list[Face]:
        eyes = ((60.0, 40.0), (80.0, 40.0), (70.0, 50.0), (62.0, 60.0), (78.0, 60.0))
        return [Face(Box(50, 20, 90, 70), 0.9, eyes)]

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        return self.detect(frame)

    def forget(self) -> None:
        pass


class OneFaceOnBright(OneFace):
    """A detector that finds a face on bright frames only."""

    def detect(self, frame: Frame) -> list[Face]:
        return super().detect(frame) if frame.bgr[0, 0, 0] > 100 else []


class NoFace(OneFace):
    """A detector that finds nobody."""

    def detect(self, frame: Frame) -> list[Face]:
        return []


class FirstLabel:
    """A classifier that gives nearly the whole score to its first label."""

    def __init__(self, label_set: LabelSet) -> None:
        self.label_set = label_set

    @classmethod
    def of_objects(cls) -> FirstLabel:
        """Return a classifier for another label set than `small_parts` has."""
        return cls(load_label_set("objects", ContentSettings()))

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        count = len(self.label_set.labels)
        scores = np.full((len(boxes), count), 0.1 / (count - 1), np.float32)
        scores[:, 0] = 0.9
        return scores

    def forget(self) -> None:
        pass


def small_parts(
    camera: Camera, open_camera: Callable[[], Camera] | None = None, *, announce_s: float = 0.0
) -> Parts:
    """Return `camera` with a detector and a classifier that always have a clear result.

    Visitors are announced for `announce_s`; by default they are read at once.
    """
    label_set = load_label_set("kindnesses", ContentSettings())
    settings = ReadingSettings(min_time_s=0.2, min_readings=2)
    return Parts(
        label_set=label_set,
        open_camera=open_camera or (lambda: camera),
        open_networks=lambda: Networks(OneFace(), FirstLabel(label_set), "cpu"),
        tracker=Tracker(),
        presence=Presence(announce_s, least_size=0.1),
        settler=Settler(label_set, settings, random.Random(0)),
    )


def small_analysis(
    parts: Parts, frames: Latest[Frame], sightings: Latest[Sightings], clock: Clock
) -> Analysis:
    """Return the analysis of `parts` with open networks; the screen shows all of each frame."""
    networks = parts.open_networks()
    return Analysis(parts, networks, frames, sightings, clock, lambda frame: frame.box)


def with_networks(parts: Parts, **changes: Any) -> Parts:
    """Return `parts` that open other networks: a `detector`, a `classifier` or a `reloader`."""
    return replace(parts, open_networks=lambda: replace(parts.open_networks(), **changes))


def ignore(_: object) -> None:
    """Ignore a line or an event."""


def small_show(
    camera: Camera,
    emit: Emit = ignore,
    *,
    screen: Screen | None = None,
    clock: Clock | None = None,
    log: Log = ignore,
    open_parts: Callable[[Loaded[Settings], Clock, Log], Parts] | None = None,
    settings: Settings | None = None,
    guard: Guard | None = None,
    open_camera: Callable[[], Camera] | None = None,
    is_service: bool = False,
) -> Show:
    """Return a show of `camera`, by default on a small screen that is not displayed."""
    return Show(
        DEFAULTS if settings is None else Loaded(settings, "kiosk.yaml", {}, {}),
        screen or OffScreen((320, 180)),
        started_at=(clock or MonotonicClock()).now(),
        log=log,
        emit=emit,
        open_parts=open_parts or (lambda loaded, clock, log: small_parts(camera, open_camera)),
        clock=clock,
        guard=guard,
        is_service=is_service,
    )
