from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.showing.scene import Size
from installation.showing.scenes.bands import bands
from installation.showing.scenes.cards import (
    no_camera_card,
    title_card,
    trouble_card,
    unguarded_card,
)
from installation.showing.type.typesetting import ScreenContext
from tests.support.figures import text_of

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720), (480, 800)]


def with_title(context: ScreenContext, title: str) -> ScreenContext:
    """Return `context` with another title on the card for trouble."""
    words = context.words.updated({"trouble_title": title})
    return replace(context, words=words)


@pytest.mark.parametrize("size", SCREENS)
def test_the_cards_fit(context: MakeContext, size: Size) -> None:
    """Title and sentence of a card are inside the screen and do not overlap."""
    on_screen = context(size)
    long = replace(
        on_screen,
        words=on_screen.words.updated({"trouble_title": "A very long name " * 6}),
    )
    for scene in (trouble_card(on_screen), no_camera_card(on_screen), trouble_card(long)):
        title, sentence, _ = scene.panels
        assert title.rect.within(on_screen.screen)
        assert sentence.rect.within(on_screen.screen)
        assert not title.rect.overlaps(sentence.rect)


@pytest.mark.parametrize("size", SCREENS)
def test_a_long_title_stays_larger_than_the_sentence_below_it(
    context: MakeContext, size: Size
) -> None:
    """A title too long for one line takes more lines, and stays larger than the sentence."""
    on_screen = context(size)
    words = on_screen.words.updated({"trouble_title": "What would a machine call you? " * 4})
    title, sentence, _ = trouble_card(replace(on_screen, words=words)).panels
    assert title.lines[0].size > 1.2 * sentence.lines[0].size


@pytest.mark.parametrize("size", SCREENS)
def test_the_notice_stands_on_the_cards_of_a_show(context: MakeContext, size: Size) -> None:
    """The notice is on the cards of a show with a camera, and not on others."""
    on_screen = context(size)
    for card in (title_card, trouble_card, no_camera_card):
        assert bands(on_screen).notice in card(on_screen).panels
    assert on_screen.words.notice not in text_of(unguarded_card(on_screen, ["Landlock"]))
