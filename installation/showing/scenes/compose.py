"""Makes a scene from the newest frame and the latest sightings of the analysis.

What keeps the type from trembling is the previous scene: a square moves only after its face has
left it by a little, and a name stays for a while. `layout` gives the visitors their panels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from installation.naming.reading.values import Candidate, Sighting, Sightings
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.showing.cover import Cover
from installation.showing.scene import Rect, Scene, Visitor
from installation.showing.scenes.cards import imprint, waiting
from installation.showing.scenes.layout import Layout, Person
from installation.showing.type.typesetting import ScreenContext

SQUARE_SCALE = 1.25
"""Side of the square over the longer side of the face's box: forehead and chin stay inside."""

POSITION_SLACK = 4
"""How far a face may move before its square does, px at 1080: the wobble of a face at rest."""

SIZE_SLACK = 0.03
"""How much the size of a face may change before its square does, over the square's side."""

STROKE = 4
"""Thickness of the square's outline, px at 1080."""

EMPTY_S = 1.5
"""How long the bare mirror stays after the last visitor left, before the title comes back."""

FIRST_NAME_S = 0.09
LAST_NAME_S = 0.6
"""How long a tumbling name stays with no evidence, and with nearly all of it."""


def compose(
    frame: Frame,
    sightings: Sightings | None,
    context: ScreenContext,
    now: float,
    previous: Scene | None = None,
) -> Scene:
    """Return the scene for `frame` at the instant `now`.

    A pure function. Boxes are predicted to the instant of the frame.

    Args:
        frame: The newest frame.
        sightings: The latest analysis; None before the first.
        context: The words, the fonts and the screen's size.
        now: s, monotonic.
        previous: The scene that is on the screen; None at first.
    """
    cover = Cover.from_sizes((frame.width, frame.height), context.size)
    faces = [
        (sighting, box)
        for sighting in (sightings.visitors if sightings else ())
        if not sighting.track.is_lost(frame.taken_at)
        for box in [cover.to_screen(sighting.track.box_at(frame.taken_at))]
        if _is_on_screen(box, context)
    ]
    if not faces:
        return _empty(frame, context, now, previous)
    known = {visitor.id: visitor for visitor in previous.visitors} if previous else {}
    people = [_person(sighting, box, known, context, now) for sighting, box in faces]
    strip = imprint(context)
    visitors = Layout(context, strip[0].rect.y, people, known).place()
    return Scene(frame, 1.0, visitors, strip)


def _is_on_screen(box: Box, context: ScreenContext) -> bool:
    x, y = box.centre
    return box.area > 0 and 0 <= x < context.size[0] and 0 <= y < context.size[1]


def _empty(frame: Frame, context: ScreenContext, now: float, previous: Scene | None) -> Scene:
    """Return the bare mirror, and the waiting scene once it has been bare for `EMPTY_S`."""
    since = previous.empty_since if previous else now - EMPTY_S
    since = now if since is None else since
    if now - since >= EMPTY_S:
        return waiting(frame, context, since)
    return Scene(frame, 1.0, (), imprint(context), since)


def _person(
    sighting: Sighting,
    box: Box,
    known: Mapping[int, Visitor],
    context: ScreenContext,
    now: float,
) -> Person:
    identity = sighting.track.id
    previous = known.get(identity)
    verdict = sighting.verdict
    if verdict:
        name, name_index, named_at = verdict.label.name, 0, verdict.settled_at
    else:
        name, name_index, named_at = tumble(sighting.candidates, sighting.evidence, now, previous)
    visitor = Visitor(
        id=identity,
        square=_square(box, previous.square if previous else None, context),
        stroke=context.px(STROKE),
        lit=1.0 if verdict else min(1.0, max(0.0, sighting.evidence)),
        name=name,
        name_index=name_index,
        named_at=named_at,
        settled=verdict is not None,
        tag=None,
        caption=None,
    )
    return Person(visitor, verdict)


def _square(box: Box, previous: Rect | None, context: ScreenContext) -> Rect:
    """Return the square around `box` (px of the screen); the previous one if it still fits."""
    x, y = box.centre
    side = SQUARE_SCALE * max(box.width, box.height)
    if previous:
        slack = context.px(POSITION_SLACK)
        x = _dragged(previous.x + previous.width / 2, x, slack)
        y = _dragged(previous.y + previous.height / 2, y, slack)
        side = _dragged(previous.width, side, SIZE_SLACK * previous.width)
    # A smaller square would be filled by its own outline.
    whole = max(round(side), 4 * context.px(STROKE))
    return Rect(round(x - whole / 2), round(y - whole / 2), whole, whole)


def _dragged(held: float, wanted: float, slack: float) -> float:
    """Return `held`, moved only as far as it takes to be within `slack` of `wanted`."""
    return min(max(held, wanted - slack), wanted + slack)


def name_duration_s(evidence: float) -> float:
    """Return how long a tumbling name stays, s; longer the more `evidence` (0–1) there is."""
    share = min(1.0, max(0.0, evidence))
    return FIRST_NAME_S * float((LAST_NAME_S / FIRST_NAME_S) ** share)


def tumble(
    candidates: Sequence[Candidate], evidence: float, now: float, previous: Visitor | None
) -> tuple[str, int, float]:
    """Return the name to show, its index among `candidates`, and since when it is shown.

    The candidates are shown in their order, best first, over and over. As `evidence` (0–1) grows,
    each stays longer and the least likely drop out.
    """
    tumbling = previous is not None and not previous.settled and previous.name
    if previous and tumbling and now - previous.named_at < name_duration_s(evidence):
        return previous.name, previous.name_index, previous.named_at
    count = max(1, math.ceil(len(candidates) * (1 - evidence)))
    index = (previous.name_index + 1 if previous and tumbling else 0) % count
    return (candidates[index].label.name if candidates else "", index, now)
