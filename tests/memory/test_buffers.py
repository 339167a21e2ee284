from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from installation.guarding.stage_one import show_environment
from installation.memory.buffers import Buffers


def test_an_array_is_allocated_once_and_used_again() -> None:
    """A smaller array uses the memory of the larger one, so nothing new is allocated."""
    buffers = Buffers()
    first = buffers.take("crop", (8, 8, 3))
    second = buffers.take("crop", (2, 2), np.float32)
    assert np.shares_memory(first, second)
    assert not np.shares_memory(first, buffers.take("batch", (8, 8, 3)))


def test_an_array_that_must_grow_is_zeroed() -> None:
    """Memory that was too small is zeroed when it is replaced."""
    buffers = Buffers()
    small = buffers.take("crop", (4, 4))
    small.fill(200)
    large = buffers.take("crop", (40, 40))
    assert not np.shares_memory(small, large)
    assert not small.any()
    assert large.shape == (40, 40)


def test_forgetting_reaches_every_array() -> None:
    """After a frame has been processed, no array holds any of its data, whatever its size."""
    buffers = Buffers()
    arrays = [buffers.take(name, (9, 9)) for name in ("a", "b")]
    for array in arrays:
        array.fill(200)
    buffers.take("a", (1, 1))
    buffers.forget()
    assert not any(array.any() for array in arrays)


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc's mallopt")
@pytest.mark.parametrize("size", [64, 672, 50_000])
def test_freed_memory_is_overwritten(size: int) -> None:
    """A row of a crop and a whole crop are overwritten as soon as the C library frees them."""
    script = (
        "import ctypes, sys\n"
        "from installation.memory.buffers import overwrite_freed_memory\n"
        "library = ctypes.CDLL(None)\n"
        "library.malloc.restype = ctypes.c_void_p\n"
        "library.malloc.argtypes = (ctypes.c_size_t,)\n"
        "library.free.argtypes = (ctypes.c_void_p,)\n"
        "if sys.argv[1] == 'yes' and not overwrite_freed_memory(): sys.exit(3)\n"
        "size = int(sys.argv[2])\n"
        "place, guard = library.malloc(size), library.malloc(size)\n"
        "ctypes.memset(place, 0x41, size)\n"
        "library.free(place)\n"
        "print(ctypes.string_at(place, size).count(b'A'))\n"
    )
    left = {}
    for wanted, environment in (("yes", show_environment(os.environ)), ("no", dict(os.environ))):
        ran = subprocess.run(
            [sys.executable, "-c", script, wanted, str(size)],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
        )
        if ran.returncode == 3:
            pytest.skip("this machine's C library is not glibc")
        left[wanted] = int(ran.stdout)
    assert left["yes"] < 16
    assert left["no"] > 0.7 * size, "the control: freed memory usually keeps what was in it"


RETURNING = """
import ctypes, sys, threading
from pathlib import Path
from installation.memory import buffers
library = ctypes.CDLL(None)
if not hasattr(library, "malloc_trim"):
    sys.exit(3)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = (ctypes.c_void_p,)
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
def work():
    before = resident()
    blocks = [library.malloc(1_000_000) for _ in range(7)]
    for block in blocks:
        ctypes.memset(block, 1, 1_000_000)
    held = resident()
    for block in reversed(blocks):
        library.free(block)
    if sys.argv[1] == "all":
        buffers.return_freed_memory()
    else:
        library.malloc_trim(0)
    print(held - before, resident() - before)
buffers.return_freed_memory()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc's malloc_trim")
def test_a_thread_returns_the_freed_memory_of_its_own_arena() -> None:
    """Of 7 MB that a thread has freed, `return_freed_memory` leaves less than 1 MB in the process.

    Otherwise the C library would keep the memory of each thread in which networks ran, even after
    the thread has ended.
    """
    left = {}
    for wanted in ("all", "some"):
        ran = subprocess.run(
            [sys.executable, "-c", RETURNING, wanted],
            capture_output=True,
            text=True,
            timeout=60,
            env=show_environment(os.environ),
        )
        if ran.returncode == 3:
            pytest.skip("this machine's C library is not glibc")
        assert ran.returncode == 0, ran.stderr
        held, left[wanted] = map(int, ran.stdout.split())
        assert held > 6e6
    assert left["all"] < 1e6
    assert left["some"] > 6e6, "the control: malloc_trim leaves the end of a thread's arena"
