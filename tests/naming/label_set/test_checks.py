from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import MAX_MISTAKES
from installation.naming.label_set.checks import DEEPEST_CHAIN
from tests.support.call_count import count_calls
from tests.support.label_sets import HEADER, YAML, load_weather, mistakes, write_label_set


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            ("id,name,definiton,parent", "a,air,,"),
            [
                "weather/labels.csv:1: the column 'definition' is missing "
                "(seen: id, name, definiton, parent). Rename 'definiton' to 'definition'.",
            ],
        ),
        (
            (HEADER, "a,air,,,", "", "a,breeze,,,", ",cloud,,,", ",..,,,", "A,Aa,,,"),
            [
                "weather/labels.csv:4: the id 'a' occurs twice (first on line 2). "
                "Give each row a unique id.",
                "weather/labels.csv:6: the id is empty (expected a unique id). Write one.",
                "weather/labels.csv:7: the id 'A' differs from 'a' (line 2) only in capital "
                "letters, invisible characters or the encoding of accents, so both would be the "
                "same folder on some disks. Give each row a unique id.",
            ],
        ),
        (
            (HEADER, "a,air,,,", "b,Air,,,", "c,,,,"),
            [
                "weather/labels.csv:3: the name 'Air' differs from 'air' (line 2) only in capital "
                "letters, invisible characters or the encoding of accents. Make the names "
                "differ, or remove one row.",
                "weather/labels.csv:4: the name is empty (expected text). Write a name.",
            ],
        ),
        (
            (HEADER, "a,air,,,", b"b,caf\xe9,,,"),
            [
                "weather/labels.csv:3: the file is not UTF-8 (it contains the invalid byte 0xe9). "
                'In the spreadsheet, save it as "CSV UTF-8" '
                "(in Numbers: File, Export To, CSV)."
            ],
        ),
        (
            (HEADER, "cloud,cloud,,,", "b,bee,,c,", "c,cee,,b,"),
            [
                "weather/labels.csv:3: the parents form a circle (b › c › b). Leave the "
                "cell `parent` empty in one of these rows, so that the chain ends at the root.",
                "weather/labels.csv:4: the parents form a circle (c › b › c). Leave the "
                "cell `parent` empty in one of these rows, so that the chain ends at the root.",
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
                "weather/labels.csv:2: the name contains a direction-changing character (U+202E). "
                "Remove it.",
                "weather/labels.csv:3: the name contains a control character (U+0007). Remove it.",
            ],
        ),
        (
            (HEADER, f"a,{'a' * 121},,,", f"b,bee,{'b' * 401},,"),
            [
                "weather/labels.csv:2: the name has 121 characters (expected at most 120). "
                "Shorten it.",
                "weather/labels.csv:3: the definition has 401 characters (expected at most 400). "
                "Shorten it.",
            ],
        ),
        (
            (HEADER, "a,air,thin, cold, clear,,", 'b,"bee,,,'),
            [
                "weather/labels.csv:2: the row has 7 cells (expected 5). "
                "Put quotes around any text that contains the separator.",
                "weather/labels.csv:3: the row that starts here cannot be read "
                "(unexpected end of data). Close each quote, and write a quote inside quotes "
                'twice: "".',
            ],
        ),
        (
            (HEADER, "a,air,,,age"),
            [
                "weather/labels.csv: no label is visible (1 row: 1 hidden, 0 background; "
                "expected at least one label). To show a label, clear the cells hidden_because and "
                "is_background in its row."
            ],
        ),
        (
            (HEADER,),
            [
                "weather/labels.csv: the file has no labels (expected a row per label below the "
                "header). Add a row."
            ],
        ),
        (
            (HEADER, "somebody,air,,,"),
            [
                "weather/labels.csv:2: the id 'somebody' is already the id of the root in "
                "labelset.yaml. Remove the row."
            ],
        ),
    ],
)
def test_every_mistake_in_labels_csv_is_named(
    tmp_path: Path, rows: tuple[str | bytes, ...], expected: list[str]
) -> None:
    """Each mistake has its file, its line and its remedy, and all are reported at once."""
    write_label_set(tmp_path, *rows)
    assert mistakes(tmp_path) == expected


@pytest.mark.parametrize("parent", ["id{next}", "id{number}"], ids=["deep", "own"])
def test_twice_the_wrong_parents_take_twice_the_calls(tmp_path: Path, parent: str) -> None:
    """The time to check rows with wrong parents grows with their number, not faster."""
    calls = []
    for count in (1000, 2000):
        rows = [
            f"id{n},name {n},,{parent.format(next=(n + 1) % count, number=n)},"
            for n in range(count)
        ]
        write_label_set(tmp_path, HEADER, *rows)
        calls.append(count_calls(lambda: mistakes(tmp_path)))
    assert len(mistakes(tmp_path)) == MAX_MISTAKES + 1
    assert calls[1] < 2.5 * calls[0]


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    """Fifty categories above a label are allowed; fifty-one are a mistake."""
    rows = [f"id{n},name {n},,id{n + 1}," for n in range(DEEPEST_CHAIN + 1)]
    write_label_set(tmp_path, HEADER, *rows, f"id{len(rows)},top,,,")
    (mistake,) = mistakes(tmp_path)
    assert "labels.csv:2: the row has more than 50 categories above it" in mistake


def test_messages_quote_printable_characters_only(tmp_path: Path) -> None:
    """A message quotes only the printable characters of a file."""
    write_label_set(tmp_path, "id,name,\x1bdefinition,parent,hidden_because", "a,air,,,")
    strange = YAML.replace(
        "person}", 'person, translations: {"\\e[2J": {name: "", definition: x}}}'
    )
    (tmp_path / "weather" / "labelset.yaml").write_text(strange)
    assert len(messages := mistakes(tmp_path)) == 2
    assert "\x1b" not in "".join(messages)


@pytest.mark.parametrize(
    ("method", "encoder", "only"),
    [("text", "clip", "efficientnet_lite0"), ("prompts", "efficientnet_lite0", "clip")],
)
def test_a_method_with_one_network_takes_no_other(
    tmp_path: Path, method: str, encoder: str, only: str
) -> None:
    """A method whose builds fit one network refuses any other.

    It is found when the set is checked, not when the show starts.
    """
    write_label_set(tmp_path, yaml=f"{YAML.replace('text', method)}encoder: {encoder}\n")
    (mistake,) = mistakes(tmp_path)
    assert (
        f"labelset.yaml:5: encoder is '{encoder}', but the method {method} works with {only} only"
        in mistake
    )


@pytest.mark.parametrize("bad", ["../up", "a/b", "a\\b", ".hidden"])
def test_an_id_is_a_plain_name(tmp_path: Path, bad: str) -> None:
    """An id is a plain name, because the folder of its pictures has the same name."""
    write_label_set(tmp_path, HEADER, f"{bad},air,,,")
    (mistake,) = mistakes(tmp_path)
    assert "cannot be the name of a folder of pictures" in mistake


@pytest.mark.parametrize(
    ("bad", "right"),
    [("b:c", "b-c"), ("who?", "who-"), ("CON", "CON_"), ("nul.txt", "nul_.txt"), ("a.", "a")],
)
def test_an_id_can_be_a_folder_on_windows(tmp_path: Path, bad: str, right: str) -> None:
    """An id that Windows cannot use as a folder is refused, with an id that it can use."""
    write_label_set(tmp_path, HEADER, f"{bad},air,,,")
    (mistake,) = mistakes(tmp_path)
    assert "cannot be the name of a folder on Windows." in mistake
    assert mistake.endswith(f" Change the id to {right}.")
    write_label_set(tmp_path, HEADER, f",{bad},,,")
    assert [label.id for label in load_weather(tmp_path).labels] == [right]


@pytest.mark.parametrize("bad", "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")
def test_a_control_character_is_not_a_blank(tmp_path: Path, bad: str) -> None:
    """Control characters that Python counts as white space are refused and named by number."""
    write_label_set(tmp_path, HEADER, f"a,ai{bad}r,,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith(
        f"weather/labels.csv:2: the name contains a control character (U+{ord(bad):04X})"
    )


CLASSES = YAML.replace("text", "classes")


def test_a_row_that_is_not_a_class_is_a_mistake(tmp_path: Path) -> None:
    """With the method `classes` an id that the network does not have is a mistake."""
    write_label_set(tmp_path, HEADER, "n01443537,,,,", "n09818029,a slip,,,", yaml=CLASSES)
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith(
        "weather/labels.csv:3: the id 'n09818029' is not an output of the network"
    )


def test_one_output_has_one_row(tmp_path: Path) -> None:
    """A class listed by its number and again by its WordNet id is a mistake."""
    write_label_set(tmp_path, HEADER, "0,a fish,,,", "n01440764,another fish,,,", yaml=CLASSES)
    (mistake,) = mistakes(tmp_path)
    assert mistake == (
        "weather/labels.csv:3: the id 'n01440764' means the same output of the network as '0' "
        "(first on line 2). Give each row a unique id."
    )
