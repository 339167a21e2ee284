from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest

from installation.errors import CameraError
from installation.seeing.cameras.open import Resolved, open_camera, resolve
from installation.seeing.cameras.v4l import CameraListing
from installation.settings import source
from installation.settings.kiosk import CameraSettings, load_settings
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters, write_picture


@pytest.mark.parametrize("vanished", [source.Film(Path("a.mp4")), source.Pictures(Path("a"))])
def test_a_film_or_folder_that_has_vanished_is_named(vanished: Resolved) -> None:
    """A film or folder that was removed after the settings were read raises CameraError."""
    with pytest.raises(
        CameraError, match=r"^a(\.mp4)?: this film or folder .* Restore the file or folder"
    ):
        open_camera(vanished, CameraSettings(), ManualClock())


@pytest.mark.parametrize("name", ["1", "auto", "rehearsal", "2024"])
def test_a_folder_with_the_name_of_a_camera_is_played(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`./1` in kiosk.yaml is the curator's folder, and no camera is opened."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    write_picture(tmp_path / name / "a.png", quarters())
    Path("kiosk.yaml").write_text(f"camera: {{source: ./{name}}}\n", encoding="utf-8")
    settings = load_settings(Path("kiosk.yaml")).settings.camera
    resolved, _ = resolve(settings.source)
    camera = open_camera(resolved, settings, ManualClock())
    assert camera.name.startswith(f"folder {name}, 1 picture at")


LENS = "/dev/v4l/by-id/usb-Lens"


def _listing(node: str, by_id: str | None = None, problem: str | None = None) -> CameraListing:
    return CameraListing(Path(node), Path(by_id) if by_id else None, "Lens", (), problem)


def test_opencv_has_one_thread() -> None:
    """Whoever opens cameras has an OpenCV without threads, which would wait in a loop for work."""
    assert cv2.getNumThreads() == 1


@pytest.mark.parametrize(
    ("listings", "expected", "reason"),
    [
        ([], source.Rehearsal(), "no camera found, so the rehearsal plays"),
        ([_listing("/dev/video0")], source.Device(Path("/dev/video0")), None),
        ([_listing("/dev/video2", LENS)], source.Device(Path(LENS)), None),
        (
            [_listing("/dev/video0", problem="Permission denied")],
            source.Rehearsal(),
            "/dev/video0 (Permission denied) cannot be used",
        ),
        (
            [_listing("/dev/video0", problem="Permission denied"), _listing("/dev/video1")],
            source.Device(Path("/dev/video1")),
            None,
        ),
    ],
)
def test_auto_takes_the_first_camera_or_says_why_there_is_none(
    listings: Sequence[CameraListing], expected: source.Source, reason: str | None
) -> None:
    """The rehearsal never replaces a camera without a logged reason."""
    resolved, sentence = resolve(source.Auto(), lambda: list(listings))
    assert resolved == expected
    assert (reason in sentence) if reason and sentence else sentence is reason


def test_a_source_that_is_named_is_never_replaced() -> None:
    """Only `auto` looks for cameras."""
    film = source.Film(Path("film.mp4"))
    assert resolve(film, lambda: [_listing("/dev/video0")]) == (film, None)
