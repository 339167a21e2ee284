"""Runs a stranger's network in a sandboxed child process, for commands outside the sandbox.

`kiosk labels check`, `preview`, `build` and `kiosk doctor` write files and may connect to other
computers, so they cannot be confined themselves. The child can do nothing but compute: it is in the
show's whole sandbox, with limits of memory and time, and only numbers come back.

A show must not pass pictures to another process, so it runs the network itself, in its sandbox. A
network that crashes its process, or computes for hours, would end each start of the show. So a show
lets a child open the network first, with `try_network`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np

from installation.errors import LabelSetError, Mistake, display_path
from installation.guarding.confine import confine
from installation.isolated import OPTIONS
from installation.naming.label_set.folder import ONNX_FILE, TENSORS_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.settings import InputSettings
from installation.naming.networks.encoder import Batch, Encoded, Encoder, Input
from installation.settings.paths import PROJECT

CHILD_BYTES = 8 * 2**30
"""The memory limit of the child process, bytes, in addition to four times the size of the network.
onnxruntime's memory arena takes up to 4 GiB, and threads and libraries reserve addresses that they
do not use.
"""

CHILD_CPU_S = 24 * 3600
"""The limit on the child process's CPU time, s. It is long for builds with many pictures."""

OPEN_TIMEOUT_S = 40.0
"""The longest time for the child process to open the network and to encode two pictures, s.

A network of 1.2 GB takes 5 s. A show opens its network twice while it starts, and the supervisor
ends a show that does not start (`running.heartbeat`).
"""

TORCH_TIMEOUT_S = 120.0
"""The longest time, in seconds, for the child process to open and try a network that PyTorch runs.
Importing the libraries alone takes 5 s on an idle machine. Only commands wait so long, never a
show.
"""

BATCH_TIMEOUT_S = 300.0
"""The longest time for the child process to encode one batch, s."""

MOST_ANSWER_BYTES = 2**16
"""The longest line that is read from the child process, in bytes."""

_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from installation.naming.networks.confined_network import run_child; run_child()"
)


class NetworkLimitError(LabelSetError):
    """A network ended its process, or needs more memory or time than it may have."""


class ConfinedNetwork:
    """Encodes crops with a label set's own network, which runs in a confined child process."""

    def __init__(self, label_set: LabelSet, data: bytes | None, fingerprint: str) -> None:
        """Open the network, to run it on the CPU.

        `data` is a network that `onnx_check.judge` returned; None if the network is
        model.safetensors, which the child reads itself. `fingerprint` is the SHA-256 of the
        network's file. Raises LabelSetError as `OnnxNetwork` and `TransformersNetwork` do.
        """
        is_onnx = data is not None
        data = data or b""
        file = label_set.folder / (ONNX_FILE if is_onnx else TENSORS_FILE)
        self._file = display_path(file)
        self.fingerprint = fingerprint
        self.library = f"{'ONNX Runtime' if is_onnx else 'PyTorch'}, in a process of its own"
        self._child = subprocess.Popen(
            [sys.executable, *OPTIONS, "-X", "utf8", "-c", _CHILD, str(PROJECT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        settings = label_set.settings
        order = {
            "file": str(file),
            "file_bytes": len(data) if is_onnx else file.stat().st_size,
            "input": settings.input and settings.input.model_dump(exclude_unset=True),
            "output": settings.output,
            "bytes": len(data),
        }
        timeout_s = OPEN_TIMEOUT_S if is_onnx else TORCH_TIMEOUT_S
        try:
            answer, _ = self._ask(json.dumps(order).encode() + b"\n" + data, 0, timeout_s)
        except LabelSetError:
            self.close()
            raise
        self.name, self.width = str(answer["name"]), int(answer["width"])
        (red, green, blue), std = answer["mean"], answer["std"]
        self.input = Input(
            int(answer["size"]),
            (red, green, blue),
            (std[0], std[1], std[2]),
            "bicubic" if answer["interpolation"] == "bicubic" else "bilinear",
            tuple(name for name in ("mean", "std") if name in answer["assumed"]),
        )

    def encode(self, batch: Batch) -> Encoded:
        """Return logits `(N, width)` float32; `batch` is `(N, 3, size, size)` float32.

        Raises LabelSetError if the network fails.
        """
        if not len(batch):
            return np.empty((0, self.width), np.float32)
        order = json.dumps({"shape": batch.shape}).encode() + b"\n"
        order += np.ascontiguousarray(batch, np.float32).tobytes()
        _, numbers = self._ask(order, 4 * self.width * len(batch), BATCH_TIMEOUT_S)
        encoded = np.frombuffer(numbers, np.float32).reshape(-1, self.width)
        if len(encoded) != len(batch):
            raise self._failed("the network's process returned an invalid answer")
        return encoded.copy()

    def forget(self) -> None:
        """Do nothing: the commands that use this class read an artist's pictures, not visitors'."""

    def _ask(self, order: bytes, size: int, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        """Send `order`; return the child's answer and the bytes after it, `size` bytes at most.

        Raises LabelSetError if the child fails or has not answered after `timeout_s`.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        # The child, which may run a stranger's code, cannot keep this process waiting: no read and
        # no write outlasts it.
        timer = threading.Timer(timeout_s, self._child.kill)
        timer.start()
        try:
            self._child.stdin.write(order)
            self._child.stdin.flush()
            answer = json.loads(self._child.stdout.readline(MOST_ANSWER_BYTES))
            if "what" in answer:
                words = (str(answer[name]) for name in ("where", "what", "remedy"))
                raise LabelSetError(Mistake(*words))
            return answer, self._child.stdout.read(min(int(answer["bytes"]), size))
        except (OSError, ValueError, KeyError, TypeError):
            self._child.kill()
            problem = "the network needs more memory or time than the kiosk allows"
            raise self._failed(problem) from None
        finally:
            timer.cancel()

    def _failed(self, problem: str) -> NetworkLimitError:
        return NetworkLimitError(Mistake(self._file, problem, "Use a smaller network."))

    def close(self) -> None:
        """End the child."""
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._child.kill()
        self._child.wait()

    def __del__(self) -> None:
        """End the child."""
        if hasattr(self, "_child"):
            self.close()


def try_network(folder: Path, data: bytes) -> None:
    """Open `data`, a network that `onnx_check.judge` returned, in a child process that then ends.

    `folder` is the label set's. Raises NetworkLimitError if the network ends that process or needs
    more memory or time than it may have. Other mistakes are not raised here, because the label
    set's settings are not known yet. They are raised when the network is opened with the settings.
    """
    label_set: Any = SimpleNamespace(
        folder=folder, settings=SimpleNamespace(input=None, output=None)
    )
    try:
        ConfinedNetwork(label_set, data, "").close()
    except NetworkLimitError:
        raise
    except LabelSetError:
        return


def run_child() -> None:
    """Open the network from standard input, then encode one batch after the other.

    This is the child process of `ConfinedNetwork`. Its libraries are loaded before it is confined,
    and the network is opened after that.
    """
    with open(0, "rb", closefd=False) as orders, open(1, "wb", closefd=False) as answers:
        order = json.loads(orders.readline())
        file = Path(order["file"])
        is_onnx = file.name == ONNX_FILE
        if is_onnx:
            from installation.naming.networks.onnx_network import OnnxNetwork
        else:
            from installation.naming.networks.transformers_network import TransformersNetwork
        confine(4 * order["file_bytes"] + CHILD_BYTES, CHILD_CPU_S)
        try:
            settings = order["input"] and InputSettings(**_with_tuples(order["input"]))
            label_set: Any = SimpleNamespace(
                folder=file.parent,
                settings=SimpleNamespace(input=settings, output=order["output"]),
            )
            network: Encoder
            if is_onnx:
                network = OnnxNetwork(label_set, orders.read(order["bytes"]), "cpu")
            else:
                network = TransformersNetwork(label_set, file, "cpu")
            _answer(
                answers,
                {"name": network.name, "width": network.width, **asdict(network.input)},
            )
            while line := orders.readline():
                shape = json.loads(line)["shape"]
                pixels = orders.read(4 * int(np.prod(shape)))
                batch = np.frombuffer(pixels, np.float32).reshape(shape)
                _answer(answers, {}, network.encode(batch).tobytes())
        except LabelSetError as error:
            mistake = error.mistakes[0]
            words: dict[str, object] = {
                "where": mistake.where,
                "what": mistake.problem,
                "remedy": mistake.remedy,
            }
            _answer(answers, words)
    os._exit(0)


def _with_tuples(settings: dict[str, Any]) -> dict[str, Any]:
    """Return `settings` with tuples in place of lists, because JSON has no tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }


def _answer(answers: IO[bytes], answer: dict[str, object], numbers: bytes = b"") -> None:
    answers.write(json.dumps(answer | {"bytes": len(numbers)}).encode() + b"\n" + numbers)
    answers.flush()
