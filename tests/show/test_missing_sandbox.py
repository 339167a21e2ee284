from __future__ import annotations

import numpy as np
import pygame
import pytest

from installation.errors import GuardError, Mistake
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.guarding.status import SandboxStatus
from installation.naming.label_set.load import load_label_set
from installation.running.clock import Clock
from installation.settings.kiosk import ContentSettings, Settings
from installation.settings.yaml_file import Loaded
from installation.show.context import open_context
from installation.show.parts import Log, Parts
from installation.show.show import CARD_S, Show
from installation.showing.cards import unguarded_card
from installation.showing.painter import Painter
from installation.showing.window import OffScreen, Window
from tests.support.manual_clock import ManualClock
from tests.support.small_show import DEFAULTS

MISSING = Mistake("Landlock", "not available on this machine", "Use a newer Linux.")


def never(loaded: Loaded[Settings], clock: Clock, log: Log) -> Parts:
    """Fail: the show must not load its parts."""
    raise AssertionError("a part was loaded although the sandbox is incomplete")


def test_a_card_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visitors see the calm card for a while, and no part of the show is loaded."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    clock = ManualClock()
    window = Window(0, (640, 360))
    closed = Show(
        Loaded(Settings(), "kiosk.yaml", {}, {}),
        window,
        started_at=clock.now(),
        log=lambda line: None,
        emit=lambda event: None,
        open_parts=never,
        clock=clock,
        guard=Guard(SandboxStatus("enforce", (MISSING,))),
    )
    with pytest.raises(GuardError, match="Landlock: not available on this machine"):
        closed.run()
    assert sum(clock.waits) >= CARD_S
    shown = pygame.surfarray.array3d(window.surface)
    context = open_context(window, DEFAULTS)
    Painter(context.fonts).paint(unguarded_card(context, [MISSING.where]), window.surface)
    assert np.array_equal(shown, pygame.surfarray.array3d(window.surface))
    window.close()


def test_degraded_privacy_names_what_is_missing_and_goes_on() -> None:
    """With `privacy: degraded` the log names each missing layer, and the show starts."""
    log: list[str] = []
    label_set = load_label_set("kindnesses", ContentSettings())

    class Unguarded(Guard):
        """A guard that ends the test when it would be sealed."""

        def seal(self) -> Proof:
            raise StopIteration

    degraded = Show(
        Loaded(Settings(privacy="degraded"), "kiosk.yaml", {}, {}),
        OffScreen((320, 180)),
        started_at=0.0,
        log=log.append,
        emit=lambda event: None,
        open_parts=lambda loaded, clock, log: Parts(label_set, *[None] * 6),  # type: ignore[arg-type]
        guard=Unguarded(SandboxStatus("degraded", (MISSING,))),
    )
    with pytest.raises(StopIteration):
        degraded.run()
    assert log == [f"privacy: not enforced. {MISSING}"]
