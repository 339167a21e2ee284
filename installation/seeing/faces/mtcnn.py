"""MTCNN, the face detector whose weights come with the package facenet-pytorch.

K. Zhang et al., *Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks*, 2016. P-Net proposes boxes on an image pyramid, R-Net rejects most of them, O-Net refines
the rest and finds the landmarks. Networks and weights are those of `facenet-pytorch`. The cascade
around the networks is our own: the package's cascade fails on a candidate outside the frame, and
takes 60 ms of one core for a frame of 640×360 px instead of 23.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
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
from installation.pinned_file import read_pinned
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face, reduce_frame
from installation.seeing.frame import Frame, Pixels

WEIGHTS_SHA256 = {
    "pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}
"""The weights in facenet-pytorch 2.5.3."""

MIN_FACE_PX = 32
"""The smallest face on the reduced frame, px."""

PYRAMID_FACTOR = 0.6
"""The size of each level of the image pyramid relative to the level before.

The usual factor, 0.709, took 1.4 times as long on a film of 640×360 px and found no more faces.
"""

MIN_SCORES = (0.7, 0.7, 0.8)
"""Least scores after P-Net, R-Net and O-Net; usual are 0.6, 0.7 and 0.7. Higher is faster."""

PNET_PX = 12
PNET_STRIDE_PX = 2
RNET_PX = 24
ONET_PX = 48
"""The networks' input sizes and P-Net's stride, px, as given by their architecture."""

_Net = TypeVar("_Net", bound=nn.Module)


def package_folder() -> Path:
    """Return the folder of the weights in the package facenet-pytorch."""
    package = find_spec("facenet_pytorch")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data"


class Mtcnn:
    """Finds faces of at least 32 px on the reduced frame. For one thread.

    Raises WeightsError if a file of weights in `folder` is missing, truncated or not the pinned
    one.
    """

    name = "mtcnn"

    def __init__(self, device: torch.device, folder: Path | None = None) -> None:
        folder = folder or package_folder()
        self._device = device
        self._pnet = _loaded(PNet(pretrained=False), folder / "pnet.pt", device)
        self._rnet = _loaded(RNet(pretrained=False), folder / "rnet.pt", device)
        self._onet = _loaded(ONet(pretrained=False), folder / "onet.pt", device)
        self._buffers = Buffers()
        self._held = (0, 0)
        """Height and width of the last reduced frame, which PyTorch may still hold, px."""
        self._warm_up()

    @torch.inference_mode()
    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        return self._detect(frame, None)

    @torch.inference_mode()
    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        """Return the faces of `frame` that O-Net alone finds at `boxes`, best score first."""
        return self._detect(frame, boxes)

    def _detect(self, frame: Frame, places: Sequence[Box] | None) -> list[Face]:
        """Return the faces at `places`; None: wherever P-Net and R-Net find candidates."""
        try:
            small, factor = reduce_frame(frame, self._buffers)
            self._held = small.shape[0], small.shape[1]
            if places is None:
                boxes = self._filtered(small, self._proposals(small))  # (N, 4)
            else:
                edges = [(box.x0, box.y0, box.x1, box.y1) for box in places]
                boxes = _squared(torch.tensor(edges, device=self._device) / factor)  # (N, 4)
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
        """Run the networks on a black frame, to overwrite data that PyTorch still holds."""
        if self._held != (0, 0):
            self.detect(Frame(np.zeros((*self._held, 3), np.uint8), 0.0))
            self._held = (0, 0)

    @torch.inference_mode()
    def _warm_up(self) -> None:
        """Run R-Net and O-Net once, so that the first visitor does not wait for their first run."""
        for network, px in ((self._rnet, RNET_PX), (self._onet, ONET_PX)):
            network(self._input(np.zeros((1, px, px, 3), np.uint8)))

    def _input(self, pixels: Pixels) -> Tensor:
        """Return the networks' input for `(N, h, w, 3)` uint8 RGB: `(N, 3, h, w)`, −1 to 1."""
        floats = self._buffers.take("input", pixels.shape, np.float32)  # (N, h, w, 3)
        np.subtract(pixels, np.float32(127.5), out=floats)
        np.divide(floats, np.float32(128), out=floats)
        return torch.from_numpy(floats).to(self._device).permute(0, 3, 1, 2)  # channels last

    def _proposals(self, small: Pixels) -> Tensor:
        """Return P-Net's proposals, squares that may hold a face, `(N, 4)` xyxy."""
        h, w, _ = small.shape
        found: list[Tensor] = []
        found_scores: list[Tensor] = []
        scale, level = PNET_PX / MIN_FACE_PX, small
        while min(h, w) * scale >= PNET_PX:
            level_w, level_h = int(w * scale + 1), int(h * scale + 1)
            larger, level = level, self._buffers.take(f"level {scale:.4f}", (level_h, level_w, 3))
            cv2.resize(larger, (level_w, level_h), level, interpolation=cv2.INTER_AREA)
            offsets, probs = self._pnet(self._input(level[None]))  # (1, 4, y, x), (1, 2, y, x)
            scores = probs[0, 1]  # (y, x)
            y, x = (scores >= MIN_SCORES[0]).nonzero(as_tuple=True)  # (n,), (n,)
            corner = torch.stack((x, y), dim=1) * PNET_STRIDE_PX  # (n, 2)
            boxes = torch.cat((corner + 1, corner + PNET_PX), dim=1) / scale  # (n, 4)
            keep = nms(boxes, scores[y, x], 0.5)
            found.append(_with_offsets(boxes, offsets[0, :, y, x].T)[keep])
            found_scores.append(scores[y, x][keep])
            scale *= PYRAMID_FACTOR
        if not found:
            return torch.empty((0, 4), device=self._device)
        boxes = torch.cat(found)  # (N, 4)
        return _squared(boxes[nms(boxes, torch.cat(found_scores), 0.7)])

    def _filtered(self, small: Pixels, boxes: Tensor) -> Tensor:
        """Return the squares that R-Net accepts as faces, `(N, 4)` xyxy."""
        boxes, crops = _crops(small, boxes, RNET_PX, self._buffers)
        if not len(boxes):
            return boxes
        offsets, probs = self._rnet(self._input(crops))  # (N, 4), (N, 2)
        accepted = probs[:, 1] > MIN_SCORES[1]
        boxes, offsets, scores = boxes[accepted], offsets[accepted], probs[accepted, 1]
        keep = nms(boxes, scores, 0.7)
        return _squared(_with_offsets(boxes[keep], offsets[keep]))

    def _refined(self, small: Pixels, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return O-Net's faces `(N, 4)` xyxy, scores `(N,)` and landmarks `(N, 5, 2)`."""
        boxes, crops = _crops(small, boxes, ONET_PX, self._buffers)
        if not len(boxes):
            return boxes, boxes.new_empty(0), boxes.new_empty((0, 5, 2))
        offsets, points, probs = self._onet(self._input(crops))  # (N, 4), (N, 10), (N, 2)
        accepted = probs[:, 1] > MIN_SCORES[2]
        boxes, offsets, scores = boxes[accepted], offsets[accepted], probs[accepted, 1]
        points = points[accepted].view(-1, 2, 5).transpose(1, 2)  # (N, 5, 2)
        points = boxes[:, None, :2] + points * (boxes[:, None, 2:] - boxes[:, None, :2])
        boxes = _with_offsets(boxes, offsets)
        keep = _not_nested(boxes, scores)
        return boxes[keep], scores[keep], points[keep]


def _face(box: list[float], score: float, landmarks: list[list[float]]) -> Face:
    a, b, c, d, e = ((x, y) for x, y in landmarks)
    return Face(Box(*box), score, (a, b, c, d, e))


def _loaded(net: _Net, file: Path, device: torch.device) -> _Net:
    data = read_pinned(file, WEIGHTS_SHA256[file.name], "Install facenet-pytorch 2.5.3 again.")
    net.load_state_dict(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
    # Channels last halves the time on a CPU, where max-pooling is slow with channels first.
    net.eval().to(device).to(memory_format=torch.channels_last)
    return net


def _with_offsets(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Return `boxes` `(N, 4)` with edges moved by `offsets` `(N, 4)`, shares of the sides."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + offsets * sides


def _squared(boxes: Tensor) -> Tensor:
    """Return a square for each of `boxes`, `(N, 4)`, with the same centre and the longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    return torch.cat((middle - half, middle + half), dim=1)


def _crops(small: Pixels, boxes: Tensor, size: int, buffers: Buffers) -> tuple[Tensor, Pixels]:
    """Return the boxes that overlap the picture, `(N, 4)`, and their crops, `(N, size, size, 3)`.

    OpenCV crops and resizes small boxes several times as fast as torchvision's `roi_align`.
    """
    h, w, _ = small.shape
    corners = boxes.trunc().int().tolist()
    crops = buffers.take("crops", (len(corners), size, size, 3))
    kept: list[int] = []
    for index, (x0, y0, x1, y1) in enumerate(corners):
        # The networks were trained on boxes whose pixels are counted from 1.
        crop = small[max(0, y0 - 1) : min(h, max(0, y1)), max(0, x0 - 1) : min(w, max(0, x1))]
        if crop.size:
            cv2.resize(crop, (size, size), crops[len(kept)], interpolation=cv2.INTER_AREA)
            kept.append(index)
    return boxes[kept], crops[: len(kept)]


def _not_nested(boxes: Tensor, scores: Tensor) -> list[int]:
    """Return the indices of `boxes` `(N, 4)` that do not lie mostly inside a better-scored box."""
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
