from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import WeightsError
from installation.naming.lists.weights import (
    CLIP,
    PERSONS,
    check_fetched,
    fetch_command,
    weights_file,
)


@pytest.mark.parametrize(
    ("encoder", "command"),
    [
        (CLIP, "kiosk fetch clip"),
        (PERSONS, "kiosk fetch persons-21k"),
        ("resnet50.a1_in1k", "kiosk fetch timm/resnet50.a1_in1k"),
    ],
)
def test_each_network_has_the_command_that_fetches_it(encoder: str, command: str) -> None:
    """`kiosk fetch` has short names for two networks, and timm's names for all others."""
    assert fetch_command(encoder) == command


def test_missing_weights_name_the_command_that_fetches_them(tmp_path: Path) -> None:
    """Missing weights are an error with the command to fetch them; otherwise none is raised."""
    with pytest.raises(WeightsError) as caught:
        check_fetched(CLIP, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/clip.safetensors: the weights of the network are missing. "
        "Run: kiosk fetch clip"
    )
    weights_file(CLIP, tmp_path).touch()
    check_fetched(CLIP, tmp_path)
