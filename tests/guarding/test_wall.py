from __future__ import annotations

import datetime
from dataclasses import astuple, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from installation.errors import GuardError, Mistake
from installation.guarding.guard import Guard
from installation.guarding.probes.probe import ProbeResult
from installation.guarding.self_test import Proof
from installation.guarding.status import SandboxStatus
from installation.running.latest import Latest
from installation.seeing.frame import Frame
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show import entry, show
from installation.show.context import open_context
from installation.show.mirror import Mirror
from installation.show.show import Show, update_privacy_line
from installation.showing.cards import imprint
from installation.showing.painter import Painter
from installation.showing.scene import Scene
from installation.showing.window import OffScreen
from installation.showing.words import load_words
from tests.support.manual_clock import ManualClock
from tests.support.small_show import DEFAULTS, GreyFilm, small_parts

SIZE = (1280, 720)
SWAP = Mistake("swap", "memory may be written to /dev/sda2", "Switch swap off.")
MISSING = Mistake("Landlock", "it cannot be had here", "Take a newer Linux.")
OUTCOMES = (ProbeResult("write a file", "open(O_WRONLY)", "main", "refused", "Landlock", 13),)
DAY = datetime.date(2026, 5, 1)
AT = datetime.datetime(2026, 5, 1, 9, 5)


class Calendar:
    """In the place of datetime.date: a day that a test turns."""

    def __init__(self) -> None:
        self.day = DAY

    def today(self) -> datetime.date:
        return self.day


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    """What the show takes for today's date."""
    calendar = Calendar()
    monkeypatch.setattr(show, "datetime", SimpleNamespace(date=calendar))
    return calendar


class Wall(OffScreen):
    """A screen of which the last picture is kept that was not black."""

    def flip(self) -> None:
        if pygame.surfarray.array3d(self.surface).any():
            self.seen = self.surface.copy()


def promises(wall: Wall, line: str) -> bool:
    """Tell whether the strip on `wall` was the one with `line`, pixel by pixel."""
    expected = OffScreen(SIZE)
    stage = open_context(expected, DEFAULTS)
    stage = replace(stage, words=stage.words.model_copy(update={"privacy": line}))
    panels = imprint(stage)
    Painter(stage.fonts).paint(Scene(None, 1.0, (), panels), expected.surface)
    x, y, width, height = astuple(panels[0].rect)
    seen, awaited = (
        pygame.surfarray.array3d(each)[x : x + width, y : y + height]
        for each in (wall.seen, expected.surface)
    )
    return np.array_equal(seen, awaited)


WORDS = load_words()
ENFORCED = WORDS.privacy_today.format(ways=1, time="09:05")
THE_DAY_AFTER = WORDS.privacy_earlier.format(ways=1, date="1 May 2026")


@pytest.mark.parametrize(
    ("missing", "swap", "line"),
    [
        ((), None, ENFORCED),
        ((MISSING,), None, WORDS.privacy_unguarded),
        ((), SWAP, WORDS.privacy_unguarded),
    ],
)
def test_the_wall_promises_the_kernel_only_where_it_prevents_storing(
    missing: tuple[Mistake, ...], swap: Mistake | None, line: str, calendar: Calendar
) -> None:
    """Where a layer is missing, or memory may be swapped to a disk, the strip does not say so."""
    said: list[str] = []

    class Sealed(Guard):
        def seal(self) -> Proof:
            return Proof(OUTCOMES, missing, AT, swap)

    wall = Wall(SIZE)
    guarded = Show(
        Loaded(Settings(privacy="degraded"), "kiosk.yaml", {}, {}),
        wall,
        started_at=0.0,
        log=said.append,
        emit=lambda event: None,
        open_parts=lambda loaded, clock, log: small_parts(GreyFilm(12)),
        guard=Sealed(SandboxStatus("degraded", missing)),
    )
    guarded.run()
    assert promises(wall, line)
    assert any(str(each) in " ".join(said) for each in (*missing, swap) if each) == (
        line != ENFORCED
    )


def test_at_midnight_the_promise_names_the_day(calendar: Calendar) -> None:
    """The mirror promises what was tried today, and after midnight says on which day it was."""
    wall = Wall(SIZE)
    stage = open_context(wall, DEFAULTS)
    frames: Latest[Frame] = Latest()
    update = partial(update_privacy_line, Proof(OUTCOMES, (), AT))
    mirror = Mirror(wall, stage, frames, Latest(), ManualClock(), update)
    for day, line in ((DAY, ENFORCED), (DAY + datetime.timedelta(days=1), THE_DAY_AFTER)):
        calendar.day = day
        frames.put(Frame(np.full((90, 160, 3), 200, np.uint8), 0.0))
        mirror.step()
        assert promises(wall, line)


def test_the_last_picture_is_wiped_off_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the show ends, what was on the screen's surface is overwritten before it is freed."""
    painted = []

    class Watched(OffScreen):
        def flip(self) -> None:
            painted.append(pygame.surfarray.array3d(self.surface).any())

    screen = Watched((320, 180))
    monkeypatch.setattr(entry, "open_screen", lambda *_, **__: (screen, None))
    with pytest.raises(GuardError):
        entry.run_show(
            Loaded(Settings(), "kiosk.yaml", {}, {}),
            headless=True,
            started_at=0.0,
            log=lambda line: None,
            emit=lambda event: None,
            guard=Guard(SandboxStatus("enforce", (MISSING,))),
        )
    assert painted == [True], "the title was on it"
    assert not pygame.surfarray.array3d(screen.surface).any()
