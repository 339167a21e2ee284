from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from skimage import data

from installation.errors import CameraError
from installation.seeing.cameras.played.pictures import PICTURE_S, FolderPictures
from tests.support.pictures import BLUE, RED, number_of, numbered, quarters, write_picture

FPS = 30


def _open(folder: Path, *, once: bool = False) -> FolderPictures:
    return FolderPictures(folder, 160, 120, FPS, once=once)


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Each is shown for five seconds; a text file between them is left out."""
    write_picture(tmp_path / "2.png", numbered(2))
    write_picture(tmp_path / "1.webp", numbered(1))
    write_picture(tmp_path / "3.JPG", numbered(3))
    (tmp_path / "notes.txt").write_text("no picture")
    pictures = _open(tmp_path)
    seen = []
    while (pixels := pictures.next()) is not None:
        seen.append(number_of(pixels))
    each = round(PICTURE_S * FPS)
    assert seen == [1] * each + [2] * each + [3] * each


def test_each_picture_is_another_scene(tmp_path: Path) -> None:
    """A face in the next picture belongs to another visitor."""
    write_picture(tmp_path / "a.png", quarters())
    write_picture(tmp_path / "b.png", quarters())
    pictures = _open(tmp_path, once=True)
    scenes = []
    while pictures.next() is not None:
        scenes.append(pictures.scene)
    assert len(scenes) == len(set(scenes)) == 2


def test_a_picture_is_shown_whole(tmp_path: Path) -> None:
    """A tall picture on a wide frame gets black bars on both sides, and keeps colours and shape."""
    write_picture(tmp_path / "tall.png", quarters(100, 400))
    pixels = _open(tmp_path).next()
    assert pixels is not None
    assert pixels.shape == (120, 160, 3)
    assert tuple(pixels[10, 5]) == (0, 0, 0)
    assert tuple(pixels[10, 70][::-1]) == RED
    assert tuple(pixels[110, 70][::-1]) == BLUE


def test_all_pictures_that_cannot_be_decoded_are_named_at_once(tmp_path: Path) -> None:
    """The curator reads which pictures to replace before the show begins."""
    write_picture(tmp_path / "a.png", quarters())
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(CameraError) as caught:
        _open(tmp_path)
    broken, cut_off = str(caught.value).splitlines()
    assert "b.jpg: this picture cannot be decoded" in broken
    assert "c.png: this picture cannot be decoded" in cut_off


@pytest.mark.parametrize(("cut", "is_played"), [(1, True), (2, True), (300, True), (25_000, False)])
def test_a_jpeg_without_its_tail_is_played(tmp_path: Path, cut: int, is_played: bool) -> None:
    """A JPEG without its end marker is played; half a JPEG is damaged."""
    photograph = cv2.imencode(".jpg", data.chelsea())[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(photograph[:-cut])
    if is_played:
        played = _open(tmp_path).next()
        assert played is not None
        assert played.std() > 10
    else:
        with pytest.raises(CameraError, match=r"a\.jpg: this picture cannot be decoded"):
            _open(tmp_path)


def test_pictures_of_other_kinds_are_named(tmp_path: Path) -> None:
    """Pictures in a folder that cannot be played, such as telephones' HEIC files, are named."""
    write_picture(tmp_path / "a.png", quarters())
    for name in ("b.HEIC", "c.gif", "notes.txt", ".d.heic"):
        (tmp_path / name).write_bytes(b"-")
    with pytest.raises(CameraError) as caught:
        _open(tmp_path)
    heic, gif = str(caught.value).splitlines()
    assert (
        "b.HEIC: pictures of this kind are not played (expected .jpeg, .jpg, .png, .webp)" in heic
    )
    assert gif.endswith("Export it as JPEG, or remove it from the folder.")


def test_a_picture_that_is_removed_during_the_show_is_named(tmp_path: Path) -> None:
    """The show ends with the name of the picture."""
    write_picture(tmp_path / "a.png", quarters())
    write_picture(tmp_path / "b.png", quarters())
    pictures = _open(tmp_path, once=True)
    pictures.next()
    (tmp_path / "b.png").unlink()
    with pytest.raises(
        CameraError, match=r"b\.png: this picture can no longer be read.*Put the undamaged"
    ):
        pictures.next()


def test_a_picture_that_is_damaged_during_the_show_is_named(tmp_path: Path) -> None:
    """A picture that is overwritten while the show runs is reported as damaged after the start."""
    write_picture(tmp_path / "a.png", quarters())
    pictures = _open(tmp_path, once=True)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(
        CameraError, match=r"a\.png: this picture was damaged after the start of the show"
    ):
        pictures.next()


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """The operating system's reason is given in one line, with a remedy."""
    (tmp_path / "folder").touch()  # root may read every folder; listing a file fails for root too
    with pytest.raises(CameraError, match=r"folder: this folder cannot be read.*permissions"):
        _open(tmp_path / "folder")


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    """The curator reads which kinds of pictures are accepted."""
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(CameraError, match=r"contains no pictures \(expected \.jpeg, \.jpg"):
        _open(tmp_path)


def test_no_picture_is_held_after_closing(tmp_path: Path) -> None:
    """The picture is decoded again after `close` and `rewind`, so none was kept."""
    write_picture(tmp_path / "a.png", numbered(1))
    pictures = _open(tmp_path)
    pictures.next()
    pictures.close()
    write_picture(tmp_path / "a.png", numbered(9))
    pictures.rewind()
    pixels = pictures.next()
    assert pixels is not None
    assert number_of(pixels) == 9
