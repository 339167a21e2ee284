from __future__ import annotations

import json
import signal
import subprocess
import sys

from installation.running.started import STOP_SIGNALS, Started

COUNTED = """
import json, os, sys
from installation import launch
def fork(arguments, *_, **__):
    print(json.dumps([arguments, sorted(sys.modules)]), flush=True)
    os._exit(0)
launch._fork = fork
launch.isolate = lambda _: None  # Another program would not have this test's function.
sys.argv = ["kiosk", "run", "--headless"]
launch.start()
"""


def test_the_first_show_starts_before_the_supervisor_is_imported() -> None:
    """The first show starts before modules that only its supervisor needs are imported."""
    answer = subprocess.run(
        [sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True, timeout=60
    )
    arguments, modules = json.loads(answer.stdout)
    assert arguments == ["run", "--headless"]
    late = {"supervisor", "health", "status_socket", "heartbeat", "progress"}
    assert not {f"installation.running.{name}" for name in late} & set(modules)


def test_a_process_is_known_by_its_number_and_two_pipes() -> None:
    """The supervisor reads from the first pipe and writes to the second."""
    assert Started(7, 8, 9) == Started(pid=7, reading=8, writing=9)
    assert signal.SIGTERM in STOP_SIGNALS
