"""The method `examples`: a linear probe on a network's features for an artist's pictures.

`examples:` in labelset.yaml names a folder. For each row of labels.csv, it contains a folder of
pictures that is named after the row's id. In each picture, a square is cut around the largest face.
The square shows the part of the person that `crop:` names. By default, and for `bust+half`, this is
the bust. So the squares are framed like the show's crops of visitors, which improves the match. A
picture without a face is left out, except in the folder of a background row: there, the picture's
centre square is used. With `examples: as they are`, the centre square of every picture is used.
Each square is encoded twice, unchanged and mirrored, so that a label does not depend on left and
right.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from tqdm import tqdm

from installation.errors import LabelSetError, counted, ellipsize, limit_mistakes
from installation.making.build import (
    contact_sheet,
    duplicate_pictures,
    example_pictures,
    linear_probe,
)
from installation.making.build.embedding_cache import EmbeddingCache
from installation.making.build.evenness import evenness
from installation.making.build.example_pictures import (
    NO_FACE,
    NO_REGION,
    CutPicture,
    FoundPictures,
    Picture,
    Region,
    SkippedPicture,
)
from installation.making.build.linear_probe import Features, Numbers
from installation.making.build.neutral_pictures import neutral_features, neutral_pictures
from installation.making.build.result import BuildResult
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.label_set.load import assemble
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.reading.crops import PARTS
from installation.seeing.faces.open import open_detector
from installation.settings.kiosk import ContentSettings

EXAMPLE_BATCH = 16
"""The number of pictures that are encoded together, each unchanged and mirrored."""
NEUTRAL = 60
"""The number of neutral pictures, which show no person, for some of the figures in card.md."""
FACTS = 4
"""The number of facts that are cached about a picture: the left edge, top edge and side of the
square that was cut from it, and the share of its rows of pixels that are missing.
"""
WORST = 5
"""The number of pairs of confused labels that the card lists."""


def build_from_examples(
    source: LabelSetSource, _content: ContentSettings = SAFE, encoder: Encoder | None = None
) -> BuildResult:
    """Return the weights of a linear probe on the set's pictures, and figures about its accuracy.

    `encoder` replaces the set's encoder. Raises LabelSetError with all mistakes of the pictures, or
    WeightsError if the network's weights are missing.
    """
    if encoder is None:
        label_set = assemble(source, EVERYTHING)
        encoder = open_encoder(label_set, "cpu")
    name = f"pictures-{encoder.name}-{encoder.fingerprint[:16]}-{example_pictures.VERSION}"
    if source.settings.cuts_examples:
        name += f"-{source.settings.crop}"
    with EmbeddingCache(
        source.folder.parent, name, 2 * (encoder.width + duplicate_pictures.SKETCH) + FACTS
    ) as cache:
        candidates = example_pictures.find_pictures(source, cache)
        found = _encode_pictures(candidates, encoder, cache, source.settings)
        sheet = []
        if source.settings.cuts_examples and found.good:
            regions = {picture.key: _region(picture, cache) for picture in found.good}
            sheet = [contact_sheet.write_contact_sheet(source, found.good, regions)]
            found = _without_faceless(source, found, regions)
        found = _without_copies(found, encoder.width, cache)
        rows = range(len(source.rows))
        if mistakes := list(example_pictures.too_few(source, found, rows)):
            raise LabelSetError(*limit_mistakes(mistakes))
        views = _views(found.good, cache)[:, :, : encoder.width].double().numpy()
        neutral = _neutral_features(encoder, cache)
        cut_short = list(_cut_short(found.good, cache))
    labels = np.array([picture.row for picture in found.good])
    with tqdm(
        total=linear_probe.fold_count(len(labels)) + 1,
        desc="training in parts (the first part shows how long the others take)",
        unit="part",
        disable=None,
        leave=False,
    ) as bar:
        out, logits = linear_probe.held_out(views, labels, bar.update)
        temperature = linear_probe.temperature(logits, labels[out])
        probe = linear_probe.fit(views, labels).softened(temperature)
    figures = [
        *_figures(source, logits / temperature, labels[out], probe.logits(neutral)),
        *_counts(source, found),
    ]
    if cache.problem:
        figures.append(f"The cache of pictures {cache.problem}.")
    return BuildResult(
        probe.tensors(),
        encoder.fingerprint,
        figures,
        notes=[*sheet, *(f"Left out: {file}." for file in found.skipped), *cut_short],
        pictures=example_pictures.fingerprint(source, candidates),
        provenance=[
            f"The temperature of the scores is {temperature:.2f}, computed from held-out pictures."
        ],
    )


def _encode_pictures(
    found: FoundPictures, encoder: Encoder, cache: EmbeddingCache, settings: LabelSetSettings
) -> FoundPictures:
    """Encode the pictures in `found` that are not in `cache`, and store the results in `cache`.

    Return `found`; pictures that could not be decoded count as skipped.
    `encoder` is the network; `settings` say which part of each picture is encoded.
    """
    new = [picture for picture in found.good if picture.key not in cache]
    skipped: list[SkippedPicture] = []
    detector = None
    part = PARTS[settings.crop][0]  # the part that is always encoded
    if new and settings.cuts_examples:
        detector = open_detector("mtcnn")  # unlike YuNet, every machine has it
    bar = tqdm(total=len(new), desc="encoding pictures", unit="picture", disable=None, leave=False)
    with bar, ThreadPoolExecutor(example_pictures.DECODERS) as pool:
        for start in range(0, len(new), EXAMPLE_BATCH):
            batch = new[start : start + EXAMPLE_BATCH]
            decoded = {}
            for picture, cut in zip(
                batch,
                example_pictures.cut_squares(batch, encoder.input, pool, part, detector),
                strict=True,
            ):
                if isinstance(cut, SkippedPicture):
                    skipped.append(cut)
                else:
                    decoded[picture.key] = cut
            _encode_squares(decoded, encoder, cache)
            bar.update(len(batch))
    good = tuple(picture for picture in found.good if picture.key in cache)
    return FoundPictures(good, (*found.skipped, *skipped))


def _region(picture: Picture, cache: EmbeddingCache) -> Region:
    """Return the left, top and side of the square cut from `picture`, which `cache` contains.

    They are `NO_REGION` if no face was found, or none was searched for.
    """
    left, top, side, _ = cache[picture.key][-FACTS:].tolist()
    return left, top, side


def _without_faceless(
    source: LabelSetSource, found: FoundPictures, regions: Mapping[str, Region]
) -> FoundPictures:
    """Return `found`; pictures without a face are skipped, except those of background rows."""
    good, skipped = [], list(found.skipped)
    for picture in found.good:
        if regions[picture.key] != NO_REGION or source.rows[picture.row].background:
            good.append(picture)
        else:
            skipped.append(SkippedPicture(picture.file, picture.row, NO_FACE))
    return FoundPictures(tuple(good), tuple(skipped))


def _without_copies(found: FoundPictures, width: int, cache: EmbeddingCache) -> FoundPictures:
    """Return `found`; files that are copies of other pictures count as skipped."""
    if not found.good:
        return found
    different = duplicate_pictures.without_copies(
        found.good, _views(found.good, cache)[:, :, width:]
    )
    return FoundPictures(different.good, (*found.skipped, *different.skipped))


def _encode_squares(cut: dict[str, CutPicture], encoder: Encoder, cache: EmbeddingCache) -> None:
    """Add a vector for each picture to `cache`: each view's features and sketch, then the facts.

    `cut` has the pictures, keyed by `Picture.key`. A picture has two views, its square and the
    square's mirror image. The sketches identify copies. The number of facts is `FACTS`.
    """
    if cut:
        squares = [picture.square for picture in cut.values()]
        batch = torch.stack(squares)  # (N, 3, size, size)
        both = torch.cat([batch, batch.flip(3)])
        encoded = torch.from_numpy(encoder.encode(both.numpy()))
        views = torch.cat([encoded, duplicate_pictures.sketches(both)], 1)
        facts = torch.tensor([[*picture.region, picture.missing] for picture in cut.values()])
        cache.add(list(cut), torch.cat([*views.chunk(2), facts], 1))


def _views(good: Sequence[Picture], cache: EmbeddingCache) -> torch.Tensor:
    """Return the features and sketch of each picture and its mirror image, `(N, 2, D + SKETCH)`.

    The sketch identifies copies.
    """
    vectors = torch.stack([cache[picture.key][:-FACTS] for picture in good])
    return vectors.view(len(good), 2, -1)


def _cut_short(good: Sequence[Picture], cache: EmbeddingCache) -> Iterator[str]:
    """Yield a sentence about each picture whose end is missing."""
    for picture in good:
        if missing := float(cache[picture.key][-1]):
            name = f"{ellipsize(picture.file.parent.name)}/{ellipsize(picture.file.name)}"
            yield f"{name}: {missing:.1%} of its rows of pixels are missing; the rest is used."


def _neutral_features(encoder: Encoder, cache: EmbeddingCache) -> Features:
    """Return the features of neutral pictures, `(NEUTRAL, D)`; new ones are stored in `cache`."""
    drawn = neutral_pictures(NEUTRAL)
    keys = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in drawn]
    if any(key not in cache for key in keys):
        features = torch.from_numpy(neutral_features(encoder, NEUTRAL))
        # Their mirror images and sketches are not needed.
        rest = torch.zeros(NEUTRAL, encoder.width + 2 * duplicate_pictures.SKETCH + FACTS)
        cache.add(keys, torch.cat([features, rest], 1))
    return torch.stack([cache[key][: encoder.width] for key in keys]).double().numpy()


def _figures(
    source: LabelSetSource, logits: Features, labels: Numbers, neutral: Features
) -> Iterator[str]:
    """Yield the accuracy on held-out pictures, the most confused labels, and how evenly labels win.

    `logits` `(N, L)` are computed from held-out pictures, `neutral` `(M, L)` from neutral pictures.
    """
    names = [row.name for row in source.rows]
    best = logits.argmax(1)
    accuracy = float((best == labels).mean())
    chance = float(np.bincount(labels).max() / len(labels))
    best_score = float(_scores(logits).max(1).values.mean())
    yield (
        f"Of your {counted(len(labels), 'picture')}, {accuracy:.0%} get the right label from a "
        f"network that was trained without them; always choosing the most frequent label would "
        f"be right for {chance:.0%}."
    )
    yield (
        f"On average, the highest score that a picture gets for any label is {best_score:.2f}; it "
        f"should be close to {accuracy:.2f}, the share of pictures that get the right label."
    )
    pairs = Counter(zip(labels[best != labels], best[best != labels], strict=True))
    counts = np.bincount(labels)
    for (label, taken), count in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[
        :WORST
    ]:
        yield (
            f"The label '{names[taken]}' is given to {count} of "
            f"{counted(int(counts[label]), 'picture')} of '{names[label]}'."
        )
    visible = [i for i, row in enumerate(source.rows) if not row.background]
    yield f"On your pictures: {evenness(torch.from_numpy(logits[:, visible]))}."
    wins = evenness(torch.from_numpy(neutral[:, visible]))
    yield f"On neutral pictures (without a person): {wins}."
    neutral_score = float(_scores(neutral)[:, visible].max(1).values.mean())
    hint = _background_hint(source, neutral_score)
    yield (
        "On average, the highest score that a neutral picture gets for any visible label is "
        f"{neutral_score:.2f}{hint}."
    )


def _background_hint(source: LabelSetSource, neutral_score: float) -> str:
    """Return the advice to add a background row, as the end of a sentence.

    Return "" if the set has a background row, or if neutral pictures get no label, because
    `neutral_score` is below min_score.
    """
    if neutral_score < source.settings.min_score or any(row.background for row in source.rows):
        return ""
    return (
        ". Add a row with `is_background: yes` and pictures of empty rooms, so that such pictures "
        "get no label"
    )


def _counts(source: LabelSetSource, found: FoundPictures) -> Iterator[str]:
    """Yield sentences about the number of pictures of each label and of files left out."""
    counts = Counter(picture.row for picture in found.good)
    each = ", ".join(f"{row.name} {counts[i]}" for i, row in enumerate(source.rows))
    yield f"Pictures: {each}."
    if found.skipped:
        # The card is exported with the set, and the name of a file may say who is in the picture.
        yield f"Files left out: {len(found.skipped)}; `kiosk labels build` names them."


def _scores(logits: Features) -> torch.Tensor:
    """Return the softmax of `logits` `(N, L)`."""
    return torch.from_numpy(logits).softmax(1)
