"""Runs the show on generated days with drawn faults, faster than real time, and checks the wall.

The day, the faults and their instants follow from a seed, so a run that fails can be repeated with
`--seed`. Real are the camera's class with its checks, the tracker, the classifier with the default
label set, the settler, the analysis keeper, the mirror, the painter and the way back after a fault.
Two things stand in: the camera's device, which sends noise, and the detector, which knows where the
day's visitors are. The clock is the machine's, multiplied. The supervisor and the sandbox are not
part of it: `tests/running` and the virtual machine of `docs/venue.md` are for these.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import numpy.typing as npt
import psutil

from installation.errors import CameraError, Mistake, RestartNeededError
from installation.memory.forgetting import forget_all
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.classifier import Classifier
from installation.running.clock import Clock
from installation.seeing.box import Box
from installation.seeing.cameras.webcam import Webcam
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame, Pixels
from installation.settings.kiosk import CameraSettings, Settings, load_settings
from installation.settings.paths import DEFAULT_FILE, PROJECT
from installation.settings.yaml_file import Loaded
from installation.show import mirror
from installation.show.parts import Log, Networks, Parts, open_parts
from installation.show.show import Show
from installation.showing.scene import Scene
from installation.showing.window import OffScreen

SIZE = (640, 360)
FPS = 30

CAMERA_FAULTS = ("unplugged", "hangs", "frozen", "black", "white", "torn", "damaged", "slow")
ANALYSIS_FAULTS = ("exception", "not a number", "out of memory", "call hangs")

BETWEEN_S = (20.0, 60.0)
"""The time from the end of one fault to the beginning of the next, s of the day."""
LASTS_S = (2.0, 8.0)
"""How long a fault lasts, s of the day."""
RECOVERY_S = 10.0
"""How long the mirror may take to be back after a fault, s of the day."""
FLOOR_FPS = 10.0
"""The least rate of the mirror outside faults, frames for each second of real time."""
GRACE_S = 0.5
"""How long a square may stay after its face has gone, s of the day."""
LATENCY_S = 0.15
"""What threads of this process may be late, s of real time: a busy machine."""
RATE_S = 2.0
"""The real time over which the rate is averaged, s: other programs may work for a moment."""
STARTED_S = 5.0
"""How long after its first frame the mirror's rate is judged, s of the day."""
SETTLED_S = 120.0
"""When memory, descriptors and threads are first measured, s of the day."""
SLOPE_MB_PER_HOUR = 1.0
SLOPE_HOURS = 4.0
"""The shortest day, h, for which a slope of memory says something."""


class FastClock:
    """The machine's clock, `speed` times as fast."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._began_at = time.monotonic()

    def now(self) -> float:
        """Return the seconds of the day."""
        return 1000.0 + (time.monotonic() - self._began_at) * self.speed

    def wait(self, seconds: float) -> None:
        """Wait for `seconds` of the day."""
        if seconds > 0:
            time.sleep(seconds / self.speed)


@dataclass(frozen=True)
class Visit:
    """One person: from when to when, where, and how fast they move, px/s."""

    came_at: float
    left_at: float
    x: float
    y: float
    size: float
    speed: float

    def box_at(self, at: float) -> Box:
        """Return the face at the instant `at`."""
        x = self.x + 40 * np.sin(self.speed * (at - self.came_at))
        return Box(x, self.y, x + self.size, self.y + 1.2 * self.size)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, from when to when."""

    name: str
    begins_at: float
    ends_at: float


@dataclass(frozen=True)
class Day:
    """The visits and the faults of one day."""

    visits: tuple[Visit, ...]
    faults: tuple[Fault, ...]

    @classmethod
    def from_seed(cls, seed: int, begins_at: float, seconds: float) -> Day:
        """Return the day that follows from `seed`: single visitors, crowds, and empty hours."""
        drawn = random.Random(seed)
        visits: list[Visit] = []
        at = begins_at + 5
        while at < begins_at + seconds:
            for _ in range(drawn.choice((1, 1, 1, 2, 3, 6))):
                came_at = at + drawn.uniform(0, 3)
                visits.append(
                    Visit(
                        came_at,
                        came_at + drawn.uniform(4, 40),
                        drawn.uniform(60, SIZE[0] - 160),
                        drawn.uniform(40, 160),
                        drawn.uniform(50, 90),
                        drawn.uniform(0.1, 0.5),
                    )
                )
            at += drawn.choice((8, 15, 30, 60))
        faults: list[Fault] = []
        at = begins_at + 30
        while True:
            at += drawn.uniform(*BETWEEN_S)
            fault = Fault(
                drawn.choice(CAMERA_FAULTS + ANALYSIS_FAULTS), at, at + drawn.uniform(*LASTS_S)
            )
            if fault.ends_at + RECOVERY_S + 5 > begins_at + seconds:
                return cls(tuple(visits), tuple(faults))
            faults.append(fault)
            at = fault.ends_at + RECOVERY_S

    def faces_at(self, at: float) -> list[Box]:
        """Return where faces are at the instant `at`."""
        return [visit.box_at(at) for visit in self.visits if visit.came_at <= at < visit.left_at]

    def fault_at(self, at: float) -> str | None:
        """Return what is wrong at the instant `at`."""
        return next((f.name for f in self.faults if f.begins_at <= at < f.ends_at), None)


class DayDevice:
    """The device of the day's camera; satisfies OpenDevice."""

    def __init__(self, day: Day, clock: FastClock, node: Path) -> None:
        self._day = day
        self._clock = clock
        self._node = node
        self._noise = np.random.default_rng(1)
        self._last: Pixels | None = None
        self._due_at = clock.now()

    def set(self, propId: int, value: float) -> bool:  # noqa: ARG002, N803  # OpenCV's name
        """Refuse every property."""
        return False

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        """Return the size and the rate."""
        known = {cv2.CAP_PROP_FRAME_WIDTH: SIZE[0], cv2.CAP_PROP_FRAME_HEIGHT: SIZE[1]}
        return float(known.get(propId, FPS))

    def grab(self) -> bool:
        """Wait for the next picture."""
        fault = self._day.fault_at(self._clock.now())
        self._due_at = max(self._due_at + (4 if fault == "slow" else 1) / FPS, self._clock.now())
        self._clock.wait(self._due_at - self._clock.now())
        if fault == "unplugged":
            self._node.unlink(missing_ok=True)
            return False
        if fault == "hangs":
            self._clock.wait(2.0)
            return False
        return True

    def retrieve(self) -> tuple[bool, Pixels | None]:
        """Return the picture, BGR, with what is wrong with it."""
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
        """Do nothing: there is no device."""


class DayDetector:
    """A detector that knows where the day's visitors are."""

    name = "the day's visitors"
    follows = True

    def __init__(self, day: Day, clock: FastClock) -> None:
        self._day = day
        self._clock = clock

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces at the frame's instant."""
        if self._day.fault_at(self._clock.now()) == "exception":
            raise RuntimeError("the detector fails")
        if not 30 < int(frame.bgr[1, 1, 0]) < 250:
            return []
        return [_face(box) for box in self._day.faces_at(frame.taken_at)]

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:  # noqa: ARG002
        """Return all faces: the day knows them all."""
        return self.detect(frame)

    def forget(self) -> None:
        """Do nothing: it holds no pixels."""


def _face(box: Box) -> Face:
    def at(x: float, y: float) -> tuple[float, float]:
        return box.x0 + x * (box.x1 - box.x0), box.y0 + y * (box.y1 - box.y0)

    return Face(box, 0.99, (at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)))


class DayClassifier:
    """The show's own classifier, which the day's faults befall."""

    def __init__(self, classifier: Classifier, day: Day, clock: FastClock) -> None:
        self._classifier = classifier
        self.label_set: LabelSet = classifier.label_set
        self._day = day
        self._clock = clock

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return the classifier's scores, or what a fault makes of them."""
        fault = self._day.fault_at(self._clock.now())
        if fault == "out of memory":
            raise MemoryError
        if fault == "call hangs":
            self._clock.wait(15.0)
        scores = self._classifier.classify(frame, boxes)
        return np.full_like(scores, np.nan) if fault == "not a number" else scores

    def forget(self) -> None:
        """Forget the pixels of the classifier."""
        forget_all((self._classifier,))


class Observer:
    """Looks at every scene that reaches the wall, and judges each second of the day."""

    def __init__(self, day: Day, clock: FastClock, begins_at: float) -> None:
        self._day = day
        self._clock = clock
        self._begins_at = begins_at
        self._second = 0
        self._frames = 0
        self._last_frame: Frame | None = None
        self._first_at: float | None = None
        self._rates: deque[float] = deque(maxlen=max(1, round(RATE_S * clock.speed)))
        self._shown_at = begins_at
        self._process = psutil.Process()
        self._recovery_s = RECOVERY_S + LATENCY_S * clock.speed
        self._baseline: tuple[int, int] | None = None
        self.memory: list[tuple[float, float]] = []
        self.mistakes: list[str] = []
        self.recovered: dict[Fault, float] = {}
        self.scenes = self.labels = 0

    def show(self, scene: Scene, frame: Frame | None) -> None:
        """Take a scene that was just shown, and the frame that the mirror holds."""
        now = self._clock.now()
        self.scenes += 1
        if frame is not None and frame is not self._last_frame:
            self._frames += 1
            self._last_frame = frame
            self._first_at = self._first_at or now
            self._shown_at = now
        self._judge_people(scene, now)
        if now - self._begins_at >= self._second + 1:
            self._judge_second(now)

    def _mistake(self, problem: str, now: float) -> None:
        self.mistakes.append(f"at {now - self._begins_at:.1f} s: {problem}")

    def _judge_people(self, scene: Scene, now: float) -> None:
        named = [visitor for visitor in scene.visitors if visitor.shown.verdict is not None]
        self.labels += len(named)
        if scene.picture is None and scene.visitors:
            self._mistake("people on a wall without a picture", now)
        if not scene.visitors:
            return
        grace_s = GRACE_S + LATENCY_S * self._clock.speed
        instants = np.linspace(now - grace_s - 1.0, now, 20)
        most = max(len(self._day.faces_at(float(at))) for at in instants)
        if len(scene.visitors) > most:
            problem = f"{len(scene.visitors)} people on the wall, where at most {most} were"
            self._mistake(problem, now)

    def _judge_second(self, now: float) -> None:
        passed_s = now - self._begins_at - self._second
        self._second = int(now - self._begins_at)
        rate, self._frames = self._frames / passed_s, 0
        troubled = [
            fault
            for fault in self._day.faults
            if fault.begins_at - 1 <= now and now - passed_s < fault.ends_at + self._recovery_s
        ]
        for fault in self._day.faults:
            over = fault.ends_at <= now and fault not in self.recovered
            if over and self._shown_at > fault.ends_at:
                self.recovered[fault] = self._shown_at - fault.ends_at
            elif over and fault.ends_at + self._recovery_s < now:
                self.recovered[fault] = float("inf")
                self._mistake(f"not back {RECOVERY_S:g} s after '{fault.name}'", now)
        if troubled or self._first_at is None or now - self._first_at < STARTED_S:
            self._rates.clear()
        else:
            self._rates.append(rate * self._clock.speed)
            mean = sum(self._rates) / len(self._rates)
            if len(self._rates) == self._rates.maxlen and mean < FLOOR_FPS:
                self._mistake(f"the mirror shows {mean:.1f} frames/s", now)
                self._rates.clear()
            if self._second % 10 == 0 and self._second >= SETTLED_S:
                self._judge_process(now)

    def _judge_process(self, now: float) -> None:
        memory = self._process.memory_info().rss / 1e6
        self.memory.append(((now - self._begins_at) / 3600, memory))
        counts = self._process.num_fds(), self._process.num_threads()
        if self._baseline is None:
            self._baseline = counts
        # A call that hangs keeps its thread for as long as it hangs.
        elif counts[0] > self._baseline[0] or counts[1] > self._baseline[1] + 1:
            self._mistake(f"descriptors and threads are {counts}, were {self._baseline}", now)

    def slope(self) -> float | None:
        """Return the slope of memory, MB/h of the day; None if there are too few points."""
        if len(self.memory) < 3:
            return None
        hours, megabytes = np.array(self.memory).T
        return float(np.polyfit(hours, megabytes, 1)[0])


def files_of(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and change time of every file that a show might write, by path."""
    places = [folder / "models", folder / "kiosk.yaml", folder / "installation"]
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    return {
        file: (file.stat().st_size, file.stat().st_mtime_ns)
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
    }


def ignore(_: object) -> None:
    """Take a line or an event that nobody reads."""


def run_day(
    seed: int, seconds: float, speed: float, *, prints_log: bool = False
) -> tuple[Observer, Day]:
    """Run the day of `seed` for `seconds` of its time; return what was observed."""

    def log(line: str) -> None:
        if prints_log:
            print(f"{clock.now() - begins_at:7.1f} {line}", flush=True)

    clock = FastClock(speed)
    begins_at = clock.now()
    day = Day.from_seed(seed, begins_at, seconds)
    observer = Observer(day, clock, begins_at)
    shown = mirror.Mirror._show

    def show(self: mirror.Mirror, scene: Scene) -> None:
        shown(self, scene)
        observer.show(scene, self._frame)

    mirror.Mirror._show = show  # type: ignore[method-assign]
    loaded = load_settings(DEFAULT_FILE, source="rehearsal")
    files = files_of(PROJECT)
    try:
        with TemporaryDirectory() as folder:
            node = Path(folder, "video0")
            parts_of = _opener(day, clock, node)
            while clock.now() < begins_at + seconds:
                show_ = Show(
                    loaded,
                    OffScreen(SIZE),
                    started_at=clock.now(),
                    log=log,
                    emit=ignore,
                    open_parts=parts_of,
                    clock=clock,
                    is_service=True,
                )
                try:
                    show_.run(begins_at + seconds - clock.now())
                except RestartNeededError:
                    continue  # The supervisor would start another process.
    finally:
        mirror.Mirror._show = shown  # type: ignore[method-assign]
    changed = {path for path, state in files_of(PROJECT).items() if files.get(path) != state}
    observer.mistakes += [f"changed: {path}" for path in sorted(changed)]
    slope = observer.slope()
    if seconds >= SLOPE_HOURS * 3600 and (slope is None or slope >= SLOPE_MB_PER_HOUR):
        observer.mistakes.append(f"memory grows by {slope} MB/h")
    return observer, day


def _opener(
    day: Day, clock: FastClock, node: Path
) -> Callable[[Loaded[Settings], Clock, Log], Parts]:
    """Return a function that opens the show's parts with the day's camera and faults."""

    def open_camera() -> Webcam:
        if day.fault_at(clock.now()) == "unplugged":
            raise CameraError(Mistake("camera", "it is unplugged", "Wait."))
        node.touch()
        settings = CameraSettings(width=SIZE[0], height=SIZE[1], fps=FPS)
        return Webcam(node, DayDevice(day, clock, node), settings, clock)

    def befallen(networks: Networks) -> Networks:
        classifier = DayClassifier(networks.classifier, day, clock)
        return replace(networks, detector=DayDetector(day, clock), classifier=classifier)

    def open_day(loaded: Loaded[Settings], used: Clock, log: Log) -> Parts:
        parts = open_parts(loaded, used, log)
        networks = replace(parts.open_networks(), reloader=None)

        def opened() -> Networks:
            return befallen(networks)

        return replace(
            parts,
            open_camera=open_camera,
            open_networks=opened,
            reopen_networks=lambda _label_set, _on_processor: opened(),
        )

    return open_day


def main() -> int:
    """Run one day and print what was observed; return 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="real time (default: 5)")
    parser.add_argument("--speed", type=float, default=6.0, help="times real time, up to 60")
    parser.add_argument("--seed", type=int, help="the day to run again (default: drawn)")
    parser.add_argument("--log", action="store_true", help="print the show's log")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    seconds = args.minutes * 60 * args.speed
    observer, day = run_day(seed, seconds, args.speed, prints_log=args.log)
    times = sorted(observer.recovered.values())
    print(f"seed {seed}, {seconds / 3600:.2f} h of the day at {args.speed:g} times real time")
    print(
        f"{len(day.visits)} visits, {observer.scenes:,} scenes, {observer.labels:,} names on them"
    )
    if times:
        print(
            f"{len(times)} faults; back after {times[len(times) // 2]:.1f} s (median), "
            f"{times[-1]:.1f} s (worst)"
        )
    slope = observer.slope()
    print("memory: " + ("too short a day" if slope is None else f"{slope:+.1f} MB/h"))
    for mistake in observer.mistakes[:50]:
        print(mistake)
    if observer.mistakes:
        again = f"scripts/soak --seed {seed} --minutes {args.minutes:g} --speed {args.speed:g}"
        print(f"{len(observer.mistakes)} mistakes. The same day again: {again}")
    return 1 if observer.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
