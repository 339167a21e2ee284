"""A whole show on a manual clock: visitors are told first, and who turns away has no name."""

from __future__ import annotations

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
            self._screen.wait(2)  # a paint that began before the last frame came is without it
        self._given += 1
        return super().read() if self._given <= self._pictures else None


class FaceOfTheVisitor(OneFace):
    """A detector that finds a face while the middle of the picture is not the rehearsal's wall."""

    def detect(self, frame: Frame) -> list[Face]:
        face = Face(Box(140, 40, 180, 95), 0.9, super().detect(frame)[0].landmarks)
        return [face] if frame.pixels[60:90, 140:180].std() > 15 else []


class NotingClassifier(FirstLabel):
    """Notes when the frames were taken in which it was given somebody."""

    taken_at: tuple[float, ...] = ()

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        self.taken_at = (*self.taken_at, frame.taken_at)
        return super().classify(frame, boxes)


def test_nobody_is_read_or_named_before_the_notice_has_stood_its_time() -> None:
    """From the paint with the empty square to the first frame that is cropped there are 3 s.

    The classifier is what crops, so before that no network has seen a face by itself.
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


@pytest.mark.parametrize(
    ("look_s", "takes_s"), [(0.1, 0.05), (0.3, 0.3), (1.0, 1.0)], ids=["quick", "slow", "slowest"]
)
@pytest.mark.parametrize("step", range(0, 30, 7))
def test_turn_away_and_the_name_is_gone(look_s: float, takes_s: float, step: int) -> None:
    """Within `GONE_S` after the last frame with the face the mirror has neither square nor name.

    This holds at any moment between two looks, and on a machine that needs a second for each.
    """
    parts = with_networks(small_parts(GreyFilm(0)), detector=OneFaceOnBright())
    clock, frames, published = ManualClock(), Latest[Frame](), Latest[Sightings]()
    analysis, screen = (
        small_analysis(parts, Latest(), Latest(), clock),
        OffScreen((320, 180)),
    )
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, published, clock)
    turned_at, drawn = 1006 + step / 30, list[float]()
    looked_at, coming = 0.0, list[tuple[float, Sightings]]()
    for number in range(round(30 * (6 + step / 30 + GONE_S + 2))):
        clock.instant = 1000 + number / 30
        frame = grey_frame(200 if clock.instant <= turned_at else 3, clock.instant)
        if clock.instant - looked_at >= look_s:
            looked_at = clock.instant
            coming.append((clock.instant + takes_s, analysis.analyse(frame)))
        while coming and coming[0][0] <= clock.instant:
            published.put(coming.pop(0)[1])
        frames.put(frame)
        mirror.step()
        assert mirror._scene is not None
        if mirror._scene.visitors:
            drawn.append(clock.instant)
    assert drawn
    assert drawn[-1] >= turned_at - 1 / 30, "the control: there was a name to lose"
    assert drawn[-1] < turned_at + GONE_S


def test_a_hanging_analysis_holds_no_name() -> None:
    """If no look ever comes back, the name of who turned away is gone within the same time."""
    parts = small_parts(GreyFilm(0))
    clock, frames, published = ManualClock(), Latest[Frame](), Latest[Sightings]()
    analysis, screen = (
        small_analysis(parts, Latest(), Latest(), clock),
        OffScreen((320, 180)),
    )
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, published, clock)
    drawn = []
    for number in range(30 * 6):
        clock.instant = 1000 + number / 30
        frame = grey_frame(200, clock.instant)
        if number < 60:
            published.put(analysis.analyse(frame))
        frames.put(frame)
        mirror.step()
        assert mirror._scene is not None
        drawn += [clock.instant] if mirror._scene.visitors else []
    assert 1002 <= drawn[-1] <= 1002 + GONE_S
