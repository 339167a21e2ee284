from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.expiring_cache import KEPT_S, ExpiringCache

PICTURES = st.lists(
    st.tuples(st.floats(0.001, 0.1), st.sets(st.sampled_from("abc"))), min_size=1, max_size=60
)
"""How long after the one before each picture comes, s, and what is on it."""


@given(PICTURES)
def test_what_is_asked_for_is_kept_and_what_is_not_goes(
    pictures: Sequence[tuple[float, set[str]]],
) -> None:
    """Nothing is made anew within `KEPT_S`, nor kept for more than twice that and two pictures."""
    cache: ExpiringCache[str, object] = ExpiringCache()
    now = 0.0
    last: dict[str, tuple[float, object]] = {}
    for passed, asked in pictures:
        now += passed
        for key in sorted(asked):
            value = cache.get(key, object)
            if key in last and now - last[key][0] <= KEPT_S:
                assert value is last[key][1]
            last[key] = now, value
        cache.evict(now)
        longest = 2 * KEPT_S + 2 * 0.1
        assert len(cache) <= sum(now - at <= longest for at, _ in last.values())
