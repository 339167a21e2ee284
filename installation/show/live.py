"""The show while its camera is open: its threads, the mailboxes between them, and the paint loop.

The thread `capture` reads the camera, and `networks` opens the networks while the mirror runs. When
they are open, `analysis` detects, tracks and classifies faces, and `labels` checks whether the
label set has changed. `settings` checks whether kiosk.yaml has changed. The main thread owns the
window. Only immutable values pass between the threads, each through a mailbox (`Latest`), or, for
the staff card, as an attribute that is replaced as a whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from installation.guarding.self_test import Proof
from installation.memory.forgetting import PixelHolder, forget_all
from installation.naming.reading.values import Sightings
from installation.running.clock import Clock
from installation.running.latest import Latest
from installation.running.progress import Progress
from installation.running.telemetry import Summary
from installation.running.worker import Worker
from installation.seeing.box import Box
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.played import rehearsal
from installation.seeing.frame import Frame
from installation.show.analysis_keeper import AnalysisKeeper, FailureHistory
from installation.show.camera.capture import CameraStatus, capture_frames
from installation.show.camera.care import CameraCare
from installation.show.camera.frame_watchdog import FrameWatchdog
from installation.show.camera.opener import CameraOpener
from installation.show.events import Emit, VisitorEvents
from installation.show.mirror import REPAINT_S, Mirror
from installation.show.parts import Log, Parts
from installation.show.privacy_line import update_privacy_line
from installation.show.status import SettingsWatch, StatusReporter
from installation.showing.cover import Cover
from installation.showing.scenes.faults import AnalysisFault
from installation.showing.type.font_files import no_font
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import Screen, ScreenEvents

ENDING_S = 3.0
"""The longest wait for a thread to end, s. A slow network needs this time to finish the analysis of
a frame and to erase its data.
"""

FAILING_S = 0.3
"""The longest wait for a thread to end before visitors see the trouble card, s."""


class LiveShow:
    """The show while the camera is open: its threads, and the loop that paints the screen.

    If the camera fails, this live show ends; `Show` then reopens the camera and starts another one.
    """

    def __init__(
        self,
        parts: Parts,
        camera: Camera,
        screen: Screen,
        context: ScreenContext,
        proof: Proof | None,
        *,
        started_at: float,
        clock: Clock,
        log: Log,
        emit: Emit,
        care: CameraCare | None = None,
        history: FailureHistory | None = None,
        settings: SettingsWatch | None = None,
    ) -> None:
        """Store the show's opened `parts`, `camera` and `screen`. Threads start only in `run`.

        `context` has fonts for the labels of `parts`. `proof` is the guard's self-test, or None
        without a guard. `started_at` is the start of the process (s, monotonic), and `clock` the
        show's clock. `log` is called with lines for the staff, and `emit` with the events. `care`
        decides when the camera is opened again because of faulty pictures (None: never). `history`
        has the failures of the analysis in earlier live shows (None: there were none). `settings`
        watches kiosk.yaml (None: nobody watches it).
        """
        self._parts = parts
        self._care = care
        self._camera = camera
        self._screen = screen
        self._fonts = context.fonts
        self._started_at = started_at
        self._clock = clock
        self._log = log
        self._mirrored: Latest[Frame] = Latest()
        self._analysed: Latest[Frame] = Latest()
        self._sightings: Latest[Sightings] = Latest()
        self._camera_statuses: Latest[CameraStatus] = Latest()
        self._camera_status = CameraStatus.from_camera(camera)
        self._label_set = parts.label_set
        self._reading_count = 0
        self._began_at = clock.now()
        self._reporter = StatusReporter(
            parts.label_set,
            proof,
            self._mirrored,
            self._camera_status,
            started_at,
            self._began_at,
            settings,
        )
        self._mirror = Mirror(
            screen,
            context,
            self._mirrored,
            self._sightings,
            clock,
            None if proof is None else partial(update_privacy_line, proof),
            self._reporter.status,
            is_rehearsal=camera.name.startswith(rehearsal.NAME),
        )
        self._watchdog = FrameWatchdog(clock, lambda: camera.name)
        self._keeper = AnalysisKeeper(
            parts,
            self._analysed,
            self._sightings,
            clock,
            log,
            context.label_language,
            self._visible_part,
            history,
        )
        self._events = VisitorEvents(emit, started_at)
        mailboxes = (self._mirrored, self._analysed)
        capture = partial(capture_frames, camera, mailboxes, self._camera_statuses)
        self._capture = Worker("capture", capture)
        self._settings = None if settings is None else Worker("settings", settings)

    def run(self, poll: Callable[[], ScreenEvents]) -> Summary:
        """Run the show until the camera ends or `poll` requests the end; return the summary.

        Raises whatever a thread has raised. At the end, even after a failure, every part erases its
        pixels. After an end without failure, the screen is black.
        """
        # The parts of the analysis are not in this list: its own thread calls their `forget`,
        # because they are not safe to use from two threads.
        holders = (self._mirror, self._mirrored, self._analysed, self._sightings, self._camera)
        with _forgetting(*holders), _running(self._capture, self._keeper, self._settings):
            while not (screen_events := poll()).end_show and not self._mirrored.ended:
                self._step(screen_events)
            mirrored_s = self._clock.now() - self._began_at
            # A camera that failed has also ended the loop; its exception is raised here.
            self._capture.stop(FAILING_S)
            self._capture.check()
            self._screen.surface.fill(0)
            self._screen.flip()
        return self.summary(mirrored_s)

    def figures(self) -> Progress:
        """Return the figures of this live show so far, which are sent to the supervisor."""
        mirror, opener = self._mirror, self._parts.open_camera
        return Progress(
            captured=self._mirrored.received,
            analysed=self._sightings.received,
            mirrored=mirror.ages.total,
            verdicts=self._events.verdicts,
            frame_age_ms=mirror.recent_age_ms(),
            device=self._keeper.device_kind,
            analysis_failures=self._keeper.failures,
            skipped=self._camera_status.skipped,
            camera_faults=self._camera_status.faults,
            wanted_fps=round(self._camera_status.fps),
            camera_id=opener.camera_id if isinstance(opener, CameraOpener) else 0,
        )

    def parts(self) -> Parts:
        """Return the parts in use, with which the next live show continues."""
        return self._keeper.parts()

    def has_ended(self) -> bool:
        """Return whether all threads that see frames have ended; only then may the parts be reused.

        A driver or a network that hangs may never let its thread end.
        """
        return self._capture.stop(0) and self._keeper.stop(0)

    def _step(self, events: ScreenEvents) -> None:
        """Paint once, and handle what the other threads have sent."""
        sightings = self._mirror.step(staff_card=events.staff_card, exposed=events.exposed)
        if sightings is not None:
            self._report(sightings)
        if self._keeper.step():
            self._mirror.forget_people()
        self._mirror.searches_faces = self._keeper.fault != AnalysisFault.FAILED
        self._reporter.networks = self._keeper.networks
        self._reporter.analysis_fault = self._keeper.fault
        self._offer_label_set()
        self._check_camera()
        self._capture.check()
        if not self._mirrored.ended:
            self._watchdog.check(self._mirrored.received)

    def _check_camera(self) -> None:
        """Log the faults of the camera's pictures.

        Raises CameraError if the camera must be opened again.
        """
        self._camera_status = self._camera_statuses.take(timeout=0) or self._camera_status
        self._reporter.camera = status = self._camera_status
        if self._care is not None:
            for line in self._care.check(status.faults, self._clock.now(), status.name):
                self._log(line)

    def _report(self, sightings: Sightings) -> None:
        """Emit and log what is new in `sightings`, which have just appeared on the screen."""
        self._events.update(sightings, self._clock.now())
        self._reporter.update(sightings)
        self._reading_count = sightings.reading_count
        if sightings.label_set is not self._label_set:
            self._label_set = sightings.label_set
            self._log(f"labels: the changed version of {self._label_set.settings.title} is in use.")

    def _offer_label_set(self) -> None:
        """If the label set has changed and its letters can be drawn, pass it to the analysis."""
        networks, analysis = self._keeper.networks, self._keeper.analysis
        if networks is None or networks.reloader is None or analysis is None:
            return
        changed = networks.reloader.mailbox.take(timeout=0)
        if changed is None:
            return
        label_set = changed.classifier.label_set
        if lacking := self._fonts.lacks(changed.letters):
            # Finding a font starts a program, which the guard forbids now.
            restart = (
                "After installing a font, restart the show: it searches for fonts at its start."
            )
            self._log(f"{no_font('labels', lacking)} {restart}")
            return
        analysis.new_classifiers.put(changed.classifier)
        count = f"{len(label_set.labels):,} of {label_set.size:,} labels"
        self._log(
            f"labels: {label_set.settings.title} has changed ({count}). The new version will be "
            "used as soon as no visitor is present."
        )

    def _visible_part(self, frame: Frame) -> Box:
        """Return the part of `frame` that is on the screen; called by the analysis."""
        return Cover.from_sizes((frame.width, frame.height), self._mirror.room).part

    def summary(self, mirrored_s: float | None = None) -> Summary:
        """Return the summary; the camera was open for `mirrored_s` seconds (None: still open)."""
        if mirrored_s is None:
            mirrored_s = self._clock.now() - self._began_at
        mirrored_s = max(mirrored_s, REPAINT_S)
        mirror, first_at = self._mirror, self._mirror.first_at
        return Summary(
            seconds=self._clock.now() - self._started_at,
            camera_fps=self._mirrored.received / mirrored_s,
            mirror_fps=mirror.ages.total / mirrored_s,
            readings_per_s=self._reading_count / mirrored_s,
            frame_age_ms=mirror.ages.percentiles(),
            interval_ms=mirror.intervals.percentiles(),
            jitter_ms=mirror.intervals.deviation_ms(),
            dropped=self._mirrored.dropped,
            first_frame_s=None if first_at is None else first_at - self._started_at,
            first_verdict_s=self._events.first_verdict_s,
        )


@contextlib.contextmanager
def _forgetting(*holders: PixelHolder) -> Iterator[None]:
    """Call `forget` of all `holders` when the block ends, even after an exception."""
    try:
        yield
    finally:
        forget_all(holders)


@contextlib.contextmanager
def _running(capture: Worker, keeper: AnalysisKeeper, settings: Worker | None) -> Iterator[None]:
    """Run `capture` and `settings` during the block; then end them and the threads of `keeper`.

    After a failure the threads have less time to end. Raises the exception that ended `capture`.
    """
    capture.start()
    if settings is not None:
        settings.start()
    try:
        yield
    except Exception:
        _stop(capture, keeper, settings, FAILING_S)
        raise
    _stop(capture, keeper, settings, ENDING_S)
    capture.check()


def _stop(capture: Worker, keeper: AnalysisKeeper, settings: Worker | None, seconds: float) -> None:
    """Ask all threads to end, then wait up to `seconds` for each of those that see frames."""
    if settings is not None:
        settings.stop(0)
    capture.stop(0)
    keeper.stop(0)
    capture.stop(seconds)
    keeper.stop(seconds)
