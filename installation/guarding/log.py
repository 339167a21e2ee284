"""The log of the kiosk: short lines of text on standard error, at a limited rate.

A log could carry pictures too. So every message is written as printable lines of at most
`output_filter.STDERR.longest_line` characters, and the rate of lines is limited. The output filter
of standard error checks both again outside the sandbox, for libraries that do not use this log.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import textwrap
import time
from collections.abc import Callable, Iterator

from installation.guarding.output_filter import STDERR, printable
from installation.guarding.rate_limit import RateLimit

LINES_PER_S = 5
BURST = 300
"""The lines that may be written at once: a start logs some twenty lines, a long traceback two
hundred.
"""


def _print(line: str) -> None:
    with contextlib.suppress(OSError):  # A closed standard error must not end the show.
        print(line, file=sys.stderr, flush=True)


class LineLog:
    """Writes messages as lines by calling `put`; `now` returns the time in seconds."""

    def __init__(
        self, put: Callable[[str], None] = _print, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._put = put
        self._limit = RateLimit(LINES_PER_S, BURST, now)

    def say(self, message: str) -> None:
        """Write `message`, split into several lines if it is long.

        Unprintable characters are replaced by spaces, and a word is cut after `STDERR.longest_word`
        letters.
        """
        if not isinstance(message, str):
            message = f"(omitted: a {type(message).__name__}, which is not text)"
        for line in message.splitlines():
            for part in _wrapped(printable(line, STDERR.longest_word)):
                self._write(self._limit.admit(part))

    def end(self, message: str) -> None:
        """Write why the command ends, ignoring the rate limit; call this once in a process."""
        self._limit.refill()
        self.say(message)
        self._write(self._limit.skipped())

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self._put(line)


def _wrapped(line: str) -> Iterator[str]:
    """Yield `line` in parts of at most `STDERR.longest_line` characters, split between words."""
    if len(line) <= STDERR.longest_line:
        yield line
        return
    for part in textwrap.wrap(
        line, STDERR.longest_line, break_long_words=False, break_on_hyphens=False, tabsize=1
    ):
        yield part[: STDERR.longest_line]


class LogHandler(logging.Handler):
    """Sends the records of Python's `logging` to a `LineLog`."""

    def __init__(self, log: LineLog) -> None:
        super().__init__()
        self._log = log
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._log.say(self.format(record))
