"""Keeps the analysis running while the mirror runs, even if parts of it fail.

The mirror does not need the analysis: if it fails, visitors see themselves without labels. A
network that failed is opened again on the same device, then on the CPU, and after some minutes on
the first device again. If a network hangs, its thread cannot be ended, so the analysis is started
again in another thread, with parts that the old thread does not use. If different failures follow
each other, or if too many threads hang, the process is restarted.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from installation.errors import KioskError, Mistake, RestartNeededError
from installation.memory.buffers import return_freed_memory
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.values import Sightings
from installation.running.clock import Clock
from installation.running.latest import Latest
from installation.running.progress import DeviceKind
from installation.running.worker import Worker
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import View
from installation.show.analysis import Analysis
from installation.show.parts import Log, Networks, OpenNetworks, Parts
from installation.showing.scenes.faults import AnalysisFault
from installation.showing.type.line_breaks import warm_up

HANGS_S = 10.0
"""The longest time that the analysis may return no result although frames arrive, s. The slowest
measured reading took two seconds, on a machine whose cores were both busy.
"""

OPENING_S = 120.0
"""The longest time for opening the networks, s."""

MAX_STEP_S = 0.5
"""At most this much of the time between two checks counts as waiting for a result, s. If more time
has passed, the whole machine was suspended or overloaded, and the analysis has not failed.
"""

DELAYS_S = (0.5, 1.0, 2.0, 3.0)
"""The delays before failed networks are opened again, s: after the first, the second, … failure
within `MEMORY_S`.

Visitors wait for a name until the next attempt, so the delays are short. If opening the networks
takes at most seven seconds, names are back within ten seconds after the end of a fault. From the
fourth failure on, the delay is 3 s, or as long as the previous opening took if that was longer. So
at most half of the time is spent on opening networks.
"""

DEVICE_FAILURES = 2
"""The number of failures within `MEMORY_S` after which the networks run on the CPU instead of the
graphics card.
"""

MEMORY_S = 600.0
"""How long a failure counts for `DELAYS_S`, `DEVICE_FAILURES` and `KINDS`, s.
After the same time, a graphics card that has failed is used again.
"""

KINDS = 3
"""If this many kinds of failures happen within `MEMORY_S`, the process is restarted."""

DIFFERENT_FAILURES = f"{KINDS} different failures in ten minutes"
"""The beginning of the message for a restart after `KINDS` different failures."""

MAX_HANGING = 5
"""The largest number of threads that may hang at the same time. Each of them keeps its networks,
about 40 MB. The kiosk cannot end such a thread: the thread ends when its call returns, or with the
process. If one more thread hangs, the process is restarted.
"""

HANG = "a call that hangs"


@dataclass
class FailureHistory:
    """The failures of the analysis. Each `LiveShow` passes them on to the next `LiveShow`."""

    failed: deque[tuple[str, float]] = field(default_factory=lambda: deque(maxlen=50))
    """The kind and the instant (s, monotonic) of each failure."""
    given_up_at: float | None = None
    """The instant from which the CPU is used instead of the graphics card (s, monotonic); None if
    the graphics card is in use or there is none.
    """
    abandoned: list[Worker] = field(default_factory=list)
    """The workers whose analysis failed and whose threads have not ended."""


class AnalysisKeeper:
    """Opens the networks and runs the analysis. Use it from the main thread only."""

    def __init__(
        self,
        parts: Parts,
        frames: Latest[Frame],
        sightings: Latest[Sightings],
        clock: Clock,
        log: Log,
        language: str,
        view: View,
        history: FailureHistory | None = None,
    ) -> None:
        """Store `parts` and the mailboxes; threads start only in `step`.

        The analysis takes frames from `frames`, and puts sightings into `sightings`. `clock` is the
        show's clock, and `log` is called with a line for each failure. `language` is the labels'
        language, and `view` returns the part of a frame that is on the screen. `history` has the
        failures that earlier keepers have recorded; None means that there were none.
        """
        self._history = history or FailureHistory()
        self._view = view
        self._parts = parts
        self._frames = frames
        self._sightings = sightings
        self._clock = clock
        self._log = log
        self._language = language
        self._opened: Latest[Networks] = Latest()
        self._workers: list[Worker] = []
        self._open_at: float | None = clock.now()
        """The instant at which the networks must be opened (s, monotonic); None if they are open or
        being opened.
        """
        self._opening_since: float | None = None
        """The instant at which the opening of the networks began (s, monotonic); None if they are
        not being opened.
        """
        self._opening_s = 0.0
        """How long the last opening took, s."""
        self._waited_s = 0.0
        self._looked_at = clock.now()
        self._results = 0
        self.analysis: Analysis | None = None
        self.networks: Networks | None = None
        """The networks in use; None while they are being opened."""
        self.failures = 0

    @property
    def device_kind(self) -> DeviceKind:
        """The kind of processor that the networks run on."""
        if self._history.given_up_at is not None:
            return DeviceKind.PROCESSOR_INSTEAD
        if self.networks is None:
            return DeviceKind.UNKNOWN
        is_card = self.networks.device in ("cuda", "mps")
        return DeviceKind.GRAPHICS_CARD if is_card else DeviceKind.PROCESSOR

    @property
    def fault(self) -> AnalysisFault | None:
        """The current fault of the analysis, for the staff; None if there is none."""
        if self.networks is None and self.failures:
            return AnalysisFault.FAILED
        return AnalysisFault.CARD_FAILED if self._history.given_up_at is not None else None

    def parts(self) -> Parts:
        """Return the parts in use, for the next keeper; the open networks are among them."""
        if self.networks is None or self.analysis is None:
            return self._parts
        networks = replace(self.networks, classifier=self.analysis.classifier)
        parts = _with_label_set(self._parts, networks.classifier.label_set)
        return replace(parts, open_networks=OpenNetworks(networks, parts.open_networks))

    def step(self) -> bool:
        """Do the work that is due, and return whether all data about people must be dropped.

        They must be dropped if the analysis failed. Raises KioskError if staff must correct
        something before the networks can be opened, and RestartNeededError if a new process is
        needed.
        """
        now = self._clock.now()
        history = self._history
        abandoned = [worker for worker in history.abandoned if not worker.stop(0)]
        if len(abandoned) < len(history.abandoned):
            # The networks of calls that hung are freed only now. Returning their memory takes some
            # milliseconds, for which the mirror must not wait.
            history.abandoned = abandoned
            with contextlib.suppress(RuntimeError):  # no memory for a thread
                Worker("memory", lambda _: return_freed_memory()).start()
        try:
            # Starting a thread fails on a machine that has run out of memory.
            if self._open_at is not None and now >= self._open_at:
                self._open(now)
            networks = self._opened.take(timeout=0)
            if networks is not None:
                self._note_opening()
                self._begin(networks)
            for worker in self._workers:
                worker.check()
        except KioskError:
            if self.failures == 0 and self.networks is None:
                raise  # At the start, staff must see a mistake in a file.
            self._fail("KioskError", now)
            return True
        except Exception as error:
            logging.getLogger("kiosk").error(
                "the analysis failed", exc_info=(type(error), error, error.__traceback__)
            )
            self._fail(type(error).__name__, now)
            return True
        if self._hangs(now):
            self._fail(HANG, now)
            return True
        if history.given_up_at is not None and now - history.given_up_at >= MEMORY_S:
            self._log("analysis: the graphics card that failed is tried again.")
            history.given_up_at = None
            self._end_workers()
            self._open_at = now
        return False

    def stop(self, timeout: float) -> bool:
        """Ask all threads to end, each within `timeout` seconds; return whether all did."""
        for worker in self._workers:
            worker.stop(0)
        ended = [worker.stop(timeout) for worker in self._workers]
        return all(ended)

    def _open(self, now: float) -> None:
        """Open the networks in a thread."""
        self._open_at, self._opening_since = None, now
        parts, self._opened = self._parts, Latest()
        open_networks: Callable[[], Networks] = parts.open_networks
        # Networks that an earlier live show has left open are already on the processor if the
        # graphics card is not used any more.
        is_open = isinstance(open_networks, OpenNetworks) and open_networks.has_networks
        if self._history.given_up_at is not None and parts.reopen_networks and not is_open:
            open_networks = partial(parts.reopen_networks, parts.label_set, True)
        work = partial(_open_networks, open_networks, parts, self._language, self._opened)
        self._run(Worker("networks", work))
        self._waited_s, self._looked_at = 0.0, now

    def _begin(self, networks: Networks) -> None:
        """Start the threads that need the networks."""
        self.networks = networks
        self.analysis = Analysis(
            self._parts, networks, self._frames, self._sightings, self._clock, self._view
        )
        self._waited_s, self._results = 0.0, self._sightings.received
        self._run(Worker("analysis", self.analysis))
        if networks.reloader is not None:
            self._run(Worker("labels", networks.reloader))

    def _run(self, worker: Worker) -> None:
        self._workers.append(worker)
        worker.start()

    def _hangs(self, now: float) -> bool:
        """Return whether there has been no result for too long."""
        step_s = min(max(now - self._looked_at, 0.0), MAX_STEP_S)
        self._looked_at = now
        if self._open_at is not None:
            return False
        if self._sightings.received != self._results:
            self._results, self._waited_s = self._sightings.received, 0.0
        self._waited_s += step_s
        return self._waited_s >= (OPENING_S if self.networks is None else HANGS_S)

    def _note_opening(self) -> None:
        """If an opening of the networks has ended, successfully or not, store how long it took."""
        if self._opening_since is not None:
            self._opening_s = self._clock.now() - self._opening_since
            self._opening_since = None

    def _fail(self, kind: str, now: float) -> None:
        """Record a failure of this `kind`, and decide what follows. Raises RestartNeededError."""
        self._note_opening()
        self.failures += 1
        history = self._history
        history.failed.append((kind, now))
        recent = [each for each, at in history.failed if now - at < MEMORY_S]
        if len(set(recent)) >= KINDS:
            problem = f"{DIFFERENT_FAILURES} ({', '.join(sorted(set(recent)))})"
            raise RestartNeededError(
                Mistake("analysis", problem, "The show restarts automatically.")
            )
        if kind == HANG and len(history.abandoned) >= MAX_HANGING:
            number = len(history.abandoned) + 1
            problem = f"{number} threads with neural networks hang (expected at most {MAX_HANGING})"
            raise RestartNeededError(
                Mistake("analysis", problem, "The show restarts automatically.")
            )
        had_card = self.device_kind == DeviceKind.GRAPHICS_CARD
        if had_card and len(recent) >= DEVICE_FAILURES:
            history.given_up_at = now
            self._log(
                "analysis: the graphics card failed, so the networks run on the processor for ten "
                "minutes."
            )
        delay_s = DELAYS_S[min(len(recent), len(DELAYS_S)) - 1]
        if len(recent) >= len(DELAYS_S):
            delay_s = max(delay_s, round(self._opening_s))
        self._log(
            f"analysis: failed ({kind}). The mirror continues without labels; the networks are "
            f"reopened in {delay_s:g} s."
        )
        self._end_workers()
        self._open_at = now + delay_s

    def _end_workers(self) -> None:
        """Abandon the threads, together with all parts that they use.

        After that, only threads that hang still refer to the networks.
        """
        for worker in self._workers:
            worker.stop(0)
        self._history.abandoned += self._workers
        self._workers = []
        label_set = self._parts.label_set
        if self.analysis is not None:
            label_set = self.analysis.classifier.label_set
        self._parts = _with_label_set(self._parts, label_set)
        if self._parts.renew is not None:
            self._parts = self._parts.renew(self._parts)
        self.analysis = self.networks = None


def _with_label_set(parts: Parts, label_set: LabelSet) -> Parts:
    """Return `parts`, changed so that networks are opened for `label_set`.

    They are opened on the device that the settings choose, even if this device has failed before.
    """
    if parts.reopen_networks is None:
        return replace(parts, label_set=label_set)
    reopen = partial(parts.reopen_networks, label_set, False)
    return replace(parts, label_set=label_set, open_networks=reopen)


def _open_networks(
    open_networks: Callable[[], Networks],
    parts: Parts,
    language: str,
    opened: Latest[Networks],
    _: threading.Event,
) -> None:
    """Put the networks into `opened` when they are open and labels in `language` can be drawn."""
    networks = open_networks()
    # Data for line breaks is loaded now; loading it at the first verdict would stop the mirror.
    warm_up(parts.label_set.texts(), language)
    # While the networks are opened, more memory is freed than they keep, in pieces that differ each
    # time.
    return_freed_memory()
    opened.put(networks)
