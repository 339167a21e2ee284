from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Sightings
from installation.running.latest import Latest
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import Presence
from installation.settings.kiosk import ReadingSettings
from installation.show.analysis import LONGEST_WAIT_S, Analysis
from installation.show.events import VisitorEvents
from installation.show.parts import Parts
from tests.support.manual_clock import ManualClock
from tests.support.small_show import (
    FirstLabel,
    GreyFilm,
    OneFaceOnBright,
    grey_frame,
    small_analysis,
    small_parts,
    with_networks,
)


def analysis_of(parts: Parts) -> Analysis:
    """Return the analysis of `parts`, to which frames are given one by one."""
    return small_analysis(parts, Latest(), Latest(), ManualClock())


def seen_by(analysis: Analysis, at: float, *, lit: bool = True) -> Sightings:
    """Return the sightings at `at`, s; the detector finds a face only if the frame is `lit`."""
    return analysis.analyse(grey_frame(200 if lit else 3, at))


def test_frames_become_sightings_with_a_verdict() -> None:
    """Analysis finds a face, follows it, reads it and settles, all from frames alone."""
    parts = small_parts(GreyFilm(0))
    analysis = analysis_of(parts)
    seen = [seen_by(analysis, number / 10) for number in range(20)]
    visitors = {visitor.track.id for sightings in seen for visitor in sightings.visitors}
    assert visitors == {1}
    verdict = seen[-1].visitors[0].verdict
    assert verdict is not None
    assert verdict.label == parts.label_set.labels[0]
    stages = [visitor.stage for sightings in seen for visitor in sightings.visitors]
    assert list(dict.fromkeys(stages)) == ["reading", "named"]
    assert seen[-1].reading_count == stages.count("reading"), "who has a name is not read"


def test_nobody_is_looked_at_before_they_have_been_told() -> None:
    """No visitor is cropped until the announcement has been shown for three seconds."""
    clock, published = ManualClock(), Latest[Sightings]()
    forgetful = Forgetful(small_parts(GreyFilm(0), announce_s=3.0))
    analysis = small_analysis(forgetful.parts, Latest(), published, clock)
    announced_at, read_at = [], []
    for number in range(60):
        clock.instant = 1000 + number / 10
        seen = seen_by(analysis, clock.instant)
        if any(visitor.stage == "announced" for visitor in seen.visitors):
            announced_at.append(clock.instant)
        if "classify" in forgetful.calls:
            read_at.append(clock.instant)
    assert announced_at
    assert read_at[0] - announced_at[0] >= 3


def test_a_newcomer_is_announced_before_others_are_read() -> None:
    """A newcomer's square does not wait for the readings of others, however long they take."""
    parts, published = small_parts(GreyFilm(0)), Latest[Sightings]()

    class Watching(FirstLabel):
        def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
            early.append(published.take(timeout=0))
            return super().classify(frame, boxes)

    early: list[Sightings | None] = []
    parts = with_networks(parts, classifier=Watching(parts.label_set))
    analysis = small_analysis(parts, Latest(), published, ManualClock())
    for number in range(10):
        seen_by(analysis, number / 10)
    assert early
    assert all(each is not None and len(each.visitors) == 1 for each in early)


@pytest.mark.parametrize(("level", "each_s"), [(0.9, 0), (0.0, 1)], ids=["named", "person"])
def test_a_visitor_whose_verdict_holds_costs_at_most_one_reading_a_second(
    level: float, each_s: int
) -> None:
    """A visitor with a name is not read again; an unsure one is, once a second."""

    class Sure(FirstLabel):
        def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
            read_at.append(frame.taken_at)
            return super().classify(frame, boxes) * np.float32(level)

    read_at: list[float] = []
    parts = small_parts(GreyFilm(0))
    parts = with_networks(parts, classifier=Sure(parts.label_set))
    analysis = small_analysis(parts, Latest(), Latest(), ManualClock())
    for number in range(30 * 12):
        analysis.offer(grey_frame(200, number / 30))
    assert len([at for at in read_at if at < 2]) > 1
    assert len([at for at in read_at if 2 <= at < 12]) <= 10 * each_s
    assert len([at for at in read_at if 2 <= at < 12]) >= 9 * each_s


def test_people_behind_the_line_are_neither_visitors_nor_read() -> None:
    """A face smaller than `least_size` is a bystander's, and is not read.

    No words cover it.
    """
    forgetful = Forgetful(small_parts(GreyFilm(0)))
    parts = replace(forgetful.parts, presence=Presence(0.0, least_size=0.6))
    analysis = analysis_of(parts)
    for number in range(30):
        sightings = seen_by(analysis, number / 10)
        assert sightings.visitors == ()
    assert len(sightings.bystanders) == 1
    assert "classify" not in forgetful.calls


def test_sightings_say_which_label_set_named_them_and_when() -> None:
    """The instant and the scene are the frame's, and the label set is the one in use."""
    parts = small_parts(GreyFilm(0))
    frame = replace(grey_frame(taken_at=7.5), scene=3)
    sightings = analysis_of(parts).analyse(frame)
    assert (sightings.taken_at, sightings.scene) == (7.5, 3)
    assert sightings.label_set is parts.label_set


def test_a_changed_label_set_waits_until_nobody_is_there() -> None:
    """A visitor who is there keeps the old categories; the next one gets the new ones."""
    parts = with_networks(small_parts(GreyFilm(0)), detector=OneFaceOnBright())
    analysis = analysis_of(parts)
    for number in range(10):
        seen_by(analysis, number / 10)
    changed = FirstLabel.of_objects()
    analysis.new_classifiers.put(changed)
    held = seen_by(analysis, 1.0).visitors[0].verdict
    assert held is not None
    assert held.label == parts.label_set.labels[0]
    for number in range(11, 40):
        seen_by(analysis, number / 10, lit=False)
    seen = [seen_by(analysis, 4 + number / 10) for number in range(10)]
    verdict = seen[-1].visitors[0].verdict
    assert verdict is not None
    assert verdict.label == changed.label_set.labels[0]
    assert seen[-1].label_set is changed.label_set


def test_a_changed_label_set_does_not_wait_for_ever() -> None:
    """In a full room the new categories are used after half a minute, and all are read again."""
    parts = small_parts(GreyFilm(0))
    analysis = analysis_of(parts)
    changed = FirstLabel.of_objects()
    named = set()
    for number in range(round(10 * LONGEST_WAIT_S) + 30):
        if number == 10:
            analysis.new_classifiers.put(changed)
        for visitor in seen_by(analysis, number / 10).visitors:
            if visitor.verdict and visitor.stage == "named":
                named.add(visitor.verdict.label)
    assert named == {parts.label_set.labels[0], changed.label_set.labels[0]}


class Forgetful:
    """A detector and a classifier that record their calls, in order."""

    def __init__(self, parts: Parts, *, fails: bool = False) -> None:
        self.calls: list[str] = []
        record = self.calls.append

        class RecordingDetector(OneFaceOnBright):
            def detect(self, frame: Frame) -> list[Face]:
                record("detect")
                if fails:
                    raise RuntimeError("the detector has failed")
                return super().detect(frame)

            def forget(self) -> None:
                record("detector forgets")

        class RecordingClassifier(FirstLabel):
            def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
                record("classify")
                return super().classify(frame, boxes)

            def forget(self) -> None:
                record("classifier forgets")

        classifier = RecordingClassifier(parts.label_set)
        self.parts = with_networks(parts, detector=RecordingDetector(), classifier=classifier)


def test_the_classifier_forgets_once_nobody_is_there() -> None:
    """After the last visitor has left, their crop is overwritten once in the libraries' memory."""
    forgetful = Forgetful(small_parts(GreyFilm(0)))
    analysis = analysis_of(forgetful.parts)
    for number in range(3):
        seen_by(analysis, number / 10)
    assert "classifier forgets" not in forgetful.calls[forgetful.calls.index("classify") :]
    for number in range(10, 40):
        seen_by(analysis, number / 10, lit=False)
    assert set(forgetful.calls[forgetful.calls.index("classifier forgets") + 1 :]) == {"detect"}


def test_a_classifier_that_is_replaced_forgets() -> None:
    """When a changed label set is used in a full room, the old classifier's crops are zeroed."""
    forgetful = Forgetful(small_parts(GreyFilm(0)))
    analysis = analysis_of(forgetful.parts)
    for number in range(3):
        seen_by(analysis, number / 10)
    analysis.new_classifiers.put(FirstLabel.of_objects())
    seen_by(analysis, 0.4)
    seen_by(analysis, 0.4 + LONGEST_WAIT_S)
    assert forgetful.calls[-1] == "classifier forgets"


@pytest.mark.parametrize("fails", [False, True])
def test_when_analysis_ends_every_part_forgets(fails: bool) -> None:
    """When the frames end or a network fails, no frame is kept, and both networks forget."""
    forgetful = Forgetful(small_parts(GreyFilm(0)), fails=fails)
    frames: Latest[Frame] = Latest()
    analysis = small_analysis(forgetful.parts, frames, Latest(), ManualClock())
    frames.put(grey_frame(200))
    frames.close()
    failure = pytest.raises(RuntimeError, match="detector") if fails else contextlib.nullcontext()
    with failure:
        analysis(threading.Event())
    assert sorted(forgetful.calls[-2:]) == ["classifier forgets", "detector forgets"]
    assert frames.ended


def test_when_analysis_ends_nothing_is_known_of_who_was_there() -> None:
    """After the analysis has ended, everybody is announced again, even at the same place."""
    parts, frames = small_parts(GreyFilm(0), announce_s=3.0), Latest[Frame]()
    clock = ManualClock()
    analysis = small_analysis(parts, frames, Latest(), clock)
    for number in range(60):
        clock.instant = number / 10
        seen = seen_by(analysis, clock.instant)
    assert seen.visitors[0].stage == "named"
    frames.close()
    analysis(threading.Event())
    again = small_analysis(parts, Latest(), Latest(), clock)
    for number in range(60, 64):
        clock.instant = number / 10
        seen = seen_by(again, clock.instant)
    assert [visitor.stage for visitor in seen.visitors] == ["announced"]
    assert seen.visitors[0].track.id > 1


def test_an_analysis_that_is_stopped_during_a_call_publishes_nothing() -> None:
    """Neither squares nor names from a call that hung and returns late are shown."""
    frames, published, stopping = Latest[Frame](), Latest[Sightings](), threading.Event()
    received: list[int] = []

    class Late(OneFaceOnBright):
        def detect(self, frame: Frame) -> list[Face]:
            received.append(published.received)
            if len(received) < 4:
                frames.put(grey_frame(200, len(received) / 10))
            else:
                stopping.set()
            return super().detect(frame)

    class Reading(FirstLabel):
        def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
            read_at.append(frame.taken_at)
            return super().classify(frame, boxes) * np.float32(0)

    read_at: list[float] = []
    parts = small_parts(GreyFilm(0))
    parts = with_networks(parts, detector=Late(), classifier=Reading(parts.label_set))
    frames.put(grey_frame(200, 0.0))
    small_analysis(parts, frames, published, ManualClock())(stopping)
    assert received[-1] > 0
    assert read_at[-1] == 0.3, "the last frame is read, so squares would be published before"
    assert published.received == received[-1]


@pytest.mark.parametrize("covered_s", [0.0, 1.2, 5.0])
def test_a_poster_of_a_face_is_named_once(covered_s: float) -> None:
    """A face that never leaves has one name, which is withdrawn; for an hour nothing follows.

    Nothing follows either if people walk past it, twice a minute.
    """
    parts = small_parts(GreyFilm(0))
    parts = with_networks(parts, detector=OneFaceOnBright())
    clock = ManualClock()
    frames: Latest[Frame] = Latest()
    sightings: Latest[Sightings] = Latest()
    analysis = small_analysis(parts, frames, sightings, clock)
    events: list[dict[str, object]] = []
    visitors = VisitorEvents(events.append, 0.0)
    looks_per_s = 2.5
    for number in range(round(3600 * looks_per_s)):
        clock.instant += 1 / looks_per_s
        lit = number < 70 * looks_per_s or number % (30 * looks_per_s) >= covered_s * looks_per_s
        analysis.offer(grey_frame(128 if lit else 3, taken_at=clock.instant))
        if (seen := sightings.take(timeout=0)) is not None:
            visitors.update(seen, clock.instant)
    assert [event["event"] for event in events] == ["verdict", "withdrawn"]
    assert seen is not None
    assert [visitor.stage for visitor in seen.visitors] == ["person"]


def test_no_name_stands_where_a_still_face_was() -> None:
    """A name vanishes half a second after its face, and does not come back with the next face.

    The track of a face that has not moved for a minute goes on for ten seconds without it.
    """
    parts = small_parts(GreyFilm(0))
    settings = ReadingSettings(min_time_s=0.2, min_readings=2, hold_s=3600)
    parts = replace(parts, settler=Settler(parts.label_set, settings, random.Random(0)))
    analysis = analysis_of(with_networks(parts, detector=OneFaceOnBright()))
    stages = []
    for number in range(80 * 10):
        at = number / 10
        covered = 70 < at < 75
        seen = seen_by(analysis, at, lit=not covered)
        drawn = [each for each in seen.visitors if not each.track.is_lost(at)]
        stages.append(drawn[0].stage if drawn else "nobody")
        if covered:
            assert len(seen.visitors) == 1, "the track goes on"
    assert stages[690] == "named"
    assert set(stages[706:750]) == {"nobody"}
    assert set(stages[752:]) == {"person"}
