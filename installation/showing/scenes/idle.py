"""The scene while nobody stands in front of the screen: a question, and an empty square.

From a distance, visitors see an empty square with an empty name tag and a cursor. When they come
nearer, they see that all names scroll through the square in small text, with a bar in place of each
hidden name. A live picture is not shown, because it would show people who only pass by. With the
setting `screen.idle: mirror`, the dimmed picture is behind the question, and there is no list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from installation.showing.cover import Cover
from installation.showing.scene import (
    BLACK,
    GREY,
    ON_BLACK,
    ON_GREEN,
    WHITE,
    Bar,
    Panel,
    Rect,
    Scene,
)
from installation.showing.scenes.bands import MARGIN, bands
from installation.showing.scenes.name_list import list_panels
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

if TYPE_CHECKING:
    from installation.seeing.frame import Frame

TITLE_SIZES = (150, 140, 130, 120, 110, 100, 92, 84, 76, 68, 60)
"""The font sizes of the question, px per em at 1080p; the largest that fits is used."""

TITLE_LEADING = 1.04
"""The distance between baselines of a question relative to the font size; less than in a paragraph,
because lines of large text look torn apart otherwise.
"""

MOST_TITLE_LINES = 3
"""In a font size above `RAGGED_SIZE`, the question has at most this many lines. If it is shown in
two languages, both together have at most twice as many lines.
"""

RAGGED_SIZE = 92
"""The largest font size in which a question may have any number of lines, px per em at 1080p."""

NOTE_SIZE = 42
"""The font size of the notes below the question, px per em at 1080p."""

BLEED = 20
"""The space around text without a background, px at 1080p, into which round letters and marks above
capitals may extend.
"""

NOTE_SPACE = 18
"""The space between two notes, px at 1080p."""

BLOCK_SPACE = 44
"""The space above the question in the second language, and above the notes, px at 1080p."""

SQUARE_SHARE = 0.5
"""The share of the screen's width that the square and its tag take. If the screen is taller than
wide, it is the share of the screen's height.
"""

TAG_HEIGHT = 110
"""The height of the empty tag, px at 1080p."""

TAG_SHARE = 0.55
"""The width of the empty tag relative to the width of the empty square."""

CURSOR_S = 1.0
"""How long the cursor is visible each time, and how long it is then hidden, s."""

DIM = 0.3
"""The brightness of the mirror behind the question, 0–1. Even on the picture of a white room, white
text then has a contrast of 8.6 : 1, and grey text of 4 : 1.
"""

STROKE = 8
"""The thickness of the empty square's outline, px at 1080p."""


def idle(picture: Frame, context: ScreenContext, since: float, now: float) -> Scene:
    """Return the scene at `now`; nobody has been present since `since` (both s, monotonic).

    `picture` is shown, dimmed, only with `screen.idle: mirror`.
    """
    if context.idle == "mirror":
        return _over_the_mirror(picture, context, since)
    scene = idle_without_names(context, _notes(context), now - since)
    names = _names(context, scene.empty_square, since, now)
    return replace(scene, panels=(*names, *scene.panels), empty_since=since)


def idle_without_names(context: ScreenContext, notes: Sequence[str], idle_s: float = 0.0) -> Scene:
    """Return the scene with the question, `notes` below it, and the empty square, but no names.

    The screen has been idle for `idle_s` seconds, which decides whether the cursor is visible. One
    half of the screen has the question and the notes, the other half has the square. If a curator's
    sentences are too long for one half, they take the whole screen, and there is no square.
    """
    edges = bands(context)
    room = _room(context)
    left, right = _halves(context, room)
    text = question(context, left, notes)
    if text is None:
        whole = question(context, room, notes, crowded=True)
        assert whole is not None
        return Scene(None, edges.room, 1.0, (), (*whole, *edges.panels))
    square, tag = _empty_square(context, right, idle_s)
    panels = (*text, tag, *edges.panels)
    return Scene(None, edges.room, 1.0, (), panels, square, context.px(STROKE))


def _over_the_mirror(picture: Frame, context: ScreenContext, since: float) -> Scene:
    """Return the idle scene for `screen.idle: mirror`.

    It has the dimmed picture, the question over it, and the invitation below the question.
    """
    edges = bands(context)
    view = Cover.from_sizes((picture.width, picture.height), edges.room).view
    notes = [words.invitation for words in context.languages]
    text = question(context, _room(context), notes, crowded=True, opaque=False)
    assert text is not None
    panels = (*text, *edges.panels)
    return Scene(picture, view, DIM, (), panels, empty_since=since)


def _room(context: ScreenContext) -> Rect:
    """Return the part of the screen between the bands, less a margin on each side."""
    margin, room = context.px(MARGIN), bands(context).room
    return Rect(margin, room.y + margin, room.width - 2 * margin, room.height - 2 * margin)


def _halves(context: ScreenContext, room: Rect) -> tuple[Rect, Rect]:
    """Return the areas of the question and of the square.

    They are side by side, or on a tall screen one below the other.
    """
    gap = context.px(MARGIN)
    if room.width > room.height:
        width = round((room.width - gap) * (1 - SQUARE_SHARE))
        right = Rect(room.x + width + gap, room.y, room.width - width - gap, room.height)
        return Rect(room.x, room.y, width, room.height), right
    height = round((room.height - gap) * (1 - SQUARE_SHARE))
    lower = Rect(room.x, room.y + height + gap, room.width, room.height - height - gap)
    return Rect(room.x, room.y, room.width, height), lower


def _notes(context: ScreenContext) -> list[str]:
    """Return a line in each language with the number of hidden names; empty if there are none."""
    label_set = context.label_set
    if label_set is None:
        return []
    hidden = label_set.hidden_names
    return [
        (words.blacked_out_one if hidden == 1 else words.blacked_out).format(
            hidden=words.number(hidden), all=words.number(label_set.size)
        )
        for words in context.languages
        if hidden
    ]


def question(
    context: ScreenContext,
    room: Rect,
    notes: Sequence[str],
    *,
    crowded: bool = False,
    opaque: bool = True,
) -> tuple[Panel, ...] | None:
    """Return the question in `room`, in each language, with `notes` below.

    The first language is white and the second grey, as everywhere on the screen. The question may
    be too long for `room` even in the smallest font size. Then the result is None. But if `crowded`
    is true, the smallest font size is used all the same, and the notes follow directly. If
    `opaque`, the panels have a black background, so that they are painted faster than text over a
    picture.
    """
    background = ON_BLACK if opaque else None
    titles = [words.title for words in context.languages if words.title]
    colours = (WHITE, GREY)
    space = context.px(BLOCK_SPACE)
    note_px = context.px(NOTE_SIZE)
    small = [
        Paragraph(text, note_px, colour, context.px(NOTE_SPACE))
        for text, colour in zip(notes, colours, strict=False)
        if text
    ]
    bleed = context.px(BLEED)
    below = set_panel(context.fonts, small, room.width, bleed, background)
    for size in TITLE_SIZES:
        type_px = context.px(size)
        large = [
            Paragraph(title, type_px, colour, space, TITLE_LEADING)
            for title, colour in zip(titles, colours, strict=False)
        ]
        above = set_panel(context.fonts, large, room.width, bleed, background)
        width = max(least_width(context.fonts, title) for title in large)
        height = above.rect.height + space + below.rect.height - 4 * bleed
        calm = size <= RAGGED_SIZE or len(above.lines) <= MOST_TITLE_LINES * len(titles)
        if calm and width <= room.width and height <= room.height:
            break
    else:
        if not crowded:
            return None
    x, top = room.x - bleed, room.y - bleed
    y = max(room.bottom + bleed - below.rect.height, top + above.rect.height)
    placed = [above.moved_to(x, top), below.moved_to(x, y)]
    return tuple(panel for panel in placed if panel.lines)


def _empty_square(context: ScreenContext, room: Rect, idle_s: float) -> tuple[Rect, Panel]:
    """Return the empty square in `room`, and its tag with a cursor."""
    height = context.px(TAG_HEIGHT)
    square = Rect(room.x, room.y + height, room.width, room.height - height)
    width = round(TAG_SHARE * square.width)
    pad = height // 5
    bars: tuple[Bar, ...] = ()
    if math.floor(idle_s / CURSOR_S) % 2 == 0:
        bars = (Bar(Rect(pad, pad, max(2, height // 9), height - 2 * pad), BLACK),)
    return square, Panel(Rect(square.x, room.y, width, height), ON_GREEN, (), bars)


def _names(
    context: ScreenContext, square: Rect | None, since: float, now: float
) -> tuple[Panel, ...]:
    """Return panels with those rows of the list of names that are entirely within `square`.

    Nobody has been present from `since` to `now` (s, monotonic). The result is empty if there is no
    square, or if the names are not loaded yet.
    """
    if context.label_set is None or square is None:
        return ()
    inside = square.grown(-3 * context.px(STROKE))
    return tuple(list_panels(context, context.label_set.listing, inside, since, now))
