"""Keeps a fullscreen window on its monitor and in front, even if the monitor changes.

A monitor may be unplugged and plugged in again, be rotated, or change its resolution. For example,
if a projector is switched on after the computer, the screen of the X server at first has the size
that the server chooses without a monitor. When the size changes, a window manager adapts the
window. Without a window manager, this module asks the X server to move and resize the window.

A Wayland compositor adapts a fullscreen window. But SDL 2.32 does not send the request for
fullscreen if the compositor is slow to answer. This happens each time while GNOME 43 shows its
overview, as it does after a login: the window then leaves the desktop's panel uncovered. So the
request is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from installation.showing.monitors import Monitor, Monitors
from installation.showing.video import opened_window

LOOK_S = 1.0
"""The time between two checks of the monitors, s. A change counts when two checks have seen it,
because a monitor changes several times while it is being plugged in.
"""

OUTDATED_S = 4.0
"""How long the picture may have another size than the monitor after the monitor has changed, s.
After that, the show needs a new window.
"""

SWITCH_ON_S = 5.0
"""How long all monitors must be off before one that is plugged in is switched on, s. A desktop
switches it on by itself within two seconds.
"""

MOST_REQUESTS = 3
"""How many times in a row a Wayland compositor is asked again to make the window fill its monitor.
"""

COVERED_S = 60.0
"""How long another window may have the keyboard, or cover a part of the show's window, before the
show's window comes to the front again, s. A member of staff may be using the other window.
"""


class Placement:
    """Keeps a fullscreen window on one of the monitors of its X server."""

    def __init__(self, monitors: Monitors | None, connector: str | None, *, stays: bool) -> None:
        """Store the window that is open now, which this object keeps on its monitor.

        Args:
            monitors: The monitors of the X server; None if they cannot be queried.
            connector: The connector that the curator named. If it is None, the window stays on the
                monitor that shows it now. While that monitor is missing, or if no monitor shows the
                window now, the first monitor is used.
            stays: Whether the window is to come in front again after another window has covered it.
        """
        self._window = opened_window()
        self._monitors = monitors
        self._is_named = connector is not None
        self._stays = stays
        self._looked_at = float("-inf")
        self._seen: Monitor | None = None
        self._lost_since: float | None = None
        self._wrong_since: float | None = None
        self._unfocused_since: float | None = None
        self._covered_since: float | None = None
        self._may_ask = pygame.display.get_driver() == "wayland"
        self._requests = 0
        self._unfilled: tuple[int, int] | None = None
        if monitors is not None and stays:
            monitors.watch(self._window.handle)
        found = [] if monitors is None else monitors.now()
        self._connector = connector or _connector_of_window(found)
        self._opened_on = _monitor_at(self._connector, found)
        self._has_fitted = False
        self.is_outdated = False
        """Whether the picture still has another size than the monitor after `OUTDATED_S`."""

    @property
    def connector(self) -> str | None:
        """The connector of the window's monitor, if it is known."""
        return self._connector

    def note_focus(self, focused: bool, now: float) -> None:
        """Store whether the window has the keyboard; if not, another window may be in front."""
        self._unfocused_since = None if focused else now

    def keep_size(self) -> None:
        """From now on, never ask a Wayland compositor to resize the window.

        The sandbox denies memory for a window of another size.
        """
        self._may_ask = False

    def close(self) -> None:
        """Close the connection to the X server."""
        if self._monitors is not None:
            self._monitors.close()

    def check(self, now: float) -> str | None:
        """Move the window to its monitor if it is not there; return a line for the log, if any."""
        if not 0 <= now - self._looked_at < LOOK_S:
            self._looked_at = now
            self._come_in_front(now)
            return self._follow(now)
        return None

    def _come_in_front(self, now: float) -> None:
        """Come in front of a window that has had the keyboard, or been in front, for too long.

        Both are checked, because a window can cover the show without taking the keyboard. Pop-up
        notifications do so, and without a window manager all windows do.
        """
        if not self._stays:
            return
        monitors, covered_since = self._monitors, self._covered_since
        is_covered = monitors is not None and monitors.is_covered(self._window.handle)
        covered_since = now if covered_since is None else covered_since
        self._covered_since = covered_since if is_covered else None
        since = (self._unfocused_since, self._covered_since)
        if all(each is None or now - each < COVERED_S for each in since):
            return
        self._unfocused_since, self._covered_since = (
            None if each is None else now for each in since
        )
        self._window.restore()
        self._window.focus()
        if monitors is not None:
            monitors.give_keyboard(self._window.handle)

    def _follow(self, now: float) -> str | None:
        size = pygame.display.get_window_size()
        surface = pygame.display.get_surface()
        is_filled = surface is not None and surface.get_size() == size
        if self._monitors is None:
            self._note_fit(is_filled, None, now)
            return self._fill_again(size) if self._may_ask else None
        found = self._monitors.now()
        monitor = _monitor_at(self._connector, found)
        if monitor is None and found and not self._is_named:
            monitor = found[0]
        if monitor is None:
            self._seen = self._wrong_since = None
            self.is_outdated = False
            return self._lose(now)
        line = self._find_again(monitor)
        before, self._seen = self._seen, monitor
        place = (monitor.x, monitor.y, monitor.width, monitor.height)
        is_there = (*pygame.display.get_window_position(), *size) == place
        if before != monitor:
            self._wrong_since = None
        elif not is_there:
            self._monitors.fill(self._window.handle, monitor)
            if line is None and self._wrong_since is None:
                line = (
                    f"screen: the monitor at {monitor.connector} now shows {monitor.width}×"
                    f"{monitor.height} px at {monitor.x}, {monitor.y}; the window is moved there."
                )
        fits = is_there and is_filled
        if fits or before == monitor:
            self._note_fit(fits, monitor, now)
        return line

    def _fill_again(self, size: tuple[int, int]) -> str | None:
        """Ask the compositor for fullscreen again if no display has the window's `size`.

        It is asked only if two checks in a row see this size, because the display may report its
        new size later than the window.
        """
        before, self._unfilled = self._unfilled, None
        if size in pygame.display.get_desktop_sizes():
            self._requests = 0
        elif size != before:
            self._unfilled = size
        elif self._requests < MOST_REQUESTS:
            self._requests += 1
            self._window.set_windowed()
            self._window.set_fullscreen(True)
            if self._requests == 1:
                return (
                    f"screen: the window, {size[0]}×{size[1]} px, does not fill its display; it is "
                    "made fullscreen again."
                )
        return None

    def _note_fit(self, fits: bool, monitor: Monitor | None, now: float) -> None:
        """Store whether the picture `fits` its window and `monitor`; if not, for how long.

        If it has not fitted for `OUTDATED_S`, the show needs a new window. But a new window could
        fit better only if this window has fitted before, or if the monitor has changed since this
        window was opened. Without this condition, the show would start again every few seconds on a
        desktop whose panel no window may cover.
        """
        if fits:
            self._has_fitted = True
            self._wrong_since, self.is_outdated = None, False
            return
        self._wrong_since = now if self._wrong_since is None else self._wrong_since
        may_fit = self._has_fitted or monitor != self._opened_on
        self.is_outdated = may_fit and now - self._wrong_since >= OUTDATED_S

    def _lose(self, now: float) -> str | None:
        if self._lost_since is not None:
            if now - self._lost_since >= SWITCH_ON_S and self._monitors is not None:
                self._lost_since = now
                self._monitors.switch_on(self._connector if self._is_named else None)
            return None
        self._lost_since = now
        place = f" at {self._connector}" if self._connector else ""
        return (
            f"screen: the monitor{place} is unplugged or off. Plug it in or switch it on; the show "
            "continues meanwhile."
        )

    def _find_again(self, monitor: Monitor) -> str | None:
        is_back, self._lost_since = self._lost_since is not None, None
        return f"screen: the monitor at {monitor.connector} is back." if is_back else None


def _monitor_at(connector: str | None, monitors: Sequence[Monitor]) -> Monitor | None:
    """Return the monitor at `connector`; None if none of the `monitors` is there."""
    return next((each for each in monitors if each.connector == connector), None)


def _connector_of_window(monitors: Sequence[Monitor]) -> str | None:
    """Return the connector of the monitor that shows the window; None if no monitor shows it.

    Monitors with the same picture have the same position. Of these, one with the window's size is
    preferred.
    """
    if not monitors:
        return None
    position, size = pygame.display.get_window_position(), pygame.display.get_window_size()
    here = [each for each in monitors if (each.x, each.y) == position]
    filled = [each for each in here if (each.width, each.height) == size]
    return next((each.connector for each in (*filled, *here)), None)
