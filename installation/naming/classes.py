"""The method `classes`: each label is one class of the encoder's head."""

from __future__ import annotations

import torch

from installation.naming.labelset import LabelSet


class Classes:
    """Scores labels by the logits of their classes; hidden classes take no part."""

    def __init__(self, label_set: LabelSet, device: torch.device) -> None:
        self._rows = torch.tensor(label_set.rows, device=device)
        self._temperature = label_set.settings.temperature

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        """Return a score per visible label, `(N, labels)` in 0–1, each row summing to 1.

        `logits` is `(N, classes)` as the encoder gives them.
        """
        return (logits[:, self._rows] / self._temperature).softmax(1)
