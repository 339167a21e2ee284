"""Measures the show, and simple programs (loops) that could replace it; prints one table.

Films of 0, 1, 4, 16 and 32 faces are made from the rehearsal's portrait. They play at their own
rate, and a loop that reads late misses pictures, as with a camera. The show runs as visitors see
it, in its whole sandbox (the guard), on a display of SDL's dummy driver. The loops are in
`bench_loops`. All programs are measured in turn in one run, because figures of two runs cannot be
compared on a machine that others use. Below the table, bars show how the processor time of a frame
is spent (`bench_stages`).

    scripts/bench --quick                    four minutes: 0, 1 and 16 faces at 1080p
    scripts/bench                            90 minutes: 0 to 32 faces, 1080p and 2160p, three times
    scripts/bench --guard --source film.mp4  what the guard costs (`bench_guard`)
    scripts/bench --device cuda              the networks on a graphics card (`bench_device`)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from scripts.bench_stages import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
SCREENS = {"1080p": (1920, 1080), "2160p": (3840, 2160)}
CROWDS = {0: (1, 1, 0), 1: (1, 1, 420), 4: (4, 1, 260), 16: (4, 4, 165), 32: (8, 4, 148)}
"""How the faces stand on a film: the columns and the rows of faces, and the side of each face's
picture, px; keyed by the number of faces.
"""
FILM_SIZE, FILM_FPS, FILM_S = (1280, 720), 30, 24
"""The size, the rate and the duration (s) of the films.

They are longer than a run of 20 s: where a film begins again, the show announces its visitors and
reads them a second time.
"""

KIOSK, UNNAMED = "kiosk", "unnamed"
"""The names of two measured programs: the show, and the show when it gives nobody a name and so
classifies everybody on each analysed frame (`bench_unnamed`).
"""

LOOPS = (
    UNNAMED,
    "plain",
    "reader",
    "split",
    "plain torch",
    "split torch",
    "pipeline",
    "loader",
)

SETTLED_SHARE = 2 / 3
"""The share of a run after which processor time is counted; the start is measured separately."""

NAMED_S = 18.0
"""The least duration of a run in whose last third the show has named its visitors, s.

Visitors are announced for three seconds, and then read for one to three, or longer on a busy
machine: with 32 faces on 3840×2160 the first name came 7.2 s after the start, and more processor
time was used until 11 s (one run, load 3). In the last third of a shorter run, the show still
reads visitors, and so uses more processor time than an ordinary show does most of the time.
"""

QUICK_SECONDS, QUICK_FACES, QUICK_LOOPS = NAMED_S, (0, 1, 16), (UNNAMED, "plain", "split")

Figures = dict[str, Any]
Case = tuple[str, int, str]
"""The screen, the number of faces, and the name of the measured program."""


def main() -> int:
    """Measure, print the table, and return the exit status."""
    options = _options()
    if options.device:
        return _graphics_card()
    if options.guard:
        from scripts import bench_guard

        return bench_guard.main(options)
    if options.quick:
        options.rounds, options.seconds = 1, QUICK_SECONDS
        options.faces, options.loops = QUICK_FACES, QUICK_LOOPS
    with tempfile.TemporaryDirectory() as folder:
        films = {faces: Path(folder, f"faces{faces}.mp4") for faces in options.faces}
        for faces, film in films.items():
            write_film(film, faces)
        measured, skipped = _measure_all(options, films)
        print(f"{machine()}; {options.rounds} rounds of {options.seconds:g} s\n")
        print("\n".join([*table(measured), "", *skipped, *_warnings(options.seconds)]))
        for screen in options.screens:
            for faces in options.faces:
                print("\n".join(_stages(films[faces], faces, screen)), flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="measure one round of a few short runs"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="the duration of each show and each loop, s"
    )
    parser.add_argument("--faces", type=int, nargs="+", default=list(CROWDS), choices=CROWDS)
    parser.add_argument("--screens", nargs="+", default=None, choices=SCREENS)
    parser.add_argument("--loops", nargs="*", default=list(LOOPS), choices=LOOPS)
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="a Python that has streamvision, ultralytics and all packages of the kiosk",
    )
    parser.add_argument(
        "--device", choices=["cuda"], help="measure only the networks, on a graphics card"
    )
    parser.add_argument("--guard", action="store_true", help="measure only what the guard costs")
    parser.add_argument("--source", default="rehearsal", help="with --guard: camera.source")
    parser.add_argument("--labels", default="persons", help="with --guard: the label set")
    parser.add_argument(
        "--detector",
        default="mtcnn",
        choices=["auto", "mtcnn", "yunet"],
        help="with --guard: the detector",
    )
    options = parser.parse_args()
    options.screens = options.screens or (["1080p"] if options.quick else list(SCREENS))
    return options


def _graphics_card() -> int:
    """Measure the classifier on a graphics card; return the exit status."""
    from installation.errors import SettingsError
    from scripts import bench_device

    try:
        return bench_device.main()
    except SettingsError as error:
        sys.exit(str(error))


def _measure_all(
    options: argparse.Namespace, films: Mapping[int, Path]
) -> tuple[dict[Case, list[Figures]], list[str]]:
    """Return the figures of each case from each round, and a line for each loop that was skipped.

    The order is reversed in every second round, so that no loop has an advantage on a machine that
    becomes slower.
    """
    measured: dict[Case, list[Figures]] = {}
    missing: dict[str, str] = {}
    cases = [
        (screen, faces, variant)
        for screen in options.screens
        for faces in options.faces
        for variant in (KIOSK, *options.loops)
    ]
    for turn in range(options.rounds):
        for case in cases if turn % 2 == 0 else cases[::-1]:
            screen, faces, variant = case
            if variant in missing:
                continue
            figures = measure(variant, films[faces], screen, options.seconds, options.python)
            if "missing" in figures:
                missing[variant] = figures["missing"]
                continue
            per_frame_ms = 1000 * figures["cpu_s_per_min"] / 60 / max(1.0, figures["shown_fps"])
            figures["cpu_ms_per_frame"] = per_frame_ms
            measured.setdefault(case, []).append(figures)
            line = {"screen": screen, "faces": faces, "what": variant} | figures
            print(json.dumps(line), file=sys.stderr, flush=True)
    return measured, [
        f"{variant} was not measured: the package {package} is missing. See --python."
        for variant, package in missing.items()
    ]


def _warnings(seconds: float) -> list[str]:
    """Return a warning if runs of `seconds` are too short to measure the show's processor time."""
    if seconds >= NAMED_S:
        return []
    return [
        f"--seconds: a run of {seconds:g} s is too short (expected at least {NAMED_S:g} s): in its "
        "last third, which is measured, the show may not have named all visitors yet. Compare the "
        "processor time only with that of runs of the same length."
    ]


COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("frames a second", "shown_fps", ".1f"),
    ("between frames, p50, ms", "interval_p50_ms", ".0f"),
    ("p99", "interval_p99_ms", ".0f"),
    ("frame age, p95, ms", "age_p95_ms", ".0f"),
    ("readings a second", "readings_per_s", ".1f"),
    ("processor, s a minute", "cpu_s_per_min", ".1f"),
    ("processor, ms a frame", "cpu_ms_per_frame", ".1f"),
    ("memory, MB", "memory_mb", ".0f"),
    ("pictures written a frame", "copies", ".1f"),
    ("first paint, s", "first_paint_s", ".2f"),
    ("first frame", "first_frame_s", ".1f"),
    ("first name", "first_name_s", ".1f"),
    ("load", "load", ".1f"),
)
"""The columns: their headings, the names of the figures, and their formats."""


def table(measured: Mapping[Case, Sequence[Figures]]) -> list[str]:
    """Return the rows of the table: the median of each figure, and its range.

    For the show, the column "pictures written a frame" has no figure, because the calls that write
    pictures cannot be counted under the guard. `bench_stages` counts them without the guard.
    """
    headings = " | ".join(heading for heading, _, _ in COLUMNS)
    lines = [f"| screen | faces | program | {headings} |", "|---" * (len(COLUMNS) + 3) + "|"]
    for (screen, faces, variant), rounds in measured.items():
        cells = [_cell([each.get(name) for each in rounds], form) for _, name, form in COLUMNS]
        lines.append(f"| {screen} | {faces} | {variant} | {' | '.join(cells)} |")
    return lines


def _cell(values: Sequence[float | None], form: str) -> str:
    """Return the median with the range; a dash if nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle = f"{statistics.median(known):{form}}"
    return middle if len(known) < 2 else f"{middle} ({min(known):{form}}–{max(known):{form}})"


def measure(variant: str, film: Path, screen: str, seconds: float, python: str) -> Figures:
    """Return the figures of one run in new processes, or {"missing": a package}.

    `variant` names the show or a loop, which plays `film` for `seconds` on `screen`, a key of
    `SCREENS`. Loops are run by the interpreter `python`, because some need further packages.
    """
    width, height = SCREENS[screen]
    report = film.with_suffix(".json")
    if variant == KIOSK:
        settings = film.with_suffix(".yaml")
        settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "installation",
            "run",
            str(settings),
            "--source",
            str(film),
        ]
        command += ["--windowed", f"{width}x{height}", "--seconds", str(seconds)]
        command += ["--report", str(report)]
    else:
        loop = ["scripts.bench_loops", variant] if variant != UNNAMED else ["scripts.bench_unnamed"]
        command = [python, "-m", *loop, str(film), str(width), str(height), str(seconds)]
    output, used = _run(command, seconds)
    if variant != KIOSK:
        figures: Figures = json.loads(output.splitlines()[-1])
        return figures | used
    summary = json.loads(report.read_text(encoding="utf-8"))
    return used | {
        "shown_fps": summary["mirror_fps"],
        "interval_p50_ms": summary["interval_ms"]["p50"],
        "interval_p99_ms": summary["interval_ms"]["p99"],
        "age_p95_ms": summary["frame_age_ms"]["p95"],
        "readings_per_s": summary["readings_per_s"],
        "first_paint_s": summary["first_paint_s"],
        "first_frame_s": summary["first_frame_s"],
        "first_name_s": summary["first_verdict_s"],
    }


def _run(command: Sequence[str], seconds: float) -> tuple[str, Figures]:
    """Run a program for `seconds`; return its output, and the figures of all its processes."""
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as errors:
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Linux shares processors among sessions, not processes
        )
        used = _watch(started, seconds)
        output, _ = started.communicate()
        if started.returncode:
            errors.seek(0)
            sys.exit(
                f"{' '.join(command)} ended with status {started.returncode}:\n{errors.read()}"
            )
    return output, used


def _watch(started: subprocess.Popen[str], seconds: float) -> Figures:
    """Return processor time, memory and load of `started` and its children.

    Processor time is measured in the last third of the run, and memory at the end of the run.
    """
    began_at = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(SETTLED_SHARE * seconds)
    before, measured_at = _used(started.pid), time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(max(0.1, began_at + 0.95 * seconds - time.monotonic()))
    after, passed_s = _used(started.pid), time.monotonic() - measured_at
    return {
        "cpu_s_per_min": 60 * (after[0] - before[0]) / passed_s,
        "memory_mb": after[1] / 1e6 or None,
        "load": os.getloadavg()[0],
    }


def _used(pid: int) -> tuple[float, int]:
    """Return the processor time, s, and the resident memory, bytes, of a process and its children.

    A memory page that several processes share is counted once per process.
    """
    cpu_s, memory = 0.0, 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = each.cpu_times()
                cpu_s += times.user + times.system
                memory += each.memory_info().rss
    return cpu_s, memory


def _stages(film: Path, faces: int, screen: str) -> Iterable[str]:
    """Return the bars of a frame's stages, measured in a separate process."""
    command = [sys.executable, "-m", "scripts.bench_stages", str(film), str(faces)]
    output, _ = _run([*command, *map(str, SCREENS[screen])], 60.0)
    return ["", *output.splitlines()[-20:]]


def write_film(file: Path, faces: int) -> None:
    """Write a film with `faces` copies of the rehearsal's portrait that move independently."""
    import cv2

    from installation.seeing.cameras.played.rehearsal import read_portrait

    columns, rows, px = CROWDS[faces]
    width, height = FILM_SIZE
    face = read_portrait()[:260, 110:340]
    picture = cv2.resize(face, (px, px), interpolation=cv2.INTER_AREA) if px else face
    soft = np.random.default_rng(1).integers(60, 140, (18, 32, 3), np.uint8)
    wall = cv2.resize(soft, FILM_SIZE, interpolation=cv2.INTER_CUBIC)
    film = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), FILM_FPS, FILM_SIZE)
    cell = width // columns, height // rows
    for number in range(FILM_FPS * FILM_S):
        room = wall.copy()
        for index in range(faces):
            # Whole turns in the film's length, so that it repeats without a jump.
            turn = 2 * math.pi * number / (FILM_FPS * FILM_S) * (1 + index % 3) + index
            left = index % columns * cell[0] + round((cell[0] - px) / 2 * (1 + math.sin(turn) / 2))
            top = index // columns * cell[1] + round((cell[1] - px) / 2 * (1 + math.cos(turn) / 2))
            room[top : top + px, left : left + px] = picture
        film.write(room)
    film.release()


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
