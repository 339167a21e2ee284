"""How evenly a set's labels win: whether one of them swallows everybody."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Evenness:
    """What became of a number of pictures or queries.

    `winners` is how many labels won at least once; `effective` how many equally frequent winners
    would be as even (the exponential of the wins' entropy); `most` the most frequent one's share.
    """

    queries: int
    winners: int
    effective: float
    most: float

    def __str__(self) -> str:
        winners = "one label wins" if self.winners == 1 else f"{self.winners} labels win"
        return (
            f"{winners} at least once, as evenly as {self.effective:.1f} would that win alike; the "
            f"most frequent wins {self.most:.0%} of {self.queries:,}"
        )


def evenness(scores: torch.Tensor) -> Evenness:
    """Return how evenly the labels win by `scores`, `(N, L)`, higher being better, N above 0."""
    N, L = scores.shape  # noqa: N806  rows and labels
    wins = torch.bincount(scores.argmax(1), minlength=L).double()
    share = wins[wins > 0] / N
    entropy = -(share * share.log()).sum()
    return Evenness(N, len(share), float(entropy.exp()), float(share.max()))
