"""An artist's pictures: which are good, why the others are left out, and how the network sees them.

They are read where they lie and never copied. A picture's header is judged before anything of it is
decoded, so that no file makes the machine take more memory than DECODERS pictures of MOST_PIXELS.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from installation.errors import (
    LabelSetError,
    Mistake,
    did_you_mean,
    display_path,
    ellipsize,
    limit_mistakes,
    limited_nearest,
)
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import LABELS_CSV
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.networks.encoder import Input
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.frame import Frame

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
"""By Pillow's names; whatever a file's own name says."""

MAX_PICTURE_BYTES = 64 * 1024 * 1024
"""Bytes; a 24-megapixel TIFF without compression has 72 million, a JPEG of 80 megapixels 40."""
MAX_PIXELS = 80_000_000
"""Of one picture: 240 MB decoded, and 700 MB with the copies from which it is cut (measured on PNGs
of 79 million); a telephone's largest have 50 million."""
DECODERS = 2
"""Pictures that are decoded at once, however many cores there are."""
MIN_SIDE = 64
"""Px; below, a visitor's crop and the picture would have nothing in common but the motif."""

MIN_PICTURES = 5
"""Good pictures of a label: one for each part of the check that holds pictures out."""
MAX_PICTURES = 20_000
"""Of a set; half an hour on two cores."""

VERSION = 2
"""Of what `squares` and `sketches` do; another number, and what was kept is used no more."""

REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}

STDERR = 2

NOT_A_PICTURE = f"it is no picture that can be read here ({', '.join(FORMATS).lower()} can)"
IN_SEVERAL_FOLDERS = "the same picture is in the folders of several labels"
BROKEN = "it is damaged and cannot be decoded"


@dataclass(frozen=True)
class Picture:
    """A file of an artist's, the row of labels.csv that it is an example of, and its SHA-256.

    `jpeg_side` is the shorter side of a JPEG that is yet to be decoded, px; 0 of all others.
    """

    file: Path
    row: int
    key: str
    jpeg_side: int = 0


@dataclass(frozen=True)
class SkippedPicture:
    """A file in the folder of a row that is no example of it, and why."""

    file: Path
    row: int
    why: str

    def __str__(self) -> str:
        return f"{ellipsize(self.file.parent.name)}/{ellipsize(self.file.name)}: {self.why}"


@dataclass(frozen=True)
class FoundPictures:
    """All files in the folders of a label set's rows."""

    good: tuple[Picture, ...]
    skipped: tuple[SkippedPicture, ...]


def find_pictures(source: LabelSetSource, known: Container[str]) -> FoundPictures:
    """Return the pictures of a label set, in the order of its rows and of their names.

    What is `known` by its SHA-256 is taken to be good. Raises LabelSetError with all at once: rows
    without a folder, folders without a row, too few pictures or too many.
    """
    top = source.folder / source.settings.examples
    folders = _folders(top)
    rows = {unicodedata.normalize("NFC", row.id): i for i, row in enumerate(source.rows)}
    mistakes = list(_misnamed(source, rows, folders))
    if len(rows) == 1:
        what = "there is only one row, and examples can only tell labels from each other"
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
        what = f"there are {len(files):,} files in it (expected at most {MAX_PICTURES:,})"
        mistakes.append(Mistake(display_path(top), what, "Take some out."))
        raise LabelSetError(*limit_mistakes(mistakes))
    found = scan_files(files, known)
    mistakes += too_few(source, found, readable)
    if mistakes:
        raise LabelSetError(*limit_mistakes(mistakes))
    return found


def _misnamed(
    source: LabelSetSource, rows: Mapping[str, int], folders: Mapping[str, Path]
) -> Iterator[Mistake]:
    """Yield a mistake for each folder that is no row's, and for each row without a folder."""
    top, table = (
        display_path(source.folder / source.settings.examples),
        display_path(source.folder / LABELS_CSV),
    )
    strays = sorted(folders.keys() - rows.keys())
    lonely = [name for name in rows if name not in folders]
    find_nearest = limited_nearest()
    for name in strays:
        what = f"the folder '{ellipsize(name)}' is the id of no row"
        remedy = did_you_mean(find_nearest(name, lonely))
        yield Mistake(top, what, remedy or "Write its row, or move it away.")
    for name in lonely:
        what = f"'{ellipsize(name)}' has no folder in {top} (expected one of that name)"
        remedy = did_you_mean(find_nearest(name, strays))
        where = f"{table}:{source.rows[rows[name]].location}"
        yield Mistake(where, what, remedy or "Make it, or take the row out.")


def fingerprint(source: LabelSetSource, found: FoundPictures) -> str:
    """Return the SHA-256 of which good pictures each row has, whatever their files are called."""
    said = sorted(f"{source.rows[picture.row].id}\n{picture.key}" for picture in found.good)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def pictures_changed(source: LabelSetSource, label_set: LabelSet) -> bool:
    """Tell whether the pictures are others than those that the set was built from.

    Not so where none are on this machine: a set that was imported brings none. Raises LabelSetError
    where the set is not built.
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
    """Return what tells one state of a folder of pictures from another, without reading them.

    What cannot be looked at, such as a link that leads nowhere, is passed over.
    """
    found = set()
    for folder, inside, files in os.walk(top, followlinks=True):
        for name in (*inside, *files):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                of = os.stat(path)
                found.add((path, of.st_mtime_ns, of.st_size))
        if folder != str(top):
            inside.clear()  # pictures lie no deeper
    return frozenset(found)


def too_few(source: LabelSetSource, found: FoundPictures, rows: Iterable[int]) -> Iterator[Mistake]:
    """Yield a mistake for each of `rows` with fewer than FEWEST good pictures."""
    top = source.folder / source.settings.examples
    counts = Counter(picture.row for picture in found.good)
    for row in rows:
        if counts[row] < MIN_PICTURES:
            what = f"there are {counts[row]} good pictures in it (expected at least {MIN_PICTURES})"
            out = [str(file) for file in found.skipped if file.row == row]
            what += f"; left out: {'; '.join(out[:MIN_PICTURES])}" if out else ""
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
        remedy = "Make it, or write another under `examples:` in labelset.yaml."
        raise LabelSetError(Mistake(display_path(top), what, remedy)) from None
    # A Mac takes names apart into letters and their accents.
    return {unicodedata.normalize("NFC", entry.name): entry for entry in inside}


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def scan_files(files: Sequence[tuple[Path, int]], known: Container[str]) -> FoundPictures:
    """Return which of `files`, each with its row, are good; of a picture that is there twice, one.

    What is in the folders of two labels is left out of both, as it cannot teach their difference.
    """
    good, skipped = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of what is judged here anyway
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
    """Return the picture in `file`, or why it is left out, by no more than its header."""

    def out(why: str) -> SkippedPicture:
        return SkippedPicture(file, row, why)

    try:
        if not file.is_file():
            return out("it is no file")
        if (size := file.stat().st_size) > MAX_PICTURE_BYTES:
            return out(f"it has {size:,} bytes (expected at most {MAX_PICTURE_BYTES:,})")
        data = file.read_bytes()
    except OSError as error:
        return out(_unreadable(error))
    key = hashlib.sha256(data).hexdigest()
    if key in known:
        return Picture(file, row, key)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            (width, height), kind = picture.size, picture.format
    except UnidentifiedImageError:
        return out(NOT_A_PICTURE)
    except Image.DecompressionBombError:
        return out(f"it has far more pixels than {MAX_PIXELS:,}")
    except Exception:  # a stranger's file: Pillow's readers raise whatever they like
        return out(BROKEN)
    if width * height > MAX_PIXELS:
        return out(f"it has {width}×{height} pixels (expected at most {MAX_PIXELS:,})")
    shorter = min(width, height)
    if shorter < MIN_SIDE:
        return out(f"it is {width}×{height} px (expected at least {MIN_SIDE} each way)")
    return Picture(file, row, key, shorter if kind in ("JPEG", "MPO") else 0)


def _unreadable(error: OSError) -> str:
    return f"it cannot be read ({error.strerror})"


def cut_squares(
    pictures: Sequence[Picture], taken: Input, pool: ThreadPoolExecutor
) -> list[torch.Tensor | SkippedPicture]:
    """Return each picture as the network takes it, `(3, size, size)` float32, or why it cannot.

    It is the centre square, resized and normalised as the show does with a visitor's crop.
    """
    with _quiet():
        return list(pool.map(lambda picture: _square(picture, taken), pictures))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing reach standard error: libraries that decode write there of what is left out here.

    Much of that is about pictures that are well, such as colour profiles that few understand.
    """
    kept, nothing = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nothing)


def _square(picture: Picture, taken: Input) -> torch.Tensor | SkippedPicture:
    def out(why: str) -> SkippedPicture:
        return SkippedPicture(picture.file, picture.row, why)

    try:
        data = picture.file.read_bytes()
    except OSError as error:
        return out(_unreadable(error))
    if hashlib.sha256(data).hexdigest() != picture.key:
        return out("it was replaced while the pictures were looked at")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _flags(picture.jpeg_side, taken.size))
    except cv2.error:
        return out(BROKEN)
    if pixels is None:
        return out(BROKEN)
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    rgb = pixels[top : top + side, left : left + side, ::-1]
    square = Frame(np.ascontiguousarray(rgb, np.uint8), 0)
    return crops.cut(square, [Box(0, 0, side, side)], "frame", taken, torch.device("cpu"))[0]


def _flags(jpeg_side: int, size: int) -> int:
    """Return how OpenCV is to decode: a JPEG at a half to an eighth where that is large enough.

    libjpeg then leaves out what would be averaged away. Measured on a picture of 4000×3000 px: 29
    and 20 ms at a half and a quarter, 202 ms whole; other formats gain nothing.
    """
    for part, flags in REDUCED.items():
        if jpeg_side // part >= 2 * size:
            return flags
    return cv2.IMREAD_COLOR
