"""Tests of the camera's controls by their numbers and their drivers' names."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.cameras.controls import CameraControls, Control
from tests.support.fake_controls import EXPOSURE_AUTO, FOCUS, MAINS, OFFERED, ZOOM, FakeControls


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a file that replaces a camera's node."""
    path = tmp_path / "video0"
    path.touch()
    return path


def test_the_controls_have_the_names_of_v4l2_ctl(node: Path) -> None:
    """Only controls that can be set are listed: no classes, buttons or read-only controls."""
    with CameraControls.open(node, FakeControls().ioctl) as camera:
        assert [str(control) for control in camera.all()] == [
            "white_balance_automatic 0–1, now 1 (default 1)",
            "power_line_frequency 0–2, now 2 (default 2)",
            "white_balance_temperature 2800–6500, now 4600 (default 4600)",
            "auto_exposure 0–3, now 3 (default 3)",
            "exposure_time_absolute 3–2047, now 250 (default 250)",
            "exposure_dynamic_framerate 0–1, now 1 (default 1)",
            "focus_absolute 0–250, now 0 (default 0)",
            "focus_automatic_continuous 0–1, now 1 (default 1)",
            "zoom_absolute 100–500, now 100 (default 100)",
        ]


def test_a_control_is_found_by_its_number(node: Path) -> None:
    """A control that the camera does not have is None, and so is one that cannot be set."""
    with CameraControls.open(node, FakeControls.without(FOCUS).ioctl) as camera:
        found = [camera.find(each.number) for each in OFFERED]
    settable = [each.number for each in OFFERED if each.kind in (1, 2, 3) and not each.flags]
    assert [control.id for control in found if control] == [n for n in settable if n != FOCUS]


def test_a_menu_with_gaps_offers_only_its_items(node: Path) -> None:
    """The kernel lists the four modes of exposure, but most cameras have two of them."""
    with CameraControls.open(node, FakeControls().ioctl) as camera:
        control = camera.find(EXPOSURE_AUTO)
    assert control is not None
    assert control.items == (1, 3)
    assert control.allowed == "1, 3"


def test_the_value_that_the_camera_took_is_returned(node: Path) -> None:
    """A driver may round a value, and says so in its answer."""
    with CameraControls.open(node, FakeControls().ioctl) as camera:
        control = camera.find(ZOOM)
        assert control is not None
        assert camera.set(control, 9999) == 500


@pytest.mark.parametrize("error", [errno.EIO, errno.ENODEV, errno.EPERM])
def test_a_camera_that_does_not_answer_is_an_error(node: Path, error: int) -> None:
    """A camera that was unplugged does not look like one without controls."""
    driver = FakeControls()
    driver.failing = OSError(error, "no answer")
    with CameraControls.open(node, driver.ioctl) as camera:
        with pytest.raises(OSError, match="no answer"):
            camera.all()
        with pytest.raises(OSError, match="no answer"):
            camera.find(MAINS)


@given(
    minimum=st.integers(-100, 100),
    size=st.integers(0, 300),
    step=st.integers(1, 40),
    value=st.integers(-500, 500),
)
def test_the_nearest_value_is_nearer_than_any_other(
    minimum: int, size: int, step: int, value: int
) -> None:
    """The nearest value is on a step inside the range; compared with a search of all values."""
    control = Control("zoom", ZOOM, minimum, minimum + size, minimum, minimum, step)
    allowed = range(minimum, minimum + size + 1, step)
    assert control.nearest(value) in allowed
    assert abs(control.nearest(value) - value) == min(abs(each - value) for each in allowed)
