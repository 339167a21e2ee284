"""Runs a show for a command: opens the screen, lets signals end the show, closes the screen."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

from installation.errors import KioskError, Mistake, ScreenError
from installation.guarding.guard import Guard
from installation.running.telemetry import Summary
from installation.settings.kiosk import Settings
from installation.settings.source import Auto, Device
from installation.settings.yaml_file import Loaded
from installation.show.events import Emit
from installation.show.parts import Log
from installation.show.show import Show
from installation.show.status import SettingsWatch
from installation.showing.scene import Size
from installation.showing.title import TitleScreen
from installation.showing.video import end_if_the_window_ends, shows_nothing
from installation.showing.window import Screen, open_screen


def run_show(
    loaded: Loaded[Settings],
    *,
    title: TitleScreen | None = None,
    headless: bool = False,
    windowed: Size | None = None,
    seconds: float | None = None,
    started_at: float,
    log: Log,
    emit: Emit,
    guard: Guard | None,
    settings: SettingsWatch | None = None,
) -> Summary:
    """Run the show and return its summary; Ctrl-C and SIGTERM end it.

    `title` is an open screen with the title card. If it is None, or is not on the display that the
    settings name, a screen is opened here. `started_at` is the start of the process (s, monotonic),
    from which `seconds` counts. `emit` is called with the events if `headless` is true or the
    machine has no display. `windowed` is the size of the window or surface, px (None: fullscreen).
    `log` is called with lines for the staff. Without a `guard` nothing is enforced; use this only
    in tests. `settings` watches kiosk.yaml (None: nobody watches it).

    Raises KioskError. It is a ScreenError if the machine has a camera but no display, because
    nothing would inform visitors. With `headless`, a sign must inform them, and no error is raised.
    """
    if title is not None and not title.suits(loaded.settings.screen):
        title.screen.close()
        title = None
    screen, fallback = (
        (title.screen, title.fallback)
        if title is not None
        else open_screen(
            loaded.settings.screen.display,
            headless=headless,
            windowed=windowed,
            where=loaded.where("screen", "display"),
            keys=loaded.settings.screen.keys,
            rotate=loaded.settings.screen.rotate,
        )
    )
    try:
        if fallback:
            log(f"screen: {fallback}.")
        if fallback or (not headless and shows_nothing()):
            _refuse_unannounced(loaded)
        log(f"screen: {screen.name}.")
        end_if_the_window_ends(lambda problem: _end_process(problem, log))
        show = Show(
            loaded,
            screen,
            started_at=started_at,
            log=log,
            emit=_emit_nothing if screen.visible else emit,
            guard=guard,
            first_paint_at=None if title is None else title.painted_at,
            settings=settings,
        )
        with ended_by_signals(show):
            return show.run(seconds)
    finally:
        screen.surface.fill(0)
        screen.close()


def open_for_card(loaded: Loaded[Settings], title: TitleScreen | None = None) -> Screen | None:
    """Return the screen for the standing card; None if no display can be opened.

    The standing card (`standing_card`) is behind the show's window, and belongs to another process.
    The screen of `title` is returned if it is as the settings require; otherwise it is closed, and
    a new screen is opened. Once a screen is returned, the calling process ends if the X server or
    the window ends.
    """
    if title is not None:
        if title.fallback is None and title.suits(loaded.settings.screen):
            end_if_the_window_ends(lambda _: os._exit(2))
            return title.screen
        title.screen.close()
    for display in dict.fromkeys((loaded.settings.screen.display, "auto")):
        with contextlib.suppress(ScreenError):
            screen, fallback = open_screen(
                display,
                headless=False,
                windowed=None,
                keys=loaded.settings.screen.keys,
                rotate=loaded.settings.screen.rotate,
                is_card=True,
            )
            if fallback is None:
                end_if_the_window_ends(lambda _: os._exit(2))
                return screen
    return None


def show_trouble_card(
    loaded: Loaded[Settings],
    error: KioskError,
    *,
    headless: bool,
    windowed: Size | None,
) -> None:
    """Show the trouble card for a while if kiosk.yaml is wrong.

    `loaded` are the valid parts of the file, from which the card's language, words and display are
    taken. The key for the staff card shows the mistakes in `error`. With `headless` the screen is
    only in memory. `windowed` is the size of the window or of the screen in memory, px (None:
    fullscreen). Does nothing if no display can be opened.
    """
    display = loaded.settings.screen.display
    # The mistake may be a display that does not exist, or words that no font can draw, so the show
    # is tried without them as well.
    attempts = ((loaded, display), (loaded, "auto"), (Loaded(Settings(), "", {}, {}), "auto"))
    for attempt, shown_on in attempts:
        with contextlib.suppress(ScreenError):
            rotate = attempt.settings.screen.rotate
            screen, _ = open_screen(shown_on, headless=headless, windowed=windowed, rotate=rotate)
            try:
                show = Show(attempt, screen, started_at=0.0, log=lambda _: None, emit=_emit_nothing)
                with ended_by_signals(show):
                    show.show_trouble_card(error)
            finally:
                screen.close()
            return


def _end_process(problem: str, log: Log) -> None:
    """Log `problem`, and end the process at once with the exit status `restarts.REFUSED`."""
    log(problem)
    os._exit(2)


def _emit_nothing(event: dict[str, object]) -> None:
    """Ignore an event; a show with a screen does not emit events."""


def _refuse_unannounced(loaded: Loaded[Settings]) -> None:
    """Raise ScreenError if a camera would see people although no screen informs them."""
    from installation.seeing.cameras import v4l

    source = loaded.settings.camera.source
    # Cameras are found by name, because none may be opened before the guard is sealed.
    if not isinstance(source, Device) and not (isinstance(source, Auto) and v4l.video_nodes()):
        return
    problem = "this machine has no display that could tell visitors that an AI system looks at them"
    remedy = "Connect a display, or start the show with --headless and inform visitors by a sign."
    raise ScreenError(Mistake(loaded.where("screen", "display"), problem, remedy))


@contextlib.contextmanager
def ended_by_signals(show: Show) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end `show` during the block; then restore their former handlers."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: show.end()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
