from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import pytest

from installation.errors import MAX_MISTAKES, LabelSetError
from installation.naming.label_set.hiding import (
    EVERYTHING,
)
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.lists import imagenet
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS
from tests.support.label_sets import HEADER, YAML, load_weather, mistakes, write_label_set

CLASSES = YAML.replace("text", "classes")


def test_rows_become_labels_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Labels keep the spreadsheet's order, and a chain begins with the root's name."""
    write_label_set(tmp_path)
    label_set = load_weather(tmp_path)
    assert [label.name for label in label_set.labels] == ["sunny one", "rainy one"]
    assert [label.chain for label in label_set.labels] == [
        ("somebody",),
        ("somebody", "sunny one"),
    ]
    assert label_set.rows == (0, 1)


def test_a_definition_names_its_author_if_the_row_does(tmp_path: Path) -> None:
    """A definition ends with its author, in a translation too, if the row names one."""
    header = f"{HEADER},defined_by,definition_de"
    rows = (
        "sun,sunny,warm light,,,Ada,warmes Licht",
        "rain,rainy,water,,,,Wasser",
        "fog,foggy,,,,Ada,",
    )
    write_label_set(tmp_path, header, *rows)
    labels = load_weather(tmp_path).labels
    assert [label.definition for label in labels] == ["warm light — Ada", "water", ""]
    german = load_label_set("weather", ContentSettings(), tmp_path, language="de").labels
    assert [label.definition for label in german] == ["warmes Licht — Ada", "Wasser", ""]


def test_loading_needs_no_torch() -> None:
    """A label set is loaded without torch or timm, so that `kiosk check` is fast."""
    code = (
        "import sys\nfrom installation.settings.kiosk import ContentSettings\n"
        "from installation.naming.label_set.load import load_label_set\n"
        "load_label_set('persons', ContentSettings())\n"
        "assert not {'torch', 'timm'} & sys.modules.keys()"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_label_set_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """The message about a misspelt name proposes the nearest name, and names the setting."""
    write_label_set(tmp_path, name="victorian")
    with pytest.raises(LabelSetError) as caught:
        load_label_set("vitorian", ContentSettings(), tmp_path, where="kiosk.yaml:12")
    assert str(caught.value) == (
        "kiosk.yaml:12: the label set 'vitorian' does not exist. Did you mean 'victorian'?"
    )


@pytest.mark.parametrize("name", ["../weather", ".", "", "weather/../weather"])
def test_a_label_set_is_a_folder_in_models_and_nowhere_else(tmp_path: Path, name: str) -> None:
    """A name cannot refer to a folder outside models/."""
    write_label_set(tmp_path)
    with pytest.raises(LabelSetError, match=r"the label set .* does not exist"):
        load_weather(tmp_path, name=name)


def test_mistakes_of_both_files_come_at_once(tmp_path: Path) -> None:
    """The mistakes of labelset.yaml and labels.csv are reported together, each with its line."""
    write_label_set(tmp_path, HEADER, "a,air,,,insalt,x", yaml=YAML + "metod: text\nmin_score: 7\n")
    messages = mistakes(tmp_path)
    assert messages[0].startswith("weather/labelset.yaml:5: metod is not a setting")
    assert messages[1].startswith("weather/labelset.yaml:6: min_score is 7")
    assert messages[2].startswith("weather/labels.csv:2: the row has 6 cells")


def test_a_file_full_of_mistakes_ends_with_their_number(tmp_path: Path) -> None:
    """At most fifty mistakes are listed, and the others are counted."""
    write_label_set(tmp_path, HEADER, *(f"id{n},name{n},,,nobody{n}" for n in range(80)))
    messages = mistakes(tmp_path)
    assert len(messages) == MAX_MISTAKES + 1
    assert messages[-1].startswith("weather/labels.csv: 30 more mistakes, not listed here")


def test_classes_are_found_by_wordnet_id_and_headings_are_never_read(tmp_path: Path) -> None:
    """With the method `classes` a row that is only a parent is in chains, but not a label."""
    rows = (HEADER, "n03699975,machine,,,", "n03642806,,,n03699975,", "n01443537,,,,")
    write_label_set(tmp_path, *rows, yaml=CLASSES)
    label_set = load_weather(tmp_path)
    assert [label.name for label in label_set.labels] == ["laptop", "goldfish"]
    assert label_set.rows == (620, 1)
    assert label_set.labels[0].chain == ("somebody", "machine")


def test_a_category_that_the_network_does_not_know_drops_out(tmp_path: Path) -> None:
    """ImageNet's categories that the network does not have are counted and left out."""
    rows = ("n01443537,,,n09818022,", "n09818022,,,,", "n10787470,,,,", "n09820263,,,,insult")
    write_label_set(tmp_path, HEADER, *rows, yaml=CLASSES)
    label_set = load_weather(tmp_path)
    assert [label.name for label in label_set.labels] == ["goldfish"]
    assert label_set.labels[0].chain == ("somebody", "astronaut")
    assert (label_set.size, label_set.unknown, label_set.hidden) == (4, 2, {})
    write_label_set(tmp_path, HEADER, "n09818022,,,,", yaml=CLASSES)
    (mistake,) = mistakes(tmp_path)
    assert "0 background, 1 unknown to the network; expected at least one label). Use a" in mistake


def test_a_background_row_is_not_counted_as_a_name(tmp_path: Path) -> None:
    """A background row is neither a name of the list nor a hidden name."""
    rows = (f"{HEADER},is_background", "a,breeze,,,,", "b,hail,,,insult,", "c,room,,,,yes")
    write_label_set(tmp_path, *rows)
    label_set = load_weather(tmp_path)
    assert (label_set.size, label_set.listing, len(label_set.background)) == (2, ("breeze", 4), 1)


def test_the_persons_can_be_read_by_a_network_that_knows_half_of_them(tmp_path: Path) -> None:
    """If a network knows only some categories of persons-21k, only their labels are loaded.

    The number of the other rows, without headings, is in `unknown`.
    """
    shipped = read_source("persons-21k")
    text = (MODELS / "persons-21k" / "labels.csv").read_bytes()
    encoder = "vit_base_patch16_224_miil.in21k"
    write_label_set(tmp_path, text, yaml=f"{CLASSES}encoder: {encoder}\n")
    label_set = load_label_set("weather", EVERYTHING, tmp_path)
    known = set(imagenet.synsets("imagenet21k_miil_synsets.txt"))
    assert {label.id for label in label_set.labels} == known & {row.id for row in shipped.rows}
    headings = {row.parent for row in shipped.rows}
    gone = [row for row in shipped.rows if row.id not in known | headings]
    assert label_set.unknown == len(gone) > 1000


def test_a_row_in_the_background_stands_in_no_chain(tmp_path: Path) -> None:
    """A background row is in no chain."""
    rows = ("room,an empty room,,,,yes", "cook,cook,,room,,", "baker,baker,,cook,,")
    write_label_set(tmp_path, f"{HEADER},is_background", *rows)
    label_set = load_weather(tmp_path)
    chains = [label.chain for label in label_set.labels]
    assert chains == [("somebody",), ("somebody", "cook")]
    assert not any("room" in text for text in label_set.texts())


def test_an_ignored_file_of_labels_is_named(tmp_path: Path) -> None:
    """The mistakes of labels.csv begin with the other file of labels, which is ignored."""
    folder = write_label_set(tmp_path, HEADER, "a,air,,,insalt")
    (folder / "labels.txt").write_text("sun\nrain\n")
    first, second = mistakes(tmp_path)
    assert first == (
        "weather/labels.csv: the mistakes below are in this file, which is read instead of "
        "labels.txt. If another file has the labels, move labels.csv out of this folder. "
        "Otherwise correct the mistakes in labels.csv."
    )
    assert second.startswith("weather/labels.csv:2: hidden_because")
