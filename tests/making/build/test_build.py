from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.making.build import build
from tests.support.label_sets import HEADER, YAML, write_label_set


@pytest.mark.parametrize("method", ["text", "prompts", "examples", "classes"])
def test_a_set_without_a_label_is_not_built(tmp_path: Path, method: str) -> None:
    """A set of background rows alone is refused before a network is opened."""
    rows = (f"{HEADER},is_background", "n01440764,an empty room,,,,yes")
    write_label_set(tmp_path, *rows, yaml=YAML.replace("text", method))
    with pytest.raises(LabelSetError, match="1 row: 0 hidden, 1 background"):
        build.build("weather", tmp_path)
