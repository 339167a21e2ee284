"""From a label set's words and pictures to its tensors, whatever its method."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from safetensors.torch import save_file

from installation.making.atomic_write import replacing
from installation.making.build.result import Made, Make
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import CARD
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import assemble_nonempty, read_source
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS


def build(
    name: str, models: Path = MODELS, make: Make | None = None, *, content: ContentSettings = SAFE
) -> Made | None:
    """Write the built file and the card of the label set `name`, and return what was made.

    None where its method reads a network's own outputs and nothing is built. Of a network's head
    only what `content` shows is kept. `make` replaces the method's own way. Raises LabelSetError
    and WeightsError; then the last good file stays.
    """
    source = read_source(name, models)
    label_set = assemble_nonempty(source, EVERYTHING)
    if not label_set.is_built:
        return None
    made = (make or _way(label_set, content))(source)
    write(label_set, made)
    return made


def _way(label_set: LabelSet, content: ContentSettings) -> Make:
    """Return how the set's method builds; what it needs is loaded only then."""
    method = label_set.settings.method
    if method == "text":
        from installation.making.build import from_text

        return from_text.make
    if method == "prompts":
        from installation.making.build import from_prompts

        return from_prompts.make
    if method == "examples":
        from installation.making.build import from_examples

        return from_examples.make
    from installation.making.build import from_head

    return partial(from_head.make, content=content)


def write(label_set: LabelSet, made: Made) -> None:
    """Write the built file and the card, each whole or not at all."""
    tensors = {name: tensor.contiguous() for name, tensor in made.tensors.items()}
    said = built_file.metadata(label_set, made.encoder)
    if made.pictures:
        said[built_file.PICTURES] = made.pictures
    with replacing(label_set.built) as file:
        # The sum is taken of what the file really holds, then the file says it of itself.
        save_file(tensors, file, said)
        save_file(tensors, file, said | {"tensors_sha256": built_file.checksum(file)})
    with replacing(label_set.folder / CARD) as file:
        file.write_text(_card(label_set, made), encoding="utf-8")


def _card(label_set: LabelSet, made: Made) -> str:
    """Return the set's card: what it is, what it was built from, and the figures."""
    settings = label_set.settings
    visible = len(label_set.labels)
    lines = [
        f"# {settings.title}",
        "",
        f"{settings.credit}. {label_set.size:,} rows, {visible:,} of them labels before hiding.",
        "",
        "| what | from |",
        "|---|---|",
        f"| method | {settings.method} |",
        f"| network | {label_set.encoder}, SHA-256 {made.encoder} |",
        f"| words | SHA-256 {label_set.fingerprint} |",
        "",
        *(f"- {figure}" for figure in made.figures),
        "",
        "Written by `kiosk labels build`; a label is a guess about a picture, never a fact about a",
        "person.",
        "",
    ]
    return "\n".join(lines)
