from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from installation.naming.reading.scheduler import FRAME_BUDGET_S, ReadingScheduler
from installation.seeing.box import Box
from installation.seeing.tracker import Track


def people(*ids: int) -> list[Track]:
    """Return visitors with these ids."""
    return [Track(id_, Box(0, 0, 9, 9), (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0) for id_ in ids]


def frames(
    scheduler: ReadingScheduler,
    tracks: Sequence[Track],
    each_s: float,
    count: int,
    first: int = 0,
) -> list[list[int]]:
    """Return the ids of the visitors who are read on each of `count` frames, one a second.

    A reading takes `each_s`; the frame with the number `first` comes first.
    """
    read = []
    for number in range(first, first + count):
        chosen = scheduler.choose(tracks, float(number))
        scheduler.record(chosen, tracks, float(number), each_s * len(chosen))
        read.append([track.id for track in chosen])
    return read


def test_a_fast_network_reads_all_visitors_on_every_frame() -> None:
    """On the first frame one visitor is read, as the speed is unknown; on later frames, all are."""
    assert frames(ReadingScheduler(), people(1, 2, 3), 0.02, 4) == [
        [1],
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
    ]


@given(st.integers(1, 32), st.floats(0.05, 3))
def test_all_visitors_are_read_in_turn_within_the_time(count: int, each_s: float) -> None:
    """As many visitors are read on a frame as there is time for, each once in every round."""
    limit = max(1, int(FRAME_BUDGET_S / each_s + 1e-9))
    round_ = -(-count // limit) + 1
    read = frames(ReadingScheduler(), people(*range(count)), each_s, 3 * round_)
    assert all(len(ids) * each_s <= FRAME_BUDGET_S * 1.001 or len(ids) == 1 for ids in read)
    for start in range(2 * round_):
        assert {id_ for ids in read[start : start + round_] for id_ in ids} == set(range(count))


def test_a_newcomer_is_read_first() -> None:
    """Neither a new visitor nor a visitor who comes back waits for a round."""
    scheduler = ReadingScheduler()
    assert frames(scheduler, people(1, 2, 3), 0.9, 3) == [[1], [2], [3]]
    assert frames(scheduler, people(1, 2, 3, 4), 0.9, 2, first=3) == [[4], [1]]
    scheduler.record([], people(2), 9.0, 0.0)
    assert frames(scheduler, people(2, 3), 0.9, 1, first=10) == [[3]]


def test_one_slow_frame_does_not_slow_the_following_ones() -> None:
    """After a machine was busy for a moment, all visitors are read again."""
    scheduler = ReadingScheduler()
    frames(scheduler, people(1, 2, 3), 0.02, 2)
    frames(scheduler, people(1, 2, 3), 2.0, 1, first=2)
    assert [len(ids) for ids in frames(scheduler, people(1, 2, 3), 0.02, 2, first=3)] == [1, 3]


def test_who_has_no_verdict_comes_first() -> None:
    """Visitors whose verdict is the root wait for the others, and are read once a second."""
    scheduler, tracks, unsure = ReadingScheduler(), people(1, 2, 3), {1, 2}
    read = []
    for step in range(50):
        chosen = scheduler.choose(tracks, step / 10, unsure)
        scheduler.record(chosen, tracks, step / 10, 0.01 * len(chosen))
        read.append({track.id for track in chosen})
    assert read[0] == {3}
    assert sum(3 in ids for ids in read) == 50
    assert sum(1 in ids for ids in read) == sum(2 in ids for ids in read) == 5


def test_visitors_with_a_verdict_do_not_delay_those_without() -> None:
    """On a slow machine, visitors with a verdict are not read while others have none."""
    scheduler, tracks = ReadingScheduler(), people(1, 2, 3, 4)
    for step in range(40):
        chosen = scheduler.choose(tracks, float(step), unsure={1, 2, 3})
        scheduler.record(chosen, tracks, float(step), 0.5)
        assert [track.id for track in chosen] == [4]


def test_a_visitor_without_a_verdict_is_read_ten_times_a_second() -> None:
    """At 30 frames a second, a visitor without a verdict is read on every third frame."""
    scheduler, tracks = ReadingScheduler(), people(1)
    count = 0
    for step in range(90):
        chosen = scheduler.choose(tracks, step / 30)
        scheduler.record(chosen, tracks, step / 30, 0.01)
        count += len(chosen)
    assert count == 30
