"""The classifier: from a frame and boxes to a score for each label.

It crops every box, sends all crops through the network in one batch, and lets the label set's
method score what the network returns. It knows boxes only; which visitor a box belongs to is the
caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from installation.memory.device_buffers import DeviceBuffers
from installation.naming.label_set.label_set import LabelSet
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.reading import crops
from installation.naming.scoring.scorer import Scorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame


class Classifier(Protocol):
    """Scores the visible labels of `label_set` for boxes on a frame."""

    label_set: LabelSet

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return `(N, labels)` scores for N boxes around faces, a row for each box in their order.

        Each score is in 0–1, and each row sums to at most 1.
        """
        ...

    def forget(self) -> None:
        """Overwrite whatever is left in memory of the pixels of earlier frames."""
        ...


class CropClassifier:
    """A classifier with one crop per box, all encoded in one batch."""

    def __init__(
        self, label_set: LabelSet, encoder: Encoder, scorer: Scorer, device: torch.device
    ) -> None:
        """Take an encoder and a scorer that are open.

        `device` is the one that the show chose; the encoder may run on another one.
        """
        self.label_set = label_set
        self.encoder = encoder
        self.scorer = scorer
        self.device = device
        self._memory = DeviceBuffers(encoder.device)
        self._largest_batch = 0
        """Crops in the largest batch since `forget` was called."""

    @torch.inference_mode()
    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return `(N, labels)` scores for N boxes around faces; the crops are zeroed afterwards."""
        if not boxes:
            return np.zeros((0, len(self.label_set.labels)), np.float32)
        crop, encoder = self.label_set.settings.crop, self.encoder
        try:
            batch = crops.cut(frame, boxes, crop, encoder.input, encoder.device, self._memory)
            self._largest_batch = max(self._largest_batch, len(batch))
            scores: npt.NDArray[np.float32] = (
                self.scorer.score(encoder.encode(batch)).float().cpu().numpy()
            )
        finally:
            self._memory.forget()
        return scores

    @torch.inference_mode()
    def forget(self) -> None:
        """Overwrite what libraries still hold of earlier crops, by encoding a batch of zeros.

        Does nothing if nothing was classified since the last call.
        """
        if self._largest_batch:
            side = self.encoder.input.size
            self.encoder.encode(self._memory.take("batch", self._largest_batch, 3, side, side))
            self._largest_batch = 0


def open_classifier(label_set: LabelSet, device: torch.device) -> CropClassifier:
    """Return the classifier of `label_set` on `device`.

    Takes a few seconds. Raises WeightsError or LabelSetError if files are missing, damaged, or do
    not fit each other.
    """
    encoder = open_encoder(label_set, device)
    scorer = label_set.settings.method.open_scorer(label_set, encoder)
    return CropClassifier(label_set, encoder, scorer, device)


def reopen_classifier(classifier: CropClassifier, label_set: LabelSet) -> CropClassifier:
    """Return the classifier of `label_set`, with the network of `classifier` if both use the same.

    With the same network it takes milliseconds. `classifier` itself does not change. Raises as
    `open_classifier` does.
    """
    old = classifier.label_set
    same = (old.settings.method, old.encoder) == (label_set.settings.method, label_set.encoder)
    if not same or label_set.settings.method.brings_network:
        return open_classifier(label_set, classifier.device)
    scorer = label_set.settings.method.open_scorer(label_set, classifier.encoder)
    return CropClassifier(label_set, classifier.encoder, scorer, classifier.device)
