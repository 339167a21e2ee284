"""A label set as a map: what means the same lies together, what wins often is large.

Names and definitions are placed by their sentence embeddings, laid out flat by PCA: its directions
can be read, and nobody moves far when a row is added, so that two states of a set can be compared.
t-SNE, which starts from PCA, keeps more neighbours together and places everybody anew each time; it
is there for who looks for neighbours. UMAP would do as t-SNE does and needs a compiler at run time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pygame
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from installation.showing.drawable_text import is_right_to_left
from installation.showing.fonts import CAP_HEIGHT, Fonts
from installation.showing.scene import BLACK, GREEN, GREY, WHITE, Colour, Line, Rect

SIZE = (3840, 2160)
"""Of the picture, px: readable when printed a metre wide."""

MARGIN = 120
HEAD = 220
"""Round the map and above it, px."""

FEWEST = 12
"""Fewer points are laid out by PCA alone: there are no neighbourhoods among them."""

ALIKE = 0.9
"""Cosine from which two labels say the same; 'physician' and 'doctor' have 0.93."""

MOST_PAIRS = 2000
"""Pairs that say the same of which anybody would take note; the nearest are kept."""

BLOCK = 256
"""Labels that are compared with all others at once: 25,000 of them take 26 MB."""

SMALLEST, LARGEST = 20, 56
"""Type of a name, px per em, that never wins, and that wins most."""

SMALLER = 4
"""By how much, px per em, the type of a name shrinks until there is room for it."""

HIDDEN: Colour = (90, 90, 90)
JOINED: Colour = (0, 120, 0)


@dataclass(frozen=True)
class Point:
    """A label on the map; `wins` is how many pictures it won, and None where it is hidden."""

    name: str
    wins: int | None


def laid_out(embeddings: torch.Tensor, *, neighbours: bool = False) -> npt.NDArray[np.float64]:
    """Return a place `(N, 2)` in 0–1 for each of `embeddings`, `(N, D)`; the same every time.

    The places are the first two principal components; for `neighbours` those of t-SNE.
    """
    vectors = embeddings.double().numpy()
    count = len(vectors)
    if count < 3:
        return np.linspace((0.25, 0.5), (0.75, 0.5), count)
    if not neighbours or count < FEWEST:
        with np.errstate(invalid="ignore"):  # labels that all say the same have no variance
            places = PCA(2, svd_solver="full").fit_transform(vectors)
    else:
        perplexity = min(30.0, count / 4)
        layout = TSNE(2, init="pca", perplexity=perplexity, metric="cosine", random_state=0)
        places = layout.fit_transform(vectors.astype(np.float32)).astype(np.float64)
    low, high = places.min(0), places.max(0)
    return np.asarray((places - low) / np.where(high > low, high - low, 1))


def alike(embeddings: torch.Tensor) -> list[tuple[int, int]]:
    """Return the pairs of `embeddings`, `(N, D)`, that say nearly the same, the nearest first.

    They are no more than MOST_PAIRS.
    """
    unit = torch.nn.functional.normalize(embeddings.float())
    nearest, pairs = torch.empty(0), torch.empty(0, 2, dtype=torch.long)
    for start in range(0, len(unit), BLOCK):
        near = (unit[start : start + BLOCK] @ unit[start:].T).triu(1)  # (BLOCK, N - start)
        found = (near >= ALIKE).nonzero()
        nearest = torch.cat([nearest, near[found[:, 0], found[:, 1]]])
        nearest, order = nearest.topk(min(MOST_PAIRS, len(nearest)))
        pairs = torch.cat([pairs, found + start])[order]
    return [(a, b) for a, b in pairs.tolist()]


def painted(
    points: Sequence[Point],
    places: npt.NDArray[np.float64],
    pairs: Sequence[tuple[int, int]],
    heading: Sequence[str],
) -> pygame.Surface:
    """Return the map as a picture of `SIZE`; a hidden label is a grey dot without its name.

    `places` is `(N, 2)` in 0–1. `heading` is the title and the lines below it.
    """
    fonts = Fonts((*(point.name for point in points), *heading))
    surface = pygame.Surface(SIZE)
    surface.fill(BLACK)
    width, height = SIZE[0] - 2 * MARGIN, SIZE[1] - HEAD - 2 * MARGIN
    spots = [
        (round(MARGIN + x * width), round(HEAD + MARGIN + y * height)) for x, y in places.tolist()
    ]
    for a, b in pairs:
        pygame.draw.aaline(surface, JOINED, spots[a], spots[b])
    most = max((point.wins or 0 for point in points), default=0)
    order = sorted(range(len(points)), key=lambda i: _rank(points[i]))
    dots = {i: _dot(surface, points[i], spots[i], most) for i in reversed(order)}
    # Names may cover the small dots of labels that never win, or a thousand would leave no room;
    # those of labels that win less only where there is no other.
    winners = [i for i in order if points[i].wins]
    names: list[Rect] = []
    for number, i in enumerate(order):
        kept_clear = (winners, winners[: number + 1]) if points[i].wins else (winners,)
        for clear in kept_clear:
            taken = [*names, *(dots[k] for k in clear)]
            if written := _name(surface, fonts, points[i], spots[i], most, taken):
                names.append(written)
                break
    _heading(surface, fonts, heading)
    return surface


def _rank(point: Point) -> tuple[bool, int]:
    return point.wins is None, -(point.wins or 0)


def _share(point: Point, most: int) -> float:
    """Return how often it won over how often the most frequent did, drawn together a little."""
    return ((point.wins or 0) / most) ** 0.5 if most else 0.0


def _dot(surface: pygame.Surface, point: Point, spot: tuple[int, int], most: int) -> Rect:
    """Draw the dot and return what it covers."""
    colour = HIDDEN if point.wins is None else GREEN
    drawn = pygame.draw.circle(surface, colour, spot, _radius(point, most))
    return Rect(*drawn)


def _radius(point: Point, most: int) -> int:
    return round(4 + 22 * _share(point, most))


def _name(
    surface: pygame.Surface,
    fonts: Fonts,
    point: Point,
    spot: tuple[int, int],
    most: int,
    taken: Sequence[Rect],
) -> Rect | None:
    """Write the name beside its dot in the largest type for which there is room; return where."""
    if point.wins is None:
        return None
    screen = Rect(0, HEAD, SIZE[0], SIZE[1] - HEAD)
    largest = round(SMALLEST + (LARGEST - SMALLEST) * _share(point, most))
    for size in range(largest, SMALLEST - 1, -SMALLER):
        extent = fonts.extent(point.name, size)
        for x, baseline in _sides(spot, extent.width, extent.ascent, _radius(point, most) + 8):
            rect = Rect(x, baseline - extent.ascent, extent.width, extent.ascent + extent.descent)
            if rect.within(screen) and not rect.overlaps(*taken):
                colour = WHITE if point.wins else GREY
                fonts.draw(Line(point.name, size, colour, x, baseline), surface)
                return rect
    return None


def _sides(spot: tuple[int, int], width: int, rise: int, gap: int) -> Iterator[tuple[int, int]]:
    """Yield where a name may begin, and its baseline: beside the dot, above and below it."""
    x, y = spot
    for baseline in (y + rise // 2, y - gap // 2, y + gap // 2 + rise):
        yield x + gap, baseline
        yield x - gap - width, baseline
    yield x - width // 2, y - gap
    yield x - width // 2, y + gap + rise


def _heading(surface: pygame.Surface, fonts: Fonts, heading: Sequence[str]) -> None:
    y = MARGIN
    for number, text in enumerate(heading):
        size, colour = (72, GREEN) if number == 0 else (34, WHITE)
        y += round(CAP_HEIGHT * size)
        x = MARGIN
        if is_right_to_left(text):
            x = SIZE[0] - MARGIN - fonts.extent(text, size).width
        fonts.draw(Line(text, size, colour, x, y), surface)
        y += 30
