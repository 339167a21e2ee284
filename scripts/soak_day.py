"""A simulated day of the soak: its clock, its visitors, and its faults.

Times in "seconds of the day" are measured by the day's clock, which is usually faster than real
time.

Visits and faults follow from a seed. The camera's device, the detector and the classifier belong to
the day: they know where its visitors are, and they fail during its faults.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from installation.memory.forgetting import forget_all
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.classifier import Classifier
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame, Pixels

SIZE = (640, 360)
FPS = 15
"""The rate of the camera, frames per second of the day: half of a real camera's, because in one
second of real time the show must handle the frames of many seconds of the day.
"""

CAMERA_FAULTS = ("unplugged", "hangs", "frozen", "black", "white", "torn", "damaged", "slow")
"""The faults of the camera."""

ANALYSIS_FAULTS = ("exception", "not a number", "out of memory", "call hangs")
"""The faults of the analysis (face search and classifier)."""

SCREEN_FAULTS = (
    *("turned", "display off", "late monitor", "covered", "close key", "display server"),
)
"""The faults of the display: it is turned; it is off for a while; it is small until the monitor
reports its true size; another window covers the show; somebody closes the window; the display's
server ends.
"""
FILE_FAULTS = ("settings wrong", "settings changed", "labels wrong", "labels changed")
"""The changes of kiosk.yaml and of the label set: mistakes in them, and valid changes."""

CLOCK_FAULTS = ("clock back", "clock forward", "summer time")
"""The faults of the machine's clock: it is set back by a year or forward by a day, or summer time
begins.
"""

LOAD_FAULTS = ("cores busy", "memory", "computer stops")
"""The faults of the whole machine: other programs keep all cores busy; the show gets hardly any
more memory; all processes stop, as when the computer sleeps, and the camera is lost meanwhile.
"""
ALL_FAULTS = (
    *(*CAMERA_FAULTS, *ANALYSIS_FAULTS, *SCREEN_FAULTS),
    *(*FILE_FAULTS, *CLOCK_FAULTS, *LOAD_FAULTS),
)
WITHOUT_MIRROR = (*CAMERA_FAULTS, "display server", "memory", "computer stops")
"""The faults during which the screen need not go on showing the camera's pictures at the usual
rate. During all others it must, even while other programs keep all cores busy.
"""
FAST_FAULTS = ("covered",)
"""The faults during which the day runs fast, because they last long."""

WAYS = ("mistyped", "emptied", "removed", "replaced by a folder")
"""The ways in which a file becomes wrong. The last one stands for a file that cannot be read: tests
may run as root, who can read every file.
"""
WRONG_SETTINGS, WRONG_LABELS = ("kiosk.yaml",), ("labels.csv", "labelset.yaml", "built.safetensors")
"""The files that become wrong."""

BUSY = 2
"""The number of programs per core that run during the fault `cores busy`."""

BUSY_PROGRAM = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""The program that keeps a core busy. It ends after its parent, so that a soak that is killed
leaves no program behind.
"""

LASTS_S = (2.0, 8.0)
"""How long a fault lasts, in seconds of the day."""
FILE_LASTS_S = (6.0, 9.0)
"""How long a file stays wrong, in seconds of the day; the show looks once a second."""
COVERS_S = 64.0
"""How long another window covers the show if the show does not come in front, in seconds of the
day.
"""
REPLUGGED_S = 1.0
"""The time from the end of the computer's sleep until its camera is plugged in again, in seconds of
the day.
"""
RECOVERY_S = 10.0
"""How long after a fault it may take until a newer frame, or a newer result of the analysis, is on
the screen, in seconds of the day.
"""
HANG_S = 15.0
"""How long a call that hangs lasts, in seconds of the day: longer than the show waits for it."""

CROWD = (8, 4)
"""The columns and rows in which the people of the crowd stand: 32 faces."""
CROWD_SPEED = 0.2
"""How fast the people of the crowd sway, rad/s."""
CROWD_S = (20.0, 60.0)
"""How long a crowd of 32 people stays, s; all come within three seconds, and leave together."""
CROWD_HOUR_S = 3600.0
"""The duration of the hour in which people of a crowd come and go, s."""
WITH_CROWD_HOUR_S = 3 * 3600.0
"""The least length of a day that has an hour with a crowd (`CROWD_HOUR_S`), s."""
POSTER_S = (60.0, 240.0)
"""How long a poster with a face hangs in the picture, s."""

APART = 2.2
"""The least distance between two people, as a multiple of the size of the larger face. It is more
than the largest distance at which the tracker matches a face with a track (`tracker.GATE_RANGE`).
"""
APART_S = 3.0
"""The least time between two visits in the same place, s: from one person's leaving to the next
person's coming.
"""


class DayClock:
    """The clock of a day: faster than the machine's, but not during a fault.

    From the beginning of each fault until `hurry` is called, the clock runs as fast as the
    machine's. So waits and work during a fault take as long as in a real show.
    """

    def __init__(self, speed: float, faults_begin_at: Sequence[float] = ()) -> None:
        """Start the clock; it runs `speed` times as fast as the machine's clock.

        `faults_begin_at` are the instants of the day, s, at which a fault begins that slows the
        clock down to the speed of the machine's.
        """
        self.fast = speed
        self._speed = speed
        self._ahead = sorted(faults_begin_at)
        self._began_at = -math.inf
        """The instant at which the newest fault began, s."""
        self._day, self._machine = 1000.0, time.monotonic()
        self._changed = threading.Condition()

    @property
    def speed(self) -> float:
        """The present speed of this clock, as a multiple of the speed of the machine's clock."""
        self.now()
        return self._speed

    def now(self) -> float:
        """Return the present instant of the day, s."""
        with self._changed:
            return self._now()

    def _now(self) -> float:
        machine = time.monotonic()
        day = self._day + (machine - self._machine) * self._speed
        if self._ahead and day >= self._ahead[0]:
            began_at = self._began_at = self._ahead.pop(0)
            machine_then = self._machine + (began_at - self._day) / self._speed
            self._day, self._machine, self._speed = began_at, machine_then, 1.0
            day = began_at + machine - machine_then
            self._changed.notify_all()
        return day

    def hurry(self, seen_at: float) -> None:
        """Run fast again until the next fault; do nothing if one has begun after `seen_at`."""
        with self._changed:
            self._now()
            if self._began_at <= seen_at and self._speed != self.fast:
                self._day, self._machine = self._now(), time.monotonic()
                self._speed = self.fast
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for `seconds` of the day."""
        with self._changed:
            ends_at = self._now() + seconds
            while (left := ends_at - self._now()) > 0:
                self._changed.wait(left / self._speed)

    def state(self) -> tuple[float, float, float, list[float]]:
        """Return the values that change, for `restore` in another process of this machine."""
        with self._changed:
            return self._day, self._machine, self._speed, self._ahead

    def restore(self, state: tuple[float, float, float, list[float]]) -> None:
        """Continue from the `state` of another clock."""
        self._day, self._machine, self._speed, self._ahead = state


@dataclass(frozen=True)
class Visit:
    """One person's visit: its beginning and end, their position, and how fast they sway, rad/s."""

    came_at: float
    left_at: float
    x: float
    y: float
    size: float
    speed: float

    @property
    def sway(self) -> float:
        """How far the face moves to either side, px."""
        return min(40, self.size / 4) if self.speed else 0.0

    @property
    def is_poster(self) -> bool:
        """Whether the face is a picture that hangs in the room."""
        return not self.speed

    def box_at(self, at: float) -> Box:
        """Return the face at the instant `at`."""
        x = self.x + self.sway * np.sin(self.speed * (at - self.came_at))
        return Box(x, self.y, x + self.size, self.y + 1.2 * self.size)

    def is_in_the_way_of(self, other: Visit) -> bool:
        """Return whether both people are present at the same time and may be nearer than `APART`.

        Visits with less than `APART_S` between them count as being at the same time. If two heads
        are in one place, a detector finds one face, and a tracker may confuse the two. If a face
        disappears and another appears beside its place, the tracker may also take the second for
        the first.
        """
        together = self.came_at < other.left_at + APART_S and other.came_at < self.left_at + APART_S
        (x, y), (other_x, other_y) = (
            self.box_at(self.came_at).centre,
            other.box_at(other.came_at).centre,
        )
        across = max(0.0, abs(x - other_x) - self.sway - other.sway)
        distance = np.hypot(across, y - other_y)
        return together and bool(distance < APART * max(self.size, other.size))


@dataclass(frozen=True)
class Fault:
    """A fault: its name, its beginning and its end."""

    name: str
    begins_at: float
    ends_at: float
    file: str = ""
    """The name of the file that becomes wrong."""
    way: str = ""
    """The way in which the file becomes wrong, one of `WAYS`."""

    @property
    def lost_s(self) -> float:
        """The time from when the computer stops until the camera is back, in seconds of the day."""
        return self.ends_at - self.begins_at + REPLUGGED_S


@dataclass(frozen=True)
class Day:
    """The visits and the faults of one day."""

    visits: tuple[Visit, ...]
    faults: tuple[Fault, ...]

    @classmethod
    def from_seed(
        cls,
        seed: int,
        begins_at: float,
        seconds: float,
        between_s: tuple[float, float],
        names: Sequence[str] = ALL_FAULTS,
        *,
        crowd: bool = False,
    ) -> Day:
        """Return the day that follows from `seed`: single visitors, groups, and empty times.

        The day begins at `begins_at` and takes `seconds`; `names` are the faults that may occur.
        After each fault there are `RECOVERY_S` for the recovery; then it takes a random time until
        the next fault begins. `between_s` are the least and the largest of these random times, s.
        `crowd` fills the whole day with up to 32 people at a time.
        """
        drawn = random.Random(seed)
        ends_at = begins_at + seconds
        visits = _crowd(drawn, begins_at, ends_at) if crowd else _visits(drawn, begins_at, ends_at)
        faults: list[Fault] = []
        at = begins_at + 20
        while True:
            at += drawn.uniform(*between_s)
            fault = _fault(drawn, drawn.choice(names), at)
            if fault.ends_at + RECOVERY_S + 5 > begins_at + seconds:
                return cls(tuple(visits), tuple(faults))
            faults.append(fault)
            at = fault.ends_at + RECOVERY_S

    def visits_between(self, begins_at: float, ends_at: float) -> list[Visit]:
        """Return the visits during which somebody was present between two instants."""
        return [each for each in self.visits if each.came_at < ends_at and begins_at < each.left_at]

    def faces_at(self, at: float) -> list[Box]:
        """Return the boxes of the faces at the instant `at`."""
        return [visit.box_at(at) for visit in self.visits if visit.came_at <= at < visit.left_at]

    def fault_at(self, at: float) -> str | None:
        """Return the name of the fault at the instant `at`; None if there is none."""
        fault = self.present(at)
        return None if fault is None else fault.name

    def present(self, at: float) -> Fault | None:
        """Return the fault at the instant `at`; None if there is none."""
        return next((f for f in self.faults if f.begins_at <= at < f.ends_at), None)

    def lacks_camera(self, at: float) -> bool:
        """Return whether the camera is unplugged at the instant `at`.

        A computer that sleeps also loses its camera, which comes back after it has woken.
        """
        return any(
            fault.begins_at <= at < fault.ends_at
            if fault.name == "unplugged"
            else fault.name == "computer stops" and 0 <= at - fault.begins_at < fault.lost_s
            for fault in self.faults
        )


def _fault(drawn: random.Random, name: str, at: float) -> Fault:
    """Return the fault `name` that begins at the instant `at`."""
    if name not in FILE_FAULTS:
        lasts_s = COVERS_S if name == "covered" else drawn.uniform(*LASTS_S)
        return Fault(name, at, at + lasts_s)
    file = drawn.choice(WRONG_SETTINGS if name.startswith("settings") else WRONG_LABELS)
    return Fault(name, at, at + drawn.uniform(*FILE_LASTS_S), file, drawn.choice(WAYS))


def _visits(drawn: random.Random, begins_at: float, ends_at: float) -> list[Visit]:
    """Return the visits of a day: single people, groups, posters, crowds of 32, empty times.

    A long day also has an hour in which the room is crowded.
    """
    visits: list[Visit] = []
    at = begins_at + 5
    crowd_at = math.inf
    if ends_at - begins_at >= WITH_CROWD_HOUR_S:
        crowd_at = drawn.uniform(begins_at, ends_at - 2 * CROWD_HOUR_S)
    while at < ends_at:
        count = drawn.choice((1, 1, 1, 1, 1, 2, 2, 3, 3, 6, 1, POSTER, CROWD[0] * CROWD[1]))
        if at >= crowd_at or count > 6:
            at = max([at, *(visit.left_at + APART_S for visit in visits[-50:])])
            lasts_s = CROWD_HOUR_S if at >= crowd_at else drawn.uniform(*CROWD_S)
            visits += _crowd(drawn, at, at + lasts_s, stay=at < crowd_at)
            crowd_at = math.inf if at >= crowd_at else crowd_at
            at += lasts_s + APART_S
        for _ in range(max(count, 1) if count <= 6 else 0):
            came_at = at + drawn.uniform(0, 3)
            lasts_s = drawn.uniform(*POSTER_S) if count == POSTER else drawn.uniform(4, 40)
            visit = Visit(
                came_at,
                came_at + lasts_s,
                drawn.uniform(60, SIZE[0] - 120),
                drawn.uniform(20, 240),
                drawn.uniform(32, 56),
                drawn.uniform(0.1, 0.5) if count != POSTER else 0.0,
            )
            near = (each for each in visits if each.left_at + APART_S > came_at)
            if not any(visit.is_in_the_way_of(other) for other in near):
                visits.append(visit)
        at += drawn.choice((8, 15, 30, 60))
    return visits


POSTER = 0
"""If this is drawn as the number of people who come, a poster comes instead."""


def _crowd(
    drawn: random.Random, begins_at: float, ends_at: float, *, stay: bool = False
) -> list[Visit]:
    """Return the visits of a crowd; in each place, one person follows another after a pause.

    With `stay`, the same 32 people come within three seconds and stay until the end.
    """
    columns, rows = CROWD
    visits = []
    for place in range(columns * rows):
        x, y = place % columns * SIZE[0] / columns, place // columns * 0.9 * SIZE[1] / rows
        at = begins_at + drawn.uniform(0, 3 if stay else 20)
        while at < ends_at:
            left_at = ends_at if stay else min(at + drawn.uniform(20, 120), ends_at)
            visits.append(Visit(at, left_at, x + 15, y + 10, drawn.uniform(30, 33), CROWD_SPEED))
            at = left_at + drawn.uniform(5, 20)
    return visits


class DayDevice:
    """The device of the day's camera; satisfies OpenDevice."""

    def __init__(self, day: Day, clock: DayClock, node: Path) -> None:
        self._day = day
        self._clock = clock
        self._node = node
        self._noise = np.random.default_rng(1)
        self._last: Pixels | None = None
        self._due_at = clock.now()
        self._busy: list[subprocess.Popen[bytes]] = []

    def set(self, propId: int, value: float) -> bool:  # noqa: ARG002, N803  # OpenCV's name
        """Return False: no property can be set."""
        return False

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        """Return the pictures' width or height, or the frame rate for all other properties."""
        known = {cv2.CAP_PROP_FRAME_WIDTH: SIZE[0], cv2.CAP_PROP_FRAME_HEIGHT: SIZE[1]}
        return float(known.get(propId, FPS))

    def grab(self) -> bool:
        """Wait for the next picture, and return whether there is one."""
        fault = self._day.fault_at(self._clock.now())
        if fault == "cores busy" and not self._busy:
            program = [sys.executable, "-c", BUSY_PROGRAM]
            self._busy = [subprocess.Popen(program) for _ in range(BUSY * (os.cpu_count() or 1))]
        elif fault != "cores busy":
            self._end_load()
        self._due_at = max(self._due_at + (4 if fault == "slow" else 1) / FPS, self._clock.now())
        self._clock.wait(self._due_at - self._clock.now())
        if self._day.lacks_camera(self._clock.now()):
            self._node.unlink(missing_ok=True)
            return False
        if fault == "hangs":
            self._clock.wait(2.0)
            return False
        return True

    def retrieve(self) -> tuple[bool, Pixels | None]:
        """Return whether the picture can be decoded, and the picture, BGR.

        The current fault of the camera changes the picture.
        """
        fault = self._day.fault_at(self._clock.now())
        if fault == "frozen" and self._last is not None:
            return True, self._last.copy()
        level = {"black": 2, "white": 255}.get(fault or "", 120)
        picture = np.full((SIZE[1], SIZE[0], 3), level, np.uint8)
        picture[::4, ::16, 0] ^= self._noise.integers(0, 4, picture[::4, ::16, 0].shape, np.uint8)
        if fault == "torn":
            picture[SIZE[1] // 2 :] = 128
        self._last = picture.copy()
        return (fault != "damaged"), picture

    def release(self) -> None:
        """End the programs that keep the cores busy. No real device has to be released."""
        self._end_load()

    def _end_load(self) -> None:
        for program in self._busy:
            program.kill()
            program.wait()
        self._busy = []


class DayDetector:
    """A detector that knows where the day's visitors are."""

    name = "the day's visitors"
    follows = True

    def __init__(self, day: Day, clock: DayClock) -> None:
        self._day = day
        self._clock = clock

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces at the frame's instant; raises RuntimeError during a fault."""
        if self._day.fault_at(self._clock.now()) == "exception":
            raise RuntimeError("the detector fails")
        if not 30 < int(frame.bgr[1, 1, 0]) < 250:
            return []
        return [_face(box) for box in self._day.faces_at(frame.taken_at)]

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:  # noqa: ARG002
        """Return the same faces as `detect`, including faces outside `boxes`."""
        return self.detect(frame)

    def forget(self) -> None:
        """Do nothing, because this detector stores no pixels."""


def _face(box: Box) -> Face:
    def at(x: float, y: float) -> tuple[float, float]:
        return box.x0 + x * (box.x1 - box.x0), box.y0 + y * (box.y1 - box.y0)

    return Face(box, 0.99, (at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)))


SURE = np.float32(0.5)
"""The part of the final scores that always goes to the best label; the real scores make up the
rest. Otherwise hardly anybody would get a name: pictures of noise convince no network.
"""


class DayClassifier:
    """The show's own classifier with a higher score for the best label; it fails during faults."""

    def __init__(self, classifier: Classifier, day: Day, clock: DayClock) -> None:
        self._classifier = classifier
        self.label_set: LabelSet = classifier.label_set
        self._day = day
        self._clock = clock

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return the classifier's scores, changed by the current fault, or raise its error."""
        fault = self._day.fault_at(self._clock.now())
        if fault == "out of memory":
            raise MemoryError
        if fault == "call hangs":
            self._clock.wait(HANG_S)
        scores = self._classifier.classify(frame, boxes)
        if fault == "not a number":
            return np.full_like(scores, np.nan)
        sure = np.zeros_like(scores)
        sure[np.arange(len(scores)), scores.argmax(axis=1)] = 1.0
        return SURE * sure + (1 - SURE) * scores

    def forget(self) -> None:
        """Let the show's classifier forget its pixels."""
        forget_all((self._classifier,))
