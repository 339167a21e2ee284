"""A cache of the embeddings of an artist's pictures and sentences, so that each is computed once.

`models/.cache/` has a file for each network and each way of cutting pictures. The file stores each
vector under the SHA-256 of the picture or sentence from which the vector was computed, but no
picture and no sentence. If the folder is deleted, the next build takes longer; nothing else
changes.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from installation.errors import LabelSetError
from installation.making.atomic_write import replacing, write_errors
from installation.naming.lists.safetensors_header import mismatch

CACHE_FOLDER = ".cache"
"""The name of the cache's folder, which is in the folder of label sets. No label set can have this
name, because names of sets do not begin with a dot.
"""

MAX_VECTORS = 20_000
"""The largest number of vectors of one network; if there are more, the oldest are dropped. If
each vector has 2,688 numbers, 20,000 vectors take 215 MB.
"""

KEY_BYTES = 32
"""The length of a key, a SHA-256, bytes."""

Embed = Callable[[Sequence[str]], torch.Tensor]
"""A function from texts to embeddings `(N, D)` float32."""


class EmbeddingCache:
    """Vectors keyed by SHA-256; a context manager that writes new vectors to the file on exit.

    A damaged file counts as empty. If the file cannot be written, the next build computes the
    vectors again. In both cases `problem` says what happened, as the end of a sentence: the caller
    writes the beginning, for example "The cache of sentences". Two builds may use the same file at
    once: when a build writes, it adds its vectors to the vectors in the file.
    """

    def __init__(self, models: Path, name: str, width: int) -> None:
        """Read the file `name`.safetensors in the folder .cache of `models`.

        Its vectors are `(width,)` float32. `name` identifies the network, its weights, and the kind
        of embedding.
        """
        self.file = models / CACHE_FOLDER / f"{name}.safetensors"
        self.problem = ""
        self._width = width
        self._new: dict[str, torch.Tensor] = {}
        self._vectors = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # New vectors are stored after a mistake or Ctrl-C too, so the next build continues from
        # there.
        if self._new:
            try:
                self._write(self._read() | self._new)
            except LabelSetError as failure:
                self.problem = f"could not be saved: {failure.mistakes[0].problem}"

    def __contains__(self, key: object) -> bool:
        return key in self._vectors

    def __getitem__(self, key: str) -> torch.Tensor:
        return self._vectors[key]

    def add(self, keys: Sequence[str], vectors: torch.Tensor) -> None:
        """Add `vectors` `(N, width)` under `keys`, which are SHA-256s in hexadecimal."""
        new = dict(zip(keys, vectors.detach().cpu().float(), strict=True))
        self._new |= new
        self._vectors |= new

    def _read(self) -> dict[str, torch.Tensor]:
        try:
            with safe_open(self.file, framework="pt") as file:
                count = file.get_slice("keys").get_shape()[0]
                for name, kind, width in (
                    ("keys", "U8", KEY_BYTES),
                    ("vectors", "F32", self._width),
                ):
                    if wrong := mismatch(file, name, kind, (count, width)):
                        raise SafetensorError(wrong)
                keys, vectors = file.get_tensor("keys"), file.get_tensor("vectors")
                if (file.metadata() or {}).get("sha256") != _checksum(keys, vectors):
                    raise SafetensorError("the checksum does not match the numbers")
        except FileNotFoundError:
            return {}
        except (SafetensorError, OSError, IndexError):
            self.problem = "was damaged and has been rebuilt"
            return {}
        return {bytes(key).hex(): vector for key, vector in zip(keys.numpy(), vectors, strict=True)}

    def _write(self, entries: dict[str, torch.Tensor]) -> None:
        kept = list(entries.items())[-MAX_VECTORS:]
        keys = torch.frombuffer(
            bytearray.fromhex("".join(key for key, _ in kept)), dtype=torch.uint8
        )
        keys = keys.view(-1, KEY_BYTES)
        vectors = torch.stack([vector for _, vector in kept])
        with write_errors(self.file):
            self.file.parent.mkdir(exist_ok=True)
        with replacing(self.file) as file:
            metadata = {"sha256": _checksum(keys, vectors)}
            save_file({"keys": keys, "vectors": vectors}, file, metadata)


def cached_encoder(open_encoder: Callable[[], Embed], cache: EmbeddingCache) -> Embed:
    """Return a text encoder that opens the real encoder only for texts that `cache` lacks."""
    opened = functools.cache(open_encoder)

    def embed(texts: Sequence[str]) -> torch.Tensor:
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in cache}
        if new:
            cache.add(list(new), opened()(list(new.values())))
        return torch.stack([cache[key] for key in keys])

    return embed


def embed_ensembles(ensembles: Sequence[Sequence[str]], embed: Embed) -> torch.Tensor:
    """Return an embedding of unit length for each ensemble of sentences, `(N, D)`.

    The embedding is the normalised mean of the embeddings of its sentences (arXiv 2103.00020,
    section 3.1.4).
    """
    embedded = embed([sentence for ensemble in ensembles for sentence in ensemble])
    of_each = torch.split(embedded, [len(ensemble) for ensemble in ensembles])
    return torch.nn.functional.normalize(torch.stack([some.mean(0) for some in of_each]))


def _checksum(keys: torch.Tensor, vectors: torch.Tensor) -> str:
    digest = hashlib.sha256(keys.numpy().tobytes())
    digest.update(vectors.numpy().tobytes())
    return digest.hexdigest()
