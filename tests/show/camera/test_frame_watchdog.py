"""Tests of the watchdog for a camera or driver that hangs without an error."""

from __future__ import annotations

import pytest

from installation.errors import CameraError
from installation.show.camera.frame_watchdog import FIRST_FRAME_S, FrameWatchdog
from tests.support.manual_clock import ManualClock


def seconds_until_error(watchdog: FrameWatchdog, clock: ManualClock, received: int) -> float:
    """Return after how many seconds of checks without a new frame an error is raised."""
    began_at = clock.now()

    def wait_for_ever() -> None:
        for _ in range(1000):
            watchdog.check(received)
            clock.wait(1 / 30)

    with pytest.raises(CameraError, match=r"a camera: no picture has arrived for \d+ s"):
        wait_for_ever()
    return clock.now() - began_at


def test_a_frozen_camera_ends_the_show_after_two_seconds() -> None:
    """A visitor's still picture does not stay for the ten seconds that OpenCV waits."""
    clock = ManualClock()
    watchdog = FrameWatchdog(clock, lambda: "a camera")
    for received in range(1, 100):
        watchdog.check(received)
        clock.wait(1 / 30)
    assert seconds_until_error(watchdog, clock, 99) == pytest.approx(2.0, abs=0.1)


def test_the_first_frame_may_take_longer() -> None:
    """The first frame may take `FIRST_FRAME_S`, because some cameras measure the light first."""
    clock = ManualClock()
    watchdog = FrameWatchdog(clock, lambda: "a camera")
    assert seconds_until_error(watchdog, clock, 0) == pytest.approx(FIRST_FRAME_S, abs=0.1)


def test_a_slow_camera_is_no_frozen_one() -> None:
    """A camera that sends one picture a second, as in the dark, is not frozen."""
    clock = ManualClock()
    watchdog = FrameWatchdog(clock, lambda: "a camera")
    for step in range(300):
        watchdog.check(step // 30)
        clock.wait(1 / 30)


def test_a_machine_that_stood_still_blames_no_camera() -> None:
    """After the process or the computer was suspended, no error of the camera is raised."""
    clock = ManualClock()
    watchdog = FrameWatchdog(clock, lambda: "a camera")
    watchdog.check(1)
    clock.wait(3600)
    watchdog.check(1)
    watchdog.check(2)
