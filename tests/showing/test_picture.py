from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import pygame
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from installation.memory.buffers import Buffers
from installation.seeing.frame import Frame, Pixels
from installation.seeing.scaling import scale
from installation.showing import picture
from installation.showing.cover import Cover
from installation.showing.picture import MOST_ROWS, paint_picture
from installation.showing.scene import Rect, Size
from tests.support.surfaces import MASKS

WHOLE = Rect(0, 0, 64, 36)

SCREEN: Size = (200, 240)

UNPAINTED = (90, 91, 92)
"""The colour of the screen before a picture is painted; red, green and blue."""

PERIODS = st.integers(1, MOST_ROWS)
"""Distances between common boundaries of the frame and the view, in rows of either."""


def _pixels(surface: pygame.Surface) -> Pixels:
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


@pytest.mark.parametrize("form", MASKS)
def test_red_stays_red(form: str) -> None:
    """A frame of one colour is a screen of that colour."""
    depth, masks = MASKS[form]
    surface = pygame.Surface((64, 36), 0, depth, masks)
    frame = Frame.from_rgb(np.full((90, 160, 3), (200, 30, 60), np.uint8), 0.0)
    paint_picture(frame, 1.0, WHOLE, surface, Buffers())
    assert (_pixels(surface) == (200, 30, 60)).all()
    paint_picture(frame, 0.5, WHOLE, surface, Buffers())
    assert (_pixels(surface) == (100, 15, 30)).all()


@pytest.mark.parametrize("form", MASKS)
@pytest.mark.parametrize("size", [(80, 36), (64, 36), (32, 18), (160, 90)])
def test_no_copy_of_a_picture_is_left(
    form: str, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every array that a picture was copied into on its way to the screen is black afterwards."""
    depth, masks = MASKS[form]
    copies: list[memoryview] = []
    from_buffer = pygame.image.frombuffer

    def noted(buffer: memoryview, size: Size, form: Literal["BGR"]) -> pygame.Surface:
        copies.append(buffer)
        return from_buffer(buffer, size, form)

    monkeypatch.setattr(pygame.image, "frombuffer", noted)
    surface = pygame.Surface((64, 36), 0, depth, masks)
    white = Frame.from_rgb(np.full((size[1], size[0], 3), 255, np.uint8), 0.0)
    paint_picture(white, 1.0, WHOLE, surface, Buffers())
    assert _pixels(surface).all()
    assert bool(copies) is (depth == 24 or form == "XRGB")
    assert not any(bytes(copy).strip(b"\0") for copy in copies)


def test_a_part_of_a_surface_is_painted_in_place() -> None:
    """The picture is written into the surface's own memory, and nowhere else."""
    whole = pygame.Surface((100, 60), depth=32)
    white = Frame.from_rgb(np.full((90, 160, 3), 255, np.uint8), 0.0)
    paint_picture(white, 1.0, Rect(10, 5, 64, 36), whole, Buffers())
    assert not whole.get_locked()
    expected = np.zeros((60, 100), bool)
    expected[5:41, 10:74] = True
    np.testing.assert_array_equal(_pixels(whole).all(axis=2), expected)


@pytest.mark.parametrize(
    ("camera", "view", "spare"),
    [
        ((1280, 720), (1920, 840), 0),
        ((640, 360), (1920, 840), 0),
        ((1280, 720), (1080, 1680), 0),
        ((3840, 2160), (1920, 840), 0),
        ((3840, 2160), (2560, 1120), 0),
        ((1280, 720), (1280, 560), 0),
        # One row more makes the ratio of the heights repeat: 560 to 1,679, and 840 to 1,679.
        ((1280, 720), (3840, 1679), 1),
        ((1920, 1080), (3840, 1679), 1),
        # No ratio repeats, so the picture is one strip.
        ((640, 480), (1623, 840), 0),
    ],
)
@pytest.mark.parametrize("brightness", [1.0, 0.3])
def test_strips_are_scaled_as_the_whole_picture_is(
    camera: Size, view: Size, spare: int, brightness: float
) -> None:
    """The rows at the edges of strips do not differ from those of a picture in one strip."""
    noise = np.random.default_rng(0).integers(0, 256, (camera[1], camera[0], 3), np.uint8)
    surface = pygame.Surface((view[0], view[1] + spare), depth=32)
    paint_picture(Frame(bgr=noise, taken_at=0.0), brightness, Rect(0, 0, *view), surface, Buffers())
    cover = Cover.from_sizes(camera, Rect(0, 0, view[0], view[1] + spare))
    whole = noise[cover.y : cover.y + cover.height, cover.x : cover.x + cover.width]
    size = cover.view.height, cover.view.width, 3
    reduced = np.empty(size, np.uint8)
    if cover.width > cover.view.width:
        scale(whole, reduced, cv2.INTER_AREA)
        whole = reduced
    if brightness < 1:
        whole = np.asarray(cv2.convertScaleAbs(whole, alpha=brightness), np.uint8)
    expected = np.empty(size, np.uint8)
    scale(whole, expected, cv2.INTER_LINEAR)
    np.testing.assert_array_equal(_pixels(surface), expected[..., ::-1])


def _painted(noise: Pixels, brightness: float, view: Rect) -> Pixels:
    """Return a screen `(H, W, 3)` of `UNPAINTED` on which `noise` was painted."""
    surface = pygame.Surface(SCREEN, depth=32)
    surface.fill(UNPAINTED)
    memory = Buffers()
    paint_picture(Frame(bgr=noise, taken_at=0.0), brightness, view, surface, memory)
    assert not any(block.any() for block in memory._blocks.values())
    return _pixels(surface)


@given(
    columns=st.integers(1, 120),
    width=st.integers(1, 190),
    periods=st.tuples(PERIODS, PERIODS),
    count=st.integers(2, 13),
    odd_rows=st.integers(-1, 1),
    corner=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    brightness=st.sampled_from([1.0, 0.3]),
)
def test_edges_of_strips_are_invisible_at_any_size(
    columns: int,
    width: int,
    periods: tuple[int, int],
    count: int,
    odd_rows: int,
    corner: tuple[int, int],
    brightness: float,
) -> None:
    """Strips have the levels of the whole picture, and only rows of the picture are painted."""
    rows, height = periods[0] * count, periods[1] * count + odd_rows
    view = Rect(*corner, width, height)
    # A frame so narrow that its view would have no column.
    assume(Cover.from_sizes((columns, rows), view).view.width)
    noise = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)
    screen = _painted(noise, brightness, view)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture, "LEAST_STRIPS", 1)
        whole = _painted(noise, brightness, view)
    # OpenCV scales a strip of a single row by another function, which rounds differently.
    assert int(np.abs(screen.astype(np.int16) - whole).max()) <= 1
    screen[view.y : view.bottom + MOST_ROWS, view.x : view.right] = UNPAINTED
    assert (screen == UNPAINTED).all()


@pytest.mark.parametrize("size", [(32, 18), (160, 90)])
def test_no_copy_of_a_picture_is_left_after_a_failure(
    size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If scaling a strip fails, the copies of the strips before it are overwritten all the same."""
    calls: list[int] = []

    def failing(strip: Pixels, scaled: Pixels, method: int) -> None:
        calls.append(method)
        scale(strip, scaled, method)
        if len(calls) > 1:
            raise MemoryError

    monkeypatch.setattr(picture, "scale", failing)
    memory = Buffers()
    white = Frame.from_rgb(np.full((size[1], size[0], 3), 255, np.uint8), 0.0)
    with pytest.raises(MemoryError):
        paint_picture(white, 0.5, WHOLE, pygame.Surface((64, 36), depth=32), memory)
    assert memory._blocks
    assert not any(block.any() for block in memory._blocks.values())
