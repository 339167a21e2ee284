"""An X server for one test."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_ulong, c_ushort, c_void_p

from tests.support.tools import tool


def start_x_server(*options: str) -> tuple[subprocess.Popen[bytes], str]:
    """Return a new X server of 1280×720 with `options` and without a screen, and its name."""
    read, write = os.pipe()
    running = subprocess.Popen(
        [tool("Xvfb"), "-displayfd", str(write), "-screen", "0", "1280x720x24", *options],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as answer:
        number = answer.readline().strip()
    return running, f":{number}"


@contextlib.contextmanager
def x_server(*options: str) -> Iterator[str]:
    """Run an X server with `options` while the context lasts, and yield its name."""
    running, name = start_x_server(*options)
    try:
        yield name
    finally:
        running.terminate()
        running.wait()


class _Mode(ctypes.Structure):
    """XRRModeInfo of `X11/extensions/Xrandr.h`."""

    _fields_ = (
        *(("id", c_ulong), ("width", c_uint), ("height", c_uint), ("clock", c_ulong)),
        *((name, c_uint) for name in ("h1", "h2", "h_total", "skew", "v1", "v2", "v_total")),
        *(("name", c_char_p), ("name_length", c_uint), ("flags", c_ulong)),
    )


class _Resources(ctypes.Structure):
    """XRRScreenResources."""

    _fields_ = (
        *(("at", c_ulong), ("configured_at", c_ulong)),
        *(("crtc_count", c_int), ("crtcs", POINTER(c_ulong))),
        *(("output_count", c_int), ("outputs", POINTER(c_ulong))),
        *(("mode_count", c_int), ("modes", POINTER(_Mode))),
    )


class Projector:
    """The one monitor of an X server, at its connector `screen`, which the tests change."""

    def __init__(self, name: str) -> None:
        self._x, self._randr = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXrandr.so.2")
        x, randr = self._x, self._randr
        x.XOpenDisplay.argtypes, x.XOpenDisplay.restype = [c_char_p], c_void_p
        x.XDefaultRootWindow.argtypes, x.XDefaultRootWindow.restype = [c_void_p], c_ulong
        randr.XRRGetScreenResources.argtypes = [c_void_p, c_ulong]
        randr.XRRGetScreenResources.restype = POINTER(_Resources)
        randr.XRRCreateMode.argtypes = [c_void_p, c_ulong, POINTER(_Mode)]
        randr.XRRCreateMode.restype = c_ulong
        randr.XRRAddOutputMode.argtypes = [c_void_p, c_ulong, c_ulong]
        randr.XRRSetScreenSize.argtypes = [c_void_p, c_ulong, c_int, c_int, c_int, c_int]
        randr.XRRSetCrtcConfig.argtypes = [
            *(c_void_p, POINTER(_Resources), c_ulong, c_ulong, c_int, c_int, c_ulong, c_ushort),
            *(POINTER(c_ulong), c_int),
        ]
        x.XCreateSimpleWindow.argtypes = [
            *(c_void_p, c_ulong, c_int, c_int, c_uint, c_uint, c_uint, c_ulong, c_ulong),
        ]
        x.XCreateSimpleWindow.restype = c_ulong
        x.XGetImage.argtypes = [
            *(c_void_p, c_ulong, c_int, c_int, c_uint, c_uint, c_ulong, c_int),
        ]
        x.XGetImage.restype, x.XGetPixel.restype = c_void_p, c_ulong
        x.XGetPixel.argtypes = [c_void_p, c_int, c_int]
        self._connection = x.XOpenDisplay(name.encode())
        self._root = x.XDefaultRootWindow(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._x.XCloseDisplay(c_void_p(self._connection))

    def start_window_manager(self) -> None:
        """Let the server say that a window manager runs."""
        x, connection = self._x, c_void_p(self._connection)
        x.XInternAtom.restype = c_ulong
        name, kind = (
            c_ulong(x.XInternAtom(connection, text, 0))
            for text in (b"_NET_SUPPORTING_WM_CHECK", b"WINDOW")
        )
        root = c_ulong(self._root)
        x.XChangeProperty(connection, root, name, kind, 32, 0, byref(root), 1)
        x.XSync(connection, 0)

    def cover(self, colour: int, *, takes_keyboard: bool) -> None:
        """Open a window of one `colour` (0xRRGGBB) in front of all others."""
        x, connection = self._x, c_void_p(self._connection)
        window = x.XCreateSimpleWindow(
            *(self._connection, self._root, 0, 0, 1280, 720, 0, colour, colour)
        )
        x.XMapRaised(connection, c_ulong(window))
        x.XSync(connection, 0)
        if takes_keyboard:
            x.XSetInputFocus(connection, c_ulong(window), 1, c_ulong(0))
        x.XSync(connection, 0)

    def colour(self) -> int:
        """Return the colour that is seen in the middle of the monitor, 0xRRGGBB."""
        image = self._x.XGetImage(self._connection, self._root, 640, 360, 1, 1, ~0 % 2**32, 2)
        return int(self._x.XGetPixel(image, 0, 0)) & 0xFFFFFF

    def switch_off(self) -> None:
        """Take the monitor away."""
        self._configure(None)

    def switch_on(self, width: int, height: int) -> None:
        """Switch the monitor on with this resolution, which is at most the first one."""
        self._configure((width, height))

    def _configure(self, size: tuple[int, int] | None) -> None:
        randr, connection = self._randr, self._connection
        resources = randr.XRRGetScreenResources(connection, self._root)
        crtc, output = resources.contents.crtcs[0], resources.contents.outputs[0]
        mode = 0
        if size is not None:
            mode = self._mode(resources.contents, output, *size)
            resources = randr.XRRGetScreenResources(connection, self._root)
        randr.XRRSetCrtcConfig(connection, resources, crtc, 0, 0, 0, 0, 1, None, 0)
        if size is not None:
            randr.XRRSetScreenSize(connection, self._root, *size, 300, 200)
            outputs = (c_ulong * 1)(output)
            failed = randr.XRRSetCrtcConfig(
                *(connection, resources, crtc, 0, 0, 0, mode, 1, outputs, 1)
            )
            assert not failed
        self._x.XSync(c_void_p(connection), 0)

    def _mode(self, resources: _Resources, output: int, width: int, height: int) -> int:
        label = f"{width}x{height}".encode()
        known = {one.name: int(one.id) for one in resources.modes[: resources.mode_count]}
        if label in known:
            return known[label]
        clock = 60 * width * height
        sizes = (width, width, width, 0, height, height, height)
        mode = _Mode(0, width, height, clock, *sizes, label, len(label), 0)
        made = int(self._randr.XRRCreateMode(self._connection, self._root, byref(mode)))
        self._randr.XRRAddOutputMode(self._connection, output, made)
        return made
