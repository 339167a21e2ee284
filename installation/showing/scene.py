"""All there is to draw, placed to the pixel, so that painting decides nothing.

Everything here is frozen and comes from `cards` or `compose`. A scene is also the memory of the
next one: what holds still on the wall does so because the scene before it says where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from installation.seeing.frame import Frame

Size = tuple[int, int]
Colour = tuple[int, int, int]
Paper = tuple[int, int, int, int]
"""RGB and opacity, 0–255 each."""

GREEN: Colour = (0, 255, 0)
"""The neon green of the 2019 work; of all colours of a screen the brightest beside yellow."""
DIM_GREEN: Colour = (0, 96, 0)
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
GREY: Colour = (176, 176, 176)


@dataclass(frozen=True)
class Rect:
    """A rectangle on the screen in whole px, x to the right and y down."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.y + self.height

    def overlaps(self, *others: Rect) -> bool:
        """Tell whether it shares a pixel with any of `others`."""
        x, y, right, bottom = self.x, self.y, self.right, self.bottom
        # The innermost test of a crowd's layout: spelled out, it takes a third of the time.
        return any(
            other.x < right
            and other.y < bottom
            and x < other.x + other.width
            and y < other.y + other.height
            for other in others
        )

    def within(self, other: Rect) -> bool:
        """Tell whether all of it lies in `other`."""
        return (
            other.x <= self.x
            and other.y <= self.y
            and self.right <= other.right
            and self.bottom <= other.bottom
        )

    def grown(self, by: int) -> Rect:
        """Return it with `by` px more on each side."""
        return Rect(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)


@dataclass(frozen=True)
class Line:
    """One line of type; `x` and `baseline` in px from the corner of its panel, `size` px per em."""

    text: str
    size: int
    colour: Colour
    x: int
    baseline: int


@dataclass(frozen=True)
class Panel:
    """Lines of type on paper, or on the bare picture where `paper` is None."""

    rect: Rect
    paper: Paper | None
    lines: tuple[Line, ...]


Side = Literal["below", "right", "left", "above", "over"]
"""Where a caption is, seen from the square; `over` lies on its lower part."""


@dataclass(frozen=True)
class Caption:
    """The panel with the definition, its place, and the size of its type, px per em at 1080."""

    panel: Panel
    side: Side
    size: int


@dataclass(frozen=True)
class Visitor:
    """One person on the mirror.

    `square` is the outer edge of the square around the face, which may leave the screen; its line
    is `stroke` px thick, and `lit` (0–1) of it shines. `name` stands on the tag since `turned_at`
    (s, monotonic) as the `turn`-th of the names that tumble past; `settled` is whether it is the
    verdict. `tag` and `caption` are None where there was no room.
    """

    id: int
    square: Rect
    stroke: int
    lit: float
    name: str
    turn: int
    turned_at: float
    settled: bool
    tag: Panel | None
    caption: Caption | None


@dataclass(frozen=True)
class Scene:
    """One picture of the show.

    `picture` fills the screen at `brightness` 0–1; None leaves it black. `empty_since` is when the
    last visitor left (s, monotonic), None while somebody is there. `panels` are drawn last.
    """

    picture: Frame | None
    brightness: float
    visitors: tuple[Visitor, ...]
    panels: tuple[Panel, ...]
    empty_since: float | None = None
