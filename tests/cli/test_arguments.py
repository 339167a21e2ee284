"""Tests of mistyped arguments: each is answered with the one that was meant, if any."""

from __future__ import annotations

import sys

import pytest

from installation.cli.arguments import check_run_arguments, parse_size
from installation.cli.main import main


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["run", "--window", "1280x720"],
        ["run", "--windowed", "wide"],
        ["run", "--windowed", "12x720"],
        ["run", "--windowed", "1280x99999999999"],
        ["run", "--seconds", "0"],
        ["run", "--seconds", "nan"],
        ["run", "--seconds", "soon"],
        ["run", "--report", "no/such/folder/report.json"],
        ["run", "--report", "."],
        ["check", "one.yaml", "two.yaml"],
    ],
)
def test_a_wrong_argument_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument ends the command before anything starts, with status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1280x720", "1280X720"])
def test_a_size_is_width_and_height(text: str) -> None:
    """`1280x720` is a size in pixels, width first."""
    assert parse_size(text) == (1280, 720)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["run", "--windowed", "4K"], "such as 1280x720). Write 3840x2160."),
        (["run", "--windowed", "Full HD"], "such as 1280x720). Write 1920x1080."),
        (["run", "--windowed", "[1920, 1080]"], "such as 1280x720). Write 1920x1080."),
        (["labels", "preview", "fish", "--screen", "1080p"], "Write 1920x1080."),
        (["run", "--windowed", "100x100"], "such as 1280x720)"),
    ],
)
def test_a_size_in_another_form_is_written_out(
    arguments: list[str], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message about `4K` or `Full HD` has the size to type."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert capsys.readouterr().err.rstrip().endswith(remedy)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["chekc"], "check"),
        (["lables", "list"], "labels"),
        (["labels", "biuld", "fish"], "build"),
        (["run", "--windowde", "1280x720"], "--windowed"),
        (["run", "--headles"], "--headless"),
        (["audit", "--shrot"], "--short"),
        (["labels", "preview", "fish", "--neighbors"], "--neighbours"),
        (["labels", "watch", "fish", "--souce=auto"], "--source"),
        (["Check"], "check"),
        (["help", "labls"], "labels"),
        (["versoin"], "version"),
        (["fetch", "yunet", "--onse"], "--once"),
    ],
)
def test_a_mistyped_word_gets_a_suggestion(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message about a mistyped command or option names the one that was probably meant."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        ([], "usage: kiosk "),
        (["help"], "usage: kiosk "),
        (["help", "run"], "usage: kiosk run "),
        (["help", "labels", "build"], "usage: kiosk labels build "),
        (["labels"], "usage: kiosk labels "),
    ],
)
def test_who_asks_for_help_gets_it(
    arguments: list[str], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`kiosk` and `kiosk labels` alone, and `kiosk help`, print the help, with exit status 0."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(usage)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("version", "'version' is a separate command. Run: scripts/kiosk version"),
        ("check", "'check' is a separate command. Run: scripts/kiosk check"),
        ("none.yaml", "the file none.yaml does not exist."),
    ],
)
def test_what_scripts_run_cannot_start_is_known_before_packages_are_fetched(
    word: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistake in the arguments is reported before any package is downloaded."""
    monkeypatch.setattr(sys, "argv", ["run", word])
    with pytest.raises(SystemExit):
        check_run_arguments()
    assert capsys.readouterr().err.endswith(f"kiosk run: error: {message}\n")
