"""A label set as a value, in two forms: as a show uses it, and with all rows of its files.

Nothing here imports torch or timm, so that `kiosk check` is fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from installation.naming.label_set.csv_file import UNWORDED, Row, Wording
from installation.naming.label_set.folder import BUILT_FILE
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.lists.weights import LITE, fetch_command, weights_file
from installation.settings.paths import WEIGHTS
from installation.settings.reasons import Reason


@dataclass(frozen=True)
class Label:
    """A category that the show can name a visitor with.

    `chain` has the names of the visible categories above the label, the root first, without the
    label's own name: `("person", "worker", "skilled worker")`.
    """

    id: str
    name: str
    definition: str
    chain: tuple[str, ...]
    second: Wording = UNWORDED
    """The label's name and definition in the show's second language, if the set has them."""


@dataclass(frozen=True)
class LabelSet:
    """The visible labels of a set, and how they are scored.

    `labels` are in the file's order. `rows[i]` is the index of `labels[i]` in the built tensors, or
    in the logits of a network whose outputs are the labels. `background` has the same kind of index
    for each background row; these rows take a share of the score but are never shown. `row_count`
    is the number of all rows of labels.csv. `size` is the number of its rows that are not
    background rows, and `unknown` the number of labels that are left out because the network does
    not have them. `hidden` has the number of hidden rows for each reason; each row is counted under
    the first reason that hides it. `masked` has the indices in `labels` of the masked classes,
    which never have a score (see naming/lists/masked.py). `fingerprint` is the SHA-256 of
    everything that the tensors are built from.
    """

    name: str
    folder: Path
    settings: LabelSetSettings
    root: Label
    labels: tuple[Label, ...]
    rows: tuple[int, ...]
    background: tuple[int, ...]
    row_count: int
    size: int
    unknown: int
    hidden: Mapping[Reason, int]
    fingerprint: str
    masked: tuple[int, ...] = ()
    listing: tuple[str | int, ...] = ()
    """The names in alphabetical order, without background rows; a hidden name is replaced by the
    number of its characters.
    """

    @cached_property
    def hidden_names(self) -> int:
        """The number of hidden names in `listing`."""
        return sum(isinstance(name, int) for name in self.listing)

    @property
    def encoder(self) -> str:
        """The name of the network; empty if the set has its own network."""
        return self.settings.encoder_name

    @property
    def uses_default_network(self) -> bool:
        """Whether the set uses the default network, the one that comes with the kiosk.

        This network needs PyTorch only on a graphics card.
        """
        return self.encoder == LITE

    @property
    def is_built(self) -> bool:
        """Whether tensors are built for the set.

        Otherwise its network's outputs are used unchanged.
        """
        return self.settings.is_built

    @property
    def built(self) -> Path:
        """The path of the file that contains the set's built tensors."""
        return self.folder / BUILT_FILE

    def texts(self) -> Iterator[str]:
        """Yield all texts of the set that the screen may show, to find fonts for their letters."""
        yield from (self.settings.title, self.settings.credit)
        yield from self.settings.credit_translations.values()
        for label in (self.root, *self.labels):
            yield from (label.name, label.definition, *label.chain)
            yield from (label.second.name, label.second.definition)

    @property
    def weights_folder(self) -> Path:
        """The folder of fetched weights."""
        return self.folder.parent / WEIGHTS.name

    @property
    def build_remedy(self) -> str:
        """The remedy if the built file is missing or wrong: the commands that make it.

        If the weights of the network are missing, the remedy also names the command to fetch them.
        """
        build = f"kiosk labels build {self.name}"
        if self.encoder in (LITE, "") or weights_file(self.encoder, self.weights_folder).exists():
            return f"Run: {build}"
        return f"Run: {fetch_command(self.encoder)}, and then: {build}"


@dataclass(frozen=True)
class LabelSetSource:
    """The contents of a label set's files with all rows, for the tools that list and build sets."""

    name: str
    folder: Path
    settings: LabelSetSettings
    rows: tuple[Row, ...]


def ancestors(id_: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the ids above `id_`, nearest first, each one once, even if the parents form a loop."""
    seen = set()
    while (id_ := parents.get(id_, "")) and id_ not in seen:
        seen.add(id_)
        yield id_
