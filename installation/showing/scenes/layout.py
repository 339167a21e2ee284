"""The places of tags and captions beside their visitors' squares.

A caption belongs to its visitor: it hangs on the square and moves with the face. A band along the
screen's edge would move less, but in a group it would not show whose words are whose. A caption
stays at its side while it fits there, and room goes first to those who had it in the previous
scene.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from installation.naming.reading.values import Verdict
from installation.showing.scene import (
    BLACK,
    GREEN,
    GREY,
    ON_BLACK,
    ON_GREEN,
    WHITE,
    Caption,
    Panel,
    Rect,
    Side,
    Visitor,
)
from installation.showing.type.typesetting import Paragraph, ScreenContext, set_panel

HOLD_FACTOR = 1.3
"""How much larger a newcomer's square must be to take the room of a visitor with a caption."""

TAG_SIZES = (72, 60, 50, 42, 36, 30, 26)
"""Type of the tag, px per em at 1080; the largest that suits the square and the name is taken."""

TAG_SHARE = 0.22
"""Largest size of the tag's type over the side of the square."""

MAX_TAG_WIDTH = 1190
"""A longer name is set smaller, then on more lines; px at 1080."""

DEFINITION_SIZES = (48, 42, 36, 32)
"""Type of a definition, px per em at 1080; all captions of a scene have the same."""

LINE_LENGTHS = (16, 12)
"""Longest line of a caption over the size of its type: some 30 letters, and some 20."""

MAX_CAPTION_HEIGHT = 640
"""px at 1080; only the smallest type may exceed it."""

READING_SIZE = 36
"""Type of the sentence under a face that is being read, px per em at 1080."""

CHAIN_SIZE = 30
"""Type of the chain and the score, px per em at 1080: 4 mm high on a screen of 55 inches."""

CHAIN_SPACE = 20
SCORE_SPACE = 14
"""Room above the chain and above the score, px at 1080."""

PAD = 18
SMALL_PAD = 12
"""Room around the type of a panel, and of a tag in small type, px at 1080."""
SMALL_TAG_SIZE = 42

GAP = 10
EDGE = 24
"""Room between the panels of two visitors, and to the screen's edge, px at 1080."""

MAX_CAPTIONS = 4
"""More would hide too much of the mirror."""

SIDES: tuple[Side, ...] = ("below", "right", "left", "above", "over")
"""Best first."""

NO_BREAK_SPACE = "\u00a0"


@dataclass(frozen=True)
class Person:
    """A visitor without panels, and the verdict that the panels are to show."""

    visitor: Visitor
    verdict: Verdict | None


class Layout:
    """The places of one scene's tags and captions; none overlaps another."""

    def __init__(
        self,
        context: ScreenContext,
        bottom: int,
        people: Sequence[Person],
        known: Mapping[int, Visitor],
    ) -> None:
        """Take the visitors of one scene.

        Args:
            context: The words, the fonts and the screen's size.
            bottom: The first row of the screen that panels must leave free, px.
            people: In any order.
            known: The visitors of the previous scene, by id.
        """
        self._context = context
        self._people = people
        self._known = known
        self._gap = context.px(GAP)
        self._squares = [person.visitor.square for person in people]
        self._faces = [_face(square) for square in self._squares]
        edge = context.px(EDGE)
        self._room = Rect(edge, edge, context.size[0] - 2 * edge, bottom - 2 * edge)

    def place(self) -> tuple[Visitor, ...]:
        """Return the visitors with their panels, in the order of `people`.

        The nearest visitors choose first.
        """
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

    def _rank(self, person: Person) -> tuple[float, int]:
        """Return a key that sorts the nearest first; a visitor with a caption counts as nearer."""
        previous = self._known.get(person.visitor.id)
        factor = HOLD_FACTOR if previous and previous.caption else 1.0
        return -factor * person.visitor.square.width, person.visitor.id

    def _tag(self, visitor: Visitor, tags: Mapping[int, Panel]) -> Panel | None:
        """Return the tag at the square's upper left or as near to it as there is room; else None.

        The best place is clear of all other squares; the second best covers no face.
        """
        if not visitor.name:
            return None
        panel = _tag_panel(self._context, visitor)
        square, room = visitor.square, self._room
        left = _clamped(square.x, panel.rect.width, room.x, room.right)
        right = _clamped(square.right - panel.rect.width, panel.rect.width, room.x, room.right)
        above, top = square.y - panel.rect.height, max(square.y, room.y)
        corners = [
            (left, above),
            (left, top),
            (right, above),
            (left, square.bottom),
            (right, square.bottom),
            (square.right, top),
            (square.x - panel.rect.width, top),
        ]
        other_squares = [each for each in self._squares if each is not square]
        placed_tags = [each.rect for each in tags.values()]
        choices = [
            (corners, [*other_squares, *placed_tags], [_face(square)]),
            (corners[:5], placed_tags, self._faces),
        ]
        if not other_squares:
            y = _clamped(above, panel.rect.height, room.y, room.bottom)
            choices.append(([(left, y)], [], []))
        for places, far, near in choices:
            for x, y in places:
                moved = panel.moved_to(x, y)
                if self._is_free(moved.rect, far, near):
                    return moved
        return None

    def _captions(self, ranked: Sequence[Person], tags: Mapping[int, Panel]) -> dict[int, Caption]:
        """Return the captions of the nearest, all in the largest type that gives one to each.

        In a crowd only verdicts have captions, in the smallest type.
        """
        crowd = len(ranked) > MAX_CAPTIONS
        wanted = [
            person
            for person in ranked
            if (person.visitor.id in tags or not person.visitor.name)
            and (person.verdict or not crowd)
        ][:MAX_CAPTIONS]
        best: dict[int, Caption] = {}
        best_worth = (0, 0)
        for size in DEFINITION_SIZES[-1:] if crowd else self._sizes():
            placed: dict[int, Caption] = {}
            for person in wanted:
                caption = self._caption(person, size, tags, placed)
                if caption:
                    placed[person.visitor.id] = caption
            worth = len(placed), sum(caption.side in SIDES[:3] for caption in placed.values())
            if worth > best_worth:
                best, best_worth = placed, worth
            if worth == (len(wanted), len(wanted)):
                break
        return best

    def _sizes(self) -> list[int]:
        """Return the sizes of type to try; the previous one first, for the same people."""
        settled_before = {visitor.id for visitor in self._known.values() if visitor.settled}
        settled_now = {person.visitor.id for person in self._people if person.verdict}
        held = [
            visitor.caption.size
            for visitor in self._known.values()
            if visitor.caption and visitor.settled and settled_before == settled_now
        ]
        return sorted(DEFINITION_SIZES, key=lambda size: (size not in held, -size))

    def _caption(
        self,
        person: Person,
        size: int,
        tags: Mapping[int, Panel],
        captions: Mapping[int, Caption],
    ) -> Caption | None:
        """Return the caption in type of `size` if there is room for it; else None.

        A lone visitor always gets one: it may lie over a part of the square.
        """
        visitor = person.visitor
        panels = _caption_panels(self._context, person.verdict, size)
        alone = len(self._people) == 1
        sides = [side for side in SIDES if alone or side != "over"]
        choices = [(panel, side) for side in sides for panel in panels]
        previous = self._known.get(visitor.id)
        if previous and previous.caption:
            held = previous.caption.panel.lines, previous.caption.side
            choices.sort(key=lambda choice: (choice[0].lines, choice[1]) != held)
        square = visitor.square
        tag = tags[visitor.id].rect if visitor.id in tags else None
        far = [each.rect for each in tags.values() if each.rect is not tag]
        far += [caption.panel.rect for caption in captions.values()]
        near = [each for each in self._squares if each is not square] + ([tag] if tag else [])
        for panel, side in choices:
            for x, y in self._corners(panel, side, square, tag or square):
                moved = panel.moved_to(x, y)
                if self._is_free(moved.rect, far, near if side == "over" else [*near, square]):
                    return Caption(moved, side, size)
        return None

    def _corners(
        self, panel: Panel, side: Side, square: Rect, tag: Rect
    ) -> Iterator[tuple[int, int]]:
        """Yield the corners that `panel` may have at `side` of `square`, best first."""
        room = self._room
        width, height = panel.rect.width, panel.rect.height
        x = _clamped(square.x, width, room.x, room.right)
        y = _clamped(square.y, height, room.y, room.bottom)
        match side:
            case "below":
                yield x, tag.bottom if tag.y == square.bottom else square.bottom
            case "right":
                yield square.right, y
            case "left":
                yield square.x - width, y
            case "above":
                yield x, min(tag.y, square.y) - height
            case "over":
                yield x, room.bottom - height
                # The tag is in the way: beside it, then above and below it.
                yield from ((tag.right, y), (tag.x - width, y))
                yield from ((x, tag.y - height), (x, tag.bottom))

    def _is_free(self, rect: Rect, far: Sequence[Rect], near: Sequence[Rect]) -> bool:
        """Return whether a panel may be at `rect`: clear of `far` by a gap, and not over `near`."""
        return (
            rect.within(self._room)
            and not rect.overlaps(*near)
            and not rect.grown(self._gap).overlaps(*far)
        )


def _face(square: Rect) -> Rect:
    """Return the part of a square that holds the eyes, the nose and the mouth."""
    side = square.width
    return Rect(square.x + side // 5, square.y + side * 3 // 10, side * 3 // 5, side * 11 // 20)


def _clamped(wanted: int, length: int, low: int, high: int) -> int:
    """Return where `length` px begin, as near to `wanted` as lets them end before `high`."""
    return max(low, min(wanted, high - length))


def _tag_panel(context: ScreenContext, visitor: Visitor) -> Panel:
    """Return the tag: black on green for a verdict, green on black before it."""
    colour, background = (BLACK, ON_GREEN) if visitor.settled else (GREEN, ON_BLACK)
    max_width = min(context.size[0] - 2 * context.px(EDGE), context.px(MAX_TAG_WIDTH))
    max_size = TAG_SHARE * visitor.square.width
    sizes = [size for size in TAG_SIZES if context.px(size) <= max_size] or [TAG_SIZES[-1]]
    for size in sizes:
        pad = context.px(PAD if size > SMALL_TAG_SIZE else SMALL_PAD)
        language = context.label_language
        name = Paragraph(visitor.name, context.px(size), colour, language=language)
        panel = set_panel(context.fonts, [name], max_width - 2 * pad, pad, background)
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
        sentence = Paragraph(words.reading, context.px(READING_SIZE), WHITE)
        return [set_panel(context.fonts, [sentence], context.size[0] // 2, pad, ON_BLACK)]
    label = verdict.label
    # The root, which is above every label, has nothing above itself.
    chain = f"{NO_BREAK_SPACE}› ".join((*label.chain, label.name)) if label.chain else ""
    form = words.score if label.chain else words.unsure
    percent = 100 * verdict.score
    score = form.format(score=round(percent) if label.chain else math.ceil(percent))
    language = context.label_language
    paragraphs = (
        Paragraph(label.definition, context.px(size), WHITE, language=language),
        Paragraph(chain, context.px(CHAIN_SIZE), GREEN, context.px(CHAIN_SPACE), language=language),
        Paragraph(score, context.px(CHAIN_SIZE), GREY, context.px(SCORE_SPACE)),
    )
    kept = [paragraph for paragraph in paragraphs if paragraph.text]
    panels = [
        set_panel(context.fonts, kept, context.px(length * size), pad, ON_BLACK)
        for length in LINE_LENGTHS
    ]
    if size == DEFINITION_SIZES[-1]:
        return panels
    return [panel for panel in panels if panel.rect.height <= context.px(MAX_CAPTION_HEIGHT)]
