from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import pytest

from installation.errors import CameraError, Mistake, WeightsError
from installation.naming.reading.classifier import CropClassifier
from installation.naming.reload import LabelSetReloader, ReloadedLabelSet
from installation.running.latest import Latest
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame
from installation.settings.kiosk import Settings
from installation.settings.languages import resolve_language
from installation.show import analysis_keeper
from installation.show.parts import Networks
from tests.support.counting_screen import CountingScreen
from tests.support.small_show import (
    FirstLabel,
    GreyFilm,
    NoFace,
    OneFace,
    small_parts,
    small_show,
    with_networks,
)

MAX_FRAMES = 1000
"""The number of frames of a film that waits for a line that is never logged."""


class PacedFilm(GreyFilm):
    """A film in which each frame arrives when the last one has been painted.

    It ends thirty frames after `last_line` has been logged.
    """

    def __init__(self, screen: CountingScreen, logged: list[str], last_line: str) -> None:
        super().__init__(MAX_FRAMES)
        self._screen = screen
        self._logged = logged
        self._last_line = last_line
        self._frames_left = 30
        self.given = 0

    def read(self) -> Frame | None:
        if self.given:
            self._screen.wait(2)  # a step that began before the last frame came is without it
        self._frames_left -= self._last_line in "".join(self._logged)
        if not self._frames_left:
            return None
        self.given += 1
        return super().read()


class SlowReloader:
    """After sixty steps of the show, delivers a changed label set with `letters`."""

    def __init__(self, screen: CountingScreen, letters: str = "abc") -> None:
        self.mailbox: Latest[ReloadedLabelSet] = Latest()
        self._screen = screen
        self._letters = frozenset(letters)

    def __call__(self, stopping: threading.Event) -> None:
        self._screen.wait(60)
        classifier = cast("CropClassifier", FirstLabel.of_objects())
        self.mailbox.put(ReloadedLabelSet(classifier, self._letters))
        stopping.wait()


def test_every_frame_is_painted_while_a_changed_label_set_is_opened_and_taken() -> None:
    """While a changed label set is opened and taken into use, every frame is painted."""
    screen, logged = CountingScreen(), list[str]()
    film = PacedFilm(screen, logged, "is in use")
    reloader = cast("LabelSetReloader", SlowReloader(screen))
    parts = with_networks(small_parts(film), detector=NoFace(), reloader=reloader)
    summary = small_show(
        film, screen=screen, log=logged.append, open_parts=lambda loaded, clock, log: parts
    ).run()
    changed, used = logged
    assert changed.startswith("labels: ImageNet, 1,000 things has changed (")
    assert changed.endswith(
        " labels). The new version will be used as soon as no visitor is present."
    )
    assert used == "labels: the changed version of ImageNet, 1,000 things is in use."
    assert summary.dropped == 0
    assert summary.mirror_fps == pytest.approx(summary.camera_fps)
    assert 30 < film.given < MAX_FRAMES, "the film ends after the last line of the log"


def test_a_changed_label_set_without_a_font_is_not_taken() -> None:
    """Under the guard, a changed label set that needs a new font is refused; the old set stays."""
    screen, logged = CountingScreen(), list[str]()
    film = PacedFilm(screen, logged, "no font")
    reloader = cast("LabelSetReloader", SlowReloader(screen, "ᏣᎳ"))
    parts = with_networks(small_parts(film), detector=NoFace(), reloader=reloader)
    small_show(
        film, screen=screen, log=logged.append, open_parts=lambda loaded, clock, log: parts
    ).run()
    (line,) = logged
    assert line.startswith("labels: no font on this machine can draw Ꮃ (U+13B3), Ꮳ (U+13E3), in ")
    assert line.endswith(" restart the show: it searches for fonts at its start.")


def test_what_german_labels_need_is_loaded_behind_the_mirror(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hyphenation patterns are loaded before the first reading.

    Loading takes half a second.
    """
    loaded_for: list[tuple[int, str]] = []

    def record(texts: Iterable[str], language: str) -> None:
        loaded_for.append((len(list(texts)), language))

    monkeypatch.setattr(analysis_keeper, "warm_up", record)
    small_show(GreyFilm(12), settings=Settings(language=resolve_language("de"))).run()
    ((count, language),) = loaded_for
    assert count > 100
    assert language == "de"


@pytest.mark.parametrize("fails_at", [None, 5])
def test_the_camera_forgets_its_pictures_at_the_end(fails_at: int | None) -> None:
    """The memory of the camera's pictures is overwritten if the film ends or the camera fails."""
    film = GreyFilm(12, fails_at)
    with contextlib.suppress(CameraError):
        small_show(film).run()
    assert film.closed >= 1
    assert film.forgotten == 1


def test_a_film_that_ends_ends_the_show_and_closes_the_camera() -> None:
    """The summary of a measured film counts its frames, and the device is free afterwards."""
    film = GreyFilm(12)
    summary = small_show(film).run()
    assert film.closed >= 1
    painted = 12 * summary.mirror_fps / summary.camera_fps
    assert painted + summary.dropped == pytest.approx(12)
    assert summary.first_paint_s is not None
    assert summary.first_frame_s is not None
    assert summary.frame_age_ms.p95 is not None


def test_a_camera_that_fails_ends_the_show_loudly() -> None:
    """A dead capture thread is an error that names the device, not a frozen mirror."""
    with pytest.raises(CameraError, match="it was unplugged"):
        small_show(GreyFilm(100, fails_at=5)).run()


class FrozenFilm(GreyFilm):
    """A camera that hangs after three frames until it is closed, as a driver does."""

    def __init__(self) -> None:
        super().__init__(1000)
        self._given = 0
        self.thawed = threading.Event()

    def read(self) -> Frame | None:
        if self._given == 3:
            self.thawed.wait(20)
            return None
        self._given += 1
        return super().read()


def test_a_camera_that_hangs_ends_the_show_with_an_error() -> None:
    """A camera that hangs ends the show, so that no old picture stays on the screen."""
    camera = FrozenFilm()
    try:
        with pytest.raises(CameraError, match="no picture has arrived for 2 s"):
            small_show(camera).run()
    finally:
        camera.thawed.set()
    assert camera.forgotten


class FaceBeside(OneFace):
    """A detector that finds a face at the left edge of each frame."""

    def detect(self, frame: Frame) -> list[Face]:
        (face,) = super().detect(frame)
        return [replace(face, box=Box(0, 20, 40, 70))]


@pytest.mark.parametrize(("size", "events"), [((320, 180), {"verdict"}), ((180, 320), set())])
def test_nobody_is_read_who_is_not_on_the_screen(size: tuple[int, int], events: set[str]) -> None:
    """People at the sides of a wide picture, which a tall screen cuts off, are not read."""
    screen, emitted = CountingScreen(size), list[dict[str, object]]()
    film = PacedFilm(screen, ["go"], "go")
    parts = with_networks(small_parts(film), detector=FaceBeside())
    small_show(
        film, emitted.append, screen=screen, open_parts=lambda loaded, clock, log: parts
    ).run()
    assert {str(event["event"]) for event in emitted} == events


class OpeningFilm(GreyFilm):
    """A film whose frames arrive when the last one has been painted; at its end, `ended` is set."""

    def __init__(self, screen: CountingScreen) -> None:
        super().__init__(20)
        self._screen = screen
        self._given = False
        self.ended = threading.Event()

    def read(self) -> Frame | None:
        if self._given:
            self._screen.wait(2)
        self._given = True
        frame = super().read()
        if frame is None:
            self.ended.set()
        return frame


def test_the_mirror_does_not_wait_for_the_networks() -> None:
    """Visitors see themselves while the networks open; nobody is read before they are open."""
    screen = CountingScreen()
    film = OpeningFilm(screen)
    parts = small_parts(film)

    def open_late() -> Networks:
        assert film.ended.wait(30)
        return parts.open_networks()

    late = replace(parts, open_networks=open_late)
    summary = small_show(film, screen=screen, open_parts=lambda loaded, clock, log: late).run()
    assert summary.first_frame_s is not None
    assert summary.mirror_fps > 0
    assert summary.readings_per_s == 0


def test_networks_that_do_not_open_end_the_show_with_their_error() -> None:
    """If the networks cannot be opened behind the mirror, the show ends with their error."""
    film = GreyFilm(10**6)

    def fail() -> Networks:
        raise WeightsError(Mistake("onet.onnx", "the weights are truncated", "Copy it again."))

    broken = replace(small_parts(film), open_networks=fail)
    show = small_show(film, open_parts=lambda loaded, clock, log: broken)
    with pytest.raises(WeightsError, match=r"onet\.onnx: the weights are truncated"):
        show.run()
    assert film.closed == 1
