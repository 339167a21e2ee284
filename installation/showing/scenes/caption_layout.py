"""The positions of captions beside their visitors' squares, and their common font size.

A caption stays on its side of the square while it fits there, and visitors who had a caption in the
previous scene are preferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from installation.showing.scene import Caption, Panel, Rect, Side, Tag, Visitor
from installation.showing.scenes.captions import DEFINITION_SIZES, caption_key, caption_panels
from installation.showing.scenes.free_space import Obstacle, corners, is_free, near
from installation.showing.scenes.surroundings import ROUNDING, Surroundings
from installation.showing.scenes.tags import PANEL_SHARE
from installation.showing.type.typesetting import LazyPanels

MAX_CAPTIONS = 4
"""The largest number of captions; more would hide too much of the mirror. If there are more
visitors than this, only one of them has a caption: usually the one nearest to the camera.
"""

SIDES: tuple[Side, ...] = ("below", "right", "left", "above", "over")
"""Where a caption may be relative to its square, best first; `over` may cover the square."""

WIDTH_STEP = 20
"""The largest width of a caption is a multiple of this, px at 1080p. So most of the panels that are
typeset for a visitor who comes nearer can be used in the frames after.
"""

PREPARED = 3
"""How many panels `CaptionLayout.prepare` typesets for one scene. A panel takes 0.3 to 0.5 ms."""


class CaptionLayout:
    """Places the captions of one scene; none overlaps a face or another panel."""

    def __init__(
        self, surroundings: Surroundings, known: Mapping[int, Visitor], tags: Mapping[int, Tag]
    ) -> None:
        """Place captions in `surroundings`.

        `known` are the visitors of the previous scene, and `tags` the tags of this scene, both
        keyed by the visitor's id.
        """
        self._surroundings = surroundings
        self._room = surroundings.room
        self._context = surroundings.context
        self._known = known
        self._tags = tags

    def place(self, ranked: Sequence[Visitor], *, searches: bool) -> dict[int, Caption]:
        """Return captions for the first visitors in `ranked`, all in one font size.

        They are keyed by the visitor's id. `searches` says whether to search for space for captions
        that found none in the previous scene. Only one caption on the screen says that a name is
        being chosen. With more than `MAX_CAPTIONS` visitors, only the first of `ranked` has one.
        """
        wanted: list[Visitor] = []
        for visitor in ranked:
            is_second = visitor.shown.stage == "reading" and any(
                other.shown.stage == "reading" for other in wanted
            )
            if (visitor.id in self._tags or not visitor.shown.name) and not is_second:
                wanted.append(visitor)
        wanted = wanted[: MAX_CAPTIONS if len(ranked) <= MAX_CAPTIONS else 1]
        held = self._held_captions(wanted)
        if len(held) == len(wanted) or not searches:
            return held
        return self._new_captions(wanted)

    def prepare(self, visitors: Iterable[Visitor]) -> None:
        """Typeset up to `PREPARED` further panels that captions of `visitors` may need soon.

        It takes longer to typeset all panels of four captions than a frame is on the screen. So the
        panels are typeset during the frames before a caption changes, and kept until it changes.
        """
        left = PREPARED
        for visitor in visitors:
            for panels in self._panels(visitor, DEFINITION_SIZES[-1]):
                while left and panels.typeset_next():
                    left -= 1
                if not left:
                    return

    def _panels(self, visitor: Visitor, size: int) -> list[LazyPanels]:
        """Return the panels for the caption of `visitor`, see `caption_panels`."""
        step = self._context.px(WIDTH_STEP)
        max_width = min(self._room.width, PANEL_SHARE * visitor.square.width) // step * step
        return caption_panels(self._context, visitor.shown, size, max_width)

    def _held_captions(self, wanted: Sequence[Visitor]) -> dict[int, Caption]:
        """Return the previous captions whose words are unchanged and for which there is room."""
        placed: dict[int, Caption] = {}
        for visitor in wanted:
            previous = self._known.get(visitor.id)
            held = previous.caption if previous else None
            if previous is None or held is None or not self._says_the_same(previous, visitor):
                continue
            if held.panel.rect.width > PANEL_SHARE * visitor.square.width:
                continue
            obstacles = self._obstacles(visitor, placed, stays=True)
            if moved := self._moved(visitor, held.panel, held.side, obstacles, stays=True):
                placed[visitor.id] = replace(held, panel=moved)
        return placed

    def _says_the_same(self, previous: Visitor, visitor: Visitor) -> bool:
        """Return whether the texts of both captions are the same."""
        before, now = (caption_key(self._context, each.shown) for each in (previous, visitor))
        return before == now

    def _new_captions(self, wanted: Sequence[Visitor]) -> dict[int, Caption]:
        """Return captions in the largest size in which all of `wanted` have their longest text.

        If no size has room for all of these texts, the smallest size is used, and each caption has
        the longest of its texts that has room. This case is the slowest. So the smallest size is
        tried first, and the other sizes are tried only if it has room.
        The text of a definition is never larger than the name.
        """
        largest = min(
            (self._tags[v.id].size for v in wanted if v.id in self._tags),
            default=DEFINITION_SIZES[0],
        )
        *larger, smallest = [size for size in DEFINITION_SIZES if size <= largest]
        in_full = self._placed(wanted, smallest, only_full=True)
        if len(in_full) < len(wanted):
            return self._placed(wanted, smallest, only_full=False)
        for size in larger:
            placed = self._placed(wanted, size, only_full=True)
            if len(placed) == len(wanted):
                return placed
        return in_full

    def _placed(
        self, wanted: Sequence[Visitor], size: int, *, only_full: bool
    ) -> dict[int, Caption]:
        """Return captions of `wanted` in the font size `size`, keyed by visitor.

        Each caption has the longest of its texts that has room. A visitor without room has no
        caption. If `only_full`, only the longest texts are tried, and the search ends at the first
        visitor without room for one.
        """
        placed: dict[int, Caption] = {}
        for visitor in wanted:
            if caption := self._caption(visitor, size, placed, only_full=only_full):
                placed[visitor.id] = caption
            elif only_full:
                break
        return placed

    def _caption(
        self,
        visitor: Visitor,
        size: int,
        captions: Mapping[int, Caption],
        *,
        only_full: bool,
    ) -> Caption | None:
        """Return the caption with the longest text that has room in the font size `size`, or None.

        `captions` are those placed so far, keyed by visitor. If `only_full`, only the longest text
        is tried.
        """
        square = visitor.square
        previous = self._known.get(visitor.id)
        held = previous.caption.side if previous and previous.caption else SIDES[0]
        tag = self._tag_rect(visitor)
        # Beside the square a tag and its caption are on one side.
        beside = {"left": tag and tag.x >= square.right}
        beside["right"] = tag and tag.right <= square.x
        sides = [side for side in SIDES[:-1] if not beside.get(side)]
        sides.sort(key=lambda side: side != held)
        if square.height > self._room.height:
            # Little space is left beside the square, but much of the square is not the face.
            sides.append("over")
        obstacles = self._obstacles(visitor, captions)
        chests = near(self._surroundings.other_chests(square), 0, self._room)
        over: list[Panel] = []
        for panels in self._panels(visitor, size):
            for avoided in (chests, []) if chests else ([],):
                for panel in panels:
                    for side in sides:
                        moved = self._moved(visitor, panel, side, [*obstacles, *avoided])
                        if moved:
                            return Caption(moved, side, size)
            if only_full:
                return None
            over += panels
        for panel in over:
            moved = self._moved(visitor, panel, "over", obstacles)
            if moved:
                return Caption(moved, "over", size)
        return None

    def _obstacles(
        self,
        visitor: Visitor,
        captions: Mapping[int, Caption],
        *,
        stays: bool = False,
    ) -> list[Obstacle]:
        """Return what a caption of `visitor` may not cover, except the visitor's own square.

        `captions` are those placed so far, keyed by visitor. If `stays`, the caption was at the
        same place in the previous scene: then less space is sufficient.
        """
        around = self._surroundings
        gap, spare = (around.gap - ROUNDING, 0) if stays else (around.gap, around.spare)
        part = self._room.grown(max(gap, spare))
        own = [tag.panel.rect for number, tag in self._tags.items() if number == visitor.id]
        far = [tag.panel.rect for number, tag in self._tags.items() if number != visitor.id]
        far += [caption.panel.rect for caption in captions.values()]
        others = [*around.other_squares(visitor.square), *around.faces]
        return [*near(far, gap, part), *near(others, spare, part), *near(own, 0, part)]

    def _moved(
        self,
        visitor: Visitor,
        panel: Panel,
        side: Side,
        obstacles: Sequence[Obstacle],
        *,
        stays: bool = False,
    ) -> Panel | None:
        """Return `panel` at `side` of the square of `visitor`; None if it has no room there.

        `obstacles` is what the panel may not cover besides the visitor's square. If `stays`, the
        position nearest to that of `panel` is preferred.
        """
        square, width, height = visitor.square, panel.rect.width, panel.rect.height
        room = self._room
        if side != "over":
            obstacles = [*obstacles, *near([square], 0, self._room)]
        found: Iterable[tuple[int, int]] = corners(
            panel, side, square, self._tag_rect(visitor) or square, room
        )
        if stays:
            at = panel.rect
            found = sorted(found, key=lambda corner: abs(corner[0] - at.x) + abs(corner[1] - at.y))
        for x, y in found:
            if (
                room.x <= x <= room.right - width
                and room.y <= y <= room.bottom - height
                and is_free(Rect(x, y, width, height), obstacles)
            ):
                return panel.moved_to(x, y)
        return None

    def _tag_rect(self, visitor: Visitor) -> Rect | None:
        tag = self._tags.get(visitor.id)
        return tag.panel.rect if tag else None
