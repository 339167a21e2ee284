"""The guard of one show: it enters stage two, searches for leaks and runs the self-test.

The order is fixed. Stage two comes before the search for leaks, because otherwise another thread
could open a file after the search. The probes come last, because they test the complete sandbox.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from installation.errors import GuardError, Mistake
from installation.guarding.middle_stage import enter_middle_stage
from installation.guarding.self_test import Proof, SelfTest, boot_clock, find_landlock_gaps
from installation.guarding.stage_two import enter_stage_two, unfiltered_threads
from installation.guarding.status import LANDLOCK, STAGE_ONE, SandboxStatus

if TYPE_CHECKING:
    from installation.guarding.probes.probe import Probe

NOT_LAUNCHED = Mistake(
    STAGE_ONE,
    "the show was started without the launcher",
    "Start it with `kiosk run` or scripts/run.",
)


class Guard:
    """The sandbox of one show after stage one, with a method for each step before the first frame.

    `probes` are the probes of the self-test, by default QUICK_PROBES.
    """

    def __init__(self, status: SandboxStatus, probes: Sequence[Probe] | None = None) -> None:
        self.status = status
        self._probes = probes
        self._proof: Proof | None = None
        self._in_middle_stage: list[Mistake] | None = None

    @classmethod
    def from_environment(cls) -> Guard:
        """Return a guard with the result of stage one.

        If stage one did not run, the guard treats this as a mistake, which `check_stage_one`
        reports.
        """
        return cls(SandboxStatus.from_environment() or SandboxStatus("enforce", (NOT_LAUNCHED,)))

    @classmethod
    def for_audit(cls, *, short: bool) -> Guard:
        """Return the guard of an audit, which continues even if parts of the sandbox are missing.

        Unless `short` is true, the audit also runs the probes that go through libraries.
        """
        status = replace(cls.from_environment().status, privacy="degraded")
        if sys.platform != "linux":
            return cls(status)
        from installation.guarding.probes.all_probes import ALL_PROBES, QUICK_PROBES

        return cls(status, QUICK_PROBES if short else ALL_PROBES)

    def redirect_temporary_files(self) -> None:
        """Make Python's `tempfile` use the scratch folder in this whole process.

        Otherwise `tempfile` searches for a writable folder and raises if there is none, so
        libraries that only need the folder's name would fail.
        """
        tempfile.tempdir = self.status.scratch_dir

    def check_stage_one(self) -> None:
        """Raise GuardError if stage one is incomplete and `privacy` is `enforce`."""
        self._require(self.status.missing)

    def enter_middle_stage(self) -> None:
        """Refuse the calls that only the window, the fonts and the search for cameras needed.

        Call this before torch, label sets and networks are loaded. Raises GuardError if a layer is
        missing and `privacy` is `enforce`.
        """
        if self._in_middle_stage is None:
            self._in_middle_stage = [] if sys.platform != "linux" else enter_middle_stage()
        self._require(self._in_middle_stage)

    def seal(self) -> Proof:
        """Enter stage two, search for leaks, run the self-test, and return the results.

        A camera may be opened only after this. Raises GuardError if a mistake was found and
        `privacy` is `enforce`.
        """
        if sys.platform != "linux":
            proof = Proof((), self.status.missing, _now(), tested_at_s=boot_clock())
        else:
            from installation.guarding.probes.all_probes import QUICK_PROBES

            proof = self._seal(self._probes or QUICK_PROBES)
        self._proof = proof
        self._require(proof.missing)
        return proof

    def check_again(self) -> Proof:
        """Return the results of `seal`, with a mistake added if a thread lacks a filter now.

        Raises GuardError if `seal` was not called before.
        """
        if self._proof is None:
            raise GuardError(
                Mistake("audit", "the show ended before the self-test", "Run the audit again.")
            )
        if sys.platform != "linux":
            return self._proof
        return replace(self._proof, missing=(*self._proof.missing, *unfiltered_threads()))

    def _require(self, missing: Sequence[Mistake]) -> None:
        if missing and self.status.privacy == "enforce":
            raise GuardError(*missing)

    def _seal(self, probes: Sequence[Probe]) -> Proof:
        from installation.guarding import host, open_files

        self.enter_middle_stage()
        status = self.status
        missing = [*status.missing, *(self._in_middle_stage or ())]
        scratch_dir = Path(status.scratch_dir)
        if not any(each.where in (LANDLOCK, STAGE_ONE) for each in missing):
            missing += find_landlock_gaps(scratch_dir, status.unavailable, status.landlock_version)
        with SelfTest(probes, scratch_dir, status.unavailable) as self_test:
            missing += enter_stage_two(status.landlock_version)
            missing += open_files.find_leaks(status.devices, status.pipes, status.known_children)
            results = self_test.run()
        missing += unfiltered_threads()
        missing += self_test.missing(results, explained=bool(missing))
        return Proof(
            tuple(results),
            tuple(missing),
            _now(),
            host.not_prevented(),
            () if status.landlock_version else (LANDLOCK,),
            tested_at_s=boot_clock(),
        )


def _now() -> datetime.datetime:
    return datetime.datetime.now().astimezone()
