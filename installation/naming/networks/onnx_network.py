"""Runs an ONNX classifier from a label set's folder with onnxruntime.

According to its Privacy.md, onnxruntime sends usage reports to its maker unless an environment
variable is set before the import; the package `installation` sets this variable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from installation.errors import LabelSetError, Mistake, counted, display_path, ellipsize
from installation.memory.onnx_session import LIBRARY, forget_activations, open_session
from installation.naming.label_set.folder import ONNX_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.settings import InputSettings
from installation.naming.networks.device import Device
from installation.naming.networks.encoder import MAX_BATCH, Batch, Encoded, Input

TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""The types that the input tensor may have, by onnxruntime's names."""

MAX_FIXED_BATCH = 64
"""The largest batch size that an ONNX file may fix.

Smaller batches are padded to the fixed size, which takes as long as a full batch.
"""

BLUE_FIRST = ("bgr8", "bgra8")
"""The values of `Image.BitmapPixelFormat` in ONNX's metadata that mean pictures with blue first."""

RANGES = {
    "nominalrange_0_255": "mean: [0, 0, 0], std: [0.003922, 0.003922, 0.003922]",
    "normalized_0_1": "mean: [0, 0, 0], std: [1, 1, 1]",
}
"""The settings of labelset.yaml for each value of `Image.NominalPixelRange` in ONNX's metadata.

The value says which range of numbers the network expects in its pictures.
"""

LEAST_SCORE = 1e-12
"""The least score whose logarithm is taken. Smaller scores are replaced by this number, so that the
logarithm is finite.
"""


class OnnxNetwork:
    """Encodes crops as the logits of an ONNX classifier.

    It runs on an NVIDIA GPU if `device` is "cuda" and the installed onnxruntime supports this, and
    otherwise on the CPU.
    """

    library = LIBRARY

    def __init__(
        self, label_set: LabelSet, data: bytes, device: Device, fingerprint: str | None = None
    ) -> None:
        """Open `data`, a network that `onnx_check.judge` returned, on `device`.

        The settings of `label_set` describe the input. `fingerprint` is the SHA-256 of the
        network's file; if it is None, the SHA-256 of `data` is used.

        Raises LabelSetError if the network cannot be run, or is not a classifier of pictures as
        `label_set` describes it.
        """
        self._file = display_path(label_set.folder / ONNX_FILE)
        self.fingerprint = fingerprint or hashlib.sha256(data).hexdigest()
        self._session = self._open(data, device)
        self._on_gpu = "CUDAExecutionProvider" in self._session.get_providers()
        self._largest_batch = 0
        """The largest number of pictures in one run of the network since `forget` was called."""
        self.name = f"classifier.onnx on {'the GPU' if self._on_gpu else 'the CPU'}"
        self._read_form(label_set.settings.input)
        self._scores = label_set.settings.output == "scores"
        self._was_tried = False
        self.width = self._try(label_set.settings.output)
        self._was_tried = True

    def _open(self, data: bytes, device: Device) -> Any:
        """Return a session on `device`, or on the CPU if onnxruntime does not support that device.

        Raises LabelSetError if onnxruntime cannot open `data`.
        """
        providers = ["CPUExecutionProvider"]
        if device == "cuda":
            providers.insert(0, "CUDAExecutionProvider")
        known = onnxruntime.get_available_providers()
        providers = [provider for provider in providers if provider in known]
        try:
            return open_session(data, providers)
        except Exception as failure:  # onnxruntime's exceptions have no common class
            raise self._refused(failure) from None

    def _refused(self, failure: Exception, *, quoted: bool = True) -> LabelSetError:
        """Return the error for `failure`, an exception of onnxruntime.

        The error contains the exception's text only if `quoted`. While pictures of people are in
        memory, `quoted` is false, so that only the kiosk's own texts are passed on.
        """
        text = str(failure).rpartition(" : ")[2] if quoted else type(failure).__name__
        reason = ellipsize(" ".join(text.split()))
        problem = f"onnxruntime {onnxruntime.__version__} cannot run it ({reason})"
        remedy = "Export it again, for an earlier version of ONNX."
        return LabelSetError(Mistake(self._file, problem, remedy))

    def _unfit(self, problem: str, remedy: str) -> LabelSetError:
        return LabelSetError(Mistake(self._file, problem, remedy))

    def _read_form(self, settings: InputSettings | None) -> None:
        """Read the network's input format: data type, layout, batch size and picture size.

        Raises LabelSetError if the format is not supported, or does not match the label set's
        `settings`.
        """
        try:
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
            forms = [(value.name, value.type, value.shape) for value in (*inputs, *outputs)]
        except UnicodeDecodeError:
            problem = "the name of an input, an output or a size is not UTF-8 text"
            raise self._unfit(problem, "Export it again.") from None
        if len(inputs) != 1 or len(outputs) != 1:
            seen = f"{counted(len(inputs), 'input')} and {counted(len(outputs), 'output')}"
            problem = f"the network has {seen} (expected one input and one output)"
            raise self._unfit(problem, "Export only the image classifier.")
        (self._input, kind, shape), (self._output, _, _) = forms
        form = f"{kind} [{', '.join(ellipsize(str(dim or '?')) for dim in shape)}]"
        self._channels_last = _channels_last(shape)
        if kind not in TYPES or self._channels_last is None:
            problem = (
                f"its input is {form} (expected pictures: float, float16 or uint8, "
                "[N, 3, size, size] or [N, size, size, 3])"
            )
            raise self._unfit(problem, "Export it with such an input.")
        self._type = TYPES[kind]
        self._blue_first = settings is not None and settings.channels == "bgr"
        self._fixed_batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
        if self._fixed_batch is not None and self._fixed_batch > MAX_FIXED_BATCH:
            problem = f"its input is {form} (expected at most {MAX_FIXED_BATCH} pictures at a time)"
            raise self._unfit(problem, "Export it for one picture, or for any number.")
        sides = set(shape[1:3] if self._channels_last else shape[2:4])
        self._check_stated(settings)
        size = self._size({side for side in sides if isinstance(side, int)}, form, settings)
        if self._type is np.uint8:
            if settings is not None and settings.model_fields_set & {"mean", "std"}:
                problem = (
                    "its input is bytes (uint8), which are not normalised, but labelset.yaml has a "
                    "mean or std"
                )
                raise self._unfit(problem, "Delete mean and std under `input`.")
            self.input = Input(size, mean=(0.0,) * 3, std=(1 / 255,) * 3)
        else:
            settings = settings or InputSettings()
            assumed = tuple(sorted({"mean", "std"} - settings.model_fields_set))
            self.input = Input(size, settings.mean, settings.std, assumed=assumed)

    def _check_stated(self, settings: InputSettings | None) -> None:
        """Raise LabelSetError if the metadata state a format that `settings` do not mention.

        The formats are blue as the first colour, and pictures as numbers from 0 to 255 or from 0 to
        1. Custom Vision writes such metadata. With pictures in another format, the network would
        give wrong names. Whether `settings` state the same format is not checked.
        """
        stated = self._session.get_modelmeta().custom_metadata_map
        pictures = {key.casefold(): value.casefold() for key, value in stated.items()}
        written = settings.model_fields_set if settings else set()
        missing, seen = [], []
        if pictures.get("image.bitmappixelformat") in BLUE_FIRST and "channels" not in written:
            missing.append("channels: bgr")
            seen.append("blue first")
        values = RANGES.get(pictures.get("image.nominalpixelrange", ""))
        if values and self._type is not np.uint8 and not written & {"mean", "std"}:
            missing.append(values)
            seen.append("numbers from 0 to 255" if "0.003922" in values else "numbers from 0 to 1")
        if missing:
            problem = (
                f"the network states that its pictures have {' and '.join(seen)}, but "
                "labelset.yaml says nothing about that"
            )
            raise self._unfit(problem, f"Write `{', '.join(missing)}` under `input`.")

    def _size(self, sides: set[int], form: str, settings: InputSettings | None) -> int:
        """Return the side of the pictures, px: fixed by the file, or otherwise by the settings."""
        wanted = settings.size if settings and "size" in settings.model_fields_set else None
        if len(sides) > 1 or any(not 16 <= side <= 1024 for side in sides):
            raise self._unfit(
                f"its input is {form} (expected squares of 16 to 1,024 px)",
                "Export it with such an input.",
            )
        for side in sides:
            if wanted not in (None, side):
                problem = f"its input is {form}, but input.size in labelset.yaml is {wanted}"
                raise self._unfit(problem, f"Write {side} under input.size.")
            return side
        return wanted or InputSettings().size

    def _try(self, output: str | None) -> int:
        """Return the number of outputs, from one run on noise, which also warms up the network.

        Raises LabelSetError if the outputs do not match the setting `output`.
        """
        size = self.input.size
        noise = np.random.default_rng(0).random((2, 3, size, size), np.float32)
        mean, std = (
            np.array(channels, np.float32).reshape(3, 1, 1)
            for channels in (self.input.mean, self.input.std)
        )
        outputs = self._run((noise - mean) / std)
        if not outputs.shape[1]:
            raise self._unfit("the network has 0 outputs (expected 1 or more)", "Export it again.")
        if not np.isfinite(outputs).all():
            raise self._unfit(
                "its outputs for a picture of noise are not finite numbers", "Export it again."
            )
        are_scores = bool(outputs.min() >= 0 and np.abs(outputs.sum(1) - 1).max() < 1e-2)
        if output == "scores" and not bool(outputs.min() >= 0 and outputs.max() <= 1):
            seen = f"from {outputs.min():.1f} to {outputs.max():.1f}"
            problem = (
                f"its outputs are {seen} (expected 0 to 1, as labelset.yaml says `output: scores`)"
            )
            raise self._unfit(problem, "Write `output: logits` in labelset.yaml.")
        if output is None and are_scores and outputs.shape[1] > 1:
            problem = "its outputs sum to 1, so they are scores, not logits"
            raise self._unfit(problem, "Write `output: scores` in labelset.yaml.")
        return int(outputs.shape[1])

    def encode(self, batch: Batch) -> Encoded:
        """Return logits `(N, width)` float32.

        `batch` is `(N, 3, size, size)` float32, normalised by `input`. Raises LabelSetError if
        onnxruntime fails.
        """
        if not len(batch):
            return np.empty((0, self.width), np.float32)
        outputs = self._run(batch)
        return np.log(outputs.clip(min=LEAST_SCORE)) if self._scores else outputs

    def forget(self) -> None:
        """Overwrite the data of earlier batches that onnxruntime still holds."""
        if self._on_gpu and self._largest_batch:
            side = self.input.size
            self._run(np.zeros((self._largest_batch, 3, side, side), np.float32))
            self._largest_batch = 0
        forget_activations()

    def _run(self, batch: Batch) -> Encoded:
        """Return the network's outputs for `batch`, run in parts of the allowed batch size."""
        count = self._fixed_batch or MAX_BATCH
        self._largest_batch = max(self._largest_batch, min(count, len(batch)))
        return np.concatenate(
            [self._run_part(batch[at : at + count]) for at in range(0, len(batch), count)]
        )

    def _run_part(self, part: Batch) -> Encoded:
        if self._blue_first:
            part = part[:, ::-1]
        if self._channels_last:
            part = part.transpose(0, 2, 3, 1)
        count = self._fixed_batch or len(part)
        pictures: npt.NDArray[Any] = np.zeros((count, *part.shape[1:]), self._type)
        pictures[: len(part)] = part.round().clip(0, 255) if self._type is np.uint8 else part
        try:
            (array,) = self._session.run([self._output], {self._input: pictures})
        except Exception as failure:  # as in _open
            raise self._refused(failure, quoted=not self._was_tried) from None
        finally:
            pictures.fill(0)
        outputs = np.array(array, np.float32)
        if outputs.ndim != 2 or len(outputs) != count:
            raise self._unfit(
                f"the shape of its output for {counted(count, 'picture')} is "
                f"{list(outputs.shape)} (expected [{count}, labels])",
                "Export the network so that its output has one row for each picture.",
            )
        return outputs[: len(part)]


def _channels_last(shape: Sequence[int | str | None]) -> bool | None:
    """Return whether the channels are last in an input of this `shape`.

    The result is None if the input is not a picture. If neither the second nor the last axis has a
    fixed size, as in files from Optimum and transformers.js, the channels are last if the name of
    the last axis contains "channel".
    """
    if len(shape) != 4:
        return None
    first, last = shape[1], shape[3]
    if (first == 3) != (last == 3):
        return last == 3
    if isinstance(first, int) or isinstance(last, int):
        return None
    return "channel" in str(last).lower()
