"""Runs the show on simulated days with random faults, faster than real time; checks the screen.

The day, the faults and their instants follow from a seed, so a run that fails can be repeated with
`--seed`. These parts are real: the camera's class with its checks, the tracker, the classifier with
the default label set, the part that chooses names (the settler), the part that restarts a failed
analysis with its networks, the thread that paints the screen, the window, the threads that watch
kiosk.yaml and the label set, the privacy line, and the recovery from faults. Three parts are
replaced: the camera's device, which sends noise; the detector, which knows where the day's visitors
are; and the world around the show (`soak_world`): monitors, wall clock, and the self-test's result.

The day's clock is faster than the machine's by a factor. During a fault, and until the show has
recovered, it is as fast as the machine's. Otherwise work that takes one second would take many
seconds of the day, and each recovery would seem too long.

A show that needs a new process gets one, by a fork. The supervisor and the sandbox are not part of
the soak: `tests/running` and the virtual machine of `docs/venue.md` test these.
"""

from __future__ import annotations

import argparse
import logging
import math
import multiprocessing
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from installation.errors import CameraError, Mistake, RestartNeededError
from installation.guarding.guard import Guard
from installation.guarding.stage_one import ENVIRONMENT
from installation.naming.label_set.label_set import LabelSet
from installation.running.clock import Clock
from installation.seeing.cameras.webcam import Webcam
from installation.settings.kiosk import CameraSettings, Settings
from installation.settings.paths import PROJECT
from installation.settings.yaml_file import Loaded
from installation.show import live, mirror, privacy_line
from installation.show.analysis_keeper import DIFFERENT_FAILURES
from installation.show.parts import Log, Networks, Parts, open_parts
from installation.show.show import Show
from installation.show.status import SettingsWatch
from installation.showing.cover import Cover
from installation.showing.scene import Scene
from installation.showing.scenes.bands import bands
from scripts import recoveries
from scripts.soak_day import (
    ALL_FAULTS,
    FAST_FAULTS,
    FPS,
    SIZE,
    Day,
    DayClassifier,
    DayClock,
    DayDetector,
    DayDevice,
)
from scripts.soak_observer import Control, Findings, Observer
from scripts.soak_world import (
    DayFiles,
    DayGuard,
    DayWindow,
    World,
    day_calendar,
    lift_memory_limit,
    use_time_zone,
)

SLOPE_MB_PER_HOUR = 1.0
SLOPE_ERRORS = 2.0
"""Memory counts as growing only if its slope is at least this many times its standard error."""
SLOPE_HOURS = 4.0
"""The least length of a simulated day for which the growth of memory is fitted, hours."""

ENDS_S = 0.01
"""How much too early a show may end, in seconds of the day. Instants are rounded, so a smaller
difference is no mistake.
"""

MALLOC = "GLIBC_TUNABLES"
"""The environment variable that makes a show allocate memory as it does under the guard."""


def files_of(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and change time of every file that a show might write, keyed by path."""
    places = [folder / "models", folder / "kiosk.yaml", folder / "installation"]
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    return {
        file: (file.stat().st_size, file.stat().st_mtime_ns)
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
    }


def ignore(_: object) -> None:
    """Ignore a line of the log or an event."""


def run_day(
    day: Day, clock: DayClock, begins_at: float, seconds: float, *, prints_log: bool = False
) -> Findings:
    """Run `day` from `begins_at` for `seconds` of its time; return what was observed.

    `clock` is the day's clock. With `prints_log`, the show's log is printed.
    """
    context = multiprocessing.get_context("fork")
    control = Control()
    findings = Findings()
    files = files_of(PROJECT)
    folder = TemporaryDirectory()
    day_files = DayFiles(day, Path(folder.name))
    try:
        while clock.now() < begins_at + seconds:
            receiver, sender = context.Pipe(duplex=False)
            work = partial(
                _run_process, day, clock, begins_at, seconds, control, findings, sender, day_files
            )
            process = context.Process(target=work, args=(prints_log,))
            process.start()
            sender.close()
            try:
                findings, state = receiver.recv()
            except EOFError:
                process.join()
                findings.mistakes.append(f"a process ended by itself (status {process.exitcode})")
                return findings
            process.join()
            clock.restore(state)
            findings.process += 1
            while day.fault_at(clock.now()) == "display server":
                clock.wait(0.1)  # The supervisor would try again and again.
    finally:
        control.stop()
        folder.cleanup()
    Observer(day, clock, begins_at, control, findings).finish()
    changed = {path for path, state in files_of(PROJECT).items() if files.get(path) != state}
    findings.mistakes += [f"changed: {path}" for path in sorted(changed)]
    fit = findings.slope()
    if seconds >= SLOPE_HOURS * 3600 and (fit is None or _grows(*fit)):
        seen = "was not measured" if fit is None else f"grows by {fit[0]:.2f} ± {fit[1]:.2f} MB/h"
        findings.mistakes.append(f"memory {seen} (expected less than {SLOPE_MB_PER_HOUR} MB/h)")
    return findings


def _grows(slope: float, error: float) -> bool:
    """Return whether memory grows, by its `slope` and the slope's standard `error`, MB/h."""
    return slope >= SLOPE_MB_PER_HOUR and slope >= SLOPE_ERRORS * error


def _run_process(
    day: Day,
    clock: DayClock,
    begins_at: float,
    seconds: float,
    control: Control,
    findings: Findings,
    sender: Connection,
    files: DayFiles,
    prints_log: bool,
) -> None:
    """Run one process of the show, and send what was observed and the state of the clock."""
    use_time_zone()
    world = World(day, clock, begins_at, files, lambda fault: fault in findings.recovered)

    def log(line: str) -> None:
        if observer.judge is not None:
            observer.judge.log(line)
        if prints_log:
            print(f"{clock.now() - begins_at:7.1f} {line}", flush=True)

    if not prints_log:
        logging.getLogger("kiosk").addHandler(logging.NullHandler())
    observer = Observer(day, clock, begins_at, control, findings, world)
    shown = mirror.Mirror._show

    def show(self: mirror.Mirror, scene: Scene) -> None:
        shown(self, scene)
        frame = self._frame
        to_screen = None
        if frame is not None:
            room = bands(self._context).room
            to_screen = Cover.from_sizes((frame.width, frame.height), room).to_screen
        if observer.judge is not None:
            size = self._screen.surface.get_size()
            observer.judge.look(scene, self._sightings, size, self._context, guard.proof)
        observer.show(scene, frame, self._sightings, to_screen)

    mirror.Mirror._show = show  # type: ignore[method-assign]
    privacy_line.datetime = day_calendar(world.wall)  # type: ignore[assignment, attr-defined]
    live.update_privacy_line = partial(  # type: ignore[attr-defined]
        privacy_line.update_privacy_line, knows_time=lambda today: today >= privacy_line.FIRST_DAY
    )
    settings = SettingsWatch(files.settings, files.load, log)
    guard = DayGuard(world.wall, clock)
    started_at = clock.now()
    try:
        with TemporaryDirectory() as folder:
            show_ = Show(
                settings.load(),
                DayWindow(world),
                started_at=started_at,
                log=log,
                emit=ignore,
                open_parts=_opener(day, clock, Path(folder, "video0"), files.models),
                clock=clock,
                guard=cast("Guard", guard),
                is_service=True,
                settings=settings,
            )
            show_.run(begins_at + seconds - started_at)
        if clock.now() < begins_at + seconds - ENDS_S:
            findings.mistakes.append(f"the show ended at {clock.now() - begins_at:.1f} s")
    except RestartNeededError as error:
        # The supervisor would start another process.
        log(str(error))
        findings.ended = str(error), time.monotonic()
    except Exception as error:
        lift_memory_limit()
        if day.fault_at(clock.now()) != "memory":
            findings.mistakes.append(f"the show ended: {traceback.format_exc()}")
        findings.ended = type(error).__name__, time.monotonic()
    lift_memory_limit()
    sender.send((findings, clock.state()))
    sender.close()
    os._exit(0)  # A thread that hangs would keep the process.


def _opener(
    day: Day, clock: DayClock, node: Path, models: Path
) -> Callable[[Loaded[Settings], Clock, Log], Parts]:
    """Return a function that opens the show's parts with the day's camera and faults."""

    def open_camera() -> Webcam:
        if day.lacks_camera(clock.now()):
            raise CameraError(Mistake("camera", "it is unplugged", "Wait."))
        node.touch()
        settings = CameraSettings(width=SIZE[0], height=SIZE[1], fps=FPS)
        return Webcam(node, DayDevice(day, clock, node), settings, clock)

    def befallen(networks: Networks) -> Networks:
        classifier = DayClassifier(networks.classifier, day, clock)
        detector = DayDetector(day, clock)
        return replace(networks, detector=detector, classifier=classifier)

    def open_day(loaded: Loaded[Settings], used: Clock, log: Log) -> Parts:
        parts = open_parts(loaded, used, log, models=models)
        reopen = parts.reopen_networks
        assert reopen is not None

        def reopened(label_set: LabelSet, on_processor: bool) -> Networks:
            return befallen(reopen(label_set, on_processor))

        return replace(
            parts,
            open_camera=open_camera,
            open_networks=lambda: befallen(parts.open_networks()),
            reopen_networks=reopened,
        )

    return open_day


ROWS = {
    "turned": "resolution",
    "clock back": "clock",
    "clock forward": "clock",
    "summer time": "clock",
    "computer stops": "sleeps",
    "memory": "memory nearly gone",
}
"""The faults that have another name in the table of recoveries, each with that name."""


def observations_of(findings: Findings) -> list[recoveries.Observation]:
    """Return an observation for each fault from which the show has recovered, with its time.

    A new process after three different failures of the analysis is also an observation. A fault
    from which the show has not recovered is reported as a mistake elsewhere. If a window covered
    the show, the observation has no time, because the show comes to the front during the fault.
    """
    recovered = [
        (ROWS.get(fault.name, fault.name), seconds) for fault, seconds in findings.recovered.items()
    ]
    recovered += [
        ("three failures", seconds)
        for reason, seconds in findings.restarts
        if DIFFERENT_FAILURES in reason
    ]
    return [
        recoveries.Observation(name, "soak", None if name == "covered" else seconds)
        for name, seconds in recovered
        if math.isfinite(seconds)
    ]


def main() -> int:
    """Run one day and print what was observed; return 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="the length of the day, minutes (default: 60)"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=12.0,
        help="the speed of the day between faults, as a multiple of real time (default: 12)",
    )
    parser.add_argument("--seed", type=int, help="the seed of a day to run again (default: random)")
    parser.add_argument(
        "--between",
        type=float,
        nargs=2,
        default=(20.0, 60.0),
        metavar=("MIN", "MAX"),
        help="the shortest and the longest time without a fault, s of simulated time; 10 s for the "
        "recovery are added (default: 20 60)",
    )
    parser.add_argument(
        "--faults",
        nargs="+",
        default=ALL_FAULTS,
        choices=ALL_FAULTS,
        metavar="FAULT",
        help="the faults that may occur (default: all)",
    )
    parser.add_argument(
        "--crowd", action="store_true", help="fill the day with up to 32 people at a time"
    )
    parser.add_argument(
        "--record", action="store_true", help="append the recoveries to docs/recoveries.csv"
    )
    parser.add_argument("--log", action="store_true", help="print the show's log")
    args = parser.parse_args()
    if os.environ.get(MALLOC) != ENVIRONMENT[MALLOC]:
        environment = os.environ | {MALLOC: ENVIRONMENT[MALLOC]}
        program = [sys.executable, "-m", "scripts.soak", *sys.argv[1:]]
        os.execve(sys.executable, program, environment)  # noqa: S606 - without a shell on purpose
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    seconds = args.minutes * 60
    begins_at = 1000.0
    between_s = args.between[0], args.between[1]
    day = Day.from_seed(seed, begins_at, seconds, between_s, args.faults, crowd=args.crowd)
    slow = [fault.begins_at for fault in day.faults if fault.name not in FAST_FAULTS]
    clock = DayClock(args.speed, slow)
    findings = run_day(day, clock, begins_at, seconds, prints_log=args.log)
    if args.record:
        recoveries.append(observations_of(findings))
    print(f"seed {seed}, {seconds / 3600:.2f} h of a day, played at {args.speed:g} times real time")
    _print_findings(day, findings)
    if findings.mistakes:
        again = " ".join(
            sys.argv[1:] if args.seed is not None else [*sys.argv[1:], "--seed", str(seed)]
        )
        print(f"Mistakes: {len(findings.mistakes)}. To run this day again: scripts/soak {again}")
    return 1 if findings.mistakes else 0


def _print_findings(day: Day, findings: Findings) -> None:
    print(
        f"visits: {len(day.visits)} (at most {findings.most_people} at once); scenes: "
        f"{findings.scenes:,}; names in all scenes: {findings.names:,}"
    )
    for name in ALL_FAULTS:
        times = sorted(s for fault, s in findings.recovered.items() if fault.name == name)
        if times:
            print(
                f"{len(times)} × {name}: back after {times[len(times) // 2]:.1f} s (median), "
                f"{times[-1]:.1f} s (worst)"
            )
    if findings.restarts:
        times = sorted(seconds for _, seconds in findings.restarts)
        print(
            f"new processes: {len(times)}; the show was back after "
            f"{times[len(times) // 2]:.1f} s (median), {times[-1]:.1f} s (worst)"
        )
    if findings.rates:
        rates = sorted(rate for rate, _ in findings.rates)
        nearest = min(rate / floor for rate, floor in findings.rates)
        print(
            "new frames on the screen per second of real time: "
            f"{rates[len(rates) // 2]:.0f} (median), {rates[0]:.0f} (lowest). The least allowed "
            "rate depends on the fault and on the machine's load; it was "
            f"{min(floor for _, floor in findings.rates):.0f} to "
            f"{max(floor for _, floor in findings.rates):.0f}. At the worst time, the rate was "
            f"{nearest:.1f} times the least allowed rate"
        )
    fit = findings.slope()
    print(
        "memory: not measured, as the day was too short"
        if fit is None
        else f"memory: {fit[0]:+.2f} ± {fit[1]:.2f} MB/h over {findings.measured_hours():.1f} h in "
        f"{len({level // 2 for level, _, _ in findings.memory})} processes, between "
        f"{min(each[2] for each in findings.memory):.0f} and "
        f"{max(each[2] for each in findings.memory):.0f} MB"
    )
    for mistake in findings.mistakes[:50]:
        print(mistake)


if __name__ == "__main__":
    sys.exit(main())
