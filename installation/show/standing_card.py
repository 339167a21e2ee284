"""A calm card that stays on the screen behind the show, painted by a separate process.

Its window is opened before the show's window and stays behind it. Whenever the show ends, even
suddenly, visitors see this card. The process has neither camera nor networks, and is under stages
one and two of the sandbox. The supervisor tells it which of three cards to paint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from installation.errors import ScreenError
from installation.guarding.status import SandboxStatus
from installation.running.clock import Clock
from installation.running.progress import Progress, send
from installation.running.supervisor import LOADING, PAUSED, TROUBLE
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show.card import Card, CardOnScreen
from installation.show.context import open_context
from installation.show.privacy_line import without_privacy_line
from installation.showing.scene import Scene
from installation.showing.scenes.cards import paused_card, title_card, trouble_card
from installation.showing.scenes.faults import faults_card, show_fault
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import SCREEN_CHANGED, Screen

LOOK_S = 1 / 15
"""The time between two checks of the keys and of the supervisor's orders, s."""


def show_standing_card(
    loaded: Loaded[Settings],
    find_mistakes: Callable[[], Sequence[str]],
    screen: Screen,
    status: SandboxStatus,
    clock: Clock,
    seal: Callable[[], object],
) -> None:
    """Keep a card on `screen` until the supervisor has ended, or until Escape is held.

    `loaded` are the settings, `status` has the pipes to the supervisor, and `clock` measures the
    waits. `find_mistakes` returns the mistakes in kiosk.yaml, which the key for the staff card
    shows. It is called when the key is pressed, because the file may have changed since this
    process started. `seal` enters stage two of the sandbox; it is called when the card has been
    painted. Raises ScreenError if no font can draw the words, or if a new window is needed.
    """
    assert status.orders_pipe is not None
    try:
        context = open_context(screen, loaded)
    except ScreenError:  # Perhaps no font has the curator's own words.
        context = open_context(screen, Loaded(Settings(), "", {}, {}))
    cards: dict[bytes, Card] = {
        LOADING.strip(): lambda context: title_card(without_privacy_line(context)),
        TROUBLE.strip(): trouble_card,
        PAUSED.strip(): paused_card,
    }

    def for_staff(context: ScreenContext) -> Scene:
        words = context.words
        mistakes = list(find_mistakes())
        faults = [show_fault(words)] if mistakes else []
        return faults_card(context, "", faults, mistakes or [words.staff_log])

    on_screen = CardOnScreen(screen, context)
    card = cards[LOADING.strip()]
    on_screen.show(card, for_staff)
    if status.progress_pipe is not None:
        send(status.progress_pipe, Progress())
    os.set_blocking(status.orders_pipe, False)
    screen.allocate_buffers()
    seal()
    while not (events := screen.poll(clock.now())).end_show:
        if events.outdated:
            raise ScreenError(SCREEN_CHANGED)
        try:
            orders = os.read(status.orders_pipe, 1024)
        except BlockingIOError:
            orders = b"\n"
        if not orders:
            return
        for order in orders.split():
            if (ordered := cards.get(order, card)) is not card:
                card = ordered
                on_screen.show(card, for_staff)
        on_screen.update(staff_card=events.staff_card, exposed=events.exposed)
        clock.wait(LOOK_S)
