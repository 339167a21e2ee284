from __future__ import annotations

import gc
import logging
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest

from installation.errors import LabelSetError, Mistake, RestartNeededError
from installation.naming.reading.values import Sightings
from installation.running.latest import Latest
from installation.running.progress import DeviceKind
from installation.seeing.box import Box
from installation.seeing.cameras.camera import Camera
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.show import analysis_keeper
from installation.show.analysis_keeper import (
    DELAYS_S,
    DEVICE_FAILURES,
    HANGS_S,
    MAX_HANGING,
    MAX_STEP_S,
    MEMORY_S,
    AnalysisKeeper,
    FailureHistory,
)
from installation.show.parts import Networks, OpenNetworks, Parts
from tests.support.manual_clock import ManualClock
from tests.support.small_show import FirstLabel, GreyFilm, OneFace, grey_frame, small_parts

WAIT_S = 20.0
"""How long a thread of the test may take, s, on a busy machine."""


class FailingDetector(OneFace):
    """A detector that raises a given exception."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def detect(self, frame: Frame) -> list[Face]:
        if self.failure is not None:
            raise self.failure
        return super().detect(frame)


class FaceOutsideNumbers(OneFace):
    """A detector that returns a box with NaN."""

    def detect(self, frame: Frame) -> list[Face]:
        (face,) = super().detect(frame)
        return [replace(face, box=Box(math.nan, 20, math.nan, 70))]


class HangingDetector(OneFace):
    """A detector whose call does not return until the test ends."""

    def __init__(self) -> None:
        self.entered, self.released = threading.Event(), threading.Event()

    def detect(self, frame: Frame) -> list[Face]:
        self.entered.set()
        self.released.wait(WAIT_S)
        return super().detect(frame)


class NotANumber(FirstLabel):
    """A classifier whose scores are not finite."""

    value = np.nan

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        return np.full((len(boxes), len(self.label_set.labels)), self.value, np.float32)


class Infinite(NotANumber):
    """A classifier whose scores are infinite."""

    value = np.inf


def whole_frame(frame: Frame) -> Box:
    """Return all of `frame` as the part that is on the screen."""
    return Box(0, 0, frame.width, frame.height)


@dataclass
class Run:
    """A keeper whose networks come from a list, one after the other; the last one is repeated."""

    openings: list[Callable[[Parts], Networks]]
    clock: ManualClock = field(default_factory=ManualClock)
    log: list[str] = field(default_factory=list)
    on_processor: list[bool] = field(default_factory=list)
    renewed: int = 0
    history: FailureHistory = field(default_factory=FailureHistory)

    def __post_init__(self) -> None:
        camera: Camera = GreyFilm(0)
        parts = small_parts(camera)
        self.parts = replace(
            parts,
            open_networks=lambda: self._next(parts),
            reopen_networks=lambda _, on_processor: self._reopen(parts, on_processor),
            renew=self._renew,
        )
        self.frames: Latest[Frame] = Latest()
        self.sightings: Latest[Sightings] = Latest()
        self.keeper = self.following(self.parts)
        self._taken_at = 0.0

    def following(self, parts: Parts) -> AnalysisKeeper:
        """Return the keeper of the next live show, which uses `parts` and this run's history."""
        return AnalysisKeeper(
            parts,
            self.frames,
            self.sightings,
            self.clock,
            self.log.append,
            "en",
            whole_frame,
            self.history,
        )

    def _next(self, parts: Parts) -> Networks:
        opening = self.openings.pop(0) if len(self.openings) > 1 else self.openings[0]
        return opening(parts)

    def _reopen(self, parts: Parts, on_processor: bool) -> Networks:
        self.on_processor.append(on_processor)
        return self._next(parts)

    def _renew(self, parts: Parts) -> Parts:
        self.renewed += 1
        return parts

    def until(self, done: Callable[[], bool]) -> None:
        """Step, with a new frame each time, until `done`."""
        never = threading.Event()
        for _ in range(int(WAIT_S / 0.002)):
            self._taken_at += 1 / 10
            self.frames.put(grey_frame(taken_at=self._taken_at))
            if self.keeper.step() or done():
                return
            never.wait(0.002)
        raise AssertionError(self.log)

    def until_failed(self) -> None:
        """Step until the analysis has failed once more, then let the delay pass."""
        failures = self.keeper.failures
        self.until(lambda: self.keeper.failures > failures)
        assert self.keeper.failures == failures + 1
        self.clock.instant += max(DELAYS_S)

    def until_results(self) -> None:
        """Step until a frame was analysed."""
        self.until(lambda: self.keeper.networks is not None)
        received = self.sightings.received
        self.until(lambda: self.sightings.received > received + 1)


def with_detector(detector: OneFace, device: str = "cpu") -> Callable[[Parts], Networks]:
    """Return a function that opens networks with `detector`."""
    return lambda parts: Networks(detector, FirstLabel(parts.label_set), device)


GOOD = with_detector(OneFace())
GOOD_CARD = with_detector(OneFace(), "cuda")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip loading what line breaks in the labels need."""
    monkeypatch.setattr(analysis_keeper, "warm_up", lambda *_: None)


@pytest.mark.parametrize(
    "failing",
    [
        with_detector(FailingDetector(RuntimeError("CUDA error: device-side assert"))),
        with_detector(FailingDetector(MemoryError())),
        lambda parts: Networks(OneFace(), NotANumber(parts.label_set), "cpu"),
        lambda parts: Networks(OneFace(), Infinite(parts.label_set), "cpu"),
        with_detector(FaceOutsideNumbers()),
    ],
    ids=["exception", "out of memory", "NaN", "infinite", "a box that is not finite"],
)
def test_an_analysis_that_fails_is_replaced(failing: Callable[[Parts], Networks]) -> None:
    """The mirror continues without labels, and the networks are opened again after a moment."""
    run = Run([failing, GOOD])
    run.until_failed()
    assert run.keeper.networks is None
    assert run.renewed == 1
    run.until_results()
    assert run.keeper.device_kind == DeviceKind.PROCESSOR
    assert "The mirror continues without labels" in run.log[0]


def test_a_call_that_hangs_is_left_behind() -> None:
    """A thread that hangs is abandoned, and a new analysis starts with other parts."""
    hanging = HangingDetector()
    run = Run([with_detector(hanging), GOOD])
    run.until(hanging.entered.is_set)
    for _ in range(int(HANGS_S / MAX_STEP_S) + 1):
        run.clock.instant += MAX_STEP_S
        if run.keeper.step():
            break
    assert run.keeper.failures == 1
    assert "a call that hangs" in run.log[0]
    run.clock.instant += max(DELAYS_S)
    run.until_results()
    hanging.released.set()


def until_it_hangs(run: Run) -> None:
    """Step until the analysis, which is in a call that does not return, counts as hanging."""
    run.until(lambda: run.keeper.networks is not None)
    for _ in range(int(HANGS_S / MAX_STEP_S) + 1):
        run.clock.instant += MAX_STEP_S
        if run.keeper.step():
            return
    raise AssertionError(run.log)


def test_calls_that_hang_and_never_end_need_a_new_process() -> None:
    """Too many hanging threads need a new process, because each keeps its networks in memory."""
    hanging = [HangingDetector() for _ in range(MAX_HANGING + 1)]
    run = Run([with_detector(detector) for detector in hanging])
    for detector in hanging[:-1]:
        run.until(detector.entered.is_set)
        until_it_hangs(run)
        run.clock.instant += max(DELAYS_S)
    run.until(hanging[-1].entered.is_set)
    with pytest.raises(RestartNeededError, match="6 threads with neural networks hang"):
        until_it_hangs(run)
    for detector in hanging:
        detector.released.set()


def test_a_call_that_returns_after_all_publishes_nothing() -> None:
    """A call that returns late publishes nothing, because its sightings are older."""
    hanging = HangingDetector()
    run = Run(
        [
            with_detector(hanging),
            lambda parts: Networks(OneFace(), NotANumber(parts.label_set), "cpu"),
        ]
    )
    run.until(hanging.entered.is_set)
    until_it_hangs(run)
    received = run.sightings.received
    (abandoned,) = (worker for worker in run.history.abandoned if not worker.stop(0))
    hanging.released.set()
    assert abandoned.stop(WAIT_S)
    assert run.sightings.received == received


def test_networks_of_an_earlier_live_show_are_freed_when_they_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Networks that a live show got from the last one are freed when they fail."""
    monkeypatch.setattr(logging.getLogger("kiosk"), "disabled", True)
    run = Run([GOOD])
    run.until_results()
    run.keeper.stop(WAIT_S)
    parts = run.keeper.parts()
    networks = parts.open_networks()
    used = weakref.ref(networks)
    assert run.keeper.networks is not None
    assert networks.detector is run.keeper.networks.detector
    del networks
    assert used() is None
    assert parts.open_networks().detector is GOOD(parts).detector


def test_a_thread_that_cannot_be_started_is_a_failure_of_the_analysis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If a thread cannot be started for lack of memory, the mirror continues.

    The analysis is tried again.
    """

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    run = Run([GOOD])
    with monkeypatch.context() as without_memory:
        without_memory.setattr(threading.Thread, "start", refuse)
        run.until_failed()
    assert "analysis: failed (RuntimeError)" in run.log[0]
    run.until_results()


def test_networks_that_failed_are_freed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that failed are freed without waiting for Python's garbage collector."""

    class Gone(OneFace):
        def detect(self, frame: Frame) -> list[Face]:
            raise RuntimeError("the device is gone")

    # Pytest stores logged records with their exceptions; a show's log does not.
    monkeypatch.setattr(logging.getLogger("kiosk"), "disabled", True)
    used: list[weakref.ref[Gone]] = []

    def failing(parts: Parts) -> Networks:
        detector = Gone()
        used.append(weakref.ref(detector))
        return Networks(detector, FirstLabel(parts.label_set), "cpu")

    run = Run([failing, failing, GOOD])
    gc.disable()
    try:
        run.until_failed()
        run.until_failed()
        run.until_results()
        assert [each() for each in used] == [None, None]
    finally:
        gc.enable()


def test_a_machine_that_slept_has_no_analysis_that_hung() -> None:
    """A gap of hours between two checks counts as half a second."""
    run = Run([GOOD])
    run.until_results()
    run.clock.instant += 36_000
    assert not run.keeper.step()
    assert run.keeper.failures == 0


def test_a_card_that_fails_twice_is_given_up_for_the_processor_and_taken_back() -> None:
    """The processor replaces the card for ten minutes; then the card is tried again."""
    failing = with_detector(FailingDetector(RuntimeError("the device is gone")), "cuda")
    run = Run([failing] * DEVICE_FAILURES + [GOOD, GOOD_CARD])
    for _ in range(DEVICE_FAILURES):
        run.until_failed()
    run.until_results()
    assert run.on_processor == [False] * (DEVICE_FAILURES - 1) + [True]
    kinds = [run.keeper.device_kind]
    run.clock.instant += MEMORY_S
    run.keeper.step()
    run.until_results()
    assert run.on_processor[-1] is False
    kinds.append(run.keeper.device_kind)
    assert kinds == [DeviceKind.PROCESSOR_INSTEAD, DeviceKind.GRAPHICS_CARD]


def test_a_card_that_was_given_up_stays_so_when_the_camera_is_opened_again() -> None:
    """The next live show uses the CPU too, and tries the graphics card after `MEMORY_S`."""
    failing = with_detector(FailingDetector(RuntimeError("the device is gone")), "cuda")
    run = Run([failing] * DEVICE_FAILURES + [GOOD])
    for _ in range(DEVICE_FAILURES):
        run.until_failed()
    following = Run([GOOD, GOOD_CARD], clock=run.clock, history=run.history)
    following.until_results()
    assert following.on_processor == [True]
    kinds = [following.keeper.device_kind]
    run.clock.instant += MEMORY_S
    following.keeper.step()
    following.until_results()
    kinds.append(following.keeper.device_kind)
    assert kinds == [DeviceKind.PROCESSOR_INSTEAD, DeviceKind.GRAPHICS_CARD]


def test_networks_on_the_processor_are_used_again_when_the_camera_is_opened_again() -> None:
    """If the CPU has replaced a failing graphics card, the next live show uses the same networks.

    It opens no others, and `OpenNetworks` keeps no reference to them. The graphics card is tried
    again ten minutes after its failure.
    """
    failing = with_detector(FailingDetector(RuntimeError("the device is gone")), "cuda")
    run = Run([failing] * DEVICE_FAILURES + [GOOD, GOOD_CARD])
    for _ in range(DEVICE_FAILURES):
        run.until_failed()
    run.until_results()
    run.keeper.stop(WAIT_S)
    parts, opened = run.keeper.parts(), len(run.on_processor)
    assert isinstance(parts.open_networks, OpenNetworks)
    networks, run.keeper = run.keeper.networks, run.following(parts)
    run.until_results()
    assert run.keeper.networks == networks
    assert len(run.on_processor) == opened
    assert not parts.open_networks.has_networks
    run.clock.instant += MEMORY_S
    run.keeper.step()
    run.until_results()
    assert run.on_processor[opened:] == [False]
    assert run.keeper.device_kind == DeviceKind.GRAPHICS_CARD


def test_freed_memory_is_returned_when_a_call_that_hung_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When a call that hung has ended, its networks' memory is returned, once.

    A separate thread does it, not the mirror's.
    """
    hanging = HangingDetector()
    run = Run([with_detector(hanging), GOOD])
    run.until(hanging.entered.is_set)
    until_it_hangs(run)
    run.clock.instant += max(DELAYS_S)
    run.until_results()
    returned: Latest[str] = Latest()
    abandoned = len(run.history.abandoned)
    monkeypatch.setattr(
        analysis_keeper,
        "return_freed_memory",
        lambda: returned.put(threading.current_thread().name),
    )
    run.keeper.step()
    assert returned.received == 0
    hanging.released.set()
    assert [worker.stop(WAIT_S) for worker in run.history.abandoned] == [True] * abandoned
    run.keeper.step()
    assert run.history.abandoned == []
    assert returned.take(timeout=WAIT_S) == "memory"
    run.keeper.step()
    assert returned.received == 1


def test_three_different_failures_need_a_new_process() -> None:
    """After three different failures the process is restarted: no single part is at fault."""
    kinds = [RuntimeError("a"), MemoryError(), ValueError("b")]
    run = Run([with_detector(FailingDetector(kind)) for kind in kinds])
    run.until_failed()
    run.until_failed()
    with pytest.raises(RestartNeededError, match="MemoryError, RuntimeError, ValueError"):
        run.until_failed()


def waits(run: Run) -> list[float]:
    """Return the delays in the log, s."""
    return [float(line.split("reopened in ")[1].removesuffix(" s.")) for line in run.log]


def test_the_same_failure_again_and_again_is_tried_more_and_more_seldom() -> None:
    """The same failure is retried after longer delays, but visitors never wait for long."""
    run = Run([with_detector(FailingDetector(RuntimeError("a")))])
    for _ in range(len(DELAYS_S) + 2):
        run.until_failed()
    assert waits(run) == [*DELAYS_S, DELAYS_S[-1], DELAYS_S[-1]]
    assert max(waits(run)) <= 3, "names are back within ten seconds after a fault"


@pytest.mark.parametrize("is_opened", [True, False])
def test_networks_that_open_slowly_are_opened_for_half_of_the_time_at_most(is_opened: bool) -> None:
    """If networks take longer to open than the last delay, the next delay is as long as that.

    This does not depend on whether they open.
    """

    def open_slowly(parts: Parts) -> Networks:
        run.clock.instant += 20.0
        if not is_opened:
            raise RuntimeError("a")
        return with_detector(FailingDetector(RuntimeError("a")))(parts)

    run = Run([open_slowly])
    for _ in range(len(DELAYS_S) + 2):
        run.until_failed()
        run.clock.instant += 20.0
    assert waits(run) == [*DELAYS_S[:-1], 20, 20, 20]


def test_a_mistake_in_a_file_at_the_start_ends_the_show() -> None:
    """A mistake in a file at the start ends the show, because staff must correct it."""

    def wrong(parts: Parts) -> Networks:
        raise LabelSetError(Mistake("labels", "a file is missing", "Put it back."))

    run = Run([wrong])
    with pytest.raises(LabelSetError, match="a file is missing"):
        run.until(lambda: False)
