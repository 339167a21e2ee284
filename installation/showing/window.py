"""The screen: a fullscreen window, a window of a given size, or a surface in memory."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygame

from installation.errors import Mistake, ScreenError
from installation.showing.scene import Size

HOLD_TO_END_S = 3.0
"""How long Escape must be held to end the show, s, so that a visitor's tap does not end it."""

STAFF_CARD_S = 60.0
"""How long the staff card stays on the screen if nobody presses F1 again, s."""

NO_DISPLAY_REMEDY = (
    "Start the show inside the desktop's session, or without a screen: kiosk run --headless."
)


REMEDY_X = "Start it again; the show comes back by itself."


@dataclass(frozen=True)
class ScreenEvents:
    """The requests of somebody at the screen, made with a key or by closing the window."""

    end_show: bool = False
    staff_card: bool = False
    """Whether the staff card is to be on the screen."""
    exposed: bool = False
    """Whether a covered part of the window has become visible again, so that a flip is needed."""


class Screen(Protocol):
    """A surface that is painted on and then shown."""

    name: str
    """The screen's description in the log."""
    surface: pygame.Surface
    visible: bool
    """Whether anybody can see the screen."""

    def flip(self) -> None:
        """Show what was painted."""
        ...

    def poll(self, now: float) -> ScreenEvents:
        """Read all input, and return the requests at the instant `now` (s, monotonic)."""
        ...

    def close(self) -> None:
        """Release the display. A second call does nothing."""
        ...


class OffScreen:
    """A surface of `size` px in memory, for a show without a display."""

    visible = False

    def __init__(self, size: Size = (1920, 1080)) -> None:
        self.surface = pygame.Surface(size, depth=32)
        self.name = f"none; painted in memory at {size[0]}×{size[1]}"

    def flip(self) -> None:
        """Do nothing, because nobody can see the surface."""

    def poll(self, now: float) -> ScreenEvents:  # noqa: ARG002 - the Protocol's signature
        """Return no requests, because there is no keyboard."""
        return ScreenEvents()

    def close(self) -> None:
        """Do nothing: there is no device."""


class HeldKey:
    """A key, and how long it has been held down."""

    def __init__(self) -> None:
        self._pressed_at: float | None = None

    def press(self, now: float) -> None:
        """Record that the key went down; its repeats while it is down do not count."""
        if self._pressed_at is None:
            self._pressed_at = now

    def release(self) -> None:
        """Record that the key came up."""
        self._pressed_at = None

    def held_s(self, now: float) -> float:
        """Return for how many seconds the key has been down; 0 if it is up."""
        return 0.0 if self._pressed_at is None else now - self._pressed_at


class StaffCardKey:
    """The key that shows the staff card and removes it again."""

    def __init__(self) -> None:
        self._pressed_at: float | None = None

    def press(self, now: float) -> None:
        """Record that the key went down."""
        self._pressed_at = None if self.shows_card(now) else now

    def shows_card(self, now: float) -> bool:
        """Return whether the card is to be on the screen; after `STAFF_CARD_S` it is not."""
        return self._pressed_at is not None and now - self._pressed_at < STAFF_CARD_S


class Window:
    """A window on a display: fullscreen if `size` is None."""

    visible = True

    def __init__(
        self, display: int, size: Size | None, where: str = "kiosk.yaml", *, keys: bool = True
    ) -> None:
        """Open the window.

        Args:
            display: The number of the display, from 0.
            size: Width and height, px; None for the whole display.
            where: The place of the setting `screen.display`, for messages.
            keys: Whether Escape and F1 do anything.

        Raises:
            ScreenError: The display does not exist or does not take a window.
        """
        _start_video()
        try:
            self.surface, synchronised = _open_surface(display, size, where)
        except ScreenError:
            pygame.display.quit()
            raise
        width, height = self.surface.get_size()
        form = "fullscreen"
        if size:
            form = "a window"
            across, down = pygame.display.get_desktop_sizes()[display]
            if width > across or height > down:
                form += f" larger than the display of {across}×{down}, so a part of it is not seen"
        self.name = (
            f"display {display} through {pygame.display.get_driver()}, {width}×{height}, "
            f"{form}, "
            f"{'in step with' if synchronised else 'not in step with'} the display's refresh"
        )
        self._escape = HeldKey()
        self._f1 = StaffCardKey()
        self._keys = keys
        self._may_be_closed = size is not None
        self._closed = False

    def flip(self) -> None:
        """Show what was painted; waits for the display's refresh if it is in step with it."""
        pygame.display.flip()

    def poll(self, now: float) -> ScreenEvents:
        """Read all input, and return the requests made with keys or by closing the window.

        Escape ends the show after it was held for `HOLD_TO_END_S`. In fullscreen, closing the
        window has no effect, because visitors know the keys Alt-F4.
        """
        closed = exposed = False
        for event in pygame.event.get():
            if event.type in (pygame.WINDOWEXPOSED, pygame.VIDEOEXPOSE):
                exposed = True
            elif event.type == pygame.QUIT:
                closed = self._may_be_closed
            elif not self._keys or event.type not in (pygame.KEYDOWN, pygame.KEYUP):
                continue
            elif event.key == pygame.K_ESCAPE and event.type == pygame.KEYDOWN:
                self._escape.press(now)
            elif event.key == pygame.K_ESCAPE:
                self._escape.release()
            elif event.key == pygame.K_F1 and event.type == pygame.KEYDOWN:
                self._f1.press(now)
        end_show = closed or self._escape.held_s(now) >= HOLD_TO_END_S
        return ScreenEvents(end_show, self._f1.shows_card(now), exposed)

    def close(self) -> None:
        """Close the window and allow the screensaver again. A second call does nothing."""
        if not self._closed:
            self._closed = True
            pygame.display.quit()


def open_screen(
    display: int | str,
    *,
    headless: bool,
    windowed: Size | None,
    where: str = "kiosk.yaml",
    keys: bool = True,
) -> tuple[Screen, str | None]:
    """Return the screen to paint on, and the reason if it is not the requested one.

    Args:
        display: A number, or auto: the first display, or a surface in memory if the machine has
            no display at all.
        headless: Whether to paint in memory in any case.
        windowed: The size of the window or surface, px; None for fullscreen.
        where: The place of the setting `screen.display`, for messages.
        keys: Whether Escape and F1 do anything.

    Raises:
        ScreenError: A display was named (by number, by DISPLAY or by WAYLAND_DISPLAY) and cannot be
            opened.
    """
    if headless:
        return OffScreen(windowed or (1920, 1080)), None
    if display == "auto" and windowed is None and not _has_display():
        return (
            OffScreen(),
            "this machine has no display, so the show runs without one (headless)",
        )
    return Window(0 if display == "auto" else int(display), windowed, where, keys=keys), None


def _has_display() -> bool:
    """Return whether the session, SDL's setting or the kernel announces a display."""
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


def default_driver(environment: Mapping[str, str]) -> str | None:
    """Return SDL's driver for a session that names no display; None leaves the choice to SDL.

    Without a session's variables SDL would try X11, which then fails, Wayland, and the console.
    """
    on_console = sys.platform == "linux" and not can_find_compositor(environment)
    return "kmsdrm" if on_console else None


def can_find_compositor(environment: Mapping[str, str]) -> bool:
    """Return whether `environment` says where a Wayland compositor listens.

    If it does not, libwayland prints a line of its own to standard error, and fails.
    """
    names = ("XDG_RUNTIME_DIR", "WAYLAND_DISPLAY")
    return any(environment.get(name, "").startswith("/") for name in names)


def _start_video() -> None:
    """Start SDL's video with the first driver that starts. Raises ScreenError if none does.

    The drivers are those of SDL_VIDEODRIVER, or those that the session names, or else SDL's own
    choice. Drivers without a visible window are used only if SDL_VIDEODRIVER names them: if the X
    server refuses, SDL would otherwise fall back to its `offscreen` driver without a message, and
    the screen would stay black.
    """
    # The show handles signals itself; SDL would turn them into events.
    os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
    # The window must stay when a key of the desktop takes the focus for a moment.
    os.environ.setdefault("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", "0")
    configured = os.environ.get("SDL_VIDEODRIVER", "")
    named: list[str | None] = [*filter(None, configured.split(","))]
    named = named or [*session_drivers(os.environ)] or [default_driver(os.environ)]
    failures = []
    for driver in named:
        try:
            _start_driver(driver)
        except pygame.error as failure:
            failures.append(f"{driver}: {failure}" if driver else str(failure))
        else:
            return
    if configured:
        os.environ["SDL_VIDEODRIVER"] = configured
    raise ScreenError(_no_display("; ".join(failures)))


def _start_driver(driver: str | None) -> None:
    """Start SDL's video with `driver`; None means any driver with a visible window.

    Raises pygame.error.
    """
    if driver == "wayland" and not can_find_compositor(os.environ):
        raise pygame.error("XDG_RUNTIME_DIR, the folder of the compositor's socket, is not set")
    if driver is not None:
        os.environ["SDL_VIDEODRIVER"] = driver
    # SDL's driver for Wayland draws nothing without OpenGL.
    if not _has_gpu() and driver != "wayland":
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    elif driver == "wayland":
        os.environ.pop("SDL_FRAMEBUFFER_ACCELERATION", None)
    pygame.display.init()
    started = pygame.display.get_driver()
    if started in SHOW_NOTHING and started != driver:
        pygame.display.quit()
        raise pygame.error("only a driver without a visible window would start")


def end_if_the_x_server_ends(end: Callable[[str], object]) -> None:
    """Arrange that `end` is called, with a description, if the X server that SDL draws on ends.

    Call this while the window is open; it does nothing with another driver.

    `end` must end the process. Xlib's default is to call the C library's exit while threads are
    running, which crashes with SIGSEGV or SIGILL and logs nothing.
    """
    if not pygame.display.get_init() or pygame.display.get_driver() != "x11":
        return
    import ctypes

    def end_process(_: int | None) -> int:
        end(str(Mistake("screen", "the X server has ended", REMEDY_X)))
        return 0

    global _handler
    _handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(end_process)
    # SDL has loaded the same library.
    ctypes.CDLL("libX11.so.6").XSetIOErrorHandler(_handler)


_handler: object = None
"""The function that Xlib calls, stored so that it is not deleted."""


def _no_display(seen: str) -> Mistake:
    session = ", ".join(
        f"{name}={os.environ[name]}"
        for name in ("DISPLAY", "WAYLAND_DISPLAY")
        if os.environ.get(name)
    )
    session = session or "neither DISPLAY nor WAYLAND_DISPLAY is set"
    return Mistake("screen", f"no display can be opened ({seen}; {session})", NO_DISPLAY_REMEDY)


BUFFER_FLIPS = 12
"""Mesa's software renderer has up to four buffers for a Wayland window."""


def allocate_buffers(screen: Screen) -> None:
    """Let the display's driver make all the buffers that it may ever need for `screen`.

    Mesa makes another one when the compositor holds the others, as a busy one does for a moment. It
    is memory that the guard refuses from the middle stage on, and without it Mesa crashes. Flips
    that follow each other at once leave the compositor no time to give one back.
    """
    if pygame.display.get_init() and pygame.display.get_driver() == "wayland":
        for _ in range(BUFFER_FLIPS):
            screen.flip()


SHOW_NOTHING = ("dummy", "offscreen")
"""SDL's drivers that show nothing; they start only if SDL_VIDEODRIVER names them."""


def shows_nothing() -> bool:
    """Return whether SDL's video has started with a driver that shows nothing."""
    return pygame.display.get_init() and pygame.display.get_driver() in SHOW_NOTHING


def _open_surface(display: int, size: Size | None, where: str) -> tuple[pygame.Surface, bool]:
    """Return the surface of a new window, and whether a flip waits for the display's refresh.

    SDL's video must have been started, and stays on if ScreenError is raised.
    """
    desktops = pygame.display.get_desktop_sizes()
    _check_number(display, desktops, where)
    try:
        pygame.display.set_caption("kiosk")
        pygame.display.set_allow_screensaver(False)
        opened = _set_mode(display, size, desktops[display])
        pygame.mouse.set_visible(False)
    except pygame.error as failure:
        width, height = size or desktops[display]
        seen = f"{failure}; the driver is {pygame.display.get_driver()}"
        problem = f"display {display} does not open a window of {width}×{height} px ({seen})"
        raise ScreenError(Mistake("screen", problem, NO_DISPLAY_REMEDY)) from failure
    return opened


def check_display_number(display: int, where: str) -> bool:
    """Return whether display number `display` was looked for; False if this session has none.

    No window is opened. A session without any display is accepted, because the show may run in
    another session. Raises ScreenError if the session has displays, but not this one.
    """
    if not _has_display():
        return False
    try:
        _start_video()
    except ScreenError:
        return False
    try:
        _check_number(display, pygame.display.get_desktop_sizes(), where)
    finally:
        pygame.display.quit()
    return True


def _check_number(display: int, desktops: Sequence[Size], where: str) -> None:
    if display >= len(desktops):
        displays = f"{len(desktops)} display{'s' * (len(desktops) != 1)}, numbered from 0"
        problem = f"screen.display is {display}, but this machine has {displays}"
        remedy = "Set it to one of these numbers, or to auto for the first display."
        raise ScreenError(Mistake(where, problem, remedy))


def _set_mode(display: int, size: Size | None, desktop: Size) -> tuple[pygame.Surface, bool]:
    """Return the surface of a new window, and whether a flip waits for the display's refresh."""
    if size is not None:
        return pygame.display.set_mode(size, display=display), False
    if _has_gpu():
        try:
            with warnings.catch_warnings():
                # pygame warns if only the software renderer is available, which is slower here.
                warnings.simplefilter("error")
                flags = pygame.FULLSCREEN | pygame.SCALED
                return pygame.display.set_mode(desktop, flags, display=display, vsync=1), True
        except (pygame.error, Warning):
            # The screen's name tells the log that flips are not in step.
            pass
    return pygame.display.set_mode(desktop, pygame.FULLSCREEN, display=display), False


def _has_gpu() -> bool:
    """Return whether this machine has a graphics processor.

    Without one, SDL would use OpenGL in software. Measured at 1920×1080 under Xvfb on two cores: 16
    ms of processor time a flip, and 0.4 ms if SDL is told not to use OpenGL.
    """
    if sys.platform != "linux":
        return True
    return any(Path("/dev/dri").glob("renderD*")) or Path("/dev/nvidiactl").exists()
