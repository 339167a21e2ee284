from __future__ import annotations

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Sighting, Verdict
from installation.show.events import VisitorEvents
from tests.support.sightings import sightings_of, still_track
from tests.support.small_show import EVENT_KEYS


def visitor(number: int, label: Label | None) -> Sighting:
    """Return visitor `number`, named `label`."""
    verdict = Verdict(label, 0.25, 5.0) if label else None
    return Sighting(still_track(number), (), 0.5, verdict)


def test_each_verdict_is_emitted_once_and_each_leaving() -> None:
    """The printed show has a line when the screen changes, and no line in between."""
    emitted: list[dict[str, object]] = []
    baker = Label("n1", "baker", "someone who bakes", ("person", "worker"))
    poet = Label("n2", "poet", "a writer of poems", ("person",))
    events = VisitorEvents(emitted.append, started_at=100.0)
    for now, visitors in [
        (101.0, [visitor(7, None)]),
        (102.0, [visitor(7, baker), visitor(8, None)]),
        (103.0, [visitor(7, baker), visitor(8, None)]),
        (104.0, [visitor(7, poet)]),
        (105.0, []),
        (106.0, []),
    ]:
        events.update(sightings_of(visitors, now), now)
    assert [(e["event"], e["at"], e["visitor"], e.get("label")) for e in emitted] == [
        ("verdict", 2.0, 7, "baker"),
        ("left", 4.0, 8, None),
        ("verdict", 4.0, 7, "poet"),
        ("left", 5.0, 7, None),
    ]
    assert list(emitted[0]) == EVENT_KEYS
    assert emitted[0]["chain"] == ["person", "worker"]
    assert events.first_verdict_s == 2.0
