from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pygame
import pytest

from installation.errors import ScreenError
from installation.guarding.status import SandboxStatus
from installation.running.supervisor import PAUSED, TROUBLE
from installation.show.standing_card import show_standing_card
from installation.showing.window import OffScreen, ScreenEvents
from tests.support.manual_clock import ManualClock
from tests.support.small_show import DEFAULTS


class ScriptedScreen(OffScreen):
    """A screen that runs one step of a script at each poll, and records what it shows."""

    def __init__(self, *steps: object) -> None:
        super().__init__((640, 360))
        self.visible = True
        self.shown: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
        self._steps = list(steps)

    def flip(self) -> None:
        self.shown.append(pygame.surfarray.array3d(self.surface))

    def poll(self, now: float) -> ScreenEvents:
        step = self._steps.pop(0)
        if callable(step):
            step()
            return ScreenEvents()
        assert isinstance(step, ScreenEvents)
        return step


def play(
    *steps: object,
    close: bool = False,
    find_mistakes: Callable[[], list[str]] = lambda: ["kiosk.yaml:3: a mistake."],
) -> ScriptedScreen:
    """Show the card until the `steps` are over."""
    reading, writing = os.pipe()
    sealed: list[int] = []
    screen = ScriptedScreen(
        *(
            (lambda order=step: os.write(writing, order)) if isinstance(step, bytes) else step
            for step in steps
        )
    )
    if close:
        os.close(writing)
    try:
        show_standing_card(
            DEFAULTS,
            find_mistakes,
            screen,
            SandboxStatus("enforce", orders_pipe=reading),
            ManualClock(),
            lambda: sealed.append(len(screen.shown)),
        )
    finally:
        os.close(reading)
        if not close:
            os.close(writing)
    assert sealed == [1], "stage two follows the first paint"
    return screen


END = ScreenEvents(end_show=True)
NOTHING = ScreenEvents()


def test_the_card_changes_when_the_supervisor_says_so() -> None:
    """The card differs while the machine starts, after a failure, and after many failures."""
    screen = play(NOTHING, TROUBLE, NOTHING, PAUSED, NOTHING, END)
    starting, trouble, paused = screen.shown
    assert not np.array_equal(starting, trouble)
    assert not np.array_equal(trouble, paused)


def test_the_card_is_shown_again_when_the_window_in_front_has_gone() -> None:
    """The card is painted again when the window in front has closed."""
    screen = play(NOTHING, ScreenEvents(exposed=True), NOTHING, END)
    assert len(screen.shown) == 2
    assert np.array_equal(screen.shown[0], screen.shown[1])


def test_the_staff_reads_the_mistakes_of_the_file() -> None:
    """The key of the staff's card replaces the card, and brings it back."""
    screen = play(ScreenEvents(staff_card=True), NOTHING, END)
    calm, mistakes, again = screen.shown
    assert not np.array_equal(calm, mistakes)
    assert np.array_equal(calm, again)


def test_the_staff_reads_the_mistakes_that_are_in_the_file_now() -> None:
    """A mistake that is made after the card's start is on it, and a corrected one is not."""
    card = ScreenEvents(staff_card=True)
    found = [["kiosk.yaml:3: a mistake."], ["kiosk.yaml:4: another one."], []]
    screen = play(card, NOTHING, card, NOTHING, card, END, find_mistakes=lambda: found.pop(0))
    _, first, _, second, _, nothing = screen.shown
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, nothing)
    assert found == []


def test_a_card_without_its_display_server_ends_with_an_error() -> None:
    """If the display server has ended or its display has changed, the card raises an error."""
    with pytest.raises(ScreenError, match="display has changed, or the display server has ended"):
        play(NOTHING, ScreenEvents(outdated=True))


def test_the_card_ends_with_its_supervisor() -> None:
    """A supervisor that was killed leaves no window behind."""
    assert len(play(NOTHING, NOTHING, close=True).shown) == 1


@pytest.mark.parametrize("order", [b"\xff\xff", b"x" * 5000, b"loading\n" * 50])
def test_other_orders_change_nothing(order: bytes) -> None:
    """Bytes that name none of the three known cards change nothing on the screen."""
    assert len(play(order, NOTHING, NOTHING, END).shown) == 1
