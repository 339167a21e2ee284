from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pygame
import pytest

from installation.showing import placement as placement_module
from installation.showing.monitors import Monitor, Monitors
from installation.showing.placement import (
    COVERED_S,
    LOOK_S,
    MOST_REQUESTS,
    OUTDATED_S,
    Placement,
)
from installation.showing.window import ScreenEvents, Window
from tests.support.x_server import Projector

RED, GREEN = (255, 0, 0), (0, 255, 0)


class Poll:
    """Polls a window, each time `LOOK_S` later by the show's clock."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.now = 0.0
        self.lines: list[str] = []

    def until(self, reached: Callable[[], bool]) -> ScreenEvents:
        """Poll until `reached` returns true, because X servers may answer late."""
        ends_at = time.monotonic() + 120
        while True:
            self.now += LOOK_S
            events = self._window.poll(self.now)
            self.lines += [events.line] if events.line else []
            self._window.flip()
            if reached():
                return events
            assert time.monotonic() < ends_at, (self.lines, self._window.surface.get_size())


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_the_picture_fits_whatever_the_display_becomes(projector: Projector, rotate: int) -> None:
    """The window fits another resolution, a rotated display, and a display that was off.

    There is no window manager, as on the kiosk's own display.
    """
    with contextlib.closing(Window(0, None, rotate=rotate)) as window:
        poll = Poll(window)
        for width, height in ((800, 600), (600, 720), (1280, 720)):
            projector.switch_off()
            poll.until(lambda: bool(poll.lines) and "is unplugged or off" in poll.lines[-1])
            projector.switch_on(width, height)
            size = (height, width) if rotate in (90, 270) else (width, height)
            poll.until(lambda size=size: window.surface.get_size() == size)  # type: ignore[misc]
            assert pygame.display.get_window_size() == (width, height)
            assert not poll.until(lambda: True).outdated
            window.surface.fill(GREEN)
            window.flip()


@pytest.mark.parametrize(
    ("rotate", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (270, (0, 1))]
)
def test_the_picture_is_turned_clockwise(
    projector: Projector, rotate: int, corner: tuple[int, int]
) -> None:
    """After a rotation by 90° the upper left corner is at the upper right."""
    with contextlib.closing(Window(0, None, rotate=rotate)) as window:
        window.surface.fill(GREEN)
        window.surface.fill(RED, (0, 0, 100, 100))
        window.flip()
        shown = pygame.display.get_surface()
        assert shown is not None
        colours = {(x, y): shown.get_at((x * 1279, y * 719))[:3] for x in (0, 1) for y in (0, 1)}
        assert [place for place, colour in colours.items() if colour == RED] == [corner]


def test_a_window_is_opened_on_the_connector_that_is_named(projector: Projector) -> None:
    """The log names the connector, too."""
    with contextlib.closing(Window("screen", None)) as window:
        assert window.name.startswith("display screen through x11, 1280×720, fullscreen")
    with contextlib.closing(Window(0, None)) as window:
        assert window.name.startswith("display 0 (screen) through x11, 1280×720")


def test_a_television_that_is_switched_on_late_is_used(projector: Projector) -> None:
    """On an X server without a desktop the show switches on a monitor that is plugged in."""
    with contextlib.closing(Window(0, None)) as window:
        projector.switch_off()
        poll = Poll(window)
        poll.until(lambda: bool(poll.lines) and "is back" in poll.lines[-1])
        assert window.surface.get_size() == (1280, 720)


def test_a_show_starts_on_a_server_whose_monitor_is_off(projector: Projector) -> None:
    """A show starts although its monitor is still off, as a television may be in the morning."""
    projector.switch_off()
    with contextlib.closing(Window(0, None)) as window:
        poll = Poll(window)
        poll.until(lambda: bool(poll.lines) and "is back" in poll.lines[-1])
        poll.until(lambda: window.surface.get_size() == (1280, 720))


@pytest.mark.parametrize("takes_keyboard", [True, False])
def test_a_window_in_front_of_the_show_stays_there_for_a_minute(
    projector: Projector, takes_keyboard: bool
) -> None:
    """Each window is put behind after a minute, whether or not it has taken the keyboard."""
    with contextlib.closing(Window(0, None)) as window:
        window.surface.fill(GREEN)
        poll = Poll(window)
        poll.until(lambda: projector.colour() == 0x00FF00 and pygame.key.get_focused())
        for colour in (0xFF0000, 0xFF, 0xFFFFFF):
            projector.cover(colour, takes_keyboard=takes_keyboard)
            assert projector.colour() == colour
            poll.until(lambda: pygame.key.get_focused() is not takes_keyboard)
            began_at = poll.now
            while poll.now < began_at + COVERED_S - 10 * LOOK_S:
                poll.until(lambda: True)
            assert projector.colour() == colour
            poll.until(lambda: projector.colour() == 0x00FF00)
            poll.until(pygame.key.get_focused)


class FakeMonitors(Monitors):
    """Monitors that a test sets, and the position that was requested."""

    def __init__(self, *monitors: Monitor) -> None:
        self.on = list(monitors)
        self.filled: list[Monitor] = []

    def now(self) -> list[Monitor]:
        return self.on

    def fill(self, window: int, monitor: Monitor) -> None:
        self.filled.append(monitor)

    def watch(self, window: int) -> None:
        pass

    def is_covered(self, window: int) -> bool:
        return False

    def give_keyboard(self, window: int) -> None:
        pass

    def switch_on(self, connector: str | None) -> bool:
        return False

    def close(self) -> None:
        self.on = []


@pytest.fixture
def dummy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Open an invisible window of 640×360 px at 0, 0."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.display, "get_window_position", lambda: (0, 0))
    with contextlib.closing(Window(0, (640, 360))):
        yield


HDMI, DP = Monitor("HDMI-1", 0, 0, 640, 360), Monitor("DP-1", 640, 0, 800, 600)


def looks(placement: Placement, count: int, begin: float = 0.0) -> list[str]:
    """Return the lines for the log from `count` checks of the monitors."""
    lines = (placement.check(begin + number * LOOK_S) for number in range(count))
    return [line for line in lines if line]


@pytest.mark.usefixtures("dummy")
def test_a_change_counts_when_it_is_seen_twice() -> None:
    """A change of a monitor that only one check has seen is ignored."""
    monitors = FakeMonitors(HDMI)
    placement = Placement(monitors, None, stays=True)
    assert placement.connector == "HDMI-1"
    assert looks(placement, 3) == []
    monitors.on = [Monitor("HDMI-1", 0, 0, 320, 200)]
    placement.check(10.0)
    monitors.on = [HDMI]
    assert looks(placement, 3, 11.0) == []
    assert monitors.filled == []


@pytest.mark.usefixtures("dummy")
def test_of_two_mirrored_monitors_the_one_of_the_windows_size_is_used() -> None:
    """If two monitors show the same picture, the one with the window's size is used."""
    monitors = FakeMonitors(Monitor("eDP-1", 0, 0, 320, 200), HDMI)
    placement = Placement(monitors, None, stays=True)
    assert placement.connector == "HDMI-1"
    assert looks(placement, 10) == []
    assert not placement.is_outdated


@pytest.mark.usefixtures("dummy")
def test_a_picture_that_does_not_follow_needs_a_new_window() -> None:
    """The renderer of a graphics card keeps its size; a new process opens another window."""
    larger = Monitor("HDMI-1", 0, 0, 1920, 1080)
    monitors = FakeMonitors(HDMI)
    placement = Placement(monitors, None, stays=True)
    monitors.on = [larger]
    seconds = 0
    lines = []
    while not placement.is_outdated:
        seconds += 1
        lines += looks(placement, 1, seconds * LOOK_S)
        assert seconds < 100
    assert len(lines) == 1
    assert "HDMI-1 now shows 1920×1080" in lines[0]
    assert seconds * LOOK_S == pytest.approx(OUTDATED_S, abs=2 * LOOK_S)
    assert set(monitors.filled) == {larger}
    monitors.on = []
    placement.check(200.0)
    assert not placement.is_outdated, "nobody sees it, and a new window would find no monitor"


@pytest.mark.usefixtures("dummy")
def test_a_window_that_never_fits_does_not_start_the_show_again_and_again() -> None:
    """If a desktop never lets the window fit, the show does not end for a new window.

    The next window would not fit either.
    """
    placement = Placement(FakeMonitors(Monitor("HDMI-1", 0, 0, 640, 400)), None, stays=True)
    assert len(looks(placement, 60)) == 1
    assert not placement.is_outdated


@pytest.mark.usefixtures("dummy")
def test_each_change_of_the_monitor_gives_the_window_time_to_follow() -> None:
    """A television that tries one size after another needs no new window while it does so."""
    monitors = FakeMonitors(HDMI)
    placement = Placement(monitors, None, stays=True)
    looks(placement, 1)
    for number in range(10):
        monitors.on = [Monitor("HDMI-1", 0, 0, 800 + number, 600)]
        for look in range(3):
            placement.check(10.0 + 3 * number + look)
            assert not placement.is_outdated, (number, look)
    looks(placement, 5, 40.0)
    assert placement.is_outdated


@pytest.mark.usefixtures("dummy")
def test_a_window_that_has_fitted_and_does_not_come_back_is_opened_again() -> None:
    """The monitor has again the size that it had at first, but the window has another."""
    monitors = FakeMonitors(HDMI)
    placement = Placement(monitors, None, stays=True)
    looks(placement, 2)
    pygame.display.set_mode((320, 180))
    looks(placement, 10, 10.0)
    assert placement.is_outdated
    pygame.display.set_mode((640, 360))
    looks(placement, 2, 30.0)
    assert not placement.is_outdated


@pytest.mark.usefixtures("dummy")
def test_under_wayland_a_picture_that_keeps_its_size_needs_a_new_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the window has another size than its picture for `OUTDATED_S`, a new window is needed.

    This happens under Wayland: the compositor sizes the window, but the renderer of a graphics card
    keeps the size of the picture.
    """
    placement = Placement(None, None, stays=True)
    looks(placement, 2)
    monkeypatch.setattr(pygame.display, "get_window_size", lambda: (360, 640))
    looks(placement, 3, 10.0)
    assert not placement.is_outdated
    looks(placement, 5, 13.0)
    assert placement.is_outdated


@pytest.mark.usefixtures("dummy")
def test_a_compositor_that_forgets_fullscreen_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A window that does not fill its display is made fullscreen again, a few times at most.

    After a login, GNOME's overview leaves the window below the panel.
    """
    asked: list[str] = []

    class Asked:
        def set_windowed(self) -> None:
            asked.append("windowed")

        def set_fullscreen(self, desktop: bool) -> None:
            asked.append("fullscreen")

    monkeypatch.setattr(placement_module, "opened_window", Asked)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "wayland")
    placement = Placement(None, None, stays=True)
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(640, 360)])
    assert looks(placement, 5) == []
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(640, 392)])
    lines = looks(placement, 60, 10.0)
    assert lines == [
        "screen: the window, 640×360 px, does not fill its display; it is made fullscreen again."
    ]
    assert asked == ["windowed", "fullscreen"] * MOST_REQUESTS
    placement = Placement(None, None, stays=True)
    placement.keep_size()
    assert looks(placement, 10) == []


@pytest.mark.usefixtures("dummy")
@pytest.mark.parametrize(("named", "moves"), [(None, True), ("HDMI-1", False)])
def test_a_named_connector_is_waited_for(named: str | None, moves: bool) -> None:
    """With a named connector the window waits; without, it moves to another monitor and back."""
    monitors = FakeMonitors(HDMI, DP)
    placement = Placement(monitors, named, stays=True)
    monitors.on = [DP]
    lines = looks(placement, 5)
    assert (DP in monitors.filled) is moves
    assert any("the monitor at HDMI-1 is unplugged" in line for line in lines) is not moves
    monitors.on = [HDMI, DP]
    monitors.filled.clear()
    assert any("is back" in line for line in looks(placement, 5, 20.0)) is not moves
    assert DP not in monitors.filled


@pytest.mark.usefixtures("dummy")
@pytest.mark.parametrize("stays", [True, False])
def test_the_show_comes_in_front_of_what_covers_it(
    stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notice of the desktop stays for a minute; the card behind the show never comes forward."""
    raised: list[str] = []

    class Raised:
        def restore(self) -> None:
            raised.append("restored")

        def focus(self) -> None:
            raised.append("focused")

    monkeypatch.setattr(placement_module, "opened_window", Raised)
    placement = Placement(None, None, stays=stays)
    placement.note_focus(False, 10.0)
    placement.check(10.0 + COVERED_S - LOOK_S)
    assert raised == []
    placement.check(10.0 + COVERED_S + LOOK_S)
    assert raised == (["restored", "focused"] if stays else [])
    placement.note_focus(True, 100.0)
    placement.check(100.0 + 3 * COVERED_S)
    assert len(raised) == (2 if stays else 0)
