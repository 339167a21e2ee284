from __future__ import annotations

from installation.show.camera.backoff import DELAYS_S, STEADY_S, Backoff


def test_attempts_become_seldom_up_to_a_limit() -> None:
    """The first attempt follows at once; later attempts follow after longer delays, without end."""
    backoff = Backoff()
    delays = [backoff.next_s(1.0) for _ in range(10)]
    assert delays == [*DELAYS_S, *[DELAYS_S[-1]] * 5]
    assert max(delays) <= 4, "visitors wait for the mirror"
    assert backoff.next_s(STEADY_S) == 0.0
