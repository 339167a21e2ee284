from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.naming.label_set.hiding import UNSAFE_COUNT, UNSAFE_FILE, unsafe_synsets

IDS = [f"n{i:08d}" for i in range(10_000_000, 10_000_000 + UNSAFE_COUNT)]


def test_without_the_list_nothing_is_unsafe(tmp_path: Path) -> None:
    """A kiosk that has not fetched ImageNet's list hides by its own reasons alone."""
    assert unsafe_synsets(tmp_path) == frozenset()


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n\n"])
def test_the_list_is_read(tmp_path: Path, end: str) -> None:
    """The list's 1,593 ids are read whatever its line ends are."""
    (tmp_path / UNSAFE_FILE).write_bytes(end.join(IDS).encode())
    assert unsafe_synsets(tmp_path) == frozenset(IDS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n".join(IDS[:-1]), "it has 1,592 different ids (expected 1,593)"),
        ("\n".join([*IDS, "n99999999"]), "it has 1,594 different ids (expected 1,593)"),
        ("\n".join([*IDS[:-1], IDS[0]]), "it has 1,592 different ids (expected 1,593)"),
        ("<html>Sign in</html>", "it is not ImageNet's list (seen '<html>Sign'"),
        ("\n".join([*IDS[:-1], "n0964010"]), "(seen 'n0964010'"),
        ("ñ", "it is not ImageNet's list"),
        ("n00000000\n" * 9999, "it has more than 65,536 bytes"),
        ("", "it has 0 different ids"),
    ],
)
def test_a_damaged_list_hides_no_less_but_stops(tmp_path: Path, content: str, message: str) -> None:
    """A list that is damaged is an error with the command that mends it; it never hides less."""
    (tmp_path / UNSAFE_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(LabelSetError) as caught:
        unsafe_synsets(tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).endswith("Delete it, and run: kiosk fetch imagenet-safety")


def test_a_list_that_cannot_be_read_stops(tmp_path: Path) -> None:
    """Where something else has the list's name, the kiosk says so."""
    (tmp_path / UNSAFE_FILE).mkdir()
    with pytest.raises(LabelSetError, match="it cannot be read"):
        unsafe_synsets(tmp_path)
