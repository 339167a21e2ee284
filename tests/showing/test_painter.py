from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import pytest
import skimage.data

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Stage
from installation.seeing.frame import Frame, Pixels
from installation.showing.filled_tag import BORDER
from installation.showing.meter import parts
from installation.showing.painter import KEYLINE, THIN, Painter
from installation.showing.scene import DARK_GREEN, GREEN, Line, Panel, Scene, Size
from installation.showing.scenes.cards import trouble_card, unguarded_card
from installation.showing.scenes.compose import OPEN, compose
from installation.showing.scenes.idle import idle as idle_scene
from installation.showing.type.face import Face
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import Paragraph, ScreenContext
from installation.showing.words import load_words
from tests.support.figures import (
    CLINICIAN,
    FRAME,
    LABELS,
    PEOPLE,
    ROOT,
    company,
    draw,
    face,
    rows,
    sighting,
    visitor_panels,
)
from tests.support.sightings import sightings_of
from tests.support.surfaces import MASKS


def _pixels(surface: pygame.Surface) -> Pixels:
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


def _scene(size: Size = (960, 540)) -> tuple[Scene, ScreenContext]:
    heads = [(620.0, 260.0, 170.0)]
    context = ScreenContext(load_words(), Fonts(), size)
    return compose(draw((1280, 720), heads), company(heads, [CLINICIAN]), context, 0.0), context


@pytest.mark.parametrize("form", MASKS)
def test_every_kind_of_surface_shows_the_same(form: str) -> None:
    """The colours are right for any order of the display's channels."""
    scene, context = _scene()
    plain = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(scene, plain)
    depth, masks = MASKS[form]
    other = pygame.Surface(context.size, 0, depth, masks)
    Painter(context.fonts).paint(scene, other)
    np.testing.assert_array_equal(_pixels(plain), _pixels(other))


def test_painting_covers_all_and_changes_nothing() -> None:
    """Painting covers everything on the surface, and does not change the scene."""
    scene, context = _scene()
    assert scene.picture is not None
    picture = scene.picture.bgr.copy()
    painter = Painter(context.fonts)
    painted = []
    for colour in ("black", "magenta"):
        surface = pygame.Surface(context.size, depth=32)
        surface.fill(colour)
        painter.paint(scene, surface)
        painted.append(_pixels(surface))
    np.testing.assert_array_equal(painted[0], painted[1])
    np.testing.assert_array_equal(scene.picture.bgr, picture)
    assert not scene.picture.bgr.flags.writeable


def _luminance(colour: npt.NDArray[np.uint8] | tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return the relative luminance of `(…, 3)` sRGB colours, as WCAG 2 defines it."""
    channels = np.asarray(colour, np.float64) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ (0.2126, 0.7152, 0.0722))


def _contrast(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    lighter, darker = np.maximum(one, other), np.minimum(one, other)
    return np.asarray((lighter + 0.05) / (darker + 0.05))


def _backgrounds() -> dict[str, Frame]:
    """Return pictures of every kind that a camera may give: flat ones, noise, and a portrait."""
    random = np.random.default_rng(1)
    flat = {
        f"grey {level}": np.full((720, 1280, 3), level, np.uint8) for level in range(0, 256, 15)
    }
    noise = random.integers(0, 256, (72, 128, 3), np.uint8)
    large = cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC)
    portrait = cv2.resize(skimage.data.astronaut(), (1280, 720))
    others = {
        "noise": np.asarray(large, np.uint8),
        "portrait": np.asarray(portrait, np.uint8),
        "green": np.full((720, 1280, 3), (0, 255, 0), np.uint8),
        "dark green": np.full((720, 1280, 3), (0, 128, 0), np.uint8),
        "yellow": np.full((720, 1280, 3), (255, 255, 0), np.uint8),
    }
    return {name: Frame.from_rgb(pixels, 0.0) for name, pixels in (flat | others).items()}


@pytest.mark.parametrize("stage", ["announced", "reading", "named"])
@pytest.mark.parametrize("name", _backgrounds())
def test_a_square_is_seen_on_any_picture(name: str, stage: Stage) -> None:
    """The green line of a square, or the black line beside it, has 3 : 1 against the picture.

    Green and black have 3 : 1 against each other. This is measured on the painted pixels, at one
    place of each edge, outside and inside.
    """
    context = ScreenContext(load_words(), Fonts(), (1920, 1080))
    label = CLINICIAN if stage == "named" else None
    heads = [(640.0, 330.0, 160.0)]
    found = sighting(1, face(heads[0]), label, evidence=0.4, stage=stage)
    scene = compose(_backgrounds()[name], sightings_of([found]), context, 0.0)
    (visitor,) = scene.visitors
    bare = replace(scene, visitors=(replace(visitor, tag=None, caption=None),), panels=())
    surface = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(bare, surface)
    pixels = _pixels(surface)
    square, stroke = visitor.square, visitor.stroke
    keyline = round(KEYLINE * stroke)
    # Near a corner, because the sides are open before somebody is read.
    middle_x, middle_y = square.x + square.width // 8, square.y + square.height // 8
    # Across each edge: the background, the outer line, the stroke, the inner line, the background.
    depths = (-keyline - 2, -keyline, stroke // 2, stroke + keyline - 1, stroke + keyline + 1)
    edges = [
        [pixels[square.y + depth, middle_x] for depth in depths],
        [pixels[square.bottom - 1 - depth, middle_x] for depth in depths],
        [pixels[middle_y, square.x + depth] for depth in depths],
        [pixels[middle_y, square.right - 1 - depth] for depth in depths],
    ]
    for edge in edges:
        outside, outer, line, inner, inside = (_luminance(colour) for colour in edge)
        assert _contrast(outer, line) >= 3
        assert _contrast(inner, line) >= 3
        for beside, keyline_luminance in ((outside, outer), (inside, inner)):
            assert max(_contrast(beside, line), _contrast(beside, keyline_luminance)) >= 3


def test_before_somebody_is_read_only_the_corners_of_the_square_are_drawn() -> None:
    """The middle of each side is open at first, and the corners meet as the countdown ends."""
    context = ScreenContext(load_words(), Fonts(), (1920, 1080))
    grey = Frame.from_rgb(np.full((720, 1280, 3), 160, np.uint8), 0.0)
    announced = sightings_of([sighting(1, face((640.0, 330.0, 160.0)), None, stage="announced")])
    drawn = []
    for now in (0.0, 1.0, 2.0, 2.9, 3.0):
        scene = compose(grey, announced, context, now)
        (visitor,) = scene.visitors
        bare = replace(scene, visitors=(replace(visitor, tag=None, caption=None),), panels=())
        surface = pygame.Surface(context.size, depth=32)
        Painter(context.fonts).paint(bare, surface)
        pixels, square = _pixels(surface), visitor.square
        across = pixels[square.y + visitor.stroke // 2, square.x : square.right]
        down = pixels[square.y : square.bottom, square.right - 1 - visitor.stroke // 2]
        for side in (across, down):
            is_green = (side == GREEN).all(axis=1)
            assert is_green[0] == is_green[-1] == (now < 3), "a whole square is thin"
            drawn.append(int(is_green.sum()) / square.width)
            assert (tuple(side[square.width // 2]) == (160, 160, 160)) == (now < 2.8)
    assert drawn[::2] == sorted(drawn[::2])
    assert drawn[0] == pytest.approx(1 - OPEN, abs=0.02)


def test_the_outline_is_a_clock() -> None:
    """The thick part of the outline shows the progress, clockwise from the upper left."""
    context = ScreenContext(load_words(), Fonts(), (1920, 1080))
    thick = []
    for evidence in (0.0, 0.25, 0.5, 1.0):
        found = sighting(1, face((640.0, 330.0, 160.0)), None, evidence=evidence)
        scene = compose(FRAME, sightings_of([found]), context, 0.0)
        (visitor,) = scene.visitors
        bare = replace(scene, visitors=(replace(visitor, tag=None, caption=None),), panels=())
        surface = pygame.Surface(context.size, depth=32)
        Painter(context.fonts).paint(bare, surface)
        square, pixels = visitor.square, _pixels(surface)
        middle = square.x + square.width // 2, square.y + square.height // 2
        edges = (
            pixels[square.y : square.y + 20, middle[0]],
            pixels[middle[1], square.right - 20 : square.right],
            pixels[square.bottom - 20 : square.bottom, middle[0]],
            pixels[middle[1], square.x : square.x + 20],
        )
        thick.append([int((edge == GREEN).all(axis=1).sum()) for edge in edges])
    thin = round(THIN * visitor.stroke)
    assert thick == [
        [thin] * 4,
        [visitor.stroke, thin, thin, thin],
        [visitor.stroke, visitor.stroke, thin, thin],
        [visitor.stroke] * 4,
    ]


@pytest.mark.parametrize("idle", ["list", "mirror"])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_type_is_read_on_any_picture(level: int, idle: Literal["list", "mirror"]) -> None:
    """Text has a contrast of 4.5 : 1 with its panel; large type on the bare mirror has 3 : 1."""
    context = ScreenContext(
        load_words(), Fonts(), (1920, 1080), "en", load_words("de"), PEOPLE, idle
    )
    white = Frame.from_rgb(np.full((720, 1280, 3), level, np.uint8), 0.0)
    stages: list[tuple[Stage, Label | None]] = [
        ("announced", None),
        ("reading", None),
        ("named", CLINICIAN),
        ("withdrawn", CLINICIAN),
        ("person", ROOT),
    ]
    box = face((640.0, 330.0, 160.0))
    scenes = [compose(white, None, context, 0.0)]
    for stage, label in stages:
        visitors = [sighting(1, box, label, stage=stage)]
        scenes.append(compose(white, sightings_of(visitors), context, 0.0))
    lines = 0
    for scene in scenes:
        for panel in (*visitor_panels(scene), *scene.panels):
            background = panel.background
            behind = background[:3] if background else 3 * (round(level * scene.brightness),)
            behind = behind if background or scene.picture else (0, 0, 0)
            for line in panel.lines:
                lines += 1
                least = 4.5 if background or not scene.picture else 3
                assert _contrast(_luminance(line.colour), _luminance(behind)) >= least
            for bar in (*panel.bars, *(part for each in panel.meters for part in parts(each))):
                assert _contrast(_luminance(bar.colour), _luminance(behind)) >= 3
    assert lines > 60


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_letter_is_cut_off_by_its_panel(language: str) -> None:
    """Round letters, ascenders and accents are whole in every scene, also in the largest type."""
    words = load_words(language)
    context = ScreenContext(words, Fonts(), (1920, 1080), language, None, PEOPLE)
    found = sighting(1, face((640.0, 330.0, 160.0)), CLINICIAN)
    scenes = [
        compose(FRAME, sightings_of([found]), context, 0.0),
        idle_scene(FRAME, context, 0.0, 0.0),
        trouble_card(context),
        unguarded_card(context, ["Äpfel, Öl und Übel"]),
    ]
    lines = 0
    for scene in scenes:
        for panel in (*visitor_panels(scene), *scene.panels):
            for line in panel.lines:
                ink = context.fonts.ink(line.text, line.size, line.levels)
                if ink is None:
                    continue
                lines += 1
                height, width = ink.alpha.shape
                assert line.x + ink.left >= 0
                assert line.x + ink.left + width <= panel.rect.width
                assert line.baseline + ink.top >= 0
                assert line.baseline + ink.top + height <= panel.rect.height
    assert lines > 20


@pytest.mark.parametrize("score", [0.06, 0.31, 0.88])
def test_the_tag_is_green_up_to_its_score(score: float) -> None:
    """Left of the score the tag is green, and right of it black."""
    context = ScreenContext(load_words(), Fonts(), (1920, 1080))
    found = sighting(1, face((640.0, 330.0, 160.0)), CLINICIAN, score=score)
    scene = compose(FRAME, sightings_of([found]), context, 0.0)
    surface = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(scene, surface)
    tag = scene.visitors[0].tag
    assert tag is not None
    rect = tag.panel.rect
    border = round(BORDER * rect.height)
    inner = _pixels(surface)[rect.y : rect.bottom, rect.x + border : rect.right - border]
    row = inner[border + 1]  # above the letters
    green = (row == DARK_GREEN).all(axis=1)
    assert green.sum() == pytest.approx(score * len(row), abs=0.01 * len(row))
    assert green[: green.sum()].all()
    assert not row[green.sum() :].any()
    assert not inner[:border].any()
    assert not _pixels(surface)[rect.y : rect.bottom, rect.x : rect.x + border].any()


def test_a_scene_that_holds_still_costs_no_typesetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """For 32 visitors who do not move, nothing is set or drawn again on the next frame."""
    context = ScreenContext(load_words(), Fonts(), (1920, 1080), label_set=PEOPLE)
    heads = rows((1280, 720), (9, 9, 8, 6), 52.0, 0.2, 0.18)
    frame, sightings = draw((1280, 720), heads), company(heads, LABELS)
    painter, surface = Painter(context.fonts), pygame.Surface(context.size, depth=32)
    scene = compose(frame, sightings, context, 10.0)
    painter.paint(scene, surface)
    calls: list[str] = []
    for owner, method in ((Fonts, "draw"), (Face, "shape"), (Face, "advances"), (Painter, "_draw")):
        original = getattr(owner, method)

        def counted(*given: object, original: Callable[..., object] = original) -> object:
            calls.append(original.__name__)
            return original(*given)

        monkeypatch.setattr(owner, method, counted)
    again = compose(frame, sightings, context, 10.01, scene)
    painter.paint(again, surface)
    assert calls == []
    assert again == replace(scene, searched_at=again.searched_at)


def test_the_idle_list_costs_a_row_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a minute of the idle list only new rows and highlighted names are drawn."""
    context = ScreenContext(load_words(), Fonts(), (1920, 1080), label_set=PEOPLE)
    painter, surface = Painter(context.fonts), pygame.Surface(context.size, depth=32)
    drawn: list[Panel] = []
    original = Painter._draw

    def counted(self: Painter, panel: Panel, target: pygame.Surface) -> pygame.Surface:
        drawn.append(panel)
        return original(self, panel, target)

    monkeypatch.setattr(Painter, "_draw", counted)
    for step in range(600):
        now = step / 10
        painter.paint(idle_scene(FRAME, context, 0.0, now), surface)
        painter.evict(now)
    # Thirteen rows and three panels at first, a row in 3.3 s, two rows as another name is lit in
    # 3 s, and the tag with or without its cursor in each second.
    assert len(drawn) <= 16 + 60 / 3.3 + 2 * 60 / 3 + 60 + 10


CALLED = Label("n1", "lamplighter of quay seven", "one who lights the quay", ("person",))
"""A label that no other test uses, so that none keeps it in memory."""


def _written() -> list[object]:
    """Return every line and paragraph in memory whose text is from the label `CALLED`."""
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
