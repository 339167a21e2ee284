"""Builds a label set: writes the tensors that its method's builder computes, and card.md.

The card says what the tensors were built from, and gives figures about them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from safetensors.torch import save_file

from installation.making.atomic_write import replacing
from installation.making.build.result import Builder, BuildResult
from installation.making.keras import convert as keras
from installation.making.undrawable import check_drawable
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import CARD_FILE
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import assemble_nonempty, read_source
from installation.naming.methods import Method
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS


def build(
    name: str,
    models: Path = MODELS,
    builder: Builder | None = None,
    *,
    content: ContentSettings = SAFE,
) -> BuildResult | None:
    """Write the built file and the card of the label set `name`, and return what was built.

    A set with a network of its own gets neither file. If that network is a Keras file, it is
    converted to ONNX. The result is None if nothing is written, for example because the method uses
    a network's outputs unchanged. If the method uses a network's head, only the head's rows for the
    labels that `content` shows are kept. `builder` replaces the method's own builder. Raises
    WeightsError or LabelSetError, for example if no font can draw a letter; the last built file is
    then kept.
    """
    source = read_source(name, models)
    if source.settings.method.brings_network:
        return keras.convert(source)
    label_set = assemble_nonempty(source, EVERYTHING)
    check_drawable(source)
    if not label_set.is_built:
        return None
    result = (builder or find_builder(label_set.settings.method))(source, content)
    write_result(label_set, result)
    return result


def find_builder(method: Method) -> Builder:
    """Import the module that `method.builder` names, and return its function `build_…`."""
    module = import_module(f"{__package__}.{method.builder}")
    builder: Builder = getattr(module, f"build_{method.builder}")
    return builder


def write_result(label_set: LabelSet, result: BuildResult) -> None:
    """Write the built file and the card, each atomically."""
    tensors = {name: tensor.contiguous() for name, tensor in result.tensors.items()}
    metadata = built_file.expected_metadata(label_set, result.encoder)
    if result.pictures:
        metadata[built_file.PICTURES_KEY] = result.pictures
    with replacing(label_set.built) as file:
        # Written twice: the file's metadata contain the checksum of its own tensors.
        save_file(tensors, file, metadata)
        save_file(tensors, file, metadata | {"tensors_sha256": built_file.checksum(file)})
    with replacing(label_set.folder / CARD_FILE) as file:
        file.write_text(_card(label_set, result), encoding="utf-8")


def _card(label_set: LabelSet, result: BuildResult) -> str:
    """Return the Markdown text of the set's card file."""
    settings = label_set.settings
    visible = len(label_set.labels)
    lines = [
        f"# {settings.title}",
        "",
        f"{settings.credit}. {label_set.size:,} labels, including hidden ones; the network can "
        f"score {visible:,} of them.",
        "",
        "| part | source |",
        "|---|---|",
        f"| method | {settings.method} |",
        f"| network | {label_set.encoder}, SHA-256 {result.encoder} |",
        f"| labels and settings | SHA-256 {label_set.fingerprint} |",
        "",
        *(f"- {figure}" for figure in (*result.figures, *result.provenance)),
        "",
        "Written by `kiosk labels build`; a label is a guess about a picture, never a fact about a",
        "person.",
        "",
    ]
    return "\n".join(lines)
