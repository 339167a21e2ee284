"""The newest frame and what analysis last said of it, as a scene.

A caption belongs to its visitor: it hangs on the square and goes where the face goes. A band along
the screen's edge would move less, but tells a group of visitors less plainly whose words are whose.
What keeps the type calm is memory, and all of it is the scene before: a square is dragged along
only once the face has left it by a little, a caption stays at the side where it was while it fits
there, and room goes first to those who had it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from installation.naming.reading.values import Candidate, Sighting, Sightings, Verdict
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.showing.cards import NEON, PLAIN, at, imprint, waiting
from installation.showing.cover import Cover
from installation.showing.scene import (
    BLACK,
    GREEN,
    GREY,
    WHITE,
    Caption,
    Panel,
    Rect,
    Scene,
    Side,
    Visitor,
)
from installation.showing.typesetting import ScreenContext, Text, set_panel

GROWN = 1.25
"""Side of the square over the longer side of the face's box: brow and chin stay inside."""

SLACK = 4
"""How far a face may move before its square does, px at 1080: the wobble of a face at rest."""

SIZE_SLACK = 0.03
"""How much the size of a face may change before its square does, over the side."""

STROKE = 4
"""Thickness of the square, px at 1080."""

EMPTY_S = 1.5
"""How long the bare mirror stays after the last visitor left, before the title comes back."""

FIRST_TURN_S = 0.09
LAST_TURN_S = 0.6
"""How long a tumbling name stands with no evidence, and with all but the whole of it."""

HELD = 1.3
"""How much larger a newcomer must be to take the room of one who has a caption."""

TAG_SIZES = (72, 60, 50, 42, 36, 30, 26)
"""Type of the tag, px per em at 1080; the largest that suits the square and the name is taken."""

TAG_SHARE = 0.22
"""Size of the tag's type over the side of the square, at most."""

WIDEST_TAG = 1190
"""A longer name is set smaller, then on more lines; px at 1080."""

DEFINITION_SIZES = (48, 42, 36, 32)
"""Type of a definition, px per em at 1080; every caption on the wall has the same."""

MEASURES = (16, 12)
"""Longest line of a caption over the size of its type: some 30 letters, and some 20."""

TALLEST = 640
"""Height of a caption, px at 1080, that only the smallest type may exceed."""

READING = 36
"""Type of the sentence under a face that is being read, px per em at 1080."""

CHAIN = 30
"""Type of the chain and the score, px per em at 1080: 4 mm high on a wall of 55 inches."""

PAD = 18
GAP = 10
EDGE = 24
"""Round the type of a panel, between visitors' panels, and to the screen's edge; px at 1080."""

MOST_CAPTIONS = 4
"""More would hide more of the mirror than they tell."""

SIDES: tuple[Side, ...] = ("below", "right", "left", "above", "over")
"""Best first."""


def compose(
    frame: Frame,
    sightings: Sightings | None,
    context: ScreenContext,
    now: float,
    before: Scene | None = None,
) -> Scene:
    """Return the scene for `frame` at the instant `now` (s, monotonic).

    Boxes are predicted to the instant of the frame. `before` is the scene on the wall, None at
    first. Pure.
    """
    cover = Cover.of((frame.width, frame.height), context.size)
    seen = [
        (sighting, box)
        for sighting in (sightings.visitors if sightings else ())
        for box in [cover.to_screen(sighting.track.box_at(frame.taken_at))]
        if _on_screen(box, context)
    ]
    if not seen:
        return _empty(frame, context, now, before)
    known = {visitor.id: visitor for visitor in before.visitors} if before else {}
    people = [_person(sighting, box, known, context, now) for sighting, box in seen]
    strip = imprint(context)
    visitors = _Layout(context, strip[0].rect.y, people, known).place()
    return Scene(frame, 1.0, visitors, strip)


def _on_screen(box: Box, context: ScreenContext) -> bool:
    x, y = box.centre
    return box.area > 0 and 0 <= x < context.size[0] and 0 <= y < context.size[1]


def _empty(frame: Frame, context: ScreenContext, now: float, before: Scene | None) -> Scene:
    """Return the bare mirror, and the waiting scene once it has been bare for a while."""
    since = before.empty_since if before else now - EMPTY_S
    since = now if since is None else since
    if now - since >= EMPTY_S:
        return waiting(frame, context, since)
    return Scene(frame, 1.0, (), imprint(context), since)


@dataclass(frozen=True)
class _Person:
    """A visitor without the panels, which depend on the others."""

    visitor: Visitor
    verdict: Verdict | None


def _person(
    sighting: Sighting, box: Box, known: Mapping[int, Visitor], context: ScreenContext, now: float
) -> _Person:
    identity = sighting.track.id
    before = known.get(identity)
    square = _square(box, before.square if before else None, context)
    verdict = sighting.verdict
    if verdict:
        name, turn, turned_at = verdict.label.name, 0, verdict.settled_at
    else:
        name, turn, turned_at = tumble(sighting.candidates, sighting.evidence, now, before)
    visitor = Visitor(
        id=identity,
        square=square,
        stroke=context.px(STROKE),
        lit=1.0 if verdict else min(1.0, max(0.0, sighting.evidence)),
        name=name,
        turn=turn,
        turned_at=turned_at,
        settled=verdict is not None,
        tag=None,
        caption=None,
    )
    return _Person(visitor, verdict)


def _square(box: Box, before: Rect | None, context: ScreenContext) -> Rect:
    """Return the square around `box` (px of the screen), where it was before if that still does."""
    x, y = box.centre
    side = GROWN * max(box.width, box.height)
    if before:
        slack = context.px(SLACK)
        x = _dragged(before.x + before.width / 2, x, slack)
        y = _dragged(before.y + before.height / 2, y, slack)
        side = _dragged(before.width, side, SIZE_SLACK * before.width)
    # An outline thinner than its own sides' thickness would be a blot.
    whole = max(round(side), 4 * context.px(STROKE))
    return Rect(round(x - whole / 2), round(y - whole / 2), whole, whole)


def _dragged(held: float, wanted: float, slack: float) -> float:
    """Return `held`, moved only as far as it takes to be within `slack` of `wanted`."""
    return min(max(held, wanted - slack), wanted + slack)


def turn_s(evidence: float) -> float:
    """Return how long a tumbling name stands, s; longer the more `evidence` (0–1) there is."""
    share = min(1.0, max(0.0, evidence))
    return FIRST_TURN_S * float((LAST_TURN_S / FIRST_TURN_S) ** share)


def tumble(
    candidates: Sequence[Candidate], evidence: float, now: float, before: Visitor | None
) -> tuple[str, int, float]:
    """Return the name to show, which turn it is, and since when.

    The names come in the order of the distribution, best first, over and over; as evidence grows
    they stand longer, and the least likely drop out.
    """
    if before and not before.settled and before.name and now - before.turned_at < turn_s(evidence):
        return before.name, before.turn, before.turned_at
    left = max(1, math.ceil(len(candidates) * (1 - evidence)))
    turn = before.turn + 1 if before and not before.settled and before.name else 0
    turn %= left
    return (candidates[turn].label.name if candidates else "", turn, now)


class _Layout:
    """Places tags and captions, the nearest visitors first, so that none overlaps another."""

    def __init__(
        self,
        context: ScreenContext,
        floor: int,
        people: Sequence[_Person],
        known: Mapping[int, Visitor],
    ) -> None:
        self._context = context
        self._people = people
        self._known = known
        self._gap = context.px(GAP)
        self._squares = [person.visitor.square for person in people]
        self._middles = [_middle(square) for square in self._squares]
        edge = context.px(EDGE)
        self._room = Rect(edge, edge, context.size[0] - 2 * edge, floor - 2 * edge)

    def place(self) -> tuple[Visitor, ...]:
        """Return the visitors with their panels, in the order of `people`."""
        ranked = sorted(self._people, key=self._rank)
        tags: dict[int, Panel] = {}
        for person in ranked:
            tag = self._tag(person.visitor, tags)
            if tag:
                tags[person.visitor.id] = tag
        captions = self._captions(ranked, tags)
        return tuple(
            replace(
                person.visitor,
                tag=tags.get(person.visitor.id),
                caption=captions.get(person.visitor.id),
            )
            for person in self._people
        )

    def _rank(self, person: _Person) -> tuple[float, int]:
        """Return what sorts the nearest first; who has a caption counts as nearer."""
        before = self._known.get(person.visitor.id)
        held = HELD if before and before.caption else 1.0
        return -held * person.visitor.square.width, person.visitor.id

    def _tag(self, visitor: Visitor, tags: Mapping[int, Panel]) -> Panel | None:
        """Return the tag at the square's top left or as near to it as there is room; else None.

        Best is a place that no other square is near to; then one that leaves the middle of every
        face free.
        """
        if not visitor.name:
            return None
        panel = _tag_panel(self._context, visitor)
        square, room = visitor.square, self._room
        left = _clamped(square.x, panel.rect.width, room.x, room.right)
        right = _clamped(square.right - panel.rect.width, panel.rect.width, room.x, room.right)
        above, top = square.y - panel.rect.height, max(square.y, room.y)
        places = [
            (left, above),
            (left, top),
            (right, above),
            (left, square.bottom),
            (right, square.bottom),
            (square.right, top),
            (square.x - panel.rect.width, top),
        ]
        others = [each for each in self._squares if each is not square]
        tagged = [each.rect for each in tags.values()]
        choices = [
            (places, [*others, *tagged], [_middle(square)]),
            (places[:5], tagged, self._middles),
        ]
        if not others:
            y = _clamped(above, panel.rect.height, room.y, room.bottom)
            choices.append(([(left, y)], [], []))
        for corners, far, near in choices:
            for x, y in corners:
                placed = at(panel, x, y)
                if self._is_free(placed.rect, far, near):
                    return placed
        return None

    def _captions(self, ranked: Sequence[_Person], tags: Mapping[int, Panel]) -> dict[int, Caption]:
        """Return the captions of the nearest, all in the largest type that gives one to each.

        In a crowd only verdicts have captions, in the smallest type.
        """
        crowd = len(ranked) > MOST_CAPTIONS
        wanted = [
            person
            for person in ranked
            if (person.visitor.id in tags or not person.visitor.name)
            and (person.verdict or not crowd)
        ][:MOST_CAPTIONS]
        best: dict[int, Caption] = {}
        best_worth = (0, 0)
        for size in DEFINITION_SIZES[-1:] if crowd else self._sizes():
            found: dict[int, Caption] = {}
            for person in wanted:
                caption = self._caption(person, size, tags, found)
                if caption:
                    found[person.visitor.id] = caption
            worth = len(found), sum(caption.side in SIDES[:3] for caption in found.values())
            if worth > best_worth:
                best, best_worth = found, worth
            if worth == (len(wanted), len(wanted)):
                break
        return best

    def _sizes(self) -> list[int]:
        """Return the sizes of type to try; first the one on the wall, if it is the same company."""
        before = {visitor.id for visitor in self._known.values() if visitor.settled}
        now = {person.visitor.id for person in self._people if person.verdict}
        held = [
            visitor.caption.size
            for visitor in self._known.values()
            if visitor.caption and visitor.settled and before == now
        ]
        return sorted(DEFINITION_SIZES, key=lambda size: (size not in held, -size))

    def _caption(
        self,
        person: _Person,
        size: int,
        tags: Mapping[int, Panel],
        captions: Mapping[int, Caption],
    ) -> Caption | None:
        """Return the caption in type of `size` where it finds room; else None.

        A lone visitor always gets one: it may lie over the lower part of a face that fills the
        screen.
        """
        visitor = person.visitor
        panels = _caption_panels(self._context, person.verdict, size)
        alone = len(self._people) == 1
        sides = [side for side in SIDES if alone or side != "over"]
        choices = [(panel, side) for side in sides for panel in panels]
        before = self._known.get(visitor.id)
        if before and before.caption:
            held = before.caption.panel.lines, before.caption.side
            choices.sort(key=lambda choice: (choice[0].lines, choice[1]) != held)
        square = visitor.square
        tag = tags[visitor.id].rect if visitor.id in tags else None
        far = [each.rect for each in tags.values() if each.rect is not tag]
        far += [caption.panel.rect for caption in captions.values()]
        near = [each for each in self._squares if each is not square] + ([tag] if tag else [])
        for panel, side in choices:
            placed = at(panel, *self._corner(panel, side, square, tag or square))
            if self._is_free(placed.rect, far, near if side == "over" else [*near, square]):
                return Caption(placed, side, size)
        return None

    def _corner(self, panel: Panel, side: Side, square: Rect, tag: Rect) -> tuple[int, int]:
        """Return the corner of `panel` at `side` of `square`, flush with it."""
        room = self._room
        width, height = panel.rect.width, panel.rect.height
        x = _clamped(square.x, width, room.x, room.right)
        y = _clamped(square.y, height, room.y, room.bottom)
        match side:
            case "below":
                return x, tag.bottom if tag.y == square.bottom else square.bottom
            case "right":
                return square.right, y
            case "left":
                return square.x - width, y
            case "above":
                return x, min(tag.y, square.y) - height
            case "over":
                return x, room.bottom - height

    def _is_free(self, rect: Rect, far: Sequence[Rect], near: Sequence[Rect]) -> bool:
        """Tell whether a panel may be at `rect`: clear of `far` by a gap, and not over `near`."""
        return (
            rect.within(self._room)
            and not rect.overlaps(*near)
            and not rect.grown(self._gap).overlaps(*far)
        )


def _middle(square: Rect) -> Rect:
    """Return the part of a square that holds the eyes, the nose and the mouth."""
    side = square.width
    return Rect(square.x + side // 5, square.y + side * 3 // 10, side * 3 // 5, side * 11 // 20)


def _clamped(wanted: int, length: int, low: int, high: int) -> int:
    """Return where `length` px begin, as near to `wanted` as lets them end before `high`."""
    return max(low, min(wanted, high - length))


def _tag_panel(context: ScreenContext, visitor: Visitor) -> Panel:
    """Return the tag: black on green once it is the verdict, green on black until then."""
    colour, paper = (BLACK, NEON) if visitor.settled else (GREEN, PLAIN)
    widest = min(context.size[0] - 2 * context.px(EDGE), context.px(WIDEST_TAG))
    suits = TAG_SHARE * visitor.square.width
    sizes = [size for size in TAG_SIZES if context.px(size) <= suits] or [TAG_SIZES[-1]]
    for size in sizes:
        pad = context.px(PAD if size > 42 else 12)
        name = Text(visitor.name, context.px(size), colour)
        panel = set_panel(context.fonts, [name], widest - 2 * pad, pad, paper)
        if len(panel.lines) == 1:
            break
    return panel


def _caption_panels(context: ScreenContext, verdict: Verdict | None, size: int) -> list[Panel]:
    """Return the caption with the definition in type of `size`, from the widest to the narrowest.

    It holds the definition, the chain and the score; before the verdict, that it is coming.
    """
    pad = context.px(PAD)
    words = context.words
    if verdict is None:
        sentence = Text(words.reading, context.px(READING), WHITE)
        return [set_panel(context.fonts, [sentence], context.size[0] // 2, pad, PLAIN)]
    label = verdict.label
    # The root, which stands above every label, has nothing above itself.
    chain = f"{_NO_BREAK}› ".join((*label.chain, label.name)) if label.chain else ""
    form = words.score if label.chain else words.unsure
    points = 100 * verdict.score
    score = form.format(score=round(points) if label.chain else math.ceil(points))
    texts = (
        Text(label.definition, context.px(size), WHITE),
        Text(chain, context.px(CHAIN), GREEN, context.px(20)),
        Text(score, context.px(CHAIN), GREY, context.px(14)),
    )
    kept = [text for text in texts if text.text]
    panels = [
        set_panel(context.fonts, kept, context.px(measure * size), pad, PLAIN)
        for measure in MEASURES
    ]
    if size == DEFINITION_SIZES[-1]:
        return panels
    return [panel for panel in panels if panel.rect.height <= context.px(TALLEST)]


_NO_BREAK = "\u00a0"
