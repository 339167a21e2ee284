from __future__ import annotations

import pytest

from scripts.wall_measures import height_mm, main


@pytest.mark.parametrize("screen", ["1920x1080", "1080x1920", "3840x2160"])
def test_everything_that_visitors_read_is_high_enough(
    screen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a screen of 55 inches no capitals are lower than 15 mm, and the notice has 19."""
    assert main(["--screen", screen]) == 0
    rows = capsys.readouterr().out.splitlines()
    (notice,) = [row.split()[-3:] for row in rows if "AI sees you" in row]
    assert notice == ["14.9", "19.0", "25.9"]
    heights = [float(row.split()[-2]) for row in rows[3:]]
    assert min(heights) >= 15
    assert len(heights) >= 25


@pytest.mark.parametrize(
    ("screen", "lowest"), [("1280x800", "14.8"), ("480x800", "15.0"), ("3840x1080", "12.3")]
)
def test_type_that_is_too_low_is_an_error(
    screen: str, lowest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The smallest type is too low on 55 inches of other proportions; the table says so."""
    assert main(["--screen", screen]) == 1
    printed = capsys.readouterr().out
    assert "lower than 15 mm on a screen of 55 inches" in printed
    heights = [row.split()[-2] for row in printed.splitlines()[3:-2]]
    assert min(heights, key=float) == lowest
    (notice,) = [row for row in printed.splitlines() if "AI sees you" in row]
    assert float(notice.split()[-2]) >= 15


def test_heights_follow_from_the_diagonal() -> None:
    """A screen of 55 inches and 16 : 9 is 685 mm high."""
    assert height_mm(1080, (1920, 1080), 55) == pytest.approx(685, abs=0.5)
    assert height_mm(1920, (1080, 1920), 55) == pytest.approx(1218, abs=0.5)
