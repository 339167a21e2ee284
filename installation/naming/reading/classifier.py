"""Readings: what the machine makes of each visitor on one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from installation.naming.label_set.label_set import LabelSet
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.reading import crops
from installation.naming.reading.values import Reading
from installation.naming.scoring.classes import Classes
from installation.naming.scoring.conse import ConSE
from installation.naming.scoring.linear import Linear
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track


class Classifier(Protocol):
    """Reads visitors."""

    label_set: LabelSet

    def read(self, frame: Frame, tracks: Sequence[Track]) -> list[Reading]:
        """Return one reading for each of `tracks`, in their order."""
        ...


class Scorer(Protocol):
    """A label set's method: from what the encoder says to a score per visible label."""

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        """Return `(N, labels)` scores for `(N, D)` of the encoder's.

        Each is in 0–1, and each row sums to at most 1.
        """
        ...


class CropClassifier:
    """Cuts a crop for each track, encodes all in one batch, and scores the labels."""

    def __init__(
        self, label_set: LabelSet, encoder: Encoder, scorer: Scorer, device: torch.device
    ) -> None:
        """Take also the `device` that was asked for; the encoder may take crops elsewhere."""
        self.label_set = label_set
        self.encoder = encoder
        self.scorer = scorer
        self.device = device
        self._memory = crops.CropMemory(encoder.device)
        self._most = 0
        """The largest batch since nobody was there."""

    @torch.inference_mode()
    def read(self, frame: Frame, tracks: Sequence[Track]) -> list[Reading]:
        """Return one reading for each of `tracks`, in their order; nothing of the frame is kept.

        Once nobody is there, the networks see zeros, to write over what libraries hold on to.
        """
        taken, device = self.encoder.input, self.encoder.device
        if not tracks:
            if self._most:
                self.encoder.encode(
                    self._memory.floats("batch", self._most, 3, taken.size, taken.size)
                )
                self._most = 0
            return []
        try:
            boxes = [track.box_at(frame.taken_at) for track in tracks]
            crop = self.label_set.settings.crop
            batch = crops.cut(frame, boxes, crop, taken, device, self._memory)
            self._most = max(self._most, len(batch))
            scores = self.scorer.score(self.encoder.encode(batch)).float().cpu().numpy()
        finally:
            self._memory.forget()
        return [
            Reading(track.id, frame.taken_at, of_track)
            for track, of_track in zip(tracks, scores, strict=True)
        ]


def open_classifier(label_set: LabelSet, device: torch.device) -> CropClassifier:
    """Return the classifier of `label_set` on `device`, warmed up.

    Takes a few seconds. Raises WeightsError and LabelSetError where files are missing, damaged, or
    do not fit each other.
    """
    encoder = open_encoder(label_set, device)
    return CropClassifier(label_set, encoder, open_scorer(label_set, encoder), device)


def renewed(classifier: CropClassifier, label_set: LabelSet) -> CropClassifier:
    """Return the classifier of `label_set`, through the network of `classifier` if it can be.

    Then it takes milliseconds, and nothing of the other classifier changes. Raises as
    `open_classifier` does.
    """
    old = classifier.label_set
    same = (old.settings.method, old.encoder) == (label_set.settings.method, label_set.encoder)
    if not same or label_set.settings.method == "onnx":
        return open_classifier(label_set, classifier.device)
    scorer = open_scorer(label_set, classifier.encoder)
    return CropClassifier(label_set, classifier.encoder, scorer, classifier.device)


def open_scorer(label_set: LabelSet, encoder: Encoder) -> Scorer:
    """Return how `label_set` reads what `encoder` says.

    Raises LabelSetError where what was built is missing, damaged, or built for something else.
    """
    if not label_set.is_built:
        return Classes(label_set, encoder.width, encoder.device)
    scorer = ConSE if label_set.settings.method == "text" else Linear
    return scorer.open(label_set, encoder.fingerprint, encoder.width, encoder.device)
