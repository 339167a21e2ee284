"""What every camera promises, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.errors import CameraError
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.hotplug import StandIn
from installation.seeing.cameras.open import open_camera, resolve
from installation.seeing.cameras.v4l import CameraListing
from installation.seeing.cameras.webcam import Webcam
from installation.settings import source
from installation.settings.kiosk import CameraSettings, load
from tests.support.manual_clock import ManualClock
from tests.support.pictures import quarters, turned, write_film, write_picture

Open = Callable[..., Camera]


class FakeCapture:
    """What OpenCV gives for an open camera that shows `picture`."""

    def __init__(self, picture: cv2.typing.MatLike, clock: ManualClock) -> None:
        self.picture = picture
        self.clock = clock
        self.asked: list[tuple[int, float]] = []
        self.released = 0
        self.sends = True
        self.decodes = True

    def set(self, propId: int, value: float) -> bool:  # noqa: N803  # OpenCV's name
        self.asked.append((propId, value))
        return True

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        height, width = self.picture.shape[:2]
        known = {cv2.CAP_PROP_FRAME_WIDTH: width, cv2.CAP_PROP_FRAME_HEIGHT: height}
        return float(known.get(propId, 30))

    def grab(self) -> bool:
        self.clock.wait(1 / 30)
        return self.sends

    def retrieve(self) -> tuple[bool, cv2.typing.MatLike]:
        return self.decodes, self.picture.copy()

    def release(self) -> None:
        self.released += 1


def _webcam(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    capture = FakeCapture(cv2.cvtColor(quarters(), cv2.COLOR_RGB2BGR), clock)
    return Webcam(0, capture, settings, clock)


def _film(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    film = write_film(folder / "film.avi", [quarters()] * 12)
    return open_camera(settings.model_copy(update={"source": source.Film(film)}), clock)


def _folder(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    write_picture(folder / "one.png", quarters())
    return open_camera(settings.model_copy(update={"source": source.Pictures(folder)}), clock)


def _rehearsal(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    return open_camera(settings.model_copy(update={"source": source.Rehearsal()}), clock)


def _stand_in(folder: Path, clock: ManualClock, settings: CameraSettings) -> Camera:
    return StandIn(_rehearsal(folder, clock, settings), [], clock, list)


CAMERAS = {
    "webcam": _webcam,
    "film": _film,
    "folder": _folder,
    "rehearsal": _rehearsal,
    "stand-in": _stand_in,
}
every_camera = pytest.mark.parametrize("kind", CAMERAS)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Open:
    """Return what opens a camera of each kind at 320×240."""

    def _open(kind: str, *, rotate: int = 0, mirror: bool = False) -> Camera:
        settings = CameraSettings.model_validate(
            {"width": 320, "height": 240, "rotate": rotate, "mirror": mirror}
        )
        return CAMERAS[kind](tmp_path, clock, settings)

    return _open


@every_camera
def test_a_camera_gives_frames_that_nobody_can_change(kind: str, opened: Open) -> None:
    """Frames are bytes in three colours, in one piece and read-only."""
    frame = opened(kind).read()
    assert frame is not None
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape == (240, 320, 3)
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable


@every_camera
def test_time_only_goes_forward(kind: str, opened: Open, clock: ManualClock) -> None:
    """Each frame carries the clock's instant at its arrival, later than the one before."""
    camera = opened(kind)
    stamps = []
    for _ in range(30):
        frame = camera.read()
        assert frame is not None
        assert frame.taken_at == pytest.approx(clock.now())
        stamps.append(frame.taken_at)
    assert all(earlier < later for earlier, later in pairwise(stamps))


@pytest.mark.parametrize("kind", ["webcam", "film", "folder"])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_camera_turns_its_picture_as_set(
    kind: str, rotate: int, mirror: bool, opened: Open
) -> None:
    """Colours are red, green, blue in this order, turned clockwise and then mirrored."""
    frame = opened(kind, rotate=rotate, mirror=mirror).read()
    assert frame is not None
    expected = turned(quarters(), rotate, mirror)
    assert frame.pixels.shape == expected.shape
    assert frame.pixels.flags.c_contiguous
    apart = np.abs(frame.pixels.astype(int) - expected.astype(int))
    # MJPG blurs colours where quarters meet.
    assert np.median(apart) <= 4
    assert np.percentile(apart, 90) <= 12


def test_the_rehearsals_visitor_stands_upright_on_a_tall_screen(opened: Open) -> None:
    """A camera that hangs on its side turns the picture; the rehearsal makes it tall instead."""
    upright = opened("rehearsal", rotate=90).read()
    assert upright is not None
    assert upright.pixels.shape == (320, 240, 3)


def test_the_rehearsal_is_mirrored_as_set(opened: Open) -> None:
    """Left is right in the mirror."""
    plain, mirrored = opened("rehearsal"), opened("rehearsal", mirror=True)
    for _ in range(60):
        one, other = plain.read(), mirrored.read()
    assert one is not None
    assert other is not None
    assert (one.pixels[:, ::-1] == other.pixels).all()


@every_camera
def test_a_camera_can_be_closed_twice(kind: str, opened: Open) -> None:
    """Closing what is closed does nothing."""
    camera = opened(kind)
    camera.close()
    camera.close()


@every_camera
def test_a_camera_forgets_frames_that_somebody_still_holds(kind: str, opened: Open) -> None:
    """Its pictures are black afterwards, and a second call and a closed camera do no harm."""
    camera = opened(kind)
    frame = camera.read()
    assert frame is not None
    assert frame.pixels.any()
    camera.forget()
    assert not frame.pixels.any()
    camera.close()
    camera.forget()


@every_camera
def test_a_camera_says_in_one_line_what_it_is(kind: str, opened: Open) -> None:
    """Its name holds its size, and neither name nor repr holds pixels."""
    camera = opened(kind)
    camera.read()
    assert "320×240" in camera.name
    assert "\n" not in camera.name
    assert "array" not in repr(camera)
    assert len(repr(camera)) < 120


@pytest.mark.parametrize("vanished", [source.Film(Path("a.mp4")), source.Pictures(Path("a"))])
def test_a_film_or_folder_that_has_vanished_is_named(
    vanished: source.Source, clock: ManualClock
) -> None:
    """A film or folder that was removed after the settings were read raises CameraError."""
    with pytest.raises(CameraError, match=r"^a(\.mp4)?: it was found .* Restore it\."):
        open_camera(CameraSettings(source=vanished), clock)


@pytest.mark.parametrize("name", ["1", "auto", "rehearsal", "2024"])
def test_a_folder_named_like_a_camera_is_played(
    name: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No camera is opened, and no other picture shown, in the place of the curator's folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    write_picture(tmp_path / name / "a.png", quarters())
    Path("kiosk.yaml").write_text(f"camera: {{source: ./{name}}}\n", encoding="utf-8")
    settings = load(Path("kiosk.yaml")).settings.camera
    assert open_camera(settings, clock).name.startswith(f"folder {name}, 1 pictures")


LENS = "/dev/v4l/by-id/usb-Lens"


def _listing(node: str, by_id: str | None = None, trouble: str | None = None) -> CameraListing:
    return CameraListing(Path(node), Path(by_id) if by_id else None, "Lens", (), trouble)


@pytest.mark.parametrize(
    ("listings", "expected", "said"),
    [
        ([], source.Rehearsal(), "no camera found, so the rehearsal plays"),
        ([_listing("/dev/video0")], source.Device(Path("/dev/video0")), None),
        ([_listing("/dev/video2", LENS)], source.Device(Path(LENS)), None),
        (
            [_listing("/dev/video0", trouble="Permission denied")],
            source.Rehearsal(),
            "/dev/video0 (Permission denied) cannot be used",
        ),
        (
            [_listing("/dev/video0", trouble="Permission denied"), _listing("/dev/video1")],
            source.Device(Path("/dev/video1")),
            None,
        ),
    ],
)
def test_auto_takes_the_first_camera_and_says_when_there_is_none(
    listings: Sequence[CameraListing], expected: source.Source, said: str | None
) -> None:
    """Nothing falls back silently: the rehearsal comes with a sentence that says why."""
    resolved, sentence = resolve(source.Auto(), lambda: list(listings))
    assert resolved == expected
    assert (said in sentence) if said and sentence else sentence is said


def test_a_source_that_was_named_is_never_replaced() -> None:
    """Only auto looks for cameras."""
    film = source.Film(Path("film.mp4"))
    assert resolve(film, lambda: [_listing("/dev/video0")]) == (film, None)
