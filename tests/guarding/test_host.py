from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from installation.guarding.host import check_host, not_prevented
from tests.support.children import USERS, needs_guard, run

FILES = {
    "proc/swaps": "Filename Type Size Used Priority\n",
    "proc/sys/kernel/core_pattern": "core\n",
    "proc/sys/debug/exception-trace": "0\n",
    "proc/sys/vm/overcommit_memory": "0\n",
    "sys/power/state": "freeze mem\n",
    "sys/power/resume": "0:0\n",
    "sys/kernel/kexec_crash_loaded": "0\n",
    "sys/module/videodev/version": "1\n",
    "proc/self/mounts": "/dev/sda2 / ext4 rw 0 0\nsystemd-1 /proc/sys/fs/b autofs rw 0 0\n",
    "proc/self/status": "Name:\tpython\nTracerPid:\t0\nUid:\t0\n",
}


def make(root: Path, files: Mapping[str, str | None]) -> None:
    """Write `files` under `root`; None: there is no such file."""
    for path, content in files.items():
        if content is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)


def is_good(root: Path, name: str, display: str = "") -> bool | None:
    """Return the result of the host check `name` for the machine at `root`."""
    found = {each.name: each for each in check_host(root, {"DISPLAY": display})}
    assert found[name].remedy.endswith(".")
    return found[name].good


@pytest.mark.parametrize(
    ("name", "file", "text", "good"),
    [
        ("swap", "proc/swaps", FILES["proc/swaps"], True),
        ("swap", "proc/swaps", FILES["proc/swaps"] + "/dev/sda2 partition 1 0 -2\n", False),
        ("swap", "proc/swaps", FILES["proc/swaps"] + "/dev/zram0 partition 1 0 -2\n", True),
        ("swap", "proc/swaps", None, None),
        ("swap", "proc/swaps", FILES["proc/swaps"] + "/swap/dev/zram0 file 1 0 -2\n", False),
        ("core dumps", "proc/sys/kernel/core_pattern", "|/usr/lib/systemd-coredump %P\n", False),
        ("core dumps", "proc/sys/kernel/core_pattern", "core\n", True),
        ("hibernation", "sys/power/state", "freeze mem disk\n", True),  # there is no swap
        ("hibernation", "sys/power/state", None, None),
        ("hibernation", "sys/power/resume", "8:2\n", True),
        ("crash dumps", "sys/kernel/kexec_crash_loaded", "1\n", False),
        ("crash dumps", "sys/kernel/kexec_crash_loaded", None, None),
        ("network disks", "proc/self/mounts", FILES["proc/self/mounts"], True),
        ("network disks", "proc/self/mounts", "nas:/x /mnt nfs4 rw 0 0\n", False),
        ("network disks", "proc/self/mounts", "me@x:/ /home/me/far fuse.sshfs rw 0 0\n", False),
        ("network disks", "proc/self/mounts", "-hosts /net autofs rw 0 0\n", False),
        ("network disks", "proc/self/mounts", None, None),
        ("kernel log", "proc/sys/debug/exception-trace", "0\n", True),
        ("kernel log", "proc/sys/debug/exception-trace", "1\n", False),
        ("kernel log", "proc/sys/debug/exception-trace", None, None),
        ("kernel log", "proc/sys/vm/overcommit_memory", "2\n", False),
        ("kernel log", "proc/sys/vm/overcommit_memory", "1\n", True),
        ("tracers", "proc/self/status", FILES["proc/self/status"], True),
        ("tracers", "proc/self/status", "Name:\tx\nTracerPid:\t42\n", False),
        ("tracers", "proc/self/status", None, None),
        ("false cameras", "sys/module/v4l2loopback/version", "1\n", False),
    ],
)
def test_each_check_reads_the_machine(
    name: str, file: str, text: str | None, good: bool | None, tmp_path: Path
) -> None:
    """Each property that the program cannot enforce is checked; unknown does not count as good."""
    make(tmp_path, {**FILES, file: text})
    assert is_good(tmp_path, name) is good


@pytest.mark.parametrize(("behind", "good"), [("none\n", True), ("/dev/sda3\n", False)])
def test_zram_that_is_written_to_a_disk(behind: str, good: bool, tmp_path: Path) -> None:
    """Swap in zram is in memory, unless zram has a backing disk."""
    swaps = FILES["proc/swaps"] + "/dev/zram0 partition 1 0 -2\n"
    make(tmp_path, {"proc/swaps": swaps, "sys/block/zram0/backing_dev": behind})
    assert is_good(tmp_path, "swap") is good


@pytest.mark.parametrize(("total", "good"), [("0 kB", True), ("8 kB", None)])
def test_a_kernel_without_swap(total: str, good: bool | None, tmp_path: Path) -> None:
    """A kernel that was built without swap has no /proc/swaps and reports 0 kB."""
    make(tmp_path, {"proc/meminfo": f"MemTotal:       24 kB\nSwapTotal:      {total}\n"})
    assert is_good(tmp_path, "swap") is good


@pytest.mark.parametrize(
    ("group", "most", "good"),
    [
        ("system.slice/kiosk.service", "0\n", True),
        ("system.slice", "0\n", True),
        ("system.slice/kiosk.service", "max\n", False),
        ("system.slice/other.service", "0\n", False),
    ],
)
def test_a_program_that_is_kept_out_of_swap(
    group: str, most: str, good: bool, tmp_path: Path
) -> None:
    """Under systemd the machine may have swap: the show's memory is never written to it."""
    files = {
        "proc/swaps": FILES["proc/swaps"] + "/dev/sda2 partition 1 0 -2\n",
        "proc/self/cgroup": "0::/system.slice/kiosk.service\n",
        f"sys/fs/cgroup/{group}/memory.swap.max": most,
    }
    make(tmp_path, files)
    assert is_good(tmp_path, "swap") is good
    mistakes = [str(each) for each in not_prevented(tmp_path) if each.where == "swap"]
    assert (mistakes == []) is good
    assert good or mistakes[0].startswith(
        "swap: the kernel may write memory to /dev/sda2. Turn swap off"
    )


@pytest.mark.parametrize(
    ("trace", "overcommit", "found", "lines"),
    [
        ("1", "0", "the registers", ["debug.exception-trace = 0"]),
        ("0", "2", "each request for memory", ["vm.overcommit_memory = 0"]),
        ("1", "2", "the registers", ["debug.exception-trace = 0", "vm.overcommit_memory = 0"]),
    ],
)
def test_the_remedy_names_the_lines_that_are_wrong(
    trace: str, overcommit: str, found: str, lines: list[str], tmp_path: Path
) -> None:
    """The remedy contains only the lines for sysctl that this machine needs."""
    files = {"proc/sys/debug/exception-trace": trace, "proc/sys/vm/overcommit_memory": overcommit}
    make(tmp_path, {**FILES, **files})
    [mistake] = [each for each in not_prevented(tmp_path) if each.where == "kernel log"]
    assert mistake.problem.startswith(f"the kernel logs {found}")
    assert mistake.remedy.startswith("Write ")
    assert re.findall(r"`(\S+ = \d)`", mistake.remedy) == lines


def test_a_machine_that_may_hibernate_to_its_swap(tmp_path: Path) -> None:
    """If there is swap, the result is unknown, because hibernation may be set up later."""
    swaps = FILES["proc/swaps"] + "/dev/sda2 partition 1 0 -2\n"
    files = {"sys/power/state": "mem disk\n", "sys/power/resume": "0:0\n", "proc/swaps": swaps}
    make(tmp_path, files)
    assert is_good(tmp_path, "hibernation") is None


def test_a_machine_that_hibernates(tmp_path: Path) -> None:
    """Hibernation writes all memory to the disk that the machine resumes from."""
    make(tmp_path, {"sys/power/state": "mem disk\n", "sys/power/resume": "8:2\n"})
    assert is_good(tmp_path, "hibernation") is False


def test_an_x_server_on_the_network(tmp_path: Path) -> None:
    """An X server on the network is a danger; for any other server, the result is unknown."""
    (tmp_path / "proc/net").mkdir(parents=True)
    table = tmp_path / "proc/net/tcp"
    table.write_text("  sl  local_address\n   0: 00000000:1770 00000000:0000 0A\n")
    assert is_good(tmp_path, "display", ":0") is False
    table.write_text("  sl  local_address\n")
    assert is_good(tmp_path, "display", ":0") is None
    assert is_good(tmp_path, "display") is True


@pytest.mark.parametrize("user", USERS)
def test_a_show_that_runs_as_root_is_reported(user: str, tmp_path: Path) -> None:
    """The check of the user names root, even after root has dropped its capabilities."""
    program = (
        "from installation.guarding.layers import limits\n"
        "from installation.guarding.host import check_host\n"
        "for step in (lambda: None, limits.drop_capabilities):\n"
        "    step()\n"
        "    [user] = [check for check in check_host() if check.name == 'user']\n"
        "    print(user.good, user.found)\n"
    )
    outcome = run("-c", program, user=user, folder=tmp_path)
    expected = {
        "root": "False the show runs as root, with root's capabilities\n"
        "False the show runs as root, without root's capabilities\n",
        "ordinary user": 2
        * "True the show runs as an ordinary user, without root's capabilities\n",
    }
    assert outcome.stdout == expected[user], outcome.stderr


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_the_sealed_audit_reports_the_true_user(user: str, tmp_path: Path) -> None:
    """Under the seal, which refuses geteuid, root is reported as root.

    All other checks have the same result as without the seal.
    """
    outcome = run("-m", "installation", "audit", "--short", "--json", user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    facts = json.loads(outcome.stdout)["facts"]
    program = (
        "import json\n"
        "from installation.guarding.host import check_host\n"
        "print(json.dumps([check.as_json() for check in check_host()]))\n"
    )
    without_seal = json.loads(run("-c", program, user=user, folder=tmp_path).stdout)
    assert [each for each in facts if each["name"] != "user"] == [
        each for each in without_seal if each["name"] != "user"
    ]
    [check] = [each for each in facts if each["name"] == "user"]
    name = {"root": "root", "ordinary user": "an ordinary user"}[user]
    assert check["seen"] == f"the show runs as {name}, without root's capabilities"
    assert check["good"] is (user != "root")


def test_the_check_of_false_cameras_names_what_it_knows(tmp_path: Path) -> None:
    """The check states only that v4l2loopback is not loaded: other virtual cameras may exist."""
    make(tmp_path, {"sys/module/videodev/version": "1\n"})
    [found] = [each for each in check_host(tmp_path) if each.name == "false cameras"]
    assert found.found == "v4l2loopback is not loaded"


ARGUMENTS = """
from installation.guarding import host
from installation.guarding.first_act import close_to_others
from installation.guarding.layers import limits
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
import os
def seen():
    [check] = [each for each in host.check_host() if each.name == "arguments"]
    return check.good, "arguments" in [each.where for each in host.not_prevented()]
print(*seen())
os.environ[ENVIRONMENT_VARIABLE] = SandboxStatus("enforce").to_json()
print(*seen())
close_to_others()
print(*seen())
limits.can_empty_arguments = lambda: False
del os.environ[ENVIRONMENT_VARIABLE]
print(*seen())
"""


def test_readable_arguments_weaken_the_promise(tmp_path: Path) -> None:
    """The promise is weaker if others can read the show's arguments, or if they cannot be hidden.

    In a show, the check tests whether its arguments are hidden; elsewhere, whether the kernel has
    the call that hides them.
    """
    outcome = run("-c", ARGUMENTS, user=USERS[-1], folder=tmp_path)
    assert outcome.stdout.splitlines() == ["True False", "False True", "True False", "False True"]
