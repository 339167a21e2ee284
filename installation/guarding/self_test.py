"""The self-test: runs every probe against the sandbox, from two threads, before the first frame.

The calling thread is one of the two. The other thread was started before stage two, so a filter
that covers only new threads would not restrict it.
"""

from __future__ import annotations

import datetime
import errno
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from installation.errors import Mistake, counted, join_first
from installation.guarding.status import LANDLOCK

if TYPE_CHECKING:
    from installation.guarding.probes.probe import Probe, ProbeResult

MAIN, EARLIER = "main", "earlier"
"""The names of the two threads that run the probes; each result contains one of these names."""


def boot_clock() -> float:
    """Return the seconds since the machine was started, including time spent in sleep."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass(frozen=True)
class Proof:
    """The results of a self-test, its local time `tested_at`, and the mistakes that were found.

    `not_prevented` is the result of `host.not_prevented`: the ways by which pictures can leave the
    show despite the sandbox. `tested_at_s` is the instant `tested_at` in seconds of `boot_clock`;
    None if it is not known.
    """

    results: tuple[ProbeResult, ...]
    missing: tuple[Mistake, ...]
    tested_at: datetime.datetime
    not_prevented: tuple[Mistake, ...] = ()
    absent_layers: tuple[str, ...] = ()
    """The layers that this kernel lacks; other layers replace them."""
    tested_at_s: float | None = None

    def by_clock(self, local: datetime.datetime, now_s: float) -> Proof:
        """Return a copy with `tested_at` corrected, if the clock was set after the self-test.

        `local` is the local time now, and `now_s` the time of `boot_clock` now. A computer without
        a clock battery starts with a past time, and its clock is set when it reaches the network.
        The promise on the screen then states the corrected time. If `tested_at_s` is None, nothing
        is corrected.
        """
        if self.tested_at_s is None:
            return self
        tested_at = local - datetime.timedelta(seconds=round(now_s - self.tested_at_s))
        return replace(self, tested_at=tested_at)

    def by_this_clock(self) -> Proof:
        """Return the proof with `tested_at` in this machine's current time and time zone.

        If the clock was set after the self-test, the time is corrected (see `by_clock`). The UTC
        offset is the one that applied during the self-test, even if summer time has begun or ended
        since. The time zone is read at each call, because somebody may set it while the show runs.
        """
        if hasattr(time, "tzset"):
            time.tzset()
        proof = self.by_clock(datetime.datetime.now().astimezone(), boot_clock())
        return replace(proof, tested_at=proof.tested_at.astimezone())

    @property
    def ways_tried(self) -> int:
        """The number of probes that were refused or succeeded.

        Not counted are probes whose call this machine does not have, and probes that the kernel
        denies even without the sandbox.
        """
        counted = ("refused", "succeeded")
        return len({result.name for result in self.results if result.outcome in counted})

    @property
    def holds(self) -> bool:
        """Whether every layer is set up and every probe was refused."""
        return bool(self.results) and not self.missing

    @property
    def prevents_storage(self) -> bool:
        """Whether visitors may be told that the kernel prevents pictures from being stored."""
        return self.holds and not self.not_prevented


class SelfTest:
    """A context manager: enter stage two inside it, then call `run` to run the probes.

    Entering the context starts the thread `EARLIER`, and leaving the context ends that thread.
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        scratch_dir: Path,
        unavailable: Mapping[str, int] | None = None,
    ) -> None:
        """Store `probes`; the method `run` runs them with the folder `scratch_dir`.

        `unavailable` has the error numbers of the probes that failed before the sandbox was
        entered, keyed by name. It is the result of `find_unavailable`.
        """
        self._probes = probes
        self._scratch_dir = scratch_dir
        self._unavailable = unavailable
        self._go = threading.Event()
        self._cancelled = False
        self._earlier_results: list[ProbeResult] = []
        self._thread = threading.Thread(target=self._wait, name="self-test", daemon=True)

    def __enter__(self) -> SelfTest:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._cancelled = True
            self._go.set()
            self._thread.join()

    def run(self) -> list[ProbeResult]:
        """Run all probes in this thread, then in the thread `EARLIER`, and return the results."""
        from installation.guarding.probes.probe import run_probes

        results = run_probes(self._probes, self._scratch_dir, MAIN, self._unavailable)
        self._go.set()
        self._thread.join()
        return [*results, *self._earlier_results]

    def _wait(self) -> None:
        from installation.guarding.probes.probe import run_probes

        self._go.wait()
        if not self._cancelled:
            self._earlier_results = run_probes(
                self._probes, self._scratch_dir, EARLIER, self._unavailable
            )

    def missing(self, results: Sequence[ProbeResult], *, explained: bool = False) -> list[Mistake]:
        """Return a mistake for each probe that was not refused, and one if some probes did not run.

        `explained` says that a missing layer has already been reported. This layer explains why
        probes were not refused. A single mistake then names all probes that were not refused.
        """
        failed = [each for each in results if each.outcome in _NOT_REFUSED]
        mistakes = [_not_refused(each) for each in failed]
        if explained and failed:
            names = list(dict.fromkeys(each.name for each in failed))
            problem = (
                f"the sandbox did not refuse {counted(len(names), 'probe')}: {join_first(names)}"
            )
            mistakes = [
                Mistake(
                    "probes",
                    problem,
                    "A layer of the sandbox is missing: correct the other mistakes listed here.",
                )
            ]
        expected = 2 * len(self._probes)
        if len(results) != expected:
            seen = f"{len(results)} results, expected {expected}"
            problem = f"the thread 'earlier' ended before its last probe ({seen})"
            mistakes.append(Mistake("self-test", problem, "Report this as a bug."))
        return mistakes


def find_landlock_gaps(
    scratch_dir: Path, unavailable: Mapping[str, int], version: int
) -> list[Mistake]:
    """Return a mistake for each change of a file that this `version` of Landlock does not refuse.

    Call this before stage two. In stage two, the filter refuses almost all changes, and Landlock
    never sees them. `unavailable` is the result of `find_unavailable`, called before the sandbox
    was entered.
    """
    if not version:
        return []
    from installation.guarding.layers import landlock
    from installation.guarding.probes.files import IN_SCRATCH_DIR, TRUNCATING
    from installation.guarding.probes.probe import run_probes

    probes = [
        each
        for each in IN_SCRATCH_DIR
        if version >= landlock.TRUNCATE_ABI or each.name not in TRUNCATING
    ]
    results = run_probes(probes, scratch_dir, MAIN, unavailable)
    # The first version refuses to move files to other folders, but with EXDEV, which the kernel
    # also returns without Landlock.
    gaps = [
        each.name for each in results if each.outcome in _NOT_REFUSED and each.errno != errno.EXDEV
    ]
    if not gaps:
        return []
    changes = counted(len(gaps), "change")
    problem = f"this kernel's Landlock did not refuse {changes} of files: {join_first(gaps)}"
    return [Mistake(LANDLOCK, problem, "Run `kiosk audit`, and report this as a bug.")]


_NOT_REFUSED = ("succeeded", "denied anyway")


def _not_refused(result: ProbeResult) -> Mistake:
    by_sandbox = " by the sandbox" if result.outcome == "denied anyway" else ""
    number = "" if result.errno is None else f" (errno {result.errno})"
    return Mistake(
        f"probe '{result.name}'",
        f"not refused{by_sandbox} in the {result.thread} thread{number}",
        "Run `kiosk audit`, and report this as a bug.",
    )
