"""The classifier on a graphics card: a CUDA graph computes the scores from uint8 crops.

Crops are packed into pinned memory, padded with zeros to one of `SIDES`, and copied to the card on
a separate stream. A CUDA graph then resizes and normalises the crops, runs the network, averages
over a visitor's crops, and runs the scorer. There is one graph for each batch size and each of
`SIDES`, and a single launch starts it. Eager PyTorch makes several hundred launches; for batches of
eight or fewer, these limit the speed. The scores of the visible labels come back through pinned
memory. A graph's memory has fixed addresses. So `forget` runs the graph on zeros, which overwrites
every intermediate result.

The speed on a card has not been measured yet. Tests compare the scores with those of the classifier
on a CPU, where the same function runs without a graph.

Rejected: resizing with `roi_align` or `grid_sample`, which do not antialias; and copying the whole
frame to the card, which would save packing, but which docs/privacy.md rules out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from installation.naming.label_set.label_set import LabelSet
from installation.naming.networks.device import Device
from installation.naming.networks.encoder import Encoder, Input
from installation.naming.networks.torch_network import TorchEncoder
from installation.naming.reading import crops
from installation.naming.reading.classifier import CropClassifier
from installation.naming.scoring.scorer import DeviceScorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame

BATCHES = (1, 2, 4, 8, 16, 32)
"""The numbers of visitors for which a CUDA graph can be recorded. For any other number, the graph
for the next larger one is used, and the scores of its unused rows are dropped.
"""

SIDES = (256, 512)
"""The sides of packed crops, px. A larger crop is reduced by a whole factor while it is packed."""


class DeviceClassifier(CropClassifier):
    """A classifier whose network and scorer run on a graphics card, by PyTorch."""

    def __init__(
        self,
        label_set: LabelSet,
        encoder: Encoder,
        scorer: DeviceScorer,
        device: Device,
        runs_on: str | None = None,
    ) -> None:
        """Classify with the open `encoder` and `scorer` of `label_set`, on `device`.

        In tests, `runs_on` is the name of the PyTorch device that is used instead of `device`.
        """
        super().__init__(label_set, encoder, scorer, device)
        assert isinstance(encoder, TorchEncoder)
        self._network = encoder.network
        self._finish = encoder.finish
        self._device = torch.device(runs_on or device)
        self._score = scorer.on_device(self._device)
        self._passes: dict[tuple[int, int, int], DevicePass] = {}
        """The computations of scores that were prepared so far. The key is the number of visitors,
        the number of parts of each, and the side of the squares that hold the crops, px.
        """

    def score_all(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return scores as `classify` does, but for all boxes.

        `classify` returns zeros for a box whose bust crop is too far outside the frame.
        """
        scores = []
        for start in range(0, len(boxes), BATCHES[-1]):
            some = boxes[start : start + BATCHES[-1]]
            regions = [[crops.crop_region(box, frame, part) for box in some] for part in self.parts]
            largest = max(max(w, h) for part in regions for _, _, w, h in part)
            side = next((side for side in SIDES if side >= largest), SIDES[-1])
            scores.append(self._pass(len(some), side).scores(frame, regions)[: len(some)].copy())
        return np.concatenate(scores)

    def _pass(self, visitors: int, side: int) -> DevicePass:
        """Return the computation of the scores of `visitors` visitors; prepare it at its first use.

        The computation has a row per visitor, and further rows up to the next number in `BATCHES`.
        `side` is the side of the squares that hold the crops, px.
        """
        count = next(count for count in BATCHES if count >= visitors)
        key = (count, len(self.parts), side)
        if key not in self._passes:
            self._passes[key] = DevicePass(
                self._compute, self.encoder.input, key, self._device, self._network.dtype
            )
        return self._passes[key]

    def _compute(self, pictures: Tensor, parts: int) -> Tensor:
        """Return scores `(N, labels)` for N visitors, each of whom has `parts` crops.

        `pictures` are the normalised crops, `(parts · N, 3, size, size)`.
        """
        encoded = self._finish(self._network.forward(pictures).float())
        return self._score(encoded.view(parts, -1, encoded.shape[1]).mean(0))

    def forget(self) -> None:
        """Overwrite every intermediate result, by computing scores from zeros."""
        for each in self._passes.values():
            each.forget()
        super().forget()


class DevicePass:
    """Computes the scores for a fixed number of crops, in memory of its own.

    On a graphics card the computation is a CUDA graph.
    """

    def __init__(
        self,
        compute: Callable[[Tensor, int], Tensor],
        taken: Input,
        key: tuple[int, int, int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Prepare the computation, which resizes crops, normalises them, and calls `compute`.

        `compute` returns scores for normalised pictures of the type `dtype`. `taken` is the
        network's input. `device` is PyTorch's device. `key` is the number of visitors, the number
        of parts of each, and the side of the squares that hold the crops, px.
        """
        self._visitors, self._parts, self._side = key
        self._taken, self._compute, self._dtype = taken, compute, dtype
        count, on_card = self._visitors * self._parts, device.type == "cuda"
        shape = (count, self._side, self._side, 3)
        weights = (2, count, taken.size, self._side)
        self._packed = torch.zeros(shape, dtype=torch.uint8, pin_memory=on_card)
        self._packed_weights = torch.zeros(weights, dtype=torch.float32, pin_memory=on_card)
        self._crops = torch.zeros_like(self._packed, device=device)
        self._weights = torch.zeros_like(self._packed_weights, device=device)
        mean, std = (
            torch.tensor(channels, device=device).view(3, 1, 1) * 255
            for channels in (taken.mean, taken.std)
        )
        self._mean, self._std = mean, std
        self._used = False
        self._graph: torch.cuda.CUDAGraph | None = None
        if on_card:
            self._copies = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self._capture()
        else:
            self._output = self._run()
        self._scores = torch.empty(self._output.shape, pin_memory=on_card)

    def _capture(self) -> None:
        """Record the computation as a CUDA graph.

        The computation runs three times before it is recorded, because libraries choose their
        kernels in the first runs.
        """
        warming = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        warming.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(warming):
            for _ in range(3):
                self._run()
        torch.cuda.current_stream().wait_stream(warming)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = self._run()

    @torch.inference_mode()
    def _run(self) -> Tensor:
        """Return the scores `(visitors, labels)` of the crops on the device."""
        rows, columns = self._weights.to(self._dtype)  # (N, size, side) each
        pixels = self._crops.to(self._dtype)  # (N, side, side, 3)
        # As in Pillow, columns are resized before rows, and each step rounds to whole levels.
        across = _to_levels(torch.einsum("nxt,nstc->nsxc", columns, pixels))
        small = _to_levels(torch.einsum("nys,nsxc->ncyx", rows, across))
        normalised = (small.float() - self._mean) / self._std
        return self._compute(normalised.to(self._dtype).contiguous(), self._parts)

    def scores(
        self, frame: Frame, regions: Sequence[Sequence[tuple[int, int, int, int]]]
    ) -> npt.NDArray[np.float32]:
        """Return scores `(visitors, labels)`, valid until the next call.

        A visitor has one crop of each part, such as the bust or half the body. `regions[part]` has
        the crop of that part of each visitor, `(left, top, width, height)` in px of `frame`. The
        result has a fixed number of rows. Only the first rows, one for each visitor in `regions`,
        have a meaning.
        """
        packed, weights = self._packed.numpy(), self._packed_weights.numpy()
        for part, of_part in enumerate(regions):
            for visitor, region in enumerate(of_part):
                place = part * self._visitors + visitor
                height, width = pack(frame, region, packed[place])
                for axis, length in enumerate((height, width)):
                    matrix = resize_weights(length, self._taken.size, self._taken.interpolation)
                    weights[axis, place] = 0
                    weights[axis, place, :, :length] = matrix
        self._used = True
        self._replay()
        return self._scores.numpy()

    def forget(self) -> None:
        """Overwrite every intermediate result, by computing scores from zeros.

        Does nothing if `scores` was not called since the last call of this method.
        """
        if self._used:
            self._packed.zero_()
            self._replay()
            self._used = False

    def _replay(self) -> None:
        """Copy the crops to the device, compute their scores, and copy the scores back.

        The crops are then overwritten with zeros.
        """
        if self._graph is None:
            self._crops.copy_(self._packed)
            self._weights.copy_(self._packed_weights)
            self._scores.copy_(self._run())
        else:
            # The current stream zeroes the crops of the last run.
            self._copies.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._copies):
                self._crops.copy_(self._packed, non_blocking=True)
                self._weights.copy_(self._packed_weights, non_blocking=True)
            torch.cuda.current_stream().wait_stream(self._copies)
            self._graph.replay()
            self._scores.copy_(self._output, non_blocking=True)
            torch.cuda.current_stream().synchronize()
        self._packed.zero_()
        self._crops.zero_()


def _to_levels(pixels: Tensor) -> Tensor:
    """Return `pixels` rounded to whole levels in 0–255, halves up, as Pillow does."""
    return pixels.add_(0.5).floor_().clamp_(0, 255)


def pack(
    frame: Frame, region: tuple[int, int, int, int], packed: npt.NDArray[np.uint8]
) -> tuple[int, int]:
    """Copy a region of `frame` to the top left of `packed` `(side, side, 3)`; return its size.

    The size is `(height, width)` in `packed`. The region is grey outside the frame. A region larger
    than `packed` is reduced by a whole factor.
    """
    left, top, width, height = region
    side = len(packed)
    if max(width, height) <= side:
        crops.paste(frame.bgr, left, top, packed[:height, :width])
        return height, width
    factor = -(-max(width, height) // side)
    canvas = np.empty((height, width, 3), np.uint8)
    crops.paste(frame.bgr, left, top, canvas)
    small = max(1, height // factor), max(1, width // factor)
    cv2.resize(canvas, small[::-1], packed[: small[0], : small[1]], interpolation=cv2.INTER_AREA)
    canvas.fill(0)
    return small


def resize_weights(
    length: int, size: int, interpolation: Literal["bilinear", "bicubic"]
) -> npt.NDArray[np.float32]:
    """Return the weights `(size, length)` of antialiased resizing from `length` px to `size`.

    The weights are Pillow's: a triangle, or a cubic with a = −0.5. If the picture is reduced, they
    are stretched by the factor `length / size`; if it is enlarged, they are not.
    """
    scale = length / size
    support = max(1.0, scale)
    centre = (np.arange(size)[:, None] + 0.5) * scale  # (size, 1)
    x = np.abs((np.arange(length)[None] + 0.5 - centre) / support)  # (size, length)
    if interpolation == "bilinear":
        weights = np.maximum(0, 1 - x)
    else:
        near = (1.5 * x - 2.5) * x * x + 1
        far = ((-0.5 * x + 2.5) * x - 4) * x + 2
        weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    normalised: npt.NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(
        np.float32
    )
    return normalised
