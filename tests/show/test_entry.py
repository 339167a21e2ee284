from __future__ import annotations

import os
import signal
from pathlib import Path

import pygame
import pytest

from installation.errors import GuardError, Mistake, ScreenError, SettingsError
from installation.guarding.guard import Guard
from installation.guarding.status import SandboxStatus
from installation.settings.kiosk import CameraSettings, ScreenSettings, Settings
from installation.settings.source import Device
from installation.settings.yaml_file import Loaded
from installation.show import entry
from installation.show import show as show_module
from installation.show.entry import ended_by_signals, open_for_card, run_show, show_trouble_card
from installation.showing.title import open_title
from installation.showing.window import OffScreen
from tests.support.fonts import hide_system_fonts
from tests.support.small_show import DEFAULTS, GreyFilm, ignore, small_show

WRONG = SettingsError(Mistake("kiosk.yaml:1", "labels is wrong", "Correct it."))


@pytest.mark.skipif(os.path.isdir("/dev/dri"), reason="this machine has a display")
def test_no_camera_looks_at_people_who_cannot_read_that_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a display a show with a camera needs --headless; a film or the rehearsal does not."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(camera=CameraSettings(source=Device(7)))
    with pytest.raises(ScreenError, match=r"kiosk.yaml: this machine has no display .* --headless"):
        run_show(
            Loaded(settings, "kiosk.yaml", {}, {}),
            started_at=0.0,
            log=ignore,
            emit=ignore,
            guard=None,
        )


@pytest.mark.parametrize("driver", ["dummy", "offscreen"])
def test_a_driver_that_shows_nothing_is_no_display(
    driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that shows nothing is no display, because visitors would not be told."""
    monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    settings = Settings(camera=CameraSettings(source=Device(7)))
    with pytest.raises(ScreenError, match="no display that could tell visitors"):
        run_show(
            Loaded(settings, "kiosk.yaml", {}, {}),
            windowed=(320, 180),
            started_at=0.0,
            log=ignore,
            emit=ignore,
            guard=None,
        )


def test_the_trouble_card_needs_no_display() -> None:
    """Without a display, a mistyped kiosk.yaml ends the command with its message only."""
    show_trouble_card(DEFAULTS, WRONG, headless=True, windowed=(320, 180))


@pytest.mark.parametrize("text", ["", "ᏣᎳᎩ", "screen on another display"])
def test_the_trouble_card_is_shown_whatever_is_wrong(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong display or a missing font does not prevent the trouble card."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(show_module, "CARD_S", 0.0)
    shown: list[tuple[Settings, list[str]]] = []

    class RecordingShow(show_module.Show):
        def show_trouble_card(self, error: Exception | None = None) -> None:
            shown.append((self._loaded.settings, str(error).splitlines()))
            super().show_trouble_card(error)

    monkeypatch.setattr(entry, "Show", RecordingShow)
    screen = ScreenSettings(display=9 if "display" in text else "auto", title=text or None)
    loaded = Loaded(Settings(screen=screen), "kiosk.yaml", {}, {})
    if text == "ᏣᎳᎩ":
        hide_system_fonts(monkeypatch)
    show_trouble_card(loaded, WRONG, headless=False, windowed=None)
    assert [lines for _, lines in shown] == [["kiosk.yaml:1: labels is wrong. Correct it."]]
    assert (shown[0][0].screen.title == text) is (text.isascii() and text != "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_show_and_are_given_back(number: signal.Signals) -> None:
    """While the show runs signals end it; afterwards their former handlers are restored."""
    before = signal.getsignal(number)
    show = small_show(GreyFilm(1_000_000))
    with ended_by_signals(show):
        signal.raise_signal(number)
        assert show.run().mirror_fps == 0
    assert signal.getsignal(number) == before


def test_the_last_picture_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The surface of the screen is overwritten before it is freed, for any end of the show."""
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


def test_the_card_uses_the_screen_that_has_the_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor's card opens no second window, unless the settings name another display."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    file = tmp_path / "kiosk.yaml"
    file.write_text("screen: {display: 0}")
    title = open_title(file, headless=False, windowed=None)
    assert title is not None
    first = open_for_card(Loaded(Settings(screen=ScreenSettings(display=0)), "", {}, {}), title)
    assert first is title.screen
    other = open_for_card(DEFAULTS, title)
    assert other is not None
    assert other is not first
    other.close()
    assert not pygame.display.get_init()
