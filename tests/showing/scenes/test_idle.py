from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import astuple, replace

import pygame
import pytest

from installation.showing.scene import ON_GREEN, Scene, Size
from installation.showing.scenes.bands import bands
from installation.showing.scenes.cards import title_card
from installation.showing.scenes.idle import CURSOR_S, idle
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import FRAME, text_of

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 1080), (1280, 800), (480, 800)]


def type_of(scene: Scene, text: str) -> list[tuple[int, int, int]]:
    """Return position and size of each line of `text` in `scene`."""
    return [
        (panel.rect.x + line.x, panel.rect.y + line.baseline, line.size)
        for panel in scene.panels
        for line in panel.lines
        if line.text in text
    ]


@pytest.mark.parametrize("size", SCREENS)
def test_nobody_in_front_of_the_screen_sees_a_question_and_an_empty_square(
    context: MakeContext, size: Size
) -> None:
    """The idle scene has no live picture, and says how many names are blacked out."""
    both = replace(context(size), second=load_words("de"))
    scene = idle(FRAME, both, 100.0, 103.0)
    assert scene.picture is None
    assert scene.empty_square is not None
    assert scene.empty_square.within(bands(both).room)
    for words in both.languages:
        assert words.title in text_of(scene)
    assert "of 2,832 names are blacked out: they could hurt." in text_of(scene)
    assert "von 2.832 Namen sind geschwärzt: Sie könnten verletzen." in text_of(scene)


def test_the_mirror_may_be_behind_the_question(context: MakeContext) -> None:
    """With `screen.idle: mirror` the picture is dimmed, and there is no list."""
    scene = idle(FRAME, replace(context((1920, 1080)), idle="mirror"), 100.0, 103.0)
    assert scene.picture is FRAME
    assert scene.brightness < 0.5
    assert scene.empty_square is None
    assert "Step up to the mirror." in text_of(scene)
    assert "carpenter" not in text_of(scene)


@pytest.mark.parametrize("size", SCREENS)
def test_nothing_jumps_when_the_show_has_loaded(context: MakeContext, size: Size) -> None:
    """Question, square and notice are in the same places before and after the list is loaded."""
    on_screen = context(size)
    loading, loaded = title_card(on_screen), idle(FRAME, on_screen, 100.0, 103.0)
    title = on_screen.words.title
    assert type_of(loading, title) == type_of(loaded, title) != []
    assert loading.empty_square == loaded.empty_square
    assert loading.panels[-2:] == loaded.panels[-2:]


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (3840, 2160), (480, 800)])
def test_the_waiting_scene_has_only_opaque_panels(context: MakeContext, size: Size) -> None:
    """They are copied to the screen without blending, and none covers a part of another."""
    panels = idle(FRAME, context(size), 12.0, 16.0).panels
    assert all(panel.background and panel.background[3] == 255 for panel in panels)
    for one, other in itertools.combinations(panels, 2):
        assert not pygame.Rect(*astuple(one.rect)).colliderect(astuple(other.rect))


def test_the_cursor_changes_once_a_second(context: MakeContext) -> None:
    """The cursor is visible for a second, and then hidden for a second."""
    on_screen = context((1920, 1080))
    has_cursor = [
        any(
            panel.bars
            for panel in idle(FRAME, on_screen, 0.0, now / 10).panels
            if panel.background == ON_GREEN
        )
        for now in range(60)
    ]
    changes = [one != other for one, other in itertools.pairwise(has_cursor)]
    assert sum(changes) == 5 / CURSOR_S


def test_a_set_that_hides_nothing_says_nothing_of_it(context: MakeContext) -> None:
    """A set without hidden names has no line about blacked-out names."""
    on_screen = context((1920, 1080))
    assert on_screen.label_set is not None
    shown = replace(on_screen.label_set, listing=("air", "dew"))
    scene = idle(FRAME, replace(on_screen, label_set=shown), 100.0, 103.0)
    assert "blacked out" not in text_of(scene)
    shown = replace(on_screen.label_set, listing=("air", 3), size=2)
    scene = idle(FRAME, replace(on_screen, label_set=shown), 100.0, 103.0)
    assert "1 of 2 names is blacked out: it could hurt." in text_of(scene)


def test_a_curators_long_sentences_have_the_whole_screen(context: MakeContext) -> None:
    """Sentences too long for half of the screen take all of it, instead of the square."""
    on_screen = context((1920, 1080))
    long = "What would a machine call you if it looked at you for long? " * 4
    words = on_screen.words.updated({"title": long, "loading": long})
    scene = title_card(replace(on_screen, words=words))
    assert scene.empty_square is None
    assert text_of(scene).count("if it looked") == 8
