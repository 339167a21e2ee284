"""The contract of every picture source, and how a camera plays one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from installation.errors import CameraError
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.cameras.played.film import FilmPictures
from installation.seeing.cameras.played.pictures import FolderPictures
from installation.seeing.cameras.played.rehearsal import RehearsalPictures
from installation.seeing.cameras.played.replay import MAX_SKIPPED_S, PictureSource, Replay
from tests.support.manual_clock import ManualClock
from tests.support.pictures import number_of, numbered, write_film, write_picture

FPS = 5
LENGTH = 20

OpenSource = Callable[[Path], PictureSource]


def _film(folder: Path) -> PictureSource:
    return FilmPictures(write_film(folder / "film.avi", [numbered(1)] * 30, FPS))


def _folder(folder: Path) -> PictureSource:
    write_picture(folder / "a.png", numbered(1))
    write_picture(folder / "b.png", numbered(2))
    return FolderPictures(folder, 160, 120, FPS)


def _rehearsal(folder: Path) -> PictureSource:
    return RehearsalPictures(160, 120, FPS)


every_source = pytest.mark.parametrize(
    ("open_source", "length"), [(_film, 30), (_folder, 50), (_rehearsal, 100)]
)


@every_source
def test_a_source_ends_and_can_be_rewound(
    open_source: OpenSource, length: int, tmp_path: Path
) -> None:
    """A source has as many pictures as its length and rate imply, however many are skipped."""
    pictures = open_source(tmp_path)
    count = 0
    while pictures.skip() if count % 3 else pictures.next() is not None:
        count += 1
    assert count == length
    assert pictures.next() is None
    assert not pictures.skip()
    pictures.rewind()
    assert pictures.next() is not None
    pictures.close()
    pictures.close()


@every_source
def test_a_source_gives_pictures_of_one_size(
    open_source: OpenSource, length: int, tmp_path: Path
) -> None:
    """Every picture is `(H, W, 3)` uint8, at a rate that the source states."""
    pictures = open_source(tmp_path)
    assert pictures.fps == FPS
    for _ in range(length):
        pixels = pictures.next()
        assert pixels is not None
        assert pixels.shape == (120, 160, 3)
        assert pixels.dtype == np.uint8


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that does not move."""
    return ManualClock()


@pytest.fixture
def film(tmp_path: Path) -> FilmPictures:
    """Return a film of 20 frames at 30 fps whose brightness encodes their number."""
    return FilmPictures(write_film(tmp_path / "film.avi", map(numbered, range(LENGTH)), 30))


def _replay(film: FilmPictures, clock: ManualClock, *, as_fast_as_possible: bool = False) -> Replay:
    return Replay(film, Orientation(), clock, as_fast_as_possible=as_fast_as_possible)


def _number(camera: Replay) -> int:
    frame = camera.read()
    assert frame is not None
    return number_of(frame.bgr)


def test_a_source_plays_at_its_own_rate_and_loops(film: FilmPictures, clock: ManualClock) -> None:
    """A reader that is never late gets each picture in turn, one thirtieth of a second apart."""
    camera = _replay(film, clock)
    started_at = clock.now()
    assert [_number(camera) for _ in range(50)] == [index % LENGTH for index in range(50)]
    assert clock.now() - started_at == pytest.approx(49 / 30)


def test_a_late_reader_misses_pictures(film: FilmPictures, clock: ManualClock) -> None:
    """As with a camera, pictures that were due while nobody read are skipped."""
    camera = _replay(film, clock)
    assert _number(camera) == 0
    clock.instant += 5.4 / 30
    before = clock.now()
    assert _number(camera) == 5
    assert clock.now() == before
    assert _number(camera) == 6
    assert clock.now() - before == pytest.approx(0.6 / 30)


def test_pictures_are_missed_across_the_end(film: FilmPictures, clock: ManualClock) -> None:
    """A reader that was late at a film's end continues at its beginning."""
    camera = _replay(film, clock)
    for _ in range(18):
        _number(camera)
    clock.instant += 6.5 / 30
    assert _number(camera) == 3


def test_a_reader_that_was_away_for_long_misses_half_a_second(
    film: FilmPictures, clock: ManualClock
) -> None:
    """A machine that is too slow for the film does not skip more and more of it."""
    camera = _replay(film, clock)
    _number(camera)
    clock.instant += 3600
    assert _number(camera) == 1 + int(MAX_SKIPPED_S * 30)
    before = clock.now()
    _number(camera)
    assert clock.now() - before == pytest.approx(1 / 30)


def test_as_fast_as_possible_gives_each_picture_once(
    film: FilmPictures, clock: ManualClock
) -> None:
    """For measurements every picture is returned once, without waiting."""
    camera = _replay(film, clock, as_fast_as_possible=True)
    assert [_number(camera) for _ in range(LENGTH)] == list(range(LENGTH))
    assert camera.read() is None
    assert clock.waits == []


def test_a_film_that_cannot_be_played_again_is_an_error(
    tmp_path: Path, film: FilmPictures, clock: ManualClock
) -> None:
    """A film that is lost during the show ends it with the film's name."""
    camera = _replay(film, clock)
    for _ in range(LENGTH):
        camera.read()
    (tmp_path / "film.avi").write_bytes(b"")
    with pytest.raises(CameraError, match=r"film\.avi: this file cannot be decoded"):
        camera.read()
