"""Tests of the five settings of kiosk.yaml for a camera's controls, and of `camera.controls`."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.cameras import named_controls
from installation.seeing.cameras.named_controls import (
    describe,
    find_mistakes,
    in_words,
    set_controls,
    unused,
)
from installation.settings.kiosk import CameraSettings
from tests.support.fake_controls import (
    ALL_CONTROLS,
    EXPOSURE,
    EXPOSURE_AUTO,
    FOCUS,
    FOCUS_AUTO,
    MAINS,
    PRIORITY,
    WHITE,
    WHITE_AUTO,
    ZOOM,
    FakeControls,
)

IN_ORDER = [
    *((MAINS, 1), (FOCUS_AUTO, 0), (FOCUS, 120), (EXPOSURE_AUTO, 1), (EXPOSURE, 200)),
    *((WHITE_AUTO, 0), (WHITE, 4000), (PRIORITY, 0), (ZOOM, 150)),
]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a file that replaces a camera's node."""
    path = tmp_path / "video0"
    path.touch()
    return path


def settings(**values: Any) -> CameraSettings:
    """Return the section `camera` with these values of kiosk.yaml."""
    return CameraSettings.model_validate(values)


@pytest.mark.parametrize("driver", [FakeControls(), FakeControls.with_older_names()])
def test_an_automatic_mode_is_turned_off_before_its_value(node: Path, driver: FakeControls) -> None:
    """All settings are set in an order that the camera accepts, whatever its driver's names are."""
    assert set_controls(node, settings(**ALL_CONTROLS), driver.ioctl) == []
    assert driver.calls == IN_ORDER


def test_a_setting_that_is_empty_leaves_the_camera_as_it_is(node: Path) -> None:
    """Without settings the camera is not even opened."""
    driver = FakeControls()
    assert set_controls(node.with_name("absent"), settings(), driver.ioctl) == []
    assert set_controls(node, settings(focus=100), driver.ioctl) == []
    assert [number for number, _ in driver.calls] == [FOCUS_AUTO, FOCUS]


@pytest.mark.parametrize(
    ("items", "current", "auto", "manual"),
    [
        ((1, 3), 1, 3, 1),  # most webcams
        ((0, 1), 1, 0, 1),
        ((0, 2), 2, 0, 2),  # a camera with an automatic iris
        ((0, 1, 2, 3), 1, 3, 1),
        ((0, 1, 2, 3), 0, 0, 1),
        ((0, 1, 2, 3), 2, 3, 2),  # the current mode is kept if it does what is wanted
    ],
)
def test_the_mode_of_exposure_is_one_that_the_camera_has(
    node: Path, items: tuple[int, ...], current: int, auto: int, manual: int
) -> None:
    """Of the four modes two are automatic; no camera needs to have all of them."""
    for value, mode in (("auto", auto), ("10 ms", manual)):
        default = 3 if 3 in items else 0
        driver = FakeControls().with_changed(EXPOSURE_AUTO, items=items, default=default)
        driver.values[EXPOSURE_AUTO] = current
        assert set_controls(node, settings(exposure=value), driver.ioctl) == []
        assert driver.calls[0] == (EXPOSURE_AUTO, mode)


@pytest.mark.parametrize(
    ("values", "number", "value"),
    [
        ({"mains": "off"}, MAINS, 0),
        ({"mains": 60}, MAINS, 2),
        ({"focus": "auto"}, FOCUS_AUTO, 1),
        ({"white_balance": "auto"}, WHITE_AUTO, 1),
        ({"exposure": "auto"}, EXPOSURE_AUTO, 3),
        ({"keep_rate": False}, PRIORITY, 1),
    ],
)
def test_each_word_of_kiosk_yaml_has_its_value(
    node: Path, values: dict[str, object], number: int, value: int
) -> None:
    """A word of kiosk.yaml sets one control."""
    driver = FakeControls()
    assert set_controls(node, settings(**values), driver.ioctl) == []
    assert driver.calls == [(number, value)]


@given(
    minimum=st.integers(1, 50),
    size=st.integers(0, 3000),
    step=st.integers(1, 30),
    seconds=st.floats(0.0001, 1.0),
)
def test_an_exposure_is_set_to_the_nearest_time_or_is_a_mistake(
    minimum: int, size: int, step: int, seconds: float
) -> None:
    """An exposure inside the camera's range is at most half a step off; others are not set."""
    driver = FakeControls().with_changed(
        EXPOSURE, minimum=minimum, maximum=minimum + size, default=minimum, step=step
    )
    words = f"{1000 * seconds:.6f} ms"
    wanted = round(float(words[:-3]) * 10)
    mistakes = set_controls(Path("/dev/null"), settings(fps=1, exposure=words), driver.ioctl)
    if minimum <= wanted <= minimum + size:
        assert mistakes == []
        last = minimum + size // step * step
        assert abs(driver.values[EXPOSURE] - min(wanted, last)) <= step / 2
    else:
        (mistake,) = mistakes
        assert mistake.where == "camera.exposure"
        assert "with this camera" in mistake.problem
        assert driver.calls == []


@given(
    minimum=st.integers(0, 50),
    size=st.integers(0, 300),
    step=st.integers(1, 40),
    value=st.integers(0, 400),
)
def test_a_focus_is_set_exactly_or_is_a_mistake(
    minimum: int, size: int, step: int, value: int
) -> None:
    """A focus outside the range or between two steps is a mistake, with the nearest one."""
    driver = FakeControls().with_changed(
        FOCUS, minimum=minimum, maximum=minimum + size, default=minimum, step=step
    )
    mistakes = set_controls(Path("/dev/null"), settings(focus=value), driver.ioctl)
    if value in range(minimum, minimum + size + 1, step):
        assert mistakes == []
        assert driver.values[FOCUS] == value
        return
    (mistake,) = mistakes
    assert mistake.where == "camera.focus"
    assert driver.calls == []
    nearest = int(mistake.remedy.removeprefix("The nearest value is ").rstrip("."))
    assert set_controls(Path("/dev/null"), settings(focus=nearest), driver.ioctl) == []


LISTED = "`kiosk cameras` lists what each camera offers."


@pytest.mark.parametrize(
    ("driver", "values", "message"),
    [
        (
            FakeControls.without(FOCUS, FOCUS_AUTO),
            {"focus": 120},
            "camera.focus: focus is 120, but this camera has no control for it. Leave focus "
            f"empty, or use another camera. {LISTED}",
        ),
        (
            FakeControls.without(PRIORITY),
            {"keep_rate": True},
            "camera.keep_rate: keep_rate is true, but this camera has no control for it. Leave "
            f"keep_rate empty, or use another camera. {LISTED}",
        ),
        (
            FakeControls.without(FOCUS_AUTO),
            {"focus": "auto"},
            "camera.focus: focus is auto (expected 0 to 250 in steps of 5 with this camera). Write "
            "a value, or leave focus empty.",
        ),
        (
            FakeControls.without(FOCUS),
            {"focus": 120},
            "camera.focus: focus is 120 (expected auto with this camera). Write auto, or leave "
            "focus empty.",
        ),
        (
            FakeControls(),
            {"focus": 123},
            "camera.focus: focus is 123 (expected auto or 0 to 250 in steps of 5 with this "
            "camera). The nearest value is 125.",
        ),
        (
            FakeControls(),
            {"fps": 4, "exposure": "1/2"},
            "camera.exposure: exposure is 500 ms (1/2 s) (expected auto or 0.3 ms (1/3333 s) to "
            "204.7 ms (1/5 s) with this camera). The nearest value is 204.7 ms (1/5 s).",
        ),
        (
            FakeControls().with_changed(EXPOSURE_AUTO, items=(3,)),
            {"exposure": "20 ms"},
            "camera.exposure: exposure is 20 ms (1/50 s) (expected auto with this camera). Write "
            "auto, or leave exposure empty.",
        ),
        (
            FakeControls(),
            {"white_balance": 8000},
            "camera.white_balance: white_balance is 8000 (expected auto or 2800 to 6500 kelvin "
            "with this camera). The nearest value is 6500.",
        ),
        (
            FakeControls(),
            {"mains": "auto"},
            "camera.mains: mains is auto (expected 50, 60 or off with this camera). Write another "
            "value, or leave mains empty.",
        ),
        (
            FakeControls(),
            {"controls": {"zoom": 1}},
            "camera.controls.zoom: this camera has no control 'zoom' (it has "
            "white_balance_automatic, power_line_frequency, white_balance_temperature, "
            "auto_exposure, exposure_time_absolute, exposure_dynamic_framerate, focus_absolute, "
            f"focus_automatic_continuous, zoom_absolute). {LISTED}",
        ),
        (
            FakeControls(),
            {"controls": {"zoom_absolut": 100}},
            "camera.controls.zoom_absolut: this camera has no control 'zoom_absolut' (it has "
            "white_balance_automatic, power_line_frequency, white_balance_temperature, "
            "auto_exposure, exposure_time_absolute, exposure_dynamic_framerate, focus_absolute, "
            "focus_automatic_continuous, zoom_absolute). Did you mean 'zoom_absolute'?",
        ),
        (
            FakeControls(),
            {"controls": {"zoom_absolute": 501}},
            "camera.controls.zoom_absolute: zoom_absolute is 501 (expected 100 to 500 with this "
            "camera). The nearest value is 500.",
        ),
        (
            FakeControls(),
            {"controls": {"power_line_frequency": 50}},
            "camera.controls.power_line_frequency: power_line_frequency is 50 (expected 0, 1, 2 "
            "with this camera). Remove power_line_frequency from camera.controls, and set "
            "camera.mains to 50.",
        ),
    ],
)
def test_what_a_camera_does_not_take_is_said_before_it_is_set(
    node: Path, driver: FakeControls, values: dict[str, object], message: str
) -> None:
    """A mistake names the setting, what the camera offers, and a remedy; nothing is set."""
    for find in (find_mistakes, set_controls):
        assert [str(mistake) for mistake in find(node, settings(**values), driver.ioctl)] == [
            message
        ]
    assert driver.calls == []


def test_all_mistakes_are_reported_and_the_other_settings_are_set(node: Path) -> None:
    """A curator reads all mistakes at once, and a spare camera takes what it has."""
    driver = FakeControls.without(FOCUS, FOCUS_AUTO, ZOOM)
    mistakes = set_controls(node, settings(**ALL_CONTROLS), driver.ioctl)
    assert [mistake.where for mistake in mistakes] == [
        "camera.focus",
        "camera.controls.zoom_absolute",
    ]
    assert driver.calls == [call for call in IN_ORDER if call[0] not in (FOCUS, FOCUS_AUTO, ZOOM)]


def test_a_control_named_twice_is_found_by_its_number(node: Path) -> None:
    """A driver may have a name of its own for a control that one of the five settings sets."""
    driver = FakeControls().with_changed(FOCUS, name="Lens Position")
    (mistake,) = set_controls(
        node, settings(focus=120, controls={"lens_position": 5}), driver.ioctl
    )
    assert str(mistake) == (
        "camera.controls.lens_position: camera.focus sets the same control (expected only one "
        "of the two settings). Remove lens_position from camera.controls."
    )
    assert driver.values[FOCUS] == 120


def test_a_control_may_be_set_by_its_name_alone(node: Path) -> None:
    """Settings from before the five are valid as they were, in their order."""
    driver = FakeControls()
    controls = {"auto_exposure": 1, "exposure_time_absolute": 300, "power_line_frequency": 1}
    assert set_controls(node, settings(controls=controls), driver.ioctl) == []
    assert driver.calls == [(EXPOSURE_AUTO, 1), (EXPOSURE, 300), (MAINS, 1)]


def test_a_value_that_is_still_automatic_names_the_remedy(node: Path) -> None:
    """A value by its name alone is rejected while the camera sets it automatically."""
    values = settings(controls={"exposure_time_absolute": 300})
    (mistake,) = set_controls(node, values, FakeControls().ioctl)
    assert "rejects exposure_time_absolute: 300 (Permission denied)" in mistake.problem
    assert "turn the automatic mode off in a line above exposure_time_absolute" in mistake.remedy


def test_a_camera_that_takes_another_value_is_reported(node: Path) -> None:
    """A driver that rounds without a word is noticed by its answer."""
    driver = FakeControls()
    driver.taken[FOCUS] = 115
    (mistake,) = set_controls(node, settings(focus=120), driver.ioctl)
    assert mistake.where == "camera.focus"
    assert mistake.problem == "the camera has set focus to 115 (expected 120)"


def test_a_camera_that_is_gone_is_no_exception(node: Path) -> None:
    """A camera that is unplugged while its controls are set is found by the next picture."""
    driver = FakeControls()
    driver.failing = OSError(errno.ENODEV, "No such device")
    for where in (node, node.with_name("absent")):
        mistakes = set_controls(where, settings(**ALL_CONTROLS), driver.ioctl)
        assert len(mistakes) == len(ALL_CONTROLS)
        assert "does not answer when it is asked for the control (No such" in mistakes[0].problem


def test_a_control_that_does_not_answer_leaves_the_others(node: Path) -> None:
    """Some cameras answer for one control with an error; the others are set, and listed."""
    driver = FakeControls()
    driver.broken = {FOCUS}
    mistakes = set_controls(node, settings(**ALL_CONTROLS), driver.ioctl)
    assert [mistake.where for mistake in mistakes] == [
        "camera.focus",
        "camera.controls.zoom_absolute",  # it is listed after the focus
    ]
    assert "(Input/output error)" in mistakes[0].problem
    assert driver.calls == [call for call in IN_ORDER if call[0] not in (FOCUS, FOCUS_AUTO, ZOOM)]
    lines = describe(node, driver.ioctl)
    assert lines[1] == "focus: the camera does not answer (Input/output error)"
    assert lines[0].startswith("mains: 50")


def test_nothing_is_set_in_silence_without_controls(
    node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting is reported if the source is a film, or on another system than Linux."""
    places = [f"camera.{name}" for name in ALL_CONTROLS if name != "controls"]
    places.append("camera.controls.zoom_absolute")
    mistakes = unused(settings(**ALL_CONTROLS), named_controls.NOT_A_CAMERA)
    assert [mistake.where for mistake in mistakes] == places
    assert str(mistakes[2]) == (
        "camera.exposure: exposure is 20 ms (1/50 s), but the source is not a camera. This "
        "setting takes effect when a camera is used."
    )
    driver = FakeControls()
    monkeypatch.setattr(sys, "platform", "darwin")
    elsewhere = set_controls(node, settings(**ALL_CONTROLS), driver.ioctl)
    assert [mistake.where for mistake in elsewhere] == places
    assert "on this system the kiosk cannot set" in elsewhere[0].problem
    assert driver.calls == []


def test_settings_in_words() -> None:
    """The words are those of kiosk.yaml."""
    assert in_words(settings(mains="off", exposure="1/50", keep_rate=False)) == {
        "mains": "off",
        "exposure": "20 ms (1/50 s)",
        "keep_rate": "false",
    }


def test_a_camera_is_described_in_the_words_of_kiosk_yaml(node: Path) -> None:
    """The five settings come first, with their ranges; the other controls keep their names."""
    driver = FakeControls()
    driver.values |= {MAINS: 1, EXPOSURE_AUTO: 1}
    assert describe(node, driver.ioctl) == [
        "mains: 50, 60 or off, now 50",
        "focus: auto or 0 to 250 in steps of 5, now automatic",
        "exposure: auto or 0.3 ms (1/3333 s) to 204.7 ms (1/5 s), now 25 ms (1/40 s)",
        "white_balance: auto or 2800 to 6500 kelvin, now automatic",
        "keep_rate: true or false, now false",
        "zoom_absolute 100–500, now 100 (default 100)",
    ]


def test_a_camera_without_controls_is_described(node: Path) -> None:
    """Each setting that a camera does not have is listed as absent."""
    lines = describe(node, FakeControls(()).ioctl)
    assert len(lines) == 5
    assert all(line.endswith(": this camera has no control for this setting") for line in lines)
