"""Random text embeddings."""

from __future__ import annotations

import torch

from installation.naming.scoring import conse


def random_embeddings(count: int, seed: int) -> torch.Tensor:
    """Return `(count, 384)` random embeddings of unit length, the same for the same `seed`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, conse.EMBEDDING, generator=generator)
    return torch.nn.functional.normalize(drawn)


def random_text_tensors(classes: int, labels: int) -> dict[str, torch.Tensor]:
    """Return the tensors of a set of the method `text`: no class has a list, and none is masked."""
    return {
        "classes": random_embeddings(classes, 1).half(),
        "labels": random_embeddings(labels, 2).half(),
        "prior": torch.full((classes,), 1 / classes).half(),
        "kept": torch.ones(classes).half(),
        "lists": torch.full((classes, conse.LIST_LENGTH), -1),
    }
