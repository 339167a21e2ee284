"""Random text embeddings."""

from __future__ import annotations

import torch

from installation.naming.scoring import conse


def random_embeddings(count: int, seed: int) -> torch.Tensor:
    """Return `(count, 384)` random embeddings of unit length, the same for the same `seed`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, conse.EMBEDDING, generator=generator)
    return torch.nn.functional.normalize(drawn)
