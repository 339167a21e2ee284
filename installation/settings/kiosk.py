"""The settings of kiosk.yaml: names, types, ranges and defaults.

A validator that must look at a file gets the folder from `Folders`, which `load_settings` passes.
Tests create settings without `Folders`; then no file is looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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
    counted,
    did_you_mean,
    display_path,
    ellipsize,
    join_first,
    nearest,
)
from installation.settings.languages import (
    CODE,
    ENGLISH,
    Language,
    label_languages,
    likely_language,
    resolve_language,
    word_languages,
)
from installation.settings.paths import DEFAULT_FILE, MODELS, label_set_names
from installation.settings.placeholders import CuratorScore, CuratorSentence
from installation.settings.reasons import REASONS, Reason
from installation.settings.schema_words import CONNECTOR, ELSEWHERE, SCREEN_ELSEWHERE, Keys
from installation.settings.source import AUTO, SOURCE_IN_WORDS, Source, parse_source
from installation.settings.text_file import read_text, remedy_for_missing
from installation.settings.values.camera_controls import (
    Exposure,
    Focus,
    Mains,
    WhiteBalance,
    refuse_long_exposure,
    refuse_second_names,
)
from installation.settings.yaml_file import Loaded, Section, parse_yaml

MIN_WORDS = 5
"""The least number of words in `acknowledged`: 'yes' or 'I know' does not say who decided."""

ANNOUNCE_S = 3.0
"""How long the notice is shown before a visitor is classified, s; enough time to turn away."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]

MIN_HOLD_S = 0.5
"""The least time between two changes of a category's name, s: large text may change at most twice a
second, for visitors with epilepsy.
"""

MOST_LANGUAGES = 2
"""The largest number of languages of a show; more would leave no room for the picture between the
notice and the foot of the screen.
"""

LANGUAGE_IN_WORDS = "a code such as en, or a list of two codes such as [de, en]"

PLAIN_FOLDER = re.compile(r"[^./\\][^/\\]*")
"""Matches the name of a label set as written in kiosk.yaml, without the folder models/."""


@dataclass(frozen=True)
class Folders:
    """The folders in which the settings look for files."""

    models: Path
    """The folder of the label sets."""
    sources: Path
    """The folder at which a relative path of a film, or of a folder of pictures, starts."""


def _refusal(problem: str, remedy: str) -> PydanticCustomError:
    """Return pydantic's error for a rejected value, with `problem` and `remedy`."""
    return PydanticCustomError("refused", "{problem}", {"problem": problem, "remedy": remedy})


def _parse_source(value: object, info: ValidationInfo) -> Source:
    if isinstance(value, Source):
        return value
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not value:
        # Raised without a remedy; `yaml_file` adds the remedy, the value seen and the values
        # expected.
        raise PydanticCustomError("wrong_type", "a source is text or a number")
    folders = info.context
    try:
        return parse_source(value, folders.sources if isinstance(folders, Folders) else Path())
    except SettingsError as error:
        (mistake,) = error.mistakes
        raise _refusal(mistake.problem, mistake.remedy) from None


class CameraSettings(Section):
    """The source of frames, their size and rate, and how they are rotated and mirrored."""

    source: Annotated[
        Source,
        PlainValidator(_parse_source, json_schema_input_type=str),
        PlainSerializer(repr),  # the JSON schema holds the defaults
        Field(description=SOURCE_IN_WORDS),
    ] = Field(default=AUTO, validate_default=True)
    """The source of frames. A relative path in kiosk.yaml starts at the folder of this file; a
    relative path after --source starts at the current folder.
    """
    width: Annotated[int, Field(ge=160, le=7680)] = 1280
    height: Annotated[int, Field(ge=120, le=4320)] = 720
    fps: Annotated[int, Field(ge=1, le=240)] = 30
    mirror: bool = True
    rotate: Literal[0, 90, 180, 270] = 0
    """The clockwise rotation of the picture, degrees."""
    mains: Mains = None
    focus: Focus = None
    exposure: Exposure = None
    white_balance: WhiteBalance = None
    keep_rate: bool | None = None
    """Whether the camera keeps its rate in the dark; None means that the show does not set this."""
    controls: dict[str, int] = Field(default_factory=dict)
    """The values of the camera's other controls, keyed by their names in `kiosk cameras`."""

    @field_validator("exposure", "keep_rate")
    @classmethod
    def _check_exposure(cls, value: object, info: ValidationInfo) -> object:
        refuse_long_exposure(info.field_name, value, info.data)
        return value

    @field_validator("controls")
    @classmethod
    def _check_names(cls, controls: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        refuse_second_names(controls, info.data)
        return controls


def _empty_if_none(value: object) -> object:
    return "" if value is None else value


class ReadingSettings(Section):
    """The settings that decide when visitors are classified, and how a label is chosen."""

    acknowledged: Annotated[str, BeforeValidator(_empty_if_none)] = ""
    """The curator's sentence that says who chose a shorter time than the usual `ANNOUNCE_S` for
    `announce_s`, and why. It is needed only if `announce_s` is shorter than `ANNOUNCE_S`.

    This field precedes `announce_s`, because the validator of `announce_s` reads it.
    """
    announce_s: Annotated[float, Field(ge=0, le=60)] = ANNOUNCE_S
    """How long visitors see the notice before the first picture of them is classified, s."""
    draw: Literal["top", "sample"] = "top"
    min_time_s: Seconds = 1.2
    min_readings: Annotated[int, Field(ge=1, le=1000)] = 3
    agreement: Annotated[float, Field(gt=0, le=1)] = 0.6
    hold_s: Annotated[float, Field(ge=MIN_HOLD_S, le=3600)] = 8.0
    """The least time that a name is shown before it is withdrawn, s."""
    min_score: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The least score of a label that is shown, 0–1; None means the label set's own value."""

    @field_validator("announce_s")
    @classmethod
    def _check_acknowledged(cls, announce_s: float, info: ValidationInfo) -> float:
        if announce_s >= ANNOUNCE_S or "acknowledged" not in info.data:
            return announce_s
        words = len(info.data["acknowledged"].split())
        if words < MIN_WORDS:
            problem = (
                f"reading.announce_s is {announce_s:g} s, but reading.acknowledged has "
                f"{counted(words, 'word')} (expected {ANNOUNCE_S:g} s or more, or {MIN_WORDS} "
                "words or more)"
            )
            remedy = (
                f"Write {ANNOUNCE_S:g} or more, so that visitors are informed in time; or write in "
                "reading.acknowledged who decided this and why."
            )
            raise _refusal(problem, remedy)
        return announce_s


class VisitorSettings(Section):
    """The settings that decide which people in the picture are classified."""

    least_size: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    """The least height of a face, as a share of the picture's height; smaller faces are not
    classified.
    """


class ContentSettings(Section):
    """The settings that decide which labels are hidden."""

    acknowledged: Annotated[str, BeforeValidator(_empty_if_none)] = ""
    """The curator's sentence about who decided to hide fewer labels than by default, and why. It is
    needed if a default reason is missing in `hide`.

    This field precedes `hide`, because the validator of `hide` reads it.
    """
    hide: tuple[Reason, ...] = REASONS

    @field_validator("hide")
    @classmethod
    def _check_acknowledged(
        cls, hide: tuple[Reason, ...], info: ValidationInfo
    ) -> tuple[Reason, ...]:
        missing = [reason for reason in REASONS if reason not in hide]
        if "acknowledged" not in info.data:  # `acknowledged` is wrong, and reported
            return hide
        words = len(info.data["acknowledged"].split())
        if missing and words < MIN_WORDS:
            problem = (
                f"content.hide lacks {join_first(missing)}, but content.acknowledged has "
                f"{counted(words, 'word')} (expected all reasons in hide, or {MIN_WORDS} "
                "words or more)"
            )
            remedy = (
                "Add them, so that visitors do not get such labels. Or write in "
                "content.acknowledged who left them out, and why."
            )
            raise _refusal(problem, remedy)
        return hide


Connector = Annotated[
    str,
    Field(pattern=f"^{CONNECTOR}$", description="a connector such as HDMI-1"),
]
"""The name of a connector as `xrandr` lists it."""


class ScreenSettings(Section):
    """The display, the title on the screen, and the staff's keys."""

    model_config = ConfigDict(json_schema_extra={"elsewhere": dict(SCREEN_ELSEWHERE)})

    display: Literal["auto"] | Annotated[int, Field(ge=0, le=15)] | Connector = "auto"
    """The number of a display, or the name of its connector; auto means the first display, or a
    show without a display if there is none.
    """
    rotate: Literal[0, 90, 180, 270] = 0
    """The clockwise rotation of the picture for a screen that hangs sideways, degrees."""
    title: CuratorSentence = None
    """The large line on the waiting screen; None means the kiosk's title."""
    idle: Literal["list", "mirror"] = "list"
    """The waiting screen: the names of the labels, or only the picture of the camera."""
    keys: bool = True
    """Whether F1 shows the staff card and holding Escape ends the show."""


PROMISE = "it promises what happens to the pictures, so its text cannot be changed"
NOTICE = "visitors have the right to read this text unchanged"
PAUSED = "this text must tell staff and visitors that the show has failed several times"
NO_CAMERA = "this text must tell staff and visitors that no camera is on"
FIXED_WORDS = {
    "notice": NOTICE,
    "way_out": NOTICE,
    "way_out_one": NOTICE,
    "countdown": NOTICE,
    "brief_countdown": NOTICE,
    "turn_away": NOTICE,
    "artwork": NOTICE,
    "guess": NOTICE,
    "no_guess": NOTICE,
    "only_square": NOTICE,
    "names": NOTICE,
    "blacked_out": NOTICE,
    "blacked_out_one": NOTICE,
    "brief_score": NOTICE,
    "others": NOTICE,
    "given": NOTICE,
    "drawn": NOTICE,
    "withdrawn": NOTICE,
    "promise": PROMISE,
    "privacy": PROMISE,
    "privacy_today": PROMISE,
    "privacy_earlier": PROMISE,
    "privacy_undated": PROMISE,
    "privacy_unguarded": PROMISE,
    "unguarded_title": PROMISE,
    "unguarded": PROMISE,
    "unguarded_staff": PROMISE,
    "paused_title": PAUSED,
    "paused": PAUSED,
    "no_camera": NO_CAMERA,
    "rehearsal": NO_CAMERA,
}
"""The sentences that a curator cannot replace, and why; in the JSON schema they are `fixed`."""


class OwnWords(Section):
    """Sentences that the curator writes; None means that the kiosk's sentence is shown."""

    model_config = ConfigDict(json_schema_extra={"fixed": dict(FIXED_WORDS)})

    invitation: CuratorSentence = None
    reading: CuratorSentence = None
    score: CuratorScore = None
    unsure: CuratorScore = None
    loading: CuratorSentence = None
    trouble_title: CuratorSentence = None
    trouble: CuratorSentence = None


def _parse_languages(value: object, info: ValidationInfo) -> Language:
    """Return the `Language` of the first code; its `second` is that of the second code, if any."""
    if isinstance(value, Language):
        return value
    given = value if isinstance(value, list | tuple) else [value]
    codes = [code for code in given if isinstance(code, str)]
    words = re.split(r"[\s,;/+&]+", codes[0].strip()) if len(codes) == len(given) == 1 else []
    if len(words) == MOST_LANGUAGES and all(CODE.fullmatch(word) for word in words):
        problem = f"language is '{ellipsize(codes[0])}' (expected a code, or a list of two codes)"
        raise _refusal(problem, f"Write [{', '.join(words)}].")
    if not 1 <= len(codes) == len(given) <= MOST_LANGUAGES:
        # Raised without a remedy; `yaml_file` adds the remedy, the value seen and the values
        # expected.
        raise PydanticCustomError("wrong_type", "language must be a code, or a list of two codes")
    if len(set(codes)) < len(codes):
        problem = f"language names '{ellipsize(codes[0])}' twice"
        raise _refusal(problem, f"Write `language: {ellipsize(codes[0])}`.")
    first, *others = (_parse_language(code, info) for code in codes)
    return replace(first, second=others[0]) if others else first


def _parse_language(value: str, info: ValidationInfo) -> Language:
    folders, labels = info.context, info.data.get("labels")
    if not isinstance(folders, Folders):
        return resolve_language(value)
    if labels is None:  # the label set is wrong, so its languages are unknown
        if CODE.fullmatch(value):
            return resolve_language(value)
        known = word_languages()
        problem = f"language is '{ellipsize(value)}' (expected a code such as {', '.join(known)})"
        remedy = did_you_mean(likely_language(value, known)) or "Write a code of two letters."
        raise _refusal(problem, remedy)
    translations = label_languages(labels, folders.models)
    known = sorted({*word_languages(), *translations})
    if value not in known:
        problem = (
            f"language is '{ellipsize(value)}', but neither the kiosk's words nor the names in "
            f"models/{ellipsize(labels)} exist in this language"
        )
        meant = likely_language(value, known) or nearest(value, known)
        raise _refusal(problem, did_you_mean(meant) or f"Known languages: {', '.join(known)}.")
    return resolve_language(value, translations)


Code = Annotated[str, Field(description="a code such as en")]


class Settings(Section):
    """All of kiosk.yaml."""

    model_config = ConfigDict(json_schema_extra={"elsewhere": dict(ELSEWHERE)})

    labels: Annotated[str, Field(description="the name of a folder in models/")] = "persons"
    language: Annotated[
        Language,
        PlainValidator(_parse_languages, json_schema_input_type=str | list[Code]),
        PlainSerializer(repr),  # for the default in the JSON schema
        Field(description=LANGUAGE_IN_WORDS),
    ] = Field(default=ENGLISH, validate_default=True)
    """The languages of the kiosk's own words and of the labels; see `languages`."""
    privacy: Literal["enforce", "degraded"] = "enforce"
    """Whether the show runs even if the kernel cannot prevent pictures from being stored
    (`degraded`).

    The launcher reads this setting before anything else is loaded.
    """
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    detector: Literal["auto", "mtcnn", "yunet"] = "auto"
    camera: CameraSettings = CameraSettings()
    visitors: VisitorSettings = VisitorSettings()
    reading: ReadingSettings = ReadingSettings()
    content: ContentSettings = ContentSettings()
    screen: ScreenSettings = ScreenSettings()
    words: OwnWords = OwnWords()

    @field_validator("labels")
    @classmethod
    def _check_label_set(cls, labels: str, info: ValidationInfo) -> str:
        folders = info.context
        if not PLAIN_FOLDER.fullmatch(labels):
            name = re.split(r"[/\\]", labels.rstrip("/\\"))[-1]
            remedy = f"Type `{ellipsize(name)}`, the folder's name without a path."
            if isinstance(folders, Folders) and name not in label_set_names(folders.models):
                remedy = "Type the folder's name without a path."
            raise _refusal(
                f"labels is '{ellipsize(labels)}' (expected the name of a folder in models/)",
                remedy if PLAIN_FOLDER.fullmatch(name) else "Type the name of a folder in models/.",
            )
        if not isinstance(folders, Folders):
            return labels
        known = label_set_names(folders.models)
        if labels not in known and (folders.models / labels).is_dir():
            missing = folders.models / labels / "labelset.yaml"
            raise _refusal(
                f"labels is '{ellipsize(labels)}', but {display_path(missing)} does not exist",
                remedy_for_missing(missing),
            )
        if labels not in known:
            remedy = did_you_mean(nearest(labels, known))
            raise _refusal(
                f"labels is '{ellipsize(labels)}', but no such label set exists",
                remedy or f"Label sets in this folder: {', '.join(known) or 'none'}.",
            )
        return labels


def load_settings(
    path: Path = DEFAULT_FILE,
    *,
    source: str | None = None,
    labels: str | None = None,
    models: Path = MODELS,
) -> Loaded[Settings]:
    """Return the settings of the file `path`.

    `source` and `labels` come from the command line and replace the settings of the file. `models`
    is the folder of the label sets. Raises SettingsError with all mistakes at once.
    """
    options: dict[Keys, tuple[str, object]] = {}
    if source is not None:
        options["camera", "source"] = "--source", source
    if labels is not None:
        options["labels",] = "--labels", labels
    file = display_path(path)
    text = read_text(path, file, SettingsError)
    folders = Folders(models, sources=path.parent if source is None else Path())
    return parse_yaml(text, file, Settings, SettingsError, options, folders)
