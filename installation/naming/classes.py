"""The method `classes`: each label is one class of the encoder's head."""

from __future__ import annotations

import torch

from installation.errors import LabelSetError, Mistake
from installation.naming.labelset import LabelSet


class Classes:
    """Scores labels by the logits of their classes; hidden classes take no part."""

    def __init__(self, label_set: LabelSet, width: int, device: torch.device) -> None:
        """Take a head of `width` classes; raises LabelSetError where a row is beyond it."""
        if max(label_set.rows) >= width:
            what = f"a label is class {max(label_set.rows)} (expected below {width})"
            raise LabelSetError(Mistake(str(label_set.folder), what, "Take its row out."))
        self._rows = torch.tensor(label_set.rows, device=device)
        self._temperature = label_set.settings.temperature

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        """Return a score per visible label, `(N, labels)` in 0–1, each row summing to 1.

        `logits` is `(N, classes)` as the encoder gives them.
        """
        return (logits[:, self._rows] / self._temperature).softmax(1)
