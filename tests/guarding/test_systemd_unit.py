"""Tests of the printed unit: it fits every path of the kiosk, or is refused.

Blanks, quotes, `%`, `$`, backslashes and equals signs are written as systemd reads them; line
breaks, tabs and a blank at the end are refused. The unit makes what is missing at boot.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from installation.errors import SettingsError
from installation.guarding.systemd_unit import (
    AUTHORITY,
    PROMISES,
    SCREEN,
    SERVER_OPTIONS,
    Display,
    screen_unit,
    unit,
)
from tests.support.children import NOBODY, ROOT
from tests.support.tools import tool


def test_the_unit_is_a_second_wall(tmp_path: Path) -> None:
    """By systemd's own judgement the unit's exposure is at most 1.0 of 10."""
    file = tmp_path / "kiosk.service"
    file.write_text(unit(Path("/opt/kiosk"), python="/usr/bin/true"))
    judged = subprocess.run(
        [tool("systemd-analyze"), "security", "--offline=true", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    exposure = re.search(r"Overall exposure level for .*?: ([0-9.]+)", judged.stdout)
    assert exposure, judged.stderr
    assert float(exposure[1]) <= 1.0
    assert "MemorySwapMax=0\n" in file.read_text()


def test_the_unit_makes_the_devices_of_nvidias_cards(tmp_path: Path) -> None:
    """The unit makes /dev/nvidia-uvm, which is missing at boot, so that the show uses the card.

    systemd accepts the lines; a machine without the driver has none of them.
    """
    file = tmp_path / "kiosk.service"
    file.write_text(unit(ROOT, python="/usr/bin/true", nvidia_modprobe=Path("/usr/bin/true")))
    verified = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    text = file.read_text()
    assert "\nExecStartPre=-+/usr/bin/true -u -c=0\n" in text
    assert "\nWants=modprobe@nvidia_uvm.service\n" in text
    assert "\nDeviceAllow=char-nvidia-uvm rwm\n" in text
    assert "modprobe" not in unit(ROOT, python="/usr/bin/true")


def command(text: str) -> list[str]:
    """Return the words of the unit's `ExecStart`, as systemd reads them."""
    [line] = re.findall(r"^ExecStart=:(.*)$", text, re.MULTILINE)
    # In double quotes, shells and systemd take the same two escapes that the unit has.
    return [word.replace("%%", "%") for word in shlex.split(line)]


def run_help(words: list[str], folder: Path) -> None:
    """Fail unless the command `words` is `kiosk run`."""
    outcome = subprocess.run(
        [*words, "--help"],
        cwd=folder,
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("usage: kiosk run")


def test_the_command_of_the_unit_is_the_launcher(tmp_path: Path) -> None:
    """The unit executes `kiosk run`, from any folder and without a home."""
    run_help(command(unit(ROOT, python=sys.executable)), tmp_path)


@pytest.mark.parametrize(
    "name", ["it's", 'a "b"', "100%", "%h", "two words", "$HOME", "${HOME}", "back\\slash", "a=b"]
)
def test_the_project_may_lie_in_any_folder(name: str, tmp_path: Path) -> None:
    """A project path with quotes, percent signs, blanks or backslashes does not break the unit."""
    folder = tmp_path / name
    folder.mkdir()
    project, python = folder / "kiosk", folder / "python"
    project.symlink_to(ROOT)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    text = unit(project, python=str(python))
    file = tmp_path / "kiosk.service"
    file.write_text(text)
    verified = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    [working_directory] = re.findall(r"^WorkingDirectory=(.*)$", text, re.MULTILINE)
    assert working_directory.replace("%%", "%") == str(project)
    words = command(text)
    assert str(python) in words
    run_help(words, tmp_path)


@pytest.mark.parametrize("name", ["two\nlines", "a tab\t", "a blank at the end "])
def test_a_path_that_no_unit_can_hold_is_refused(name: str) -> None:
    """A path that systemd would read differently is refused with a remedy."""
    with pytest.raises(SettingsError, match="Move the kiosk to another folder"):
        unit(Path("/opt", name))


def test_opengl_may_ask_for_its_display() -> None:
    """Mesa calls mincore before it opens a Wayland display; systemd 252 and 257 do not list it."""
    filters = re.findall(
        r"^SystemCallFilter=(.*)$", unit(ROOT, python="/usr/bin/true"), re.MULTILINE
    )
    assert "mincore" in " ".join(line for line in filters if line[:1] != "~").split()


def test_the_unit_hides_pseudo_terminals_and_waits_a_finite_time_for_the_start() -> None:
    """The unit hides pseudo-terminals from the show, and a start may take 90 s.

    Every user can list the terminals, and a supervisor that hangs must be started again.
    """
    text = unit(ROOT, python="/usr/bin/true")
    [hidden] = [line for line in text.splitlines() if "ptmx" in line]
    assert hidden == "InaccessiblePaths=-/dev/pts -/dev/ptmx"
    assert re.findall(r"^TimeoutStartSec=(.*)$", text, re.MULTILINE) == ["90"]


@pytest.mark.parametrize("display", ["desktop", "x11", "cage"])
def test_the_unit_gives_standard_output_away(display: Display) -> None:
    """Under the unit the events of a show, which nobody asked for, are written nowhere."""
    text = unit(ROOT, python="/usr/bin/true", display=display)
    assert re.findall(r"^StandardOutput=(.*)$", text, re.MULTILINE) == ["null"]


VARIABLES = {
    "x11": f" DISPLAY=:0 XAUTHORITY={AUTHORITY}\n",
    "cage": " XDG_RUNTIME_DIR=/run/kiosk-screen WAYLAND_DISPLAY=wayland-0\n",
}


@pytest.mark.parametrize("display", ["x11", "cage"])
def test_both_units_of_a_display_of_its_own_are_accepted(
    display: Literal["x11", "cage"], tmp_path: Path
) -> None:
    """Both units are accepted by systemd: the display's, and the show's, which names it."""
    show, screen = tmp_path / "kiosk.service", tmp_path / SCREEN
    show.write_text(unit(ROOT, python="/usr/bin/true", display=display))
    screen.write_text(screen_unit(display, program="/usr/bin/true"))
    verified = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(show), str(screen)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    text = show.read_text()
    assert f"\nRequires={SCREEN}\n" in text
    assert VARIABLES[display] in text
    assert "xhost" not in text
    assert "-noreset" not in screen.read_text()
    assert "xhost" in unit(ROOT, python="/usr/bin/true")


@pytest.mark.parametrize("display", PROMISES)
def test_each_unit_says_what_it_promises_and_what_it_cannot(display: Display) -> None:
    """The technician reads both above the settings, as comments."""
    comment = unit(ROOT, python="/usr/bin/true", display=display).partition("\n[Unit]")[0]
    assert "# What this unit promises: " in comment
    assert "# What it cannot promise: " in comment
    assert all(line[:1] in ("#", "") for line in comment.splitlines())
    assert "{" not in comment


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
def test_an_x_server_of_its_own_cannot_be_used_or_be_a_store(tmp_path: Path) -> None:
    """Clients without the cookie are refused, none can simulate typing, and nothing stays.

    The server restarts after its last client, so that nothing that a client left in it stays.
    """
    cookie = tmp_path / "auth"
    read, write = os.pipe()
    server = subprocess.Popen(
        [tool("Xvfb"), "-displayfd", str(write), *SERVER_OPTIONS, "-auth", str(cookie)],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with open(read) as answer:
            display = f":{answer.readline().strip()}"
        subprocess.run(
            ["xauth", "-q", "-f", str(cookie), "add", display, ".", "00" * 16], check=True
        )

        def x(*words: str, user: int = 0) -> subprocess.CompletedProcess[str]:
            who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            # Root's file, which no other user can read.
            own = {"DISPLAY": display, "XAUTHORITY": str(cookie)}
            return subprocess.run(
                [*who, *words], env=os.environ | own, capture_output=True, text=True, check=False
            )

        extensions = x(tool("xdpyinfo")).stdout
        assert "MIT-SHM" in extensions, "the control: extensions are listed"
        assert not {"XTEST", "RECORD"} & set(extensions.split())
        refused = x("xdpyinfo", user=NOBODY)
        assert refused.returncode != 0, refused.stdout
        x("xprop", "-root", "-f", "KIOSK", "8s", "-set", "KIOSK", "a picture")
        assert "a picture" not in x("xprop", "-root").stdout
    finally:
        server.terminate()
        server.wait()
