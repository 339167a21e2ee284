"""One show, from the title card to the summary.

The thread `loader` opens the label set while the main thread keeps the title card on the screen.
Then the guard is sealed and runs every probe, and only then the thread `opener` opens the camera.
After that, `live` runs the show, and opens the networks while the mirror runs. After a failure
visitors see a card.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from installation.errors import CameraError, GuardError, Mistake, RestartNeededError
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.memory.garbage import collect_now, resume_collection
from installation.naming.label_set.folder import ONNX_FILE, letters_in
from installation.running.clock import Clock, MonotonicClock
from installation.running.latest import Latest
from installation.running.progress import State
from installation.running.telemetry import Summary
from installation.running.worker import Worker
from installation.seeing.cameras import v4l
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.hotplug import NewNodes, plugged_in
from installation.settings.kiosk import Settings
from installation.settings.paths import MODELS
from installation.settings.yaml_file import Loaded
from installation.show.analysis_keeper import FailureHistory
from installation.show.camera.backoff import Backoff
from installation.show.camera.care import CameraCare
from installation.show.camera.opener import OTHER_CAMERA, CameraOpener
from installation.show.card import Card, CardOnScreen, card_for_staff
from installation.show.context import open_context
from installation.show.events import Emit
from installation.show.live import LiveShow
from installation.show.mirror import REPAINT_S
from installation.show.parts import Log, Parts, allowed_cameras, open_parts
from installation.show.privacy_line import without_privacy_line
from installation.show.progress import ProgressReporter
from installation.show.status import SettingsWatch
from installation.showing.scenes.cards import (
    no_camera_card,
    title_card,
    trouble_card,
    unguarded_card,
)
from installation.showing.type.font_files import search_fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import SCREEN_CHANGED, Screen, ScreenEvents

T = TypeVar("T")

SWITCH_INTERVAL_S = 0.0005
"""The longest time for which another Python thread may keep the main thread waiting, s."""

RETRY_S = 2.0
"""The wait under systemd before a missing camera is tried again, s."""

CARD_S = 8.0
"""How long visitors see a card after a failure before the process ends, s."""


CLOSING_S = 4.0
"""The longest wait for the threads of a live show to end after the camera failed, s. One read of
the camera takes up to two seconds.
"""

OPEN_S = 30.0
"""The longest time for opening a camera, s. A driver that hangs would never finish."""

CAMERA_HANGS = Mistake(
    "camera",
    f"the camera did not open within {OPEN_S:.0f} s",
    "Unplug the camera and plug it in again. If this happens again, use another cable or port.",
)


CAMERA_STATES = (State.STALLED, State.LOST, State.WAITING)
"""The states in which the show tries to open its camera again."""

THREAD_HANGS = Mistake(
    "show",
    f"a driver or a neural network has not responded for {CLOSING_S:.0f} s",
    "The show restarts automatically.",
)


def _prepare(folder: Path) -> bool:
    """Check the network in a label set's `folder`, if it has one; return True when that is done."""
    if (folder / ONNX_FILE).exists():
        from installation.naming.networks.open import prepare_network

        prepare_network(folder)
    return True


class Show:
    """One show, from the title card to the summary."""

    def __init__(
        self,
        loaded: Loaded[Settings],
        screen: Screen,
        *,
        started_at: float,
        log: Log,
        emit: Emit,
        open_parts: Callable[[Loaded[Settings], Clock, Log], Parts] = open_parts,
        clock: Clock | None = None,
        guard: Guard | None = None,
        is_service: bool | None = None,
        first_paint_at: float | None = None,
        settings: SettingsWatch | None = None,
    ) -> None:
        """Store the settings `loaded` and the open `screen`, and open the fonts of the cards.

        `started_at` is the start of the process (s, monotonic). `log` is called with lines for the
        staff, and `emit` with the events. `open_parts` and `clock` (None: the machine's) are
        replaced in tests. Without a `guard` nothing is enforced; only tests and a show that only
        paints the trouble card have none.
        `is_service` says whether the show waits for a missing camera (None: the supervisor
        decides). `first_paint_at` is the instant at which the title card was on the screen (s,
        monotonic); None: it is not there yet. `settings` watches kiosk.yaml (None: nobody watches
        it). Raises ScreenError.
        """
        status = None if guard is None else guard.status
        waits = status is not None and status.waits_for_camera
        self._is_service = waits if is_service is None else is_service
        is_supervised = status is not None and status.progress_pipe is not None
        self._recovers = self._is_service or is_supervised
        self._loaded = loaded
        self._screen = screen
        self._started_at = started_at
        self._log = log
        self._emit = emit
        self._open_parts = open_parts
        self._clock = clock or MonotonicClock()
        self._guard = guard
        # After the guard has been sealed, no font can be searched for.
        self._card = CardOnScreen(screen, open_context(screen, loaded))
        self._first_paint_at = first_paint_at
        self._settings = settings
        self._ending = False
        self._reporter = ProgressReporter(status, self._clock)

    def end(self) -> None:
        """End the show at the next paint. Safe to call from a signal handler."""
        self._ending = True

    def run(self, seconds: float | None = None) -> Summary:
        """Run the show, and return its summary.

        The show ends when somebody ends it, or `seconds` after the process started; None: no limit.
        Raises KioskError, or any exception of a part. RestartNeededError is raised immediately. Any
        other exception is raised after visitors have seen a card for `CARD_S`.
        """
        until = None if seconds is None else self._started_at + seconds
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._card.show(lambda context: title_card(without_privacy_line(context)))
        first_paint_at = self._first_paint_at or self._clock.now()
        try:
            summary = self._open_and_play(until) or Summary(self._seconds())
        except GuardError as error:
            missing = dict.fromkeys(mistake.where for mistake in error.mistakes)
            self._show_card_for(lambda context: unguarded_card(context, list(missing)), error)
            raise
        except RestartNeededError:
            raise
        except Exception as error:
            # The failure must not keep data about visitors while the card is shown.
            traceback.clear_frames(error.__traceback__)
            self.show_trouble_card(error)
            raise
        return replace(summary, first_paint_s=first_paint_at - self._started_at)

    def show_trouble_card(self, error: Exception | None = None) -> None:
        """Show the card for a show that cannot continue, for `CARD_S`.

        The key for the staff card shows the mistakes of `error`.
        """
        self._reporter.state = State.FAILED
        self._show_card_for(trouble_card, error)

    def _open_and_play(self, until: float | None) -> Summary | None:
        """Open all parts, run the show, and return its summary; None if no live show ran."""
        if self._guard is not None:
            self._require_guard(self._guard)
            # Finding a font starts a program, which the guard forbids from the middle stage on.
            search_fonts(letters_in(MODELS / self._loaded.settings.labels))
            # Checking a network of unknown origin starts a process.
            folder = MODELS / self._loaded.settings.labels
            prepared = self._run_behind_the_card("network", lambda: _prepare(folder), until)
            if prepared is None:
                return None
            self._screen.allocate_buffers()
            self._guard.enter_middle_stage()
        parts = self._run_behind_the_card(
            "loader", lambda: self._open_parts(self._loaded, self._clock, self._log), until
        )
        if parts is None:
            return None
        context = open_context(self._screen, self._loaded, parts.label_set)
        proof = None if self._guard is None else self._seal(self._guard)
        self._reporter.state = State.SEALED
        resume_collection()
        if not self._run_behind_the_card("permission", self._reporter.wait_for_permission, until):
            return None
        return self._play(parts, context, proof, until)

    def _play(
        self, parts: Parts, context: ScreenContext, proof: Proof | None, until: float | None
    ) -> Summary | None:
        """Open the camera and run the live show; repeat both after each failure of the camera.

        The show ends at the instant `until` (s, monotonic; None: no limit). Returns the summary of
        the last live show, or None if there was none. Without a supervisor, the first CameraError
        is raised.
        """
        care, history, backoff, summary = CameraCare(), FailureHistory(), Backoff(), None
        while (camera := self._open_camera(parts, until)) is not None:
            live = LiveShow(
                parts,
                camera,
                self._screen,
                context,
                proof,
                started_at=self._started_at,
                clock=self._clock,
                log=self._log,
                emit=self._emit,
                care=care,
                history=history,
                settings=self._settings,
            )
            began_at = self._clock.now()
            self._reporter.begin(live.figures)
            try:
                return live.run(lambda: self._poll(until))
            except CameraError as error:
                if not self._recovers:
                    raise
                traceback.clear_frames(error.__traceback__)
                ran_s = self._clock.now() - began_at
                if not self._wait_after(error, parts, backoff.next_s(ran_s), until):
                    return summary
            finally:
                # The error's traceback refers to data about visitors.
                self._reporter.finish()
            summary, parts = live.summary(), self._parts_of(live, camera, parts, until)
            # The parts of a live show refer to each other. Its networks, 40 MB that Python's
            # garbage collector does not see, would stay for hours.
            del live, camera
            collect_now()
        return summary

    def _wait_after(
        self, error: CameraError, parts: Parts, delay_s: float, until: float | None
    ) -> bool:
        """Show the calm card after the camera failed; return whether the show continues.

        The card stays for `delay_s`, but not beyond the instant `until` (s, monotonic; None: no
        limit).
        """
        opener = parts.open_camera
        present = not isinstance(opener, CameraOpener) or opener.is_plugged_in()
        self._reporter.state = State.STALLED if present else State.LOST
        self._log(f"{error}")
        return self._show_card(no_camera_card, error, delay_s, until)

    def _parts_of(self, live: LiveShow, camera: Camera, parts: Parts, until: float | None) -> Parts:
        """Return the parts for the next live show, after the threads of the last one have ended.

        Raises RestartNeededError if one of these threads hangs.
        """
        in_use = live.parts()
        hangs = RestartNeededError(THREAD_HANGS)

        def wait_for_end() -> bool:
            while not live.has_ended():
                self._clock.wait(REPAINT_S)
            return True

        try:
            self._run_behind_the_card("closer", wait_for_end, until, CLOSING_S)
        except CameraError:
            raise hangs from None
        if isinstance(parts.open_camera, CameraOpener):
            parts.open_camera.remember(camera)
        return in_use

    def _open_camera(self, parts: Parts, until: float | None) -> Camera | None:
        """Return the open camera; None if the show ended before it was open.

        If the show runs as a service, it shows the calm card until the camera can be opened. Nobody
        would read an error message of a service, and a restart every ten seconds would not help.
        """
        status = None if self._guard is None else self._guard.status
        new_nodes = NewNodes(allowed_cameras(v4l.video_nodes(), status))
        opener, lost = parts.open_camera, self._reporter.state in (State.STALLED, State.LOST)
        waits = lost
        if not lost:
            self._reporter.state = State.OPENING
        while True:
            try:
                return self._run_behind_the_card("opener", opener, until, OPEN_S)
            except CameraError as error:
                if not self._is_service and not lost:
                    raise
                if CAMERA_HANGS in error.mistakes:
                    raise RestartNeededError(*error.mistakes) from None
                if not waits:
                    self._log(f"{error}")
                    self._log("camera: the show waits until the camera can be opened.")
                    is_lost = OTHER_CAMERA in error.mistakes
                    self._reporter.state = State.LOST if is_lost else State.WAITING
                    waits = True
                if not self._show_card(no_camera_card, error, RETRY_S, until):
                    return None
            known = isinstance(opener, CameraOpener) and opener.camera_id
            if (node := new_nodes.find()) and not known:
                # The sandbox lets the show open only the devices that the launcher found.
                raise plugged_in(node, "the show was waiting for a camera")

    def _require_guard(self, guard: Guard) -> None:
        """Log which parts of the guard are missing; raises GuardError if `privacy` is `enforce`."""
        guard.check_stage_one()
        for mistake in guard.status.missing:
            self._log(f"privacy: not enforced. {mistake}")
        if not guard.status.missing and not guard.status.landlock_version:
            self._log(
                "privacy: this kernel has no Landlock, so the protection of files from changes "
                "begins later, but before the show searches for a camera."
            )

    def _seal(self, guard: Guard) -> Proof:
        """Enter stage two of the sandbox, run the self-test, log its result, and return it."""
        proof = guard.seal()
        if proof.holds:
            self._log(
                f"privacy: enforced; the self-test tried {proof.ways_tried} ways to get data out, "
                "and all were refused."
            )
            for mistake in proof.not_prevented:
                self._log(f"privacy: the screen says that pictures could be stored. {mistake}")
        else:
            for mistake in proof.missing[len(guard.status.missing) :]:
                self._log(f"privacy: not enforced. {mistake}")
        return proof

    def _seconds(self) -> float:
        """Return the time since the start of the process, s."""
        return self._clock.now() - self._started_at

    def _poll(self, until: float | None) -> ScreenEvents:
        """Return the screen's events; their `end_show` is true if the show must end.

        The reason may be a key, a signal, or the instant `until` at which the show ends (s,
        monotonic; None: no limit). Raises RestartNeededError if a new window is needed.
        """
        self._reporter.tick()
        now = self._clock.now()
        events = self._screen.poll(now)
        if events.line:
            self._log(events.line)
        if events.outdated:
            raise RestartNeededError(SCREEN_CHANGED)
        if events.end_show or (until is not None and now >= until):
            self.end()
        return replace(events, end_show=self._ending)

    def _run_behind_the_card(
        self,
        name: str,
        work: Callable[[], T],
        until: float | None,
        limit_s: float = math.inf,
    ) -> T | None:
        """Run `work` in a thread while the current card stays on the screen; return its result.

        `name` is the thread's name. Returns None if the show ends before `work` has ended, for
        example at the instant `until` (s, monotonic; None: no limit). Raises CameraError if `work`
        takes longer than `limit_s`.
        """
        done: Latest[T] = Latest()
        worker = Worker(name, lambda _: done.put(work()))
        worker.start()
        steps = 0
        while not (events := self._poll(until)).end_show:
            result = done.take(timeout=REPAINT_S)
            if result is not None:
                return result
            worker.check()
            self._card.update(staff_card=events.staff_card)
            steps += 1  # Unlike the clock, the steps stop while the computer sleeps.
            if steps * REPAINT_S >= limit_s:
                raise CameraError(CAMERA_HANGS)
        return None

    def _show_card_for(self, card: Card, error: Exception | None) -> None:
        """Show `card` for `CARD_S`, so that visitors see neither a traceback nor a black screen."""
        if self._screen.visible:
            self._show_card(card, error, CARD_S)

    def _show_card(
        self, card: Card, error: Exception | None, seconds: float, until: float | None = None
    ) -> bool:
        """Show `card` for `seconds`; return whether the show continues after that.

        The staff's card says what is wrong according to `error`. While it is on the screen, the
        show waits longer than `seconds`, so that the staff can read it. A show that tries to open
        its camera again does not wait longer.
        `until` is the instant at which the show ends (s, monotonic).
        """
        self._card.show(card, card_for_staff(error, self._reporter.state))
        ends_at = self._clock.now() + seconds
        while not (events := self._poll(until)).end_show:
            is_read = events.staff_card and self._reporter.state not in CAMERA_STATES
            if self._clock.now() >= ends_at and not is_read:
                return True
            self._card.update(staff_card=events.staff_card)
            self._clock.wait(REPAINT_S)
        return False
