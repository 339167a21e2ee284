"""MTCNN, a face detector; the files of its networks are part of the kiosk.

K. Zhang et al., *Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks*, 2016. P-Net proposes boxes on an image pyramid, R-Net rejects most of these boxes, and
O-Net refines the remaining ones and finds the landmarks. The networks come from the package
`facenet-pytorch`; scripts/build_networks.py has converted them to ONNX. ONNX Runtime runs them on
the CPU even if the machine has a graphics card, because the cascade's many small steps would leave
the card idle. This module implements the cascade itself, because the package's cascade fails on a
candidate outside the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from installation.memory.buffers import Buffers
from installation.memory.onnx_session import forget_activations, open_session
from installation.pinned_file import read_pinned
from installation.seeing.box import Box
from installation.seeing.faces.detector import DetectionError, Face, reduce_frame, reduction
from installation.seeing.frame import Frame, Pixels
from installation.seeing.scaling import scale

FOLDER = Path(__file__).parent
"""The folder with the networks' files."""

NETWORK_SHA256S = {
    "pnet.onnx": "a596269be243369c545e57b32971d411fa19db67264a6cbe1bc5238dd39b9652",
    "rnet.onnx": "fa88a1094dadc73c7c8fe601fc546285d81d62183ae342f3e7d4bf140cf02866",
    "onet.onnx": "f21e6c8c8856f95fd422c69519e5cfa5311e7acb234287ec0d61c85748ba0bd8",
}
"""The SHA-256 of each file that scripts/build_networks.py makes from the weights in facenet-pytorch
2.5.3.
"""

MIN_FACE_PX = 32
"""The smallest face that is found on the reduced frame, px."""

PYRAMID_FACTOR = 0.6
"""The size of each level of the image pyramid relative to the next larger level.

On a film of 640×360 px, detection with the usual factor, 0.709, took 1.4 times as long and found no
more faces than with 0.6.
"""

MIN_SCORES = (0.7, 0.7, 0.8)
"""The least scores with which P-Net, R-Net and O-Net accept a candidate, 0–1. The usual values are
0.6, 0.7 and 0.7; higher ones make the cascade faster.
"""

MAX_IOUS = (0.5, 0.7, 0.5)
"""The IoUs above which two candidates count as the same face.

The first IoU is for the candidates of one level of the image pyramid. The second is for the
candidates of all levels together, and for the candidates that R-Net accepts. With these two, the
candidate with the lower score is dropped. The third is for the candidates that O-Net is given. With
it, the candidate with the lower score is only put off: O-Net is given it later, if O-Net has
rejected the other candidate.
"""

MAX_NESTED = 0.7
"""The largest share of the area of a face that may be inside a larger face. If the share is larger,
the one of the two with the lower score is dropped.
"""

PNET_PX = 12
"""The size of the squares that P-Net judges, px; given by its architecture."""

PNET_STRIDE_PX = 2
"""The distance between two neighbouring squares that P-Net judges, px."""

RNET_PX = 24
"""The size of R-Net's input, px; given by its architecture."""

ONET_PX = 48
"""The size of O-Net's input, px; given by its architecture."""

BATCHES = {"rnet.onnx": 32, "onet.onnx": 8}
"""The largest number of crops that each network processes together; larger batches need more memory
and are not faster.
"""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Refined:
    """Faces on the reduced frame: boxes `(N, 4)` xyxy, scores `(N,)`, landmarks `(N, 5, 2)`."""

    boxes: Floats
    scores: Floats
    points: Floats

    def at(self, indices: Sequence[int]) -> Refined:
        """Return the faces that have these `indices`, in the order of `indices`."""
        order = list(indices)
        return Refined(self.boxes[order], self.scores[order], self.points[order])

    def joined(self, other: Refined) -> Refined:
        """Return these faces, then the faces of `other`."""
        return Refined(
            np.concatenate((self.boxes, other.boxes)),
            np.concatenate((self.scores, other.scores)),
            np.concatenate((self.points, other.points)),
        )

    def faces(self, factor: float) -> list[Face]:
        """Return the faces in full-frame px, in their order.

        `factor` scales the reduced frame to full size.
        """
        boxes, points = (self.boxes * factor).tolist(), (self.points * factor).tolist()
        return [
            _face(box, score, landmarks)
            for box, score, landmarks in zip(boxes, self.scores.tolist(), points, strict=True)
        ]


NO_FACES = Refined(
    np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32)
)


class Mtcnn:
    """Finds faces of at least 32 px on the reduced frame. Use it from one thread only.

    Raises WeightsError if a network's file in `folder` is missing, truncated or not the pinned one.
    """

    name = "mtcnn"
    follows = True

    def __init__(self, folder: Path = FOLDER) -> None:
        self._sessions = {
            name: open_session(
                read_pinned(folder / name, sha256, "Restore this file from the kiosk's repository.")
            )
            for name, sha256 in NETWORK_SHA256S.items()
        }
        self._buffers = Buffers()
        self._warm_up()

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces of `frame` in full-frame px, best score first."""
        return self._detect(frame, None)

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        """Return the faces at `boxes` on `frame`, best score first.

        Only O-Net is run, because the boxes take the place of the candidates of P-Net and R-Net.
        """
        return self._detect(frame, boxes)

    def _detect(self, frame: Frame, places: Sequence[Box] | None) -> list[Face]:
        """Return the faces at `places` on `frame`; if `places` is None, all faces of `frame`."""
        try:
            if places is None:
                small, factor = reduce_frame(frame, self._buffers)
                boxes = self._filtered(small, self._proposals(small))  # (N, 4)
                refined = self._refined(small, boxes, 1.0)
            else:
                # The few crops are cut from the frame, because reducing all of it takes longer.
                factor = reduction(frame)
                edges = [(box.x0, box.y0, box.x1, box.y1) for box in places]
                boxes = _squared(np.array(edges, np.float32).reshape(-1, 4) / np.float32(factor))
                refined = self._refined(frame.bgr, boxes, factor)
        finally:
            self.forget()
        return refined.faces(factor)

    def forget(self) -> None:
        """Overwrite the data of the last frame; every detection also does this when it ends."""
        self._buffers.forget()
        forget_activations()

    def _warm_up(self) -> None:
        """Run R-Net and O-Net once, so that the first visitor does not wait for their first run."""
        for name, px in (("rnet.onnx", RNET_PX), ("onet.onnx", ONET_PX)):
            self._run(name, np.zeros((1, px, px, 3), np.uint8))
        self.forget()

    def _run(self, name: str, pixels: Pixels) -> dict[str, Floats]:
        """Run a network and return its outputs by name, for `pixels` `(N, h, w, 3)` uint8 BGR.

        The outputs are `scores`, `offsets` and, for O-Net only, `points`; the first axis of each is
        N. Raises DetectionError if a number in them is infinite or NaN. No face would be accepted
        with a score of NaN, so the room would seem empty.
        """
        session, count = self._sessions[name], BATCHES.get(name, len(pixels))
        names = [output.name for output in session.get_outputs()]
        parts = [
            session.run(names, {"pixels": pixels[start : start + count]})
            for start in range(0, len(pixels), count)
        ]
        outputs = {
            output: np.concatenate([part[i] for part in parts]) for i, output in enumerate(names)
        }
        if not all(np.isfinite(values).all() for values in outputs.values()):
            raise DetectionError
        return outputs

    def _proposals(self, small: Pixels) -> Floats:
        """Return P-Net's proposals, squares that may contain a face, `(N, 4)` xyxy."""
        h, w, _ = small.shape
        found = [np.empty((0, 4), np.float32)]
        found_scores = [np.empty(0, np.float32)]
        ratio, level = PNET_PX / MIN_FACE_PX, small
        while min(h, w) * ratio >= PNET_PX:
            level_w, level_h = int(w * ratio + 1), int(h * ratio + 1)
            larger, level = level, self._buffers.take(f"level {ratio:.4f}", (level_h, level_w, 3))
            cv2.resize(larger, (level_w, level_h), level, interpolation=cv2.INTER_AREA)
            outputs = self._run("pnet.onnx", level[None])
            scores, offsets = outputs["scores"][0, 0], outputs["offsets"][0]  # (y, x), (4, y, x)
            y, x = np.nonzero(scores >= MIN_SCORES[0])  # (n,), (n,)
            corner = np.stack((x, y), 1).astype(np.float32) * PNET_STRIDE_PX  # (n, 2)
            boxes = np.concatenate((corner + 1, corner + PNET_PX), 1) / np.float32(ratio)  # (n, 4)
            keep = suppress(boxes, scores[y, x], MAX_IOUS[0])
            found.append(_with_offsets(boxes[keep], offsets[:, y, x].T[keep]))
            found_scores.append(scores[y, x][keep])
            ratio *= PYRAMID_FACTOR
        boxes, all_scores = np.concatenate(found), np.concatenate(found_scores)  # (N, 4), (N,)
        return _squared(boxes[suppress(boxes, all_scores, MAX_IOUS[1])])

    def _filtered(self, small: Pixels, boxes: Floats) -> Floats:
        """Return the squares that R-Net accepts as faces, best first, `(N, 4)` xyxy."""
        boxes, crops = _crops(small, boxes, 1.0, RNET_PX, self._buffers)
        if not len(boxes):
            return boxes
        outputs = self._run("rnet.onnx", crops)
        scores = outputs["scores"][:, 0]
        accepted = scores > MIN_SCORES[1]
        boxes, scores = boxes[accepted], scores[accepted]
        keep = suppress(boxes, scores, MAX_IOUS[1])
        return _squared(_with_offsets(boxes[keep], outputs["offsets"][accepted][keep]))

    def _refined(self, picture: Pixels, boxes: Floats, factor: float) -> Refined:
        """Return the faces that O-Net finds in R-Net's squares `boxes` `(N, 4)`, sorted best first.

        The result and `boxes` are in px of the reduced frame; `factor` scales them to `picture`.

        O-Net is given the best square of each face first, and the other squares only if it rejects
        the best one. This saves time: in a crowd, R-Net accepts five or six squares for each face.
        """
        first = np.zeros(len(boxes), bool)
        first[suppress(boxes, -np.arange(len(boxes), dtype=np.float32), MAX_IOUS[2])] = True
        squares, refined = self._accepted(picture, boxes[first], factor)
        others = boxes[~first]
        others = others[(iou(others, squares) <= MAX_IOUS[2]).all(1)]
        if len(others):
            refined = refined.joined(self._accepted(picture, others, factor)[1])
        return refined.at(_not_nested(refined.boxes, refined.scores))

    def _accepted(self, picture: Pixels, boxes: Floats, factor: float) -> tuple[Floats, Refined]:
        """Return those of `boxes` `(N, 4)` that O-Net accepts, and the faces found in them.

        All boxes are in px of the reduced frame; `factor` scales them to `picture`.
        """
        boxes, crops = _crops(picture, boxes, factor, ONET_PX, self._buffers)
        if not len(boxes):
            return boxes, NO_FACES
        outputs = self._run("onet.onnx", crops)
        scores = outputs["scores"][:, 0]
        accepted = scores > MIN_SCORES[2]
        boxes, scores = boxes[accepted], scores[accepted]
        points = outputs["points"][accepted].reshape(-1, 2, 5).transpose(0, 2, 1)  # (N, 5, 2)
        points = boxes[:, None, :2] + points * (boxes[:, None, 2:] - boxes[:, None, :2])
        return boxes, Refined(_with_offsets(boxes, outputs["offsets"][accepted]), scores, points)


def suppress(boxes: Floats, scores: Floats, max_iou: float) -> npt.NDArray[np.intp]:
    """Return the indices of the `boxes` `(N, 4)` that non-maximum suppression keeps, best first.

    A box is dropped if its IoU with a better-scored box that is kept is more than `max_iou`.
    """
    order = np.argsort(-scores, kind="stable")
    x0, y0, x1, y1 = boxes[order].T
    areas = (x1 - x0) * (y1 - y0)
    left = np.arange(len(order))
    keep: list[int] = []
    while len(left):
        best, left = left[0], left[1:]
        keep.append(int(order[best]))
        wide = np.minimum(x1[best], x1[left]) - np.maximum(x0[best], x0[left])
        high = np.minimum(y1[best], y1[left]) - np.maximum(y0[best], y0[left])
        common = np.maximum(wide, 0) * np.maximum(high, 0)
        left = left[common <= max_iou * (areas[best] + areas[left] - common)]
    return np.array(keep, np.intp)


def iou(a: Floats, b: Floats) -> Floats:
    """Return the IoU of each of `a` `(N, 4)` with each of `b` `(M, 4)`; the result is `(N, M)`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    areas = (np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (a, b))
    shares: Floats = common / (next(areas)[:, None] + next(areas)[None] - common)
    return shares


def _face(box: list[float], score: float, landmarks: list[list[float]]) -> Face:
    a, b, c, d, e = ((x, y) for x, y in landmarks)
    return Face(Box(*box), score, (a, b, c, d, e))


def _with_offsets(boxes: Floats, offsets: Floats) -> Floats:
    """Return `boxes` `(N, 4)` with each edge moved by its offset.

    `offsets` `(N, 4)` are relative to the width of the box for x, and to its height for y.
    """
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + offsets * sides


def _squared(boxes: Floats) -> Floats:
    """Return `boxes` `(N, 4)` enlarged to squares around their centres."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    return np.concatenate((middle - half, middle + half), axis=1)


def _crops(
    picture: Pixels, boxes: Floats, factor: float, size: int, buffers: Buffers
) -> tuple[Floats, Pixels]:
    """Return the boxes that overlap the picture, `(N, 4)`, and their crops `(N, size, size, 3)`.

    `factor` scales `boxes` to the px of `picture`. The crops are stored in `buffers`.
    """
    h, w, _ = picture.shape
    corners = np.trunc(boxes).astype(np.int64)
    corners[:, :2] -= 1  # The networks were trained on boxes whose pixels are counted from 1.
    edges = np.rint(corners * factor).astype(np.int64).clip(0, (w, h, w, h))
    crops = buffers.take("crops", (len(edges), size, size, 3))
    kept: list[int] = []
    for index, (x0, y0, x1, y1) in enumerate(edges.tolist()):
        crop = picture[y0:y1, x0:x1]
        if crop.size:
            scale(crop, crops[len(kept)], cv2.INTER_AREA)
            kept.append(index)
    return boxes[kept], crops[: len(kept)]


def _not_nested(boxes: Floats, scores: Floats) -> list[int]:
    """Return the indices of the `boxes` `(N, 4)` that are kept, best first.

    A box is dropped if it overlaps a kept box with a better score, and the overlap is more than
    `MAX_NESTED` of the smaller of the two.
    """
    keep: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        box = Box(*boxes[index].tolist())
        others = (Box(*boxes[other].tolist()) for other in keep)
        if all(_share_of_smaller(box, other) <= MAX_NESTED for other in others):
            keep.append(index)
    return keep


def _share_of_smaller(a: Box, b: Box) -> float:
    """Return the area of the intersection divided by the area of the smaller box, 0–1."""
    iou = a.iou(b)
    smaller = min(a.area, b.area)
    return iou * (a.area + b.area) / (1 + iou) / smaller if smaller else 0.0
