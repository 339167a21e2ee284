from __future__ import annotations

import numpy as np
import pygame
import pytest

from installation.errors import GuardError, Mistake
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.guarding.status import SandboxStatus
from installation.running.clock import Clock
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show.context import open_context
from installation.show.parts import Log, Parts
from installation.show.show import CARD_S
from installation.showing.painter import Painter
from installation.showing.scenes.cards import unguarded_card
from installation.showing.window import Window
from tests.support.manual_clock import ManualClock
from tests.support.small_show import DEFAULTS, GreyFilm, small_show

pytestmark = pytest.mark.slow

MISSING = Mistake("Landlock", "not available on this machine", "Use a newer Linux.")


def never(loaded: Loaded[Settings], clock: Clock, log: Log) -> Parts:
    """Fail: the show must not load its parts."""
    raise AssertionError("a part was loaded although the sandbox is incomplete")


def test_a_card_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visitors see the card for a while, and no part of the show is loaded."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    clock = ManualClock()
    window = Window(0, (640, 360))
    show = small_show(
        GreyFilm(0),
        screen=window,
        clock=clock,
        open_parts=never,
        guard=Guard(SandboxStatus("enforce", (MISSING,))),
    )
    with pytest.raises(GuardError, match="Landlock: not available on this machine"):
        show.run()
    assert sum(clock.waits) >= CARD_S
    shown = pygame.surfarray.array3d(window.surface)
    context = open_context(window, DEFAULTS)
    Painter(context.fonts).paint(unguarded_card(context, [MISSING.where]), window.surface)
    assert np.array_equal(shown, pygame.surfarray.array3d(window.surface))
    window.close()


def test_degraded_privacy_names_what_is_missing_and_goes_on() -> None:
    """With `privacy: degraded` the log names each missing layer, and the show starts."""
    log: list[str] = []

    class Unguarded(Guard):
        """A guard that ends the test when it would be sealed."""

        def enter_middle_stage(self) -> None:
            """Do nothing to the process of the tests."""

        def seal(self) -> Proof:
            raise StopIteration

    show = small_show(
        GreyFilm(0),
        log=log.append,
        settings=Settings(privacy="degraded"),
        guard=Unguarded(SandboxStatus("degraded", (MISSING,))),
    )
    with pytest.raises(StopIteration):
        show.run()
    assert log == [f"privacy: not enforced. {MISSING}"]
