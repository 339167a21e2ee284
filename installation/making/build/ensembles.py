"""Several sentences as one direction: the mean of their embeddings (arXiv 2103.00020, 3.1.4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from installation.making.build.embedding_cache import Embed


def embed_ensembles(ensembles: Sequence[Sequence[str]], embed: Embed) -> torch.Tensor:
    """Return an embedding `(N, D)` of unit length for each of the ensembles of sentences."""
    embedded = embed([sentence for ensemble in ensembles for sentence in ensemble])
    of_each = torch.split(embedded, [len(ensemble) for ensemble in ensembles])
    return torch.nn.functional.normalize(torch.stack([some.mean(0) for some in of_each]))
