"""What all fuzzing shares: thousands of files, each read under watch, and what counts as safe."""

from __future__ import annotations

import os
import re
import resource
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from installation.errors import KioskError, Mistake
from installation.naming.label_set.checks import OVERRIDES

NUMBERED = int(os.environ.get("KIOSK_FUZZ_CASES", "2000"))
"""Files of each format that are tried, each made from its number; scripts/fuzz asks for 20,000."""

DRAWN = int(os.environ.get("KIOSK_FUZZ_DRAWN", "100"))
"""Files of each format that Hypothesis draws; scripts/fuzz asks for 20,000 of these, too."""

LONGEST_S = 5.0
"""Of the processor's time for one file; most take 1 to 5 ms on a slow and busy core."""

MOST_MEMORY = 2**30
"""Bytes beyond what the process has; a header that claims 2^60 numbers must not get them."""

LONGEST_SENTENCE = 1000

Case = TypeVar("Case")


@dataclass
class Tally:
    """What became of the files: how many were accepted, and the kinds of refusal, counted."""

    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        """How many files were tried."""
        return self.accepted + self.refused.total()


class Yard:
    """A folder with `models/` in it and a neighbour beside it, which nothing may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.models.mkdir()
        (folder / "neighbour").mkdir()
        (folder / "neighbour" / "diary.txt").write_text("private")

    def listing(self) -> list[tuple[str, int, int]]:
        """Return all that is in the yard, with sizes and times of change."""
        return sorted(_listing(str(self.folder)))


def _listing(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield entry.path, 0, 0
                yield from _listing(entry.path)
            else:
                stat = entry.stat(follow_symlinks=False)
                yield entry.path, stat.st_size, stat.st_mtime_ns


@dataclass
class Trial(Generic[Case]):
    """How a case is tried in `yard`.

    `make` makes one, `put` writes its file, `read` is what is tried, `clear` takes away what an
    accepted file has rightly left. No case may take longer than `longest_s`.
    """

    yard: Yard
    make: Callable[[Random], Case]
    put: Callable[[Case], object]
    read: Callable[[], object]
    clear: Callable[[], object] = lambda: None
    longest_s: float = LONGEST_S

    def case(self, name: object, random: Random, tally: Tally) -> None:
        """Make one case, try it, and count what became of it.

        Fails where it gives anything but a result or a sentence, takes too long or too much memory,
        or changes anything outside `models/`; and where a refusal leaves anything inside.
        """
        case = self.make(random)
        try:
            self.put(case)
            before = self.yard.listing()
            start = time.process_time()
            with _bounded_memory(), _no_writing_outside(self.yard.models):
                sentences = refusal(self.read)
            assert time.process_time() - start < self.longest_s, "it took too long"
            if sentences is None:
                tally.accepted += 1
                self.clear()
            else:
                tally.refused[kind(sentences[0])] += 1
            assert self.yard.listing() == before, "something was changed in the yard"
        except Exception as failure:
            raise AssertionError(f"case {name}: {failure!r}\n{case!r:.4000}") from failure


def try_numbered(trial: Trial[Case], cases: int) -> Tally:
    """Return what became of `cases`, each made from its number; fails at the first bad one."""
    tally = Tally()
    for of in range(cases):
        trial.case(of, Random(of), tally)
    return tally


def try_drawn(trial: Trial[Case], cases: int) -> Tally:
    """Return what became of `cases` that Hypothesis drew; fails with the smallest bad one."""
    tally = Tally()

    @given(st.randoms(use_true_random=False))
    @settings(
        max_examples=cases,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def one(random: Random) -> None:
        trial.case("of Hypothesis's", random, tally)

    one()
    return tally


Fuzz = Callable[[Trial[Any], int], Tally]

MAKERS = [(try_numbered, NUMBERED), (try_drawn, DRAWN)]
"""How cases are made, and how many: from their numbers, which is quick, and by Hypothesis."""


def refusal(read: Callable[[], object]) -> Sequence[Mistake] | None:
    """Return the mistakes that `read` says, or None where it accepts; anything else is raised."""
    try:
        read()
    except KioskError as error:
        for mistake in error.mistakes:
            assert_sentence(mistake)
        return error.mistakes
    return None


def assert_sentence(mistake: Mistake) -> None:
    """Fail where `mistake` cannot be printed as one line that says what is wrong and what helps."""
    said = str(mistake)
    assert mistake.where, "it says where"
    assert mistake.what.strip(), "it says what"
    assert mistake.remedy.strip(), "it says what helps"
    assert len(said) <= LONGEST_SENTENCE, "it is as short as a sentence"
    for letter in said:
        assert letter not in OVERRIDES, "it does not turn the line around"
        assert unicodedata.category(letter) not in ("Cc", "Cs"), "it moves no cursor"


def kind(mistake: Mistake) -> str:
    """Return the sentence without what differs from file to file."""
    return re.sub(r"'.*'|\(.*|\d+", "…", mistake.what)[:80]


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Let the process have no more than `MOST_MEMORY` beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_allowed: str | None = None
"""The folder in which files may be made at the moment; None: anywhere."""


@contextmanager
def _no_writing_outside(folder: Path) -> Iterator[None]:
    global _allowed
    _install_watch()
    _allowed = f"{folder}{os.sep}"
    try:
        yield
    finally:
        _allowed = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Stop whatever would make a file outside the allowed folder, before it is made."""
    if _allowed is None:
        return
    if event == "open":
        if isinstance(arguments[0], int) or not arguments[2] & _WRITING:
            return
        made = arguments[0]
    elif event in ("os.mkdir", "os.truncate"):
        made = arguments[0]
    elif event in ("os.rename", "os.link", "os.symlink"):
        made = arguments[1]
    elif event in ("os.system", "subprocess.Popen", "os.exec", "socket.connect"):
        raise AssertionError(f"{event} was called")
    else:
        return
    path = os.path.realpath(os.fsdecode(made))
    if not path.startswith(_allowed):
        raise AssertionError(f"{event} outside models/: {path}")


@cache
def _install_watch() -> None:
    """Add the audit hook to this process once; Python cannot remove it.

    Only a process that tries a file has it, and between two files it does nothing.
    """
    sys.addaudithook(_watch)


NUMBERS = (
    0,
    1,
    2,
    7,
    8,
    127,
    255,
    256,
    2**16,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**60,
    2**63,
    2**64 - 1,
)
"""Numbers at which something overflows."""


def chance(random: Random, share: float) -> bool:
    """Tell True in a `share` of all cases, and False for Hypothesis's simplest draw, which is 0."""
    return random.randrange(1000) >= round(1000 * (1 - share))


def mutated(random: Random, content: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """Return `content` with a change or some: bits, bytes, numbers, cuts, copies, tokens."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(len(data) + 1)
        length = min(random.choice((1, 2, 4, 8, 16, 64)), len(data) - at)
        match random.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << random.randrange(8)
            case 1 if at < len(data):
                data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            case 2:
                size = random.choice((2, 4, 8))
                number = random.choice(NUMBERS) % 256**size
                data[at : at + size] = number.to_bytes(size, "little")
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length] * random.choice((1, 2, 50))
            case 5:
                del data[at:]
            case 6:
                other = random.randrange(len(data) + 1)
                data[at : at + length] = data[other : other + length]
            case _:
                data[at:at] = random.choice(tokens) if tokens else random.randbytes(length)
    return bytes(data)
