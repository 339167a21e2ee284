"""The positions of tags and captions beside their visitors' squares.

A caption belongs to its visitor: it is attached to the square and moves with the face. A band along
the screen's edge would move less, but in a group it would not show which words are about whom. A
caption stays on its side of the square while it fits there, and visitors who had a caption in the
previous scene are preferred. No panel covers a face, not even the face of a bystander, who has no
square. If there is no space for a visitor's panels between the faces, the visitor has a square
without panels. A panel covers another visitor's chest only if there is no other place for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from installation.showing.scene import Caption, Panel, Rect, Side, Tag, Visitor
from installation.showing.scenes.captions import DEFINITION_SIZES, caption_panels
from installation.showing.scenes.chests import chest, without
from installation.showing.scenes.free_space import (
    Obstacle,
    Slide,
    corners,
    near,
    outer_corners,
    tag_slides,
)
from installation.showing.scenes.tags import PANEL_SHARE, tag_panels
from installation.showing.type.typesetting import Paragraph, ScreenContext

HOLD_FACTOR = 1.3
"""Visitors with larger squares are placed first. The square of a visitor who had a caption in the
previous scene counts as if its side were this many times as long.
"""

MAX_TAG_WIDTH = 1190
"""The largest width of a tag, px at 1080p. A name that is too long for it is set smaller or in
several lines.
"""

TAG_GAP = 20
"""The least distance from a tag to the square of another visitor, px at 1080p; half of the
tag's font size if that is more. Beside the square it is twice as much (`BESIDE`). If the tag were
nearer, it might be mistaken for the tag of the other visitor.
"""

BESIDE = 2
"""At the left or right of another visitor's square, a tag needs this many times the distance that
it needs above or below. Otherwise, two tags between two squares would seem to belong together.
"""

TAG_FAR = 40
"""The preferred distance from a tag to the squares of other visitors, px at 1080p."""

TAG_OVER = 11
"""A tag may cover the outer part of its square, up to the square's side divided by this number. The
face begins further inside.
"""

LOW = 2
"""The largest number of lines of a tag that does not look like a tower beside a small face."""

MOST_MOVED = 8
"""The largest number of neighbours whose tags may be moved on trial to make room for a tag."""

MOST_AVOIDED = 12
"""With more visitors than this, panels may cover chests, and `TAG_FAR` is not used. In such a
crowd, there are chests everywhere between the faces, and a search for better places is too slow.
"""

GAP = 10
"""The least space between the panels of two visitors, px at 1080p."""

SPARE = 8
"""The least space between a new panel and the boxes of faces, which jitter, px at 1080p."""

ROUNDING = 2
"""The tolerance for rounding: a panel that stays may have this much less space than `GAP`, px."""

EDGE = 40
"""The least space between a panel and the left or right side of the screen, px at 1080p."""

MAX_CAPTIONS = 4
"""The largest number of captions; more would hide too much of the mirror. If there are more
visitors than this, only one of them has a caption: usually the one nearest to the camera.
"""

SIDES: tuple[Side, ...] = ("below", "right", "left", "above", "over")
"""Where a caption may be relative to its square, best first; `over` may cover the square."""


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
        self._gap = gap = context.px(GAP)
        self._spare = context.px(SPARE)
        self._squares = [visitor.square for visitor in visitors]
        self._is_crowd = len(visitors) > MAX_CAPTIONS
        self._bystanders = bystanders
        self._faces = faces
        self._least: dict[Paragraph, int] = {}
        edge = context.px(EDGE)
        self._room = Rect(room.x + edge, room.y + gap, room.width - 2 * edge, room.height - 2 * gap)

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
        captions = self._captions(ranked, tags)
        return tuple(
            replace(visitor, tag=tags.get(visitor.id), caption=captions.get(visitor.id))
            for visitor in self._visitors
        )

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
        far = [tag.panel.rect for tag in tags.values()]
        is_free = self._is_free(moved.rect, far, self._gap - ROUNDING, self._faces)
        # Half of the distance of a new tag is enough, so that a tag does not come and go.
        clear = self._clear_px(panel) // 2
        wide = Rect(
            moved.rect.x - clear, moved.rect.y, moved.rect.width + 2 * clear, moved.rect.height
        )
        is_clear = not wide.grown(clear).overlaps(*self._others(square))
        return Tag(moved, previous.tag.size) if is_free and is_clear else None

    def _new_tag(
        self, visitor: Visitor, tags: Mapping[int, Tag], *, at_side: bool = False
    ) -> Tag | None:
        """Return the largest tag that has room; None if no tag has.

        A tag touches its square, at the upper left corner or as close to that corner as there is
        room. At best the tag does not cover its square, and is `TAG_FAR` from other squares. The
        second choice is a smaller distance. The third choice is a tag that covers a part of its
        square, but no face, and in a crowd and during the countdown no corner of the square either.
        In a crowd, only tags above or below the square are tried without `at_side`, because people
        may take a tag at the left or right for a neighbour's tag. With `at_side`, the distance from
        other squares is doubled, and the distance from other tags is `TAG_FAR`. If the tag would
        cover another person's chest, a smaller font size is tried first. If that does not help, a
        tag of at most `LOW` lines may cover a chest; only then are tags with more lines tried. If
        every position is too close to another square (`_clear_px`), the tag is omitted, because
        nobody could tell whose it is.
        """
        square = visitor.square
        max_width = min(self._room.width, self._context.px(MAX_TAG_WIDTH))
        panels = list(tag_panels(self._context, visitor, max_width, is_crowd=self._is_crowd))
        low = [each for each in panels if len(each[0].lines) <= LOW]
        tall = [each for each in panels if len(each[0].lines) > LOW]
        far_px = self._context.px(TAG_FAR)
        most = max((max(panel.rect.width, panel.rect.height) for panel, _ in panels), default=0)
        part = square.grown(most + max(far_px, most))
        others = near(self._others(square), 0, part)
        own = [face for face in self._faces if face.within(square)]
        fixed = near(own, self._spare // 2, part)
        fixed += near((face for face in self._faces if face not in own), self._spare, part)
        gap = self._context.px(TAG_FAR) if at_side else self._gap
        fixed += near((tag.panel.rect for tag in tags.values()), gap, part)
        over_px = square.width // TAG_OVER - self._spare // 2
        if self._is_crowd or visitor.gap_share:
            fixed += near(outer_corners(square), 0, part)
        places = [(0, 0), (over_px, 0)]
        if len(self._squares) <= MOST_AVOIDED:
            places.insert(0, (0, far_px))
        chests = near(self._chests_of_others(square), 0, part)
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

        They stay `clear` px above and below it, and `BESIDE` times as far at its left and right.
        """
        more = (BESIDE - 1) * clear
        return left - more, top, right + more, bottom, clear

    def _chests_of_others(self, square: Rect) -> list[Rect]:
        """Return the visible parts of the chests of all people except the one in `square`.

        A part that is hidden behind the chest of the person in `square` is left out. The result is
        empty if there are more than `MOST_AVOIDED` visitors.
        """
        if len(self._squares) > MOST_AVOIDED:
            return []
        own = chest(square)
        chests: list[Rect] = []
        for other in (*self._others(square), *self._bystanders):
            behind = other.width < square.width
            chests += without(chest(other), own) if behind else [chest(other)]
        return chests

    def _tag_slides(
        self, visitor: Visitor, width: int, height: int, over_px: int, at_side: bool
    ) -> Iterator[Slide]:
        """Return the result of `tag_slides` for a tag of `visitor`, `width` × `height` px."""
        before = self._known.get(visitor.id)
        was_below = before and before.tag and before.tag.panel.rect.bottom > before.square.bottom
        size = Rect(0, 0, width, height)
        return tag_slides(
            visitor.square, self._room, size, over_px, bool(was_below), self._is_crowd, at_side
        )

    def _others(self, square: Rect) -> list[Rect]:
        """Return all squares except `square`."""
        return [each for each in self._squares if each is not square]

    def _captions(self, ranked: Sequence[Visitor], tags: Mapping[int, Tag]) -> dict[int, Caption]:
        """Return the captions of the nearest visitors; all definitions have the same font size.

        Only one caption on the screen says that a name is being chosen. With more than
        `MAX_CAPTIONS` visitors, only the first of `ranked` has a caption.
        """
        wanted: list[Visitor] = []
        for visitor in ranked:
            is_second = visitor.shown.stage == "reading" and any(
                other.shown.stage == "reading" for other in wanted
            )
            if (visitor.id in tags or not visitor.shown.name) and not is_second:
                wanted.append(visitor)
        wanted = wanted[: MAX_CAPTIONS if len(ranked) <= MAX_CAPTIONS else 1]
        held = self._held_captions(wanted, tags)
        if len(held) == len(wanted) or not self._searches:
            return held
        return self._new_captions(wanted, tags)

    def _held_captions(
        self, wanted: Sequence[Visitor], tags: Mapping[int, Tag]
    ) -> dict[int, Caption]:
        """Return the previous captions whose words are unchanged and for which there is room."""
        placed: dict[int, Caption] = {}
        for visitor in wanted:
            previous = self._known.get(visitor.id)
            held = previous.caption if previous and previous.shown == visitor.shown else None
            if held is None or held.panel.rect.width > PANEL_SHARE * visitor.square.width:
                continue
            if moved := self._moved(visitor, held.panel, held.side, tags, placed, stays=True):
                placed[visitor.id] = replace(held, panel=moved)
        return placed

    def _new_captions(
        self, wanted: Sequence[Visitor], tags: Mapping[int, Tag]
    ) -> dict[int, Caption]:
        """Return captions in the largest size in which all of `wanted` have their longest text.

        If no size has room for all of these texts, the smallest size is used, and each caption has
        the longest of its texts that has room.
        The text of a definition is never larger than the name.
        """
        largest = min(
            (tags[v.id].size for v in wanted if v.id in tags), default=DEFINITION_SIZES[0]
        )
        sizes = [size for size in DEFINITION_SIZES if size <= largest]
        placed: dict[int, Caption] = {}
        for size in sizes:
            is_last = size == sizes[-1]
            placed = {}
            for visitor in wanted:
                if caption := self._caption(visitor, size, tags, placed, only_full=not is_last):
                    placed[visitor.id] = caption
                elif not is_last:
                    break
            if len(placed) == len(wanted):
                break
        return placed

    def _caption(
        self,
        visitor: Visitor,
        size: int,
        tags: Mapping[int, Tag],
        captions: Mapping[int, Caption],
        *,
        only_full: bool,
    ) -> Caption | None:
        """Return the caption with the longest text that has room in the font size `size`, or None.

        `tags` and `captions` are the panels placed so far, keyed by visitor. If `only_full`, only
        the longest text is tried.
        """
        max_width = min(self._room.width, PANEL_SHARE * visitor.square.width)
        previous = self._known.get(visitor.id)
        held = previous.caption.side if previous and previous.caption else SIDES[0]
        tag = tags[visitor.id].panel.rect if visitor.id in tags else None
        # Beside the square a tag and its caption are on one side.
        beside = {"left": tag and tag.x >= visitor.square.right}
        beside["right"] = tag and tag.right <= visitor.square.x
        sides = [side for side in SIDES[:-1] if not beside.get(side)]
        sides.sort(key=lambda side: side != held)
        if visitor.square.height > self._room.height:
            # Little space is left beside the square, but much of the square is not the face.
            sides.append("over")
        chests = self._chests_of_others(visitor.square)
        over: list[Panel] = []
        for panels in caption_panels(self._context, visitor.shown, size, max_width, self._least):
            for avoided, panel, side in product((chests, ()) if chests else ((),), panels, sides):
                moved = self._moved(visitor, panel, side, tags, captions, avoided)
                if moved:
                    return Caption(moved, side, size)
            if only_full:
                return None
            over += panels
        for panel in over:
            moved = self._moved(visitor, panel, "over", tags, captions)
            if moved:
                return Caption(moved, "over", size)
        return None

    def _moved(
        self,
        visitor: Visitor,
        panel: Panel,
        side: Side,
        tags: Mapping[int, Tag],
        captions: Mapping[int, Caption],
        avoided: Sequence[Rect] = (),
        *,
        stays: bool = False,
    ) -> Panel | None:
        """Return `panel` at `side` of the square of `visitor`; None if it has no room there.

        `tags` and `captions` are the panels placed so far, keyed by visitor; `avoided` are further
        areas that it may not cover. If `stays`, the panel was at `side` in the previous scene: then
        less space is sufficient, and the position nearest to its previous one is preferred.
        """
        square = visitor.square
        tag = tags[visitor.id].panel.rect if visitor.id in tags else None
        far = [each.panel.rect for each in tags.values() if each.panel.rect is not tag]
        far += [caption.panel.rect for caption in captions.values()]
        gap, spare = (self._gap - ROUNDING, 0) if stays else (self._gap, self._spare)
        apart = [*self._others(square), *self._faces]
        near = [*avoided, *(each.grown(spare) for each in apart)]
        near += [square] if side != "over" else []
        near += [tag] if tag else []
        found = list(corners(panel, side, square, tag or square, self._room))
        if stays:
            at = panel.rect
            found.sort(key=lambda corner: abs(corner[0] - at.x) + abs(corner[1] - at.y))
        for x, y in found:
            rect = Rect(x, y, panel.rect.width, panel.rect.height)
            if self._is_free(rect, far, gap, near):
                return panel.moved_to(x, y)
        return None

    def _is_free(self, rect: Rect, far: Sequence[Rect], gap: int, near: Sequence[Rect]) -> bool:
        """Return whether `rect` is in the room, `gap` px from each of `far`, and off all `near`."""
        return (
            rect.within(self._room)
            and not rect.overlaps(*near)
            and not rect.grown(gap).overlaps(*far)
        )
