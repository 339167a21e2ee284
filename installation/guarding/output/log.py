"""The log of the kiosk: short lines of text on standard error, at a limited rate.

A log could carry pictures too. So every message is written as printable lines of at most
`line_filter.STDERR.longest_line` characters, and the rate of lines is limited. The output filter
of standard error checks the lines and their rate again outside the sandbox, because libraries may
write there without this log.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType

from installation.errors import KioskError
from installation.guarding.output.line_filter import STDERR, printable
from installation.guarding.output.rate_limit import RateLimit

LINES_PER_S = 5
BURST = 300
"""The number of lines that may be written at once. A start logs about twenty lines, and a long
traceback has two hundred lines.
"""


def _print(line: str) -> None:
    with contextlib.suppress(OSError):  # A closed standard error must not end the show.
        print(line, file=sys.stderr, flush=True)


class LineLog:
    """Splits messages into lines, and calls `put` with each line.

    `now` returns the time in seconds, for the rate limit.
    """

    def __init__(
        self, put: Callable[[str], None] = _print, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._put = put
        self._limit = RateLimit(LINES_PER_S, BURST, now)

    def say(self, message: str) -> None:
        """Write `message`, split into several lines if it is long.

        Unprintable characters are replaced by spaces, and a word is cut after `STDERR.longest_word`
        characters.
        """
        if not isinstance(message, str):
            message = f"(omitted: a value of type {type(message).__name__}, which is not text)"
        for line in message.splitlines():
            for part in _wrapped(printable(line, STDERR.longest_word)):
                self._write(self._limit.admit(part))

    def end(self, message: str) -> None:
        """Write the reason why the command ends, ignoring the rate limit.

        Call this once per process.
        """
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

    def __init__(self, log: LineLog, *, quotes_exceptions: bool = True) -> None:
        """Write to `log`.

        Without `quotes_exceptions`, the texts of most exceptions are left out: see `places`.
        """
        super().__init__()
        self._log = log
        form = logging.Formatter if quotes_exceptions else PlacesFormatter
        self.setFormatter(form("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._log.say(self.format(record))


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class PlacesFormatter(logging.Formatter):
    """Formats exceptions by their types and the lines of code that raised them, as `places` does.

    The text of an exception that carries an array contains numbers from the array, and the array
    may be a frame.
    """

    def formatException(self, ei: ExceptionInfo | tuple[None, None, None]) -> str:  # noqa: N802
        """Return the lines for an exception."""
        return "" if ei[1] is None else places(ei[1])


def places(error: BaseException) -> str:
    """Return the types of `error` and its causes, each with the lines of code in its traceback.

    The text of a KioskError is included. For an OSError, the operating system's text for the error
    number is included. All other texts of exceptions are left out.
    """
    lines = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        text = f": {cause}" if isinstance(cause, KioskError) else ""
        number = cause.errno if isinstance(cause, OSError) else None
        if isinstance(number, int) and number in errno.errorcode:
            text = f" ({os.strerror(number)}){text}"
        lines.append(type(cause).__name__ + text)
        for frame, line in traceback.walk_tb(cause.__traceback__):
            code = frame.f_code
            lines.append(f"  {code.co_filename}:{line} in {code.co_qualname}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(lines)


def hide_texts_of_exceptions(log: LineLog) -> None:
    """Log unhandled exceptions, also in threads, in the form that `places` returns."""

    def hook(kind: object, error: BaseException | None, _: object = None) -> None:
        log.say(places(error) if error is not None else f"{kind}")

    sys.excepthook = hook
    threading.excepthook = lambda failure: hook(failure.exc_type, failure.exc_value)
    sys.unraisablehook = lambda failure: hook(failure.exc_type, failure.exc_value)
