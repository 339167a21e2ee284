"""A label set: the labels that can be put on a visitor, and the files that they come from.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.folder import BUILT_FILE
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.lists.weights import LITE, fetch_command, weights_file
from installation.settings.paths import WEIGHTS
from installation.settings.reasons import Reason


@dataclass(frozen=True)
class Label:
    """One category.

    `chain` holds the names of the categories above it that may be shown, the root first, without
    its own: `("person", "worker", "skilled worker")`.
    """

    id: str
    name: str
    definition: str
    chain: tuple[str, ...]


@dataclass(frozen=True)
class LabelSet:
    """The labels that can be put on a visitor, and how they are read.

    `labels` are the visible ones in the file's order. `rows[i]` is where the i-th stands in the
    built tensors, or in the logits of a network whose outputs are the labels; `background` is the
    same of rows that take score and are never shown. `size` counts all rows of labels.csv.
    `unknown` counts the rows of which the network knows nothing, and which drop out. `hidden`
    counts what is hidden, by the first reason that hides it. `fingerprint` is the SHA-256 of what
    the built file is made from.
    """

    name: str
    folder: Path
    settings: LabelSetSettings
    root: Label
    labels: tuple[Label, ...]
    rows: tuple[int, ...]
    background: tuple[int, ...]
    size: int
    unknown: int
    hidden: Mapping[Reason, int]
    fingerprint: str

    @property
    def encoder(self) -> str:
        """The network that looks; empty where the set brings its own."""
        return self.settings.encoder_name

    @property
    def is_built(self) -> bool:
        """Whether tensors are built for the set, or its network's outputs are read as they are."""
        return self.settings.is_built

    @property
    def built(self) -> Path:
        """Where its tensors are."""
        return self.folder / BUILT_FILE

    def texts(self) -> Iterator[str]:
        """Yield all that the screen may show of it, for what asks which scripts need a font."""
        yield self.settings.title
        for label in (self.root, *self.labels):
            yield from (label.name, label.definition, *label.chain)

    @property
    def weights_folder(self) -> Path:
        """The folder with the weights that were fetched."""
        return self.folder.parent / WEIGHTS.name

    @property
    def build_remedy(self) -> str:
        """The sentence that says how its tensors are built, and what must be fetched before."""
        build = f"kiosk labels build {self.name}"
        if self.encoder in (LITE, "") or weights_file(self.encoder, self.weights_folder).exists():
            return f"Run: {build}"
        return f"Run: {fetch_command(self.encoder)}, and then: {build}"


@dataclass(frozen=True)
class LabelSetSource:
    """A label set as its files say it, hidden rows and all: what tools read and build."""

    name: str
    folder: Path
    settings: LabelSetSettings
    rows: tuple[Row, ...]


def ancestors(id_: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the ids above `id_`, nearest first, until there is no more or one comes again."""
    seen = set()
    while (id_ := parents.get(id_, "")) and id_ not in seen:
        seen.add(id_)
        yield id_
