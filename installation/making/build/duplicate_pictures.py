"""Finds copies among an artist's pictures, including copies that were reduced or saved again.

If one copy is used for training and another is held out, the measured accuracy is too high. If two
labels have copies of one picture, the network cannot learn the difference from it.
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
"""The number of values in the sketch of a picture. Each value is a sum of the colours of PATCHES ×
PATCHES parts of the picture, with fixed random weights. The values are enough to recognise the
picture, but not to restore it.
"""
SAME = 0.995
"""The least cosine at which two files count as the same picture.

The cosine is that of the sketches of the two files. A sketch is 64 numbers that describe a picture
roughly.

Measured on 18 photographs and drawings of scikit-image, on a film of two people, and on the kiosk's
rehearsal, an animated visitor. The cosine is

- at least 0.997 for a picture and its copy, if the copy is a JPEG of quality 30 or more, a WebP of
  quality 50 or more, or half as wide and high,
- at most 0.63 for two different photographs,
- at most 0.9967 for two frames of the film that are 1/3 s apart, and 0.986 if they are 1/2 s apart,
- at most 0.988 for two frames of the rehearsal that are 1 s apart.

So two frames of a film that are 1/3 s apart can count as the same picture. The network's features
cannot replace sketches: their cosine is 0.81 to 1 for a picture and its copy as a JPEG of quality
75, and up to 0.985 for frames that are 1/3 s apart. No limit separates copies from such frames.
"""
FLAT = 0.01
"""A sketch, the vector of a picture's SKETCH values, is normalised: it is divided by its length, or
by FLAT if it is shorter than FLAT. The sketch of a plain surface is shorter, because it consists of
rounding errors. Divided by FLAT, it stays short and is similar to no other sketch.
"""
BLOCK = 512
"""The number of pictures that are compared at once with all pictures before them. With 20,000
pictures, the last comparison needs three float32 matrices of 512 × 20,000 cosines, 41 MB each.
"""


@functools.cache
def _sums() -> torch.Tensor:
    """Return the weights by which colours are summed up into a sketch, `(3 · PATCHES², SKETCH)`.

    They are random, but always the same.
    """
    shape = (3 * PATCHES**2, SKETCH)
    return torch.from_numpy(np.random.RandomState(0).normal(size=shape)).float()


def sketches(squares: torch.Tensor) -> torch.Tensor:
    """Return a sketch of each picture, `(N, SKETCH)` float32, by which copies are recognised.

    A copy that was resized or saved in another format has nearly the same sketch.

    `squares` is `(N, 3, size, size)`. Brightness and contrast do not matter.
    """
    parts = torch.nn.functional.adaptive_avg_pool2d(squares, PATCHES)
    parts = (parts - parts.mean((2, 3), keepdim=True)).flatten(1)  # (N, 3 · PATCHES²)
    return torch.nn.functional.normalize(parts.cpu() @ _sums(), eps=FLAT)


def without_copies(good: Sequence[Picture], views: torch.Tensor) -> FoundPictures:
    """Return the pictures, divided into those to use (`good`) and copies (`skipped`).

    A picture that is a copy of an earlier one is skipped. If copies of one picture are under
    different labels, all of them are skipped, the first too.

    `views` are the sketches `(N, 2, SKETCH)` of each picture and of its mirror image.
    """
    first = list(range(len(good)))  # for each picture, the index of its original, or its own
    for start in range(0, len(good), BLOCK):
        block = views[start : start + BLOCK, 0]
        end = start + len(block)
        near = torch.maximum(block @ views[:end, 0].T, block @ views[:end, 1].T) >= SAME
        near = near.tril(start - 1)
        for i in near.any(1).nonzero().flatten().tolist():
            # A copy of a copy does not count as one: otherwise a whole film would be one picture.
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
            why = f"the picture is the same as {ellipsize(good[original].file.name)}, saved again"
            skipped.append(SkippedPicture(picture.file, picture.row, why))
        else:
            kept.append(picture)
    return FoundPictures(tuple(kept), tuple(skipped))
