"""The positions of tags and captions beside their visitors' squares.

A caption belongs to its visitor: it is attached to the square and moves with the face. A band along
the screen's edge would move less, but in a group it would not show which words are about whom. No
panel covers a face, not even the face of a bystander, who has no square. If there is no space for a
visitor's panels between the faces, the visitor has a square without panels. A panel covers another
visitor's chest only if there is no other place for it. Tags are placed first, then captions, see
`caption_layout`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from installation.showing.scene import Panel, Rect, Tag, Visitor
from installation.showing.scenes.caption_layout import MAX_CAPTIONS, CaptionLayout
from installation.showing.scenes.free_space import (
    Obstacle,
    Slide,
    is_free,
    near,
    outer_corners,
    tag_slides,
)
from installation.showing.scenes.surroundings import (
    GAP,
    MOST_AVOIDED,
    ROUNDING,
    Surroundings,
)
from installation.showing.scenes.tags import tag_panels
from installation.showing.type.typesetting import ScreenContext

HOLD_FACTOR = 1.3
"""Visitors with larger squares are placed first. The square of a visitor who had a caption in the
previous scene counts as if its side were this many times as long.
"""

MAX_TAG_WIDTH = 1190
"""The largest width of a tag, px at 1080p. A name that is too long for it is set smaller or in
several lines.
"""

TAG_GAP = 20
"""The least distance from a tag to another visitor's square, px at 1080p. If half of the tag's
font size is more, it is used instead. At the left or right of the square, the distance is twice as
much (`BESIDE`). If the tag were nearer, it might be mistaken for the tag of the other visitor.
"""

BESIDE = 2
"""At the left or right of another visitor's square, a tag needs this many times the distance that
it needs above or below. Otherwise, two tags between two squares would seem to belong together.
"""

TAG_FAR = 40
"""The preferred distance from a tag to the squares of other visitors, px at 1080p. It is not used
with more than `MOST_AVOIDED` visitors.
"""

TAG_OVER = 11
"""A tag may cover the outer part of its square, up to the square's side divided by this number. The
face begins further inside.
"""

LOW = 2
"""The largest number of lines of a tag that does not look like a tower beside a small face."""

MOST_MOVED = 8
"""The largest number of neighbours whose tags may be moved on trial to make room for a tag."""

EDGE = 40
"""The least space between a panel and the left or right side of the screen, px at 1080p."""


class Layout:
    """Places the tags and captions of one scene; none overlaps a face or another panel."""

    def __init__(
        self,
        context: ScreenContext,
        room: Rect,
        visitors: Sequence[Visitor],
        faces: Sequence[Rect],
        known: Mapping[int, Visitor],
        *,
        bystanders: Sequence[Rect] = (),
        searches: bool = True,
    ) -> None:
        """Store the visitors of one scene.

        Args:
            context: The words, the fonts and the screen's size.
            room: The part of the screen between the notice and the foot.
            visitors: In any order, without panels.
            faces: Every face on the picture, of visitors and of bystanders.
            known: The visitors of the previous scene, by id.
            bystanders: The squares around bystanders' faces, which are not drawn.
            searches: Whether to search again for space for panels that found none in the previous
                scene. This takes some milliseconds.
        """
        self._searches = searches
        self._context = context
        self._visitors = visitors
        self._known = known
        self._is_crowd = len(visitors) > MAX_CAPTIONS
        edge, gap = context.px(EDGE), context.px(GAP)
        inner = Rect(room.x + edge, room.y + gap, room.width - 2 * edge, room.height - 2 * gap)
        self._surroundings = Surroundings(context, inner, visitors, faces, bystanders)

    def place(self) -> tuple[Visitor, ...]:
        """Return the visitors with their panels, in the order in which they were given.

        The visitors who are nearest to the camera get their places first.
        """
        ranked = sorted(self._visitors, key=self._rank)
        tags: dict[int, Tag] = {}
        placed: list[Visitor] = []
        without_room: list[Visitor] = []
        for visitor in ranked:
            tag = self._held_tag(visitor, tags)
            previous = self._known.get(visitor.id)
            is_tried = previous is not None and previous.shown == visitor.shown and not previous.tag
            if tag is None and (self._searches or not is_tried):
                tag = self._new_tag(visitor, tags)
                if tag:
                    placed.append(visitor)
                elif not is_tried:
                    without_room.append(visitor)
            if tag:
                tags[visitor.id] = tag
        for visitor in without_room:
            self._make_room(visitor, placed, tags)
            if self._is_crowd and visitor.id not in tags:
                tag = self._new_tag(visitor, tags, at_side=True)
                if tag:
                    tags[visitor.id] = tag
        captions = CaptionLayout(self._surroundings, self._known, tags).place(
            ranked, searches=self._searches
        )
        return tuple(
            replace(visitor, tag=tags.get(visitor.id), caption=captions.get(visitor.id))
            for visitor in self._visitors
        )

    def prepare(self, visitors: Sequence[Visitor]) -> None:
        """Typeset a part of the panels that the captions of `visitors` may need soon.

        `visitors` are the visitors of this scene, with the names that they will have after the next
        change of names.
        """
        if not self._is_crowd:
            CaptionLayout(self._surroundings, self._known, {}).prepare(visitors)

    def _make_room(self, visitor: Visitor, placed: Sequence[Visitor], tags: dict[int, Tag]) -> None:
        """Add a tag of `visitor` to `tags` if moving the tag of one of `placed` makes room for it.

        `placed` has only visitors whose tags are new in this scene. So tags that are already on the
        screen do not jump.
        """
        x, y = visitor.square.x, visitor.square.y
        nearest = sorted(placed, key=lambda each: abs(each.square.x - x) + abs(each.square.y - y))
        for other in nearest[:MOST_MOVED]:
            rest = {number: tag for number, tag in tags.items() if number != other.id}
            own = self._new_tag(visitor, rest)
            if own is None:
                continue
            rest[visitor.id] = own
            if moved := self._new_tag(other, rest):
                tags |= rest | {other.id: moved}
                return

    def _rank(self, visitor: Visitor) -> tuple[float, int]:
        """Return a key that sorts visitors with larger squares first; see `HOLD_FACTOR`."""
        previous = self._known.get(visitor.id)
        factor = HOLD_FACTOR if previous and previous.caption else 1.0
        return -factor * visitor.square.width, visitor.id

    def _held_tag(self, visitor: Visitor, tags: Mapping[int, Tag]) -> Tag | None:
        """Return the visitor's previous tag, moved with the square; None if it cannot stay.

        It stays if its words and the size of the square are unchanged, and if there is room for it.
        """
        previous = self._known.get(visitor.id)
        if not previous or not previous.tag or previous.shown != visitor.shown:
            return None
        before, square, panel = previous.square, visitor.square, previous.tag.panel
        if before.width != square.width:
            return None
        moved = panel.moved_to(
            panel.rect.x + square.x - before.x, panel.rect.y + square.y - before.y
        )
        room = self._surroundings.room
        part = room.grown(self._surroundings.gap)
        far = near(
            (tag.panel.rect for tag in tags.values()), self._surroundings.gap - ROUNDING, part
        )
        faces = near(self._surroundings.faces, 0, part)
        if not moved.rect.within(room) or not is_free(moved.rect, [*far, *faces]):
            return None
        # Half of the distance of a new tag is enough, so that a tag does not come and go.
        clear = self._clear_px(panel) // 2
        wide = Rect(
            moved.rect.x - clear, moved.rect.y, moved.rect.width + 2 * clear, moved.rect.height
        )
        is_clear = not wide.grown(clear).overlaps(*self._surroundings.other_squares(square))
        return Tag(moved, previous.tag.size) if is_clear else None

    def _new_tag(
        self, visitor: Visitor, tags: Mapping[int, Tag], *, at_side: bool = False
    ) -> Tag | None:
        """Return the largest tag that has room; None if no tag has.

        A tag touches its square, at the upper left corner or as close to that corner as there is
        room. At best the tag does not cover its square, and is `TAG_FAR` from other squares. The
        second choice is a smaller distance. The third choice is a tag that covers a part of its
        square, but no face. In a crowd and during the countdown, the tag also covers no corner of
        its square.

        In a crowd, people may take a tag at the left or right of a square for a neighbour's tag. So
        in a crowd, a tag is above or below its square unless `at_side` is true. With `at_side`, a
        tag is at the left or right, the distance from other squares is doubled, and the distance
        from other tags is `TAG_FAR`.

        If the tag would cover another person's chest, a smaller font size is tried first. If that
        does not help, a tag of at most `LOW` lines may cover a chest; only then are tags with more
        lines tried. If every position is too close to another square (`_clear_px`), the tag is
        omitted, because nobody could tell whose it is.
        """
        square, around = visitor.square, self._surroundings
        max_width = min(around.room.width, self._context.px(MAX_TAG_WIDTH))
        panels = list(tag_panels(self._context, visitor, max_width, is_crowd=self._is_crowd))
        low = [each for each in panels if len(each[0].lines) <= LOW]
        tall = [each for each in panels if len(each[0].lines) > LOW]
        far_px = self._context.px(TAG_FAR)
        most = max((max(panel.rect.width, panel.rect.height) for panel, _ in panels), default=0)
        part = square.grown(most + max(far_px, most))
        others = near(around.other_squares(square), 0, part)
        own = [face for face in around.faces if face.within(square)]
        fixed = near(own, around.spare // 2, part)
        fixed += near((face for face in around.faces if face not in own), around.spare, part)
        gap = self._context.px(TAG_FAR) if at_side else around.gap
        fixed += near((tag.panel.rect for tag in tags.values()), gap, part)
        over_px = square.width // TAG_OVER - around.spare // 2
        if self._is_crowd or visitor.gap_share:
            fixed += near(outer_corners(square), 0, part)
        places = [(0, 0), (over_px, 0)]
        if len(self._visitors) <= MOST_AVOIDED:
            places.insert(0, (0, far_px))
        chests = near(around.other_chests(square), 0, part)
        for panels, avoided in product((low, tall), (chests, []) if chests else ([],)):
            for panel, size in panels:
                width, height = panel.rect.width, panel.rect.height
                for over, least_px in places:
                    clear = max((1 + at_side) * self._clear_px(panel), least_px)
                    apart = [self._widened(*each[:4], clear) for each in others]
                    obstacles = [*apart, *fixed, *avoided]
                    for slide in self._tag_slides(visitor, width, height, over, at_side):
                        corner = slide.corner(width, height, obstacles)
                        if corner:
                            return Tag(panel.moved_to(*corner), size)
        return None

    def _clear_px(self, tag: Panel) -> int:
        """Return the least distance from `tag` to the squares of other visitors, px."""
        return max(self._context.px(TAG_GAP), tag.lines[0].size // 2)

    @staticmethod
    def _widened(left: int, top: int, right: int, bottom: int, clear: int) -> Obstacle:
        """Return a square as an obstacle that keeps tags at a distance.

        Above and below the square, the distance is `clear` px; at its left and right, it is
        `BESIDE` times as much.
        """
        more = (BESIDE - 1) * clear
        return left - more, top, right + more, bottom, clear

    def _tag_slides(
        self, visitor: Visitor, width: int, height: int, over_px: int, at_side: bool
    ) -> Iterator[Slide]:
        """Return the result of `tag_slides` for a tag of `visitor`, `width` × `height` px."""
        before = self._known.get(visitor.id)
        was_below = before and before.tag and before.tag.panel.rect.bottom > before.square.bottom
        size = Rect(0, 0, width, height)
        return tag_slides(
            visitor.square,
            self._surroundings.room,
            size,
            over_px,
            bool(was_below),
            self._is_crowd,
            at_side,
        )
