"""The supervisor: starts the show, restarts it when it ends, and reports its health.

It uses the standard library only and sees no frame. A process in the sandbox cannot start another
show, so the supervisor runs outside the sandbox. Because the sandbox does not protect it, the
supervisor accepts only numbers from the show (`running.progress`). One thread waits for all events:
signals, the end of a process, numbers from the show, clients of the status socket, and the time.

Two processes have a window. The **show** has its window in front. The **card** is a small process
without camera and networks; its window is behind the show's window and displays a calm picture.
While no show runs, visitors see this picture and not a desktop. Rejected: displaying the picture in
the show's own process, because visitors would see the desktop until the next show has started.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from installation.running.clock import Clock
from installation.running.ended_processes import EndedProcesses
from installation.running.health import Health
from installation.running.heartbeat import Heartbeat
from installation.running.leftovers import descendants, end_descendants, ended_forks, kill
from installation.running.progress import READ_AT_MOST, Progress, ProgressStream, State
from installation.running.restarts import RESTART, RestartPolicy, fault_of_end, words_of_end
from installation.running.service import ServiceManager
from installation.running.started import STOP_SIGNALS, Started
from installation.running.status_socket import StatusSocket

STOP_S = 4.0
"""The longest time for the show to end after a stop signal, s; systemd allows the unit 10 s."""

LEFTOVERS_S = 2.5
"""The longest time for the output filters to write their remaining lines after the show has ended,
s.
"""

CARD_S = 5.0
"""The longest wait for the window of the card before the show starts, s. The show's window must be
the later one, so that it comes in front.
"""

FILTER_S = 1.0
"""If a show still sends its numbers this long after one of its output filters has ended, s, the
supervisor ends it and starts another. A show that ends normally stops sending sooner.
"""

WITNESS_S = 60.0
"""The time between two checks of the show's sandbox, made from outside the show, s."""

EXTENSION_S = 60.0
"""While the kiosk starts, the supervisor repeatedly asks systemd for this much more time, s.
systemd ends a supervisor that hangs and stops asking.
"""

TICK_S = 0.25
"""The longest time between two checks of the clock, s."""

LOST_FILTER = (
    "supervisor: an output filter has ended, so the show is restarted. Without that filter the "
    "show's log or its events would be lost."
)

LOADING, TROUBLE, PAUSED = b"loading\n", b"trouble\n", b"paused\n"
"""The messages that tell the card its text: the show starts, has failed, or fails repeatedly."""


class Starter(Protocol):
    """Starts the processes; the launcher implements this with the sandbox."""

    def start_show(self, *, waits_for_camera: bool, camera_id: int, ran_s: float) -> Started:
        """Start a show and return its process.

        `camera_id` is the number of the last show's camera, or 0. `ran_s` is the time since the
        supervisor's start, s. `--seconds` limits all shows together, so `ran_s` is subtracted.
        """
        ...

    def start_card(self) -> Started | None:
        """Start the process that shows the card, and return it; None if the show has no window."""
        ...


class Supervisor:
    """Keeps one show running until it ends normally or is told to stop."""

    def __init__(
        self,
        starter: Starter,
        *,
        clock: Clock,
        log: Callable[[str], None],
        log_health: Callable[[Health, float], None],
        health: Health,
        manager: ServiceManager,
        witness: Callable[[int], Sequence[str]],
        status: StatusSocket | None,
        is_service: bool,
    ) -> None:
        """Store the supervisor's parts.

        Args:
            starter: Starts the show and the card.
            clock: Provides the current time, and waits.
            log: Called with a line for the staff.
            log_health: Called with the health of the last minute, and the instant (s).
            health: Collects the figures of the show.
            manager: Receives the messages to systemd.
            witness: Takes the show's process ID, and returns the faults of its sandbox, as text.
            status: Answers clients that ask for the health; None if it could not be opened.
            is_service: Whether systemd started the supervisor. If so, the show waits for a camera,
                and a show that fails is started again even if no frame has been shown yet.
        """
        self._starter = starter
        self._clock = clock
        self._log = log
        self._log_health = log_health
        self._health = health
        self._manager = manager
        self._witness = witness
        self._status = status
        self._is_service = is_service
        self._policy = RestartPolicy()
        self._selector = selectors.DefaultSelector()
        self._began_at = clock.now()
        self._show: Started | None = None
        self._card: Started | None = None
        self._card_is_ready = False
        self._start_at = self._began_at
        self._show_began_at = self._began_at
        self._heartbeat = Heartbeat(self._began_at)
        self._stream = ProgressStream()
        self._progress = Progress()
        self._has_mirrored = False
        self._camera_id = 0
        self._is_permitted = False
        self._witnessed_at = self._began_at
        self._filters = EndedProcesses(self._selector)
        self._watchdog_notified_at = self._extended_at = float("-inf")
        self._is_ready = False
        self._stopped_by: int | None = None
        self._kill_at = float("inf")
        self._signals: list[int] = []

    def run(self) -> int:
        """Run until the show has ended and is not started again; return the exit status.

        A status -N means that the signal N ended the show.
        """
        with self._receiving_signals() as wakeup:
            self._selector.register(wakeup, selectors.EVENT_READ)
            if self._status is not None:
                self._selector.register(self._status, selectors.EVENT_READ)
            self._start_card(LOADING)
            try:
                return self._loop(wakeup)
            finally:
                self._end_everything()

    def _loop(self, wakeup: socket.socket) -> int:
        while True:
            if self._may_start(now := self._clock.now()):
                self._start_show(now)
            ready = {key.fileobj for key, _ in self._selector.select(TICK_S)}
            with contextlib.suppress(BlockingIOError):
                wakeup.recv(4096)
            now = self._clock.now()
            if self._status is not None and self._status in ready:
                self._status.answer(self._health.snapshot(now))
            self._read_card(ready)
            self._filters.update(ready, now)
            self._read_progress(ready, now)
            if (status := self._handle_signals(now)) is not None:
                return status
            if (status := self._handle_ends(now)) is not None:
                return status
            self._look_after_show(now)
            if self._health.end_minute(now):
                self._log_health(self._health, now)
            self._tell_manager(now)

    # What the loop receives: bytes, signals and the ends of processes.

    def _read_card(self, ready: Collection[object]) -> None:
        card = self._card
        if card is not None and card.reading in ready:
            if _read(card.reading):
                self._card_is_ready = True
            else:
                self._selector.unregister(card.reading)

    def _read_progress(self, ready: Collection[object], now: float) -> None:
        show = self._show
        if show is None or show.reading not in ready:
            return
        data = _read(show.reading)
        if not data:
            self._selector.unregister(show.reading)
            return
        progress = self._stream.newest(data)
        if progress is None:
            return
        self._progress = progress
        self._has_mirrored |= progress.mirrored > 0
        self._camera_id = progress.camera_id or self._camera_id
        self._heartbeat.update(progress)
        self._health.update(progress, now)
        lost = False
        # A show that has frames without having reported its seal is checked as well.
        if not self._is_permitted and (progress.state == State.SEALED or progress.captured):
            # A sealed show starts no process: those that may end from here on are its filters.
            self._filters.watch(descendants(show.pid))
            lost = bool(ended_forks(show.pid))
            self._is_permitted = not lost and self._look_from_outside(now)
            if self._is_permitted:
                _write(show.writing, b"\1")
        if lost or self._filters.ended_s(now) > FILTER_S:
            self._log(LOST_FILTER)
            self._end_show("output filter ended", now)

    def _handle_signals(self, now: float) -> int | None:
        """Pass the first stop signal on to the show; after a second one, return the exit status."""
        while self._signals:
            number = self._signals.pop(0)
            if self._stopped_by is not None:
                return -number
            self._stopped_by = number
            self._manager.stopping()
            if self._show is None:
                return 0 if number == signal.SIGTERM else -number
            kill(self._show.pid, number)
            self._kill_at = now + STOP_S
        return None

    def _handle_ends(self, now: float) -> int | None:
        """Reap all processes that have ended; return the exit status if the supervisor ends too."""
        status = None
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, code = ended[0], os.waitstatus_to_exitcode(ended[1])
                if self._card is not None and pid == self._card.pid:
                    self._forget_card()
                    if code == 0:  # Somebody held Escape while no show was in front.
                        self._signals.append(signal.SIGTERM)
                elif self._show is not None and pid == self._show.pid:
                    status = self._after_show(code, now)
        return status

    # Starting, checking and ending the show.

    def _may_start(self, now: float) -> bool:
        """Return whether a show is due and need not wait for the card's window any longer."""
        if self._show is not None or self._stopped_by is not None or now < self._start_at:
            return False
        return self._card is None or self._card_is_ready or now - self._start_at >= CARD_S

    def _start_show(self, now: float) -> None:
        self._show_began_at = now
        try:
            self._show = self._starter.start_show(
                waits_for_camera=self._is_service or self._camera_id != 0,
                camera_id=self._camera_id,
                ran_s=now - self._began_at,
            )
        except OSError as error:  # for example no memory for a process
            self._start_at = now + (delay_s := self._policy.delay_s(now, 0.0))
            self._log(
                f"supervisor: no show can be started ({error}). Next attempt in {delay_s:g} s."
            )
            return
        os.set_blocking(self._show.reading, False)
        os.set_blocking(self._show.writing, False)
        self._selector.register(self._show.reading, selectors.EVENT_READ)
        self._heartbeat, self._stream = Heartbeat(now), ProgressStream()
        self._progress, self._is_permitted = Progress(), False

    def _look_after_show(self, now: float) -> None:
        """End a show that hangs, ignores a stop signal, or fails the check of its sandbox."""
        show = self._show
        if show is None:
            return
        if now >= self._kill_at:
            kill(show.pid, signal.SIGKILL)
        elif part := self._heartbeat.stalled(now):
            self._log(f"supervisor: the show makes no progress ({part} stalled) and is ended.")
            self._end_show(f"{part} stalled", now)
        elif self._is_permitted and now - self._witnessed_at >= WITNESS_S:
            self._look_from_outside(now)

    def _look_from_outside(self, now: float) -> bool:
        """Return whether the show passes the check of its sandbox; end a show that fails it."""
        assert self._show is not None
        self._witnessed_at = now
        problems = self._witness(self._show.pid)
        if not problems:
            return True
        for problem in problems:
            self._log(f"supervisor: {problem}")
        self._end_show("witness", now)
        return False

    def _end_show(self, fault: str, now: float) -> None:
        """Kill the show because of `fault`; the supervisor then starts another one."""
        assert self._show is not None
        self._health.fault(fault, now)
        self._filters.clear()
        self._heartbeat = Heartbeat(now)
        with contextlib.suppress(KeyError):  # What it still sends would be checked again.
            self._selector.unregister(self._show.reading)
        kill(self._show.pid, signal.SIGKILL)

    def _after_show(self, code: int, now: float) -> int | None:
        """Clean up after a show that ended with `code`; return `code` if no show follows."""
        show, ran_s = self._show, now - self._show_began_at
        assert show is not None
        self._show = None
        for pipe in (show.reading, show.writing):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(pipe)
            os.close(pipe)
        self._filters.clear()
        self._health.show_ended()
        stops = self._stopped_by is not None or code in (0, -signal.SIGINT, -signal.SIGTERM)
        if stops or not (self._is_service or self._has_mirrored or code < 0 or code == RESTART):
            self._end_leftovers()
            return code
        # A new process for a new camera also waits: each start has a new budget of output.
        delay_s = self._policy.delay_s(now, ran_s)
        card = PAUSED if self._policy.is_slow else TROUBLE
        self._show_card(card)
        self._end_leftovers()
        self._health.restarts = self._policy.count
        self._start_at = now + delay_s
        if code == RESTART:
            ended = "ended so that it can continue in a new process"
        else:
            self._health.fault(fault_of_end(code), now)
            ended = f"ended after {ran_s:.1f} s ({words_of_end(code)})"
        when = f"in {delay_s:g} s" if delay_s else "immediately"
        self._log(
            f"supervisor: the show {ended}. It restarts {when} (restart {self._policy.count})."
        )
        if self._card is None:
            self._start_card(card)
        return None

    def _end_leftovers(self) -> None:
        """Wait for the output filters, then end all processes that the show left behind."""
        spared = () if self._card is None else (self._card.pid,)
        own = os.getpid()
        ends_at = self._clock.now() + LEFTOVERS_S
        while descendants(own, spared) and self._clock.now() < ends_at:
            self._clock.wait(0.02)
        if killed := end_descendants(own, spared):
            self._log(f"supervisor: killed processes that the show left behind (number: {killed}).")

    # Starting and instructing the card.

    def _start_card(self, card: bytes) -> None:
        self._card, self._card_is_ready = None, False
        with contextlib.suppress(OSError):  # The show is more important than its card.
            self._card = self._starter.start_card()
        if self._card is not None:
            os.set_blocking(self._card.reading, False)
            os.set_blocking(self._card.writing, False)
            self._selector.register(self._card.reading, selectors.EVENT_READ)
            self._show_card(card)

    def _show_card(self, card: bytes) -> None:
        if self._card is not None:
            _write(self._card.writing, card)

    def _forget_card(self) -> None:
        """Close the pipes of a card process that has ended.

        No new card is started, because its window would open in front of the running show.
        """
        assert self._card is not None
        for pipe in (self._card.reading, self._card.writing):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(pipe)
            os.close(pipe)
        self._card = None

    # Talking to systemd, receiving signals, and ending all processes.

    def _tell_manager(self, now: float) -> None:
        """Tell systemd that the service needs more time to start, has started, or is alive."""
        if not self._is_ready and (self._card_is_ready or self._progress != Progress()):
            self._is_ready = True
            self._manager.ready()
        elif not self._is_ready and now - self._extended_at >= EXTENSION_S / 4:
            # The heartbeat ends a show that does not start, so a loop that runs is progress.
            self._extended_at = now
            self._manager.extend_start(EXTENSION_S)
        watchdog_s = self._manager.watchdog_s
        if watchdog_s is None or now - self._watchdog_notified_at < watchdog_s / 4:
            return
        if self._show is None or self._heartbeat.is_alive():
            self._watchdog_notified_at = now
            self._manager.alive()
            self._manager.status(State(self._progress.state).name.lower())

    def _end_everything(self) -> None:
        if self._show is not None:
            kill(self._show.pid, signal.SIGKILL)
        if self._card is not None:
            kill(self._card.pid, signal.SIGKILL)
        end_descendants(os.getpid())
        if self._status is not None:
            self._status.close()
        self._selector.close()

    @contextlib.contextmanager
    def _receiving_signals(self) -> Iterator[socket.socket]:
        """Record stop signals while the block runs; yield a socket that wakes the loop."""
        reading, writing = socket.socketpair()
        with reading, writing:
            reading.setblocking(False)
            writing.setblocking(False)
            previous = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
            handlers = {
                number: signal.signal(number, lambda number, _: self._signals.append(number))
                for number in STOP_SIGNALS
            }
            handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
            try:
                yield reading
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(previous)


def _read(pipe: int) -> bytes | None:
    """Return the bytes that have arrived: `b""` if the other end is closed, None after an error."""
    try:
        return os.read(pipe, READ_AT_MOST)
    except OSError:
        return None


def _write(pipe: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(pipe, data)
