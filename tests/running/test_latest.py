from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from installation.running.latest import Latest


class OneValue(RuleBasedStateMachine):
    """The mailbox behaves like a shelf for one value with counters beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: Latest[int] = Latest()
        self.shelf: int | None = None
        self.put = 0
        self.taken = 0

    @rule(value=st.integers())
    def somebody_puts(self, value: int) -> None:
        self.mailbox.put(value)
        self.shelf = value
        self.put += 1

    @rule()
    def somebody_takes(self) -> None:
        assert self.mailbox.take(timeout=0) == self.shelf
        self.taken += self.shelf is not None
        self.shelf = None

    @invariant()
    def every_value_is_accounted_for(self) -> None:
        waiting = self.shelf is not None
        assert self.mailbox.received == self.put
        assert self.mailbox.dropped == self.put - self.taken - waiting


TestOneValue = OneValue.TestCase


@given(st.lists(st.integers(), min_size=1))
def test_the_reader_gets_the_newest_value_only(values: list[int]) -> None:
    """However many values came, the mirror draws the last."""
    mailbox: Latest[int] = Latest()
    for value in values:
        mailbox.put(value)
    assert mailbox.take(timeout=0) == values[-1]
    assert mailbox.take(timeout=0) is None
    assert mailbox.dropped == len(values) - 1


def test_a_waiting_reader_is_woken_by_a_value() -> None:
    """The show loop wakes when a frame comes, not at the end of its wait."""
    mailbox: Latest[str] = Latest()
    taken: list[str | None] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take(timeout=60)))
    reader.start()
    mailbox.put("frame")
    reader.join(timeout=30)
    assert taken == ["frame"]


def test_closing_wakes_the_reader_and_keeps_the_last_value() -> None:
    """At the end of a film the last frame is still seen, and nobody waits for another."""
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
    """At the end of a show no frame waits for a reader who has gone."""
    mailbox: Latest[str] = Latest()
    mailbox.put("a visitor")
    mailbox.forget()
    mailbox.forget()
    assert mailbox.take(timeout=0) is None
    assert (mailbox.received, mailbox.dropped) == (1, 1)


def test_the_mailbox_never_shows_its_value() -> None:
    """A mailbox that ends up in a log line says nothing of the frame in it."""
    mailbox: Latest[str] = Latest()
    mailbox.put("a visitor")
    assert repr(mailbox) == "<Latest, fresh, 0 dropped>"
