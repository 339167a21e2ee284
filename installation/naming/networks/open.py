"""Finds, checks and opens the network of a label set.

The libraries that run networks are imported only when a network is opened, so that `kiosk labels
check` is fast and a show loads only the libraries that its label set needs: the default network
needs only ONNX Runtime, unless it runs on a graphics card.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from installation.errors import LabelSetError, Mistake, counted, display_path, ellipsize
from installation.guarding.status import SandboxStatus
from installation.naming.label_set.folder import (
    CONFIG_FILE,
    KERAS_FILE,
    MAX_BYTES,
    MAX_NETWORK_BYTES,
    ONNX_DATA_FILE,
    ONNX_FILE,
    SETTINGS_FILE,
    TENSORS_FILE,
)
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.output_names import labels_file
from installation.naming.lists.safetensors_header import header_length
from installation.naming.lists.weights import CLIP, LITE, weights_file
from installation.naming.networks.encoder import fingerprint
from installation.settings.packages import require_all_packages

if TYPE_CHECKING:
    from installation.naming.networks.device import Device
    from installation.naming.networks.encoder import Encoder


OTHER_NETWORKS = {
    (".onnx",): f"Rename it to {ONNX_FILE}.",
    (".h5", ".hdf5"): f"If Teachable Machine made it, rename it to {KERAS_FILE}; otherwise see "
    "docs/artists.md.",
    (".tflite",): "Export the project as Keras (Teachable Machine) or as ONNX instead.",
    ("weights.bin",): "Export the project as Keras (Teachable Machine) instead of TensorFlow.js.",
    (".pb", ".keras"): "Convert it to ONNX with tf2onnx; see docs/artists.md.",
    (
        ".pt",
        ".pth",
        ".ckpt",
        ".bin",
        ".pkl",
    ): "Such a file may contain code, so the kiosk does not read it. Export it with "
    f"torch.onnx.export, or save a model of Hugging Face as {TENSORS_FILE}.",
    (".safetensors",): f"Rename it to {TENSORS_FILE}, with {CONFIG_FILE} beside it.",
}
"""The remedies for networks that have an unexpected name or format, keyed by the ends of the files'
names.
"""


def open_encoder(label_set: LabelSet, device: Device, *, leave_a_core: bool = False) -> Encoder:
    """Return the network that `label_set` uses, on `device`, warmed up.

    Its output is logits if the labels are the network's own classes or are made from them, and
    features otherwise. With `leave_a_core` PyTorch leaves one core free for painting the screen, as
    ONNX Runtime always does. Raises WeightsError if the weights are missing or do not have the
    expected SHA-256, LabelSetError if the label set's own network must not be opened or does not
    fit the set, and SettingsError if packages that the network needs are not installed.
    """
    encoder = _open(label_set, device)
    if leave_a_core and encoder.library == "PyTorch":
        from installation.naming.networks.torch_network import limit_threads

        limit_threads()
    side = encoder.input.size
    encoder.encode(np.zeros((1, 3, side, side), np.float32))
    return encoder


def _open(label_set: LabelSet, device: Device) -> Encoder:
    if label_set.settings.method.brings_network:
        return _open_own(label_set, device)
    if label_set.encoder == LITE:
        output = label_set.settings.method.encoder_output
        if device == "cpu":
            from installation.naming.networks.efficientnet import EfficientNetLite0

            return EfficientNetLite0(output=output)
        from installation.naming.networks.efficientnet_torch import EfficientNetLite0Torch

        return EfficientNetLite0Torch(device, output=output)
    _require_torch(label_set)
    if label_set.encoder == CLIP:
        from installation.naming.networks.timm_network import Clip

        return Clip(device, weights_file(CLIP, label_set.weights_folder))
    from installation.naming.networks.timm_network import TimmFeatures

    where = display_path(label_set.folder / SETTINGS_FILE)
    return TimmFeatures(label_set.encoder, device, label_set.weights_folder, where)


def _open_own(label_set: LabelSet, device: Device) -> Encoder:
    """Return the network in the label set's folder. The output of the network is logits."""
    file = find_network(label_set.folder)
    is_show = SandboxStatus.from_environment() is not None
    network: Encoder
    if file.name == ONNX_FILE:
        data, sha256 = _judged_onnx(file)
        if is_show:
            from installation.naming.networks.onnx_network import OnnxNetwork

            network = OnnxNetwork(label_set, data, device, sha256)
        else:
            from installation.naming.networks.confined_network import ConfinedNetwork

            network = ConfinedNetwork(label_set, data, sha256)
    else:
        _require_torch(label_set)
        check_tensors(file)
        # A confined process cannot use a graphics card.
        if is_show or device != "cpu":
            from installation.naming.networks.transformers_network import TransformersNetwork

            network = TransformersNetwork(label_set, file, device)
        else:
            from installation.naming.networks.confined_network import ConfinedNetwork

            try:
                sha256 = fingerprint(file)
            except OSError as failure:
                raise _unreadable(file, failure) from None
            network = ConfinedNetwork(label_set, None, sha256)
    names = labels_file(label_set.folder)
    if names.suffix != ".csv" and network.width != label_set.row_count:
        names_count = counted(label_set.row_count, "output")
        problem = f"the file has names for {names_count}, but the network has {network.width}"
        raise LabelSetError(
            Mistake(
                display_path(names),
                problem,
                "Give one name for each output, in the order of the outputs.",
            )
        )
    return network


def _require_torch(label_set: LabelSet) -> None:
    """Raise SettingsError if PyTorch, which runs the network of `label_set`, is not installed."""
    where = display_path(label_set.folder / SETTINGS_FILE)
    require_all_packages(where, f"the network of '{label_set.name}'")


def find_network(folder: Path) -> Path:
    """Return the file of a label set's own network; raises LabelSetError if it has none or two."""
    present = [folder / name for name in (ONNX_FILE, TENSORS_FILE) if (folder / name).exists()]
    if not present and (folder / KERAS_FILE).exists():
        problem = f"it has not been converted to {ONNX_FILE} yet"
        remedy = f"Run: kiosk labels build {folder.name}"
        raise LabelSetError(Mistake(display_path(folder / KERAS_FILE), problem, remedy))
    if len(present) != 1:
        seen = "two networks found" if present else "no network found"
        problem = f"{seen} (expected {ONNX_FILE}, or {CONFIG_FILE} with {TENSORS_FILE})"
        remedy = "Keep only one." if present else _remedy_for_missing(folder)
        raise LabelSetError(Mistake(display_path(folder), problem, remedy))
    return present[0]


def _remedy_for_missing(folder: Path) -> str:
    """Return the remedy for a folder without a usable network.

    If it contains a network with another name or in another format, the remedy says what to do with
    that file.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        names = []
    for name in names:
        for suffixes, remedy in OTHER_NETWORKS.items():
            if name.lower().endswith(suffixes):
                return f"The folder contains '{ellipsize(name)}'. {remedy}"
    return "Copy the network into this folder."


def check_network(folder: Path) -> None:
    """Raise LabelSetError if a label set's own network is missing or must not be opened.

    The network is not opened, so no memory is allocated for the tensors that it claims to have.
    """
    file = find_network(folder)
    if file.name == ONNX_FILE:
        _judged_onnx(file)
        return
    require_all_packages(display_path(file), "a network that transformers runs")
    from installation.naming.networks.transformers_network import check_config

    check_config(folder / CONFIG_FILE)
    check_tensors(file)
    try:
        with safe_open(file, framework="numpy"):
            pass
    except (SafetensorError, OSError):
        problem = "it is not a safetensors file, or it is damaged"
        remedy = "Copy or download it again."
        raise LabelSetError(Mistake(display_path(file), problem, remedy)) from None


def prepare_network(folder: Path) -> None:
    """Check and try the ONNX network in a label set's `folder`; `open_encoder` uses the result.

    Does nothing if the folder has no ONNX network. A show calls this before its sandbox forbids new
    processes. If the network must not be opened, LabelSetError is raised by `open_encoder`, not
    here.
    """
    from installation.naming.networks.confined_network import try_network

    file = folder / ONNX_FILE
    if not file.exists():
        return
    try:
        network, sha256 = _judge_onnx(file)
        try_network(folder, network)
        _prepared[file] = network, sha256
        _accepted[file] = sha256
    except LabelSetError as error:
        _prepared[file] = error


_prepared: dict[Path, tuple[bytes, str] | LabelSetError] = {}
"""The results of `prepare_network` that have not been used yet."""


_accepted: dict[Path, str] = {}
"""The fingerprints of the networks that `prepare_network` has accepted."""


def _judged_onnx(file: Path) -> tuple[bytes, str]:
    """Return a checked ONNX network that may be opened, and the fingerprint of its file.

    Raises LabelSetError if it may not be opened.
    """
    judged = _prepared.pop(file, None) or _judged_again(file) or _judge_onnx(file)
    if isinstance(judged, LabelSetError):
        raise judged
    return judged


def _judged_again(file: Path) -> tuple[bytes, str] | None:
    """Return a network that `prepare_network` has accepted; None if `file` has changed since.

    If a network fails during a show, the show opens the network again. By then the show may no
    longer start a process, so it checks the file in its own process. This is safe, because a child
    process has accepted the same bytes before.
    """
    if file not in _accepted:
        return None
    from installation.naming.networks import onnx_check

    data = _read_onnx(file)
    if _fingerprint(data) != _accepted[file]:
        return None
    return onnx_check.judge_here(display_path(file), *data), _accepted[file]


def _judge_onnx(file: Path) -> tuple[bytes, str]:
    from installation.naming.networks import onnx_check

    # The process starts before the file is read: a show that must not start one has no use for a
    # gigabyte in its memory.
    with onnx_check.start_child(display_path(file)) as child:
        data = _read_onnx(file)
        return onnx_check.judge_in(child, display_path(file), *data), _fingerprint(data)


def _read_onnx(file: Path) -> list[bytes]:
    """Return the contents of an ONNX file and, if it exists, of ONNX_DATA_FILE beside it."""
    second = file.with_name(ONNX_DATA_FILE)
    files = [file, second] if second.exists() else [file]
    data = []
    for each in files:
        check_size(each)
        try:
            data.append(each.read_bytes())
        except OSError as failure:
            raise _unreadable(each, failure) from None
    if sum(map(len, data)) > MAX_NETWORK_BYTES:
        problem = f"its two files together have more than {MAX_NETWORK_BYTES / 1e6:,.0f} MB"
        raise LabelSetError(Mistake(display_path(file), problem, "Use a smaller network."))
    return data


def _fingerprint(data: list[bytes]) -> str:
    return hashlib.sha256(b"".join(data)).hexdigest()


MAX_HEADER_BYTES = 2**20
"""The longest header of model.safetensors, in bytes. 1,000 tensors need 110,000 bytes."""


def check_tensors(file: Path) -> None:
    """Raise LabelSetError if model.safetensors or its header is too large.

    Only the length of the header is read.
    """
    check_size(file)
    try:
        length = header_length(file)
    except OSError as failure:
        raise _unreadable(file, failure) from None
    if length > MAX_HEADER_BYTES:
        problem = (
            f"its list of tensors has {length:,} bytes (expected at most {MAX_HEADER_BYTES:,}), "
            "so it is damaged or is not an image classifier"
        )
        raise LabelSetError(Mistake(display_path(file), problem, "Copy or download it again."))


def check_size(file: Path) -> None:
    """Raise LabelSetError if a network is not a file or is too large; the file is not read."""
    most = MAX_BYTES[file.name]
    try:
        size = file.stat().st_size
    except OSError as failure:
        raise _unreadable(file, failure) from None
    if not file.is_file() or size > most:
        problem = f"it has {size / 1e6:,.0f} MB (expected a file of at most {most / 1e6:,.0f} MB)"
        raise LabelSetError(Mistake(display_path(file), problem, "Use a smaller network."))


def _unreadable(file: Path, failure: OSError) -> LabelSetError:
    problem = f"it cannot be read ({failure.strerror})"
    return LabelSetError(Mistake(display_path(file), problem, "Check its permissions."))
