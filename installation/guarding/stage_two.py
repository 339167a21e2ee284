"""The second stage and the self-test: after them the first frame may come.

In this order: forbid files to grow, keep other programs out of this one's memory, put every thread
under the second filter, see that each of them is, look through what is open, and then try every way
out, from the calling thread and from one that is older than the filter. What is open is looked
through after the filter, for before it another thread might still open something behind the look.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from installation.errors import GuardError, Mistake
from installation.guarding.status import (
    CLOSED_MEMORY,
    FILE_SIZE_LIMIT,
    FIRST_STAGE,
    SECCOMP,
    Standing,
    inherited,
)

if TYPE_CHECKING:
    from installation.guarding.probes.probe import Attempt, Outcome

MAIN, EARLIER = "main", "earlier"

NOT_LAUNCHED = Mistake(
    FIRST_STAGE,
    "the show was started without its launcher",
    "Start it with `kiosk run` or scripts/run.",
)


UNFINISHED = Mistake(
    "the self-test", "the earlier thread ended in its midst", "Tell whoever made this kiosk."
)


@dataclass(frozen=True)
class Proof:
    """What was tried at this start, at the local time `at`, and what is missing.

    `swap` says where the kernel may itself write this program's memory to a disk.
    """

    outcomes: tuple[Outcome, ...]
    missing: tuple[Mistake, ...]
    at: datetime.datetime
    swap: Mistake | None = None

    @property
    def ways(self) -> int:
        """How many ways out were tried; not those that this machine does not have or allow."""
        tried = ("refused", "got through")
        return len({outcome.name for outcome in self.outcomes if outcome.became in tried})

    @property
    def holds(self) -> bool:
        """Whether every layer is there and nothing that was tried got through."""
        return bool(self.outcomes) and not self.missing

    @property
    def promises(self) -> bool:
        """Whether visitors may be told that the kernel prevents pictures from being stored."""
        return self.holds and self.swap is None


class Guard:
    """What stands since the launcher, and what is still to come."""

    def __init__(self, standing: Standing, attempts: Sequence[Attempt] | None = None) -> None:
        self.standing = standing
        self._attempts = attempts
        self._proof: Proof | None = None

    @classmethod
    def inherited(cls) -> Guard:
        """Return the guard that the launcher left; without a launcher, one that lacks everything.

        Libraries that look for a place for temporary files no longer find one, and fail only when
        they write.
        """
        standing = inherited() or Standing("enforce", (NOT_LAUNCHED,))
        tempfile.tempdir = standing.ground
        return cls(standing)

    @classmethod
    def auditing(cls, *, short: bool) -> Guard:
        """Return the guard that the launcher left, for an audit: it judges nothing.

        It tries the libraries' ways as well, unless `short`.
        """
        standing = replace(cls.inherited().standing, privacy="degraded")
        if sys.platform != "linux":
            return cls(standing)
        from installation.guarding.probes.probe import ATTEMPTS, SHORT

        return cls(standing, SHORT if short else ATTEMPTS)

    def admit(self) -> None:
        """Raise GuardError where something is missing already and the show must not start so."""
        self._judge(self.standing.missing)

    def seal(self) -> Proof:
        """Enter the second stage and return the proof; only then may a camera be opened.

        Raises GuardError where the guard is enforced and does not hold.
        """
        if sys.platform != "linux":
            proof = Proof((), self.standing.missing, _now())
        else:
            from installation.guarding.probes.probe import SHORT

            proof = self._seal(self._attempts or SHORT)
        self._proof = proof
        self._judge(proof.missing)
        return proof

    def check_again(self) -> Proof:
        """Return the proof with what is missing now: threads may have come since.

        Raises GuardError where the guard was never sealed.
        """
        if self._proof is None:
            raise GuardError(
                Mistake("the audit", "the show ended before anything was tried", "Run it again.")
            )
        if sys.platform != "linux":
            return self._proof
        return replace(self._proof, missing=(*self._proof.missing, *_free_threads()))

    def _judge(self, missing: Sequence[Mistake]) -> None:
        if missing and self.standing.privacy == "enforce":
            raise GuardError(*missing)

    def _seal(self, attempts: Sequence[Attempt]) -> Proof:
        from installation.guarding import host, open_files
        from installation.guarding.probes.probe import tried

        standing, ground = self.standing, Path(self.standing.ground)
        pipes = () if standing.report is None else (standing.report,)
        missing = list(standing.missing)
        with _Witness(lambda: tried(attempts, ground, EARLIER)) as witness:
            missing += _second_stage()
            missing += open_files.look(standing.devices, pipes, standing.kin)
            outcomes = [*tried(attempts, ground, MAIN), *witness.tell()]
        missing += _free_threads()
        missing += [
            _not_refused(outcome)
            for outcome in outcomes
            if outcome.became in ("got through", "forbidden anyway")
        ]
        if len(outcomes) != 2 * len(attempts):
            missing.append(UNFINISHED)
        return Proof(tuple(outcomes), tuple(missing), _now(), host.may_be_swapped())


def _second_stage() -> list[Mistake]:
    """Enter it, and return what could not be had."""
    from installation.guarding.layers import limits, seccomp

    missing = []
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        (FILE_SIZE_LIMIT, limits.forbid_growth),
        (CLOSED_MEMORY, limits.forbid_looking),
        (SECCOMP, lambda: seccomp.enter(seccomp.second(), all_threads=True)),
    )
    for layer, step in steps:
        try:
            step()
        except (OSError, NotImplementedError, ValueError) as failure:
            what = f"it cannot be had here ({failure})"
            missing.append(Mistake(layer, what, "Take Linux 6.12 or newer with seccomp."))
    return missing


def _free_threads() -> list[Mistake]:
    from installation.guarding.layers.seccomp import guarded_threads

    if guarded_threads():
        return []
    return [Mistake(SECCOMP, "a thread is not under both filters", "Tell whoever made this kiosk.")]


def _not_refused(outcome: Outcome) -> Mistake:
    by = " by the guard" if outcome.became == "forbidden anyway" else ""
    number = "" if outcome.error is None else f"; the kernel's number was {outcome.error}"
    return Mistake(
        f"attempt to {outcome.name}",
        f"it was not refused{by} in the {outcome.thread} thread{number}",
        "Run `kiosk audit`, and tell whoever made this kiosk.",
    )


class _Witness:
    """A thread that is there before the filter, and tries afterwards."""

    def __init__(self, work: Callable[[], list[Outcome]]) -> None:
        self._work = work
        self._go = threading.Event()
        self._outcomes: list[Outcome] = []
        self._thread = threading.Thread(target=self._wait, name="witness", daemon=True)

    def __enter__(self) -> _Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.tell()

    def _wait(self) -> None:
        self._go.wait()
        self._outcomes = self._work()

    def tell(self) -> list[Outcome]:
        """Return what became of its attempts."""
        self._go.set()
        self._thread.join()
        return self._outcomes


def _now() -> datetime.datetime:
    return datetime.datetime.now().astimezone()
