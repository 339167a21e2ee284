"""The method `examples`: an artist's pictures, and what the network sees in them.

`examples:` in labelset.yaml names a folder with a folder of pictures for each row's id. Pictures
are taken as the artist cut them: their centre square, as it is. The show looks at a visitor's bust
(or as `crop:` says), so pictures cut alike match best; to look for a face here and cut again would
take the choice from who has it. Each is seen as it is and mirrored, as the show's picture is
mirrored and nobody reads left from right.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from tqdm import tqdm

from installation.errors import LabelSetError, limit_mistakes
from installation.making.build import duplicate_pictures, example_pictures, linear_probe
from installation.making.build.embedding_cache import EmbeddingCache
from installation.making.build.evenness import evenness
from installation.making.build.example_pictures import FoundPictures, Picture, SkippedPicture
from installation.making.build.linear_probe import Features, Numbers
from installation.making.build.neutral_pictures import neutral_features, neutral_pictures
from installation.making.build.result import BuildResult
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.label_set.load import assemble
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.settings.kiosk import ContentSettings

BATCH = 16
"""Pictures that are encoded together, each in its two views."""
NEUTRAL = 60
"""Pictures of nothing, for what the labels make of it."""
WORST = 5
"""Pairs of labels that are named for being taken for each other."""


def build_from_examples(
    source: LabelSetSource, _content: ContentSettings = SAFE, encoder: Encoder | None = None
) -> BuildResult:
    """Return the weighted sums that tell a set's labels by its pictures, and how well they do.

    `encoder` replaces the set's own. Raises LabelSetError with all that is wrong with the pictures,
    and WeightsError where the network's are missing.
    """
    if encoder is None:
        label_set = assemble(source, EVERYTHING)
        encoder = open_encoder(label_set, torch.device("cpu"))
    name = f"pictures-{encoder.name}-{encoder.fingerprint[:16]}-{example_pictures.VERSION}"
    with EmbeddingCache(
        source.folder.parent, name, 2 * (encoder.width + duplicate_pictures.SKETCH)
    ) as cache:
        there = example_pictures.find_pictures(source, cache)
        found = _without_copies(_encoded(there, encoder, cache), encoder.width, cache)
        everybody = range(len(source.rows))
        if mistakes := list(example_pictures.too_few(source, found, everybody)):
            raise LabelSetError(*limit_mistakes(mistakes))
        views = _views(found.good, cache)[:, :, : encoder.width].double().numpy()
        neutral = _see_neutral(encoder, cache)
    labels = np.array([picture.row for picture in found.good])
    with tqdm(
        total=linear_probe.parts(len(labels)) + 1,
        desc="learning; the time left is known after the first part",
        unit="part",
        disable=None,
        leave=False,
    ) as bar:
        out, logits = linear_probe.held_out(views, labels, bar.update)
        temperature = linear_probe.temperature(logits, labels[out])
        made = linear_probe.fit(views, labels).softened(temperature)
    figures = [
        *_figures(source, logits / temperature, labels[out], made.logits(neutral)),
        *_of_pictures(source, found),
        f"The regression's scores were softened by the temperature {temperature:.2f}.",
    ]
    if cache.problem:
        figures.append(f"The cache of what was seen in pictures {cache.problem}.")
    return BuildResult(
        made.tensors(),
        encoder.fingerprint,
        figures,
        asides=[f"Left out: {file}." for file in found.skipped],
        pictures=example_pictures.fingerprint(source, there),
    )


def _encoded(found: FoundPictures, encoder: Encoder, cache: EmbeddingCache) -> FoundPictures:
    """Add what is seen in the pictures to `cache`; return those that could be decoded."""
    new = [picture for picture in found.good if picture.key not in cache]
    skipped: list[SkippedPicture] = []
    bar = tqdm(
        total=len(new), desc="looking at pictures", unit="picture", disable=None, leave=False
    )
    with bar, ThreadPoolExecutor(example_pictures.DECODERS) as pool:
        for start in range(0, len(new), BATCH):
            some = new[start : start + BATCH]
            seen = {}
            for picture, square in zip(
                some, example_pictures.cut_squares(some, encoder.input, pool), strict=True
            ):
                if isinstance(square, SkippedPicture):
                    skipped.append(square)
                else:
                    seen[picture.key] = square
            _see(seen, encoder, cache)
            bar.update(len(some))
    good = tuple(picture for picture in found.good if picture.key in cache)
    return FoundPictures(good, (*found.skipped, *skipped))


def _without_copies(found: FoundPictures, width: int, cache: EmbeddingCache) -> FoundPictures:
    """Return `found` without the pictures that are copies of others, where there are any good."""
    if not found.good:
        return found
    different = duplicate_pictures.without_copies(
        found.good, _views(found.good, cache)[:, :, width:]
    )
    return FoundPictures(different.good, (*found.skipped, *different.skipped))


def _see(squares: dict[str, torch.Tensor], encoder: Encoder, cache: EmbeddingCache) -> None:
    """Add to `cache` what is seen in each square `(3, size, size)` and in its mirror image.

    That is what `encoder` gives, and a sketch that tells copies.
    """
    if squares:
        batch = torch.stack(list(squares.values())).to(encoder.device)  # (N, 3, size, size)
        both = torch.cat([batch, batch.flip(3)])
        seen = torch.cat([encoder.encode(both).cpu(), duplicate_pictures.sketches(both)], 1)
        cache.add(list(squares), torch.cat(seen.chunk(2), 1))  # (N, 2 · (D + SKETCH))


def _views(good: Sequence[Picture], cache: EmbeddingCache) -> torch.Tensor:
    """Return `(N, 2, D + SKETCH)`: what is seen in each picture as it is and mirrored."""
    return torch.stack([cache[picture.key] for picture in good]).view(len(good), 2, -1)


def _see_neutral(encoder: Encoder, cache: EmbeddingCache) -> Features:
    """Return what is seen in pictures of nothing, `(NEUTRAL, D)`."""
    drawn = neutral_pictures(NEUTRAL)
    keys = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in drawn]
    if any(key not in cache for key in keys):
        seen = neutral_features(encoder, NEUTRAL).cpu()
        # Nobody asks for their mirror images or sketches.
        rest = torch.zeros(NEUTRAL, encoder.width + 2 * duplicate_pictures.SKETCH)
        cache.add(keys, torch.cat([seen, rest], 1))
    return torch.stack([cache[key][: encoder.width] for key in keys]).double().numpy()


def _figures(
    source: LabelSetSource, logits: Features, labels: Numbers, neutral: Features
) -> Iterator[str]:
    """Yield how often held-out pictures are read rightly, what is confused, who wins.

    `logits` `(N, L)` are of pictures that were held out, `neutral` `(M, L)` of pictures of nothing.
    """
    names = [row.name for row in source.rows]
    best = logits.argmax(1)
    right = float((best == labels).mean())
    always = float(np.bincount(labels).max() / len(labels))
    sure = float(_scores(logits).max(1).values.mean())
    yield (
        f"Of {len(labels):,} pictures, held out a fifth of all at a time, {right:.0%} are read "
        f"rightly; always the most frequent label would be right for {always:.0%}."
    )
    yield f"Their best label's score is {sure:.2f} on average, which should be near {right:.2f}."
    pairs = Counter(zip(labels[best != labels], best[best != labels], strict=True))
    counts = np.bincount(labels)
    for (label, taken), count in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[
        :WORST
    ]:
        yield f"'{names[label]}' is taken for '{names[taken]}' {count} times of {counts[label]}."
    shown = [i for i, row in enumerate(source.rows) if not row.background]
    yield f"Held-out pictures: {evenness(torch.from_numpy(logits[:, shown]))}."
    yield f"Pictures of nothing: {evenness(torch.from_numpy(neutral[:, shown]))}."
    nothing = float(_scores(neutral)[:, shown].max(1).values.mean())
    yield f"Their best label's score is {nothing:.2f} on average{_abstaining(source, nothing)}."


def _abstaining(source: LabelSetSource, nothing: float) -> str:
    """Return what an artist can do where the machine names what is not there."""
    if nothing < source.settings.min_score or any(row.background for row in source.rows):
        return ""
    return "; a row with is_background and pictures of empty rooms lets the machine say nothing"


def _of_pictures(source: LabelSetSource, found: FoundPictures) -> Iterator[str]:
    """Yield how many pictures each label has, and which were left out."""
    counts = Counter(picture.row for picture in found.good)
    each = ", ".join(f"{row.name} {counts[i]}" for i, row in enumerate(source.rows))
    yield f"Pictures: {each}."
    if found.skipped:
        # The card goes to others with the set, and names of files may say who is in a picture.
        yield f"Files left out: {len(found.skipped)}; `kiosk labels build` names them."


def _scores(logits: Features) -> torch.Tensor:
    return torch.from_numpy(logits).softmax(1)
