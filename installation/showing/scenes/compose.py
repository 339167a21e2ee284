"""Makes a scene from the newest frame and the latest sightings of the analysis.

The previous scene is needed so that nothing jitters. A square moves only after its face has moved
by more than a small distance, the slack, and large text changes at most twice a second on the whole
screen. `layout` places the visitors' panels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from installation.naming.reading.values import Candidate, Sighting, Sightings, Stage
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.showing.cover import Cover
from installation.showing.scene import Rect, Scene, Shown, Visitor
from installation.showing.scenes.bands import Bands, bands
from installation.showing.scenes.caption_layout import MAX_CAPTIONS
from installation.showing.scenes.idle import idle
from installation.showing.scenes.layout import Layout
from installation.showing.type.typesetting import ScreenContext

SQUARE_SCALE = 1.24
"""The side of the square relative to the longer side of the face's box; the square extends 12 %
beyond the box in each direction.
"""

POSITION_SLACK = 4
"""How far a face may move before its square moves, px at 1080p; the box of a face at rest jitters
by this much.
"""

POSITION_SLACK_SHARE = 0.03
"""How far a small face may move before its square moves, as a share of the square's side. The
smaller of this distance and `POSITION_SLACK` is used.
"""

SIZE_SLACK = 0.03
"""How much the size of a face may change before the size of its square changes, as a share of
the square's side.
"""

STROKE = 6
"""The largest thickness of a square's outline, px at 1080p."""

STROKE_SHARE = 0.035
"""The largest thickness of a square's outline as a share of the square's side."""

EMPTY_S = 1.5
"""How long the mirror is shown without text after the last visitor has left, s; then the idle scene
with its question returns.
"""

CHANGE_S = 0.5
"""The least time between two changes of large text on the screen, s: at most two changes a second,
which is the limit of science museums for flashing light. WCAG 2.3.1 allows three a second.
"""

LAST_NAME_S = 1.0
"""How long the name of each candidate is shown when the evidence is nearly complete, s; at the
beginning, each is shown for `CHANGE_S`.
"""


LIT: Mapping[Stage, float] = {
    "announced": 0.0,
    "named": 1.0,
    "withdrawn": 0.0,
    "unsure": 1.0,
    "person": 1.0,
}
"""The share of the square's outline that is thick, 0–1, for each stage except `reading`. In that
stage, the share shows how much evidence there is.
"""


OPEN = 0.64
"""The share of each side of a square that is left out while nobody has been read: only the corners
are drawn. A closed square looks as if something had already happened.
"""

CLOSING_S = 3.0
"""How long before the end of the announcement the corners begin to grow towards each other, s."""


GUESSING: frozenset[Stage] = frozenset({"announced", "reading", "named", "withdrawn"})
"""The stages in which the foot says that a name is a guess. In the other stages, the visitor is a
person without a name.
"""


def compose(
    frame: Frame,
    sightings: Sightings | None,
    context: ScreenContext,
    now: float,
    previous: Scene | None = None,
    reserved: Sequence[Rect] = (),
    *,
    keeps_mirror: bool = False,
) -> Scene:
    """Return the scene for `frame` at the instant `now`.

    A pure function. Boxes are predicted to the instant of the frame.

    Args:
        frame: The newest frame.
        sightings: The latest analysis; None before the first.
        context: The words, the fonts, the screen's size and the names.
        now: s, monotonic.
        previous: The scene that is on the screen; None at first.
        reserved: Areas that no tag and no caption may cover.
        keeps_mirror: Whether a mirror that is on the screen stays although nobody is found, because
            faces cannot be searched at the moment.
    """
    edges = bands(context)
    cover = Cover.from_sizes((frame.width, frame.height), edges.room)
    seen = [
        (sighting, cover.to_screen(sighting.track.box_at(frame.taken_at)))
        for sighting in (sightings.visitors if sightings else ())
        if not sighting.track.is_lost(frame.taken_at)
    ]
    found = [(sighting, box) for sighting, box in seen if _is_on_picture(box, cover.view)]
    if not found:
        if keeps_mirror and previous is not None and previous.empty_square is None:
            return _bare(frame, edges, cover, now, now, previous)
        return _empty(frame, context, edges, cover, now, previous)
    known = {visitor.id: visitor for visitor in previous.visitors} if previous else {}
    changed_at = previous.changed_at if previous else -math.inf
    may_change = now - changed_at >= CHANGE_S
    visitors = [_visitor(sighting, box, known, context, now, may_change) for sighting, box in found]
    others = [
        cover.to_screen(track.box_at(frame.taken_at))
        for track in (sightings.bystanders if sightings else ())
        if not track.is_lost(frame.taken_at)
    ]
    faces = [*(_whole(box) for box in (*(box for _, box in seen), *others)), *reserved]
    guesses = any(visitor.shown.stage in GUESSING for visitor in visitors)
    is_crowd = len(visitors) > MAX_CAPTIONS
    if is_crowd or not guesses:
        edges = bands(context, guesses=guesses, is_crowd=is_crowd)
    searched_at = previous.searched_at if previous else -math.inf
    shown_before = {visitor.id: visitor.shown for visitor in known.values()}
    is_new = shown_before != {visitor.id: visitor.shown for visitor in visitors}
    searches = is_new or now - searched_at >= CHANGE_S
    bystanders = [_square(box, None, context) for box in others]
    layout = Layout(
        context, edges.room, visitors, faces, known, bystanders=bystanders, searches=searches
    )
    placed = layout.place()
    if searches or not may_change:
        nexts = [show(sighting, now, known.get(sighting.track.id)) for sighting, _ in found]
        pairs = zip(visitors, nexts, strict=True)
        layout.prepare([replace(visitor, shown=shown) for visitor, shown in pairs])
    return Scene(
        frame,
        cover.view,
        1.0,
        placed,
        edges.panels,
        changed_at=_changed_at(previous, placed, now),
        searched_at=now if searches else searched_at,
    )


def _is_on_picture(box: Box, view: Rect) -> bool:
    x, y = box.centre
    return box.area > 0 and view.x <= x < view.right and view.y <= y < view.bottom


def _whole(box: Box) -> Rect:
    """Return the smallest rectangle of whole pixels that contains `box`."""
    x, y = math.floor(box.x0), math.floor(box.y0)
    return Rect(x, y, math.ceil(box.x1) - x, math.ceil(box.y1) - y)


def _large_text(visitors: Sequence[Visitor]) -> dict[int, tuple[object, ...]]:
    """Return the values that determine each visitor's large text, keyed by the visitor's id.

    The values are the stage, the name, and whether the tag is missing. Visitors without a name are
    left out.
    """
    return {
        visitor.id: (visitor.shown.stage, visitor.shown.name, visitor.tag is None)
        for visitor in visitors
        if visitor.shown.name
    }


def _changed_at(previous: Scene | None, visitors: Sequence[Visitor], now: float) -> float:
    """Return the instant from which `CHANGE_S` must pass before large text may change again.

    Usually this is the instant of the last change. But a name always disappears together with its
    face, even if `CHANGE_S` has not passed since the previous change. In that case, the result is
    in the future: `CHANGE_S` after the previous change. Because of this longer wait, a name does
    not flash if its face is lost and found again and again.
    """
    changed_at = previous.changed_at if previous else -math.inf
    if _large_text(visitors) == (_large_text(previous.visitors) if previous else {}):
        return changed_at
    return max(now, min(changed_at + CHANGE_S, now + CHANGE_S))


def _empty(
    frame: Frame,
    context: ScreenContext,
    edges: Bands,
    cover: Cover,
    now: float,
    previous: Scene | None,
) -> Scene:
    """Return the scene while nobody is found.

    It shows only the mirror and the bands, and after `EMPTY_S` it is the idle scene. `edges` are
    the bands, and `cover` is the part of the frame that is shown. `previous` is the scene that is
    on the screen at `now` (s, monotonic).
    """
    since = previous.empty_since if previous else now - EMPTY_S
    since = now if since is None else since
    if now - since >= EMPTY_S:
        return idle(frame, context, since, now)
    return _bare(frame, edges, cover, since, now, previous)


def _bare(
    frame: Frame, edges: Bands, cover: Cover, since: float, now: float, previous: Scene | None
) -> Scene:
    """Return the scene at `now` with only the mirror and the bands `edges`.

    Nobody has been found since the instant `since`. `since` and `now` are in seconds, monotonic.
    """
    changed_at = _changed_at(previous, (), now)
    return Scene(frame, cover.view, 1.0, (), edges.panels, empty_since=since, changed_at=changed_at)


def _visitor(
    sighting: Sighting,
    box: Box,
    known: Mapping[int, Visitor],
    context: ScreenContext,
    now: float,
    may_change: bool,
) -> Visitor:
    """Return the visitor of `sighting`, without panels; `may_change` lets the name change.

    `box` is the face in px of the screen. `known` are the visitors of the previous scene, keyed by
    id. `now` is an instant (s, monotonic).
    """
    identity = sighting.track.id
    previous = known.get(identity)
    if may_change:
        shown = show(sighting, now, previous)
    else:
        # A newcomer has only the square until the large text on the screen may change.
        shown = previous.shown if previous else Shown(sighting.stage)
    is_read = shown.stage == "reading"
    square = _square(box, previous.square if previous else None, context)
    return Visitor(
        id=identity,
        square=square,
        stroke=max(1, min(context.px(STROKE), round(STROKE_SHARE * square.width))),
        lit=min(1.0, max(0.0, sighting.evidence)) if is_read else LIT[shown.stage],
        shown=shown,
        name_since=_name_since(shown, now, previous),
        gap_share=_gap_share(sighting, now, previous) if shown.stage == "announced" else 0.0,
    )


def _gap_share(sighting: Sighting, now: float, previous: Visitor | None) -> float:
    """Return the gap in each side of the square of `sighting` at `now`, as a share of that side.

    The gap shrinks from `OPEN` to 0 during the last `CLOSING_S` of the announcement. While the
    visitor is turned away, the gap stays as it is in `previous`, the visitor in the scene that is
    on the screen.
    """
    if sighting.stage != "announced" or sighting.ends_at is None:
        return 0.0
    if sighting.held_at is not None and previous and previous.gap_share:
        return previous.gap_share
    return OPEN * min(1.0, max(0.0, sighting.left_s(now) / CLOSING_S))


def _name_since(shown: Shown, now: float, previous: Visitor | None) -> float:
    return previous.name_since if previous and previous.shown.name == shown.name else now


def show(sighting: Sighting, now: float, previous: Visitor | None) -> Shown:
    """Return the stage and the name that the screen shows next for `sighting`.

    Call this only when the name on the screen may change. `now` is an instant (s, monotonic).
    `previous` is the visitor in the scene that is on the screen, or None. If a visitor turns away
    in the stage `announced` or `reading`, the number or the name on the screen stays until they
    turn back.
    """
    shown = previous.shown if previous else None
    if sighting.held_at is not None and shown and shown.name and shown.stage == sighting.stage:
        return shown
    match sighting.stage:
        case "announced":
            return Shown("announced", str(sighting.seconds_left(now)))
        case "reading":
            name, index = tumble(sighting.candidates, sighting.evidence, now, previous)
            return Shown("reading", name, index)
        case stage:
            assert sighting.verdict is not None
            return Shown(stage, sighting.verdict.label.name, verdict=sighting.verdict)


def _square(box: Box, previous: Rect | None, context: ScreenContext) -> Rect:
    """Return the square around `box` (px of the screen); the previous one if it still fits."""
    x, y = box.centre
    side = SQUARE_SCALE * max(box.width, box.height)
    if previous:
        slack = min(context.px(POSITION_SLACK), POSITION_SLACK_SHARE * side)
        x = _dragged(previous.x + previous.width / 2, x, slack)
        y = _dragged(previous.y + previous.height / 2, y, slack)
        side = _dragged(previous.width, side, SIZE_SLACK * previous.width)
    # A smaller square would be filled by its own outline.
    whole = max(round(side), 4 * context.px(STROKE))
    return Rect(round(x - whole / 2), round(y - whole / 2), whole, whole)


def _dragged(held: float, wanted: float, slack: float) -> float:
    """Return the number nearest to `held` that differs from `wanted` by at most `slack`."""
    return min(max(held, wanted - slack), wanted + slack)


def name_duration_s(evidence: float) -> float:
    """Return how long a candidate's name is shown, s; the more `evidence` (0–1), the longer."""
    share = min(1.0, max(0.0, evidence))
    return CHANGE_S * float((LAST_NAME_S / CHANGE_S) ** share)


def tumble(
    candidates: Sequence[Candidate], evidence: float, now: float, previous: Visitor | None
) -> tuple[str, int]:
    """Return the name to show, and its index among `candidates`.

    The candidates are shown in a cycle, best first; `previous` is the visitor on the screen before
    `now` (s, monotonic). As `evidence` (0–1) grows, each candidate is shown longer, and the least
    likely ones are left out.
    """
    shown = previous.shown if previous and previous.shown.stage == "reading" else None
    tumbling = shown if shown and shown.name else None
    if previous and tumbling and now - previous.name_since < name_duration_s(evidence):
        return tumbling.name, tumbling.name_index
    count = max(1, math.ceil(len(candidates) * (1 - evidence)))
    index = (tumbling.name_index + 1 if tumbling else 0) % count
    return (candidates[index].label.name if candidates else "", index)
