from __future__ import annotations

import threading

import pytest

from installation.errors import CameraError
from installation.running.latest import Latest
from installation.seeing.frame import Frame
from installation.show.camera.capture import CameraStatus, capture_frames
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
