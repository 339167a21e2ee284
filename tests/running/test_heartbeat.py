from __future__ import annotations

from dataclasses import replace

import pytest

from installation.running.heartbeat import LIMITS_S, START_S, Heartbeat
from installation.running.progress import Progress, State

RUNNING = Progress(State.RUNNING, captured=1, analysed=1, painted=1)


def beat(
    seconds: int, moving: set[str], state: State = State.RUNNING
) -> tuple[Heartbeat, str | None]:
    """Return the heartbeat, and its result after `seconds` in which only `moving` made progress."""
    heartbeat = Heartbeat(0.0)
    heartbeat.update(replace(RUNNING, state=state))
    judgement = None
    for second in range(1, seconds + 1):
        counts = dict.fromkeys(moving, second + 1)
        heartbeat.update(replace(RUNNING, state=state, **counts))
        judgement = judgement or heartbeat.stalled(float(second))
    return heartbeat, judgement


ALL = {"captured", "analysed", "painted"}


@pytest.mark.parametrize(
    ("counter", "part"), [("captured", "capture"), ("analysed", "analysis"), ("painted", "screen")]
)
def test_the_show_lives_only_while_each_part_makes_progress(counter: str, part: str) -> None:
    """A part without progress is named, even if the two others have progress."""
    limit = int(LIMITS_S[part])
    assert beat(limit - 1, ALL - {counter})[1] is None
    assert beat(limit, ALL - {counter})[1] == part
    assert not beat(limit, ALL - {counter})[0].is_alive()
    heartbeat, judgement = beat(1000, ALL)
    assert judgement is None
    assert heartbeat.is_alive()


@pytest.mark.parametrize("state", [State.WAITING, State.LOST, State.STALLED, State.OPENING])
def test_a_show_that_waits_for_its_camera_only_has_to_paint(state: State) -> None:
    """Without a camera only the screen must make progress, because the card is painted."""
    assert beat(1000, {"painted"}, state)[1] is None
    assert beat(100, set(), state)[1] == "screen"


def test_a_start_that_never_ends_is_noticed() -> None:
    """A show whose start never ends is reported as stalled."""
    heartbeat = Heartbeat(0.0)
    judgements = [heartbeat.stalled(float(second)) for second in range(1, int(START_S) + 1)]
    assert set(judgements[:-1]) == {None}
    assert judgements[-1] == "start"


def test_a_machine_that_slept_is_not_a_show_that_hung() -> None:
    """A gap of hours between two checks counts as one second: the supervisor did not run either."""
    heartbeat = Heartbeat(0.0)
    heartbeat.update(RUNNING)
    assert heartbeat.stalled(36_000.0) is None
    assert heartbeat.is_alive()
