from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from tests.support.made_examples import (
    ColourEncoder,
    build_colours,
    save,
    write_colours,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a set of four labels, red to grey, with five pictures each."""
    return write_colours(tmp_path)


def test_a_copy_that_was_saved_again_is_left_out(folder: Path) -> None:
    """A copy in another quality, format or size, or mirrored, is left out.

    What is cut out a little further to the left is another picture.
    """
    reds = folder / "examples" / "red"
    scene = data.astronaut()[:300, 60:360]
    save(reds / "a.jpg", scene)
    for quality in (30, 60, 90):
        cv2.imwrite(str(reds / f"b{quality}.jpg"), scene[..., ::-1], [1, quality])
    save(reds / "c.png", scene)
    save(reds / "d.webp", scene)
    save(reds / "e.jpg", scene[::2, ::2])
    save(reds / "f.jpg", scene[:, ::-1])
    save(reds / "g.jpg", data.astronaut()[:300, 50:350])
    made = build_colours(folder)
    assert sorted(made.notes) == [
        f"Left out: red/{name}: the picture is the same as a.jpg, saved again."
        for name in ("b30.jpg", "b60.jpg", "b90.jpg", "c.png", "d.webp", "e.jpg", "f.jpg")
    ]
    assert "Pictures: red one 7, green one 5, blue one 5, grey one 5." in made.figures
    eye = ColourEncoder()
    assert build_colours(folder, eye).notes == made.notes
    assert eye.shown == 0, "copies are known from what is kept, too"


def test_a_picture_under_several_labels_is_left_out(folder: Path) -> None:
    """Copies of one picture under several labels are all left out, each with the reason."""
    for quality, name in enumerate(("red", "green"), 80):
        path = str(folder / "examples" / name / "both.jpg")
        cv2.imwrite(path, data.chelsea()[..., ::-1], [1, quality])
    assert build_colours(folder).notes == [
        f"Left out: {name}/both.jpg: the same picture is in {other}/both.jpg (saved again)."
        for name, other in (("red", "green"), ("green", "red"))
    ]


def test_plain_walls_are_not_copies(folder: Path) -> None:
    """Two plain surfaces of different colours are not copies."""
    for i in range(6):
        grey = np.full((80, 80, 3), (200 + i, 30 + 7 * i, 60), np.uint8)
        save(folder / "examples" / "red" / f"wall{i}.png", grey)
    assert build_colours(folder).notes == []
