from __future__ import annotations

import cv2
import numpy as np
import pytest

from installation.running.progress import CameraFault
from installation.seeing.cameras.condition import PictureCondition, is_torn
from installation.seeing.frame import Pixels

SIZE = (320, 240)


def noisy(level: float, seed: int, size: tuple[int, int] = SIZE) -> Pixels:
    """Return a wall of one grey, with the noise of a sensor."""
    random = np.random.default_rng(seed)
    noise = random.normal(level, 2.0, (size[1], size[0], 3))
    return np.clip(noise, 0, 255).astype(np.uint8)


def judged(level: float, seconds: float, fps: float = 30.0, **size: tuple[int, int]) -> CameraFault:
    """Return the faults of a camera of 30 fps after `seconds` of noisy pictures."""
    condition = PictureCondition(SIZE, 30.0, 0.0)
    for number in range(int(seconds * fps)):
        now = number / fps
        picture = noisy(level, number, **size)
        assert not condition.is_repeated(picture, now)
        condition.note_torn(is_torn(picture))
        condition.judge(picture, now)
    return condition.faults


@pytest.mark.parametrize("level", [30, 128, 235])
def test_a_still_room_has_no_fault(level: float) -> None:
    """An empty wall, in any light and with a sensor's noise, has no fault."""
    assert judged(level, 12.0) == CameraFault(0)


def test_the_same_picture_for_two_seconds_is_frozen() -> None:
    """Each repeated picture is known at once, and after two seconds the camera counts as frozen."""
    condition = PictureCondition(SIZE, 30.0, 0.0)
    picture = noisy(128, 0)
    assert not condition.is_repeated(picture, 0.0)
    for number in range(1, 100):
        now = number / 30
        assert condition.is_repeated(picture, now)
        assert (CameraFault.FROZEN in condition.faults) == (now >= 2.0)
    assert not condition.is_repeated(noisy(128, 1), 4.0)
    assert condition.faults == CameraFault(0)


@pytest.mark.parametrize("buffers", [2, 3, 4])
def test_old_pictures_in_turn_are_frozen(buffers: int) -> None:
    """A frozen camera is recognised even if the driver sends its few buffers in turn."""
    condition = PictureCondition(SIZE, 30.0, 0.0)
    pictures = [noisy(128, number) for number in range(buffers)]
    seen = [condition.is_repeated(pictures[number % buffers], number / 30) for number in range(90)]
    assert seen == [False] * buffers + [True] * (90 - buffers)
    assert condition.faults == CameraFault.FROZEN


def test_a_camera_that_is_still_frozen_shows_nothing_after_it_was_opened_again() -> None:
    """The last picture before the reopening is recognised by its checksum."""
    before = PictureCondition(SIZE, 30.0, 0.0)
    picture = noisy(128, 0)
    before.is_repeated(picture, 0.0)
    after = PictureCondition(SIZE, 30.0, 5.0, before.last)
    assert isinstance(before.last, int)
    assert after.is_repeated(picture, 5.0)


@pytest.mark.parametrize(
    ("level", "fault"), [(2, CameraFault.BLACK), (255, CameraFault.OVEREXPOSED)]
)
def test_a_covered_or_blinded_camera_is_known(level: float, fault: CameraFault) -> None:
    """A lens cap, and a lamp that shines into the lens, are reported after two seconds."""
    assert judged(level, 3.0) == fault
    assert judged(level, 1.5) == CameraFault(0)


@pytest.mark.parametrize(("share", "is_black"), [(0.005, True), (0.03, False)])
def test_a_few_bright_pixels_behind_a_cap_are_no_picture(share: float, is_black: bool) -> None:
    """A few bright pixels behind a lens cap count as black; a lamp in a dark room does not."""
    condition = PictureCondition(SIZE, 30.0, 0.0)
    bright = np.random.default_rng(0).random((SIZE[1], SIZE[0])) < share
    for number in range(90):
        picture = noisy(4, number)
        picture[bright] = 200
        condition.judge(picture, number / 30)
    assert (CameraFault.BLACK in condition.faults) is is_black


def test_another_size_and_a_low_rate_are_known() -> None:
    """Pictures of another size or rate than the camera reported are a fault."""
    assert judged(128, 1.0, size=(160, 120)) == CameraFault.OTHER_SIZE
    assert judged(128, 12.0, fps=14.0) == CameraFault.SLOW
    assert judged(128, 12.0, fps=16.0) == CameraFault(0)


def test_a_slow_computer_is_not_a_slow_camera() -> None:
    """The rate counts all pictures that the camera has sent, also unread ones."""
    for sent_fps, fault in ((30, CameraFault(0)), (10, CameraFault.SLOW)):
        condition = PictureCondition(SIZE, 30.0, 0.0)
        for number in range(60):
            now = number / 3
            condition.note_sent(int(sent_fps * now))
            condition.judge(noisy(128, number), now)
        assert condition.faults == fault


def cut_jpeg(share: float) -> Pixels:
    """Return what libjpeg makes of a JPEG of which only the fraction `share` has arrived."""
    from PIL import Image, ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        data = cv2.imencode(".jpg", noisy(90, 3))[1].tobytes()
        import io

        with Image.open(io.BytesIO(data[: int(len(data) * share)])) as opened:
            return np.asarray(opened.convert("RGB"), np.uint8)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_picture_is_torn(share: float) -> None:
    """Missing rows are recognised for each decoder, because they are flat."""
    assert is_torn(cut_jpeg(share))
    assert not is_torn(cut_jpeg(1.0))


def test_a_torn_picture_now_and_then_is_no_fault_of_the_camera() -> None:
    """One incomplete picture in ten is only skipped; one in four is a fault."""
    condition = PictureCondition(SIZE, 30.0, 0.0)
    for number in range(200):
        condition.note_torn(number % 10 == 0)
    assert condition.faults == CameraFault(0)
    for number in range(200):
        condition.note_torn(number % 4 == 0)
    assert condition.faults == CameraFault.TORN
