from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import (
    MAX_CANDIDATES,
    MAX_MISTAKES,
    MAX_QUOTED_LENGTH,
    CameraError,
    KioskError,
    Mistake,
    collect_mistakes,
    counted,
    did_you_mean,
    display_path,
    ellipsize,
    join_first,
    limit_mistakes,
    limited_nearest,
    nearest,
)


def mistake(number: int) -> Mistake:
    """Return a mistake on the line `number`."""
    return Mistake(f"labels.csv:{number}", "the name is empty.", "Write a name.")


def test_an_error_has_a_line_for_each_mistake() -> None:
    """A mistake reads `where: problem. Remedy.`, with one full stop."""
    assert str(KioskError(mistake(1), mistake(2))) == (
        "labels.csv:1: the name is empty. Write a name.\n"
        "labels.csv:2: the name is empty. Write a name."
    )


def test_mistakes_of_several_actions_are_collected() -> None:
    """Every action is called, and errors of other kinds are not caught."""
    calls = []

    def fail() -> None:
        calls.append("fail")
        raise CameraError(mistake(1), mistake(2))

    assert (
        collect_mistakes([fail, lambda: calls.append("pass"), fail]) == [mistake(1), mistake(2)] * 2
    )
    assert calls == ["fail", "pass", "fail"]
    with pytest.raises(ZeroDivisionError):
        collect_mistakes([lambda: 1 / 0])


def test_many_mistakes_are_counted() -> None:
    """Of more than MAX_MISTAKES mistakes the first are listed and the others counted."""
    few = [mistake(i) for i in range(MAX_MISTAKES)]
    assert limit_mistakes(few) == few
    many = [*few, *few]
    assert limit_mistakes(many)[:-1] == few
    assert str(limit_mistakes(many)[-1]) == (
        f"labels.csv: {MAX_MISTAKES} more mistakes, not listed here. Correct the listed mistakes "
        "first."
    )


def test_a_path_in_the_current_folder_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages show a path relative to the current folder if it is inside it."""
    monkeypatch.chdir(tmp_path)
    assert display_path(tmp_path / "a" / "b.yaml") == "a/b.yaml"
    assert display_path(tmp_path.parent) == str(tmp_path.parent)
    monkeypatch.chdir("/")
    assert display_path(tmp_path) == str(tmp_path)


def test_a_quoted_text_is_one_short_line() -> None:
    """Control characters become dots, and a long text is cut."""
    assert ellipsize("a\nb\x1b[2J") == "a·b·[2J"
    assert ellipsize("a" * MAX_QUOTED_LENGTH) == "a" * MAX_QUOTED_LENGTH
    assert ellipsize("a" * 1000) == "a" * MAX_QUOTED_LENGTH + "…"


def test_the_first_names_are_joined_and_the_others_counted() -> None:
    """A list of names ends with the number of those that are left out."""
    assert join_first(["a", "b"]) == "a, b"
    assert join_first(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_one_thing_is_counted_in_the_singular() -> None:
    """A number that a message counts is followed by the singular after 1, otherwise the plural."""
    assert counted(1, "label") == "1 label"
    assert counted(0, "label") == "0 labels"
    assert counted(2000, "label") == "2,000 labels"
    assert counted(1, "process", "processes") == "1 process"
    assert counted(3, "process", "processes") == "3 processes"


def test_the_nearest_name_is_found() -> None:
    """The result for a misspelt word is the most similar name; for other words there is none."""
    assert nearest("VITORIAN", ["persons", "victorian"]) == "victorian"
    assert nearest("zoo", ["persons", "victorian"]) is None
    assert did_you_mean(nearest("fsp", ["fps"])) == "Did you mean 'fps'?"
    assert did_you_mean(None) == ""


def test_short_names_need_a_higher_cutoff() -> None:
    """With a cutoff of 0.7, 'gpu' is not taken for 'cpu'."""
    assert nearest("gpu", ["cpu"]) == "cpu"
    assert nearest("gpu", ["cpu"], cutoff=0.7) is None


def test_the_search_in_a_foreign_file_is_limited() -> None:
    """The search stops after MAX_MISTAKES words, and does not run if there are too many names."""
    search = limited_nearest()
    assert search("ar", [str(i) for i in range(MAX_CANDIDATES + 1)]) is None
    assert [search("ar", ["air"]) for _ in range(MAX_MISTAKES)] == ["air"] * MAX_MISTAKES
    assert search("ar", ["air"]) is None
