"""Tests of a webcam that sends damaged or late pictures now and then, or none at all.

Pictures that cannot be decoded, that do not come, or that come with an error are left out; a camera
whose node is gone is called unplugged.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import pytest

from installation.errors import CameraError
from installation.running.progress import CameraFault
from installation.seeing.cameras import webcam
from installation.seeing.cameras.named_controls import set_controls
from installation.seeing.cameras.webcam import Webcam, check_node, unmet_settings
from installation.settings.kiosk import CameraSettings
from tests.support.fake_controls import FOCUS, FOCUS_AUTO, MAINS, FakeControls
from tests.support.fake_device import FakeDevice
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters


@pytest.fixture
def device() -> FakeDevice:
    """Return an open camera of 320×240."""
    return FakeDevice(cv2.cvtColor(quarters(), cv2.COLOR_RGB2BGR), ManualClock())


def _webcam(device: FakeDevice) -> Webcam:
    return Webcam(3, device, CameraSettings(width=1280, height=720, fps=30), device.clock)


def test_mjpg_is_requested_first_and_two_buffers(device: FakeDevice) -> None:
    """A webcam is asked for MJPG before its size and rate, and for two buffers.

    The format decides which sizes are possible; one buffer would halve many cameras' rate.
    """
    _webcam(device)
    assert device.set_properties[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    assert dict(device.set_properties) == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 30,
        cv2.CAP_PROP_BUFFERSIZE: 2,
    }


def test_a_control_that_cannot_be_set_is_a_fault_and_the_camera_is_used(
    device: FakeDevice, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spare camera without a control is opened, and says which one it does not have."""
    driver = FakeControls.without(FOCUS, FOCUS_AUTO)
    monkeypatch.setattr(webcam, "check_node", lambda node: None)
    monkeypatch.setattr(webcam, "_open_v4l", lambda *_: device)
    monkeypatch.setattr(webcam, "set_controls", partial(set_controls, ioctl=driver.ioctl))
    camera = Webcam.open(node, CameraSettings(mains=50, focus=120), device.clock)
    assert driver.calls == [(MAINS, 1)]
    assert [mistake.where for mistake in camera.unset] == ["camera.focus"]
    assert camera.read() is not None
    assert camera.faults == CameraFault.CONTROLS
    assert Webcam.open(node, CameraSettings(mains=50), device.clock).faults == CameraFault(0)


@pytest.mark.parametrize(("fps", "is_low"), [(60, False), (61, True), (30, False), (240, True)])
def test_a_camera_with_less_than_half_of_the_rate_is_a_fault(
    device: FakeDevice, fps: int, is_low: bool
) -> None:
    """The nearest rate of a camera may be a slow mirror, although it keeps that rate."""
    settings = CameraSettings(width=320, height=240, fps=fps)
    camera = Webcam(3, device, settings, device.clock)
    assert (camera.faults == CameraFault.LOW_RATE) == is_low
    assert [str(mistake) for mistake in unmet_settings(camera, settings)] == [
        f"camera.fps: fps is {fps}, but the camera offers less than half of that: camera 3, "
        "320×240 at 30 fps. Make camera.width and camera.height smaller, or use a faster port or "
        "another camera."
    ][: int(is_low)]


def test_the_name_has_the_size_that_the_camera_gives(device: FakeDevice) -> None:
    """A camera without 1280×720 is logged with its own size."""
    assert _webcam(device).name == "camera 3, 320×240 at 30 fps"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return the device file of a camera that is plugged in."""
    path = tmp_path / "video0"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("sends", r"sends no pictures.*cable"),
        ("decodes", r"sends damaged pictures \(\d+ since it was opened\).*cable"),
    ],
)
def test_a_camera_that_sends_no_picture_is_an_error_with_a_remedy(
    device: FakeDevice, node: Path, failing: str, words: str
) -> None:
    """Missing or damaged pictures for a second end the show with a remedy."""
    setattr(device, failing, False)
    began_at = device.clock.now()
    with pytest.raises(CameraError, match=rf"camera .*video0: .*{words}"):
        Webcam(node, device, CameraSettings(), device.clock).read()
    assert 1.0 <= device.clock.now() - began_at < 1.5
    assert not any(array.any() for array in device.decoded if not device.decodes)


@pytest.mark.parametrize("failing", ["sends", "decodes"])
@pytest.mark.parametrize("name", ["node", "link", "number"])
def test_an_unplugged_camera_is_called_so(
    device: FakeDevice, node: Path, failing: str, name: str
) -> None:
    """The message about an unplugged camera does not name other programs as the cause.

    Its device file is gone at once, or its link leads nowhere.
    """
    link = node.with_name("usb-Lens")
    link.symlink_to(node)
    named: dict[str, Path | int] = {"node": node, "link": link, "number": 250}
    camera = Webcam(named[name], device, CameraSettings(), device.clock)
    setattr(device, failing, False)
    node.unlink()
    began_at = device.clock.now()
    with pytest.raises(CameraError, match=r"camera was unplugged.*\. Plug the camera in"):
        camera.read()
    assert device.clock.now() - began_at < 0.1


@pytest.mark.parametrize("failing", ["sends", "decodes"])
@pytest.mark.parametrize("times", [1, 9])
def test_a_few_failed_pictures_are_left_out_and_counted(
    device: FakeDevice, node: Path, failing: str, times: int
) -> None:
    """A few damaged pictures among good ones, as from cheap webcams, are skipped and counted.

    OpenCV 5 decodes a JPEG without its last two bytes to nothing; drivers answer a read with EIO;
    and a picture may come late.
    """
    camera = Webcam(node, device, CameraSettings(), device.clock)
    device.fail(failing, times)
    frame = camera.read()
    assert frame is not None
    assert frame.bgr.any()
    counted = (
        f", {times} damaged picture{'s' * (times != 1)} skipped" if failing == "decodes" else ""
    )
    assert camera.name == f"camera {node}, 320×240 at 30 fps{counted}"


def test_the_array_that_opencv_decoded_into_is_zeroed(device: FakeDevice) -> None:
    """Only the pool holds a visitor's picture once a frame has been read."""
    frame = _webcam(device).read()
    assert frame is not None
    assert frame.bgr.any()
    assert len(device.decoded) == 1
    assert not device.decoded[0].any()


def test_closing_frees_the_device(device: FakeDevice) -> None:
    """Other programs can use the camera afterwards."""
    _webcam(device).close()
    assert device.released == 1


@pytest.mark.parametrize("id_", [63, Path("/dev/v4l/by-id/usb-no-such-camera")])
def test_a_camera_that_is_not_plugged_in_is_named(id_: int | Path) -> None:
    """The curator reads which device is missing, and how to list the cameras."""
    with pytest.raises(
        CameraError, match=r"this camera does not exist\. Plug the camera in"
    ) as caught:
        Webcam.open(id_, CameraSettings(), ManualClock())
    assert str(id_) in str(caught.value)


def test_a_device_that_is_not_a_camera_is_named() -> None:
    """/dev/null can be opened but does not capture video."""
    with pytest.raises(CameraError, match="/dev/null: this device does not capture video"):
        Webcam.open(Path("/dev/null"), CameraSettings(), ManualClock())


@pytest.mark.parametrize("device", ["/dev/null", "/dev/tty"])
def test_a_group_does_not_make_another_device_a_camera(device: str) -> None:
    """For a device that is not a camera, joining the group `video` is not proposed as a remedy."""
    mistake = check_node(Path(device), may_use=lambda _: False)
    assert mistake is not None
    assert mistake.problem == "this device does not capture video"


def test_a_camera_without_permission_names_the_group(tmp_path: Path) -> None:
    """The remedy for a node without permission is the group `video`, not the cable."""
    node = tmp_path / "video0"
    node.touch(mode=0o000)
    mistake = check_node(node, may_use=lambda _: False)
    assert mistake is not None
    assert "no permission to use the camera" in mistake.problem
    assert "group video" in mistake.remedy
