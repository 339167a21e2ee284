from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.settings.paths import PROJECT
from scripts.fairness import People, bits, even, label_groups, settle_together, table
from scripts.fairness_pictures import VIEWS
from tests.support.weather import NAMES, WEATHER


def test_evenness_counts_equally_frequent_names() -> None:
    """Four equally frequent names count as four, and a single name counts as one."""
    assert even(list("abcdabcd")) == pytest.approx(4)
    assert even(list("aaaa")) == pytest.approx(1)


def test_bits_are_one_if_the_group_tells_everything_and_none_if_nothing() -> None:
    """A label that always follows the group tells 1 bit about it; an independent one tells none.

    The correction for few people lowers the number.
    """
    assert bits(list("xxyy") * 10, list("ffmm") * 10)[0] == pytest.approx(1)
    counted, corrected = bits(list("xyxy") * 10, list("ffmm") * 10)
    assert counted == pytest.approx(0, abs=1e-9)
    assert corrected < 0


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_keeps_the_picture_and_gives_another(view: str) -> None:
    """Every view returns a frame with the face in it, and does not change the picture."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (120, 100, 3)).astype(np.uint8)
    frame, box = VIEWS[view](Frame.from_rgb(pixels.copy(), 0.0), Box(40, 30, 60, 55))
    assert frame.width > 0
    assert -10 < box.x0 < box.x1 < frame.width + 10
    again, _ = VIEWS[view](Frame.from_rgb(pixels.copy(), 0.0), Box(40, 30, 60, 55))
    assert np.array_equal(frame.bgr, again.bgr)


def test_the_table_says_what_is_unequal() -> None:
    """A label that only women get makes its group unequal; labels of equal frequency do not."""
    women, men = np.eye(len(NAMES), dtype=np.float32)[[0, 1]]
    scores = np.stack([women] * 5 + [men] * 5)
    people = People(WEATHER.labels, "fffffmmmmm", [False] * 10, dict.fromkeys(VIEWS, scores), [])
    lines = list(table(people, {"air": "office", "breeze": "sport"}, settle_together(WEATHER)))
    assert lines[1] == "labels given: 2 (effective number 2.0)"
    assert any(line.startswith("  office") and line.endswith("UNEQUAL") for line in lines)
    assert any(line.startswith("mutual information") and " 1.000 " in line for line in lines)


def test_every_group_of_labels_has_a_name() -> None:
    """Each label belongs to a group, whose name is not empty."""
    assert all(label_groups().values())


@pytest.mark.slow
def test_the_command_prints_the_table_of_a_folder(tmp_path: Path) -> None:
    """`scripts/fairness FOLDER` reads a folder from any place, and writes nothing into it."""
    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (240, 200, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "one.png"), picture)
    header = "picture,x0,y0,x1,y1,presentation,webcam,source"
    rows = f"{header}\none.png,80,40,120,90,f,0,drawn\n"
    (tmp_path / "photos.csv").write_text(rows, encoding="utf-8")
    command = [str(PROJECT / "scripts" / "fairness"), ".", "--labels", "kindnesses"]
    printed = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("1 people, 68 labels\n")
    assert "dim room: 1 labels" in printed.stdout
    assert {file.name for file in tmp_path.iterdir()} == {"one.png", "photos.csv"}


@pytest.mark.slow
def test_a_set_without_its_network_is_a_sentence(tmp_path: Path) -> None:
    """The larger network's persons say what must be fetched and built before they are measured."""
    (tmp_path / "photos.csv").write_text("picture,x0,y0,x1,y1,presentation,webcam,source\n")
    command = [str(PROJECT / "scripts" / "fairness"), str(tmp_path), "--labels", "persons-21k"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert printed.returncode == 2
    assert "kiosk fetch persons-21k" in printed.stderr
    assert "Traceback" not in printed.stderr
