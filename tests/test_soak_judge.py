"""Tests that a soak finds what is wrong while display, files and clock are at fault."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import load_settings
from installation.showing.placement import COVERED_S
from installation.showing.words import load_words
from scripts import soak_world
from scripts.soak_day import SIZE, WAYS, WRONG_LABELS, WRONG_SETTINGS, Day, DayClock, Fault
from scripts.soak_judge import FITS_S, SIGNS, STATED_S, TOLD_S, WorldJudge
from scripts.soak_world import MORNING, DayFiles, DayGuard, DayMonitors, WallClock, World

BEGINS_AT = 1000.0
WORDS = load_words("en")


class Clock:
    """A day's clock that a test sets."""

    def __init__(self) -> None:
        self.at = BEGINS_AT

    def now(self) -> float:
        return self.at


class Judged:
    """A judge of a day with one fault, from 1010 to 1080 s, and what it finds."""

    def __init__(self, name: str) -> None:
        self.fault = Fault(name, BEGINS_AT + 10, BEGINS_AT + 80)
        self.day = Day((), (self.fault,))
        self.clock = Clock()
        clock = cast("DayClock", self.clock)
        self.wall = WallClock(self.day, clock, BEGINS_AT)
        self.monitors = DayMonitors(self.day, clock)
        self.label_count = 5
        world = SimpleNamespace(
            wall=self.wall,
            monitors=self.monitors,
            wants_card=lambda: True,
            has_lost_server=name == "display server",
            files=SimpleNamespace(label_count=lambda _: 5),
        )
        self.mistakes: list[str] = []
        self.judge = WorldJudge(
            self.day, clock, cast("World", world), lambda problem, _: self.mistakes.append(problem)
        )
        self.proof = DayGuard(self.wall, clock).seal()

    def look(self, at: float, *texts: str, size: Any = SIZE, privacy: str | None = None) -> bool:
        """Look at a scene with these `texts` `at` seconds after the day's begin.

        Returns whether nothing of the fault can be seen any more.
        """
        self.clock.at = BEGINS_AT + at
        lines = tuple(SimpleNamespace(text=text) for text in texts)
        scene = SimpleNamespace(panels=(SimpleNamespace(lines=lines),))
        tested = WORDS.privacy_today.format(time="10:00")
        words = replace(WORDS, privacy=tested if privacy is None else privacy)
        context = SimpleNamespace(size=size, words=words)
        labels = SimpleNamespace(labels=[None] * self.label_count)
        sightings = SimpleNamespace(label_set=labels)
        self.judge.look(
            cast("Any", scene), cast("Any", sightings), size, cast("Any", context), self.proof
        )
        return self.judge.is_as_before(self.fault, self.clock.at)


@pytest.fixture(autouse=True)
def in_the_days_time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the process be in the day's time zone."""
    monkeypatch.setenv("TZ", soak_world.TIME_ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_picture_of_another_size_is_found() -> None:
    """A display that is turned may have a picture of the old size for `FITS_S`, and not longer."""
    judged = Judged("turned")
    assert judged.look(5)
    assert not judged.look(11)
    judged.look(11 + FITS_S)
    assert judged.mistakes == []
    judged.look(11 + FITS_S + 1)
    judged.look(11 + FITS_S + 2)
    assert judged.mistakes == ["the picture has another size than the display"]
    assert judged.look(20, size=(SIZE[1], SIZE[0]))


@pytest.mark.parametrize(
    ("name", "at", "line", "is_right"),
    [
        ("clock back", 5, WORDS.privacy_today.format(time="10:00"), True),
        ("clock back", 5, WORDS.privacy_today.format(time="11:00"), False),
        ("clock back", 11, WORDS.privacy_undated, True),
        ("clock back", 11, WORDS.privacy_today.format(time="10:00"), False),
        ("clock forward", 11, WORDS.privacy_today.format(time="10:00"), True),
        ("summer time", 11, WORDS.privacy_today.format(time="01:59"), True),
        ("summer time", 71, WORDS.privacy_today.format(time="01:59"), True),
        ("summer time", 71, WORDS.privacy_today.format(time="02:59"), False),
    ],
)
def test_a_wrong_time_on_the_wall_is_found(name: str, at: float, line: str, is_right: bool) -> None:
    """The privacy line states when the self-test ran, by the clock and the time zone of the day."""
    judged = Judged(name)
    judged.look(at, privacy=line)
    judged.look(at + STATED_S + 0.5, privacy=line)
    assert judged.mistakes == ([] if is_right else ["the privacy line states a wrong time"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("settings wrong", f"{WORDS.staff_file_wrong} kiosk.yaml:3: what"),
        ("settings changed", f"kiosk.yaml {WORDS.staff_settings_changed}"),
        ("labels wrong", f"{WORDS.staff_labels} {WORDS.staff_file_wrong}"),
    ],
)
def test_a_card_that_does_not_tell_is_found(name: str, told: str) -> None:
    """The staff's card tells of a wrong file within `TOLD_S`, and of nothing once it is right."""
    judged = Judged(name)
    card = WORDS.staff_title
    judged.look(10 + TOLD_S - 1, card)
    judged.look(10 + TOLD_S + 1, card, told)
    assert judged.mistakes == []
    assert not judged.look(81, card, told)
    assert not judged.look(81), "the card is not on the screen"
    assert judged.look(82, card)
    judged.look(10 + TOLD_S + 1, card)
    judged.look(10 + TOLD_S + 2, card)
    assert len(judged.mistakes) == 1
    assert judged.mistakes[0].startswith(f"the staff's card does not tell of '{name}'")


def test_a_changed_label_set_that_is_not_used_is_found() -> None:
    """The show has recovered only when it uses as many labels as the files have."""
    judged = Judged("labels changed")
    judged.label_count = 6
    assert not judged.look(81, WORDS.staff_title)
    judged.label_count = 5
    assert judged.look(82, WORDS.staff_title)


@pytest.mark.parametrize("name", SIGNS)
def test_a_fault_that_the_log_does_not_name_is_found(name: str) -> None:
    """A fault of a file or a display has a line in the log; a new window instead is not enough."""
    judged = Judged(name)
    judged.judge.log(f"before: {SIGNS[name]}")
    judged.clock.at = BEGINS_AT + 11
    judged.judge.judge_end(judged.fault, judged.clock.at)
    assert len(judged.mistakes) == 1
    judged.judge.log(f"during: {SIGNS[name]}")
    judged.judge.judge_end(judged.fault, judged.clock.at)
    assert len(judged.mistakes) == 1


@pytest.mark.parametrize(
    ("at", "is_right"), [(None, False), (COVERED_S - 30, False), (COVERED_S + 1, True)]
)
def test_a_show_that_stays_covered_is_found(at: float | None, is_right: bool) -> None:
    """The window comes in front of another one after a minute, and not before."""
    judged = Judged("covered")
    if at is not None:
        judged.clock.at = judged.fault.begins_at + at
        judged.monitors.give_keyboard(0)
    judged.judge.judge_end(judged.fault, judged.fault.ends_at)
    assert (judged.mistakes == []) is is_right


def test_a_show_that_keeps_a_lost_display_is_found() -> None:
    """Only a new process can show something after the display's server has ended."""
    judged = Judged("display server")
    judged.judge.judge_end(judged.fault, judged.fault.ends_at)
    assert judged.mistakes == [
        "the display server has ended, but the show still uses its lost display"
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("file", [*WRONG_SETTINGS, *WRONG_LABELS])
def test_a_file_is_wrong_during_its_fault_only(file: str, way: str, tmp_path: Path) -> None:
    """Each way makes the file wrong for the show's own reader; afterwards it is as before."""
    name = "settings wrong" if file in WRONG_SETTINGS else "labels wrong"
    fault = Fault(name, 10, 20, file, way)
    files = DayFiles(Day((), (fault,)), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    files.step(15)
    if name == "settings wrong":
        with pytest.raises(Exception, match=r"kiosk\.yaml"):
            files.load()
    elif file.endswith("safetensors"):
        built = files.set / file
        assert not built.is_file() or built.read_bytes() != before[built]
    else:
        content = load_settings().settings.content
        with pytest.raises(Exception, match="label"):
            load_label_set(files.set.name, content, files.models)
    files.step(25)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_each_change_of_the_label_set_hides_or_shows_a_label(tmp_path: Path) -> None:
    """The change stays after its fault, as a curator's does."""
    faults = tuple(Fault("labels changed", at, at + 5, "labels.csv", "") for at in (10, 30))
    files = DayFiles(Day((), faults), tmp_path)
    content = load_settings().settings.content
    counts = []
    for at in (5, 12, 20, 32):
        files.step(at)
        label_set = load_label_set(files.set.name, content, files.models)
        assert len(label_set.labels) == files.label_count(at)
        counts.append(files.label_count(at))
    assert counts == [counts[0], counts[0] - 1, counts[0] - 1, counts[0]]


def test_the_wall_clock_is_wrong_during_its_fault_only() -> None:
    """The clock is a year late; before and after, it shows the true time."""
    judged = Judged("clock back")
    assert judged.wall.today() == MORNING.date()
    judged.clock.at = BEGINS_AT + 11
    assert judged.wall.today() == datetime.date(2025, 3, 27)
    judged.clock.at = BEGINS_AT + 81
    assert judged.wall.today() == MORNING.date()
