from __future__ import annotations

import numpy as np
import pytest

from installation.seeing.box import Box
from installation.seeing.frame import Frame
from tests.support.pictures import quarters


def test_a_frame_is_read_only() -> None:
    """A thread cannot change a picture that another thread uses."""
    frame = Frame.from_rgb(quarters(), 1.0)
    with pytest.raises(ValueError, match="read-only"):
        frame.bgr[0, 0] = 0


def test_a_frame_is_made_of_rgb_and_copied_as_rgb() -> None:
    """Channels are exchanged on the way in and on the way out, and the caller's picture is kept."""
    picture = quarters()
    frame = Frame.from_rgb(picture, 1.0, scene=2)
    assert (frame.bgr == picture[..., ::-1]).all()
    assert (frame.to_rgb() == picture).all()
    assert frame.scene == 2
    assert picture.flags.writeable


def test_the_repr_of_a_frame_has_size_and_instant_but_no_pixels() -> None:
    """A log line with a frame in it reveals nothing of the picture."""
    frame = Frame.from_rgb(quarters(320, 240), 12.5)
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
def test_only_pictures_of_bytes_in_three_channels_are_frames(pixels: np.ndarray) -> None:
    """Pictures of one channel, of four channels or of floats never enter the show."""
    with pytest.raises(AssertionError):
        Frame(bgr=pixels, taken_at=0.0)


def test_the_box_of_a_frame_holds_all_of_it() -> None:
    """The box of a frame has the frame's width and height."""
    assert Frame.from_rgb(np.zeros((4, 6, 3), np.uint8), 0.0).box == Box(0, 0, 6, 4)
