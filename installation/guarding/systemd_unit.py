"""A systemd unit for the show: a user of its own who owns nothing, and nothing that it could write.

The guard does not depend on it; it is a second wall round the first. What was left out, and why:
`MemoryDenyWriteExecute` ends software OpenGL, `PrivateTmp` gives a place to write, and
`PrivateDevices` hides the camera.
"""

from __future__ import annotations

import sys
from pathlib import Path

DEVICES = (
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
"""What `@system-service` of systemd 252 lacks and the start needs."""


def unit(root: Path, user: str = "kiosk", python: str = sys.executable) -> str:
    """Return the unit for the kiosk at `root`; it opens the window on the X display :0."""
    return f"""\
# /etc/systemd/system/kiosk.service
#   sudo useradd --system --no-create-home --shell /usr/sbin/nologin {user}
#   kiosk service | sudo tee /etc/systemd/system/kiosk.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now kiosk
# The user must be let into the display: xhost +si:localuser:{user}

[Unit]
Description=A mirror that names its visitors
After=graphical.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
Group={user}
SupplementaryGroups=video render
WorkingDirectory={root}
ExecStart={python} -B -P -c "import sys; sys.path.insert(0, '{root}'); \
from installation.launch import start; start()" run
Environment=DISPLAY=:0 HOME=/nonexistent
# A camera that was unplugged and comes back is another device: the show ends, and starts with it.
Restart=always
RestartSec=1
TimeoutStopSec=5

# Nothing to write; the one folder lies in memory, for the self-test to try.
RuntimeDirectory=kiosk
RuntimeDirectoryMode=0700
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

# No network: a name space with nothing in it, and sockets for the display alone.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any

# No rights.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
PrivateUsers=yes
KeyringMode=private
NotifyAccess=none

# The camera, the display, the graphics card.
DevicePolicy=closed
{chr(10).join(f"DeviceAllow={device}" for device in DEVICES)}

# The kernel and everybody else.
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
PrivateMounts=yes
ProtectHostname=yes
ProtectProc=invisible
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter={" ".join(CALLS)}
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=graphical.target
"""
