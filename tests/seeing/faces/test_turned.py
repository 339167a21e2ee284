"""Tests of the measure by which a face counts as turned away, on a rigid head of five points."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.box import Box
from installation.seeing.faces.detector import Face

HEAD_MM = np.array(
    [(-31.5, 0, 0), (31.5, 0, 0), (0, 42, 28), (-25, 70, 0), (25, 70, 0)], np.float64
)
"""The eyes, the nose and the corners of the mouth: to the right, down, and toward the camera."""

angles = st.floats(-25, 25)


def head(yaw: float, pitch: float, roll: float, *, size: float = 1.0, nose_mm: float = 28) -> Face:
    """Return the face of a head that is first turned, then lowered, then tilted, all degrees."""
    points = HEAD_MM.copy()
    points[2, 2] = nose_mm
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    turn = np.array([(math.cos(y), 0, math.sin(y)), (0, 1, 0), (-math.sin(y), 0, math.cos(y))])
    bow = np.array([(1, 0, 0), (0, math.cos(p), math.sin(p)), (0, -math.sin(p), math.cos(p))])
    tilt = np.array([(math.cos(r), -math.sin(r), 0), (math.sin(r), math.cos(r), 0), (0, 0, 1)])
    flat = size * (points @ (tilt @ bow @ turn).T)[:, :2] + 300
    a, b, c, d, e = ((float(x), float(y)) for x, y in flat)
    return Face(Box(200, 200, 400, 400), 0.9, (a, b, c, d, e))


@given(angles, st.floats(-40, 40), angles, st.floats(0.3, 4), st.floats(22, 34))
def test_a_high_or_low_camera_turns_nobody_away(
    yaw: float, pitch: float, roll: float, size: float, nose_mm: float
) -> None:
    """A head that is turned by at most 25° is never turned away, however it is raised or tilted.

    So people in a wheelchair below a camera that hangs high are announced like all others.
    """
    assert not head(yaw, pitch, roll, size=size, nose_mm=nose_mm).is_turned


@given(st.sampled_from([-1, 1]), st.floats(60, 90), st.floats(-30, 30), angles)
def test_a_face_nearly_in_profile_is_turned_away(
    side: int, yaw: float, pitch: float, roll: float
) -> None:
    """A head that is turned by 60° or more does not see the screen."""
    assert head(side * yaw, pitch, roll).is_turned


def test_landmarks_in_one_point_are_no_turn() -> None:
    """A detector that gives no shape turns nobody away."""
    point = (5.0, 5.0)
    assert not Face(Box(0, 0, 10, 10), 0.9, (point, point, point, point, point)).is_turned
