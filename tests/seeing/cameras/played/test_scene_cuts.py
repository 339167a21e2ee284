from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.cameras.played.rehearsal import RehearsalPictures
from installation.seeing.cameras.played.scene_cuts import SceneCounter
from installation.seeing.frame import Pixels
from tests.support.pictures import quarters

VISITOR = RehearsalPictures(320, 240, 30).picture(5)


def _cuts(pictures: list[Pixels]) -> int:
    scenes = SceneCounter()
    for pixels in pictures:
        scenes.update(pixels)
    return scenes.number


def test_a_visit_is_one_scene() -> None:
    """A visitor who enters, stays and leaves is not a cut."""
    rehearsal = RehearsalPictures(320, 180, 30)
    assert _cuts([rehearsal.picture(index / 30) for index in range(20 * 30)]) == 0


def test_another_picture_is_another_scene() -> None:
    """A cut is counted once, however long the shots are."""
    assert _cuts([VISITOR] * 3 + [quarters()] * 3 + [VISITOR] * 3) == 2


@given(st.integers(-40, 40))
def test_a_change_of_light_is_not_a_cut(change: int) -> None:
    """A change of the light is not a cut."""
    lit = np.clip(VISITOR.astype(int) + change, 0, 255).astype(np.uint8)
    assert _cuts([VISITOR, lit]) == 0


def test_a_fast_pan_is_not_a_cut() -> None:
    """A camera that pans by a twelfth of its picture per frame stays in its scene."""
    wide = cast(Pixels, cv2.resize(RehearsalPictures(640, 240, 30).picture(5), (1280, 240)))
    views = [np.ascontiguousarray(wide[:, x : x + 320]) for x in range(300, 700, 26)]
    assert _cuts(views) == 0


def test_starting_again_is_another_scene() -> None:
    """A film that starts again begins a new scene, even if its end looks like its beginning."""
    scenes = SceneCounter()
    scenes.update(quarters())
    scenes.restart()
    scenes.update(quarters())
    assert scenes.number == 1
    assert repr(scenes) == "<SceneCounter, at 1>"
