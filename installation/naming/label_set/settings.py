"""The settings of labelset.yaml: what a label set is, and how its labels are scored.

Nothing here imports torch or timm, so that `kiosk check` is fast.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeGuard

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from installation.naming.methods import METHODS, Method, Outputs
from installation.settings.kiosk import Fraction
from installation.settings.yaml_file import Section

Crop = Literal["bust", "bust+half", "face", "frame"]

EXAMPLES_FOLDER = "examples"
AS_THEY_ARE = "as they are"
"""The value of the setting `examples` for pictures that are already cropped. In this case the
pictures are in EXAMPLES_FOLDER.
"""


class _MethodByName:
    """Tells pydantic how a `Method` is parsed and which names are valid."""

    @staticmethod
    def parse(value: object) -> Method:
        """Return the `Method` that `value` names, or `value` if it already is one."""
        if isinstance(value, Method):
            return value
        if isinstance(value, str) and value in METHODS:
            return METHODS[value]
        raise PydanticCustomError("method", "this method does not exist")

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse)

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: object) -> dict[str, object]:
        return {"enum": list(METHODS)}


class Translation(Section):
    """The root's name in another language."""

    name: str
    definition: str


class RootSettings(Section):
    """The top of every chain of categories.

    It is the label of a visitor for whom no other label reaches `min_score`.
    """

    id: str
    name: str
    definition: str
    translations: dict[str, Translation] = Field(default_factory=dict)
    """The root's name in other languages, keyed by language: `es`, `de`."""


LARGEST_CHANNEL = 10
"""The largest value that `mean` and `std` may have; larger values are for colours in 0–255."""

Channel = Annotated[float, Field(ge=-LARGEST_CHANNEL, le=LARGEST_CHANNEL)]
Spread = Annotated[float, Field(gt=0, le=LARGEST_CHANNEL)]


def _is_triple(values: object) -> TypeGuard[tuple[object, object, object]]:
    return isinstance(values, tuple) and len(values) == 3


class InputSettings(Section):
    """The format of the pictures that a label set's own network takes as its input."""

    size: Annotated[int, Field(ge=16, le=1024)] = 224
    """The side of the network's square input, px."""
    mean: tuple[Channel, Channel, Channel] = (0.5, 0.5, 0.5)
    std: tuple[Spread, Spread, Spread] = (0.5, 0.5, 0.5)
    """The standard deviations of red, green and blue, for colours in 0–1; mean 0.5 and std 0.5
    scale them to −1 to 1.
    """
    channels: Literal["rgb", "bgr"] = "rgb"
    """The order of the colour channels in the network's input."""

    @field_validator("mean", "std", mode="before")
    @classmethod
    def _check_scale(cls, values: object, info: ValidationInfo) -> object:
        """Return `values`; raises if they are for colours in 0–255 instead of 0–1.

        Some programs print the mean and the standard deviation for colours in 0–255.
        """
        numbers = [v for v in values if isinstance(v, int | float)] if _is_triple(values) else []
        if len(numbers) < 3 or max(numbers) <= LARGEST_CHANNEL or max(numbers) > 255:
            return values
        name, scaled = f"input.{info.field_name}", ", ".join(f"{v / 255:.4g}" for v in numbers)
        problem = f"{name} is for colours from 0 to 255 (expected for colours from 0 to 1)"
        context = {"problem": problem, "remedy": f"Write {info.field_name}: [{scaled}]."}
        raise PydanticCustomError("refused", "{problem}", context)


Template = Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$", description="text with one {}")]


class LabelSetSettings(Section):
    """All settings of labelset.yaml."""

    title: str
    credit: str
    """The author and the date of the names, shown at the foot of the visitors' screen."""
    credit_translations: dict[str, str] = Field(default_factory=dict)
    """The credit in other languages, keyed by language: `es`, `de`."""
    root: RootSettings
    crop: Crop = "bust"
    method: Annotated[Method, _MethodByName]
    encoder: (
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="a network's name")]
        | None
    ) = None
    """The name of the network; None: the default of the method."""
    temperature: Annotated[float, Field(ge=0.001, le=1000)] = 1.0
    """The divisor of the logits before the softmax: a lower divisor makes the best score higher.

    The default value is the method's.
    """
    min_score: Fraction = 0.1
    """The least score of a label; a visitor for whom no label reaches it is labelled with the root.
    """
    templates: Annotated[tuple[Template, ...], Field(max_length=100)] = ()
    """Only for `prompts`: the sentences in which {} stands for the name; if empty, the kiosk's own
    sentences are used.
    """
    lists: bool = False
    """Only for `text`: whether the set uses the kiosk's file looks.csv. The file lists which labels
    an object suggests: for example, an accordion suggests the label musician.
    """
    examples: Annotated[str, Field(description="the name of a folder")] = EXAMPLES_FOLDER
    """Only for `examples`: the folder that contains a folder of pictures for each id.

    The path is relative to the set's own folder. If the value is AS_THEY_ARE, the pictures are not
    cut around faces.
    """
    input: InputSettings | None = None
    """Only for `onnx`: the format of the pictures that the network takes as its input."""
    output: Literal["logits", "scores"] | None = None
    """Only for `onnx`: what the network returns, logits (before the softmax) or scores (after it);
    None: logits.
    """

    @model_validator(mode="after")
    def _take_defaults_of_method(self) -> Self:
        defaults = {"temperature": self.method.temperature, "min_score": self.method.min_score}
        for key, number in defaults.items():
            if key not in self.model_fields_set:
                object.__setattr__(self, key, number)  # not yet in use, so it may change
        return self

    def credit_in(self, language: str) -> str:
        """Return the credit in `language`; untranslated if the set has no translation of it."""
        return self.credit_translations.get(language, self.credit).rstrip(".")

    @property
    def examples_folder(self) -> str:
        """The folder of the pictures, relative to the set's own folder."""
        return EXAMPLES_FOLDER if self.examples == AS_THEY_ARE else self.examples

    @property
    def cuts_examples(self) -> bool:
        """Whether each example picture is cut around the face in it, as a visitor's picture is."""
        return self.crop != "frame" and self.examples != AS_THEY_ARE

    @property
    def encoder_name(self) -> str:
        """The name of the network, by default the method's.

        The name is empty if the set has its own network.
        """
        return self.encoder or self.method.encoder

    @property
    def is_built(self) -> bool:
        """Whether tensors are built for the set.

        Otherwise its network's outputs are used unchanged.
        """
        return self.encoder_name not in self.method.unbuilt_encoders

    @property
    def outputs(self) -> Outputs | None:
        """The index of each output of the network, keyed by the output's id.

        None if the labels are not outputs of a network, or if the network's outputs are not known.
        """
        return self.method.outputs(self.encoder_name) if self.method.outputs else None
