"""What visitors and staff see of a show whose networks fail: the real keeper, in a real show."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest

from installation.errors import RestartNeededError
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.settler import Settler
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import Presence
from installation.seeing.tracker import Tracker
from installation.settings.kiosk import ReadingSettings
from installation.show import mirror
from installation.show.analysis_keeper import DEVICE_FAILURES, MEMORY_S
from installation.show.parts import Networks, Parts
from installation.showing.scene import Scene
from installation.showing.window import OffScreen, ScreenEvents
from installation.showing.words import load_words
from tests.support.figures import text_of
from tests.support.small_show import (
    FirstLabel,
    GreyFilm,
    OneFace,
    grey_frame,
    small_parts,
    small_show,
)

SPEED = 2.0
"""How many times as fast as the machine's the clock of these shows runs."""

WAIT_S = 60.0
"""How long a step of a test may take on a busy machine, s."""

FRAMES = 12
"""The number of the camera's frames that are counted on the screen."""

WORDS = load_words()


class FastClock:
    """The machine's clock, faster, which can also jump ahead."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        return time.monotonic() * SPEED + self._ahead_s

    def wait(self, seconds: float) -> None:
        threading.Event().wait(max(0.0, seconds) / SPEED)

    def jump(self, seconds: float) -> None:
        self._ahead_s += seconds


class Camera(GreyFilm):
    """A camera of one grey wall that sends at most thirty frames a second.

    It waits until the mirror has taken its last frame, so that a busy machine skips none.
    """

    def __init__(self, clock: FastClock) -> None:
        super().__init__(0)
        self._clock = clock
        self.sent = 0
        self._frame: Frame | None = None
        self._is_taken = threading.Event()
        self._is_taken.set()

    def read(self) -> Frame | None:
        self._clock.wait(1 / 30)
        self._is_taken.wait(WAIT_S)
        self._is_taken.clear()
        self.sent += 1
        self._frame = grey_frame(taken_at=self._clock.now())
        return self._frame

    def take(self, frame: Frame | None) -> None:
        """Allow the next frame if the mirror's `frame` is the last one that was sent."""
        if frame is not None and frame is self._frame:
            self._is_taken.set()

    def end(self) -> None:
        """Wait for the mirror no longer."""
        self._frame = None
        self._is_taken.set()


@dataclass
class Fault:
    """The current fault of the networks."""

    raises: Callable[[], Exception] | None = None
    score: float | None = None
    """The value of all scores; None for good ones."""
    hangs: threading.Event | None = None


class Detector(OneFace):
    """A detector with a fault."""

    def __init__(self, fault: list[Fault], threads: set[str]) -> None:
        self._fault = fault
        self._threads = threads

    def detect(self, frame: Frame) -> list[Face]:
        self._threads.add(threading.current_thread().name)
        (fault,) = self._fault
        if fault.raises is not None:
            raise fault.raises()
        if fault.hangs is not None:
            fault.hangs.wait(WAIT_S)
        return super().detect(frame)


class Classifier(FirstLabel):
    """A classifier with a fault."""

    def __init__(self, label_set: LabelSet, fault: list[Fault]) -> None:
        super().__init__(label_set)
        self._fault = fault

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        scores = super().classify(frame, boxes)
        value = self._fault[0].score
        return scores if value is None else np.full_like(scores, value)


@dataclass
class ShowRun:
    """A show of one visitor who stays, and the script of what happens to its networks."""

    device: str = "cpu"
    clock: FastClock = field(default_factory=FastClock)
    fault: list[Fault] = field(default_factory=lambda: [Fault()])
    log: list[str] = field(default_factory=list)
    scene: Scene | None = None
    """The scene on the screen."""
    pictures: set[float] = field(default_factory=set)
    """The instants of the frames that were on the screen, s."""
    threads: set[str] = field(default_factory=set)
    """The names of the threads that opened or ran networks."""

    def __post_init__(self) -> None:
        self.camera = Camera(self.clock)
        parts = small_parts(self.camera)

        def renew(parts: Parts) -> Parts:
            # The visitor is read for as long as the test lasts.
            settings = ReadingSettings(min_time_s=600, min_readings=2)
            settler = Settler(parts.label_set, settings, random.Random(0))
            return replace(parts, tracker=Tracker(), presence=Presence(0.0, 0.1), settler=settler)

        def networks(on_processor: bool) -> Networks:
            self.threads.add(threading.current_thread().name)
            device = "the CPU, because the graphics card failed" if on_processor else self.device
            # The fault of a card does not occur on the processor.
            fault = [Fault()] if on_processor else self.fault
            classifier = Classifier(parts.label_set, fault)
            return Networks(Detector(fault, self.threads), classifier, device)

        self.parts = replace(
            renew(parts),
            open_networks=lambda: networks(on_processor=False),
            reopen_networks=lambda _, on_processor: networks(on_processor),
            renew=renew,
        )

    def run(self, script: Iterator[bool], monkeypatch: pytest.MonkeyPatch) -> None:
        """Run the show until `script` ends; each item tells whether the staff's card is shown."""
        paint = mirror.Mirror._show

        def show(painting: mirror.Mirror, scene: Scene) -> None:
            paint(painting, scene)
            if scene.picture is not None:
                self.pictures.add(scene.picture.taken_at)
            self.scene = scene
            self.camera.take(painting._frame)

        monkeypatch.setattr(mirror.Mirror, "_show", show)

        camera = self.camera

        class Screen(OffScreen):
            def poll(self, now: float) -> ScreenEvents:
                staff_card = next(script, None)
                if staff_card is None:
                    camera.end()
                return ScreenEvents(end_show=staff_card is None, staff_card=bool(staff_card))

        small_show(
            self.camera,
            screen=Screen((640, 360)),
            clock=self.clock,
            log=self.log.append,
            open_parts=lambda *_: self.parts,
        ).run()

    def until(self, done: Callable[[], bool], *, staff_card: bool = False) -> Iterator[bool]:
        """Yield until `done`."""
        ends_at = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < ends_at, (self.log, self.text)
            yield staff_card

    def until_frames_are_shown(self) -> Iterator[bool]:
        """Yield until `FRAMES` further frames were on the screen; the camera sends hardly more."""
        shown, sent = len(self.pictures), self.camera.sent
        yield from self.until(lambda: len(self.pictures) >= shown + FRAMES)
        assert self.camera.sent - sent <= FRAMES + 2

    @property
    def people(self) -> int:
        """The number of people on the screen."""
        return 0 if self.scene is None else len(self.scene.visitors)

    @property
    def text(self) -> str:
        """All words on the screen."""
        return "" if self.scene is None else " ".join(text_of(self.scene).split())

    def card_has(self, sentence: str) -> Callable[[], bool]:
        """Return a function that returns whether the staff's card is shown with `sentence`."""
        return lambda: WORDS.staff_title in self.text and sentence in self.text

    def card_lacks(self, sentence: str) -> Callable[[], bool]:
        """Return a function that returns whether the staff's card is shown without `sentence`."""
        return lambda: WORDS.staff_title in self.text and sentence not in self.text


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not load the patterns and dictionaries for line breaks, which takes time."""
    monkeypatch.setattr("installation.show.analysis_keeper.warm_up", lambda *_: None)


HANGING = threading.Event()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(raises=lambda: RuntimeError("device-side assert")),
        Fault(raises=MemoryError),
        Fault(score=float("nan")),
        Fault(score=float("inf")),
        Fault(hangs=HANGING),
    ],
    ids=["exception", "out of memory", "NaN", "infinite", "a call that hangs"],
)
def test_the_mirror_goes_on_without_labels_until_the_networks_work(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every frame is shown, no labels are on the screen, and the card says why.

    Then visitors are read again. The thread of the mirror opens and runs no network.
    """
    run = ShowRun()
    HANGING.clear()

    def script() -> Iterator[bool]:
        yield from run.until(lambda: run.people == 1)
        run.fault[0] = fault
        yield from run.until(lambda: bool(run.log) and "analysis: failed" in run.log[-1])
        yield from run.until(lambda: run.people == 0)
        yield from run.until_frames_are_shown()
        if fault.hangs is None:
            yield from run.until(run.card_has(WORDS.staff_no_reading), staff_card=True)
        run.fault[0] = Fault()
        yield from run.until(lambda: run.people == 1)
        yield from run.until(run.card_lacks(WORDS.staff_no_reading), staff_card=True)
        HANGING.set()

    run.run(script(), monkeypatch)
    assert run.threads == {"networks", "analysis"}


def test_the_card_says_that_the_processor_replaces_the_graphics_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A card that disappears is given up after two failures, and used again when it works."""
    run = ShowRun(device="cuda")

    def script() -> Iterator[bool]:
        yield from run.until(lambda: run.people == 1)
        run.fault[0] = Fault(raises=lambda: RuntimeError("CUDA error: no device"))
        yield from run.until(
            lambda: sum("analysis: failed" in line for line in run.log) == DEVICE_FAILURES
        )
        yield from run.until(lambda: run.people == 1)
        yield from run.until(run.card_has(WORDS.staff_card_failed), staff_card=True)
        assert "the CPU, because the graphics card failed" in run.text
        run.fault[0] = Fault()
        run.clock.jump(MEMORY_S)
        yield from run.until(
            lambda: "analysis: the graphics card that failed is tried again." in run.log
        )
        yield from run.until(lambda: run.people == 1)
        yield from run.until(run.card_has("cuda"), staff_card=True)
        assert WORDS.staff_card_failed not in run.text

    run.run(script(), monkeypatch)


def test_three_different_failures_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends with the status after which the supervisor starts another at once."""
    run = ShowRun()

    def script() -> Iterator[bool]:
        for count, kind in enumerate((RuntimeError, MemoryError, ValueError)):
            yield from run.until(lambda: run.people == 1)
            run.fault[0] = Fault(raises=kind)

            def has_failed(count: int = count) -> bool:
                return sum("analysis: failed" in line for line in run.log) > count

            yield from run.until(has_failed)
            run.fault[0] = Fault()

    with pytest.raises(RestartNeededError, match="MemoryError, RuntimeError, ValueError"):
        run.run(script(), monkeypatch)
