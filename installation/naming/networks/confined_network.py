"""Runs a stranger's network in a sandboxed child process, for commands outside the sandbox.

`kiosk labels check`, `preview`, `build` and `kiosk doctor` write files and may connect to other
computers, so they cannot be confined themselves. The child can do nothing but compute: it is in the
show's whole sandbox, with limits of memory and time, and only numbers come back. A show does not
use this class: its own process is in the sandbox when it classifies visitors, and it must not pass
pictures to another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np

from installation.errors import LabelSetError, Mistake, display_path
from installation.guarding.confine import confine
from installation.isolated import OPTIONS
from installation.naming.label_set.folder import ONNX_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.settings import InputSettings
from installation.naming.networks.encoder import Batch, Encoded, Input
from installation.settings.paths import PROJECT

CHILD_BYTES = 8 * 2**30
"""The memory limit of the child process, bytes, in addition to four times the size of the network.
onnxruntime's memory arena takes up to 4 GiB, and threads and libraries reserve addresses that they
do not use.
"""

CHILD_CPU_S = 24 * 3600
"""The limit on the child process's CPU time, s; a build may read thousands of pictures."""

ANSWER_TIMEOUT_S = 300.0
"""The longest time for the child process to open the network, or to encode one batch, s."""

_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from installation.naming.networks.confined_network import run_child; run_child()"
)


class ConfinedNetwork:
    """Encodes crops with an ONNX classifier that runs in a confined child process."""

    library = "ONNX Runtime, in a process of its own"

    def __init__(self, label_set: LabelSet, data: bytes, fingerprint: str) -> None:
        """Open `data`, a network that `onnx_check.judge` returned, to run it on the CPU.

        `fingerprint` is the SHA-256 of the network's file. Raises LabelSetError as `OnnxNetwork`
        does.
        """
        self._file = display_path(label_set.folder / ONNX_FILE)
        self.fingerprint = fingerprint
        self._child = subprocess.Popen(
            [sys.executable, *OPTIONS, "-X", "utf8", "-c", _CHILD, str(PROJECT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        settings = label_set.settings
        order = {
            "folder": str(label_set.folder),
            "input": settings.input and settings.input.model_dump(exclude_unset=True),
            "output": settings.output,
            "bytes": len(data),
        }
        answer, _ = self._ask(json.dumps(order).encode() + b"\n" + data)
        self.name, self.width = str(answer["name"]), int(answer["width"])
        (red, green, blue), std = answer["mean"], answer["std"]
        self.input = Input(int(answer["size"]), (red, green, blue), (std[0], std[1], std[2]))

    def encode(self, batch: Batch) -> Encoded:
        """Return logits `(N, width)` float32; `batch` is `(N, 3, size, size)` float32.

        Raises LabelSetError if the network fails.
        """
        if not len(batch):
            return np.empty((0, self.width), np.float32)
        order = json.dumps({"shape": batch.shape}).encode() + b"\n"
        _, numbers = self._ask(order + np.ascontiguousarray(batch, np.float32).tobytes())
        encoded = np.frombuffer(numbers, np.float32).reshape(-1, self.width)
        if len(encoded) != len(batch):
            raise self._failed("the network's process returned an invalid answer")
        return encoded.copy()

    def forget(self) -> None:
        """Do nothing: the commands that use this class read an artist's pictures, not visitors'."""

    def _ask(self, order: bytes) -> tuple[dict[str, Any], bytes]:
        """Send `order`, and return the answer and the numbers that follow it.

        Raises LabelSetError if the child fails or does not answer in time.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(order)
            self._child.stdin.flush()
            ready, _, _ = select.select([self._child.stdout], [], [], ANSWER_TIMEOUT_S)
            line = self._child.stdout.readline() if ready else b""
            answer = json.loads(line)
            if "what" in answer:
                mistake = Mistake(self._file, str(answer["what"]), str(answer["remedy"]))
                raise LabelSetError(mistake)
            return answer, self._child.stdout.read(int(answer["bytes"]))
        except (OSError, ValueError, KeyError, TypeError):
            self._child.kill()
            problem = "the network needs more memory or time than the kiosk allows"
            raise self._failed(problem) from None

    def _failed(self, problem: str) -> LabelSetError:
        return LabelSetError(Mistake(self._file, problem, "Use a smaller network."))

    def __del__(self) -> None:
        """End the child."""
        child = getattr(self, "_child", None)
        if child is not None:
            for pipe in (child.stdin, child.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            child.kill()
            child.wait()


def run_child() -> None:
    """Open the network from standard input, then encode one batch after the other.

    This is the child process of `ConfinedNetwork`. Its libraries are loaded before it is confined,
    and the network is opened after that.
    """
    from installation.naming.networks.onnx_network import OnnxNetwork

    with open(0, "rb", closefd=False) as orders, open(1, "wb", closefd=False) as answers:
        order = json.loads(orders.readline())
        confine(4 * order["bytes"] + CHILD_BYTES, CHILD_CPU_S)
        try:
            data = orders.read(order["bytes"])
            settings = order["input"] and InputSettings(**_with_tuples(order["input"]))
            label_set: Any = SimpleNamespace(
                folder=Path(order["folder"]),
                settings=SimpleNamespace(input=settings, output=order["output"]),
            )
            network = OnnxNetwork(label_set, data, "cpu")
            form = network.input
            _answer(
                answers,
                {
                    "name": network.name,
                    "width": network.width,
                    "size": form.size,
                    "mean": form.mean,
                    "std": form.std,
                },
            )
            while line := orders.readline():
                shape = json.loads(line)["shape"]
                pixels = orders.read(4 * int(np.prod(shape)))
                batch = np.frombuffer(pixels, np.float32).reshape(shape)
                _answer(answers, {}, network.encode(batch).tobytes())
        except LabelSetError as error:
            mistake = error.mistakes[0]
            _answer(answers, {"what": mistake.problem, "remedy": mistake.remedy})
    os._exit(0)


def _with_tuples(settings: dict[str, Any]) -> dict[str, Any]:
    """Return `settings` with tuples in place of lists, because JSON has no tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }


def _answer(answers: IO[bytes], answer: dict[str, object], numbers: bytes = b"") -> None:
    answers.write(json.dumps(answer | {"bytes": len(numbers)}).encode() + b"\n" + numbers)
    answers.flush()
