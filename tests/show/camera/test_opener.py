"""Tests of which camera is opened: the same again, and never a visitor's portrait by accident.

Without a camera the rehearsal plays only for somebody who started the show by hand. Cameras that
change their number, come late, or come beside a twin are recognised.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from installation.errors import CameraError, Mistake, RestartNeededError
from installation.seeing.cameras.played import rehearsal
from installation.seeing.cameras.v4l import CameraListing, Mode
from installation.seeing.cameras.webcam import AFTER_THE_START, Webcam
from installation.settings import source
from installation.settings.kiosk import CameraSettings
from installation.show.camera.opener import OTHER_CAMERA, CameraOpener, identify
from tests.support.fake_device import FakeDevice
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters

A, B = Path("/dev/v4l/by-id/usb-A"), Path("/dev/v4l/by-id/usb-B")


def listing(number: int, by_id: Path) -> CameraListing:
    """Return a USB camera as it is listed."""
    mode = Mode("MJPG", 320, 240, (30.0,))
    return CameraListing(Path(f"/dev/video{number}"), by_id, by_id.name, (mode,), bus="usb-1")


class Machine:
    """A machine whose cameras are plugged in and out; records what was opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *listings: CameraListing) -> None:
        self.listings = list(listings)
        self.opened: list[int | Path] = []
        self.last: list[int | None] = []
        self.refuses = False
        self.unset: list[Mistake] = []
        self.logged: list[str] = []
        monkeypatch.setattr(Webcam, "open", self._open)

    def cameras(self) -> list[CameraListing]:
        return self.listings

    def _open(
        self,
        device: int | Path,
        settings: CameraSettings,
        clock: ManualClock,
        last: int | None = None,
    ) -> Webcam:
        paths = {p for each in self.listings for p in (each.path, each.node, each.by_id)}
        node = device if isinstance(device, Path) else Path(f"/dev/video{device}")
        if node not in paths:
            raise CameraError(Mistake(str(node), "this camera does not exist", "Plug it in."))
        if self.refuses:
            raise CameraError(Mistake(str(node), AFTER_THE_START, "Start again."))
        self.opened.append(device)
        self.last.append(last)
        return Webcam(device, FakeDevice(quarters(), clock), settings, clock, last, self.unset)

    def opener(
        self, configured: source.Source, *, camera_id: int = 0, waits: bool = False
    ) -> CameraOpener:
        settings = CameraSettings(source=configured, mains=50)
        return CameraOpener(
            settings,
            [],
            ManualClock(),
            self.logged.append,
            cameras=self.cameras,
            camera_id=camera_id,
            waits=waits,
        )


@pytest.mark.parametrize(
    "configured", [source.Auto(), source.Device(0), source.Device(Path("/dev/video0"))]
)
def test_the_same_camera_is_taken_again_under_another_number(
    configured: source.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera that is plugged in again is found by its path, although its number has changed."""
    machine = Machine(monkeypatch, listing(0, A))
    opener = machine.opener(configured)
    opener()
    machine.listings = [listing(0, B), listing(1, A)]
    opener()
    assert machine.opened[1] == A


@pytest.mark.parametrize("configured", [source.Auto(), source.Device(0)])
def test_never_another_camera_by_accident(
    configured: source.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the camera is unplugged no other camera is used, not even under its number."""
    machine = Machine(monkeypatch, listing(0, A), listing(1, B))
    opener = machine.opener(configured)
    opener()
    machine.listings = [listing(0, B)]
    with pytest.raises(CameraError, match="does not exist"):
        opener()
    assert len(machine.opened) == 1


@pytest.mark.parametrize("configured", [source.Auto(), source.Device(0)])
def test_the_next_process_takes_the_same_camera(
    configured: source.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process uses only the camera of the last one, even under another device number."""
    machine = Machine(monkeypatch, listing(0, A), listing(1, B))
    opener = machine.opener(configured)
    opener()
    assert opener.camera_id == identify(A)
    machine.listings = [listing(0, B)]
    following = machine.opener(configured, camera_id=opener.camera_id, waits=True)
    with pytest.raises(CameraError) as waited:
        following()
    assert waited.value.mistakes == (OTHER_CAMERA,)
    machine.listings = [listing(0, B), listing(3, A)]
    following()
    assert machine.opened[-1] == A


def test_a_twin_that_comes_does_not_hide_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a second camera of the same model is plugged in, the first is still found.

    It is found by its by-id path.
    """
    port = Path("/dev/v4l/by-path/usb-1")
    machine = Machine(monkeypatch, replace(listing(0, A), by_path=port))
    opener = machine.opener(source.Auto())
    opener()
    machine.listings = [
        replace(listing(0, B), has_same_name=True),
        replace(listing(1, A), by_path=port, has_same_name=True),
    ]
    assert machine.listings[1].path == port
    machine.opener(source.Auto(), camera_id=opener.camera_id, waits=True)()
    assert machine.opened[-1] == A


def test_a_camera_that_the_sandbox_refuses_needs_a_new_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A device that came after the start can be opened only by a new process."""
    machine = Machine(monkeypatch, listing(0, A))
    opener = machine.opener(source.Auto())
    opener()
    machine.refuses = True
    with pytest.raises(RestartNeededError, match="was plugged in while the show was running"):
        opener()


def test_the_last_picture_is_known_after_an_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a camera is opened again, it gets the checksum of its last picture to compare."""
    machine = Machine(monkeypatch, listing(0, A))
    opener = machine.opener(source.Auto())
    camera = opener()
    camera.read()
    opener.remember(camera)
    opener()
    assert machine.last[0] is None
    assert isinstance(machine.last[1], int)


def test_without_a_camera_the_rehearsal_plays_or_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Started by hand, the rehearsal plays; as a service, the show waits for a camera."""
    machine = Machine(monkeypatch)
    assert machine.opener(source.Auto())().name.startswith(rehearsal.NAME)
    with pytest.raises(CameraError, match="no camera found"):
        machine.opener(source.Auto(), waits=True)()


def test_controls_that_are_not_set_are_logged_at_each_opening(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log names each control that a spare camera does not have, and the show goes on."""
    machine = Machine(monkeypatch, listing(0, A))
    opener = machine.opener(source.Auto())
    opener()
    assert len(machine.logged) == 1
    machine.unset = [Mistake("camera.mains", "no control for it", "Leave it empty.")]
    opener()
    assert machine.logged[2:] == ["camera.mains: no control for it. Leave it empty."]
    machine.logged.clear()
    machine.opener(source.Rehearsal())()
    assert machine.logged[1:] == [
        "camera.mains: mains is 50, but the source is not a camera. This setting takes effect when "
        "a camera is used."
    ]
