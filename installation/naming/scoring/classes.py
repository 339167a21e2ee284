"""The methods `classes` and `onnx`: each label is one output of a network's head."""

from __future__ import annotations

import torch

from installation.errors import LabelSetError, Mistake, display_path
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.output_names import labels_file
from installation.naming.scoring.shares import shares


class Classes:
    """Scores labels by the logits of their classes; hidden classes take no part."""

    def __init__(self, label_set: LabelSet, width: int, device: torch.device) -> None:
        """Take the set for a network of `width` outputs.

        Raises LabelSetError where a label is none of them.
        """
        rows = (*label_set.rows, *label_set.background)
        if max(rows) >= width:
            file = display_path(labels_file(label_set.folder))
            what = f"the id '{max(rows)}' is no output of the network (expected 0 to {width - 1})"
            raise LabelSetError(Mistake(file, what, "Take the row out, or bring its network."))
        self._rows = torch.tensor(rows, device=device)
        self._labels = len(label_set.rows)
        self._temperature = label_set.settings.temperature

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        """Return a score per visible label, `(N, labels)` in 0–1, each row summing to at most 1.

        `logits` is `(N, classes)` as the encoder gives them.
        """
        return shares(logits[:, self._rows] / self._temperature, self._labels)
