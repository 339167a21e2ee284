"""What a frame costs, counted and not timed, so that a slow change fails on any computer."""

from __future__ import annotations

import math
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import NoReturn, cast

import numpy as np
import pygame
import pytest

from installation.memory import buffers, pool
from installation.naming.reading.values import Sightings, Stage
from installation.running.latest import Latest
from installation.seeing.cameras.webcam import Webcam
from installation.seeing.frame import Frame
from installation.settings.kiosk import CameraSettings
from installation.show.context import open_context
from installation.show.mirror import Mirror
from installation.showing.painter import Painter
from installation.showing.picture import STRIP_BYTES
from installation.showing.scene import Size
from installation.showing.scenes.compose import compose
from installation.showing.type.face import Face
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import OffScreen
from installation.showing.words import load_words
from scripts.bench_stages import pictures, recorded_writes, whole_pictures
from tests.support.fake_device import FakeDevice
from tests.support.figures import FRAME, LABELS, PEOPLE, company, face, rows, sighting
from tests.support.manual_clock import ManualClock
from tests.support.sightings import sightings_of
from tests.support.small_show import DEFAULTS

HD, FULL_HD, UHD = (1280, 720), (1920, 1080), (3840, 2160)


class MirroredCamera:
    """A webcam that sends noise, and a mirror, on one manual clock; with a visitor if `visited`."""

    def __init__(self, size: Size, screen: Size, *, visited: bool = True) -> None:
        self.clock = ManualClock(0.0)
        noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
        settings = CameraSettings(width=size[0], height=size[1])
        self._device = FakeDevice(noise, self.clock)
        self._camera = Webcam(0, self._device, settings, self.clock)
        self._frames: Latest[Frame] = Latest()
        self._sightings: Latest[Sightings] = Latest()
        head = (size[0] / 2, size[1] / 2, size[1] / 4)
        self._visitors = [sighting(1, face(head), None)] if visited else []
        surface = OffScreen(screen)
        context = open_context(surface, DEFAULTS)
        self._mirror = Mirror(surface, context, self._frames, self._sightings, self.clock)

    def read(self) -> None:
        """Read the camera's next picture, and look for visitors."""
        self._frames.put(cast(Frame, self._camera.read()))
        self._device.decoded[-1] = np.empty(0)  # the array itself would stay
        sightings = sightings_of(self._visitors, self.clock.now())
        self._sightings.put(replace(sightings, label_set=PEOPLE))

    def show(self) -> None:
        """Show the picture."""
        self._mirror.step()


@pytest.mark.parametrize(
    ("camera", "screen"),
    [
        (FULL_HD, FULL_HD),
        (UHD, UHD),
        (HD, FULL_HD),
        (HD, UHD),
        (FULL_HD, UHD),
        (FULL_HD, (2560, 1440)),
        (UHD, FULL_HD),
    ],
)
def test_a_frame_is_written_once_in_the_cameras_size_and_once_in_the_screens(
    camera: Size, screen: Size
) -> None:
    """Between the two no more than a strip of the picture is in memory.

    A part of the picture is behind the bands of the screen, and the rows at the edges of strips are
    written twice.
    """
    mirrored = MirroredCamera(camera, screen)
    mirrored.read()
    mirrored.show()
    with recorded_writes() as written:
        mirrored.read()
        mirrored.show()
    largest_strip = 1.1 * STRIP_BYTES / 3
    whole = sorted((each for each in pictures(written) if each[0] > largest_strip), reverse=True)
    (larger, larger_times), (smaller, smaller_times) = whole
    expected = sorted((math.prod(camera), math.prod(screen)), reverse=True)
    assert 0.7 * expected[0] < larger <= expected[0]
    assert 0.7 * expected[1] < smaller <= expected[1]
    assert larger_times < 1.15
    assert smaller_times < 1.15


def test_a_frame_of_another_shape_is_written_once_more() -> None:
    """A frame that cannot be painted in strips takes three writes of a whole picture, not two.

    A frame of 640×480 px on a screen of 1920×1080 px is such a frame.
    """
    mirrored = MirroredCamera((640, 480), FULL_HD)
    mirrored.read()
    mirrored.show()
    with recorded_writes() as written:
        mirrored.read()
        mirrored.show()
    assert whole_pictures(written, (640, 480)) == 3


@pytest.mark.parametrize(
    ("camera", "screen"), [(HD, FULL_HD), (FULL_HD, FULL_HD), (UHD, FULL_HD), (HD, UHD)]
)
def test_no_memory_is_allocated_for_a_frame(
    camera: Size, screen: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first frames no memory is allocated for pictures, except by the decoder.

    Besides the decoded picture, only a copy of a quarter of its rows is allowed, for the checksum.
    """
    mirrored = MirroredCamera(camera, screen)
    for _ in range(3):
        mirrored.read()
        mirrored.show()

    def refuse(size: int) -> NoReturn:
        raise AssertionError(f"{size} bytes are allocated")

    for owner in (buffers, pool):
        monkeypatch.setattr(owner, "allocate_pages", refuse)
    frame_bytes = 3 * camera[0] * camera[1]
    for step, share in ((mirrored.read, 1 + 1 / 4), (mirrored.show, 0)):
        tracemalloc.start()
        step()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak <= share * frame_bytes + 200_000


@pytest.mark.parametrize("screen", [FULL_HD, UHD])
@pytest.mark.parametrize("counted", [Painter.paint, OffScreen.flip])
def test_while_nobody_is_there_only_changes_are_painted(
    counted: Callable[..., object], screen: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody is there, the screen is painted 14 to 18 times a second, and not for each frame.

    The list of names moves fourteen times a second on a screen of any size, and the camera's
    picture is not shown. The screen is flipped as often as it is painted.
    """
    mirrored = MirroredCamera(HD, screen, visited=False)
    calls = count(monkeypatch, counted)
    seconds = 4
    for _ in range(30 * seconds):
        mirrored.read()
        mirrored.show()
    assert 14 * seconds <= len(calls) <= 18 * seconds


@pytest.mark.parametrize("counted", [Painter._draw, Face.shape])
def test_names_that_tumble_are_set_and_drawn_once(
    counted: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over 32 moving heads that are being read, text is set less than 100 times in 240 frames."""
    context = ScreenContext(load_words(), Fonts(), FULL_HD, label_set=PEOPLE)
    painter, surface = Painter(context.fonts), pygame.Surface(context.size, depth=32)
    heads = rows(HD, (9, 9, 8, 6), 52.0, 0.2, 0.18)
    calls, scene, frames = count(monkeypatch, counted), None, 300
    for number in range(frames):
        if number == 60:
            calls.clear()
        now = number / 30
        swaying = [(x + 9 * math.sin(now + x), y, size) for x, y, size in heads]
        scene = compose(FRAME, company(swaying, [None]), context, now, scene)
        painter.paint(scene, surface)
        painter.evict(now)
    assert len(calls) < 100


def test_a_crowd_that_stands_still_is_laid_out_with_few_calls() -> None:
    """The scene of 32 visitors takes about 3,000 calls of Python functions, and no search for room.

    A search would take at least 7,000.
    """
    context = ScreenContext(load_words(), Fonts(), FULL_HD, label_set=PEOPLE)
    visitors = company(rows(HD, (9, 9, 8, 6), 52.0, 0.2, 0.18), LABELS)
    scene = compose(FRAME, visitors, context, 10.0)
    calls = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(note)
    try:
        compose(FRAME, visitors, context, 10.01, scene)
    finally:
        sys.setprofile(None)
    assert calls <= 4_000


def test_no_frame_of_four_visitors_is_much_work() -> None:
    """While four visitors get their names, no scene takes more than 40,000 calls of functions.

    A part of the typesetting is done in the frames before a name changes. All of it in one frame
    takes 100,000 calls, and the mirror would skip pictures.
    """
    context = ScreenContext(load_words(), Fonts(), FULL_HD, "en", label_set=PEOPLE)
    heads = [(180, 330, 230), (500, 300, 220), (800, 340, 225), (1120, 320, 230)]
    calls, most, scene = 0, 0, None

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    for frame in range(30 * 8):
        now = 100 + frame / 30
        visitors = []
        for number, head in enumerate(heads):
            since = frame / 30 - 0.4 * number
            stage: Stage = "announced" if since < 3 else "reading" if since < 4.3 else "named"
            label = LABELS[number] if stage == "named" else None
            visitor = sighting(number, face(head), label, (since - 3) / 1.3, stage=stage)
            visitors.append(replace(visitor, ends_at=now - since + 3))
        calls = 0
        sys.setprofile(note)
        try:
            scene = compose(FRAME, sightings_of(visitors), context, now, scene)
        finally:
            sys.setprofile(None)
        context.fonts.evict(now)
        most = max(most, calls if frame else 0)
    assert scene is not None
    assert sum(visitor.caption is not None for visitor in scene.visitors) >= 2
    assert most <= 40_000


def count(monkeypatch: pytest.MonkeyPatch, method: Callable[..., object]) -> list[str]:
    """Return a list that grows with each call of `method`, a function of its class."""
    calls: list[str] = []
    owner = {"Painter": Painter, "Face": Face, "OffScreen": OffScreen}[
        method.__qualname__.split(".")[0]
    ]

    def counted(*given: object) -> object:
        calls.append(method.__name__)
        return method(*given)

    monkeypatch.setattr(owner, method.__name__, counted)
    return calls
