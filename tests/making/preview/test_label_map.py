from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pygame
import pytest
import torch

from installation.making.preview import label_map as chart
from installation.making.preview.label_map import Point
from installation.showing.scene import GREY


def embeddings(count: int) -> torch.Tensor:
    """Return embeddings in three heaps, one after the other."""
    generator = torch.Generator().manual_seed(0)
    heaps = torch.randn(3, 24, generator=generator)
    noise = 0.2 * torch.randn(count, 24, generator=generator)
    return heaps[torch.arange(count) % 3] + noise


@pytest.mark.parametrize("count", [1, 2, 3, 5, 11, 12, 60])
def test_any_number_of_labels_has_places(count: int) -> None:
    """Every label gets a place on the map, the same each time, whether few or many."""
    for neighbours in (False, True):
        places = chart.laid_out(embeddings(count), neighbours=neighbours)
        assert places.shape == (count, 2)
        assert places.min() >= 0
        assert places.max() <= 1
        again = chart.laid_out(embeddings(count), neighbours=neighbours)
        assert np.array_equal(places, again)


@pytest.mark.parametrize("neighbours", [False, True])
def test_what_means_the_same_lies_together(neighbours: bool) -> None:
    """Labels of one heap are nearer to each other than to those of the others."""
    places = chart.laid_out(embeddings(60), neighbours=neighbours)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    heap = np.arange(60) % 3
    same = heap[:, None] == heap[None]
    assert apart[same].mean() < 0.5 * apart[~same].mean()


def test_labels_stay_in_their_places() -> None:
    """A map before and after one more row can be laid side by side."""
    before = chart.laid_out(embeddings(121)[:-1])
    after = chart.laid_out(embeddings(121))[:-1]
    assert np.linalg.norm(after - before, axis=1).max() < 0.05


def test_labels_that_say_the_same_are_found() -> None:
    """Pairs from a cosine of 0.9 are named, the nearest first, and no others."""
    vectors = torch.tensor([[1.0, 0.0], [0.95, 0.31], [0.0, 1.0], [1.0, 0.01]])
    assert chart.alike(vectors) == [(0, 3), (1, 3), (0, 1)]


def test_of_many_pairs_the_nearest_are_kept() -> None:
    """Labels are compared a few at a time, as if it were all at once, and no flood is kept."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(600, 5, generator=generator))
    near = (vectors @ vectors.T).triu(1)
    pairs = [(int(a), int(b)) for a, b in (near >= chart.ALIKE).nonzero()]
    assert 100 < len(pairs) < chart.MOST_PAIRS
    kept = chart.alike(vectors)
    assert set(kept) == set(pairs)
    cosines = torch.stack([near[pair] for pair in kept])
    assert (cosines.diff() < 1e-6).all(), "the nearest first"
    same = chart.alike(torch.ones(600, 5))
    assert len(set(same)) == chart.MOST_PAIRS
    assert all(a < b < 600 for a, b in same)


def painted(*points: Point) -> npt.NDArray[np.uint8]:
    """Return the pixels of a map on which the points stand in a row."""
    places = np.linspace((0.2, 0.5), (0.8, 0.5), len(points))
    surface = chart.painted(points, places, [], ["A set"])
    return np.asarray(pygame.surfarray.array3d(surface)).swapaxes(0, 1)


def test_a_label_is_as_large_as_it_wins_often() -> None:
    """The dot of a label that wins more covers more of the map."""
    row = painted(Point("a", 40), Point("b", 0))[chart.HEAD + chart.MARGIN :]
    green = (row == (0, 255, 0)).all(2)
    half = green.shape[1] // 2
    assert green[:, :half].sum() > 5 * green[:, half:].sum() > 0


def test_a_hidden_label_is_a_grey_dot_without_a_name() -> None:
    """What must not be shown is on no picture: only that there is something."""
    hidden, other = painted(Point("unspeakable", None)), painted(Point("a", None))
    assert np.array_equal(hidden, other)
    assert (hidden == chart.HIDDEN).all(2).any()


def test_names_do_not_cover_each_other() -> None:
    """Where there is no room for a name its dot stands alone.

    Each name that is whole adds as many grey pixels as one that stands alone; a covered one, less.
    """
    alone = _grey(np.array([[0.5, 0.5]]))
    crowd = _grey(np.random.default_rng(0).uniform(0.4, 0.6, (200, 2)))
    assert crowd % alone == 0
    assert 10 * alone < crowd < 180 * alone


def _grey(places: npt.NDArray[np.float64]) -> int:
    """Return how many grey pixels a map has whose labels all have the same name and never win."""
    surface = chart.painted([Point("label", 0)] * len(places), places, [], ["A set"])
    pixels = np.asarray(pygame.surfarray.array3d(surface)).swapaxes(0, 1)
    return int((pixels[chart.HEAD :] == GREY).all(2).sum())


def test_what_wins_most_has_a_name_also_in_a_crowd() -> None:
    """Where there is no room for large type the name is smaller, but there."""
    places = np.random.default_rng(0).uniform(0.45, 0.55, (120, 2))
    crowd = [Point("other", 1)] * 119

    def map_of(name: str) -> npt.NDArray[np.uint8]:
        surface = chart.painted([Point(name, 40), *crowd], places, [], ["A set"])
        return np.asarray(pygame.surfarray.array3d(surface))

    assert not np.array_equal(map_of("announcer (in public)"), map_of("announcer (on the air)"))
