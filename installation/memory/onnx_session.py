"""Opens sessions of ONNX Runtime, all of which take memory from one arena.

An arena is a region of memory from which a library allocates. Everything that networks compute from
a visitor's picture is stored in it. While a frame is analysed, all layers reuse it, so memory is
not mapped, filled and unmapped for each layer. After the frame, `forget_activations` returns the
memory to the C library, which overwrites it. Rejected: sessions without an arena, which took 1.4
times as long for 16 visitors. Rejected as well: running the networks on black pictures after each
frame. If the frame had more crops than there are black pictures, some of its data would remain.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import onnxruntime

LIBRARY = "ONNX Runtime"

MAX_ARENA_BYTES = 4 * 2**30
"""The largest amount of memory for the tensors of all networks, bytes; onnxruntime raises an error
if they need more.
"""

FATAL = 4
"""onnxruntime's log level at which it prints only the messages that precede a crash."""

EXACT_ARENA_GROWTH = 1
"""The arena's strategy of growing exactly by the required size. Larger regions would never be
completely empty, and only empty regions can be returned to the C library.
"""

SHRINK = "memory.enable_memory_arena_shrinkage"
"""The run option that returns the arena's empty regions after the run."""

EMPTY_NETWORK = bytes.fromhex(
    "080a3a370a100a017812017922084964656e7469747912016e5a0f0a0178120a0a08080112040a02080162"
    "0f0a0179120a0a08080112040a02080142040a001011"
)
"""An ONNX file with one node, `Identity` of one float32 number `x`."""


def usable_cores() -> int:
    """Return the number of cores that the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def network_threads() -> int:
    """Return the number of threads for running networks: one fewer than usable cores, at least 1.

    The remaining core is for the thread that paints the screen. On a machine whose two cores were
    busy with other work, finding a face took 42 ms with one thread, and 265 ms with two, because
    the two threads wait for each other.
    """
    return max(1, usable_cores() - 1)


def open_session(data: bytes, providers: Sequence[str] = ("CPUExecutionProvider",)) -> Any:
    """Return a session for the ONNX file `data`; its threads start now, and sleep while idle.

    Raises onnxruntime's exceptions, which have no common class.
    """
    _register_arena()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = network_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Otherwise onnxruntime guesses the format, and may mistake an ONNX file for its own.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Outside the arena: weights stay as long as the session, so their region would never be empty.
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    # No fallback, because with it onnxruntime would print each failure and try again.
    return onnxruntime.InferenceSession(data, options, providers=list(providers), enable_fallback=0)


def forget_activations() -> None:
    """Return the arena's memory to the C library, which overwrites or unmaps it.

    This takes about 0.02 ms if the arena is empty. Call it only while no other thread runs a
    session: the memory that a running session uses is not returned.
    """
    options = onnxruntime.RunOptions()
    options.add_run_config_entry(SHRINK, "cpu:0")
    _empty_session().run(None, {"x": np.zeros(1, np.float32)}, options)


@cache
def _empty_session() -> Any:
    return open_session(EMPTY_NETWORK)


@cache
def _register_arena() -> None:
    """Give all sessions one arena of at most `MAX_ARENA_BYTES`; later calls do nothing."""
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limits = onnxruntime.OrtArenaCfg(
        {
            "max_mem": MAX_ARENA_BYTES,
            "arena_extend_strategy": EXACT_ARENA_GROWTH,
            "initial_chunk_size_bytes": -1,  # -1: onnxruntime's default
            "max_dead_bytes_per_chunk": -1,
        }
    )
    onnxruntime.create_and_register_allocator(memory, limits)
