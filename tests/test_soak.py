"""Tests of scripts/soak on five minutes of a generated day."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import GATE_RANGE
from installation.settings.paths import PROJECT
from installation.show.analysis_keeper import DIFFERENT_FAILURES
from scripts import recoveries, soak
from scripts.recoveries import Observation
from scripts.soak import ROWS, files_of, observations_of
from scripts.soak_day import (
    ALL_FAULTS,
    APART_S,
    CROWD_SPEED,
    Day,
    DayClock,
    Fault,
    Visit,
)
from scripts.soak_observer import FLOOR_FPS, LEAKED, RATE_S, Control, Findings, Observer
from tests.support.small_show import grey_frame

OFTEN = (20.0, 60.0)
"""The least and the longest time between two faults, s."""

SEED = "32395"
"""The seed of five minutes in which the camera is unplugged, the display is turned, a file of the
label set cannot be read, and the classifier's scores are not numbers while it reads visitors. A
crowd of 32 comes, and a poster hangs in the room.
"""


@pytest.mark.slow
def test_five_minutes_of_a_day_with_faults_have_no_mistakes() -> None:
    """Five minutes of a day with visitors and faults have no mistakes, twelve times as fast."""
    day = ("--minutes", "5", "--speed", "12", "--between", "40", "60", "--seed", SEED)
    ran = subprocess.run(
        [sys.executable, "-m", "scripts.soak", *day],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for fault in ("unplugged", "not a number", "turned", "labels wrong"):
        assert f"× {fault}: back after" in ran.stdout, ran.stdout
    assert re.search(r"names in all scenes: [1-9]", ran.stdout), ran.stdout


def test_a_seed_is_a_day() -> None:
    """The same seed results in the same visits and faults; another seed in others."""
    day = Day.from_seed(5, 1000.0, 3600.0, OFTEN)
    assert day == Day.from_seed(5, 1000.0, 3600.0, OFTEN)
    assert day != Day.from_seed(6, 1000.0, 3600.0, OFTEN)
    names = {fault.name for fault in Day.from_seed(5, 0.0, 8 * 3600.0, OFTEN).faults}
    assert names == {*ALL_FAULTS}


def test_no_two_visitors_are_so_near_that_the_tracker_may_take_one_for_the_other() -> None:
    """Two visitors whose visits overlap, or nearly do, are too far apart to share a track.

    The people of a crowd stand nearer, each in a place of their own.
    """
    visits = Day.from_seed(20261130, 1000.0, 1800.0, OFTEN).visits
    sizes = [math.sqrt(each.box_at(0.0).area) for each in visits]
    centres = [
        np.array([each.box_at(float(at) / (each.speed or 1)).centre for at in np.linspace(0, 6.3)])
        for each in visits
    ]
    for one, other in itertools.combinations(range(len(visits)), 2):
        first, second = visits[one], visits[other]
        if first.speed == second.speed == CROWD_SPEED:
            continue
        if second.came_at < first.left_at + APART_S and first.came_at < second.left_at + APART_S:
            apart = np.linalg.norm(centres[one][:, None] - centres[other][None, :], axis=2)
            assert apart.min() > GATE_RANGE[1] * max(sizes[one], sizes[other]), (first, second)


def test_a_crowd_fills_the_room() -> None:
    """Nearly all of 32 places are occupied at any time, by people who come and go."""
    day = Day.from_seed(5, 0.0, 3600.0, OFTEN, crowd=True)
    present = [len(day.faces_at(float(at))) for at in range(120, 3600, 60)]
    assert min(present) >= 20
    assert max(present) <= 32


def test_a_day_runs_fast_except_during_a_fault() -> None:
    """During a fault time runs as in a real show, until the observer calls `hurry`."""
    clock = DayClock(1000.0, [1010.0])
    clock.wait(10.0)
    assert clock.now() >= 1010.0
    assert clock.speed == 1.0
    machine = [time.monotonic()]
    began_at = clock.now()
    machine.append(time.monotonic())
    clock.wait(0.05)
    machine.append(time.monotonic())
    took_s = clock.now() - began_at
    machine.append(time.monotonic())
    assert machine[2] - machine[1] <= took_s + 1e-6
    assert took_s <= machine[3] - machine[0] + 1e-6
    clock.hurry(clock.now())
    assert clock.speed == 1000.0


def test_a_fault_that_begins_while_a_scene_is_judged_runs_in_real_time() -> None:
    """A day that was judged just before a fault does not become fast again in the fault."""
    clock = DayClock(1000.0, [1010.0])
    seen_at = clock.now()
    clock.wait(10.0)
    clock.hurry(seen_at)
    assert clock.speed == 1.0


def new_observer(
    visits: Sequence[Visit] = (), faults: Sequence[Fault] = (), *, share: float = 1.0
) -> Observer:
    """Return the observer of a day that began 100 s ago; its clock is as fast as the machine's."""
    clock = DayClock(1.0)
    day = Day(tuple(visits), tuple(faults))
    control = cast("Control", SimpleNamespace(share=lambda: share))
    return Observer(day, clock, clock.now() - 100, control, Findings())


def visit(came_ago_s: float, left_ago_s: float, x: float) -> Visit:
    """Return a visit that began and ended the given seconds before the day's second 1000."""
    return Visit(1000 - came_ago_s, 1000 - left_ago_s, x, 100, 60, 0.1)


def show(
    observer: Observer,
    at_x: Sequence[float],
    picture: bool = True,
    stage: str = "named",
    name: str = "",
) -> list[str]:
    """Show a scene with people at these places of the picture; return the mistakes so far.

    All people are in the same `stage` and have the same `name`.
    """
    squares = [SimpleNamespace(x=x, y=100, width=60, height=72) for x in at_x]
    named = SimpleNamespace(verdict=object(), stage=stage, name=name)
    people = [
        SimpleNamespace(id=number, square=square, shown=named)
        for number, square in enumerate(squares, 1)
    ]
    frame: Frame | None = grey_frame(taken_at=observer._clock.now()) if picture else None
    scene = SimpleNamespace(visitors=people, picture=frame)
    observer.show(scene, frame, None, (lambda box: box) if picture else None)  # type: ignore[arg-type]
    return observer.findings.mistakes


@pytest.mark.parametrize(
    ("visits", "squares", "found"),
    [
        ([visit(50, -50, 100)], [100], False),
        ([], [100], True),
        ([visit(50, 30, 100)], [100], True),
        ([visit(50, -50, 100)], [400], True),
        ([visit(50, -50, 100)], [100, 110], True),
        # One leaves and another comes at the same time: both may be on the screen for a moment.
        ([visit(50, 0.2, 100), visit(0.1, -50, 300)], [100, 300], False),
        ([visit(50, -50, 100)], [], False),
    ],
    ids=["present", "nobody", "left", "elsewhere", "two squares", "one after the other", "empty"],
)
def test_a_square_without_a_face_is_found(
    visits: list[Visit], squares: list[float], found: bool
) -> None:
    """Each square needs a different person, who is or just was at that place."""
    assert bool(show(new_observer(visits), squares)) is found


@pytest.mark.parametrize(
    ("then", "found"),
    [
        ([("named", "clown")], False),
        ([("named", "beggar")], True),
        ([("withdrawn", "clown"), ("person", "")], False),
        ([("withdrawn", "clown"), ("person", ""), ("named", "clown")], True),
        ([("reading", ""), ("named", "clown")], True),
    ],
    ids=["the same", "another", "withdrawn", "again", "read again"],
)
@pytest.mark.parametrize("speed", [0.0, 0.1])
def test_a_poster_that_is_named_twice_is_found(
    then: list[tuple[str, str]], found: bool, speed: float
) -> None:
    """A picture that hangs in the room has one name; this is judged of posters alone."""
    observer = new_observer([Visit(950, 1050, 100, 100, 60, speed)])
    show(observer, [100], stage="named", name="clown")
    for stage, name in then:
        show(observer, [100], stage=stage, name=name)
    assert bool(observer.findings.mistakes) is (found and not speed)


def test_people_without_a_picture_are_found() -> None:
    """Names on a black screen are a mistake, whether or not visitors are present."""
    observer = new_observer([visit(50, -50, 100)])
    assert show(observer, [100], picture=False) == [
        "at 100.0 s: people are marked on a screen without a picture"
    ]


def test_a_mirror_that_does_not_come_back_is_found() -> None:
    """If no new frame comes within ten seconds after a camera's fault, that is a mistake."""
    now = 1000.0
    observer = new_observer(faults=[Fault("hangs", now - 30, now - 20)])
    assert show(observer, [], picture=False) == [
        "at 100.0 s: the show has not recovered 10 s after 'hangs'"
    ]
    observer = new_observer(faults=[Fault("hangs", now - 30, now - 20)])
    assert show(observer, []) == ["at 100.0 s: the show has not recovered 10 s after 'hangs'"], (
        "too late"
    )
    observer = new_observer(faults=[Fault("hangs", now - 30, now - 5)])
    assert show(observer, []) == []
    assert list(observer.findings.recovered.values()) == [pytest.approx(5, abs=0.5)]


@pytest.mark.parametrize(("share", "found"), [(1.0, True), (0.01, False)])
def test_a_mirror_below_what_the_machine_gives_is_found(
    share: float, found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The required rate is `FLOOR_FPS` times the control loop's share; less is a mistake."""
    machine = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: machine[0])
    observer = new_observer(share=share)
    observer._first_at = 0.0
    for _ in range(int(3 * RATE_S * FLOOR_FPS)):
        machine[0] += 1 / (FLOOR_FPS / 2)  # each scene half as often as it should
        show(observer, [])
    assert any("frames/s" in mistake for mistake in observer.findings.mistakes) is found
    assert observer.findings.rates


def test_memory_that_grows_is_found_over_restarts() -> None:
    """Only the growth of memory at a level counts: each process, and its first reload, has one."""
    findings = Findings()
    for process, level in ((0, 300.0), (1, 100.0)):
        times = [10 * process + minute / 60 for minute in range(240)]
        findings.memory += [(process, at, level + 5.0 * (at - 10 * process)) for at in times]
    assert findings.slope() == pytest.approx((5.0, 0.0), abs=1e-6)
    steady = Findings(memory=[(0, minute / 60, 300.0) for minute in range(240)])
    assert steady.slope() == pytest.approx((0.0, 0.0), abs=1e-6)
    short = Findings(memory=[(0, minute / 60, 300.0) for minute in range(10)])
    assert short.slope() is None


@pytest.mark.parametrize(("leak", "found"), [(0.0, False), (5.0, True)])
def test_steps_of_memory_are_no_growth(leak: float, found: bool) -> None:
    """Networks that take 15 MB more now and then are no leak; 5 MB more in each hour are one.

    The standard error of the slope says how far such steps may have changed it.
    """
    random = np.random.default_rng(3)
    steps = np.repeat(random.choice([0.0, 15.0], 16), 30)
    memory = [(0, minute / 60, 200.0 + steps[minute] + leak * minute / 60) for minute in range(480)]
    fit = Findings(memory=memory).slope()
    assert fit is not None
    assert 0.5 < fit[1] < 2.0
    assert soak._grows(*fit) is found


def test_a_process_has_a_new_level_of_memory_once_it_has_read_its_labels_again() -> None:
    """The memory that the first reload takes is no growth; that of further reloads is."""
    observer = new_observer()
    observer._first_at = 100.0
    levels = [observer._level()]
    for begins_at in (50.0, 200.0, 300.0):
        fault = Fault("labels changed", begins_at, begins_at + 5)
        observer.findings.recovered[fault] = 1.0
        levels.append(observer._level())
    assert levels == [0, 0, 1, 1]


@pytest.mark.parametrize("part", ["descriptors", "threads"])
@pytest.mark.parametrize(("samples", "found"), [(LEAKED - 1, False), (LEAKED, True)])
def test_descriptors_and_threads_that_stay_are_found(part: str, samples: int, found: bool) -> None:
    """More of them than at first, in several measurements in a row, are a leak."""
    counts = {"descriptors": 12, "threads": 4}
    observer = new_observer()
    observer._process = SimpleNamespace(  # type: ignore[assignment]
        memory_info=lambda: SimpleNamespace(rss=3e8),
        num_fds=lambda: counts["descriptors"],
        num_threads=lambda: counts["threads"],
    )
    observer._first_at = 0.0
    observer._judge_process(2000.0)
    counts[part] += 1
    for _ in range(samples):
        observer._judge_process(2000.0)
    assert bool(observer.findings.mistakes) is found


def test_a_file_that_a_show_writes_is_found(tmp_path: Path) -> None:
    """A file that is new, or that has another size or time, differs; compiled modules do not."""
    (tmp_path / "installation" / "__pycache__").mkdir(parents=True)
    settings = tmp_path / "kiosk.yaml"
    settings.write_text("language: en\n", encoding="utf-8")
    before = files_of(tmp_path)
    (tmp_path / "installation" / "__pycache__" / "a.pyc").touch()
    assert files_of(tmp_path) == before
    (tmp_path / "installation" / "picture.png").touch()
    settings.write_text("language: de, en\n", encoding="utf-8")
    assert files_of(tmp_path).keys() - before.keys() == {tmp_path / "installation" / "picture.png"}
    assert files_of(tmp_path)[settings] != before[settings]


def test_only_what_came_back_is_recorded() -> None:
    """Only faults from which the show recovered are recorded.

    A restart is recorded as "three failures" only if three different failures were its reason.
    """
    torn, black = Fault("torn", 10, 12), Fault("black", 30, 35)
    findings = Findings(recovered={torn: 0.4, black: math.inf})
    findings.restarts = [("camera: it hangs", 3.0), (f"analysis: {DIFFERENT_FAILURES} (a)", 2.0)]
    assert observations_of(findings) == [
        Observation("torn", "soak", 0.4),
        Observation("three failures", "soak", 2.0),
    ]


def test_every_fault_has_a_row() -> None:
    """Each fault that a day may have is a row of the table of recoveries."""
    assert {ROWS.get(name, name) for name in ALL_FAULTS} <= recoveries.FAULTS.keys()


def test_a_new_process_is_found_with_the_reason_of_the_last_ones_end() -> None:
    """A restart is stored with its reason, and with the time since the last process ended."""
    observer = new_observer()
    observer.findings.ended = "the reason", time.monotonic() - 3
    assert show(observer, []) == []
    ((reason, took_s),) = observer.findings.restarts
    assert reason == "the reason"
    assert took_s == pytest.approx(3, abs=0.5)
    assert observer.findings.ended is None


def test_the_control_loop_tells_what_the_machine_gives() -> None:
    """The control loop's share is 1 until the loop has measured it."""
    control = Control()
    try:
        assert 0 < control.share() <= 1
    finally:
        control.stop()


def test_a_face_of_the_day_moves_within_its_place() -> None:
    """A visitor sways by less than the size of a face."""
    person = visit(50, -50, 100)
    boxes: list[Box] = [person.box_at(float(at)) for at in range(1000, 1100)]
    assert max(box.x0 for box in boxes) - min(box.x0 for box in boxes) <= 60
