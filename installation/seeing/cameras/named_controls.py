"""Sets the controls that kiosk.yaml names: mains, focus, exposure, white balance, and the rate.

While a camera sets a value automatically, it rejects a value from a program. So the automatic mode
is turned off first. Controls are recognised by their numbers, because their names differ among
drivers and versions of Linux. The other controls, in `camera.controls`, are set after these, by
their names.

A control that cannot be set does not keep a camera from being used: a show with a spare camera of
another model is better than none. So mistakes are returned, and not raised. Their locations are the
settings' names, such as `camera.focus`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from installation.errors import Mistake, did_you_mean, nearest
from installation.guarding.video_outputs import Ioctl, ioctl_of_kernel
from installation.seeing.cameras.controls import CameraControls, Control
from installation.settings.kiosk import CameraSettings
from installation.settings.values.camera_controls import UNITS_PER_S, exposure_in_words

POWER_LINE_FREQUENCY = 0x00980918
AUTO_WHITE_BALANCE, WHITE_BALANCE_TEMPERATURE = 0x0098090C, 0x0098091A
EXPOSURE_AUTO, EXPOSURE_ABSOLUTE, EXPOSURE_AUTO_PRIORITY = 0x009A0901, 0x009A0902, 0x009A0903
FOCUS_ABSOLUTE, FOCUS_AUTO = 0x009A090A, 0x009A090C
"""The numbers of the controls. Linux calls them V4L2_CID_… (include/uapi/linux/v4l2-controls.h)."""

LISTED = "`kiosk cameras` lists what each camera offers."

NOT_A_CAMERA = "the source is not a camera"
OTHER_SYSTEM = "on this system the kiosk cannot set the controls of cameras"


@dataclass(frozen=True)
class _Step:
    """A control, the value to which it is set, and this value as text for messages."""

    control: Control
    value: int
    words: str


class _Setting(Protocol):
    """A setting of a camera in kiosk.yaml: how it is set, and which values a camera offers."""

    name: str
    numbers: tuple[int, ...]
    """The numbers of the controls that this setting sets."""

    def words(self, value: object) -> str:
        """Return `value`, a value of the setting, as text for messages."""
        ...

    def plan(self, value: object, camera: CameraControls) -> list[_Step] | Mistake:
        """Return what to set on `camera` for `value`, or why it cannot be set. Raises OSError."""
        ...

    def offer(self, camera: CameraControls) -> str:
        """Return the values that `camera` offers, and the current one. Raises OSError."""
        ...

    def absent(self, value: object) -> Mistake:
        """Return a `Mistake` which says that the camera has no control for this setting."""
        problem = f"{self.name} is {self.words(value)}, but this camera has no control for it"
        remedy = f"Leave {self.name} empty, or use another camera. {LISTED}"
        return Mistake(self._where, problem, remedy)

    def not_offered(self, value: object, offered: str, remedy: str) -> Mistake:
        """Return a `Mistake` which says that the camera offers only `offered`, and not `value`."""
        problem = f"{self.name} is {self.words(value)} (expected {offered} with this camera)"
        return Mistake(self._where, problem, remedy)

    @property
    def _where(self) -> str:
        return f"camera.{self.name}"


class _Choice(_Setting):
    """A setting in plain words for one control; each word stands for one value of the control."""

    def __init__(self, name: str, number: int, values: Mapping[object, int]) -> None:
        """Set the control `number` to one of `values`, which are keyed by values of kiosk.yaml."""
        self.name = name
        self.numbers = (number,)
        self._values = values

    def words(self, value: object) -> str:
        return str(value).lower()  # kiosk.yaml has `true`

    def plan(self, value: object, camera: CameraControls) -> list[_Step] | Mistake:
        (number,) = self.numbers
        control = camera.find(number)
        if control is None:
            return self.absent(value)
        if not _allows(control, self._values[value]):
            remedy = f"Write another value, or leave {self.name} empty."
            return self.not_offered(value, self._offered(control), remedy)
        return [_Step(control, self._values[value], self.words(value))]

    def _offered(self, control: Control) -> str:
        return _alternatives(
            [self.words(key) for key, value in self._values.items() if _allows(control, value)]
        )

    def offer(self, camera: CameraControls) -> str:
        (number,) = self.numbers
        control = camera.find(number)
        if control is None:
            return "this camera has no control for this setting"
        now = [self.words(key) for key, value in self._values.items() if value == control.value]
        return f"{self._offered(control)}, now {', '.join(now) or control.value}"


class _Range(_Setting):
    """A setting that is automatic or has a value: two controls, each of which may be absent."""

    rounds = False
    """Whether a value between two steps of the control is rounded, and not a mistake."""

    def __init__(
        self,
        name: str,
        automatic: int,
        number: int,
        *,
        on: tuple[int, ...] = (1,),
        off: tuple[int, ...] = (0,),
        unit: str = "",
    ) -> None:
        """Describe a setting.

        Args:
            name: The setting's name.
            automatic: The number of the control that turns the automatic mode on and off.
            number: The number of the control with the value.
            on: The values of `automatic` that turn the automatic mode on, the preferred one first.
            off: The values that turn it off, the preferred one first.
            unit: The unit of the value, in words.
        """
        self.name = name
        self.numbers = (automatic, number)
        self._on, self._off, self._unit = on, off, unit

    def words(self, value: object) -> str:
        return str(value)

    def units(self, value: object) -> int:
        """Return the control's value for `value` in kiosk.yaml."""
        assert isinstance(value, int)
        return value

    def words_of_units(self, units: int) -> str:
        """Return `units`, a value of the control, as text for messages, in kiosk.yaml's unit."""
        return str(units)

    def plan(self, value: object, camera: CameraControls) -> list[_Step] | Mistake:
        automatic, control = map(camera.find, self.numbers)
        offered = self._offered(automatic, control)
        if not offered:
            return self.absent(value)
        if value == "auto":
            on = _first_allowed(automatic, self._on)
            if automatic is None or on is None:
                return self.not_offered(
                    value, offered, f"Write a value, or leave {self.name} empty."
                )
            return [_Step(automatic, on, "auto")]
        off = _first_allowed(automatic, self._off)
        if control is None or (automatic is not None and off is None):
            return self.not_offered(value, offered, f"Write auto, or leave {self.name} empty.")
        units = self.units(value)
        if self.rounds and control.minimum <= units <= control.maximum:
            units = control.nearest(units)
        if not _allows(control, units):
            closest = self.words_of_units(control.nearest(units))
            return self.not_offered(value, offered, f"The nearest value is {closest}.")
        steps = [] if automatic is None or off is None else [_Step(automatic, off, "not automatic")]
        return [*steps, _Step(control, units, self.words_of_units(units))]

    def _offered(self, automatic: Control | None, control: Control | None) -> str:
        """Return the values that a camera with these controls offers; "" if none."""
        offered = [] if _first_allowed(automatic, self._on) is None else ["auto"]
        fixed = automatic is not None and _first_allowed(automatic, self._off) is None
        if control is not None and not fixed:
            least, most = map(self.words_of_units, (control.minimum, control.maximum))
            size = control.step
            step = f" in steps of {self.step_in_words(size)}" if size > 1 else ""
            offered.append(f"{least} to {most}{self._unit}{step}")
        return _alternatives(offered)

    def step_in_words(self, units: int) -> str:
        """Return `units`, the step between two values of the control, as text for messages."""
        return self.words_of_units(units)

    def offer(self, camera: CameraControls) -> str:
        automatic, control = map(camera.find, self.numbers)
        offered = self._offered(automatic, control)
        if not offered:
            return "this camera has no control for this setting"
        if automatic is not None and automatic.value in self._on:
            return f"{offered}, now automatic"
        now = "not automatic" if control is None else self.words_of_units(control.value)
        return f"{offered}, now {now}"


class _Exposure(_Range):
    """The exposure time: seconds in the settings, units of 100 µs in the camera."""

    rounds = True  # 1/60 s is between two units, and nobody sees half a step

    def words(self, value: object) -> str:
        return exposure_in_words(value) if isinstance(value, float) else str(value)

    def units(self, value: object) -> int:
        assert isinstance(value, float)
        return round(value * UNITS_PER_S)

    def words_of_units(self, units: int) -> str:
        return exposure_in_words(units / UNITS_PER_S)

    def step_in_words(self, units: int) -> str:
        return f"{1000 * units / UNITS_PER_S:g} ms"


SETTINGS: Sequence[_Setting] = (
    _Choice("mains", POWER_LINE_FREQUENCY, {50: 1, 60: 2, "off": 0, "auto": 3}),
    _Range("focus", FOCUS_AUTO, FOCUS_ABSOLUTE),
    # Of the four modes, 0 and 3 choose the time automatically, and 1 and 2 do not.
    _Exposure("exposure", EXPOSURE_AUTO, EXPOSURE_ABSOLUTE, on=(3, 0), off=(1, 2)),
    _Range("white_balance", AUTO_WHITE_BALANCE, WHITE_BALANCE_TEMPERATURE, unit=" kelvin"),
    # The control allows the camera to lower its rate in the dark.
    _Choice("keep_rate", EXPOSURE_AUTO_PRIORITY, {True: 0, False: 1}),
)
"""The five settings, in the order of kiosk.yaml."""


def set_controls(
    node: Path, settings: CameraSettings, ioctl: Ioctl = ioctl_of_kernel
) -> list[Mistake]:
    """Set the controls of the camera at `node`; return a mistake for each that could not be set."""
    return _for_each(node, settings, ioctl, apply=True)


def find_mistakes(
    node: Path, settings: CameraSettings, ioctl: Ioctl = ioctl_of_kernel
) -> list[Mistake]:
    """Return the mistakes in `settings` that can be found without setting a control."""
    return _for_each(node, settings, ioctl, apply=False)


def describe(node: Path, ioctl: Ioctl = ioctl_of_kernel) -> list[str]:
    """Return what the camera at `node` offers, a line for each setting and then for each control.

    Raises OSError if the camera cannot be opened or lists no control.
    """
    with CameraControls.open(node, ioctl) as camera:
        named = [f"{setting.name}: {_offer(setting, camera)}" for setting in SETTINGS]
        numbers = {number for setting in SETTINGS for number in setting.numbers}
        others = [f"{control}" for control in camera.all() if control.id not in numbers]
    return named + others


def _offer(setting: _Setting, camera: CameraControls) -> str:
    try:
        return setting.offer(camera)
    except OSError as error:
        return f"the camera does not answer ({error.strerror})"


def in_words(settings: CameraSettings) -> dict[str, str]:
    """Return the value of each control that `settings` names, such as `{"focus": "120"}`."""
    values = _values(settings)
    named = {
        setting.name: setting.words(value)
        for setting in SETTINGS
        if (value := values[setting.name]) is not None
    }
    return named | {f"controls.{name}": str(value) for name, value in settings.controls.items()}


def _values(settings: CameraSettings) -> dict[str, object]:
    """Return the five settings, keyed by name; the value of an empty setting is None."""
    return {
        "mains": settings.mains,
        "focus": settings.focus,
        "exposure": settings.exposure,
        "white_balance": settings.white_balance,
        "keep_rate": settings.keep_rate,
    }


def unused(settings: CameraSettings, reason: str) -> list[Mistake]:
    """Return a mistake for each control that `settings` names but that cannot be set.

    `reason` says why, such as `NOT_A_CAMERA`.
    """
    remedy = (
        "Remove this setting."
        if reason == OTHER_SYSTEM
        else "This setting takes effect when a camera is used."
    )
    return [
        Mistake(f"camera.{name}", f"{name} is {words}, but {reason}", remedy)
        for name, words in in_words(settings).items()
    ]


def _for_each(node: Path, settings: CameraSettings, ioctl: Ioctl, *, apply: bool) -> list[Mistake]:
    """Return the mistakes in `settings` for the camera at `node`.

    If `apply` is true, the settings without a mistake are set.
    """
    if not in_words(settings):
        return []
    if sys.platform != "linux":
        return unused(settings, OTHER_SYSTEM)
    try:
        with CameraControls.open(node, ioctl) as camera:
            return [*_set_named(camera, settings, apply), *_set_others(camera, settings, apply)]
    except OSError as error:
        places = [f"camera.{name}" for name in in_words(settings)]
        return [_no_answer(where, error) for where in places]


def _no_answer(where: str, error: OSError) -> Mistake:
    """Return a `Mistake` which says that asking for the setting at `where` raised `error`."""
    problem = f"this camera does not answer when it is asked for the control ({error.strerror})"
    remedy = "Unplug the camera and plug it in again; if that does not help, remove the setting."
    return Mistake(where, problem, remedy)


def _set_named(camera: CameraControls, settings: CameraSettings, apply: bool) -> Iterator[Mistake]:
    """Set the five settings one by one; yield a `Mistake` for each that cannot be set.

    A camera may answer for only some of them. If `apply` is false, nothing is set.
    """
    values = _values(settings)
    for setting in SETTINGS:
        where, value = f"camera.{setting.name}", values[setting.name]
        if value is None:
            continue
        try:
            plan = setting.plan(value, camera)
        except OSError as error:
            yield _no_answer(where, error)
            continue
        if isinstance(plan, Mistake):
            yield plan
        elif apply:
            yield from _carry_out(camera, where, setting.name, plan)


def _set_others(camera: CameraControls, settings: CameraSettings, apply: bool) -> Iterator[Mistake]:
    """Set the controls in `camera.controls` of kiosk.yaml, in their order.

    Yield a `Mistake` for each that cannot be set. If `apply` is false, nothing is set.
    """
    if not settings.controls:
        return
    known = {control.name: control for control in camera.all()}
    values = _values(settings)
    owners = {
        number: setting.name
        for setting in SETTINGS
        if values[setting.name] is not None
        for number in setting.numbers
    }
    for name, value in settings.controls.items():
        where, control = f"camera.controls.{name}", known.get(name)
        if control is None:
            names = ", ".join(known) or "none"
            problem = f"this camera has no control '{name}' (it has {names})"
            yield Mistake(where, problem, did_you_mean(nearest(name, known)) or LISTED)
        elif control.id in owners:
            problem = f"camera.{owners[control.id]} sets the same control"
            problem += " (expected only one of the two settings)"
            yield Mistake(where, problem, f"Remove {name} from camera.controls.")
        elif not _allows(control, value):
            problem = f"{name} is {value} (expected {control.allowed} with this camera)"
            yield Mistake(where, problem, _remedy(control, value))
        elif apply:
            yield from _carry_out(camera, where, name, [_Step(control, value, str(value))])


def _remedy(control: Control, value: int) -> str:
    """Return the remedy for a `value` that `control` does not allow."""
    if control.id == POWER_LINE_FREQUENCY and value in (50, 60):
        name = control.name
        return f"Remove {name} from camera.controls, and set camera.mains to {value}."
    return f"The nearest value is {control.nearest(value)}."


def _carry_out(
    camera: CameraControls, where: str, name: str, steps: Sequence[_Step]
) -> Iterator[Mistake]:
    """Set the values of `steps` one by one; if one fails, yield a `Mistake` about it and stop."""
    for step in steps:
        try:
            taken = camera.set(step.control, step.value)
        except OSError as error:
            problem = f"the camera rejects {name}: {step.words} ({error.strerror})"
            remedy = f"If the camera sets {name} automatically, turn the automatic mode off in a "
            remedy += f"line above {name}."
            if not where.startswith("camera.controls."):
                remedy = "Unplug the camera and plug it in again; if that does not help, leave "
                remedy += f"{name} empty."
            yield Mistake(where, problem, remedy)
            return
        if taken != step.value:
            problem = f"the camera has set {name} to {taken} (expected {step.value})"
            yield Mistake(where, problem, f"Write another value; {LISTED}")
            return


def _allows(control: Control, value: int) -> bool:
    if control.items is not None:
        return value in control.items
    inside = control.minimum <= value <= control.maximum
    return inside and (value - control.minimum) % control.step == 0


def _first_allowed(control: Control | None, values: Sequence[int]) -> int | None:
    """Return one of `values` that `control` allows; None if it allows none or `control` is None.

    The current value of `control` is preferred, then its default, then the first of `values`.
    """
    if control is None:
        return None
    allowed = [value for value in values if _allows(control, value)]
    preferred = (control.value, control.default, *allowed)
    return next((value for value in preferred if value in allowed), None)


def _alternatives(words: Sequence[str]) -> str:
    """Return 'a, b or c' for `("a", "b", "c")`."""
    *first, last = words or [""]
    return f"{', '.join(first)} or {last}" if first else last
