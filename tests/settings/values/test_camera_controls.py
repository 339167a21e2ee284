"""Tests of the camera's controls as kiosk.yaml has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.errors import SettingsError
from installation.settings.kiosk import CameraSettings, Settings
from installation.settings.values.camera_controls import (
    DRIVER_NAMES,
    UNITS_PER_S,
    exposure_in_words,
)
from installation.settings.yaml_file import parse_yaml
from tests.support.kiosk_yaml import mistakes_of


def camera(line: str) -> CameraSettings:
    """Return the section `camera` with one line."""
    text = f"camera:\n  {line}\n"
    return parse_yaml(text, "kiosk.yaml", Settings, SettingsError).settings.camera


@pytest.mark.parametrize("name", [*DRIVER_NAMES])
def test_an_empty_setting_is_no_setting(name: str) -> None:
    """What is empty is left to the camera."""
    assert getattr(camera(f"{name}:"), name) is None
    assert getattr(CameraSettings(), name) is None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("mains: off", "off"),  # YAML's word for false
        ("mains: 50", 50),
        ("mains: 60 Hz", 60),
        ('mains: "50"', 50),
        ("mains: auto", "auto"),
        ("focus: auto", "auto"),
        ("focus: 0", 0),
        ("exposure: auto", "auto"),
        ("exposure: 1/50", 0.02),
        ("exposure: 1/50 s", 0.02),
        ("exposure: 20 ms", 0.02),
        ("exposure: 20ms", 0.02),
        ("exposure: 0.02 s", 0.02),
        ("exposure: 1/30", 1 / 30),
        ("exposure: 16,7 ms", 0.0167),
        ("white_balance: auto", "auto"),
        ("white_balance: 4000", 4000),
        ("keep_rate: true", True),
        ("keep_rate: no", False),
    ],
)
def test_values_are_read_as_people_write_them(line: str, value: object) -> None:
    """A frequency may have its unit, and a time is a fraction or has its unit."""
    assert getattr(camera(line), line.partition(":")[0]) == value


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "mains: 230",
            "camera.mains is 230 (expected 50, 60, off or auto). Change the value, or remove the "
            "setting.",
        ),
        ("mains: on", "camera.mains is on (expected 50, 60, off or auto)."),
        (
            "focus: off",
            "camera.focus is off (expected auto, or a whole number in the range that `kiosk "
            "cameras` lists).",
        ),
        ("focus: '12'", "lists). Write 12, without quotes."),
        (
            "exposure: 50",
            "camera.exposure is 50, which has no unit (expected auto, or a time from 0.1 ms to 10 "
            "s, such as 20 ms or 1/50 s). Write 50 ms, or 1/50 s.",
        ),
        ("exposure: '12.5'", "Write 12.5 ms, or 1/12.5 s."),
        (
            "exposure: off",
            "camera.exposure is off (expected auto, or a time from 0.1 ms to 10 s, such as 20 ms "
            "or 1/50 s). Change the value, or remove the setting.",
        ),
        *(
            (f"exposure: {text}", "such as 20 ms or 1/50 s). Change the value, or remove")
            for text in ("short", "1/0", "0 ms", "20 s", "0.01 ms", "1/50 ms", "-20 ms", "-1", "[]")
        ),
        ("white_balance: 4000 K", "in kelvin). Write 4000."),
        ("white_balance: 4", "camera.white_balance is 4 (expected auto, or a whole number from"),
        ("keep_rate: 1", "camera.keep_rate is 1 (expected true or false or nothing). Write true."),
        ("focuss: 3", "camera.focuss is not a setting. Did you mean 'focus'?"),
    ],
)
def test_a_wrong_value_is_a_mistake_with_what_is_expected(line: str, message: str) -> None:
    """Each mistake has its line; a number without a unit is never guessed."""
    (mistake,) = mistakes_of(f"camera:\n  {line}\n")
    assert mistake.startswith("kiosk.yaml:2: ")
    assert message in mistake


@given(units=st.integers(1, 2 * UNITS_PER_S))
def test_an_exposure_in_words_is_read_as_the_same_time(units: int) -> None:
    """The time that a message names can be written into kiosk.yaml."""
    seconds = units / UNITS_PER_S
    words = exposure_in_words(seconds).partition(" (")[0]
    read = CameraSettings.model_validate({"exposure": words, "fps": 1}).exposure
    assert read == pytest.approx(seconds)


@given(
    units=st.integers(1, 20_000), fps=st.integers(1, 240), keeps=st.sampled_from(["true", "false"])
)
def test_an_exposure_leaves_time_for_the_rate(units: int, fps: int, keeps: str) -> None:
    """An exposure is at most two frames long, and one if the rate is kept."""
    frames = 1 if keeps == "true" else 2
    text = f"camera: {{fps: {fps}, exposure: {units / 10} ms, keep_rate: {keeps}}}\n"
    if units * fps <= frames * UNITS_PER_S:
        parse_yaml(text, "kiosk.yaml", Settings, SettingsError)
    elif units * fps > 1.001 * frames * UNITS_PER_S:
        (mistake,) = mistakes_of(text)
        longest = 2 if units * fps > 2.001 * UNITS_PER_S else frames
        if longest == frames:
            assert f"(expected at most {frames}/{fps} s, because camera.fps is {fps})" in mistake


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{exposure: 1/10, keep_rate: true}",
            "camera.exposure is 100 ms (1/10 s) (expected at most 2/30 s, because camera.fps is "
            "30)",
        ),
        (
            "{exposure: 1/20, keep_rate: true}",
            "camera.keep_rate is true, but camera.exposure is 50 ms (1/20 s) (expected at most "
            "1/30 s, because camera.fps is 30)",
        ),
    ],
)
def test_a_long_exposure_is_a_mistake_with_what_fits(line: str, message: str) -> None:
    """The mistake names the longest exposure for the rate, and both ways out."""
    assert mistakes_of(f"camera: {line}\n") == [
        f"kiosk.yaml:1: {message}. Write a shorter exposure, or a smaller fps."
    ]


@pytest.mark.parametrize(
    ("setting", "name"),
    [(setting, name) for setting in DRIVER_NAMES for name in DRIVER_NAMES[setting]],
)
def test_a_control_named_twice_is_a_mistake_that_names_both(setting: str, name: str) -> None:
    """A control in `controls` may not have a setting of its own as well, whatever its name."""
    value = {"mains": "50", "focus": "120", "exposure": "20 ms", "white_balance": "4000"}
    text = f"camera:\n  {setting}: {value.get(setting, 'true')}\n  controls: {{{name}: 1}}\n"
    assert mistakes_of(text) == [
        f"kiosk.yaml:3: two settings are for the same control: camera.controls.{name} and "
        f"camera.{setting} (expected one of the two). Remove {name} from camera.controls."
    ]
    assert camera(f"controls: {{{name}: 1}}").controls == {name: 1}
