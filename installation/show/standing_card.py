"""The calm picture that stays on the screen behind the show, in a process of its own.

Its window is opened before that of the show and stays behind it. Whenever the show ends, however
suddenly, visitors see this picture. The process has neither camera nor networks, and both stages of
the sandbox; it learns from the supervisor which of two cards to paint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from installation.errors import ScreenError
from installation.guarding.status import SandboxStatus
from installation.running.clock import Clock
from installation.running.progress import Progress, send
from installation.running.supervisor import LOADING, TROUBLE
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show.context import open_context
from installation.show.privacy_line import without_privacy_line
from installation.showing.painter import Painter
from installation.showing.scenes.cards import mistakes_card, title_card, trouble_card
from installation.showing.window import Screen

LOOK_S = 1 / 15
"""The time between two checks of keys and orders, s."""

NO_MISTAKES = "The show has ended and is started again. The log and `kiosk status` say more."


def show_standing_card(
    loaded: Loaded[Settings],
    mistakes: Sequence[str],
    screen: Screen,
    status: SandboxStatus,
    clock: Clock,
    seal: Callable[[], object],
) -> None:
    """Keep a card on `screen` until the supervisor has ended, or until Escape is held.

    The key for the staff card shows `mistakes`, those of kiosk.yaml. `seal` enters stage two of the
    sandbox; it is called when the card is painted. Raises ScreenError if no font has the words.
    """
    assert status.orders_pipe is not None
    try:
        context = open_context(screen, loaded)
    except ScreenError:  # The curator's own words may be what is wrong.
        context = open_context(screen, Loaded(Settings(), "", {}, {}))
    painter = Painter(context.fonts)
    cards = {
        LOADING.strip(): title_card(without_privacy_line(context)),
        TROUBLE.strip(): trouble_card(context),
    }
    for_staff = mistakes_card(context, list(mistakes) or [NO_MISTAKES])
    card = cards[LOADING.strip()]
    painter.paint(card, screen.surface)
    screen.flip()
    if status.progress_pipe is not None:
        send(status.progress_pipe, Progress())
    os.set_blocking(status.orders_pipe, False)
    seal()
    painted = card
    while not (events := screen.poll(clock.now())).end_show:
        try:
            orders = os.read(status.orders_pipe, 1024)
        except BlockingIOError:
            orders = b"\n"
        if not orders:
            return
        for order in orders.split():
            card = cards.get(order, card)
        wanted = for_staff if events.staff_card else card
        if wanted is not painted:
            painter.paint(wanted, screen.surface)
            screen.flip()
            painted = wanted
        elif events.exposed:
            screen.flip()
        clock.wait(LOOK_S)
