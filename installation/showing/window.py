"""The screen: a fullscreen window, a window of a given size, or a surface in memory."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pygame

from installation.errors import Mistake, ScreenError, counted, did_you_mean, nearest
from installation.showing.keys import HOLD_TO_END_S, HeldKey, StaffCardKey
from installation.showing.monitors import Monitor, Monitors, monitors_of_session
from installation.showing.placement import Placement
from installation.showing.scene import Size
from installation.showing.video import (
    NO_DISPLAY_REMEDY,
    compositor_has_ended,
    has_display,
    has_gpu,
    start_video,
)


@dataclass(frozen=True)
class ScreenEvents:
    """What has happened: requests by a key or by closing the window, and changes of the display."""

    end_show: bool = False
    staff_card: bool = False
    """Whether the staff card must be on the screen."""
    exposed: bool = False
    """Whether a covered part of the window has become visible again, so that a flip is needed."""
    outdated: bool = False
    """Whether a new window is needed.

    This is so if the window no longer fits its monitor, if Wayland has changed the window's size,
    or if the display server has ended.
    """
    line: str | None = None
    """A line about the display, for the log."""


SCREEN_CHANGED = Mistake(
    "screen",
    "the display has changed, or the display server has ended",
    "The show restarts automatically.",
)
"""The mistake that is reported when the show restarts because of `ScreenEvents.outdated`."""


class Screen(Protocol):
    """A surface that is painted on and then shown."""

    name: str
    """The screen's description in the log."""
    surface: pygame.Surface
    """The surface to paint on; when the display changes its size, it is replaced by another
    surface.
    """
    visible: bool
    """Whether anybody can see the screen."""

    def flip(self) -> None:
        """Show what was painted."""
        ...

    def poll(self, now: float) -> ScreenEvents:
        """Read all input, and return the requests at the instant `now` (s, monotonic)."""
        ...

    def allocate_buffers(self) -> None:
        """Let the display's driver allocate all its buffers now; the sandbox prevents it later."""
        ...

    def close(self) -> None:
        """Release the display. A second call does nothing."""
        ...


class OffScreen:
    """A surface of `size` px in memory, for a show without a display."""

    visible = False

    def __init__(self, size: Size = (1920, 1080)) -> None:
        self.surface = pygame.Surface(size, depth=32)
        self.name = f"no window; painted in memory at {size[0]}×{size[1]}"

    def flip(self) -> None:
        """Do nothing, because nobody can see the surface."""

    def poll(self, now: float) -> ScreenEvents:  # noqa: ARG002 - the Protocol's signature
        """Return no requests, because there is no keyboard."""
        return ScreenEvents()

    def allocate_buffers(self) -> None:
        """Do nothing: there is no driver."""

    def close(self) -> None:
        """Do nothing: there is no device."""


BUFFER_FLIPS = 12
"""How often `allocate_buffers` flips, so that the display's driver allocates all its buffers. The
number is larger than necessary for Mesa's software renderer, which allocates at most four buffers
for a Wayland window.
"""


class Window:
    """A window on a display: fullscreen if `size` is None."""

    visible = True

    def __init__(
        self,
        display: int | str,
        size: Size | None,
        where: str = "kiosk.yaml",
        *,
        keys: bool = True,
        rotate: int = 0,
        is_card: bool = False,
    ) -> None:
        """Open the window.

        Args:
            display: The number of the display, from 0, or the name of its connector on an X server.
            size: Width and height, px; None for the whole display.
            where: The location of the setting `screen.display`, for messages.
            keys: Whether Escape and F1 do anything.
            rotate: The clockwise rotation of the picture, degrees: 0, 90, 180 or 270.
            is_card: Whether the window shows the supervisor's card, which stays behind the show.

        Raises:
            ScreenError: The display does not exist or does not accept a window.
        """
        start_video()
        try:
            shown, synchronised = _open_surface(display, size, where, is_card=is_card)
        except ScreenError:
            pygame.display.quit()
            raise
        self._shown = shown
        self._rotate = rotate
        self.surface = shown
        self._fit_surface()
        width, height = shown.get_size()
        form = "fullscreen"
        if size:
            form = "a window"
            number = display if isinstance(display, int) else 0
            across, down = pygame.display.get_desktop_sizes()[number]
            if width > across or height > down:
                form += (
                    f" larger than the display of {across}×{down}, so a part of it is not visible"
                )
        self._placement: Placement | None = None
        if size is None:
            connector = display if isinstance(display, str) else None
            is_on_x = pygame.display.get_driver() == "x11"
            monitors = Monitors.of_session() if is_on_x else None
            self._placement = Placement(monitors, connector, stays=not is_card)
            if self._placement.connector and connector is None:
                display = f"{display} ({self._placement.connector})"
        turned = f", turned by {rotate} degrees" if rotate else ""
        self.name = (
            f"display {display} through {pygame.display.get_driver()}, {width}×{height}, "
            f"{form}{turned}, "
            f"{'in step with' if synchronised else 'not in step with'} the display's refresh"
        )
        self._escape = HeldKey()
        self._f1 = StaffCardKey()
        self._keys = keys
        self._may_be_closed = size is not None
        self._is_gone = False
        self._size_of_buffers: Size | None = None
        self._closed = False

    def _fit_surface(self) -> None:
        """Give the surface the size of the rotated window; an earlier surface is overwritten."""
        if not self._rotate:
            self.surface = self._shown
            return
        width, height = self._shown.get_size()
        size = (width, height) if self._rotate == 180 else (height, width)
        if self.surface is self._shown or self.surface.get_size() != size:
            self.surface.fill(0)
            self.surface = pygame.Surface(size, depth=32, masks=self._shown.get_masks())

    def flip(self) -> None:
        """Show what was painted; waits for the display's refresh if flips are in step with it."""
        if self._rotate:
            self._turn()
        pygame.display.flip()

    def _turn(self) -> None:
        """Copy the surface, rotated, to the window's surface."""
        import cv2  # Only a rotated picture needs it, and importing it delays the title card.

        turns = {
            90: cv2.ROTATE_90_CLOCKWISE,
            180: cv2.ROTATE_180,
            270: cv2.ROTATE_90_COUNTERCLOCKWISE,
        }
        painted = pygame.surfarray.pixels2d(self.surface).T
        shown = pygame.surfarray.pixels2d(self._shown).T
        # The result is written into the window's own memory: a copy would be a picture that nobody
        # overwrites.
        cv2.rotate(painted, turns[self._rotate], shown)

    def poll(self, now: float) -> ScreenEvents:
        """Read all input, and return the requests made with keys or by closing the window.

        Escape ends the show when it has been held for `HOLD_TO_END_S`. In fullscreen, closing the
        window has no effect, because visitors know the keys Alt-F4.
        """
        closed = exposed = False
        placement = self._placement
        for event in pygame.event.get():
            if event.type in (pygame.WINDOWEXPOSED, pygame.VIDEOEXPOSE):
                exposed = True
            elif event.type in (pygame.WINDOWFOCUSGAINED, pygame.WINDOWFOCUSLOST):
                if placement is not None:
                    placement.note_focus(event.type == pygame.WINDOWFOCUSGAINED, now)
            elif event.type == pygame.QUIT:
                closed = self._may_be_closed
                self._is_gone |= compositor_has_ended()
            elif not self._keys or event.type not in (pygame.KEYDOWN, pygame.KEYUP):
                continue
            elif event.key == pygame.K_ESCAPE and event.type == pygame.KEYDOWN:
                self._escape.press(now)
            elif event.key == pygame.K_ESCAPE:
                self._escape.release()
            elif event.key == pygame.K_F1 and event.type == pygame.KEYDOWN:
                self._f1.press(now)
        end_show = closed or self._escape.held_s(now) >= HOLD_TO_END_S
        if self._size_of_buffers not in (None, pygame.display.get_window_size()):
            return ScreenEvents(end_show, outdated=True)
        # pygame has freed the memory of the earlier surface if the window has another size now.
        self._shown = pygame.display.get_surface() or self._shown
        self._fit_surface()
        line = None if placement is None else placement.check(now)
        outdated = self._is_gone or (placement is not None and placement.is_outdated)
        return ScreenEvents(end_show, self._f1.shows_card(now), exposed, outdated, line)

    def allocate_buffers(self) -> None:
        """Let the display's driver allocate all the buffers that it may ever need for this size.

        Mesa allocates another buffer if a Wayland compositor still holds all the others; a busy
        compositor may do so for a moment. Mesa also allocates new buffers if the window gets
        another size. Once the sandbox has reached its middle stage, it denies memory for new
        buffers, and Mesa crashes. So this method flips several times without a pause: the
        compositor has no time to give a buffer back, and Mesa allocates all that it may need. If
        the window gets another size later, `poll` reports the window as outdated. Without Wayland,
        nothing is done.
        """
        if pygame.display.get_driver() == "wayland":
            self._size_of_buffers = pygame.display.get_window_size()
            if self._placement is not None:
                self._placement.keep_size()
            for _ in range(BUFFER_FLIPS):
                self.flip()

    def close(self) -> None:
        """Close the window and allow the screensaver again. A second call does nothing."""
        if not self._closed:
            self._closed = True
            if self._placement is not None:
                self._placement.close()
            pygame.display.quit()


def open_screen(
    display: int | str,
    *,
    headless: bool,
    windowed: Size | None,
    where: str = "kiosk.yaml",
    keys: bool = True,
    rotate: int = 0,
    is_card: bool = False,
) -> tuple[Screen, str | None]:
    """Return the screen to paint on, and the reason if it is another one than requested.

    Args:
        display: The number of a display, or the name of its connector. `auto` means the first
            display, or a surface in memory if the machine has no display at all.
        headless: Whether to paint in memory in any case.
        windowed: The size of the window or surface, px; None for fullscreen.
        where: The location of the setting `screen.display`, for messages.
        keys: Whether Escape and F1 do anything.
        rotate: The clockwise rotation of the picture, degrees.
        is_card: Whether the screen is for the supervisor's card, which stays behind the show.

    Raises:
        ScreenError: A display was named (by number, by DISPLAY or by WAYLAND_DISPLAY) and cannot be
            opened.
    """
    if headless:
        width, height = windowed or (1920, 1080)
        return OffScreen((height, width) if rotate in (90, 270) else (width, height)), None
    if display == "auto" and windowed is None and not has_display():
        return (
            OffScreen(),
            "this machine has no display, so the show runs without one (headless)",
        )
    display = 0 if display == "auto" else display
    return Window(display, windowed, where, keys=keys, rotate=rotate, is_card=is_card), None


def _open_surface(
    display: int | str, size: Size | None, where: str, *, is_card: bool
) -> tuple[pygame.Surface, bool]:
    """Return the surface of a new window, and whether a flip waits for the display's refresh.

    The parameters are the same as for `Window`. SDL's video must have been started, and stays on if
    ScreenError is raised.
    """
    if isinstance(display, int):
        desktops = pygame.display.get_desktop_sizes()
        _check_number(display, desktops, where)
        number, desktop = display, desktops[display]
    else:
        monitor = _find_monitor(display, where)
        number, desktop = 0, (monitor.width, monitor.height)
        # SDL fills the display that the window would be on.
        os.environ[POSITION] = f"{monitor.x},{monitor.y}"
    try:
        pygame.display.set_caption("kiosk")
        pygame.display.set_allow_screensaver(False)
        opened = _set_mode(number, size, desktop, in_step=not is_card)
        pygame.mouse.set_visible(False)
    except pygame.error as failure:
        width, height = size or desktop
        seen = f"{failure}; the driver is {pygame.display.get_driver()}"
        problem = f"display {display} does not open a window of {width}×{height} px ({seen})"
        raise ScreenError(Mistake("screen", problem, NO_DISPLAY_REMEDY)) from failure
    finally:
        os.environ.pop(POSITION, None)
    return opened


POSITION = "SDL_VIDEO_WINDOW_POS"
"""The environment variable from which pygame reads the position of a new window."""


def check_display_exists(display: int | str, where: str) -> bool:
    """Return whether `display` exists; False if this session has no display at all.

    No window is opened. Raises ScreenError if the session has displays, but not this one. A session
    without any display is not a mistake, because the show may run in another session.
    """
    if not has_display():
        return False
    try:
        start_video()
    except ScreenError:
        return False
    try:
        if isinstance(display, int):
            _check_number(display, pygame.display.get_desktop_sizes(), where)
        else:
            _find_monitor(display, where)
    finally:
        pygame.display.quit()
    return True


def _check_number(display: int, desktops: Sequence[Size], where: str) -> None:
    if display >= len(desktops):
        displays = f"{counted(len(desktops), 'display')}, numbered from 0"
        problem = f"screen.display is {display}, but this machine has {displays}"
        remedy = "Set it to one of these numbers, or to auto for the first display."
        raise ScreenError(Mistake(where, problem, remedy))


def _find_monitor(connector: str, where: str) -> Monitor:
    """Return the monitor at `connector`.

    Raises ScreenError, with the connectors in use, if no monitor is at `connector`.
    """
    found = {monitor.connector: monitor for monitor in monitors_of_session()}
    if connector in found:
        return found[connector]
    if not found:
        problem = (
            f"screen.display is '{connector}', but this session does not report the names of its "
            "connectors (only X servers do)"
        )
        raise ScreenError(Mistake(where, problem, "Write the number of the display, or auto."))
    problem = (
        f"screen.display is '{connector}', but no monitor is at that connector (seen: "
        f"{', '.join(found)})"
    )
    names = {name.lower(): name for name in found}
    meant = did_you_mean(names.get(nearest(connector, names) or ""))
    remedy = meant or "Switch the monitor on, or write a connector that was seen."
    raise ScreenError(Mistake(where, problem, remedy))


def _set_mode(
    display: int, size: Size | None, desktop: Size, *, in_step: bool
) -> tuple[pygame.Surface, bool]:
    """Return the surface of a new window, and whether a flip waits for the display's refresh.

    `size` is the window's size (None: fullscreen), and `desktop` the display's, px. `in_step`
    requests flips that wait for the refresh.
    """
    if size is not None:
        return pygame.display.set_mode(size, display=display), False
    if has_gpu() and in_step:
        try:
            with warnings.catch_warnings():
                # pygame warns if only the software renderer is available, which is slower here.
                warnings.simplefilter("error")
                flags = pygame.FULLSCREEN | pygame.SCALED
                return pygame.display.set_mode(desktop, flags, display=display, vsync=1), True
        except (pygame.error, Warning):
            # Nothing is logged here: the name of the screen, which the log contains, says that
            # flips are not in step.
            pass
    return pygame.display.set_mode(desktop, pygame.FULLSCREEN, display=display), False
