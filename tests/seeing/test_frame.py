from __future__ import annotations

import numpy as np
import pytest

from installation.seeing.frame import Frame
from tests.support.pictures import quarters


def test_nobody_can_paint_on_a_frame() -> None:
    """A frame's pixels are read-only, so that a thread cannot change another's picture."""
    frame = Frame(quarters(), 1.0)
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0] = 0


def test_a_frame_tells_its_size_and_instant_but_no_pixels() -> None:
    """What a log could show of a frame is its size and instant alone."""
    frame = Frame(quarters(320, 240), 12.5)
    assert (frame.width, frame.height) == (320, 240)
    assert repr(frame) == "<Frame 320×240 at 12.500>"


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_only_pictures_of_bytes_in_three_colours_are_frames(pixels: np.ndarray) -> None:
    """Grey, transparent and floating pictures never enter the show."""
    with pytest.raises(AssertionError):
        Frame(pixels, 0.0)
