from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from installation.running.progress import (
    DeviceKind,
    Progress,
    ProgressStream,
    State,
    send,
)

ONE = Progress(State.RUNNING, captured=30, analysed=9, painted=31, verdicts=2, memory_mb=800)


def test_the_supervisor_reads_what_the_show_sent() -> None:
    """A record is the same after it was sent through the pipe."""
    reading, writing = os.pipe()
    assert send(writing, ONE)
    assert ProgressStream().newest(os.read(reading, 1000)) == ONE
    os.close(reading)
    os.close(writing)


def test_a_show_without_a_supervisor_goes_on() -> None:
    """A pipe that is full, or that nobody reads, neither delays the show nor raises an error."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while send(writing, ONE):
        pass
    os.close(reading)
    assert not send(writing, ONE)
    os.close(writing)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_nothing_but_numbers_in_their_range_comes_out(parts: list[bytes]) -> None:
    """The supervisor gets only valid numbers, for any bytes that a show writes."""
    stream = ProgressStream()
    for part in parts:
        progress = stream.newest(part)
        if progress is not None:
            State(progress.state)
            DeviceKind(progress.device)
            assert all(isinstance(each, int) and each >= 0 for each in vars(progress).values())
            assert progress.frame_age_ms <= 60_000


@given(st.integers(1, 500))
def test_records_are_cut_by_their_length(size: int) -> None:
    """The newest complete record is used, however the bytes are split."""
    data = b"".join(Progress(captured=number).to_bytes() for number in range(10))
    stream = ProgressStream()
    found = [stream.newest(data[i : i + size]) for i in range(0, len(data), size)]
    seen = [each.captured for each in found if each is not None]
    assert seen == sorted(seen)
    assert seen[-1] == 9
