from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

import pytest
import torch
from safetensors.torch import save_file

from installation.errors import FetchError, LabelSetError
from installation.making.atomic_write import replacing, write_errors
from tests.support.full_disk import full_disk


def test_on_a_full_disk_the_old_file_stays(tmp_path: Path) -> None:
    """On a full disk a write is an error, and the old file stays as it was, whatever is written."""
    target = tmp_path / "card.md"
    target.write_text("the old file")
    why = r"card.md: it cannot be written \(.*File too large.*\). Check the folder's permissions"
    with full_disk(100):
        with pytest.raises(LabelSetError, match=why), replacing(target) as file:
            file.write_text("x" * 1000)
        with pytest.raises(LabelSetError, match=why), replacing(target) as file:
            save_file({"numbers": torch.zeros(1000)}, file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["card.md"]
    assert target.read_text() == "the old file"


def test_only_an_ordinary_file_is_replaced(tmp_path: Path) -> None:
    """A device is not replaced, although a rename by root could replace it for every program."""
    os.mkfifo(tmp_path / "device")
    (tmp_path / "folder").mkdir()
    for name in ("device", "folder"):
        with (
            pytest.raises(LabelSetError, match=f"{name}: this is a folder or a device"),
            replacing(tmp_path / name),
        ):
            raise AssertionError("there is nothing to write to")
    assert (tmp_path / "device").is_fifo()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A path whose folder is a file is an error with its reason."""
    (tmp_path / "no folder").touch()
    with (
        pytest.raises(LabelSetError, match=r"it cannot be written \(Not a directory\)"),
        replacing(tmp_path / "no folder" / "card.md"),
    ):
        raise AssertionError("there is nothing to write to")


def test_a_file_is_on_the_disk_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there is the old or the new file, never an empty file."""
    synced: list[tuple[int, bool]] = []

    def sync(file: IO[bytes]) -> None:
        synced.append((os.fstat(file.fileno()).st_size, (tmp_path / "card.md").exists()))

    monkeypatch.setattr(os, "fsync", sync)
    with replacing(tmp_path / "card.md") as file:
        file.write_text("12345")
    assert synced == [(5, False)]


def test_the_error_is_of_the_callers_kind(tmp_path: Path) -> None:
    """Each caller names the class of the error that it raises."""
    with (
        pytest.raises(FetchError, match=r"card.md: it cannot be written \(No space left"),
        write_errors(tmp_path / "card.md", FetchError),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
