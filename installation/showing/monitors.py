"""The monitors of an X server: their current connectors, positions and sizes.

SDL 2 reads the sizes of the displays only when it starts. Without a window manager, a window is not
notified when its monitor's resolution or rotation changes. RANDR 1.5 reports such changes, and the
names of the connectors, such as `HDMI-1`, which pygame cannot report. RANDR is queried through a
separate connection, because pygame's `get_wm_info` reads a pointer that was never set (pygame-ce
2.5.8) and crashes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from ctypes import (
    POINTER,
    byref,
    c_char,
    c_char_p,
    c_int,
    c_long,
    c_uint,
    c_ulong,
    c_ushort,
    c_void_p,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctypes import _Pointer

X11, RANDR = "libX11.so.6", "libXrandr.so.2"
"""The file names of the two libraries through which RANDR is queried; SDL's X11 driver loads them
too.
"""

VERSION = (1, 5)
"""The first version of RANDR that lists monitors; it is from 2015."""


@dataclass(frozen=True)
class Monitor:
    """A monitor: the name of its connector, and its area on the X server's screen, px."""

    connector: str
    x: int
    y: int
    width: int
    height: int


class _Info(ctypes.Structure):
    """The layout of XRRMonitorInfo in `X11/extensions/Xrandr.h`."""

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


class _Mode(ctypes.Structure):
    """The layout of XRRModeInfo in `X11/extensions/Xrandr.h`."""

    _fields_ = (
        *(("id", c_ulong), ("width", c_uint), ("height", c_uint), ("clock", c_ulong)),
        *((name, c_uint) for name in ("h1", "h2", "h_total", "skew", "v1", "v2", "v_total")),
        *(("name", c_char_p), ("name_length", c_uint), ("flags", c_ulong)),
    )


class _Resources(ctypes.Structure):
    """The layout of XRRScreenResources in `X11/extensions/Xrandr.h`."""

    _fields_ = (
        *(("at", c_ulong), ("configured_at", c_ulong)),
        *(("crtc_count", c_int), ("crtcs", POINTER(c_ulong))),
        *(("output_count", c_int), ("outputs", POINTER(c_ulong))),
        *(("mode_count", c_int), ("modes", POINTER(_Mode))),
    )


class _Output(ctypes.Structure):
    """The layout of XRROutputInfo in `X11/extensions/Xrandr.h`."""

    _fields_ = (
        *(("at", c_ulong), ("crtc", c_ulong), ("name", c_char_p), ("name_length", c_int)),
        *(("width_mm", c_ulong), ("height_mm", c_ulong)),
        *(("connection", c_ushort), ("subpixels", c_ushort)),
        *(("crtc_count", c_int), ("crtcs", POINTER(c_ulong))),
        *(("clone_count", c_int), ("clones", POINTER(c_ulong))),
        *(("mode_count", c_int), ("preferred_count", c_int), ("modes", POINTER(c_ulong))),
    )


class _Visibility(ctypes.Structure):
    """The layout of XVisibilityEvent in `X11/Xlib.h`, with the size of the union XEvent."""

    _fields_ = (
        *(("kind", c_int), ("serial", c_ulong), ("is_sent", c_int), ("display", c_void_p)),
        *(("window", c_ulong), ("state", c_int), ("rest", c_char * 148)),
    )


class _Attributes(ctypes.Structure):
    """The layout of XWindowAttributes in `X11/Xlib.h`."""

    _fields_ = (
        *((name, c_int) for name in ("x", "y", "width", "height", "border", "depth")),
        *(("visual", c_void_p), ("root", c_ulong), ("kind", c_int)),
        *((name, c_int) for name in ("bit_gravity", "win_gravity", "backing_store")),
        *(("planes", c_ulong), ("pixel", c_ulong), ("saves_under", c_int)),
        *(("colormap", c_ulong), ("is_installed", c_int), ("map_state", c_int)),
        *((name, c_long) for name in ("all_masks", "own_mask", "not_passed_on")),
        *(("is_override", c_int), ("screen", c_void_p)),
    )


VISIBILITY_NOTIFY, VISIBILITY_MASK, UNOBSCURED = 15, 1 << 16, 0
IS_VIEWABLE, REVERT_TO_PARENT, CURRENT_TIME = 2, 2, 0
"""Values of `X11/X.h`."""

CONNECTED, UPRIGHT = 0, 1
"""The values of RR_Connected and RR_Rotate_0 in `X11/extensions/randr.h`."""

WINDOW_MANAGER = b"_NET_SUPPORTING_WM_CHECK"
"""The property by which every window manager makes itself known (freedesktop.org, EWMH)."""


class Monitors:
    """Queries an X server for its monitors. Use it from one thread only."""

    def __init__(self) -> None:
        """Connect to the server that DISPLAY names.

        Raises OSError if that fails, or if the server has no RANDR 1.5.
        """
        self._x, self._randr = ctypes.CDLL(X11), ctypes.CDLL(RANDR)
        x, randr = self._x, self._randr
        x.XOpenDisplay.argtypes, x.XOpenDisplay.restype = [c_char_p], c_void_p
        x.XCloseDisplay.argtypes = [c_void_p]
        x.XDefaultRootWindow.argtypes, x.XDefaultRootWindow.restype = [c_void_p], c_ulong
        x.XGetAtomName.argtypes, x.XGetAtomName.restype = [c_void_p, c_ulong], c_void_p
        x.XFree.argtypes = [c_void_p]
        x.XMoveResizeWindow.argtypes = [c_void_p, c_ulong, c_int, c_int, c_uint, c_uint]
        x.XFlush.argtypes = [c_void_p]
        x.XSelectInput.argtypes = [c_void_p, c_ulong, c_long]
        x.XCheckTypedWindowEvent.argtypes = [c_void_p, c_ulong, c_int, POINTER(_Visibility)]
        x.XGetWindowAttributes.argtypes = [c_void_p, c_ulong, POINTER(_Attributes)]
        x.XSetInputFocus.argtypes = [c_void_p, c_ulong, c_int, c_ulong]
        self._is_covered = False
        randr.XRRQueryVersion.argtypes = [c_void_p, POINTER(c_int), POINTER(c_int)]
        randr.XRRGetMonitors.argtypes = [c_void_p, c_ulong, c_int, POINTER(c_int)]
        randr.XRRGetMonitors.restype = POINTER(_Info)
        randr.XRRFreeMonitors.argtypes = [POINTER(_Info)]
        self._declare_for_switching()
        self._connection: int | None = x.XOpenDisplay(None)
        if self._connection is None:
            raise OSError("the X server does not answer")
        major, minor = c_int(0), c_int(0)
        answered = randr.XRRQueryVersion(self._connection, byref(major), byref(minor))
        if not answered or (major.value, minor.value) < VERSION:
            self.close()
            raise OSError("the X server has no RANDR 1.5")

    def _declare_for_switching(self) -> None:
        x, randr = self._x, self._randr
        x.XInternAtom.argtypes, x.XInternAtom.restype = [c_void_p, c_char_p, c_int], c_ulong
        x.XListProperties.argtypes = [c_void_p, c_ulong, POINTER(c_int)]
        x.XListProperties.restype = POINTER(c_ulong)
        randr.XRRGetScreenResources.argtypes = [c_void_p, c_ulong]
        randr.XRRGetScreenResources.restype = POINTER(_Resources)
        randr.XRRFreeScreenResources.argtypes = [POINTER(_Resources)]
        randr.XRRGetOutputInfo.argtypes = [c_void_p, POINTER(_Resources), c_ulong]
        randr.XRRGetOutputInfo.restype = POINTER(_Output)
        randr.XRRFreeOutputInfo.argtypes = [POINTER(_Output)]
        randr.XRRSetScreenSize.argtypes = [c_void_p, c_ulong, c_int, c_int, c_int, c_int]
        randr.XRRSetCrtcConfig.argtypes = [
            *(c_void_p, POINTER(_Resources), c_ulong, c_ulong, c_int, c_int, c_ulong, c_ushort),
            *(POINTER(c_ulong), c_int),
        ]

    @classmethod
    def of_session(cls) -> Monitors | None:
        """Return `Monitors` of the X server that DISPLAY names; None if it cannot be queried."""
        if not os.environ.get("DISPLAY"):
            return None
        try:
            return cls()
        except OSError:
            return None

    def now(self) -> list[Monitor]:
        """Return the monitors that are on; waits for the server's answer, about 0.1 ms."""
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
        """Ask the server to move and resize `window`, a window of SDL, to fill `monitor`."""
        place = (monitor.x, monitor.y, monitor.width, monitor.height)
        self._x.XMoveResizeWindow(self._connection, window, *place)
        self._x.XFlush(self._connection)

    def watch(self, window: int) -> None:
        """Let the server report from now on whether `window`, a window of SDL, is covered."""
        self._x.XSelectInput(self._connection, window, VISIBILITY_MASK)
        self._x.XFlush(self._connection)

    def is_covered(self, window: int) -> bool:
        """Return whether another window covers a part of `window`; does not wait for the server.

        Call `watch` for this window first. The result is false if a desktop draws all windows into
        memory and composes them, as GNOME and KDE do: the server does not know then what is
        visible.
        """
        event = _Visibility()
        while self._x.XCheckTypedWindowEvent(
            self._connection, window, VISIBILITY_NOTIFY, byref(event)
        ):
            self._is_covered = event.state != UNOBSCURED
        return self._is_covered

    def give_keyboard(self, window: int) -> None:
        """Give the keyboard to `window` if no window manager does this on SDL's request."""
        seen = _Attributes()
        # The server ends a client that gives the keyboard to a window that is not visible.
        known = self._x.XGetWindowAttributes(self._connection, window, byref(seen))
        if known and seen.map_state == IS_VIEWABLE and not self._has_window_manager():
            self._x.XSetInputFocus(self._connection, window, REVERT_TO_PARENT, CURRENT_TIME)
            self._x.XFlush(self._connection)

    def switch_on(self, connector: str | None) -> bool:
        """Switch on a monitor that is plugged in but not on; return whether one was found.

        This is for a server without a window manager whose monitors are all off. On such a server,
        a television that is switched on after the computer would stay dark, because no other
        program switches on its output. Only a monitor at `connector` is considered, or, if that is
        None, any monitor.
        """
        if self.now() or self._has_window_manager():
            return False
        assert self._connection is not None
        root = self._x.XDefaultRootWindow(self._connection)
        resources = self._randr.XRRGetScreenResources(self._connection, root)
        if not resources:
            return False
        listed = resources.contents
        found = any(
            self._switch_on(resources, output, connector)
            for output in listed.outputs[: listed.output_count]
        )
        self._randr.XRRFreeScreenResources(resources)
        return found

    def _switch_on(
        self, resources: _Pointer[_Resources], output: int, connector: str | None
    ) -> bool:
        """Switch on `output`, in its preferred mode, if a monitor is plugged into it.

        Return whether this was done. If `connector` is not None, an output with another name is
        left as it is.
        """
        info = self._randr.XRRGetOutputInfo(self._connection, resources, output)
        if not info:
            return False
        seen = info.contents
        is_meant = connector is None or seen.name.decode("utf-8", "replace") == connector
        usable = seen.connection == CONNECTED and seen.mode_count and seen.crtc_count
        mode, crtc = (seen.modes[0], seen.crtcs[0]) if usable else (0, 0)
        width_mm, height_mm = seen.width_mm or 1, seen.height_mm or 1
        self._randr.XRRFreeOutputInfo(info)
        listed = resources.contents
        sizes = {one.id: (one.width, one.height) for one in listed.modes[: listed.mode_count]}
        if not is_meant or mode not in sizes:
            return False
        root = self._x.XDefaultRootWindow(self._connection)
        size = sizes[mode]
        self._randr.XRRSetScreenSize(self._connection, root, *size, width_mm, height_mm)
        outputs = (c_ulong * 1)(output)
        status = self._randr.XRRSetCrtcConfig(
            *(self._connection, resources, crtc, 0, 0, 0, mode, UPRIGHT, outputs, 1)
        )
        return int(status) == 0

    def _has_window_manager(self) -> bool:
        x, connection = self._x, self._connection
        wanted = x.XInternAtom(connection, WINDOW_MANAGER, 1)
        count = c_int(0)
        listed = x.XListProperties(connection, x.XDefaultRootWindow(connection), byref(count))
        found = wanted != 0 and wanted in (listed[: count.value] if listed else [])
        x.XFree(listed)
        return found

    def close(self) -> None:
        """Close the connection. A second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._x.XCloseDisplay(connection)


def monitors_of_session() -> list[Monitor]:
    """Return the monitors of the X server that DISPLAY names; empty if it cannot be queried."""
    monitors = Monitors.of_session()
    if monitors is None:
        return []
    with contextlib.closing(monitors):
        return monitors.now()
