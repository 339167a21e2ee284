from __future__ import annotations

from typing import Literal

import numpy as np
import pygame
import pytest

from installation.memory.buffers import Buffers
from installation.seeing.frame import Frame, Pixels
from installation.showing.picture import paint_picture
from installation.showing.scene import Size
from tests.support.surfaces import MASKS


def _pixels(surface: pygame.Surface) -> Pixels:
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


@pytest.mark.parametrize("form", MASKS)
def test_red_stays_red(form: str) -> None:
    """A frame of one colour is a screen of that colour."""
    depth, masks = MASKS[form]
    surface = pygame.Surface((64, 36), 0, depth, masks)
    frame = Frame.from_rgb(np.full((90, 160, 3), (200, 30, 60), np.uint8), 0.0)
    paint_picture(frame, 1.0, surface, Buffers())
    assert (_pixels(surface) == (200, 30, 60)).all()
    paint_picture(frame, 0.5, surface, Buffers())
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
    paint_picture(white, 1.0, surface, Buffers())
    assert _pixels(surface).all()
    assert bool(copies) is (depth == 24 or form == "XRGB")
    assert not any(bytes(copy).strip(b"\0") for copy in copies)


def test_a_part_of_a_surface_is_painted_in_place() -> None:
    """The picture is written into the surface's own memory, and nowhere beside it."""
    whole = pygame.Surface((100, 60), depth=32)
    part = whole.subsurface((10, 5, 64, 36))
    white = Frame.from_rgb(np.full((90, 160, 3), 255, np.uint8), 0.0)
    paint_picture(white, 1.0, part, Buffers())
    assert not part.get_locked()
    expected = np.zeros((60, 100), bool)
    expected[5:41, 10:74] = True
    np.testing.assert_array_equal(_pixels(whole).all(axis=2), expected)
