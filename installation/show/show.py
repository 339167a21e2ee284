"""One show, from the title card to the summary: where the parts meet.

Three threads see frames. `capture` reads the camera; `analysis` detects, tracks and reads faces;
the main thread owns the window and draws the newest frame, with each box predicted to that frame's
instant. Only frozen values cross between them, each through a `Latest`. Before, the thread `loader`
opens everything heavy while the main thread keeps the title card on the screen; then the guard is
sealed and tries every way out, and only then does the thread `opener` open the camera. Beside them
the thread `labels` looks for changes of the label set.
"""

from __future__ import annotations

import contextlib
import datetime
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from installation.errors import GuardError
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.memory.forgetting import PixelHolder, forget_all
from installation.naming.reading.values import Sightings
from installation.running.clock import Clock, MonotonicClock
from installation.running.latest import Latest
from installation.running.telemetry import Summary
from installation.running.worker import Worker
from installation.seeing.cameras.camera import Camera
from installation.seeing.frame import Frame
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show.analysis import Analysis
from installation.show.capture import CameraStatus, capture_frames
from installation.show.context import open_context
from installation.show.events import Emit, VisitorEvents
from installation.show.mirror import REPAINT_S, Mirror
from installation.show.parts import Log, Parts, open_parts
from installation.show.status import StatusReporter
from installation.showing.cards import title_card, trouble_card, unguarded_card
from installation.showing.fonts import no_font
from installation.showing.painter import Painter
from installation.showing.scene import Scene
from installation.showing.typesetting import ScreenContext
from installation.showing.window import Screen, ScreenEvents
from installation.showing.words import privacy_line

if TYPE_CHECKING:
    # It loads torch, which the loader does after the first paint.
    from installation.naming.reload import LabelSetReloader

T = TypeVar("T")

SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes in Python may keep the mirror from the interpreter."""

ENDING_S = 3.0
"""How long a thread may take to end before the process leaves without it: one analysis of a frame
by a slow network, and one that forgets."""

FAILING_S = 0.3
"""How long a thread may take to end before visitors see the trouble card."""

CARD_S = 8.0
"""How long visitors see a card after a failure, before the process ends."""


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
    ) -> None:
        """Take an open screen, and open the fonts of the cards.

        `started_at` is the start of the process (s, monotonic). `log` takes lines for the staff and
        `emit` the events. `open_parts` and `clock` (None: the machine's) are replaced in tests.
        Without a `guard` nothing is enforced: for measurements. Raises ScreenError.
        """
        self._loaded = loaded
        self._screen = screen
        self._started_at = started_at
        self._log = log
        self._emit = emit
        self._open_parts = open_parts
        self._clock = clock or MonotonicClock()
        self._guard = guard
        self._card_context = open_context(screen, loaded)
        """For the cards: once the guard is sealed no font can be looked for."""
        self._ending = False
        self._screen_events = ScreenEvents()

    def end(self) -> None:
        """End the show at the next paint. Safe to call from a signal handler."""
        self._ending = True

    def run(self, seconds: float | None = None) -> Summary:
        """Return the summary once `seconds` have passed since the start, or somebody ends the show.

        None: no limit. Raises KioskError, or whatever a part raised, after visitors have seen a
        card.
        """
        until = None if seconds is None else self._started_at + seconds
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._paint(title_card(self._card_context))
        first_paint_s = self._seconds()
        try:
            summary = self._open_and_play(until) or Summary(self._seconds())
        except GuardError as error:
            missing = dict.fromkeys(mistake.where for mistake in error.mistakes)
            self._leave_up(unguarded_card(self._card_context, list(missing)))
            raise
        except Exception as error:
            # What was known of visitors must not wait with the failure while the card is up.
            traceback.clear_frames(error.__traceback__)
            self.show_trouble_card()
            raise
        return replace(summary, first_paint_s=first_paint_s)

    def show_trouble_card(self) -> None:
        """Leave the card of a show that cannot go on up for a while."""
        self._leave_up(trouble_card(self._card_context))

    def _open_and_play(self, until: float | None) -> Summary | None:
        """Return the summary; None if the show ended before the camera was open."""
        if self._guard is not None:
            self._admit(self._guard)
        parts = self._run_behind_the_card(
            "loader", lambda: self._open_parts(self._loaded, self._clock, self._log), until
        )
        if parts is None:
            return None
        # To find a font takes a program, which the second stage forbids.
        context = open_context(self._screen, self._loaded, parts.label_set)
        proof = None if self._guard is None else self._seal(self._guard)
        camera = self._run_behind_the_card("opener", parts.open_camera, until)
        if camera is None:
            return None
        return self._play(parts, camera, context, proof, until)

    def _admit(self, guard: Guard) -> None:
        """Log what the guard lacks; raises GuardError if it must not lack anything."""
        guard.check_stage_one()
        for mistake in guard.status.missing:
            self._log(f"privacy: not enforced. {mistake}")

    def _seal(self, guard: Guard) -> Proof:
        """Lay the second stage, and log what its self-test proves."""
        proof = guard.seal()
        if proof.holds:
            self._log(
                f"privacy: enforced; {proof.ways_tried} ways out were tried, and each was refused."
            )
            if proof.swap is not None:
                self._log(f"privacy: visitors are told that storing is possible. {proof.swap}")
        else:
            for mistake in proof.missing[len(guard.status.missing) :]:
                self._log(f"privacy: not enforced. {mistake}")
        return proof

    def _play(
        self,
        parts: Parts,
        camera: Camera,
        context: ScreenContext,
        proof: Proof | None,
        until: float | None,
    ) -> Summary:
        """Return the summary of the show with its camera open."""
        frames, analysed = Latest[Frame](), Latest[Frame]()
        sightings = Latest[Sightings]()
        cameras = Latest[CameraStatus]()
        began_at = self._clock.now()
        reporter = StatusReporter(
            parts,
            proof,
            frames,
            CameraStatus.from_camera(camera),
            cameras,
            self._started_at,
            began_at,
        )
        update_line = None if proof is None else partial(update_privacy_line, proof)
        mirror = Mirror(
            self._screen, context, frames, sightings, self._clock, update_line, reporter.status
        )
        analysis = Analysis(parts, analysed, sightings, self._clock)
        events = VisitorEvents(self._emit, self._started_at)
        capture = Worker("capture", partial(capture_frames, camera, (frames, analysed), cameras))
        workers = [capture, Worker("analysis", analysis)]
        if parts.reloader is not None:
            workers.append(Worker("labels", parts.reloader))
        reading_count, label_set = 0, parts.label_set
        with _forgetting(mirror, frames, analysed, sightings, camera), _running(workers):
            while self._goes_on(until) and not frames.ended:
                news = mirror.step(staff_card=self._screen_events.staff_card)
                if news is not None:
                    events.update(news, self._clock.now())
                    reporter.update(news)
                    reading_count = news.reading_count
                    if news.label_set is not label_set:
                        label_set = news.label_set
                        title = label_set.settings.title
                        self._log(f"labels: {title} has changed on the wall")
                if parts.reloader is not None:
                    self._hand_over(parts.reloader, analysis, context)
                for worker in workers:
                    worker.check()
            seconds = self._clock.now() - began_at
            # A camera that failed has also ended the loop; what it raised is raised here.
            capture.stop(FAILING_S)
            capture.check()
            self._screen.surface.fill(0)
            self._screen.flip()
        return Summary(
            seconds=self._seconds(),
            camera_fps=frames.received / seconds,
            mirror_fps=mirror.ages.total / seconds,
            readings_per_s=reading_count / seconds,
            frame_age_ms=mirror.ages.percentiles(),
            interval_ms=mirror.intervals.percentiles(),
            jitter_ms=mirror.intervals.deviation_ms(),
            dropped=frames.dropped,
            first_frame_s=None if mirror.first_at is None else mirror.first_at - self._started_at,
            first_verdict_s=events.first_verdict_s,
        )

    def _hand_over(
        self, reloader: LabelSetReloader, analysis: Analysis, context: ScreenContext
    ) -> None:
        """Hand a changed label set to the analysis if its letters can be drawn."""
        reloaded = reloader.mailbox.take(timeout=0)
        if reloaded is None:
            return
        label_set = reloaded.classifier.label_set
        if lacking := context.fonts.lacks(reloaded.letters):
            # To find a font takes a program, which the guard forbids by now.
            self._log(f"{no_font('labels', lacking)} Or restart the show.")
            return
        analysis.new_classifiers.put(reloaded.classifier)
        labels = f"{len(label_set.labels):,} of {label_set.size:,}"
        self._log(f"labels: {label_set.settings.title}, {labels}, at the next quiet moment")

    def _seconds(self) -> float:
        """Return the seconds since the start of the process."""
        return self._clock.now() - self._started_at

    def _goes_on(self, until: float | None) -> bool:
        now = self._clock.now()
        self._screen_events = self._screen.poll(now)
        if self._screen_events.end_show or (until is not None and now >= until):
            self.end()
        return not self._ending

    def _run_behind_the_card(
        self, name: str, work: Callable[[], T], until: float | None
    ) -> T | None:
        """Return what `work` returns, run in a thread while the card on the screen stays there.

        None if the show ended before.
        """
        done: Latest[T] = Latest()
        worker = Worker(name, lambda _: done.put(work()))
        worker.start()
        while self._goes_on(until):
            result = done.take(timeout=REPAINT_S)
            if result is not None:
                return result
            worker.check()
            self._screen.flip()
        return None

    def _paint(self, card: Scene) -> None:
        Painter(self._card_context.fonts).paint(card, self._screen.surface)
        self._screen.flip()

    def _leave_up(self, card: Scene) -> None:
        """Leave `card` up for a while: visitors see neither a traceback nor a black screen."""
        if not self._screen.visible:
            return
        self._paint(card)
        until = self._clock.now() + CARD_S
        while self._goes_on(until):
            self._clock.wait(REPAINT_S)


@contextlib.contextmanager
def _forgetting(*holders: PixelHolder) -> Iterator[None]:
    """Have all of `holders` forget at the end, however it comes."""
    try:
        yield
    finally:
        forget_all(holders)


@contextlib.contextmanager
def _running(workers: Sequence[Worker]) -> Iterator[None]:
    """Run all of `workers`; after a failure they have less time to end. Raises what they raised."""
    for worker in workers:
        worker.start()
    try:
        yield
    except Exception:
        _stop(workers, FAILING_S)
        raise
    _stop(workers, ENDING_S)
    for worker in workers:
        worker.check()


def _stop(workers: Sequence[Worker], seconds: float) -> None:
    """Ask all of them to end, then wait up to so long for each."""
    for worker in workers:
        worker.stop(0)
    for worker in workers:
        worker.stop(seconds)


def update_privacy_line(proof: Proof, context: ScreenContext) -> ScreenContext:
    """Return `context` with the promise that `proof` supports today."""
    words = context.words
    line = privacy_line(
        words, proof.prevents_storage, proof.ways_tried, proof.tested_at, datetime.date.today()
    )
    if line == words.privacy:
        return context
    return replace(context, words=words.model_copy(update={"privacy": line}))
