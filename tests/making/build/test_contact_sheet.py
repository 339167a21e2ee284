"""Tests that pictures are cut as the show cuts visitors, and that the artist sees the result.

Possible faults: an artist has to crop pictures by hand; a picture without a face, or with another
person's, is used; the artist cannot see what was cut.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from installation.errors import LabelSetError
from installation.making.build import build, example_pictures, from_examples
from installation.making.build.result import BuildResult
from installation.making.zip_file import export
from installation.naming.label_set.load import read_source
from installation.naming.networks.encoder import Batch, Encoded
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.frame import Frame, Pixels
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_examples import YAML, ColourEncoder, save

CUT = YAML.replace("crop: frame\n", "") + "examples\n"


class Watcher(ColourEncoder):
    """A network that keeps the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Batch] = []

    def encode(self, batch: Batch) -> Encoded:
        self.batches.append(batch.copy())
        return super().encode(batch)


def portraits() -> list[Pixels]:
    """Return five pictures of 640×512 px: an astronaut at five places, in five costumes."""
    random = np.random.default_rng(0)
    pictures = []
    for i in range(5):
        wide = np.full((512, 640, 3), (60 * i, 200 - 40 * i, 90), np.uint8)
        wide[:, 32 * i : 32 * i + 448] = data.astronaut()[:, :448]
        wide[220:] = random.integers(0, 256, (4, 5, 3), np.uint8).repeat(73, 0).repeat(128, 1)
        pictures.append(wide)
    return pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a set with two labels: one with portraits, and one that is background."""
    folder = write_label_set(
        tmp_path,
        f"{HEADER},is_background",
        *("astro,astronaut,in orange,,,", "room,nobody,an empty room,,,yes"),
        name="seen",
        yaml=CUT,
    )
    random = np.random.default_rng(1)
    for name in ("astro", "room"):
        (folder / "examples" / name).mkdir(parents=True)
    for i, picture in enumerate(portraits()):
        save(folder / "examples" / "astro" / f"{i}.png", picture)
        wall = random.normal(50 * i, 20, (90 + i, 120, 3))
        save(folder / "examples" / "room" / f"{i}.png", np.clip(wall, 0, 255).astype(np.uint8))
    return folder


def built(folder: Path, encoder: ColourEncoder | None = None) -> BuildResult:
    """Return the notes of a build of the set."""
    builder = partial(from_examples.build_from_examples, encoder=encoder or ColourEncoder())
    result = build.build("seen", folder.parent, builder)
    assert result is not None
    return result


def test_pictures_are_cut_as_the_show_cuts_visitors(folder: Path) -> None:
    """The network sees the same square of a portrait as of a visitor in the same position."""
    watcher = Watcher()
    result = built(folder, watcher)
    frame = Frame.from_rgb(portraits()[0], 0)
    (face,) = Mtcnn().detect(frame)
    visitor = crops.cut(frame, [face.box], "bust", watcher.input)[0]
    assert np.abs(watcher.batches[0][0] - visitor).max() < 1e-6
    assert result.notes[0].endswith(
        "/contact_sheet.png shows which part of each picture the network gets."
    )


def test_the_contact_sheet_shows_what_was_cut(folder: Path) -> None:
    """A sheet in the set's folder has a square of each picture; no zip contains it."""
    built(folder)
    file = folder / "contact_sheet.png"
    first = file.read_bytes()
    with Image.open(file) as sheet:
        assert sheet.size == (648, 328)
        face = np.asarray(sheet).astype(int)[76:86, 64:72]
    assert (face[..., 0] > face[..., 2] + 20).all(), "skin"
    file.unlink()
    built(folder)
    assert file.read_bytes() == first, "a picture that is cached is cut the same"
    zip_ = export("seen", folder.parent, folder.parent / "seen.zip")
    assert b"contact_sheet" not in zip_.read_bytes()


def test_a_picture_without_a_face_is_left_out(folder: Path) -> None:
    """A picture of a label without a face is named at each build; one of a background is used."""
    save(folder / "examples" / "astro" / "cup.png", data.coffee())
    for _ in range(2):
        sheet, cup = built(folder).notes
        assert sheet.endswith("crossed out, as no face was found: 1 picture.")
        assert cup == "Left out: astro/cup.png: no face was found in the picture."
    (folder / "examples" / "astro" / "0.png").unlink()
    with pytest.raises(LabelSetError, match=r"write `examples: as they are` in labelset\.yaml"):
        built(folder)


def test_of_several_faces_the_largest_is_cut(folder: Path) -> None:
    """If a picture has several faces, the largest is cut."""
    group = np.full((512, 900, 3), 127, np.uint8)
    group[:, 388:] = data.astronaut()
    group[40:296, 20:276] = data.astronaut()[::2, ::2]
    for file in (folder / "examples" / "astro").iterdir():
        file.unlink()
    for i in range(5):
        noisy = group + np.random.default_rng(i).normal(0, 25 * i, group.shape)
        save(folder / "examples" / "astro" / f"{i}.png", np.clip(noisy, 0, 255).astype(np.uint8))
    watcher = Watcher()
    with suppress(LabelSetError):  # they count as copies of one another
        built(folder, watcher)
    large = max(Mtcnn().detect(Frame.from_rgb(group, 0)), key=lambda face: face.box.area)
    assert large.box.x0 > 388
    visitor = crops.cut(Frame.from_rgb(group, 0), [large.box], "bust", watcher.input)[0]
    assert np.abs(watcher.batches[0][0] - visitor).max() < 1e-6


def test_pictures_are_used_as_they_are(folder: Path) -> None:
    """With `examples: as they are` the centre square is used, also of pictures without faces."""
    file = folder / "labelset.yaml"
    cut = read_source("seen", folder.parent)
    found = example_pictures.find_pictures(cut, ())
    file.write_text(file.read_text() + "examples: as they are\n")
    source = read_source("seen", folder.parent)
    assert source.settings.examples_folder == "examples"
    fingerprints = {example_pictures.fingerprint(each, found) for each in (source, cut)}
    assert len(fingerprints) == 2, "it has to be built again"
    watcher = Watcher()
    assert not built(folder, watcher).notes
    assert not (folder / "contact_sheet.png").exists()
    middle = Frame.from_rgb(np.ascontiguousarray(portraits()[0][:, 64:576]), 0)
    whole = crops.cut(middle, [Box(0, 0, 512, 512)], "frame", watcher.input)[0]
    assert np.abs(watcher.batches[0][0] - whole).max() < 1e-6
