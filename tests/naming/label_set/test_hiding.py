from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.naming.label_set.hiding import (
    UNSAFE_COUNT,
    UNSAFE_FILE,
    unsafe_synsets,
)
from installation.naming.label_set.load import read_source
from installation.settings.paths import MODELS
from installation.settings.reasons import REASONS
from tests.support.label_sets import HEADER, YAML, load_weather, write_label_set
from tests.support.made_networks import write_unsafe

IDS = [f"n{i:08d}" for i in range(10_000_000, 10_000_000 + UNSAFE_COUNT)]


CLASSES = YAML.replace("text", "classes")


def test_a_hidden_label_is_gone_and_chains_skip_it(tmp_path: Path) -> None:
    """A hidden label is in no list and in no chain; only its reason is counted."""
    write_label_set(
        tmp_path, HEADER, "a,air,,,", "b,bad one,,a,insult", "c,cloud,,b,", "d,dew,,,slur"
    )
    label_set = load_weather(tmp_path)
    assert [label.name for label in label_set.labels] == ["air", "cloud"]
    assert label_set.rows == (0, 2)
    assert label_set.labels[1].chain == ("somebody", "air")
    assert label_set.hidden == {"insult": 1, "slur": 1}
    assert not any("bad" in text for text in label_set.texts())


def test_the_curator_decides_which_reasons_hide(tmp_path: Path) -> None:
    """A label whose reason the curator does not hide is shown."""
    write_label_set(tmp_path, HEADER, "a,air,,,age", "b,breeze,,,insult", "c,cloud,,,")
    assert [label.name for label in load_weather(tmp_path, "insult").labels] == ["air", "cloud"]


def test_what_imagenet_judged_unsafe_is_hidden_once_its_list_is_there(tmp_path: Path) -> None:
    """The fetched list adds a reason for hiding and removes none."""
    write_label_set(tmp_path, HEADER, "n09818022,,,,", "n10787470,,,,gender", "b,breeze,,,")
    assert len(load_weather(tmp_path).labels) == 2
    write_unsafe(tmp_path, "n09818022", "n10787470")
    label_set = load_weather(tmp_path)
    assert [label.name for label in label_set.labels] == ["breeze"]
    assert label_set.hidden == {"gender": 1, "imagenet": 1}


def test_a_row_has_its_own_reason_and_imagenets(tmp_path: Path) -> None:
    """A row has all of its reasons, and is hidden if the curator hides any of them."""
    write_label_set(tmp_path, HEADER, "n09818022,,,,gender", "b,breeze,,,")
    write_unsafe(tmp_path, "n09818022")
    others = [reason for reason in REASONS if reason != "gender"]
    label_set = load_weather(tmp_path, *others)
    assert [label.name for label in label_set.labels] == ["breeze"]
    assert label_set.hidden == {"imagenet": 1}
    assert load_weather(tmp_path).hidden == {"gender": 1}, "the first that hides is counted"
    assert len(load_weather(tmp_path, "insult").labels) == 2
    assert read_source("weather", tmp_path).rows[0].hidden_because == "gender"


def test_an_unsafe_class_is_hidden_by_its_number_too(tmp_path: Path) -> None:
    """An unsafe class is hidden even if its row names it by the number of its output."""
    write_label_set(tmp_path, HEADER, "982,groom,at his wedding,,", "1,goldfish,,,", yaml=CLASSES)
    assert len(load_weather(tmp_path).labels) == 2
    write_unsafe(tmp_path, "n10148035")
    label_set = load_weather(tmp_path)
    assert [label.name for label in label_set.labels] == ["goldfish"]
    assert label_set.hidden == {"imagenet": 1}


def test_classes_without_a_spreadsheet_are_hidden_by_number(tmp_path: Path) -> None:
    """If labels.txt gives other names to a known network's classes, the same classes are hidden."""
    folder = write_label_set(tmp_path, yaml=CLASSES)
    (folder / "labels.csv").unlink()
    (folder / "labels.txt").write_text("\n".join(f"thing {i}" for i in range(1000)))
    label_set = load_weather(tmp_path)
    assert label_set.rows == load_weather(MODELS, name="objects").rows


def test_the_author_of_a_spreadsheet_decides(tmp_path: Path) -> None:
    """A category that the shipped set hides is shown if the artist's row gives no reason."""
    write_label_set(tmp_path, HEADER, "n10148035,,,,")
    assert [label.name for label in load_weather(tmp_path).labels] == ["groom"]


def test_without_the_list_nothing_is_unsafe(tmp_path: Path) -> None:
    """Without ImageNet's list the label set's own reasons are the only ones."""
    assert unsafe_synsets(tmp_path) == frozenset()


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n\n"])
def test_the_list_is_read(tmp_path: Path, end: str) -> None:
    """The list's 1,593 ids are read with any line ending."""
    (tmp_path / UNSAFE_FILE).write_bytes(end.join(IDS).encode())
    assert unsafe_synsets(tmp_path) == frozenset(IDS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n".join(IDS[:-1]), "it has 1,592 different WordNet ids (expected 1,593)"),
        ("\n".join([*IDS, "n99999999"]), "it has 1,594 different WordNet ids (expected 1,593)"),
        ("\n".join([*IDS[:-1], IDS[0]]), "it has 1,592 different WordNet ids (expected 1,593)"),
        ("<html>Sign in</html>", "this is not ImageNet's list (found '<html>Sign'"),
        ("\n".join([*IDS[:-1], "n0964010"]), "(found 'n0964010'"),
        ("ñ", "this is not ImageNet's list"),
        ("n00000000\n" * 9999, "the file has more than 65,536 bytes"),
        ("", "it has 0 different WordNet ids"),
    ],
)
def test_a_damaged_list_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    """A damaged list is an error that names the command to fetch it; it never hides less."""
    (tmp_path / UNSAFE_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(LabelSetError) as caught:
        unsafe_synsets(tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).endswith("Delete the file, and run: kiosk fetch imagenet-safety")


def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A folder under the list's name is an error."""
    (tmp_path / UNSAFE_FILE).mkdir()
    with pytest.raises(LabelSetError, match="the file cannot be read"):
        unsafe_synsets(tmp_path)
