"""Parses `camera.source`, the setting that names the source of frames.

The classes have short names, so use them with the module's name: `source.Film`, `source.Device`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from installation.errors import Mistake, SettingsError, did_you_mean, ellipsize, nearest
from installation.settings.path_guess import MOST_ENTRIES, meant_path

AUTO = "auto"
REHEARSAL = "rehearsal"

SOURCE_IN_WORDS = (
    "auto, rehearsal, a camera's number, a /dev/v4l/by-id path, a film or a folder of pictures"
)
"""The values that the setting allows, for messages."""

MAX_DIGITS = 3
"""The largest number of digits in a camera's number; Linux numbers cameras from 0 to 255."""

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
"""Matches the beginning of a network address."""

HOST = re.compile(
    r"(?:\S*@)?(?:\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+\.(?:local|lan|box|home|internal))(?:[:/].*)?",
    re.ASCII,
)
"""Matches the address or name of a machine that is written without a scheme such as `http://`."""

NO_NETWORK = (
    "Connect a camera by USB. The show does not use network cameras, because they would send "
    "pictures of visitors over the network."
)

FILM_SUFFIXES = (
    *(".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
    *(".ogv", ".ts", ".webm", ".wmv"),
)
"""The suffixes of the films that cameras and editing programs write. A remedy for a misspelt path
proposes only films with these suffixes. `camera.source` accepts every suffix.
"""

PICTURE_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
"""The suffixes of the pictures that are played from a folder instead of a camera."""

UNPLAYED_SUFFIXES = (".avif", ".gif", ".heic", ".heif", ".jp2", ".jxl", ".tif", ".tiff")
"""The suffixes of pictures that the show cannot play. A folder that contains such a picture is
rejected, and the message names the picture.
"""

DEVICE_FOLDER = Path("/dev")
ORDINARY_FILES = Path("/dev/shm")  # noqa: S108 - only compared
"""The folder under /dev that holds ordinary files, in memory."""


@dataclass(frozen=True)
class Auto:
    """The best camera that works, or the rehearsal if no camera works."""


@dataclass(frozen=True)
class Rehearsal:
    """The rehearsal, a simulated visitor, which needs no camera."""


@dataclass(frozen=True)
class Device:
    """A camera, given by its number or its path under /dev; it need not be plugged in."""

    id: int | Path


@dataclass(frozen=True)
class Film:
    """A film; the file existed when `parse_source` returned this object."""

    path: Path


@dataclass(frozen=True)
class Pictures:
    """A folder of pictures; it existed when `parse_source` returned this object."""

    folder: Path


Source = Auto | Rehearsal | Device | Film | Pictures


def parse_source(text: str, folder: Path) -> Source:
    """Return the source that `text` names; a relative path is relative to `folder`.

    `1` is the number of a camera, and `auto` is not a path. A film or folder that is called `1` or
    `auto` is written as `./1` or `./auto`. Raises SettingsError if `text` is a path at which there
    is neither a film nor a folder.
    """
    if text == AUTO:
        return Auto()
    if text == REHEARSAL:
        return Rehearsal()
    if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
        if text != str(int(text)) and not (folder / text).exists():
            problem = f"camera.source is '{text}' (expected a number without a leading zero)"
            raise SettingsError(Mistake("camera.source", problem, f"Write {int(text)}."))
        return Device(int(text))
    if match := URL.match(text):
        problem = f"camera.source is '{ellipsize(text)}' (expected {SOURCE_IN_WORDS})"
        remedy = "Write the path without file://."
        if match[1].lower() != "file":
            remedy = NO_NETWORK
        raise SettingsError(Mistake("camera.source", problem, remedy))
    if _is_device(text):
        return Device(Path(text))
    try:
        path = (folder / Path(text).expanduser()).absolute()
        if path.is_dir():
            return Pictures(path)
        if path.is_file():
            return Film(path)
    except (OSError, ValueError, RuntimeError):
        pass
    problem = (
        f"camera.source is '{ellipsize(text)}', which does not exist (expected {SOURCE_IN_WORDS})"
    )
    raise SettingsError(Mistake("camera.source", problem, _remedy(text, folder)))


def _is_device(text: str) -> bool:
    """Return whether `text` is an absolute path under /dev, but not under `ORDINARY_FILES`."""
    path = Path(os.path.normpath(text))
    return path.is_relative_to(DEVICE_FOLDER) and not path.is_relative_to(ORDINARY_FILES)


def _remedy(text: str, folder: Path) -> str:
    if HOST.fullmatch(text):
        return NO_NETWORK
    word = nearest(text, (AUTO, REHEARSAL))
    return did_you_mean(word or meant_path(text, folder, _may_be_source)) or "Check the path."


def _may_be_source(path: Path) -> bool:
    """Return whether `path` is a film, or a folder that contains pictures."""
    if path.is_dir():
        names = (
            entry.suffix for _, entry in zip(range(MOST_ENTRIES), path.iterdir(), strict=False)
        )
        return any(suffix.lower() in PICTURE_SUFFIXES for suffix in names)
    return path.is_file() and path.suffix.lower() in FILM_SUFFIXES
