"""Detector and tracker together on films: people turn their heads, and the film cuts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import torch

from installation.seeing.cameras.open import open_camera
from installation.seeing.cameras.rehearsal import COMES_S, Rehearsal
from installation.seeing.faces import yunet
from installation.seeing.faces.detector import Detector, Face
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.faces.yunet import YuNet
from installation.seeing.frame import Frame, Pixels
from installation.seeing.tracker import Track, Tracker
from installation.settings import source
from installation.settings.kiosk import CameraSettings
from tests.support.manual_clock import ManualClock
from tests.support.pictures import TWO_FACES, write_film, yunet_file

FPS = 30
every_stride = pytest.mark.parametrize("stride", [1, 4, 7], ids=["30/s", "8/s", "4/s"])

Seen = list[tuple[Frame, list[Face]]]


@pytest.fixture(scope="module", params=["mtcnn", "yunet"])
def detector(request: pytest.FixtureRequest) -> Detector:
    """Return each detector."""
    if request.param == "mtcnn":
        return Mtcnn(torch.device("cpu"))
    file = yunet_file()
    if file is None:
        pytest.skip(f"{yunet.FILE.name} has not been fetched")
    return YuNet(file)


def _frames(film: Path) -> Iterator[Frame]:
    settings = CameraSettings(source=source.Film(film), mirror=False)
    camera = open_camera(settings, ManualClock(), as_fast_as_possible=True)
    while (frame := camera.read()) is not None:
        yield frame


def _seen(film: Path, detector: Detector) -> Seen:
    return [(frame, detector.detect(frame)) for frame in _frames(film)]


def _tracks(seen: Seen, stride: int) -> dict[int, list[tuple[int, Track]]]:
    """Return for each visitor the frames and the tracks, analysing one frame in `stride`."""
    tracker = Tracker()
    visitors: dict[int, list[tuple[int, Track]]] = {}
    for index in range(0, len(seen), stride):
        frame, faces = seen[index]
        for track in tracker.update(faces, index / FPS, frame.scene):
            visitors.setdefault(track.id, []).append((index, track))
    return visitors


@pytest.fixture(scope="module")
def cut_film(tmp_path_factory: pytest.TempPathFactory, detector: Detector) -> Seen:
    """Return a film that cuts after a second to another visitor on the very same place.

    The other one is the mirrored astronaut in blue, in a dark room.
    """
    rehearsal = Rehearsal(640, 360, FPS)
    before = [rehearsal.picture(COMES_S + index / FPS) for index in range(FPS)]

    def other(picture: Pixels) -> Pixels:
        dark = picture[:, :, ::-1].astype(np.float32)
        wall = np.abs(picture.max(axis=2).astype(int) - picture.min(axis=2)) < 32
        dark[wall] *= 0.15
        moved = np.array([[1.0, 0, 30], [0, 1.0, 0]])
        return cast(Pixels, cv2.warpAffine(dark.astype(np.uint8), moved, (640, 360)))

    after = [other(picture) for picture in before]
    film = tmp_path_factory.mktemp("films") / "cut.avi"
    return _seen(write_film(film, before + after, FPS), detector)


@every_stride
def test_a_visitor_does_not_live_on_across_a_cut(cut_film: Seen, stride: int) -> None:
    """Whoever stands at the same place after the cut gets a number of their own."""
    visitors = _tracks(cut_film, stride)
    spans = [(track[0][0], track[-1][0]) for track in visitors.values()]
    assert len(spans) == 2
    (_, first_ends), (second_begins, second_ends) = sorted(spans)
    assert first_ends < FPS <= second_begins
    assert second_ends >= len(cut_film) - stride


@pytest.fixture(scope="module")
def two_faces(detector: Detector) -> Seen:
    """Return the film of two people and its faces."""
    if not TWO_FACES.is_file():
        pytest.skip(f"{TWO_FACES.name} is not on this machine")
    return _seen(TWO_FACES, detector)


CUTS = (0, 20, 82, 211, 275)
"""The frames on which a shot of two-faces.mp4 begins, and its end; read off the pictures."""


def test_the_films_cuts_are_found_and_no_others() -> None:
    """Two people, a swift pan, a gesturing singer, an audience: three cuts between four shots."""
    if not TWO_FACES.is_file():
        pytest.skip(f"{TWO_FACES.name} is not on this machine")
    scenes = [frame.scene for frame in _frames(TWO_FACES)]
    begun = [index for index in range(1, len(scenes)) if scenes[index] != scenes[index - 1]]
    assert begun == list(CUTS[1:-1])


@every_stride
def test_no_track_survives_a_cut_of_the_film(two_faces: Seen, stride: int) -> None:
    """Every visitor begins and ends within one shot."""
    for track in _tracks(two_faces, stride).values():
        shots = {sum(index >= cut for cut in CUTS) for index, _ in track}
        assert len(shots) == 1


@every_stride
def test_a_singer_who_turns_and_bobs_stays_one_visitor(two_faces: Seen, stride: int) -> None:
    """Through a shot of four seconds one person keeps one number, at each rate of analysis."""
    lasting = [
        track
        for track in _tracks(two_faces, stride).values()
        if CUTS[2] <= track[0][0] < CUTS[3] and track[-1][1].hits >= 0.5 * FPS / stride
    ]
    (singer,) = lasting
    assert singer[0][0] <= CUTS[2] + 0.5 * FPS
    assert singer[-1][0] >= CUTS[3] - stride


@every_stride
def test_two_people_on_a_stage_are_two_visitors(two_faces: Seen, stride: int) -> None:
    """In the first shot each of the two is held from birth to the cut."""
    shown = [track for track in _tracks(two_faces, stride).values() if track[0][0] < CUTS[1]]
    assert len(shown) == 2
    assert all(track[-1][0] >= CUTS[1] - stride for track in shown)


@every_stride
def test_an_audience_that_looks_aside_keeps_its_numbers(two_faces: Seen, stride: int) -> None:
    """In the last shot four people in half profile are held for two seconds."""
    held = [
        track
        for track in _tracks(two_faces, stride).values()
        if track[0][0] >= CUTS[3] and track[-1][0] - track[0][0] >= 1.5 * FPS
    ]
    assert len(held) >= 4
