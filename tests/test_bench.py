"""The bench: its films, its table from figures, its counts, and one short run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.frame import Frame
from installation.settings.paths import PROJECT
from scripts import bench
from scripts.bench import COLUMNS, CROWDS, table, write_film
from scripts.bench_stages import ORDER, Stages, pictures, recorded_writes, whole_pictures


@pytest.mark.parametrize("faces", CROWDS)
def test_a_film_has_as_many_faces_as_it_says(
    tmp_path: Path, faces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector finds each face on the film's first picture."""
    monkeypatch.setattr(bench, "FILM_S", 1)
    write_film(tmp_path / "film.mp4", faces)
    _, picture = cv2.VideoCapture(str(tmp_path / "film.mp4")).read()
    frame = Frame(bgr=np.asarray(picture, np.uint8), taken_at=0.0)
    assert len(Mtcnn().detect(frame)) == faces


def test_a_cell_has_the_median_and_the_range() -> None:
    """A cell has median and range; a missing figure is a dash, and a single run has no range."""
    rounds = [{"shown_fps": fps, "memory_mb": None} for fps in (29.0, 30.0, 12.0)]
    heading, rule, kiosk, split = table(
        {("1080p", 1, "kiosk"): rounds, ("1080p", 1, "split"): rounds[:1]}
    )
    assert heading.count("|") == rule.count("|") == kiosk.count("|") == len(COLUMNS) + 4
    assert kiosk.startswith("| 1080p | 1 | kiosk | 29.0 (12.0–30.0) | – |")
    assert split.startswith("| 1080p | 1 | split | 29.0 | – |")


def test_whole_pictures_are_counted_and_small_ones_are_not() -> None:
    """A picture with at least half of the camera's pixels is whole; a reduced one is not."""
    picture = np.zeros((60, 80, 3), np.uint8)
    with recorded_writes() as written:
        cv2.flip(picture, 1)
        cv2.resize(picture, (20, 10))
        np.copyto(np.empty_like(picture), picture)
    cv2.flip(picture, 1)
    assert [each.pixels for each in written] == [4800, 200, 4800]
    assert whole_pictures(written, (80, 60)) == 2


def test_strips_of_one_picture_are_one_picture() -> None:
    """The strips of one picture are counted as one picture."""
    picture, strip = np.zeros((60, 80, 4), np.uint8), np.zeros((20, 80, 3), np.uint8)
    scratch = np.zeros((20, 80, 4), np.uint8)
    with recorded_writes() as written:
        for begin in (0, 20, 40):
            cv2.cvtColor(strip, cv2.COLOR_BGR2BGRA, scratch)
            np.copyto(picture[begin : begin + 20], scratch)
    assert pictures(written) == [(1600, 3.0), (4800, 1.0)]
    assert whole_pictures(written, (80, 60)) == 1


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    """Stages are listed in the order of a frame's way, and the last line has their sum."""
    stages = Stages()
    stages.frames, stages.whole_pictures = 2, 6
    stages._seconds.update({ORDER[1]: 0.004, ORDER[0]: 0.008})
    title, first, second, total = stages.lines("a frame")
    assert title == "a frame"
    assert (first.split()[0], first.count("█")) == (ORDER[0], 40)
    assert (second.split()[0], second.count("█")) == (ORDER[1], 20)
    assert total.endswith("6.00 ms; 3.0 whole pictures")


def test_every_stage_of_a_frame_is_measured(tmp_path: Path) -> None:
    """While a visitor comes and is named, each stage of a frame has a measured time.

    For each frame, between two and three whole pictures are written in memory.
    """
    write_film(tmp_path / "film.mp4", 1)
    program = (
        "import pathlib, sys; from scripts.bench_stages import measure; "
        "stages = measure(pathlib.Path(sys.argv[1]), (1920, 1080), frames=60, skipped=90); "
        "print(*stages.per_frame_ms(), stages.whole_pictures / stages.frames, sep='\\n')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "film.mp4")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    *stages, written = ran.stdout.splitlines()[-len(ORDER) - 1 :]
    assert stages == list(ORDER)
    assert 2 <= float(written) < 3


def test_processor_time_is_counted_after_the_first_names() -> None:
    """In a run of the least length, processor time is counted from more than 11 seconds on."""
    assert bench.SETTLED_SHARE * bench.NAMED_S > 11
    assert bench.QUICK_SECONDS >= bench.NAMED_S


@pytest.mark.parametrize(("seconds", "lines"), [(8.0, 1), (17.9, 1), (18.0, 0)])
def test_a_run_too_short_for_its_processor_time_is_reported(seconds: float, lines: int) -> None:
    """A run has a warning if visitors may still be read in its last third."""
    assert len(bench._warnings(seconds)) == lines


@pytest.mark.slow
def test_the_table_has_a_row_for_each_variant() -> None:
    """The table has a row for the show and for each comparison loop whose packages are there."""
    command = [sys.executable, "-m", "scripts.bench", "--rounds", "1", "--seconds", "5"]
    measured = ["unnamed", "plain", "reader", "split", "split torch"]
    ran = subprocess.run(
        [*command, "--faces", "1", "--screens", "1080p", "--loops", *measured, "pipeline"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    rows = [line.strip("| ").split(" | ") for line in ran.stdout.splitlines() if line[:1] == "|"]
    assert [row[2] for row in rows[2:8]] == ["kiosk", *measured]
    assert all(float(row[3]) > 0 for row in rows[2:])
    assert (len(rows) == 8) == ("pipeline was not measured" in ran.stdout)
    assert "find faces" in ran.stdout
    assert "--seconds: a run of 5 s is too short (expected at least 18 s)" in ran.stdout
