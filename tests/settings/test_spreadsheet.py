from __future__ import annotations

import pytest

from installation.errors import LabelSetError
from installation.settings.spreadsheet import (
    MOST_BLANK_ROWS,
    Record,
    collapse_whitespace,
    read_records,
)
from tests.support.call_count import count_calls


def records(text: str) -> list[Record]:
    """Return the rows of `text`."""
    return list(read_records(text, "labels.csv", LabelSetError))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(separator: str) -> None:
    """The separator is the possible one that occurs most often in the header."""
    text = f"id{separator}name{separator}notes\na{separator}air{separator}clear\n"
    assert [record.cells for record in records(text)] == [
        ["id", "name", "notes"],
        ["a", "air", "clear"],
    ]


def test_the_line_sep_states_the_separator_and_is_not_a_row() -> None:
    """Excel's line `sep=|` is skipped, and a spreadsheet counts the header as row 1."""
    assert records("sep=|\nid|name\n") == [Record(2, 1, ["id", "name"])]
    assert records("sep=|\nid|name\n")[0].location == "2 (row 1)"


@pytest.mark.parametrize("row", ["\n", "\r\n", ",,\n", " , \r"])
def test_blank_rows_at_the_end_are_not_read(row: str) -> None:
    """A spreadsheet may save a million of them; the last row keeps its empty cells."""
    text = f"id,name,notes\na,air,{row[-1]}{row * 100_000}"
    assert records(text)[-1].cells == ["a", "air", ""]
    assert count_calls(lambda: records(text)) < 200


def test_too_many_blank_rows_are_a_mistake() -> None:
    """Reading ends at the limit, and the message has the row."""
    text = "id\n" + "\n" * (MOST_BLANK_ROWS + 50_000) + "a\n"
    with pytest.raises(LabelSetError, match=r"labels.csv:100002: .* 100,000 blank rows") as raised:
        records(text)
    assert "Delete the blank rows." in str(raised.value)


def test_blank_rows_are_skipped_and_counted() -> None:
    """A row without any text is skipped; line and number of the other rows do not change."""
    assert records('id,name\n,,\n\n"a\nb",c\nd,e\n') == [
        Record(1, 1, ["id", "name"]),
        Record(4, 4, ["a b", "c"]),
        Record(6, 5, ["d", "e"]),
    ]


def test_a_quote_that_is_not_closed_is_named_with_its_line() -> None:
    """A row that cannot be read raises the caller's error, with the row's place."""
    with pytest.raises(LabelSetError, match=r"labels\.csv:2: the row that starts here cannot be"):
        records('id,name\na,"air\n')


def test_control_characters_are_not_white_space() -> None:
    """Control characters stay in the text, so that the label set can refuse them."""
    assert collapse_whitespace("  a \n\t b\x0b ") == "a b\x0b"
