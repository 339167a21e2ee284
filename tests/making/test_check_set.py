from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.making import check_set
from installation.naming.label_set.load import read_source
from installation.naming.networks.encoder import Input
from tests.support.label_sets import write_label_set
from tests.support.made_networks import made_onnx
from tests.support.made_prompts import made_prompts

YAML = """\
title: Three fish
credit: the test
root: {id: n00015388, name: animal, definition: a living organism}
method: classes
"""
ROWS = (
    "id,name,definition,parent,hidden_because,is_background,name_es,definition_es",
    "n01440764,tench,a freshwater fish,,,,tenca,un pez",
    "n01443537,goldfish,small and golden,,,,carpín,",
    "n01484850,great white shark,a large shark,,unseen,,,",
    "n03063599,mug,a cup,,,yes,,",
)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a models folder with two fish, one hidden and a mug that is background."""
    write_label_set(tmp_path, *ROWS, yaml=YAML, name="fish")
    return tmp_path


def test_a_set_in_a_line(models: Path) -> None:
    """The list says what a set is called, how many it shows and hides, and how it is read."""
    line = check_set.line("fish", models)
    assert line == "Three fish: 2 labels shown, 1 hidden; classes, needs no building"


def test_the_listing_has_every_label_and_why_some_are_hidden(models: Path) -> None:
    """Labels come with chain and definition, hidden ones with their reason, and with counts."""
    lines = list(check_set.listing("fish", models))
    text = "\n".join(lines)
    assert "Shown: 2\n  tench\n      animal › tench\n      a freshwater fish" in text
    assert "Hidden: 1\n  great white shark  [unseen]" in text
    assert "Background, never shown: 1\n  mug" in text
    assert lines[-1].split() == ["1", "unseen"]


def test_a_check_counts_what_is_translated(models: Path) -> None:
    """Per language the check says how many rows are complete and names those that are not."""
    lines = list(check_set.examined("fish", models))
    assert lines[0] == "models/fish is right: 2 labels shown, 1 hidden, needs no building."
    assert lines[1] == (
        "In es: 1 of 3 rows have a name and a definition; missing: goldfish, great white shark."
    )


def test_a_check_names_rows_without_a_definition(models: Path) -> None:
    """A label without its sentence is no mistake, and is named."""
    write_label_set(
        models, ROWS[0], "n01440764,tench,,,,,,", "1,other,,,,,,", yaml=YAML, name="fish"
    )
    assert "1 have no definition: other." in list(check_set.examined("fish", models))


def test_a_set_that_is_not_built_is_no_right_set(models: Path) -> None:
    """The check ends with what the show would end with."""
    write_label_set(models, *ROWS, yaml=YAML.replace("classes", "text"), name="fish")
    assert "the label set is not built yet" in check_set.line("fish", models)
    lines = check_set.examined("fish", models)
    assert next(lines) == "The words of models/fish are right: 2 labels shown, 1 hidden."
    with pytest.raises(LabelSetError, match="not built yet"):
        next(lines)


def test_all_that_is_wrong_is_told_at_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends what one check says need not run it again for the next mistake."""
    monkeypatch.setenv("PATH", "")  # fontconfig cannot be asked for any font
    text = YAML.replace("classes", "text")
    write_label_set(models, ROWS[0], "1,gold 🐟,,,slur,,,", yaml=text, name="fish")
    with pytest.raises(LabelSetError) as caught:
        list(check_set.examined("fish", models))
    expected = ("no label is visible", "no font on this machine", "not built yet")
    for words, mistake in zip(expected, caught.value.mistakes, strict=True):
        assert words in str(mistake)


def test_a_network_of_the_sets_own_is_judged(tmp_path: Path) -> None:
    """The check says what is wrong with a classifier.onnx, and what it has not tried."""
    folder = made_onnx(tmp_path).folder
    assert any("preview" in line for line in check_set.examined(folder.name, tmp_path))
    (folder / "classifier.onnx").write_bytes(b"hello")
    with pytest.raises(LabelSetError, match="it is not an ONNX file"):
        list(check_set.examined(folder.name, tmp_path))


def test_the_pictures_that_a_network_is_given_are_said(tmp_path: Path) -> None:
    """Whoever brings a network reads what it is given, and whether that was said or assumed."""
    folder = made_onnx(tmp_path).folder
    file = folder / "labelset.yaml"
    text = file.read_text()
    assert "input:" not in text
    (line,) = (of for of in check_set.examined(folder.name, tmp_path) if "pictures" in of)
    assert line == (
        "Its network is given pictures: mean 0.5, 0.5, 0.5, std 0.5, 0.5, 0.5 (mean and std "
        "assumed, as labelset.yaml has no `input` for it)."
    )
    taken = Input(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    source = read_source(folder.name, tmp_path)
    assert "pictures: 16 px, mean 0.5, " in check_set.pictures(source, taken)
    as_bytes = Input(16, (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))
    assert check_set.pictures(source, as_bytes).endswith("(as it asks for).")
    file.write_text(text + "\ninput: {size: 16, mean: [0.4, 0.5, 0.6], std: [1, 1, 1]}\n")
    (line,) = (of for of in check_set.examined(folder.name, tmp_path) if "pictures" in of)
    assert line.endswith("16 px, mean 0.4, 0.5, 0.6, std 1, 1, 1 (as labelset.yaml says).")


def test_a_set_without_its_network_is_no_right_set(tmp_path: Path) -> None:
    """What is built shows nothing while its network is not fetched, and is told how to fetch it."""
    name = made_prompts(tmp_path).name
    (tmp_path / "weights").mkdir()
    (tmp_path / "clip.safetensors").rename(tmp_path / "weights" / "clip.safetensors")
    assert check_set.line(name, tmp_path).endswith("prompts, built")
    (tmp_path / "weights" / "clip.safetensors").unlink()
    assert check_set.line(name, tmp_path).endswith("the weights of its network are missing")
    with pytest.raises(LabelSetError, match=r"clip.safetensors: .*\. Run: kiosk fetch clip$"):
        list(check_set.examined(name, tmp_path))


def test_a_set_in_which_everything_is_hidden_is_no_right_set(models: Path) -> None:
    """A set that would show nothing is a mistake."""
    write_label_set(models, ROWS[0], "n01440764,tench,,,slur,,,", yaml=YAML, name="fish")
    with pytest.raises(LabelSetError, match="no label is visible"):
        list(check_set.examined("fish", models))


def test_letters_that_nothing_can_draw_are_named_with_their_row(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall cannot show an emoji, and the check says in which row one stands."""
    monkeypatch.setenv("PATH", "")  # fontconfig cannot be asked for any font
    write_label_set(models, ROWS[0], ROWS[1], "n01443537,gold 🐟,,,,,,", yaml=YAML, name="fish")
    with pytest.raises(LabelSetError) as caught:
        list(check_set.examined("fish", models))
    (mistake,) = caught.value.mistakes
    assert str(mistake).endswith(
        "labels.csv:3: no font on this machine can draw the text in Emoji. Take them out."
    )
