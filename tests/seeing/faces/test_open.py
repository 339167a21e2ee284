"""What every detector promises, on the astronaut of the rehearsal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import torch

from installation.errors import WeightsError
from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.cameras.rehearsal import COMES_S, Rehearsal
from installation.seeing.faces import mtcnn, yunet
from installation.seeing.faces.detector import Detector, Face, reduced
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.faces.open import open_detector
from installation.seeing.faces.yunet import YuNet
from installation.seeing.frame import Frame, Pixels
from tests.support.pictures import yunet_file

CPU = torch.device("cpu")
DETECTORS = ["mtcnn", "yunet"]

FACE = Box(548, 135, 680, 300)
"""The visitor's face on the rehearsal at 1280×720, three seconds after coming; drawn by hand."""


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> Detector:
    """Return each detector."""
    if request.param == "mtcnn":
        return Mtcnn(CPU)
    file = yunet_file()
    if file is None:
        pytest.skip(f"{yunet.FILE.name} has not been fetched")
    return YuNet(file)


@pytest.fixture(scope="module")
def visitor() -> Frame:
    """Return the rehearsal's visitor before the screen, 1280×720."""
    return Frame(Rehearsal(1280, 720, 30).picture(COMES_S + 1), 0.0)


def _one(detector: Detector, pixels: Pixels) -> Face:
    (face,) = detector.detect(Frame(pixels, 0.0))
    return face


def test_one_visitor_is_one_face_at_the_right_place(detector: Detector, visitor: Frame) -> None:
    """The box lies on the face, in the full frame's pixels."""
    face = _one(detector, visitor.pixels)
    assert face.box.iou(FACE) > 0.6
    assert 0.7 < face.score <= 1


def test_landmarks_lie_in_the_face_each_on_its_side(detector: Detector, visitor: Frame) -> None:
    """Eyes above nose above mouth, left of the picture first."""
    face = _one(detector, visitor.pixels)
    assert all(
        face.box.x0 < x < face.box.x1 and face.box.y0 < y < face.box.y1 for x, y in face.landmarks
    )
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("shape", [(720, 1280, 3), (360, 640, 3), (1280, 720, 3), (120, 160, 3)])
def test_an_empty_room_has_no_faces(detector: Detector, shape: tuple[int, int, int]) -> None:
    """A blank frame of any shape gives an empty list."""
    assert detector.detect(Frame(np.full(shape, 128, np.uint8), 0.0)) == []


def test_noise_is_no_face(detector: Detector) -> None:
    """Candidates of the first stage that come to nothing do no harm."""
    noise = np.random.default_rng(7).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    assert detector.detect(Frame(noise, 0.0)) == []


def test_a_larger_frame_gives_the_same_face_larger(detector: Detector, visitor: Frame) -> None:
    """Detection runs on the reduced frame, and its boxes come back in the full frame's pixels."""
    larger = cast(Pixels, cv2.resize(visitor.pixels, (2560, 1440)))
    small, large = _one(detector, visitor.pixels), _one(detector, larger)
    assert large.box.iou(small.box.scaled(2)) > 0.9


def test_a_crowd_comes_best_score_first(detector: Detector, visitor: Frame) -> None:
    """Several faces of several sizes are found, the surest first."""
    near = visitor.pixels[:, 320:960]
    far = cast(Pixels, cv2.resize(near, (320, 360), interpolation=cv2.INTER_AREA))
    room = np.full((720, 1280, 3), 160, np.uint8)
    room[:, :640] = near
    room[:360, 640:960], room[360:, 960:] = far, far
    faces = detector.detect(Frame(room, 0.0))
    assert len(faces) == 3
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("x", "y"), [(-70, 0), (610, 0), (0, -120), (0, 560)])
def test_a_face_at_the_frames_edge_does_no_harm(
    detector: Detector, visitor: Frame, x: int, y: int
) -> None:
    """Candidates that reach out of the frame are cut at its edge."""
    moved = np.array([[1.0, 0, x], [0, 1.0, y]])
    pixels = cast(Pixels, cv2.warpAffine(visitor.pixels, moved, (1280, 720)))
    for face in detector.detect(Frame(pixels, 0.0)):
        assert face.box.area > 0


def test_a_detector_that_has_forgotten_finds_the_same_face(
    detector: Detector, visitor: Frame
) -> None:
    """Forgetting overwrites what libraries hold of a frame, and changes nothing else."""
    detector.forget()
    before = detector.detect(visitor)
    detector.forget()
    detector.forget()
    assert detector.detect(visitor) == before


def test_the_reduced_frame_keeps_its_shape() -> None:
    """A tall frame is reduced by its height, and a small one not at all."""
    small, factor = reduced(Frame(np.zeros((1920, 1080, 3), np.uint8), 0.0), Buffers())
    assert small.shape == (640, 360, 3)
    assert factor == 3
    frame = Frame(np.zeros((360, 640, 3), np.uint8), 0.0)
    assert reduced(frame, Buffers()) == (frame.pixels, 1.0)


def _mtcnn_folder(folder: Path) -> Callable[[], Detector]:
    for name in mtcnn.SHA256:
        shutil.copy(mtcnn.package_folder() / name, folder / name)
    return lambda: Mtcnn(CPU, folder)


@pytest.mark.parametrize("name", mtcnn.SHA256)
def test_truncated_weights_of_mtcnn_are_refused(tmp_path: Path, name: str) -> None:
    """A file that lost its end is named, with what to install again."""
    opened = _mtcnn_folder(tmp_path)
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{name}: .*Install facenet-pytorch 2\.5\.3 again"):
        opened()


def test_tampered_weights_of_yunet_are_refused(tmp_path: Path) -> None:
    """A file of the right name with other content is never loaded."""
    file = tmp_path / yunet.FILE.name
    file.write_bytes(bytes(232_589))
    with pytest.raises(WeightsError, match="truncated or not the ones that were pinned") as caught:
        YuNet(file)
    assert yunet.SHA256 in str(caught.value)


def test_missing_weights_of_yunet_are_named_with_the_way_out(tmp_path: Path) -> None:
    """The curator reads that MTCNN needs no file."""
    with pytest.raises(WeightsError, match=r"cannot be read.*detector: mtcnn"):
        YuNet(tmp_path / yunet.FILE.name)


def test_auto_takes_yunet_where_its_file_is(tmp_path: Path) -> None:
    """The faster detector is taken without asking, and a false file of its name is no way round."""
    file = tmp_path / yunet.FILE.name
    assert open_detector("auto", CPU, file).name == "mtcnn"
    file.touch()
    assert open_detector("mtcnn", CPU, file).name == "mtcnn"
    with pytest.raises(WeightsError, match=r"Run: kiosk fetch yunet\. Or set `detector: mtcnn`"):
        open_detector("auto", CPU, file)
    if fetched := yunet_file():
        assert open_detector("auto", CPU, fetched).name == "yunet"


def test_the_cascade_agrees_with_the_packages_own(visitor: Frame) -> None:
    """The same networks in facenet-pytorch's own cascade find the same face."""
    facenet = pytest.importorskip("facenet_pytorch")
    theirs = facenet.MTCNN(
        min_face_size=mtcnn.SMALLEST_PX, factor=mtcnn.SHRINK, thresholds=list(mtcnn.SCORES)
    )
    small, factor = reduced(visitor, Buffers())
    boxes, scores, points = theirs.detect(small, landmarks=True)
    face = _one(Mtcnn(CPU), visitor.pixels)
    assert face.box.iou(Box(*(boxes[0] * factor).tolist())) > 0.85
    assert face.score == pytest.approx(scores[0], abs=0.01)
    assert np.abs(np.array(face.landmarks) - points[0] * factor).max() < 0.06 * face.box.height
