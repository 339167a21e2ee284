from __future__ import annotations

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Sighting, Stage, Verdict
from installation.show.events import VisitorEvents
from tests.support.sightings import sightings_of, still_track
from tests.support.small_show import EVENT_KEYS


def visitor(number: int, label: Label | None, stage: Stage = "reading") -> Sighting:
    """Return visitor `number`, named `label`."""
    verdict = Verdict(label, 0.25, 5.0) if label else None
    return Sighting(still_track(number), (), 0.5, verdict, stage)


def test_each_stage_is_emitted_once_and_each_leaving() -> None:
    """Each announcement, verdict, withdrawal and leaving is emitted once."""
    emitted: list[dict[str, object]] = []
    baker = Label("n1", "baker", "someone who bakes", ("person", "worker"))
    person = Label("n0", "person", "a human being", ())
    events = VisitorEvents(emitted.append, started_at=100.0)
    for now, visitors in [
        (101.0, [visitor(7, None, "announced")]),
        (102.0, [visitor(7, None), visitor(8, None)]),
        (103.0, [visitor(7, baker, "named"), visitor(8, None)]),
        (104.0, [visitor(7, baker, "withdrawn")]),
        (105.0, [visitor(7, person, "person")]),
        (106.0, [visitor(7, person, "person"), visitor(9, person, "unsure")]),
        (107.0, []),
        (108.0, []),
    ]:
        events.update(sightings_of(visitors, now), now)
    assert [(e["event"], e["at"], e["visitor"], e.get("label")) for e in emitted] == [
        ("announced", 1.0, 7, None),
        ("verdict", 3.0, 7, "baker"),
        ("left", 4.0, 8, None),
        ("withdrawn", 4.0, 7, None),
        ("verdict", 6.0, 9, "person"),
        ("left", 7.0, 7, None),
        ("left", 7.0, 9, None),
    ]
    assert list(emitted[1]) == EVENT_KEYS
    assert emitted[1]["chain"] == ["person", "worker"]
    assert events.first_verdict_s == 3.0


def test_a_name_that_is_taken_from_a_covered_face_is_withdrawn() -> None:
    """The withdrawal of a name is reported even if it was never on the screen."""
    emitted: list[dict[str, object]] = []
    baker = Label("n1", "baker", "someone who bakes", ("person", "worker"))
    person = Label("n0", "person", "a human being", ())
    events = VisitorEvents(emitted.append, started_at=100.0)
    for now, seen in [
        (101.0, visitor(7, baker, "named")),
        (102.0, visitor(7, person, "person")),
        (103.0, visitor(7, person, "person")),
    ]:
        events.update(sightings_of([seen], now), now)
    assert [(e["event"], e["at"]) for e in emitted] == [("verdict", 1.0), ("withdrawn", 2.0)]
