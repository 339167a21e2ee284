from __future__ import annotations

import importlib.util

import pytest

from installation.errors import LabelSetError
from installation.naming.lists import imagenet


def test_each_synset_has_its_names_and_its_definition() -> None:
    """ImageNet's tables contain at least 21,843 categories, with synonyms and a definition each."""
    assert imagenet.names()["n09892513"] == "captain, headwaiter, maitre d'hotel, maitre d'"
    assert imagenet.definitions()["n09818022"] == "a person trained to travel in a spacecraft"
    assert len(imagenet.names()) >= 21_843
    assert imagenet.names().keys() == imagenet.definitions().keys()


def test_the_same_synonyms_may_mean_several_synsets() -> None:
    """A name that came with a network means every category with that name."""
    assert imagenet.meanings()["crane"] >= {"n02012849", "n03126707"}


def test_without_timm_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without timm, which contains the tables, the message says how to install it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        LabelSetError, match=r"package timm: the package is not installed; .* Run scripts/run"
    ):
        imagenet._table("imagenet_synsets.txt")
