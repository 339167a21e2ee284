from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from installation.naming.label_set.label_set import Label
from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Reading, Sighting
from installation.settings.kiosk import ReadingSettings
from tests.support.sightings import still_track
from tests.support.weather import NAMES, PERSON, WEATHER


def reading(at: float, scores: Sequence[float], number: int = 1) -> Reading:
    """Return a reading of a visitor."""
    return Reading(number, at, np.array(scores, np.float32))


def sure(name: str, score: float = 0.9) -> list[float]:
    """Return scores of which `name` has `score` and the others what is left."""
    rest = (1 - score) / (len(NAMES) - 1)
    return [score if name == other else rest for other in NAMES]


FLAT = [1 / len(NAMES)] * len(NAMES)


class Room:
    """One visitor who is read every fifth of a second."""

    def __init__(self, seed: int = 0, **settings: object) -> None:
        reading_settings = ReadingSettings.model_validate(settings)
        self.settler = Settler(WEATHER, reading_settings, random.Random(seed))
        self.now = 100.0

    def see(self, scores: Sequence[float]) -> Sighting:
        self.now += 0.2
        readings = [reading(self.now, scores)]
        return self.settler.settle(readings, [still_track()], self.now)[0]

    def watch(self, scores: Sequence[float], seconds: float) -> Sighting:
        return [self.see(scores) for _ in range(round(seconds / 0.2))][-1]


def name_of(sighting: Sighting) -> str | None:
    """Return the name in the verdict, where there is one."""
    return sighting.verdict.label.name if sighting.verdict else None


def test_a_verdict_takes_its_time() -> None:
    """A visitor who reads the same all the time is named after 1.2 s, and not before."""
    room = Room()
    seen = [room.see(sure("fog")) for _ in range(8)]
    assert [name_of(sighting) for sighting in seen] == [None] * 6 + ["fog"] * 2
    nearness = [sighting.evidence for sighting in seen]
    assert nearness == sorted(nearness)
    assert nearness[0] < 0.2
    assert nearness[-1] == 1


def test_a_slow_machine_still_takes_three_readings() -> None:
    """However long it takes, one reading is no verdict."""
    settler = Settler(WEATHER, ReadingSettings(), random.Random(0))
    named = []
    for at in (0.0, 5.0, 10.0):
        sightings = settler.settle([reading(at, sure("fog"))], [still_track()], at)
        named.append(name_of(sightings[0]))
    assert named == [None, None, "fog"]


def test_a_frame_without_readings_keeps_what_was_read() -> None:
    """A visitor who was not read on this frame keeps candidates and verdict."""
    room = Room()
    before = room.watch(sure("fog"), 2)
    after = room.settler.settle([], [still_track()], room.now + 0.1)[0]
    assert (after.verdict, after.candidates) == (before.verdict, before.candidates)


def test_the_score_is_the_share_of_the_evidence() -> None:
    """The verdict's score is the mean of the label's scores, as they are all alike."""
    verdict = Room().watch(sure("fog", 0.5), 2).verdict
    assert verdict is not None
    assert abs(verdict.score - 0.5) < 1e-6


def test_nobody_is_named_without_a_reason() -> None:
    """Where no label scores enough, the visitor is only a person."""
    sighting = Room().watch(FLAT, 2)
    assert sighting.verdict is not None
    assert sighting.verdict.label == PERSON


def test_the_curators_least_score_goes_before_the_sets() -> None:
    """`reading.min_score` replaces the label set's own."""
    assert name_of(Room(min_score=0.1).watch(sure("fog", 0.17), 2)) == "fog"
    assert name_of(Room(min_score=0.95).watch(sure("fog"), 2)) == "person"


def test_readings_that_disagree_make_only_a_person() -> None:
    """Where each reading says another thing, patience ends with the root."""
    room = Room(agreement=1.0, min_score=0.0)
    wild = random.Random(4)
    seen = [room.see([wild.random() for _ in NAMES]) for _ in range(30)]
    named = [name_of(sighting) for sighting in seen]
    assert set(named) == {None, "person"}
    assert named.index("person") == round(3 * 1.2 / 0.2)


def test_a_person_is_named_as_soon_as_the_machine_finds_something() -> None:
    """The root does not hold: it gives way to the first label with enough evidence."""
    room = Room()
    assert name_of(room.watch(FLAT, 1.6)) == "person"
    assert name_of(room.watch(sure("dew"), 1.6)) == "dew"


def test_a_verdict_holds_for_eight_seconds() -> None:
    """A verdict stands still for 8 s whatever is read meanwhile, and then may change."""
    room = Room()
    room.watch(sure("fog"), 1.6)
    names = [name_of(room.see(sure("dew"))) for _ in range(60)]
    settled_for = names.index("dew") * 0.2
    assert 7.5 <= settled_for <= 8.5
    assert set(names) == {"fog", "dew"}
    assert names == ["fog"] * names.count("fog") + ["dew"] * names.count("dew")


def test_a_verdict_does_not_flicker() -> None:
    """After it has held, a label that is only a little ahead does not replace it."""
    room = Room()
    room.watch([0.30, 0.28, 0.12, 0.10, 0.10, 0.10], 2)
    names = {name_of(room.see([0.28, 0.31, 0.12, 0.10, 0.10, 0.09])) for _ in range(100)}
    assert names == {"air"}


def test_the_roulette_draws_from_the_distribution() -> None:
    """With `draw: sample` each label comes as often as its share of the evidence."""
    scores = [0.5, 0.3, 0.2, 0.0, 0.0, 0.0]
    names = Counter(name_of(Room(seed, draw="sample").watch(scores, 1.6)) for seed in range(400))
    assert set(names) == {"air", "breeze", "cloud"}
    assert all(
        abs(names[name] / 400 - score) < 0.08
        for name, score in zip(NAMES, scores, strict=True)
        if score
    )


def test_the_roulette_keeps_the_least_score() -> None:
    """Only labels that score enough are drawn; the screen shows nothing below `min_score`."""
    scores = [0.35, 0.3, 0.15, 0.1, 0.1, 0.0]
    names = {name_of(Room(seed, draw="sample").watch(scores, 1.6)) for seed in range(60)}
    assert names == {"air", "breeze"}


def test_the_roulette_draws_from_all_that_score_enough() -> None:
    """However many labels there are, none that scores enough is left out of the draw."""
    labels = tuple(Label(f"l{i}", f"l{i}", "", ("person",)) for i in range(60))
    many = replace(WEATHER, labels=labels, rows=tuple(range(60)), size=60)
    scores = [1 / 60] * 60
    drawn = set()
    for seed in range(600):
        settings = ReadingSettings(draw="sample", min_score=0.01)
        settler = Settler(many, settings, random.Random(seed))
        for at in (0.0, 1.0, 2.0):
            seen = settler.settle([reading(at, scores)], [still_track()], at)
        drawn.add(name_of(seen[0]))
    assert len(drawn) == 60


def test_the_roulette_has_nothing_to_draw_where_nothing_scores() -> None:
    """Where the background takes all, the visitor is the root, even with a least score of 0."""
    assert name_of(Room(draw="sample", min_score=0.0).watch([0.0] * len(NAMES), 2)) == "person"


def test_another_label_needs_the_whole_least_score() -> None:
    """The slack is for the label that stands: one that takes its place must score enough."""
    room = Room(min_score=0.3, hold_s=0.0)
    assert name_of(room.watch([0.9, 0.1, 0.0, 0.0, 0.0, 0.0], 2)) == "air"
    seen = [name_of(room.see([0.1, 0.29, 0.1, 0.1, 0.1, 0.1])) for _ in range(100)]
    assert list(dict.fromkeys(seen)) == ["air", "person"]
    assert name_of(room.watch([0.9, 0.1, 0.0, 0.0, 0.0, 0.0], 4)) == "air"
    assert name_of(room.watch([0.26, 0.1, 0.1, 0.1, 0.1, 0.1], 20)) == "air", "it may be less"


def test_no_label_has_scored_above_what_the_root_says() -> None:
    """The root's score is never below the best label's, while it stands and at its beginning."""
    room = Room(agreement=1.0)
    wild = random.Random(4)
    for step in range(200):
        best = 0.1 + 0.0004 * step
        scores = [wild.uniform(0, best) for _ in NAMES]
        sighting = room.see(scores)
        if sighting.verdict is not None:
            assert sighting.verdict.label == PERSON
            assert sighting.verdict.score >= sighting.candidates[0].score
    assert sighting.verdict is not None


def test_the_roulette_turns_again_when_the_verdict_has_held() -> None:
    """A drawn name holds for 8 s; then the wheel turns once more."""
    room = Room(draw="sample")
    verdicts = [room.see([0.3, 0.3, 0.4, 0.0, 0.0, 0.0]).verdict for _ in range(400)]
    instants = sorted({verdict.settled_at for verdict in verdicts if verdict})
    assert len(instants) == 10
    assert all(7.9 < b - a < 8.3 for a, b in pairwise(instants))


def test_a_visitor_who_leaves_is_forgotten() -> None:
    """Once a track is gone, nothing of it is left, even for the same number."""
    room = Room()
    room.watch(sure("fog"), 2)
    room.settler.settle([], [], room.now)
    assert room.settler._visitors == {}
    sighting = room.settler.settle([], [still_track()], room.now)[0]
    assert (sighting.candidates, sighting.evidence, sighting.verdict) == ((), 0.0, None)


def test_a_reading_of_somebody_who_has_left_is_dropped() -> None:
    """A late reading brings nobody back."""
    settler = Settler(WEATHER, ReadingSettings(), random.Random(0))
    assert settler.settle([reading(0.0, FLAT, number=7)], [still_track()], 0.0)[0].candidates == ()
    assert settler._visitors.keys() <= {1}


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
def test_whatever_is_read_the_sightings_make_sense(
    frames: list[tuple[float, set[int], list[float]]], draw: str
) -> None:
    """Scores and evidence stay in 0–1, the best is first, and each visitor has their own."""
    settler = Settler(WEATHER, ReadingSettings.model_validate({"draw": draw}), random.Random(0))
    now = 0.0
    for wait, here, raw in frames:
        now += wait
        scores = [score / max(1.0, sum(raw)) for score in raw]
        readings = [reading(now, scores, number) for number in here]
        sightings = settler.settle(readings, [still_track(number) for number in here], now)
        assert [sighting.track.id for sighting in sightings] == list(here)
        assert settler._visitors.keys() == here
        for sighting in sightings:
            shares = [candidate.score for candidate in sighting.candidates]
            assert shares == sorted(shares, reverse=True)
            assert all(0 <= share <= 1 + 1e-6 for share in shares)
            assert 0 <= sighting.evidence <= 1
            if sighting.verdict is not None:
                assert sighting.verdict.settled_at <= now
                assert sighting.verdict.label in (PERSON, *WEATHER.labels)
