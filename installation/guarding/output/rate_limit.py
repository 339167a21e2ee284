"""Limits the rate of lines: a token bucket for all lines, and one for each repeated line.

The number of omitted lines is written in their place.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable

from installation.errors import ellipsize

SAME_BURST = 5
"""How often an identical line is written before its repetitions are only counted."""

LIKE_BURST = 100
"""How many lines that differ only in numbers are written before further ones are only counted. Such
lines are, for example, reports of the same mistake in many lines of a file.
"""

REPEATED_LINES_PER_S = 1 / 60
"""The rate, in lines per second, at which repetitions of a line are written. A line that repeats
for hours is written once a minute, with the number of omitted lines.
"""

MOST_KINDS = 200
"""The largest number of kinds of lines that are remembered; a start writes about twenty."""

NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")
"""Matches numbers. libjpeg's warnings about one damaged stream differ only in numbers."""


class RateLimit:
    """A token bucket that admits `burst` lines at once and `lines_per_s` after that.

    `now` returns the time in seconds.
    """

    def __init__(
        self, lines_per_s: float, burst: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._lines_per_s = lines_per_s
        self._burst = burst
        self._now = now
        self._tokens, self._refilled_at = float(burst), now()
        self._left_out = 0

    def admit(self, line: str) -> list[str]:
        """Return the lines to write for `line`: none if it is omitted, otherwise `line` itself.

        If lines were omitted since the last admitted one, a line that counts them comes first.
        """
        if not self.take():
            self._left_out += 1
            return []
        return [*self.skipped(), line]

    def take(self, count: int = 1) -> bool:
        """Return whether the rate allows `count` lines now; if so, take `count` from the bucket."""
        if not self.has(count):
            return False
        self._tokens -= count
        return True

    def has(self, count: int) -> bool:
        """Return whether the rate allows `count` lines now."""
        now = self._now()
        gained = (now - self._refilled_at) * self._lines_per_s
        self._tokens, self._refilled_at = min(self._burst, self._tokens + gained), now
        return self._tokens >= count

    def skipped(self) -> list[str]:
        """Return one line that counts the lines omitted since the last call.

        The result is empty if no line was omitted.
        """
        count, self._left_out = self._left_out, 0
        return [f"({count} lines were omitted)"] if count else []

    def refill(self) -> None:
        """Refill the bucket, so that a whole burst is admitted again."""
        self._tokens = float(self._burst)


class RepeatLimit:
    """Omits repeated lines, such as a library's warning about each damaged frame.

    An identical line is written `SAME_BURST` times, and then once a minute. Of lines that differ
    only in numbers, `LIKE_BURST` are written, and then one a minute. Indented lines are always
    written, because they belong to tracebacks, which repeat lines. `now` returns the time in
    seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._limits: OrderedDict[str, RateLimit] = OrderedDict()
        self._omitted: dict[str, int] = {}

    def admit(self, line: str) -> list[str]:
        """Return the lines to write for `line`: none if it is omitted, otherwise `line` itself.

        If similar lines were omitted, a line that counts them comes first.
        """
        if not line.strip() or line[0].isspace():
            return [line]
        kind = NUMBER.sub("0", line)
        limits = [self._limit(f"={line}", SAME_BURST)]
        if kind != line:
            limits.append(self._limit(kind, LIKE_BURST))
        if not all(limit.take() for limit in limits):
            self._omitted[kind] = self._omitted.get(kind, 0) + 1
            return []
        count = self._omitted.pop(kind, 0)
        return [f"({count:,} lines like the next one were omitted)", line] if count else [line]

    def _limit(self, key: str, burst: int) -> RateLimit:
        """Return the rate limit for lines of the kind `key`; a new limit admits `burst` lines.

        If there would be more than `MOST_KINDS` limits, the least recently used one is dropped.
        """
        if key not in self._limits:
            self._limits[key] = RateLimit(REPEATED_LINES_PER_S, burst, self._now)
            if len(self._limits) > MOST_KINDS:
                self._limits.popitem(last=False)
        self._limits.move_to_end(key)
        return self._limits[key]

    def skipped(self) -> list[str]:
        """Return the counts of the lines omitted since the last call, one line for each kind."""
        omitted, self._omitted = self._omitted, {}
        return [
            f"({count:,} lines like '{ellipsize(kind)}' were omitted)"
            for kind, count in omitted.items()
        ]
