"""Starts SDL's video on the desktop's display, and detects when the display server ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import stat
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from installation.errors import Mistake, ScreenError

if TYPE_CHECKING:
    from ctypes import _Pointer

NO_DISPLAY_REMEDY = (
    "Start the show inside the desktop's session, or without a screen: kiosk run --headless."
)


REMEDY_X = "Start the X server again; the show then restarts automatically."
REMEDY_WINDOW = "The show opens a new window automatically."


X_REFUSES = ("Authorization required", "No protocol specified", "Invalid MIT-MAGIC-COOKIE")
"""Parts of the messages that the X server or Xlib gives if this user may not open a window."""

STDERR = 2
"""The file descriptor of standard error."""

MOST_REMARKS = 2000
"""Of the text that libraries write to standard error, at most this number of bytes is stored."""

SHOW_NOTHING = ("dummy", "offscreen")
"""SDL's drivers that show nothing; they start only if SDL_VIDEODRIVER names them."""


def shows_nothing() -> bool:
    """Return whether SDL's video has started with a driver that shows nothing."""
    return pygame.display.get_init() and pygame.display.get_driver() in SHOW_NOTHING


def has_display() -> bool:
    """Return whether this machine may have a display.

    It may if DISPLAY, WAYLAND_DISPLAY or SDL_VIDEODRIVER is set, if the kernel has a graphics
    device (/dev/dri), or if there is no /proc, as on systems other than Linux.
    """
    variables = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if any(os.environ.get(name) for name in variables):
        return True
    return not os.path.exists("/proc") or os.path.isdir("/dev/dri")


def session_drivers(environment: Mapping[str, str]) -> list[str]:
    """Return SDL's drivers for the displays that the session names, in the order to be tried.

    X11 comes first; under a Wayland desktop it uses Xwayland.
    """
    drivers = (("DISPLAY", "x11"), ("WAYLAND_DISPLAY", "wayland"))
    return [driver for variable, driver in drivers if environment.get(variable)]


def start_video() -> None:
    """Start SDL's video with the first driver that starts. Raises ScreenError if no driver starts.

    The drivers that are tried are named by SDL_VIDEODRIVER, or else by the session, or else chosen
    by SDL. Drivers without a visible window are used only if SDL_VIDEODRIVER names them: if the X
    server refuses the connection, SDL would otherwise fall back to its `offscreen` driver without a
    message, and the screen would stay black.
    """
    # The show handles signals itself; SDL would turn them into events.
    os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
    # A shortcut of the desktop takes the focus away for a moment; the mirror must stay visible.
    os.environ.setdefault("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", "0")
    # A kiosk's window needs no frame. With libdecor, but without one of its plugins, SDL waits for
    # ever for its window in cage.
    os.environ.setdefault("SDL_VIDEO_WAYLAND_ALLOW_LIBDECOR", "0")
    configured = os.environ.get("SDL_VIDEODRIVER", "")
    named: list[str | None] = [*filter(None, configured.split(","))]
    named = named or [*session_drivers(os.environ)]
    failures = []
    for driver in named or [None]:
        try:
            _start_driver(driver)
        except pygame.error as failure:
            failures.append(f"{driver}: {failure}" if driver else str(failure))
        else:
            return
    if configured:
        os.environ["SDL_VIDEODRIVER"] = configured
    raise ScreenError(no_display("; ".join(failures)))


LACKS = "the system lacks"
"""The beginning of the error message about a driver whose libraries are not installed."""

WAYLAND_LIBRARIES = (
    "libwayland-client.so.0",
    "libwayland-cursor.so.0",
    "libwayland-egl.so.1",
    "libxkbcommon.so.0",
)
"""The libraries of the system that SDL's driver for Wayland calls. If the second and the third are
missing, SDL nevertheless starts the driver, and then crashes or waits for ever.
"""


def _missing_libraries(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            yield name


def _start_driver(driver: str | None) -> None:
    """Start SDL's video with `driver`; None means any driver with a visible window.

    Raises pygame.error.
    """
    if driver is not None:
        os.environ["SDL_VIDEODRIVER"] = driver
    if driver == "wayland" and (missing := [*_missing_libraries(WAYLAND_LIBRARIES)]):
        raise pygame.error(f"{LACKS} {', '.join(missing)}")
    # SDL's driver for Wayland draws nothing without OpenGL.
    if not has_gpu() and driver != "wayland":
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    elif driver == "wayland":
        os.environ.pop("SDL_FRAMEBUFFER_ACCELERATION", None)
    try:
        with _remarks_of_libraries() as remarks:
            pygame.display.init()
    except pygame.error as failure:
        raise pygame.error(": ".join([str(failure), *remarks])) from None
    started = pygame.display.get_driver()
    if started in SHOW_NOTHING and started != driver:
        pygame.display.quit()
        problem = "SDL found only a driver that shows no window"
        raise pygame.error(": ".join([problem, *remarks]))
    # The guard allows the calls that set the screen only if this names the driver that makes them.
    os.environ["SDL_VIDEODRIVER"] = started


@contextlib.contextmanager
def _remarks_of_libraries() -> Iterator[list[str]]:
    """Collect the lines that C libraries write to standard error in the `with` block.

    Xlib and libwayland write there why a display refuses a connection; SDL does not report it. The
    block gets a list, which is filled when the block ends. It stays empty if the sandbox no longer
    allows a pipe.
    """
    remarks: list[str] = []
    try:
        reading, writing = os.pipe()
    except OSError:
        yield remarks
        return
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    sys.stderr.flush()
    kept = os.dup(STDERR)
    os.dup2(writing, STDERR)
    os.close(writing)
    try:
        yield remarks
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        with contextlib.suppress(BlockingIOError):
            lines = os.read(reading, MOST_REMARKS).decode("utf-8", "replace").split("\n")
            stripped = (line.removeprefix("error: ").strip(" .") for line in lines)
            remarks += dict.fromkeys(filter(None, stripped))
        os.close(reading)


class _XError(ctypes.Structure):
    """The layout of XErrorEvent in `X11/Xlib.h`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("resource", ctypes.c_ulong),
        ("serial", ctypes.c_ulong),
        ("code", ctypes.c_ubyte),
    )


BAD_WINDOW, BAD_DRAWABLE = 3, 9
"""The numbers of the X protocol's errors BadWindow and BadDrawable, for a window that does not
exist.
"""


def end_if_the_window_ends(end: Callable[[str], object]) -> None:
    """Let `end` be called, with a description of the event, if the X server or the window ends.

    Call this while the window is open. Unless SDL uses its driver for X11, nothing is done.

    `end` must end the process. Xlib's default is to call the C library's exit while threads are
    running, which crashes with SIGSEGV or SIGILL and logs nothing. Other errors of the X server,
    such as a request about a monitor that has been unplugged, are ignored.
    """
    if not pygame.display.get_init() or pygame.display.get_driver() != "x11":
        return
    window = opened_window().handle

    def end_process(_: int | None) -> int:
        end(str(Mistake("screen", "the X server has ended", REMEDY_X)))
        return 0

    def look_at_error(_: int | None, error: _Pointer[_XError]) -> int:
        seen = error.contents
        if seen.resource == window and seen.code in (BAD_WINDOW, BAD_DRAWABLE):
            end(str(Mistake("screen", "another program has closed the window", REMEDY_WINDOW)))
        return 0

    global _handlers
    on_end = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(end_process)
    on_error = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_XError))(
        look_at_error
    )
    _handlers = (on_end, on_error)
    # SDL has loaded this library too, so the functions are called for SDL's connection.
    x = ctypes.CDLL("libX11.so.6")
    x.XSetIOErrorHandler(on_end)
    x.XSetErrorHandler(on_error)


_handlers: object = None
"""The functions that Xlib calls; this reference keeps Python from deleting them."""


def no_display(seen: str) -> Mistake:
    """Return a `Mistake` for a show that can open no display; `seen` says what was tried."""
    session = ", ".join(
        f"{name}={os.environ[name]}"
        for name in ("DISPLAY", "WAYLAND_DISPLAY")
        if os.environ.get(name)
    )
    session = session or "neither DISPLAY nor WAYLAND_DISPLAY is set"
    remedy = NO_DISPLAY_REMEDY
    if LACKS in seen:
        packages = "libwayland-egl1 libwayland-cursor0 libxkbcommon0"
        remedy = f"Install what is missing; in Debian: sudo apt-get install {packages}"
    if any(words in seen for words in X_REFUSES):
        user = os.environ.get("USER") or f"#{os.getuid()}"
        remedy = f"Run this in a terminal of the desktop: xhost +si:localuser:{user}"
    return Mistake("screen", f"no display can be opened ({seen}; {session})", remedy)


def compositor_has_ended() -> bool:
    """Return whether SDL draws on a Wayland compositor that has closed the connection.

    SDL then only reports that the window should be closed, as it does after Alt-F4. So the sockets
    are examined: the show has none except those to the display.
    """
    return pygame.display.get_driver() == "wayland" and has_closed_socket()


def has_closed_socket() -> bool:
    """Return whether the other end of a socket of this process is closed."""
    waiting = select.poll()
    for name in os.listdir("/proc/self/fd"):
        # The folder of the list itself is closed by now.
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                waiting.register(int(name), 0)  # POLLHUP is reported without being requested.
    return any(events & select.POLLHUP for _, events in waiting.poll(0))


def opened_window() -> pygame.Window:
    """Return the window that `pygame.display` has opened."""
    with warnings.catch_warnings():
        # pygame recommends `pygame.Window` with its surface, but that cannot be SCALED.
        warnings.simplefilter("ignore", DeprecationWarning)
        return pygame.Window.from_display_module()


def has_gpu() -> bool:
    """Return whether this machine has a graphics processor.

    Without one, SDL would use OpenGL in software. Measured at 1920×1080 under Xvfb on two cores: 16
    ms of processor time a flip, and 0.4 ms if SDL is told not to use OpenGL.
    """
    if sys.platform != "linux":
        return True
    return any(Path("/dev/dri").glob("renderD*")) or Path("/dev/nvidiactl").exists()
