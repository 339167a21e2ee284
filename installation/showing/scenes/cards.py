"""The scenes without visitors: loading, nobody in the picture, something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from installation.seeing.frame import Frame
from installation.showing.scene import (
    BLACK,
    GREY,
    ON_BLACK,
    ON_GREEN,
    ON_WHITE,
    WHITE,
    Panel,
    Rect,
    Scene,
)
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

MARGIN = 60
"""From the screen's edge to the type, px at 1080."""

TITLE_SIZES = (180, 160, 140, 120, 100, 84, 72, 60, 48)
"""Type of the title, px per em at 1080; the largest that fits is taken."""

MAX_TITLE_LINES = 3

TITLE_BLEED = 48
"""Room around the title's type for round letters and for accents on capitals, px at 1080."""

TITLE_LEADING = 1.04
"""Closer than in running text: lines of large type look torn apart otherwise."""

SENTENCE_SIZE = 48
SENTENCE_PAD = 20
SENTENCE_GAP = 32
"""Type of the sentence under a title, px per em, the room around it and above it, px, at 1080."""

IMPRINT_SIZE = 24
IMPRINT_PAD = 14
IMPRINT_BLEED = 6
"""Type of the strip along the bottom, px per em, the room above and below the type, and the room
around each statement for round letters and accents, px, at 1080."""

MISTAKE_SIZES = (36, 32, 28, 25, 22, 20)
REHEARSAL_SIZE = 48
"""Type of the staff's list of mistakes, and of the word on the rehearsal, px per em at 1080."""

MAX_NAMES = 3
"""Missing layers that the card names; the log names all of them."""

WAITING_BRIGHTNESS = 0.45
"""Brightness of the mirror behind the title; white type stays readable before a white room."""


def title_card(context: ScreenContext) -> Scene:
    """Return the scene while the show loads: the title, where it will be on the mirror as well."""
    return _card(context, context.words.title, context.words.loading)


def trouble_card(context: ScreenContext) -> Scene:
    """Return the calm card for a show in which something is wrong."""
    return _card(context, context.words.trouble_title, context.words.trouble)


def no_camera_card(context: ScreenContext) -> Scene:
    """Return the calm card for a show that waits for its camera."""
    return _card(context, context.words.trouble_title, context.words.no_camera)


def mistakes_card(context: ScreenContext, lines: Sequence[str]) -> Scene:
    """Return the scene that tells the staff what is wrong: each of `lines` is one mistake.

    It is in the largest type in which all of it fits, otherwise cut at the bottom. What the fonts
    cannot draw is a question mark; the log has it.
    """
    pad = context.px(MARGIN)
    width = context.size[0] - 2 * pad
    texts = [context.fonts.replace_lacking(line) for line in lines]
    for size in MISTAKE_SIZES:
        space = context.px(size)
        paragraphs = [Paragraph(text, space, WHITE, space_above=space) for text in texts]
        panel = set_panel(context.fonts, paragraphs, width, pad, None)
        if panel.rect.height <= context.size[1]:
            break
    return Scene(None, 1.0, (), (panel,))


def rehearsal_mark(context: ScreenContext) -> Panel:
    """Return the word in the upper right corner that tells the rehearsal from a visitor."""
    text = Paragraph(context.words.rehearsal, context.px(REHEARSAL_SIZE), BLACK)
    panel = set_panel(context.fonts, [text], context.size[0], context.px(IMPRINT_PAD), ON_WHITE)
    margin = context.px(MARGIN)
    return panel.moved_to(context.size[0] - margin - panel.rect.width, margin)


def unguarded_card(context: ScreenContext, missing: Sequence[str]) -> Scene:
    """Return the calm card for a machine that cannot keep the promise of privacy.

    The first of `missing`, the layers that the guard lacks, are named for the staff in small type
    at the bottom.
    """
    card = _card(context, context.words.unguarded_title, context.words.unguarded)
    names = ", ".join(missing[:MAX_NAMES])
    text = context.words.unguarded_staff.format(names=names)
    paragraph = Paragraph(text, context.px(IMPRINT_SIZE), GREY)
    left, bleed = context.px(MARGIN), context.px(IMPRINT_BLEED)
    note = set_panel(context.fonts, [paragraph], context.size[0] - 2 * left, bleed, None)
    y = context.size[1] - note.rect.height - context.px(IMPRINT_PAD)
    return replace(card, panels=(*card.panels, note.moved_to(left - bleed, y)))


def waiting(picture: Frame, context: ScreenContext, empty_since: float) -> Scene:
    """Return the scene without visitors: the dimmed mirror, the title, and what happens here."""
    heading = _heading(context, context.words.title, context.words.invitation)
    panels = (*heading, *imprint(context))
    return Scene(picture, WAITING_BRIGHTNESS, (), panels, empty_since)


def imprint(context: ScreenContext) -> tuple[Panel, ...]:
    """Return the strip along the bottom: the notice, what a label is, what happens to pictures.

    The three statements stand side by side if they fit, else one below the other.
    """
    width, height = context.size
    words = context.words
    pad, gap = context.px(IMPRINT_PAD), context.px(2)
    bleed = context.px(IMPRINT_BLEED)
    left, right = context.px(MARGIN) - bleed, width - context.px(MARGIN) + bleed
    panels = [
        set_panel(
            context.fonts,
            [Paragraph(text, context.px(IMPRINT_SIZE), WHITE)],
            right - left - 2 * bleed,
            bleed,
            None,
        )
        for text in (words.notice, words.guess, words.privacy)
    ]
    first, second, third = (panel.rect.width for panel in panels)
    room = right - left - first - second - third
    if room >= 2 * context.px(MARGIN):
        tallest = max(panel.rect.height for panel in panels)
        top = height - tallest - 2 * pad
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
    # One opaque panel is drawn several times as fast as one with transparent ones over it.
    lines = tuple(
        replace(line, x=x + line.x, baseline=y - top + line.baseline)
        for panel, (x, y) in zip(panels, corners, strict=True)
        for line in panel.lines
    )
    return (Panel(Rect(0, top, width, height - top), ON_BLACK, lines),)


def _card(context: ScreenContext, title: str, sentence: str) -> Scene:
    return Scene(None, 1.0, (), _heading(context, title, sentence))


def _heading(context: ScreenContext, title: str, sentence: str) -> tuple[Panel, Panel]:
    """Return the large title and a sentence in black on green below it, at the lower left."""
    margin = context.px(MARGIN)
    width = context.size[0] - 2 * margin
    bottom = imprint(context)[0].rect.y - margin
    pad, gap = context.px(SENTENCE_PAD), context.px(SENTENCE_GAP)
    bleed = context.px(TITLE_BLEED)
    text = Paragraph(sentence, context.px(SENTENCE_SIZE), BLACK)
    below = set_panel(context.fonts, [text], width - 2 * pad, pad, ON_GREEN)
    top = bottom - below.rect.height
    for size in TITLE_SIZES:
        heading = Paragraph(title, context.px(size), WHITE, leading=TITLE_LEADING)
        above = set_panel(context.fonts, [heading], width, bleed, None)
        whole = least_width(context.fonts, heading) <= width
        if whole and above.rect.height + gap <= top and len(above.lines) <= MAX_TITLE_LINES:
            break
    y = max(0, top - gap - above.rect.height)
    return above.moved_to(margin - bleed, y), below.moved_to(margin, top)
