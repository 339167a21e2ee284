from __future__ import annotations

import csv
import io
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.errors import MAX_MISTAKES, LabelSetError
from installation.naming.label_set import csv_file
from installation.naming.label_set.checks import OVERRIDES
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.lists import imagenet
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS
from installation.settings.reasons import REASONS
from tests.support.made_networks import write_unsafe

YAML = """\
title: Weather
credit: Written for a test
root: {id: somebody, name: somebody, definition: a person}
method: text
"""
HEADER = "id,name,definition,parent,hidden_because"
ROWS = (HEADER, "sun,sunny one,brings the light,,", "rain,rainy one,waters the plants,sun,")


def write(models: Path, *rows: str | bytes, yaml: str = YAML, name: str = "weather") -> Path:
    """Write a label set of these rows into `models` and return its folder."""
    folder = models / name
    folder.mkdir(exist_ok=True)
    (folder / "labelset.yaml").write_text(yaml, encoding="utf-8")
    lines = [row.encode() if isinstance(row, str) else row for row in rows or ROWS]
    (folder / "labels.csv").write_bytes(b"\n".join(lines))
    return folder


def load(models: Path, *hide: str, name: str = "weather") -> LabelSet:
    """Return the label set with only the reasons `hide` hidden; all, where none is given."""
    shown_because = "I decided this for a test here."
    content = ContentSettings.model_validate(
        {"hide": hide or REASONS, "acknowledged": shown_because}
    )
    return load_label_set(name, content, models)


def mistakes(models: Path) -> list[str]:
    """Return what is wrong with the label set, a line each."""
    with pytest.raises(LabelSetError) as caught:
        load(models)
    return [str(mistake).replace(f"{models}/", "") for mistake in caught.value.mistakes]


def test_rows_become_labels_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Labels keep the spreadsheet's order, and a chain begins with the root's name."""
    write(tmp_path)
    label_set = load(tmp_path)
    assert [label.name for label in label_set.labels] == ["sunny one", "rainy one"]
    assert [label.chain for label in label_set.labels] == [
        ("somebody",),
        ("somebody", "sunny one"),
    ]
    assert label_set.rows == (0, 1)


def test_a_hidden_label_is_gone_and_chains_skip_it(tmp_path: Path) -> None:
    """A hidden label is in no list and no chain; only its reason is counted."""
    write(tmp_path, HEADER, "a,air,,,", "b,bad one,,a,insult", "c,cloud,,b,", "d,dew,,,slur")
    label_set = load(tmp_path)
    assert [label.name for label in label_set.labels] == ["air", "cloud"]
    assert label_set.rows == (0, 2)
    assert label_set.labels[1].chain == ("somebody", "air")
    assert label_set.hidden == {"insult": 1, "slur": 1}
    assert not any("bad" in text for text in label_set.texts())


def test_the_curator_decides_which_reasons_hide(tmp_path: Path) -> None:
    """A label whose reason the curator does not hide is shown."""
    write(tmp_path, HEADER, "a,air,,,age", "b,breeze,,,insult", "c,cloud,,,")
    assert [label.name for label in load(tmp_path, "insult").labels] == ["air", "cloud"]


def test_hiding_a_label_needs_no_rebuild(tmp_path: Path) -> None:
    """What a built file is made from does not change with hiding or parents, only with words."""
    write(tmp_path, HEADER, "a,air,thin,,", "b,breeze,thick,,")
    before = load(tmp_path).fingerprint
    write(tmp_path, HEADER, "a,air,thin,,insult", "b,breeze,thick,a,")
    assert load(tmp_path).fingerprint == before
    write(tmp_path, HEADER, "a,air,thin,,", "b,breeze,thicker,,")
    assert load(tmp_path).fingerprint != before


def test_empty_names_and_definitions_come_from_imagenet(tmp_path: Path) -> None:
    """A WordNet id is enough: the name and the definition are ImageNet's."""
    write(tmp_path, HEADER, "n09818022,,,,", "n10243137,horn player,,,")
    astronaut, hornist = load(tmp_path).labels
    assert astronaut.name == "astronaut"
    assert astronaut.definition == "a person trained to travel in a spacecraft"
    assert (hornist.name, hornist.definition != "") == ("horn player", True)


def test_loading_needs_no_torch() -> None:
    """`kiosk check` answers at once: a label set is loaded without torch or timm."""
    code = (
        "import sys\nfrom installation.settings.kiosk import ContentSettings\n"
        "from installation.naming.label_set.load import load_label_set\n"
        "load_label_set('persons', ContentSettings())\n"
        "assert not {'torch', 'timm'} & sys.modules.keys()"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


CELL = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=OVERRIDES),
    min_size=1,
    max_size=20,
)


@given(
    names=st.lists(CELL, min_size=1, max_size=8, unique_by=str.casefold),
    separator=st.sampled_from(",;"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    blanks=st.integers(0, 2),
)
def test_every_spreadsheet_writes_a_file_that_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    separator: str,
    ending: str,
    bom: bool,
    quoting: int,
    blanks: int,
) -> None:
    """Comma or semicolon, any line ending, BOM or none, quotes or none: the names are the same."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(csv_file.REQUIRED_COLUMNS)
    for number, name in enumerate(names):
        writer.writerow([f"id{number}", name, "words, and; more", "", ""])
        for _ in range(blanks):
            writer.writerow([""] * 5)
    models = tmp_path_factory.mktemp("models")
    folder = write(models)
    (folder / "labels.csv").write_bytes(text.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    assert [label.name for label in load(models).labels] == names


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_file_gives_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever stands in labels.csv, the kiosk reads it or says a sentence."""
    models = tmp_path_factory.mktemp("models")
    folder = write(models)
    header = f"{HEADER}\n".encode()
    for text in (content, header + content):
        (folder / "labels.csv").write_bytes(text)
        with suppress(LabelSetError):
            assert load(models).labels


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            ("id,name,definiton,parent", "a,air,,"),
            [
                "weather/labels.csv:1: the column 'definition' is missing "
                "(seen: id, name, definiton, parent). Rename 'definiton' to 'definition'.",
                "weather/labels.csv:1: the column 'hidden_because' is missing "
                "(seen: id, name, definiton, parent). Add it; its cells may be empty.",
            ],
        ),
        (
            (HEADER, "a,air,,,", "", "a,breeze,,,", ",cloud,,,"),
            [
                "weather/labels.csv:4: the id 'a' is there twice (first on line 2). "
                "Give each row an id of its own.",
                "weather/labels.csv:5: the id is empty (expected one of its own). Write one.",
            ],
        ),
        (
            (HEADER, "a,air,,,", "b,Air,,,", "c,,,,"),
            [
                "weather/labels.csv:3: the name 'Air' is there twice (first on line 2). "
                "Make the names differ, or take one row out.",
                "weather/labels.csv:4: the name is empty (expected text). Write a name.",
            ],
        ),
        (
            (HEADER, "a,air,,,", b"b,caf\xe9,,,"),
            [
                "weather/labels.csv:3: it is not UTF-8 (byte 0xe9 is not part of a letter; it "
                'seems to be Windows-1252). In the spreadsheet, save it as "CSV UTF-8".'
            ],
        ),
        (
            (HEADER, "cloud,cloud,,clout,", "b,bee,,c,", "c,cee,,b,"),
            [
                "weather/labels.csv:2: the parent 'clout' is not the id of any row. "
                "Did you mean 'cloud'?",
                "weather/labels.csv:3: the parents run in a circle (b › c › b). Empty one of them.",
                "weather/labels.csv:4: the parents run in a circle (c › b › c). Empty one of them.",
            ],
        ),
        (
            (HEADER, "a,air,,,", "b,bee,,,insalt"),
            [
                "weather/labels.csv:3: hidden_because is 'insalt' (expected a known reason). "
                "Did you mean 'insult'?"
            ],
        ),
        (
            (HEADER, "a,ai\u202er,,,", "b,be\x07e,,,"),
            [
                "weather/labels.csv:2: the name holds a direction-changing character (U+202E). "
                "Take it out.",
                "weather/labels.csv:3: the name holds a control character (U+0007). Take it out.",
            ],
        ),
        (
            (HEADER, f"a,{'a' * 121},,,", f"b,bee,{'b' * 401},,"),
            [
                "weather/labels.csv:2: the name has 121 letters (expected at most 120). "
                "Shorten it.",
                "weather/labels.csv:3: the definition has 401 letters (expected at most 400). "
                "Shorten it.",
            ],
        ),
        (
            (HEADER, "a,air,thin, cold, clear,,", 'b,"bee,,,'),
            [
                "weather/labels.csv:2: the row has 7 cells (expected 5). "
                "Put text that holds the separator in quotes.",
                "weather/labels.csv:3: the row that starts here cannot be read "
                "(unexpected end of data). Close each quote, and write a quote inside quotes "
                'twice: "".',
            ],
        ),
        (
            (HEADER, "a,air,,,age"),
            [
                "weather/labels.csv: no label is visible (of 1 rows 1 hidden, 0 background, "
                "expected at least one). Empty hidden_because or is_background in a row that may "
                "be shown."
            ],
        ),
        (
            (HEADER,),
            [
                "weather/labels.csv: there is no label in it (expected a row per label under the "
                "header). Add a row."
            ],
        ),
        (
            (HEADER, "somebody,air,,,"),
            [
                "weather/labels.csv:2: the id 'somebody' is the root's (labelset.yaml names the "
                "root). Take the row out."
            ],
        ),
    ],
)
def test_every_mistake_in_labels_csv_is_named(
    tmp_path: Path, rows: tuple[str | bytes, ...], expected: list[str]
) -> None:
    """Each mistake has its file, its line and its remedy, and all come at once."""
    write(tmp_path, *rows)
    assert mistakes(tmp_path) == expected


def test_a_missing_spreadsheet_is_named(tmp_path: Path) -> None:
    """A folder without labels.csv is one clear mistake."""
    (write(tmp_path) / "labels.csv").unlink()
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv: there is no such file.")


def test_an_unknown_label_set_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """A mistyped name gets the one that was meant, at the place that says it."""
    write(tmp_path, name="victorian")
    with pytest.raises(LabelSetError) as caught:
        load_label_set("vitorian", ContentSettings(), tmp_path, where="kiosk.yaml:12")
    assert str(caught.value) == (
        "kiosk.yaml:12: there is no label set 'vitorian'. Did you mean 'victorian'?"
    )


@pytest.mark.parametrize("name", ["../weather", ".", "", "weather/../weather"])
def test_a_label_set_is_a_folder_in_models_and_nowhere_else(tmp_path: Path, name: str) -> None:
    """No name leads out of models/."""
    write(tmp_path)
    with pytest.raises(LabelSetError, match="there is no label set"):
        load(tmp_path, name=name)


def test_mistakes_of_both_files_come_at_once(tmp_path: Path) -> None:
    """labelset.yaml and labels.csv are mended in one go, each mistake with its line."""
    write(tmp_path, HEADER, "a,air,,,insalt,x", yaml=YAML + "metod: text\nmin_score: 7\n")
    said = mistakes(tmp_path)
    assert said[0].startswith("weather/labelset.yaml:5: metod is not a setting")
    assert said[1].startswith("weather/labelset.yaml:6: min_score is 7")
    assert said[2].startswith("weather/labels.csv:2: the row has 6 cells")


def test_a_file_full_of_mistakes_ends_with_their_number(tmp_path: Path) -> None:
    """Fifty mistakes are named and the others counted, so that the first can be read."""
    write(tmp_path, HEADER, *(f"id{n},name{n},,nobody{n}," for n in range(80)))
    said = mistakes(tmp_path)
    assert len(said) == MAX_MISTAKES + 1
    assert said[-1].startswith("weather/labels.csv: 30 more mistakes are not listed")


CLASSES = YAML.replace("text", "classes")


def test_classes_are_found_by_wordnet_id_and_headings_are_never_read(tmp_path: Path) -> None:
    """With the method `classes` a row that is only a parent is a heading: in chains, no label."""
    rows = (HEADER, "n03699975,machine,,,", "n03642806,,,n03699975,", "n01443537,,,,")
    write(tmp_path, *rows, yaml=CLASSES)
    label_set = load(tmp_path)
    assert [label.name for label in label_set.labels] == ["laptop", "goldfish"]
    assert label_set.rows == (620, 1)
    assert label_set.labels[0].chain == ("somebody", "machine")


def test_a_row_that_is_no_class_is_a_mistake(tmp_path: Path) -> None:
    """With the method `classes` an id that the network does not know is named."""
    write(tmp_path, HEADER, "n01443537,,,,", "n09818029,a slip,,,", yaml=CLASSES)
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith(
        "weather/labels.csv:3: the id 'n09818029' is no output of the network"
    )


def test_a_category_that_the_network_does_not_know_drops_out(tmp_path: Path) -> None:
    """A smaller network can read the rows of a larger one: what it does not know is counted."""
    rows = ("n01443537,,,n09818022,", "n09818022,,,,", "n10787470,,,,", "n09820263,,,,insult")
    write(tmp_path, HEADER, *rows, yaml=CLASSES)
    label_set = load(tmp_path)
    assert [label.name for label in label_set.labels] == ["goldfish"]
    assert label_set.labels[0].chain == ("somebody", "astronaut")
    assert (label_set.size, label_set.unknown, label_set.hidden) == (4, 2, {})
    write(tmp_path, HEADER, "n09818022,,,,", yaml=CLASSES)
    (mistake,) = mistakes(tmp_path)
    assert "0 background, 1 unknown to the network, expected at least one). Take a" in mistake


def test_the_persons_can_be_read_by_a_network_that_knows_half_of_them(tmp_path: Path) -> None:
    """The rows of persons-21k fit a head of 11,221 classes; the others are only counted."""
    shipped = read_source("persons-21k")
    text = (MODELS / "persons-21k" / "labels.csv").read_bytes()
    encoder = "vit_base_patch16_224_miil.in21k"
    write(tmp_path, text, yaml=f"{CLASSES}encoder: {encoder}\n")
    label_set = load_label_set("weather", EVERYTHING, tmp_path)
    known = set(imagenet.synsets("imagenet21k_miil_synsets.txt"))
    assert {label.id for label in label_set.labels} == known & {row.id for row in shipped.rows}
    headings = {row.parent for row in shipped.rows}
    gone = [row for row in shipped.rows if row.id not in known | headings]
    assert label_set.unknown == len(gone) > 1000


def test_what_imagenet_judged_unsafe_is_hidden_once_its_list_is_there(tmp_path: Path) -> None:
    """The fetched list adds to the reasons for hiding, and takes none away."""
    write(tmp_path, HEADER, "n09818022,,,,", "n10787470,,,,gender", "b,breeze,,,")
    assert len(load(tmp_path).labels) == 2
    write_unsafe(tmp_path, "n09818022", "n10787470")
    label_set = load(tmp_path)
    assert [label.name for label in label_set.labels] == ["breeze"]
    assert label_set.hidden == {"gender": 1, "imagenet": 1}


def test_a_reason_of_its_own_does_not_keep_a_row_from_imagenets(tmp_path: Path) -> None:
    """A row has all reasons that there are, and is hidden while the curator hides any of them."""
    write(tmp_path, HEADER, "n09818022,,,,gender", "b,breeze,,,")
    write_unsafe(tmp_path, "n09818022")
    others = [reason for reason in REASONS if reason != "gender"]
    label_set = load(tmp_path, *others)
    assert [label.name for label in label_set.labels] == ["breeze"]
    assert label_set.hidden == {"imagenet": 1}
    assert load(tmp_path).hidden == {"gender": 1}, "the first that hides is counted"
    assert len(load(tmp_path, "insult").labels) == 2
    assert read_source("weather", tmp_path).rows[0].hidden_because == "gender"


def test_a_row_in_the_background_stands_in_no_chain(tmp_path: Path) -> None:
    """What is never shown is not shown above a label either."""
    rows = ("room,an empty room,,,,yes", "cook,cook,,room,,", "baker,baker,,cook,,")
    write(tmp_path, f"{HEADER},is_background", *rows)
    label_set = load(tmp_path)
    chains = [label.chain for label in label_set.labels]
    assert chains == [("somebody",), ("somebody", "cook")]
    assert not any("room" in text for text in label_set.texts())


def test_an_unsafe_class_is_hidden_by_its_number_too(tmp_path: Path) -> None:
    """A row that names a class by its place in the network is judged as what stands there."""
    write(tmp_path, HEADER, "982,groom,at his wedding,,", "1,goldfish,,,", yaml=CLASSES)
    assert len(load(tmp_path).labels) == 2
    write_unsafe(tmp_path, "n10148035")
    label_set = load(tmp_path)
    assert [label.name for label in label_set.labels] == ["goldfish"]
    assert label_set.hidden == {"imagenet": 1}


def test_classes_without_a_spreadsheet_are_judged_by_their_numbers(tmp_path: Path) -> None:
    """A list of names for a known network is judged by what stands at each number."""
    folder = write(tmp_path, yaml=CLASSES)
    (folder / "labels.csv").unlink()
    (folder / "labels.txt").write_text("\n".join(f"thing {i}" for i in range(1000)))
    label_set = load(tmp_path)
    assert label_set.rows == load(MODELS, name="objects").rows


def test_who_writes_a_spreadsheet_decides(tmp_path: Path) -> None:
    """A category that the shipped persons hide is shown where the artist's own row says so."""
    write(tmp_path, HEADER, "n10148035,,,,")
    assert [label.name for label in load(tmp_path).labels] == ["groom"]


def test_one_output_has_one_row(tmp_path: Path) -> None:
    """A class that is named by its number and by its WordNet id is the same class twice."""
    write(tmp_path, HEADER, "0,a fish,,,", "n01440764,another fish,,,", yaml=CLASSES)
    (mistake,) = mistakes(tmp_path)
    assert mistake == (
        "weather/labels.csv:3: the id 'n01440764' is the same output as '0' (first on line 2). "
        "Give each row an id of its own."
    )


def test_the_title_is_among_what_needs_a_font(tmp_path: Path) -> None:
    """The staff's card shows the set's title, whatever script it is in."""
    write(tmp_path, yaml=YAML.replace("Weather", "Погода"))
    assert "Погода" in load(tmp_path).texts()


@pytest.mark.parametrize(
    ("method", "encoder", "only"),
    [("text", "clip", "efficientnet_lite0"), ("prompts", "efficientnet_lite0", "clip")],
)
def test_a_method_with_one_network_takes_no_other(
    tmp_path: Path, method: str, encoder: str, only: str
) -> None:
    """Sentences are read by the network that they were made for.

    It is found when the set is checked, not when the show starts.
    """
    write(tmp_path, yaml=f"{YAML.replace('text', method)}encoder: {encoder}\n")
    (mistake,) = mistakes(tmp_path)
    assert f"labelset.yaml:5: encoder is '{encoder}', but {method} reads {only} only" in mistake


def test_another_network_makes_a_build_stale(tmp_path: Path) -> None:
    """The set's fingerprint tells through which network its pictures were seen."""
    examples = YAML.replace("text", "examples")
    write(tmp_path, yaml=examples)
    before = load(tmp_path).fingerprint
    write(tmp_path, yaml=f"{examples}encoder: efficientnet_lite0\n")
    assert load(tmp_path).fingerprint == before, "it is the same one, by name"
    write(tmp_path, yaml=f"{examples}encoder: clip\n")
    assert load(tmp_path).fingerprint != before


@pytest.mark.parametrize("bad", ["../up", "a/b", "a\\b", ".hidden"])
def test_an_id_is_no_way_out_of_a_folder(tmp_path: Path, bad: str) -> None:
    """Pictures lie in a folder that is called like the id, so an id is a plain name."""
    write(tmp_path, HEADER, f"{bad},air,,,")
    (mistake,) = mistakes(tmp_path)
    assert "cannot be a folder's name" in mistake


def test_a_slip_in_a_translations_column_is_named(tmp_path: Path) -> None:
    """A column of notes is the artist's own, but `nmae_de` would lose a translation unseen."""
    write(tmp_path, f"{HEADER},nmae_de,notes,my_note", "a,air,,,,Luft,x,y")
    (mistake,) = mistakes(tmp_path)
    assert mistake.endswith("the column 'nmae_de' means nothing here. Did you mean 'name_de'?")


def test_tabs_are_a_separator_too(tmp_path: Path) -> None:
    """What a spreadsheet calls Unicode text, in UTF-8, is read like the others."""
    write(tmp_path, HEADER.replace(",", "\t"), "a\tair, clear\t\t\t")
    assert [label.name for label in load(tmp_path).labels] == ["air, clear"]


def test_a_workbook_is_called_what_it_is(tmp_path: Path) -> None:
    """An .xlsx under the name labels.csv is answered with how to save it."""
    write(tmp_path, b"PK\x03\x04\x00\x00\x00")
    (mistake,) = mistakes(tmp_path)
    assert "it is a workbook (.xlsx or .ods) under another name" in mistake


@pytest.mark.parametrize("bom", ["utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_is_named_and_how_to_save(tmp_path: Path, bom: str) -> None:
    """What a spreadsheet calls Unicode text is UTF-16; the message says what to save instead."""
    start = "" if bom == "utf-16" else "\ufeff"
    write(tmp_path, f"{start}{HEADER}\na,air,,,".encode(bom))
    (mistake,) = mistakes(tmp_path)
    assert mistake == (
        "weather/labels.csv: it is not UTF-8 (it seems to be UTF-16). "
        'In the spreadsheet, save it as "CSV UTF-8".'
    )


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\nSEP=;", "sep=;;;;"])
def test_excels_first_line_tells_the_separator(tmp_path: Path, first: str) -> None:
    """The line `sep=;` is no header, and rows are counted as Excel does, which does not show it."""
    write(tmp_path, first, HEADER.replace(",", ";"), "a;air, cold, clear, thin;;;")
    assert [label.name for label in load(tmp_path).labels] == ["air, cold, clear, thin"]
    write(tmp_path, "sep=;", HEADER.replace(",", ";"), "a;air;;;insalt")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv:3 (row 2): hidden_because is 'insalt'")


def test_a_row_is_named_as_the_spreadsheet_numbers_it(tmp_path: Path) -> None:
    """Where a cell has several lines, messages name the spreadsheet's row beside the line."""
    rows = ('a,air,"thin,\nclear,\ncold",,', "", "a,Air,,,insalt", "b,bee,,,,,")
    write(tmp_path, HEADER, *rows)
    assert [of.partition(" has")[0] for of in mistakes(tmp_path)] == [
        "weather/labels.csv:7 (row 5): the row"
    ]
    write(tmp_path, HEADER, *rows[:3], 'b,bee,"')
    assert "labels.csv:7 (row 5): the row that starts here cannot be read" in mistakes(tmp_path)[0]
    write(tmp_path, HEADER, "", 'b,"two\nlines",,,', *rows[:3])
    assert [of.partition(". ")[0] for of in mistakes(tmp_path)] == [
        "weather/labels.csv:9 (row 6): the id 'a' is there twice (first on line 5 (row 4))",
        "weather/labels.csv:9 (row 6): the name 'Air' is there twice (first on line 5 (row 4))",
        "weather/labels.csv:9 (row 6): hidden_because is 'insalt' (expected a known reason)",
    ]


@pytest.mark.parametrize("bad", "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")
def test_a_control_character_is_no_blank(tmp_path: Path, bad: str) -> None:
    """What Python counts as white space and no screen can draw is refused by its number."""
    write(tmp_path, HEADER, f"a,ai{bad}r,,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith(
        f"weather/labels.csv:2: the name holds a control character (U+{ord(bad):04X})"
    )


@pytest.mark.parametrize("unseen", ["\u200b", "\u3164", "\xad\xad", "\u2800", "\u0301"])
def test_a_name_can_be_seen(tmp_path: Path, unseen: str) -> None:
    """A name of invisible letters would be an empty tag on a visitor, in any language."""
    write(tmp_path, f"{HEADER},name_de", f"a,{unseen},,,,", f"b,breeze,,,,{unseen}")
    code = f"(U+{ord(unseen[0]):04X}). Write it with letters, or leave it empty."
    assert mistakes(tmp_path) == [
        f"weather/labels.csv:2: the name holds nothing that can be seen {code}",
        f"weather/labels.csv:3: name_de holds nothing that can be seen {code}",
    ]
    write(tmp_path, yaml=YAML.replace("name: somebody", f'name: "{unseen}"'))
    (mistake,) = mistakes(tmp_path)
    assert "labelset.yaml:3: root.name holds nothing that can be seen" in mistake


@pytest.mark.parametrize("twin", ["ba\xadker", "baker\u200b", "Ba\u2060ker"])
def test_names_that_look_the_same_are_the_same(tmp_path: Path, twin: str) -> None:
    """Letters without a form of their own do not tell two names apart."""
    write(tmp_path, HEADER, "a,baker,,,", f"b,{twin},,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv:3: the name 'Ba" if twin[0] == "B" else "weather")
    assert "is there twice (first on line 2)" in mistake


def test_an_accent_may_be_a_letter_of_its_own(tmp_path: Path) -> None:
    """A name is the same whether its accents are written with their letters or after them."""
    write(tmp_path, HEADER, "a,caf\xe9,,,", "b,cafe\u0301,,,")
    assert "is there twice" in mistakes(tmp_path)[0]


@pytest.mark.parametrize("column", ["definition?", "definition's", "definitio{n}"])
def test_the_remedy_for_a_misspelt_column_quotes_it_as_it_is(tmp_path: Path, column: str) -> None:
    """A column's name is quoted unchanged in the remedy, with the signs that it holds."""
    write(tmp_path, f"id,name,{column},parent,hidden_because", "a,air,,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.endswith(f" Rename '{column}' to 'definition'.")


@pytest.mark.parametrize(
    ("column", "remedy"),
    [
        ("name-de", "Did you mean 'name_de'?"),
        ("name_pt-BR", "Did you mean 'name_pt'?"),
        ("definition de", "Did you mean 'definition_de'?"),
        ("Name (es)", "Did you mean 'name_es'?"),
        ("name_spanish", "Write the language in two or three letters, such as name_de."),
    ],
)
def test_a_column_that_is_nearly_a_language_is_named(
    tmp_path: Path, column: str, remedy: str
) -> None:
    """A translation is not lost without a word because its column is spelled in another way."""
    write(tmp_path, f"{HEADER},{column},nameless,source", "a,air,,,,Luft,x,y")
    said = f"weather/labels.csv:1: the column '{column.lower()}' means nothing here. {remedy}"
    assert mistakes(tmp_path) == [said]


def test_what_is_not_read_is_named_with_the_mistakes(tmp_path: Path) -> None:
    """A labels.csv that is left from before and wrong says which names it keeps from being read."""
    folder = write(tmp_path, HEADER, "a,air,,,insalt")
    (folder / "labels.txt").write_text("sun\nrain\n")
    first, second = mistakes(tmp_path)
    assert first == (
        "weather/labels.csv: the labels are read from it, and not from labels.txt. "
        "If it is not meant, move labels.csv away; else mend it."
    )
    assert second.startswith("weather/labels.csv:2: hidden_because")
