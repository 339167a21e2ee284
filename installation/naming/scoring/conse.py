"""The method `text`: from an encoder's classes to labels it was never trained on.

ConSE (Norouzi et al., arXiv 1312.5650): the ten best classes, weighted by their probabilities, each
say how near every label is to them by text embeddings, and the weighted sum decides. What differs
from the paper:

- Masked classes are taken out before the softmax (naming/lists/masked.py).
- Half of the logarithm of a class's prior is subtracted from its logit: what is seen on everybody
  says little about this person. The prior is how often the network sees a class on people.
- A class may have a list of labels, written by hand; each label on it is nearer to the class than
  any other label. Among them decides what else is seen. Where lists are used, classes without one
  take their share of the probability and say nothing.
- Nearness is centred and divided by a power of its spread over the classes, as often as they are
  seen: labels near everything lose, and labels near nothing do not win by chance.
- The sum is not divided by the ten probabilities' sum: where the network is not sure, as before an
  empty wall, the scores are flat and the visitor is only the root.

Without the mask, the prior and the lists a quarter of the women on 492 photographs were called
skin-divers, from shoulders and necklines, and 492 people had 48 equally frequent names. What is
measured now stands in the card of each label set and in docs/naming.md.
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
"""How many classes decide, as in the paper."""

PRIOR_STRENGTH = 0.5
"""How much of a class's log prior is subtracted; at 1, classes that are hardly ever seen win."""

LISTED = 24.0
"""How much nearer than others a label on a class's list is, in spreads of a label's similarity."""

ALIKE = 4.0
"""How many times as much the similarity of a listed label to its class counts as that of others: a
class has its first choice, which is the same from frame to frame, and the others a chance."""

SPREAD_POWER = 0.8
"""The power of its own spread by which a label's nearness is divided; at 0 labels on the lists of
what is often seen lead, and at 1 those that are near hardly anything."""

LEAST_SPREAD = 1e-3
"""Of a label over the classes; a single label, once centred, has none at all, and the shipped ones
have 0.04 and more."""

EMBEDDING = 384
"""Numbers of a text embedding by all-MiniLM-L6-v2."""

LIST_LENGTH = 16
"""The most labels on a class's list."""


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
        """Take the nearness of `calibrate`, `(C, L)`, the visible labels first.

        `prior` is `(C,)`, the share of each class in what is seen on people. `kept` is `(K,)`, the
        places of the classes that take part. Classes whose nearness is 0 throughout say nothing.
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

        `encoder` is the SHA-256 of the encoder's weights. Raises LabelSetError where the built file
        is missing, damaged, or built from something else.
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

    `lists` is `(C, LIST_LENGTH)` with rows of labels.csv, −1 where a list is shorter; `rows` has
    the row of each of the L labels.
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
    """Return how near each label is to each class, `(C, L)`, so that no label absorbs everything.

    `classes` is `(C, D)` and `labels` `(L, D)`, both of unit length. `prior` is `(C,)`, `kept` has
    the places of the classes that take part, and `listed` is `(C, L)` bool. Where there are lists,
    only classes with one are near anything; labels on a list win over all others by `LISTED`.
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
