from __future__ import annotations

import pytest

from scripts.wall_measures import height_mm, main


@pytest.mark.parametrize(
    ("screen", "notice"),
    [
        ("1920x1080", "19.0"),
        ("1080x1920", "19.0"),
        ("3840x2160", "19.0"),
        ("1280x800", "18.5"),
        ("480x800", "19.2"),
    ],
)
def test_everything_that_visitors_read_is_high_enough(
    screen: str, notice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a screen of 55 inches no capitals are lower than 15 mm, and the notice has 18 or more."""
    assert main(["--screen", screen]) == 0
    rows = capsys.readouterr().out.splitlines()
    (printed,) = [row.split()[-2] for row in rows if "AI looks" in row]
    assert printed == notice
    heights = [float(row.split()[-2]) for row in rows[3:]]
    assert min(heights) >= 15
    assert len(heights) >= 25


def test_type_that_is_too_low_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The smallest type is too low on a very wide screen of 55 inches; the table says so."""
    assert main(["--screen", "3840x1080"]) == 1
    printed = capsys.readouterr().out
    assert "lower than 15 mm on a screen of 55 inches" in printed
    heights = [row.split()[-2] for row in printed.splitlines()[3:-2]]
    assert min(heights, key=float) == "12.5"
    (notice,) = [row for row in printed.splitlines() if "AI looks" in row]
    assert float(notice.split()[-2]) >= 15


def test_heights_follow_from_the_diagonal() -> None:
    """A screen of 55 inches and 16 : 9 is 685 mm high."""
    assert height_mm(1080, (1920, 1080), 55) == pytest.approx(685, abs=0.5)
    assert height_mm(1920, (1080, 1920), 55) == pytest.approx(1218, abs=0.5)
