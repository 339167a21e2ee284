"""Measures what the guard (a show's sandbox) costs: runs shows with and without it in turn.

    scripts/bench --guard --source film.mp4

In each round there are two pairs in mirrored order (with, without, without, with), so that neither
kind of show has an advantage on a machine that becomes slower. By chance, the two shows of a pair
differ by more than the guard costs; therefore ratios are means over pairs, with their standard
error. Both kinds of show get the same environment and paint the same number of words. A show with
the guard also has its supervisor and its output filters, as in a gallery.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from scripts.bench import Figures, machine

ROOT = Path(__file__).resolve().parent.parent
SIZE = (1920, 1080)

RATE, AGE, LATER_MS = 0.97, 1.03, 300.0
"""The targets. RATE is the least ratio (frames a second with the guard) / (without it). AGE is the
largest ratio (frame age with the guard) / (without it). LATER_MS is how much later the first paint
and the first frame may come with the guard, ms.
"""


@dataclass(frozen=True)
class Pair:
    """The figures of two shows that ran one after the other: with the guard, and without it."""

    guarded: Figures
    free: Figures

    def ratio(self, *keys: str) -> float:
        """Return the figure at `keys` with the guard, divided by the figure without it."""
        return at(self.guarded, keys) / at(self.free, keys)

    def later_ms(self, *keys: str) -> float:
        """Return (time at `keys` with the guard, s) − (time without the guard, s), in ms."""
        return 1000 * (at(self.guarded, keys) - at(self.free, keys))


Row = tuple[str, Sequence[float], str, str, bool]
"""A row of the table: name, values, their format, the target, and whether it was met."""


def main(args: Namespace) -> int:
    """Measure, print the table, and return 0 if every target was met."""
    free_show(args)  # Not counted: the first show reads everything from the disk.
    pairs = [pair for _ in range(args.rounds) for pair in measure(args)]
    print(
        f"{machine()}; {len(pairs)} pairs of {args.seconds:g} s; {SIZE[0]}×{SIZE[1]}; "
        f"{args.detector}; {Path(args.source).name}\n"
    )
    table = rows(pairs)
    print("| what the guard costs | mean ± standard error, or median | range | target | met |")
    print("|---|---|---|---|---|")
    for name, values, form, target, met in table:
        low, high = min(values), max(values)
        print(
            f"| {name} | {middle(values, form)} | {low:{form}} – {high:{form}} | {target} | "
            f"{'yes' if met else 'NO'} |"
        )
    return 0 if all(met for *_, met in table) else 1


def measure(args: Namespace) -> list[Pair]:
    """Run the four shows of one round, and return their figures as two pairs."""
    first, before = show(args), free_show(args)
    after, last = free_show(args), show(args)
    pairs = [Pair(first, before), Pair(last, after)]
    print(json.dumps([[pair.guarded, pair.free] for pair in pairs]), file=sys.stderr)
    return pairs


def rows(pairs: Sequence[Pair]) -> list[Row]:
    """Return the rows of the table: one for each figure that is compared.

    Each row has one value for each of `pairs`. A pair is a show with the guard and a show without
    it.
    """
    rate = Ratios(pair.ratio("mirror_fps") for pair in pairs)
    age = Ratios(pair.ratio("frame_age_ms", "p50") for pair in pairs)
    oldest = Ratios(pair.ratio("frame_age_ms", "p95") for pair in pairs)
    paint = [pair.later_ms("first_paint_s") for pair in pairs]
    frame = [pair.later_ms("first_frame_s") for pair in pairs]
    return [
        (
            "frames a second with the guard / without it",
            rate,
            ".3f",
            f"≥ {RATE}",
            rate.mean >= RATE,
        ),
        ("frame age p50 with the guard / without it", age, ".3f", f"≤ {AGE}", age.mean <= AGE),
        (
            "frame age p95 with the guard / without it",
            oldest,
            ".3f",
            f"≤ {AGE}",
            oldest.mean <= AGE,
        ),
        ("delay of the first paint, ms", paint, ".0f", f"≤ {LATER_MS:.0f}", _is_soon(paint)),
        ("delay of the first frame, ms", frame, ".0f", f"≤ {LATER_MS:.0f}", _is_soon(frame)),
    ]


def _is_soon(later_ms: Sequence[float]) -> bool:
    return statistics.median(later_ms) <= LATER_MS


class Ratios(tuple[float, ...]):
    """The ratio of a figure with the guard to the figure without it, for each pair of shows.

    The shows of a pair differ by more than the cost of the guard. A mean over pairs, with its
    standard error, says how much of the difference is chance; the median of a few pairs does not.
    """

    @property
    def mean(self) -> float:
        """The geometric mean of the ratios."""
        return statistics.geometric_mean(self)

    @property
    def error(self) -> float:
        """The standard error of the ratios' geometric mean."""
        if len(self) < 2:
            return math.inf
        return self.mean * statistics.stdev(map(math.log, self)) / math.sqrt(len(self))


def middle(values: Sequence[float], form: str) -> str:
    """Return the mean ± standard error of `Ratios`, or the median of other `values`, as text."""
    if isinstance(values, Ratios):
        return f"{values.mean:{form}} ± {values.error:{form}}"
    return f"{statistics.median(values):{form}}"


def at(figures: Figures, keys: Sequence[str]) -> float:
    """Return the figure at the nested `keys`; end the bench if it was not measured."""
    value: Any = figures
    for key in keys:
        value = value[key]
    if value is None:
        raise SystemExit(
            f"nothing was measured for {'.'.join(keys)}: use a larger value for --seconds"
        )
    return cast("float", value)


def free_show(args: Namespace) -> Figures:
    """Run a show without the guard in a process of its own, and return its figures.

    The process has the environment that the launcher gives to a show.
    """
    command = ["-B", "-P", __file__, args.source, args.labels, args.detector]
    return _last_line([*command, str(args.seconds)])


def show(args: Namespace) -> Figures:
    """Return the figures of the show as visitors see it, under the guard."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "kiosk.yaml")
        settings.write_text(f"detector: {args.detector}\n", encoding="utf-8")
        command = ["-m", "installation", "run", str(settings), "--source", args.source]
        command += ["--labels", args.labels, "--windowed", f"{SIZE[0]}x{SIZE[1]}"]
        return _last_line([*command, "--seconds", str(args.seconds)])


def _last_line(command: Sequence[str]) -> Figures:
    from installation.guarding.stage_one import show_environment

    shared = show_environment(
        os.environ
    )  # what the launcher would set, so that the guard alone differs
    environment = shared | {"SDL_VIDEODRIVER": "dummy", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return cast("Figures", json.loads(ran.stdout.splitlines()[-1]))


def run_unguarded(source: str, labels: str, detector: str, seconds: float) -> Figures:
    """Run a show that has no guard, and return its figures.

    This show paints as many words as a show with the guard.
    """
    from installation import STARTED_AT
    from installation.guarding.guard import Guard
    from installation.guarding.self_test import Proof
    from installation.guarding.status import SandboxStatus
    from installation.settings.kiosk import Settings
    from installation.settings.yaml_file import Loaded
    from installation.show.entry import run_show

    class Idle(Guard):
        """A guard that enforces nothing.

        Its privacy text has three lines, like the real guard's, so that a show with `Idle` paints
        as many words.
        """

        def check_stage_one(self) -> None:
            pass

        def enter_middle_stage(self) -> None:
            pass

        def seal(self) -> Proof:
            return Proof((), (), datetime.datetime.now().astimezone())

    settings = Settings.model_validate(
        {"labels": labels, "detector": detector, "camera": {"source": source}}
    )
    return run_show(
        Loaded(settings, "the bench", {}, {}),
        windowed=SIZE,
        seconds=seconds,
        started_at=STARTED_AT,
        log=lambda line: print(line, file=sys.stderr),
        emit=lambda _: None,
        guard=Idle(SandboxStatus("enforce")),
    ).as_event()


if __name__ == "__main__":
    _source, _labels, _detector, _seconds = sys.argv[1:]
    print(json.dumps(run_unguarded(_source, _labels, _detector, float(_seconds))))
