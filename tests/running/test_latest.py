from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from installation.running.latest import Latest


class OneValue(RuleBasedStateMachine):
    """The mailbox holds at most one value, and counts those that were put and dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: Latest[int] = Latest()
        self.held: int | None = None
        self.count_put = 0
        self.count_taken = 0

    @rule(value=st.integers())
    def put_value(self, value: int) -> None:
        self.mailbox.put(value)
        self.held = value
        self.count_put += 1

    @rule()
    def take_value(self) -> None:
        assert self.mailbox.take(timeout=0) == self.held
        self.count_taken += self.held is not None
        self.held = None

    @invariant()
    def every_value_is_counted(self) -> None:
        waiting = self.held is not None
        assert self.mailbox.received == self.count_put
        assert self.mailbox.dropped == self.count_put - self.count_taken - waiting


TestOneValue = OneValue.TestCase


@given(st.lists(st.integers(), min_size=1))
def test_the_reader_gets_the_newest_value_only(values: list[int]) -> None:
    """The mirror draws the newest of the frames that came since it last drew one."""
    mailbox: Latest[int] = Latest()
    for value in values:
        mailbox.put(value)
    assert mailbox.take(timeout=0) == values[-1]
    assert mailbox.take(timeout=0) is None
    assert mailbox.dropped == len(values) - 1


def test_a_waiting_reader_is_woken_by_a_value() -> None:
    """The show loop wakes as soon as a frame arrives, and not at the end of its timeout."""
    mailbox: Latest[str] = Latest()
    taken: list[str | None] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take(timeout=60)))
    reader.start()
    mailbox.put("frame")
    reader.join(timeout=30)
    assert taken == ["frame"]


def test_closing_wakes_the_reader_and_keeps_the_last_value() -> None:
    """At the end of a film the last frame is still shown, and no reader waits for another frame."""
    mailbox: Latest[str] = Latest()
    taken: list[str | None] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take()))
    reader.start()
    mailbox.close()
    reader.join(timeout=30)
    assert taken == [None]

    mailbox = Latest()
    mailbox.put("last")
    mailbox.close()
    assert not mailbox.ended
    assert mailbox.take() == "last"
    assert mailbox.ended
    assert mailbox.take() is None


def test_a_value_that_waits_can_be_dropped() -> None:
    """At the end of a show no frame is kept for a reader that has ended."""
    mailbox: Latest[str] = Latest()
    mailbox.put("a visitor")
    mailbox.forget()
    mailbox.forget()
    assert mailbox.take(timeout=0) is None
    assert (mailbox.received, mailbox.dropped) == (1, 1)


def test_the_mailbox_never_shows_its_value() -> None:
    """A mailbox in a log line reveals nothing about the frame in it."""
    mailbox: Latest[str] = Latest()
    mailbox.put("a visitor")
    assert repr(mailbox) == "<Latest, full, 0 dropped>"
