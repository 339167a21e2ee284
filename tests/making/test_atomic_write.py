from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import pytest
import torch
from safetensors.torch import save_file

from installation.errors import LabelSetError
from installation.making.atomic_write import replacing
from tests.support.full_disk import full_disk


def test_on_a_full_disk_the_last_good_file_stays(tmp_path: Path) -> None:
    """What finds no room is a sentence and leaves nothing behind, whoever writes it."""
    target = tmp_path / "card.md"
    target.write_text("the last good one")
    why = r"card.md: it cannot be written \(.*File too large.*\). Check the folder's permissions"
    with full_disk(100):
        with pytest.raises(LabelSetError, match=why), replacing(target) as file:
            file.write_text("x" * 1000)
        with pytest.raises(LabelSetError, match=why), replacing(target) as file:
            save_file({"numbers": torch.zeros(1000)}, file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["card.md"]
    assert target.read_text() == "the last good one"


def test_where_nothing_can_be_made_it_says_so(tmp_path: Path) -> None:
    """A folder that cannot be written into is a sentence."""
    (tmp_path / "no folder").touch()
    with (
        pytest.raises(LabelSetError, match=r"it cannot be written \(Not a directory\)"),
        replacing(tmp_path / "no folder" / "card.md"),
    ):
        raise AssertionError("there is nothing to write to")


def test_all_of_it_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there is the old file or the new one, never a name without its bytes."""
    synced: list[tuple[int, bool]] = []

    def sync(file: IO[bytes]) -> None:
        synced.append((os.fstat(file.fileno()).st_size, (tmp_path / "card.md").exists()))

    monkeypatch.setattr(os, "fsync", sync)
    with replacing(tmp_path / "card.md") as file:
        file.write_text("12345")
    assert synced == [(5, False)]
