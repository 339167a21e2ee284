from __future__ import annotations

from collections.abc import Sequence

import pytest

from installation.making.preview import trial as trials
from installation.making.preview.trial import run_trial
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.load import assemble_nonempty, read_source
from installation.naming.reading.classifier import open_classifier
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame


class FixedDetector:
    """A detector that finds the same number of faces on every frame."""

    name = "fixed"
    follows = True

    def __init__(self, count: int) -> None:
        self._count = count

    def detect(self, frame: Frame) -> list[Face]:
        """Return the faces."""
        corner = (0.0, 0.0)
        face = Face(
            Box.from_centre(400, 300, 90, 120), 0.9, (corner, corner, corner, corner, corner)
        )
        return [face] * self._count

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        """Return the faces."""
        return self.detect(frame)

    def forget(self) -> None:
        """Do nothing: there is nothing to forget."""


def test_a_trial_has_a_row_for_each_picture_face_and_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neutral pictures, faces of the rehearsal and the network's classes have scores per label."""
    pictures, frames = 5, 3
    monkeypatch.setattr(trials, "NEUTRAL_PICTURES", pictures)
    monkeypatch.setattr(trials, "REHEARSAL_FRAMES", frames)
    label_set = assemble_nonempty(read_source("kindnesses"), SAFE)
    labels = len(label_set.labels)
    classifier = open_classifier(label_set, "cpu")
    trial = run_trial(classifier, FixedDetector(2))
    assert trial.neutral.shape == (pictures, labels)
    assert trial.rehearsal.shape == (2 * frames, labels)
    assert trial.classes.shape == (1000, labels)
    assert trial.all.shape == (pictures + 2 * frames + 1000, labels)
    assert trial.all.min() >= 0
    assert trial.all.sum(1).max() <= 1 + 1e-5
    without_faces = run_trial(classifier, FixedDetector(0))
    assert without_faces.rehearsal.shape == (0, labels)
