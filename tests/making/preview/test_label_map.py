from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pygame
import pytest
import torch

from installation.making.preview import label_map
from installation.making.preview.label_map import Dot
from installation.showing.scene import GREY


def embeddings(count: int) -> torch.Tensor:
    """Return embeddings around three centres in turn."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(3, 24, generator=generator)
    noise = 0.2 * torch.randn(count, 24, generator=generator)
    return centres[torch.arange(count) % 3] + noise


@pytest.mark.parametrize("count", [1, 2, 3, 5, 11, 12, 60])
def test_any_number_of_labels_has_positions(count: int) -> None:
    """Every label has a position on the map, always the same, for few labels and for many."""
    for tsne in (False, True):
        positions = label_map.lay_out(embeddings(count), tsne=tsne)
        assert positions.shape == (count, 2)
        assert positions.min() >= 0
        assert positions.max() <= 1
        again = label_map.lay_out(embeddings(count), tsne=tsne)
        assert np.array_equal(positions, again)


@pytest.mark.parametrize("tsne", [False, True])
def test_similar_labels_are_near_each_other(tsne: bool) -> None:
    """Labels around one centre are nearer to each other than to the others."""
    positions = label_map.lay_out(embeddings(60), tsne=tsne)
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    centre = np.arange(60) % 3
    same = centre[:, None] == centre[None]
    assert apart[same].mean() < 0.5 * apart[~same].mean()


def test_labels_keep_their_positions() -> None:
    """A new row moves the other labels little."""
    before = label_map.lay_out(embeddings(121)[:-1])
    after = label_map.lay_out(embeddings(121))[:-1]
    assert np.linalg.norm(after - before, axis=1).max() < 0.05


def test_labels_that_mean_the_same_are_found() -> None:
    """All pairs with a cosine of 0.9 or more are found, the most similar first."""
    vectors = torch.tensor([[1.0, 0.0], [0.95, 0.31], [0.0, 1.0], [1.0, 0.01]])
    assert label_map.similar_pairs(vectors) == [(0, 3), (1, 3), (0, 1)]


def test_of_many_pairs_the_most_similar_are_kept() -> None:
    """Comparing labels in blocks finds the same pairs as comparing all at once.

    The most similar pairs come first, and there are at most `MAX_PAIRS`.
    """
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(600, 5, generator=generator))
    near = (vectors @ vectors.T).triu(1)
    pairs = [(int(a), int(b)) for a, b in (near >= label_map.SIMILAR_COSINE).nonzero()]
    assert 100 < len(pairs) < label_map.MAX_PAIRS
    kept = label_map.similar_pairs(vectors)
    assert set(kept) == set(pairs)
    cosines = torch.stack([near[pair] for pair in kept])
    assert (cosines.diff() < 1e-6).all(), "the most similar first"
    same = label_map.similar_pairs(torch.ones(600, 5))
    assert len(set(same)) == label_map.MAX_PAIRS
    assert all(a < b < 600 for a, b in same)


def painted(*dots: Dot) -> npt.NDArray[np.uint8]:
    """Return the pixels of a map with the dots in a row."""
    positions = np.linspace((0.2, 0.5), (0.8, 0.5), len(dots))
    surface = label_map.paint_map(dots, positions, [], ["A set"])
    return np.asarray(pygame.surfarray.array3d(surface)).swapaxes(0, 1)


def test_a_label_is_as_large_as_it_wins_often() -> None:
    """The dot of a label that wins more is larger."""
    row = painted(Dot("a", 40), Dot("b", 0))[label_map.HEADING_PX + label_map.MARGIN_PX :]
    green = (row == (0, 255, 0)).all(2)
    half = green.shape[1] // 2
    assert green[:, :half].sum() > 5 * green[:, half:].sum() > 0


def test_a_map_of_few_labels_has_large_type() -> None:
    """Five names can be read from across a room on a screen of 3840 pixels; 500 have less room."""

    def height(count: int) -> int:
        """Return the height of the name of a label that never wins, px, on a map of `count`."""
        positions = np.full((count, 2), 0.02)
        positions[0] = 0.5
        surface = label_map.paint_map(
            [Dot("H", 0), *[Dot("", 0)] * (count - 1)], positions, [], ["A set"]
        )
        pixels = np.asarray(pygame.surfarray.array3d(surface)).swapaxes(0, 1)
        rows = (pixels[label_map.HEADING_PX :] == GREY).all(2).any(1).nonzero()[0]
        return int(rows.max() - rows.min() + 1)

    few, many = height(5), height(label_map.FULL_MAP)
    assert few >= 2.5 * many
    assert few > 0.7 * 3 * label_map.MIN_TYPE_PX * 0.9


def test_a_hidden_label_is_a_grey_dot_without_a_name() -> None:
    """The name of a hidden label is not on the map."""
    hidden, other = painted(Dot("unspeakable", None)), painted(Dot("a", None))
    assert np.array_equal(hidden, other)
    assert (hidden == label_map.HIDDEN).all(2).any()


def test_names_do_not_cover_each_other() -> None:
    """If there is no room for a name, there is only its dot.

    A whole name adds as many grey pixels as a name that is alone; a covered name adds fewer.
    """
    alone = _grey(np.array([[0.5, 0.5]]))
    crowd = _grey(np.random.default_rng(0).uniform(0.4, 0.6, (200, 2)))
    assert crowd % alone == 0
    assert 10 * alone < crowd < 180 * alone


def _grey(positions: npt.NDArray[np.float64]) -> int:
    """Return the number of grey pixels of a map with labels at `positions`.

    All labels have the same name, and none has won a picture.
    """
    rest = label_map.FULL_MAP - len(positions)  # whatever their number, in type of one size
    dots = [*[Dot("label", 0)] * len(positions), *[Dot("", 0)] * rest]
    positions = np.concatenate([positions, np.zeros((rest, 2))])
    surface = label_map.paint_map(dots, positions, [], ["A set"])
    pixels = np.asarray(pygame.surfarray.array3d(surface)).swapaxes(0, 1)
    return int((pixels[label_map.HEADING_PX :] == GREY).all(2).sum())


def test_the_most_frequent_label_has_its_name_in_a_crowd() -> None:
    """If there is no room for large type, the name of a label that wins most is smaller."""
    positions = np.random.default_rng(0).uniform(0.45, 0.55, (120, 2))
    crowd = [Dot("other", 1)] * 119

    def map_of(name: str) -> npt.NDArray[np.uint8]:
        surface = label_map.paint_map([Dot(name, 40), *crowd], positions, [], ["A set"])
        return np.asarray(pygame.surfarray.array3d(surface))

    assert not np.array_equal(map_of("announcer (in public)"), map_of("announcer (on the air)"))
