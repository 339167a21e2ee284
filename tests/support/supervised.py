"""Runs the real supervisor in a child process, with small shows that are forked functions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass

HARNESS = '''
import json, os, signal, sys, time
from dataclasses import replace
from installation.guarding.layers.limits import become_subreaper
from installation.running.clock import MonotonicClock
from installation.running.health import Health
from installation.running import heartbeat, restarts, supervisor
from installation.running.progress import Progress, State, send
from installation.running.service import ServiceManager
from installation.running.supervisor import RESTART, Started, Supervisor

LINES, STARTS = [], []

class Forks:
    """Starts the function `show` in a fork, with the number of the start."""
    def start_show(self, *, waits_for_camera, camera_id, ran_s):
        STARTS.append(waits_for_camera)
        return self._fork(lambda out, orders: show(len(STARTS), out, orders))
    def start_card(self):
        return self._fork(card) if card else None
    def _fork(self, work):
        progress, orders = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for number in (*supervisor.STOP_SIGNALS, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.close(progress[0]); os.close(orders[1])
            os._exit(work(progress[1], orders[0]) or 0)
        os.close(progress[1]); os.close(orders[0])
        return Started(pid, progress[0], orders[1])

def mirror(out, seconds=60.0, **still):
    """Report as a show whose mirror runs, for some seconds."""
    for count in range(1, int(seconds * 20) + 1):
        moving = {"captured": count, "analysed": count, "painted": count, "mirrored": count}
        send(out, Progress(State.RUNNING, **({"camera_id": 7} | moving | still)))
        time.sleep(0.05)

class Told(ServiceManager):
    def _send(self, message):
        TOLD.append(message)

TOLD, card, is_service, witness, watchdog_s = [], None, False, lambda pid: (), None
'''

END = """
become_subreaper()
# Tests do not wait for seconds.
restarts.FAST_DELAYS_S = (0.0, 0.01, 0.02, 0.03, 0.04)
restarts.SLOW_DELAYS_S = (0.05,)
def run():
    clock = MonotonicClock()
    return Supervisor(
        Forks(), clock=clock, log=LINES.append, log_health=lambda *_: None,
        health=HEALTH, manager=Told(watchdog_s=watchdog_s), witness=witness, status=None,
        is_service=is_service,
    ).run()
HEALTH = Health("1", time.monotonic())
code = run()
from installation.running.leftovers import descendants
print(json.dumps({
    "code": code, "starts": STARTS, "lines": LINES, "told": TOLD,
    "left": len(descendants(os.getpid())), "faults": [name for name, _ in HEALTH._faults],
}))
"""

MOST_S = 120
"""The longest time of a supervisor, s; a wait that must not happen lasts an hour in the tests."""


@dataclass(frozen=True)
class Outcome:
    """The results of one run of a supervisor."""

    code: int
    starts: list[bool]
    """For each start, whether the show waits for a camera."""
    lines: list[str]
    told: list[str]
    """The messages that systemd received."""
    left: int
    """The number of processes that were left at the end."""
    faults: list[str]


def supervise(program: str, signals: tuple[int, ...] = ()) -> Outcome:
    """Run the supervisor over `program`, which defines `show(start, out, orders)`.

    Each of `signals` is sent to the supervisor after one more line that the show prints. A
    supervisor that has not ended after `MOST_S` fails the test.
    """
    running = subprocess.Popen(
        [sys.executable, "-c", HARNESS + textwrap.dedent(program) + END],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT}),
    )
    assert running.stdout is not None
    for number in signals:
        running.stdout.readline()
        running.send_signal(number)
    output, errors = running.communicate(timeout=MOST_S)
    assert running.returncode == 0, errors
    told = json.loads(output.splitlines()[-1])
    return Outcome(**told)
