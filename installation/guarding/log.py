"""The one way in which the kiosk says anything to its log: short lines of words, not too many.

A log is a way out for pictures too, so nothing but letters goes through here, at most
`SAID.longest` to a line, and no more lines than somebody could read.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import textwrap
import time
from collections.abc import Callable, Iterator

from installation.guarding.output_filter import SAID, printable

LINES_PER_S = 5
BURST = 300
"""So many lines may come at once: the start says twenty, and a long traceback two hundred."""


def _print(line: str) -> None:
    with contextlib.suppress(OSError):  # Nobody listens any more, which must not end the show.
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
        """Write `sentence`, whose letters are printed and whose other characters are blanks.

        A long one takes several lines; a word of more than `SAID.longest_word` letters is cut.
        """
        if not isinstance(sentence, str):
            sentence = f"(left out: {type(sentence).__name__}, which is no sentence)"
        for line in sentence.splitlines():
            for part in _short(printable(line, SAID.longest_word)):
                self._line(part)

    def end(self, sentence: str) -> None:
        """Write why the command ends, for which there is always room; for once in a process."""
        self._credit = float(BURST)
        self.say(sentence)
        self._tell_left_out()

    def _line(self, line: str) -> None:
        now = self._now()
        self._credit = min(BURST, self._credit + (now - self._at) * LINES_PER_S)
        self._at = now
        if self._credit < 1:
            self._left_out += 1
            return
        self._credit -= 1
        self._tell_left_out()
        self._put(line)

    def _tell_left_out(self) -> None:
        if self._left_out:
            self._put(f"({self._left_out} lines were left out)")
            self._left_out = 0


def _short(line: str) -> Iterator[str]:
    """Yield `line` in parts of `SAID.longest` characters at most, cut between words."""
    if len(line) <= SAID.longest:
        yield line
        return
    for part in textwrap.wrap(
        line, SAID.longest, break_long_words=False, break_on_hyphens=False, tabsize=1
    ):
        yield part[: SAID.longest]


class LogHandler(logging.Handler):
    """Python's own log, through the same."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._log.say(self.format(record))
