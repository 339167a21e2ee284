from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import facenet_pytorch
import numpy as np
import numpy.typing as npt
import pytest
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

from installation.errors import WeightsError
from installation.memory.buffers import Buffers
from installation.memory.onnx_session import open_session
from installation.seeing.box import Box
from installation.seeing.cameras.played.rehearsal import ENTER_S, RehearsalPictures
from installation.seeing.faces import mtcnn
from installation.seeing.faces.detector import DetectionError, reduce_frame
from installation.seeing.faces.mtcnn import Mtcnn, iou, suppress
from installation.seeing.frame import Frame, Pixels
from installation.seeing.scaling import scale

NETWORKS = {"pnet.onnx": PNet, "rnet.onnx": RNet, "onet.onnx": ONet}
OUTPUTS = {
    "pnet.onnx": ("offsets", "scores"),
    "rnet.onnx": ("offsets", "scores"),
    "onet.onnx": ("offsets", "points", "scores"),
}
"""The names of our networks' outputs, in the order in which the package's networks return them."""


def torch_outputs(name: str, pixels: Pixels) -> dict[str, npt.NDArray[np.float32]]:
    """Return the outputs of the package's network for BGR `pixels` `(N, h, w, 3)`, by our names.

    Its input is RGB.
    """
    network = NETWORKS[name]().eval()
    rgb = np.ascontiguousarray(pixels[..., ::-1])
    batch = (torch.from_numpy(rgb).permute(0, 3, 1, 2).float() - 127.5) / 128
    with torch.inference_mode():
        outputs = {
            name: output.numpy() for name, output in zip(OUTPUTS[name], network(batch), strict=True)
        }
    return outputs | {"scores": outputs["scores"][:, 1:]}


class TorchSession:
    """The package's network instead of ours."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.get_outputs = open_session((mtcnn.FOLDER / name).read_bytes()).get_outputs

    def run(self, names: list[str], given: Mapping[str, Pixels]) -> list[Any]:
        """Return the outputs `names`."""
        outputs = torch_outputs(self._name, given["pixels"])
        return [outputs[name] for name in names]


def crowd() -> Frame:
    """Return a room with four visitors in two sizes."""
    near = RehearsalPictures(1280, 720, 30).picture(ENTER_S + 1)[:, 320:960]
    far = cv2.resize(near, (320, 360), interpolation=cv2.INTER_AREA)
    room = np.full((720, 1280, 3), 160, np.uint8)
    room[:, :640] = near
    room[:360, 640:960], room[360:, 960:], room[:360, 960:] = far, far, far[:, ::-1]
    return Frame(bgr=room, taken_at=0.0)


@pytest.mark.parametrize(("name", "px"), [("pnet.onnx", 90), ("rnet.onnx", 24), ("onet.onnx", 48)])
def test_each_network_gives_what_the_packages_own_gives(name: str, px: int) -> None:
    """Our files contain the package's weights: every output differs by less than 1e-4."""
    room = cv2.resize(crowd().bgr, (320, 180), interpolation=cv2.INTER_AREA)
    pixels: Pixels = np.stack(
        [room[y : y + px, x : x + px] for x in (0, 40, 170) for y in (10, 60)]
    ).astype(np.uint8)
    session = open_session((mtcnn.FOLDER / name).read_bytes())
    expected = torch_outputs(name, pixels)
    names = [output.name for output in session.get_outputs()]
    for output, ours in zip(names, session.run(names, {"pixels": pixels}), strict=True):
        assert ours.shape == expected[output].shape
        assert np.abs(ours - expected[output]).max() < 1e-4


@pytest.mark.parametrize("max_iou", [mtcnn.MAX_IOUS[2], 1.0])
def test_the_cascade_finds_the_same_faces_with_the_packages_networks(
    max_iou: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PyTorch instead of ONNX Runtime each box is the same: IoU 0.99 and more.

    It does not matter whether O-Net sees one square of each face, or all of them.
    """
    monkeypatch.setattr(mtcnn, "MAX_IOUS", (*mtcnn.MAX_IOUS[:2], max_iou))
    ours, theirs = Mtcnn(), Mtcnn()
    theirs._sessions = {name: TorchSession(name) for name in NETWORKS}
    found, expected = ours.detect(crowd()), theirs.detect(crowd())
    assert len(found) == len(expected) == 4
    for a, b in zip(found, expected, strict=True):
        assert a.box.iou(b.box) > 0.99
        assert a.score == pytest.approx(b.score, abs=1e-3)


@pytest.mark.parametrize("name", mtcnn.NETWORK_SHA256S)
def test_truncated_weights_are_refused(tmp_path: Path, name: str) -> None:
    """A file that lost its end is named, with what to do."""
    for each in mtcnn.NETWORK_SHA256S:
        shutil.copy(mtcnn.FOLDER / each, tmp_path / each)
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{name}: .*Restore this file from the kiosk's repo"):
        Mtcnn(tmp_path)


@pytest.mark.parametrize(("max_iou", "within"), [(1.0, 0.01), (mtcnn.MAX_IOUS[2], 0.02)])
def test_the_cascade_agrees_with_the_packages_own(
    max_iou: float, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same networks in facenet-pytorch's own cascade find the same face.

    The score is the same if O-Net sees all squares of a face, as in the package's cascade.
    """
    monkeypatch.setattr(mtcnn, "MAX_IOUS", (*mtcnn.MAX_IOUS[:2], max_iou))
    theirs = facenet_pytorch.MTCNN(
        min_face_size=mtcnn.MIN_FACE_PX,
        factor=mtcnn.PYRAMID_FACTOR,
        thresholds=list(mtcnn.MIN_SCORES),
    )
    visitor = Frame(bgr=RehearsalPictures(1280, 720, 30).picture(ENTER_S + 1), taken_at=0.0)
    small, factor = reduce_frame(visitor, Buffers())
    boxes, scores, points = theirs.detect(np.ascontiguousarray(small[..., ::-1]), landmarks=True)
    (face,) = Mtcnn().detect(visitor)
    assert face.box.iou(Box(*(boxes[0] * factor).tolist())) > 0.85
    assert face.score == pytest.approx(scores[0], abs=within)
    assert np.abs(np.array(face.landmarks) - points[0] * factor).max() < 0.06 * face.box.height


class ScriptedONet:
    """O-Net with given scores, which counts the squares that it is given in each run."""

    def __init__(self, *scores: float) -> None:
        self._scores = list(scores)
        self.runs: list[int] = []
        self.get_outputs = open_session((mtcnn.FOLDER / "onet.onnx").read_bytes()).get_outputs

    def run(self, names: list[str], given: Mapping[str, Pixels]) -> list[Any]:
        """Return the next scores, and zeros for offsets and points."""
        count = len(given["pixels"])
        self.runs.append(count)
        scores = [[self._scores.pop(0)] for _ in range(count)]
        outputs = {
            "scores": scores,
            "offsets": np.zeros((count, 4)),
            "points": np.zeros((count, 10)),
        }
        return [np.array(outputs[name], np.float32) for name in names]


@pytest.mark.parametrize(
    ("scores", "runs", "faces"),
    [((0.9,), [1], 1), ((0.1, 0.9), [1, 1], 1), ((0.1, 0.1), [1, 1], 0)],
)
def test_o_net_sees_another_square_only_if_it_rejects_the_best(
    scores: tuple[float, ...], runs: list[int], faces: int
) -> None:
    """The second square of a face is tested only if O-Net rejects the first one."""
    detector, net = Mtcnn(), ScriptedONet(*scores)
    detector._sessions["onet.onnx"] = net
    squares = np.array([[10, 10, 90, 90], [14, 10, 94, 90]], np.float32)
    found = detector._refined(np.zeros((100, 100, 3), np.uint8), squares, factor=1.0)
    assert net.runs == runs
    assert len(found.boxes) == faces


@pytest.mark.parametrize("width", [640, 1280, 1920, 2560])
def test_a_followed_face_is_cut_from_the_frame(width: int) -> None:
    """`follow` finds the face that `detect` finds, without reducing the whole frame."""
    pictures = RehearsalPictures(width, width * 9 // 16, 30)
    visitor = Frame(bgr=pictures.picture(ENTER_S + 1), taken_at=0.0)
    (face,) = Mtcnn().detect(visitor)
    detector = Mtcnn()
    (followed,) = detector.follow(visitor, [face.box])
    assert followed.box.iou(face.box) > 0.9
    apart = np.abs(np.subtract(followed.landmarks, face.landmarks))
    assert float(apart.max()) < 0.03 * face.box.height
    assert repr(detector._buffers) == "<Buffers, crops>"


def test_crops_are_scaled_by_ipp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crop is scaled by `scale`; OpenCV's own scaling takes longer than reducing the frame."""
    scaled: list[tuple[int, ...]] = []

    def noted(picture: Pixels, crop: Pixels, method: int) -> None:
        scaled.append(picture.shape)
        scale(picture, crop, method)

    monkeypatch.setattr(mtcnn, "scale", noted)
    noise = np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8)
    squares = np.array([[51, 51, 450, 450]], np.float32)
    _, (crop,) = mtcnn._crops(noise, squares, 1.0, mtcnn.ONET_PX, Buffers())
    assert scaled == [(400, 400, 3)]
    assert abs(float(crop.mean()) - float(noise.mean())) < 1


def test_a_place_outside_the_frame_has_no_face() -> None:
    """Nobody is found at a place that has left the frame, or that has no area."""
    noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    places = [Box(-300, 100, -10, 400), Box(1290, 0, 1500, 90), Box(5, 900, 95, 990)]
    places += [Box(640, 360, 640, 360), Box(-1e9, -1e9, -1e8, -1e8)]
    assert Mtcnn().follow(Frame(bgr=noise, taken_at=0.0), places) == []


def test_suppression_is_that_of_a_plain_loop() -> None:
    """If two boxes overlap by more than the limit, the one with the lower score is dropped."""
    random = np.random.default_rng(3)
    corner, size = random.uniform(0, 60, (80, 2)), random.uniform(10, 40, (80, 2))
    boxes = np.concatenate((corner, corner + size), 1).astype(np.float32)
    scores = random.permutation(80).astype(np.float32)
    kept: list[int] = []
    for index in np.argsort(-scores).tolist():
        if all(Box(*boxes[index]).iou(Box(*boxes[other])) <= 0.3 for other in kept):
            kept.append(index)
    assert suppress(boxes, scores, 0.3).tolist() == kept
    assert suppress(boxes[:0], scores[:0], 0.3).tolist() == []
    overlap = iou(boxes, boxes)
    assert overlap[3, 5] == pytest.approx(Box(*boxes[3]).iou(Box(*boxes[5])), abs=1e-5)


class Damaged:
    """A network of which one output has a number that is not finite."""

    def __init__(self, session: Any, output: str, value: float) -> None:
        self.get_outputs, self._run = session.get_outputs, session.run
        self._output, self._value = output, value

    def run(self, names: list[str], given: Mapping[str, Pixels]) -> list[Any]:
        """Return the outputs `names`."""
        outputs = [np.array(each) for each in self._run(names, given)]
        outputs[names.index(self._output)].flat[0] = self._value
        return outputs


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("output", ["scores", "offsets"])
def test_a_network_that_returns_no_numbers_does_not_seem_to_see_an_empty_room(
    output: str, value: float
) -> None:
    """Such a detector raises an error, so that its networks are opened again."""
    detector = Mtcnn()
    detector._sessions["pnet.onnx"] = Damaged(detector._sessions["pnet.onnx"], output, value)
    with pytest.raises(DetectionError):
        detector.detect(Frame.from_rgb(np.full((90, 160, 3), 90, np.uint8), 0.0))
