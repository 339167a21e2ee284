"""Converts a Keras file to an ONNX network, in a child process with limits.

This module does not import torch, not even indirectly. So the child process starts in half a
second, and its libraries take little memory.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from pathlib import Path
from typing import Any

from installation.guarding.confine import confine
from installation.making.keras import layers
from installation.making.keras.h5_file import KerasFile
from installation.making.keras.layers import RefusedError
from installation.making.keras.onnx_graph import GraphBuilder, Signal

CHILD_BYTES = 2**29
"""The conversion may reserve this much memory, bytes, plus eight times the file's size. Memory that
the child process has reserved before, for its libraries and the file, is not counted.

The conversion of a file of Teachable Machine takes 13 MB (measured).
"""

CHILD_CPU_S = 20
"""The most seconds of CPU time for the child process; a file of Teachable Machine needs 1."""

REFUSED = 3
"""The child's exit status if it rejects the file. Its output is then the reason, not a network."""

KERAS_KEY = "keras_sha256"
"""The metadata key under which a classifier.onnx that was made here stores the SHA-256 of its Keras
file.
"""


def convert_input() -> None:
    """Read a Keras file from standard input, and write its ONNX network to standard output.

    This is the child process of `convert`. If the file is rejected, the output is the reason, and
    the exit status is `REFUSED`.
    """
    with open(0, "rb", closefd=False) as stdin:
        data = stdin.read()
    memory = _address_space() + 8 * len(data) + CHILD_BYTES
    confine(memory, CHILD_CPU_S)
    try:
        network = to_onnx(data)
    except RefusedError as refused:
        sys.stdout.write(str(refused))
        sys.exit(REFUSED)
    except MemoryError:
        raise
    except Exception:  # pyfive may raise any exception for a damaged file
        sys.stdout.write("it is not a Keras file in HDF5, or it is damaged")
        sys.exit(REFUSED)
    with open(1, "wb", closefd=False) as stdout:
        stdout.write(network)


def to_onnx(data: bytes) -> bytes:
    """Return the ONNX network for the bytes of a Keras file.

    Memory and time are not limited. Raises RefusedError, or any other exception if the file is
    damaged.
    """
    file = KerasFile(data)
    description = file.description()
    height, width, channels = _picture_shape(description)
    builder = GraphBuilder(file)
    pictures = Signal("pictures", (channels, height, width))
    outputs = _Walk(builder).run(description, pictures, group=None)
    if len(outputs.shape) != 1 or outputs.name == pictures.name:
        raise RefusedError("its output is not one row of scores (expected an image classifier)")
    model = builder.network(pictures, outputs)
    model.producer_name = "kiosk labels build"
    model.metadata_props.add(key=KERAS_KEY, value=hashlib.sha256(data).hexdigest())
    return bytes(model.SerializeToString(deterministic=True))


class _Walk:
    """Visits the layers of a network in order, including the layers of inner networks."""

    def __init__(self, builder: GraphBuilder) -> None:
        self._builder = builder
        self._count = 0

    def run(self, part: Any, signal: Signal, group: str | None) -> Signal:
        """Return the output of the network `part` for `signal`.

        `group` is the name of the file's group that has the network's weights. It is None for the
        outermost network, because each of its layers has a group of its own. Raises RefusedError if
        a layer is not supported.
        """
        class_name, config = part["class_name"], part["config"]
        if class_name == layers.CHAIN:
            for layer in config["layers"]:
                signal = self._layer(layer, [signal], group)
            return signal
        if class_name not in layers.GRAPHS:
            raise RefusedError(f"its outermost layer is '{class_name}' (expected a network)")
        made: dict[str, Signal] = {_only(config["input_layers"])[0]: signal}
        for layer in config["layers"]:
            name = layer["name"]
            if name in made:
                continue
            names = [inbound[0] for inbound in _only(layer["inbound_nodes"])]
            made[name] = self._layer(layer, [made[each] for each in names], group)
        output: str = _only(config["output_layers"])[0]
        return made[output]

    def _layer(self, layer: Any, signals: list[Signal], group: str | None) -> Signal:
        self._count += 1
        if self._count > layers.MOST_LAYERS:
            raise RefusedError(f"it has more than {layers.MOST_LAYERS:,} layers")
        class_name, config = layer["class_name"], layer["config"]
        if class_name == layers.INPUT:
            (signal,) = signals
            return signal
        group = config["name"] if group is None else group
        if class_name in (layers.CHAIN, *layers.GRAPHS):
            return self.run(layer, _only(signals), group)
        return self._builder.add(group, layers.parse_layer(class_name, config), signals)


def _only(values: Any) -> Any:
    """Return the only one of `values`; raises RefusedError if there are several or none."""
    if not isinstance(values, list) or len(values) != 1:
        raise RefusedError(
            "it uses a layer twice, or does not have exactly one input and one output"
        )
    return values[0]


def _picture_shape(part: Any) -> tuple[int, int, int]:
    """Return height, width and channels of a network's input pictures; raises RefusedError."""
    shape = part["config"].get("batch_input_shape")
    if shape is None and "layers" in part["config"]:
        return _picture_shape(part["config"]["layers"][0])
    sides = shape[1:] if isinstance(shape, list) else []
    if (
        len(sides) != 3
        or not all(type(side) is int and 16 <= side <= 1024 for side in sides[:2])
        or sides[2] != 3
    ):
        raise RefusedError(
            f"its input is {shape} (expected colour pictures with sides of 16 to 1,024 px)"
        )
    return sides[0], sides[1], sides[2]


def _address_space() -> int:
    """Return the size of the address space that this process has reserved so far, bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
