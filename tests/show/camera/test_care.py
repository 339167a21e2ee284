from __future__ import annotations

import pytest

from installation.errors import CameraError
from installation.running.progress import CameraFault
from installation.show.camera.care import AWAY_S, IN_WORDS, PATIENCE_S, CameraCare

NONE = CameraFault(0)
each_fault = pytest.mark.parametrize("fault", PATIENCE_S)


def first_attempt(
    care: CameraCare, fault: CameraFault, begin_s: float, seconds: float
) -> float | None:
    """Return after how many seconds of `fault` the camera must be opened again; None: never."""
    for tenth in range(int(seconds * 10)):
        try:
            care.check(fault, begin_s + tenth / 10, "a camera")
        except CameraError:
            return tenth / 10
    return None


@each_fault
def test_a_fault_that_lasts_is_answered_by_one_opening(fault: CameraFault) -> None:
    """A fault that lasts causes one reopening; if it persists, the mirror continues."""
    care = CameraCare()
    assert first_attempt(care, fault, 0.0, 100.0) == pytest.approx(PATIENCE_S[fault])
    assert first_attempt(care, fault, 100.0, 200.0) is None


@each_fault
def test_a_fault_that_was_away_for_long_gets_another_attempt(fault: CameraFault) -> None:
    """The same fault gets another attempt after hours, but not after a short absence."""
    care = CameraCare()
    first_attempt(care, fault, 0.0, 100.0)
    care.check(NONE, 100.0, "a camera")
    assert first_attempt(care, fault, 101.0, 50.0) is None
    care.check(NONE, 200.0, "a camera")
    care.check(NONE, 200.0 + AWAY_S, "a camera")
    assert first_attempt(care, fault, 600.0, 100.0) is not None


def test_the_log_says_once_what_is_wrong_and_once_that_it_is_over() -> None:
    """Each change of each fault is one line."""
    care = CameraCare()
    words = IN_WORDS[CameraFault.BLACK]
    assert care.check(CameraFault.BLACK, 0.0, "a camera") == [f"camera: {words}."]
    assert care.check(CameraFault.BLACK, 1.0, "a camera") == []
    assert care.check(NONE, 2.0, "a camera") == [f"camera: a fault has ended ({words})."]
