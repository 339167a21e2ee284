"""Tests of the window: only what staff means ends it, and each display that is named is tried.

Escape is held, other keys, Alt-F4 and a window manager do nothing; displays that are missing,
refuse, do not answer or crash leave their place to the next.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from installation.errors import ScreenError
from installation.showing import window as window_module
from installation.showing.keys import STAFF_CARD_S
from installation.showing.window import (
    OffScreen,
    Screen,
    ScreenEvents,
    Window,
    open_screen,
)
from tests.support.compositor import compositor
from tests.support.tools import tool
from tests.support.x_server import x_server


@pytest.fixture
def dummy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let SDL's driver without a visible window be the display."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.display.quit()


@pytest.fixture(params=["window", "off screen"])
def screen(request: pytest.FixtureRequest, dummy: None) -> Iterator[Screen]:
    """Return each kind of screen, 640×360 px."""
    opened = OffScreen((640, 360)) if request.param == "off screen" else Window(0, (640, 360))
    yield opened
    opened.close()


def test_every_screen_shows_what_was_painted_and_closes_twice(screen: Screen) -> None:
    """A screen has the size that was requested, can be painted, and can be closed twice."""
    assert screen.surface.get_size() == (640, 360)
    screen.surface.fill((0, 255, 0))
    screen.flip()
    assert screen.poll(0.0) == ScreenEvents()
    screen.close()
    screen.close()


def test_escape_ends_the_show_only_when_held(dummy: None) -> None:
    """A visitor who taps Escape ends nothing; a technician who holds it for three seconds does."""
    window = Window(0, (64, 36))
    escape = {"key": pygame.K_ESCAPE}
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, escape))
    assert not window.poll(10.0).end_show
    pygame.event.post(pygame.event.Event(pygame.KEYUP, escape))
    assert not window.poll(10.0 + 3.0).end_show
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, escape))
    assert not window.poll(20.0).end_show
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, escape))
    assert not window.poll(20.0 + 3.0 - 0.01).end_show
    assert window.poll(20.0 + 3.0).end_show


def test_other_keys_end_nothing(dummy: None) -> None:
    """Keys other than Escape do not end the show, however long they are held."""
    window = Window(0, (64, 36))
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, {"key": pygame.K_SPACE}))
    assert not window.poll(0.0).end_show
    assert not window.poll(100.0).end_show


def test_f1_shows_the_staffs_card_and_puts_it_away(dummy: None) -> None:
    """The card is shown from one press of F1 to the next, for at most a minute."""
    window = Window(0, (64, 36))

    def press(now: float) -> None:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, {"key": pygame.K_F1}))
        assert not window.poll(now).end_show

    assert not window.poll(0.0).staff_card
    press(10.0)
    assert window.poll(10.0).staff_card
    press(12.0)
    assert not window.poll(12.0).staff_card
    press(20.0)
    assert window.poll(20.0 + STAFF_CARD_S - 0.01).staff_card
    assert not window.poll(20.0 + STAFF_CARD_S).staff_card
    press(20.0 + STAFF_CARD_S)
    assert window.poll(21.0 + STAFF_CARD_S).staff_card


@pytest.mark.parametrize(("size", "ends"), [((64, 36), True), (None, False)])
def test_only_a_window_of_a_size_can_be_closed(
    size: tuple[int, int] | None, ends: bool, dummy: None
) -> None:
    """Only a window of a given size can be closed; a fullscreen mirror stays.

    Alt-F4 and the desktop's menu close a window on a technician's desk, and not the show's window.
    """
    window = Window(0, size)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert window.poll(0.0).end_show == ends


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_compositor_that_ends_needs_a_new_window(
    has_ended: bool, dummy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the compositor has ended, SDL's request to close the window makes the window outdated.

    The same request by Alt-F4, with a compositor that runs, does nothing.
    """
    monkeypatch.setattr(window_module, "compositor_has_ended", lambda: has_ended)
    window = Window(0, None)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    events = window.poll(0.0)
    assert (events.outdated, events.end_show) == (has_ended, False)


def test_under_wayland_another_size_needs_a_new_window_once_the_buffers_are_made(
    dummy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard refuses the memory for buffers of another size, and Mesa would crash."""
    window = Window(0, (640, 360))
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "wayland")
    pygame.display.set_mode((360, 640))
    assert not window.poll(0.0).outdated
    window.allocate_buffers()
    assert not window.poll(1.0).outdated
    pygame.display.set_mode((640, 360))
    assert window.poll(2.0).outdated


def test_a_window_larger_than_its_display_is_named_in_the_log(dummy: None) -> None:
    """The screen's name, which the log has, says that a part of the window is invisible."""
    assert "larger than the display" not in Window(0, (64, 36)).name
    across, down = pygame.display.get_desktop_sizes()[0]
    assert f"larger than the display of {across}×{down}" in Window(0, (across + 1, 36)).name


def test_without_keys_no_key_does_anything(dummy: None) -> None:
    """With `screen.keys: false` a keyboard that visitors can reach shows and ends nothing."""
    window = Window(0, (64, 36), keys=False)
    for key in (pygame.K_ESCAPE, pygame.K_F1):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, {"key": key}))
    assert window.poll(0.0) == ScreenEvents()
    assert window.poll(100.0) == ScreenEvents()


def test_losing_the_focus_minimises_nothing(dummy: None) -> None:
    """Losing the focus, as to a notification, does not minimise the window."""
    Window(0, (64, 36))
    assert os.environ["SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS"] == "0"


def test_the_pointer_is_hidden_and_the_screensaver_off(dummy: None) -> None:
    """Neither pointer nor screensaver appears over the mirror."""
    window = Window(0, None)
    assert not pygame.mouse.get_visible()
    assert not pygame.display.get_allow_screensaver()
    assert "fullscreen" in window.name


def test_a_display_that_does_not_exist_is_named(dummy: None) -> None:
    """The message has the number of displays and the line of the setting."""
    with pytest.raises(ScreenError, match=r"yaml:9: screen.display is 7, but this machine has 1 d"):
        open_screen(7, headless=False, windowed=None, where="kiosk.yaml:9")


def test_a_display_that_refuses_a_window_is_an_error(dummy: None) -> None:
    """The message says what the display answered; it is not a traceback."""
    with pytest.raises(ScreenError, match=r"screen: display 0 does not open .*-5×36.*negative"):
        Window(0, (-5, 36))
    assert not pygame.display.get_init()


def test_headless_needs_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --headless the screen is in memory, and no sentence calls that a fallback."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    screen, fallback = open_screen("auto", headless=True, windowed=None)
    assert isinstance(screen, OffScreen)
    assert screen.surface.get_size() == (1920, 1080)
    assert fallback is None


OPEN = (
    "import sys\n"
    "from installation.errors import ScreenError\n"
    "from installation.showing.window import open_screen\n"
    "try:\n"
    "    windowed = eval(sys.argv[1])\n"
    "    screen, _ = open_screen('auto', headless=False, windowed=windowed)\n"
    "    print(screen.name)\n"
    "except ScreenError as error:\n"
    "    print(error)\n"
)


def open_with(**variables: str) -> str:
    """Return what opening a screen prints in a session with these `variables`."""
    return run_with(**variables).stdout


def run_with(windowed: str = "None", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that opens a screen in a session with these `variables`."""
    display = ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in display}
    return subprocess.run(
        [sys.executable, "-c", OPEN, windowed],
        env=environment | variables | {"PYGAME_HIDE_SUPPORT_PROMPT": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_a_display_server_that_does_not_answer_is_an_error() -> None:
    """SDL's silent fallback to a driver without a visible window is refused."""
    printed = open_with(DISPLAY=":9753")
    assert printed.startswith("screen: no display can be opened")
    assert "DISPLAY=:9753" in printed
    assert "--headless" in printed


def test_every_display_of_the_session_is_tried_and_named() -> None:
    """If SDL cannot open one of the session's displays, the next one is tried.

    The message says of each why it did not open.
    """
    printed = open_with(DISPLAY=":9753", WAYLAND_DISPLAY="wayland-97")
    assert re.search(r"x11: \S.*; wayland: \S.*; DISPLAY=:9753, WAYLAND_DISPLAY=", printed)


@pytest.mark.parametrize(
    "variables",
    [
        {"WAYLAND_DISPLAY": "wayland-97"},
        {"WAYLAND_DISPLAY": "wayland-97", "XDG_RUNTIME_DIR": "run/user"},
        {"SDL_VIDEODRIVER": "wayland"},
        {"DISPLAY": ":9753", "WAYLAND_DISPLAY": "wayland-97"},
    ],
)
def test_a_library_adds_no_line_of_its_own(variables: dict[str, str]) -> None:
    """No library prints a remark in addition to the kiosk's message."""
    ran = run_with(**variables)
    assert ran.stderr == ""
    assert "wayland not available: XDG_RUNTIME_DIR is invalid or not set" in ran.stdout


def test_a_session_that_names_no_display_is_opened_without_a_remark() -> None:
    """If no display is named, the message quotes libwayland's reason, and stderr stays empty."""
    ran = run_with("(320, 240)")
    assert ran.stderr == ""
    words = "shows no window: XDG_RUNTIME_DIR is invalid or not set in the environment; neither"
    assert words in ran.stdout


def test_an_x_server_that_refuses_this_user_is_named_with_the_remedy(tmp_path: Path) -> None:
    """The message about an X server that refuses this user has the reason and the remedy."""
    cookie = tmp_path / "cookie"
    command = (tool("xauth"), "-q", "-f", str(cookie), "add", ":0", ".", "0" * 32)
    subprocess.run(command, check=True)
    with x_server("-auth", str(cookie)) as name:
        refused = run_with(DISPLAY=name, XAUTHORITY=str(tmp_path / "none"))
    assert refused.stderr == ""
    assert "x11 not available: Authorization required" in refused.stdout
    assert "Run this in a terminal of the desktop: xhost +si:localuser:" in refused.stdout


@pytest.mark.parametrize("first", ["x11", "wayland", "no such driver"])
def test_a_driver_that_does_not_start_leaves_its_place_to_the_next(first: str) -> None:
    """If a driver does not start, such as one for an absent X server, the next one is used."""
    variables = {"DISPLAY": ":9753", "WAYLAND_DISPLAY": "wayland-97"}
    printed = open_with(**variables, SDL_VIDEODRIVER=f"{first},dummy")
    assert printed.startswith("display 0 through dummy")


def test_a_wayland_session_whose_x_server_is_missing_has_a_window() -> None:
    """In a compositor without its X server, and without a graphics card, the window opens."""
    with compositor() as session:
        ran = run_with(**session, DISPLAY=":9753")
    assert ran.stdout.startswith("display 0 through wayland, 640×360, fullscreen")
    assert ran.stderr == ""


IDLE_TIME = """
import ctypes, time
X, ext = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXext.so.6")
class Value(ctypes.Structure):
    _fields_ = [("high", ctypes.c_int), ("low", ctypes.c_uint)]
class Counter(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("id", ctypes.c_ulong), ("step", Value)]
X.XOpenDisplay.restype = ctypes.c_void_p
ext.XSyncListSystemCounters.restype = ctypes.POINTER(Counter)
display, a, b, value = ctypes.c_void_p(X.XOpenDisplay(None)), *(ctypes.c_int(),) * 2, Value()
ext.XSyncQueryExtension(display, ctypes.byref(a), ctypes.byref(b))
ext.XSyncInitialize(display, ctypes.byref(a), ctypes.byref(b))
count = ctypes.c_int()
listed = ext.XSyncListSystemCounters(display, ctypes.byref(count))
[idle] = [listed[i].id for i in range(count.value) if listed[i].name == b"IDLETIME"]
def idle_s():
    ext.XSyncQueryCounter(display, ctypes.c_ulong(idle), ctypes.byref(value))
    return value.low / 1000
longest = 0.0
while longest < 36 and (longest < 20 or idle_s() > longest / 2):
    longest = max(longest, idle_s())
    time.sleep(0.1)
print(longest)
"""
"""Prints the X server's idle time, s, at the moment at which it begins again; at most 36."""

MIRROR = """
import time
from installation.showing.window import Window
window = Window(0, (320, 180))
print("open", flush=True)
while True:
    window.flip()
    window.poll(time.monotonic())
    time.sleep(0.1)
"""


@pytest.mark.slow
def test_the_x_server_never_counts_as_idle() -> None:
    """The X server's idle time, after which GNOME blanks the screen, stays below 35 s."""
    python = (sys.executable, "-c")
    with x_server() as name:
        session = {"DISPLAY": name, "SDL_VIDEODRIVER": "x11"}
        session["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
        environment = os.environ | session
        window = subprocess.Popen((*python, MIRROR), env=environment, stdout=subprocess.PIPE)
        assert window.stdout is not None
        assert any(b"open" in line for line in window.stdout)
        idle = subprocess.run(
            (*python, IDLE_TIME), env=environment, capture_output=True, text=True, check=True
        )
        window.terminate()
        window.communicate()
    assert 20 <= float(idle.stdout) < 35
