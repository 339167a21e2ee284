from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation.cli.main import main
from tests.support.fetching import SHA256, Kiosk, open_kiosk


class Terminal(io.StringIO):
    """Stands in for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    """Return a kiosk whose hub has timm's network."""
    with open_kiosk(tmp_path) as kiosk:
        yield kiosk


def test_without_a_name_the_catalogue_is_printed(kiosk: Kiosk) -> None:
    """`kiosk fetch` lists each item, its purpose and licence, and whether it has been fetched."""
    kiosk.fetch("persons-21k")
    outcome = kiosk.fetch()
    assert outcome.returncode == 0
    for words in ("yunet: missing", "persons-21k: present", "clip: missing", "licence  MIT"):
        assert words in outcome.stdout
    assert "imagenet-safety: missing" in outcome.stdout


def test_every_name_is_checked_before_anything_is_fetched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All unknown names are reported at once, also beside `all`, and nothing is fetched."""
    assert main(["fetch", "all", "yunnet", "timm/qqq"]) == 2
    lines = capsys.readouterr().err.splitlines()
    # A command is named as it can be typed on this machine.
    assert lines[0].endswith("kiosk fetch: 'yunnet' is not in the catalogue. Did you mean 'yunet'?")
    assert "kiosk fetch timm/qqq: timm has no network with this name" in lines[1]
    assert len(lines) == 2


@pytest.mark.parametrize("names", [[], ["all"], ["clip", "yunet"]])
def test_one_sha256_is_for_one_name(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """--sha256 with several names, or with all, is refused before anything is fetched."""
    assert main(["fetch", *names, "--sha256", SHA256]) == 2
    message = capsys.readouterr().err
    assert message.startswith("--sha256: this option needs exactly one NAME (seen: ")


def test_the_catalogue_is_broken_between_words_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a terminal of 80 columns only an address or a checksum is longer than a line."""
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["fetch"]) == 0
    lines = terminal.getvalue().splitlines()
    assert len(lines) > 20
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
