from __future__ import annotations

import math
import re

import numpy as np
import pytest

from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.presence.floor_line import (
    ANGLES,
    FACE_M,
    LARGEST_FACE_M,
    FloorLine,
)
from installation.seeing.presence.presence import HYSTERESIS, Presence
from installation.settings.kiosk import CameraSettings, VisitorSettings
from installation.settings.paths import PROJECT
from tests.support.sightings import still_track


def size_at(distance_m: float, face_m: float, angle: float, width: int, height: int) -> float:
    """Return a face's share of the picture's height, through a pinhole, as an oracle."""
    focal_px = math.hypot(width, height) / 2 / math.tan(math.radians(angle) / 2)
    return focal_px * face_m / distance_m / height


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (640, 480)])
def test_nobody_behind_the_line_is_read(angle: int, width: int, height: int) -> None:
    """The largest face behind the line is a bystander's, also if it was a visitor's before."""
    line = FloorLine.from_angle(angle, width, height, 0.1)
    frame = Frame.from_rgb(np.zeros((height, width, 3), np.uint8), 0.0)
    view = Box(-width, -height, width, height)
    for further_m, is_read in ((-0.02, True), (0.02, False)):
        size = size_at(line.line_m + further_m, LARGEST_FACE_M, angle, width, height)
        presence = Presence(0.0, 0.1)
        for share in (0.3, size):
            track = still_track(1, Box.from_centre(0, 0, share * height, share * height))
            visitors, _ = presence.update([track], frame, view, 0.0)
        assert bool(visitors) is is_read


def test_most_adults_are_announced_before_they_reach_the_screen() -> None:
    """A usual face has exactly `least_size` at `announced_m`, which is nearer than the line."""
    line = FloorLine.from_angle(78, 1280, 720, 0.1)
    assert size_at(line.announced_m, FACE_M, 78, 1280, 720) == pytest.approx(0.1)
    assert line.announced_m < line.line_m
    assert line.line_m / line.announced_m == pytest.approx(HYSTERESIS * LARGEST_FACE_M / FACE_M)


def test_the_page_for_technicians_has_the_same_figures() -> None:
    """docs/venue.md prints the distances for the default settings as `kiosk doctor` does."""
    page = (PROJECT / "docs/venue.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d+)° \| ([\d.]+) m \| ([\d.]+) m \| ([\d.]+) m \| ([\d.]+) m \|", page, re.M
    )
    camera, least = CameraSettings(), VisitorSettings().least_size
    assert [int(row[0]) for row in rows] == list(ANGLES)
    for angle, *printed in rows:
        for turned, figures in ((False, printed[:2]), (True, printed[2:])):
            size = (camera.height, camera.width) if turned else (camera.width, camera.height)
            line = FloorLine.from_angle(int(angle), *size, least)
            assert figures == [f"{line.announced_m:.1f}", f"{line.line_m:.1f}"]
