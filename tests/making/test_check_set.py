"""Tests of `kiosk labels check`: a set without mistakes can be built and shown.

If a parent's row is deleted, its children are shown below the root. The check finds mistakes before
the build: a network whose outputs are not as many as the labels, a network without its weights or
of another form, missing folders of pictures, and text without a font.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.making import check_set
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.networks.encoder import Input
from installation.settings.paths import MODELS
from tests.support.fonts import hide_system_fonts
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


def test_a_set_has_a_summary_line(models: Path) -> None:
    """The line has the title, the numbers of visible and hidden labels, and the method."""
    line = check_set.summary_line("fish", models)
    assert line == "Three fish: 2 labels shown, 1 hidden; classes, needs no building"


def test_every_label_is_listed_with_the_reason_if_it_is_hidden(models: Path) -> None:
    """Labels have their chain and definition, hidden ones their reason, and both a count."""
    lines = list(check_set.label_lines("fish", models))
    text = "\n".join(lines)
    assert "Shown: 2\n  tench\n      animal › tench\n      a freshwater fish" in text
    assert "Hidden: 1\n  great white shark  [unseen]" in text
    assert "Background, never shown: 1\n  mug" in text
    assert lines[-1].split() == ["1", "unseen"]


def test_a_check_counts_translated_rows(models: Path) -> None:
    """For each language a check counts the translated rows, and names the others."""
    lines = list(check_set.check_lines("fish", models))
    assert lines[0] == "models/fish has no mistakes: 2 labels shown, 1 hidden, needs no building."
    assert lines[1] == "Masked classes, which are never given to a person: 2 (tench, goldfish)."
    assert lines[2] == (
        "In es: name and definition in 1 of 3 rows; missing: goldfish, great white shark."
    )
    assert lines[3] == (
        "In es: 'animal', the category above all labels, has no translation; add one under "
        "root.translations in labelset.yaml."
    )


def test_a_check_names_rows_without_a_definition(models: Path) -> None:
    """A label without a definition is not a mistake; a check names it."""
    write_label_set(
        models, ROWS[0], "n01440764,tench,,,,,,", "1,other,,,,,,", yaml=YAML, name="fish"
    )
    assert "Rows without a definition: 1 (other)." in list(check_set.check_lines("fish", models))


def test_a_check_names_pictures_that_the_method_does_not_read(models: Path) -> None:
    """An artist who forgot `method: examples` learns that the pictures are not used."""
    assert not any("not used" in line for line in check_set.check_lines("fish", models))
    (models / "fish" / "examples" / "tench").mkdir(parents=True)
    (models / "fish" / "examples" / "tench" / "1.jpg").write_bytes(b"")
    (line,) = (line for line in check_set.check_lines("fish", models) if "not used" in line)
    assert line.endswith("only `method: examples` reads pictures.")


def test_a_set_that_is_not_built_is_a_mistake(models: Path) -> None:
    """A check fails with the mistake with which the show would fail."""
    write_label_set(models, *ROWS, yaml=YAML.replace("classes", "text"), name="fish")
    assert "the label set is not built yet" in check_set.summary_line("fish", models)
    lines = check_set.check_lines("fish", models)
    assert next(lines) == (
        "The text files of models/fish have no mistakes: 2 labels shown, 1 hidden."
    )
    with pytest.raises(LabelSetError, match="not built yet"):
        next(lines)


def test_all_mistakes_are_reported_at_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check reports all mistakes of a set, not only the first."""
    hide_system_fonts(monkeypatch)
    text = YAML.replace("classes", "text")
    write_label_set(models, ROWS[0], "1,gold 🐟,,,slur,,,", yaml=text, name="fish")
    with pytest.raises(LabelSetError) as caught:
        list(check_set.check_lines("fish", models))
    expected = ("no label is visible", "no font on this machine", "not built yet")
    for words, mistake in zip(expected, caught.value.mistakes, strict=True):
        assert words in str(mistake)


def test_a_network_of_the_sets_own_is_checked(tmp_path: Path) -> None:
    """A check reports the mistakes of a classifier.onnx, and runs a network without mistakes."""
    folder = made_onnx(tmp_path).folder
    assert any("trial run" in line for line in check_set.check_lines(folder.name, tmp_path))
    (folder / "classifier.onnx").write_bytes(b"hello")
    with pytest.raises(LabelSetError, match="the file is not an ONNX file"):
        list(check_set.check_lines(folder.name, tmp_path))


def test_the_pictures_for_a_network_are_described(tmp_path: Path) -> None:
    """A check tells how pictures are prepared for a network, and whether that is assumed."""
    folder = made_onnx(tmp_path).folder
    file = folder / "labelset.yaml"
    text = file.read_text()
    assert "input:" not in text
    (line,) = (
        line for line in check_set.check_lines(folder.name, tmp_path) if "pictures for" in line
    )
    assert line == (
        "Format of the pictures for the set's network: 32 px, mean 0.5, 0.5, 0.5, std 0.5, 0.5, "
        "0.5 (default values of mean and std, because no file of the set states them)."
    )
    taken = Input(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), assumed=("mean",))
    source = read_source(folder.name, tmp_path)
    assumed = check_set.input_line(source, taken)
    assert "Format of the pictures for the set's network: 16 px, mean 0.5, " in assumed
    assert assumed.endswith("(default values of mean, because no file of the set states them).")
    as_bytes = Input(16, (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))
    assert check_set.input_line(source, as_bytes).endswith("(as the network states).")
    file.write_text(text + "\ninput: {size: 32, mean: [0.4, 0.5, 0.6], std: [1, 1, 1]}\n")
    (line,) = (
        line for line in check_set.check_lines(folder.name, tmp_path) if "pictures for" in line
    )
    assert line.endswith("32 px, mean 0.4, 0.5, 0.6, std 1, 1, 1 (as labelset.yaml states).")


def test_a_set_without_its_network_is_a_mistake(tmp_path: Path) -> None:
    """A built set whose network is missing is a mistake, with the command that fetches it."""
    name = made_prompts(tmp_path).name
    (tmp_path / "weights").mkdir()
    (tmp_path / "clip.safetensors").rename(tmp_path / "weights" / "clip.safetensors")
    assert check_set.summary_line(name, tmp_path).endswith("prompts, built")
    (tmp_path / "weights" / "clip.safetensors").unlink()
    assert check_set.summary_line(name, tmp_path).endswith("the weights of the network are missing")
    with pytest.raises(LabelSetError, match=r"clip.safetensors: .*\. Run: kiosk fetch clip$"):
        list(check_set.check_lines(name, tmp_path))


def test_a_set_in_which_everything_is_hidden_is_a_mistake(models: Path) -> None:
    """A set without a visible label is a mistake."""
    write_label_set(models, ROWS[0], "n01440764,tench,,,slur,,,", yaml=YAML, name="fish")
    with pytest.raises(LabelSetError, match="no label is visible"):
        list(check_set.check_lines("fish", models))


def test_text_without_a_font_is_named_with_its_row(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text that no font can draw, such as emoji, is a mistake of its row."""
    hide_system_fonts(monkeypatch)
    write_label_set(models, ROWS[0], ROWS[1], "n01443537,gold 🐟,,,,,,", yaml=YAML, name="fish")
    with pytest.raises(LabelSetError) as caught:
        list(check_set.check_lines("fish", models))
    (mistake,) = caught.value.mistakes
    assert str(mistake).endswith(
        "labels.csv:3: no font on this machine can draw 🐟 (U+1F41F), in Emoji. Remove the letters."
    )


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            ("n01440764,tench,,n01439121,,,,", "n01443537,goldfish,,n01439121,,,,"),
            "Rows whose parent does not exist: 2 (parents: n01439121; first row: labels.csv:2). "
            "They are shown below 'animal'.",
        ),
        (
            ("n01440764,tench,,n01443537,,,,", "n01443537,goldfish,,goldfich,,,,"),
            "Rows whose parent does not exist: 1 (parents: goldfich; first row: labels.csv:3). "
            "They are shown below 'animal'.",
        ),
    ],
)
def test_rows_without_their_parent_are_below_the_root(
    models: Path, rows: tuple[str, str], line: str
) -> None:
    """Rows whose parent was deleted are not mistakes: they are shown below the root."""
    write_label_set(models, ROWS[0], *rows, yaml=YAML, name="fish")
    assert line in list(check_set.check_lines("fish", models))
    labels = {label.id: label for label in load_label_set("fish", SAFE, models).labels}
    assert labels["n01443537"].chain == ("animal",)


def test_most_of_a_copied_set_may_be_deleted(tmp_path: Path) -> None:
    """If only every fifth row of `objects` is kept, the check finds no mistakes."""
    shipped = MODELS / "objects"
    header, *rows = (shipped / "labels.csv").read_text(encoding="utf-8-sig").splitlines()
    yaml = (shipped / "labelset.yaml").read_text()
    write_label_set(tmp_path, header, *rows[::5], yaml=yaml, name="few")
    assert load_label_set("few", SAFE, tmp_path).labels
    below = [
        line
        for line in check_set.check_lines("few", tmp_path)
        if line.startswith("Rows whose parent")
    ]
    assert len(below) == 1


def test_what_the_show_refuses_is_a_mistake_of_the_check(tmp_path: Path) -> None:
    """The check refuses a network with more outputs than labels.txt has lines, as the show does."""
    folder = made_onnx(tmp_path).folder
    (folder / "labels.csv").unlink(missing_ok=True)
    (folder / "labels.txt").write_text("sun\n")
    with pytest.raises(
        LabelSetError, match=r"labels\.txt: the file has names for 1 output, but the network has 4"
    ):
        list(check_set.check_lines(folder.name, tmp_path))


def test_a_row_beyond_the_networks_outputs_is_a_mistake_of_the_check(tmp_path: Path) -> None:
    """A row of labels.csv whose number the network does not have is a mistake."""
    folder = made_onnx(tmp_path).folder
    (folder / "labels.txt").unlink(missing_ok=True)
    (folder / "labels.csv").write_text("id,name\n0,sun\n99,rain\n")
    with pytest.raises(LabelSetError, match="99"):
        list(check_set.check_lines(folder.name, tmp_path))


def test_a_missing_network_comes_before_the_rows(tmp_path: Path) -> None:
    """If the network is missing, `check` reports that before mistakes in the rows."""
    yaml = YAML.replace("classes", "onnx")
    folder = write_label_set(tmp_path, "id,name", "maker,maker", yaml=yaml, name="mine")
    with pytest.raises(LabelSetError) as caught:
        list(check_set.check_lines(folder.name, tmp_path))
    assert "no network found (expected classifier.onnx" in str(caught.value.mistakes[0])


def test_missing_folders_of_pictures_are_mistakes_before_the_build(tmp_path: Path) -> None:
    """A check of a set that learns from pictures names the rows without a folder of them."""
    yaml = YAML.replace("classes", "examples")
    folder = write_label_set(tmp_path, "name", "sun", "rain", yaml=yaml, name="mine")
    with pytest.raises(LabelSetError, match="this folder of pictures does not exist"):
        list(check_set.check_lines(folder.name, tmp_path))
    (folder / "examples" / "sun").mkdir(parents=True)
    with pytest.raises(LabelSetError) as caught:
        list(check_set.check_lines(folder.name, tmp_path))
    first, second, last = map(str, caught.value.mistakes)
    assert "has no folder for this row (expected 'rain')" in first
    assert "the folder has 0 good pictures (expected at least 5)" in second
    assert "not built yet" in last
