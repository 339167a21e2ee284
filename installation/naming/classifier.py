"""Readings: what the machine makes of each visitor on one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from installation.naming import crops
from installation.naming.classes import Classes
from installation.naming.conse import ConSE
from installation.naming.efficientnet import EfficientNetLite0
from installation.naming.encoder import Encoder
from installation.naming.labelset import LabelSet
from installation.naming.reading import Reading
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
        """Return `(N, labels)` scores, each row summing to 1, for `(N, D)` of the encoder's."""
        ...


class CropClassifier:
    """Cuts a crop for each track, encodes all in one batch, and scores the labels."""

    def __init__(self, label_set: LabelSet, encoder: Encoder, scorer: Scorer) -> None:
        self.label_set = label_set
        self._encoder = encoder
        self._scorer = scorer
        self._memory = crops.CropMemory(encoder.device)
        self._most = 0
        """The largest batch since nobody was there."""

    @torch.inference_mode()
    def read(self, frame: Frame, tracks: Sequence[Track]) -> list[Reading]:
        """Return one reading for each of `tracks`, in their order; nothing of the frame is kept.

        Once nobody is there, the networks see zeros, to write over what libraries hold on to.
        """
        size, device = self._encoder.size, self._encoder.device
        if tracks:
            boxes = [track.box_at(frame.taken_at) for track in tracks]
            crop = self.label_set.settings.crop
            batch = crops.cut(frame, boxes, crop, size, device, self._memory)
            self._most = max(self._most, len(batch))
        elif self._most:
            batch = self._memory.floats("batch", self._most, 3, size, size)
            self._most = 0
        else:
            return []
        scores = self._scorer.score(self._encoder.encode(batch)).float().cpu().numpy()
        self._memory.zero()
        if not tracks:
            return []
        return [
            Reading(track.id, frame.taken_at, of_track)
            for track, of_track in zip(tracks, scores, strict=True)
        ]


def open_classifier(label_set: LabelSet, device: torch.device) -> Classifier:
    """Return the classifier of `label_set` on `device`, warmed up.

    Takes a few seconds. Raises WeightsError and LabelSetError where files are missing, damaged, or
    do not fit each other.
    """
    scorer: Scorer
    if label_set.settings.method == "classes":
        scorer = Classes(label_set, device)
    else:
        scorer = ConSE.open(
            label_set, EfficientNetLite0.fingerprint, EfficientNetLite0.width, device
        )
    encoder = EfficientNetLite0(device)
    encoder.warm_up()
    return CropClassifier(label_set, encoder, scorer)
