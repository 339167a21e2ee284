"""The bench of the guard: its table from figures, and one short run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from installation.settings.paths import PROJECT
from scripts.bench_guard import Pair, rows
from tests.support.children import needs_guard


def figures(fps: float, age_ms: float, start_s: float) -> dict[str, object]:
    """Return the figures of a show, from which the rows of the table are made."""
    return {
        "mirror_fps": fps,
        "frame_age_ms": {"p50": age_ms, "p95": 2 * age_ms},
        "first_paint_s": start_s,
        "first_frame_s": 2 * start_s,
    }


@pytest.mark.parametrize(
    ("guarded", "met"),
    [
        (figures(30, 5, 1.0), [True] * 5),
        (figures(29.5, 5.1, 1.1), [True] * 5),
        (figures(28, 5, 1.0), [False, True, True, True, True]),
        (figures(30, 5.3, 1.0), [True, False, False, True, True]),
        (figures(30, 5, 1.2), [True, True, True, True, False]),
        (figures(30, 5, 1.4), [True, True, True, False, False]),
    ],
)
def test_a_show_that_costs_too_much_misses_its_target(
    guarded: dict[str, object], met: list[bool]
) -> None:
    """Each row is compared with the show without the guard, and with the row's target."""
    table = rows([Pair(guarded, figures(30, 5, 1.0))] * 2)
    assert [row[-1] for row in table] == met


@pytest.mark.slow
@needs_guard
def test_the_bench_of_the_guard_measures_both_kinds_of_show() -> None:
    """One round prints five rows; whether the targets are met depends on the machine."""
    command = [sys.executable, "-m", "scripts.bench", "--guard", "--rounds", "1", "--seconds", "5"]
    ran = subprocess.run(
        command,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode in (0, 1), ran.stderr
    table = [line for line in ran.stdout.splitlines() if line[:1] == "|"]
    assert len(table) == 2 + 5, ran.stderr
