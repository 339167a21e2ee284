from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skimage import data

from installation.errors import MAX_MISTAKES, LabelSetError
from installation.making.build import build, example_pictures, from_examples, picture_file
from installation.making.build.example_pictures import CutPicture, SkippedPicture
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.networks.encoder import Batch, Encoded, Input
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels
from installation.settings.kiosk import ContentSettings
from tests.support.children import NOBODY
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_examples import (
    COLOURS,
    TAKEN,
    YAML,
    ColourEncoder,
    build_colours,
    colour_rows,
    draw,
    picture_mistakes,
    save,
    write_colours,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a set of four labels, red to grey, with five pictures each."""
    return write_colours(tmp_path)


def test_changed_pictures_are_found(folder: Path) -> None:
    """Changed pictures make a build stale; renamed pictures do not.

    Pictures that are left out, or that are not on this machine, make no difference.
    """
    build.build(
        "seen", folder.parent, partial(from_examples.build_from_examples, encoder=ColourEncoder())
    )
    source = read_source("seen", folder.parent)
    label_set = load_label_set("seen", ContentSettings(), folder.parent)
    reds = folder / "examples" / "red"
    (reds / "0.png").rename(reds / "renamed.png")
    (reds / "notes.txt").write_text("to do")
    assert not example_pictures.pictures_changed(source, label_set)
    before = example_pictures.folder_signature(folder / "examples")
    save(reds / "new.png", np.full((80, 80, 3), (220, 30, 60), np.uint8))
    assert example_pictures.pictures_changed(source, label_set)
    assert example_pictures.folder_signature(folder / "examples") != before
    (folder / "examples").rename(folder / "elsewhere")
    assert not example_pictures.pictures_changed(source, label_set)
    assert example_pictures.folder_signature(folder / "examples") == frozenset()


def bomb() -> bytes:
    """Return a PNG of a few bytes that claims 60,000 × 60,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
    packed = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_bad_pictures_are_left_out_and_named(folder: Path) -> None:
    """Each file that is left out is named with the reason, and the others are used."""
    reds = folder / "examples" / "red"
    good = (reds / "0.png").read_bytes()
    (reds / "again.png").write_bytes(good)
    (reds / "notes.txt").write_text("to do")
    (reds / "half.png").write_bytes(good[: len(good) // 2])
    (reds / "empty.jpg").touch()
    (reds / "bomb.png").write_bytes(bomb())
    (reds / "more").mkdir()
    for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini", "IMG_1.AAE", "0.xmp"):
        (reds / name).write_bytes(b"of the system, and not named")
    (reds / ".IMG_2.jpg.icloud").write_bytes(b"bplist00")
    save(reds / "small.png", np.zeros((63, 200, 3), np.uint8))
    with (reds / "large.jpg").open("wb") as file:
        file.truncate(example_pictures.MAX_PICTURE_BYTES + 1)
    for name in ("green", "blue"):
        save(folder / "examples" / name / "both.png", np.zeros((70, 70, 3), np.uint8))
    no_picture = (
        "it is not a picture of a known format (jpeg, png, webp, heif, avif, gif, bmp, tiff)"
    )
    made = build_colours(folder)
    assert sorted(made.notes) == sorted(
        f"Left out: {reason}."
        for reason in (
            "red/again.png: the picture is the same as 0.png",
            f"red/notes.txt: {no_picture}",
            "red/half.png: it is damaged and cannot be decoded",
            "red/empty.jpg: it is empty (copy it again)",
            "red/.IMG_2.jpg.icloud: the picture is in iCloud and not on this computer: download it "
            "first",
            "red/bomb.png: it has too many pixels (expected at most 120,000,000)",
            "red/more: it is not a file",
            "red/small.png: it is 200×63 px (expected at least 64×64)",
            "red/large.jpg: it has 67,108,865 bytes (expected at most 67,108,864)",
            "green/both.png: the same picture is in blue/both.png",
            "blue/both.png: the same picture is in green/both.png",
        )
    )
    assert "Pictures: red one 5, green one 5, blue one 5, grey one 5." in made.figures
    assert "Files left out: 11; `kiosk labels build` names them." in made.figures
    assert ".png" not in "".join(made.figures), "the card is exchanged, and names no picture"


def test_a_cut_tail_is_said_at_each_build(folder: Path) -> None:
    """A JPEG without its last rows is used and reported at each build, even without decoding."""
    whole = cv2.imencode(".jpg", data.chelsea())[1].tobytes()
    (folder / "examples" / "red" / "cut.jpg").write_bytes(whole[:-400])
    for _ in range(2):
        (note,) = build_colours(folder).notes
        assert note.startswith("red/cut.jpg: ")
        assert note.endswith(" of its rows of pixels are missing; the rest is used.")


def test_decoders_write_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Decoders' own warnings do not appear on standard error."""
    jpeg, png = tmp_path / "a.jpg", tmp_path / "a.png"
    jpeg.write_bytes(JPEG[:-2] + bytes(200) + JPEG[-2:])
    png.write_bytes(PNG[:2000] + b"?" + PNG[2001:])
    found = example_pictures.scan_files([(jpeg, 0), (png, 0)], ())
    assert len(found.good) == 2
    assert cv2.imread(str(png)) is None
    assert "libpng error" in capfd.readouterr().err, "they do say something"
    with ThreadPoolExecutor(1) as pool:
        good, broken = example_pictures.cut_squares(found.good, TAKEN, pool)
    assert isinstance(good, CutPicture)
    assert isinstance(broken, SkippedPicture)
    assert capfd.readouterr().err == ""
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_all_mistakes_are_named_at_once(folder: Path) -> None:
    """Rows without a folder, folders without a row and too few pictures are reported together."""
    inside = folder / "examples"
    (inside / "red").rename(inside / "redd")
    (inside / "blue" / "0.png").unlink()
    (inside / "blue" / "1.png").write_text("no picture")
    draw(inside / "purple", (120, 0, 120))
    assert picture_mistakes(folder) == [
        "examples: the folder 'purple' is not named after a row's id. Add a row for the folder, or "
        "move the folder elsewhere.",
        "examples: the folder 'redd' is not named after a row's id. Did you mean 'red'?",
        "labels.csv:2: examples has no folder for this row (expected 'red'). Did you mean 'redd'?",
        "examples/blue: the folder has 3 good pictures (expected at least 5); left out: "
        "blue/1.png: it is not a picture of a known format "
        "(jpeg, png, webp, heif, avif, gif, bmp, tiff). "
        "Add pictures.",
    ]


def test_mistakes_come_in_the_order_of_the_table(folder: Path) -> None:
    """Mistakes are sorted by line, and too many files are a mistake."""
    rows = [f"row{number},row {number},,," for number in range(9)]
    write_label_set(
        folder.parent, HEADER, *rows, *colour_rows(), name="seen", yaml=YAML + "examples"
    )
    messages = picture_mistakes(folder)
    assert [line.split(":")[1] for line in messages] == [str(line) for line in range(2, 11)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example_pictures, "MAX_PICTURES", 19)
        assert picture_mistakes(folder) == [
            *messages,
            "examples: the folder has 20 files (expected at most 19). Remove some.",
        ]


def test_many_mistakes_are_counted(folder: Path) -> None:
    """A folder of unknown folders gives a limited number of mistakes and their count, quickly."""
    for number in range(500):
        (folder / "examples" / f"rd{number}").mkdir()
    write_label_set(
        folder.parent, HEADER, *colour_rows(), "rd,rd,,,", name="seen", yaml=YAML + "examples"
    )
    messages = picture_mistakes(folder)
    assert len(messages) == MAX_MISTAKES + 1
    assert messages[0].endswith("'rd0' is not named after a row's id. Did you mean 'rd'?")
    assert (
        messages[-1]
        == "examples: 451 more mistakes, not listed here. Correct the listed mistakes first."
    )


def test_a_folder_that_cannot_be_read_is_a_mistake() -> None:
    """A folder without permission is a mistake, reported with all others."""
    with TemporaryDirectory() as name:
        models = Path(name)
        models.chmod(0o755)
        folder = write_label_set(
            models, HEADER, *colour_rows(), name="seen", yaml=YAML + "examples"
        )
        for row, colour in COLOURS.items():
            draw(folder / "examples" / row, colour, 4)
        source = read_source("seen", models)
        with _nobody(folder / "examples" / "red"), pytest.raises(LabelSetError) as caught:
            example_pictures.find_pictures(source, ())
        messages = [str(mistake) for mistake in caught.value.mistakes]
        assert messages[0] == (
            f"{folder}/examples/red: it cannot be read (Permission denied). Check its permissions."
        )
        assert len(messages) == 4


@contextmanager
def _nobody(closed: Path) -> Iterator[None]:
    """Act as a user who may not read `closed`, even if the tests run as root."""
    user, mode = os.geteuid(), closed.stat().st_mode
    closed.chmod(0)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        closed.chmod(mode)


def test_a_dangling_link_does_not_hide_a_change(folder: Path) -> None:
    """A dangling link does not keep a new picture from being noticed."""
    reds = folder / "examples" / "red"
    (reds / "link.png").symlink_to("nowhere.png")
    before = example_pictures.folder_signature(folder / "examples")
    (reds / "new.png").write_bytes((reds / "0.png").read_bytes())
    new = {path for path, _, _ in example_pictures.folder_signature(folder / "examples") - before}
    assert str(reds / "new.png") in new


def test_a_picture_that_changes_during_the_build_is_reported(folder: Path) -> None:
    """A picture that is replaced or removed during the build is not reported as damaged."""
    files = [folder / "examples" / "red" / f"{number}.png" for number in range(3)]
    found = example_pictures.scan_files([(file, 0) for file in files], ())
    files[0].write_bytes(files[1].read_bytes())
    files[1].unlink()
    with ThreadPoolExecutor(1) as pool:
        first, second, third = example_pictures.cut_squares(found.good, TAKEN, pool)
    assert str(first) == "red/0.png: it was replaced during the build"
    assert str(second) == "red/1.png: it cannot be read (No such file or directory)"
    assert isinstance(third, CutPicture)


def test_two_pictures_are_decoded_at_once(folder: Path) -> None:
    """No more than two pictures are decoded at a time."""
    decoders: set[str] = set()

    class Watchful(ColourEncoder):
        def encode(self, batch: Batch) -> Encoded:
            names = (thread.name for thread in threading.enumerate())
            decoders.update(name for name in names if name.startswith("ThreadPoolExecutor"))
            return super().encode(batch)

    build_colours(folder, Watchful())
    assert 1 <= len(decoders) <= 2


def test_without_the_folder_of_pictures_it_says_where_it_looked(folder: Path) -> None:
    """A missing folder of pictures names the setting that chooses it."""
    (folder / "examples").rename(folder / "photographs")
    (message,) = picture_mistakes(folder)
    assert message == (
        "examples: this folder of pictures does not exist (expected one subfolder per row, "
        "named after the row's id). Create it, or name another folder under `examples:` in "
        "labelset.yaml. An imported set has no pictures: it can be shown, but cannot be built "
        "again without them."
    )
    file = folder / "labelset.yaml"
    written = file.read_text()
    file.write_text(f"{written}\nexamples: as their are\n")
    assert picture_mistakes(folder)[0].endswith("Did you mean 'as they are'?")
    file.write_text(f"{written}\nexamples: photographs\n")
    assert build_colours(folder).tensors["weight"].shape == (4, 12)


def test_a_single_row_is_a_mistake(folder: Path) -> None:
    """A set with a single row is a mistake."""
    write_label_set(
        folder.parent, HEADER, "red,red one,looks red,,", name="seen", yaml=YAML + "examples"
    )
    assert any("the file has one row" in message for message in picture_mistakes(folder))


def test_an_id_stays_in_the_folder_of_pictures(folder: Path) -> None:
    """An id such as ../private is refused."""
    draw(folder / "private", (9, 9, 9))
    with (folder / "labels.csv").open("a") as file:
        file.write("\n../private,secret one,not for show,,")
    (message,) = picture_mistakes(folder)
    assert "the id '../private' cannot be the name of a folder of pictures" in message


def seen(file: Path, taken: Input = TAKEN) -> torch.Tensor:
    """Return a file's picture as the network takes it."""
    found = example_pictures.scan_files([(file, 0)], ())
    with ThreadPoolExecutor() as pool:
        (cut,) = example_pictures.cut_squares(found.good, taken, pool)
    assert isinstance(cut, CutPicture)
    return cut.square


def as_in_the_show(pixels: Pixels, taken: Input = TAKEN) -> torch.Tensor:
    """Return the centre square as the show cuts, resizes and normalises."""
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Frame.from_rgb(np.ascontiguousarray(pixels[top : top + side, left : left + side]), 0)
    return torch.from_numpy(crops.cut(square, [Box(0, 0, 1, 1)], "frame", taken)[0])


@pytest.mark.parametrize(
    ("name", "within"),
    [("a.png", 0), ("a.bmp", 0), ("a.tiff", 0), ("a.jpg", 0.25), ("a.webp", 0.25), ("A.JPG", 0.25)],
)
def test_each_kind_of_picture_is_seen_as_in_the_show(
    tmp_path: Path, name: str, within: float
) -> None:
    """An artist's picture is resized and normalised like a visitor's crop."""
    photograph = data.chelsea()
    square = seen(save(tmp_path / name, photograph))
    assert (square - as_in_the_show(photograph)).abs().max() <= within


def test_a_picture_that_was_taken_upright_is_seen_upright(tmp_path: Path) -> None:
    """A picture's EXIF orientation is applied."""
    photograph = data.chelsea()
    turned = np.rot90(photograph)  # the top is at the left
    file = save(tmp_path / "a.jpg", turned)
    # APP1 with one entry of TIFF: orientation (0x0112), a short, is 6: turn to the right.
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    plain = file.read_bytes()
    file.write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    assert (seen(file) - as_in_the_show(photograph)).abs().max() < 0.25


def test_a_large_jpeg_is_decoded_small(tmp_path: Path) -> None:
    """A large JPEG is decoded at an eighth of its size; the square from it is nearly the same."""
    photograph = cv2.resize(data.astronaut(), (2000, 1600), interpolation=cv2.INTER_CUBIC)
    whole = as_in_the_show(np.asarray(photograph, np.uint8))
    file = save(tmp_path / "a.jpg", np.asarray(photograph, np.uint8))
    small = picture_file.decode(file.read_bytes(), 2 * TAKEN.size).pixels
    assert small.shape == (200, 250, 3), "an eighth"
    square = seen(file)
    assert (square - whole).abs().mean() < 0.02


PNG = cv2.imencode(".png", data.chelsea()[:70, :70])[1].tobytes()


JPEG = cv2.imencode(".jpg", data.chelsea()[:70, :70])[1].tobytes()


TIFF = cv2.imencode(".tiff", data.chelsea()[:70, :70])[1].tobytes()


WEBP = cv2.imencode(".webp", data.chelsea()[:70, :70])[1].tobytes()


BMP = cv2.imencode(".bmp", data.chelsea()[:70, :70])[1].tobytes()


@given(
    whole=st.sampled_from([PNG, JPEG, TIFF, WEBP, BMP]),
    place=st.integers(0, 400),
    inserted=st.binary(min_size=1, max_size=8),
    length=st.integers(0, 20_000),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_stops_a_build(
    tmp_path: Path, whole: bytes, place: int, inserted: bytes, length: int
) -> None:
    """Any bytes under a picture's name are decoded or left out."""
    file = tmp_path / "a.png"
    file.write_bytes((whole[:place] + inserted + whole[place + len(inserted) :])[:length])
    found = example_pictures.scan_files([(file, 0)], ())
    with ThreadPoolExecutor(1) as pool:
        for square in example_pictures.cut_squares(found.good, TAKEN, pool):
            assert isinstance(square, SkippedPicture) or square.square.shape == (3, 32, 32)
