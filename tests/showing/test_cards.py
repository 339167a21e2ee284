from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.showing.cards import title_card, trouble_card
from installation.showing.scene import Size
from installation.showing.typesetting import ScreenContext

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720)]


@pytest.mark.parametrize("size", SCREENS)
def test_the_cards_fit(context: MakeContext, size: Size) -> None:
    """Title and sentence of a card are inside the screen and apart."""
    wall = context(size)
    long = replace(wall, words=wall.words.model_copy(update={"title": "A very long name " * 6}))
    for scene in (title_card(wall), trouble_card(wall), title_card(long)):
        title, sentence = scene.panels
        assert title.rect.within(wall.screen)
        assert sentence.rect.within(wall.screen)
        assert not title.rect.overlaps(sentence.rect)
