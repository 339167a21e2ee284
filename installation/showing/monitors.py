"""The monitors of an X server: their connectors, places and sizes, as they are now.

SDL 2 reads the sizes of the displays when it starts, and without a window manager nobody tells a
window that its monitor has another resolution or was turned. RANDR 1.5 reports this, and the names
of the connectors (`HDMI-1`), which pygame does not know. RANDR is asked through a separate
connection, because pygame's `get_wm_info` reads a pointer that nobody has set (pygame-ce 2.5.8) and
crashes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_ulong, c_void_p
from dataclasses import dataclass

X11, RANDR = "libX11.so.6", "libXrandr.so.2"
"""The libraries that SDL's driver loads as well."""

VERSION = (1, 5)
"""The first version of RANDR with monitors (of the year 2015)."""


@dataclass(frozen=True)
class Monitor:
    """A monitor: the name of its connector, and its place on the X server's screen, px."""

    connector: str
    x: int
    y: int
    width: int
    height: int


class _Info(ctypes.Structure):
    """XRRMonitorInfo of `X11/extensions/Xrandr.h`."""

    _fields_ = (
        ("name", c_ulong),
        ("primary", c_int),
        ("automatic", c_int),
        ("output_count", c_int),
        ("x", c_int),
        ("y", c_int),
        ("width", c_int),
        ("height", c_int),
        ("width_mm", c_int),
        ("height_mm", c_int),
        ("outputs", c_void_p),
    )


class Monitors:
    """Asks an X server for its monitors. Use it from one thread only."""

    def __init__(self) -> None:
        """Connect to the server that DISPLAY names. Raises OSError, also if it has no RANDR."""
        self._x, self._randr = ctypes.CDLL(X11), ctypes.CDLL(RANDR)
        x, randr = self._x, self._randr
        x.XOpenDisplay.argtypes, x.XOpenDisplay.restype = [c_char_p], c_void_p
        x.XCloseDisplay.argtypes = [c_void_p]
        x.XDefaultRootWindow.argtypes, x.XDefaultRootWindow.restype = [c_void_p], c_ulong
        x.XGetAtomName.argtypes, x.XGetAtomName.restype = [c_void_p, c_ulong], c_void_p
        x.XFree.argtypes = [c_void_p]
        x.XMoveResizeWindow.argtypes = [c_void_p, c_ulong, c_int, c_int, c_uint, c_uint]
        x.XFlush.argtypes = [c_void_p]
        randr.XRRQueryVersion.argtypes = [c_void_p, POINTER(c_int), POINTER(c_int)]
        randr.XRRGetMonitors.argtypes = [c_void_p, c_ulong, c_int, POINTER(c_int)]
        randr.XRRGetMonitors.restype = POINTER(_Info)
        randr.XRRFreeMonitors.argtypes = [POINTER(_Info)]
        self._connection: int | None = x.XOpenDisplay(None)
        if self._connection is None:
            raise OSError("the X server does not answer")
        major, minor = c_int(0), c_int(0)
        answered = randr.XRRQueryVersion(self._connection, byref(major), byref(minor))
        if not answered or (major.value, minor.value) < VERSION:
            self.close()
            raise OSError("the X server has no RANDR 1.5")

    @classmethod
    def of_session(cls) -> Monitors | None:
        """Return the monitors of the X server that DISPLAY names; None if it cannot be asked."""
        if not os.environ.get("DISPLAY"):
            return None
        try:
            return cls()
        except OSError:
            return None

    def now(self) -> list[Monitor]:
        """Return the monitors that are on; waits for the server's answer, some 0.1 ms."""
        count = c_int(0)
        assert self._connection is not None
        root = self._x.XDefaultRootWindow(self._connection)
        infos = self._randr.XRRGetMonitors(self._connection, root, 1, byref(count))
        if not infos:
            return []
        found = [
            Monitor(self._name_of(info.name), info.x, info.y, info.width, info.height)
            for info in infos[: count.value]
        ]
        self._randr.XRRFreeMonitors(infos)
        return found

    def _name_of(self, atom: int) -> str:
        text = self._x.XGetAtomName(self._connection, atom)
        name = ctypes.string_at(text).decode("utf-8", "replace") if text else ""
        self._x.XFree(text)
        return name

    def fill(self, window: int, monitor: Monitor) -> None:
        """Ask the server to let `window`, one of SDL's, fill `monitor`."""
        place = (monitor.x, monitor.y, monitor.width, monitor.height)
        self._x.XMoveResizeWindow(self._connection, window, *place)
        self._x.XFlush(self._connection)

    def close(self) -> None:
        """Close the connection. A second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._x.XCloseDisplay(connection)


def monitors_of_session() -> list[Monitor]:
    """Return the monitors of the X server that DISPLAY names; empty if it cannot be asked."""
    monitors = Monitors.of_session()
    if monitors is None:
        return []
    with contextlib.closing(monitors):
        return monitors.now()
