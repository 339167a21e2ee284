from __future__ import annotations

from pathlib import Path

import pytest

from installation.command_name import as_called, command_name
from installation.settings.paths import PROJECT


def test_messages_name_a_command_that_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remedies name commands that the shell finds."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("PATH", "/usr/bin")
    command_name.cache_clear()
    assert as_called("Run: kiosk labels build fish") == "Run: scripts/kiosk labels build fish"
    assert as_called("`kiosk doctor`, kiosk.yaml") == "`scripts/kiosk doctor`, kiosk.yaml"
    assert as_called("in /opt/kiosk run it") == "in /opt/kiosk run it"
    monkeypatch.setenv("PATH", f"/usr/bin:{PROJECT / 'scripts'}")
    command_name.cache_clear()
    assert as_called("Run: kiosk labels build fish") == "Run: kiosk labels build fish"
    command_name.cache_clear()


@pytest.mark.parametrize(
    ("folder", "kiosk", "setup"),
    [
        (PROJECT, "scripts/kiosk", "scripts/setup"),
        (PROJECT / "scripts", "./kiosk", "./setup"),
        (PROJECT / "models", f"{PROJECT}/scripts/kiosk", f"{PROJECT}/scripts/setup"),
    ],
)
def test_messages_name_scripts_from_the_folder_of_whoever_reads_them(
    folder: Path, kiosk: str, setup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Remedies can be typed in another folder than the kiosk's, and in scripts/ itself."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "/usr/bin")
    command_name.cache_clear()
    assert as_called("Run: kiosk fetch yunet") == f"Run: {kiosk} fetch yunet"
    assert as_called("Run: scripts/setup --all (3 GB)") == f"Run: {setup} --all (3 GB)"
    assert (
        as_called("/opt/kiosk/scripts/run, scripts/none") == "/opt/kiosk/scripts/run, scripts/none"
    )
    command_name.cache_clear()


def test_a_text_that_is_kept_names_commands_for_every_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command in a text that is stored, such as a unit's comment, has its full path.

    Such a text is read in another folder than the one in which it was printed.
    """
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("PATH", "/usr/bin")
    command_name.cache_clear()
    kept = as_called("# kiosk service | sudo tee FILE", anywhere=True)
    assert kept == f"# {PROJECT}/scripts/kiosk service | sudo tee FILE"
    command_name.cache_clear()
