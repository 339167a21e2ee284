from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation.errors import SettingsError
from installation.settings.source import (
    Auto,
    Device,
    Film,
    Pictures,
    Rehearsal,
    Source,
    parse_source,
)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("auto", Auto()),
        ("rehearsal", Rehearsal()),
        ("0", Device(0)),
        ("255", Device(255)),
        ("/dev/video0", Device(Path("/dev/video0"))),
        ("/dev/v4l/by-id/usb-Lens", Device(Path("/dev/v4l/by-id/usb-Lens"))),
    ],
)
def test_a_camera_need_not_be_plugged_in(text: str, source: Source) -> None:
    """A number or a path under /dev is a camera, whether or not it exists."""
    assert parse_source(text, Path()) == source


@pytest.mark.parametrize("name", ["film.mp4", "1", "auto", "2024", "\u0663"])
def test_a_path_is_a_film_or_a_folder_of_pictures(name: str, tmp_path: Path) -> None:
    """A relative path starts at the given folder; a file is a film, a folder contains pictures."""
    (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    assert parse_source(f"./{name}", tmp_path) == Film(tmp_path / name)
    assert parse_source("more", tmp_path) == Pictures(tmp_path / "more")


def test_a_number_of_four_digits_is_a_name(tmp_path: Path) -> None:
    """Linux numbers cameras up to 255, so a longer number names a film or folder."""
    (tmp_path / "2024").mkdir()
    assert parse_source("2024", tmp_path) == Pictures(tmp_path / "2024")


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """Yield a folder under /dev/shm."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_a_film_in_dev_shm_is_a_film(memory_folder: Path) -> None:
    """/dev/shm contains ordinary files, so a path there is not a camera, absolute or relative."""
    film = memory_folder / "film.mp4"
    film.touch()
    for text in (str(film), "film.mp4", "/dev/./shm/" + str(film.relative_to("/dev/shm"))):
        assert parse_source(text, memory_folder) == Film(film)


@pytest.mark.parametrize("text", ["nonsense", "films/none.mp4", "-1", "1.5", "/dev/shm/none.mp4"])
def test_an_unknown_source_is_refused_with_what_was_expected(text: str, tmp_path: Path) -> None:
    """The message quotes the source and lists everything that the setting accepts."""
    with pytest.raises(
        SettingsError, match="expected auto, rehearsal, a camera's number"
    ) as caught:
        parse_source(text, tmp_path)
    assert repr(text) in str(caught.value)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """A path to a pipe, which could block the show, is refused."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match="'pipe'"):
        parse_source("pipe", tmp_path)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("rtsp://10.0.0.3/live", "The show does not use network cameras"),
        ("http://10.0.0.3/video.mjpg", "The show does not use network cameras"),
        ("udp://@:1234", "The show does not use network cameras"),
        ("192.168.1.20", "The show does not use network cameras"),
        ("10.0.0.3:8080/video", "The show does not use network cameras"),
        ("hall.local", "The show does not use network cameras"),
        ("kamera.fritz.box", "The show does not use network cameras"),
        ("admin:1234@10.0.0.3/live", "The show does not use network cameras"),
        ("rtmp://10.0.0.3/live", "The show does not use network cameras"),
        ("file:///home/me/film.mp4", "Write the path without file://."),
        ("09", "Write 9."),
        ("00", "Write 0."),
    ],
)
def test_what_is_not_a_source_on_purpose_has_the_reason(
    text: str, remedy: str, tmp_path: Path
) -> None:
    """Addresses on a network, and numbers that look octal, are refused with the reason."""
    with pytest.raises(SettingsError, match=re.escape(repr(text))) as caught:
        parse_source(text, tmp_path)
    assert remedy in str(caught.value)
