"""Finds an artist's pictures, checks which can be used, and cuts the squares to encode.

The pictures are read in their folders and never copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from installation.errors import (
    LabelSetError,
    Mistake,
    counted,
    did_you_mean,
    display_path,
    ellipsize,
    join_first,
    limit_mistakes,
    limited_nearest,
    nearest,
)
from installation.making.build import picture_file
from installation.making.build.picture_file import DecodedPicture, PictureError
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import LABELS_CSV
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.settings import AS_THEY_ARE
from installation.naming.networks.encoder import Input
from installation.naming.reading import crops
from installation.naming.reading.crops import Part
from installation.seeing.box import Box
from installation.seeing.faces.detector import Detector
from installation.seeing.frame import Frame

MAX_PICTURE_BYTES = 64 * 1024 * 1024
"""The largest size of a picture file, bytes. A JPEG of 108 megapixels has about 40 million bytes.
An uncompressed TIFF of 24 megapixels has 72 million, so it is rejected.
"""
DECODERS = 2
"""The number of pictures that are decoded at the same time, on any number of cores."""

DETECTED_SIDE = 1024
"""Before a face is searched for, large pictures are reduced. Their shorter side keeps at least this
length, px. Smaller pictures keep their size.
"""

MIN_PICTURES = 5
"""The least number of good pictures of a label: one for each fold of the cross-validation."""
MAX_PICTURES = 20_000
"""The largest number of pictures of a label set; encoding them takes half an hour on two cores."""

VERSION = 4
"""The version of `cut_squares` and of the sketches; raising it invalidates the cache."""

STDERR = 2
"""The file descriptor of standard error."""

NO_FACE = "no face was found in the picture"


@dataclass(frozen=True)
class Picture:
    """A picture, the row of labels.csv that it is an example of, and the file's SHA-256, `key`."""

    file: Path
    row: int
    key: str


@dataclass(frozen=True)
class SkippedPicture:
    """A file in a row's folder that is left out, and the reason."""

    file: Path
    row: int
    why: str

    def __str__(self) -> str:
        return f"{ellipsize(self.file.parent.name)}/{ellipsize(self.file.name)}: {self.why}"


Region = tuple[float, float, float]
"""The square that is cut from a picture: left, top and side, in units of the picture's shorter
side.
"""
NO_REGION = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class CutPicture:
    """The square that was cut from a picture for the network, and facts about the picture."""

    square: torch.Tensor
    """The pixels for the network, `(3, size, size)` float32."""
    missing: float
    """The share of the picture's rows of pixels that are missing, 0–1."""
    region: Region
    """The square that was cut; NO_REGION is the centre square, used if no face was found or none
    was searched for.
    """


@dataclass(frozen=True)
class FoundPictures:
    """The files in a label set's folders of pictures: good pictures and skipped files."""

    good: tuple[Picture, ...]
    skipped: tuple[SkippedPicture, ...]


def find_pictures(source: LabelSetSource, known: Container[str]) -> FoundPictures:
    """Return the pictures of a label set, sorted by row and then by file name.

    Files whose SHA-256 is in `known` count as good. Raises LabelSetError with all mistakes: a row
    has no folder, a folder has no row, or there are too few or too many pictures.
    """
    top = source.folder / source.settings.examples_folder
    folders = _folders(top)
    rows = {unicodedata.normalize("NFC", row.id): i for i, row in enumerate(source.rows)}
    mistakes = list(_misnamed(source, rows, folders))
    if len(rows) == 1:
        problem = "the file has one row (expected two or more labels to choose from)"
        mistakes.append(
            Mistake(
                display_path(source.folder / LABELS_CSV),
                problem,
                "Add a row, and a folder with pictures for it.",
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
        problem = f"the folder has {len(files):,} files (expected at most {MAX_PICTURES:,})"
        mistakes.append(Mistake(display_path(top), problem, "Remove some."))
        raise LabelSetError(*limit_mistakes(mistakes))
    found = scan_files(files, known)
    mistakes += too_few(source, found, readable)
    if mistakes:
        raise LabelSetError(*limit_mistakes(mistakes))
    return found


def _misnamed(
    source: LabelSetSource, rows: Mapping[str, int], folders: Mapping[str, Path]
) -> Iterator[Mistake]:
    """Yield a mistake for each folder that has no row, and for each row that has no folder."""
    top, table = (
        display_path(source.folder / source.settings.examples_folder),
        display_path(source.folder / LABELS_CSV),
    )
    extra = sorted(folders.keys() - rows.keys())
    missing = [name for name in rows if name not in folders]
    find_nearest = limited_nearest()
    for name in extra:
        problem = f"the folder '{ellipsize(name)}' is not named after a row's id"
        remedy = did_you_mean(find_nearest(name, missing))
        yield Mistake(
            top, problem, remedy or "Add a row for the folder, or move the folder elsewhere."
        )
    for name in missing:
        problem = f"{top} has no folder for this row (expected '{ellipsize(name)}')"
        remedy = did_you_mean(find_nearest(name, extra))
        where = f"{table}:{source.rows[rows[name]].location}"
        yield Mistake(where, problem, remedy or "Create the folder, or remove the row.")


def fingerprint(source: LabelSetSource, found: FoundPictures) -> str:
    """Return one SHA-256 of all usable pictures and of their labels' ids, without the files' names.

    If squares are cut around faces, the SHA-256 also covers the setting `crop`.
    """
    lines = sorted(f"{source.rows[picture.row].id}\n{picture.key}" for picture in found.good)
    if source.settings.cuts_examples:
        lines.append(f"cut as {source.settings.crop}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def pictures_changed(source: LabelSetSource, label_set: LabelSet) -> bool:
    """Return whether the pictures differ from the pictures that the set was built from.

    The result is False if there are no pictures, as in an imported set. Raises LabelSetError if the
    set is not built.
    """
    if not source.settings.method.learns_from_pictures:
        return False
    before = built_file.read_metadata(label_set).get(built_file.PICTURES_KEY)
    if not (source.folder / source.settings.examples_folder).is_dir():
        return False
    try:
        return fingerprint(source, find_pictures(source, ())) != before
    except LabelSetError:
        return True


def folder_signature(top: Path) -> frozenset[tuple[str, int, int]]:
    """Return the path, time and size of each file; a different result means that a picture changed.

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
    top = source.folder / source.settings.examples_folder
    counts = Counter(picture.row for picture in found.good)
    for row in rows:
        if counts[row] < MIN_PICTURES:
            seen = counted(counts[row], "good picture")
            problem = f"the folder has {seen} (expected at least {MIN_PICTURES})"
            skipped = [str(file) for file in found.skipped if file.row == row]
            problem += f"; left out: {'; '.join(skipped[:MIN_PICTURES])}" if skipped else ""
            remedy = "Add pictures."
            if any(file.row == row and file.why == NO_FACE for file in found.skipped):
                remedy = (
                    "Add pictures. If the pictures are cropped already, or show no faces, write "
                    f"`examples: {AS_THEY_ARE}` in labelset.yaml."
                )
            where = f"{display_path(top)}/{ellipsize(source.rows[row].id)}"
            yield Mistake(where, problem, remedy)


def _folders(top: Path) -> dict[str, Path]:
    try:
        inside = [
            entry for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith(".")
        ]
    except FileNotFoundError:
        problem = (
            "this folder of pictures does not exist (expected one subfolder per row, named "
            "after the row's id)"
        )
        remedy = (
            "Create it, or name another folder under `examples:` in labelset.yaml. An imported set "
            "has no pictures: it can be shown, but cannot be built again without them."
        )
        if nearest(top.name, (AS_THEY_ARE,), cutoff=0.7):
            remedy = did_you_mean(AS_THEY_ARE)
        raise LabelSetError(Mistake(display_path(top), problem, remedy)) from None
    except (OSError, ValueError):
        problem = "this folder of pictures cannot be opened"
        remedy = (
            "Check that it is a folder, and check its permissions. Or name another folder under "
            "`examples:` in labelset.yaml. The folder must have one subfolder per row, named after "
            "the row's id."
        )
        raise LabelSetError(Mistake(display_path(top), problem, remedy)) from None
    # A Mac stores a letter and its accent as two characters.
    return {unicodedata.normalize("NFC", entry.name): entry for entry in inside}


SIDECARS = ("thumbs.db", "desktop.ini", ".aae", ".xmp")
"""The endings, in lower case, of the names of files that systems and editors create next to
pictures.
"""

IN_ICLOUD = re.compile(r"\.(.+)\.icloud")
"""Matches the name of the file that a Mac leaves in place of a picture that is only in iCloud."""


def _files(folder: Path) -> list[Path]:
    """Return the files that may be pictures, sorted.

    Hidden files are left out, because they are not the artist's.
    """
    return sorted(
        entry
        for entry in folder.iterdir()
        if IN_ICLOUD.fullmatch(entry.name)
        or not (entry.name.startswith(".") or entry.name.lower().endswith(SIDECARS))
    )


def scan_files(files: Sequence[tuple[Path, int]], known: Container[str]) -> FoundPictures:
    """Return the good pictures and the skipped files; `files` are pairs of a file and its row.

    If several files have the same picture, only one of them is good. A picture in the folders of
    two labels is left out of both, because the network cannot learn the difference from it.
    """
    good, skipped = [], []
    with _quiet():
        for file, row in files:
            judged = _scan_file(file, row, known)
            if isinstance(judged, Picture):
                good.append(judged)
            else:
                skipped.append(judged)
    same: dict[str, list[Picture]] = defaultdict(list)
    for picture in good:
        same[picture.key].append(picture)
    first: dict[str, Picture] = {}
    for picture in good:
        if why := under_other_labels(picture, same[picture.key]):
            skipped.append(SkippedPicture(picture.file, picture.row, why))
        elif (earlier := first.setdefault(picture.key, picture)) is not picture:
            why = f"the picture is the same as {ellipsize(earlier.file.name)}"
            skipped.append(SkippedPicture(picture.file, picture.row, why))
    return FoundPictures(tuple(first.values()), tuple(skipped))


def under_other_labels(picture: Picture, same: Sequence[Picture]) -> str:
    """Return "" or, if other labels' folders contain `picture` too, the reason to leave it out.

    `same` are all files with the same picture.
    """
    others = [
        f"{ellipsize(other.file.parent.name)}/{ellipsize(other.file.name)}"
        for other in same
        if other.row != picture.row
    ]
    return f"the same picture is in {join_first(others, 3)}" if others else ""


def _scan_file(file: Path, row: int, known: Container[str]) -> Picture | SkippedPicture:
    """Return the picture in `file`, or why it is left out; only the header is decoded."""

    def out(why: str) -> SkippedPicture:
        return SkippedPicture(file, row, why)

    if IN_ICLOUD.fullmatch(file.name):
        return out("the picture is in iCloud and not on this computer: download it first")
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
    pictures: Sequence[Picture],
    taken: Input,
    pool: ThreadPoolExecutor,
    part: Part = "frame",
    detector: Detector | None = None,
) -> list[CutPicture | SkippedPicture]:
    """Return the cut square of each picture, or the reason why the picture cannot be decoded.

    `taken` is the format of the network's input, and `pool` decodes several pictures at once. The
    square is cut around the largest face that `detector` finds; `part` is the part of the person
    that the square shows. Without a detector or a face, the square is the centre square. It is cut,
    resized and normalised as in the show.
    """
    least_side = 2 * taken.size if detector is None else max(2 * taken.size, DETECTED_SIDE)
    with _quiet():
        decoded = list(pool.map(lambda picture: _decode(picture, least_side), pictures))
        return [
            each if isinstance(each, SkippedPicture) else _cut(each, taken, part, detector)
            for each in decoded
        ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """In the block, discard decoders' messages on standard error, and Pillow's warnings.

    The build reports damaged pictures itself; most other messages concern good pictures, such as
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


def _decode(picture: Picture, least_side: int) -> DecodedPicture | SkippedPicture:
    try:
        return decode_again(picture, least_side)
    except PictureError as error:
        return SkippedPicture(picture.file, picture.row, str(error))


def decode_again(picture: Picture, least_side: int) -> DecodedPicture:
    """Return the pixels of a picture that was found earlier; raises PictureError if that fails."""
    try:
        data = picture.file.read_bytes()
    except OSError as error:
        raise PictureError(_unreadable(error)) from None
    if hashlib.sha256(data).hexdigest() != picture.key:
        raise PictureError("it was replaced during the build")
    return picture_file.decode(data, least_side)


def _cut(
    decoded: DecodedPicture, taken: Input, part: Part, detector: Detector | None
) -> CutPicture:
    frame = Frame.from_rgb(decoded.pixels, 0)
    shorter = min(frame.width, frame.height)
    faces = detector.detect(frame) if detector else []
    if faces:
        box = max((face.box for face in faces), key=lambda box: box.area)
        left, top, side, _ = crops.crop_region(box, frame, part)
        region = (left / shorter, top / shorter, side / shorter)
    else:
        left, top = (frame.width - shorter) // 2, (frame.height - shorter) // 2
        middle = decoded.pixels[top : top + shorter, left : left + shorter]
        frame, box = Frame.from_rgb(middle, 0), Box(0, 0, shorter, shorter)
        part, region = "frame", NO_REGION
    square = torch.from_numpy(crops.cut(frame, [box], part, taken)[0])
    return CutPicture(square, decoded.missing, region)
