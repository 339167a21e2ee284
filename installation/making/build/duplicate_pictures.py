"""Finds copies among an artist's pictures, also smaller ones and ones that were saved again.

If one copy is learnt from and the other is held out, the figures about the labels are too good. If
two labels have copies of one picture, the picture cannot teach the difference.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch

from installation.errors import ellipsize
from installation.making.build.example_pictures import (
    FoundPictures,
    Picture,
    SkippedPicture,
    under_other_labels,
)

PATCHES = 16
SKETCH = 64
"""A sketch is SKETCH random sums of the colours of PATCHES × PATCHES parts of a picture: enough to
tell it from others, while no picture is kept."""
SAME = 0.995
"""The cosine of two sketches from which on two files are the same picture.

Measured on 18 photographs and drawings of scikit-image and a film of two people: JPEGs of quality
30 and more, WebPs of 50 and more and pictures of half the size have 0.997 and more to the original,
frames 1/3 s apart up to 0.9967, 1/2 s apart up to 0.986, different photographs up to 0.63, the
rehearsal's visitor a second later up to 0.988. The network's features do not tell them apart: with
them JPEGs of quality 75 have 0.81 to 1, frames 1/3 s apart up to 0.985."""
FLAT = 0.01
"""The length, before normalisation, of the sketch of a plain wall, which is rounding alone."""
BLOCK = 512
"""Pictures that are compared with all others at once: 20,000 of them take 41 MB."""


@functools.cache
def _sums() -> torch.Tensor:
    """Return the fixed random weights of a sketch's sums, `(3 · PATCHES², SKETCH)`."""
    shape = (3 * PATCHES**2, SKETCH)
    return torch.from_numpy(np.random.RandomState(0).normal(size=shape)).float()


def sketches(squares: torch.Tensor) -> torch.Tensor:
    """Return a sketch of each picture, `(N, SKETCH)` float32, to find copies by.

    A copy that was resized or saved in another format has nearly the same sketch.

    `squares` is `(N, 3, size, size)`. Brightness and contrast do not matter.
    """
    parts = torch.nn.functional.adaptive_avg_pool2d(squares, PATCHES)
    parts = (parts - parts.mean((2, 3), keepdim=True)).flatten(1)  # (N, 3 · PATCHES²)
    return torch.nn.functional.normalize(parts.cpu() @ _sums(), eps=FLAT)


def without_copies(good: Sequence[Picture], views: torch.Tensor) -> FoundPictures:
    """Return the pictures that are not copies of earlier ones, and the copies as skipped pictures.

    `views` are the sketches `(N, 2, SKETCH)` of each picture and of its mirror image. A picture
    that occurs under two labels is left out of both.
    """
    first = list(range(len(good)))  # for each picture the one that it copies, or itself
    for start in range(0, len(good), BLOCK):
        block = views[start : start + BLOCK, 0]
        end = start + len(block)
        near = torch.maximum(block @ views[:end, 0].T, block @ views[:end, 1].T) >= SAME
        near = near.tril(start - 1)
        for i in near.any(1).nonzero().flatten().tolist():
            # Copies of copies do not count, or a film would be one picture.
            same = (j for j in near[i].nonzero().flatten().tolist() if first[j] == j)
            first[start + i] = next(same, start + i)
    under: dict[int, list[Picture]] = defaultdict(list)
    for picture, original in zip(good, first, strict=True):
        under[original].append(picture)
    kept, skipped = [], []
    for i, (picture, original) in enumerate(zip(good, first, strict=True)):
        if why := under_other_labels(picture, under[original]):
            skipped.append(SkippedPicture(picture.file, picture.row, f"{why} (saved again)"))
        elif original != i:
            why = f"it is the same picture as {ellipsize(good[original].file.name)}, saved again"
            skipped.append(SkippedPicture(picture.file, picture.row, why))
        else:
            kept.append(picture)
    return FoundPictures(tuple(kept), tuple(skipped))
