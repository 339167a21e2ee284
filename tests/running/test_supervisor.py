from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.supervised import supervise


def test_a_show_that_crashes_is_started_again() -> None:
    """A show that was killed is restarted, and then waits for its camera."""
    outcome = supervise("""
        def show(start, out, orders):
            mirror(out, 0.3)
            if start < 3:
                os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert (outcome.code, outcome.starts, outcome.left) == (0, [False, True, True], 0)
    assert outcome.faults == ["killed", "killed"]
    assert "(SIGKILL). It restarts immediately (restart 1)." in outcome.lines[0]


def test_a_machine_without_memory_for_a_process_starts_the_show_later() -> None:
    """If a process cannot be started for lack of memory, the supervisor logs it and tries again."""
    outcome = supervise("""
        is_service = True
        fork, tries = os.fork, []
        def refusing():
            tries.append(1)
            if len(tries) in (1, 3, 4):
                raise OSError(12, "Cannot allocate memory")
            return fork()
        os.fork = refusing
        def card(out, orders): return 2
        def show(start, out, orders):
            return 1 if len(tries) == 2 else 0
    """)
    assert (outcome.code, outcome.left) == (0, 0)
    refused = [line for line in outcome.lines if "no show can be started" in line]
    assert refused, outcome.lines
    assert "Cannot allocate memory" in refused[0]


def test_a_computer_without_a_free_descriptor_ends_no_supervisor() -> None:
    """If no file can be opened when the show crashes, the next show starts once one can be."""
    outcome = supervise("""
        import resource
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        class Lines(list):
            def append(self, line):
                super().append(line)
                if "no show can be started" in line:
                    resource.setrlimit(resource.RLIMIT_NOFILE, most)
        LINES = Lines()
        def witness(pid):
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, most[1]))
            return ()
        def show(start, out, orders):
            if start == 1:
                mirror(out, 0.3)
                return 1
    """)
    assert (outcome.code, len(outcome.starts), outcome.left) == (0, 3, 0)
    assert any("no show can be started ([Errno 24]" in line for line in outcome.lines)


def test_a_show_without_a_camera_waits_for_none() -> None:
    """After a crash, a show that used no camera is started again without waiting for one."""
    outcome = supervise("""
        def show(start, out, orders):
            mirror(out, 0.3, camera_id=0)
            if start < 2:
                os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert (outcome.code, outcome.starts) == (0, [False, False])


def test_a_show_that_is_refused_when_somebody_starts_it_ends() -> None:
    """`kiosk run` by hand with a wrong file ends with the message and the status."""
    outcome = supervise("def show(start, out, orders): return 2")
    assert (outcome.code, len(outcome.starts)) == (2, 1)


def test_a_service_that_is_refused_is_tried_again() -> None:
    """A service with a wrong file is started again, because the file may be corrected meanwhile."""
    outcome = supervise("""
        is_service = True
        def show(start, out, orders): return 2 if start < 4 else 0
    """)
    assert (outcome.code, outcome.starts) == (0, [True] * 4)
    assert outcome.faults == ["refused"] * 3


def test_a_new_camera_is_no_failure() -> None:
    """A show that only needs a new process is no fault, and is restarted at once the first time.

    Later restarts within a minute wait, so that a show cannot get new budgets of output at will.
    """
    outcome = supervise("def show(start, out, orders): return RESTART if start < 4 else 0")
    assert (outcome.code, len(outcome.starts), outcome.faults) == (0, 4, [])
    assert outcome.lines == [
        "supervisor: the show ended so that it can continue in a new process. It restarts "
        f"{when} (restart {count})."
        for count, when in enumerate(("immediately", "in 0.01 s", "in 0.02 s"), start=1)
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_is_passed_on(number: int) -> None:
    """After a stop signal the show ends normally and is not restarted."""
    outcome = supervise(
        """
        supervisor.STOP_S = 3600
        def show(start, out, orders):
            for number in supervisor.STOP_SIGNALS:
                signal.signal(number, lambda *_: os._exit(0))
            print("ready", flush=True)
            mirror(out)
        """,
        (number,),
    )
    assert (outcome.code, len(outcome.starts), outcome.left) == (0, 1, 0)
    assert "STOPPING=1" in outcome.told


def test_a_second_stop_signal_ends_at_once() -> None:
    """A show that does not stop is killed, as is whatever it started."""
    outcome = supervise(
        """
        supervisor.STOP_S = 600.0  # Longer than the test may take.
        def show(start, out, orders):
            for number in supervisor.STOP_SIGNALS:
                signal.signal(number, lambda *_: os.write(1, b"heard\\n"))
            print("ready", flush=True)
            os.fork()
            mirror(out)
        """,
        (signal.SIGINT, signal.SIGINT),
    )
    assert (outcome.code, outcome.left) == (-signal.SIGINT, 0)


def test_a_show_that_does_not_stop_is_killed() -> None:
    """A show that is still running four seconds after a stop signal is killed."""
    outcome = supervise(
        """
        supervisor.STOP_S = 0.2
        def show(start, out, orders):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready", flush=True)
            mirror(out)
        """,
        (signal.SIGTERM,),
    )
    assert (outcome.code, len(outcome.starts), outcome.left) == (-signal.SIGKILL, 1, 0)


@pytest.mark.parametrize(
    ("counter", "part"),
    [("captured", "capture"), ("analysed", "analysis"), ("painted", "screen")],
)
def test_a_show_of_which_a_part_stands_still_is_replaced(counter: str, part: str) -> None:
    """If capture, analysis or the screen makes no progress, the show is ended and restarted."""
    outcome = supervise(f"""
        heartbeat.LIMITS_S = dict.fromkeys(heartbeat.LIMITS_S, 1.0)
        def show(start, out, orders):
            mirror(out, 60 if start == 1 else 0.2, **({{"{counter}": 1}} if start == 1 else {{}}))
    """)
    assert (outcome.code, len(outcome.starts)) == (0, 2)
    assert outcome.faults == [f"{part} stalled", "killed"]


def test_what_a_show_leaves_behind_is_ended() -> None:
    """Orphans in separate sessions are ended with the show, even if the show ends normally."""
    outcome = supervise("""
        supervisor.LEFTOVERS_S = 0.1
        def show(start, out, orders):
            if not os.fork():
                os.setsid()
                if os.fork():
                    os._exit(0)
                time.sleep(600)
            time.sleep(0.2)
    """)
    assert (outcome.code, outcome.left) == (0, 0)
    assert outcome.lines == ["supervisor: killed processes that the show left behind (number: 1)."]


def test_the_card_is_there_before_the_show_and_while_none_runs() -> None:
    """The card is painted before the show starts, shows the trouble, and is not started twice."""
    outcome = supervise("""
        def card(out, orders):
            time.sleep(0.3)
            send(out, Progress())
            heard = b""
            while not heard.endswith(b"trouble\\n"):
                heard += os.read(orders, 100)
            assert heard == b"loading\\ntrouble\\n", heard
            open(NOTE, "w").write(f"{time.monotonic()}")
            time.sleep(600)
        import tempfile
        NOTE = tempfile.mktemp()
        began_at = time.monotonic()
        def show(start, out, orders):
            if start == 1:
                assert time.monotonic() - began_at >= 0.3, "the card comes first"
                mirror(out, 0.2)
                return 1
            while not os.path.exists(NOTE):
                time.sleep(0.01)
            os.unlink(NOTE)
    """)
    assert (outcome.code, len(outcome.starts), outcome.left) == (0, 2, 0)


def test_the_card_says_when_the_show_fails_again_and_again(tmp_path: Path) -> None:
    """From the sixth failure in a minute on, the card says that a start may be minutes away."""
    heard = tmp_path / "heard"
    outcome = supervise(f"""
        is_service = True
        HEARD = {str(heard)!r}
        def card(out, orders):
            send(out, Progress())
            while True:
                with open(HEARD, "ab") as file:
                    file.write(os.read(orders, 100))
        def show(start, out, orders):
            ends_at = time.monotonic() + 10
            while start == 7 and time.monotonic() < ends_at:
                with open(HEARD, "rb") as file:
                    if file.read().endswith(b"paused\\n"):
                        break
                time.sleep(0.01)
            return 0 if start == 7 else 2
    """)
    assert (outcome.code, len(outcome.starts), outcome.left) == (0, 7, 0)
    assert heard.read_bytes() == b"loading\n" + 5 * b"trouble\n" + b"paused\n"


def test_a_card_that_does_not_come_holds_nothing_up() -> None:
    """If no display can be opened the card ends, and the show reports the mistake."""
    outcome = supervise("""
        supervisor.CARD_S = 3600
        def card(out, orders): return 2
        def show(start, out, orders): return 2
    """)
    assert (outcome.code, len(outcome.starts)) == (2, 1)


def test_escape_on_the_card_ends_the_kiosk() -> None:
    """The card ends with status 0 if Escape was held while no show was in front."""
    outcome = supervise("""
        is_service = True
        def card(out, orders):
            send(out, Progress())
            time.sleep(0.5)
        def show(start, out, orders):
            if start == 1:
                return 2
            time.sleep(600)
    """)
    assert (outcome.code, outcome.left) == (-signal.SIGTERM, 0)
    assert "STOPPING=1" in outcome.told


def test_a_show_that_the_witness_refuses_gets_no_camera() -> None:
    """The show may open a camera only after a check from outside, or it is ended."""
    outcome = supervise("""
        looked_at = []
        def witness(pid):
            looked_at.append(pid)
            return ("witness: a filter is missing",) if len(looked_at) == 1 else ()
        def show(start, out, orders):
            send(out, Progress(State.SEALED, painted=1))
            assert os.read(orders, 1)
            return 0 if start == 2 else 7
    """)
    assert (outcome.code, len(outcome.starts)) == (0, 2)
    assert outcome.faults == ["witness", "killed"]
    assert outcome.lines[0] == "supervisor: witness: a filter is missing"


def test_a_show_that_does_not_ask_is_looked_at_too() -> None:
    """A show that has frames without asking is checked, and a fault in its sandbox ends it."""
    outcome = supervise("""
        def witness(pid): return ("witness: none",) if len(STARTS) == 1 else ()
        def show(start, out, orders): mirror(out, 60 if start == 1 else 0.1)
    """)
    assert outcome.faults == ["witness", "killed"]


def test_a_show_that_is_being_ended_is_not_refused_again() -> None:
    """If a refused show sends more records before it ends, its refusal is reported only once."""
    outcome = supervise("""
        def kill_late(pid, number):
            if not os.fork():
                time.sleep(0.5)
                os.kill(pid, number)
                os._exit(0)
        supervisor.kill = kill_late
        def witness(pid): return ("witness: none",) if len(STARTS) == 1 else ()
        def show(start, out, orders): mirror(out, 60 if start == 1 else 0.1)
    """)
    assert outcome.faults == ["witness", "killed"]
    assert outcome.lines.count("supervisor: witness: none") == 1


def test_the_show_is_looked_at_again_and_again() -> None:
    """The witness checks the show every minute, and a change for the worse ends the show."""
    outcome = supervise("""
        supervisor.WITNESS_S = 0.3
        looks = []
        def witness(pid):
            looks.append(pid)
            return ("witness: a descendant",) if len(looks) == 3 else ()
        def show(start, out, orders): mirror(out, 60 if start == 1 else 0.1)
    """)
    assert (outcome.code, len(outcome.starts)) == (0, 2)
    assert outcome.faults == ["witness", "killed"]


def test_a_show_that_loses_an_output_filter_is_started_again() -> None:
    """If an output filter ends while the show runs, the show is replaced, because it cannot log."""
    outcome = supervise("""
        def show(start, out, orders):
            if not (output_filter := os.fork()):
                signal.pause()
            send(out, Progress(State.SEALED, painted=1))
            assert os.read(orders, 1)
            if start == 1:
                os.kill(output_filter, signal.SIGKILL)
            mirror(out, 3600 if start == 1 else 0.5)
            os.kill(output_filter, signal.SIGKILL)
    """)
    assert (outcome.code, len(outcome.starts)) == (0, 2)
    assert outcome.faults == ["output filter ended", "killed"]
    assert outcome.lines[0] == (
        "supervisor: an output filter has ended, so the show is restarted. Without that filter the "
        "show's log or its events would be lost."
    )


def test_a_show_that_lost_an_output_filter_before_it_asks_gets_no_camera() -> None:
    """A filter that ended during the start is noticed before the permission is given.

    A program that a library has started and not waited for is not a filter.
    """
    outcome = supervise("""
        def show(start, out, orders):
            if not (output_filter := os.fork()):
                signal.pause()
            if not (program := os.fork()):
                os.execv("/bin/true", ["true"])
            os.waitid(os.P_PID, program, os.WEXITED | os.WNOWAIT)
            if start == 1:
                os.kill(output_filter, signal.SIGKILL)
                os.waitid(os.P_PID, output_filter, os.WEXITED | os.WNOWAIT)
            send(out, Progress(State.SEALED, painted=1))
            permitted = os.read(orders, 1)
            assert start != 1, "a camera was permitted"
            assert permitted
            mirror(out, 0.5)
            os.kill(output_filter, signal.SIGKILL)
    """)
    assert (outcome.code, len(outcome.starts)) == (0, 2)
    assert outcome.faults == ["output filter ended", "killed"]
    assert "an output filter has ended" in outcome.lines[0]


def test_a_show_may_end_after_its_output_filters() -> None:
    """A show that ends properly closes its output first and waits for the filters to write."""
    outcome = supervise("""
        def show(start, out, orders):
            if not (output_filter := os.fork()):
                signal.pause()
            send(out, Progress(State.SEALED, painted=1))
            assert os.read(orders, 1)
            mirror(out, 0.5)
            os.kill(output_filter, signal.SIGKILL)
            time.sleep(2.5)
    """)
    assert (outcome.code, len(outcome.starts), outcome.faults) == (0, 1, [])
    assert outcome.lines == []


def test_systemd_hears_that_the_show_lives_only_while_it_does() -> None:
    """READY is sent once; WATCHDOG is sent only while all parts make progress."""
    outcome = supervise("""
        watchdog_s = 0.4
        def show(start, out, orders):
            mirror(out, 1.0)
    """)
    assert outcome.told.count("READY=1") == 1
    assert outcome.told.count("WATCHDOG=1") >= 3
    still = supervise("""
        watchdog_s = 0.4
        heartbeat.LIMITS_S = dict.fromkeys(heartbeat.LIMITS_S, 2.0)
        def show(start, out, orders):
            mirror(out, 60 if start == 1 else 0.01, captured=1)
    """)
    # Half of the limit in which the show lives, at a message each tenth of a second or less often.
    assert still.told.count("WATCHDOG=1") <= 16
    assert still.faults == ["capture stalled", "killed"]


def test_systemd_hears_that_a_long_start_goes_on() -> None:
    """Until the show reports, the supervisor asks systemd for more time, and never after that."""
    outcome = supervise("""
        supervisor.EXTENSION_S = 0.8
        def show(start, out, orders):
            time.sleep(1.5)
            mirror(out, 1.0)
    """)
    ready_at = outcome.told.index("READY=1")
    assert ready_at >= 4
    assert set(outcome.told[:ready_at]) == {"EXTEND_TIMEOUT_USEC=800000"}
    assert "EXTEND_TIMEOUT_USEC=800000" not in outcome.told[ready_at:]


def test_the_first_show_waits_for_nothing() -> None:
    """The first show starts at once, without waiting for the supervisor's next tick."""
    outcome = supervise("""
        supervisor.TICK_S = 3600
        def show(start, out, orders): return 0
    """)
    assert (outcome.code, len(outcome.starts)) == (0, 1)
