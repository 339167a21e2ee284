from __future__ import annotations

import pytest

from installation.running.service import started_by_systemd


@pytest.mark.parametrize(
    ("environment", "service"),
    [
        ({"SYSTEMD_EXEC_PID": "7"}, True),
        ({"SYSTEMD_EXEC_PID": "70", "INVOCATION_ID": "a terminal of the desktop"}, False),
        ({"INVOCATION_ID": "a terminal of the desktop"}, False),
        ({}, False),
    ],
)
def test_only_the_process_that_systemd_started_is_a_service(
    environment: dict[str, str], service: bool
) -> None:
    """A terminal inherits systemd's variables from the desktop, and is not a service."""
    assert started_by_systemd(environment, pid=7) is service
