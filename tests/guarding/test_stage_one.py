from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from installation.guarding.stage_one import present_devices, show_environment
from tests.support.children import (
    STAGE_ONE_PROGRAM,
    USERS,
    as_user,
    environment,
    home_of,
    needs_guard,
    run,
    run_under_stage_one,
    run_until,
)


def test_the_launcher_loads_the_standard_library_and_yaml(tmp_path: Path) -> None:
    """Before stage one nothing is imported that might start a thread."""
    program = (
        "import sys; before = set(sys.modules); import installation.launch, yaml; "
        "from installation.guarding.output import output_filter; "
        "from installation.guarding.layers import landlock, limits, seccomp; "
        "import os; print(len(os.listdir('/proc/self/task')), *{name.partition('.')[0] "
        "for name, module in sys.modules.items() if module and name not in before} "
        "- set(sys.stdlib_module_names))"
    )
    outcome = run("-c", program, user=USERS[0], folder=tmp_path)
    threads, *names = outcome.stdout.split()
    assert threads == "1"
    assert {name for name in names if "cython" not in name} <= {"installation", "yaml", "_yaml"}


DISABLED = {
    # The comment of each variable says what would happen without it.
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",  # SDL starts a daemon
    "MESA_SHADER_CACHE_DISABLE": "true",  # Mesa writes compiled shaders into the home folder
    "MESA_GLSL_CACHE_DISABLE": "true",  # its older versions do the same
    "__GL_SHADER_DISK_CACHE": "0",  # NVIDIA's OpenGL does the same
    "CUDA_CACHE_DISABLE": "1",  # CUDA writes compiled kernels into the home folder
    "USE_PYTORCH_KERNEL_CACHE": "0",  # PyTorch does the same
    "PYTHONDONTWRITEBYTECODE": "1",  # Python writes bytecode beside its modules
    "TORCH_COMPILE_DISABLE": "1",  # torch starts a compiler whenever shapes change
    "TORCHINDUCTOR_CACHE_DIR": "/",  # torch makes a folder during its import
    "HF_HUB_OFFLINE": "1",  # weights are searched on the network
}
"""The variables that the show's environment must contain, for any environment of the user."""


def test_nothing_that_writes_is_left_enabled() -> None:
    """Caches on disk and compilers at run time are off, and the display driver is named."""
    disabled = show_environment(dict.fromkeys(DISABLED, "otherwise") | {"DISPLAY": ":0"})
    assert {name: disabled[name] for name in DISABLED} == DISABLED


def test_devices_are_allowed_by_name() -> None:
    """Of /dev, only the character devices that the show needs are allowed, and no folder."""
    names = [str(path) for path in present_devices()]
    assert "/dev/null" in names
    assert all(Path(name).is_char_device() for name in names)
    assert "/dev/ptmx" not in names


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_stage_one_is_inherited(user: str, tmp_path: Path) -> None:
    """Programs that are started under stage one, and all of their threads, may not write files."""
    program = """
    import subprocess, sys
    program = '''
    import threading
    def write():
        try:
            open("new", "w")
            print("written")
        except PermissionError:
            print("refused")
    write()
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    '''
    import textwrap
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
    """
    assert run_under_stage_one(program, user, tmp_path) == "refused\nrefused\n"
    assert not (tmp_path / "home" / "new").exists()


@pytest.mark.parametrize("user", USERS)
def test_without_stage_one_the_same_program_writes(user: str, tmp_path: Path) -> None:
    """The control: without the sandbox the folder can be written."""
    outcome = run("-c", "open('new', 'w'); print('written')", user=user, folder=tmp_path)
    assert outcome.stdout == "written\n"
    assert (tmp_path / "home" / "new").exists()


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_root_keeps_no_capability(user: str, tmp_path: Path) -> None:
    """A show that root starts has no capability after stage one."""
    program = """
    lines = open("/proc/self/status").readlines()
    [capabilities] = [line.split()[1] for line in lines if line.startswith("CapEff")]
    import os
    print(os.geteuid() == 0 and int(capabilities, 16))
    """
    assert run_under_stage_one(program, user, tmp_path).strip() in ("0", "False")


CAPABILITIES = """
from installation.guarding.layers import limits
print(limits.capabilities())
"""


@needs_guard
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give capabilities to another user")
def test_an_ordinary_user_keeps_only_the_capability_to_read(tmp_path: Path) -> None:
    """Capabilities that somebody gave the show's user are gone after stage one."""
    user = "ordinary user"
    home = home_of(user, tmp_path)
    outcome = subprocess.run(
        [
            *as_user(user, "sys_time", "net_admin"),
            *(sys.executable, "-c", f"{CAPABILITIES}{STAGE_ONE_PROGRAM}{CAPABILITIES}"),
        ],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    before, after = outcome.stdout.split()
    read_all, network, time = 1 << 2, 1 << 12, 1 << 25
    assert int(before) == read_all | network | time
    assert int(after) == read_all


@needs_guard
def test_threads_share_their_descriptors(tmp_path: Path) -> None:
    """A thread of stage one cannot have a list of descriptors of its own; others can be started."""
    program = """
    import ctypes, errno, threading
    library = ctypes.CDLL(None, use_errno=True)
    memory, shares_memory, thread = ctypes.create_string_buffer(65536), 0x100 | 0x800, 0x10000
    top = ctypes.c_void_p(ctypes.addressof(memory) + 60000 & ~15)
    assert library.clone(library.pause, top, shares_memory | thread, None) == -1
    print(errno.errorcode[ctypes.get_errno()])
    assert library.close_range(2**31 - 1, 2**31 - 1, 2) == -1
    print(errno.errorcode[ctypes.get_errno()])
    started = threading.Thread(target=print, args=("a thread",))
    started.start()
    started.join()
    """
    assert run_under_stage_one(program, USERS[0], tmp_path) == "ECANCELED\nECANCELED\na thread\n"


@pytest.mark.parametrize("user", USERS)
def test_a_second_thread_is_reported(user: str, tmp_path: Path) -> None:
    """A thread that was started before stage one is reported, because it is outside the sandbox."""
    program = """
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    from installation.guarding.stage_one import enter_stage_one
    from installation.guarding.status import SandboxStatus
    print(enter_stage_one(SandboxStatus("enforce"), None).missing[0])
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout.startswith("threads: the launcher has 2 threads when it enters"), (
        outcome.stderr
    )


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_become_dev_null(closed: str, tmp_path: Path) -> None:
    """If the show is started without standard streams, no other file gets their numbers.

    Nor does a file that an import opens and keeps, as ctypes does with newer versions of libffi.
    """
    program = (
        "import os, sys\n"
        "from installation.guarding import stage_one, status\n"
        "class Opening:\n"
        "    find_spec = staticmethod(lambda *_: os.open(sys.executable, os.O_RDONLY) and None)\n"
        "sys.meta_path.insert(0, Opening)\n"
        "stage_one.enter_stage_one(status.SandboxStatus('degraded'), None)\n"
        "count = 'import os; '\n"
        "count += 'streams = [os.readlink(f\"/proc/self/fd/{i}\") for i in (0, 1, 2)]; '\n"
        'count += \'sys = __import__("sys"); sys.exit(streams.count("/dev/null"))\'\n'
        "os.execv(sys.executable, [sys.executable, '-c', count])\n"
    )
    outcome = run(
        "-c",
        "import subprocess, sys; "
        f"sys.exit(subprocess.call(['sh', '-c', 'exec \"$0\" -c \"$1\" {closed}', "
        "sys.executable, sys.argv[1]]))",
        program,
        user="root",
        folder=tmp_path,
    )
    assert outcome.returncode == len(set(closed.split()) | {"0<&-"}), outcome.stderr


def test_libraries_write_only_short_lines_to_standard_error(tmp_path: Path) -> None:
    """What C libraries write to standard error is output as short lines of text."""
    program = (
        "import os, sys\n"
        "from installation.guarding import stage_one, status\n"
        "status = stage_one.enter_stage_one(status.SandboxStatus('degraded'), None)\n"
        "os.write(2, b'a warning\\n' + bytes(range(256)) * 100 + b'\\n' + b'x' * 301 + b'\\n')\n"
        "os.close(1); os.close(2)\n"
        "for pid in status.output_filter_pids: os.waitpid(pid, 0)\n"
    )
    outcome = run("-c", program, user="root", folder=tmp_path)
    lines = outcome.stderr.splitlines()
    assert outcome.returncode == 0
    assert lines[0] == "a warning"
    assert "(omitted: a line that is too long)" in lines
    assert len(outcome.stderr) < 100 * len(lines)
    assert all(line.isprintable() for line in lines)


ARGUMENTS = ("run", "--headless", "--source", "rehearsal", "--seconds", "90")


@pytest.mark.slow
@needs_guard
def test_output_to_a_file_is_written_outside_the_sandbox(tmp_path: Path) -> None:
    """`kiosk run > events.jsonl` works, although the show itself may not write files."""
    home = home_of("root", tmp_path)
    with (home / "events").open("wb") as events, (home / "log").open("wb") as log:
        ended = subprocess.run(
            [sys.executable, "-m", "installation", *ARGUMENTS[:-1], "3"],
            cwd=home,
            env=environment(home),
            stdout=events,
            stderr=log,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 0
    assert json.loads((home / "events").read_text().splitlines()[-1])["event"] == "summary"
    assert "screen:" in (home / "log").read_text()


OLD_KERNEL = """
import errno, sys, time
from installation.guarding import stage_one
from installation.guarding.layers import bpf, landlock, seccomp
from installation.guarding.status import SandboxStatus
landlock.set_no_new_privileges()
seccomp.install(
    bpf.Filter((bpf.refuse("landlock_create_ruleset", error=errno.ENOSYS),)), all_threads=False
)
status = SandboxStatus(sys.argv[1], started_at=time.monotonic())
stage_one.start_show(sys.argv[2:], status, None)
"""


@pytest.mark.slow
def test_a_kernel_without_landlock(tmp_path: Path) -> None:
    """Without Landlock the filters refuse the same calls, and the log says from which stage on."""
    words = ("-c", OLD_KERNEL, "enforce", *ARGUMENTS[:-2])
    outcome = run_until("camera:", *words, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "privacy: this kernel has no Landlock, so the protection" in outcome.stderr
    assert "privacy: enforced; " in outcome.stderr
    assert "camera: rehearsal" in outcome.stderr


NO_SECCOMP = OLD_KERNEL.replace("landlock_create_ruleset", "seccomp")


@pytest.mark.slow
def test_a_kernel_without_seccomp(tmp_path: Path) -> None:
    """Without filters no camera is opened, and the log says what is missing."""
    outcome = run("-c", NO_SECCOMP, "enforce", *ARGUMENTS, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert "seccomp: not available on this machine (Function not implemented). " in outcome.stderr
    assert "camera:" not in outcome.stderr


@pytest.mark.slow
def test_a_kernel_without_seccomp_and_degraded_privacy(tmp_path: Path) -> None:
    """With `privacy: degraded` the show runs, and logs each missing layer and failed probe."""
    words = ("-c", NO_SECCOMP, "degraded", *ARGUMENTS[:-2])
    outcome = run_until("camera:", *words, user="root", folder=tmp_path)
    log = outcome.stderr
    assert outcome.returncode == 0, log
    assert "privacy: not enforced. seccomp: not available on this machine" in log
    assert "the sandbox did not refuse " in log
    assert "privacy: enforced" not in log


FIRST_LANDLOCK = """
from installation.guarding.layers import landlock
landlock._CHANGES_BY_ABI = tuple(each for each in landlock._CHANGES_BY_ABI if each[0] == 1)
landlock._TCP_BY_ABI = landlock._SCOPES_BY_ABI = ()
whole = landlock.restrict
landlock.restrict = lambda *arguments, **named: whole(*arguments, **named) and 1
"""


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_the_first_version_of_landlock_is_enough(user: str, tmp_path: Path) -> None:
    """With the Landlock of Linux 5.13 every probe is refused, by Landlock or by a filter."""
    program = """
    from installation.guarding.guard import Guard
    proof = Guard(status).seal()
    print(status.landlock_version, proof.holds, proof.missing)
    """
    program = FIRST_LANDLOCK + STAGE_ONE_PROGRAM + textwrap.dedent(program)
    outcome = run("-c", program, user=user, folder=tmp_path)
    assert outcome.stdout == "1 True ()\n", outcome.stderr


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_a_landlock_that_refuses_nothing_is_found(user: str, tmp_path: Path) -> None:
    """If Landlock refuses nothing, the message lists the changes to files that it allows.

    Landlock is tried before stage two, whose filter refuses the same calls.
    """
    program = "landlock.restrict = lambda *_, **named: 7\n" + STAGE_ONE_PROGRAM
    program = f"from installation.guarding.layers import landlock\n{program}"
    seal = "from installation.guarding.guard import Guard\nGuard(status).seal()\n"
    outcome = run("-c", program + seal, user=user, folder=tmp_path)
    assert (
        "Landlock: this kernel's Landlock did not refuse 21 changes of files: create a file"
        in outcome.stderr
    )
