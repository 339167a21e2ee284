"""Tests of spreadsheets as programs and people write them: only names are needed.

Separators, encodings, missing and misspelt columns, missing ids and parents, headers that are
absent or come again, cells that another program has damaged.
"""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.errors import LabelSetError
from installation.naming.label_set import csv_file
from installation.naming.label_set.checks import OVERRIDES
from installation.naming.label_set.unicode_text import is_visible
from installation.settings.damaged_text import find_damage
from tests.support.label_sets import HEADER, load_weather, mistakes, write_label_set

CELL = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=OVERRIDES),
    min_size=1,
    max_size=20,
).filter(lambda text: is_visible(text) and not find_damage(text))


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
    """Names are the same with commas or semicolons, any line ending, a BOM or quotes or none."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(csv_file.MAIN_COLUMNS)
    for number, name in enumerate(names):
        writer.writerow([f"id{number}", name, "words, and; more", "", ""])
        for _ in range(blanks):
            writer.writerow([""] * 5)
    models = tmp_path_factory.mktemp("models")
    folder = write_label_set(models)
    (folder / "labels.csv").write_bytes(text.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    assert [label.name for label in load_weather(models).labels] == names


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_file_gives_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Any bytes in labels.csv are either read or refused with a message."""
    models = tmp_path_factory.mktemp("models")
    folder = write_label_set(models)
    header = f"{HEADER}\n".encode()
    for text in (content, header + content):
        (folder / "labels.csv").write_bytes(text)
        with suppress(LabelSetError):
            assert load_weather(models).labels


def test_empty_names_and_definitions_come_from_imagenet(tmp_path: Path) -> None:
    """An empty name or definition is ImageNet's, by the row's WordNet id."""
    write_label_set(tmp_path, HEADER, "n09818022,,,,", "n10243137,horn player,,,")
    astronaut, hornist = load_weather(tmp_path).labels
    assert astronaut.name == "astronaut"
    assert astronaut.definition == "a person trained to travel in a spacecraft"
    assert (hornist.name, hornist.definition != "") == ("horn player", True)


def test_a_missing_spreadsheet_is_named(tmp_path: Path) -> None:
    """A folder without labels.csv is one mistake."""
    (write_label_set(tmp_path) / "labels.csv").unlink()
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv: this file does not exist.")


def test_a_misspelt_translation_is_named(tmp_path: Path) -> None:
    """A misspelt column of a translation is a mistake, while a column of notes is ignored."""
    write_label_set(tmp_path, f"{HEADER},nmae_de,notes,my_note", "a,air,,,,Luft,x,y")
    (mistake,) = mistakes(tmp_path)
    assert mistake.endswith("the column 'nmae_de' is not a known column. Did you mean 'name_de'?")


def test_tabs_are_a_separator_too(tmp_path: Path) -> None:
    """Columns may be separated by tabs."""
    write_label_set(tmp_path, HEADER.replace(",", "\t"), "a\tair, clear\t\t\t")
    assert [label.name for label in load_weather(tmp_path).labels] == ["air, clear"]


def test_a_workbook_is_recognised(tmp_path: Path) -> None:
    """The message about an .xlsx file called labels.csv says how to save it as CSV."""
    write_label_set(tmp_path, b"PK\x03\x04\x00\x00\x00")
    (mistake,) = mistakes(tmp_path)
    assert "a workbook, a word processor's file, or another ZIP archive (expected plain" in mistake


@pytest.mark.parametrize("bom", ["utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_text_is_read(tmp_path: Path, bom: str) -> None:
    """UTF-16 with its byte-order mark, which Excel calls Unicode text, is read."""
    start = "" if bom == "utf-16" else "\ufeff"
    header = HEADER.replace(",", "\t")
    write_label_set(tmp_path, f"{start}{header}\na\tKünstler\t\t\t".encode(bom))
    assert [label.name for label in load_weather(tmp_path).labels] == ["Künstler"]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\nSEP=;", "sep=;;;;"])
def test_excels_first_line_tells_the_separator(tmp_path: Path, first: str) -> None:
    """The line `sep=;` is not the header, and rows are numbered as in Excel, which hides it."""
    write_label_set(tmp_path, first, HEADER.replace(",", ";"), "a;air, cold, clear, thin;;;")
    assert [label.name for label in load_weather(tmp_path).labels] == ["air, cold, clear, thin"]
    write_label_set(tmp_path, "sep=;", HEADER.replace(",", ";"), "a;air;;;insalt")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv:3 (row 2): hidden_because is 'insalt'")


def test_a_row_is_named_as_the_spreadsheet_numbers_it(tmp_path: Path) -> None:
    """After a cell of several lines, messages name the spreadsheet's row and the file's line."""
    rows = ('a,air,"thin,\nclear,\ncold",,', "", "a,Air,,,insalt", "b,bee,,,,,")
    write_label_set(tmp_path, HEADER, *rows)
    assert [message.partition(" has")[0] for message in mistakes(tmp_path)] == [
        "weather/labels.csv:7 (row 5): the row"
    ]
    write_label_set(tmp_path, HEADER, *rows[:3], 'b,bee,"')
    assert "labels.csv:7 (row 5): the row that starts here cannot be read" in mistakes(tmp_path)[0]
    write_label_set(tmp_path, HEADER, "", 'b,"two\nlines",,,', *rows[:3])
    assert [message.partition(". ")[0] for message in mistakes(tmp_path)] == [
        "weather/labels.csv:9 (row 6): the id 'a' occurs twice (first on line 5 (row 4))",
        "weather/labels.csv:9 (row 6): the name 'Air' differs from 'air' (line 5 (row 4)) only in "
        "capital letters, invisible characters or the encoding of accents",
        "weather/labels.csv:9 (row 6): hidden_because is 'insalt' (expected a known reason)",
    ]


@pytest.mark.parametrize("column", ["definition?", "definition's", "definitio{n}"])
def test_the_remedy_for_a_misspelt_column_quotes_it_as_it_is(tmp_path: Path, column: str) -> None:
    """A remedy quotes a column's name unchanged, whatever characters it has."""
    write_label_set(tmp_path, f"id,name,{column},parent,hidden_because", "a,air,,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.endswith(f" Rename '{column}' to 'definition'.")


@pytest.mark.parametrize(
    ("column", "remedy"),
    [
        ("name-de", "Did you mean 'name_de'?"),
        ("name_pt-BR", "Did you mean 'name_pt'?"),
        ("definition de", "Did you mean 'definition_de'?"),
        ("Name (es)", "Did you mean 'name_es'?"),
        ("name_spanish", "Write the language as a code of two or three letters, such as name_de."),
    ],
)
def test_a_column_that_is_nearly_a_language_is_named(
    tmp_path: Path, column: str, remedy: str
) -> None:
    """A column that is nearly a translation's is a mistake that names the right spelling."""
    write_label_set(tmp_path, f"{HEADER},{column},nameless,source", "a,air,,,,Luft,x,y")
    message = f"weather/labels.csv:1: the column '{column.lower()}' is not a known column. {remedy}"
    assert mistakes(tmp_path) == [message]


def test_too_many_rows_or_columns_are_a_mistake(tmp_path: Path) -> None:
    """Too many rows or columns are one mistake, whatever they contain."""
    write_label_set(
        tmp_path, HEADER, *(f"id{n},name {n},,," for n in range(csv_file.MOST_ROWS + 1))
    )
    (mistake,) = mistakes(tmp_path)
    assert "labels.csv:25002: the file has more than 25,000 rows" in mistake
    write_label_set(tmp_path, f"{HEADER}{',note' * csv_file.MOST_COLUMNS}", "a,air,,,")
    (mistake,) = mistakes(tmp_path)
    assert "labels.csv:1: the file has 405 columns" in mistake


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (("name", "baker", "cook"), [("baker", "baker"), ("cook", "cook")]),
        (
            ("name,definition", "baker,bakes", "cook/chef,cooks"),
            [("baker", "baker"), ("cook-chef", "cook/chef")],
        ),
        (("Name;Definition", "Bäcker;backt, früh"), [("Bäcker", "Bäcker")]),
        (("name\tparent", "maker\t", "baker\tmaker"), [("maker", "maker"), ("baker", "baker")]),
        (("id,name", ",baker", "c,cook"), [("baker", "baker"), ("c", "cook")]),
        (("id", "n09818022"), [("n09818022", "astronaut")]),
        (("definition,name,notes", "bakes,baker,mine"), [("baker", "baker")]),
        (("name,name_de", "baker,Bäcker"), [("baker", "baker")]),
        (("name,,", "baker,,", ",,"), [("baker", "baker")]),
        (('"name"', '"baker"', '""'), [("baker", "baker")]),
    ],
)
def test_names_alone_are_a_label_set(
    tmp_path: Path, rows: tuple[str, ...], labels: list[tuple[str, str]]
) -> None:
    """A file with only the column of names is a label set."""
    write_label_set(tmp_path, *rows)
    assert [(label.id, label.name) for label in load_weather(tmp_path).labels] == labels


def test_a_parent_may_be_a_name(tmp_path: Path) -> None:
    """In a file without ids a parent is the name of another row."""
    write_label_set(tmp_path, "name,parent", "maker,", "baker,maker")
    assert load_weather(tmp_path).labels[1].chain == ("somebody", "maker")


NO_HEADER = "expected names such as id and name)"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ("baker,bakes bread", "cook,cooks soup", "painter,paints"),
            f"this row does not name any known column (seen: baker, bakes bread; {NO_HEADER}. "
            "Above this row, insert a row with the column names: name, definition.",
        ),
        (
            ("baker", "cook"),
            f"this row does not name any known column (seen: baker; {NO_HEADER}. "
            "Above this row, insert a row with the column names: name, definition.",
        ),
        (
            ("Table 1", "name,definition", "baker,bakes"),
            f"this row does not name any known column (seen: Table 1; {NO_HEADER}. "
            "Delete this row: the header is on line 2.",
        ),
        (
            ("My labels,,", "", "id,name,definition", "a,baker,bakes"),
            f"this row does not name any known column (seen: My labels; {NO_HEADER}. "
            "Delete this row: the header is on line 3.",
        ),
        (
            ("label,description", "baker,bakes"),
            f"this row does not name any known column (seen: label, description; {NO_HEADER}. "
            "Rename 'label' to 'name'.",
        ),
        (
            ("Bezeichnung;Beschreibung", "Bäcker;backt"),
            f"this row does not name any known column (seen: Bezeichnung, Beschreibung; "
            f"{NO_HEADER}. Rename 'bezeichnung' to 'name'.",
        ),
        (
            ("nmae", "baker"),
            f"this row does not name any known column (seen: nmae; {NO_HEADER}. "
            "Rename 'nmae' to 'name'.",
        ),
        (
            ("definition,parent", "bakes,"),
            "the column 'name' is missing (seen: definition, parent). "
            "Add the column, with the name of each label in it.",
        ),
        (
            ("name,description", "baker,bakes"),
            "the column 'definition' is missing (seen: name, description). "
            "Rename 'description' to 'definition'.",
        ),
        (
            ("id,name,hidden", "a,baker,"),
            "the column 'hidden_because' is missing (seen: id, name, hidden). "
            "Rename 'hidden' to 'hidden_because'.",
        ),
    ],
)
def test_a_wrong_header_is_one_line(tmp_path: Path, rows: tuple[str, ...], message: str) -> None:
    """If the header is missing, below a title, or in other words, one line says what to do."""
    write_label_set(tmp_path, *rows)
    assert mistakes(tmp_path) == [f"weather/labels.csv:1: {message}"]


def test_a_header_that_comes_again_is_not_a_label(tmp_path: Path) -> None:
    """A header that is repeated, as in joined files, is reported; a label may be called "name"."""
    write_label_set(tmp_path, "name,definition", "baker,bakes", "Name,Definition", "cook,cooks")
    (mistake,) = mistakes(tmp_path)
    assert mistake.endswith(
        "labels.csv:3: this row repeats the header; perhaps two files were joined. Delete the row."
    )
    write_label_set(tmp_path, "name", "baker", "name")
    assert [label.name for label in load_weather(tmp_path).labels] == ["baker", "name"]


def test_a_broken_cell_is_named_with_its_row_and_column(tmp_path: Path) -> None:
    """Broken letters, errors and formulas are refused in names, definitions and translations."""
    write_label_set(tmp_path, "name,definition,name_de", "a,&lt;air,", "b,#REF!,", "c,x,KÃ¼nstler")
    assert mistakes(tmp_path) == [
        "weather/labels.csv:2: the definition has an HTML escape (seen '&lt;air'). "
        "Probably '<air' is meant: type it.",
        "weather/labels.csv:3: the definition is a spreadsheet's error '#REF!'. "
        "Type text into the cell; text that begins with = needs a ' before it.",
        "weather/labels.csv:4: name_de was decoded with a wrong encoding (seen 'KÃ¼nstler'). "
        "Probably 'Künstler' is meant: type it, and save the file as UTF-8.",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "labels.xlsx",
            "This folder has 'labels.xlsx'. In the spreadsheet, save it as \"CSV UTF-8\"",
        ),
        ("labels.numbers", "This folder has 'labels.numbers'. In the spreadsheet, save it as"),
        ("Labels.ods", "This folder has 'Labels.ods'. In the spreadsheet, save it as"),
        ("labels.csv.csv", "Rename 'labels.csv.csv' to 'labels.csv'"),
        ("labels.csv.txt", "Rename 'labels.csv.txt' to 'labels.csv'"),
    ],
)
def test_a_spreadsheet_of_another_kind_is_found(tmp_path: Path, name: str, words: str) -> None:
    """If labels.csv is missing, a workbook or a file with an extra ending is named instead."""
    folder = write_label_set(tmp_path)
    (folder / "labels.csv").rename(folder / name)
    (mistake,) = mistakes(tmp_path)
    assert words in mistake
