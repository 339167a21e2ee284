from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pygame
import pygame.surfarray
import pytest

from installation.naming.reading.values import Stage
from installation.seeing.frame import Frame, Pixels
from installation.showing.painter import Painter
from installation.showing.scene import Scene, Size
from installation.showing.scenes.compose import compose
from installation.showing.scenes.idle import idle
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.contrast import (
    beside_green,
    luminances,
    outline_contrasts,
    ratios,
    text_contrasts,
)
from tests.support.figures import CLINICIAN, LABELS, ROOT, Head, draw, face, rows, sighting
from tests.support.golden import GOLDENS
from tests.support.sightings import sightings_of

MakeContext = Callable[[Size], ScreenContext]

LARGE = 42
"""Type of this size or more is large, px per em at 1080p; WCAG's limit is lower."""
OF_SMALL, OF_LARGE = 4.5, 3.0
"""The least contrast of small and of large type: WCAG 2.2, success criterion 1.4.3."""
OF_OUTLINE = 3.0
"""The least contrast of anything that is not type: success criterion 1.4.11."""

SHAPE = (720, 1280, 3)


def _ramp() -> Pixels:
    """Return all greys from black to white, in columns."""
    greys = np.linspace(0, 255, SHAPE[1]).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(greys[None, :, None], SHAPE))


def _noise(cell_px: int) -> Pixels:
    """Return coloured noise in cells of `cell_px`."""
    cells = (SHAPE[0] // cell_px, SHAPE[1] // cell_px, 3)
    noise = np.random.default_rng(cell_px).integers(0, 256, cells, np.uint8)
    return np.asarray(noise.repeat(cell_px, 0).repeat(cell_px, 1), np.uint8)


PICTURES: dict[str, Pixels] = {
    "white": np.full(SHAPE, 255, np.uint8),
    "grey": np.full(SHAPE, 160, np.uint8),
    "dark grey": np.full(SHAPE, 70, np.uint8),
    "black": np.zeros(SHAPE, np.uint8),
    "green": np.full(SHAPE, (0, 255, 0), np.uint8),
    "yellow": np.full(SHAPE, (255, 255, 0), np.uint8),
    "every grey": _ramp(),
    "noise": _noise(1),
    "coarse noise": _noise(40),
    "figures": draw((1280, 720), [(620.0, 300.0, 170.0)]).to_rgb(),
}

HEADS: list[Head] = [(170, 230, 100), (500, 290, 140), (860, 270, 130), (1130, 420, 90)]
CROWD = rows((1280, 720), (6, 5, 4), 80.0, 0.25, 0.2)
STAGES: list[Stage] = ["named", "withdrawn", "announced", "reading", "person", "unsure"]


def painted(scene: Scene, context: ScreenContext) -> Pixels:
    """Return the pixels of `scene`, `(H, W, 3)`."""
    surface = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(scene, surface)
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


def peopled(picture: Pixels, heads: list[Head], context: ScreenContext, first: int) -> Scene:
    """Return the scene of `picture` with a visitor for each of `heads`, in successive stages.

    `first` is the index in `STAGES` of the first visitor's stage.
    """
    visitors = []
    for number, head in enumerate(heads):
        stage = STAGES[(number + first) % len(STAGES)]
        label = None if stage in ("announced", "reading") else LABELS[number % len(LABELS)]
        if stage in ("person", "unsure"):
            label = ROOT
        score = (0.06, 0.31, 0.88)[number % 3]
        visitors.append(sighting(number, face(head), label, 0.45, score, stage))
    return compose(Frame.from_rgb(picture, 0.0), sightings_of(visitors), context, 0.0)


def assert_readable(scene: Scene, context: ScreenContext, pixels: Pixels) -> int:
    """Fail if any type lacks contrast; return the number of lines that were checked."""
    found = list(text_contrasts(scene, context.fonts, pixels))
    for each in found:
        least = OF_LARGE if each.size >= context.px(LARGE) else OF_SMALL
        assert each.ratio >= least, each
    return len(found)


@pytest.mark.parametrize("name", PICTURES)
def test_squares_and_words_are_seen_before_any_picture(context: MakeContext, name: str) -> None:
    """Outlines and all type keep their contrast, in each stage, alone and in a crowd."""
    screen = replace(context((1920, 1080)), second=load_words("de"))
    for heads, first in ((HEADS, 0), (HEADS, 3), (CROWD, 0)):
        scene = peopled(PICTURES[name], heads, screen, first)
        pixels = painted(scene, screen)
        assert assert_readable(scene, screen, pixels) >= 10
        outlines = list(outline_contrasts(scene, pixels))
        assert len(outlines) >= 60
        assert min(own for own, _ in outlines) >= OF_OUTLINE
        assert min(against for _, against in outlines) >= OF_OUTLINE


@pytest.mark.parametrize("score", [hundredth / 100 for hundredth in (1, *range(4, 101, 8))])
def test_a_name_is_read_whatever_its_score_is(context: MakeContext, score: float) -> None:
    """Every letter of a tag has the contrast of small type, also at the end of the green."""
    screen = context((1920, 1080))
    for head in (HEADS[0], HEADS[1]):
        named = sighting(1, face(head), LABELS[1], score=score, stage="named")
        frame = Frame.from_rgb(PICTURES["white"], 0.0)
        scene = compose(frame, sightings_of([named]), screen, 0.0)
        tag = scene.visitors[0].tag
        assert tag is not None
        texts = {line.text for line in tag.panel.lines}
        found = list(text_contrasts(scene, screen.fonts, painted(scene, screen)))
        ratios_of_tag = [each.ratio for each in found if each.text in texts]
        assert len(ratios_of_tag) == len(texts)
        assert min(ratios_of_tag) >= OF_SMALL


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("kind", ["list", "mirror"])
def test_the_question_is_read_before_any_picture(
    context: MakeContext, name: str, kind: str
) -> None:
    """The question has enough contrast, also over the mirror of a white room, in both languages."""
    screen = replace(
        context((1920, 1080)),
        second=load_words("de"),
        idle="mirror" if kind == "mirror" else "list",
    )
    scene = idle(Frame.from_rgb(PICTURES[name], 0.0), screen, 12.0, 16.0)
    assert assert_readable(scene, screen, painted(scene, screen)) >= 8


def _in_full_size() -> list[str]:
    """Return the names of the golden screens that are not reduced.

    In a reduced picture a thin line is mixed with its neighbours.
    """
    shorter = {
        path.name: min(struct.unpack(">II", path.read_bytes()[16:24]))
        for path in GOLDENS.glob("*.png")
    }
    return sorted(name for name, px in shorter.items() if px >= 1080)


@pytest.mark.parametrize("name", _in_full_size())
def test_green_is_set_off_from_what_is_beside_it(name: str) -> None:
    """On each golden screen in full size, everything beside green has 3 : 1 against it."""
    picture = cv2.imread(str(Path(GOLDENS, name)))
    assert picture is not None
    found = beside_green(np.asarray(picture[..., ::-1], np.uint8), reach=2)
    assert found.size > 100 or name.startswith("staff")
    assert found.min(initial=21.0) >= OF_OUTLINE


def test_a_square_without_its_dark_lines_would_be_found() -> None:
    """The measure distinguishes outlines with and without dark lines on a light picture."""
    bare = np.full((60, 60, 3), 214, np.uint8)
    bare[20:26] = (0, 255, 0)
    assert beside_green(bare, reach=2).min() < 1.2
    bare[16:20] = 0
    bare[26:30] = 0
    assert beside_green(bare, reach=2).min() > 15


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((255, 255, 255), (0, 0, 0), 21.0), ((0, 255, 0), (128, 128, 128), 2.88)],
)
def test_contrast_is_what_wcag_says(
    one: tuple[int, int, int], other: tuple[int, int, int], expected: float
) -> None:
    """The contrast of black on white is 21, and of the green on middle grey less than 3."""
    light = luminances(np.array([one, other], np.uint8))
    assert float(ratios(light[0], light[1])) == pytest.approx(expected, abs=0.01)


def test_type_on_a_picture_as_light_as_itself_would_be_found(context: MakeContext) -> None:
    """The measure of type looks at the painted letters and at what is painted around them."""
    screen = context((1920, 1080))
    scene = peopled(PICTURES["white"], HEADS[:2], screen, 0)
    pixels = painted(scene, screen).copy()
    assert min(each.ratio for each in text_contrasts(scene, screen.fonts, pixels)) >= OF_SMALL
    pixels[pixels.max(axis=2) < 60] = (150, 150, 150)
    found = {each.text: each.ratio for each in text_contrasts(scene, screen.fonts, pixels)}
    assert found[CLINICIAN.name] < OF_SMALL
    assert min(found.values()) < OF_LARGE
