"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside `path` that takes its place, whole, where all went well."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(number)
    file = Path(name)
    try:
        yield file
        # Others must be able to read what the artist built; mkstemp makes it private.
        file.chmod(0o644)
        file.replace(path)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
