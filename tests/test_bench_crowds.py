"""The bench of crowds, run for a few seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.frame import Frame
from installation.settings.paths import PROJECT
from scripts.bench_crowds import CROWDS, write_film


@pytest.mark.parametrize("faces", CROWDS)
def test_a_film_has_as_many_faces_as_it_says(tmp_path: Path, faces: int) -> None:
    """The detector finds each face on the film's first picture."""
    write_film(tmp_path / "film.mp4", faces)
    _, picture = cv2.VideoCapture(str(tmp_path / "film.mp4")).read()
    frame = Frame(bgr=np.asarray(picture, np.uint8), taken_at=0.0)
    assert len(Mtcnn().detect(frame)) == faces


@pytest.mark.slow
def test_the_table_has_a_row_for_each_variant() -> None:
    """The show and the three loops are measured on the same film."""
    command = [sys.executable, "-m", "scripts.bench_crowds"]
    command += ["--rounds", "1", "--seconds", "12", "--faces", "1"]
    ran = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    rows = [line.strip("| ").split(" | ") for line in ran.stdout.splitlines() if line[:1] == "|"]
    assert [row[2] for row in rows[2:]] == ["kiosk", "plain", "reader", "split"]
    assert all(float(row[3]) > 0 for row in rows[2:])
