"""The events of a show without a screen, one for each stage that a visitor reaches."""

from __future__ import annotations

from collections.abc import Callable

from installation.naming.reading.values import Sighting, Sightings, Stage

Emit = Callable[[dict[str, object]], None]
"""A function that is called with one event of a headless show."""


class VisitorEvents:
    """Emits an event when a visitor is announced, is named or stays unnamed, or leaves."""

    def __init__(self, emit: Emit, started_at: float) -> None:
        """Emit events with times counted from `started_at`, the process's start (s, monotonic)."""
        self._emit = emit
        self._started_at = started_at
        self._stages: dict[int, Stage] = {}
        """The stage of each present visitor, by the visitor's number."""
        self.first_verdict_s: float | None = None
        self.verdicts = 0
        """How often a visitor has been named, or shown as a person because no name was certain."""

    def update(self, sightings: Sightings, now: float) -> None:
        """Emit an event for each change in `sightings`.

        They appeared on the screen at the instant `now` (s, monotonic).
        """
        at = now - self._started_at
        here = {visitor.track.id: visitor for visitor in sightings.visitors}
        for gone in sorted(self._stages.keys() - here.keys()):
            del self._stages[gone]
            self._emit({"event": "left", "at": round(at, 3), "visitor": gone})
        for number, visitor in here.items():
            before, self._stages[number] = self._stages.get(number), visitor.stage
            if visitor.stage == before:
                continue
            if visitor.stage in ("announced", "withdrawn"):
                self._emit({"event": visitor.stage, "at": round(at, 3), "visitor": number})
            elif (before, visitor.stage) == ("named", "person"):
                # The name was withdrawn while the visitor's face was covered.
                self._emit({"event": "withdrawn", "at": round(at, 3), "visitor": number})
            elif visitor.stage in ("named", "unsure"):
                if self.first_verdict_s is None:
                    self.first_verdict_s = at
                self.verdicts += 1
                self._emit(_verdict_event(at, number, visitor))


def _verdict_event(at: float, number: int, visitor: Sighting) -> dict[str, object]:
    assert visitor.verdict is not None
    label, box = visitor.verdict.label, visitor.track.box
    return {
        "event": "verdict",
        "at": round(at, 3),
        "visitor": number,
        "id": label.id,
        "label": label.name,
        "definition": label.definition,
        "chain": list(label.chain),
        "score": round(visitor.verdict.score, 4),
        "box": [round(edge, 1) for edge in (box.x0, box.y0, box.x1, box.y1)],
    }
