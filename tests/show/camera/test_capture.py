from __future__ import annotations

import threading
from pathlib import Path

import pytest

from installation.errors import CameraError, Mistake
from installation.running.latest import Latest
from installation.running.progress import CameraFault
from installation.seeing.cameras.webcam import Webcam
from installation.seeing.frame import Frame
from installation.settings.kiosk import CameraSettings
from installation.show.camera.capture import CameraStatus, capture_frames
from tests.support.fake_device import FakeDevice
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters
from tests.support.small_show import GreyFilm


def test_every_frame_reaches_every_mailbox() -> None:
    """The mirror and the analysis get the same frames, and their mailboxes end with the camera."""
    camera, statuses = GreyFilm(3), Latest[CameraStatus]()
    mailboxes = Latest[Frame](), Latest[Frame]()
    capture_frames(camera, mailboxes, statuses, threading.Event())
    newest = [mailbox.take(timeout=0) for mailbox in mailboxes]
    assert [mailbox.received for mailbox in mailboxes] == [3, 3]
    assert newest[0] is newest[1]
    assert all(mailbox.ended for mailbox in mailboxes)
    assert camera.closed == 1


def test_a_camera_that_fails_is_closed_and_so_are_its_mailboxes() -> None:
    """A thread that waits for a frame wakes up, and the camera's error is raised."""
    camera, mailbox = GreyFilm(3, fails_at=1), Latest[Frame]()
    with pytest.raises(CameraError, match="unplugged"):
        capture_frames(camera, [mailbox], Latest(), threading.Event())
    assert camera.closed == 1
    assert mailbox.take(timeout=0) is not None
    assert mailbox.ended


def test_nothing_is_read_once_it_is_stopped() -> None:
    """A show that ends leaves the camera closed, without one more frame."""
    camera, mailbox, stopping = GreyFilm(3), Latest[Frame](), threading.Event()
    stopping.set()
    capture_frames(camera, [mailbox], Latest(), stopping)
    assert mailbox.received == 0
    assert camera.closed == 1


def test_the_cameras_status_is_that_after_the_newest_frame() -> None:
    """The status after the last frame has the camera's name and its pictures' blocks of memory."""
    camera, statuses = GreyFilm(1), Latest[CameraStatus]()
    picture = camera.pool.take(9, 16)
    capture_frames(camera, [], statuses, threading.Event())
    status = statuses.take(timeout=0)
    assert status == CameraStatus(camera.name, 1, camera.pool.locked)
    del picture


def test_a_control_that_was_not_set_is_among_the_faults(tmp_path: Path) -> None:
    """The staff card and the supervisor get a fault for it, as for faulty pictures."""
    clock, node = ManualClock(), tmp_path / "video0"
    node.touch()
    unset = [Mistake("camera.focus", "no control for it", "Leave it empty.")]
    device = FakeDevice(quarters(), clock)
    camera = Webcam(node, device, CameraSettings(focus=1), clock, unset=unset)
    assert CameraStatus.from_camera(camera).faults == CameraFault.CONTROLS
