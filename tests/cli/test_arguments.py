from __future__ import annotations

import pytest

from installation.cli.arguments import parse_size
from installation.cli.main import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
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
