"""The method `text`: scores labels that a network was never trained on, from its classes (ConSE).

ConSE (Norouzi et al., arXiv 1312.5650): the text embeddings of the ten best classes, weighted by
their probabilities, make a query, which is compared with the text embeddings of the labels. Three
things differ from the paper; without each of them one label got most visitors:

- Embeddings are centred, so that what all labels have in common has no influence.
- Each label is divided by the square root of its spread over the single-class queries, so that
  labels near every query do not always win. Divided by the whole spread, labels far from every
  query would win by chance.
- The query is divided by the square root of the sum of the ten probabilities, not by its length: if
  the network is unsure, or its classes contradict each other, the query is short, the scores are
  flat, and the visitor is only called the root. Divided by the sum itself, an empty wall gets a
  label.

Measured on 83 bust crops of some twelve people, with 1,070 visible labels: plain cosine gave 29
labels, as evenly as 20.7 equally frequent ones; each label standardised over the single-class
queries 38, as 27.3; this 39, as 32.0. Of the 1,000 single-class queries the most frequent label
wins 76, 19 and 14. The descriptions of making/build/looks.csv improve the meaning: with them a
stethoscope is a doctor, without them it was a stenographer.
"""

from __future__ import annotations

import torch

from installation.naming.label_set import built_file
from installation.naming.label_set.label_set import LabelSet
from installation.naming.scoring.scorer import visible_scores

TOP = 10
"""Classes in a query, as in the paper."""

LEAST_SPREAD = 1e-3
"""The least spread of a label over the single-class queries, to divide by.

A single label, once centred, has a spread of 0; the shipped labels have 0.04 and more."""

EMBEDDING = 384
"""Numbers in a text embedding of all-MiniLM-L6-v2."""


class ConseScorer:
    """Scores labels from a network's logits over its classes."""

    def __init__(
        self, classes: torch.Tensor, labels: torch.Tensor, visible: int, temperature: float
    ) -> None:
        """Take the embeddings of `calibrate`: `(C, D)`, and `(L, D)`, the visible labels first."""
        self._classes = classes.float()
        self._labels = labels.float().T / temperature  # (D, L)
        self._visible = visible

    @classmethod
    def from_built(
        cls, label_set: LabelSet, encoder: str, width: int, device: torch.device
    ) -> ConseScorer:
        """Return the scorer of a built label set for an encoder of `width` classes.

        `encoder` is the SHA-256 of the encoder's weights. Raises LabelSetError if the built file is
        missing, damaged, or built from something else.
        """
        tensors = built_file.read_tensors(
            label_set, encoder, "F16", {"labels": [EMBEDDING]}, {"classes": [width, EMBEDDING]}
        )
        classes, labels = (tensors[name].to(device) for name in ("classes", "labels"))
        return cls(classes, labels, len(label_set.rows), label_set.settings.temperature)

    def score(self, encoded: torch.Tensor) -> torch.Tensor:
        """Return `(N, labels)` scores for the network's logits `(N, C)`."""
        best, which = encoded.softmax(1).topk(TOP)  # (N, TOP)
        weights = best / best.sum(1, keepdim=True).sqrt()
        queries = torch.einsum("nk,nkd->nd", weights, self._classes[which])
        return visible_scores(queries @ self._labels, self._visible)


def calibrate(classes: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the embeddings of classes and labels, centred and scaled so that no label always wins.

    `classes` is `(C, D)` and `labels` `(L, D)`, both of unit length. Hidden labels count like the
    others, so hiding one needs no new build.
    """
    classes = classes - classes.mean(0)
    labels = torch.nn.functional.normalize(labels - labels.mean(0))
    spread = (classes @ labels.T).square().mean(0).sqrt()  # (L,)
    spread = spread.clamp(min=LEAST_SPREAD)
    return classes, labels / (spread * spread.mean()).sqrt()[:, None]
