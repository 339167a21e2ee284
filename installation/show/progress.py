"""The show's connection to the supervisor.

The show reports its state each second. Before it opens a camera, it waits for the supervisor's
permission.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from installation.errors import GuardError, Mistake
from installation.guarding.status import SandboxStatus
from installation.running.clock import Clock
from installation.running.progress import Progress, State, send

PERIOD_S = 1.0
"""The time between two reports, s; a change of the state is reported at once."""

NOT_PERMITTED = Mistake(
    "supervisor",
    "the supervisor did not allow the show to open a camera",
    "The log lists what the supervisor found; report that as a bug.",
)


class ProgressReporter:
    """Sends reports to the supervisor. Use it from the main thread only."""

    def __init__(self, status: SandboxStatus | None, clock: Clock) -> None:
        """Send reports through the pipe that `status` names; without a pipe nothing is sent."""
        self._pipe = None if status is None else status.progress_pipe
        self._orders = None if status is None else status.orders_pipe
        self._clock = clock
        self._painted = 0
        self._sent_state: State | None = None
        self._sent_at = 0.0
        self.state = State.STARTING
        self._figures: Callable[[], Progress] = Progress
        self._before = Progress()
        """The figures of all live shows that have ended, added up."""

    def begin(self, figures: Callable[[], Progress]) -> None:
        """Begin a live show; the result of `figures` is added to the sums of earlier live shows."""
        self.state, self._figures = State.RUNNING, figures

    def finish(self) -> None:
        """End the live show: add its counts to those of earlier live shows.

        The device and the camera stay known. All other figures are reset.
        """
        self._before = self._sum()
        self._figures = Progress

    def _sum(self) -> Progress:
        before, now = self._before, self._figures()
        return replace(
            now,
            captured=before.captured + now.captured,
            analysed=before.analysed + now.analysed,
            mirrored=before.mirrored + now.mirrored,
            skipped=before.skipped + now.skipped,
            verdicts=before.verdicts + now.verdicts,
            analysis_failures=before.analysis_failures + now.analysis_failures,
            device=now.device or before.device,
            camera_id=now.camera_id or before.camera_id,
        )

    def tick(self) -> None:
        """Count one paint of the screen, and send a report if one is due."""
        self._painted += 1
        now = self._clock.now()
        is_due = not 0 <= now - self._sent_at < PERIOD_S
        if self._pipe is None or (self._sent_state == self.state and not is_due):
            return
        figures, state = self._sum(), self.state
        if state == State.RUNNING and figures.mirrored == self._before.mirrored:
            state = State.OPENING  # No frame has been shown yet.
        if self._sent_state == state and not is_due:
            return
        self._sent_state, self._sent_at = state, now
        record = replace(
            figures,
            state=state,
            painted=self._painted,
            memory_mb=_resident_mb(),
            threads=_count("/proc/self/task"),
            descriptors=_count("/proc/self/fd"),
        )
        send(self._pipe, record)

    def wait_for_permission(self) -> bool:
        """Wait until the supervisor allows the show to open a camera, and return True.

        Without a supervisor, the result is True at once. Raises GuardError if the supervisor has
        ended. The supervisor kills a show in which it finds a mistake.
        """
        if self._orders is not None and not os.read(self._orders, 1):
            raise GuardError(NOT_PERMITTED)
        return True


def _count(folder: str) -> int:
    """Return the number of entries in `folder`; 0 if it cannot be read.

    It cannot be read on systems other than Linux, nor while the computer has no free descriptor.
    """
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


_PAGE = os.sysconf("SC_PAGE_SIZE")


def _resident_mb() -> int:
    """Return the resident memory of this process, MB (10⁶ bytes); 0 if it is not known."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(int(file.read().split()[1]) * _PAGE / 1e6)
    except OSError:
        return 0
