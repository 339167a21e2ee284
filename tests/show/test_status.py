from __future__ import annotations

from installation.naming.label_set.load import load_label_set
from installation.running.latest import Latest
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from installation.show.camera.capture import CameraStatus
from installation.show.status import StatusReporter
from tests.support.sightings import sightings_of
from tests.support.small_show import GreyFilm, grey_frame, small_parts
from tests.support.weather import WEATHER

CAMERA = CameraStatus("a camera", 1, 1)


def reporter_of(frames: Latest[Frame]) -> StatusReporter:
    """Return a reporter of a show that started at 5 s, and whose mirror started at 10 s."""
    return StatusReporter(small_parts(GreyFilm(0)).label_set, None, frames, CAMERA, 5.0, 10.0)


def test_the_figures_are_gathered_once_a_second() -> None:
    """Figures do not change for a second, and the rate is the last second's."""
    frames: Latest[Frame] = Latest()
    reporter = reporter_of(frames)

    def show_frames(count: int) -> None:
        for _ in range(count):
            frames.put(grey_frame())
            frames.take(timeout=0)

    assert reporter.status(10.0).mirror_fps == 0
    show_frames(30)
    assert reporter.status(10.9).mirror_fps == 0
    status = reporter.status(11.0)
    assert status.mirror_fps == 30
    assert status.uptime_s == 6
    assert status.blocks == 1
    assert status.camera == "a camera"
    assert status.visible_labels == len(load_label_set("kindnesses", ContentSettings()).labels)
    show_frames(10)
    assert reporter.status(12.0).mirror_fps == 10


def test_the_camera_is_the_one_that_gave_the_newest_frame() -> None:
    """The status has the last reported camera until another one is reported."""
    reporter = reporter_of(Latest())
    reporter.camera = CameraStatus("another camera", 4, 3)
    status = reporter.status(10.0)
    assert (status.camera, status.blocks, status.locked_blocks) == ("another camera", 4, 3)
    assert reporter.status(12.0).camera == "another camera", "it stays until there is another"


def test_the_label_set_is_the_one_that_names_visitors() -> None:
    """A changed label set is on the card once the newest sightings are named by it."""
    reporter = reporter_of(Latest())
    assert reporter.status(10.0).label_set == "Kindnesses"
    reporter.update(sightings_of([]))
    status = reporter.status(11.0)
    assert (status.label_set, status.visible_labels, status.all_labels) == (
        "Weather",
        6,
        WEATHER.size,
    )
