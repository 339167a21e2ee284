"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from installation.errors import LabelSetError, Mistake, display_path, ellipsize


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside `path` that takes its place, whole, where all went well.

    Raises LabelSetError where it cannot be written.
    """
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        os.close(number)
        file = Path(name)
        try:
            yield file
            give_name(file, path)
        finally:
            file.unlink(missing_ok=True)
    except (OSError, SafetensorError) as failure:
        raise unwritten(path, failure) from None


def give_name(file: Path, name: Path) -> None:
    """Put `file` in the place of `name` in one step, once all of it is on the disk.

    Raises OSError.
    """
    with file.open("rb+") as opened:
        os.fsync(opened)  # or a power cut would leave the new name with nothing in it
    # Others must be able to read what is there; mkstemp makes it private.
    file.chmod(0o644)
    file.replace(name)


def unwritten(path: Path, failure: OSError | SafetensorError) -> LabelSetError:
    """Return the error that says why `path` cannot be written."""
    why = getattr(failure, "strerror", None) or ellipsize(str(failure))
    remedy = "Check the folder's permissions and the free space."
    return LabelSetError(Mistake(display_path(path), f"it cannot be written ({why})", remedy))
