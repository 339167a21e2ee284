"""An artist's pictures: which are good, why others are left out, and the squares that are encoded.

They are read where they are and never copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from installation.errors import (
    LabelSetError,
    Mistake,
    did_you_mean,
    display_path,
    ellipsize,
    limit_mistakes,
    limited_nearest,
)
from installation.making.build import picture_file
from installation.making.build.picture_file import PictureError
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import LABELS_CSV
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.networks.encoder import Input
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.frame import Frame

MAX_PICTURE_BYTES = 64 * 1024 * 1024
"""An uncompressed TIFF of 24 megapixels has 72 million, a JPEG of 108 megapixels 40 million."""
DECODERS = 2
"""Pictures that are decoded at a time, on any number of cores."""

MIN_PICTURES = 5
"""Good pictures of a label: one for each part of the cross-validation."""
MAX_PICTURES = 20_000
"""Of a label set; encoding them takes half an hour on two cores."""

VERSION = 3
"""The version of `cut_squares` and of the sketches; raising it discards what is cached."""

STDERR = 2
"""The file descriptor of standard error."""

IN_SEVERAL_FOLDERS = "the same picture is in the folders of several labels"


@dataclass(frozen=True)
class Picture:
    """A picture, the row of labels.csv that it is an example of, and the file's SHA-256, `key`."""

    file: Path
    row: int
    key: str


@dataclass(frozen=True)
class SkippedPicture:
    """A file in the folder of a row that is left out, and why."""

    file: Path
    row: int
    why: str

    def __str__(self) -> str:
        return f"{ellipsize(self.file.parent.name)}/{ellipsize(self.file.name)}: {self.why}"


@dataclass(frozen=True)
class CutPicture:
    """A picture as the network takes it, and which part of its rows the file lacks."""

    square: torch.Tensor
    """`(3, size, size)` float32."""
    missing: float


@dataclass(frozen=True)
class FoundPictures:
    """All files in the folders of a label set's rows."""

    good: tuple[Picture, ...]
    skipped: tuple[SkippedPicture, ...]


def find_pictures(source: LabelSetSource, known: Container[str]) -> FoundPictures:
    """Return the pictures of a label set, in the order of its rows and then of the files' names.

    Files whose SHA-256 is in `known` count as good. Raises LabelSetError with all mistakes: rows
    without a folder, folders without a row, too few or too many pictures.
    """
    top = source.folder / source.settings.examples
    folders = _folders(top)
    rows = {unicodedata.normalize("NFC", row.id): i for i, row in enumerate(source.rows)}
    mistakes = list(_misnamed(source, rows, folders))
    if len(rows) == 1:
        what = "there is only one row (expected at least two, which the pictures tell apart)"
        mistakes.append(
            Mistake(
                display_path(source.folder / LABELS_CSV), what, "Add a row, and pictures of it."
            )
        )
    files: list[tuple[Path, int]] = []
    readable: list[int] = []
    for name in (name for name in rows if name in folders):
        try:
            files += [(file, rows[name]) for file in _files(folders[name])]
            readable.append(rows[name])
        except OSError as error:
            where = f"{display_path(top)}/{ellipsize(name)}"
            mistakes.append(Mistake(where, _unreadable(error), "Check its permissions."))
    if len(files) > MAX_PICTURES:
        what = f"it has {len(files):,} files (expected at most {MAX_PICTURES:,})"
        mistakes.append(Mistake(display_path(top), what, "Remove some."))
        raise LabelSetError(*limit_mistakes(mistakes))
    found = scan_files(files, known)
    mistakes += too_few(source, found, readable)
    if mistakes:
        raise LabelSetError(*limit_mistakes(mistakes))
    return found


def _misnamed(
    source: LabelSetSource, rows: Mapping[str, int], folders: Mapping[str, Path]
) -> Iterator[Mistake]:
    """Yield a mistake for each folder without a row, and for each row without a folder."""
    top, table = (
        display_path(source.folder / source.settings.examples),
        display_path(source.folder / LABELS_CSV),
    )
    extra = sorted(folders.keys() - rows.keys())
    missing = [name for name in rows if name not in folders]
    find_nearest = limited_nearest()
    for name in extra:
        what = f"the folder '{ellipsize(name)}' is not the id of a row"
        remedy = did_you_mean(find_nearest(name, missing))
        yield Mistake(top, what, remedy or "Add a row for it, or move it away.")
    for name in missing:
        what = f"'{ellipsize(name)}' has no folder in {top} (expected one of that name)"
        remedy = did_you_mean(find_nearest(name, extra))
        where = f"{table}:{source.rows[rows[name]].location}"
        yield Mistake(where, what, remedy or "Create it, or remove the row.")


def fingerprint(source: LabelSetSource, found: FoundPictures) -> str:
    """Return the SHA-256 of the good pictures of each row, whatever their files' names."""
    lines = sorted(f"{source.rows[picture.row].id}\n{picture.key}" for picture in found.good)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def pictures_changed(source: LabelSetSource, label_set: LabelSet) -> bool:
    """Return whether the pictures are not those that the set was built from.

    False if this machine has none, as an imported set brings none. Raises LabelSetError if the set
    is not built.
    """
    if not source.settings.method.learns_from_pictures:
        return False
    before = built_file.read_metadata(label_set).get(built_file.PICTURES_KEY)
    if not (source.folder / source.settings.examples).is_dir():
        return False
    try:
        return fingerprint(source, find_pictures(source, ())) != before
    except LabelSetError:
        return True


def folder_signature(top: Path) -> frozenset[tuple[str, int, int]]:
    """Return the path, time and size of each file: another set means that a picture changed.

    Files that cannot be examined, such as dangling links, are left out.
    """
    found = set()
    for folder, inside, files in os.walk(top, followlinks=True):
        for name in (*inside, *files):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                status = os.stat(path)
                found.add((path, status.st_mtime_ns, status.st_size))
        if folder != str(top):
            inside.clear()  # pictures are not in deeper folders
    return frozenset(found)


def too_few(source: LabelSetSource, found: FoundPictures, rows: Iterable[int]) -> Iterator[Mistake]:
    """Yield a mistake for each of `rows` with fewer than MIN_PICTURES good pictures."""
    top = source.folder / source.settings.examples
    counts = Counter(picture.row for picture in found.good)
    for row in rows:
        if counts[row] < MIN_PICTURES:
            what = f"it has {counts[row]} good pictures (expected at least {MIN_PICTURES})"
            skipped = [str(file) for file in found.skipped if file.row == row]
            what += f"; left out: {'; '.join(skipped[:MIN_PICTURES])}" if skipped else ""
            yield Mistake(
                f"{display_path(top)}/{ellipsize(source.rows[row].id)}", what, "Add some."
            )


def _folders(top: Path) -> dict[str, Path]:
    try:
        inside = [
            entry for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith(".")
        ]
    except (OSError, ValueError):
        what = "this folder of pictures cannot be read (expected a folder for each row's id in it)"
        remedy = "Create it, or name another folder under `examples:` in labelset.yaml."
        raise LabelSetError(Mistake(display_path(top), what, remedy)) from None
    # A Mac stores a letter and its accent as two characters.
    return {unicodedata.normalize("NFC", entry.name): entry for entry in inside}


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def scan_files(files: Sequence[tuple[Path, int]], known: Container[str]) -> FoundPictures:
    """Return which of `files`, each with its row, are good; of a picture that is there twice, one.

    What is in the folders of two labels is left out of both, as it cannot teach their difference.
    """
    good, skipped = [], []
    with _quiet():
        for file, row in files:
            judged = _scan_file(file, row, known)
            if isinstance(judged, Picture):
                good.append(judged)
            else:
                skipped.append(judged)
    rows_of = defaultdict(set)
    for picture in good:
        rows_of[picture.key].add(picture.row)
    first: dict[str, Picture] = {}
    for picture in good:
        if len(rows_of[picture.key]) > 1:
            skipped.append(SkippedPicture(picture.file, picture.row, IN_SEVERAL_FOLDERS))
        elif (earlier := first.setdefault(picture.key, picture)) is not picture:
            why = f"it is the same picture as {ellipsize(earlier.file.name)}"
            skipped.append(SkippedPicture(picture.file, picture.row, why))
    return FoundPictures(tuple(first.values()), tuple(skipped))


def _scan_file(file: Path, row: int, known: Container[str]) -> Picture | SkippedPicture:
    """Return the picture in `file`, or why it is left out, from its header alone."""

    def out(why: str) -> SkippedPicture:
        return SkippedPicture(file, row, why)

    try:
        if not file.is_file():
            return out("it is not a file")
        if (size := file.stat().st_size) > MAX_PICTURE_BYTES:
            return out(f"it has {size:,} bytes (expected at most {MAX_PICTURE_BYTES:,})")
        data = file.read_bytes()
    except OSError as error:
        return out(_unreadable(error))
    key = hashlib.sha256(data).hexdigest()
    if key in known:
        return Picture(file, row, key)
    try:
        picture_file.check_header(data, file.suffix)
    except PictureError as error:
        return out(str(error))
    return Picture(file, row, key)


def _unreadable(error: OSError) -> str:
    return f"it cannot be read ({error.strerror})"


def cut_squares(
    pictures: Sequence[Picture], taken: Input, pool: ThreadPoolExecutor
) -> list[CutPicture | SkippedPicture]:
    """Return the centre square of each picture as the network takes it, or why it is skipped.

    It is resized and normalised as the show does with a visitor's crop.
    """
    with _quiet():
        return list(pool.map(lambda picture: _cut(picture, taken), pictures))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Discard standard error, to which decoders write about pictures, and Pillow's warnings.

    Damaged pictures are reported by the build; most other lines are about good ones, such as
    unknown colour profiles.
    """
    kept, nothing = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, STDERR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nothing)


def _cut(picture: Picture, taken: Input) -> CutPicture | SkippedPicture:
    def out(why: str) -> SkippedPicture:
        return SkippedPicture(picture.file, picture.row, why)

    try:
        data = picture.file.read_bytes()
    except OSError as error:
        return out(_unreadable(error))
    if hashlib.sha256(data).hexdigest() != picture.key:
        return out("it was replaced during the build")
    try:
        decoded = picture_file.decode(data, 2 * taken.size)
    except PictureError as error:
        return out(str(error))
    height, width, _ = decoded.pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    pixels = np.ascontiguousarray(decoded.pixels[top : top + side, left : left + side])
    box = Box(0, 0, side, side)
    square = crops.cut(Frame(pixels, 0), [box], "frame", taken, torch.device("cpu"))[0]
    return CutPicture(square, decoded.missing)
