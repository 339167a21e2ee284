"""Reads the HDF5 file that Keras writes: the description of a network, and its weights.

The package pyfive, which is written in Python, parses the file: a damaged or malicious file can
raise an exception, but cannot overwrite memory as it can in HDF5's own library. pyfive is given
bytes and not a path, so it cannot follow links to other files. Only arrays that are stored
uncompressed and contiguously are read; Keras writes no others. So no array is larger than the file.

Rejected: h5py, whose C library follows links to other files, loads modules for compressed data, and
has had many memory errors. The tests use h5py to write HDF5 files.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyfive

from installation.errors import ellipsize
from installation.making.keras.layers import RefusedError

CONTIGUOUS = 1
"""HDF5's code for contiguous data (HDF5 file format 3.0, IV.A.2.i)."""

FLOAT32 = np.dtype("<f4")
"""The only number type that Teachable Machine writes."""


class KerasFile:
    """The description and the weights in the bytes of a file."""

    def __init__(self, data: bytes) -> None:
        """Open the bytes of an HDF5 file; may raise any exception if the file is not valid."""
        self._length = len(data)
        self._root = pyfive.File(io.BytesIO(data))
        self._paths: dict[tuple[str, str, str], str] = {}
        self._groups: set[str] = set()

    def description(self) -> dict[str, Any]:
        """Return the network's description; raises RefusedError if the file has none."""
        text = self._root.attrs.get("model_config")
        if text is None:
            raise RefusedError("the file contains weights only (expected the network as well)")
        parsed = json.loads(_text(text))
        if not isinstance(parsed, dict):
            raise RefusedError("its model_config is not a description of a network")
        return parsed

    def weights(
        self, group: str, layer: str, variable: str, shape: tuple[int, ...]
    ) -> npt.NDArray[np.float32]:
        """Return one variable of a layer, float32 of `shape`.

        `group` is the HDF5 group in which the variable is stored. It is named after a layer of the
        outermost network: after `layer` itself, or after the inner network that contains `layer`.
        Raises RefusedError if the variable is missing, or stored in another format or shape.
        """
        self._list_group(group)
        path = self._paths.get((group, layer, variable))
        where = f"'{ellipsize(layer)}/{variable}'"
        if path is None:
            raise RefusedError(f"the weights {where} are missing")
        try:
            found = self._root["model_weights"][group][path]
        except Exception:  # pyfive raises no exception of its own for links to other files
            raise RefusedError(
                f"the weights {where} are damaged, or the file has only a link to them"
            ) from None
        if not isinstance(found, pyfive.Dataset):
            raise RefusedError(
                f"the weights {where} are missing: the file has a group or a link in their place"
            )
        if found.dtype != FLOAT32 or found.id.layout_class != CONTIGUOUS:
            raise RefusedError(
                f"the weights {where} are not one block of uncompressed float32 numbers"
            )
        if tuple(found.shape) != shape:
            seen = ellipsize("×".join(map(str, found.shape)))
            expected = "×".join(map(str, shape))
            raise RefusedError(f"the weights {where} have the shape {seen} (expected {expected})")
        start, size = int(found.id.data_offset), math.prod(shape) * FLOAT32.itemsize
        if start + size > self._length:
            raise RefusedError(f"the weights {where} are not in the file")
        return np.asarray(found[...], np.float32).reshape(shape)

    def _list_group(self, group: str) -> None:
        """Record the location of the variables of all layers in `group`, by Keras' names.

        Raises RefusedError if a variable occurs twice.
        """
        if group in self._groups:
            return
        self._groups.add(group)
        groups = self._root["model_weights"]
        attributes: Mapping[str, Any] = groups[group].attrs if group in groups else {}
        for name in attributes.get("weight_names", ()):
            path = _text(name)
            *_, layer, variable = ("", *path.split("/"))
            key = group, layer, variable.removesuffix(":0")
            if key in self._paths:
                raise RefusedError(f"the weights '{ellipsize(path)}' occur twice")
            self._paths[key] = path


def _text(value: Any) -> str:
    """Return text that HDF5 stores as bytes or as text."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
