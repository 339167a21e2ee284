from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.networks.encoder import Input
from installation.naming.reading import crops
from installation.naming.reading.crops import Part
from installation.seeing.box import Box
from installation.seeing.frame import Frame

ONE_LEVEL = 1 / 128


def network_input(size: int) -> Input:
    """Return the input of the default network, at this size."""
    return replace(EfficientNetLite0.input, size=size)


def noisy(height: int, width: int, seed: int = 0) -> Frame:
    """Return a frame of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Frame.from_rgb(pixels, 0.0)


def reference(frame: Frame, box: Box, crop: Part, size: int) -> torch.Tensor:
    """Return a crop made by torchvision in float32: padded, `resized_crop`, normalised."""
    left, top, width, height = crops.crop_region(box, frame, crop)
    picture = torch.tensor(frame.to_rgb()).permute(2, 0, 1).float()
    margin = max(0, -left, -top, left + width - frame.width, top + height - frame.height)
    padded = tv.pad(picture, [margin], fill=crops.FILL_LEVEL)
    resized = tv.resized_crop(
        padded, top + margin, left + margin, height, width, [size, size], antialias=True
    )
    normalised: torch.Tensor = (resized - 127) / 128
    return normalised


@given(
    x=st.floats(-60, 360),
    y=st.floats(-60, 260),
    width=st.floats(1, 150),
    height=st.floats(1, 150),
    crop=st.sampled_from(["bust", "face", "frame"]),
)
def test_crops_are_torchvisions(
    x: float, y: float, width: float, height: float, crop: Part
) -> None:
    """A crop is torchvision's padded `resized_crop` with antialiasing, to within one level."""
    frame = noisy(200, 300)
    box = Box.from_centre(x, y, width, height)
    ours = torch.from_numpy(crops.cut(frame, [box], crop, network_input(64))[0])
    assert (ours - reference(frame, box, crop, 64)).abs().max() <= ONE_LEVEL + 1e-6


@pytest.mark.parametrize("crop", ["bust", "face", "frame"])
def test_a_batch_is_its_crops_one_by_one(crop: Part) -> None:
    """The crops of several boxes in one batch equal the crops of each box alone."""
    frame = noisy(240, 320)
    boxes = [Box(10, 20, 60, 90), Box(200, 10, 330, 150), Box(-30, -30, 20, 20)]
    batch = crops.cut(frame, boxes, crop, network_input(224))
    assert batch.shape == (3, 3, 224, 224)
    assert batch.dtype == np.float32
    for one, box in zip(batch, boxes, strict=True):
        assert np.array_equal(one, crops.cut(frame, [box], crop, network_input(224))[0])


def test_outside_the_frame_the_input_is_zero() -> None:
    """Beyond the edge of the frame a crop is grey, which the default network receives as 0."""
    white = Frame.from_rgb(np.full((100, 100, 3), 255, np.uint8), 0.0)
    crop = crops.cut(white, [Box(300, 300, 340, 350)], "bust", network_input(32))
    assert crop.shape == (1, 3, 32, 32)
    assert not crop.any()


def test_a_bust_holds_the_face_and_the_shoulders() -> None:
    """A bust is a square around the face that extends further down than up."""
    face = Box(100, 80, 140, 130)
    left, top, width, height = crops.crop_region(face, noisy(400, 400), "bust")
    assert width == height == round(2.6 * 50)
    assert left < 100
    assert left + width > 140
    assert 80 - top < top + height - 130


def test_without_boxes_the_batch_is_empty() -> None:
    """A batch of no crops has the shape of a batch."""
    assert crops.cut(noisy(10, 10), [], "bust", network_input(224)).shape == (0, 3, 224, 224)


def test_the_frame_is_not_changed() -> None:
    """Cutting leaves the mirror's frame as it was, even if the crop is the whole frame."""
    frame = noisy(64, 64)
    before = frame.bgr.copy()
    crops.cut(frame, [Box(1, 1, 9, 9)], "frame", network_input(32))
    assert np.array_equal(frame.bgr, before)
