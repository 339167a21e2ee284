"""From logits to the scores of the labels that may be shown."""

from __future__ import annotations

import torch


def shares(logits: torch.Tensor, labels: int) -> torch.Tensor:
    """Return `(N, labels)` scores in 0–1, each row summing to at most 1.

    `logits` is `(N, L)`: the first `labels` columns are those of visible labels, the others of
    background rows, which take their share and are never shown.
    """
    return logits.softmax(1)[:, :labels]
