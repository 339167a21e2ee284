from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import CameraError
from installation.seeing.cameras.played.film import FilmPictures
from tests.support.pictures import number_of, numbered, write_film

FPS = 30
LENGTH = 20


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film of 20 frames at 30 fps whose brightness encodes their number."""
    return write_film(tmp_path / "film.avi", map(numbered, range(LENGTH)), FPS)


def _numbers(pictures: FilmPictures) -> list[int]:
    found = []
    while (pixels := pictures.next()) is not None:
        found.append(number_of(pixels))
    return found


def test_every_frame_of_a_film_comes_once(film: Path) -> None:
    """The frame that is decoded to find out the film's size is not lost."""
    assert _numbers(FilmPictures(film)) == list(range(LENGTH))


def test_a_films_name_has_its_size_and_rate(film: Path) -> None:
    """The log says which film plays."""
    assert FilmPictures(film).name == "film film.avi, 160×120 at 30 fps"


def test_a_film_that_starts_again_is_another_scene(film: Path) -> None:
    """A face in the first frame does not continue the track of a face in the last frame."""
    pictures = FilmPictures(film)
    scenes = set()
    while pictures.next() is not None:
        scenes.add(pictures.scene)
    pictures.rewind()
    assert pictures.next() is not None
    assert len(scenes) == 1
    assert pictures.scene not in scenes


@pytest.mark.parametrize(
    "content", [b"", b"no film at all " * 100, b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(500)]
)
def test_a_film_that_cannot_be_decoded_is_named(
    content: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error of an empty, false or damaged film is one line with a remedy.

    Nothing else is printed.
    """
    broken = tmp_path / "broken.avi"
    broken.write_bytes(content)
    with pytest.raises(CameraError, match=r"broken\.avi: this file cannot be decoded.*convert it"):
        FilmPictures(broken)
    assert capfd.readouterr() == ("", "")


def test_a_film_that_is_cut_off_plays_what_it_has(film: Path) -> None:
    """The first half of a truncated film is played, and can be played again."""
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    pictures = FilmPictures(film)
    numbers = _numbers(pictures)
    assert numbers[:2] == [0, 1]
    assert max(numbers) <= LENGTH // 2
    pictures.rewind()
    assert _numbers(pictures) == numbers
