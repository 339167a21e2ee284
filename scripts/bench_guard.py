"""Measures what the guard costs: shows with and without it, turn by turn in one run.

    scripts/bench --guard --source film.mp4

In each round there are two pairs in mirrored order (with, without, without, with), so that a
machine that becomes slower favours neither. Shows of one pair differ by chance more than the guard
costs; therefore ratios are means over pairs, with their standard error. Both kinds of show get the
same environment and paint the same number of words; the one with the guard also has its supervisor
and its output filters, as in a gallery.
"""

from __future__ import annotations

import json
import statistics
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.bench import SIZE, UNGUARDED, Figures, Ratios, at, child, machine, middle, show

RATE, AGE, LATER_MS = 0.97, 1.03, 300.0
"""The targets: the least rate and the largest frame age, each over that without the guard, and how
much later a start may be, ms.
"""


@dataclass(frozen=True)
class Pair:
    """The figures of a show under the guard, and of one without it beside it."""

    guarded: Figures
    free: Figures

    def ratio(self, *keys: str) -> float:
        """Return how many times the figure at `keys` is that without the guard."""
        return at(self.guarded, keys) / at(self.free, keys)

    def later_ms(self, *keys: str) -> float:
        """Return how much later the instant at `keys` came with the guard, ms."""
        return 1000 * (at(self.guarded, keys) - at(self.free, keys))


Row = tuple[str, Sequence[float], str, str, bool]
"""A row of the table: name, values, their format, the target, and whether it was met."""


def main(args: Namespace) -> int:
    """Measure, print the table, and return 0 if every target was met."""
    child(args, UNGUARDED)  # Not counted: the first show reads everything from the disk.
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
    """Return the two pairs of one round."""
    first, before = show(args), child(args, UNGUARDED)
    after, last = child(args, UNGUARDED), show(args)
    pairs = [Pair(first, before), Pair(last, after)]
    print(json.dumps([[pair.guarded, pair.free] for pair in pairs]), file=sys.stderr)
    return pairs


def rows(pairs: Sequence[Pair]) -> list[Row]:
    """Return the rows of the table for `pairs`."""
    rate = Ratios(pair.ratio("mirror_fps") for pair in pairs)
    age = Ratios(pair.ratio("frame_age_ms", "p50") for pair in pairs)
    oldest = Ratios(pair.ratio("frame_age_ms", "p95") for pair in pairs)
    paint = [pair.later_ms("first_paint_s") for pair in pairs]
    frame = [pair.later_ms("first_frame_s") for pair in pairs]
    return [
        ("mirror's rate, over that without", rate, ".3f", f"≥ {RATE}", rate.mean >= RATE),
        ("frame age, over that without", age, ".3f", f"≤ {AGE}", age.mean <= AGE),
        ("the same, p95", oldest, ".3f", f"≤ {AGE}", oldest.mean <= AGE),
        ("first paint later, ms", paint, ".0f", f"≤ {LATER_MS:.0f}", _is_soon(paint)),
        ("first frame later, ms", frame, ".0f", f"≤ {LATER_MS:.0f}", _is_soon(frame)),
    ]


def _is_soon(later_ms: Sequence[float]) -> bool:
    return statistics.median(later_ms) <= LATER_MS
