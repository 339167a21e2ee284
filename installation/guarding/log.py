"""The one way in which the kiosk says anything to its log: short lines of words, not too many.

A log is a way out for pictures too, so nothing but letters goes through here, at most `LONGEST` to
a line, and no more lines than somebody could read.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

LONGEST = 300
LINES_PER_S = 5
BURST = 300
"""So many lines may come at once: the start says twenty, and a long traceback two hundred."""


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Log:
    """Takes sentences; `put` writes a line, `now` tells the time in s."""

    def __init__(
        self, put: Callable[[str], None] = _print, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._put = put
        self._now = now
        self._credit, self._at = float(BURST), now()
        self._left_out = 0

    def say(self, sentence: str) -> None:
        """Write `sentence`, whose letters are printed and whose other characters are blanks."""
        for line in str(sentence).splitlines():
            self._line("".join(c if c.isprintable() else " " for c in line[:LONGEST]))

    def _line(self, line: str) -> None:
        now = self._now()
        self._credit = min(BURST, self._credit + (now - self._at) * LINES_PER_S)
        self._at = now
        if self._credit < 1:
            self._left_out += 1
            return
        self._credit -= 1
        if self._left_out:
            self._put(f"({self._left_out} lines were left out)")
            self._left_out = 0
        self._put(line)


class LogHandler(logging.Handler):
    """Python's own log, through the same."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._log.say(self.format(record))
