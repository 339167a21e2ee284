"""Fuzzing: reads thousands of files under limits, and defines which results are safe."""

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

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from installation.errors import KioskError, Mistake
from installation.naming.label_set import unicode_text
from installation.naming.label_set.checks import DEEPEST_CHAIN, OVERRIDES
from installation.naming.label_set.label_set import LabelSet

SEEDED_CASES = int(os.environ.get("KIOSK_FUZZ_CASES", "1000"))
"""The number of files of each format that are made from a seed; scripts/fuzz sets 20,000."""

DRAWN_CASES = int(os.environ.get("KIOSK_FUZZ_DRAWN", "100"))
"""The number of files of each format that Hypothesis draws; scripts/fuzz sets 20,000."""

MAX_CASE_S = 5.0
"""The longest processor time for one file, s; most take 1 to 5 ms on a slow and busy core."""

MAX_EXTRA_BYTES = 2**30
"""The most memory beyond that of the process, bytes; a header that claims 2^60 numbers must not get
as much.
"""

MAX_MESSAGE_LENGTH = 1000

Case = TypeVar("Case")


@dataclass
class Tally:
    """The number of accepted files, and of each kind of refusal."""

    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        """The number of files that were tried."""
        return self.accepted + self.refused.total()


class WatchedFolder:
    """A folder with `models/` and another folder, `neighbour/`, which must not change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.models.mkdir()
        (folder / "neighbour").mkdir()
        (folder / "neighbour" / "diary.txt").write_text("private")

    def listing(self) -> list[tuple[str, int, int]]:
        """Return the paths of all files and folders, with sizes and modification times."""
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
class FuzzTarget(Generic[Case]):
    """A reader of files, and the functions that make and clean up its cases.

    Args:
        watched: Where the files are.
        make: Makes a case.
        put: Writes the file of a case.
        read: The reader.
        clear: Removes what an accepted file may leave.
        max_case_s: Processor time that a case may take.
    """

    watched: WatchedFolder
    make: Callable[[Random], Case]
    put: Callable[[Case], object]
    read: Callable[[], object]
    clear: Callable[[], object] = lambda: None
    max_case_s: float = MAX_CASE_S

    def try_case(self, name: object, random: Random, tally: Tally) -> None:
        """Make one case, try it, and count the result.

        Fails if it ends in anything but a result or a message, takes too long or too much memory,
        changes anything outside `models/`, or if a refusal leaves anything inside.
        """
        case = self.make(random)
        try:
            self.put(case)
            before = self.watched.listing()
            start = time.process_time()
            with _bounded_memory(), _writing_only_in(self.watched.models):
                mistakes = refusal_mistakes(self.read)
            assert time.process_time() - start < self.max_case_s, "it took too long"
            if mistakes is None:
                tally.accepted += 1
                self.clear()
            else:
                tally.refused[message_kind(mistakes[0])] += 1
            assert self.watched.listing() == before, "a file was changed"
        except Exception as failure:
            raise AssertionError(f"case {name}: {failure!r}\n{case!r:.4000}") from failure


def try_seeded(target: FuzzTarget[Case], cases: int) -> Tally:
    """Return the results of `cases`, each made from a seed; fails at the first bad one."""
    tally = Tally()
    for number in range(cases):
        target.try_case(number, Random(number), tally)
    return tally


def try_drawn(target: FuzzTarget[Case], cases: int) -> Tally:
    """Return the results of `cases` that Hypothesis drew; fails with the smallest bad one."""
    tally = Tally()

    # Without an explicit seed, Hypothesis derives the draws from this function's source text.
    @seed(1)
    @given(st.randoms(use_true_random=False))
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def one(random: Random) -> None:
        target.try_case("of Hypothesis's", random, tally)

    one()
    return tally


Fuzz = Callable[[FuzzTarget[Any], int], Tally]

FUZZERS = [(try_seeded, SEEDED_CASES), (try_drawn, DRAWN_CASES)]
"""The ways to make cases: from seeds, which is fast, and by Hypothesis."""


def refusal_mistakes(read: Callable[[], object]) -> Sequence[Mistake] | None:
    """Return the mistakes with which `read` refuses, or None; other errors are raised."""
    try:
        read()
    except KioskError as error:
        for mistake in error.mistakes:
            assert_message(mistake)
        return error.mistakes
    return None


def assert_message(mistake: Mistake) -> None:
    """Fail if `mistake` is not one printable line with a place, a mistake and a remedy."""
    line = str(mistake)
    assert mistake.where, "it has a place"
    assert mistake.problem.strip(), "it has a mistake"
    assert mistake.remedy.strip(), "it has a remedy"
    assert len(line) <= MAX_MESSAGE_LENGTH, "it is short"
    for letter in line:
        assert letter not in OVERRIDES, "it does not reverse the line"
        assert unicodedata.category(letter) not in ("Cc", "Cs"), "it has no control characters"


def assert_drawable(label_set: LabelSet) -> None:
    """Fail if an accepted set contains text that a screen must not show."""
    assert label_set.labels
    for label in label_set.labels:
        assert unicode_text.is_visible(label.name)
        assert len(label.name) <= 120
        assert len(label.definition) <= 400
        assert len(label.chain) <= DEEPEST_CHAIN + 1
    for text in label_set.texts():
        assert not set(text) & set(OVERRIDES)
        assert not {unicodedata.category(letter) for letter in text} & {"Cc", "Cs", "Zl", "Zp"}
        text.encode()


def message_kind(mistake: Mistake) -> str:
    """Return the message without the parts that differ from file to file."""
    return re.sub(r"'.*'|\(.*|\d+", "…", mistake.problem)[:80]


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Limit the process to `MAX_EXTRA_BYTES` more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + MAX_EXTRA_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_allowed: str | None = None
"""The folder in which files may be created; None: anywhere."""


@contextmanager
def _writing_only_in(folder: Path) -> Iterator[None]:
    global _allowed
    _install_audit()
    _allowed = f"{folder}{os.sep}"
    try:
        yield
    finally:
        _allowed = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise AssertionError before a file is created outside the allowed folder."""
    if _allowed is None:
        return
    if event == "open":
        if isinstance(arguments[0], int) or not arguments[2] & _WRITING:
            return
        created = arguments[0]
    elif event in ("os.mkdir", "os.truncate"):
        created = arguments[0]
    elif event in ("os.rename", "os.link", "os.symlink"):
        created = arguments[1]
    elif event in ("os.system", "subprocess.Popen", "os.exec", "socket.connect"):
        raise AssertionError(f"{event} was called")
    else:
        return
    path = os.path.realpath(os.fsdecode(created))
    if not path.startswith(_allowed):
        raise AssertionError(f"{event} outside models/: {path}")


@cache
def _install_audit() -> None:
    """Add the audit hook to this process once; Python cannot remove it.

    It is only in processes that try a file, and does nothing between two files.
    """
    sys.addaudithook(_audit)


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
"""Small numbers, and numbers at which common types overflow."""


def chance(random: Random, share: float) -> bool:
    """Return True in a `share` of all cases, and False for Hypothesis's simplest draw, 0."""
    return random.randrange(1000) >= round(1000 * (1 - share))


def mutate(random: Random, content: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """Return `content` with one change or more: bits, bytes, numbers, cuts, copies, tokens."""
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
