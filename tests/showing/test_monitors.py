from __future__ import annotations

import contextlib

import pytest

from installation.showing.monitors import Monitor, Monitors, monitors_of_session
from tests.support.x_server import Projector


def test_a_session_names_its_monitors(projector: Projector) -> None:
    """The name is the connector's, and the size is the current size."""
    assert monitors_of_session() == [Monitor("screen", 0, 0, 1280, 720)]
    projector.switch_on(720, 640)
    assert monitors_of_session() == [Monitor("screen", 0, 0, 720, 640)]
    projector.switch_off()
    assert monitors_of_session() == []


@pytest.mark.parametrize("name", ["", ":9753"])
def test_without_an_x_server_no_monitor_is_known(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session on Wayland or on the console, and a server that does not answer, raise nothing."""
    monkeypatch.setenv("DISPLAY", name)
    assert monitors_of_session() == []


@pytest.mark.parametrize(
    ("connector", "has_desktop", "is_used"),
    [(None, False, True), ("screen", False, True), ("HDMI-1", False, False), (None, True, False)],
)
def test_a_monitor_that_nobody_uses_is_switched_on(
    projector: Projector, connector: str | None, has_desktop: bool, is_used: bool
) -> None:
    """Without a desktop, a monitor that is plugged in is switched on.

    If a connector is named, only its monitor is.
    """
    if has_desktop:
        projector.start_window_manager()
    monitors = Monitors.of_session()
    assert monitors is not None
    with contextlib.closing(monitors):
        assert not monitors.switch_on(connector), "it is on"
        projector.switch_off()
        assert monitors.switch_on(connector) is is_used
        assert monitors.now() == [Monitor("screen", 0, 0, 1280, 720)] * is_used


def test_the_connection_is_closed_once(projector: Projector) -> None:
    """Closing the connection twice does no harm, because a window may be closed twice."""
    monitors = Monitors.of_session()
    assert monitors is not None
    assert monitors.now()[0].connector == "screen"
    monitors.close()
    monitors.close()
