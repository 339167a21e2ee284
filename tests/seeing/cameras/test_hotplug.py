from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import RestartNeededError
from installation.seeing.cameras.hotplug import RehearsalUntilPlugged
from installation.seeing.cameras.open import open_camera
from installation.settings import source
from installation.settings.kiosk import CameraSettings
from tests.support.manual_clock import ManualClock

OLD, NEW = Path("/dev/video0"), Path("/dev/video2")


def _frames_until_plugged(before: list[Path], checks: list[list[Path]]) -> tuple[int, str]:
    """Return how many frames come before the error, and its message; -1 if there is none.

    `checks` are the nodes at each check.
    """
    clock = ManualClock()
    settings = CameraSettings(width=160, height=120)
    nodes = iter(checks)
    camera = RehearsalUntilPlugged(
        open_camera(source.Rehearsal(), settings, clock),
        before,
        clock,
        lambda: next(nodes, checks[-1]),
    )
    for count in range(35 * len(checks)):
        try:
            assert camera.read() is not None
        except RestartNeededError as error:
            return count, str(error)
    return -1, ""


@pytest.mark.parametrize(
    ("before", "checks", "seconds"),
    [
        ([], [[], [], [NEW]], 3),  # plugged in
        ([OLD], [[OLD], [OLD, NEW]], 2),  # in addition to one that cannot be used
        ([OLD], [[OLD], [], [OLD]], 3),  # unplugged and plugged in again
        ([], [[NEW]], 1),  # while the show was loading
    ],
)
def test_the_rehearsal_ends_when_a_camera_is_plugged_in(
    before: list[Path], checks: list[list[Path]], seconds: int
) -> None:
    """Within a second the show fails with the camera's node, to be started again with it."""
    count, message = _frames_until_plugged(before, checks)
    assert message.startswith(f"{checks[-1][-1]}: this camera was plugged in")
    assert count == pytest.approx(31 * seconds, abs=2)


def test_the_rehearsal_goes_on_while_no_other_camera_comes() -> None:
    """A camera that could not be used at the start, and one that is unplugged, change nothing."""
    assert _frames_until_plugged([OLD], [[OLD], [OLD], [], []]) == (-1, "")
