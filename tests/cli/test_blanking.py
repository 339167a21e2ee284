"""Tests of the search for programs and settings that would blank the screen during a show."""

from __future__ import annotations

import pytest

from installation.cli.blanking import find_blanking

STOCK = {"idle-delay": "uint32 300", "lock-enabled": "true", "sleep-inactive-ac-type": "'suspend'"}
QUIET = {"idle-delay": "uint32 0", "lock-enabled": "false", "sleep-inactive-ac-type": "'nothing'"}
GNOME = {"XDG_CURRENT_DESKTOP": "ubuntu:GNOME"}


def lines(
    settings: dict[str, str], desktop: dict[str, str], processes: tuple[str, ...] = ()
) -> list[str]:
    """Return what is found on a desktop with these settings and processes."""
    return find_blanking(desktop, lambda *words: settings.get(words[-1]), lambda: processes)


def test_stock_gnome_blanks_locks_and_suspends() -> None:
    """Each line says what will happen, and has the command that prevents it."""
    blanks, locks, suspends = lines(STOCK, GNOME)
    assert "blanks the screen (idle-delay is uint32 300)" in blanks
    assert blanks.endswith(". Run: gsettings set org.gnome.desktop.session idle-delay 0")
    assert locks.endswith(". Run: gsettings set org.gnome.desktop.screensaver lock-enabled false")
    assert suspends.endswith("sleep-inactive-ac-type nothing")


def test_a_desktop_that_was_set_up_is_left_alone() -> None:
    """Nothing is found after the commands of venue.md, or on a machine without GNOME."""
    assert lines(QUIET, GNOME) == []
    assert lines(STOCK, {"XDG_CURRENT_DESKTOP": "XFCE"}) == []
    assert lines({}, {}) == []


def test_a_gnome_that_does_not_answer_is_not_taken_for_a_quiet_one() -> None:
    """Without gsettings, or in a shell outside the session, the settings count as unknown."""
    [line] = lines({}, GNOME)
    assert "GNOME may blank the screen, but gsettings cannot read its settings" in line
    assert len(lines({"idle-delay": "uint32 0"}, GNOME)) == 0, "an older GNOME lacks some keys"


def test_gnome_is_found_from_another_terminal_as_well() -> None:
    """In a terminal over ssh the session's variables are missing, but GNOME's shell is found."""
    assert len(lines(STOCK, {}, ("gnome-shell",))) == 3


PLASMA = {"XDG_CURRENT_DESKTOP": "KDE"}
QUIET_PLASMA = {"TurnOffDisplayWhenIdle": "false", "Autolock": "false", "AutoSuspendAction": "0"}


def test_stock_plasma_blanks_locks_and_suspends() -> None:
    """Each line names what Plasma will do. A setting that Plasma does not store has its default."""
    blanks, locks, suspends = lines(dict.fromkeys(QUIET_PLASMA, ""), PLASMA)
    assert "blanks the screen (TurnOffDisplayWhenIdle is not set)." in blanks
    assert "Run this, then log in again: kwriteconfig6 --file" in blanks
    command = "kwriteconfig6 --file kscreenlockerrc --group Daemon --key Autolock false"
    assert command in locks
    assert "--group AC --group SuspendAndShutdown --key AutoSuspendAction 0" in suspends
    assert len(lines({**QUIET_PLASMA, "Autolock": "true"}, {}, ("plasmashell",))) == 1


def test_a_plasma_that_was_set_up_is_left_alone() -> None:
    """Nothing is found on Plasma after the commands that are printed for it have been run."""
    assert lines(QUIET_PLASMA, PLASMA) == []


def test_a_plasma_that_cannot_be_read_is_not_taken_for_a_quiet_one() -> None:
    """On Plasma 5, which has other tools and files, the settings count as unknown."""
    [line] = lines({}, PLASMA)
    assert line.startswith("KDE Plasma may blank or lock the screen, but kreadconfig6 cannot read")


@pytest.mark.parametrize("locker", ["xscreensaver", "light-locker", "swayidle"])
def test_programs_that_lock_are_named(locker: str) -> None:
    """The lockers of LXDE, XFCE and sway, which do not use GNOME's settings, are named."""
    [line] = lines({}, {}, ("bash", locker))
    assert line.startswith(f"{locker} is running")
