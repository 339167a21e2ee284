"""From a label set's words and pictures to its tensors, whatever its method."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from safetensors.torch import save_file

from installation.config import MODELS, ContentSettings
from installation.making.made import Made, Make
from installation.making.replacing import replacing
from installation.naming import built, labelset
from installation.naming.files import CARD
from installation.naming.labelset import SAFE, LabelSet


def build(
    name: str, models: Path = MODELS, make: Make | None = None, *, content: ContentSettings = SAFE
) -> Made | None:
    """Write the built file and the card of the label set `name`, and return what was made.

    None where its method reads a network's own outputs and nothing is built. Of a network's head
    only what `content` shows is kept. `make` replaces the method's own way. Raises LabelSetError
    and WeightsError; then the last good file stays.
    """
    source = labelset.read(name, models)
    label_set = labelset.showable(source, labelset.EVERYTHING)
    if not label_set.is_built:
        return None
    made = (make or _way(label_set, content))(source)
    write(label_set, made)
    return made


def _way(label_set: LabelSet, content: ContentSettings) -> Make:
    """Return how the set's method builds; what it needs is loaded only then."""
    method = label_set.settings.method
    if method == "text":
        from installation.making import text

        return text.make
    if method == "prompts":
        from installation.making import prompts

        return prompts.make
    if method == "examples":
        from installation.making import examples

        return examples.make
    from installation.making import heads

    return partial(heads.make, content=content)


def write(label_set: LabelSet, made: Made) -> None:
    """Write the built file and the card, each whole or not at all."""
    tensors = {name: tensor.contiguous() for name, tensor in made.tensors.items()}
    said = built.metadata(label_set, made.encoder)
    if made.pictures:
        said[built.PICTURES] = made.pictures
    with replacing(label_set.built) as file:
        # The sum is taken of what the file really holds, then the file says it of itself.
        save_file(tensors, file, said)
        save_file(tensors, file, said | {"tensors_sha256": built.checksum(file)})
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
