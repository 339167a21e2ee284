from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from installation.naming.label_set.load import load_label_set
from installation.naming.reload import LabelSetReloader
from installation.running.latest import Latest
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings, load_settings
from installation.show.camera.capture import CameraStatus
from installation.show.status import SettingsWatch, StatusReporter
from installation.showing.scenes.faults import ChangedFile, FileFault
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


RIGHT = "language: de\n"


def write(file: Path, text: str | None) -> None:
    """Write `text` to `file`; None removes it."""
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text, encoding="utf-8")


class Watched:
    """A kiosk.yaml with which a show runs, and the object that watches it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "kiosk.yaml"
        self.log: list[str] = []
        write(self.file, RIGHT)
        self.watch = SettingsWatch(self.file, partial(load_settings, self.file), self.log.append)
        self.watch.load()

    def poll(self, text: str | None, times: int = 2) -> tuple[ChangedFile, ...]:
        """Save `text`, look at the file as often as `times`, and return what is found."""
        write(self.file, text)
        for _ in range(times):
            self.watch.poll()
        return self.watch.state


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("labels: fisch\n", "kiosk.yaml:1: labels is 'fisch'"),
        ("", "kiosk.yaml: the file is empty"),
        (None, "kiosk.yaml: this file does not exist"),
        ("language: [de\n", "kiosk.yaml:1"),
    ],
)
def test_a_mistake_in_the_settings_is_found_while_the_show_runs(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    """The staff's card and the log name it; both say so when the file is right again."""
    watched = Watched(tmp_path)
    (found,) = watched.poll(text)
    assert found.fault == FileFault.SETTINGS_WRONG
    assert problem in found.lines[0]
    assert "has mistakes now" in watched.log[0]
    assert problem in watched.log[1]
    reporter = StatusReporter(
        small_parts(GreyFilm(0)).label_set, None, Latest(), CAMERA, 0.0, 0.0, watched.watch
    )
    assert reporter.status(1.0).changed_files == (found,)
    assert watched.poll(RIGHT) == ()
    assert reporter.status(2.0).changed_files == ()
    assert watched.log[-1].startswith("settings: kiosk.yaml now has the settings")


def test_changed_settings_wait_for_the_next_start(tmp_path: Path) -> None:
    """A valid change is said to need a start; a new comment is no change."""
    watched = Watched(tmp_path)
    assert watched.poll(f"# once\n{RIGHT}") == ()
    assert watched.log == []
    assert watched.poll("language: fr\n") == (ChangedFile(FileFault.SETTINGS_CHANGED),)
    assert watched.log == [
        "settings: kiosk.yaml has changed; the show uses it from its next start."
    ]


def test_settings_that_are_being_written_are_not_read(tmp_path: Path) -> None:
    """A change is read when the file is the same at two checks."""
    watched = Watched(tmp_path)
    assert watched.poll("lang", times=1) == ()
    assert watched.poll(RIGHT) == ()
    assert watched.log == []


def test_settings_saved_while_the_show_loads_count_as_changed(tmp_path: Path) -> None:
    """The file is remembered as it was before it was read."""
    file = tmp_path / "kiosk.yaml"
    write(file, RIGHT)
    watch = SettingsWatch(file, partial(load_settings, file), lambda _: None)
    watch.load()
    write(file, "language: fr\n")
    watch.poll()
    watch.poll()
    assert watch.state == (ChangedFile(FileFault.SETTINGS_CHANGED),)


def test_a_mistake_in_the_label_set_is_on_the_card() -> None:
    """The staff need not look into the log for it."""
    parts = small_parts(GreyFilm(0))
    reporter = reporter_of(Latest())
    reloader = cast("LabelSetReloader", SimpleNamespace(mistakes=("labels.csv:4: what",)))
    reporter.networks = replace(parts.open_networks(), reloader=reloader)
    (file,) = reporter.status(10.0).changed_files
    assert file == ChangedFile(FileFault.LABELS_WRONG, ("labels.csv:4: what",))
