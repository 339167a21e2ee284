"""The systemd unit that runs the show as a user who can write to one folder in memory only.

The sandbox does not depend on the unit. The unit is a second protection around the sandbox. Some
settings are left out on purpose: `MemoryDenyWriteExecute` breaks software OpenGL, `PrivateTmp`
would give the show a place to write, and `PrivateDevices` hides the camera.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from installation.errors import Mistake, SettingsError
from installation.guarding.unit_access import existing_groups
from installation.isolated import OPTIONS, PROGRAM

ALLOWED_DEVICES = (
    "/dev/null rw",
    "/dev/zero r",
    "/dev/urandom r",
    "char-video4linux rw",
    "char-drm rw",
    "char-nvidia rw",
    "char-nvidia-frontend rw",
    "char-nvidia-uvm rw",
)

CALLS = (
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"),
    "mincore",
)
"""The system calls that the unit allows in addition to `@system-service`. The start-up needs them,
and `@system-service` of systemd 252 does not contain them.

Mesa calls mincore to find out whether a display belongs to Wayland; if the call fails, OpenGL does
not start in cage. A show in stage two may not call it.
"""

USER = "kiosk"
"""The name of the user that runs the show."""

NVIDIA_MODPROBE = Path("/usr/bin/nvidia-modprobe")
"""The program of NVIDIA's driver that creates the devices of its cards."""


NVIDIA_MODULE = "modprobe@nvidia_uvm.service"
"""systemd's unit that loads the kernel module for CUDA's memory."""

MAKE_NVIDIA_DEVICES = (
    "# Run as root, to create the devices of NVIDIA's cards. "
    "If it fails, the show uses the processor."
)


def nvidia_modprobe() -> Path | None:
    """Return the path of nvidia-modprobe; None if NVIDIA's driver is not installed."""
    return NVIDIA_MODPROBE if NVIDIA_MODPROBE.exists() else None


SCREEN = "kiosk-screen.service"
"""The unit of the kiosk's own X server or Wayland compositor."""

FOLDER = "/run/kiosk-screen"
"""The folder with the sockets and the cookie of the kiosk's own display."""

AUTHORITY = f"{FOLDER}/auth"
"""The file with the cookie of the kiosk's own X server; only the kiosk's user may read it."""

SERVER_OPTIONS = (
    *("-nolisten", "tcp", "-s", "0", "-dpms"),
    *("-extension", "XTEST", "-extension", "RECORD"),
)
"""The X server's options: no network, no blanking, no extensions that send or record input."""

Display = Literal["desktop", "x11", "cage"]
"""The display of a show: a user's desktop, or an X server (`x11`) or a Wayland compositor (`cage`)
for the kiosk alone.
"""

PROMISES = {
    "desktop": """\
# What this unit promises: the show changes no file, starts no program and opens no connection, and
# runs as a user of its own.
# What it cannot promise: other programs of the desktop may copy the screen, the X server keeps a
# picture that is left in it, and the show could type into other windows. A display of its own
# promises these too: kiosk service --own-display
# Allow the user on the desktop's display: xhost +si:localuser:{user}""",
    "x11": """\
# What this unit promises: the show changes no file, starts no program and opens no connection, and
# runs as a user of its own. Its X server lets no other user in, is not in the network, cannot type
# or listen (no XTEST, no RECORD), and ends with the kiosk, with everything that was left in it.
# What it cannot promise: the X server itself, which runs as root, sees every picture and keeps what
# a show leaves in it until the kiosk ends, even if another show was started meanwhile; and another
# program of the kiosk's user, which the unit does not start, could copy the screen.""",
    "cage": """\
# What this unit promises: the show changes no file, starts no program and opens no connection, and
# runs as a user of its own. Its compositor lets no other user in, starts no X server, and ends with
# the kiosk, with everything that was left in it.
# What it cannot promise: the compositor itself, which runs as root, sees every picture; and another
# program of the kiosk's user, which the unit does not start, could copy the screen and type.""",
}
"""A comment in the unit for each kind of display. It says which promises to visitors the show keeps
under this unit, and which it cannot keep.
"""

_VARIABLES = {
    "desktop": "DISPLAY=:0",
    "x11": f"DISPLAY=:0 XAUTHORITY={AUTHORITY}",
    "cage": f"XDG_RUNTIME_DIR={FOLDER} WAYLAND_DISPLAY=wayland-0",
}


def unit(
    root: Path,
    user: str = USER,
    python: str = sys.executable,
    nvidia_modprobe: Path | None = None,
    *,
    display: Display = "desktop",
) -> str:
    """Return the text of the systemd unit for the kiosk in the folder `root`.

    The unit starts a show. If `display` is "desktop", the show opens its window on the desktop's X
    display :0. Otherwise it uses the display of `screen_unit`, which only root and `user` may use.

    With `nvidia_modprobe`, the unit creates the devices of NVIDIA's cards before the show starts.
    Otherwise /dev/nvidia-uvm, which the first use of CUDA creates, would be missing after boot, and
    the show would use the CPU. Raises SettingsError if a path cannot be written in a unit.
    `unit_access.find_obstacles` checks whether `user` can read the kiosk.
    """
    after = "graphical.target"
    wants = before = ""
    devices: tuple[str, ...] = ALLOWED_DEVICES
    if nvidia_modprobe is not None:
        # systemd allows a class of devices only if its module is loaded when the unit starts.
        after += f" {NVIDIA_MODULE}"
        wants = f"\nWants={NVIDIA_MODULE}"
        before = f"\n{MAKE_NVIDIA_DEVICES}\nExecStartPre=-+{nvidia_modprobe} -u -c=0"
        devices = tuple(
            each.replace(" rw", " rwm") if "nvidia" in each else each for each in ALLOWED_DEVICES
        )
    if display != "desktop":
        after += f" {SCREEN}"
        wants += f"\nRequires={SCREEN}"
    promises = PROMISES[display].format(user=user)
    command = [python, *OPTIONS, "-c", PROGRAM, str(root), "run"]
    return f"""\
# /etc/systemd/system/kiosk.service
#   sudo useradd --system --no-create-home --shell /usr/sbin/nologin {user}
#   kiosk service | sudo tee /etc/systemd/system/kiosk.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now kiosk
# A line for the kernel, without which visitors are not promised that nothing is stored:
#   echo debug.exception-trace=0 | sudo tee /etc/sysctl.d/kiosk.conf && sudo sysctl --system
{promises}

[Unit]
Description=A mirror that names its visitors
After={after}{wants}
StartLimitIntervalSec=0

[Service]
# The supervisor reports when the show has started, and that it is alive.
Type=notify
NotifyAccess=main
# The supervisor itself ends a show that does not start. A start may take minutes: the supervisor
# requests more time as long as it runs. If it hangs, it is killed and started again.
TimeoutStartSec=90
WatchdogSec=60
WatchdogSignal=SIGKILL
User={user}
Group={user}
SupplementaryGroups={" ".join(existing_groups(("video", "render")))}
WorkingDirectory={_without_specifiers(str(root))}
ExecStart={_command_line(command)}
Environment=HOME=/nonexistent {_VARIABLES[display]}{before}
# Events of visitors are for shows without a screen; the log is on standard error.
StandardOutput=null
StandardError=journal
# The supervisor starts the show again; this is for the supervisor itself. If the machine has no
# memory left, the kernel ends the show, and the rest of the unit goes on.
Restart=always
RestartSec=1
TimeoutStopSec=10
OOMPolicy=continue

# Nothing to write, except one folder in memory: the self-test tries to change it, and
# `kiosk status` of every user asks the supervisor at its socket there.
RuntimeDirectory=kiosk
RuntimeDirectoryMode=0755
ProtectSystem=strict
ProtectHome=read-only
ReadOnlyPaths=/
ReadWritePaths=%t/kiosk
InaccessiblePaths=-/dev/shm -/dev/mqueue -/var/tmp
# Every user can list the open pseudo-terminals, so a program could signal with them.
InaccessiblePaths=-/dev/pts -/dev/ptmx
TemporaryFileSystem=/tmp:ro
BindReadOnlyPaths=-/tmp/.X11-unix
MemorySwapMax=0
LimitCORE=0
LimitMEMLOCK=256M
UMask=0777
RemoveIPC=yes

# No network: an empty namespace, and sockets only for the display.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any

# No capabilities.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
PrivateUsers=yes
KeyringMode=private

# The camera, the display, the graphics card.
DevicePolicy=closed
{chr(10).join(f"DeviceAllow={device}" for device in devices)}

# The kernel and other users' processes.
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
PrivateMounts=yes
ProtectHostname=yes
# Not `invisible`: the supervisor checks the show from outside, but cannot read its memory.
ProtectProc=default
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter={" ".join(CALLS)}
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=graphical.target
"""


def screen_unit(display: Display = "x11", user: str = USER, program: str | None = None) -> str:
    """Return the text of a unit that starts a display for the kiosk alone.

    The unit of the show, which `unit` returns, needs this unit; call both with the same `display`.

    An X server (`x11`) listens at no network port, and only a client with the server's cookie may
    connect. The server has no extension with which a client types into windows (XTEST) or reads
    what is typed (RECORD). By default an X server discards all data of its clients when the last
    client disconnects. The option -noreset would prevent this, so it is not used. The card stays
    connected while another show is started, so the data of a show remain until the kiosk ends.

    A Wayland compositor (`cage`) has its socket in a folder that only root and the kiosk's group
    may enter. Either display ends when the kiosk ends. `program` replaces the X server or cage in
    tests.
    """
    if display == "cage":
        title = "a Wayland compositor"
        packages = "cage libgles2 libegl1 libwayland-egl1 libwayland-cursor0"
        service = _cage(user, program or "/usr/bin/cage")
    else:
        title = "an X server"
        packages, service = "xserver-xorg xauth", _x_server(user, program or "/usr/bin/Xorg")
    return f"""\
# /etc/systemd/system/{SCREEN}
#   kiosk service --screen {display} | sudo tee /etc/systemd/system/{SCREEN}
#   kiosk service --own-display {display} | sudo tee /etc/systemd/system/kiosk.service
#   sudo apt-get install {packages}
#   sudo systemctl disable --now gdm3      (or lightdm, sddm: whichever there is)
#   sudo systemctl daemon-reload && sudo systemctl enable --now kiosk

[Unit]
Description=The screen of the kiosk: {title} for it alone
PartOf=kiosk.service
Before=kiosk.service
{service}
Restart=always
RestartSec=1

[Install]
WantedBy=kiosk.service
"""


def _x_server(user: str, program: str) -> str:
    """Return the part of the unit that starts an X server."""
    make_cookie = f"umask 077; xauth -q -f {AUTHORITY} add :0 . $$(mcookie)"
    return f"""\

[Service]
RuntimeDirectory=kiosk-screen
RuntimeDirectoryMode=0755
ExecStartPre=/bin/sh -c "{make_cookie} && chown {user} {AUTHORITY}"
ExecStart={program} {" ".join((":0", *SERVER_OPTIONS))} -auth {AUTHORITY} vt7"""


def _cage(user: str, program: str) -> str:
    """Return the part of the unit that starts cage, which shows one window on the whole screen.

    Cage ends when the program that it starts ends. So this unit makes cage start a program that
    never ends, and the show connects to cage's socket. Xwayland is hidden from cage: otherwise any
    user who connects to cage's X display would make cage start an X server.
    """
    wait = f"test -S {FOLDER}/wayland-0 && exit; sleep 0.1"
    return f"""\
Conflicts=getty@tty1.service
After=getty@tty1.service systemd-udevd.service

[Service]
Group={user}
UMask=0007
RuntimeDirectory=kiosk-screen
RuntimeDirectoryMode=0750
Environment=XDG_RUNTIME_DIR={FOLDER} LIBSEAT_BACKEND=builtin HOME=/nonexistent
TTYPath=/dev/tty1
StandardInput=tty-fail
StandardOutput=journal
InaccessiblePaths=-/usr/bin/Xwayland
# The show is started when the socket is there, or after half a minute.
ExecStartPost=/bin/sh -c "for i in $$(seq 300); do {wait}; done"
ExecStart={program} -- /bin/sleep infinity
# When {program} is stopped, its exit status is that of sleep.
SuccessExitStatus=143"""


def _command_line(words: Iterable[str]) -> str:
    """Return the value of `ExecStart` that makes systemd execute `words`.

    The colon before the first word turns off the substitution of environment variables. From
    systemd.service(5) and systemd.syntax(7).
    """
    words = list(words)
    if re.search(r"""['"\\]""", words[0]):
        # systemd executes no program with these characters in its path; a shell does.
        words = ["/bin/sh", "-c", 'exec "$@"', "sh", *words]
    return ":" + " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """Return `word` in quotes if it needs them."""
    if re.fullmatch(r"[\w./-]+", word):
        return word
    escaped = _without_specifiers(word).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _without_specifiers(text: str) -> str:
    """Return `text` with each percent sign doubled, so that systemd does not expand it.

    The function adds no quotes.

    Raises SettingsError if a unit cannot contain `text`.
    """
    if not text.isprintable() or text.endswith(" "):
        problem = f"{text!r} has characters that a unit cannot contain"
        raise SettingsError(Mistake("kiosk service", problem, "Move the kiosk to another folder."))
    return text.replace("%", "%%")
