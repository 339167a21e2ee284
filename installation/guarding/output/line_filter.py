"""Decides which of a show's lines an output filter passes on: few, short, and in known letters.

A picture could be encoded in words, and no filter can recognise these words. So the amount of text
is limited: a budget of bytes a minute, few lines at once, no long words, and only the letters of
messages and label sets. Repeated lines are only counted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import cache

from installation.guarding.output.rate_limit import RateLimit, RepeatLimit
from installation.settings.paths import DEFAULT_FILE, MAX_TEXT_BYTES, MODELS, WORDS_FOLDER

OTHER_LETTER = "?"
"""The replacement for a letter that occurs neither in messages nor in label sets."""

MESSAGE_LETTERS = frozenset("–—…×·’‘“”„«»°²³µ→←≤≥−äöüÄÖÜßéèêáíóúñçàùâîôûëïœ")
"""The letters beyond ASCII in the kiosk's own messages and in the names that messages contain.

Another letter beyond ASCII is printed only if `label_letters()` has it; otherwise, `OTHER_LETTER`
replaces it.
"""

MAX_LABEL_BYTES = 8 * 1024 * 1024
"""The most bytes that are read of a label set's file. `naming.label_set.folder` has the same limit.
"""


@dataclass(frozen=True)
class LineLimits:
    """The limits of one stream.

    A line has at most `longest_line` characters, and a word at most `longest_word` characters
    (None: no limit). At most `burst` lines and `burst_bytes` bytes are written at once, and on
    average at most `lines_per_min` lines and `bytes_per_min` bytes a minute.
    """

    longest_line: int
    burst: int
    burst_bytes: int
    lines_per_min: float
    bytes_per_min: float
    longest_word: int | None = None
    omits_repeats: bool = False
    as_json: bool = False
    """Whether each line is written as a JSON object, `{"event": "log", "line": …}`."""


STDOUT = LineLimits(4000, 60, 12_000, 60, 6_000, omits_repeats=True)
"""The limits of a show's standard output. A show without a screen writes its events there. An event
usually has about 300 characters. The longest event, with a label of the shipped label sets, has
1,400.
"""

STDERR = LineLimits(300, 100, 12_000, 30, 3_000, longest_word=160, omits_repeats=True)
"""The limits of a show's standard error; a start writes about 20 lines with 1,500 characters. A
picture encoded as text is one long word; ordinary words, links and paths are shorter than 160
characters.
"""

AUDIT = LineLimits(4000, 5_000, 1_000_000, 60, 6_000)
"""The limits of an audit's standard output, a table of hundreds of probes. More lines at once
are allowed than in `STDOUT`, because an audit cannot open a camera.
"""


class LineFilter:
    """Decides which lines of one stream are written; `now` returns the time in seconds."""

    def __init__(self, limits: LineLimits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._lines = RateLimit(limits.lines_per_min / 60, limits.burst, now)
        self._bytes = RateLimit(limits.bytes_per_min / 60, limits.burst_bytes, now)
        self._repeats = RepeatLimit(now) if limits.omits_repeats else None
        self._omitted = 0
        self._last_omitted = ""

    def admit(self, line: bytes) -> Iterator[str]:
        """Yield `line` if it is admitted.

        If lines before it were omitted, yield a line with their count first.
        """
        text = text_only(line, self._limits)
        for candidate in [text] if self._repeats is None else self._repeats.admit(text):
            yield from self._within_budget(candidate)

    def end(self) -> Iterator[str]:
        """Yield the remaining counts of omitted lines; then the last line, if it was omitted.

        So the stream's last line is always written. It is a show's summary, or the reason why the
        show ended.
        """
        counts = () if self._repeats is None else self._repeats.skipped()
        for count in counts:
            yield from self._within_budget(printable(count, self._limits.longest_word))
        if self._omitted > 1:
            self._omitted -= 1
            yield self._count()
        if self._last_omitted:
            yield self._last_omitted

    def _within_budget(self, line: str) -> Iterator[str]:
        count = self._count() if self._omitted else ""
        if not self._take(f"{count}\n{line}" if count else line):
            self._omitted += 1
            self._last_omitted = line
            return
        self._last_omitted = ""
        if count:
            self._omitted = 0
            yield count
        yield line

    def _take(self, text: str) -> bool:
        """Return whether `text` fits into the budgets of bytes and of lines; if so, reduce both.

        The budget of bytes is reduced by the size of `text` with its line end, that of lines by 1.
        """
        needed = len(text.encode()) + 1
        if not self._bytes.has(needed) or not self._lines.has(1):
            return False
        return self._bytes.take(needed) and self._lines.take(1)

    def _count(self) -> str:
        return f"({self._omitted} lines were omitted)"


def text_only(line: bytes, limits: LineLimits) -> str:
    """Return `line` as printable text, or a text that says why `line` is omitted.

    A line is omitted if it is too long or not text.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "(omitted: a line that is not text)"
    if len(text) > limits.longest_line:
        return "(omitted: a line that is too long)"
    return in_known_letters(printable(text, limits.longest_word))


def printable(text: str, longest_word: int | None) -> str:
    """Return `text` with unprintable characters replaced by spaces, and with long words cut.

    Only words of ASCII characters are cut, because other scripts write without spaces.
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if longest_word is None:
        return text
    return re.sub(rf"([!-~]{{{longest_word}}})[!-~]+", r"\1…", text)


def in_known_letters(text: str) -> str:
    """Return `text` with each unknown letter replaced by `OTHER_LETTER`.

    Known are the letters in ASCII, in `MESSAGE_LETTERS`, and in `label_letters()`.
    """
    if text.isascii() or MESSAGE_LETTERS.issuperset(letter for letter in text if letter > "~"):
        return text
    known = label_letters()
    return "".join(
        letter if letter <= "~" or letter in MESSAGE_LETTERS or letter in known else OTHER_LETTER
        for letter in text
    )


@cache
def label_letters() -> Set[str]:
    """Return the characters in the files of the label sets, in kiosk.yaml and in the kiosk's words.

    The files are not parsed. They are read only if a line of output has a character that is neither
    in ASCII nor in `MESSAGE_LETTERS`.
    """
    letters: set[str] = set()
    files = [DEFAULT_FILE, *WORDS_FOLDER.glob("*.yaml"), *MODELS.glob("*/labelset.yaml")]
    limited = [(file, MAX_TEXT_BYTES) for file in files]
    limited += [(file, MAX_LABEL_BYTES) for file in MODELS.glob("*/labels.*")]
    for file, limit in limited:
        try:
            with file.open("rb") as opened:
                content = opened.read(limit)
        except OSError:
            continue
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        letters.update(content.decode(encoding, errors="ignore"))
    return letters
