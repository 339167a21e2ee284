"""Tries a label set before a show: on neutral pictures, on the rehearsal, and without pictures.

Without a picture, the scores are those that the labels would have if the network were certain of
one class; each class is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from installation.making.build.neutral_pictures import SIDE, neutral_pictures
from installation.naming.lists.weights import LITE
from installation.naming.reading.classifier import CropClassifier
from installation.seeing.box import Box
from installation.seeing.cameras.played.rehearsal import ENTER_S, STAY_S, RehearsalPictures
from installation.seeing.faces.detector import Detector
from installation.seeing.frame import Frame

NEUTRAL_PICTURES = 120
"""The number of neutral pictures. It is enough to notice a label that has the highest score on most
of them.
"""

REHEARSAL_FRAMES = 30
"""The number of pictures that are taken from the rehearsal, all while its visitor stays in view."""

CLASS_LOGIT = 12.0
"""The logit of a class of which a network is certain, while all others are 0."""


@dataclass(frozen=True)
class Trial:
    """The scores of a trial, `(N, labels)` float32 each, a row for each picture or class.

    Args:
        neutral: The scores of the neutral pictures.
        rehearsal: The scores of pictures of the rehearsal's visitor.
        classes: A row for each class of the network, with the scores that the labels would have if
            the network were certain of the class; no rows if the network's classes are not used.

    """

    neutral: torch.Tensor
    rehearsal: torch.Tensor
    classes: torch.Tensor

    @property
    def pictures(self) -> torch.Tensor:
        """The scores of all pictures, `(N, labels)`."""
        return torch.cat([self.neutral, self.rehearsal])

    @property
    def all(self) -> torch.Tensor:
        """All scores, `(N, labels)`."""
        return torch.cat([self.pictures, self.classes])


def run_trial(classifier: CropClassifier, detector: Detector) -> Trial:
    """Return the scores of labels for neutral pictures, for the rehearsal, and for each class.

    This takes about ten seconds.
    """
    box = Box.from_centre(SIDE / 2, SIDE / 2, 60, 80)
    neutral = [
        classifier.classify(Frame.from_rgb(picture, 0.0), [box])
        for picture in neutral_pictures(NEUTRAL_PICTURES)
    ]
    rehearsal = [
        classifier.classify(frame, [face.box for face in detector.detect(frame)])
        for frame in _rehearsal_frames()
    ]
    return Trial(_joined(neutral), _joined(rehearsal), _class_scores(classifier))


def _joined(scores: Sequence[npt.NDArray[np.float32]]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(scores))


def _rehearsal_frames() -> Iterator[Frame]:
    rehearsal = RehearsalPictures(1280, 720, 30)
    for number in range(REHEARSAL_FRAMES):
        taken_at = ENTER_S + STAY_S * number / REHEARSAL_FRAMES
        yield Frame(bgr=rehearsal.picture(taken_at), taken_at=taken_at)


def _class_scores(classifier: CropClassifier) -> torch.Tensor:
    """Return a row of label scores for each class of the default network.

    These are the scores that the labels would have if the network were certain of the class. A set
    that does not use the classes of the default network has no such rows.
    """
    label_set = classifier.label_set
    if label_set.encoder != LITE or label_set.settings.method.encoder_output != "logits":
        return torch.empty(0, len(label_set.labels))
    logits = np.eye(classifier.encoder.width, dtype=np.float32) * CLASS_LOGIT
    return torch.from_numpy(classifier.scorer.score(logits))
