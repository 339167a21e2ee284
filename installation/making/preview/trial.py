"""A set tried out before a show: on pictures of nothing, on the rehearsal, on single things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from installation.making.build.neutral_pictures import SIDE, neutral_pictures
from installation.naming.lists.weights import LITE
from installation.naming.reading.classifier import CropClassifier
from installation.seeing.box import Box
from installation.seeing.cameras.rehearsal import ENTER_S, STAY_S, RehearsalPictures
from installation.seeing.faces.detector import Detector
from installation.seeing.frame import Frame

NEUTRAL = 120
"""Pictures of nothing; enough to see a label that swallows them."""

LOOKS = 30
"""Moments of the rehearsal in which its visitor stands before the mirror."""

THING = 12.0
"""The logit of a thing that a network is quite sure of, the others being 0."""


@dataclass(frozen=True)
class Trial:
    """What a set said: scores `(N, labels)` float32, a row for each picture or thing.

    `neutral` of pictures of nothing, `rehearsal` of the rehearsal's visitor, `things` of each class
    of the network as if it alone were seen; without rows where the network has no classes.
    """

    neutral: torch.Tensor
    rehearsal: torch.Tensor
    things: torch.Tensor

    @property
    def pictures(self) -> torch.Tensor:
        """Those of pictures, `(N, labels)`."""
        return torch.cat([self.neutral, self.rehearsal])

    @property
    def scores(self) -> torch.Tensor:
        """All of them, `(N, labels)`."""
        return torch.cat([self.pictures, self.things])


def tried(classifier: CropClassifier, detector: Detector) -> Trial:
    """Return what the set of `classifier` says; takes some ten seconds."""
    nothing = [
        _read(classifier, Frame(picture, 0.0), Box.from_centre(SIDE / 2, SIDE / 2, 60, 80))
        for picture in neutral_pictures(NEUTRAL)
    ]
    visits = [
        _read(classifier, frame, face.box)
        for frame in _rehearsal()
        for face in detector.detect(frame)
    ]
    labels = len(classifier.label_set.labels)
    return Trial(_stack(nothing, labels), _stack(visits, labels), _things(classifier))


def _rehearsal() -> Iterator[Frame]:
    rehearsal = RehearsalPictures(1280, 720, 30)
    for number in range(LOOKS):
        moment = ENTER_S + STAY_S * number / LOOKS
        yield Frame(rehearsal.picture(moment), moment)


def _read(classifier: CropClassifier, frame: Frame, box: Box) -> torch.Tensor:
    return torch.from_numpy(classifier.classify(frame, [box])[0])


def _stack(scores: list[torch.Tensor], labels: int) -> torch.Tensor:
    return torch.stack(scores) if scores else torch.empty(0, labels)


@torch.inference_mode()
def _things(classifier: CropClassifier) -> torch.Tensor:
    """Return the scores of each class of the default network, as if it alone were seen."""
    label_set = classifier.label_set
    if label_set.encoder != LITE or label_set.settings.method.encoder_output != "logits":
        return torch.empty(0, len(classifier.label_set.labels))
    logits = torch.eye(classifier.encoder.width, device=classifier.encoder.device) * THING
    return classifier.scorer.score(logits).float().cpu()
