from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.box import Box

coordinates = st.floats(-1e4, 1e4)
sides = st.floats(0.5, 1e4)
boxes = st.builds(Box.from_centre, coordinates, coordinates, sides, sides)


@given(coordinates, coordinates, sides, sides)
def test_a_box_has_the_centre_and_sides_it_was_made_from(
    x: float, y: float, width: float, height: float
) -> None:
    """A box that is made from its centre has this centre and these sides."""
    box = Box.from_centre(x, y, width, height)
    assert box.centre == pytest.approx((x, y), abs=1e-6)
    assert (box.width, box.height) == pytest.approx((width, height), abs=1e-6)
    assert box.area == pytest.approx(width * height, rel=1e-6)


@given(boxes, boxes)
def test_iou_lies_between_0_and_1_and_is_symmetric(one: Box, other: Box) -> None:
    """IoU does not depend on the order of the boxes."""
    assert 0 <= one.iou(other) <= 1 + 1e-9
    assert one.iou(other) == pytest.approx(other.iou(one))


@given(boxes)
def test_iou_is_1_with_the_box_itself_and_0_beside_it(box: Box) -> None:
    """Boxes that only touch each other have an IoU of 0."""
    assert box.iou(box) == pytest.approx(1)
    assert box.iou(Box(box.x1, box.y0, box.x1 + 10, box.y1)) == 0


@given(st.lists(st.integers(0, 12), min_size=8, max_size=8))
def test_iou_is_a_share_of_pixels(corners: list[int]) -> None:
    """On whole pixels IoU is the number of shared pixels divided by that of covered pixels."""
    a0, a1, b0, b1, c0, c1, d0, d1 = corners
    one = Box(min(a0, a1), min(b0, b1), max(a0, a1), max(b0, b1))
    other = Box(min(c0, c1), min(d0, d1), max(c0, c1), max(d0, d1))

    def pixels(box: Box) -> set[tuple[int, int]]:
        return {
            (x, y) for x in range(int(box.x0), int(box.x1)) for y in range(int(box.y0), int(box.y1))
        }

    union = pixels(one) | pixels(other)
    expected = len(pixels(one) & pixels(other)) / len(union) if union else 0
    assert one.iou(other) == pytest.approx(expected)


@given(boxes, boxes, st.floats(0.1, 10))
def test_scaling_the_frame_keeps_iou(one: Box, other: Box, factor: float) -> None:
    """Boxes on a reduced frame have the same IoU as on the full frame."""
    assert one.scaled(factor).iou(other.scaled(factor)) == pytest.approx(one.iou(other), abs=1e-6)
    assert one.scaled(factor).width == pytest.approx(one.width * factor, abs=1e-6)


def test_an_inside_out_box_is_empty() -> None:
    """A box whose right edge is left of its left edge has no area."""
    box = Box(10, 10, 5, 20)
    assert (box.width, box.area) == (0, 0)
    assert box.iou(Box(0, 0, 20, 20)) == 0


def test_a_box_contains_its_pixels() -> None:
    """The left and the upper edge belong to a box, the right and the lower edge do not."""
    box = Box(10, 20, 30, 40)
    assert box.contains(10, 20)
    assert box.contains(29.9, 39.9)
    assert not any(box.contains(*at) for at in ((9.9, 30), (30, 30), (20, 19.9), (20, 40)))
