"""Draws a label set as a map, on which similar labels are near each other.

The more often a label scores best on the trial pictures, the larger it is. Labels are placed by the
sentence embeddings of their names and definitions. PCA lays them out by default, because its
directions can be interpreted, and because a new row hardly moves the other labels, so that two
states of a set can be compared. t-SNE, which starts from PCA, is an option: it keeps more
neighbours together, but places all labels differently if a row is added. Rejected: UMAP, which has
the same properties as t-SNE and needs a compiler at run time.
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

from installation.showing.scene import BLACK, GREEN, GREY, WHITE, Colour, Line, Rect
from installation.showing.type.direction import is_right_to_left
from installation.showing.type.fonts import CAP_HEIGHT, Fonts

MAP_SIZE = (3840, 2160)
"""The width and height of the map, px. On a print that is a metre wide, the text is legible."""

MARGIN_PX = 120
"""The margin around the map, px."""

HEADING_PX = 220
"""The height of the heading above the map, px."""

MIN_TSNE_LABELS = 12
"""The least number of labels for t-SNE; fewer have no neighbourhoods and are laid out by PCA."""

SIMILAR_COSINE = 0.9
"""The least cosine of two labels that mean nearly the same; 'physician' and 'doctor' have 0.93."""

MAX_PAIRS = 2000
"""The largest number of pairs that are reported, the most similar first."""

BLOCK_SIZE = 256
"""The number of labels that are compared at once with all labels after them. For 25,000 labels, two
matrices of up to 256 × 25,000 float32 cosines exist at the same time, 26 MB each.
"""

MIN_TYPE_PX, MAX_TYPE_PX = 20, 56
"""The font sizes of a label that never wins, and of the label that wins most often, px per em.

These are the sizes on a map of `FULL_MAP` or more labels; on a map of fewer labels, both sizes are
larger.
"""

FULL_MAP, LARGEST_SCALE = 500, 3.0
"""On a map of fewer than `FULL_MAP` labels, dots and text are enlarged, at most by the factor
`LARGEST_SCALE`.
"""

TYPE_STEP_PX = 4
"""The step by which the font size of a name is reduced until the name fits, px per em."""

HIDDEN: Colour = (90, 90, 90)
JOINED: Colour = (0, 120, 0)


@dataclass(frozen=True)
class Dot:
    """A label on the map.

    `wins` is the number of trial pictures on which the label scored best. It is None if the show
    hides this label from visitors.
    """

    name: str
    wins: int | None


def lay_out(embeddings: torch.Tensor, *, tsne: bool = False) -> npt.NDArray[np.float64]:
    """Return a position `(N, 2)`, 0–1, for each of `embeddings`, `(N, D)`.

    The result is deterministic. The positions are the first two principal components, or, with
    `tsne`, the positions that t-SNE computes.
    """
    vectors = embeddings.double().numpy()
    count = len(vectors)
    if count < 3:
        return np.linspace((0.25, 0.5), (0.75, 0.5), count)
    if not tsne or count < MIN_TSNE_LABELS:
        with np.errstate(invalid="ignore"):  # equal embeddings have no variance
            positions = PCA(2, svd_solver="full").fit_transform(vectors)
    else:
        perplexity = min(30.0, count / 4)
        layout = TSNE(2, init="pca", perplexity=perplexity, metric="cosine", random_state=0)
        positions = layout.fit_transform(vectors.astype(np.float32)).astype(np.float64)
    low, high = positions.min(0), positions.max(0)
    return np.asarray((positions - low) / np.where(high > low, high - low, 1))


def similar_pairs(embeddings: torch.Tensor) -> list[tuple[int, int]]:
    """Return the pairs of `embeddings`, `(N, D)`, that mean nearly the same, most similar first.

    There are at most MAX_PAIRS.
    """
    unit = torch.nn.functional.normalize(embeddings.float())
    cosines, pairs = torch.empty(0), torch.empty(0, 2, dtype=torch.long)
    for start in range(0, len(unit), BLOCK_SIZE):
        block = (unit[start : start + BLOCK_SIZE] @ unit[start:].T).triu(1)  # (BLOCK, N - start)
        found = (block >= SIMILAR_COSINE).nonzero()
        cosines = torch.cat([cosines, block[found[:, 0], found[:, 1]]])
        cosines, order = cosines.topk(min(MAX_PAIRS, len(cosines)))
        pairs = torch.cat([pairs, found + start])[order]
    return [(a, b) for a, b in pairs.tolist()]


def paint_map(
    dots: Sequence[Dot],
    positions: npt.NDArray[np.float64],
    pairs: Sequence[tuple[int, int]],
    heading: Sequence[str],
) -> pygame.Surface:
    """Return the map, of `MAP_SIZE` px; a hidden label is a grey dot without its name.

    Args:
        dots: The labels.
        positions: `(N, 2)`, 0–1, one for each dot.
        pairs: Indices of dots to be joined by a line.
        heading: The title and the lines below it.
    """
    fonts = Fonts((*(dot.name for dot in dots), *heading))
    shown = sum(dot.wins is not None for dot in dots)
    scale = min(LARGEST_SCALE, max(1.0, (FULL_MAP / max(1, shown)) ** 0.5))
    surface = pygame.Surface(MAP_SIZE)
    surface.fill(BLACK)
    width, height = MAP_SIZE[0] - 2 * MARGIN_PX, MAP_SIZE[1] - HEADING_PX - 2 * MARGIN_PX
    centres = [
        (round(MARGIN_PX + x * width), round(HEADING_PX + MARGIN_PX + y * height))
        for x, y in positions.tolist()
    ]
    for a, b in pairs:
        pygame.draw.aaline(surface, JOINED, centres[a], centres[b])
    max_wins = max((dot.wins or 0 for dot in dots), default=0)
    order = sorted(range(len(dots)), key=lambda i: (dots[i].wins is None, -(dots[i].wins or 0)))
    covered = {i: _draw_dot(surface, dots[i], centres[i], max_wins, scale) for i in reversed(order)}
    # Names may cover the small dots of labels that never win, because a thousand such dots would
    # leave no room. They cover dots of labels that win less only if no other position is free.
    winners = [i for i in order if dots[i].wins]
    names: list[Rect] = []
    for number, i in enumerate(order):
        kept_clear = (winners, winners[: number + 1]) if dots[i].wins else (winners,)
        for clear in kept_clear:
            taken = [*names, *(covered[k] for k in clear)]
            if rect := _draw_name(surface, fonts, dots[i], centres[i], max_wins, scale, taken):
                names.append(rect)
                break
    _draw_heading(surface, fonts, heading)
    return surface


def _relative_wins(dot: Dot, max_wins: int) -> float:
    """Return √(`dot.wins` / `max_wins`), 0–1; `max_wins` are the most wins of any label."""
    return ((dot.wins or 0) / max_wins) ** 0.5 if max_wins else 0.0


def _draw_dot(
    surface: pygame.Surface, dot: Dot, centre: tuple[int, int], max_wins: int, scale: float
) -> Rect:
    """Draw `dot` around the point `centre`, and return the area that it covers.

    `max_wins` is the largest `Dot.wins` of all labels; `scale` enlarges the dot.
    """
    colour = HIDDEN if dot.wins is None else GREEN
    return Rect(*pygame.draw.circle(surface, colour, centre, _radius(dot, max_wins, scale)))


def _radius(dot: Dot, max_wins: int, scale: float) -> int:
    return round(scale * (4 + 22 * _relative_wins(dot, max_wins)))


def _draw_name(
    surface: pygame.Surface,
    fonts: Fonts,
    dot: Dot,
    centre: tuple[int, int],
    max_wins: int,
    scale: float,
    taken: Sequence[Rect],
) -> Rect | None:
    """Draw the name next to its dot, and return its area; None if there is no room for it.

    The font size is the largest that fits, up to a limit. The limit is higher for labels that win
    more often. `centre` is the middle of the dot, `max_wins` is the largest `Dot.wins` of all
    labels, `scale` enlarges the text, and `taken` are areas that the name must not overlap. The
    name of a hidden label is not drawn; None is returned.
    """
    if dot.wins is None:
        return None
    screen = Rect(0, HEADING_PX, MAP_SIZE[0], MAP_SIZE[1] - HEADING_PX)
    relative = _relative_wins(dot, max_wins)
    largest = round(scale * (MIN_TYPE_PX + (MAX_TYPE_PX - MIN_TYPE_PX) * relative))
    for size in range(largest, MIN_TYPE_PX - 1, -TYPE_STEP_PX):
        extent = fonts.extent(dot.name, size)
        gap = _radius(dot, max_wins, scale) + 8
        for x, baseline in _name_positions(centre, extent.width, extent.ascent, gap):
            rect = Rect(x, baseline - extent.ascent, extent.width, extent.ascent + extent.descent)
            if rect.within(screen) and not rect.overlaps(*taken):
                colour = WHITE if dot.wins else GREY
                fonts.draw(Line(dot.name, size, colour, x, baseline), surface)
                return rect
    return None


def _name_positions(
    centre: tuple[int, int], width: int, ascent: int, gap: int
) -> Iterator[tuple[int, int]]:
    """Yield positions of a name (left end, baseline): beside the dot, then above and below it.

    `centre` is the middle of the dot, `width` and `ascent` the size of the name, and `gap` the
    distance from the middle, px.
    """
    x, y = centre
    for baseline in (y + ascent // 2, y - gap // 2, y + gap // 2 + ascent):
        yield x + gap, baseline
        yield x - gap - width, baseline
    yield x - width // 2, y - gap
    yield x - width // 2, y + gap + ascent


def _draw_heading(surface: pygame.Surface, fonts: Fonts, heading: Sequence[str]) -> None:
    y = MARGIN_PX
    for number, text in enumerate(heading):
        size, colour = (72, GREEN) if number == 0 else (44, WHITE)
        y += round(CAP_HEIGHT * size)
        x = MARGIN_PX
        if is_right_to_left(text):
            x = MAP_SIZE[0] - MARGIN_PX - fonts.extent(text, size).width
        fonts.draw(Line(text, size, colour, x, y), surface)
        y += 30
