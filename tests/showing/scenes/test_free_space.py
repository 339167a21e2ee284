from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.scene import Rect
from installation.showing.scenes.free_space import Slide, is_free, near, nearest_free

positions = st.integers(-40, 40)
intervals = st.tuples(positions, st.integers(1, 30)).map(lambda pair: (pair[0], sum(pair)))
rects = st.builds(Rect, positions, positions, st.integers(1, 30), st.integers(1, 30))
SPACE = 3


@given(positions, positions, positions, st.lists(intervals, max_size=6))
def test_the_nearest_free_position_is_found(
    wanted: int, low: int, high: int, blocked: list[tuple[int, int]]
) -> None:
    """No position that is free and in the range is nearer to the wanted one."""
    free = [
        position
        for position in range(low, high + 1)
        if not any(begin < position < end for begin, end in blocked)
    ]
    found = nearest_free(wanted, low, high, blocked)
    assert (found is None) == (not free)
    if found is not None:
        assert found in free
        assert abs(found - wanted) == min(abs(position - wanted) for position in free)


@given(
    st.booleans(),
    positions,
    positions,
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(1, 20),
    st.lists(rects, max_size=6),
)
def test_a_panel_gets_a_place_if_there_is_one(
    is_across: bool, fixed: int, low: int, reach: int, width: int, height: int, others: list[Rect]
) -> None:
    """A panel gets the first position along its edge that is at least `SPACE` from every obstacle.

    If there is none, it gets no position.
    """
    obstacles = near(others, SPACE, Rect(-200, -200, 400, 400))
    slide = Slide(is_across, fixed, low, low, low + reach)

    def is_free(position: int) -> bool:
        x, y = (position, fixed) if is_across else (fixed, position)
        return not Rect(x, y, width, height).grown(SPACE).overlaps(*others)

    corner = slide.corner(width, height, obstacles)
    free = [position for position in range(low, low + reach + 1) if is_free(position)]
    assert corner == (None if not free else (free[0], fixed) if is_across else (fixed, free[0]))


@given(rects, st.lists(rects, max_size=6))
def test_only_what_is_near_is_an_obstacle(part: Rect, others: list[Rect]) -> None:
    """`near` returns the four edges of each rectangle that overlaps `part`, and of no other."""
    expected = [
        (each.x, each.y, each.right, each.bottom, SPACE) for each in others if each.overlaps(part)
    ]
    assert near(others, SPACE, part) == expected


@given(rects, st.lists(rects, max_size=6), st.integers(0, 5))
def test_a_rectangle_is_free_if_it_keeps_its_distance(
    rect: Rect, others: list[Rect], space: int
) -> None:
    """A rectangle is free if it overlaps no obstacle after it has grown by the obstacles' space."""
    obstacles = near(others, space, Rect(-200, -200, 400, 400))
    assert is_free(rect, obstacles) == (not rect.grown(space).overlaps(*others))
