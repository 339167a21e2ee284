"""The contract of every camera."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.seeing.cameras import webcam
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.hotplug import RehearsalUntilPlugged
from installation.seeing.cameras.named_controls import set_controls
from installation.seeing.cameras.open import open_camera
from installation.seeing.cameras.v4l_capture import V4lCapture
from installation.seeing.cameras.webcam import Webcam, unmet_settings
from installation.settings import source
from installation.settings.kiosk import CameraSettings
from tests.support.fake_controls import ALL_CONTROLS, FakeControls
from tests.support.fake_device import FakeDevice
from tests.support.fake_v4l import FakeKernel
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters, turned, write_film, write_picture

Open = Callable[..., Camera]


class SendingKernel(FakeKernel):
    """A camera behind Video4Linux that sends a picture thirty times a second of its clock."""

    def __init__(self, fourcc: bytes, clock: ManualClock) -> None:
        super().__init__(size=(320, 240), fourcc=fourcc)
        self._clock = clock
        self._number = 0

    def wait(self, file: int, timeout_s: float) -> bool:
        self._clock.wait(1 / 30)
        pixels = cv2.cvtColor(quarters(), cv2.COLOR_RGB2BGR)
        self._number += 1
        pixels[:8, :8] = 16 * self._number % 256  # No sensor gives the same picture twice.
        if self.fourcc == b"YUYV":
            self.sent.append(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_YUYV).tobytes())
        else:
            self.sent.append(cv2.imencode(".jpg", pixels)[1].tobytes())
        return super().wait(file, timeout_s)


def _v4l(fourcc: bytes, folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    capture = V4lCapture.open(Path("/dev/video0"), 320, 240, 30, SendingKernel(fourcc, clock))
    return Webcam(0, capture, settings, clock)


def _webcam(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    device = FakeDevice(cv2.cvtColor(quarters(), cv2.COLOR_RGB2BGR), clock)
    return Webcam(0, device, settings, clock)


def _film(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    film = write_film(folder / "film.avi", [quarters()] * 12)
    return open_camera(source.Film(film), settings, clock)


def _folder(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    write_picture(folder / "one.png", quarters())
    return open_camera(source.Pictures(folder), settings, clock)


def _rehearsal(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    return open_camera(source.Rehearsal(), settings, clock)


def _until_plugged(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    return RehearsalUntilPlugged(_rehearsal(folder, clock, settings), [], clock, list)


CAMERAS: dict[str, Callable[[Path, ManualClock, CameraSettings], Camera]] = {
    "webcam": _webcam,
    "webcam by V4L, MJPG": partial(_v4l, b"MJPG"),
    "webcam by V4L, YUYV": partial(_v4l, b"YUYV"),
    "film": _film,
    "folder": _folder,
    "rehearsal": _rehearsal,
    "rehearsal until plugged": _until_plugged,
}
every_camera = pytest.mark.parametrize("kind", CAMERAS)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that does not move."""
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Open:
    """Return a function that opens a camera of each kind at 320×240."""

    def _open(kind: str, *, rotate: int = 0, mirror: bool = False) -> Camera:
        settings = CameraSettings.model_validate(
            {"width": 320, "height": 240, "rotate": rotate, "mirror": mirror}
        )
        return CAMERAS[kind](tmp_path, clock, settings)

    return _open


@every_camera
def test_a_frame_is_read_only_bgr(kind: str, opened: Open) -> None:
    """Frames are `(H, W, 3)` uint8, contiguous and read-only."""
    frame = opened(kind).read()
    assert frame is not None
    assert frame.bgr.dtype == np.uint8
    assert frame.bgr.shape == (240, 320, 3)
    assert frame.bgr.flags.c_contiguous
    assert not frame.bgr.flags.writeable


@every_camera
def test_time_only_goes_forward(kind: str, opened: Open, clock: ManualClock) -> None:
    """Each frame carries the clock's instant at its arrival, later than the previous instant."""
    camera = opened(kind)
    instants = []
    for _ in range(30):
        frame = camera.read()
        assert frame is not None
        assert frame.taken_at == pytest.approx(clock.now())
        instants.append(frame.taken_at)
    assert all(earlier < later for earlier, later in pairwise(instants))


@pytest.mark.parametrize("kind", [kind for kind in CAMERAS if not kind.startswith("rehearsal")])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_camera_rotates_and_mirrors_its_picture_as_set(
    kind: str, rotate: int, mirror: bool, opened: Open
) -> None:
    """The frame keeps blue, green, red in this order; the picture is rotated and then mirrored."""
    frame = opened(kind, rotate=rotate, mirror=mirror).read()
    assert frame is not None
    expected = turned(quarters(), rotate, mirror)
    assert frame.bgr.shape == expected.shape
    assert frame.bgr.flags.c_contiguous
    difference = np.abs(frame.to_rgb().astype(int) - expected.astype(int))
    # MJPG blurs colours at the edges between the quarters.
    assert np.median(difference) <= 4
    assert np.percentile(difference, 90) <= 12


def test_the_rehearsals_visitor_stands_upright_on_a_tall_screen(opened: Open) -> None:
    """A camera's picture is rotated for a tall screen; the rehearsal is drawn tall instead."""
    upright = opened("rehearsal", rotate=90).read()
    assert upright is not None
    assert upright.bgr.shape == (320, 240, 3)


def test_the_rehearsal_is_mirrored_as_set(opened: Open) -> None:
    """The rehearsal with `mirror` is the same picture with left and right exchanged."""
    plain, mirrored = opened("rehearsal"), opened("rehearsal", mirror=True)
    for _ in range(60):
        one, other = plain.read(), mirrored.read()
    assert one is not None
    assert other is not None
    assert (one.bgr[:, ::-1] == other.bgr).all()


@every_camera
def test_a_camera_can_be_closed_twice(kind: str, opened: Open) -> None:
    """Closing a camera that is closed does nothing."""
    camera = opened(kind)
    camera.close()
    camera.close()


@every_camera
def test_pictures_live_in_the_cameras_pool(kind: str, opened: Open) -> None:
    """A few blocks of the camera's pool contain its frames, however many it returns."""
    camera = opened(kind, mirror=True, rotate=180)
    for _ in range(20):
        camera.read()
    assert 1 <= camera.pool.allocated <= 3


@every_camera
def test_a_camera_forgets_frames_that_something_still_refers_to(kind: str, opened: Open) -> None:
    """After `forget` all pictures are black; further calls, and one after `close`, do nothing."""
    camera = opened(kind)
    frame = camera.read()
    assert frame is not None
    assert frame.bgr.any()
    camera.forget()
    assert not frame.bgr.any()
    camera.close()
    camera.forget()


@every_camera
def test_a_cameras_name_is_one_line_with_its_size(kind: str, opened: Open) -> None:
    """A camera's name has its size and is one line; its repr contains no pixels."""
    camera = opened(kind)
    camera.read()
    assert "320×240" in camera.name
    assert "\n" not in camera.name
    assert "array" not in repr(camera)
    assert len(repr(camera)) < 120


@pytest.mark.parametrize("kind", [kind for kind in CAMERAS if not kind.startswith("webcam")])
def test_a_source_without_controls_says_so(kind: str, opened: Open, tmp_path: Path) -> None:
    """No control of kiosk.yaml is ignored in silence; without any, there is nothing to say."""
    camera = opened(kind)
    assert unmet_settings(camera, CameraSettings()) == ()
    mistakes = unmet_settings(camera, CameraSettings.model_validate(ALL_CONTROLS))
    names = [*list(ALL_CONTROLS)[:-1], "controls.zoom_absolute"]
    assert [mistake.where for mistake in mistakes] == [f"camera.{name}" for name in names]


def test_a_cameras_controls_are_set_at_each_opening(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an unplug or another program, a camera has the values of kiosk.yaml again."""
    node, driver = tmp_path / "video0", FakeControls()
    node.touch()
    device = FakeDevice(cv2.cvtColor(quarters(), cv2.COLOR_RGB2BGR), clock)
    monkeypatch.setattr(webcam, "check_node", lambda _: None)
    monkeypatch.setattr(webcam, "_open_v4l", lambda *_: device)
    monkeypatch.setattr(webcam, "set_controls", partial(set_controls, ioctl=driver.ioctl))
    settings = CameraSettings.model_validate(ALL_CONTROLS)
    values = []
    for _ in range(3):
        camera = open_camera(source.Device(node), settings, clock)
        assert unmet_settings(camera, settings) == ()
        camera.close()
        values.append(dict(driver.values))
        driver.plug_in_again()
        assert driver.values != values[0]
    assert values == [values[0]] * 3
