"""Measures how evenly the labels win, to show whether one label would be given to most visitors."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from installation.errors import counted


@dataclass(frozen=True)
class Evenness:
    """Measures of how evenly labels win, counted over `queries` inputs, such as pictures.

    The label with the highest score for an input wins. `winners` is the number of labels that win
    at least once. `effective` is the perplexity of the wins: it is equal to `winners` if all of
    these labels win equally often, otherwise smaller. `most` is the share of the most frequent
    winner, 0–1.
    """

    queries: int
    winners: int
    effective: float
    most: float

    def __str__(self) -> str:
        if self.winners == 1:
            return f"the same label wins all {self.queries:,} times"
        equal = counted(round(self.effective), "equally frequent label")
        return (
            f"{self.winners:,} different labels win, as varied as {equal} would be; the most "
            f"frequent label wins {self.most:.0%} of {self.queries:,} times"
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
