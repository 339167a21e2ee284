from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from installation.running.health import (
    FAULTS,
    VERDICT_STEP,
    Health,
    as_prometheus,
    as_text,
    machine_temperature,
)
from installation.running.progress import CameraFault, DeviceKind, Progress, State

STEADY = Progress(
    State.RUNNING, device=DeviceKind.PROCESSOR, memory_mb=712, threads=7, descriptors=21
)


def new_health(offset: int = 0) -> Health:
    """Return a health at second 0 on a machine of 54 °C."""
    return Health("1.2.3", 0.0, offset=offset, temperature=lambda: 54)


def play(health: Health, verdicts: list[int], begin_s: int = 0) -> list[str]:
    """Return the status after each minute, in all its forms; `verdicts` has each minute's number.

    All rates of the show are steady.
    """
    told, total = [], 0
    for minute, count in enumerate(verdicts):
        for second in range(60):
            total += count if second == 30 else 0
            now = begin_s + minute * 60 + second + 1
            frames = 30 * now
            health.update(
                replace(
                    STEADY, captured=frames, mirrored=frames, analysed=8 * now, painted=frames,
                    verdicts=total, frame_age_ms=38,
                ),
                float(now),
            )  # fmt: skip
            health.end_minute(float(now))
        snapshot = health.snapshot(float(now))
        told.append(as_text(snapshot) + as_prometheus(snapshot) + json.dumps(snapshot))
    return told


def test_the_line_has_the_figures_of_the_last_minute() -> None:
    """One line names rates, age, verdicts, restarts, memory, device and temperature."""
    health = new_health()
    play(health, [12])
    assert health.line(60.0) == (
        "health: state running, camera 30 frames/s, mirror 30 frames/s, frame age 50 ms or less, "
        "analysis on, verdicts about 10, skipped frames 0, memory 800 MB or less, threads 7, "
        "descriptors 21, temperature 54 °C, restarts 0, device processor, up 1 min, version 1.2.3, "
        "faults none"
    )


def test_before_the_first_minute_is_over_the_line_says_when_figures_come() -> None:
    """A show that has just started is not described as "unknown" or "off"."""
    health = new_health()
    health.update(STEADY, 1.0)
    assert health.line(1.0) == (
        "health: state running, figures not known before the first minute is over, restarts 0, "
        "device processor, up 0 min, version 1.2.3, faults none"
    )
    assert health.snapshot(1.0)["camera_fps"] is None


def test_a_camera_without_frames_has_figures_after_a_minute() -> None:
    """A rate of 0 is a figure, not a missing one."""
    health = new_health()
    health.end_minute(60.0)
    assert "camera 0 frames/s, mirror 0 frames/s" in health.line(60.0)


def test_nothing_is_told_before_a_minute_is_over() -> None:
    """Until the minute is over the figures are the same, even if they are asked for often."""
    health = new_health()
    play(health, [0])
    before = health.minute
    for second in range(61, 120):
        health.update(replace(STEADY, captured=30 * second, verdicts=second), float(second))
        assert not health.end_minute(float(second))
        assert health.minute is before


def test_a_day_with_people_reads_as_an_empty_day_but_for_tens_of_verdicts() -> None:
    """A day with visitors differs from an empty day only in the verdicts, in steps of ten."""
    visits = random.Random(4)
    busy = [visits.choice([0, 0, 1, 2]) for _ in range(120)]
    empty, full = play(new_health(3), [0] * 120), play(new_health(3), busy)
    for minute, (without, with_people) in enumerate(zip(empty, full, strict=True)):
        counted = (sum(busy[: minute + 1]) + 3) // VERDICT_STEP * VERDICT_STEP
        expected = without.replace("about 0", f"about {counted}")
        expected = expected.replace("verdicts_total 0", f"verdicts_total {counted}")
        expected = expected.replace('"verdicts": 0', f'"verdicts": {counted}')
        assert with_people == expected
    assert sum(busy) > 5 * VERDICT_STEP, "the day is busy enough to be seen"


def test_one_more_visitor_rarely_changes_the_figure() -> None:
    """For nine of ten starts of the count, one more visitor does not change the figure.

    Nobody knows the start, so an unchanged figure does not show that nobody came.
    """
    for count in range(30):
        same = [
            play(new_health(offset), [count]) == play(new_health(offset), [count + 1])
            for offset in range(VERDICT_STEP)
        ]
        assert sum(same) == VERDICT_STEP - 1


def test_counts_of_shows_add_up_over_restarts() -> None:
    """After a restart nothing is counted twice or lost."""
    health = new_health()
    health.update(replace(STEADY, verdicts=25, skipped=4), 1.0)
    health.show_ended()
    health.update(replace(STEADY, verdicts=11, skipped=1, captured=1), 30.0)
    assert health.end_minute(61.0)
    assert (health.minute.verdicts, health.minute.skipped) == (30, 5)


def test_every_fault_of_a_camera_has_a_word() -> None:
    """The last faults name whatever the show reports of its camera."""
    health = new_health()
    health.update(replace(STEADY, camera_faults=sum(CameraFault)), 1.0)
    told = health.snapshot(2.0)["last_faults"]
    assert isinstance(told, list)
    assert len(told) == len(CameraFault)


def test_faults_are_told_with_their_age() -> None:
    """The last faults are named in words of a fixed list, once each time they begin."""
    health = new_health()
    health.update(replace(STEADY, camera_faults=CameraFault.FROZEN), 1.0)
    health.update(replace(STEADY, camera_faults=CameraFault.FROZEN), 2.0)
    health.update(replace(STEADY, state=State.LOST, analysis_failures=1), 3.0)
    told = health.snapshot(123.0)["last_faults"]
    assert told == [
        {"fault": name, "minutes_ago": 2}
        for name in ("camera frozen", "camera lost", "analysis failed")
    ]
    assert {each["fault"] for each in told} <= set(FAULTS)
    assert "frozen 2 min ago" in as_text(health.snapshot(123.0))


@pytest.mark.parametrize("name", ["restarts_total", "camera_fps", "temperature_c"])
def test_prometheus_gets_each_figure_with_its_kind(name: str) -> None:
    """The exposition has a HELP and a TYPE for each figure, and ends with a newline."""
    health = new_health()
    play(health, [1])
    text = as_prometheus(health.snapshot(60.0))
    lines = text.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith(f"kiosk_{name} "))
    assert lines[place - 2].startswith(f"# HELP kiosk_{name} ")
    assert lines[place - 1].startswith(f"# TYPE kiosk_{name} ")
    assert 'kiosk_state{state="running"} 1' in lines
    assert text.endswith("\n")


def test_the_hottest_sensor_counts(tmp_path: Path) -> None:
    """A machine without a sensor has no temperature; unreadable sensors are left out."""
    assert machine_temperature(tmp_path) is None
    for number, text in enumerate(["41000\n", "67400\n", "what"]):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(text)
    assert machine_temperature(tmp_path) == 67


def test_who_asks_often_learns_no_more() -> None:
    """State and faults stay the same for ten seconds, however often they are requested."""
    health = new_health()
    told = []
    for tenth in range(600):
        state = State.RUNNING if tenth % 2 else State.LOST
        health.update(replace(STEADY, state=state), tenth / 10)
        told.append(json.dumps(health.snapshot(tenth / 10)))
    changes = sum(before != after for before, after in itertools.pairwise(told))
    assert changes <= 6
