from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from installation.naming.reading.scheduler import READING_TIME_S, ReadingScheduler
from installation.seeing.box import Box
from installation.seeing.tracker import Track


def people(*ids: int) -> list[Track]:
    """Return visitors with these ids."""
    return [Track(id_, Box(0, 0, 9, 9), (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0) for id_ in ids]


def looks(
    scheduler: ReadingScheduler, tracks: Sequence[Track], each_s: float, count: int
) -> list[list[int]]:
    """Return who is read in each of `count` looks in which a reading takes `each_s`."""
    read = []
    for number in range(count):
        due = scheduler.choose(tracks)
        scheduler.record(due, tracks, float(number), each_s * len(due))
        read.append([track.id for track in due])
    return read


def test_a_fast_network_reads_everybody_in_every_look() -> None:
    """But for the very first look, which shows how fast it is."""
    assert looks(ReadingScheduler(), people(1, 2, 3), 0.02, 4) == [
        [1],
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
    ]


@given(st.integers(1, 32), st.floats(0.05, 3))
def test_everybody_gets_their_turn_and_no_look_takes_too_long(count: int, each_s: float) -> None:
    """As many are read as there is time for, and nobody waits for longer than the round takes."""
    most = max(1, int(READING_TIME_S / each_s + 1e-9))
    round_ = -(-count // most) + 1
    read = looks(ReadingScheduler(), people(*range(count)), each_s, 3 * round_)
    assert all(len(ids) * each_s <= READING_TIME_S * 1.001 or len(ids) == 1 for ids in read)
    for start in range(2 * round_):
        assert {id_ for ids in read[start : start + round_] for id_ in ids} == set(range(count))


def test_who_comes_is_read_before_the_others_again() -> None:
    """A newcomer does not wait for a round; who comes again is a newcomer."""
    scheduler = ReadingScheduler()
    assert looks(scheduler, people(1, 2, 3), 0.9, 3) == [[1], [2], [3]]
    assert looks(scheduler, people(1, 2, 3, 4), 0.9, 2) == [[4], [1]]
    scheduler.record([], people(2), 9.0, 0.0)
    assert looks(scheduler, people(2, 3), 0.9, 1) == [[3]]


def test_after_one_slow_look_there_is_time_for_all_again() -> None:
    """A machine that was busy for a moment does not keep visitors waiting afterwards."""
    scheduler = ReadingScheduler()
    looks(scheduler, people(1, 2, 3), 0.02, 2)
    looks(scheduler, people(1, 2, 3), 2.0, 1)
    assert [len(ids) for ids in looks(scheduler, people(1, 2, 3), 0.02, 2)] == [1, 3]
