"""Measures the show on this machine and prints the figures as a table.

The mirror runs as visitors see it, in a process of its own under SDL's dummy driver, and beside it,
turn by turn in the same run, a plain loop that reads, detects, classifies and draws one after the
other with the same parts, and the same show without the guard. Figures of one run can be compared;
figures of two days cannot.

    scripts/bench --source film.mp4
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from installation.seeing.box import Box
    from installation.seeing.frame import Frame

ROOT = Path(__file__).resolve().parent.parent
SIZE = (1920, 1080)
BENCH_BATCH = 8
PLAIN, UNGUARDED = "plain", "unguarded"
TARGET_READINGS = 30.0
"""Readings a second of the classifier alone: 100,000 an hour, the traffic of the 2019 website."""

Figures = dict[str, Any]


def main() -> int:
    """Measure, print the table, and tell by the exit status whether every target was met."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--source", default="rehearsal", help="what plays; a film is best")
    parser.add_argument("--labels", default="persons")
    parser.add_argument("--detector", default="mtcnn", choices=["auto", "mtcnn", "yunet"])
    parser.add_argument("--seconds", type=float, default=30.0, help="of each show and each loop")
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="in each, the show twice, twice without guard, the loop",
    )
    parser.add_argument(
        "--device", choices=["cuda"], help="measure the networks on a graphics card, and no show"
    )
    parser.add_argument("--guard", action="store_true", help="measure what the guard costs, only")
    parser.add_argument("--only", choices=[PLAIN, UNGUARDED], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.device:
        return _graphics_card()
    if args.guard:
        from scripts import bench_guard

        return bench_guard.main(args)
    if args.only:
        print(json.dumps(plain_loop(args) if args.only == PLAIN else unguarded(args)))
        return 0
    child(args, UNGUARDED)  # counts for nothing: the first show reads everything from the disk
    rounds = [_round(args) for _ in range(args.rounds)]
    classifier = classifier_alone(args.labels)
    print(
        f"{machine()}; {args.rounds} rounds of {args.seconds:g} s; {SIZE[0]}×{SIZE[1]}; "
        f"{args.detector}; {Path(args.source).name}\n"
    )
    rows = _rows(rounds, classifier)
    print(
        "| what | median, or mean ± standard error | range | target | met |\n|---|---|---|---|---|"
    )
    for name, values, form, target, met in rows:
        low, high = min(values), max(values)
        print(
            f"| {name} | {middle(values, form)} | {low:{form}} – {high:{form}} | {target} | "
            f"{'' if met is None else 'yes' if met else 'NO'} |"
        )
    return 0 if all(met is not False for *_, met in rows) else 1


def _graphics_card() -> int:
    """Measure the pass on a graphics card; return the exit status."""
    from installation.errors import SettingsError
    from scripts import bench_device

    try:
        return bench_device.main()
    except SettingsError as error:
        sys.exit(str(error))


class Ratios(tuple[float, ...]):
    """How many times one show's figure is that of the show beside it, for each such pair.

    Shows differ by more than what is looked for. A mean over pairs, with its standard error, says
    how much of that is chance; the median of a few does not.
    """

    @property
    def mean(self) -> float:
        """Their geometric mean."""
        return statistics.geometric_mean(self)

    @property
    def error(self) -> float:
        """The standard error of that mean."""
        if len(self) < 2:
            return math.inf
        return self.mean * statistics.stdev(map(math.log, self)) / math.sqrt(len(self))


def middle(values: Sequence[float], form: str) -> str:
    """Return what stands for all of `values`: of ratios the mean, of others the median."""
    if isinstance(values, Ratios):
        return f"{values.mean:{form}} ± {values.error:{form}}"
    return f"{statistics.median(values):{form}}"


@dataclass(frozen=True)
class Round:
    """What was measured in turn: two shows, two without the guard, and a plain loop."""

    shows: tuple[Figures, Figures]
    free: tuple[Figures, Figures]
    plain: Figures


def _round(args: argparse.Namespace) -> Round:
    """Return one round; with and without the guard lie mirrored, so that no drift favours one."""
    first, before = show(args), child(args, UNGUARDED)
    plain = child(args, PLAIN)
    after, last = child(args, UNGUARDED), show(args)
    turn = Round((first, last), (before, after), plain)
    print(json.dumps(asdict(turn)), file=sys.stderr)
    return turn


Row = tuple[str, Sequence[float], str, str, bool | None]


def _rows(rounds: Sequence[Round], classifier: Sequence[float]) -> list[Row]:
    def both(figures: tuple[Figures, Figures], keys: Sequence[str]) -> float:
        return statistics.mean(at(row, keys) for row in figures)

    def shown(*keys: str) -> list[float]:
        return [both(turn.shows, keys) for turn in rounds]

    def plain(*keys: str) -> list[float]:
        return [at(turn.plain, keys) for turn in rounds]

    def over_unguarded(*keys: str) -> Ratios:
        pairs = (pair for turn in rounds for pair in zip(turn.shows, turn.free, strict=True))
        return Ratios(at(show, keys) / at(free, keys) for show, free in pairs)

    def late(*keys: str) -> list[float]:
        return [1000 * (both(turn.shows, keys) - both(turn.free, keys)) for turn in rounds]

    def median(values: Sequence[float]) -> float:
        return statistics.median(values)

    mirror, camera = shown("mirror_fps"), shown("camera_fps")
    held = [a / b for a, b in zip(mirror, camera, strict=True)]
    age, memory = shown("frame_age_ms", "p95"), shown("rss_mb")
    interval, slow = shown("interval_ms", "p95"), plain("interval_ms", "p95")
    jitter, shaky = shown("jitter_ms"), plain("jitter_ms")
    smoother = [b / a for a, b in zip(jitter, shaky, strict=True)]
    rate = over_unguarded("mirror_fps")
    aged = over_unguarded("frame_age_ms", "p50")
    oldest = over_unguarded("frame_age_ms", "p95")
    starts, seen = late("first_paint_s"), late("first_frame_s")
    first, paint = shown("first_verdict_s"), shown("first_paint_s")
    return [
        ("camera, frames a second", camera, ".1f", "", None),
        ("mirror, frames a second", mirror, ".1f", "the camera's", median(held) >= 0.98),
        ("frame age at the flip, p95, ms", age, ".1f", "≤ 50", median(age) <= 50),
        ("between new pictures, p95, ms", interval, ".1f", "", None),
        ("plain loop, frames a second", plain("mirror_fps"), ".1f", "", None),
        ("plain loop, between new pictures, p95, ms", slow, ".1f", "", None),
        ("jitter (standard deviation of that time), ms", jitter, ".1f", "", None),
        ("plain loop, jitter, ms", shaky, ".1f", "", None),
        ("jitter of the loop over the mirror's", smoother, ".1f", "≥ 4", median(smoother) >= 4),
        ("readings a second in the show", shown("readings_per_s"), ".1f", "", None),
        (
            f"classifier alone, batch {BENCH_BATCH}, readings a second",
            classifier,
            ".0f",
            f"≥ {TARGET_READINGS:g}",
            median(classifier) >= TARGET_READINGS,
        ),
        ("mirror's rate with the guard, over without", rate, ".3f", "≥ 0.97", rate.mean >= 0.97),
        ("frame age with the guard, over without", aged, ".3f", "≤ 1.03", aged.mean <= 1.03),
        ("the same, p95", oldest, ".3f", "≤ 1.03", oldest.mean <= 1.03),
        ("first paint later with the guard, ms", starts, ".0f", "≤ 300", median(starts) <= 300),
        ("first frame later with the guard, ms", seen, ".0f", "≤ 300", median(seen) <= 300),
        ("memory, MB", memory, ".0f", "< 1,500", median(memory) < 1500),
        ("first paint, s", paint, ".2f", "≤ 1", median(paint) <= 1),
        ("first verdict, s", first, ".1f", "≤ 10", median(first) <= 10),
    ]


def at(figures: Figures, keys: Sequence[str]) -> float:
    """Return the figure at `keys`, one within the other; end the bench if it was not measured."""
    value: Any = figures
    for key in keys:
        value = value[key]
    if value is None:
        raise SystemExit(f"nothing was measured for {'.'.join(keys)}; give it more --seconds")
    return cast("float", value)


def child(args: argparse.Namespace, only: str) -> Figures:
    """Return the figures of what runs without the guard, in a process like the show's own."""
    command = [
        "-B",
        "-P",
        __file__,
        "--only",
        only,
        "--source",
        args.source,
        "--labels",
        args.labels,
    ]
    command += ["--detector", args.detector, "--seconds", str(args.seconds)]
    return _last_line(command)


def show(args: argparse.Namespace) -> Figures:
    """Return the figures of the show as visitors see it, under the guard."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "kiosk.yaml")
        settings.write_text(f"detector: {args.detector}\n", encoding="utf-8")
        command = ["-m", "installation", "run", str(settings), "--source", args.source]
        command += ["--labels", args.labels, "--windowed", f"{SIZE[0]}x{SIZE[1]}"]
        return _last_line([*command, "--seconds", str(args.seconds)])


def _last_line(command: Sequence[str]) -> Figures:
    from installation.guarding.stage_one import show_environment

    shared = show_environment(
        os.environ
    )  # what the launcher would set, so that the guard alone differs
    environment = shared | {"SDL_VIDEODRIVER": "dummy", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return cast("Figures", json.loads(ran.stdout.splitlines()[-1]))


def unguarded(args: argparse.Namespace) -> Figures:
    """Return the figures of the same show without the guard, and with as many words on the wall."""
    from installation import STARTED_AT
    from installation.guarding.guard import Guard
    from installation.guarding.self_test import Proof
    from installation.guarding.status import SandboxStatus
    from installation.settings.kiosk import CameraSettings, Settings
    from installation.settings.yaml_file import Loaded
    from installation.show.entry import run_show

    class Idle(Guard):
        """Guards nothing; what the wall then says takes three lines to paint, too."""

        def check_stage_one(self) -> None:
            pass

        def enter_middle_stage(self) -> None:
            pass

        def seal(self) -> Proof:
            return Proof((), (), datetime.datetime.now().astimezone())

    settings = Settings(
        labels=args.labels, detector=args.detector, camera=CameraSettings(source=args.source)
    )
    return run_show(
        Loaded(settings, "the bench", {}, {}),
        windowed=SIZE,
        seconds=args.seconds,
        started_at=STARTED_AT,
        log=lambda line: print(line, file=sys.stderr),
        emit=lambda _: None,
        guard=Idle(SandboxStatus("enforce")),
    ).as_event()


def plain_loop(args: argparse.Namespace) -> Figures:
    """Return the figures of the loop that does one thing after the other."""
    from installation.running.clock import MonotonicClock
    from installation.running.latest import Latest
    from installation.running.telemetry import Summary
    from installation.settings.kiosk import CameraSettings, Settings
    from installation.settings.yaml_file import Loaded
    from installation.show.analysis import Analysis
    from installation.show.context import open_context
    from installation.show.mirror import Mirror
    from installation.show.parts import open_parts
    from installation.showing.window import Window

    started_at = time.monotonic()
    clock = MonotonicClock()
    camera = CameraSettings(source=args.source)
    settings = Settings(labels=args.labels, detector=args.detector, camera=camera)
    loaded = Loaded(settings, "the bench", {}, {})
    parts = open_parts(loaded, clock, lambda _: None)
    opened = parts.open_camera()
    screen = Window(0, SIZE)
    mirrored: Latest[Any] = Latest()
    analysed: Latest[Any] = Latest()
    sightings: Latest[Any] = Latest()
    context = open_context(screen, loaded, parts.label_set)
    mirror = Mirror(screen, context, mirrored, sightings, clock)
    networks = parts.open_networks()
    analysis = Analysis(parts, networks, analysed, sightings, clock, lambda frame: frame.box)
    began_at = clock.now()
    while clock.now() < started_at + args.seconds:
        frame = opened.read()
        if frame is None:
            break
        sightings.put(analysis.analyse(frame))
        mirrored.put(frame)
        mirror.step()
    seconds = clock.now() - began_at
    return replace(
        Summary(seconds),
        mirror_fps=mirror.ages.total / seconds,
        interval_ms=mirror.intervals.percentiles(),
        jitter_ms=mirror.intervals.deviation_ms(),
    ).as_event()


def classifier_alone(labels: str) -> list[float]:
    """Return readings a second of the classifier on batches of eight, from each of five rounds."""
    from installation.naming.label_set.load import load_label_set
    from installation.naming.networks.device import choose_device
    from installation.naming.reading.classifier import open_classifier
    from installation.settings.kiosk import ContentSettings

    device, _ = choose_device("auto")
    classifier = open_classifier(load_label_set(labels, ContentSettings()), device)
    frame, boxes = crowd()
    rates = []
    for _ in range(5):
        began, passes = time.perf_counter(), 12
        for _ in range(passes):
            classifier.classify(frame, boxes)
        rates.append(passes * BENCH_BATCH / (time.perf_counter() - began))
    return rates


def crowd() -> tuple[Frame, list[Box]]:
    """Return a frame of noise at a camera's size, and boxes around `BENCH_BATCH` faces on it."""
    import numpy as np

    from installation.seeing.box import Box
    from installation.seeing.frame import Frame

    pixels = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    boxes = [Box(100.0 + 120 * i, 200, 220.0 + 120 * i, 340) for i in range(BENCH_BATCH)]
    return Frame.from_rgb(pixels, 0.0), boxes


def machine() -> str:
    """Return the processor, its cores, the device of the networks, and ONNX Runtime's version."""
    import onnxruntime

    from installation.naming.networks.device import choose_device

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    device, description = choose_device("auto")
    card = "" if device == "cpu" else f", {description}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores{card}, ONNX Runtime {onnxruntime.__version__}"


if __name__ == "__main__":
    sys.exit(main())
