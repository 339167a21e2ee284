"""The one place where the parts meet: from a camera to a name on the screen.

Three threads see frames. `capture` reads the camera; `analysis` finds, follows and reads faces; the
main thread owns the window and draws the newest frame, with each box predicted to that frame's
instant. Only frozen values cross between them, each through a `Latest`. Before, the thread `loader`
opens everything heavy while the main thread holds the title card on the wall; then the guard is
sealed and tries every way out, and only then is the camera opened. Beside them the thread `labels`
looks whether the label set has changed.

The alternative was analysis in a process of its own; `scripts/bench` measures that threads do.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from installation.errors import GuardError, Mistake, ScreenError
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.naming.reading.scheduler import Rota
from installation.running.clock import Clock, MonotonicClock
from installation.running.latest import Latest
from installation.running.telemetry import Durations, Summary
from installation.running.worker import Worker
from installation.seeing.box import Box
from installation.settings.kiosk import CameraSettings, Settings
from installation.settings.paths import MODELS
from installation.settings.source import Auto, Device
from installation.settings.yaml_file import Loaded
from installation.showing.cards import title_card, trouble_card, unguarded_card
from installation.showing.compose import compose
from installation.showing.fonts import Fonts, no_font
from installation.showing.painter import Painter
from installation.showing.scene import Scene, Size
from installation.showing.staff import ShowStatus, layers, with_staff_card
from installation.showing.typesetting import ScreenContext
from installation.showing.window import Screen, ScreenEvents, open_screen
from installation.showing.words import privacy_line, words_of

if TYPE_CHECKING:
    # These load torch, which the loader does after the first paint.
    from installation.naming.label_set.label_set import LabelSet
    from installation.naming.reading.classifier import Classifier
    from installation.naming.reading.settler import Settler
    from installation.naming.reading.values import Reading, Sighting, Sightings
    from installation.naming.reload import Renewal
    from installation.seeing.cameras.camera import Camera
    from installation.seeing.faces.detector import Detector
    from installation.seeing.frame import Frame
    from installation.seeing.tracker import Track, Tracker

T = TypeVar("T")

Say = Callable[[str], None]
"""Takes one line for the people who run the show."""

Tell = Callable[[dict[str, object]], None]
"""Takes one event of a headless show."""

SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes in Python may keep the mirror from the interpreter."""

REPAINT_S = 1 / 30
"""The longest time between two paints where no frame comes, so that names go on tumbling."""

STALE_S = 3.0
"""How much older than the picture the newest sightings may be before nobody is named by them.

With one reading a second, the slowest that the tracker bears, they are two seconds old before the
next ones come; where analysis hangs, somebody else may step under a name that hangs with it.
"""

ENDING_S = 3.0
"""How long a thread may take to end before the process leaves without it: a look at the room by a
slow network, and one at nothing."""

FAILING_S = 0.3
"""How long it may take to end before visitors see the calm card."""

QUIET_S = 30.0
"""How long a changed label set waits for a moment in which nobody is there; a guess."""

CARD_S = 8.0
"""How long visitors see the calm card after a failure, before the process ends."""


@dataclass(frozen=True)
class Parts:
    """Everything that the loader opens, and how the camera is opened once the guard is sealed.

    `renewal` looks for changes of the label set; None where nobody does.
    """

    label_set: LabelSet
    open_camera: Callable[[], Camera]
    detector: Detector
    tracker: Tracker
    classifier: Classifier
    settler: Settler
    device: str
    """Which processor reads visitors, as PyTorch calls it."""
    renewal: Renewal | None = None


def load(
    loaded: Loaded[Settings], clock: Clock, say: Say, *, as_fast_as_possible: bool = False
) -> Parts:
    """Return the show's parts, warmed up; `say` hears what each of them is.

    `as_fast_as_possible` plays a film once without waiting, for measurements. Raises KioskError.
    """
    # What can be said without torch, which takes seconds to import, is said first.
    from installation.naming.label_set import built_file, folder
    from installation.naming.label_set.load import load_label_set
    from installation.seeing.cameras import v4l
    from installation.seeing.cameras.open import open_camera, resolve

    settings = loaded.settings

    def load_labels() -> LabelSet:
        label_set = load_label_set(
            settings.labels,
            settings.content,
            where=loaded.where("labels"),
            language=settings.language.labels,
        )
        built_file.check(label_set)
        return label_set

    cameras_before = v4l.nodes()
    # Before they are read, so that what is saved while the show loads counts as a change.
    seen = folder.signature(MODELS / settings.labels)
    label_set = load_labels()
    language = settings.language
    if language.words != language.labels:
        say(f"words: the kiosk has none in '{language.labels}', so its own are in English.")

    import torch

    from installation.memory.buffers import overwrite_freed_memory
    from installation.naming.networks.device import choose_device
    from installation.naming.reading.classifier import open_classifier
    from installation.naming.reading.settler import Settler
    from installation.naming.reload import Renewal
    from installation.seeing.cameras.hotplug import StandIn
    from installation.seeing.faces.open import open_detector
    from installation.seeing.tracker import Tracker

    # One core is the mirror's. Two cores, both busy elsewhere as well: a face took 42 ms to find on
    # one thread and 265 ms on two, which wait for each other.
    torch.set_num_threads(max(1, _cores() - 1))
    device, sentence = choose_device(settings.device, where=loaded.where("device"))
    say(sentence)
    detector = open_detector(settings.detector, device)
    say(f"detector: {detector.name}")
    classifier = open_classifier(label_set, device)
    say(f"network: {classifier.encoder.name}")
    say(f"labels: {label_set.settings.title}, {len(label_set.labels):,} of {label_set.size:,}")

    def camera() -> Camera:
        # Under the whole guard: to look for cameras is to open them.
        source, fallback = resolve(settings.camera.source)
        if fallback:
            say(fallback)
        chosen = settings.camera.model_copy(update={"source": source})
        opened = open_camera(chosen, clock, as_fast_as_possible=as_fast_as_possible)
        say(f"camera: {opened.name}")
        return StandIn(opened, cameras_before, clock) if fallback else opened

    overwrite_freed_memory()
    warm_up(detector, classifier, settings.camera)
    return Parts(
        label_set=label_set,
        open_camera=camera,
        detector=detector,
        tracker=Tracker(),
        classifier=classifier,
        settler=Settler(label_set, settings.reading, random.Random()),
        device=str(device),
        renewal=Renewal(classifier, seen, load_labels, say),
    )


def warm_up(detector: Detector, classifier: Classifier, settings: CameraSettings) -> None:
    """Let both see a grey frame as the camera will send, with somebody and with nobody on it.

    Whatever compiles or takes memory the first time does so now, and no visitor waits for it.
    """
    from installation.seeing.frame import Frame

    width, height = settings.width, settings.height
    if settings.rotate in (90, 270):
        width, height = height, width
    grey = Frame(np.full((height, width, 3), 127, np.uint8), 0.0)
    face = Box.from_centre(width / 2, height / 2, height / 5, height / 4)
    detector.detect(grey)
    classifier.classify(grey, [face])
    classifier.forget()


def _cores() -> int:
    """Return how many cores the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_stage(screen: Screen, settings: Settings, texts: Iterable[str] = ()) -> ScreenContext:
    """Return what every scene on `screen` has in common, with fonts for `texts` too.

    Raises ScreenError where a script has no font.
    """
    words = words_of(settings)
    return ScreenContext(words, Fonts((*words.texts(), *texts)), screen.surface.get_size())


class Capture:
    """The capture thread's work: every frame of the camera into both mailboxes."""

    def __init__(self, camera: Camera, mirror: Latest[Frame], analysis: Latest[Frame]) -> None:
        self._camera = camera
        self._mailboxes = (mirror, analysis)

    def __call__(self, stopping: threading.Event) -> None:
        """Read until `stopping` is set or the camera ends."""
        try:
            while not stopping.is_set():
                frame = self._camera.read()
                if frame is None:
                    return
                for mailbox in self._mailboxes:
                    mailbox.put(frame)
        finally:
            self._camera.close()
            for mailbox in self._mailboxes:
                mailbox.close()


class Analysis:
    """The analysis thread's work: from the newest frame to sightings."""

    def __init__(
        self, parts: Parts, frames: Latest[Frame], sightings: Latest[Sightings], clock: Clock
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._rota = Rota()
        self._classifier = parts.classifier
        self._frames = frames
        self._sightings = sightings
        self._next: tuple[Classifier, float] | None = None
        self.readings = 0
        """How many crops have been classified."""
        self.renewals: Latest[Classifier] = Latest()
        """Takes classifiers of a changed label set."""

    def __call__(self, stopping: threading.Event) -> None:
        """Analyse until `stopping` is set or the frames end; then nothing of a visitor is left."""
        size = (0, 0)
        try:
            while not stopping.is_set() and not self._frames.ended:
                frame = self._frames.take(timeout=0.1)
                if frame is not None:
                    size = frame.height, frame.width
                    self._sightings.put(self.see(frame))
        finally:
            frame = None
            self._frames.take(timeout=0)
            with contextlib.suppress(Exception):  # what ended the work is what is to be told
                self._see_nothing(*size)

    def _see_nothing(self, height: int, width: int) -> None:
        """Let the networks see black, to write over what libraries hold on to."""
        from installation.seeing.frame import Frame

        if height:
            black = Frame(np.zeros((height, width, 3), np.uint8), 0.0)
            self._parts.detector.detect(black)
            self._classifier.forget()

    def see(self, frame: Frame) -> Sightings:
        """Return the sightings on `frame`."""
        parts = self._parts
        faces = parts.detector.detect(frame)
        tracks = parts.tracker.update(faces, frame.taken_at, frame.scene)
        due = self._rota.due(tracks)
        began_at = self._clock.now()
        readings = self._read(frame, due)
        self._rota.note(due, tracks, began_at, self._clock.now() - began_at)
        self.readings += len(readings)
        sightings = parts.settler.settle(readings, tracks, frame.taken_at)
        self._renew(frame.taken_at, quiet=not tracks)
        return replace(sightings, scene=frame.scene)

    def _read(self, frame: Frame, tracks: Sequence[Track]) -> list[Reading]:
        """Return a reading of each of `tracks`; without any, the classifier forgets the last."""
        from installation.naming.reading.values import Reading

        if not tracks:
            self._classifier.forget()
            return []
        boxes = [track.box_at(frame.taken_at) for track in tracks]
        scores = self._classifier.classify(frame, boxes)
        return [
            Reading(track.id, frame.taken_at, row)
            for track, row in zip(tracks, scores, strict=True)
        ]

    def _renew(self, now: float, *, quiet: bool) -> None:
        """Take a changed label set, if there is one: when nobody is there, or in the end anyhow."""
        classifier = self.renewals.take(timeout=0)
        if classifier is not None:
            self._next = classifier, now
        if self._next is None or not (quiet or now - self._next[1] >= QUIET_S):
            return
        self._classifier, self._next = self._next[0], None
        self._parts.settler.turn_to(self._classifier.label_set)


class Mirror:
    """The main thread's work: the newest frame with what is known of the people on it."""

    def __init__(
        self,
        screen: Screen,
        stage: ScreenContext,
        frames: Latest[Frame],
        sightings: Latest[Sightings],
        clock: Clock,
        renew: Callable[[ScreenContext], ScreenContext] | None = None,
        staff: Callable[[float], ShowStatus] | None = None,
    ) -> None:
        self._screen = screen
        self._painter = Painter(stage.fonts)
        self._stage = stage
        self._renew = renew
        self._staff = staff
        self._frames = frames
        self._news = sightings
        self._clock = clock
        self._frame: Frame | None = None
        self._sightings: Sightings | None = None
        self._scene: Scene | None = None
        self._flipped_at: float | None = None
        self.first_at: float | None = None
        """When the first frame was on the screen (s, monotonic)."""
        self.ages = Durations()
        self.intervals = Durations()

    def step(self, *, staff_card: bool = False) -> Sightings | None:
        """Paint once, as soon as a frame comes; return the sightings if they are new.

        `staff_card` tells whether the card for the staff is painted over the scene.
        """
        fresh = self._frames.take(timeout=REPAINT_S)
        news = self._news.take(timeout=0)
        self._sightings = news or self._sightings
        self._frame = fresh or self._frame
        if self._renew is not None:
            self._stage = self._renew(self._stage)
        if self._frame is not None:
            now = self._clock.now()
            self._scene = compose(self._frame, self._current(), self._stage, now, self._scene)
            scene = self._scene
            if staff_card and self._staff is not None:
                scene = with_staff_card(scene, self._staff(now), self._stage)
            self._painter.paint(scene, self._screen.surface)
            self._screen.flip()
        if fresh is not None:
            self._measure(fresh)
        self._painter.evict(self._clock.now())
        return news

    def _current(self) -> Sightings | None:
        """Return the sightings, but not those of another scene or long ago: others are there."""
        sightings, frame = self._sightings, self._frame
        if sightings is None or frame is None or sightings.scene != frame.scene:
            return None
        return sightings if frame.taken_at - sightings.taken_at <= STALE_S else None

    def _measure(self, frame: Frame) -> None:
        now = self._clock.now()
        self.ages.add(now - frame.taken_at)
        self.first_at = self.first_at or now
        if self._flipped_at is not None:
            self.intervals.add(now - self._flipped_at)
        self._flipped_at = now


class Watch:
    """What there is to know of a show that runs, for the staff's card; new once a second."""

    def __init__(
        self,
        parts: Parts,
        camera: Camera,
        proof: Proof | None,
        frames: Latest[Frame],
        started_at: float,
        now: float,
    ) -> None:
        self._parts = parts
        self._camera = camera
        self._proof = proof
        self._frames = frames
        self._started_at = started_at
        self._counted_at = now
        self._count = 0
        self._running: ShowStatus | None = None

    def __call__(self, now: float) -> ShowStatus:
        """Return it for the instant `now` (s, monotonic)."""
        if self._running is None or now - self._counted_at >= 1:
            self._running = self._look(now)
        return self._running

    def _look(self, now: float) -> ShowStatus:
        """Return how the show is doing; its rate is that since the last look."""
        shown = self._frames.received - self._frames.dropped
        passed = now - self._counted_at
        rate = (shown - self._count) / passed if passed > 0 else 0.0
        self._counted_at, self._count = now, shown
        parts, proof = self._parts, self._proof
        label_set = parts.settler.label_set
        return ShowStatus(
            layers=() if proof is None else layers(proof),
            ways=0 if proof is None else proof.ways_tried,
            tried_at=proof.tested_at if proof is not None and proof.results else None,
            locked=self._camera.pool.locked,
            made=self._camera.pool.allocated,
            labels=label_set.settings.title,
            shown=len(label_set.labels),
            size=label_set.size,
            camera=self._camera.name,
            detector=parts.detector.name,
            device=parts.device,
            rate=rate,
            dropped=self._frames.dropped,
            seconds=now - self._started_at,
        )


class Events:
    """Says each verdict once, and each visitor's leaving."""

    def __init__(self, tell: Tell, started_at: float) -> None:
        self._tell = tell
        self._started_at = started_at
        self._named: dict[int, str | None] = {}
        self.first_verdict_s: float | None = None

    def take(self, sightings: Sightings, now: float) -> None:
        """Tell what is new in `sightings`, which the screen shows since `now` (s, monotonic)."""
        at = now - self._started_at
        here = {visitor.track.id: visitor for visitor in sightings.visitors}
        for gone in sorted(self._named.keys() - here.keys()):
            del self._named[gone]
            self._tell({"event": "left", "at": round(at, 3), "visitor": gone})
        for number, visitor in here.items():
            name = visitor.verdict.label.id if visitor.verdict else None
            if name is not None and name != self._named.get(number):
                if self.first_verdict_s is None:
                    self.first_verdict_s = at
                self._tell(_verdict_event(at, number, visitor))
            self._named[number] = name


def _verdict_event(at: float, number: int, visitor: Sighting) -> dict[str, object]:
    assert visitor.verdict is not None
    label, box = visitor.verdict.label, visitor.track.box
    return {
        "event": "verdict",
        "at": round(at, 3),
        "visitor": number,
        "id": label.id,
        "label": label.name,
        "definition": label.definition,
        "chain": list(label.chain),
        "score": round(visitor.verdict.score, 4),
        "box": [round(edge, 1) for edge in (box.x0, box.y0, box.x1, box.y1)],
    }


class Show:
    """One show, from the title card to the summary."""

    def __init__(
        self,
        loaded: Loaded[Settings],
        screen: Screen,
        *,
        started_at: float,
        say: Say,
        tell: Tell,
        open_parts: Callable[[Loaded[Settings], Clock, Say], Parts] | None = None,
        clock: Clock | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._loaded = loaded
        self._screen = screen
        self._started_at = started_at
        self._say = say
        self._tell = tell
        self._open_parts = open_parts or load
        self._clock = clock or MonotonicClock()
        self._guard = guard
        self._stage = open_stage(screen, loaded.settings)
        """For the cards: once the guard is sealed no font can be looked for."""
        self._ending = False
        self._polled = ScreenEvents()

    def end(self) -> None:
        """End the show at the next paint. Safe to call from a signal handler."""
        self._ending = True

    def run(self, seconds: float | None = None) -> Summary:
        """Return the summary once `seconds` have passed since the start, or somebody ends the show.

        None: no limit. Raises KioskError, or whatever a part raised, after visitors have seen the
        calm card.
        """
        until = None if seconds is None else self._started_at + seconds
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._hold(title_card(self._stage))
        painted_s = self._seconds()
        try:
            summary = self._open_and_play(until) or Summary(self._seconds())
        except GuardError as error:
            missing = dict.fromkeys(mistake.where for mistake in error.mistakes)
            self._rest(unguarded_card(self._stage, list(missing)))
            raise
        except Exception as error:
            # What was known of visitors must not wait with the failure while the card is up.
            traceback.clear_frames(error.__traceback__)
            self.apologise()
            raise
        return replace(summary, first_paint_s=painted_s)

    def _open_and_play(self, until: float | None) -> Summary | None:
        """Return the summary; None where the show ended before the camera was open."""
        if self._guard is not None:
            self._admit(self._guard)
        parts = self._await(
            "loader", lambda: self._open_parts(self._loaded, self._clock, self._say), until
        )
        if parts is None:
            return None
        # Fonts may be asked of a program, which the second stage forbids.
        stage = open_stage(self._screen, self._loaded.settings, parts.label_set.texts())
        proof = None if self._guard is None else self._seal(self._guard)
        camera = self._await("opener", parts.open_camera, until)
        if camera is None:
            return None
        return self._play(parts, camera, stage, proof, until)

    def _admit(self, guard: Guard) -> None:
        """Say what the guard lacks; GuardError where it must not lack anything."""
        guard.check_stage_one()
        for mistake in guard.status.missing:
            self._say(f"privacy: not enforced. {mistake}")

    def _seal(self, guard: Guard) -> Proof:
        proof = guard.seal()
        if proof.holds:
            self._say(
                f"privacy: enforced; {proof.ways_tried} ways out were tried, and each was refused."
            )
            if proof.swap is not None:
                self._say(f"privacy: visitors are told that storing is possible. {proof.swap}")
        else:
            for mistake in proof.missing[len(guard.status.missing) :]:
                self._say(f"privacy: not enforced. {mistake}")
        return proof

    def _seconds(self) -> float:
        return self._clock.now() - self._started_at

    def _goes_on(self, until: float | None) -> bool:
        now = self._clock.now()
        self._polled = self._screen.poll(now)
        if self._polled.end_show or (until is not None and now >= until):
            self.end()
        return not self._ending

    def _hold(self, scene: Scene) -> None:
        Painter(self._stage.fonts).paint(scene, self._screen.surface)
        self._screen.flip()

    def _await(self, name: str, work: Callable[[], T], until: float | None) -> T | None:
        """Return what `work` does, in a thread, while what is on the wall stays there.

        None where the show ended before.
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

    def _play(
        self,
        parts: Parts,
        camera: Camera,
        stage: ScreenContext,
        proof: Proof | None,
        until: float | None,
    ) -> Summary:
        mirrored: Latest[Frame] = Latest()
        analysed: Latest[Frame] = Latest()
        sightings: Latest[Sightings] = Latest()
        analysis = Analysis(parts, analysed, sightings, self._clock)
        renew = None if proof is None else _renewal(proof, stage)
        began_at = self._clock.now()
        watch = Watch(parts, camera, proof, mirrored, self._started_at, began_at)
        mirror = Mirror(self._screen, stage, mirrored, sightings, self._clock, renew, watch)
        events = Events(self._tell, self._started_at)
        on_wall = parts.settler.label_set
        workers = [
            Worker("capture", Capture(camera, mirrored, analysed)),
            Worker("analysis", analysis),
        ]
        if parts.renewal is not None:
            workers.append(Worker("labels", parts.renewal))
        for worker in workers:
            worker.start()
        try:
            while self._goes_on(until) and not mirrored.ended:
                news = mirror.step(staff_card=self._polled.staff_card)
                if news is not None:
                    events.take(news, self._clock.now())
                if parts.renewal is not None:
                    self._renew(parts.renewal, analysis, stage)
                if parts.settler.label_set is not on_wall:
                    on_wall = parts.settler.label_set
                    self._say(f"labels: {on_wall.settings.title} has changed on the wall")
                for worker in workers:
                    worker.check()
            seconds = self._clock.now() - began_at
            # A camera that failed has also ended the loop; what it raised is raised here.
            workers[0].stop(FAILING_S)
            workers[0].check()
        except Exception:
            _stop(workers, FAILING_S)
            raise
        self._screen.surface.fill(0)
        self._screen.flip()
        _stop(workers, ENDING_S)
        for worker in workers:
            worker.check()
        return Summary(
            seconds=self._seconds(),
            camera_fps=mirrored.received / seconds,
            mirror_fps=mirror.ages.total / seconds,
            readings_per_s=analysis.readings / seconds,
            frame_age_ms=mirror.ages.percentiles(),
            interval_ms=mirror.intervals.percentiles(),
            jitter_ms=mirror.intervals.deviation_ms(),
            dropped=mirrored.dropped,
            first_frame_s=None if mirror.first_at is None else mirror.first_at - self._started_at,
            first_verdict_s=events.first_verdict_s,
        )

    def _renew(self, renewal: Renewal, analysis: Analysis, stage: ScreenContext) -> None:
        """Hand a label set that was changed to the analysis, if its letters can be drawn."""
        renewed = renewal.mailbox.take(timeout=0)
        if renewed is None:
            return
        label_set = renewed.classifier.label_set
        if lacking := stage.fonts.lacks(renewed.letters):
            # Which font has a letter is asked of a program, and the guard forbids that by now.
            mistake = no_font("labels", lacking)
            self._say(f"{mistake} Or start the show anew.")
            return
        analysis.renewals.put(renewed.classifier)
        labels = f"{len(label_set.labels):,} of {label_set.size:,}"
        self._say(f"labels: {label_set.settings.title}, {labels}, at the next quiet moment")

    def apologise(self) -> None:
        """Leave the card of a show that cannot go on up for a while."""
        self._rest(trouble_card(self._stage))

    def _rest(self, card: Scene) -> None:
        """Leave a calm card up for a while: visitors see neither a traceback nor a black wall."""
        if not self._screen.visible:
            return
        self._hold(card)
        until = self._clock.now() + CARD_S
        while self._goes_on(until):
            self._clock.wait(REPAINT_S)


def _stop(workers: Sequence[Worker], seconds: float) -> None:
    """Ask all of them to end, and give each so long to do so."""
    for worker in workers:
        worker.stop(0)
    for worker in workers:
        worker.stop(seconds)


def _renewal(proof: Proof, stage: ScreenContext) -> Callable[[ScreenContext], ScreenContext]:
    """Return what puts the promise that is true today into a stage."""
    words = stage.words

    def renew(stage: ScreenContext) -> ScreenContext:
        line = privacy_line(
            words, proof.prevents_storage, proof.ways_tried, proof.tested_at, datetime.date.today()
        )
        if line == stage.words.privacy:
            return stage
        return replace(stage, words=stage.words.model_copy(update={"privacy": line}))

    return renew


def run(
    loaded: Loaded[Settings],
    *,
    headless: bool = False,
    windowed: Size | None = None,
    seconds: float | None = None,
    started_at: float,
    say: Say,
    tell: Tell,
    guard: Guard | None,
) -> Summary:
    """Run the show and return its summary; Ctrl-C and SIGTERM end it.

    `started_at` is the start of the process (s, monotonic), from which `seconds` counts. `tell`
    hears the events where there is no screen to look at; without `headless` that must not be a
    camera's show. Without a `guard` nothing is enforced:
    for measurements. Raises KioskError.
    """
    screen, fallback = open_screen(
        loaded.settings.screen.display,
        headless=headless,
        windowed=windowed,
        where=loaded.where("screen", "display"),
    )
    try:
        if fallback:
            say(fallback)
            _refuse_unannounced(loaded)
        say(f"screen: {screen.name}.")
        unheard: Tell = lambda _: None  # noqa: E731 - a name for what nobody listens to
        show = Show(
            loaded,
            screen,
            started_at=started_at,
            say=say,
            tell=unheard if screen.visible else tell,
            guard=guard,
        )
        with _ended_by_signals(show):
            return show.run(seconds)
    finally:
        screen.surface.fill(0)
        screen.close()


def apologise(*, headless: bool, windowed: Size | None) -> None:
    """Leave the calm card up for a while where nobody knows what the show should be.

    On the first display, in English; nothing where that cannot be opened.
    """
    with contextlib.suppress(ScreenError):
        screen, _ = open_screen("auto", headless=headless, windowed=windowed)
        show = Show(
            Loaded(Settings(), "", {}, {}),
            screen,
            started_at=0.0,
            say=lambda _: None,
            tell=lambda _: None,
        )
        with _ended_by_signals(show):
            show.apologise()
        screen.close()


def _refuse_unannounced(loaded: Loaded[Settings]) -> None:
    """Raise ScreenError where a camera would look at people, and no screen would tell them."""
    from installation.seeing.cameras import v4l

    configured = loaded.settings.camera.source
    # Only by their names, as no camera is opened before the whole guard stands.
    if not isinstance(configured, Device | Auto) or (
        isinstance(configured, Auto) and not v4l.nodes()
    ):
        return
    what = "this machine has no display, so nobody would read that an AI system looks at them"
    remedy = "Connect one; or start the show with --headless, and tell people in another way."
    raise ScreenError(Mistake(loaded.where("screen", "display"), what, remedy))


@contextlib.contextmanager
def _ended_by_signals(show: Show) -> Iterator[None]:
    """End `show` on Ctrl-C and SIGTERM; afterwards the signals do what they did before."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: show.end()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
