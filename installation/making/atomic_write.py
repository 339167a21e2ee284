"""Replaces files in one step: a reader sees the old contents or the new ones, never a part."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from installation.errors import KioskError, LabelSetError, Mistake, display_path, ellipsize


@contextlib.contextmanager
def replacing(path: Path, error: type[KioskError] = LabelSetError) -> Iterator[Path]:
    """Yield a new, empty file beside `path`, which replaces `path` if the block succeeds.

    Raises `error` if the file cannot be written; `path` then keeps its old contents.
    """
    check_ordinary(path, error)
    with write_errors(path, error):
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        os.close(number)
        file = Path(name)
        try:
            yield file
            rename_synced(file, path)
        finally:
            file.unlink(missing_ok=True)


def check_ordinary(path: Path, error: type[KioskError] = LabelSetError) -> None:
    """Raise `error` if `path` is something other than a file, such as a folder or a device.

    `path` may be missing. A device is refused because a rename could replace it with a file.
    """
    if path.exists() and not path.is_file():
        problem = "this is a folder or a device (expected a file)"
        raise error(Mistake(display_path(path), problem, "Name a file."))


def rename_synced(file: Path, path: Path) -> None:
    """Write `file` to the disk, then rename it to `path` in one step. Raises OSError."""
    with file.open("rb+") as opened:
        os.fsync(opened)  # without it, a power cut could leave an empty file
    file.chmod(0o644)  # mkstemp makes files that only their owner can read
    file.replace(path)


@contextlib.contextmanager
def write_errors(path: Path, error: type[KioskError] = LabelSetError) -> Iterator[None]:
    """In the block, raise `error` instead of an OSError, with a message that names `path`."""
    try:
        yield
    except (OSError, SafetensorError) as failure:
        reason = getattr(failure, "strerror", None) or ellipsize(str(failure))
        remedy = "Check the folder's permissions and the free space."
        if isinstance(failure, FileNotFoundError) and not path.parent.is_dir():
            remedy = f"The folder {display_path(path.parent)} does not exist: create it."
        raise error(
            Mistake(display_path(path), f"it cannot be written ({reason})", remedy)
        ) from None
