"""The settings of kiosk.yaml: names, types, ranges and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from installation.errors import (
    SettingsError,
    did_you_mean,
    display_path,
    ellipsize,
    join_first,
    nearest,
)
from installation.settings.languages import (
    ENGLISH,
    Language,
    label_languages,
    resolve_language,
    word_languages,
)
from installation.settings.paths import DEFAULT_FILE, MODELS, label_set_names
from installation.settings.placeholders import LONGEST_SENTENCE, Text, holding
from installation.settings.reasons import REASONS, Reason
from installation.settings.schema_words import Keys
from installation.settings.source import AUTO, SOURCE_IN_WORDS, Source, parse_source
from installation.settings.text_file import read_text
from installation.settings.yaml_file import Loaded, Section, parse_yaml

FEWEST_WORDS = 5
"""Of `content.acknowledged`: 'yes' and 'I know' say nothing, a sentence says who and why."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


@dataclass(frozen=True)
class Surroundings:
    """What a file's settings are checked against, beyond their form."""

    models: Path
    """The folder that must hold the label set."""
    folder: Path
    """Where the path of a film or a folder of pictures begins."""


def _text_of_nothing(value: object) -> object:
    return "" if value is None else value


def _refusal(what: str, remedy: str) -> PydanticCustomError:
    """Return the error with which a validator refuses a value in words of its own."""
    return PydanticCustomError("refused", "{what}", {"what": what, "remedy": remedy})


def _parse_source(value: object, info: ValidationInfo) -> Source:
    if isinstance(value, Source):
        return value
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("source", "a source is text or a number")
    surroundings = info.context
    folder = surroundings.folder if isinstance(surroundings, Surroundings) else Path()
    try:
        return parse_source(value, folder)
    except SettingsError as error:
        (mistake,) = error.mistakes
        raise _refusal(mistake.what, mistake.remedy) from None


class CameraSettings(Section):
    """Where frames come from and how they are turned."""

    source: Annotated[
        Source,
        PlainValidator(_parse_source, json_schema_input_type=str),
        PlainSerializer(repr),  # the JSON schema holds the defaults
        Field(description=SOURCE_IN_WORDS),
    ] = Field(default=AUTO, validate_default=True)
    """A relative path starts at the folder of kiosk.yaml; that of --source at the current one."""
    width: Annotated[int, Field(ge=160, le=7680)] = 1280
    height: Annotated[int, Field(ge=120, le=4320)] = 720
    fps: Annotated[int, Field(ge=1, le=240)] = 30
    mirror: bool = True
    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise."""


class ReadingSettings(Section):
    """When readings become a verdict, and how it is drawn."""

    draw: Literal["top", "sample"] = "top"
    min_time_s: Seconds = 1.2
    min_readings: Annotated[int, Field(ge=1, le=1000)] = 3
    agreement: Fraction = 0.6
    hold_s: Seconds = 8.0
    min_score: Fraction | None = None
    """Below it the visitor is only the set's root, 'person'; None: as the label set says."""


class ContentSettings(Section):
    """Which labels stay hidden."""

    acknowledged: Annotated[str, BeforeValidator(_text_of_nothing)] = ""
    """A sentence of the curator's own; needed as soon as `hide` lacks any reason."""
    hide: tuple[Reason, ...] = REASONS

    @field_validator("hide")
    @classmethod
    def _showing_needs_a_sentence(
        cls, hide: tuple[Reason, ...], info: ValidationInfo
    ) -> tuple[Reason, ...]:
        shown = [reason for reason in REASONS if reason not in hide]
        words = len(info.data.get("acknowledged", "").split())
        if shown and words < FEWEST_WORDS and "acknowledged" in info.data:
            raise PydanticCustomError(
                "not_acknowledged",
                "content.hide leaves out {shown}, so such labels would be put on visitors, and "
                "content.acknowledged has {words} words (expected a sentence of {fewest} or more)",
                {
                    "shown": join_first(shown),
                    "words": words or "no",
                    "fewest": FEWEST_WORDS,
                    "remedy": "Put the reasons back, or say in content.acknowledged who decided "
                    "this and why.",
                },
            )
        return hide


def _nothing_of_empty(value: object) -> object:
    return None if value == "" else value


OwnText = Annotated[
    Text,
    Field(max_length=LONGEST_SENTENCE, description=f"text of at most {LONGEST_SENTENCE} letters"),
]
OwnSentence = Annotated[Annotated[OwnText, holding()] | None, BeforeValidator(_nothing_of_empty)]
OwnScore = Annotated[
    Annotated[OwnText, holding("score")] | None, BeforeValidator(_nothing_of_empty)
]


class ScreenSettings(Section):
    """The wall."""

    display: Literal["auto"] | Annotated[int, Field(ge=0, le=15)] = "auto"
    """A display's number; auto takes the first, or runs without where the machine has none."""
    title: OwnSentence = None
    """The line on the waiting screen; None: as the show's words say."""


PROMISE = "it says what becomes of the pictures, and may promise only what this program holds"
NOTICE = "visitors have a right to read it as it is"
FIXED = {
    "notice": NOTICE,
    "guess": NOTICE,
    "privacy": PROMISE,
    "privacy_today": PROMISE,
    "privacy_earlier": PROMISE,
    "privacy_unguarded": PROMISE,
    "unguarded_title": PROMISE,
    "unguarded": PROMISE,
    "unguarded_staff": PROMISE,
}
"""The sentences that a curator cannot put into words of their own, and why."""


class OwnWords(Section):
    """The curator's own sentences; None: as the show's words say."""

    model_config = ConfigDict(json_schema_extra={"fixed": dict(FIXED)})

    invitation: OwnSentence = None
    reading: OwnSentence = None
    score: OwnScore = None
    unsure: OwnScore = None
    loading: OwnSentence = None
    trouble_title: OwnSentence = None
    trouble: OwnSentence = None


def _parse_language(value: object, info: ValidationInfo) -> Language:
    if isinstance(value, Language):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("language", "a language is text")
    surroundings, labels = info.context, info.data.get("labels")
    # If the label set is unknown, so are its languages.
    if not isinstance(surroundings, Surroundings) or labels is None:
        return resolve_language(value)
    translations = label_languages(labels, surroundings.models)
    known = sorted({*word_languages(), *translations})
    if value not in known:
        what = (
            f"language is '{ellipsize(value)}', but neither the kiosk's words nor the names in "
            f"models/{ellipsize(labels)} are in it"
        )
        remedy = did_you_mean(nearest(value, known)) or f"There are: {', '.join(known)}."
        raise _refusal(what, remedy)
    return resolve_language(value, translations)


class Settings(Section):
    """All of kiosk.yaml."""

    labels: Annotated[
        str,
        Field(pattern=r"^[^./\\][^/\\]*$", description="the name of a folder in models/"),
    ] = "persons"
    language: Annotated[
        Language,
        PlainValidator(_parse_language, json_schema_input_type=str),
        PlainSerializer(repr),  # the JSON schema holds the defaults
    ] = Field(default=ENGLISH, validate_default=True)
    privacy: Literal["enforce", "degraded"] = "enforce"
    """Whether the show runs where the kernel does not keep it from storing pictures.

    The launcher reads it too, before anything else.
    """
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    detector: Literal["auto", "mtcnn", "yunet"] = "auto"
    camera: CameraSettings = CameraSettings()
    reading: ReadingSettings = ReadingSettings()
    content: ContentSettings = ContentSettings()
    screen: ScreenSettings = ScreenSettings()
    words: OwnWords = OwnWords()

    @field_validator("labels")
    @classmethod
    def _exists(cls, labels: str, info: ValidationInfo) -> str:
        around = info.context
        if isinstance(around, Surroundings):
            known = label_set_names(around.models)
            if labels not in known:
                raise PydanticCustomError(
                    "no_label_set",
                    "labels is '{labels}', but no such label set exists",
                    {
                        "labels": ellipsize(labels),
                        "remedy": did_you_mean(nearest(labels, known))
                        or f"There are: {', '.join(known) or 'none'}.",
                    },
                )
        return labels


def load(
    path: Path = DEFAULT_FILE,
    *,
    source: str | None = None,
    labels: str | None = None,
    models: Path = MODELS,
) -> Loaded[Settings]:
    """Return the settings of `path`, with the command line's `source` and `labels` over them.

    Raises SettingsError with all mistakes at once.
    """
    said: dict[Keys, tuple[str, str | None]] = {
        ("camera", "source"): ("--source", source),
        ("labels",): ("--labels", labels),
    }
    options: dict[Keys, tuple[str, object]] = {
        keys: (name, value) for keys, (name, value) in said.items() if value is not None
    }
    file = display_path(path)
    text = read_text(path, file, SettingsError)
    around = Surroundings(models, path.parent if source is None else Path())
    return parse_yaml(text, file, Settings, SettingsError, options, around)
