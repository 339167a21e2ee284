"""Runs encoders and scorers on PyTorch's tensors, which the tests' oracles use."""

from __future__ import annotations

import torch

from installation.naming.networks.encoder import Encoder
from installation.naming.scoring.scorer import Scorer


def encode(encoder: Encoder, batch: torch.Tensor) -> torch.Tensor:
    """Return the output of `encoder` for `batch`."""
    return torch.from_numpy(encoder.encode(batch.float().numpy()))


def score(scorer: Scorer, encoded: torch.Tensor) -> torch.Tensor:
    """Return the scores of `encoded`."""
    return torch.from_numpy(scorer.score(encoded.float().numpy()))
