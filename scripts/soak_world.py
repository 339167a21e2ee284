"""The display, the files, the clock and the machine of a simulated day, with their faults.

Each part of the show is the real one: its window (with SDL's driver without a screen), the object
that keeps the window on its monitor, the threads that watch kiosk.yaml and the label set, and the
privacy line. What they ask is simulated: the monitors of an X server, the wall clock, and the
self-test's result. The files are copies in a temporary folder.

The main thread of the show calls `World.step` before each look at the window's events.
"""

from __future__ import annotations

import csv
import datetime
import io
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pygame

from installation.guarding.probes.probe import ProbeResult
from installation.guarding.self_test import Proof
from installation.guarding.status import SandboxStatus
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import Settings, load_settings
from installation.settings.paths import DEFAULT_FILE, MODELS
from installation.settings.yaml_file import Loaded
from installation.showing.monitors import Monitor
from installation.showing.scene import Size
from installation.showing.window import ScreenEvents, Window
from scripts.soak_day import FILE_FAULTS, SIZE, WAYS, Day, DayClock, Fault

CONNECTOR = "HDMI-1"
LATE_SIZE = (480, 270)
"""The size of the display until a monitor that is switched on late has reported its own, px."""

TIME_ZONE = "CET-1CEST,M3.5.0/2,M10.5.0/3"
"""The time zone of the day, in the form of POSIX: summer time begins on the last Sunday of March at
two o'clock.
"""
MORNING = datetime.datetime(2026, 3, 27, 9, 0, tzinfo=datetime.UTC)
"""The time at which the day begins, as a clock without faults shows it."""
BEFORE_SUMMER = datetime.datetime(2026, 3, 29, 0, 59, 58, tzinfo=datetime.UTC)
"""What the clock shows when the fault `summer time` begins: two seconds before summer time."""

LEFT_BYTES = 24_000_000
"""The memory that the show can still get during the fault `memory`, bytes: less than it needs to
open its networks again.
"""


class WallClock:
    """The machine's wall clock on a day."""

    def __init__(self, day: Day, clock: DayClock, begins_at: float) -> None:
        """Create a wall clock that shows the time `MORNING` when `clock` shows `begins_at`."""
        self._day = day
        self._clock = clock
        self._begins_at = begins_at

    def true(self, at: float) -> float:
        """Return the true time when the day's clock shows `at` (s), s since 1970.

        `shown` returns what the machine's wall clock shows then, which may be wrong.
        """
        return MORNING.timestamp() + at - self._begins_at

    def shown(self, at: float) -> float:
        """Return what this clock shows when the day's clock shows `at` (s), s since 1970."""
        fault = self._day.present(at)
        name = None if fault is None else fault.name
        if fault is not None and name == "summer time":
            return BEFORE_SUMMER.timestamp() + at - fault.begins_at
        wrong_s = {"clock back": -365 * 86400.0, "clock forward": 86400.0}
        return self.true(at) + wrong_s.get(name or "", 0.0)

    def local(self) -> datetime.datetime:
        """Return the local time that the clock shows now."""
        shown = self.shown(self._clock.now())
        return datetime.datetime.fromtimestamp(shown, datetime.UTC).astimezone()

    def today(self) -> datetime.date:
        """Return the date that the clock shows now."""
        return self.local().date()


@dataclass(frozen=True)
class DayProof(Proof):
    """The result of a self-test in which every probe was refused.

    If the simulated wall clock was set after the self-test, `by_this_clock` corrects `tested_at`.
    """

    wall: WallClock | None = None
    clock: DayClock | None = None

    def by_this_clock(self) -> DayProof:
        """Return this result with `tested_at` corrected by what the wall clock shows now."""
        assert self.wall is not None
        assert self.clock is not None
        proof = self.by_clock(self.wall.local(), self.clock.now())
        return replace(self, tested_at=proof.tested_at.astimezone())


class DayGuard:
    """Replaces the guard, which a soak cannot enter; its self-test finds every probe refused."""

    def __init__(self, wall: WallClock, clock: DayClock) -> None:
        self.status = SandboxStatus("enforce", landlock_version=6, waits_for_camera=True)
        self._wall = wall
        self._clock = clock
        self.proof: DayProof | None = None
        """The result of the self-test; None until it has run."""

    def check_stage_one(self) -> None:
        """Do nothing."""

    def enter_middle_stage(self) -> None:
        """Do nothing."""

    def seal(self) -> DayProof:
        """Return the result of a self-test that runs now: every probe is refused."""
        result = ProbeResult("write a file", "open(O_WRONLY)", "main", "refused", "Landlock", 13)
        self.proof = DayProof(
            results=(result,),
            missing=(),
            tested_at=self._wall.local(),
            tested_at_s=self._clock.now(),
            wall=self._wall,
            clock=self._clock,
        )
        return self.proof


class DayFiles:
    """Copies of kiosk.yaml and of its label set, which become wrong on the day."""

    def __init__(self, day: Day, folder: Path) -> None:
        """Copy kiosk.yaml and the label set that it names to `folder`."""
        self._day = day
        self.settings = folder / DEFAULT_FILE.name
        self.models = folder / "models"
        shutil.copy(DEFAULT_FILE, self.settings)
        self.set = self.models / load_settings(DEFAULT_FILE).settings.labels
        shutil.copytree(MODELS / self.set.name, self.set)
        self._right = {
            path.name: path.read_bytes() for path in (self.settings, *self.set.iterdir())
        }
        self._with_one_less = _with_one_hidden(self._right["labels.csv"].decode()).encode()
        settings = load_settings(DEFAULT_FILE).settings
        self._count = len(load_label_set(self.set.name, settings.content, self.models).labels)
        self._state: tuple[Fault | None, bool] = (None, False)

    def load(self) -> Loaded[Settings]:
        """Return the settings in the copy of kiosk.yaml."""
        return load_settings(self.settings, source="rehearsal", models=self.models)

    def label_count(self, now: float) -> int:
        """Return how many labels of the set can be shown at the instant `now`."""
        return self._count - self.has_one_less(now)

    def has_one_less(self, now: float) -> bool:
        """Return whether the label set has one visible label less at the instant `now`."""
        begun = (f for f in self._day.faults if f.name == "labels changed" and f.begins_at <= now)
        return sum(1 for _ in begun) % 2 == 1

    def step(self, now: float) -> None:
        """Write the files as the day's faults require them at the instant `now`."""
        fault = self._day.present(now)
        fault = fault if fault is not None and fault.name in FILE_FAULTS else None
        state = fault, self.has_one_less(now)
        if state == self._state:
            return
        self._state = state
        for path in (self.settings, self.set / "labelset.yaml", self.set / "built.safetensors"):
            self._make(path, self._right[path.name])
        rows = self._with_one_less if state[1] else self._right["labels.csv"]
        self._make(self.set / "labels.csv", rows)
        if fault is not None and fault.name == "settings changed":
            self._make(self.settings, self._right[self.settings.name] + b"\n")
            text = self._right[self.settings.name].decode()
            self._make(self.settings, text.replace("\nlanguage: en", "\nlanguage: de").encode())
        elif fault is not None and fault.name.endswith("wrong"):
            path = self.settings if fault.file == self.settings.name else self.set / fault.file
            self._spoil(path, fault.way)

    def _spoil(self, path: Path, way: str) -> None:
        assert way in WAYS, f"a bug in soak: files cannot be spoilt in the way {way!r}"
        if way == "mistyped":
            self._make(path, b"what: [is, this\n" + self._right[path.name][16:])
        elif way == "emptied":
            self._make(path, b"")
        else:
            path.unlink()
            if way == "replaced by a folder":
                path.mkdir()

    @staticmethod
    def _make(path: Path, content: bytes) -> None:
        if path.is_dir():
            path.rmdir()
        if not path.exists() or path.read_bytes() != content:
            new = path.with_name(f".{path.name}.new")
            new.write_bytes(content)
            new.replace(path)


def _with_one_hidden(text: str) -> str:
    """Return the `text` of a labels.csv with one visible label hidden."""
    rows = list(csv.DictReader(io.StringIO(text)))
    parents = {row["parent"] for row in rows}
    shown = next(row for row in rows if not row["hidden_because"] and row["id"] not in parents)
    shown["hidden_because"] = "insult"
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


class DayMonitors:
    """The monitors of the day's X server; satisfies `Monitors`."""

    def __init__(self, day: Day, clock: DayClock) -> None:
        self._day = day
        self._clock = clock
        self._came_in_front = False
        self.in_front_after_s: float | None = None
        """How long the show was covered before it came in front, in seconds of the day; None if it
        has not yet come in front.
        """

    def size(self, now: float) -> Size:
        """Return the size of the display at the instant `now`, px."""
        fault = self._day.fault_at(now)
        if fault == "turned":
            return SIZE[1], SIZE[0]
        return LATE_SIZE if fault == "late monitor" else SIZE

    def now(self) -> list[Monitor]:
        """Return the monitor that is on now."""
        now = self._clock.now()
        if self._day.fault_at(now) == "display off":
            return []
        return [Monitor(CONNECTOR, 0, 0, *self.size(now))]

    def fill(self, window: int, monitor: Monitor) -> None:  # noqa: ARG002 - the X server's call
        """Give the window the place and the size of `monitor`, as an X server does."""
        pygame.display.set_mode((monitor.width, monitor.height))
        pygame.display.set_window_position((monitor.x, monitor.y))

    def watch(self, window: int) -> None:
        """Do nothing: all windows are watched."""

    def is_covered(self, window: int) -> bool:  # noqa: ARG002 - the X server's call
        """Return whether another window covers the show."""
        covered = self._day.fault_at(self._clock.now()) == "covered"
        self._came_in_front &= covered
        return covered and not self._came_in_front

    def give_keyboard(self, window: int) -> None:  # noqa: ARG002 - the X server's call
        """Store that the show's window has come in front, and how long it was covered."""
        now = self._clock.now()
        fault = self._day.present(now)
        if fault is not None and fault.name == "covered":
            self._came_in_front = True
            self.in_front_after_s = now - fault.begins_at

    def switch_on(self, connector: str | None) -> bool:  # noqa: ARG002 - the X server's call
        """Return False: a monitor that is off stays off."""
        return False

    def close(self) -> None:
        """Do nothing: there is no connection."""


class DayWindow(Window):
    """The show's window on the day's display."""

    def __init__(self, world: World) -> None:
        """Open the window of `world` with SDL's driver `dummy`, which needs no display."""
        os.environ["SDL_VIDEODRIVER"] = "dummy"
        super().__init__(0, None)
        assert self._placement is not None
        self._world = world
        self._placement._monitors = world.monitors  # type: ignore[assignment]
        self._placement._connector = CONNECTOR
        world.monitors.fill(0, world.monitors.now()[0])

    def poll(self, now: float) -> ScreenEvents:
        """Let the day's faults happen, then read the window's events."""
        self._world.step(self._is_gone)
        if self._world.server_ends():
            self._is_gone = True
        events = super().poll(now)
        if events.staff_card != self._world.wants_card():
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, {"key": pygame.K_F1}))
        return events


class World:
    """The display, the files, the wall clock and the machine of one process of the show."""

    def __init__(
        self,
        day: Day,
        clock: DayClock,
        begins_at: float,
        files: DayFiles,
        is_over: Callable[[Fault], bool],
    ) -> None:
        """Store the parts; `is_over` says whether the show has recovered from a fault."""
        self._day = day
        self._clock = clock
        self._is_over = is_over
        self.wall = WallClock(day, clock, begins_at)
        self.files = files
        self.monitors = DayMonitors(day, clock)
        self.has_lost_server = False
        """Whether the server of this process's display has ended."""
        self._done: Fault | None = None
        """The newest fault that `step` has applied to this process; each fault is applied once."""

    def step(self, is_gone: bool) -> None:
        """Apply the current fault to the files and to this process; for the show's main thread.

        With `is_gone`, the display's server has ended, and a fault only changes the files.
        """
        now = self._clock.now()
        self.files.step(now)
        fault = self._day.present(now)
        if fault is None or fault.name != "memory":
            lift_memory_limit()
        if fault is None or fault == self._done or is_gone:
            return
        self._done = fault
        if fault.name == "close key":
            pygame.event.post(pygame.event.Event(pygame.QUIT))
        elif fault.name == "memory":
            limit_memory()
        elif fault.name == "computer stops":
            stop_for(fault.ends_at - now)

    def server_ends(self) -> bool:
        """Return whether the server of this process's display has ended, now or before."""
        self.has_lost_server |= self._day.fault_at(self._clock.now()) == "display server"
        return self.has_lost_server

    def wants_card(self) -> bool:
        """Return whether somebody wants to see the staff's card.

        This is so from the beginning of a fault of `FILE_FAULTS` until the show has recovered.
        """
        now = self._clock.now()
        return any(
            fault.name in FILE_FAULTS and fault.begins_at <= now and not self._is_over(fault)
            for fault in self._day.faults
        )


def day_calendar(wall: WallClock) -> SimpleNamespace:
    """Return a replacement of the module `datetime`: its `date.today()` is the date of `wall`."""
    return SimpleNamespace(date=SimpleNamespace(today=wall.today))


def use_time_zone() -> None:
    """Set this process's time zone to `TIME_ZONE`, that of the simulated day."""
    os.environ["TZ"] = TIME_ZONE
    time.tzset()


def limit_memory() -> None:
    """Let this process get only `LEFT_BYTES` more memory."""
    used = psutil.Process().memory_info().data
    resource.setrlimit(resource.RLIMIT_DATA, (used + LEFT_BYTES, resource.RLIM_INFINITY))


def lift_memory_limit() -> None:
    """Let this process get as much memory as it needs."""
    unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    if resource.getrlimit(resource.RLIMIT_DATA) != unlimited:
        resource.setrlimit(resource.RLIMIT_DATA, unlimited)


def stop_for(seconds: float) -> None:
    """Stop all threads of this process for `seconds`, as a computer that sleeps does.

    During a real sleep the monotonic clock stands still; here it goes on.
    """
    subprocess.Popen(  # noqa: S602 - only numbers
        f"kill -STOP {os.getpid()}; sleep {seconds:.3f}; kill -CONT {os.getpid()}", shell=True
    )
