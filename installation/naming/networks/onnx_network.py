"""A classifier that somebody else trained, run by onnxruntime.

onnxruntime would report to its maker over the network, as its Privacy.md says; the variable below
ends that and must be set before it is loaded.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.naming.label_set.folder import ONNX_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.settings import InputSettings
from installation.naming.networks.encoder import BATCH, Input

TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""What pictures may be given as, by onnxruntime's name for it."""

MOST_TOGETHER = 64
"""Pictures that a network may insist on; what is missing to that number is computed for nothing."""

MEMORY = 4 * 2**30
"""Bytes that onnxruntime may take for all tensors of a network; more is an error, not a full
machine."""

LEAST_SCORE = 1e-12
"""Below it a score counts as this; its logarithm is finite."""

FATAL = 4
"""The only messages that onnxruntime itself may print: those of its end."""


class OnnxNetwork:
    """Encodes crops as the logits of an ONNX classifier.

    It runs on the CPU, or on a GPU by NVIDIA where one is asked for and the installed onnxruntime
    can.
    """

    device = torch.device("cpu")
    """Where pictures are handed over, whatever the network runs on."""

    def __init__(self, label_set: LabelSet, data: bytes, device: torch.device) -> None:
        """Take the bytes of a file that `onnx_file.judge` lets through.

        Raises LabelSetError where it cannot be run or is no classifier of pictures as the set
        describes it.
        """
        self._file = display_path(label_set.folder / ONNX_FILE)
        self.fingerprint = hashlib.sha256(data).hexdigest()
        self._session = self._open(data, device)
        on = "the GPU" if "CUDAExecutionProvider" in self._session.get_providers() else "the CPU"
        self.name = f"classifier.onnx on {on}"
        self._read_form(label_set.settings.input)
        self._scores = label_set.settings.output == "scores"
        self.width = self._try(label_set.settings.output)

    def _open(self, data: bytes, device: torch.device) -> Any:
        """Return a session whose threads are made now and do not spin while they wait."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = FATAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.use_env_allocators", "1")
        _limit_memory()
        providers = ["CPUExecutionProvider"]
        if device.type == "cuda":
            providers.insert(0, "CUDAExecutionProvider")
        known = onnxruntime.get_available_providers()
        providers = [provider for provider in providers if provider in known]
        try:
            # Without 0 it prints each failure and tries anew.
            return onnxruntime.InferenceSession(
                data, options, providers=providers, enable_fallback=0
            )
        except Exception as failure:  # onnxruntime has a class for each kind, with no common one
            raise self._refused(failure) from None

    def _refused(self, failure: Exception) -> LabelSetError:
        reason = ellipsize(" ".join(str(failure).rpartition(" : ")[2].split()))
        what = f"onnxruntime {onnxruntime.__version__} cannot run it ({reason})"
        remedy = "Export it again, in the form of an earlier version of ONNX."
        return LabelSetError(Mistake(self._file, what, remedy))

    def _unfit(self, what: str, remedy: str) -> LabelSetError:
        return LabelSetError(Mistake(self._file, what, remedy))

    def _read_form(self, said: InputSettings | None) -> None:
        """Learn how pictures are given; raises LabelSetError where that is not how the set says."""
        try:
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
            forms = [(of.name, of.type, of.shape) for of in (*inputs, *outputs)]
        except UnicodeDecodeError:
            what = "it names an input, an output or a size in letters that are not UTF-8"
            raise self._unfit(what, "Export it again.") from None
        if len(inputs) != 1 or len(outputs) != 1:
            what = f"it has {len(inputs)} inputs and {len(outputs)} outputs (expected one of each)"
            raise self._unfit(what, "Export only what classifies a picture.")
        (self._input, kind, shape), (self._output, _, _) = forms
        form = f"{kind} [{', '.join(ellipsize(str(dim or '?')) for dim in shape)}]"
        if kind not in TYPES or len(shape) != 4 or (shape[1] == 3) == (shape[3] == 3):
            what = (
                f"it takes {form} (expected pictures: float, float16 or uint8, "
                "[N, 3, size, size] or [N, size, size, 3])"
            )
            raise self._unfit(what, "Export it with such an input.")
        self._type = TYPES[kind]
        self._channels_last = shape[3] == 3
        self._fixed = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
        if self._fixed is not None and self._fixed > MOST_TOGETHER:
            what = f"it takes {form} (expected at most {MOST_TOGETHER} pictures at a time)"
            raise self._unfit(what, "Export it for one picture, or for any number.")
        sides = set(shape[1:3] if self._channels_last else shape[2:4])
        size = self._size({side for side in sides if isinstance(side, int)}, form, said)
        if self._type is np.uint8:
            if said is not None and said.model_fields_set & {"mean", "std"}:
                what = "it takes bytes (uint8), but labelset.yaml gives a mean or std"
                raise self._unfit(what, "Take mean and std out of `input`.")
            self.input = Input(size, mean=(0.0,) * 3, std=(1 / 255,) * 3)
        else:
            said = said or InputSettings()
            self.input = Input(size, said.mean, said.std)

    def _size(self, sides: set[int], form: str, said: InputSettings | None) -> int:
        """Return the pictures' side, px: what the file fixes, or what the set says."""
        asked = said.size if said is not None and "size" in said.model_fields_set else None
        if len(sides) > 1 or any(not 16 <= side <= 1024 for side in sides):
            raise self._unfit(
                f"it takes {form} (expected squares of 16 to 1,024 px)",
                "Export it with such an input.",
            )
        for side in sides:
            if asked not in (None, side):
                what = f"it takes {form}, but input.size in labelset.yaml is {asked}"
                raise self._unfit(what, f"Write {side} there.")
            return side
        return asked or InputSettings().size

    def _try(self, output: str | None) -> int:
        """Run once on noise and return how many outputs there are; also warms it up.

        Raises LabelSetError where what comes out is not what the set says.
        """
        size = self.input.size
        noise = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
        mean, std = (torch.tensor(of).view(3, 1, 1) for of in (self.input.mean, self.input.std))
        said = self._run((noise - mean) / std)
        if not said.shape[1]:
            raise self._unfit("its answers are empty", "Export it again.")
        if not said.isfinite().all():
            raise self._unfit("its answers to noise are not finite", "Export it again.")
        are_scores = bool(said.min() >= 0 and (said.sum(1) - 1).abs().max() < 1e-2)
        if output == "scores" and not bool(said.min() >= 0 and said.max() <= 1):
            what = f"its answers reach from {said.min():.1f} to {said.max():.1f} (expected 0 to 1)"
            raise self._unfit(what, "Write `output: logits` in labelset.yaml.")
        if output is None and are_scores and said.shape[1] > 1:
            what = "its answers sum to 1, so they are scores, not logits"
            raise self._unfit(what, "Write `output: scores` in labelset.yaml.")
        return said.shape[1]

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return logits `(N, width)` float32 on the CPU.

        `batch` is `(N, 3, size, size)` float32, normalised as the network's `input` says. Raises
        LabelSetError where onnxruntime fails.
        """
        if not len(batch):
            return torch.empty(0, self.width)
        said = self._run(batch.cpu())
        return said.clamp(min=LEAST_SCORE).log() if self._scores else said

    def _run(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the network's answers to `batch`, in parts of the number that it takes."""
        return torch.cat([self._ask(part) for part in torch.split(batch, self._fixed or BATCH)])

    def _ask(self, part: torch.Tensor) -> torch.Tensor:
        if self._channels_last:
            part = part.permute(0, 2, 3, 1)
        count = self._fixed or len(part)
        pictures: npt.NDArray[Any] = np.zeros((count, *part.shape[1:]), self._type)
        pictures[: len(part)] = part.round().clamp(0, 255) if self._type is np.uint8 else part
        try:
            (said,) = self._session.run([self._output], {self._input: pictures})
        except Exception as failure:  # as at opening
            raise self._refused(failure) from None
        finally:
            pictures.fill(0)
        answers = torch.from_numpy(np.array(said, np.float32))
        if answers.ndim != 2 or len(answers) != count:
            what = f"it answers {list(answers.shape)} to {count} pictures"
            raise self._unfit(
                f"{what} (expected [{count}, labels])",
                "Export it with a row of numbers for each picture.",
            )
        return answers[: len(part)]


@cache
def _limit_memory() -> None:
    """Give all of onnxruntime's sessions one store of `MEMORY` bytes, once."""
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limit = onnxruntime.OrtArenaCfg(
        {
            "max_mem": MEMORY,
            "arena_extend_strategy": -1,  # -1: onnxruntime's own
            "initial_chunk_size_bytes": -1,
            "max_dead_bytes_per_chunk": -1,
        }
    )
    onnxruntime.create_and_register_allocator(where, limit)
