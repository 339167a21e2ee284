from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.naming.label_set.label_set import Label
from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Reading, Sighting, Verdict
from installation.seeing.presence.presence import Present
from installation.settings.kiosk import ReadingSettings
from tests.support.sightings import present, still_track
from tests.support.weather import NAMES, PERSON, WEATHER


def reading(at: float, scores: Sequence[float], number: int = 1) -> Reading:
    """Return a reading of a visitor."""
    return Reading(number, at, np.array(scores, np.float32))


def sure(name: str, score: float = 0.9) -> list[float]:
    """Return scores in which `name` has `score` and the others share the rest."""
    rest = (1 - score) / (len(NAMES) - 1)
    return [score if name == other else rest for other in NAMES]


FLAT = [1 / len(NAMES)] * len(NAMES)


class OneVisitor:
    """A visitor who is read every fifth of a second."""

    def __init__(self, seed: int = 0, **settings: object) -> None:
        reading_settings = ReadingSettings.model_validate(settings)
        self.settler = Settler(WEATHER, reading_settings, random.Random(seed))
        self.now = 100.0

    def see(self, scores: Sequence[float]) -> Sighting:
        """Return the sighting after one more reading with these scores."""
        self.now += 0.2
        readings = [reading(self.now, scores)]
        return self.settler.settle(readings, present(still_track()), self.now)[0]

    def watch(self, scores: Sequence[float], seconds: float) -> Sighting:
        """Return the sighting after so many seconds of readings with these scores."""
        return [self.see(scores) for _ in range(round(seconds / 0.2))][-1]


def name_of(sighting: Sighting) -> str | None:
    """Return the name in the verdict; None without a verdict."""
    return sighting.verdict.label.name if sighting.verdict else None


def test_a_verdict_needs_the_least_time() -> None:
    """A visitor whose readings are all alike is named after 1.2 s, and not before."""
    visitor = OneVisitor()
    seen = [visitor.see(sure("fog")) for _ in range(8)]
    assert [name_of(sighting) for sighting in seen] == [None] * 6 + ["fog"] * 2
    progress = [sighting.evidence for sighting in seen]
    assert progress == sorted(progress)
    assert progress[0] < 0.2
    assert progress[-1] == 1


def test_a_verdict_needs_three_readings() -> None:
    """On a slow machine a visitor is named by the third reading, however long that takes."""
    settler = Settler(WEATHER, ReadingSettings(), random.Random(0))
    named = []
    for at in (0.0, 5.0, 10.0):
        sightings = settler.settle([reading(at, sure("fog"))], present(still_track()), at)
        named.append(name_of(sightings[0]))
    assert named == [None, None, "fog"]


def test_a_frame_without_readings_changes_nothing() -> None:
    """A visitor who was not read on this frame keeps candidates and verdict."""
    visitor = OneVisitor()
    before = visitor.watch(sure("fog"), 2)
    after = visitor.settler.settle([], present(still_track()), visitor.now + 0.1)[0]
    assert (after.verdict, after.candidates) == (before.verdict, before.candidates)


def test_who_turns_away_while_being_read_is_given_no_name() -> None:
    """If a face is not found when its verdict is due, it gets its name when it is found again."""
    visitor = OneVisitor()
    assert name_of(visitor.watch(sure("fog"), 1.2)) is None
    away = [replace(each, track=replace(each.track, misses=1)) for each in present(still_track())]
    for late_s in (0.2, 0.4):
        assert name_of(visitor.settler.settle([], away, visitor.now + late_s)[0]) is None
    assert (
        name_of(visitor.settler.settle([], present(still_track()), visitor.now + 0.5)[0]) == "fog"
    )


def test_a_face_that_is_turned_while_it_is_read_is_given_no_name() -> None:
    """Neither a name nor another candidate appears until the face is toward the screen again."""
    visitor = OneVisitor()
    assert name_of(visitor.watch(sure("fog"), 1.2)) is None
    held = [replace(each, is_held=True) for each in present(still_track())]
    for late_s in (0.2, 0.4):
        seen = visitor.settler.settle([], held, visitor.now + late_s)[0]
        assert name_of(seen) is None
        assert seen.held_at == visitor.now + late_s
    after = visitor.settler.settle([], present(still_track()), visitor.now + 0.5)[0]
    assert name_of(after) == "fog"
    assert after.held_at is None


def test_a_verdicts_score_is_the_mean_score() -> None:
    """If all readings score a label alike, the verdict has that score."""
    verdict = OneVisitor().watch(sure("fog", 0.5), 2).verdict
    assert verdict is not None
    assert abs(verdict.score - 0.5) < 1e-6


def test_without_a_label_that_scores_enough_the_verdict_is_the_root() -> None:
    """If no label reaches the least score, the visitor's verdict is the root."""
    sighting = OneVisitor().watch(FLAT, 2)
    assert sighting.verdict is not None
    assert sighting.verdict.label == PERSON


def test_the_curators_least_score_replaces_the_label_sets() -> None:
    """`reading.min_score` replaces the label set's own."""
    assert name_of(OneVisitor(min_score=0.1).watch(sure("fog", 0.17), 2)) == "fog"
    assert name_of(OneVisitor(min_score=0.95).watch(sure("fog"), 2)) == "person"


def test_readings_that_do_not_agree_end_with_the_root() -> None:
    """If each reading has other labels, the visitor's verdict is the root after 3.6 s."""
    visitor = OneVisitor(agreement=1.0, min_score=0.0)
    wild = random.Random(4)
    seen = [visitor.see([wild.random() for _ in NAMES]) for _ in range(30)]
    named = [name_of(sighting) for sighting in seen]
    assert set(named) == {None, "person"}
    assert named.index("person") == round(3 * 1.2 / 0.2)


def test_the_root_is_replaced_by_the_first_label_with_enough_evidence() -> None:
    """The root is replaced at once, while other verdicts stay for 8 s."""
    visitor = OneVisitor()
    assert name_of(visitor.watch(FLAT, 1.6)) == "person"
    assert name_of(visitor.watch(sure("dew"), 1.6)) == "dew"


def test_a_name_is_taken_back_and_none_follows() -> None:
    """A name is shown for 8 s, then for 3 s as withdrawn, and no name follows.

    The name itself is forgotten.
    """
    visitor = OneVisitor()
    visitor.watch(sure("fog"), 1.6)
    seen = [visitor.see(sure("dew")) for _ in range(300)]
    stages = [sighting.stage for sighting in seen]
    assert list(dict.fromkeys(stages)) == ["named", "withdrawn", "person"]
    assert 7.5 <= stages.count("named") * 0.2 <= 8.1
    assert 2.9 <= stages.count("withdrawn") * 0.2 <= 3.1
    assert {name_of(each) for each in seen if each.stage != "person"} == {"fog"}
    assert {name_of(each) for each in seen if each.stage == "person"} == {"person"}
    assert "fog" not in repr(visitor.settler._names[1].verdict)


def test_a_long_definition_stands_for_as_long_as_it_takes_to_read() -> None:
    """With forty words a name is shown for three seconds plus a second for each 2.5 words."""
    wordy = replace(WEATHER.labels[0], definition=" ".join(["water"] * 39))
    settler = Settler(
        replace(WEATHER, labels=(wordy, *WEATHER.labels[1:])), ReadingSettings(), random.Random(0)
    )
    stages = []
    for step in range(200):
        readings = [reading(step * 0.2, sure(NAMES[0]))]
        (sighting,) = settler.settle(readings, present(still_track()), step * 0.2)
        stages.append(sighting.stage)
    assert stages.count("named") * 0.2 == pytest.approx(3 + 40 / 2.5, abs=0.21)


def test_a_visitor_who_comes_again_may_have_another_name() -> None:
    """A visitor who leaves and comes again is a new visitor, and may get another name."""
    visitor = OneVisitor()
    assert visitor.watch(sure("fog"), 14).stage == "person"
    visitor.settler.settle([], [], visitor.now)
    assert name_of(visitor.watch(sure("dew"), 2)) == "dew"


def test_an_announced_visitor_has_no_name_and_no_candidates() -> None:
    """Until the announcement ends there is a countdown in whole seconds and nothing else."""
    visitor = OneVisitor()
    coming = [Present(still_track(), announced_until=103.0, may_be_read=False)]
    counted = []
    for instant in (100.0, 100.9, 101.0, 101.5, 102.0, 102.9):
        (sighting,) = visitor.settler.settle([], coming, instant)
        assert (sighting.stage, sighting.candidates, sighting.verdict) == ("announced", (), None)
        counted.append(sighting.seconds_left(instant))
    assert counted == [3, 3, 2, 2, 1, 1]
    assert visitor.settler.settle([], coming, 103.0)[0].stage == "reading"


def test_the_numbers_are_the_distribution() -> None:
    """The shares of the name, the runners-up, the other labels and no label at all sum to 100."""
    verdict = OneVisitor().watch([0.31, 0.12, 0.09, 0.08, 0.02, 0.004], 2).verdict
    assert verdict is not None
    shares = verdict.shares(2)
    runners = [(runner.label.name, share) for runner, share in shares.runners_up]
    assert (verdict.label.name, shares.own) == ("air", 31)
    assert runners == [("breeze", 12), ("cloud", 9)]
    assert (shares.other_count, shares.others, shares.nobodys) == (3, 10, 38)


def test_labels_that_a_network_may_not_choose_are_not_counted() -> None:
    """The count of the other names leaves out names that never have a score."""
    masked = replace(WEATHER, masked=(4, 5))
    settler = Settler(masked, ReadingSettings(), random.Random(0))
    for at in (0.0, 1.0, 2.0):
        readings = [reading(at, [0.5, 0.3, 0.1, 0.1, 0, 0])]
        (sighting,) = settler.settle(readings, present(still_track()), at)
    assert sighting.verdict is not None
    assert sighting.verdict.shares(1).other_count == 2


def test_the_roulette_draws_from_the_distribution() -> None:
    """With `draw: sample` each label is drawn as often as its mean score says."""
    scores = [0.5, 0.3, 0.2, 0.0, 0.0, 0.0]
    names = Counter(
        name_of(OneVisitor(seed, draw="sample").watch(scores, 1.6)) for seed in range(400)
    )
    assert set(names) == {"air", "breeze", "cloud"}
    assert all(
        abs(names[name] / 400 - score) < 0.08
        for name, score in zip(NAMES, scores, strict=True)
        if score
    )


def test_the_roulette_draws_no_label_below_the_least_score() -> None:
    """Only labels that reach `min_score` are drawn."""
    scores = [0.35, 0.3, 0.15, 0.1, 0.1, 0.0]
    names = {name_of(OneVisitor(seed, draw="sample").watch(scores, 1.6)) for seed in range(60)}
    assert names == {"air", "breeze"}


def test_the_roulette_draws_from_all_that_score_enough() -> None:
    """Every label that scores enough can be drawn, however many labels there are."""
    labels = tuple(Label(f"l{i}", f"l{i}", "", ("person",)) for i in range(60))
    many = replace(WEATHER, labels=labels, rows=tuple(range(60)), row_count=60)
    scores = [1 / 60] * 60
    drawn = set()
    for seed in range(600):
        settings = ReadingSettings(draw="sample", min_score=0.01)
        settler = Settler(many, settings, random.Random(seed))
        for at in (0.0, 1.0, 2.0):
            seen = settler.settle([reading(at, scores)], present(still_track()), at)
        drawn.add(name_of(seen[0]))
    assert len(drawn) == 60


def test_without_any_score_the_roulette_draws_nothing() -> None:
    """If the background has the whole score, the verdict is the root, even with `min_score` 0."""
    assert (
        name_of(OneVisitor(draw="sample", min_score=0.0).watch([0.0] * len(NAMES), 2)) == "person"
    )


def test_no_label_scores_more_than_the_root() -> None:
    """While the verdict is the root, its score is never below that of the best candidate."""
    visitor = OneVisitor(agreement=1.0)
    wild = random.Random(4)
    for step in range(200):
        best = 0.1 + 0.0004 * step
        scores = [wild.uniform(0, best) for _ in NAMES]
        sighting = visitor.see(scores)
        if sighting.verdict is not None:
            assert sighting.verdict.label == PERSON
            assert sighting.verdict.score >= sighting.candidates[0].score
    assert sighting.verdict is not None


def test_the_roulette_draws_once() -> None:
    """A drawn name is withdrawn like any other, and no other name is drawn for that visitor."""
    visitor = OneVisitor(draw="sample")
    verdicts = [visitor.see([0.3, 0.3, 0.4, 0.0, 0.0, 0.0]).verdict for _ in range(400)]
    names = [verdict.label.name for verdict in verdicts if verdict]
    assert len(set(names)) == 2
    assert names[-1] == "person"


def test_the_evidence_about_a_visitor_who_leaves_is_dropped() -> None:
    """A later track with the same id begins without evidence."""
    visitor = OneVisitor()
    visitor.watch(sure("fog"), 2)
    visitor.settler.settle([], [], visitor.now)
    assert (visitor.settler._evidence, visitor.settler._names) == ({}, {})
    sighting = visitor.settler.settle([], present(still_track()), visitor.now)[0]
    assert (sighting.candidates, sighting.evidence, sighting.verdict) == ((), 0.0, None)


def test_a_reading_of_somebody_who_has_left_is_dropped() -> None:
    """A late reading does not bring a visitor back."""
    settler = Settler(WEATHER, ReadingSettings(), random.Random(0))
    assert (
        settler.settle([reading(0.0, FLAT, number=7)], present(still_track()), 0.0)[0].candidates
        == ()
    )
    assert settler._evidence.keys() | settler._names.keys() <= {1}


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3),
            st.sets(st.integers(1, 4)),
            st.lists(st.floats(0, 1), min_size=len(NAMES), max_size=len(NAMES)),
        ),
        max_size=40,
    ),
    st.sampled_from(["top", "sample"]),
)
def test_sightings_are_in_range_whatever_is_read(
    frames: list[tuple[float, set[int], list[float]]], draw: str
) -> None:
    """Each visitor has one sighting, with scores and evidence in 0–1, and the best label first."""
    settler = Settler(WEATHER, ReadingSettings.model_validate({"draw": draw}), random.Random(0))
    now = 0.0
    for wait, here, raw in frames:
        now += wait
        scores = [score / max(1.0, sum(raw)) for score in raw]
        readings = [reading(now, scores, number) for number in here]
        sightings = settler.settle(
            readings, present(*(still_track(number) for number in here)), now
        )
        assert [sighting.track.id for sighting in sightings] == list(here)
        assert settler._evidence.keys() | settler._names.keys() == here
        for sighting in sightings:
            listed = [candidate.score for candidate in sighting.candidates]
            assert listed == sorted(listed, reverse=True)
            assert all(0 <= score <= 1 + 1e-6 for score in listed)
            assert 0 <= sighting.evidence <= 1
            if sighting.verdict is not None:
                assert sighting.verdict.settled_at <= now
                assert sighting.verdict.label in (PERSON, *WEATHER.labels)


class Visitors:
    """Visitors who stand side by side and are read every fifth of a second."""

    def __init__(self) -> None:
        self.settler = Settler(WEATHER, ReadingSettings(), random.Random(0))
        self.now = 100.0

    def watch(self, seconds: float, *scores: Sequence[float]) -> list[str | None]:
        """Return each visitor's name after `seconds` of readings; `scores` has a row for each."""
        tracks = [replace(still_track(), id=number) for number in range(len(scores))]
        for _ in range(round(seconds / 0.2)):
            self.now += 0.2
            read = [reading(self.now, row, number) for number, row in enumerate(scores)]
            sightings = self.settler.settle(read, present(*tracks), self.now)
        self.sightings = sightings
        return [name_of(sighting) for sighting in sightings]

    def verdict_of(self, number: int) -> Verdict:
        """Return the verdict on the visitor with this number."""
        verdict = self.sightings[number].verdict
        assert verdict is not None
        return verdict


AIR = [0.5, 0.3, 0.05, 0.05, 0.05, 0.05]
SURER_AIR = [0.6, 0.3, 0.025, 0.025, 0.025, 0.025]


def test_the_surest_of_two_alike_has_the_name_and_the_other_the_next() -> None:
    """If two visitors are similar, the surer visitor gets the name, the other the next best."""
    assert Visitors().watch(3, AIR, SURER_AIR) == ["breeze", "air"]
    assert Visitors().watch(3, SURER_AIR, AIR) == ["air", "breeze"]


def test_a_runner_up_that_somebody_else_has_is_marked() -> None:
    """A better name that is not given because another visitor has it is marked as given."""
    visitors = Visitors()
    visitors.watch(3, AIR, SURER_AIR)
    first, second = (visitors.verdict_of(number) for number in (0, 1))
    assert [(each.label.name, each.is_given) for each in first.runners_up[:2]] == [
        ("air", True),
        ("cloud", False),
    ]
    assert not any(each.is_given for each in second.runners_up)
    assert first.runners_up[0].score > first.score


def test_only_a_name_that_was_drawn_says_so() -> None:
    """A verdict says whether its label was drawn at random."""
    for draw in ("sample", "top"):
        verdict = OneVisitor(draw=draw).watch(AIR, 3).verdict
        assert verdict is not None
        assert verdict.is_drawn is (draw == "sample")


def test_a_name_is_repeated_if_no_other_scores_enough() -> None:
    """A label that scores far below the best is not given only for variety."""
    assert Visitors().watch(3, sure("fog"), sure("fog")) == ["fog", "fog"]


def test_a_name_stays_with_who_has_it() -> None:
    """A name stays with its visitor; a surer visitor who comes later gets another name."""
    visitors = Visitors()
    assert visitors.watch(3, AIR) == ["air"]
    assert visitors.watch(3, AIR, SURER_AIR) == ["air", "breeze"]
    assert visitors.watch(1, AIR, SURER_AIR) == ["air", "breeze"]


def test_the_name_of_a_covered_face_is_withdrawn_for_good() -> None:
    """If a still face is not found for a second, its track loses its name, and gets no other."""
    visitor = OneVisitor(hold_s=3600)
    assert visitor.watch(sure("fog"), 4).stage == "named"
    covered = replace(still_track(at=visitor.now), misses=5)
    before, after = (
        visitor.settler.settle([], present(covered), visitor.now + seconds)[0]
        for seconds in (0.9, 1.1)
    )
    assert (before.stage, after.stage, name_of(after)) == ("named", "person", "person")
    assert visitor.watch(sure("fog"), 4).stage == "person"


def test_a_name_is_free_once_its_visitor_has_left() -> None:
    """A name is free as soon as its visitor has left."""
    visitors = Visitors()
    assert visitors.watch(3, AIR) == ["air"]
    assert visitors.watch(0.2) == []
    assert visitors.watch(3, AIR) == ["air"]


def test_readings_that_say_nothing_lead_to_the_root() -> None:
    """A visitor who is mostly outside the frame has the root as the verdict."""
    assert Visitors().watch(3, [0.0] * len(NAMES)) == ["person"]
