from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import CameraError
from installation.seeing.cameras import v4l
from installation.seeing.cameras.hotplug import StandIn
from installation.seeing.cameras.open import open_camera
from installation.settings import source
from installation.settings.kiosk import CameraSettings
from tests.support.manual_clock import ManualClock

OLD, NEW = Path("/dev/video0"), Path("/dev/video2")


def frames(before: list[Path], now: list[list[Path]]) -> tuple[int, str]:
    """Return how many frames come until a camera is seen, and what is said then; -1: all.

    `now` is what is there at each look.
    """
    clock = ManualClock()
    settings = CameraSettings(source=source.Rehearsal(), width=160, height=120)
    looks = iter(now)
    camera = StandIn(open_camera(settings, clock), before, clock, lambda: next(looks, now[-1]))
    for count in range(35 * len(now)):
        try:
            assert camera.read() is not None
        except CameraError as error:
            return count, str(error)
    return -1, ""


@pytest.mark.parametrize(
    ("before", "now", "seconds"),
    [
        ([], [[], [], [NEW]], 3),  # plugged in
        ([OLD], [[OLD], [OLD, NEW]], 2),  # beside one that cannot be used
        ([OLD], [[OLD], [], [OLD]], 3),  # unplugged and plugged in again
        ([], [[NEW]], 1),  # while the show was loading
    ],
)
def test_the_rehearsal_ends_when_a_camera_comes(
    before: list[Path], now: list[list[Path]], seconds: int
) -> None:
    """Looked for once a second; the show then fails, and is started again with the camera."""
    count, said = frames(before, now)
    assert said.startswith(f"{now[-1][-1]}: a camera has been plugged in")
    assert count == pytest.approx(31 * seconds, abs=2)


def test_the_rehearsal_goes_on_where_no_other_camera_comes() -> None:
    """A camera that could not be used at the start, and one that goes, change nothing."""
    assert frames([OLD], [[OLD], [OLD], [], []]) == (-1, "")


def test_devices_are_told_without_being_opened(tmp_path: Path) -> None:
    """Only names are read: nodes of video by their numbers, and nothing else."""
    for name in ("video10", "video2", "videoX", "audio1"):
        (tmp_path / name).touch(mode=0)
    assert [node.name for node in v4l.nodes(tmp_path)] == ["video2", "video10"]
