from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import multiprocessing
multiprocessing.set_start_method("forkserver")  # the default from Python 3.14 on
import installation.making
from tqdm import tqdm
from installation.guarding.open_files import children
tqdm(disable=True)
print(children())
"""


def test_a_progress_bar_starts_no_process() -> None:
    """Progress bars start no process that would print a warning when a command ends."""
    outcome = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert outcome.stdout == "set()\n"
