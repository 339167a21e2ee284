"""Scores each label by a weighted sum of features.

The weights are those of a network's head (method `classes`) or of a probe that was trained on
example pictures (`examples`), or they are embeddings of sentences (`prompts`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from installation.naming.label_set import built_file
from installation.naming.label_set.label_set import LabelSet
from installation.naming.scoring.scorer import Floats, visible_scores, visible_scores_on_device

if TYPE_CHECKING:
    import torch


class LinearScorer:
    """Scores labels from an encoder's features."""

    def __init__(
        self,
        weight: Floats,
        bias: Floats,
        labels: int,
        temperature: float,
        masked: Sequence[int] = (),
    ) -> None:
        """Store `weight` `(L, D)` and `bias` `(L,)`; the first `labels` rows are visible labels.

        The other rows belong to background rows of labels.csv, which are never shown. Logits are
        divided by `temperature`. The labels at the indices `masked` never have a score.
        """
        self._weight = weight.astype(np.float32).T / np.float32(temperature)  # (D, L)
        self._bias = bias.astype(np.float32) / np.float32(temperature)
        self._labels = labels
        self._masked = masked

    @classmethod
    def from_built(cls, label_set: LabelSet, encoder: str, width: int) -> LinearScorer:
        """Return the scorer of a built label set for an encoder that returns `width` features.

        `encoder` is the SHA-256 of the encoder's weights. Raises LabelSetError if the built file is
        missing, damaged, or built from something else.
        """
        labels = {"weight": [width], "bias": []}
        tensors = built_file.read_tensors(label_set, encoder, "F32", labels, {})
        temperature, labels_shown = label_set.settings.temperature, len(label_set.rows)
        return cls(tensors["weight"], tensors["bias"], labels_shown, temperature, label_set.masked)

    def score(self, encoded: Floats) -> Floats:
        """Return `(N, labels)` scores for the encoder's features `(N, D)`."""
        logits = encoded @ self._weight + self._bias
        return visible_scores(logits, self._labels, self._masked)

    def on_device(self, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the function `score` on `device`."""
        import torch

        weight, bias = (torch.from_numpy(a).to(device) for a in (self._weight, self._bias))
        scores = visible_scores_on_device(self._labels, len(bias), self._masked, device)
        return lambda encoded: scores(torch.addmm(bias, encoded, weight))
