"""The method `text`: scores labels that a network was never trained on, from its classes.

ConSE (Norouzi et al., arXiv 1312.5650): text embeddings say how near a label is to each class. The
logit of a label is the sum of its nearness to the ten best classes, weighted by the probabilities
of these classes. This module differs from the paper in these points:

- Masked classes are removed before the softmax (naming/lists/masked.py).
- Half of the logarithm of a class's prior is subtracted from its logit, because a class that is
  seen on everybody says little about one person. The prior is how often the network sees the class
  on people.
- A class may have a hand-written list of labels. They are nearer to the class than all other
  labels; which of them wins depends on the other classes in the picture. If lists are used,
  classes without a list take their share of the probability but have no effect.
- The nearness of a label is centred over the classes, so that a label that is near every class
  does not always win. It is then divided by its spread over the classes to the power
  `SPREAD_POWER`, which is below 1, so that a label that is near hardly any class does not win by
  chance. In both steps, classes are weighted by their priors.
- The sum is not divided by the sum of the ten probabilities: if the network is not certain, as in
  front of an empty wall, the scores are flat and nobody is named.

Without the mask, the prior and the lists, a quarter of the women on 492 photographs were called
skin-divers, because of shoulders and necklines. The names of these 492 people had the entropy of 48
equally frequent names. The current measurements are in card.md of each label set and in
docs/naming.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from installation.naming.label_set import built_file
from installation.naming.label_set.label_set import LabelSet
from installation.naming.scoring.scorer import (
    Floats,
    softmax,
    visible_scores,
    visible_scores_on_device,
)

if TYPE_CHECKING:
    import torch

Integers = npt.NDArray[np.integer[Any]]

TOP = 10
"""The number of best classes that are used, as in the paper."""

PRIOR_STRENGTH = 0.5
"""The share of a class's log prior that is subtracted from its logit; at 1, classes that are hardly
ever seen win.
"""

LISTED = 24.0
"""The number that is added to the nearness of each label on a class's list. At first, nearness is
the similarity of a label and a class, divided by the standard deviation of the label's similarity
over the classes. The nearness of a label on the list is multiplied by `ALIKE` before the addition.
"""

ALIKE = 4.0
"""The nearness of a label on a class's list is multiplied by this number before `LISTED` is added.
This enlarges the differences between the labels on one list. So a class favours the same label of
its list on every frame, but the other labels can win too.
"""

SPREAD_POWER = 0.8
"""A label's nearness is divided by the label's spread to this power. At 0, the labels on the lists
of frequent classes have the highest scores. At 1, the labels that are near to few classes do.
"""

LEAST_SPREAD = 1e-3
"""A smaller spread of a label over the classes is replaced by this number, because nearness is
divided by the spread. The spread is zero if a set has a single label, whose centred embedding is
zero. The shipped labels have a spread of 0.04 or more.
"""

EMBEDDING = 384
"""The length of a text embedding by all-MiniLM-L6-v2."""

LIST_LENGTH = 16
"""The largest number of labels on a class's list."""


class ConseScorer:
    """Scores labels from a network's logits over its classes."""

    def __init__(
        self,
        nearness: Floats,
        prior: Floats,
        kept: Integers,
        visible: int,
        temperature: float,
    ) -> None:
        """Store `nearness` `(C, L)` from `calibrate`; the first `visible` labels are shown.

        `prior` is `(C,)`: the share of each class in the network's output for people. `kept` is
        `(K,)`, the indices of the classes that are not masked. The nearness is divided by
        `temperature`. Classes whose nearness to all labels is 0 have no effect.
        """
        self._kept = kept
        self._nearness = nearness.astype(np.float32)[kept] / np.float32(temperature)  # (K, L)
        self._speaks = self._nearness.any(1)  # (K,)
        self._log_prior = np.float32(PRIOR_STRENGTH) * np.log(
            prior.astype(np.float32)[kept]
        )  # (K,)
        self._visible = visible

    @classmethod
    def from_built(cls, label_set: LabelSet, encoder: str, width: int) -> ConseScorer:
        """Return the scorer of a built label set for an encoder of `width` classes.

        `encoder` is the SHA-256 of the encoder's weights. Raises LabelSetError if the built file is
        missing, damaged, or built from something else.
        """
        shapes = {"classes": [width, EMBEDDING], "prior": [width], "kept": [width]}
        tensors = built_file.read_tensors(
            label_set, encoder, "F16", {"labels": [EMBEDDING]}, shapes
        )
        listed = built_file.read_tensors(
            label_set, encoder, "I64", {}, {"lists": [width, LIST_LENGTH]}
        )["lists"]
        classes, labels, prior = (
            tensors[name].astype(np.float32) for name in ("classes", "labels", "prior")
        )
        shown = [*label_set.rows, *label_set.background]
        kept = np.flatnonzero(tensors["kept"])
        nearness = calibrate(classes, labels, prior, kept, lists_by_place(listed, shown))
        temperature = label_set.settings.temperature
        return cls(nearness, prior, kept, len(label_set.rows), temperature)

    def score(self, encoded: Floats) -> Floats:
        """Return `(N, labels)` scores for the network's logits `(N, C)`."""
        shares = softmax(encoded[:, self._kept] - self._log_prior) * self._speaks  # (N, K)
        count = min(TOP, len(self._kept))
        which = np.argpartition(-shares, count - 1, axis=1)[:, :count]  # (N, TOP)
        best = np.take_along_axis(shares, which, axis=1)  # (N, TOP)
        nearness = (best[:, None] @ self._nearness[which])[:, 0]  # (N, L)
        return visible_scores(nearness, self._visible)

    def on_device(self, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the function `score` on `device`."""
        import torch

        kept, log_prior, speaks, nearness = (
            torch.from_numpy(np.asarray(array)).to(device)
            for array in (self._kept, self._log_prior, self._speaks, self._nearness)
        )
        scores = visible_scores_on_device(self._visible, nearness.shape[1], (), device)

        def score(encoded: torch.Tensor) -> torch.Tensor:
            shares = (encoded[:, kept] - log_prior).softmax(1) * speaks
            best, which = shares.topk(min(TOP, len(kept)))
            return scores(torch.einsum("nk,nkl->nl", best, nearness[which]))

        return score


def lists_by_place(lists: Integers, rows: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Return whether each label is on each class's list, `(C, L)` bool.

    `lists` is `(C, LIST_LENGTH)` with indices of rows of labels.csv, padded with −1. `rows` has the
    index of the row of each of the L labels.
    """
    found = np.zeros((len(lists), len(rows)), bool)
    for column in lists.T:
        found |= column[:, None] == np.array(rows)[None]
    return found


def calibrate(
    classes: Floats,
    labels: Floats,
    prior: Floats,
    kept: Integers,
    listed: npt.NDArray[np.bool_],
) -> Floats:
    """Return how near each label is to each class, `(C, L)`.

    `classes` is `(C, D)` and `labels` `(L, D)`, both of unit length. `prior` is `(C,)`, and `kept`
    has the indices of the classes that are not masked. `listed` is `(C, L)` bool: whether a label
    is on the hand-written list of a class.

    First, the nearness of a label on a class's list is increased (`ALIKE`, `LISTED`). Then nearness
    is corrected, so that labels that are near every class do not always win. The nearness to masked
    classes is 0. If any label is listed, the nearness to classes without a list is 0 too.
    """
    speaks = np.zeros(len(classes), bool)
    speaks[kept] = True
    if listed.any():
        speaks &= listed.any(1)
    weight = np.where(speaks, prior, np.float32(0))
    weight = (weight / weight.sum())[:, None]  # (C, 1)
    classes = classes - (weight * classes).sum(0)
    similarity = classes @ labels.T  # (C, L)
    spread = np.sqrt((weight * np.square(similarity)).sum(0)).clip(min=LEAST_SPREAD)
    nearness = similarity / spread
    nearness = np.where(listed, LISTED + ALIKE * nearness, nearness)
    nearness = nearness - (weight * nearness).sum(0)
    spread = np.sqrt((weight * np.square(nearness)).sum(0)).clip(min=LEAST_SPREAD)
    result: Floats = nearness / spread**SPREAD_POWER * speaks[:, None]
    return result
