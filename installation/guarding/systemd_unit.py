"""The systemd unit that runs the show as a user who owns nothing and can write nothing.

The sandbox does not depend on the unit, which is a second protection around it. Some settings are
left out on purpose: `MemoryDenyWriteExecute` breaks software OpenGL, `PrivateTmp` would give the
show a place to write, and `PrivateDevices` hides the camera.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from installation.errors import Mistake, SettingsError
from installation.guarding.unit_access import existing_groups

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

CALLS = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp")
"""The system calls that the start-up needs and `@system-service` of systemd 252 lacks."""

USER = "kiosk"
"""The user that runs the show."""

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from installation.launch import start; start()"
)
"""The program that the unit runs. Its first argument is the project's folder, so that the code
itself needs no quoting.
"""


NVIDIA_MODPROBE = Path("/usr/bin/nvidia-modprobe")
"""The program of NVIDIA's driver that creates the devices of its cards."""


NVIDIA_MODULE = "modprobe@nvidia_uvm.service"
"""systemd's unit that loads the kernel module for CUDA's memory."""

MAKE_NVIDIA_DEVICES = (
    "# Run as root, to create the devices of NVIDIA's cards. "
    "If it fails, the show uses the processor."
)


def nvidia_modprobe() -> Path | None:
    """Return NVIDIA's program on this machine; None if its driver is not installed."""
    return NVIDIA_MODPROBE if NVIDIA_MODPROBE.exists() else None


SCREEN = "kiosk-screen.service"
"""The unit of the kiosk's own X server."""

AUTHORITY = "/run/kiosk-screen/auth"
"""The file with that server's cookie, which only the kiosk's user may read."""

SERVER_OPTIONS = (
    *("-nolisten", "tcp", "-s", "0", "-dpms"),
    *("-extension", "XTEST", "-extension", "RECORD"),
)
"""The X server's options: no network, no blanking, no extension that simulates or records typing.
"""


def unit(
    root: Path,
    user: str = USER,
    python: str = sys.executable,
    nvidia_modprobe: Path | None = None,
    *,
    own_display: bool = False,
) -> str:
    """Return the unit for the kiosk in the folder `root`; it opens the window on X display :0.

    With `own_display` that is the X server of `screen_unit`, which nobody else may use.

    With `nvidia_modprobe`, the unit creates the devices of NVIDIA's cards before the show.
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
    access, authority = f"# Allow this user on the display: xhost +si:localuser:{user}", ""
    if own_display:
        after += f" {SCREEN}"
        wants += f"\nRequires={SCREEN}"
        access = (
            "# The display is the kiosk's own: no other program may open it, nothing is left in it "
            "when the\n# show ends, and it cannot type. See the other unit."
        )
        authority = f" XAUTHORITY={AUTHORITY}"
    command = [python, "-I", "-B", "-c", PROGRAM, str(root), "run"]
    return f"""\
# /etc/systemd/system/kiosk.service
#   sudo useradd --system --no-create-home --shell /usr/sbin/nologin {user}
#   kiosk service | sudo tee /etc/systemd/system/kiosk.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now kiosk
# A line for the kernel, without which visitors are not promised that nothing is stored:
#   echo debug.exception-trace=0 | sudo tee /etc/sysctl.d/kiosk.conf && sudo sysctl --system
{access}

[Unit]
Description=A mirror that names its visitors
After={after}{wants}
StartLimitIntervalSec=0

[Service]
# The supervisor reports when the show has started, and that it is alive.
Type=notify
NotifyAccess=main
# The supervisor itself ends a show that does not start; on a slow computer that takes minutes.
TimeoutStartSec=infinity
WatchdogSec=60
WatchdogSignal=SIGKILL
User={user}
Group={user}
SupplementaryGroups={" ".join(existing_groups(("video", "render")))}
WorkingDirectory={_without_specifiers(str(root))}
ExecStart={_command_line(command)}
Environment=DISPLAY=:0 HOME=/nonexistent{authority}{before}
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


def screen_unit(user: str = USER, server: str = "/usr/bin/Xorg") -> str:
    """Return the unit of an X server for the kiosk alone, which `unit` with `own_display` needs.

    The server has no network, none of the extensions by which a client types into windows (XTEST)
    or reads what is typed (RECORD), and only a client with its cookie may connect to it. It ends
    with the kiosk; if the show's window was its last one before that, it forgets whatever was left
    in it, because it is started without -noreset.
    """
    make_cookie = f"umask 077; xauth -q -f {AUTHORITY} add :0 . $$(mcookie)"
    return f"""\
# /etc/systemd/system/{SCREEN}
#   kiosk service --screen | sudo tee /etc/systemd/system/{SCREEN}
#   kiosk service --own-display | sudo tee /etc/systemd/system/kiosk.service
#   sudo apt-get install xserver-xorg xauth
#   sudo systemctl disable --now gdm3      (or lightdm, sddm: whichever there is)
#   sudo systemctl daemon-reload && sudo systemctl enable --now kiosk

[Unit]
Description=The screen of the kiosk: an X server for it alone
PartOf=kiosk.service
Before=kiosk.service

[Service]
RuntimeDirectory=kiosk-screen
RuntimeDirectoryMode=0755
ExecStartPre=/bin/sh -c "{make_cookie} && chown {user} {AUTHORITY}"
ExecStart={server} {" ".join((":0", *SERVER_OPTIONS))} -auth {AUTHORITY} vt7
Restart=always
RestartSec=1

[Install]
WantedBy=kiosk.service
"""


def _command_line(words: Iterable[str]) -> str:
    """Return the value of `ExecStart` that makes systemd execute `words`.

    The colon turns off the substitution of environment variables. From systemd.service(5) and
    systemd.syntax(7).
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
    """Return `text`, escaped so that systemd does not expand percent signs; it is not quoted."""
    if not text.isprintable() or text.endswith(" "):
        problem = f"{text!r} has characters that cannot stand in a unit"
        raise SettingsError(Mistake("kiosk service", problem, "Move the kiosk to another folder."))
    return text.replace("%", "%%")
