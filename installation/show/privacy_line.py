"""The privacy lines at the foot of the screen, which promise only what the self-test has proved."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from installation.guarding.self_test import Proof
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import Words, with_privacy_line

FIRST_DAY = datetime.date(2026, 1, 1)
"""A date before this version was written; a clock that shows an earlier date has not been set."""

BATTERY_CLOCKS = Path("/sys/class/rtc")
"""The folder in which the kernel lists the machine's hardware clocks. A clock with a battery keeps
the time while the machine is off.
"""

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""The file that systemd-timesyncd makes when it has set the clock from the network."""


@cache
def has_battery_clock(clocks: Path = BATTERY_CLOCKS) -> bool:
    """Return whether a clock of this machine has kept the time while the machine was off.

    A Raspberry Pi has no such clock, or one without a battery, which begins at each start with the
    year 1970. The result is cached, because some of these clocks take milliseconds to read.
    """
    for file in clocks.glob("rtc*/since_epoch"):
        with contextlib.suppress(OSError, ValueError):
            seconds = int(file.read_text(encoding="ascii"))
            if seconds >= (FIRST_DAY - datetime.date(1970, 1, 1)).total_seconds():
                return True
    return False


def time_is_known(
    today: datetime.date, clocks: Path = BATTERY_CLOCKS, synchronised: Path = SYNCHRONISED
) -> bool:
    """Return whether this machine's time can be trusted.

    `today` is the date that the machine shows. A machine without a battery clock starts with the
    time at which it was switched off, or in 1970, so its time is right only after it has been set
    from the network.
    """
    return today >= FIRST_DAY and (has_battery_clock(clocks) or synchronised.exists())


def without_privacy_line(context: ScreenContext) -> ScreenContext:
    """Return `context` without privacy lines, for the time before the self-test."""
    nothing = {"privacy": "", "promise": ""}
    words = context.words.updated(nothing)
    second = context.second and context.second.updated(nothing)
    return replace(context, words=words, second=second)


def update_privacy_line(
    proof: Proof,
    context: ScreenContext,
    knows_time: Callable[[datetime.date], bool] = time_is_known,
) -> ScreenContext:
    """Return `context` with the current privacy lines.

    If the self-test `proof` ran before today, the lines state the day of that test. If `knows_time`
    returns False for today, they state neither time nor day. One of the lines, `promise`, says that
    no picture is kept. Visitors see `promise` before they are classified, and also in the foot if
    the foot is shortened. If the kernel does not prevent the storing of pictures, `promise` is
    empty.
    """
    proof = proof.by_this_clock()
    today = datetime.date.today()
    tested_at = proof.tested_at if knows_time(today) else None

    def updated(words: Words) -> Words:
        true = with_privacy_line(words, proof.prevents_storage, tested_at, today)
        return words if true == words else true

    words = updated(context.words)
    second = None if context.second is None else updated(context.second)
    if words is context.words and second is context.second:
        return context
    return replace(context, words=words, second=second)
