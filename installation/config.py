"""kiosk.yaml as frozen settings, with every mistake of the file named at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

PROJECT = Path(__file__).resolve().parent.parent
MODELS = PROJECT / "models"
"""The folder of label sets, and of weights that a venue has fetched."""

WEIGHTS = MODELS / "weights"

Reason = Literal[
    "slur",
    "insult",
    "sexual",
    "criminal",
    "demeaning",
    "race",
    "ethnicity",
    "nationality",
    "religion",
    "politics",
    "orientation",
    "gender",
    "disability",
    "illness",
    "family",
    "age",
    "poverty",
    "unseen",
]
"""Why a label is hidden. `unseen`: it presumes to know what no picture shows, and would wound."""

REASONS: tuple[Reason, ...] = get_args(Reason)

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CameraSettings(_Settings):
    """Where frames come from and how they are turned."""

    source: str = "auto"
    """auto, rehearsal, a camera's index, its /dev/v4l/by-id path, a film, a folder of pictures."""
    width: Annotated[int, Field(ge=160, le=7680)] = 1280
    height: Annotated[int, Field(ge=120, le=4320)] = 720
    fps: Annotated[int, Field(ge=1, le=240)] = 30
    mirror: bool = True
    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise."""


class ReadingSettings(_Settings):
    """When readings become a verdict, and how it is drawn."""

    draw: Literal["top", "sample"] = "top"
    min_time_s: Seconds = 1.2
    min_readings: Annotated[int, Field(ge=1, le=1000)] = 3
    agreement: Share = 0.6
    hold_s: Seconds = 8.0
    min_score: Share | None = None
    """Below it the visitor is only the set's root, 'person'; None: as the label set says."""


class ContentSettings(_Settings):
    """Which labels stay hidden."""

    hide: tuple[Reason, ...] = REASONS
    acknowledged: str = ""
    """A sentence of the curator's own; needed as soon as `hide` lacks any reason."""


class ScreenSettings(_Settings):
    """The wall."""

    display: Literal["auto"] | Annotated[int, Field(ge=0, le=15)] = "auto"
    """A display's number; auto takes the first, or runs without where the machine has none."""
    title: str | None = None
    """The line on the waiting screen; None: as the show's words say."""


class Settings(_Settings):
    """All of kiosk.yaml."""

    labels: str = "persons"
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    detector: Literal["auto", "mtcnn", "yunet"] = "auto"
    camera: CameraSettings = CameraSettings()
    reading: ReadingSettings = ReadingSettings()
    content: ContentSettings = ContentSettings()
    screen: ScreenSettings = ScreenSettings()
