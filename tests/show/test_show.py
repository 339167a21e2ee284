from __future__ import annotations

import gc
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from mmap import mmap
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pygame
import pytest

from installation.errors import CameraError, Mistake, ScreenError
from installation.memory.pool import Pool
from installation.naming.label_set.label_set import Label, LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.reading.classifier import CropClassifier
from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Candidate, Reading, Sighting, Sightings, Verdict
from installation.naming.reload import Renewal, Renewed
from installation.running.clock import Clock, MonotonicClock
from installation.running.latest import Latest
from installation.seeing.box import Box
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track, Tracker
from installation.settings.kiosk import (
    CameraSettings,
    ContentSettings,
    OwnWords,
    ReadingSettings,
    ScreenSettings,
    Settings,
)
from installation.settings.languages import resolve_language
from installation.settings.source import Device
from installation.settings.yaml_file import Loaded
from installation.show import show
from installation.showing.scene import Caption, Visitor
from installation.showing.window import OffScreen, Window
from installation.showing.words import load_words
from tests.support.children import needs_guard
from tests.support.manual_clock import ManualClock

EVENT_KEYS = [
    "event",
    "at",
    "visitor",
    "id",
    "label",
    "definition",
    "chain",
    "score",
    "box",
]


class Film:
    """A camera whose frames come at once: one every thirtieth of a second of its own time."""

    name = "a film of one grey wall"

    def __init__(self, frames: int, fails_at: int | None = None) -> None:
        self.pool = Pool()
        self._numbers = iter(range(frames))
        self._fails_at = fails_at
        self.closed = 0

    def read(self) -> Frame | None:
        number = next(self._numbers, None)
        if number is None:
            return None
        if number == self._fails_at:
            raise CameraError(Mistake("camera", "it was unplugged", "Plug it in again."))
        return Frame(np.full((90, 160, 3), 128, np.uint8), number / 30)

    def forget(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


class OneFace:
    """A detector that finds the same face on every frame."""

    name = "one face"

    def detect(self, frame: Frame) -> list[Face]:
        eyes = ((60.0, 40.0), (80.0, 40.0), (70.0, 50.0), (62.0, 60.0), (78.0, 60.0))
        return [Face(Box(50, 20, 90, 70), 0.9, eyes)]

    def forget(self) -> None:
        pass


class Favourite:
    """A classifier that gives its first label nearly everything."""

    def __init__(self, label_set: LabelSet) -> None:
        self.label_set = label_set

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        count = len(self.label_set.labels)
        scores = np.full((len(boxes), count), 0.1 / (count - 1), np.float32)
        scores[:, 0] = 0.9
        return scores

    def forget(self) -> None:
        pass


def parts_of(camera: Camera) -> show.Parts:
    """Return `camera` with a detector and a classifier that are sure of themselves."""
    label_set = load_label_set("kindnesses", ContentSettings())
    settings = ReadingSettings(min_time_s=0.2, min_readings=2)
    return show.Parts(
        label_set=label_set,
        open_camera=lambda: camera,
        detector=OneFace(),
        tracker=Tracker(),
        classifier=Favourite(label_set),
        settler=Settler(label_set, settings, random.Random(0)),
        device="cpu",
    )


def small_show(
    camera: Camera, told: list[dict[str, object]], **others: Window | Clock
) -> show.Show:
    """Return a show of `camera` on a small screen that nobody sees."""
    screen = others.get("screen", OffScreen((320, 180)))
    assert isinstance(screen, OffScreen | Window)
    clock = others.get("clock")
    assert not isinstance(clock, Window)
    return show.Show(
        Loaded(Settings(), "kiosk.yaml", {}, {}),
        screen,
        started_at=clock.now() if clock else MonotonicClock().now(),
        say=lambda line: None,
        tell=told.append,
        open_parts=lambda loaded, clock, say: parts_of(camera),
        clock=clock,
    )


def test_frames_become_sightings_with_a_verdict() -> None:
    """Analysis finds a face, follows it, reads it and settles, all from frames alone."""
    parts = parts_of(Film(0))
    analysis = show.Analysis(parts, Latest(), Latest(), ManualClock())
    grey = np.full((90, 160, 3), 128, np.uint8)
    seen = [analysis.see(Frame(grey, number / 10)) for number in range(20)]
    visitors = {visitor.track.id for sightings in seen for visitor in sightings.visitors}
    assert visitors == {1}
    verdict = seen[-1].visitors[0].verdict
    assert verdict is not None
    assert verdict.label == parts.label_set.labels[0]
    assert analysis.readings == sum(len(sightings.visitors) for sightings in seen)


class OneBrightFace(OneFace):
    """A detector that finds a face where the picture is bright."""

    def detect(self, frame: Frame) -> list[Face]:
        return super().detect(frame) if frame.pixels[0, 0, 0] > 100 else []


class Sure(Favourite):
    """A classifier of another set, with a name for everybody."""

    def __init__(self) -> None:
        super().__init__(load_label_set("objects", ContentSettings()))


def seen_by(analysis: show.Analysis, at: float, *, lit: bool) -> Sightings:
    """Return what is seen at an instant, with somebody there where it is `lit`."""
    grey = np.full((90, 160, 3), 200 if lit else 3, np.uint8)
    return analysis.see(Frame(grey, at))


def test_a_changed_label_set_waits_until_nobody_is_there() -> None:
    """Whoever is being read keeps their categories; the next visitor gets the new ones."""
    parts = replace(parts_of(Film(0)), detector=OneBrightFace())
    analysis = show.Analysis(parts, Latest(), Latest(), ManualClock())
    for number in range(10):
        seen_by(analysis, number / 10, lit=True)
    sure = Sure()
    analysis.renewals.put(sure)
    held = seen_by(analysis, 1.0, lit=True).visitors[0].verdict
    assert held is not None
    assert held.label == parts.label_set.labels[0]
    for number in range(11, 40):
        seen_by(analysis, number / 10, lit=False)
    seen = [seen_by(analysis, 4 + number / 10, lit=True) for number in range(10)]
    verdict = seen[-1].visitors[0].verdict
    assert verdict is not None
    assert verdict.label == sure.label_set.labels[0]


def test_a_changed_label_set_does_not_wait_for_ever() -> None:
    """In a full room the new categories come after half a minute, and everybody is read anew."""
    parts = parts_of(Film(0))
    analysis = show.Analysis(parts, Latest(), Latest(), ManualClock())
    sure = Sure()
    named = set()
    for number in range(round(10 * show.QUIET_S) + 30):
        if number == 10:
            analysis.renewals.put(sure)
        for visitor in seen_by(analysis, number / 10, lit=True).visitors:
            if visitor.verdict:
                named.add(visitor.verdict.label)
    assert named == {parts.label_set.labels[0], sure.label_set.labels[0]}


class Painted(OffScreen):
    """A screen that tells how often it was painted, and waits with a camera for it."""

    def __init__(self) -> None:
        super().__init__((320, 180))
        self._painted = 0
        self._news = threading.Condition()

    def flip(self) -> None:
        with self._news:
            self._painted += 1
            self._news.notify_all()

    def wait(self, times: int) -> None:
        """Return once it has been painted so many more times."""
        with self._news:
            enough = self._painted + times
            assert self._news.wait_for(lambda: self._painted >= enough, 20), "nothing is painted"


class Paced(Film):
    """A film of an empty room in which each frame comes when the last has been painted."""

    def __init__(self, screen: Painted, said: list[str]) -> None:
        super().__init__(1000)
        self._screen = screen
        self._said = said
        self.given = 0
        self._rest = 30

    def read(self) -> Frame | None:
        if self.given:
            self._screen.wait(2)  # what was begun before the last frame came may be without it
        self._rest -= "has changed on the wall" in "".join(self._said)
        if not self._rest:
            return None
        self.given += 1
        return super().read()


class Opening:
    """Opens a changed label set for as long as thirty frames take."""

    def __init__(self, screen: Painted) -> None:
        self.mailbox: Latest[Renewed] = Latest()
        self._screen = screen

    def __call__(self, stopping: threading.Event) -> None:
        self._screen.wait(60)
        self.mailbox.put(Renewed(cast("CropClassifier", Sure()), frozenset("abc")))
        stopping.wait()


class Nobody(OneFace):
    """A detector that finds nobody."""

    def detect(self, frame: Frame) -> list[Face]:
        return []


def test_every_frame_is_painted_while_a_changed_label_set_is_opened_and_taken() -> None:
    """The mirror does not wait for a set that is read, and nothing is dropped when it comes."""
    screen, said = Painted(), list[str]()
    film = Paced(screen, said)
    opening = cast("Renewal", Opening(screen))
    parts = replace(parts_of(film), detector=Nobody(), renewal=opening)
    summary = show.Show(
        Loaded(Settings(), "kiosk.yaml", {}, {}),
        screen,
        started_at=MonotonicClock().now(),
        say=said.append,
        tell=lambda event: None,
        open_parts=lambda loaded, clock, say: parts,
    ).run()
    assert [line.split(", ")[-1] for line in said] == [
        "at the next quiet moment",
        "1,000 things has changed on the wall",
    ]
    assert summary.dropped == 0
    assert summary.mirror_fps == pytest.approx(summary.camera_fps)
    assert film.given > 30


def test_a_film_that_ends_ends_the_show_and_closes_the_camera() -> None:
    """The summary of a measured film counts its frames, and the device is free afterwards."""
    film = Film(12)
    summary = small_show(film, []).run()
    assert film.closed >= 1
    painted = 12 * summary.mirror_fps / summary.camera_fps
    assert painted + summary.dropped == pytest.approx(12)
    assert summary.first_paint_s is not None
    assert summary.first_frame_s is not None
    assert summary.frame_age_ms.p95 is not None


def test_a_camera_that_fails_ends_the_show_loudly() -> None:
    """A dead capture thread is an error that names the device, not a frozen mirror."""
    with pytest.raises(CameraError, match="it was unplugged"):
        small_show(Film(100, fails_at=5), []).run()


def arrays() -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Return every array in the process that has a frame's size, and all memory of pools."""
    found = {}
    for owner in gc.get_objects():
        for held in (owner, *gc.get_referents(owner)):
            if issubclass(type(held), np.ndarray) and held.size == 97 * 163 * 3:
                found[id(held)] = held
            elif type(held) is mmap and len(held) == 97 * 163 * 3:
                found[id(held)] = np.frombuffer(held, np.uint8)
    return list(found.values())


@pytest.mark.parametrize(("after", "there"), [(0, True), (1, False)])
def test_no_picture_of_a_visitor_outlives_the_next_one(after: int, there: bool) -> None:
    """One frame after a visitor has left no memory of frames holds them; before, some does."""
    parts = replace(parts_of(Film(0)), detector=OneBrightFace())
    frames: Latest[Frame] = Latest()
    seen: Latest[Sightings] = Latest()
    analysis = show.Analysis(parts, Latest(), seen, ManualClock())
    screen = OffScreen((320, 180))
    clock = ManualClock()
    mirror = show.Mirror(screen, show.open_stage(screen, Settings()), frames, seen, clock)
    orientation = Orientation(mirror=True)
    for number in range(30 + after):
        value = 201 if number < 30 else 3
        frame = Frame(orientation.apply(np.full((97, 163, 3), value, np.uint8)), number / 30)
        seen.put(analysis.see(frame))
        frames.put(frame)
        del frame
        clock.instant = number / 30
        mirror.step()
    gc.collect()
    assert any((held == 201).any() for held in arrays()) is there
    assert orientation.pool.allocated < 10


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    """A window under SDL's dummy driver."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    return Window(0, (320, 180))


def test_visitors_see_a_calm_card_when_something_fails(window: Window) -> None:
    """What is on the wall after a failure is the card, for some seconds, and no picture."""
    clock = ManualClock()
    with pytest.raises(CameraError):
        small_show(Film(100, fails_at=0), [], screen=window, clock=clock).run()
    assert sum(clock.waits) >= show.CARD_S
    colours = {tuple(window.surface.get_at((x, 5))[:3]) for x in range(320)}
    assert colours == {(0, 0, 0)}
    green = [
        (x, y) for x in range(320) for y in range(180) if window.surface.get_at((x, y))[1] == 255
    ]
    assert green, "the card has type on it"
    window.close()


def test_a_file_that_is_wrong_leaves_a_calm_card_on_the_wall(window: Window) -> None:
    """Where kiosk.yaml was mistyped visitors see the card, too, though nothing was loaded."""
    clock = ManualClock()
    small_show(Film(0), [], screen=window, clock=clock).apologise()
    assert sum(clock.waits) >= show.CARD_S
    assert (0, 255, 0) in {
        tuple(window.surface.get_at((x, y))[:3]) for x in range(320) for y in range(180)
    }
    window.close()


@pytest.mark.skipif(os.path.isdir("/dev/dri"), reason="this machine has a display")
def test_no_camera_looks_at_people_who_cannot_read_that_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a display a camera's show needs --headless; a film's, and the rehearsal's, do not."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(camera=CameraSettings(source=Device(7)))
    with pytest.raises(
        ScreenError, match=r"kiosk.yaml: this machine has no display, .* --headless"
    ):
        show.run(
            Loaded(settings, "kiosk.yaml", {}, {}),
            started_at=0.0,
            say=lambda _: None,
            tell=lambda _: None,
            guard=None,
        )


class LostWhenNamed(Film):
    """A camera that is lost once the visitor has a name; it knows which of its frames are held."""

    def __init__(self, told: Sequence[object]) -> None:
        super().__init__(1_000_000)
        self._told = told
        self._given: list[weakref.ref[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]] = []

    def read(self) -> Frame | None:
        if self._told:
            raise CameraError(Mistake("camera", "it was unplugged", "Plug it in again."))
        frame = super().read()
        assert frame is not None
        self._given.append(weakref.ref(frame.pixels))
        return frame

    def held(self) -> int:
        """Return how many of the frames somebody holds."""
        return sum(given() is not None for given in self._given)


class Known:
    """All that says who was there, where, and what they were called, from now on.

    It is noted as it is made. To look for it among all objects would take hold of the tuples that
    the show's other threads are just building, which breaks them (SystemError).
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._made: list[weakref.ref[object]] = []
        for kind in (Track, Reading, Candidate, Verdict, Sighting, Sightings, Visitor, Caption):
            self._note(monkeypatch, kind)

    def _note(self, monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
        init = vars(kind)["__init__"]

        def noting(self_: object, *args: object, **others: object) -> None:
            init(self_, *args, **others)
            self._made.append(weakref.ref(self_))

        monkeypatch.setattr(kind, "__init__", noting)

    def held(self) -> set[type]:
        """Return the kinds of what is still in memory."""
        return {type(one) for made in tuple(self._made) if (one := made()) is not None}


class Told(list[dict[str, object]]):
    """The events of a show, and which kinds of knowledge of visitors are held at each."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.held: list[set[type]] = []
        self._known = known

    def append(self, event: dict[str, object]) -> None:
        self.held.append(self._known.held())
        super().append(event)


def test_while_the_calm_card_is_up_nothing_of_a_visitor_is_held(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the camera is lost its pictures go at once, and so do tracks, scores and captions."""
    known = Known(monkeypatch)
    told = Told(known)
    film = LostWhenNamed(told)
    held: list[tuple[int, set[type]]] = []

    class Resting(ManualClock):
        def wait(self, seconds: float) -> None:
            if not held:
                held.append((film.held(), known.held()))
            super().wait(seconds)

    with pytest.raises(CameraError):
        small_show(film, told, screen=window, clock=Resting()).run()
    assert told.held[0] >= {Track, Verdict, Sighting, Sightings, Visitor, Caption}
    assert held == [(0, set())]
    window.close()


def test_a_show_can_be_ended_while_it_loads() -> None:
    """SIGTERM during the title card ends the show at once, with a summary of nothing."""
    release = threading.Event()

    def never(loaded: Loaded[Settings], clock: Clock, say: show.Say) -> show.Parts:
        release.wait(60)
        raise AssertionError("nobody waits for these")

    loading = show.Show(
        Loaded(Settings(), "kiosk.yaml", {}, {}),
        OffScreen((320, 180)),
        started_at=0.0,
        say=lambda line: None,
        tell=lambda event: None,
        open_parts=never,
    )
    loading.end()
    summary = loading.run()
    release.set()
    assert summary.mirror_fps == 0
    assert summary.frame_age_ms.p50 is None


def test_the_mirror_holds_the_last_frame_and_measures_only_new_ones() -> None:
    """Where the camera stalls, the picture stays and the figures do not improve."""
    clock = ManualClock(10.0)
    frames: Latest[Frame] = Latest()
    settings = Settings(screen=ScreenSettings())
    screen = OffScreen((320, 180))
    mirror = show.Mirror(screen, show.open_stage(screen, settings), frames, Latest(), clock)
    frames.put(Frame(np.full((90, 160, 3), 200, np.uint8), 9.98))
    mirror.step()
    clock.instant = 11.0
    mirror.step()
    assert mirror.ages.total == 1
    assert mirror.ages.percentile_ms(1.0) == pytest.approx(20, abs=1)
    frames.put(Frame(np.full((90, 160, 3), 200, np.uint8), 11.0))
    mirror.step()
    assert mirror.intervals.percentile_ms(1.0) == pytest.approx(1000, abs=1)


def test_the_staffs_card_is_on_the_wall_only_while_it_is_asked_for() -> None:
    """Visitors never see it by themselves, and the mirror is as before once it is away."""
    frames: Latest[Frame] = Latest()
    screen = OffScreen((320, 180))
    stage = show.open_stage(screen, Settings())
    camera = Film(0)
    clock = ManualClock(10.0)
    watch = show.Watch(parts_of(camera), camera, None, frames, 0.0, 10.0)
    mirror = show.Mirror(screen, stage, frames, Latest(), clock, staff=watch)
    painted = []
    for wanted in (False, True, False):
        frames.put(Frame(np.full((90, 160, 3), 200, np.uint8), 10.0))
        mirror.step(staff_card=wanted)
        painted.append(pygame.surfarray.array3d(screen.surface).copy())
    assert np.array_equal(painted[0], painted[2])
    assert not np.array_equal(painted[0], painted[1])


def test_what_the_staff_read_is_counted_once_a_second() -> None:
    """Figures stand still long enough to be read, and the rate is that of the last second."""
    frames: Latest[Frame] = Latest()
    camera = Film(0)
    camera.pool.take(9, 16)
    watch = show.Watch(parts_of(camera), camera, None, frames, 5.0, 10.0)

    def shows(count: int) -> None:
        for _ in range(count):
            frames.put(Frame(np.zeros((9, 16, 3), np.uint8), 0.0))
            frames.take(timeout=0)

    assert watch(10.0).rate == 0
    shows(30)
    assert watch(10.9).rate == 0
    running = watch(11.0)
    assert running.rate == 30
    assert running.seconds == 6
    assert running.made == 1
    assert running.camera == camera.name
    assert running.shown == len(load_label_set("kindnesses", ContentSettings()).labels)
    shows(10)
    assert watch(12.0).rate == 10


def test_before_the_first_visitor_everything_has_run_once() -> None:
    """Detector and classifier see a grey frame of the camera's size, with somebody and nobody."""
    seen: list[tuple[int, int, int]] = []

    class Watched(OneFace):
        def detect(self, frame: Frame) -> list[Face]:
            seen.append((frame.width, frame.height, -1))
            return []

    class Reader(Favourite):
        def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
            assert all(0 < box.area < frame.width * frame.height for box in boxes)
            seen.append((frame.width, frame.height, len(boxes)))
            return super().classify(frame, boxes)

        def forget(self) -> None:
            seen.append((360, 640, 0))

    reader = Reader(load_label_set("kindnesses", ContentSettings()))
    show.warm_up(Watched(), reader, CameraSettings(width=640, height=360, rotate=90))
    assert seen == [(360, 640, -1), (360, 640, 1), (360, 640, 0)]


def test_the_screen_speaks_the_curators_language() -> None:
    """The words on the wall are those of `language`, with the curator's own in their place."""
    settings = Settings(language=resolve_language("fr"), words=OwnWords(loading="Patience."))
    words = show.open_stage(OffScreen((320, 180)), settings).words
    assert words.loading == "Patience."
    assert words.reading == load_words("fr").reading


def sighting(visitor: int, label: Label | None) -> Sighting:
    """Return visitor number `visitor`, called `label`."""
    track = Track(visitor, Box(1, 2, 3, 4), (0, 0, 0, 0), 5.0, 4.0, 5, 0)
    verdict = Verdict(label, 0.25, 5.0) if label else None
    return Sighting(track, (), 0.5, verdict)


@pytest.mark.parametrize(("age", "named"), [(show.STALE_S, True), (show.STALE_S + 0.1, False)])
def test_nobody_is_named_by_what_was_seen_long_ago(age: float, named: bool) -> None:
    """Where analysis hangs, names go from the mirror before somebody else steps under them."""
    screen = OffScreen((320, 180))
    stage = show.open_stage(screen, Settings())
    painted = []
    for visitors in ((), (sighting(7, None),)):
        frames: Latest[Frame] = Latest()
        frames.put(Frame(np.full((90, 160, 3), 200, np.uint8), 5.0 + age))
        seen: Latest[Sightings] = Latest()
        seen.put(Sightings(5.0, visitors))
        show.Mirror(screen, stage, frames, seen, ManualClock(5.0 + age)).step()
        painted.append(pygame.surfarray.array3d(screen.surface).copy())
    nobody, somebody = painted
    assert np.array_equal(nobody, somebody) is not named


def test_each_verdict_is_told_once_and_each_leaving() -> None:
    """The printed show has a line where the screen changes, and no line in between."""
    told: list[dict[str, object]] = []
    baker = Label("n1", "baker", "someone who bakes", ("person", "worker"))
    poet = Label("n2", "poet", "a writer of poems", ("person",))
    events = show.Events(told.append, started_at=100.0)
    for now, visitors in [
        (101.0, [sighting(7, None)]),
        (102.0, [sighting(7, baker), sighting(8, None)]),
        (103.0, [sighting(7, baker), sighting(8, None)]),
        (104.0, [sighting(7, poet)]),
        (105.0, []),
        (106.0, []),
    ]:
        events.take(Sightings(now, tuple(visitors)), now)
    assert [(e["event"], e["at"], e["visitor"], e.get("label")) for e in told] == [
        ("verdict", 2.0, 7, "baker"),
        ("left", 4.0, 8, None),
        ("verdict", 4.0, 7, "poet"),
        ("left", 5.0, 7, None),
    ]
    assert list(told[0]) == EVENT_KEYS
    assert told[0]["chain"] == ["person", "worker"]
    assert events.first_verdict_s == 2.0


def kiosk(*arguments: str) -> list[str]:
    """Return the command line of a show."""
    return [sys.executable, "-m", "installation", "run", *arguments]


ROOT = Path(__file__).resolve().parents[2]


def test_nothing_that_the_show_loads_loads_triton() -> None:
    """Triton's LLVM and that of Mesa's OpenGL crash a process that has both: a dead wall."""
    script = (
        "import sys, installation.naming.reading.classifier, installation.seeing.faces.mtcnn\n"
        "print(sorted(name for name in sys.modules if name.startswith('triton.')))\n"
        "maps = open('/proc/self/maps').read() if sys.platform == 'linux' else ''\n"
        "print('libtriton' in maps)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.stdout.splitlines() == ["[]", "False"], ran.stderr


VISIBLE = {label.id: label for label in load_label_set("persons", ContentSettings()).labels}


@pytest.fixture(scope="module")
def rehearsed() -> tuple[list[dict[str, object]], str]:
    """The whole default show on the rehearsal, headless, until it has named the visitor."""
    with subprocess.Popen(
        kiosk("--headless", "--source", "rehearsal", "--seconds", "120"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        events = []
        for line in running.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "verdict" and events[-1]["id"] in VISIBLE:
                break
        running.send_signal(signal.SIGTERM)
        events += map(json.loads, running.stdout)
        said = running.stderr.read()
    assert running.returncode == 0, said
    return events, said


@needs_guard
def test_the_default_show_names_the_visitor_of_the_rehearsal(
    rehearsed: tuple[list[dict[str, object]], str],
) -> None:
    """Camera, detector, tracker, network, label set and settler together come to a name."""
    events, _ = rehearsed
    verdicts = [event for event in events if event["event"] == "verdict"]
    assert verdicts
    named = [event for event in verdicts if event["id"] in VISIBLE]
    assert named, f"nothing but the root in {[event['label'] for event in verdicts]}"
    for event in named:
        assert list(event) == EVENT_KEYS
        label = VISIBLE[str(event["id"])]
        assert event["label"] == label.name
        assert event["definition"] == label.definition
        assert event["chain"] == list(label.chain)
        assert label.chain[0] == "person"
        assert 0 < float(str(event["score"])) <= 1


@needs_guard
def test_a_headless_show_prints_events_and_last_its_summary(
    rehearsed: tuple[list[dict[str, object]], str],
) -> None:
    """Standard output can be piped into a program: JSON lines, in order of time, summary last."""
    events, said = rehearsed
    assert [event["event"] for event in events].count("summary") == 1
    summary = events[-1]
    assert summary["event"] == "summary"
    times = [float(str(event["at"])) for event in events[:-1]]
    assert times == sorted(times)
    assert all(before <= float(str(summary["seconds"])) for before in times)
    for key in ("camera_fps", "mirror_fps", "readings_per_s", "rss_mb"):
        assert float(str(summary[key])) > 0
    assert "device:" in said
    assert "Traceback" not in said


@needs_guard
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_show_with_its_summary(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and the supervisor's SIGTERM are ordinary ends: exit 0, summary and report written."""
    report = tmp_path / "report.json"
    running = subprocess.Popen(
        kiosk("--headless", "--source", "rehearsal", "--report", str(report)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    lines = iter(running.stderr.readline, "")
    said = list(itertools.takewhile(lambda line: not line.startswith("camera:"), lines))
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, "".join(said) + err
    summary = json.loads(out.splitlines()[-1])
    assert summary["event"] == "summary"
    assert json.loads(report.read_text()) == summary
