"""Probes that call the show's libraries: functions that write files or contact other programs.

Libraries report failures in their own ways, so most of these probes cannot determine which layer
refused.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from installation.guarding.probes.probe import AbsentError, Probe
from installation.guarding.status import LANDLOCK, SECCOMP
from installation.settings.packages import has_all_packages


def _write(path: Path, step: Callable[[], object]) -> None:
    """Call `step`, which should write the file `path`, and then remove that file.

    Raises RuntimeError if `step` left the file missing or empty.
    """
    try:
        step()
        if not path.exists() or not path.stat().st_size:
            raise RuntimeError(f"the library reports success, but {path.name} is missing or empty")
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _os_system(scratch_dir: Path) -> None:
    if os.system("true"):  # noqa: S605 - it must not run
        raise RuntimeError("no shell was started")


def _imwrite(scratch_dir: Path) -> None:
    import cv2
    import numpy as np

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    new = scratch_dir / "new.png"
    _write(new, lambda: cv2.imwrite(str(new), np.zeros((8, 8, 3), np.uint8)))


def _video_writer(scratch_dir: Path) -> None:
    import cv2
    import numpy as np

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    new = scratch_dir / "new.avi"

    def write_film() -> None:
        writer = cv2.VideoWriter(str(new), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 64))
        for _ in range(4):
            writer.write(np.zeros((64, 64, 3), np.uint8))
        writer.release()

    _write(new, write_film)


def _numpy_save(scratch_dir: Path) -> None:
    import numpy as np

    _write(scratch_dir / "new.npy", lambda: np.save(scratch_dir / "new.npy", np.zeros(8)))


def _tofile(scratch_dir: Path) -> None:
    import numpy as np

    _write(scratch_dir / "new", lambda: np.zeros(8).tofile(scratch_dir / "new"))


def _memmap(scratch_dir: Path) -> None:
    import numpy as np

    new = scratch_dir / "new"
    _write(new, lambda: np.memmap(new, np.uint8, "w+", shape=8).flush())


def _require_torch() -> None:
    """Raise AbsentError if PyTorch is not installed; the default show does not need PyTorch."""
    if not has_all_packages():
        raise AbsentError


def _torch_save(scratch_dir: Path) -> None:
    _require_torch()
    import torch

    _write(scratch_dir / "new.pt", lambda: torch.save(torch.zeros(8), scratch_dir / "new.pt"))


def _share_tensor(scratch_dir: Path) -> None:
    _require_torch()
    import torch

    torch.zeros(8).share_memory_()  # type: ignore[no-untyped-call]


def _safetensors(scratch_dir: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    _write(scratch_dir / "new", lambda: save_file({"a": np.zeros(8)}, scratch_dir / "new"))


def _pillow(scratch_dir: Path) -> None:
    from PIL import Image

    new = scratch_dir / "new.png"
    _write(new, lambda: Image.new("RGB", (8, 8)).save(new))


def _pygame(scratch_dir: Path) -> None:
    import pygame

    surface, new = pygame.Surface((8, 8)), scratch_dir / "new.bmp"
    _write(new, lambda: pygame.image.save(surface, new))


def _sqlite(scratch_dir: Path) -> None:
    import sqlite3

    def write_database() -> None:
        with contextlib.closing(sqlite3.connect(scratch_dir / "new.db")) as database:
            database.execute("create table t (x)")

    _write(scratch_dir / "new.db", write_database)


def _temporary_file(scratch_dir: Path) -> None:
    import tempfile

    with tempfile.TemporaryFile(dir=scratch_dir):
        return


def _log_file(scratch_dir: Path) -> None:
    import logging

    def write_log() -> None:
        handler = logging.FileHandler(scratch_dir / "new.log")
        handler.emit(logging.LogRecord("kiosk", logging.ERROR, "", 0, "x", None, None))
        handler.close()

    _write(scratch_dir / "new.log", write_log)


def _shared_memory(scratch_dir: Path) -> None:
    from multiprocessing.shared_memory import SharedMemory

    memory = SharedMemory(create=True, size=64)
    memory.close()
    memory.unlink()


def _fetch_page(scratch_dir: Path) -> None:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen("http://127.0.0.1:9/", timeout=1):
            return
    except urllib.error.URLError as failure:
        raise failure.reason if isinstance(failure.reason, OSError) else failure from None


PROBES: tuple[Probe, ...] = (
    Probe("start a shell", "os.system", SECCOMP, _os_system, library=True),
    Probe("write a picture", "cv2.imwrite", LANDLOCK, _imwrite, library=True),
    Probe("write a film", "cv2.VideoWriter", LANDLOCK, _video_writer, library=True),
    Probe("write an array", "numpy.save", LANDLOCK, _numpy_save, library=True),
    Probe("write an array without a header", "ndarray.tofile", LANDLOCK, _tofile, library=True),
    Probe("map an array to a file", "numpy.memmap", LANDLOCK, _memmap, library=True),
    Probe("write a tensor", "torch.save", LANDLOCK, _torch_save, library=True),
    Probe("share a tensor", "Tensor.share_memory_", SECCOMP, _share_tensor, library=True),
    Probe("write tensors", "safetensors.save_file", LANDLOCK, _safetensors, library=True),
    Probe("write a picture with Pillow", "Image.save", LANDLOCK, _pillow, library=True),
    Probe("write a screenshot", "pygame.image.save", LANDLOCK, _pygame, library=True),
    Probe("write a database", "sqlite3.connect", LANDLOCK, _sqlite, library=True),
    Probe(
        "write a temporary file", "tempfile.TemporaryFile", LANDLOCK, _temporary_file, library=True
    ),
    Probe("log to a file", "logging.FileHandler", LANDLOCK, _log_file, library=True),
    Probe("share memory", "multiprocessing.SharedMemory", LANDLOCK, _shared_memory, library=True),
    Probe("fetch a page", "urllib.request", SECCOMP, _fetch_page, library=True),
)
