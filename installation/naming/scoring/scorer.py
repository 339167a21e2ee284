"""The Protocol of scorers, which turn a network's output into scores, and the simplest scorer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from installation.errors import LabelSetError, Mistake, display_path
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.output_names import labels_file

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]


class Scorer(Protocol):
    """Scores the visible labels of a label set."""

    def score(self, encoded: Floats) -> Floats:
        """Return `(N, labels)` float32 scores in 0–1, each row summing to at most 1.

        `encoded` is `(N, D)` as the encoder returns it: logits or features.
        """
        ...


@runtime_checkable
class DeviceScorer(Scorer, Protocol):
    """A scorer that PyTorch can also run on the graphics card, where the network's output is."""

    def on_device(self, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the function `score` on `device`.

        A CUDA graph may contain the function, because it never synchronises with the CPU.
        """
        ...


def softmax(logits: Floats) -> Floats:
    """Return the softmax of each row of `logits` `(N, L)`; −∞ has a share of 0."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    result: Floats = shares / shares.sum(1, keepdims=True)
    return result


def visible_scores(logits: Floats, labels: int, masked: Sequence[int] = ()) -> Floats:
    """Return `(N, labels)` scores in 0–1, each row summing to at most 1.

    `logits` is `(N, L)`: the first `labels` columns belong to visible labels, the others to
    background rows, which take their share of the score and are never shown. The columns `masked`
    have a score of 0 and take no share, whatever their logits are.
    """
    if masked:
        logits = logits.copy()
        logits[:, list(masked)] = -np.inf
        if len(masked) == logits.shape[1]:
            return np.zeros_like(logits)[:, :labels]
    return softmax(logits)[:, :labels]


def visible_scores_on_device(
    labels: int, size: int, masked: Sequence[int], device: torch.device
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return `visible_scores` as a function of logits `(N, size)` on `device`.

    `labels` and `masked` are the same as for `visible_scores`.
    """
    import torch

    out = torch.zeros(size, dtype=torch.bool)
    out[list(masked)] = True
    out, none_left = out.to(device), len(masked) == size

    def scores(logits: torch.Tensor) -> torch.Tensor:
        if none_left:
            return torch.zeros_like(logits)[:, :labels]
        return logits.masked_fill(out, -torch.inf).softmax(1)[:, :labels]

    return scores


class OutputScorer:
    """Scores labels that are outputs of the network; hidden and masked outputs get no score."""

    def __init__(self, label_set: LabelSet, width: int) -> None:
        """Score the labels of `label_set` for a network of `width` outputs.

        Raises LabelSetError if a label is not one of these outputs.
        """
        rows = (*label_set.rows, *label_set.background)
        if max(rows) >= width:
            file = display_path(labels_file(label_set.folder))
            problem = (
                f"the id '{max(rows)}' is not an output of the network (expected 0 to {width - 1})"
            )
            raise LabelSetError(
                Mistake(file, problem, "Remove the row, or use the network that the row is for.")
            )
        self._rows = np.array(rows)
        self._labels = len(label_set.rows)
        self._masked = label_set.masked
        self._temperature = label_set.settings.temperature

    def score(self, encoded: Floats) -> Floats:
        """Return `(N, labels)` scores for the network's logits `(N, outputs)`."""
        logits = encoded[:, self._rows] / self._temperature
        return visible_scores(logits, self._labels, self._masked)

    def on_device(self, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the function `score` on `device`."""
        import torch

        rows = torch.from_numpy(self._rows).to(device)
        scores = visible_scores_on_device(self._labels, len(rows), self._masked, device)
        temperature = self._temperature
        return lambda encoded: scores(encoded[:, rows] / temperature)
