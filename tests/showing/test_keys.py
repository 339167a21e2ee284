from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from installation.showing.keys import STAFF_CARD_S, HeldKey, StaffCardKey


@given(st.lists(st.tuples(st.sampled_from(["press", "release"]), st.floats(0.01, 10)), max_size=30))
def test_a_key_is_held_since_it_went_down(steps: list[tuple[str, float]]) -> None:
    """Repeats of a key that is down do not restart its time; releasing it does."""
    key, now, since = HeldKey(), 0.0, None
    for step, pause in steps:
        now += pause
        if step == "press":
            key.press(now)
            since = now if since is None else since
        else:
            key.release()
            since = None
        assert key.held_s(now + 1) == (0.0 if since is None else now + 1 - since)


def test_the_card_goes_by_itself() -> None:
    """A press shows the card until the next one, or for `STAFF_CARD_S`."""
    key = StaffCardKey()
    assert not key.shows_card(0.0)
    key.press(1.0)
    assert key.shows_card(1.0)
    assert not key.shows_card(1.0 + STAFF_CARD_S)
    key.press(2.0 + STAFF_CARD_S)
    assert key.shows_card(3.0 + STAFF_CARD_S)
    key.press(4.0 + STAFF_CARD_S)
    assert not key.shows_card(4.0 + STAFF_CARD_S)
