from __future__ import annotations

import os
import signal

import pygame
import pytest

from installation.errors import GuardError, Mistake, ScreenError
from installation.guarding.guard import Guard
from installation.guarding.status import SandboxStatus
from installation.settings.kiosk import CameraSettings, Settings
from installation.settings.source import Device
from installation.settings.yaml_file import Loaded
from installation.show import entry
from installation.show.entry import ended_by_signals, run_show, show_trouble_card
from installation.showing.window import OffScreen
from tests.support.small_show import DEFAULTS, GreyFilm, ignore, small_show


@pytest.mark.skipif(os.path.isdir("/dev/dri"), reason="this machine has a display")
def test_no_camera_looks_at_people_who_cannot_read_that_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a display a camera's show needs --headless; a film's, and the rehearsal's, do not."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(camera=CameraSettings(source=Device(7)))
    with pytest.raises(
        ScreenError, match=r"kiosk.yaml: this machine has no display, .* --headless"
    ):
        run_show(
            Loaded(settings, "kiosk.yaml", {}, {}),
            started_at=0.0,
            log=ignore,
            emit=ignore,
            guard=None,
        )


def test_the_trouble_card_needs_no_display() -> None:
    """A mistyped kiosk.yaml on a machine without a display ends with its message, and no other."""
    show_trouble_card(headless=True, windowed=(320, 180))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_show_and_are_given_back(number: signal.Signals) -> None:
    """While the show runs a signal ends it; afterwards it does what it did before."""
    before = signal.getsignal(number)
    show = small_show(GreyFilm(1_000_000))
    with ended_by_signals(show):
        signal.raise_signal(number)
        assert show.run().mirror_fps == 0
    assert signal.getsignal(number) == before


def test_the_last_picture_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the show ends, the surface of the screen is overwritten before it is freed."""
    painted = []

    class RecordingScreen(OffScreen):
        def flip(self) -> None:
            painted.append(pygame.surfarray.array3d(self.surface).any())

    screen = RecordingScreen((320, 180))
    monkeypatch.setattr(entry, "open_screen", lambda *_, **__: (screen, None))
    missing = Mistake("Landlock", "not available on this machine", "Use a newer Linux.")
    with pytest.raises(GuardError):
        run_show(
            DEFAULTS,
            headless=True,
            started_at=0.0,
            log=ignore,
            emit=ignore,
            guard=Guard(SandboxStatus("enforce", (missing,))),
        )
    assert painted == [True], "the title was on the screen"
    assert not pygame.surfarray.array3d(screen.surface).any()
