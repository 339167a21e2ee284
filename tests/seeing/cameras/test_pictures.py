from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import CameraError
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.film import MOST_SKIPPED_S, PICTURE_S, Pictures
from installation.seeing.cameras.open import open_camera
from installation.settings.kiosk import CameraSettings
from installation.settings.source import parse_source
from tests.support.manual_clock import ManualClock
from tests.support.pictures import (
    BLUE,
    RED,
    number_of,
    numbered,
    quarters,
    write_film,
    write_picture,
)

FPS = 30
LENGTH = 20


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film of 20 frames at 30 fps whose brightness says their number."""
    return write_film(tmp_path / "film.avi", map(numbered, range(LENGTH)), FPS)


def _open(source: Path, clock: ManualClock, *, as_fast_as_possible: bool = False) -> Camera:
    settings = CameraSettings(
        source=parse_source(str(source), Path()), width=160, height=120, mirror=False
    )
    return open_camera(settings, clock, as_fast_as_possible=as_fast_as_possible)


def _number(camera: Camera) -> int:
    frame = camera.read()
    assert frame is not None
    return number_of(frame.pixels)


def test_a_film_plays_at_its_own_rate_and_loops(film: Path, clock: ManualClock) -> None:
    """A reader who is always there sees each picture in turn, one thirtieth of a second apart."""
    camera = _open(film, clock)
    start = clock.now()
    assert [_number(camera) for _ in range(50)] == [index % LENGTH for index in range(50)]
    assert clock.now() - start == pytest.approx(49 / FPS)


def test_a_late_reader_misses_pictures_but_no_time(film: Path, clock: ManualClock) -> None:
    """As with a camera, what came while nobody read is gone, and the film does not slow down."""
    camera = _open(film, clock)
    assert _number(camera) == 0
    clock.instant += 5.4 / FPS
    before = clock.now()
    assert _number(camera) == 5
    assert clock.now() == before
    assert _number(camera) == 6
    assert clock.now() - before == pytest.approx(0.6 / FPS)


def test_pictures_are_missed_across_the_films_end(film: Path, clock: ManualClock) -> None:
    """A reader who was late at the film's end finds its beginning."""
    camera = _open(film, clock)
    for _ in range(18):
        _number(camera)
    clock.instant += 6.5 / FPS
    assert _number(camera) == 3


def test_a_reader_who_was_away_for_long_loses_half_a_second(film: Path, clock: ManualClock) -> None:
    """A machine too slow for the film does not skip ever more of it."""
    camera = _open(film, clock)
    _number(camera)
    clock.instant += 3600
    assert _number(camera) == 1 + int(MOST_SKIPPED_S * FPS)
    before = clock.now()
    _number(camera)
    assert clock.now() - before == pytest.approx(1 / FPS)


def test_for_measurements_each_picture_comes_once_without_waiting(
    film: Path, clock: ManualClock
) -> None:
    """As fast as possible means every frame, no wait, and an end."""
    camera = _open(film, clock, as_fast_as_possible=True)
    assert [_number(camera) for _ in range(LENGTH)] == list(range(LENGTH))
    assert camera.read() is None
    assert clock.waits == []


def test_the_end_of_a_film_begins_another_scene(film: Path, clock: ManualClock) -> None:
    """Whoever stands there when the film starts again is somebody else."""
    camera = _open(film, clock)
    scenes = [frame.scene for frame in (camera.read() for _ in range(LENGTH + 1)) if frame]
    assert len(set(scenes[:LENGTH])) == 1
    assert scenes[LENGTH] != scenes[0]


@pytest.mark.parametrize(
    "content", [b"", b"no film at all " * 100, b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(500)]
)
def test_a_film_that_cannot_be_decoded_is_an_error_that_names_it(
    content: bytes, tmp_path: Path, clock: ManualClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """An empty, false or broken film gives one line with a remedy, and nothing else is printed."""
    broken = tmp_path / "broken.avi"
    broken.write_bytes(content)
    with pytest.raises(CameraError, match=r"broken\.avi: this film cannot be decoded.*convert it"):
        _open(broken, clock)
    assert capfd.readouterr() == ("", "")


def test_a_film_cut_off_in_its_middle_plays_what_is_there(film: Path, clock: ManualClock) -> None:
    """Half a film loops over its half."""
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    camera = _open(film, clock)
    numbers = [_number(camera) for _ in range(2 * LENGTH)]
    assert numbers[:2] == [0, 1]
    assert numbers.count(0) > 1
    assert max(numbers) <= LENGTH // 2


def test_pictures_of_a_folder_come_in_the_order_of_their_names(
    tmp_path: Path, clock: ManualClock
) -> None:
    """Each is shown for five seconds at the camera's rate, and then the first comes again."""
    write_picture(tmp_path / "2.png", numbered(2))
    write_picture(tmp_path / "1.webp", numbered(1))
    write_picture(tmp_path / "3.JPG", numbered(3))
    (tmp_path / "notes.txt").write_text("no picture")
    camera = _open(tmp_path, clock)
    start = clock.now()
    seen = [_number(camera) for _ in range(round(4 * PICTURE_S * FPS))]
    assert seen[:: round(PICTURE_S * FPS)] == [1, 2, 3, 1]
    assert seen == sorted(seen[: len(seen) * 3 // 4]) + [1] * (len(seen) // 4)
    assert clock.now() - start == pytest.approx(4 * PICTURE_S - 1 / FPS)


def test_each_picture_of_a_folder_is_another_scene(tmp_path: Path, clock: ManualClock) -> None:
    """A face in the next picture is somebody else's."""
    write_picture(tmp_path / "a.png", quarters())
    write_picture(tmp_path / "b.png", quarters())
    camera = _open(tmp_path, clock, as_fast_as_possible=True)
    one, other, end = camera.read(), camera.read(), camera.read()
    assert one is not None
    assert other is not None
    assert one.scene != other.scene
    assert end is None


def test_a_picture_is_shown_whole(tmp_path: Path, clock: ManualClock) -> None:
    """A tall picture on a wide frame gets black beside it, and keeps its colours and shape."""
    tall = quarters(100, 400)
    write_picture(tmp_path / "tall.png", tall)
    frame = _open(tmp_path, clock).read()
    assert frame is not None
    assert frame.pixels.shape == (120, 160, 3)
    assert tuple(frame.pixels[10, 5]) == (0, 0, 0)
    assert tuple(frame.pixels[10, 70]) == RED
    assert tuple(frame.pixels[110, 70]) == BLUE


def test_pictures_that_cannot_be_decoded_are_named_at_once(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The curator reads which pictures to replace, all of them, before the show begins."""
    write_picture(tmp_path / "a.png", quarters())
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(CameraError) as caught:
        _open(tmp_path, clock)
    broken, cut_off = str(caught.value).splitlines()
    assert "b.jpg: this picture cannot be decoded" in broken
    assert "c.png: this picture cannot be decoded" in cut_off


def test_a_picture_that_is_lost_during_the_show_is_named(
    tmp_path: Path, clock: ManualClock
) -> None:
    """A picture that is taken away after the start ends the show with its name."""
    write_picture(tmp_path / "a.png", quarters())
    write_picture(tmp_path / "b.png", quarters())
    camera = _open(tmp_path, clock, as_fast_as_possible=True)
    camera.read()
    (tmp_path / "b.png").unlink()
    with pytest.raises(CameraError, match=r"b\.png: it cannot be read any more.*Put it back"):
        camera.read()


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """What the operating system says against it is one line with a remedy."""
    (tmp_path / "folder").touch()  # root may read every folder, but no file is one
    with pytest.raises(CameraError, match=r"folder: this folder cannot be read.*permissions"):
        Pictures(tmp_path / "folder", 160, 120, FPS)


def test_a_folder_without_pictures_is_an_error(tmp_path: Path, clock: ManualClock) -> None:
    """The curator reads which kinds of pictures are taken."""
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(CameraError, match=r"has no pictures \(expected \.jpeg, \.jpg"):
        _open(tmp_path, clock)
