from __future__ import annotations

import datetime
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from installation.errors import Mistake
from installation.guarding.guard import Guard
from installation.guarding.probes.probe import ProbeResult
from installation.guarding.self_test import Proof
from installation.guarding.status import SandboxStatus
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.running.latest import Latest
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings, Settings
from installation.settings.languages import Language
from installation.show import live, privacy_line
from installation.show.context import open_context
from installation.show.mirror import Mirror
from installation.show.privacy_line import (
    time_is_known,
    update_privacy_line,
    without_privacy_line,
)
from installation.showing.painter import Painter
from installation.showing.scene import Scene
from installation.showing.scenes.bands import bands
from installation.showing.scenes.cards import title_card
from installation.showing.window import OffScreen
from installation.showing.words import load_words
from installation.showing.words import privacy_line as privacy_line_of
from tests.support.figures import text_of
from tests.support.manual_clock import ManualClock
from tests.support.small_show import DEFAULTS, GreyFilm, grey_frame, small_show

SIZE = (1280, 720)
SWAP = Mistake("swap", "memory may be written to /dev/sda2", "Switch swap off.")
MISSING = Mistake("Landlock", "not available on this machine", "Use a newer Linux.")
RESULTS = (ProbeResult("write a file", "open(O_WRONLY)", "main", "refused", "Landlock", 13),)
DAY = datetime.date(2026, 5, 1)
AT = datetime.datetime(2026, 5, 1, 9, 5)


class Calendar:
    """Stands in for datetime.date: today is the day that a test sets."""

    def __init__(self) -> None:
        self.day = DAY

    def today(self) -> datetime.date:
        return self.day


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    """The calendar from which the show reads today's date."""
    calendar = Calendar()
    known = partial(update_privacy_line, knows_time=lambda _: True)
    monkeypatch.setattr(live, "update_privacy_line", known)
    monkeypatch.setattr(privacy_line, "datetime", SimpleNamespace(date=calendar))
    return calendar


class KeepingScreen(OffScreen):
    """A screen that stores the last picture that was not black."""

    def flip(self) -> None:
        if pygame.surfarray.array3d(self.surface).any():
            self.last = self.surface.copy()


def shows(screen: KeepingScreen, line: str, label_set: LabelSet | None = None) -> bool:
    """Return whether the foot of `screen` was the foot with `line`, pixel by pixel."""
    expected = OffScreen(SIZE)
    context = open_context(expected, DEFAULTS, label_set)
    context = replace(context, words=context.words.updated({"privacy": line}))
    foot = bands(context).foot
    Painter(context.fonts).paint(Scene(None, context.screen, 1.0, (), (foot,)), expected.surface)
    x, y, width, height = astuple(foot.rect)
    shown, wanted = (
        pygame.surfarray.array3d(each)[x : x + width, y : y + height]
        for each in (screen.last, expected.surface)
    )
    return np.array_equal(shown, wanted)


WORDS = load_words()
ENFORCED = WORDS.privacy_today.format(time="09:05")
THE_DAY_AFTER = WORDS.privacy_earlier.format(date="1 May 2026")


def test_nothing_is_promised_before_the_self_test() -> None:
    """While the show starts, the card has no sentence about pictures, in either language."""
    settings = Settings(language=Language(second=Language("de", "de")))
    context = open_context(OffScreen(SIZE), replace(DEFAULTS, settings=settings))
    promising, silent = title_card(context), title_card(without_privacy_line(context))
    assert context.words.privacy in text_of(promising)
    assert context.second is not None
    for words in (context.words, context.second):
        assert words.privacy not in text_of(silent)
        assert words.loading in text_of(silent)


@pytest.mark.parametrize(
    ("missing", "swap", "line"),
    [
        ((), None, ENFORCED),
        ((MISSING,), None, WORDS.privacy_unguarded),
        ((), SWAP, WORDS.privacy_unguarded),
    ],
)
def test_visitors_are_told_that_the_kernel_prevents_storing_only_if_it_does(
    missing: tuple[Mistake, ...], swap: Mistake | None, line: str, calendar: Calendar
) -> None:
    """If a layer is missing, or memory may be swapped to a disk, the line says less."""
    log: list[str] = []

    class Sealed(Guard):
        def enter_middle_stage(self) -> None:
            """Do nothing to the process of the tests."""

        def seal(self) -> Proof:
            return Proof(RESULTS, missing, AT, () if swap is None else (swap,))

    screen = KeepingScreen(SIZE)
    small_show(
        GreyFilm(12),
        screen=screen,
        log=log.append,
        settings=Settings(privacy="degraded"),
        guard=Sealed(SandboxStatus("degraded", missing)),
    ).run()
    assert shows(screen, line, load_label_set("kindnesses", ContentSettings()))
    assert any(str(each) in " ".join(log) for each in (*missing, swap) if each) == (
        line != ENFORCED
    )


def test_after_midnight_the_line_names_the_day_of_the_test(calendar: Calendar) -> None:
    """The line names the time of the self-test, and after midnight its date."""
    screen = KeepingScreen(SIZE)
    context = open_context(screen, DEFAULTS)
    frames: Latest[Frame] = Latest()
    update = partial(update_privacy_line, Proof(RESULTS, (), AT), knows_time=lambda _: True)
    mirror = Mirror(screen, context, frames, Latest(), ManualClock(), update)
    for day, line in ((DAY, ENFORCED), (DAY + datetime.timedelta(days=1), THE_DAY_AFTER)):
        calendar.day = day
        frames.put(grey_frame(200))
        mirror.step()
        assert shows(screen, line)


@pytest.mark.parametrize(
    ("battery", "is_synchronised", "today", "line"),
    [
        ("1790000000", False, DAY, ENFORCED),
        ("120", False, DAY, WORDS.privacy_undated),
        (None, False, DAY, WORDS.privacy_undated),
        (None, True, DAY, ENFORCED),
        ("120", True, DAY, ENFORCED),
        ("no time", True, datetime.date(1970, 1, 1), WORDS.privacy_undated),
    ],
)
def test_a_machine_that_does_not_know_the_time_puts_none_on_the_wall(
    battery: str | None, is_synchronised: bool, today: datetime.date, line: str, tmp_path: Path
) -> None:
    """Without a clock battery the promise has no time until the network has set the clock."""
    clocks, synchronised = tmp_path / "rtc", tmp_path / "synchronized"
    if battery is not None:
        (clocks / "rtc0").mkdir(parents=True)
        (clocks / "rtc0" / "since_epoch").write_text(battery + "\n")
    if is_synchronised:
        synchronised.touch()
    at = AT if time_is_known(today, clocks, synchronised) else None
    assert privacy_line_of(WORDS, True, at, DAY) == line


def test_the_promise_gets_its_time_when_the_clock_is_set() -> None:
    """The line has no time while the clock is unknown, and has it as soon as it is known."""
    context = open_context(OffScreen(SIZE), DEFAULTS)
    proof = Proof(RESULTS, (), datetime.datetime.now().astimezone())
    undated = update_privacy_line(proof, context, lambda _: False)
    assert undated.words.privacy == WORDS.privacy_undated
    time = WORDS.time_of(proof.tested_at)
    dated = update_privacy_line(proof, undated, lambda _: True)
    assert dated.words.privacy == WORDS.privacy_today.format(time=time)


@pytest.mark.parametrize(("missing", "promised"), [((), True), ((MISSING,), False)])
def test_the_square_promises_only_what_the_self_test_has_shown(
    missing: tuple[Mistake, ...], promised: bool, calendar: Calendar
) -> None:
    """Before the self-test, and if a layer is missing, no promise is below an empty square."""
    context = open_context(OffScreen(SIZE), DEFAULTS)
    assert without_privacy_line(context).words.promise == ""
    updated = update_privacy_line(Proof(RESULTS, missing, AT), context)
    assert updated.words.promise == (WORDS.promise if promised else "")
    assert update_privacy_line(Proof(RESULTS, missing, AT), updated) is updated
