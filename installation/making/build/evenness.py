"""Measures how evenly the labels win, to show whether one label would be given to most visitors."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Evenness:
    """Measures of how evenly labels win, from `queries` pictures or other inputs.

    `winners` is the number of labels that win at least once. `effective` is the number of winners
    with which the entropy would be the same if all of them won equally often. `most` is the share
    of the most frequent winner, 0–1.
    """

    queries: int
    winners: int
    effective: float
    most: float

    def __str__(self) -> str:
        if self.winners == 1:
            return f"the same label wins all {self.queries:,} times"
        return (
            f"{self.winners:,} different labels win, about {self.effective:.0f} of them often; "
            f"the most frequent label wins {self.most:.0%} of {self.queries:,} times"
        )


def evenness(scores: torch.Tensor) -> Evenness:
    """Return how evenly the labels win; the winner of a row is the label with the highest score.

    `scores` is `(N, L)`, with N > 0.
    """
    N, L = scores.shape  # noqa: N806  rows and labels
    wins = torch.bincount(scores.argmax(1), minlength=L).double()
    share = wins[wins > 0] / N
    entropy = -(share * share.log()).sum()
    return Evenness(N, len(share), float(entropy.exp()), float(share.max()))
