"""The contract of every detector, on the visitor of the rehearsal."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import pytest

from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.cameras.played.rehearsal import ENTER_S, RehearsalPictures
from installation.seeing.faces.detector import Detector, Face, reduce_frame
from installation.seeing.frame import Frame, Pixels

FACE = Box(548, 135, 680, 300)
"""The visitor's face on the rehearsal at 1280×720, after three seconds; drawn by hand."""


@pytest.fixture(scope="module")
def visitor() -> Frame:
    """Return the rehearsal's visitor in front of the screen, 1280×720."""
    return Frame(bgr=RehearsalPictures(1280, 720, 30).picture(ENTER_S + 1), taken_at=0.0)


def _one(detector: Detector, pixels: Pixels) -> Face:
    (face,) = detector.detect(Frame(bgr=pixels, taken_at=0.0))
    return face


def test_one_visitor_is_one_face_at_the_right_place(detector: Detector, visitor: Frame) -> None:
    """The box is on the face, in the pixels of the full frame."""
    face = _one(detector, visitor.bgr)
    assert face.box.iou(FACE) > 0.6
    assert 0.7 < face.score <= 1


def test_landmarks_lie_in_the_face_each_on_its_side(detector: Detector, visitor: Frame) -> None:
    """Eyes are above the nose, the nose above the mouth; the left of the picture comes first."""
    face = _one(detector, visitor.bgr)
    assert all(
        face.box.x0 < x < face.box.x1 and face.box.y0 < y < face.box.y1 for x, y in face.landmarks
    )
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("shape", [(720, 1280, 3), (360, 640, 3), (1280, 720, 3), (120, 160, 3)])
def test_an_empty_room_has_no_faces(detector: Detector, shape: tuple[int, int, int]) -> None:
    """A blank frame of any shape results in an empty list."""
    assert detector.detect(Frame.from_rgb(np.full(shape, 128, np.uint8), 0.0)) == []


def test_noise_has_no_faces(detector: Detector) -> None:
    """Candidates of a first stage that are all rejected result in an empty list."""
    noise = np.random.default_rng(7).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    assert detector.detect(Frame.from_rgb(noise, 0.0)) == []


def test_a_larger_frame_gives_the_same_face_larger(detector: Detector, visitor: Frame) -> None:
    """Detection runs on the reduced frame, and boxes are scaled back to the full frame."""
    larger = cast(Pixels, cv2.resize(visitor.bgr, (2560, 1440)))
    small, large = _one(detector, visitor.bgr), _one(detector, larger)
    assert large.box.iou(small.box.scaled(2)) > 0.9


def test_several_faces_come_best_score_first(detector: Detector, visitor: Frame) -> None:
    """Three faces of two sizes are all found."""
    near = visitor.bgr[:, 320:960]
    far = cast(Pixels, cv2.resize(near, (320, 360), interpolation=cv2.INTER_AREA))
    room = np.full((720, 1280, 3), 160, np.uint8)
    room[:, :640] = near
    room[:360, 640:960], room[360:, 960:] = far, far
    faces = detector.detect(Frame(bgr=room, taken_at=0.0))
    assert len(faces) == 3
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("x", "y"), [(-70, 0), (610, 0), (0, -120), (0, 560)])
def test_a_face_at_the_frames_edge_gives_no_empty_box(
    detector: Detector, visitor: Frame, x: int, y: int
) -> None:
    """Candidates that reach out of the frame are cropped at its edge."""
    moved = np.array([[1.0, 0, x], [0, 1.0, y]])
    pixels = cast(Pixels, cv2.warpAffine(visitor.bgr, moved, (1280, 720)))
    for face in detector.detect(Frame(bgr=pixels, taken_at=0.0)):
        assert face.box.area > 0


def test_a_detector_that_has_forgotten_finds_the_same_face(
    detector: Detector, visitor: Frame
) -> None:
    """`forget` overwrites data of the frame in libraries, and changes nothing else."""
    detector.forget()
    before = detector.detect(visitor)
    detector.forget()
    detector.forget()
    assert detector.detect(visitor) == before


def test_the_reduced_frame_keeps_its_shape() -> None:
    """A tall frame is reduced by its height, and a small one is not reduced."""
    tall = Frame.from_rgb(np.zeros((1920, 1080, 3), np.uint8), 0.0)
    small, factor = reduce_frame(tall, Buffers())
    assert small.shape == (640, 360, 3)
    assert factor == 3
    frame = Frame.from_rgb(np.zeros((360, 640, 3), np.uint8), 0.0)
    assert reduce_frame(frame, Buffers()) == (frame.bgr, 1.0)
