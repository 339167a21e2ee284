from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from installation.errors import LabelSetError, Mistake
from installation.making.build import embedding_cache, from_text
from installation.making.build.embedding_cache import Embed, EmbeddingCache
from installation.making.build.text import sentence_encoder
from installation.naming.label_set.load import read_source
from installation.naming.scoring import conse
from installation.settings.paths import label_set_names
from tests.support.full_disk import full_disk
from tests.support.label_sets import HEADER, write_label_set

WIDTH = 8


def key(word: str) -> str:
    """Return the key of the vector that was computed from `word`."""
    return hashlib.sha256(word.encode()).hexdigest()


def opened(models: Path) -> EmbeddingCache:
    """Open the cache of one network."""
    return EmbeddingCache(models, "network", WIDTH)


def fill(models: Path, *words: str) -> torch.Tensor:
    """Store a vector for each word, and return the vectors."""
    vectors = torch.stack([torch.full((WIDTH,), float(len(word))) for word in words])
    with opened(models) as kept:
        kept.add([key(word) for word in words], vectors)
    return vectors


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """The next build reads each vector unchanged."""
    vectors = fill(tmp_path, "cat", "horse")
    with opened(tmp_path) as kept:
        assert torch.equal(torch.stack([kept[key("cat")], kept[key("horse")]]), vectors)
        assert key("dog") not in kept
        assert not kept.problem


def test_a_build_that_adds_nothing_writes_nothing(tmp_path: Path) -> None:
    """A build that adds nothing does not write the file."""
    with opened(tmp_path) as kept:
        assert not kept.problem
    assert list(tmp_path.iterdir()) == []


def test_two_builds_at_a_time_both_keep_theirs(tmp_path: Path) -> None:
    """Writing the cache keeps vectors that another build has written since it was read."""
    with opened(tmp_path) as ours:
        ours.add([key("ours")], torch.zeros(1, WIDTH))
        fill(tmp_path, "theirs")
    with opened(tmp_path) as kept:
        assert key("ours") in kept
        assert key("theirs") in kept
    assert [file.name for file in (tmp_path / embedding_cache.CACHE_FOLDER).iterdir()] == [
        "network.safetensors"
    ]


def test_an_interrupted_build_keeps_what_it_has(tmp_path: Path) -> None:
    """After Ctrl-C the next build continues where the last one stopped."""
    kept = opened(tmp_path)
    kept.add([key("cat")], torch.zeros(1, WIDTH))
    kept.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with opened(tmp_path) as kept:
        assert key("cat") in kept


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    """On a full disk the build continues, and `problem` says that the cache is not kept."""
    kept = opened(tmp_path)
    with full_disk(), kept:
        kept.add([key("cat")], torch.zeros(1, WIDTH))
    assert kept.problem.startswith("could not be saved: it cannot be written (")
    kept = opened(tmp_path)
    kept.add([key("cat")], torch.zeros(1, WIDTH))
    with full_disk(), pytest.raises(LabelSetError, match="the label is wrong"), kept:
        raise LabelSetError(Mistake("labels.csv", "the label is wrong", "Correct it."))
    (tmp_path / "elsewhere").touch()
    with opened(tmp_path / "elsewhere") as kept:
        kept.add([key("cat")], torch.zeros(1, WIDTH))
    assert kept.problem == "could not be saved: it cannot be written (Not a directory)"


@given(place=st.integers(1, 700), bit=st.integers(0, 7), length=st.integers(0, 700))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_cache_counts_as_none(tmp_path: Path, place: int, bit: int, length: int) -> None:
    """A damaged file counts as empty, and the next build replaces it."""
    file = opened(tmp_path).file
    for damage in ("flip", "cut"):
        file.unlink(missing_ok=True)
        fill(tmp_path, "cat", "horse")
        data = bytearray(file.read_bytes())
        vectors, keys = 2 * WIDTH * 4, 2 * embedding_cache.KEY_BYTES
        if damage == "flip":  # among the numbers
            data[-1 - (place % (vectors + keys))] ^= 1 << bit
        else:
            data = data[: min(length, len(data) - 1)]
        file.write_bytes(data)
        with opened(tmp_path) as kept:
            assert kept.problem
            assert key("cat") not in kept
            kept.add([key("dog")], torch.zeros(1, WIDTH))
        with opened(tmp_path) as kept:
            assert not kept.problem
            assert key("dog") in kept


def test_vectors_of_another_width_count_as_damaged(tmp_path: Path) -> None:
    """Vectors of another width count as damaged."""
    fill(tmp_path, "cat")
    assert EmbeddingCache(tmp_path, "network", WIDTH + 1).problem


def test_the_oldest_vectors_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest vectors are dropped when the cache is full."""
    monkeypatch.setattr(embedding_cache, "MAX_VECTORS", 2)
    fill(tmp_path, "one", "two")
    fill(tmp_path, "three")
    with opened(tmp_path) as kept:
        assert [key(word) in kept for word in ("one", "two", "three")] == [False, True, True]


def test_the_cache_is_not_a_label_set(tmp_path: Path) -> None:
    """A folder whose name begins with a dot is not a label set."""
    write_label_set(tmp_path, name="weather")
    write_label_set(tmp_path, name=embedding_cache.CACHE_FOLDER)
    assert label_set_names(tmp_path) == ["weather"]


class Reader:
    """Stands in for the sentence encoder and records its requests."""

    def __init__(self) -> None:
        self.opened = 0
        self.requests: list[str] = []

    def open(self) -> Embed:
        """Count that the encoder was loaded."""
        self.opened += 1
        return self.embed

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """Return directions that depend only on the text."""
        self.requests += texts
        seeds = [int(key(text)[:15], 16) for text in texts]
        drawn = [torch.randn(conse.EMBEDDING, generator=generator(seed)) for seed in seeds]
        return torch.nn.functional.normalize(torch.stack(drawn))


def generator(seed: int) -> torch.Generator:
    """Return a source of numbers."""
    return torch.Generator().manual_seed(seed)


def test_a_sentence_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second build opens no encoder and has the same result.

    After a row has changed, only that row is embedded.
    """
    reader = Reader()
    monkeypatch.setattr(sentence_encoder, "open_sentence_encoder", reader.open)
    write_label_set(tmp_path, HEADER, "sun,sun,brings the light,,", "rain,rain,waters the plants,,")
    first = from_text.build_from_text(read_source("weather", tmp_path))
    assert reader.opened == 1
    assert len(reader.requests) > 1000

    again = from_text.build_from_text(read_source("weather", tmp_path))
    assert reader.opened == 1
    assert all(torch.equal(first.tensors[name], again.tensors[name]) for name in first.tensors)
    assert again.figures == first.figures

    reader.requests.clear()
    write_label_set(tmp_path, HEADER, "sun,sun,brings the light,,", "rain,rain,makes us wet,,")
    from_text.build_from_text(read_source("weather", tmp_path))
    assert sorted(reader.requests) == ["a person who is a rain, makes us wet", "rain: makes us wet"]


def test_a_damaged_cache_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build reports a damaged cache of sentences once, and a cache that cannot be saved."""
    monkeypatch.setattr(sentence_encoder, "open_sentence_encoder", Reader().open)
    write_label_set(tmp_path)
    from_text.build_from_text(read_source("weather", tmp_path))
    (file,) = (tmp_path / embedding_cache.CACHE_FOLDER).iterdir()
    file.write_bytes(b"cut off")
    figures = from_text.build_from_text(read_source("weather", tmp_path)).figures
    assert figures[-1] == "The cache of sentences was damaged and has been rebuilt."
    assert "damaged" not in " ".join(
        from_text.build_from_text(read_source("weather", tmp_path)).figures
    )
    file.unlink()
    with full_disk():
        figures = from_text.build_from_text(read_source("weather", tmp_path)).figures
    assert figures[-1].startswith(
        "The cache of sentences could not be saved: it cannot be written ("
    )
