"""The classifier: computes a score per label for each box on a frame.

It crops every box, sends all crops through the network in one batch, and lets the label set's
method score what the network returns. The classifier knows only boxes; the caller knows which
visitor each box belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from installation.memory.buffers import Buffers
from installation.naming.label_set.label_set import LabelSet
from installation.naming.networks.device import Device
from installation.naming.networks.encoder import Encoded, Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.reading import crops
from installation.naming.scoring.scorer import DeviceScorer, Scorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame

LEAST_INSIDE = 2 / 3
"""The least share of a bust's area that must be on the frame for a reading. The area outside the
frame is filled with grey, which a network also responds to: of 96 pictures that were grey except
for a face, half were given the same label.
"""


LARGEST_BATCH = 8
"""The largest number of crops that are encoded at once. More would take more memory and no less
time.
"""


class Classifier(Protocol):
    """Scores the visible labels of `label_set` for boxes on a frame."""

    label_set: LabelSet

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return `(N, labels)` scores for N boxes around faces, a row for each box in their order.

        Each score is in 0–1, and each row sums to at most 1; a row of zeros means that there is no
        result.
        """
        ...

    def forget(self) -> None:
        """Overwrite all pixels of earlier frames that are left in memory."""
        ...


class CropClassifier:
    """A classifier with one or two crops per box, whose encodings are averaged.

    Crops of one part, such as busts, are encoded in batches. A second part doubles the cost and
    makes names steadier from frame to frame: on 272 photographs, the share of names that stay the
    same rose by 0.06.
    """

    def __init__(
        self, label_set: LabelSet, encoder: Encoder, scorer: Scorer, device: Device
    ) -> None:
        """Store the open `encoder` and `scorer` of `label_set`.

        `device` is the device that the show chose; the encoder may run on another device.
        """
        self.label_set = label_set
        self.encoder = encoder
        self.scorer = scorer
        self.device = device
        self.has_time = True
        """Whether there is time to encode all parts of a visitor, such as the bust and half the
        body. If there is not, only the first part is encoded.
        """
        self._memory = Buffers()

    @property
    def parts(self) -> tuple[crops.Part, ...]:
        """The parts of each visitor, such as the bust, that are cropped and encoded."""
        parts = crops.PARTS[self.label_set.settings.crop]
        return parts if self.has_time else parts[:1]

    def classify(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return `(N, labels)` scores for N boxes around faces; the crops are zeroed afterwards.

        A box gets a row of zeros if its bust crop is used and more than a third of this crop is
        outside the frame.
        """
        places = [i for i, box in enumerate(boxes) if self._is_inside(box, frame)]
        if not places:
            return np.zeros((len(boxes), len(self.label_set.labels)), np.float32)
        scored = self.score_all(frame, [boxes[i] for i in places])
        scores = np.zeros((len(boxes), scored.shape[1]), np.float32)
        scores[places] = scored
        return scores

    def score_all(self, frame: Frame, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
        """Return scores as `classify` does, but for all boxes.

        `classify` returns zeros for a box whose bust crop is too far outside the frame.
        """
        encoded = self._encode(frame, boxes)
        return self.scorer.score(encoded)

    def _is_inside(self, box: Box, frame: Frame) -> bool:
        """Return whether at least `LEAST_INSIDE` of the crop for `box` is on the frame.

        Only crops of the bust (head and shoulders) are tested; for other crops, it is always True.
        """
        part = self.parts[0]
        return part != "bust" or crops.share_inside(box, frame, part) >= LEAST_INSIDE

    def _encode(self, frame: Frame, boxes: Sequence[Box]) -> Encoded:
        """Return the encoder's output for each box, `(N, D)`.

        It is the mean over the crops of a box, such as those of the bust and of half the body.
        """
        encoded = [
            np.concatenate([self._encode_part(frame, some, part) for some in _groups(boxes)])
            for part in self.parts
        ]
        mean: Encoded = np.mean(encoded, axis=0)
        return mean

    def _encode_part(self, frame: Frame, boxes: Sequence[Box], part: crops.Part) -> Encoded:
        """Return the encoder's output for the crops of `part` for each box, `(N, D)`."""
        try:
            batch = crops.cut(frame, boxes, part, self.encoder.input, self._memory)
            return self.encoder.encode(batch)
        finally:
            self._memory.forget()

    def forget(self) -> None:
        """Overwrite the data of earlier crops in the memory of the encoder's library."""
        self.encoder.forget()


def _groups(boxes: Sequence[Box]) -> list[Sequence[Box]]:
    """Return `boxes` in groups of up to `LARGEST_BATCH`; without boxes, one empty group."""
    starts = range(0, max(1, len(boxes)), LARGEST_BATCH)
    return [boxes[start : start + LARGEST_BATCH] for start in starts]


def open_classifier(label_set: LabelSet, device: Device) -> CropClassifier:
    """Return the classifier of `label_set` on `device`.

    This takes a few seconds if PyTorch runs the network. Raises WeightsError or LabelSetError if
    files are missing, damaged, or do not fit each other, and SettingsError if packages are missing.
    """
    encoder = open_encoder(label_set, device, leave_a_core=True)
    scorer = label_set.settings.method.open_scorer(label_set, encoder)
    return _classifier(label_set, encoder, scorer, device)


def _classifier(
    label_set: LabelSet, encoder: Encoder, scorer: Scorer, device: Device
) -> CropClassifier:
    """Return the classifier for `label_set`.

    It is a DeviceClassifier if the show chose the graphics card (`device` is "cuda"), `encoder`
    runs in PyTorch, and `scorer` can run on the card. Otherwise it is a CropClassifier. An encoder
    of another library may run on the CPU although `device` is "cuda".
    """
    if device == "cuda" and encoder.library == "PyTorch" and isinstance(scorer, DeviceScorer):
        from installation.naming.reading.device_classifier import DeviceClassifier

        return DeviceClassifier(label_set, encoder, scorer, device)
    return CropClassifier(label_set, encoder, scorer, device)


def reopen_classifier(
    classifier: CropClassifier, label_set: LabelSet, *, same_files: bool = False
) -> CropClassifier:
    """Return the classifier of `label_set`; it shares the network of `classifier` if it can.

    `same_files` says whether the network's files are unchanged since `classifier` was opened. If
    the network is shared, this takes milliseconds. `classifier` itself does not change. Raises as
    `open_classifier` does.
    """
    old, new = classifier.label_set.settings, label_set.settings
    same = (old.method, classifier.label_set.encoder) == (new.method, label_set.encoder)
    if new.method.brings_network:
        same = same and same_files and (old.input, old.output) == (new.input, new.output)
    if not same:
        return open_classifier(label_set, classifier.device)
    scorer = label_set.settings.method.open_scorer(label_set, classifier.encoder)
    reopened = _classifier(label_set, classifier.encoder, scorer, classifier.device)
    reopened.has_time = classifier.has_time
    return reopened
