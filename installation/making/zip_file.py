"""Packs label sets into zips that artists exchange, and imports such zips; pictures are left out.

Files are stored without compression, because tensors would hardly shrink, and because the same set
then results in the same bytes on every machine.

A zip may come from a stranger. It may contain only one folder with the known files of a label set,
each of limited size. Its central directory is checked before anything is unpacked. The files are
unpacked into a hidden folder of `models/` and checked like every label set; a set without mistakes
is then renamed in one step. Rejected: `ZipFile.extractall`, which checks none of this. Newer
versions of Python reject a zip whose entries share bytes. Some versions that the kiosk supports
(3.11.7 and 3.12.1) do not, so this module rejects such a zip.
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

from installation.errors import (
    LabelSetError,
    Mistake,
    collect_mistakes,
    counted,
    did_you_mean,
    display_path,
    ellipsize,
)
from installation.making.atomic_write import check_ordinary, write_errors
from installation.making.new_set import PLAIN_NAME, check_free, check_plain
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
from installation.settings.path_guess import meant_path
from installation.settings.paths import MODELS
from installation.settings.text_file import read_text

MAX_ZIP_BYTES = 2**31 - 1
"""The largest size of a zip, bytes. Its unpacked files may have as many bytes in all. Larger zips
are in the format zip64, which is rejected.
"""

TEXT_FILES = (CARD_FILE, LABELS_TXT, CONFIG_FILE, PREPROCESSOR_FILE)
"""The text files that this module searches for control characters. The texts of labelset.yaml and
labels.csv are checked by `load_label_set`.
"""

MAX_ENTRIES = len(MAX_BYTES) + 1
"""The largest number of entries: the files, and the folder itself, which some programs list."""

MAX_DIRECTORY_BYTES = 2**14
"""The largest central directory, bytes; that of a label set's zip has about 1,000."""

MAX_COMPRESSION = 100
"""The highest ratio of uncompressed to compressed bytes; deflate can reach 1,030, and the
shipped labels.csv files have ratios of 3 to 5."""

_END = struct.Struct("<4s4H2LH")
"""The zip's last record: signature, disks, entries on this and all disks, size and offset of the
central directory, length of the comment (APPNOTE.TXT 6.3.10, 4.3.16)."""

_LOCAL_LENGTHS = struct.Struct("<26x2H")
"""An entry's header, directly before the name, the extra field and the entry's bytes. Its last two
fields are the lengths of the name and of the extra field.
"""

_ZIP64_LOCATOR_BYTES = 20
"""The length of the "zip64 end of central directory locator", bytes. A file in the format zip64 has
this record directly before its last record (APPNOTE.TXT 6.3.10, 4.3.15).
"""

_ALLOWED_FLAGS = 0b1000_0000_1110
"""The flags that an entry may have: deflate's options, sizes stored after the data, and names in
UTF-8. The other flags mean that the entry is encrypted or is a patch.
"""

_DISGUISE = re.compile(f"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{OVERRIDES}]")
"""Matches characters that can move a terminal's cursor or change the direction of text."""

_CHUNK = 2**20
_NEW_ZIP_REMEDY = "Ask the sender for a zip made with: kiosk labels export"


@dataclass(frozen=True)
class Imported:
    """A label set that was imported and can be shown; its text has no control characters."""

    name: str
    folder: Path
    title: str
    credit: str
    labels: int
    """The number of the set's labels, with hidden ones, but without background rows."""


def export(name: str, models: Path, to: Path, *, force: bool = False) -> Path:
    """Write the label set `name` to a zip, and return the zip's path.

    The path is `to` or, if `to` is a folder, NAME.zip in that folder.

    The same set always results in the same bytes. Raises LabelSetError if the set has mistakes, if
    its built file is missing or stale, or if the zip exists and `force` is false.
    """
    label_set = load_label_set(name, EVERYTHING, models, where="kiosk labels export")
    check_plain(name, display_path(label_set.folder))
    _check(label_set)
    to = to / f"{name}.zip" if to.is_dir() else to
    check_ordinary(to)
    if to.exists() and not force:
        problem = "a file of this name exists"
        raise LabelSetError(
            Mistake(display_path(to), problem, "Name another file, or add --force.")
        )
    with write_errors(to), TemporaryDirectory(prefix=".export-", dir=to.parent) as staging:
        zip_ = Path(staging) / to.name
        _pack(label_set.folder, zip_)
        with _open_zip(zip_, display_path(to)):
            pass  # a zip that could not be imported is not exported
        os.replace(zip_, to)
    return to


def import_(file: Path, models: Path = MODELS, name: str | None = None) -> Imported:
    """Import the label set in the zip `file` into `models`, and return what was imported.

    The set's folder gets the name `name`; by default, it keeps its name in the zip. Raises
    LabelSetError if the zip or the set has mistakes, or if a set of this name exists; `models` is
    then unchanged.
    """
    where = display_path(file)
    with _open_zip(file, where) as (archive, folder, entries):
        name = folder if name is None else name
        check_plain(name, where)
        with write_errors(models / name):
            check_free(name, models, "Import under another name: add --as NAME.")
            with TemporaryDirectory(prefix=".import-", dir=models) as staging:
                staged = Path(staging) / name
                staged.mkdir()
                for entry in entries:
                    _unpack(archive, entry, staged / entry.filename.partition("/")[2], where)
                label_set = _load_unpacked(staged, where)
                os.rename(staged, models / name)
    settings = label_set.settings
    return Imported(name, models / name, settings.title, settings.credit, label_set.size)


def _pack(folder: Path, zip_: Path) -> None:
    """Write the known files of `folder` into the new zip `zip_`."""
    with ZipFile(zip_, "x", ZIP_STORED) as archive:
        for file in sorted(MAX_BYTES):
            source = folder / file
            if not source.is_file():
                continue
            entry = ZipInfo(f"{folder.name}/{file}")  # dated 1980, because a zip needs a date
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.file_size = source.stat().st_size
            with source.open("rb") as content, archive.open(entry, "w") as packed:
                shutil.copyfileobj(content, packed, _CHUNK)


@contextmanager
def _open_zip(file: Path, where: str) -> Iterator[tuple[ZipFile, str, list[ZipInfo]]]:
    """Open a zip, check its directory, and yield the zip, its folder's name and its entries.

    Raises LabelSetError, also if the zip turns out to be damaged while it is open.
    """
    try:
        if file.exists() and not file.is_file():
            problem = "this is a folder or a device (expected a zip)"
            raise LabelSetError(Mistake(where, problem, "Name a file."))
        with file.open("rb") as opened:
            end = _directory_offset(opened, where)
            with ZipFile(opened) as archive:
                folder, entries = _check_entries(archive.infolist(), opened, end, where)
                yield archive, folder, entries
    except FileNotFoundError:
        meant = meant_path(str(file), Path(), lambda path: path.suffix.lower() == ".zip")
        remedy = did_you_mean(meant) or "Check its name."
        raise LabelSetError(Mistake(where, "this file does not exist", remedy)) from None
    except OSError as failure:
        raise _unreadable(where, failure) from None
    except (BadZipFile, NotImplementedError, UnicodeDecodeError, EOFError, zlib.error) as failure:
        problem = f"the zip is damaged ({ellipsize(str(failure))})"
        raise LabelSetError(Mistake(where, problem, "Copy or download it again.")) from None


def _unreadable(where: str, failure: OSError) -> LabelSetError:
    problem = f"it cannot be read ({failure.strerror})"
    return LabelSetError(Mistake(where, problem, "Check its name and permissions."))


def _directory_offset(opened: IO[bytes], where: str) -> int:
    """Return the offset of the central directory, where the entries' data ends.

    Raises LabelSetError.

    ZipFile reads as many entries as a zip claims to have, and accepts directories at unusual
    offsets. So it is given only zips with one directory of limited size at the end, without a
    comment and not in the format zip64.
    """
    size = opened.seek(0, os.SEEK_END)
    if size > MAX_ZIP_BYTES:
        problem = f"the zip has {size:,} bytes (expected at most {MAX_ZIP_BYTES:,})"
        raise LabelSetError(Mistake(where, problem, _NEW_ZIP_REMEDY))
    opened.seek(max(0, size - _ZIP64_LOCATOR_BYTES - _END.size))
    last = opened.read()
    if len(last) < _END.size:
        last = bytes(_END.size)
    signature, *_, directory_size, offset, comment = _END.unpack(last[-_END.size :])
    if signature != b"PK\5\6" or comment or offset + directory_size + _END.size != size:
        problem = "the file is not a zip, is truncated, or has other data before or after the zip"
        raise LabelSetError(Mistake(where, problem, f"Copy it again. {_NEW_ZIP_REMEDY}"))
    if directory_size > MAX_DIRECTORY_BYTES or last.startswith(b"PK\6\7"):
        problem = (
            "the zip is in the format zip64, or its list of entries is too long (expected at most "
            f"{MAX_DIRECTORY_BYTES:,} bytes)"
        )
        raise LabelSetError(Mistake(where, problem, _NEW_ZIP_REMEDY))
    return int(offset)


def _check_entries(
    entries: Sequence[ZipInfo], opened: IO[bytes], end: int, where: str
) -> tuple[str, list[ZipInfo]]:
    """Return the name of the zip's one folder, and the entries of the files in it.

    `opened` is the zip as a file, and `end` the offset at which the entries' data must end. Raises
    LabelSetError with all mistakes of the entries.
    """
    if any(entry.filename.startswith("__MACOSX/") for entry in entries):
        problem = "the zip was packed by a Mac's Finder, which adds extra files"
        raise LabelSetError(Mistake(where, problem, "Pack it with: kiosk labels export"))
    if len(entries) > MAX_ENTRIES:
        problem = f"the zip has {len(entries)} entries (expected at most {MAX_ENTRIES})"
        raise LabelSetError(Mistake(where, problem, _NEW_ZIP_REMEDY))
    mistakes = [
        Mistake(f"{where}: '{ellipsize(entry.orig_filename)}'", problem, _NEW_ZIP_REMEDY)
        for entry in entries
        for problem in _mistakes_of(entry)
    ]
    names = [entry.filename for entry in entries]
    folders = {name.partition("/")[0] for name in names}
    files = [entry for entry in entries if not entry.filename.endswith("/")]

    def found(problem: str) -> None:
        mistakes.append(Mistake(where, problem, _NEW_ZIP_REMEDY))

    if not mistakes and len(folders) != 1:
        seen = counted(len(folders), "folder")
        found(f"the zip contains {seen} (expected one folder with the name of the set)")
    if len(set(names)) != len(names):
        found("the zip contains a file twice")
    if (total := sum(entry.file_size for entry in files)) > MAX_ZIP_BYTES:
        found(
            f"its unpacked files have {total:,} bytes in all (expected at most {MAX_ZIP_BYTES:,})"
        )
    if not mistakes and f"{names[0].partition('/')[0]}/{SETTINGS_FILE}" not in names:
        found(f"the zip does not contain {SETTINGS_FILE}")
    if _overlap(entries, opened, end):
        found("the entries of the zip overlap, or extend beyond its end")
    if mistakes:
        raise LabelSetError(*mistakes)
    return folders.pop(), files


def _mistakes_of(entry: ZipInfo) -> Iterator[str]:
    """Yield the mistakes in an entry of the central directory."""
    path = entry.orig_filename
    folder, _, file = path.partition("/")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if path.startswith("/") or "\\" in path or ":" in path or ".." in path.split("/"):
        yield "the path is not allowed (it begins with /, or has '..', a backslash or a colon)"
    elif not PLAIN_NAME.fullmatch(folder) or path != entry.filename:
        yield "the folder's name has other characters than letters A–Z, digits, - and _"
    elif "/" not in path:
        yield "the file is beside the set's folder (expected inside it)"
    elif file and file not in MAX_BYTES:
        yield f"a label set has no such file (known: {', '.join(MAX_BYTES)})"
    if kind not in (0, stat.S_IFREG if file else stat.S_IFDIR):
        yield "the entry is a link, a device or a folder (expected a file)"
    if entry.flag_bits & ~_ALLOWED_FLAGS or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        yield "the file is encrypted, or is compressed by a method other than deflate"
    if entry.file_size > MAX_BYTES.get(file, entry.file_size):
        yield f"the file has {entry.file_size:,} bytes (expected at most {MAX_BYTES[file]:,})"
    elif entry.file_size > MAX_COMPRESSION * entry.compress_size:
        yield (
            f"the file is compressed to less than 1/{MAX_COMPRESSION} of its size, which no label "
            "set needs"
        )


def _overlap(entries: Sequence[ZipInfo], opened: IO[bytes], end: int) -> bool:
    """Return whether entries share bytes of the zip, or extend beyond its offset `end`."""
    free = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if not free <= entry.header_offset <= end - _LOCAL_LENGTHS.size:
            return True
        opened.seek(entry.header_offset)
        name, extra = _LOCAL_LENGTHS.unpack(opened.read(_LOCAL_LENGTHS.size))
        free = entry.header_offset + _LOCAL_LENGTHS.size + name + extra + entry.compress_size
    return free > end


def _unpack(archive: ZipFile, entry: ZipInfo, to: Path, where: str) -> None:
    """Write the file of `entry` to `to`, at most as many bytes as the central directory states.

    ZipFile stops at that size, even if the compressed data contains more, and checks the CRC.
    Raises BadZipFile if the data is shorter.
    """
    with to.open("xb") as file:
        for chunk in _chunks(archive, entry, where):
            file.write(chunk)
        if file.tell() != entry.file_size:
            raise BadZipFile(f"{to.name} is shorter than the zip states")


def _chunks(archive: ZipFile, entry: ZipInfo, where: str) -> Iterator[bytes]:
    """Yield the contents of `entry`; raises LabelSetError if the zip cannot be read."""
    try:
        with archive.open(entry) as packed:
            while chunk := packed.read(_CHUNK):
                yield chunk
    except OSError as failure:
        raise _unreadable(where, failure) from None


def _load_unpacked(folder: Path, where: str) -> LabelSet:
    """Return the label set that was unpacked to `folder`.

    Raises LabelSetError with the set's mistakes. Their locations begin with `where`, the zip's
    path, instead of the folder into which it was unpacked.
    """
    try:
        label_set = load_label_set(folder.name, EVERYTHING, folder.parent)
        _check(label_set, "Ask its author to correct it and to export it again.")
    except LabelSetError as error:
        raise LabelSetError(
            *(
                replace(mistake, where=mistake.where.replace(display_path(folder.parent), where))
                for mistake in error.mistakes
            )
        ) from None
    return label_set


def _check(label_set: LabelSet, remedy: str = "") -> None:
    """Raise LabelSetError if a loaded set must not be exported or imported.

    Each mistake has a remedy for the set's author. If `remedy` is not empty, it replaces these
    remedies, because somebody who imports the set needs another one.
    """
    checks = (_check_text_files, _check_examples, _check_built, _check_own_network)
    if mistakes := collect_mistakes(partial(check, label_set) for check in checks):
        raise LabelSetError(*(replace(each, remedy=remedy or each.remedy) for each in mistakes))


def _check_text_files(label_set: LabelSet) -> None:
    mistakes = []
    for path in (label_set.folder / name for name in TEXT_FILES):
        if not path.exists():
            continue
        text = read_text(path, display_path(path), LabelSetError, MAX_BYTES[path.name])
        if disguise := _DISGUISE.search(text):
            line = text.count("\n", 0, disguise.start()) + 1
            kind = "direction-changing" if disguise[0] in OVERRIDES else "control"
            problem = f"it contains a {kind} character (U+{ord(disguise[0]):04X})"
            mistakes.append(Mistake(f"{display_path(path)}:{line}", problem, "Remove it."))
    if mistakes:
        raise LabelSetError(*mistakes)


def _check_examples(label_set: LabelSet) -> None:
    """Raise LabelSetError if the folder of example pictures is not inside the set's folder.

    Otherwise a build of a stranger's set would read pictures from other folders of this machine and
    store their features.
    """
    examples = label_set.settings.examples_folder
    path = PureWindowsPath(examples)  # understands / and \\ and drives
    if path.anchor or ".." in path.parts:
        problem = f"examples is '{ellipsize(examples)}' (expected a folder inside the set's folder)"
        remedy = (
            "In the set's folder, create a link named examples that leads to your pictures, and "
            "delete the line `examples` of labelset.yaml."
        )
        raise LabelSetError(
            Mistake(display_path(label_set.folder / SETTINGS_FILE), problem, remedy)
        )


def _check_built(label_set: LabelSet) -> None:
    """Raise LabelSetError if the built file does not match the set's current words and settings.

    The built file may lack labels that were hidden when it was built.
    """
    built_file.check_built(replace(label_set, rows=(), background=()))


def _check_own_network(label_set: LabelSet) -> None:
    if label_set.settings.method.brings_network:
        check_network(label_set.folder)
