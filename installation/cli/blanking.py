"""Finds programs and settings that will blank or lock this screen during a show.

On an X server the show itself keeps the screen on: SDL resets the server's idle time every 30 s
(measured without D-Bus, as in a show: the idle time never passed 30 s). This has no effect on a
Wayland desktop or on a screen locker that measures idle time itself.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

LOCKERS = (
    *("xscreensaver", "light-locker", "xfce4-screensaver", "mate-screensaver", "xautolock"),
    *("cinnamon-screensaver", "swayidle", "hypridle", "xss-lock", "gnome-screensaver"),
)
"""The programs that blank or lock a screen, by the names of their processes."""

_GNOME = (
    ("org.gnome.desktop.session", "idle-delay", r"uint32 0", "0", "blanks the screen"),
    ("org.gnome.desktop.screensaver", "lock-enabled", "false", "false", "locks the screen"),
    (
        *("org.gnome.settings-daemon.plugins.power", "sleep-inactive-ac-type", "'nothing'"),
        *("nothing", "suspends the computer"),
    ),
)
"""GNOME's settings: schema, key, the harmless value as gsettings prints it, the value to set, and
the effect of any other value.
"""


_PLASMA = (
    ("powerdevilrc", ("AC", "Display"), "TurnOffDisplayWhenIdle", "false", "blanks the screen"),
    ("kscreenlockerrc", ("Daemon",), "Autolock", "false", "locks the screen"),
    (
        *("powerdevilrc", ("AC", "SuspendAndShutdown"), "AutoSuspendAction"),
        *("0", "suspends the computer"),
    ),
)
"""The settings of KDE Plasma 6: file, groups, key, the harmless value, and the effect of any other
value. If a file lacks the setting, Plasma uses its default, and the default has the effect too.
"""


def _output(*words: str) -> str | None:
    """Return the output of the command line `words`; None if it cannot be run or fails."""
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()


def _processes(proc: Path = Path("/proc")) -> set[str]:
    """Return the names of the machine's processes, as far as they can be read."""
    names = set()
    for file in proc.glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().split(b"\0", 1)[0]
        except OSError:
            continue
        names.add(os.fsdecode(command).rpartition("/")[2])
    return names


def find_blanking(
    environment: Mapping[str, str] = os.environ,
    output: Callable[..., str | None] = _output,
    processes: Callable[[], Collection[str]] = _processes,
) -> list[str]:
    """Return a line for each program or setting that will blank or lock the screen, with a remedy.

    Settings that will suspend the computer are included.
    """
    lines = []
    desktop = environment.get("XDG_CURRENT_DESKTOP", "")
    running = processes()
    if re.search("gnome", desktop, re.IGNORECASE) or "gnome-shell" in running:
        answers = [output("gsettings", "get", schema, key) for schema, key, *_ in _GNOME]
        if not any(answers):
            lines.append(
                "GNOME may blank the screen, but gsettings cannot read its settings. Run this "
                "command in a terminal of the GNOME session"
            )
        for found, (schema, key, good, value, does) in zip(answers, _GNOME, strict=True):
            if found is not None and not re.fullmatch(good, found):
                lines.append(
                    f"GNOME {does} ({key} is {found}). Run: gsettings set {schema} {key} {value}"
                )
    if re.search("kde", desktop, re.IGNORECASE) or "plasmashell" in running:
        lines += _find_plasma(output)
    lines += [
        f"{name} is running and will blank or lock the screen. End {name}, and remove it from the "
        "programs that start with the session"
        for name in LOCKERS
        if name in running
    ]
    return lines


def _find_plasma(output: Callable[..., str | None]) -> list[str]:
    """Return the lines of `find_blanking` for the settings of KDE Plasma."""
    lines = []
    for file, groups, key, good, does in _PLASMA:
        words = ("--file", file, *(word for group in groups for word in ("--group", group)))
        found = output("kreadconfig6", *words, "--key", key)
        if found is None:
            return [
                "KDE Plasma may blank or lock the screen, but kreadconfig6 cannot read its "
                "settings. Check the pages Power Management and Screen Locking of System Settings"
            ]
        if found != good:
            seen = found or "not set"
            command = " ".join(("kwriteconfig6", *words, "--key", key, good))
            lines.append(
                f"KDE Plasma {does} ({key} is {seen}). Run this, then log in again: {command}"
            )
    return lines
