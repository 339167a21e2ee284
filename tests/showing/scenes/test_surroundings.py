from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.scene import Rect
from installation.showing.scenes.surroundings import without

squares = st.builds(
    lambda x, y, side: Rect(x, y, side, side),
    st.integers(0, 1900),
    st.integers(0, 1000),
    st.integers(20, 500),
)


@given(squares, squares)
def test_what_is_left_of_a_chest_is_what_is_not_hidden(one: Rect, other: Rect) -> None:
    """The returned parts do not overlap, and together they are all that `other` does not hide."""
    parts = without(one, other)
    across = min(one.right, other.right) - max(one.x, other.x)
    down = min(one.bottom, other.bottom) - max(one.y, other.y)
    hidden = max(0, across) * max(0, down)
    assert sum(part.width * part.height for part in parts) == one.width * one.height - hidden
    assert not any(part.overlaps(other) or not part.within(one) for part in parts)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(parts, 2))
