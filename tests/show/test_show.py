from __future__ import annotations

import threading
import weakref
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pygame
import pytest

from installation.errors import CameraError, Mistake
from installation.naming.reading.values import Candidate, Reading, Sighting, Sightings, Verdict
from installation.running.clock import Clock
from installation.running.progress import State
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import Present
from installation.seeing.tracker import Track
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show import show as show_module
from installation.show.camera.opener import OTHER_CAMERA
from installation.show.card import Card, card_for_staff
from installation.show.parts import Log, Parts
from installation.show.show import CARD_S, RETRY_S
from installation.showing.scene import Caption, Visitor
from installation.showing.window import Window
from tests.support.manual_clock import ManualClock
from tests.support.small_show import (
    GreyFilm,
    small_show,
    unplugged,
)


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    """A window under SDL's dummy driver."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    return Window(0, (320, 180))


def test_visitors_see_the_trouble_card_when_a_part_fails(window: Window) -> None:
    """After a failure visitors see the card for some seconds, and no picture."""
    clock = ManualClock()
    with pytest.raises(CameraError):
        small_show(GreyFilm(100, fails_at=0), screen=window, clock=clock).run()
    assert sum(clock.waits) >= CARD_S
    colours = {tuple(window.surface.get_at((x, 5))[:3]) for x in range(320)}
    assert colours == {(0, 0, 0)}
    green = [
        (x, y) for x in range(320) for y in range(180) if window.surface.get_at((x, y))[1] == 255
    ]
    assert green, "the card has type on it"
    window.close()


def test_the_trouble_card_needs_nothing_loaded(window: Window) -> None:
    """The trouble card for a mistyped kiosk.yaml is shown for some seconds."""
    clock = ManualClock()
    small_show(GreyFilm(0), screen=window, clock=clock).show_trouble_card()
    assert sum(clock.waits) >= CARD_S
    assert (0, 255, 0) in {
        tuple(window.surface.get_at((x, y))[:3]) for x in range(320) for y in range(180)
    }
    window.close()


class LostWhenNamed(GreyFilm):
    """A camera that is lost once the visitor's name has been painted.

    It knows which of its frames are still in memory. Its time passes a hundredth as fast as a
    film's, so that sightings are not stale when they are painted.
    """

    def __init__(self, events: Sequence[object], made: Collection[type]) -> None:
        super().__init__(1_000_000)
        self._events = events
        self._never = threading.Event()
        self._made = made
        self._given: list[weakref.ref[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]] = []

    def read(self) -> Frame | None:
        if self._events and Visitor in self._made and Caption in self._made:
            raise unplugged()
        # Otherwise hours of the film pass between two looks of the analysis, on a busy machine.
        self._never.wait(0.001)
        frame = super().read()
        assert frame is not None
        self._given.append(weakref.ref(frame.bgr))
        return replace(frame, taken_at=frame.taken_at / 100)

    def held(self) -> int:
        """Return how many of the frames are still referred to."""
        return sum(given() is not None for given in self._given)


VALUES = (Track, Present, Reading, Candidate, Verdict, Sighting, Sightings, Visitor, Caption)


class VisitorValues:
    """Records all values from now on that say who was present, where, and what they were called.

    Each is recorded as it is made. A search among all objects would find tuples that other threads
    are building, which breaks them (SystemError).
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._made: list[weakref.ref[object]] = []
        self.kinds: set[type] = set()
        """The types of all that was made."""
        for kind in VALUES:
            self._record(monkeypatch, kind)

    def _record(self, monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
        init = vars(kind)["__init__"]

        def recording(self_: object, *args: object, **others: object) -> None:
            init(self_, *args, **others)
            self._made.append(weakref.ref(self_))
            self.kinds.add(kind)

        monkeypatch.setattr(kind, "__init__", recording)

    def held(self) -> set[type]:
        """Return the types of the values that are still in memory."""
        return {type(value) for made in tuple(self._made) if (value := made()) is not None}


def test_while_the_trouble_card_is_up_nothing_of_a_visitor_is_held(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the trouble card is shown, no picture or other data of a visitor is in memory."""
    values = VisitorValues(monkeypatch)
    held_at_events: list[set[type]] = []
    film = LostWhenNamed(held_at_events, values.kinds)
    held_at_card: list[tuple[int, set[type]]] = []

    class CardClock(ManualClock):
        def wait(self, seconds: float) -> None:
            if not held_at_card:
                held_at_card.append((film.held(), values.held()))
            super().wait(seconds)

    with pytest.raises(CameraError):
        small_show(
            film,
            lambda event: held_at_events.append(values.held()),
            screen=window,
            clock=CardClock(),
        ).run()
    # A caption is only made from sightings that are not stale, so perhaps after the first event.
    assert held_at_events[0] >= {Track, Verdict, Sighting, Sightings}
    assert values.kinds >= {Visitor, Caption}
    assert held_at_card == [(0, set())]
    window.close()


def test_a_show_can_be_ended_while_it_loads() -> None:
    """SIGTERM during the title card ends the show at once, with a summary of nothing."""
    release = threading.Event()

    def never(loaded: Loaded[Settings], clock: Clock, log: Log) -> Parts:
        release.wait(60)
        raise AssertionError("nobody waits for these")

    loading = small_show(GreyFilm(0), open_parts=never)
    loading.end()
    summary = loading.run()
    release.set()
    assert summary.mirror_fps == 0
    assert summary.frame_age_ms.p50 is None


def test_as_a_service_the_show_waits_for_its_camera(window: Window) -> None:
    """A service waits for a missing camera, and reopens one that failed, in the same process."""
    attempts = 0
    logged: list[str] = []

    def open_late() -> GreyFilm:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise CameraError(Mistake("camera", "no camera found", "Plug one in."))
        return GreyFilm(100, fails_at=0 if attempts == 3 else None)

    clock = ManualClock()
    show = small_show(
        GreyFilm(0),
        screen=window,
        clock=clock,
        open_camera=open_late,
        log=logged.append,
        is_service=True,
    )
    show.run()
    assert attempts == 4
    assert sum(line.endswith("it was unplugged. Plug it in again.") for line in logged) == 1
    assert sum(clock.waits) >= 2 * RETRY_S
    assert logged.count("camera: the show waits until the camera can be opened.") == 1
    window.close()


@pytest.mark.parametrize(
    ("mistake", "state"),
    [
        (OTHER_CAMERA, State.LOST),
        (Mistake("camera", "no camera found", "Plug one in."), State.WAITING),
    ],
)
def test_the_staff_reads_which_camera_is_missing(
    mistake: Mistake, state: State, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The staff's card gets LOST if the show's camera is unplugged, WAITING if none is found."""
    states: list[State] = []
    for_staff = card_for_staff

    def record(error: BaseException | None, seen: State) -> Card:
        states.append(seen)
        return for_staff(error, seen)

    def open_late() -> GreyFilm:
        if not states:
            raise CameraError(mistake)
        return GreyFilm(3)

    monkeypatch.setattr(show_module, "card_for_staff", record)
    small_show(
        GreyFilm(0), screen=window, clock=ManualClock(), open_camera=open_late, is_service=True
    ).run()
    assert states == [state]
    window.close()


def test_by_hand_a_missing_camera_ends_the_show(window: Window) -> None:
    """A show that is started by hand says at once that its camera is missing."""

    def open_never() -> GreyFilm:
        raise CameraError(Mistake("camera", "no camera found", "Plug one in."))

    show = small_show(
        GreyFilm(0), screen=window, clock=ManualClock(), open_camera=open_never, is_service=False
    )
    with pytest.raises(CameraError, match="no camera found"):
        show.run()
    window.close()


def test_the_staff_key_shows_what_is_wrong(window: Window) -> None:
    """The key for the staff card shows why visitors see a card, as the log does."""
    key = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_F1)
    show = small_show(GreyFilm(0), screen=window, clock=ManualClock())
    show.show_trouble_card(unplugged())
    green = pygame.surfarray.array3d(window.surface)
    pygame.event.post(key)
    show.show_trouble_card(unplugged())
    mistakes = pygame.surfarray.array3d(window.surface)
    assert (green[:, :, 0] != green[:, :, 1]).any(), "the card has a green sentence"
    assert (mistakes[:, :, 0] == mistakes[:, :, 1]).all(), "the mistakes are white on black"
    assert mistakes.any()
    window.close()
