"""The scenes without visitors: the title while the show loads, nobody there, something wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from installation.seeing.frame import Frame
from installation.showing.scene import BLACK, GREEN, GREY, WHITE, Panel, Paper, Rect, Scene
from installation.showing.typesetting import ScreenContext, Text, set_panel, widest, width_at

PLAIN: Paper = (*BLACK, 255)
NEON: Paper = (*GREEN, 255)

MARGIN = 60
"""From the screen's edge to the type, px at 1080."""

TITLE_SIZES = (180, 160, 140, 120, 100, 84, 72, 60, 48)
"""Type of the title, px per em at 1080; the largest that fits is taken."""

MOST_TITLE_LINES = 3

BLEED = 48
"""Round the title's type, for round letters and accents that rise above its capitals."""

TITLE_LEADING = 1.04
"""Closer than in running text: large lines hold together only so."""

IMPRINT = 25
IMPRINT_PAD = 14
"""Type of the strip along the bottom, px per em, and the room above and below it, px, at 1080."""

MOST_NAMES = 3
"""How much of what is missing the card names; the log names all of it."""

WAITING_BRIGHTNESS = 0.45
"""How bright the mirror is behind the title; white on it stays readable before a white wall."""


def title_card(context: ScreenContext) -> Scene:
    """Return what is shown while the show loads: where the title will be on the mirror."""
    return _card(context, context.words.title, context.words.loading)


def trouble_card(context: ScreenContext) -> Scene:
    """Return the calm card for when something is wrong."""
    return _card(context, context.words.trouble_title, context.words.trouble)


def unguarded_card(context: ScreenContext, missing: Sequence[str]) -> Scene:
    """Return the calm card for a machine that cannot keep the promise.

    Small at the foot, where visitors need not look, are the first of `missing` for the staff.
    """
    card = _card(context, context.words.unguarded_title, context.words.unguarded)
    names = ", ".join(missing[:MOST_NAMES])
    said = Text(context.words.unguarded_staff.format(names=names), context.px(IMPRINT), GREY)
    left, bleed = context.px(MARGIN), context.px(6)
    note = set_panel(context.fonts, [said], context.size[0] - 2 * left, bleed, None)
    y = context.size[1] - note.rect.height - context.px(IMPRINT_PAD)
    return replace(card, panels=(*card.panels, at(note, left - bleed, y)))


def waiting(picture: Frame, context: ScreenContext, empty_since: float) -> Scene:
    """Return the scene without anybody: the dimmed mirror, the title, and what happens here."""
    heading = _heading(context, context.words.title, context.words.invitation)
    panels = (*heading, *imprint(context))
    return Scene(picture, WAITING_BRIGHTNESS, (), panels, empty_since)


def imprint(context: ScreenContext) -> tuple[Panel, ...]:
    """Return the strip along the bottom: the notice, what a label is, and what becomes of pictures.

    One line where the three fit beside each other, else one below the other.
    """
    width, height = context.size
    words = context.words
    pad, gap = context.px(IMPRINT_PAD), context.px(2)
    # Each statement has some room of its own, for round letters and accents.
    bleed = context.px(6)
    left, right = context.px(MARGIN) - bleed, width - context.px(MARGIN) + bleed
    panels = [
        set_panel(
            context.fonts,
            [Text(text, context.px(IMPRINT), WHITE)],
            right - left - 2 * bleed,
            bleed,
            None,
        )
        for text in (words.notice, words.guess, words.privacy)
    ]
    first, second, third = (panel.rect.width for panel in panels)
    room = right - left - first - second - third
    if room >= 2 * context.px(MARGIN):
        tall = max(panel.rect.height for panel in panels)
        top = height - tall - 2 * pad
        corners = [
            (left, top + pad),
            (left + first + room // 2, top + pad),
            (right - third, top + pad),
        ]
    else:
        top = height - sum(panel.rect.height + gap for panel in panels) + gap - 2 * pad
        corners = []
        y = top + pad
        for panel in panels:
            corners.append((left, y))
            y += panel.rect.height + gap
    # One opaque panel is blitted several times as fast as one with transparent ones over it.
    lines = tuple(
        replace(line, x=x + line.x, baseline=y - top + line.baseline)
        for panel, (x, y) in zip(panels, corners, strict=True)
        for line in panel.lines
    )
    return (Panel(Rect(0, top, width, height - top), PLAIN, lines),)


def at(panel: Panel, x: int, y: int) -> Panel:
    """Return `panel` with its corner at `x, y`."""
    return Panel(Rect(x, y, panel.rect.width, panel.rect.height), panel.paper, panel.lines)


def _card(context: ScreenContext, title: str, sentence: str) -> Scene:
    return Scene(None, 1.0, (), _heading(context, title, sentence))


def _heading(context: ScreenContext, title: str, sentence: str) -> tuple[Panel, Panel]:
    """Return the large title and a sentence in black on green below it, at the lower left."""
    margin = context.px(MARGIN)
    measure = context.size[0] - 2 * margin
    floor = imprint(context)[0].rect.y - margin
    pad, gap = context.px(20), context.px(32)
    bleed = context.px(BLEED)
    invitation = Text(sentence, context.px(48), BLACK)
    below = set_panel(context.fonts, [invitation], measure - 2 * pad, pad, NEON)
    top = floor - below.rect.height
    for size in TITLE_SIZES:
        heading = Text(title, context.px(size), WHITE, leading=TITLE_LEADING)
        above = set_panel(context.fonts, [heading], measure, bleed, None)
        whole = widest(title, width_at(context.fonts, heading.size)) <= measure
        if whole and above.rect.height + gap <= top and len(above.lines) <= MOST_TITLE_LINES:
            break
    y = max(0, top - gap - above.rect.height)
    return at(above, margin - bleed, y), at(below, margin, top)
