"""The kiosk's exceptions, and functions that format their messages.

Every message has the form `where: problem (seen, expected). Remedy.`, and an error carries all the
mistakes that were found, not only the first. No part of a message may contain pixels or anything
that identifies a visitor.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_MISTAKES = 50
"""The largest number of mistakes of one file or folder that a message lists; further mistakes are
only counted.
"""

MAX_CANDIDATES = 3000
"""The largest number of names that are compared with a misspelt one; comparing 3,000 took 7 ms on a
slow core.
"""

MAX_QUOTED_LENGTH = 60
"""The largest number of characters that a message quotes from a file, a device or an argument."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: its location (such as a file and line), what is wrong, and the remedy.

    `str()` returns `where: problem. Remedy.`; `problem` names the value that was found and the
    expected value.
    """

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem.rstrip('.')}. {self.remedy}"


class KioskError(Exception):
    """One or more mistakes that a person made, or that a file or a device has.

    `str()` returns one line for each mistake.
    """

    def __init__(self, *mistakes: Mistake) -> None:
        assert mistakes, "a bug in kiosk: an error was raised without a mistake"
        super().__init__(*mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class SettingsError(KioskError):
    """A value in kiosk.yaml or on the command line is wrong."""


class LabelSetError(KioskError):
    """A label set's files are missing, invalid, or inconsistent with each other."""


class WeightsError(KioskError):
    """A network's weights are missing, truncated, or do not have the expected SHA-256."""


class CameraError(KioskError):
    """A camera, film or folder of pictures cannot be opened or read."""


class ScreenError(KioskError):
    """The display that kiosk.yaml names does not exist or cannot be opened."""


class GuardError(KioskError):
    """The machine cannot keep the promise that no picture of a visitor is stored."""


class FetchError(KioskError):
    """A file cannot be fetched, or the fetched file is not the expected one."""


class RestartNeededError(KioskError):
    """The show must be restarted to continue; a new process will work."""


def collect_mistakes(actions: Iterable[Callable[[], object]]) -> list[Mistake]:
    """Return the mistakes of all `actions` that raise KioskError; each action is called once."""
    mistakes: list[Mistake] = []
    for action in actions:
        try:
            action()
        except KioskError as error:
            mistakes += error.mistakes
    return mistakes


def limit_mistakes(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return the first MAX_MISTAKES of `mistakes`, then a mistake that counts the remainder."""
    listed = list(mistakes[:MAX_MISTAKES])
    if more := len(mistakes) - len(listed):
        where = listed[-1].where.rpartition(":")[0] or listed[-1].where
        problem = f"{counted(more, 'more mistake')}, not listed here"
        listed.append(Mistake(where, problem, "Correct the listed mistakes first."))
    return listed


def display_path(path: Path) -> str:
    """Return `path` as messages show it: relative to the current folder if inside that folder.

    If the current folder is the root folder, the result is the unchanged `path`. Every path is
    inside the root folder, so every path would become relative and be wrong in any other folder.
    """
    try:
        folder = Path.cwd()
        return str(path if folder == Path(folder.anchor) else path.relative_to(folder))
    except (ValueError, OSError):
        return str(path)


def ellipsize(text: str) -> str:
    """Return `text` for a message: on one line, cut after MAX_QUOTED_LENGTH characters."""
    line = text
    if not text.isprintable():
        line = "".join(letter if letter.isprintable() else "·" for letter in text)
    return line if len(line) <= MAX_QUOTED_LENGTH else f"{line[:MAX_QUOTED_LENGTH]}…"


def join_first(names: Sequence[str], limit: int = 5) -> str:
    """Return the first `limit` of `names`, separated by commas, then how many more there are."""
    first = ", ".join(names[:limit])
    return first if len(names) <= limit else f"{first} and {len(names) - limit:,} more"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a text such as "1 label" or "2,000 labels".

    `plural` is the plural of `noun`, by default `noun` with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def nearest(word: str, known: Collection[str], cutoff: float = 0.6) -> str | None:
    """Return the name in `known` that `word` most likely misspells; None if no name is similar.

    `cutoff` is difflib's similarity ratio, 0–1. Use a higher `cutoff` for short names: 0.6 would
    suggest 'cpu' for 'gpu'.
    """
    matches = difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def did_you_mean(name: str | None) -> str:
    """Return the remedy "Did you mean 'NAME'?" for a `name` that `nearest` found; "" if None."""
    return "" if name is None else f"Did you mean '{ellipsize(name)}'?"


def limited_nearest() -> Callable[[str, Collection[str]], str | None]:
    """Return a function like `nearest`, to use for all words of one file.

    A search is slow, and a file may contain any number of mistakes. So after MAX_MISTAKES words, or
    if there are more than MAX_CANDIDATES names, the result is None without a search.
    """
    searches = iter(range(MAX_MISTAKES))

    def search(word: str, known: Collection[str]) -> str | None:
        if len(known) > MAX_CANDIDATES or next(searches, None) is None:
            return None
        return nearest(word, known)

    return search
