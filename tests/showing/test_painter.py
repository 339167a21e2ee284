from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pygame
import pytest

from installation.naming.label_set.label_set import Label
from installation.seeing.frame import Frame, Pixels
from installation.showing.painter import Painter, paint_picture
from installation.showing.scene import Line, Scene, Size
from installation.showing.scenes.compose import compose
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import Paragraph, ScreenContext
from installation.showing.words import load_words
from tests.support.figures import CLINICIAN, company, draw

MASKS = {
    "BGRX": (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    "RGBX": (32, (0xFF, 0xFF00, 0xFF0000, 0)),
    "XRGB": (32, (0xFF00, 0xFF0000, 0xFF000000, 0)),
    "RGB": (24, (0xFF, 0xFF00, 0xFF0000, 0)),
    "BGR": (24, (0xFF0000, 0xFF00, 0xFF, 0)),
}


def _pixels(surface: pygame.Surface) -> Pixels:
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


def _scene(size: Size = (960, 540)) -> tuple[Scene, ScreenContext]:
    heads = [(620.0, 260.0, 170.0)]
    context = ScreenContext(load_words(), Fonts(), size)
    return compose(draw((1280, 720), heads), company(heads, [CLINICIAN]), context, 0.0), context


@pytest.mark.parametrize("form", MASKS)
def test_every_kind_of_surface_shows_the_same(form: str) -> None:
    """The colours are right whatever order of channels the display has."""
    scene, context = _scene()
    plain = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(scene, plain)
    depth, masks = MASKS[form]
    other = pygame.Surface(context.size, 0, depth, masks)
    Painter(context.fonts).paint(scene, other)
    np.testing.assert_array_equal(_pixels(plain), _pixels(other))


@pytest.mark.parametrize("form", MASKS)
def test_red_stays_red(form: str) -> None:
    """A frame of one colour is a screen of that colour."""
    depth, masks = MASKS[form]
    surface = pygame.Surface((64, 36), 0, depth, masks)
    frame = Frame(np.full((90, 160, 3), (200, 30, 60), np.uint8), 0.0)
    paint_picture(frame, 1.0, surface)
    assert (_pixels(surface) == (200, 30, 60)).all()
    paint_picture(frame, 0.5, surface)
    assert (_pixels(surface) == (100, 15, 30)).all()


def test_a_part_of_a_surface_is_painted_in_place() -> None:
    """The picture is written into the surface's own memory, and nowhere beside it."""
    whole = pygame.Surface((100, 60), depth=32)
    part = whole.subsurface((10, 5, 64, 36))
    paint_picture(Frame(np.full((90, 160, 3), 255, np.uint8), 0.0), 1.0, part)
    assert not part.get_locked()
    expected = np.zeros((60, 100), bool)
    expected[5:41, 10:74] = True
    np.testing.assert_array_equal(_pixels(whole).all(axis=2), expected)


def test_painting_covers_all_and_changes_nothing() -> None:
    """Nothing that was on the surface before is visible, and the scene does not change."""
    scene, context = _scene()
    assert scene.picture is not None
    picture = scene.picture.pixels.copy()
    painter = Painter(context.fonts)
    painted = []
    for colour in ("black", "magenta"):
        surface = pygame.Surface(context.size, depth=32)
        surface.fill(colour)
        painter.paint(scene, surface)
        painted.append(_pixels(surface))
    np.testing.assert_array_equal(painted[0], painted[1])
    np.testing.assert_array_equal(scene.picture.pixels, picture)
    assert not scene.picture.pixels.flags.writeable


CALLED = Label("n1", "lamplighter of quay seven", "one who lights the quay", ("person",))
"""A label that no other test uses, so that none keeps it in memory."""


def _written() -> list[object]:
    """Return every line and paragraph in memory with the label of `CALLED`."""
    held = (each for each in gc.get_objects() if type(each) in (Line, Paragraph))
    return [each for each in held if "quay" in each.text]


@pytest.mark.parametrize("others", [0, 1])
def test_what_was_written_about_a_visitor_goes_with_them(others: int) -> None:
    """A second after a visitor left, nothing that was written about them is in memory.

    If others are still in the picture, their texts are not set again for that.
    """
    size = (960, 540)
    context = ScreenContext(load_words(), Fonts(), size)
    painter = Painter(context.fonts)
    surface = pygame.Surface(size, depth=32)
    mirror = draw((1280, 720), [])
    heads = [(320.0, 260.0, 170.0), (920.0, 260.0, 170.0)]
    scene = None

    def show_for_a_second(people: int, since: float) -> Scene:
        nonlocal scene
        for picture in range(30):
            now = since + picture / 30
            sightings = company(heads[:people], [CLINICIAN, CALLED]) if people else None
            scene = compose(mirror, sightings, context, now, scene)
            painter.paint(scene, surface)
            painter.evict(now)
        assert scene is not None
        return scene

    def tags_of(scene: Scene) -> list[int]:
        return [id(visitor.tag.panel.lines) for visitor in scene.visitors if visitor.tag]

    of_both = tags_of(show_for_a_second(2, since=0.0))
    assert _written()
    assert tags_of(show_for_a_second(others, since=1.0)) == of_both[:others]
    assert len(of_both) == 2
    assert not _written()
    assert len(context.fonts._shaped) == 0


def test_the_title_card_is_painted_before_torch_is_loaded() -> None:
    """Painting the title card loads no network library and prints nothing."""
    code = (
        "import installation.showing.painter, installation.showing.scenes.cards, sys;"
        "print([name for name in ('torch', 'scipy', 'timm', 'skimage') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
