from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.showing.scene import Size
from installation.showing.scenes.cards import title_card, trouble_card
from installation.showing.type.typesetting import ScreenContext

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720)]


@pytest.mark.parametrize("size", SCREENS)
def test_the_cards_fit(context: MakeContext, size: Size) -> None:
    """Title and sentence of a card are inside the screen and apart."""
    on_screen = context(size)
    long = replace(
        on_screen, words=on_screen.words.model_copy(update={"title": "A very long name " * 6})
    )
    for scene in (title_card(on_screen), trouble_card(on_screen), title_card(long)):
        title, sentence = scene.panels
        assert title.rect.within(on_screen.screen)
        assert sentence.rect.within(on_screen.screen)
        assert not title.rect.overlaps(sentence.rect)
