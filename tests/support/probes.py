"""What the tests of the probes share: which may fail without the sandbox, and the control."""

from __future__ import annotations

import json
import os
from pathlib import Path

from installation.guarding.status import SECCOMP
from tests.support.children import run

DENIED_TO_USERS = {
    "rename the machine",
    "mount with fsopen",
    "swap to a file",
    "open a socket: network card",
    "open a socket: raw packets",
    "send a signal",
    "send a signal to a thread",
    "send a signal with a value",
    "send a signal with a value to a thread",
    "load a program into the kernel",
    "record performance events",
    "handle page faults",
    "watch the file system",
    "change the root folder",
    "mount",
    "open a file by its handle",
    "leave a namespace",
    "write into the home folder",
}
"""The probes that the kernel denies an ordinary user even without a sandbox."""

MAY_BE_ABSENT = {
    "set the NUMA node of a file's memory pages",
    "move a program's pages to a NUMA node",
    "move a program's memory between NUMA nodes",
    "load a kernel module",
    "queue system calls for the kernel",
    "make secret memory",
    "set a file's flags with file_setattr",
    "open a POSIX message queue",
    "store bytes as a key",
    "find a keyring",
    "add an attribute to a file",
    "open a socket: host of a virtual machine",
    "open a socket: kernel's ciphers",
    "open a socket: Bluetooth",
    "open a socket: CAN bus",
}
"""The probes whose subject a kernel, a container or a machine may lack, or hide."""

CONTROL = """
import importlib, json, shutil, sys
from installation.guarding.probes.probe import run_probes
from installation.guarding.status import make_scratch_dir
probes = importlib.import_module(f"installation.guarding.probes.{sys.argv[1]}").PROBES
scratch_dir = make_scratch_dir({})
results = run_probes(probes, scratch_dir, "main")
shutil.rmtree(scratch_dir)
print(json.dumps([(result.name, result.outcome, result.layer) for result in results]))
"""


def assert_probes_succeed_without_sandbox(module: str, user: str, folder: Path) -> None:
    """Fail unless each probe of `module` succeeds as `user`, or may be denied or absent here.

    No probe counts as refused by seccomp, and none leaves anything in the home folder.
    """
    outcome = run("-W", "ignore", "-c", CONTROL, module, user=user, folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    results = json.loads(outcome.stdout.splitlines()[-1])
    assert results
    assert [name for name, _, layer in results if layer == SECCOMP] == []
    failed = {name for name, result, _ in results if result != "succeeded"}
    denied = DENIED_TO_USERS if user != "root" else set()
    # A library's failure is all that the audit sees of it, so without the sandbox none may fail.
    assert failed <= (set() if module == "libraries" else MAY_BE_ABSENT | denied)
    assert os.listdir(folder / "home") == []
