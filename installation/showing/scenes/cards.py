"""The cards for visitors while the show loads, while something is wrong, and without a camera.

The notice is at the top as in every other scene, because the camera may be switched on at any
moment. Only the card of a show that cannot keep the promise of privacy (`unguarded_card`) has no
notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from installation.showing.scene import (
    BLACK,
    GREY,
    ON_GREEN,
    ON_WHITE,
    WHITE,
    Panel,
    Scene,
)
from installation.showing.scenes.bands import FOOT_SIZE, MARGIN, SAFE, bands
from installation.showing.scenes.idle import BLEED, idle_without_names
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)
from installation.showing.words import Words

TITLE_SIZES = (150, 140, 130, 120, 110, 100, 92, 84, 76, 68, 60)
"""The font sizes of the title, px per em at 1080p; the largest that fits is used."""

TITLE_LEADING = 1.04
"""The distance between baselines of a title relative to the font size; less than in a paragraph,
because lines of large text look torn apart otherwise.
"""

SENTENCE_SIZE = 48
"""The font size of the sentence under a title, px per em at 1080p."""

SENTENCE_PAD = 20
"""The space around the sentence, px at 1080p."""

SENTENCE_GAP = 40
"""The space between the titles of two languages, and below the last title, px at 1080p."""

MARK_PAD = 14
"""The space around the word that marks the rehearsal, px at 1080p."""

REHEARSAL_SIZE = 42
"""The font size of the word that marks the rehearsal, px per em at 1080p."""

MAX_NAMES = 3
"""The largest number of missing sandbox layers that the card names; the log names all of them."""


def title_card(context: ScreenContext) -> Scene:
    """Return the card shown while the show loads: the idle scene without the list of names."""
    return idle_without_names(context, [words.loading for words in context.languages])


def trouble_card(context: ScreenContext) -> Scene:
    """Return the calm card for a show in which something is wrong."""
    card = _card(context, lambda words: words.trouble_title, lambda words: words.trouble)
    return _with_notice(context, card)


def paused_card(context: ScreenContext) -> Scene:
    """Return the calm card for a show that failed repeatedly and is started only now and then."""
    card = _card(context, lambda words: words.paused_title, lambda words: words.paused)
    return _with_notice(context, card)


def no_camera_card(context: ScreenContext) -> Scene:
    """Return the calm card for a show that waits for its camera."""
    card = _card(context, lambda words: words.trouble_title, lambda words: words.no_camera)
    return _with_notice(context, card)


def _with_notice(context: ScreenContext, card: Scene) -> Scene:
    return replace(card, panels=(*card.panels, bands(context).notice))


def rehearsal_mark(context: ScreenContext) -> Panel:
    """Return the panel in the upper right corner, with the word that marks the rehearsal."""
    text = Paragraph(context.words.rehearsal, context.px(REHEARSAL_SIZE), BLACK)
    panel = set_panel(context.fonts, [text], context.size[0], context.px(MARK_PAD), ON_WHITE)
    x = context.size[0] - context.px(SAFE) - panel.rect.width
    return panel.moved_to(x, bands(context).room.y)


def unguarded_card(context: ScreenContext, missing: Sequence[str]) -> Scene:
    """Return the calm card for a machine that cannot keep the promise of privacy.

    `missing` are the layers that the sandbox lacks. The first `MAX_NAMES` of them are named for the
    staff in small text at the bottom.
    """
    names = ", ".join(missing[:MAX_NAMES])
    text = context.words.unguarded_staff.format(names=names)
    left = context.px(MARGIN)
    paragraph = Paragraph(text, context.px(FOOT_SIZE), GREY)
    bleed = context.px(BLEED)
    note = set_panel(context.fonts, [paragraph], context.size[0] - 2 * left, bleed, None)
    y = context.size[1] - context.px(SAFE) - note.rect.height + bleed
    note = note.moved_to(left - bleed, y)
    card = _card(
        context,
        lambda words: words.unguarded_title,
        lambda words: words.unguarded,
        note.rect.y - context.px(MARGIN),
    )
    return replace(card, panels=(*card.panels, note))


def _card(
    context: ScreenContext,
    title: Callable[[Words], str],
    sentence: Callable[[Words], str],
    bottom: int | None = None,
) -> Scene:
    """Return a card with a large title and a sentence in black on green, in each language.

    The lower edge of the card is at `bottom`, px. If `bottom` is None, there is a margin between
    the card and the foot. A long title is set smaller and on more lines, but always larger than the
    sentence.
    """
    margin = context.px(MARGIN)
    top = bands(context).room.y
    bottom = bands(context).room.bottom - margin if bottom is None else bottom
    width = context.size[0] - 2 * margin
    pad, gap, bleed = (context.px(px) for px in (SENTENCE_PAD, SENTENCE_GAP, BLEED))
    titles = [title(words) for words in context.languages if title(words)]
    sentences = [sentence(words) for words in context.languages if sentence(words)]
    text = [
        Paragraph(each, context.px(SENTENCE_SIZE), BLACK, context.px(SENTENCE_PAD))
        for each in sentences
    ]
    below = set_panel(context.fonts, text, width - 2 * pad, pad, ON_GREEN)
    y = bottom - below.rect.height
    for size in TITLE_SIZES:
        type_px = context.px(size)
        large = [
            Paragraph(each, type_px, colour, gap, TITLE_LEADING)
            for each, colour in zip(titles, (WHITE, GREY), strict=False)
        ]
        above = set_panel(context.fonts, large, width, bleed, None)
        widest = max(least_width(context.fonts, each) for each in large)
        height = above.rect.height - 2 * bleed
        if widest <= width and height + gap <= y - top:
            break
    placed = above.moved_to(margin - bleed, max(top, y - gap - height) - bleed)
    return Scene(None, context.screen, 1.0, (), (placed, below.moved_to(margin, y)))
