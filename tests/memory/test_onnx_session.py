from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from installation.memory import onnx_session
from installation.memory.onnx_session import forget_activations, network_threads, open_session
from installation.naming.networks.efficientnet import FILE
from installation.settings.paths import PROJECT


def test_a_core_is_left_to_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks run on all cores but one, and on at least one."""
    for cores, threads in ((1, 1), (2, 1), (4, 3)):
        monkeypatch.setattr(onnx_session, "usable_cores", lambda cores=cores: cores)
        assert network_threads() == threads


PROGRAM = """
import sys
import numpy as np
from installation.memory.buffers import overwrite_freed_memory
from installation.memory.onnx_session import forget_activations, open_session
overwrite_freed_memory()
session = open_session(open(sys.argv[1], "rb").read())
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
def run(count):
    session.run(["logits"], {"batch": np.full((count, 3, 224, 224), 0.25, np.float32)})
run(1)
forget_activations()
before = resident()
run(16)
held = resident()
forget_activations()
print(held - before > 90e6, resident() - before < 20e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_arena_gives_back_what_a_crowd_needed() -> None:
    """After a batch of sixteen the arena has 100 MB, and after `forget_activations` nothing.

    This is also why memory does not stay as large as it was for the largest crowd.
    """
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(FILE)],
        cwd=PROJECT,
        env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.stdout, child.stderr) == ("True True\n", "")


def test_a_session_gives_the_same_after_forgetting() -> None:
    """A session gives the same result after its activations were forgotten twice."""
    session = open_session(FILE.read_bytes())
    batch = np.random.default_rng(0).random((1, 3, 224, 224), np.float32)
    (before,) = session.run(["logits"], {"batch": batch})
    forget_activations()
    forget_activations()
    (after,) = session.run(["logits"], {"batch": batch})
    assert np.array_equal(before, after)
