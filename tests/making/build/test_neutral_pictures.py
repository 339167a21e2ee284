from __future__ import annotations

from itertools import islice

import numpy as np

from installation.making.build.neutral_pictures import neutral_pictures


def test_the_same_seed_makes_the_same_pictures() -> None:
    """The same seed results in the same neutral pictures, another seed in other pictures."""
    twelve = list(neutral_pictures(12, seed=3))
    assert np.array_equal(twelve, list(neutral_pictures(12, seed=3)))
    assert np.array_equal(twelve, list(islice(neutral_pictures(99, seed=3), 12)))
    others = neutral_pictures(12, seed=4)
    assert not any(np.array_equal(*pair) for pair in zip(twelve, others, strict=True))


def test_they_are_pictures_as_a_camera_gives_them() -> None:
    """Each is a square of uint8 RGB, and no two of them are the same."""
    pictures = list(neutral_pictures(60))
    for picture in pictures:
        assert picture.shape == (224, 224, 3)
        assert picture.dtype == np.uint8
    assert len({picture.tobytes() for picture in pictures}) == 60


def test_every_second_shows_a_figure() -> None:
    """A plain picture has one grey, or two with a soft edge if it shows a figure."""
    pictures = list(neutral_pictures(60))
    for empty, figure in zip(pictures[0::6], pictures[3::6], strict=True):
        assert len(np.unique(empty)) == 1
        assert len(np.unique(figure)) > 1
        assert len(np.unique(figure[0])) == 1, "nothing is above the head"
        assert np.ptp(figure[-1].astype(int)) > 0, "the shoulders reach the lower edge"


def test_greys_have_no_colour_and_noise_has() -> None:
    """Plain greys and gradients are grey; noise is coloured."""
    pictures = list(islice(neutral_pictures(60), 0, None, 2))
    for number, picture in enumerate(pictures):
        colourless = bool((picture == picture[..., :1]).all())
        assert colourless == (number % 3 != 1)
