"""Tests of the guess of a mistyped path: only paths of the right kind are proposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import SettingsError
from installation.settings.path_guess import meant_path
from installation.settings.source import parse_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with films, pictures, and files that are neither."""
    for name in ("films/One Person.MP4", "films/One Person.txt", "photos/a.jpg", "sounds/a.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("kiosk.yaml", "rehearsals.csv", "film.mp3", ".photo"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("films/one person.mp4", "films/One Person.MP4"),
        ("films/One Persn.MP4", "films/One Person.MP4"),
        ("./films/One Persn.MP4", "films/One Person.MP4"),
        ("fims/One Person.MP4", "films/One Person.MP4"),
        ("photo", "photos"),
        ("Photos/", "photos"),
        ("rehersal", "rehearsal"),
        ("film.mp4", None),
        ("sound", None),
        ("kiosk.yml", None),
        ("films/One Person", "films/One Person.MP4"),
        ("nowhere/at/all.mp4", None),
    ],
)
def test_only_films_and_folders_of_pictures_are_proposed_as_a_source(
    folder: Path, text: str, meant: str | None
) -> None:
    """A table, a sound file or kiosk.yaml is never proposed, however similar its name is."""
    with pytest.raises(SettingsError) as caught:
        parse_source(text, folder)
    (mistake,) = caught.value.mistakes
    assert mistake.remedy == (f"Did you mean '{meant}'?" if meant else "Check the path.")


def test_an_absolute_path_and_a_home_are_answered_as_they_were_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proposed path has the form of the mistyped one, so that it can replace it."""
    monkeypatch.setenv("HOME", str(folder))
    assert meant_path(f"{folder}/kiosk.yml", Path(), Path.is_file) == f"{folder}/kiosk.yaml"
    assert meant_path("~/fims", Path(), Path.is_dir) == "~/films"


def test_a_shared_suffix_does_not_make_names_similar(folder: Path) -> None:
    """`none.yaml` is not taken for `bin.yaml`: the part before the suffix is compared as well."""
    (folder / "bin.yaml").touch()
    assert meant_path("none.yaml", folder, Path.is_file) is None
    assert meant_path("bim.yaml", folder, Path.is_file) == "bin.yaml"


def test_a_path_that_exists_or_cannot_be_looked_up_has_no_answer(folder: Path) -> None:
    """A name of a thousand letters, or with a zero byte, has no proposal."""
    for text in ("films", "x" * 1000, "a\0b", ""):
        assert meant_path(text, folder, Path.exists) is None
