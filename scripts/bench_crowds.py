"""Measures the show in front of crowds beside what people would write instead, and prints a table.

Films of 0, 1, 4, 16 and 32 faces are made of the rehearsal's portrait. They play at their own rate,
and a loop that reads late misses pictures, as with a camera. The variants take turns in one run,
because figures of two runs cannot be compared on a machine that others use:

- `kiosk`: the show under the whole guard, on a display of SDL's dummy driver;
- `plain`: read, detect, read every face, write its label, scale to the screen, again;
- `reader`: the same with a thread that reads, so that the loop takes the newest picture;
- `split`: reader, detector and mirror in a thread each, which is what 25 careful lines are.

The loops use the kiosk's own detector and classifier, one crop for each face. Loops of other
projects, such as roboflow's InferencePipeline and Ultralytics' LoadStreams, are not measured.

    scripts/bench-crowds --rounds 3 --seconds 15
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from installation.seeing.cameras.camera import Camera
    from installation.seeing.frame import Frame, Pixels

ROOT = Path(__file__).resolve().parent.parent
SCREENS = {"1080p": (1920, 1080), "2160p": (3840, 2160)}
CROWDS = {0: (1, 1, 0), 1: (1, 1, 420), 4: (4, 1, 260), 16: (4, 4, 165), 32: (8, 4, 148)}
"""Columns, rows and the side of a face's picture, px, by the number of faces."""
FILM_SIZE, FILM_FPS, FILM_S = (1280, 720), 30, 10
LOOPS = ("plain", "reader", "split")

Figures = dict[str, Any]


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each show and each loop")
    parser.add_argument("--faces", type=int, nargs="+", default=list(CROWDS), choices=CROWDS)
    parser.add_argument("--screens", nargs="+", default=["1080p"], choices=SCREENS)
    parser.add_argument("--only", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--film", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        figures = loop(options.only, options.film, SCREENS[options.screens[0]], options.seconds)
        print(json.dumps(figures), flush=True)
        os._exit(0)  # a thread that is still inside a network would abort an ordinary end
    with tempfile.TemporaryDirectory() as folder:
        films = {faces: Path(folder, f"faces{faces}.mp4") for faces in options.faces}
        for faces, film in films.items():
            write_film(film, faces)
        cases = [(screen, faces) for screen in options.screens for faces in options.faces]
        measured: dict[tuple[str, int, str], list[Figures]] = {}
        for turn in range(options.rounds):
            for screen, faces in cases:
                variants = ("kiosk", *LOOPS)
                for variant in variants if turn % 2 == 0 else variants[::-1]:
                    figures = measure(variant, films[faces], screen, options.seconds)
                    measured.setdefault((screen, faces, variant), []).append(figures)
                    line = {"screen": screen, "faces": faces, "variant": variant} | figures
                    print(json.dumps(line), file=sys.stderr, flush=True)
    print("\n".join(table(measured)))
    return 0


COLUMNS: tuple[tuple[str, str], ...] = (
    ("shown_fps", ".1f"),
    ("interval_p50_ms", ".0f"),
    ("interval_p95_ms", ".0f"),
    ("age_p95_ms", ".0f"),
    ("readings_per_s", ".1f"),
    ("cpu_s_per_min", ".1f"),
    ("memory_mb", ".0f"),
    ("first_paint_s", ".2f"),
    ("first_frame_s", ".2f"),
    ("load", ".1f"),
)
"""The figures, with their formats."""


def table(measured: dict[tuple[str, int, str], list[Figures]]) -> list[str]:
    """Return the rows of the table: the median of each figure, and its range."""
    names = [name for name, _ in COLUMNS]
    lines = [f"| screen | faces | what | {' | '.join(names)} |", "|---" * (len(names) + 3) + "|"]
    for (screen, faces, variant), rounds in sorted(measured.items()):
        cells = [_cell([each.get(name) for each in rounds], form) for name, form in COLUMNS]
        lines.append(f"| {screen} | {faces} | {variant} | {' | '.join(cells)} |")
    return lines


def _cell(values: Sequence[float | None], form: str) -> str:
    """Return the median with the range; a dash where nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle = f"{statistics.median(known):{form}}"
    return middle if len(known) < 2 else f"{middle} ({min(known):{form}}–{max(known):{form}})"


def measure(variant: str, film: Path, screen: str, seconds: float) -> Figures:
    """Return the figures of one run in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    figures = _kiosk(film, screen, seconds) if variant == "kiosk" else None
    if figures is None:
        command = ["-m", "scripts.bench_crowds", "--only", variant, "--film", str(film)]
        command += ["--screens", screen, "--seconds", str(seconds)]
        figures = json.loads(_run(command))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    minutes = (time.monotonic() - began) / 60
    return figures | {"cpu_s_per_min": cpu_s / minutes, "load": os.getloadavg()[0]}


def _kiosk(film: Path, screen: str, seconds: float) -> Figures:
    """Return the figures of the show on `film`."""
    width, height = SCREENS[screen]
    report = film.with_suffix(".json")
    settings = film.with_suffix(".yaml")
    settings.write_text("detector: mtcnn\ndevice: cpu\n", encoding="utf-8")
    command = ["-m", "installation", "run", str(settings), "--source", str(film)]
    command += ["--windowed", f"{width}x{height}", "--seconds", str(seconds)]
    _run([*command, "--report", str(report)])
    summary = json.loads(report.read_text(encoding="utf-8"))
    return {
        "shown_fps": summary["mirror_fps"],
        "interval_p50_ms": summary["interval_ms"]["p50"],
        "interval_p95_ms": summary["interval_ms"]["p95"],
        "age_p95_ms": summary["frame_age_ms"]["p95"],
        "readings_per_s": summary["readings_per_s"],
        "memory_mb": summary["rss_mb"],
        "first_paint_s": summary["first_paint_s"],
        "first_frame_s": summary["first_frame_s"],
    }


def _run(command: Sequence[str]) -> str:
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        sys.exit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stderr}")
    return ran.stdout.splitlines()[-1] if ran.stdout.strip() else ""


def write_film(file: Path, faces: int) -> None:
    """Write a film of the rehearsal's portrait, `faces` times, each moving on its own."""
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


def loop(kind: str, film: Path, screen: tuple[int, int], seconds: float) -> Figures:
    """Return the figures of a loop over `film` that writes labels and scales to `screen`."""
    started_at = time.monotonic()
    import cv2
    import psutil

    from installation.naming.label_set.load import load_label_set
    from installation.naming.reading.classifier import open_classifier
    from installation.running.clock import MonotonicClock
    from installation.running.latest import Latest
    from installation.running.telemetry import Durations
    from installation.seeing.cameras.open import open_camera
    from installation.seeing.faces.open import open_detector
    from installation.settings.kiosk import CameraSettings, ContentSettings
    from installation.settings.source import Film

    clock = MonotonicClock()
    detector = open_detector("mtcnn")
    classifier = open_classifier(load_label_set("persons", ContentSettings()), "cpu")
    classifier.has_time = False
    camera = open_camera(Film(film), CameraSettings(), clock)
    buffer = np.empty((screen[1], screen[0], 3), np.uint8)
    ages, intervals, shown_at = Durations(), Durations(), [0.0]
    readings = [0]
    newest: Latest[Any] = Latest()
    words: list[tuple[str, tuple[int, int]]] = []

    def read_words(frame: Frame) -> list[tuple[str, tuple[int, int]]]:
        boxes = [face.box for face in detector.detect(frame)]
        if not boxes:
            return []
        scores = classifier.classify(frame, boxes)
        readings[0] += len(boxes)
        names = [classifier.label_set.labels[int(row.argmax())].name for row in scores]
        places = [(int(box.x0), int(box.y0)) for box in boxes]
        return list(zip(names, places, strict=True))

    def show(frame: Frame, texts: Sequence[tuple[str, tuple[int, int]]]) -> None:
        picture: Pixels = frame.bgr.copy()
        for text, place in texts:
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
        cv2.resize(picture, screen, buffer)
        now = clock.now()
        ages.add(now - frame.taken_at)
        if shown_at[0]:
            intervals.add(now - shown_at[0])
        shown_at[0] = now

    began_at = clock.now()
    ends_at = started_at + seconds
    first_at = None
    stopping = threading.Event()
    if kind != "plain":
        _start(_reading(camera, newest, stopping))
    looks: Latest[Any] = Latest()
    if kind == "split":

        def analyse() -> None:
            while not stopping.is_set():
                frame = looks.take(timeout=0.1)
                if frame is not None:
                    words[:] = read_words(frame)

        _start(analyse)
    while clock.now() < ends_at:
        frame = camera.read() if kind == "plain" else newest.take(timeout=0.1)
        if frame is None:
            continue
        if kind == "split":
            looks.put(frame)
            show(frame, list(words))
        else:
            show(frame, read_words(frame))
        first_at = first_at or clock.now()
    stopping.set()
    passed = clock.now() - began_at
    return {
        "shown_fps": ages.total / passed,
        "interval_p50_ms": intervals.percentile_ms(0.5),
        "interval_p95_ms": intervals.percentile_ms(0.95),
        "age_p95_ms": ages.percentile_ms(0.95),
        "readings_per_s": readings[0] / passed,
        "memory_mb": psutil.Process().memory_info().rss / 1e6,
        "first_paint_s": None,
        "first_frame_s": None if first_at is None else first_at - started_at,
    }


def _reading(camera: Camera, newest: Any, stopping: threading.Event) -> Callable[[], None]:
    def read() -> None:
        while not stopping.is_set():
            newest.put(camera.read())

    return read


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
