"""The camera's controls as kiosk.yaml names them: their values, and the drivers' names for them.

A control can have several names, because drivers have renamed controls. A curator does not know
these names. So kiosk.yaml has five settings with its own names, and `DRIVER_NAMES` says which
controls belong to each setting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

UNITS_PER_S = 10_000
"""Video4Linux counts exposure times in units of 100 µs (V4L2_CID_EXPOSURE_ABSOLUTE)."""

MAX_EXPOSURE_S = 10.0

DRIVER_NAMES: Mapping[str, tuple[str, ...]] = {
    "mains": ("power_line_frequency",),
    "focus": ("focus_absolute", "focus_automatic_continuous", "focus_auto"),
    "exposure": ("exposure_time_absolute", "exposure_absolute", "auto_exposure", "exposure_auto"),
    "white_balance": (
        *("white_balance_temperature", "white_balance_automatic"),
        "white_balance_temperature_auto",
    ),
    "keep_rate": ("exposure_dynamic_framerate", "exposure_auto_priority"),
}
"""For each of the five settings, the names that drivers give to its controls, as `v4l2-ctl` prints
them. From drivers/media/v4l2-core/v4l2-ctrls-defs.c and drivers/media/usb/uvc/uvc_ctrl.c of Linux;
uvcvideo changed four of its names in Linux 5.15.
"""

_TIME = re.compile(r"(?:(1)\s*/\s*)?(\d+(?:[.,]\d+)?)\s*(ms|s|)")


def exposure_in_words(seconds: float) -> str:
    """Return an exposure time as kiosk.yaml has it, such as '20 ms (1/50 s)'."""
    words = f"{round(1000 * seconds, 1):g} ms"
    return f"{words} (1/{1 / seconds:.0f} s)" if 0 < seconds <= 0.5 else words


def _parse_mains(value: object) -> object:
    """Return the frequency as kiosk.yaml has it; YAML reads `off` as false."""
    if value is False:
        return "off"
    if isinstance(value, str) and (match := re.fullmatch(r"([56]0)\s*(?:Hz)?", value, re.I)):
        return int(match[1])
    return value


def _parse_exposure(value: object) -> object:
    """Return the exposure time, s; 'auto'; or None if `value` is empty."""
    if value in (None, "", "auto"):
        return value or None
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        match = _TIME.fullmatch(f"{value}")
    if match is None:
        raise PydanticCustomError("wrong_type", "the exposure is not a time")
    fraction, digits, unit = match.groups()
    number = float(digits.replace(",", "."))
    if not unit and not fraction:
        # Photographers write 50 for 1/50 s, and other people for 50 ms.
        context = {
            "problem": f"camera.exposure is {digits}, which has no unit (expected {EXPOSURE})",
            "remedy": f"Write {digits} ms, or 1/{digits} s.",
        }
        raise PydanticCustomError("refused", "{problem}", context)
    seconds = 1 / number if fraction and number else number
    seconds /= 1000 if unit == "ms" else 1
    if not (fraction and unit == "ms") and 1 / UNITS_PER_S <= seconds <= MAX_EXPOSURE_S:
        return seconds
    raise PydanticCustomError("wrong_type", "the exposure is not a time in the allowed range")


MAINS = "50, 60, off or auto"
FOCUS = "auto, or a whole number in the range that `kiosk cameras` lists"
EXPOSURE = "auto, or a time from 0.1 ms to 10 s, such as 20 ms or 1/50 s"
WHITE_BALANCE = "auto, or a whole number from 1000 to 20000, in kelvin"

Mains = Annotated[
    Literal[50, 60, "off", "auto"] | None, BeforeValidator(_parse_mains), Field(description=MAINS)
]
"""The frequency of the mains, Hz. None means that the camera's control is not changed. This is also
the meaning of None in `Focus`, `Exposure` and `WhiteBalance`.
"""
Focus = Annotated[Literal["auto"] | int | None, Field(description=FOCUS)]
"""The distance of the focus, in units of the camera."""
Exposure = Annotated[
    Literal["auto"] | float | None,
    PlainValidator(
        _parse_exposure,
        json_schema_input_type=Literal["auto"] | Annotated[str, Field(pattern="^[0-9]")] | None,
    ),
    Field(description=EXPOSURE),
]
"""The exposure time, s."""
WhiteBalance = Annotated[
    Literal["auto"] | Annotated[int, Field(ge=1000, le=20000)] | None,
    Field(description=WHITE_BALANCE),
]
"""The colour temperature of white, kelvin."""


def refuse_second_names(controls: dict[str, int], data: Mapping[str, object]) -> None:
    """Raise pydantic's error if `controls` sets a control that another setting in `data` sets.

    `controls` is `camera.controls` of kiosk.yaml, and `data` are the other settings of the section.
    """
    twice = [
        (name, setting)
        for setting, names in DRIVER_NAMES.items()
        for name in names
        if name in controls and data.get(setting) is not None
    ]
    if not twice:
        return
    pairs = ", ".join(f"camera.controls.{name} and camera.{setting}" for name, setting in twice)
    context = {
        "problem": f"two settings are for the same control: {pairs} (expected one of the two)",
        "remedy": f"Remove {', '.join(name for name, _ in twice)} from camera.controls.",
    }
    raise PydanticCustomError("refused", "{problem}", context)


def refuse_long_exposure(name: str | None, value: object, data: Mapping[str, object]) -> None:
    """Raise pydantic's error if an exposure is too long for the frame rate `camera.fps`.

    With `keep_rate: true` the limit is the time of one frame. Otherwise it is the time of two
    frames: with a longer exposure, the camera sends less than half of its pictures, which counts as
    a fault. `name` and `value` are those of the setting that is validated, in the section `camera`.
    `data` has the settings that were validated before it.
    """
    values = {**data, f"{name}": value}
    exposure, fps = values.get("exposure"), values.get("fps")
    frames = 1 if values.get("keep_rate") else 2
    if not isinstance(exposure, float) or not isinstance(fps, int):
        return
    if exposure * fps <= frames * (1 + 1 / UNITS_PER_S):
        return
    keeps = "camera.keep_rate is true, but " if frames == 1 else ""
    context = {
        "problem": (
            f"{keeps}camera.exposure is {exposure_in_words(exposure)} (expected at most "
            f"{frames}/{fps} s, because camera.fps is {fps})"
        ),
        "remedy": "Write a shorter exposure, or a smaller fps.",
    }
    raise PydanticCustomError("refused", "{problem}", context)
