from __future__ import annotations

import subprocess
import sys

ORPHANS = """
import os, sys, time
from installation.guarding.layers.limits import become_subreaper
from installation.running.leftovers import descendants, end_descendants
become_subreaper()
def sleeper(depth):
    # Each process starts the next and ends, so that the last one is an orphan.
    if not os.fork():
        if depth:
            os.setsid()
            sleeper(depth - 1)
            os._exit(0)
        os.write(written, b"1")
        time.sleep(600)
        os._exit(0)
read, written = os.pipe()
for depth in range(4):
    sleeper(depth)
for _ in range(4):  # Before that, a process that will end soon could be counted.
    os.read(read, 1)
spared = os.fork()
if not spared:
    if not os.fork():
        time.sleep(600)
    time.sleep(600)
ends_at = time.monotonic() + 120
def running():
    found = descendants(os.getpid(), (spared,))
    parents = [open(f"/proc/{pid}/stat").read().split()[3] for pid in found]
    return found if set(parents) <= {str(os.getpid())} else ()
while len(running()) != 4 and time.monotonic() < ends_at:
    time.sleep(0.01)
print(len(running()), end_descendants(os.getpid(), (spared,)), len(running()))
print(len(descendants(os.getpid())) >= 1)
end_descendants(os.getpid())
print(len(descendants(os.getpid())))
"""


def test_no_orphan_outlives_the_show() -> None:
    """Processes whose parents have ended, in separate sessions, are found and ended.

    The card and its children are spared.
    """
    outcome = subprocess.run(
        [sys.executable, "-c", ORPHANS], capture_output=True, text=True, timeout=60, check=True
    )
    assert outcome.stdout.split() == ["4", "4", "0", "True", "0"], outcome.stderr


HEADLESS = """
import os, threading, time
from installation.guarding.layers import syscalls
from installation.running.leftovers import descendants, end_descendants
if not (pid := os.fork()):
    threading.Thread(target=time.sleep, args=(600,)).start()
    syscalls.call("exit", 0)
def state():
    return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
ends_at = time.monotonic() + 30
while state() != "Z" and time.monotonic() < ends_at:
    time.sleep(0.01)
print(descendants(os.getpid()) == {pid}, end_descendants(os.getpid()), descendants(os.getpid()))
"""


def test_a_process_whose_first_thread_has_ended_is_found() -> None:
    """A process whose first thread has ended is found and ended if another thread goes on."""
    outcome = subprocess.run(
        [sys.executable, "-c", HEADLESS], capture_output=True, text=True, timeout=60, check=True
    )
    assert outcome.stdout.split() == ["True", "1", "set()"], outcome.stderr
