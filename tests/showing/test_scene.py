from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.scene import Rect

rects = st.builds(
    Rect, st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 9), st.integers(0, 9)
)


def _pixels(rect: Rect) -> set[tuple[int, int]]:
    return {(x, y) for x in range(rect.x, rect.right) for y in range(rect.y, rect.bottom)}


@given(rects, rects)
def test_rectangles_overlap_if_they_share_a_pixel(one: Rect, other: Rect) -> None:
    """Two panels that only touch do not overlap."""
    if _pixels(one) and _pixels(other):
        assert one.overlaps(other) == bool(_pixels(one) & _pixels(other))


@given(rects, rects)
def test_a_rectangle_is_within_another_if_all_its_pixels_are(one: Rect, other: Rect) -> None:
    """A panel that fills the screen is within it."""
    if _pixels(one):
        assert one.within(other) == (_pixels(one) <= _pixels(other))


@given(rects, st.integers(0, 5))
def test_a_grown_rectangle_has_a_margin_on_each_side(rect: Rect, margin_px: int) -> None:
    """Growing moves every edge outwards by the same number of pixels."""
    grown = rect.grown(margin_px)
    assert (rect.x - grown.x, rect.y - grown.y) == (margin_px, margin_px)
    assert (grown.right - rect.right, grown.bottom - rect.bottom) == (margin_px, margin_px)
