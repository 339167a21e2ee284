from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from installation.errors import WeightsError
from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.cameras.played.rehearsal import ENTER_S, RehearsalPictures
from installation.seeing.faces import mtcnn
from installation.seeing.faces.detector import reduce_frame
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.frame import Frame

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", mtcnn.WEIGHTS_SHA256)
def test_truncated_weights_are_refused(tmp_path: Path, name: str) -> None:
    """A file that lost its end is named, with the package to install again."""
    for each in mtcnn.WEIGHTS_SHA256:
        shutil.copy(mtcnn.package_folder() / each, tmp_path / each)
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{name}: .*Install facenet-pytorch 2\.5\.3 again"):
        Mtcnn(CPU, tmp_path)


def test_the_cascade_agrees_with_the_packages_own() -> None:
    """The same networks in facenet-pytorch's own cascade find the same face."""
    facenet = pytest.importorskip("facenet_pytorch")
    theirs = facenet.MTCNN(
        min_face_size=mtcnn.MIN_FACE_PX,
        factor=mtcnn.PYRAMID_FACTOR,
        thresholds=list(mtcnn.MIN_SCORES),
    )
    visitor = Frame(RehearsalPictures(1280, 720, 30).picture(ENTER_S + 1), 0.0)
    small, factor = reduce_frame(visitor, Buffers())
    boxes, scores, points = theirs.detect(small, landmarks=True)
    (face,) = Mtcnn(CPU).detect(visitor)
    assert face.box.iou(Box(*(boxes[0] * factor).tolist())) > 0.85
    assert face.score == pytest.approx(scores[0], abs=0.01)
    assert np.abs(np.array(face.landmarks) - points[0] * factor).max() < 0.06 * face.box.height


def test_forgetting_runs_the_network_on_black_of_the_last_size() -> None:
    """What PyTorch holds of a frame is overwritten; a second call does nothing."""
    detector = Mtcnn(CPU)
    inputs: list[torch.Tensor] = []
    network = detector._pnet
    network.register_forward_pre_hook(lambda _, given: inputs.append(given[0].clone()))
    detector.detect(Frame(np.full((720, 1280, 3), 90, np.uint8), 0.0))
    of_frame = [each.shape for each in inputs]
    inputs.clear()
    detector.forget()
    detector.forget()
    assert [each.shape for each in inputs] == of_frame
    assert all((each == -127.5 / 128).all() for each in inputs)
