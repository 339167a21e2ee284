from __future__ import annotations

import inspect

import pytest

from installation.making.build.build import find_builder
from installation.naming.methods import METHODS, Method


@pytest.mark.parametrize("method", [m for m in METHODS.values() if m.builder], ids=str)
def test_every_builder_takes_a_source_and_the_content_settings(method: Method) -> None:
    """Builders are interchangeable: their other parameters have defaults."""
    first, second, *others = inspect.signature(find_builder(method)).parameters.values()
    assert first.annotation == "LabelSetSource"
    assert second.annotation == "ContentSettings"
    assert all(other.default is not other.empty for other in others)
