from __future__ import annotations

import shutil
import stat
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from zipfile import BadZipFile, ZipFile

import pytest

from installation.making.zip_file import import_
from installation.naming.label_set.folder import MAX_BYTES
from tests.support.fuzzing import (
    FUZZERS,
    NUMBERS,
    Fuzz,
    FuzzTarget,
    WatchedFolder,
    chance,
    mutate,
    try_seeded,
)

pytestmark = pytest.mark.slow

FILES = {
    "labelset.yaml": b"title: F\ncredit: c\nroot: {id: r, name: r, definition: r}\nmethod: classes",
    "labels.csv": b"id,name,definition,parent,hidden_because\n1,goldfish,,,\n",
    "card.md": b"# Fish\n",
}
PATHS = (
    *(
        "../escaped",
        "fish/../../escaped",
        "..",
        "../",
        "fish/..",
        "/escaped",
        "//escaped",
        "/",
        "",
        ".",
    ),
    *(
        "fish/../own/labels.csv",
        "../own/labels.csv",
        "own/labels.csv",
        "../models/own/labelset.yaml",
    ),
    *(
        "..\\escaped",
        "fish\\labels.csv",
        "C:\\escaped",
        "C:/escaped",
        "fish/C:labels.csv",
        "\\\\host\\x",
    ),
    *(
        "fish",
        "fish/",
        "fish//labels.csv",
        "fish/./labels.csv",
        "fish/more/labels.csv",
        "fish/labels.csv/",
    ),
    *(
        "fish/Labels.csv",
        "FISH/labels.csv",
        "fish/labels.csv\0.jpg",
        "fish/labels.csv ",
        "fish/ﬁsh",
        "ﬁsh/",
    ),
    *(
        "fish/face.jpg",
        "fish/built.safetensors",
        "fish/classifier.onnx",
        "fish/labels.txt",
        "x" * 300 + "/",
    ),
    *(
        "fish/\x1b[2J",
        "fish/\u202egpj",
        "fish/labels.csv\n",
        "__MACOSX/x",
        ".import-x/labels.csv",
        "weights/x",
    ),
    *(f"fish/{file}" for file in FILES),
)
KINDS = (
    0,
    stat.S_IFREG,
    stat.S_IFREG,
    stat.S_IFLNK,
    stat.S_IFDIR,
    stat.S_IFIFO,
    stat.S_IFCHR,
    stat.S_IFBLK,
)
TARGETS = (b"../neighbour/diary.txt", b"/etc/passwd", b"..", b".", b"own")
TOKENS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08", b"../", b"/", b"\\")

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")


@dataclass(frozen=True)
class Entry:
    """What a zip states about a file, in the central directory and before the file; true or not."""

    path: bytes
    content: bytes
    method: int = 0
    flags: int = 0x800
    version: int = 20
    mode: int = stat.S_IFREG | 0o644
    extra: bytes = b""
    comment: bytes = b""
    crc: int | None = None
    size: int | None = None
    packed: int | None = None
    offset: int | None = None
    local_path: bytes | None = None

    def body(self) -> bytes:
        """Return the content as it is stored."""
        if self.method != 8:
            return self.content
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(self.content) + packer.flush()


def pack_zip(entries: Sequence[Entry], end: Sequence[int | None], comment: bytes) -> bytes:
    """Return a zip of `entries`; values in `end` replace those of its last record."""
    body, table = bytearray(), bytearray()
    for entry in entries:
        packed = entry.body()
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        size = len(entry.content) if entry.size is None else entry.size
        packed_size = len(packed) if entry.packed is None else entry.packed
        numbers = (entry.version, entry.flags, entry.method, 0, 0x21, crc, packed_size, size)
        path = entry.path if entry.local_path is None else entry.local_path
        offset = len(body) if entry.offset is None else entry.offset
        lengths = (len(entry.path), len(entry.extra), len(entry.comment))
        table += CENTRAL.pack(
            b"PK\1\2", 3 << 8 | 20, *numbers, *lengths, 0, 0, entry.mode << 16, offset
        )
        table += entry.path + entry.extra + entry.comment
        body += LOCAL.pack(b"PK\3\4", *numbers, len(path), len(entry.extra))
        body += path + entry.extra + packed
    plain = (0, len(entries), len(entries), len(table), len(body))
    ends = [true if given is None else given for given, true in zip(end, plain, strict=True)]
    last = END.pack(b"PK\5\6", ends[0], 0, *ends[1:], len(comment))
    return bytes(body + table) + last + comment


def archive(random: Random, watched: Path) -> bytes:
    """Return a zip of a set with something wrong in it, in a third of all cases also damaged."""
    method = random.choice((0, 8))
    entries = [Entry(f"fish/{file}".encode(), FILES[file], method) for file in FILES]
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        at = random.randrange(len(entries))
        if chance(random, 0.3):
            path = random.choice(
                (*PATHS, f"{watched}/escaped", f"fish/{random.choice(list(MAX_BYTES))}")
            )
            content = random.choice((*FILES.values(), *TARGETS, b"", b" " * 100_000))
            entries.append(Entry(path.encode(), content, random.choice((0, 8))))
        else:
            entries[at] = _alter(random, entries[at])
    if chance(random, 0.05):
        entries *= random.choice((2, 5, 100))
    if chance(random, 0.05):
        random.shuffle(entries)
    end: list[int | None] = [None] * 5
    if chance(random, 0.08):
        end[random.randrange(5)] = random.choice(NUMBERS) % 2**16
    comment = b"PK\5\6" * random.randrange(1, 30) if chance(random, 0.02) else b""
    content = pack_zip(entries, end, comment)
    if chance(random, 0.03):
        content = random.choice((b"#!/bin/sh\n" + content, content + b"\n", content * 2))
    return mutate(random, content, TOKENS) if chance(random, 0.35) else content


def _alter(random: Random, entry: Entry) -> Entry:
    """Return `entry` with one property that is wrong, hostile or unusual."""
    number = random.choice(NUMBERS) % 2**32
    size = len(entry.content)
    match random.randrange(13):
        case 0:
            return replace(entry, path=random.choice(PATHS).encode())
        case 1:
            return replace(entry, local_path=random.choice(PATHS).encode())
        case 2:
            return replace(entry, mode=random.choice(KINDS) | 0o777, content=random.choice(TARGETS))
        case 3:
            return replace(entry, flags=random.choice((0, 1, 8, 0x20, 0x40, 0x2000, 0x801, 0xFFFF)))
        case 4:
            return replace(entry, method=random.choice((1, 6, 8, 9, 12, 14, 93, 95, 99)))
        case 5:
            return replace(entry, size=random.choice((number, size + 1, max(size - 1, 0))))
        case 6:
            return replace(entry, packed=random.choice((number, size + 1, max(size - 1, 0))))
        case 7:
            return replace(entry, offset=random.choice((number, 1, 40)))
        case 8:
            return replace(entry, crc=number)
        case 9:
            kind = random.choice((1, 0x7075, 0x5455, 0x9901, 0))
            extra = random.randbytes(random.choice((0, 4, 8, 24)))
            length = random.choice((len(extra), len(extra) + 1, 0xFFFF))
            return replace(entry, extra=struct.pack("<HH", kind, length) + extra)
        case 10:
            return replace(entry, comment=random.choice((b"PK\5\6" + bytes(18), b"x" * 20_000)))
        case 11:
            return replace(entry, version=random.choice((0, 45, 63, 64, 255)))
        case _:
            bomb = bytes(random.choice((10**5, 10**6)))
            lie = random.choice((None, 0, 1, 1000))
            return replace(entry, content=bomb, method=8, size=lie)


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    """Return a watched folder with one set of the artist's own."""
    watched = WatchedFolder(tmp_path)
    (watched.models / "own").mkdir()
    (watched.models / "own" / "labelset.yaml").write_text("title: mine\n")
    return watched


class Reader:
    """Imports each case's zip, and checks the imported set."""

    def __init__(self, watched: WatchedFolder) -> None:
        self._watched = watched
        self._zip = watched.folder / "neighbour" / "sent.zip"
        self._imported: Path | None = None

    def put(self, content: bytes) -> None:
        """Write the zip."""
        self._zip.write_bytes(content)

    def read(self) -> None:
        """Import it."""
        self._imported = None
        self._imported = import_(self._zip, self._watched.models).folder

    def clear(self) -> None:
        """Check the imported set and delete it."""
        assert self._imported is not None
        assert self._imported.parent == self._watched.models
        for file in self._imported.iterdir():
            assert file.name in MAX_BYTES
            assert stat.S_ISREG(file.lstat().st_mode)
            assert file.stat().st_size <= MAX_BYTES[file.name]
        shutil.rmtree(self._imported)


def fuzz_target(
    watched: WatchedFolder, reader: Reader, read: Callable[[], object]
) -> FuzzTarget[bytes]:
    """Return the target for zips."""
    return FuzzTarget(watched, lambda random: archive(random, watched.folder), reader.put, read)


@pytest.mark.parametrize(("fuzz", "cases"), FUZZERS)
def test_no_zip_gives_a_traceback_or_writes_beside_its_set(
    watched: WatchedFolder, fuzz: Fuzz, cases: int
) -> None:
    """Each of thousands of zips results in a new set, or in a message and nothing else."""
    reader = Reader(watched)
    tally = fuzz(replace(fuzz_target(watched, reader, reader.read), clear=reader.clear), cases)
    assert tally.cases >= cases
    assert tally.accepted > cases // 20, "zips that are right are among them"
    assert len(tally.refused) >= min(15, cases // 50), "most of the mistakes are made"


def test_an_importer_that_trusts_the_paths_is_found(watched: WatchedFolder) -> None:
    """The control: an importer that trusts the zips' paths tries to write outside models/."""
    reader = Reader(watched)
    (watched.models / "fish").mkdir()

    def trusting() -> None:
        with (
            suppress(OSError, RuntimeError, ValueError, EOFError, zlib.error, BadZipFile),
            ZipFile(watched.folder / "neighbour" / "sent.zip") as sent,
        ):
            for entry in sent.infolist():
                place = watched.models / entry.filename
                place.write_bytes(sent.read(entry))
                place.unlink()

    with pytest.raises(AssertionError, match="outside models/"):
        try_seeded(fuzz_target(watched, reader, trusting), 300)


def test_an_importer_that_trusts_the_zip_is_found(watched: WatchedFolder) -> None:
    """The control: opening the same zips without checks raises other errors."""
    reader = Reader(watched)
    sent = watched.folder / "neighbour" / "sent.zip"
    with pytest.raises(AssertionError, match="case"):
        try_seeded(fuzz_target(watched, reader, lambda: ZipFile(sent).testzip()), 100)
