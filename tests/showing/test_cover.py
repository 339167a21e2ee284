from __future__ import annotations

import numpy as np
import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.showing.cover import MAX_CROP, Cover
from installation.showing.picture import paint_picture
from installation.showing.scene import Rect, Size

sizes = st.tuples(st.integers(40, 400), st.integers(40, 400))
frame_sizes = sizes | st.tuples(st.integers(1, 3), st.integers(40, 400))


@given(frame_sizes, sizes)
def test_the_picture_fills_the_room_around_its_middle(frame: Size, screen: Size) -> None:
    """The crop lies within the frame, centred, and has the shape of the view to a pixel."""
    room = Rect(30, 20, *screen)
    cover = Cover.from_sizes(frame, room)
    assert 0 <= cover.x <= cover.x + cover.width <= frame[0]
    assert 0 <= cover.y <= cover.y + cover.height <= frame[1]
    assert abs(cover.x - (frame[0] - cover.width - cover.x)) <= 1
    assert abs(cover.y - (frame[1] - cover.height - cover.y)) <= 1
    assert cover.width == frame[0] or cover.height == frame[1]
    view = cover.view
    assert view.within(room)
    assert (view.y, view.height) == (room.y, room.height)
    assert abs(view.x - room.x - (room.right - view.right)) <= 1
    shape = view.height / view.width
    assert abs(cover.width * shape - cover.height) <= 1 + shape


@given(frame_sizes, sizes)
def test_the_visible_part_fills_the_view(frame: Size, screen: Size) -> None:
    """The part that counts as visible is the part that is painted, to the last pixel."""
    cover = Cover.from_sizes(frame, Rect(0, 0, *screen))
    shown, view = cover.to_screen(cover.part), cover.view
    edges = (shown.x0, shown.y0, shown.x1, shown.y1)
    assert edges == pytest.approx((view.x, view.y, view.right, view.bottom))


@given(frame_sizes, sizes)
def test_heads_are_not_cut_off(frame: Size, screen: Size) -> None:
    """A wide screen shows most of the frame's height, with black at the sides."""
    cover = Cover.from_sizes(frame, Rect(0, 0, *screen))
    of_a_pixel = 1 / min(cover.view.width, cover.view.height)
    assert cover.height >= (1 - MAX_CROP - 2 * of_a_pixel) * frame[1]


@pytest.mark.parametrize("screen", [(640, 360), (360, 640), (1000, 400), (160, 90)])
def test_a_box_lands_where_its_picture_does(screen: Size) -> None:
    """A point inside a box on the frame is inside the box on the screen."""
    pixels = np.zeros((180, 320, 3), np.uint8)
    pixels[60:100, 140:180] = 255
    cover = Cover.from_sizes((320, 180), Rect(0, 0, *screen))
    part = Rect(0, 0, cover.view.width, cover.view.height)
    surface = pygame.Surface((part.width, part.height), depth=32)
    paint_picture(Frame.from_rgb(pixels, 0.0), 1.0, part, surface, Buffers())
    rows, columns = np.nonzero(pygame.surfarray.array3d(surface)[..., 0].T > 127)
    box = cover.to_screen(Box(140, 60, 180, 100))
    x, y = cover.view.x, cover.view.y
    painted = (columns.min() + x, rows.min() + y, columns.max() + 1 + x, rows.max() + 1 + y)
    assert painted == pytest.approx((box.x0, box.y0, box.x1, box.y1), abs=1.6)
