from __future__ import annotations

import numpy as np
import pytest

from installation.making.build import linear_probe
from installation.making.build.linear_probe import Features, Numbers


def clusters(labels: int, each: int, apart: float, width: int = 40) -> tuple[Features, Numbers]:
    """Return pictures in two views that hardly differ, of labels that are so far `apart`."""
    random = np.random.default_rng(labels)
    which = np.arange(labels * each) % labels
    centres = apart * random.normal(size=(labels, width))
    seen = centres[which] + random.normal(size=(len(which), width))
    return seen[:, None] + 0.01 * random.normal(size=(len(which), 2, width)), which


def test_the_same_pictures_give_the_same_probe() -> None:
    """Two builds of the same pictures are equal bit for bit."""
    views, labels = clusters(3, 6, 1)
    one, other = linear_probe.fit(views, labels), linear_probe.fit(views, labels)
    assert np.array_equal(one.weight, other.weight)
    assert np.array_equal(one.bias, other.bias)


def test_a_rare_label_weighs_as_much() -> None:
    """Half-way between two labels the scores are equal, even if one has 20 times the pictures."""
    many, few = np.linspace(-1.5, 1.5, 200), np.linspace(-0.5, 2.5, 10)
    views = np.concatenate([many, few])[:, None, None]
    fitted = linear_probe.fit(views, np.repeat([0, 1], [200, 10]))
    (middle,) = fitted.logits(np.array([[0.5]]))
    assert abs(middle[1] - middle[0]) < 0.2


def test_a_picture_is_held_out_with_its_mirror_image() -> None:
    """Random labels are predicted at chance level.

    So no view of a held-out picture was used for training.
    """
    views, _ = clusters(1, 200, 0)
    labels = np.arange(200) % 4
    out, logits = linear_probe.held_out(views, labels)
    assert (logits.argmax(1) == labels[out]).mean() < 0.4


def test_five_pictures_a_label_are_enough_to_check() -> None:
    """With five pictures per label each is held out once, and distinct labels are told apart."""
    views, labels = clusters(6, 5, 2)
    told: list[bool] = []
    out, logits = linear_probe.held_out(views, labels, lambda: told.append(True))
    assert len(told) == linear_probe.fold_count(30) == 5, "a bar can follow it"
    assert sorted(out) == list(range(30))
    assert logits.shape == (30, 6)
    assert (logits.argmax(1) == labels[out]).mean() > 0.9


def test_of_many_pictures_a_fifth_is_enough_to_check() -> None:
    """Of 2,000 pictures only one fifth is held out."""
    views, labels = clusters(4, 500, 2)
    out, logits = linear_probe.held_out(views, labels)
    assert logits.shape == (400, 4)
    assert len(set(out)) == 400
    assert np.bincount(labels[out]).tolist() == [100] * 4


def test_the_temperature_fits_the_accuracy() -> None:
    """If labels cannot be told apart, the temperature lowers the scores accordingly."""
    views, _ = clusters(1, 200, 0)
    labels = np.arange(200) % 4
    out, logits = linear_probe.held_out(views, labels)
    labels = labels[out]
    temperature = linear_probe.temperature(logits, labels)
    assert temperature > 2
    assert linear_probe.loss(logits / temperature, labels) < linear_probe.loss(logits, labels)
    assert linear_probe.loss(logits / temperature, labels) == pytest.approx(np.log(4), abs=0.05)


def test_the_temperature_is_at_least_one() -> None:
    """The temperature is not below 1, even if all pictures get their label."""
    views, labels = clusters(3, 5, 5)
    out, logits = linear_probe.held_out(views, labels)
    assert linear_probe.temperature(logits, labels[out]) == pytest.approx(1, abs=0.01)


def test_softening_divides_the_logits() -> None:
    """A softened probe has its logits divided by the temperature."""
    views, labels = clusters(3, 5, 1)
    fitted = linear_probe.fit(views, labels)
    soft = fitted.softened(2.5)
    assert np.allclose(soft.logits(views[:, 0]) * 2.5, fitted.logits(views[:, 0]))
