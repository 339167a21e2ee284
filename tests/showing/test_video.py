"""Tests of a display that ends: the log has a sentence, and no signal ends the process.

The X server is killed, the compositor closes its socket, another program destroys the window, or a
library is missing.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from installation.errors import ScreenError
from installation.showing import video
from installation.showing.video import has_closed_socket, session_drivers, start_video
from tests.support.x_server import start_x_server, x_server


@pytest.mark.parametrize(
    ("variables", "drivers"),
    [
        ({}, []),
        ({"DISPLAY": ":0"}, ["x11"]),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ""}, ["wayland"]),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, ["x11", "wayland"]),
    ],
)
def test_the_session_names_the_drivers(variables: dict[str, str], drivers: list[str]) -> None:
    """X11 is tried first, because it reaches a Wayland desktop as well."""
    assert session_drivers(variables) == drivers


def test_a_missing_library_of_wayland_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a library that SDL needs for Wayland is missing, the message names it and its packages."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "wayland")
    monkeypatch.setattr(video, "WAYLAND_LIBRARIES", ("libc.so.6", "libabsent.so.7"))
    with pytest.raises(ScreenError, match=r"the system lacks libabsent\.so\.7;") as raised:
        start_video()
    [mistake] = raised.value.mistakes
    assert "apt-get install libwayland-egl1 libwayland-cursor0" in mistake.remedy


LOSES_ITS_SERVER = """
import os, signal, sys, time
from installation.showing.video import end_if_the_window_ends
from installation.showing.window import Window
window = Window(0, (320, 180))
end_if_the_window_ends(lambda what: (print(what, flush=True), os._exit(2)))
os.kill(int(sys.argv[1]), signal.SIGKILL)
while True:
    window.flip()
    window.poll(time.monotonic())
"""


def test_an_x_server_that_ends_is_a_sentence_in_the_log() -> None:
    """The process ends by itself with a sentence, and no signal kills it."""
    server, name = start_x_server()
    environment = os.environ | {"DISPLAY": name, "SDL_VIDEODRIVER": "x11"}
    words = (sys.executable, "-c", LOSES_ITS_SERVER, str(server.pid))
    ran = subprocess.run(
        words, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    server.wait()
    assert "screen: the X server has ended. Start the X server again" in ran.stdout, ran.stderr
    assert ran.returncode == 2


def test_a_socket_that_the_other_side_has_closed_is_noticed() -> None:
    """A closed socket shows that the compositor has ended.

    Otherwise this could not be distinguished from a window that somebody closes.
    """
    ours, theirs = socket.socketpair()
    with ours:
        assert not has_closed_socket()
        theirs.close()
        assert has_closed_socket()
    assert not has_closed_socket()


LOSES_ITS_WINDOW = """
import ctypes, os, sys, time
from installation.showing.video import end_if_the_window_ends, opened_window
from installation.showing.window import Window
window = Window(0, (320, 180))
end_if_the_window_ends(lambda what: (print(what, flush=True), os._exit(2)))
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
other = ctypes.c_void_p(x.XOpenDisplay(None))
x.XDestroyWindow(other, ctypes.c_ulong(opened_window().handle))
x.XFlush(other)
until = time.monotonic() + 120
while time.monotonic() < until:
    window.flip()
    window.poll(time.monotonic())
"""


def test_a_window_closed_by_another_program_is_reported() -> None:
    """If another program destroys the window, the message for the log says so."""
    with x_server() as name:
        environment = os.environ | {"DISPLAY": name, "SDL_VIDEODRIVER": "x11"}
        words = (sys.executable, "-c", LOSES_ITS_WINDOW)
        ran = subprocess.run(
            words, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
    assert "screen: another program has closed the window. The show opens" in ran.stdout, ran.stderr
    assert ran.returncode == 2
