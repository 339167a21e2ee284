"""Judges what a soak shows: each scene that reaches the screen, and the process of the show.

Times in "seconds of the day" are measured by the clock of the simulated day (`soak_day.DayClock`).
"""

from __future__ import annotations

import ctypes
import math
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psutil

from installation.naming.reading.values import Sightings
from installation.seeing.assignment import assign
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import GONE_S
from installation.showing.scene import Scene, Shown
from scripts.soak_day import (
    ANALYSIS_FAULTS,
    FAST_FAULTS,
    HANG_S,
    LOAD_FAULTS,
    RECOVERY_S,
    WITHOUT_MIRROR,
    Day,
    DayClock,
    Fault,
    Visit,
)
from scripts.soak_judge import WorldJudge
from scripts.soak_world import World

FLOOR_FPS = 5.0
"""The least rate of new frames on the screen while the day runs fast, frames per second of real
time. The limit is multiplied by `Control.share`, so it is lower on a busy machine.

In a second of real time, a fast day has many times as many frames and readings as a real day.
Therefore the limit is low, and only shows that the screen does not stop.
"""
FULL_FPS = 12.0
"""The least rate of new frames on the screen during some faults, in frames per second of real time.
The mirror must keep moving during these faults. Meanwhile the day runs in real time, and the camera
sends 15 frames a second. The limit is multiplied by `Control.share`, like `FLOOR_FPS`.
"""
READING_FPS = 6.0
"""The least rate of new frames while the show reads the files of a label set again, frames per
second of real time. Python works on the files for up to a second. During that time, the thread that
paints shares the interpreter with this work.
"""
LABELS_S = 35.0
"""The time that a changed label set may take in addition to `RECOVERY_S`, in seconds of the day.
Visitors in front of the screen keep names of the old label set for half a minute.
"""
LATE_S = GONE_S / 2
"""After this many seconds of the day without results, the analysis may have lost a face."""
ONE_NAME_S = 15.0
"""How long after a fault a poster may get another name, in seconds of the day: after a fault of the
camera or of the analysis it is a new visitor.
"""
RATE_S = 2.0
"""The real time over which the rate is averaged, s."""
GRACE_S = 0.1
"""How much longer than `GONE_S` the square around a face may stay on the screen after the face is
gone, in seconds of the day. The screen promises `GONE_S`. This extra time is needed because faces
are found, and squares are drawn, only when a frame arrives.
"""
NEAR = 1.0
"""How far a square's centre may be from its face's centre, as a multiple of the face's size."""
STARTED_S = 5.0
"""For this long after a process's first frame the rate of new frames is not judged, in seconds of
the simulated day.
"""
SETTLED_S = 900.0
"""When the memory, the descriptors and the threads of a process are first measured, in seconds of
the day after its first frame. By then there were groups of all sizes, so that the process needs no
more memory for a larger group.
"""
LEAKED = 6
"""More descriptors or threads than at first, in this many measurements in a row, are a leak."""
BLOCK_H = 0.5
"""The length of the blocks whose means are used for the slope of memory, hours of the day."""
SAMPLE_S = 10.0
"""The time between two measurements of the process, s on the clock of the simulated day."""

CONTROL_FPS = 15.0
"""The rate of the loop in `Control` on a machine with idle cores, frames a second."""

CONTROL_WORK_S = 0.004
"""The processor time that the loop in `Control` uses in each turn, s. To paint a frame, the show
uses about as much.
"""


class Control:
    """A loop in a separate process that waits and computes in turn, as the show does.

    It measures how fast the machine is. Other programs slow this loop as much as they slow the
    show. A fault of the show itself does not slow the loop. Rejected: a least rate that follows
    from the load average, which says little about how long a program waits.
    """

    def __init__(self) -> None:
        """Start the loop; `stop` ends it."""
        context = multiprocessing.get_context("fork")
        self._share = context.Value("d", 1.0, lock=False)
        self._process = context.Process(target=self._work, daemon=True)
        self._process.start()

    def _work(self) -> None:
        while True:
            began_at, frames = time.monotonic(), 0
            due_at = began_at
            while time.monotonic() - began_at < RATE_S:
                due_at = max(due_at + 1 / CONTROL_FPS, time.monotonic())
                time.sleep(max(0.0, due_at - time.monotonic()))
                used_s = time.process_time()
                while time.process_time() - used_s < CONTROL_WORK_S:
                    sum(range(200))
                frames += 1
            rate = frames / (time.monotonic() - began_at)
            self._share.value = min(1.0, rate / CONTROL_FPS)

    def share(self) -> float:
        """Return the rate of this loop in the last `RATE_S`, relative to `CONTROL_FPS`, 0–1."""
        return float(self._share.value)

    def stop(self) -> None:
        """End the loop."""
        self._process.kill()


@dataclass
class Findings:
    """What was observed, over all processes of the day."""

    mistakes: list[str] = field(default_factory=list)
    recovered: dict[Fault, float] = field(default_factory=dict)
    """The time from the end of each fault until the show had recovered, in seconds of the day.

    It is infinite if the show took longer than allowed.
    """
    restarts: list[tuple[str, float]] = field(default_factory=list)
    """Why each process ended, and the real time until the next one showed its first frame, s."""
    memory: list[tuple[int, float, float]] = field(default_factory=list)
    """The measurements: the number of a level, the hour of the day, and the resident memory, MB.

    Before each measurement, the C library returns its free pages to the system. Up to 40 MB of such
    pages come and go during a day.

    Measurements with the same number are one level of memory. Each process has two levels. The
    second begins when the process has read a label set again, which takes some 15 MB once.
    """
    scenes: int = 0
    names: int = 0
    most_people: int = 0
    rates: list[tuple[float, float]] = field(default_factory=list)
    """For each judged period: the rate of new frames and the least allowed rate, frames per second
    of real time.
    """
    process: int = 0
    ended: tuple[str, float] | None = None
    """Why the last process ended too early, and when, s on the machine's clock (monotonic)."""

    def slope(self) -> tuple[float, float] | None:
        """Return the slope of memory and its standard error, MB/h of the day; None without a fit.

        The fit has one slope for all levels of memory (see `memory`), and a separate initial value
        for each level. It uses the means of blocks of `BLOCK_H`: networks that are opened again may
        take 20 MB more or less for half an hour, so single measurements are not independent.
        """
        hours, megabytes, levels = [], [], 0
        for number in {number for number, _, _ in self.memory}:
            blocks: dict[int, list[tuple[float, float]]] = {}
            for each, hour, megabyte in self.memory:
                if each == number:
                    blocks.setdefault(int(hour / BLOCK_H), []).append((hour, megabyte))
            own = np.array([np.mean(block, axis=0) for block in blocks.values()])
            hours += list(own[:, 0] - own[:, 0].mean())
            megabytes += list(own[:, 1] - own[:, 1].mean())
            levels += 1
        spread, free = float(np.dot(hours, hours)), len(hours) - levels - 1
        if spread == 0 or free < 1:
            return None
        slope = float(np.dot(hours, megabytes)) / spread
        residuals = np.array(megabytes) - slope * np.array(hours)
        return slope, math.sqrt(float(np.dot(residuals, residuals)) / free / spread)

    def measured_hours(self) -> float:
        """Return the time over which memory was measured, hours of the day, over all levels."""
        total = 0.0
        for number in {number for number, _, _ in self.memory}:
            own = [hour for each, hour, _ in self.memory if each == number]
            total += max(own) - min(own)
        return total


class Observer:
    """Judges every scene that reaches the screen."""

    def __init__(
        self,
        day: Day,
        clock: DayClock,
        begins_at: float,
        control: Control,
        findings: Findings,
        world: World | None = None,
    ) -> None:
        """Add to `findings` what is wrong on `day`, which begins at `begins_at` of `clock`, s.

        `control` measures how fast the machine is. `world` knows display, files and wall clock;
        without it (None), these are not judged.
        """
        self.judge = None if world is None else WorldJudge(day, clock, world, self._mistake)
        self._searched_at = -math.inf
        """The instant of the newest results of the analysis, in seconds of the day."""
        self._poster_names: dict[tuple[Visit, int], set[str]] = {}
        """The names that each poster (a hanging picture of a face) has had, and the stages that the
        poster had after its first name. A key is a pair: the poster, and how many faults had begun.
        So each fault begins a new set.
        """
        self._day = day
        self._clock = clock
        self._begins_at = begins_at
        self._control = control
        self.findings = findings
        self._process = psutil.Process()
        self._last_frame: Frame | None = None
        self._first_at: float | None = None
        self._sampled_at = -math.inf
        self._frames = 0
        self._window_began_at = time.monotonic()
        self._window: object = None
        self._baseline: tuple[int, int] | None = None
        self._more = 0
        """How many measurements in a row have found more descriptors or threads than the first
        measurement of this process.
        """

    def show(
        self,
        scene: Scene,
        frame: Frame | None,
        sightings: Sightings | None,
        to_screen: Callable[[Box], Box] | None,
    ) -> None:
        """Judge a scene that was just shown.

        The scene was made from `frame` and `sightings`. `to_screen` takes a box in px of the frame,
        and returns it in px of the screen.
        """
        now = self._clock.now()
        self.findings.scenes += 1
        if frame is not None and frame is not self._last_frame:
            self._frames += 1
            self._last_frame = frame
            if self._first_at is None:
                self._begin(now)
        self._note_gap(sightings)
        self._judge_people(scene, to_screen, now)
        waiting = self._follow_faults(now, frame, sightings)
        if all(fault.name in FAST_FAULTS for fault in waiting):
            self._clock.hurry(now)
        camera_fails = any(fault.name in WITHOUT_MIRROR for fault in waiting)
        slow = bool(waiting) and self._clock.speed == 1.0
        floor = FULL_FPS if slow else FLOOR_FPS
        if any(fault.name.startswith("labels") for fault in waiting):
            floor = READING_FPS
        self._judge_rate(now, waiting, camera_fails, floor)
        if not waiting and self._first_at is not None and now >= self._sampled_at + SAMPLE_S:
            self._sampled_at = now
            if now - self._first_at >= SETTLED_S:
                self._judge_process(now)

    def finish(self) -> None:
        """Add a mistake for each fault from which the show has not recovered."""
        for fault in self._day.faults:
            if fault not in self.findings.recovered:
                self._mistake(f"the show has not recovered from '{fault.name}'", fault.ends_at)

    def _begin(self, now: float) -> None:
        self._first_at = now
        if self.findings.ended is not None:
            reason, ended_at = self.findings.ended
            took_s = time.monotonic() - ended_at
            self.findings.restarts.append((reason, took_s))
            self.findings.ended = None
            if took_s > RECOVERY_S:
                self._mistake(
                    f"a new process showed its first frame only after {took_s:.1f} s", now
                )

    def _mistake(self, problem: str, now: float) -> None:
        self.findings.mistakes.append(f"at {now - self._begins_at:.1f} s: {problem}")

    def _judge_people(
        self, scene: Scene, to_screen: Callable[[Box], Box] | None, now: float
    ) -> None:
        """Find squares and names that are not at the face of a person who is, or just was, present.

        Two squares cannot belong to the same visit.
        """
        people = scene.visitors
        self.findings.names += sum(each.shown.verdict is not None for each in people)
        self.findings.most_people = max(self.findings.most_people, len(people))
        if not people:
            return
        if scene.picture is None or to_screen is None:
            self._mistake("people are marked on a screen without a picture", now)
            return
        # This holds on any machine and at any speed of the day, because the show enforces it.
        since = scene.picture.taken_at - GONE_S - GRACE_S
        visits = self._day.visits_between(since, now)
        costs = np.ones((len(people), max(1, len(visits))))
        for column, visit in enumerate(visits):
            instants = np.linspace(max(since, visit.came_at), min(now, visit.left_at), 8)
            faces = [to_screen(visit.box_at(float(at))) for at in instants]
            size = max(faces[0].width, faces[0].height)
            centres = np.array([face.centre for face in faces])
            for row, each in enumerate(people):
                square = each.square
                x, y = square.x + square.width / 2, square.y + square.height / 2
                near = np.hypot(centres[:, 0] - x, centres[:, 1] - y).min() <= NEAR * size
                costs[row, column] = 0.0 if near else 1.0
        pairs = [(row, column) for row, column in assign(costs) if costs[row, column] == 0.0]
        fitting = len(pairs)
        for row, column in pairs:
            shown = people[row].shown
            if visits[column].is_poster:
                self._judge_poster(visits[column], shown, now)
        if fitting < len(people):
            squares = ", ".join(f"{each.id} {each.shown.stage} {each.square}" for each in people)
            there = ", ".join(str(to_screen(visit.box_at(now))) for visit in visits)
            problem = (
                f"{len(people)} people are marked on the screen, but only {fitting} of them were "
                f"there (squares: {squares}; faces: {there})"
            )
            self._mistake(problem, now)

    def _follow_faults(
        self, now: float, frame: Frame | None, sightings: Sightings | None
    ) -> list[Fault]:
        """Return the faults that have begun and from which the show has not recovered."""
        waiting = []
        for fault in self._day.faults:
            if fault.begins_at > now:
                break
            if fault in self.findings.recovered:
                continue
            limit_s = RECOVERY_S
            seen: Frame | Sightings | None = frame
            if fault.name in (*ANALYSIS_FAULTS, *LOAD_FAULTS):
                # A call that began at the end of the fault is known to hang only after a while.
                limit_s += HANG_S if fault.name == "call hangs" else 0
                seen = sightings
            limit_s += LABELS_S if fault.name == "labels changed" else 0
            back = seen is not None and seen.taken_at > fault.ends_at
            if fault.name in LOAD_FAULTS:
                back &= frame is not None and frame.taken_at > fault.ends_at
            back &= self.judge is None or self.judge.is_as_before(fault, now)
            passed_s = now - fault.ends_at
            if back or passed_s > limit_s:
                self.findings.recovered[fault] = passed_s if back else math.inf
            if passed_s > limit_s:
                self._mistake(f"the show has not recovered {limit_s:g} s after '{fault.name}'", now)
            elif back and self.judge is not None:
                self.judge.judge_end(fault, now)
            if fault not in self.findings.recovered:
                waiting.append(fault)
        return waiting

    def _note_gap(self, sightings: Sightings | None) -> None:
        """Forget the names of posters if the analysis was late and may have lost the posters.

        On a day that runs 60 times as fast as real time, faces are searched for too seldom. The
        show then takes a poster for a new visitor again and again.
        """
        if sightings is None:
            return
        if sightings.taken_at - self._searched_at > LATE_S:
            self._poster_names.clear()
        self._searched_at = sightings.taken_at

    def _judge_poster(self, poster: Visit, shown: Shown, now: float) -> None:
        """Add a mistake if `poster` gets a second name, or gets its name back after losing it."""
        begun = [fault for fault in self._day.faults if fault.begins_at <= now]
        if begun and now < begun[-1].ends_at + ONE_NAME_S:
            return
        if shown.stage == "named" and not shown.name:
            return  # Large text changes later than the stage.
        had = self._poster_names.setdefault((poster, len(begun)), set())
        if shown.stage == "named" and had - {shown.name}:
            self._mistake(f"a poster is named again ({shown.name}; before: {sorted(had)})", now)
            had.clear()
        if shown.stage == "named" or had:
            had.add(shown.name if shown.stage == "named" else shown.stage)

    def _judge_rate(
        self, now: float, waiting: list[Fault], camera_fails: bool, floor: float
    ) -> None:
        """Judge the rate of new frames whenever no fault has begun or ended for `RATE_S`.

        `floor` is the least allowed rate on a machine with idle cores.
        """
        machine = time.monotonic()
        begun = sum(fault.begins_at <= now for fault in self._day.faults)
        window = bool(waiting), camera_fails, self._clock.speed, begun
        started = self._first_at is not None and now - self._first_at >= STARTED_S
        if window != self._window or camera_fails or not started:
            self._window, self._window_began_at, self._frames = window, machine, 0
            return
        passed_s = machine - self._window_began_at
        if passed_s < RATE_S:
            return
        rate = self._frames / passed_s
        floor *= self._control.share()
        self.findings.rates.append((rate, floor))
        if rate < floor:
            self._mistake(
                f"the screen shows {rate:.1f} frames/s (expected at least {floor:.1f})", now
            )
        self._window_began_at, self._frames = machine, 0

    def _level(self) -> int:
        """Return the number of the process's level of memory, see `Findings.memory`."""
        assert self._first_at is not None
        reread = any(
            fault.name.startswith("labels") and fault.begins_at >= self._first_at
            for fault in self.findings.recovered
        )
        return 2 * self.findings.process + reread

    def _judge_process(self, now: float) -> None:
        _return_free_pages()
        memory = self._process.memory_info().rss / 1e6
        self.findings.memory.append((self._level(), (now - self._begins_at) / 3600, memory))
        # The second thread that reads a crowd is there until all visitors have names, so it is not
        # counted.
        reading = sum(thread.name == "reading" for thread in threading.enumerate())
        counts = self._process.num_fds(), self._process.num_threads() - reading
        if self._baseline is None:
            self._baseline = counts
        # Networks that are being opened have a thread and a file for a while; a leak stays.
        elif counts[0] > self._baseline[0] or counts[1] > self._baseline[1]:
            self._more += 1
            if self._more == LEAKED:
                self._mistake(
                    f"there are more descriptors or threads than at first: {counts[0]} and "
                    f"{counts[1]}, at first {self._baseline[0]} and {self._baseline[1]}",
                    now,
                )
        else:
            self._more = 0


def _return_free_pages() -> None:
    """Return all free pages of the C library to the system, if it is glibc."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
