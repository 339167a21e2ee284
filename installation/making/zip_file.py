"""Label sets as one file that artists exchange: a zip of the set's folder, with no picture in it.

The zip is strict, so that there is little to judge: one folder, the files of `LARGEST` and
nothing else. Files are stored, not compressed: tensors would hardly shrink, and the same set gives
the same bytes on every machine.

A zip is a stranger's file. Its table is judged before anything is unpacked, what is unpacked is
judged as every label set is, and all this happens in a hidden folder of `models/`: only a set in
which nothing is wrong gets its name there, in one step. `ZipFile.extractall` would do neither.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from installation.errors import LabelSetError, Mistake, collect_mistakes, display_path, ellipsize
from installation.making.set_names import PLAIN, check_free, check_plain
from installation.naming.label_set import built_file
from installation.naming.label_set.checks import OVERRIDES
from installation.naming.label_set.folder import (
    CARD_FILE,
    CONFIG_FILE,
    LABELS_TXT,
    MAX_BYTES,
    PREPROCESSOR_FILE,
    SETTINGS_FILE,
)
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import check_network
from installation.settings.paths import MODELS
from installation.settings.text_file import read_text

LARGEST_ZIP = 2**31 - 1
"""Bytes, packed and unpacked; a larger zip has another form, zip64, which is refused."""

WORDS = (CARD_FILE, LABELS_TXT, CONFIG_FILE, PREPROCESSOR_FILE)
"""Files that are text, beyond those that `load_label_set` reads."""

MOST_ENTRIES = len(MAX_BYTES) + 1
"""The files, and the folder itself, which some tools list."""

LARGEST_TABLE = 2**14
"""Bytes; the table of so many entries takes some 1,000."""

MOST_INFLATION = 100
"""How many bytes may come from one; deflate reaches 1,030, the shipped labels.csv 3 to 5."""

_END = struct.Struct("<4s4H2LH")
"""The zip's last record: signature, disks, entries here and in all, table's size and offset."""
_LOCAL_LENGTHS = struct.Struct("<26x2H")
"""What stands before an entry's bytes: at its end, how long its name and its extra field are."""
_BEFORE_ZIP64 = 20
"""Bytes of the record that stands before the last one in a zip64."""
_PLAIN_FLAGS = 0b1000_0000_1110
"""Deflate's options, sizes after the bytes, names in UTF-8; all others encrypt or patch."""

_DISGUISE = re.compile(f"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{OVERRIDES}]")
"""Characters that could move a terminal's cursor or turn a line around."""

_CHUNK = 2**20
_ASK = "Ask for a zip that 'kiosk labels export' made."


@dataclass(frozen=True)
class Imported:
    """A label set that has come from a zip and can be shown; no word of it can move a cursor."""

    name: str
    folder: Path
    title: str
    credit: str
    labels: int
    """How many it has, hidden ones too."""


def export(name: str, models: Path, to: Path, *, force: bool = False) -> Path:
    """Return the zip of the label set `name`: `to`, or NAME.zip in it where `to` is a folder.

    The same set gives the same bytes. Raises LabelSetError where anything is wrong with the set,
    its build is missing or stale, or the zip is there already and not `force`.
    """
    where = "kiosk labels export"
    label_set = load_label_set(name, EVERYTHING, models, where=where)
    check_plain(name, display_path(label_set.folder))
    _check(label_set)
    to = to / f"{name}.zip" if to.is_dir() else to
    if to.exists() and not force:
        what = "there is a file of this name already"
        raise LabelSetError(Mistake(display_path(to), what, "Name another one, or add --force."))
    try:
        with TemporaryDirectory(prefix=".export-", dir=to.parent) as staging:
            zip_ = Path(staging) / to.name
            _pack(label_set.folder, zip_)
            with _opened(zip_, display_path(to)):
                pass  # what could not be imported is not exported
            os.replace(zip_, to)
    except OSError as failure:
        what = f"it cannot be written ({failure.strerror})"
        raise LabelSetError(
            Mistake(display_path(to), what, "Check the folder's name, permissions and free space.")
        ) from None
    return to


def import_(file: Path, models: Path = MODELS, name: str | None = None) -> Imported:
    """Return the label set that was in the zip `file` and is now in `models`.

    `name` is the one it gets; without, its own. Raises LabelSetError where anything is wrong with
    the zip or the set, or there is a set of that name; then `models` is as it was.
    """
    where = display_path(file)
    with _opened(file, where) as (archive, folder, entries):
        name = folder if name is None else name
        check_plain(name, where)
        try:
            check_free(name, models, "Import under another name: add --as NAME.")
            with TemporaryDirectory(prefix=".import-", dir=models) as staging:
                staged = Path(staging) / name
                staged.mkdir()
                for entry in entries:
                    _unpack(archive, entry, staged / entry.filename.partition("/")[2], where)
                label_set = _judged(staged, where)
                os.rename(staged, models / name)
        except OSError as failure:
            what = f"the set cannot be written there ({failure.strerror})"
            raise LabelSetError(
                Mistake(display_path(models / name), what, "Check permissions and free space.")
            ) from None
    settings = label_set.settings
    return Imported(name, models / name, settings.title, settings.credit, label_set.size)


def _pack(folder: Path, zip_: Path) -> None:
    """Write the files of `folder` that are exchanged into the zip `zip_`."""
    with ZipFile(zip_, "x", ZIP_STORED) as archive:
        for file in sorted(MAX_BYTES):
            source = folder / file
            if not source.is_file():
                continue
            entry = ZipInfo(f"{folder.name}/{file}")  # of 1980, as zip has no "unknown"
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.file_size = source.stat().st_size
            with source.open("rb") as content, archive.open(entry, "w") as packed:
                shutil.copyfileobj(content, packed, _CHUNK)


@contextmanager
def _opened(file: Path, where: str) -> Iterator[tuple[ZipFile, str, list[ZipInfo]]]:
    """Open a zip whose table has been judged: with its one folder's name and its files' entries.

    Raises LabelSetError, also for what goes wrong with the zip while it is open.
    """
    try:
        if file.exists() and not file.is_file():
            what = "this is a folder or a device (expected a zip)"
            raise LabelSetError(Mistake(where, what, "Name a file."))
        with file.open("rb") as opened:
            end = _table_starts_at(opened, where)
            with ZipFile(opened) as archive:
                folder, entries = _judged_table(archive.infolist(), opened, end, where)
                yield archive, folder, entries
    except FileNotFoundError:
        raise LabelSetError(Mistake(where, "there is no such file", "Check its name.")) from None
    except OSError as failure:
        raise _unreadable(where, failure) from None
    except (BadZipFile, NotImplementedError, UnicodeDecodeError, EOFError, zlib.error) as failure:
        what = f"the zip is damaged ({ellipsize(str(failure))})"
        raise LabelSetError(Mistake(where, what, "Copy or download it again.")) from None


def _unreadable(where: str, failure: OSError) -> LabelSetError:
    what = f"it cannot be read ({failure.strerror})"
    return LabelSetError(Mistake(where, what, "Check its name and permissions."))


def _table_starts_at(opened: IO[bytes], where: str) -> int:
    """Return where the zip's table of entries begins, which is where their bytes must end.

    ZipFile reads as many entries as a zip claims, and finds tables in odd places; so the plain form
    alone is let through to it: one table of a bounded size at the end, no comment, no zip64.
    """
    size = opened.seek(0, os.SEEK_END)
    if size > LARGEST_ZIP:
        what = f"it has {size} bytes (expected at most {LARGEST_ZIP})"
        raise LabelSetError(Mistake(where, what, _ASK))
    opened.seek(max(0, size - _BEFORE_ZIP64 - _END.size))
    last = opened.read()
    if len(last) < _END.size:
        last = bytes(_END.size)
    signature, *_, table_size, table, comment = _END.unpack(last[-_END.size :])
    if signature != b"PK\5\6" or comment or table + table_size + _END.size != size:
        what = "it is no zip, is cut short, or has something before or behind it"
        raise LabelSetError(Mistake(where, what, f"Copy it again. {_ASK}"))
    if table_size > LARGEST_TABLE or last.startswith(b"PK\6\7"):
        what = "it has more entries than a label set has, or the form of larger zips (zip64)"
        raise LabelSetError(Mistake(where, what, _ASK))
    return int(table)


def _judged_table(
    table: Sequence[ZipInfo], opened: IO[bytes], end: int, where: str
) -> tuple[str, list[ZipInfo]]:
    """Return the name of the zip's one folder, and the entries of the files in it.

    Raises LabelSetError with all that is wrong with the entries.
    """
    if any(entry.filename.startswith("__MACOSX/") for entry in table):
        what = "it was packed by a Mac's Finder, which puts files of its own in"
        raise LabelSetError(Mistake(where, what, "Pack it with: kiosk labels export"))
    if len(table) > MOST_ENTRIES:
        what = f"it has {len(table)} entries (expected at most {MOST_ENTRIES})"
        raise LabelSetError(Mistake(where, what, _ASK))
    wrong = [(entry, what) for entry in table for what in _wrong_with(entry)]
    mistakes = [
        Mistake(f"{where}: '{ellipsize(e.orig_filename)}'", what, _ASK) for e, what in wrong
    ]
    names = [entry.filename for entry in table]
    folders = {name.partition("/")[0] for name in names}
    files = [entry for entry in table if not entry.filename.endswith("/")]
    if not mistakes and len(folders) != 1:
        what = f"it holds {len(folders)} folders (expected one, named like the set)"
        mistakes.append(Mistake(where, what, _ASK))
    if len(set(names)) != len(names):
        mistakes.append(Mistake(where, "a file is there twice", _ASK))
    if (total := sum(entry.file_size for entry in files)) > LARGEST_ZIP:
        what = f"its files have {total} bytes (expected at most {LARGEST_ZIP})"
        mistakes.append(Mistake(where, what, _ASK))
    if not mistakes and f"{names[0].partition('/')[0]}/labelset.yaml" not in names:
        mistakes.append(Mistake(where, "there is no labelset.yaml in it", _ASK))
    if _overlap(table, opened, end):
        mistakes.append(Mistake(where, "its entries overlap or run beyond it", _ASK))
    if mistakes:
        raise LabelSetError(*mistakes)
    return folders.pop(), files


def _wrong_with(entry: ZipInfo) -> Iterator[str]:
    """Yield what is wrong with an entry, as far as its line in the table tells."""
    path = entry.orig_filename
    folder, _, file = path.partition("/")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if path.startswith("/") or "\\" in path or ":" in path or ".." in path.split("/"):
        yield "the path leads out of its folder"
    elif not PLAIN.fullmatch(folder) or path != entry.filename:
        yield "the folder's name is not plain (expected letters A–Z, digits, - and _)"
    elif "/" not in path:
        yield "it lies beside the set's folder (expected in it)"
    elif file and file not in MAX_BYTES:
        yield f"no such file belongs to a label set (known: {', '.join(MAX_BYTES)})"
    if kind not in (0, stat.S_IFREG if file else stat.S_IFDIR):
        yield "it is a link, a device or a folder (expected a file)"
    if entry.flag_bits & ~_PLAIN_FLAGS or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        yield "it is encrypted, or packed in a way that is not understood here"
    if entry.file_size > MAX_BYTES.get(file, entry.file_size):
        yield f"it has {entry.file_size} bytes (expected at most {MAX_BYTES[file]})"
    elif entry.file_size > MOST_INFLATION * entry.compress_size:
        yield f"it is packed more than {MOST_INFLATION} times smaller, as no label set is"


def _overlap(table: Sequence[ZipInfo], opened: IO[bytes], end: int) -> bool:
    """Tell whether entries share bytes of the zip, or have any that are not before its table."""
    free = 0
    for entry in sorted(table, key=lambda entry: entry.header_offset):
        if not free <= entry.header_offset <= end - _LOCAL_LENGTHS.size:
            return True
        opened.seek(entry.header_offset)
        name, extra = _LOCAL_LENGTHS.unpack(opened.read(_LOCAL_LENGTHS.size))
        free = entry.header_offset + _LOCAL_LENGTHS.size + name + extra + entry.compress_size
    return free > end


def _unpack(archive: ZipFile, entry: ZipInfo, to: Path, where: str) -> None:
    """Write the file of `entry` to `to`, at most as long as the table says.

    ZipFile ends there whatever the packed bytes would still give, and checks the sum of what came.
    """
    with to.open("xb") as file:
        for chunk in _content(archive, entry, where):
            file.write(chunk)
        if file.tell() != entry.file_size:
            raise BadZipFile(f"{to.name} is shorter than the zip says")


def _content(archive: ZipFile, entry: ZipInfo, where: str) -> Iterator[bytes]:
    """Yield what the file of `entry` holds; raises LabelSetError where the zip cannot be read."""
    try:
        with archive.open(entry) as packed:
            while chunk := packed.read(_CHUNK):
                yield chunk
    except OSError as failure:
        raise _unreadable(where, failure) from None


def _judged(folder: Path, where: str) -> LabelSet:
    """Return the label set that has been unpacked to `folder`, a folder of a stranger's files.

    Raises LabelSetError with its mistakes, each at its place in the zip `where`.
    """
    try:
        label_set = load_label_set(folder.name, EVERYTHING, folder.parent)
        _check(label_set, "Ask its maker to mend it, and to export it again.")
    except LabelSetError as error:
        raise LabelSetError(
            *(
                replace(mistake, where=mistake.where.replace(display_path(folder.parent), where))
                for mistake in error.mistakes
            )
        ) from None
    return label_set


def _check(label_set: LabelSet, remedy: str = "") -> None:
    """Raise LabelSetError where a set must not be exchanged, all of whose words are right.

    `remedy` replaces the one for who has made the set.
    """
    checks = (_check_words, _check_examples, _check_built, _check_network)
    if mistakes := collect_mistakes(partial(check, label_set) for check in checks):
        raise LabelSetError(*(replace(of, remedy=remedy or of.remedy) for of in mistakes))


def _check_words(label_set: LabelSet) -> None:
    mistakes = []
    for path in (label_set.folder / name for name in WORDS):
        if not path.exists():
            continue
        text = read_text(path, display_path(path), LabelSetError, MAX_BYTES[path.name])
        if disguise := _DISGUISE.search(text):
            line = text.count("\n", 0, disguise.start()) + 1
            what = f"it holds a character that could disguise it (U+{ord(disguise[0]):04X})"
            mistakes.append(Mistake(f"{display_path(path)}:{line}", what, "Take it out."))
    if mistakes:
        raise LabelSetError(*mistakes)


def _check_examples(label_set: LabelSet) -> None:
    """Raise LabelSetError where the pictures are said to be anywhere but in the set's folder.

    Whoever builds a stranger's set would have other pictures read, and what is in them kept.
    """
    said = label_set.settings.examples
    path = PureWindowsPath(said)  # takes / and \\ and the names of drives
    if path.anchor or ".." in path.parts:
        what = f"examples is '{ellipsize(said)}' (expected a folder in the set's own)"
        remedy = "Put a link to it into the set's folder, named examples, and take the line out."
        raise LabelSetError(Mistake(display_path(label_set.folder / SETTINGS_FILE), what, remedy))


def _check_built(label_set: LabelSet) -> None:
    """Raise LabelSetError where what is built is not of the set's words; hidden labels may lack."""
    built_file.check_built(replace(label_set, rows=(), background=()))


def _check_network(label_set: LabelSet) -> None:
    if label_set.settings.method.brings_network:
        check_network(label_set.folder)
