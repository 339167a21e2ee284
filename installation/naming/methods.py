"""The methods by which the labels of a set are scored, one frozen `Method` for each.

A `Method` has everything that distinguishes one method from another while a set is loaded and
shown. The set's tensors are made before a show, by a module of `making/build`; `Method.builder` is
the name of that module. Only that module and this one define how a method works, so a new method is
added only to these two; no other module compares a method's name.

Tensors are read only when a scorer is opened, so that `kiosk check` is fast.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from installation.naming.lists import class_lists
from installation.naming.lists.weights import CLIP, LITE

if TYPE_CHECKING:
    from installation.naming.label_set.csv_file import Row
    from installation.naming.label_set.label_set import LabelSet
    from installation.naming.label_set.settings import LabelSetSettings
    from installation.naming.networks.encoder import Encoder
    from installation.naming.scoring.scorer import Scorer

Outputs = Mapping[str, int]
"""The indices of a network's outputs, keyed by id: a WordNet id, or the index as text."""


@dataclass(frozen=True)
class Method:
    """A way of scoring the labels of a label set."""

    name: str
    """The method's name, as written under `method` in labelset.yaml."""

    summary: str
    """How labels are scored and what this requires, for the comments of a new labelset.yaml."""

    encoder: str
    """The name of the network if labelset.yaml names none; empty if the set has its own network."""

    open_scorer: Callable[[LabelSet, Encoder], Scorer]
    """Returns the scorer of a label set for the output of the encoder.

    Raises LabelSetError if the built file is missing, damaged, or built from other files.
    """

    builder: str = ""
    """The module of making/build that makes the set's tensors; empty if nothing is built."""

    unbuilt_encoders: frozenset[str] = frozenset()
    """The networks whose outputs are used unchanged, so that nothing is built for them."""

    encoder_is_fixed: bool = False
    """Whether the method always uses the network `encoder`; labelset.yaml must not name another."""

    encoder_output: Literal["logits", "features"] = "features"
    """The kind of output that the default network returns: logits over its classes, or features,
    which are the input of its last layer.
    """

    outputs: Callable[[str], Outputs | None] | None = None
    """Returns the outputs of the network with a given name; None if they are not known.

    Set only for a method whose labels are outputs of a network.
    """

    learns_from_pictures: bool = False
    """Whether the set is built from pictures in the folder that its setting `examples` names."""

    keys: frozenset[str] = frozenset()
    """The settings of labelset.yaml that only this method uses."""

    temperature: float = 1.0
    """The temperature if labelset.yaml does not state one."""

    min_score: float = 0.1
    """The value of `min_score` if labelset.yaml does not state one."""

    recipe: int | None = None
    """The version of the sentences that the kiosk adds to a set's own words; None if it adds none.

    The number is increased by hand when the sentences change, so that older builds become stale; a
    test fails if this is forgotten.
    """

    built_settings: Callable[[LabelSetSettings], Sequence[object]] = lambda _: ()
    """Returns the settings that affect the built tensors."""

    built_words: Callable[[Row], Sequence[object]] = lambda _: ()
    """Returns the cells of a row, besides its id, that affect the built tensors."""

    def __str__(self) -> str:
        return self.name

    @property
    def brings_network(self) -> bool:
        """Whether the network is a file of the label set."""
        return not self.encoder

    def fingerprint(self, settings: LabelSetSettings, rows: Sequence[Row]) -> str:
        """Return the SHA-256 of everything from which a set's tensors are built.

        It does not depend on which rows are hidden, on the rows' parents, or on translations.
        """
        made_from: list[object] = [] if self.recipe is None else [self.recipe]
        made_from += self.built_settings(settings)
        made_from += [[row.id, *self.built_words(row)] for row in rows]
        return hashlib.sha256(json.dumps(made_from, ensure_ascii=False).encode()).hexdigest()


def _open_conse(label_set: LabelSet, encoder: Encoder) -> Scorer:
    from installation.naming.scoring.conse import ConseScorer

    return ConseScorer.from_built(label_set, encoder.fingerprint, encoder.width)


def _open_linear(label_set: LabelSet, encoder: Encoder) -> Scorer:
    from installation.naming.scoring.linear import LinearScorer

    return LinearScorer.from_built(label_set, encoder.fingerprint, encoder.width)


def _open_outputs(label_set: LabelSet, encoder: Encoder) -> Scorer:
    from installation.naming.scoring.scorer import OutputScorer

    return OutputScorer(label_set, encoder.width)


def _open_head(label_set: LabelSet, encoder: Encoder) -> Scorer:
    """Return the scorer of a label set whose labels are classes of a network.

    If the set is built, the scorer uses the weights in the built file; otherwise it uses the
    network's outputs unchanged.
    """
    open_scorer = _open_linear if label_set.is_built else _open_outputs
    return open_scorer(label_set, encoder)


TEXT = Method(
    name="text",
    summary="by the meaning of names and definitions; needs nothing else",
    encoder=LITE,
    encoder_is_fixed=True,
    encoder_output="logits",
    open_scorer=_open_conse,
    builder="from_text",
    # Meanings differ less than a network's classes; the value was found with the set kindnesses.
    temperature=0.1,
    min_score=0.06,
    keys=frozenset({"lists"}),
    recipe=4,
    built_settings=lambda settings: (settings.lists,),
    built_words=lambda row: (
        *(row.name, row.definition, row.looks_like),
        *((True,) if row.background else ()),
    ),
)
"""The method that compares labels with a network's classes by the meaning of their names and
definitions (ConSE).
"""

PROMPTS = Method(
    name="prompts",
    summary="by comparing pictures with sentences about each label; needs `kiosk fetch clip` once",
    encoder=CLIP,
    encoder_is_fixed=True,
    open_scorer=_open_linear,
    builder="from_prompts",
    keys=frozenset({"templates"}),
    recipe=1,
    built_settings=lambda settings: (list(settings.templates),),
    built_words=lambda row: (row.name, row.definition, row.looks_like, row.background),
)
"""The method in which CLIP compares a visitor's picture with the sentences of each label."""

EXAMPLES = Method(
    name="examples",
    summary="by your own pictures: a folder examples/ID for each id, five pictures or more in each",
    encoder=LITE,
    open_scorer=_open_linear,
    builder="from_examples",
    learns_from_pictures=True,
    built_settings=lambda settings: (settings.encoder_name,),
)
"""The method that learns from an artist's own pictures: a linear probe on a network's features."""

CLASSES = Method(
    name="classes",
    summary="each label is a class of a network, and its id is the class's WordNet id or number",
    encoder=LITE,
    encoder_output="logits",
    open_scorer=_open_head,
    builder="from_head",
    unbuilt_encoders=frozenset({LITE}),
    outputs=class_lists.outputs,
    built_settings=lambda settings: (settings.encoder_name,),
)
"""The method whose labels are classes of a network. For a network that is not the default one, the
built file contains the rows of the last layer's weights for the visible labels and the background.
"""

ONNX = Method(
    name="onnx",
    summary="by a network of your own: classifier.onnx beside this file",
    encoder="",
    encoder_output="logits",
    open_scorer=_open_outputs,
    unbuilt_encoders=frozenset({""}),
    outputs=lambda _: class_lists.numbered_outputs(),
    keys=frozenset({"input", "output"}),
)
"""The method whose labels are outputs of a network in the label set's folder."""

METHODS = {method.name: method for method in (TEXT, PROMPTS, EXAMPLES, CLASSES, ONNX)}
"""All methods, keyed by name."""
