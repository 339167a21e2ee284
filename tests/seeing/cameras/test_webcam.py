from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from installation.errors import CameraError
from installation.seeing.cameras.open import open_camera
from installation.seeing.cameras.webcam import Webcam, obstacle
from installation.settings.kiosk import CameraSettings
from installation.settings.source import parse_source
from tests.seeing.cameras.test_open import FakeCapture
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters


@pytest.fixture
def capture() -> FakeCapture:
    """Return an open camera of 320×240."""
    return FakeCapture(cv2.cvtColor(quarters(), cv2.COLOR_RGB2BGR), ManualClock())


def _webcam(capture: FakeCapture) -> Webcam:
    return Webcam(3, capture, CameraSettings(width=1280, height=720, fps=30), capture.clock)


def test_a_camera_is_asked_for_mjpg_first_and_for_one_buffer(capture: FakeCapture) -> None:
    """The format decides which sizes there are, and a second buffer would show the past."""
    _webcam(capture)
    assert capture.asked[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    assert dict(capture.asked) == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 30,
        cv2.CAP_PROP_BUFFERSIZE: 1,
    }


def test_the_name_tells_what_the_camera_gives_not_what_was_asked(capture: FakeCapture) -> None:
    """A camera that knows no 1280×720 says its own size."""
    assert _webcam(capture).name == "camera 3, 320×240 at 30 fps"


@pytest.mark.parametrize("what", ["sends", "decodes"])
def test_a_camera_that_sends_nothing_is_an_error_with_a_remedy(
    capture: FakeCapture, what: str
) -> None:
    """Neither a picture that does not come nor one that cannot be decoded passes silently."""
    setattr(capture, what, False)
    with pytest.raises(CameraError, match=r"camera 3: .*sends no pictures.*cable"):
        _webcam(capture).read()


def test_closing_frees_the_device(capture: FakeCapture) -> None:
    """The device is free for other programs afterwards."""
    _webcam(capture).close()
    assert capture.released == 1


def _open(source: str) -> None:
    open_camera(CameraSettings(source=parse_source(source, Path())), ManualClock())


@pytest.mark.parametrize("source", ["63", "/dev/v4l/by-id/usb-no-such-camera"])
def test_a_camera_that_is_not_there_is_named(source: str) -> None:
    """The curator reads which device is missing, and how to list those that are there."""
    with pytest.raises(CameraError, match=r"there is no such camera\. Plug it in") as caught:
        _open(source)
    assert source in str(caught.value)


def test_a_device_that_is_no_camera_is_told_apart() -> None:
    """/dev/null can be opened but captures nothing."""
    with pytest.raises(CameraError, match="/dev/null: this is no device that captures video"):
        _open("/dev/null")


def test_a_camera_that_this_user_may_not_use_names_the_group(tmp_path: Path) -> None:
    """A node without permission leads to the group `video`, not to the cable."""
    node = tmp_path / "video0"
    node.touch(mode=0o000)
    mistake = obstacle(node, may_use=lambda _: False)
    assert mistake is not None
    assert "may not use the camera" in mistake.what
    assert "group video" in mistake.remedy
