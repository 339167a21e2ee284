"""A whole show on a manual clock: visitors are announced first, and lose their name on leaving."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from installation.naming.reading.values import Sightings
from installation.running.latest import Latest
from installation.seeing.box import Box
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.cameras.played.rehearsal import ENTER_S, LEAVE_S, STAY_S, RehearsalPictures
from installation.seeing.cameras.played.replay import Replay
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import GONE_S
from installation.show.context import open_context
from installation.show.mirror import Mirror
from installation.showing.window import OffScreen
from tests.support.counting_screen import CountingScreen
from tests.support.manual_clock import ManualClock
from tests.support.small_show import (
    DEFAULTS,
    FirstLabel,
    GreyFilm,
    OneFace,
    OneFaceOnBright,
    grey_frame,
    small_analysis,
    small_parts,
    small_show,
    with_networks,
)

FPS = 10


class RehearsalInStep(Replay):
    """The rehearsal, played once, whose next picture waits until the last one has been painted."""

    def __init__(self, screen: CountingScreen, clock: ManualClock) -> None:
        pictures = RehearsalPictures(320, 180, FPS)
        super().__init__(pictures, Orientation(mirror=True), clock)
        self._screen = screen
        self._pictures = round((ENTER_S + STAY_S + LEAVE_S) * FPS)
        self._given = 0

    def read(self) -> Frame | None:
        if self._given:
            self._screen.wait(2)  # a step that began before the last frame came is without it
        self._given += 1
        return super().read() if self._given <= self._pictures else None


class FaceOfTheVisitor(OneFace):
    """A detector that finds a face while the middle of the picture is not the rehearsal's wall."""

    def detect(self, frame: Frame) -> list[Face]:
        face = Face(Box(140, 40, 180, 95), 0.9, super().detect(frame)[0].landmarks)
        return [face] if frame.bgr[60:90, 140:180].std() > 15 else []


class NotingClassifier(FirstLabel):
    """Records the instants of the frames in which it was given a face."""

    taken_at: tuple[float, ...] = ()

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        self.taken_at = (*self.taken_at, frame.taken_at)
        return super().classify(frame, boxes)


def test_nobody_is_read_or_named_before_the_notice_has_stood_its_time() -> None:
    """From the paint with the empty square to the first frame that is cropped there are 3 s.

    Only the classifier crops, so before that no network has seen a face alone.
    """
    clock, screen = ManualClock(), CountingScreen()
    camera = RehearsalInStep(screen, clock)
    parts = small_parts(camera, announce_s=3.0)
    classifier = NotingClassifier(parts.label_set)
    parts = with_networks(parts, detector=FaceOfTheVisitor(), classifier=classifier)
    events: list[dict[str, object]] = []
    began_at = clock.now()
    small_show(
        camera,
        events.append,
        screen=screen,
        clock=clock,
        open_parts=lambda loaded, clock, log: parts,
    ).run()
    stages = ["announced", "verdict", "withdrawn", "left"]
    assert [event["event"] for event in events] == stages, "the whole visit"
    told_at, named_at = (float(str(event["at"])) + began_at for event in events[:2])
    assert classifier.taken_at[0] >= told_at + 3
    assert named_at > classifier.taken_at[0]


class SlowShow:
    """The analysis and the mirror of a show, frame by frame on a manual clock.

    There is somebody on bright frames. The analysis looks once in `look_s`, and its result arrives
    `takes_s` later; after `hangs_at` no result arrives.
    """

    def __init__(
        self, look_s: float, takes_s: float, hangs_at: float = math.inf, *, announce_s: float = 0.0
    ) -> None:
        parts = small_parts(GreyFilm(0), announce_s=announce_s)
        parts = with_networks(parts, detector=OneFaceOnBright())
        self._look_s, self._takes_s, self._hangs_at = look_s, takes_s, hangs_at
        self._clock = ManualClock()
        self._frames, self._published = Latest[Frame](), Latest[Sightings]()
        self._found = Latest[Sightings]()
        self._analysis = small_analysis(parts, Latest(), self._found, self._clock)
        screen = OffScreen((320, 180))
        context = open_context(screen, DEFAULTS)
        self._mirror = Mirror(screen, context, self._frames, self._published, self._clock)
        self._looked_at = 0.0
        self.has_name = False
        self.names: set[str] = set()
        """What is on the tags in the scene: names, and the seconds of countdowns."""
        self.all_names: set[str] = set()
        self._coming: list[tuple[float, Sightings]] = []

    def drawn_until(self, ends_at: float, turned_at: float) -> list[float]:
        """Return the instants from 1000 s on at which the scene has a visitor, 30 a second.

        Somebody is there until `turned_at` (s), and what is on the tags is added to `all_names`.
        """
        drawn = []
        for number in range(round(30 * (ends_at - 1000))):
            at = 1000 + number / 30
            if self.draws_somebody(at, somebody_there=at <= turned_at):
                drawn.append(at)
                self.all_names |= self.names
        return drawn

    def draws_somebody(self, at: float, *, somebody_there: bool) -> bool:
        """Return whether the scene of the frame that was taken at this instant has a visitor."""
        self._clock.instant = at
        frame = grey_frame(200 if somebody_there else 3, at)
        if at - self._looked_at >= self._look_s and at < self._hangs_at:
            self._analysis.offer(frame)
            found = self._found.take(timeout=0)
            if found is not None:
                self._looked_at = at
                self._coming.append((at + self._takes_s, found))
        while self._coming and self._coming[0][0] <= at:
            self._published.put(self._coming.pop(0)[1])
        self._frames.put(frame)
        self._mirror.step()
        assert self._mirror._scene is not None
        self.has_name = any(each.shown.verdict for each in self._mirror._scene.visitors)
        self.names = {each.shown.name for each in self._mirror._scene.visitors}
        return bool(self._mirror._scene.visitors)


@pytest.mark.parametrize(
    ("look_s", "takes_s"), [(0.0, 0.05), (0.3, 0.3), (1.0, 1.0)], ids=["quick", "slow", "slowest"]
)
@pytest.mark.parametrize("step", range(0, 30, 7))
def test_turn_away_and_the_name_is_gone(look_s: float, takes_s: float, step: int) -> None:
    """Within `GONE_S` after the last frame with the face, the mirror has no square and no name.

    This holds at any moment between two looks, and on a machine that needs a second for each.
    """
    show = SlowShow(look_s, takes_s)
    turned_at = 1006 + step / 30
    drawn = show.drawn_until(1007 + GONE_S + 2, turned_at)
    assert drawn[-1] >= turned_at - 1 / 30, "the control: there was a name to lose"
    assert drawn[-1] < turned_at + GONE_S


@pytest.mark.parametrize("step", [0, 20, 45, 65, 78, 83])
def test_turn_away_before_the_end_of_the_countdown_and_the_square_goes(step: int) -> None:
    """Who turns away at any moment of the countdown loses the square, and no name is guessed.

    Somebody who is back after `GONE_S` is announced again for the whole three seconds.
    """
    show = SlowShow(0.0, 0.05, announce_s=3.0)
    turned_at = 1000.2 + step / 30
    gone_at = 1004 + GONE_S + 2
    drawn = show.drawn_until(gone_at, turned_at)
    assert show.all_names <= {"", "1", "2", "3"}
    assert drawn[-1] >= turned_at - 1 / 30, "the control: there was a square to lose"
    assert drawn[-1] < turned_at + GONE_S
    back_at, named_at = gone_at + 1, math.inf
    for number in range(30 * 7):
        at = back_at + number / 30
        show.draws_somebody(at, somebody_there=True)
        if not show.names <= {"", "1", "2", "3"}:
            named_at = min(named_at, at)
    assert back_at + 3 < named_at < math.inf


@pytest.mark.parametrize("step", range(1, 8))
def test_turn_away_while_a_name_is_chosen_and_none_is_given(step: int) -> None:
    """Who turns away while a name is being chosen is given none, however near it was."""
    show = SlowShow(0.0, 0.0)
    turned_at = 1000 + step / 30
    was_named = False
    for number in range(30 * 5):
        at = 1000 + number / 30
        show.draws_somebody(at, somebody_there=at <= turned_at)
        was_named = was_named or (show.has_name and at <= turned_at)
        assert not show.has_name or was_named


def test_a_hanging_analysis_holds_no_name() -> None:
    """If the analysis hangs, the name of a visitor who turned away disappears in time too."""
    show = SlowShow(0.0, 0.05, hangs_at=1002)
    instants = [1000 + number / 30 for number in range(30 * 6)]
    drawn = [at for at in instants if show.draws_somebody(at, somebody_there=at < 1002)]
    assert 1002 <= drawn[-1] <= 1002 + GONE_S


@pytest.mark.parametrize("step", range(12))
def test_a_newcomer_has_a_square_within_half_a_second(step: int) -> None:
    """A person who steps into an empty room has a square within half a second."""
    show = SlowShow(0.0, 0.03)
    comes_at = 1003 + step / 30
    for number in range(30 * 5):
        at = 1000 + number / 30
        if show.draws_somebody(at, somebody_there=at >= comes_at):
            break
    assert comes_at < at <= comes_at + 0.5
