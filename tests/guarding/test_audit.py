"""Tests of the audit on any kernel, in containers and in units; it reports each cause once."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from installation.guarding.host import not_prevented
from installation.guarding.layers.bpf import REFUSED_ERRNO
from installation.guarding.probes.all_probes import ALL_PROBES, QUICK_PROBES
from installation.guarding.status import SECCOMP
from tests.support.children import ROOT, USERS, needs_guard, run
from tests.support.probes import MAY_BE_ABSENT

IGNORED = "name a thread"
"""The probe of a call that seems to succeed and does nothing, so it has no error number."""


@pytest.mark.slow
@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_the_audit_runs_every_probe_in_the_real_show(user: str, tmp_path: Path) -> None:
    """`kiosk audit --json` lists each probe from both threads, refused by the expected layer."""
    outcome = run("-m", "installation", "audit", "--json", user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    report = json.loads(outcome.stdout)
    assert sorted(report) == ["absent", "attempts", "facts", "missing", "not_proved", "proved"]
    expected = {probe.name: probe.layer for probe in ALL_PROBES}
    numbers = {probe.name: probe.errno or REFUSED_ERRNO for probe in ALL_PROBES}
    lose_numbers = {probe.name for probe in ALL_PROBES if probe.library}
    present = expected.keys() - set(report["absent"])
    assert present | MAY_BE_ABSENT == expected.keys() | MAY_BE_ABSENT
    tried = {(each["name"], each["thread"]) for each in report["attempts"]}
    assert tried == {(name, thread) for name in present for thread in ("main", "earlier")}
    for each in report["attempts"]:
        assert sorted(each) == ["errno", "layer", "name", "refused", "thread"]
        assert each["refused"] is True, each
        known = each["errno"] is not None or each["name"] not in lose_numbers
        # The filter decides before Landlock is asked.
        assert each["layer"] in ((expected[each["name"]], SECCOMP) if known else (None,)), each
        # Only the filter returns this number; the kernel itself returns others.
        if each["layer"] == SECCOMP and each["name"] != IGNORED:
            assert each["errno"] == numbers[each["name"]], each
    assert report["missing"] == []
    assert "camera: rehearsal" in outcome.stderr


def test_an_audit_without_the_launcher_proves_nothing(tmp_path: Path) -> None:
    """Without stage one, probes succeed; the audit fails and names the missing layers."""
    program = "import sys; from installation.cli.main import main; sys.exit(main(sys.argv[1:]))"
    outcome = run("-c", program, "audit", "--short", "--json", user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 1
    report = json.loads(outcome.stdout)
    assert report["missing"][0].startswith("stage one: ")
    assert not all(each["refused"] for each in report["attempts"])
    assert report["proved"].startswith("Nothing is proved")


@needs_guard
def test_the_audit_is_whole_in_a_file(tmp_path: Path) -> None:
    """If output goes to a file, where long lines are left out, no probe of the JSON is lost."""
    command = [sys.executable, "-m", "installation", "audit", "--short", "--json"]
    with (tmp_path / "audit.json").open("w") as file:
        outcome = subprocess.run(command, stdout=file, cwd=ROOT, check=False, timeout=60)
    assert outcome.returncode == 0
    report = json.loads((tmp_path / "audit.json").read_text())
    assert len(report["attempts"]) == 2 * (len(QUICK_PROBES) - len(report["absent"]))


@pytest.mark.slow
@needs_guard
def test_the_page_has_the_line_of_the_wall(tmp_path: Path) -> None:
    """`kiosk audit --page` has the privacy line in the language of the show as its headline."""
    (tmp_path / "kiosk.yaml").write_text("language: de\n")
    file = str(tmp_path / "kiosk.yaml")
    outcome = run("-m", "installation", "audit", file, "--page", user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    told = "Dieses Programm behält kein Bild" if not_prevented() else "Es bleibt kein Bild"
    assert f'<h1 lang="de">{told}' in outcome.stdout
    assert "attempts were refused" in outcome.stdout


@needs_guard
def test_the_audit_as_a_table(tmp_path: Path) -> None:
    """Without options the audit is a table: the probes, their outcomes, and what is not proved."""
    outcome = run("-m", "installation", "audit", "--short", user=USERS[-1], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    head, *rows = outcome.stdout.splitlines()
    assert head.split("  ")[0] == "probe"
    assert sum("creat()" in row for row in rows) == 2
    assert "The proof does not cover other programs" in outcome.stdout
    assert "SUCCEEDED" not in outcome.stdout


@needs_guard
def test_the_audit_holds_under_the_systemd_unit(tmp_path: Path) -> None:
    """For a user without a home and with a UMask of 0777, every probe is refused by its layer."""
    scratch_dir = tmp_path / "run"
    scratch_dir.mkdir()
    scratch_dir.chmod(0o777)
    program = (
        "import os, sys; os.umask(0o777); "
        "os.execv(sys.executable, [sys.executable, '-m', 'installation', *sys.argv[1:]])"
    )
    outcome = run(
        *("-c", program, "audit", "--short", "--json"),
        user=USERS[-1],
        folder=tmp_path,
        HOME="/nonexistent",
        RUNTIME_DIRECTORY=str(scratch_dir),
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    report = json.loads(outcome.stdout)
    assert "write into the home folder" in report["absent"]
    layers = {each["name"]: each["layer"] for each in report["attempts"]}
    assert layers["change an open file's permissions"] == "seccomp"


OUTER_FILTER = """
import ctypes, os, struct, sys
from installation.guarding.layers.syscalls import MACHINE, NUMBERS
number, names = int(sys.argv.pop(1)), sys.argv.pop(1).split(",")
code = [(0x20, 0, 0, 0)]
for name in names:
    code += [(0x15, 0, 1, NUMBERS[name][MACHINE]), (0x06, 0, 0, 0x00050000 | number)]
code.append((0x06, 0, 0, 0x7FFF0000))
packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(packed))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-m", "installation", *sys.argv[1:]])
"""


@needs_guard
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
@pytest.mark.parametrize(
    "calls",
    [
        "openat2,clone3,keyctl,bpf,io_uring_setup,userfaultfd,open_by_handle_at",
        "memfd_create,memfd_secret",
        "landlock_create_ruleset",
    ],
)
def test_the_audit_holds_in_a_container(number: int, calls: str, tmp_path: Path) -> None:
    """Calls that systemd or a container refuses in its own way are not reported as leaks.

    systemd and the managers of containers answer as if the kernel lacked a call, or with EPERM.
    """
    command = ("-c", OUTER_FILTER, str(number), calls, "audit", "--short")
    outcome = run(*command, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "SUCCEEDED" not in outcome.stdout


# What imports a module of Windows' own there is imported before.
OTHER_SYSTEM = """
import os, shutil, signal, socket, subprocess, sys
import sysconfig
sysconfig.get_config_vars()
sys.platform = sys.argv.pop(1)
for module, names in (
    (socket, ("AF_PACKET", "AF_NETLINK", "AF_VSOCK", "AF_ALG", "AF_CAN")),
    (os, ("O_TMPFILE", "geteuid", "setxattr", "memfd_create")),
):
    for name in names:
        delattr(module, name)
if sys.platform == "win32":
    sys.modules["fcntl"] = sys.modules["resource"] = None
from installation.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_audit_on_other_systems_says_what_is_missing(platform: str, tmp_path: Path) -> None:
    """On macOS and Windows no probe runs, and the audit ends with 1 and names what is missing."""
    outcome = run(
        *("-c", OTHER_SYSTEM, platform, "audit", "--short"), user=USERS[0], folder=tmp_path
    )
    assert outcome.returncode == 1, outcome.stderr
    assert "Missing:\n  stage one: " in outcome.stdout
    assert "Nothing is proved" in outcome.stdout


@pytest.mark.gpu
@needs_guard
def test_the_guard_holds_over_a_graphics_card(tmp_path: Path) -> None:
    """While a graphics card reads visitors, every probe of the audit is refused."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no graphics card by NVIDIA")
    outcome = run("-m", "installation", "audit", "--json", user="root", folder=tmp_path)
    assert "device: the GPU" in outcome.stderr
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["missing"] == []
    assert not list((tmp_path / "home").rglob("*"))


def test_the_page_and_json_are_two_forms(tmp_path: Path) -> None:
    """`kiosk audit` refuses `--page` together with `--json`, and prints no result."""
    outcome = run("-m", "installation", "audit", "--page", "--json", user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert outcome.stderr.endswith("argument --json: not allowed with argument --page\n")
    assert outcome.stdout == ""
