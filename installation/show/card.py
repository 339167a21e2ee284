"""The card that visitors see while the mirror does not run, and the card for the staff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from installation.errors import KioskError
from installation.running.progress import State
from installation.seeing.cameras.camera import FaultyPicturesError
from installation.showing.painter import Painter
from installation.showing.scene import Scene
from installation.showing.scenes.faults import NO_FAULT, camera_faults, faults_card, show_fault
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import Screen

Card = Callable[[ScreenContext], Scene]
"""A function that returns the scene for a screen."""


def card_for_staff(error: BaseException | None, state: State) -> Card:
    """Return the staff's card for a show that was in `state` when `error` stopped it.

    If `state` says what is wrong with the camera, the card says it in words for the staff.
    Otherwise the card only lists the mistakes in `error`, under one heading.
    """
    lines = str(error).splitlines() if isinstance(error, KioskError) else []
    fault = error.fault if isinstance(error, FaultyPicturesError) else NO_FAULT

    def scene(context: ScreenContext) -> Scene:
        words = context.words
        if faults := camera_faults(words, state, fault):
            return faults_card(context, words.staff_camera, faults, lines)
        return faults_card(context, "", [show_fault(words)], lines or [words.staff_log])

    return scene


class CardOnScreen:
    """Paints a card; repaints when the staff's card is requested or the screen's size changes."""

    def __init__(self, screen: Screen, context: ScreenContext) -> None:
        self._screen = screen
        self.context = context
        """The context of the cards, with the current size of the screen."""
        self._card: Card | None = None
        self._for_staff: Card | None = None
        self._painted: Card | None = None
        self._is_for_staff = False

    def show(self, card: Card, for_staff: Card | None = None) -> None:
        """Paint `card`, or `for_staff` instead while the staff's card is requested."""
        self._card, self._for_staff, self._painted = card, for_staff, None
        self.update(staff_card=self._is_for_staff)

    def update(self, *, staff_card: bool, exposed: bool = True) -> None:
        """Paint the card and flip the screen if the card or the screen's size has changed.

        `exposed` says whether a covered part of the window has become visible again. Then the
        screen is flipped in any case.
        """
        self._is_for_staff = staff_card
        size = self._screen.surface.get_size()
        if size != self.context.size:
            self.context, self._painted = replace(self.context, size=size), None
        wanted = self._for_staff if staff_card and self._for_staff else self._card
        if wanted is not None and wanted is not self._painted:
            Painter(self.context.fonts).paint(wanted(self.context), self._screen.surface)
            self._painted = wanted
        elif not exposed:
            return
        self._screen.flip()
