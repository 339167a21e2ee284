"""MTCNN, the face detector whose weights a package carries.

K. Zhang et al., *Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks*, 2016. A small network proposes boxes at several scales, a second one sorts most of them
out, a third one refines the rest and finds the landmarks. Networks and weights are those of
`facenet-pytorch`. The cascade around them is written anew: the package's own fails on a candidate
that lies outside the frame, and took 60 ms of one core where this one takes 23 (two-faces.mp4).
"""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn
from torchvision.ops import nms

from installation.memory.buffers import Buffers
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face, reduced
from installation.seeing.faces.weights import pinned
from installation.seeing.frame import Frame, Pixels

SHA256 = {
    "pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}
"""The weights in facenet-pytorch 2.5.3."""

SMALLEST_PX = 32
"""The smallest face on the reduced frame, px."""

SHRINK = 0.6
"""From one scale to the next. 0.709, the usual one, took 1.4 times as long on
two-faces.mp4 for the same number of faces."""

SCORES = (0.7, 0.7, 0.8)
"""Least score after each network; the usual ones are 0.6, 0.7 and 0.7. Stricter is faster."""

WINDOW = 12
STRIDE = 2
"""The first network's window and step, px: its architecture."""

SECOND_PX = 24
THIRD_PX = 48
"""The inputs of the other two, px: their architecture."""

_Net = TypeVar("_Net", bound=nn.Module)


def package_folder() -> Path:
    """Return the folder of weights that facenet-pytorch carries."""
    package = find_spec("facenet_pytorch")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data"


class Mtcnn:
    """Finds faces from 32 px on the reduced frame. For one thread.

    Raises WeightsError where a file of weights in `folder` is missing, truncated or tampered with.
    """

    name = "mtcnn"

    def __init__(self, device: torch.device, folder: Path | None = None) -> None:
        folder = folder or package_folder()
        self._device = device
        self._propose = _loaded(PNet(pretrained=False), folder / "pnet.pt", device)
        self._sort_out = _loaded(RNet(pretrained=False), folder / "rnet.pt", device)
        self._refine = _loaded(ONet(pretrained=False), folder / "onet.pt", device)
        self._buffers = Buffers()
        self._held = (0, 0)
        """Height and width of what the networks saw last, px."""
        self._warm_up()

    @torch.inference_mode()
    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        try:
            small, factor = reduced(frame, self._buffers)
            self._held = small.shape[0], small.shape[1]
            boxes = self._proposals(small)  # (N, 4)
            boxes = self._sorted_out(small, boxes)
            boxes, scores, points = self._refined(small, boxes)  # (N, 4), (N,), (N, 5, 2)
        finally:
            self._buffers.forget()
        order = scores.argsort(descending=True)
        return [
            _face(box, score, landmarks)
            for box, score, landmarks in zip(
                (boxes[order] * factor).tolist(),
                scores[order].tolist(),
                (points[order] * factor).tolist(),
                strict=True,
            )
        ]

    def forget(self) -> None:
        """Have the networks see black, to overwrite what PyTorch holds of the last frame."""
        if self._held != (0, 0):
            self.detect(Frame(np.zeros((*self._held, 3), np.uint8), 0.0))
            self._held = (0, 0)

    @torch.inference_mode()
    def _warm_up(self) -> None:
        """Run the networks that only see faces once on one crop, so that no visitor waits."""
        for network, px in ((self._sort_out, SECOND_PX), (self._refine, THIRD_PX)):
            network(self._input(np.zeros((1, px, px, 3), np.uint8)))

    def _input(self, pixels: Pixels) -> Tensor:
        """Return `(N, h, w, 3)` uint8 RGB as the networks take it: `(N, 3, h, w)`, −1 to 1."""
        floats = self._buffers.take("input", pixels.shape, np.float32)  # (N, h, w, 3)
        np.subtract(pixels, np.float32(127.5), out=floats)
        np.divide(floats, np.float32(128), out=floats)
        return torch.from_numpy(floats).to(self._device).permute(0, 3, 1, 2)  # channels last

    def _proposals(self, small: Pixels) -> Tensor:
        """Return the squares that may hold a face, `(N, 4)` xyxy."""
        h, w, _ = small.shape
        found: list[Tensor] = []
        weights: list[Tensor] = []
        scale, level = WINDOW / SMALLEST_PX, small
        while min(h, w) * scale >= WINDOW:
            across, down = int(w * scale + 1), int(h * scale + 1)
            larger, level = level, self._buffers.take(f"level {scale:.4f}", (down, across, 3))
            cv2.resize(larger, (across, down), level, interpolation=cv2.INTER_AREA)
            shifts, odds = self._propose(self._input(level[None]))  # (1, 4, y, x), (1, 2, y, x)
            face = odds[0, 1]  # (y, x)
            y, x = (face >= SCORES[0]).nonzero(as_tuple=True)  # (n,), (n,)
            corner = torch.stack((x, y), dim=1) * STRIDE  # (n, 2)
            boxes = torch.cat((corner + 1, corner + WINDOW), dim=1) / scale  # (n, 4)
            keep = nms(boxes, face[y, x], 0.5)
            found.append(_shifted(boxes, shifts[0, :, y, x].T)[keep])
            weights.append(face[y, x][keep])
            scale *= SHRINK
        if not found:
            return torch.empty((0, 4), device=self._device)
        boxes = torch.cat(found)  # (N, 4)
        return _squared(boxes[nms(boxes, torch.cat(weights), 0.7)])

    def _sorted_out(self, small: Pixels, boxes: Tensor) -> Tensor:
        """Return the squares that the second network takes for faces, `(N, 4)` xyxy."""
        boxes, crops = _cut(small, boxes, SECOND_PX, self._buffers)
        if not len(boxes):
            return boxes
        shifts, odds = self._sort_out(self._input(crops))  # (N, 4), (N, 2)
        likely = odds[:, 1] > SCORES[1]
        boxes, shifts, scores = boxes[likely], shifts[likely], odds[likely, 1]
        keep = nms(boxes, scores, 0.7)
        return _squared(_shifted(boxes[keep], shifts[keep]))

    def _refined(self, small: Pixels, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return faces `(N, 4)` xyxy, scores `(N,)` and landmarks `(N, 5, 2)`."""
        boxes, crops = _cut(small, boxes, THIRD_PX, self._buffers)
        if not len(boxes):
            return boxes, boxes.new_empty(0), boxes.new_empty((0, 5, 2))
        shifts, points, odds = self._refine(self._input(crops))  # (N, 4), (N, 10), (N, 2)
        likely = odds[:, 1] > SCORES[2]
        boxes, shifts, scores = boxes[likely], shifts[likely], odds[likely, 1]
        points = points[likely].view(-1, 2, 5).transpose(1, 2)  # (N, 5, 2)
        points = boxes[:, None, :2] + points * (boxes[:, None, 2:] - boxes[:, None, :2])
        boxes = _shifted(boxes, shifts)
        keep = _not_nested(boxes, scores)
        return boxes[keep], scores[keep], points[keep]


def _face(box: list[float], score: float, landmarks: list[list[float]]) -> Face:
    a, b, c, d, e = ((x, y) for x, y in landmarks)
    return Face(Box(*box), score, (a, b, c, d, e))


def _loaded(net: _Net, file: Path, device: torch.device) -> _Net:
    data = pinned(file, SHA256[file.name], "Install facenet-pytorch 2.5.3 again.")
    net.load_state_dict(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
    # Channels last halves the time on a CPU: its max-pooling is slow otherwise.
    net.eval().to(device).to(memory_format=torch.channels_last)
    return net


def _shifted(boxes: Tensor, shifts: Tensor) -> Tensor:
    """Return boxes `(N, 4)` moved by `shifts` `(N, 4)`, which are shares of their sides."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + shifts * sides


def _squared(boxes: Tensor) -> Tensor:
    """Return the squares around the centres of `boxes`, `(N, 4)`, with their longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    return torch.cat((middle - half, middle + half), dim=1)


def _cut(small: Pixels, boxes: Tensor, size: int, buffers: Buffers) -> tuple[Tensor, Pixels]:
    """Return the boxes that lie on the picture, `(N, 4)`, and their crops, `(N, size, size, 3)`.

    OpenCV cuts and resizes small crops several times as fast as torchvision's `roi_align`.
    """
    h, w, _ = small.shape
    corners = boxes.trunc().int().tolist()
    crops = buffers.take("crops", (len(corners), size, size, 3))
    there: list[int] = []
    for index, (x0, y0, x1, y1) in enumerate(corners):
        # The networks were trained on boxes that count pixels from one.
        crop = small[max(0, y0 - 1) : min(h, max(0, y1)), max(0, x0 - 1) : min(w, max(0, x1))]
        if crop.size:
            cv2.resize(crop, (size, size), crops[len(there)], interpolation=cv2.INTER_AREA)
            there.append(index)
    return boxes[there], crops[: len(there)]


def _not_nested(boxes: Tensor, scores: Tensor) -> list[int]:
    """Return which of `boxes` stay when one that lies mostly in a better one goes."""
    keep: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        box = Box(*boxes[index].tolist())
        if all(_share_of_smaller(box, Box(*boxes[other].tolist())) <= 0.7 for other in keep):
            keep.append(index)
    return keep


def _share_of_smaller(a: Box, b: Box) -> float:
    """Return the intersection over the smaller area, 0–1."""
    iou = a.iou(b)
    smaller = min(a.area, b.area)
    return iou * (a.area + b.area) / (1 + iou) / smaller if smaller else 0.0
