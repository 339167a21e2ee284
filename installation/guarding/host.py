"""Checks the host for dangers that the program cannot prevent, each with a remedy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from installation.errors import Mistake
from installation.guarding.status import SandboxStatus
from installation.guarding.video_outputs import is_video_output

PROVED = (
    "Before the first frame, the kernel was set to prevent this program, with all of its threads, "
    "from changing any file, keeping data in queues, keys or shared memory, starting a program and "
    "opening a connection. The program then tried every listed way that exists on this computer, "
    "and each attempt was refused."
)
NOT_PROVED = (
    "The proof does not cover other programs. The display server receives every picture, and its "
    "clients may copy it. The proof also does not cover: the root user of this computer; programs "
    "that the show's user started before the show; swap that is not zram; hibernation; the log "
    "in which the kernel describes a failed program; the driver of the graphics card; a faulty "
    "kernel; and any other camera in the room. Standard output and error stay open, but a filter "
    "passes on only short texts and numbers. The show could store data in a camera's settings, for "
    "example its brightness; the camera keeps them until it is unplugged. A second program that "
    "cooperates with the show could observe facts that no kernel hides, for example how busy the "
    "show is, which signals it blocks, and which files it reads."
)


@dataclass(frozen=True)
class HostCheck:
    """The check of one property of the machine: name, result, finding and remedy.

    The result `good` is None if the property could not be determined.
    """

    name: str
    good: bool | None
    found: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        """Return the entry of `kiosk audit --json`."""
        return {"name": self.name, "good": self.good, "seen": self.found, "remedy": self.remedy}


def check_host(
    root: Path = Path("/"), environment: Mapping[str, str] = os.environ
) -> list[HostCheck]:
    """Return the checks of the machine whose file system is at `root`."""
    return [
        _landlock(),
        _swap(root),
        _kernel_log(root),
        _arguments(),
        _core_dumps(root),
        _hibernation(root),
        _crash_kernel(root),
        _display(root, environment),
        _false_cameras(root),
        _network_disks(root),
        _tracer(root),
        _user(root),
    ]


def not_prevented(root: Path = Path("/")) -> tuple[Mistake, ...]:
    """Return a mistake for each way by which pictures can leave the show despite the sandbox.

    The ways are memory that is swapped to a disk, the kernel's log, and command lines that every
    user can read. If a way is open, the screen leaves out its promise that no picture is kept.
    """
    checks = (_swap(root), _kernel_log(root), _arguments())
    return tuple(
        Mistake(each.name, each.found, each.remedy) for each in checks if each.good is not True
    )


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


UNREADABLE = "the kernel does not report this"


def _landlock() -> HostCheck:
    remedy = (
        "No action is needed: before the show searches for a camera, its filters refuse the calls "
        "that Landlock would refuse. A kernel with Landlock (Linux 5.13 or newer, "
        "CONFIG_SECURITY_LANDLOCK) refuses them from the start."
    )
    if sys.platform != "linux":
        return HostCheck("Landlock", None, UNREADABLE, remedy)
    from installation.guarding.layers import landlock

    # Under the guard this cannot be read from the kernel: stage one refuses the call.
    status = SandboxStatus.from_environment()
    version = landlock.abi() if status is None else status.landlock_version
    found = f"version {version}" if version else "this kernel has no Landlock"
    return HostCheck("Landlock", True if version else None, found, remedy)


def _swap(root: Path) -> HostCheck:
    remedy = (
        "Turn swap off (`swapoff -a`, and remove it from /etc/fstab), or use zram, or run the show "
        "with the systemd unit that `kiosk service` prints: this unit forbids swap for the show."
    )
    areas = _swap_areas(root)
    if areas is None:
        return HostCheck("swap", None, UNREADABLE, remedy)
    disks = [area for area in areas if not _in_memory(root, area)]
    if disks and _never_swapped(root):
        found = "not used for this program, because its control group forbids swap"
        return HostCheck("swap", True, found, remedy)
    if disks:
        return HostCheck(
            "swap", False, f"the kernel may write memory to {', '.join(disks)}", remedy
        )
    return HostCheck("swap", True, "only zram, which stays in memory" if areas else "none", remedy)


def _swap_areas(root: Path) -> list[str] | None:
    """Return the names of all swap areas; None if they are not known."""
    table = _read(root / "proc/swaps")
    if table is not None:
        return [line.split()[0] for line in table.splitlines()[1:]]
    # A kernel that was built without swap does not have /proc/swaps.
    return (
        [] if re.search(r"^SwapTotal: +0 kB$", _read(root / "proc/meminfo") or "", re.M) else None
    )


def _never_swapped(root: Path) -> bool:
    """Return whether this process's control group, or one above it, may not use swap."""
    own = re.search(r"^0::/(.*)$", _read(root / "proc/self/cgroup") or "", re.MULTILINE)
    if own is None:
        return False
    top = root / "sys/fs/cgroup"
    groups = [top / own[1], *(top / own[1]).parents]
    return any(
        _read(group / "memory.swap.max") == "0" for group in groups if group.is_relative_to(top)
    )


def _in_memory(root: Path, area: str) -> bool:
    """Return whether the swap area `area` is zram without a backing disk."""
    name = area.removeprefix("/dev/")
    behind = _read(root / "sys/block" / name / "backing_dev") or "none"
    return re.fullmatch(r"/dev/zram\d+", area) is not None and behind == "none"


def _core_dumps(root: Path) -> HostCheck:
    remedy = "Set kernel.core_pattern to `core`. The show disables its own core dumps in any case."
    pattern = _read(root / "proc/sys/kernel/core_pattern")
    if pattern is None:
        return HostCheck("core dumps", None, UNREADABLE, remedy)
    if pattern.startswith("|"):
        found = f"the kernel passes core dumps to {pattern[1:].split()[0]}"
        return HostCheck("core dumps", False, found, remedy)
    return HostCheck("core dumps", True, f"kernel.core_pattern is {pattern or 'empty'}", remedy)


def _kernel_log(root: Path) -> HostCheck:
    """Return the check that a program cannot write into the kernel's log by crashing on purpose.

    The kernel logs the registers and the code of a program that accesses invalid memory. If the
    kernel refuses a request for memory, it may log the program's name and the requested size.
    journald writes the kernel's log to a disk.
    """
    trace = _read(root / "proc/sys/debug/exception-trace")
    overcommit = _read(root / "proc/sys/vm/overcommit_memory")
    if trace is None or overcommit is None:
        remedy = "Let the show read /proc/sys/debug and /proc/sys/vm, which a container may hide."
        return HostCheck("kernel log", None, UNREADABLE, remedy)
    logged, lines = [], []
    if trace != "0":
        logged.append("the registers of a program that crashes")
        lines.append("`debug.exception-trace = 0`")
    if overcommit == "2":
        logged.append("each request for memory that the kernel refuses")
        lines.append("`vm.overcommit_memory = 0` (Linux's default)")
    remedy = (
        f"Write {' and '.join(lines) or '`debug.exception-trace = 0`'} into "
        "/etc/sysctl.d/kiosk.conf, and run `sudo sysctl --system`."
    )
    if logged:
        return HostCheck("kernel log", False, f"the kernel logs {' and '.join(logged)}", remedy)
    return HostCheck(
        "kernel log", True, "the kernel logs nothing about programs that crash", remedy
    )


def _arguments() -> HostCheck:
    """Return the check that the show can hide its arguments from other users.

    Every user may read a program's arguments if they are not hidden. The kernel copies the
    arguments from the program's memory. So a show could replace its arguments with pictures.
    """
    remedy = (
        "Use a kernel with CONFIG_CHECKPOINT_RESTORE, such as Debian's, so that the show can hide "
        "its arguments. Until then, let nobody else log in."
    )
    if sys.platform != "linux":
        return HostCheck("arguments", None, UNREADABLE, remedy)
    from installation.guarding.layers import limits

    # A show has already tried to hide its arguments, so the result is checked.
    is_show = SandboxStatus.from_environment() is not None
    if limits.arguments_are_empty() if is_show else limits.can_empty_arguments():
        return HostCheck("arguments", True, "the show hides its arguments from other users", remedy)
    found = (
        "every user can read the show's arguments, and the show could replace them with pictures"
    )
    return HostCheck("arguments", False, found, remedy)


def _hibernation(root: Path) -> HostCheck:
    remedy = "Switch hibernation off: systemctl mask hibernate.target hybrid-sleep.target."
    states = _read(root / "sys/power/state")
    resume = _read(root / "sys/power/resume")
    if states is None:
        return HostCheck("hibernation", None, UNREADABLE, remedy)
    if "disk" not in states.split():
        return HostCheck("hibernation", True, "not supported by this kernel", remedy)
    if resume not in (None, "0:0"):
        found = f"hibernation would write all memory to disk {resume} (major:minor)"
        return HostCheck("hibernation", False, found, remedy)
    if _swap_areas(root) == []:
        return HostCheck("hibernation", True, "not possible without a swap area", remedy)
    found = "not set up, but possible, because a swap area exists"
    return HostCheck("hibernation", None, found, remedy)


def _crash_kernel(root: Path) -> HostCheck:
    remedy = "Switch crash dumps off: systemctl disable kdump."
    loaded = _read(root / "sys/kernel/kexec_crash_loaded")
    if loaded is None:
        known = (root / "sys/kernel").is_dir()
        found = "not supported by this kernel" if known else UNREADABLE
        return HostCheck("crash dumps", known or None, found, remedy)
    found = "a kernel crash would write all memory to disk" if loaded == "1" else "not set up"
    return HostCheck("crash dumps", loaded != "1", found, remedy)


def _display(root: Path, environment: Mapping[str, str]) -> HostCheck:
    remedy = "Give the show its own X server or Wayland compositor, without other clients."
    if environment.get("WAYLAND_DISPLAY"):
        return HostCheck("display", None, "a Wayland compositor sees every picture", remedy)
    name = environment.get("DISPLAY")
    if not name:
        return HostCheck("display", True, "no display server", remedy)
    port = 6000 + int("".join(c for c in name.partition(":")[2].split(".")[0] if c.isdigit()) or 0)
    for table in ("proc/net/tcp", "proc/net/tcp6"):
        for line in (_read(root / table) or "").splitlines()[1:]:
            if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A":
                found = f"the X server accepts connections from the network (port {port})"
                return HostCheck("display", False, found, remedy)
    return HostCheck(
        "display", None, f"every other program on X display {name} can copy the screen", remedy
    )


def _false_cameras(root: Path) -> HostCheck:
    """Return the check that no video device is fed by a program instead of a camera."""
    remedy = (
        "Remove v4l2loopback (`modprobe -r v4l2loopback`). If udev does not run, start it: only "
        "udev knows whether pictures can be written to a video device that the show cannot open."
    )
    if not (root / "sys/module").is_dir():
        return HostCheck("false cameras", None, UNREADABLE, remedy)
    if (root / "sys/module/v4l2loopback").exists():
        found = "v4l2loopback may pass a camera's pictures to other programs"
        return HostCheck("false cameras", False, found, remedy)
    nodes = sorted((root / "dev").glob("video[0-9]*"))
    outputs = {node.name: is_video_output(node, root / "run/udev/data") for node in nodes}
    if unknown := [name for name, is_output in outputs.items() if is_output is None]:
        names = ", ".join(unknown)
        found = f"neither the kernel nor udev reports whether pictures can be written to {names}"
        return HostCheck("false cameras", None, found, remedy)
    found = "v4l2loopback is not loaded"
    if closed := [name for name, is_output in outputs.items() if is_output]:
        found += (
            f"; with `privacy: enforce` the show cannot open {', '.join(closed)}, because programs "
            "can write pictures there"
        )
    return HostCheck("false cameras", True, found, remedy)


_REMOTE = re.compile(
    r"(nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|glusterfs|autofs|fuse\..*|fuse|virtiofs)"
)
"""Matches the types of file systems that another program or computer serves. The server learns the
names of the files that are opened there.
"""


def _network_disks(root: Path) -> HostCheck:
    remedy = (
        "Unmount that folder, because the program or computer that serves its files learns the "
        "name of each file that is opened there."
    )
    table = _read(root / "proc/self/mounts")
    if table is None:
        return HostCheck("network disks", None, UNREADABLE, remedy)
    mounts = [line.split()[1:3] for line in table.splitlines()]
    remote = [place for place, kind in mounts if _REMOTE.fullmatch(kind) and place[:6] != "/proc/"]
    found = (
        f"another program or computer serves the files in {', '.join(remote)}" if remote else "none"
    )
    return HostCheck("network disks", not remote, found, remedy)


def _tracer(root: Path) -> HostCheck:
    remedy = "End that process, because a program that traces the show sees every picture."
    status = _read(root / "proc/self/status") or ""
    tracer = re.search(r"^TracerPid:\s+(\d+)$", status, re.MULTILINE)
    if tracer is None:
        return HostCheck("tracers", None, UNREADABLE, remedy)
    found = "none" if tracer[1] == "0" else f"process {tracer[1]} traces the show"
    return HostCheck("tracers", tracer[1] == "0", found, remedy)


def _user(root: Path) -> HostCheck:
    """Return the check that the show runs as an ordinary user, without root's capabilities.

    The user is read from /proc. Stage two refuses the system call geteuid, so the C library's
    function would return a wrong number.
    """
    remedy = (
        "Run the show as an ordinary user, without capabilities, as the systemd unit of "
        "`kiosk service` does."
    )
    status = _read(root / "proc/self/status") or ""
    effective = re.search(r"^Uid:\s+\d+\s+(\d+)", status, re.MULTILINE)
    if sys.platform != "linux" or effective is None:
        return HostCheck("user", None, UNREADABLE, remedy)
    from installation.guarding.layers import limits

    is_root = effective[1] == "0"
    capable = limits.capabilities() & ~limits.CAP_DAC_READ_SEARCH
    name = "root" if is_root else "an ordinary user"
    found = f"the show runs as {name}, {'with' if capable else 'without'} root's capabilities"
    return HostCheck("user", not is_root and not capable, found, remedy)
