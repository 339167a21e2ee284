from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.meter import PARTS, parts
from installation.showing.scene import DARK_GREY, GREEN, GREY, Meter, Rect

rects = st.builds(
    Rect,
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(3 * PARTS, 1500),
    st.integers(1, 60),
)


@st.composite
def meters(draw: st.DrawFn) -> Meter:
    """Return a meter with three groups of parts, at most `PARTS` together."""
    ends = sorted(draw(st.lists(st.integers(0, PARTS), min_size=3, max_size=3)))
    counts = [ends[0], ends[1] - ends[0], ends[2] - ends[1]]
    groups = tuple(zip(counts, (GREEN, GREY, DARK_GREY), strict=True))
    return Meter(draw(rects), groups, draw(st.booleans()))


@given(meters())
def test_parts_are_in_the_meter_and_apart(meter: Meter) -> None:
    """There is space between two parts, more between two colours, and none is outside."""
    bars = parts(meter)
    assert [bar.colour for bar in bars] == [
        colour for count, colour in meter.groups for _ in range(count)
    ]
    assert all(bar.rect.within(meter.rect) for bar in bars)
    for one, two in itertools.pairwise(bars):
        left, right = (two, one) if meter.fills_from_right else (one, two)
        gap = right.rect.x - left.rect.right
        assert gap >= (2 if one.colour != two.colour else 1)


@given(meters())
def test_a_meter_from_the_right_is_the_mirror_image(meter: Meter) -> None:
    """The parts from the right are those from the left, mirrored within the meter."""
    from_left = parts(Meter(meter.rect, meter.groups))
    from_right = parts(Meter(meter.rect, meter.groups, fills_from_right=True))
    mirrored = [meter.rect.x + meter.rect.right - bar.rect.right for bar in from_left]
    assert [bar.rect.x for bar in from_right] == mirrored
