from __future__ import annotations

import cv2
import numpy as np
import pytest

from installation.seeing.scaling import scale
from installation.showing.scene import Size


@pytest.mark.parametrize("method", [cv2.INTER_AREA, cv2.INTER_LINEAR])
@pytest.mark.parametrize("size", [(640, 360), (641, 363), (1920, 840), (2560, 1440)])
@pytest.mark.parametrize("channels", [3, 4])
def test_no_level_differs_by_more_than_one_from_opencv(
    method: int, size: Size, channels: int
) -> None:
    """No level of a scaled picture differs by more than 1 from what OpenCV itself computes."""
    picture = np.random.default_rng(0).integers(0, 256, (720, 1280, channels), np.uint8)
    scaled = np.empty((size[1], size[0], channels), np.uint8)
    scale(picture, scaled, method)
    expected = cv2.resize(picture, size, interpolation=method)
    assert int(np.abs(scaled.astype(np.int16) - expected).max()) <= 1


def test_other_calls_of_opencv_are_exact() -> None:
    """After a picture was scaled, OpenCV uses IPP only where the result is the same as its own."""
    scale(np.zeros((4, 4, 3), np.uint8), np.empty((6, 6, 3), np.uint8), cv2.INTER_LINEAR)
    assert not cv2.ipp.useIPP_NotExact()
