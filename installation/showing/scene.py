"""The data types of a scene, with all positions in pixels, so that the painter decides nothing.

Everything here is frozen and made by `cards`, `compose` or `staff`. `compose` also takes the
previous scene, so that an element can keep its position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from installation.naming.reading.values import Stage, Verdict
    from installation.seeing.frame import Frame

Size = tuple[int, int]
"""Width and height, px."""
Colour = tuple[int, int, int]
"""RGB, 0–255 each."""
Background = tuple[int, int, int, int]
"""RGB and opacity, 0–255 each."""

GREEN: Colour = (0, 255, 0)
"""The neon green of *ImageNet Roulette* (2019); its luminance is 72 % of white's."""
DARK_GREEN: Colour = (0, 135, 0)
"""The green behind the white letters of a name. Its contrast with the white letters is 4.7 : 1, so
that they are legible on it. Its contrast with the black part of the tag is 4.5 : 1.
"""
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
GREY: Colour = (176, 176, 176)
DARK_GREY: Colour = (120, 120, 120)
"""The grey of bars that are less prominent than the text. Its contrast with black is 4.8 : 1."""

ON_BLACK: Background = (*BLACK, 255)
ON_GREEN: Background = (*GREEN, 255)
ON_WHITE: Background = (*WHITE, 255)


@dataclass(frozen=True)
class Rect:
    """A rectangle on the screen in whole px, x to the right and y down."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the rectangle."""
        return self.y + self.height

    def overlaps(self, *others: Rect) -> bool:
        """Return whether this rectangle shares a pixel with any of `others`."""
        x, y, right, bottom = self.x, self.y, self.right, self.bottom
        # The innermost test of a crowd's layout: written out, it takes a third of the time.
        return any(
            other.x < right
            and other.y < bottom
            and x < other.x + other.width
            and y < other.y + other.height
            for other in others
        )

    def within(self, other: Rect) -> bool:
        """Return whether this rectangle is entirely within `other`."""
        return (
            other.x <= self.x
            and other.y <= self.y
            and self.right <= other.right
            and self.bottom <= other.bottom
        )

    def grown(self, margin_px: int) -> Rect:
        """Return the rectangle, larger by `margin_px` on each side."""
        both = 2 * margin_px
        return Rect(self.x - margin_px, self.y - margin_px, self.width + both, self.height + both)


@dataclass(frozen=True)
class Line:
    """One line of text; `x` and `baseline` in px from the corner of its panel, `size` px per em."""

    text: str
    size: int
    colour: Colour
    x: int
    baseline: int
    levels: bytes | None = None
    """The embedding level (UAX 9) that each character of `text` has in its paragraph. Empty if the
    whole paragraph is left-to-right; None if `text` is a paragraph of its own.
    """


@dataclass(frozen=True)
class Bar:
    """A rectangle of one colour, `rect` in px from the corner of its panel."""

    rect: Rect
    colour: Colour


@dataclass(frozen=True)
class Meter:
    """A bar with 100 parts that shows each name's share of the evidence, see `meter.parts`.

    `rect` is in px from the corner of its panel.
    """

    rect: Rect
    groups: tuple[tuple[int, Colour], ...]
    """How many parts have each colour, from the first part on. Together they may be fewer than 100;
    the rest of the bar is left empty.
    """
    fills_from_right: bool = False
    """Whether the first of the 100 parts is at the right end of the bar."""


@dataclass(frozen=True)
class Panel:
    """Lines of text and bars, drawn on `background`.

    If `background` is None, they are drawn on the picture itself.
    """

    rect: Rect
    background: Background | None
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...] = ()
    """The bars that are drawn before the lines of text, and so are behind them."""
    meters: tuple[Meter, ...] = ()
    strikes: tuple[Bar, ...] = ()
    """The bars that are drawn after the lines of text, and so strike through them."""
    filled_px: int = 0
    """The width of the part of the panel that is dark green, px, including a border."""
    fills_from_right: bool = False
    """Whether the green part is at the right of the panel; otherwise it is at the left."""

    def moved_to(self, x: int, y: int) -> Panel:
        """Return the panel with its upper left corner at `x, y`."""
        return replace(self, rect=Rect(x, y, self.rect.width, self.rect.height))


@dataclass(frozen=True)
class Tag:
    """The panel with the name of a visitor, and the name's font size, px per em at 1080p."""

    panel: Panel
    size: int


Side = Literal["below", "right", "left", "above", "over"]
"""The side of the square on which a caption is; `over` may cover the lower part of the square."""


@dataclass(frozen=True)
class Caption:
    """The panel with the text beside a square, for example the definition of a name.

    `side` is the side of the square on which the panel is. `size` is the font size of definitions,
    px per em at 1080p.
    """

    panel: Panel
    side: Side
    size: int


@dataclass(frozen=True)
class Shown:
    """The stage and the name that the screen shows for one visitor.

    They can be older than the newest analysis: between two changes of large text on the whole
    screen, at least `compose.CHANGE_S` passes.
    """

    stage: Stage
    name: str = ""
    """The name on the tag, or the seconds until the visitor is classified; empty if there is
    neither.
    """
    name_index: int = 0
    """The index of the name among the candidates, best first, while a name is being chosen."""
    verdict: Verdict | None = None
    """The verdict that the name comes from; None before there is a verdict."""


@dataclass(frozen=True)
class Visitor:
    """One person on the mirror."""

    id: int
    """The id of the track."""
    square: Rect
    """The outer edge of the square around the face; it may extend beyond the picture."""
    stroke: int
    """The thickness of the square's outline, px."""
    lit: float
    """The share of the outline that is thick, 0–1: the progress towards a verdict."""
    shown: Shown
    name_since: float
    """The instant at which the name appeared on the tag (s, monotonic)."""
    gap_share: float = 0.0
    """How much of each side of the outline is left out, in the middle of the side, 0–1."""
    tag: Tag | None = None
    """The tag on the square; None if there was no space for one."""
    caption: Caption | None = None
    """The caption of the square; None if there was no space for one."""


@dataclass(frozen=True)
class Scene:
    """Everything on the screen at one moment of the show."""

    picture: Frame | None
    """The frame in the background; None for a black screen."""
    view: Rect
    """The part of the screen that the picture fills; the rest is black."""
    brightness: float
    """The brightness of the picture, 0–1."""
    visitors: tuple[Visitor, ...]
    panels: tuple[Panel, ...]
    """The panels that belong to no visitor; they are drawn last."""
    empty_square: Rect | None = None
    """The empty square of the idle scene."""
    empty_stroke: int = 0
    """The thickness of the empty square's outline, px."""
    empty_since: float | None = None
    """The instant since which no visitor has been in the picture (s, monotonic).

    Bystanders do not count. It is None while a visitor is in the picture.
    """
    changed_at: float = -math.inf
    """The instant (s, monotonic) from which `compose.CHANGE_S` must pass before large text, such as
    a name, may change again.
    """
    searched_at: float = -math.inf
    """The instant at which space for missing tags and captions was last searched for (s,
    monotonic).
    """
