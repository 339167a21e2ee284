"""labelset.yaml: what a label set is and how it is read.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from installation.naming.label_set.csv_file import Row
from installation.naming.lists.weights import CLIP, LITE
from installation.settings.kiosk import Fraction
from installation.settings.yaml_file import Section

Crop = Literal["bust", "face", "frame"]
Method = Literal["text", "prompts", "examples", "classes", "onnx"]


ENCODERS: Mapping[Method, str] = {
    "text": LITE,
    "prompts": CLIP,
    "examples": LITE,
    "classes": LITE,
    "onnx": "",
}
"""What each method looks through where labelset.yaml names no encoder; `onnx` brings its own."""

RECIPES: Mapping[Method, int] = {"text": 1, "prompts": 1}
"""The version of the sentences that the kiosk adds to a set's own words, by method. Raised by hand
with them, so that older builds are stale; a test tells when."""

SURENESS: Mapping[Method, Mapping[str, float]] = {"text": {"temperature": 0.35, "min_score": 0.05}}
"""What sets have that say nothing else, where a method needs other numbers than most: meanings are
never as far apart as a network's classes. They are those of the shipped kindnesses."""


class Translation(Section):
    """The root's name in another language."""

    name: str
    definition: str


class RootSettings(Section):
    """The name at the top of every chain; what a visitor is called where nothing scores enough."""

    id: str
    name: str
    definition: str
    translations: dict[str, Translation] = Field(default_factory=dict)
    """By language: `es`, `de`."""


Channel = Annotated[float, Field(ge=-10, le=10)]
Spread = Annotated[float, Field(gt=0, le=10)]


class InputSettings(Section):
    """The pictures that a set's own network takes, as it was trained with them."""

    size: Annotated[int, Field(ge=16, le=1024)] = 224
    """Side of the square, px."""
    mean: tuple[Channel, Channel, Channel] = (0.5, 0.5, 0.5)
    std: tuple[Spread, Spread, Spread] = (0.5, 0.5, 0.5)
    """Of red, green and blue in 0–1; 0.5 and 0.5 bring them to −1 to 1."""


Template = Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$", description="text with one {}")]


class LabelSetSettings(Section):
    """All of labelset.yaml."""

    title: str
    credit: str
    root: RootSettings
    crop: Crop = "bust"
    method: Method
    encoder: (
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="a network's name")]
        | None
    ) = None
    """The network that looks; None: the method's own."""
    temperature: Annotated[float, Field(ge=0.001, le=1000)] = 1.0
    """What logits are divided by before the softmax: lower makes the scores more decided."""
    min_score: Fraction = 0.1
    """The score below which a visitor is only the root."""
    templates: Annotated[tuple[Template, ...], Field(max_length=100)] = ()
    """Only for `prompts`: sentences in which {} stands for the name; none: the kiosk's own."""
    examples: str = "examples"
    """Only for `examples`: the folder with a folder of pictures for each id; a relative one
    begins at the set's own."""
    input: InputSettings | None = None
    """Only for `onnx`."""
    output: Literal["logits", "scores"] | None = None
    """Only for `onnx`: whether the network ends before its softmax or after; None: logits."""

    @model_validator(mode="after")
    def _as_sure_as_its_method(self) -> Self:
        for key, number in SURENESS.get(self.method, {}).items():
            if key not in self.model_fields_set:
                object.__setattr__(self, key, number)  # frozen only from here on
        return self

    @property
    def encoder_name(self) -> str:
        """The network that looks, by default the method's own; empty if the set brings one."""
        return self.encoder or ENCODERS[self.method]

    def fingerprint(self, rows: Sequence[Row]) -> str:
        """Return the SHA-256 of what is built from; hiding, parents and languages have no part."""
        made_from: list[object] = []
        if self.method in RECIPES:
            made_from.append(RECIPES[self.method])
        if self.method == "prompts":
            made_from.append(list(self.templates))
        if self.method in ("examples", "classes"):
            made_from.append(self.encoder_name)
        for row in rows:
            words: list[object] = []
            if self.method in ("text", "prompts"):
                words = [row.name, row.definition, row.looks_like]
            if self.method == "prompts" or (self.method == "text" and row.background):
                words.append(row.background)
            made_from.append([row.id, *words])
        return hashlib.sha256(json.dumps(made_from, ensure_ascii=False).encode()).hexdigest()
