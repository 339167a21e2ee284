"""The wall: a fullscreen window, a window of a given size, or a surface that nobody sees."""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygame

from installation.errors import Mistake, ScreenError

HOLD_TO_END_S = 3.0
"""How long Escape is held before the show ends, so that a visitor's tap does not end it."""

STAFF_S = 60.0
"""How long the staff's card stays when nobody puts it away."""

Size = tuple[int, int]


@dataclass(frozen=True)
class ScreenEvents:
    """What somebody at the screen asks for, with a key or by closing the window."""

    end_show: bool = False
    staff_card: bool = False
    """Whether the card for the staff is to be on the screen."""


class Screen(Protocol):
    """A surface that is painted on and then shown."""

    name: str
    surface: pygame.Surface
    visible: bool
    """Whether anybody can look at it."""

    def flip(self) -> None:
        """Show what was painted."""
        ...

    def poll(self, now: float) -> ScreenEvents:
        """Return what is asked for at the instant `now` (s, monotonic), after reading all input."""
        ...

    def close(self) -> None:
        """Give the display back. A second call does nothing."""
        ...


class OffScreen:
    """A surface of `size` px in memory, for a show without a display."""

    visible = False

    def __init__(self, size: Size = (1920, 1080)) -> None:
        self.surface = pygame.Surface(size, depth=32)
        self.name = f"none; painted in memory at {size[0]}×{size[1]}"

    def flip(self) -> None:
        """Do nothing: nobody looks."""

    def poll(self, now: float) -> ScreenEvents:  # noqa: ARG002 - the Protocol's signature
        """Return that nothing is asked for: there is no keyboard."""
        return ScreenEvents()

    def close(self) -> None:
        """Do nothing: there is no device."""


class HeldKey:
    """How long a key has been held down."""

    def __init__(self) -> None:
        self._since: float | None = None

    def press(self, now: float) -> None:
        """Take note that it went down; key repeats do not start the time anew."""
        if self._since is None:
            self._since = now

    def release(self) -> None:
        """Take note that it came up."""
        self._since = None

    def held_s(self, now: float) -> float:
        """Return for how many seconds it has been down; 0 where it is up."""
        return 0.0 if self._since is None else now - self._since


class StaffKey:
    """Whether the staff's card is asked for: a key shows it and puts it away."""

    def __init__(self) -> None:
        self._since: float | None = None

    def press(self, now: float) -> None:
        """Take note that the key went down."""
        self._since = None if self.wanted(now) else now

    def wanted(self, now: float) -> bool:
        """Tell whether the card is to be seen; it goes by itself after `STAFF_S`."""
        return self._since is not None and now - self._since < STAFF_S


class Window:
    """A window on a display: fullscreen where `size` is None."""

    visible = True

    def __init__(self, display: int, size: Size | None, where: str = "kiosk.yaml") -> None:
        """Open it; ScreenError where the display does not exist or cannot be opened.

        `where` is the place that asks for the display.
        """
        _start_video()
        displays = pygame.display.get_desktop_sizes()
        if display >= len(displays):
            pygame.display.quit()
            raise ScreenError(
                Mistake(
                    where,
                    f"screen.display is {display}, but this machine has {len(displays)} "
                    f"display{'s' * (len(displays) != 1)}, numbered from 0",
                    "Set it to one of those, or to auto for the first.",
                )
            )
        pygame.display.set_caption("kiosk")
        pygame.display.set_allow_screensaver(False)
        self.surface, synchronised = _open_surface(display, size)
        pygame.mouse.set_visible(False)
        width, height = self.surface.get_size()
        self.name = (
            f"display {display} through {pygame.display.get_driver()}, {width}×{height}, "
            f"{'a window' if size else 'fullscreen'}, "
            f"{'in step with' if synchronised else 'not in step with'} the display's refresh"
        )
        self._escape = HeldKey()
        self._staff = StaffKey()
        self._closed = False

    def flip(self) -> None:
        """Show what was painted; waits for the display's refresh where it is in step with it."""
        pygame.display.flip()

    def poll(self, now: float) -> ScreenEvents:
        """Return what the keys, or the desktop that closes the window, ask for; reads all input.

        Escape ends the show after it was held for `HOLD_TO_END_S`.
        """
        closed = False
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                closed = True
            elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
                self._escape.press(now)
            elif event.type == pygame.KEYUP and event.key == pygame.K_ESCAPE:
                self._escape.release()
            elif event.type == pygame.KEYDOWN and event.key == pygame.K_F1:
                self._staff.press(now)
        end_show = closed or self._escape.held_s(now) >= HOLD_TO_END_S
        return ScreenEvents(end_show, self._staff.wanted(now))

    def close(self) -> None:
        """Close the window and let the screensaver be. A second call does nothing."""
        if not self._closed:
            self._closed = True
            pygame.display.quit()


def open_screen(
    display: int | str, *, headless: bool, windowed: Size | None, where: str = "kiosk.yaml"
) -> tuple[Screen, str | None]:
    """Return the screen to paint on, and a sentence where it is not the one that was asked for.

    `display` is a number or auto: the first display, or none where the machine has none at all;
    `where` is the place that says it.
    ScreenError where a display was named (by number, by DISPLAY or by WAYLAND_DISPLAY) and is not
    there.
    """
    if headless:
        return OffScreen(windowed or (1920, 1080)), None
    if display == "auto" and windowed is None and not _display_announced():
        return (
            OffScreen(),
            "screen: this machine has none, so the show runs without one (headless).",
        )
    return Window(0 if display == "auto" else int(display), windowed, where), None


def _display_announced() -> bool:
    """Tell whether the session, SDL's setting or the kernel says that there is a display."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if any(os.environ.get(name) for name in named):
        return True
    return not os.path.exists("/proc") or os.path.isdir("/dev/dri")


def _start_video() -> None:
    """Start SDL's video; refuse the drivers that show nothing unless they were asked for by name.

    SDL takes its `offscreen` driver without a word where the X server refuses: a black wall.
    """
    # The show ends on the signals by itself; SDL would turn them into events.
    os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
    if not _has_gpu():
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    try:
        pygame.display.init()
    except pygame.error as failure:
        raise ScreenError(_no_display(str(failure))) from failure
    driver = pygame.display.get_driver()
    if driver in {"dummy", "offscreen"} and os.environ.get("SDL_VIDEODRIVER") != driver:
        pygame.display.quit()
        raise ScreenError(_no_display("only a driver that shows nothing would start"))


def _no_display(seen: str) -> Mistake:
    session = next(
        (
            f"{name}={os.environ[name]}"
            for name in ("DISPLAY", "WAYLAND_DISPLAY")
            if os.environ.get(name)
        ),
        "neither DISPLAY nor WAYLAND_DISPLAY is set",
    )
    return Mistake(
        "screen",
        f"no display can be opened ({seen}; {session})",
        "Start the show inside the desktop's session, or without a screen: kiosk run --headless.",
    )


def _open_surface(display: int, size: Size | None) -> tuple[pygame.Surface, bool]:
    """Return the display's surface, and whether a flip waits for the display's refresh."""
    if size is not None:
        return pygame.display.set_mode(size, display=display), False
    size = pygame.display.get_desktop_sizes()[display]
    if _has_gpu():
        try:
            with warnings.catch_warnings():
                # pygame warns where only the software renderer is there, which is no use here.
                warnings.simplefilter("error")
                flags = pygame.FULLSCREEN | pygame.SCALED
                return pygame.display.set_mode(size, flags, display=display, vsync=1), True
        except (pygame.error, Warning):
            # The screen's name says at start that flips are not in step.
            pass
    return pygame.display.set_mode(size, pygame.FULLSCREEN, display=display), False


def _has_gpu() -> bool:
    """Tell whether something but the processor can draw.

    Without one SDL would draw with OpenGL in software. Measured at 1920×1080 under Xvfb on two
    cores: 16 ms of processor time a flip, which is 0.4 ms where SDL is told to leave OpenGL alone.
    """
    if sys.platform != "linux":
        return True
    return any(Path("/dev/dri").glob("renderD*")) or Path("/dev/nvidiactl").exists()
