"""What the program cannot enforce: facts of the machine, each with its remedy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from installation.errors import Mistake

PROVED = (
    "From before its first frame on, this program and all of its threads can change no file, keep "
    "no bytes in queues, keys or shared memory, start no program and open no connection: every way "
    "on this list that this computer has was tried at this start, and none got through."
)
NOT_PROVED = (
    "It is not proved what others do: the display server sees every picture and may let its "
    "clients copy it; whoever is root on this computer, swap that is not zram, hibernation, the "
    "driver of the graphics card, a faulty kernel, and a camera in the room that is not this one "
    "are outside the proof; standard output and error stay open for words; and a program here that "
    "is in league with this one could watch signs that no kernel prevents, such as the names of "
    "its threads, how busy it is, or which files it reads."
)


@dataclass(frozen=True)
class Fact:
    """One fact: whether it is as it should be (None: it cannot be known), and what helps."""

    name: str
    good: bool | None
    seen: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        """Return it as `kiosk audit --json` says it."""
        return {"name": self.name, "good": self.good, "seen": self.seen, "remedy": self.remedy}


def facts(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> list[Fact]:
    """Return the facts of the machine whose file system is at `root`."""
    return [
        _swap(root),
        _core_dumps(root),
        _hibernation(root),
        _crash_kernel(root),
        _display(root, environment),
        _loopback(root),
        _network_disks(root),
        _onlooker(root),
        _user(),
    ]


def may_be_swapped(root: Path = Path("/")) -> Mistake | None:
    """Return what is to be said where memory of this program may be written to a disk, else None.

    No layer of the guard can keep the kernel from it.
    """
    swap = _swap(root)
    return None if swap.good else Mistake(swap.name, swap.seen, swap.remedy)


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _swap(root: Path) -> Fact:
    remedy = (
        "Switch swap off (`swapoff -a`, and its line in /etc/fstab), take zram, or let systemd "
        "start the show (`kiosk service`), which keeps it out of swap."
    )
    areas = _swap_areas(root)
    if areas is None:
        return Fact("swap", None, "it cannot be asked", remedy)
    disks = [area for area in areas if not _in_memory(root, area)]
    if disks and _never_swapped(root):
        return Fact("swap", True, "there is some, but none for this program", remedy)
    if disks:
        return Fact("swap", False, f"memory may be written to {', '.join(disks)}", remedy)
    return Fact("swap", True, "zram, which is memory" if areas else "there is none", remedy)


def _swap_areas(root: Path) -> list[str] | None:
    """Return the names of all swap areas; None where that cannot be known."""
    table = _read(root / "proc/swaps")
    if table is not None:
        return [line.split()[0] for line in table.splitlines()[1:]]
    # A kernel that was built without swap has no such list.
    return (
        [] if re.search(r"^SwapTotal: +0 kB$", _read(root / "proc/meminfo") or "", re.M) else None
    )


def _never_swapped(root: Path) -> bool:
    """Tell whether the group that this process is in, or one above, has no swap allowed."""
    own = re.search(r"^0::/(.*)$", _read(root / "proc/self/cgroup") or "", re.MULTILINE)
    if own is None:
        return False
    top = root / "sys/fs/cgroup"
    groups = [top / own[1], *(top / own[1]).parents]
    return any(
        _read(group / "memory.swap.max") == "0" for group in groups if group.is_relative_to(top)
    )


def _in_memory(root: Path, area: str) -> bool:
    """Tell whether a swap area is zram, and zram that is not itself written to a disk."""
    name = area.removeprefix("/dev/")
    behind = _read(root / "sys/block" / name / "backing_dev") or "none"
    return re.fullmatch(r"/dev/zram\d+", area) is not None and behind == "none"


def _core_dumps(root: Path) -> Fact:
    remedy = "Set kernel.core_pattern to `core`; the show forbids its own dumps before any frame."
    pattern = _read(root / "proc/sys/kernel/core_pattern")
    if pattern is None:
        return Fact("core dumps", None, "the pattern cannot be asked", remedy)
    if pattern.startswith("|"):
        return Fact("core dumps", False, f"dumps go to {pattern[1:].split()[0]}", remedy)
    return Fact("core dumps", True, f"the pattern is {pattern or 'empty'}", remedy)


def _hibernation(root: Path) -> Fact:
    remedy = "Mask it: systemctl mask hibernate.target hybrid-sleep.target."
    states = _read(root / "sys/power/state")
    resume = _read(root / "sys/power/resume")
    if states is None:
        return Fact("hibernation", None, "it cannot be asked", remedy)
    if "disk" not in states.split():
        return Fact("hibernation", True, "this kernel cannot", remedy)
    if resume not in (None, "0:0"):
        return Fact("hibernation", False, f"memory may be written to disk {resume}", remedy)
    if _swap_areas(root) == []:
        return Fact("hibernation", True, "there is no swap that memory could be written to", remedy)
    return Fact("hibernation", None, "it may be set up when it is asked for", remedy)


def _crash_kernel(root: Path) -> Fact:
    remedy = "Switch it off: systemctl disable kdump."
    loaded = _read(root / "sys/kernel/kexec_crash_loaded")
    if loaded is None:
        known = (root / "sys/kernel").is_dir()
        seen = "this kernel cannot make them" if known else "it cannot be asked"
        return Fact("crash dumps", known or None, seen, remedy)
    seen = "a crash would write all memory to disk" if loaded == "1" else "none is set up"
    return Fact("crash dumps", loaded != "1", seen, remedy)


def _display(root: Path, environment: Mapping[str, str]) -> Fact:
    remedy = "Give the show an X server or Wayland compositor of its own, without other clients."
    if environment.get("WAYLAND_DISPLAY"):
        return Fact("display", None, "a Wayland compositor sees every picture", remedy)
    name = environment.get("DISPLAY")
    if not name:
        return Fact("display", True, "no display server", remedy)
    port = 6000 + int("".join(c for c in name.partition(":")[2].split(".")[0] if c.isdigit()) or 0)
    for table in ("proc/net/tcp", "proc/net/tcp6"):
        for line in (_read(root / table) or "").splitlines()[1:]:
            if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A":
                return Fact("display", False, f"X listens to the network, port {port}", remedy)
    return Fact("display", None, f"every client of X {name} may copy the screen", remedy)


def _loopback(root: Path) -> Fact:
    remedy = "Remove it: modprobe -r v4l2loopback; the show may write to every camera's device."
    if not (root / "sys/module").is_dir():
        return Fact("false cameras", None, "it cannot be asked", remedy)
    there = (root / "sys/module/v4l2loopback").exists()
    seen = "may hand a camera's pictures to other programs" if there else "is not loaded"
    return Fact("false cameras", not there, f"v4l2loopback {seen}", remedy)


_FAR = re.compile(
    r"(nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|glusterfs|autofs|fuse\..*|fuse|virtiofs)"
)
"""File systems whose names are looked up by a program, or on another computer."""


def _network_disks(root: Path) -> Fact:
    remedy = "Unmount it; to ask for a file there tells its name to whoever keeps the files."
    table = _read(root / "proc/self/mounts")
    if table is None:
        return Fact("network disks", None, "it cannot be asked", remedy)
    mounts = [line.split()[1:3] for line in table.splitlines()]
    far = [place for place, kind in mounts if _FAR.fullmatch(kind) and place[:6] != "/proc/"]
    seen = f"files are looked for elsewhere under {', '.join(far)}" if far else "there are none"
    return Fact("network disks", not far, seen, remedy)


def _onlooker(root: Path) -> Fact:
    remedy = "End it; whoever traces the show sees every picture."
    status = _read(root / "proc/self/status") or ""
    told = re.search(r"^TracerPid:\s+(\d+)$", status, re.MULTILINE)
    if told is None:
        return Fact("onlookers", None, "it cannot be asked", remedy)
    seen = "nobody traces it" if told[1] == "0" else f"process {told[1]} traces it"
    return Fact("onlookers", told[1] == "0", seen, remedy)


def _user() -> Fact:
    remedy = "Run it as a user of its own; `kiosk service` prints a systemd unit that does."
    if sys.platform != "linux":
        return Fact("user", None, "it cannot be asked", remedy)
    from installation.guarding.layers import limits

    root = os.geteuid() == 0
    rights = limits.rights() & ~limits.READ_ALL
    who = "root" if root else "an ordinary user"
    seen = f"it runs as {who}, with {'rights' if rights else 'no right'} of root"
    return Fact("user", not root and not rights, seen, remedy)
