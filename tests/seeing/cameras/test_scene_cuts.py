from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.cameras.rehearsal import Rehearsal
from installation.seeing.cameras.scene_cuts import Scenes
from installation.seeing.frame import Pixels
from tests.support.pictures import quarters

VISITOR = Rehearsal(320, 240, 30).picture(5)


def _scenes(pictures: list[Pixels]) -> int:
    scenes = Scenes()
    for pixels in pictures:
        scenes.see(pixels)
    return scenes.number


def test_a_visit_is_one_scene() -> None:
    """A visitor who walks in, looks and leaves does not cut the film."""
    rehearsal = Rehearsal(320, 180, 30)
    assert _scenes([rehearsal.picture(index / 30) for index in range(20 * 30)]) == 0


def test_another_picture_is_another_scene() -> None:
    """A cut is counted once, however long the shots are."""
    assert _scenes([VISITOR] * 3 + [quarters()] * 3 + [VISITOR] * 3) == 2


@given(st.integers(-40, 40))
def test_a_lamp_that_dims_is_no_cut(change: int) -> None:
    """Light that goes up or down leaves the place what it was."""
    lit = np.clip(VISITOR.astype(int) + change, 0, 255).astype(np.uint8)
    assert _scenes([VISITOR, lit]) == 0


def test_a_swift_pan_is_no_cut() -> None:
    """A camera that sweeps across a twelfth of its picture per frame stays in its scene."""
    wide = cast(Pixels, cv2.resize(Rehearsal(640, 240, 30).picture(5), (1280, 240)))
    views = [np.ascontiguousarray(wide[:, x : x + 320]) for x in range(300, 700, 26)]
    assert _scenes(views) == 0


def test_starting_again_is_another_scene() -> None:
    """Even a film whose end looks like its beginning."""
    scenes = Scenes()
    scenes.see(quarters())
    scenes.start_again()
    scenes.see(quarters())
    assert scenes.number == 1
    assert repr(scenes) == "<Scenes, at 1>"
