from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.type.expiring_cache import KEPT_S, ExpiringCache, remembered

FRAMES = st.lists(
    st.tuples(st.floats(0.001, 0.1), st.sets(st.sampled_from("abc"))), min_size=1, max_size=60
)
"""For each frame, the time since the one before, s, and the keys that are used."""


@given(FRAMES)
def test_what_is_asked_for_is_kept_and_what_is_not_goes(
    frames: Sequence[tuple[float, set[str]]],
) -> None:
    """A value is kept for at least `KEPT_S` after its last use, and is dropped soon after that."""
    cache: ExpiringCache[str, object] = ExpiringCache()
    now = 0.0
    last: dict[str, tuple[float, object]] = {}
    for passed, keys in frames:
        now += passed
        for key in sorted(keys):
            value = cache.get(key, object)
            if key in last and now - last[key][0] <= KEPT_S:
                assert value is last[key][1]
            last[key] = now, value
        cache.evict(now)
        longest = 1.5 * KEPT_S + 2 * 0.1
        assert len(cache) <= sum(now - at <= longest for at, _ in last.values())


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 6))
def test_results_for_one_text_are_limited_in_number(keys: list[int], most: int) -> None:
    """At most `most` results are kept, and each is the one that was created for its key."""
    kept: dict[int, str] = {}
    for key in keys:
        assert remembered(kept, key, partial(str, key), most) == str(key)
        assert len(kept) <= most
