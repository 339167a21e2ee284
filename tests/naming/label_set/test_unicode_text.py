from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.label_sets import HEADER, YAML, mistakes, write_label_set


@pytest.mark.parametrize("unseen", ["\u200b", "\u3164", "\xad\xad", "\u2800", "\u0301"])
def test_a_name_is_visible(tmp_path: Path, unseen: str) -> None:
    """A name without a visible character is a mistake, in any language."""
    write_label_set(tmp_path, f"{HEADER},name_de", f"a,{unseen},,,,", f"b,breeze,,,,{unseen}")
    code = f"(U+{ord(unseen[0]):04X}). Write it with letters, or leave it empty."
    assert mistakes(tmp_path) == [
        f"weather/labels.csv:2: the name has no visible character {code}",
        f"weather/labels.csv:3: name_de has no visible character {code}",
    ]
    write_label_set(tmp_path, yaml=YAML.replace("name: somebody", f'name: "{unseen}"'))
    (mistake,) = mistakes(tmp_path)
    assert "labelset.yaml:3: root.name has no visible character" in mistake


@pytest.mark.parametrize("twin", ["ba\xadker", "baker\u200b", "Ba\u2060ker"])
def test_names_that_look_the_same_are_the_same(tmp_path: Path, twin: str) -> None:
    """Two names that differ only in invisible characters are the same."""
    write_label_set(tmp_path, HEADER, "a,baker,,,", f"b,{twin},,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv:3: the name 'Ba" if twin[0] == "B" else "weather")
    assert "differs from 'baker' (line 2) only in capital letters, invisible char" in mistake


def test_an_accent_may_be_a_letter_of_its_own(tmp_path: Path) -> None:
    """A letter with its accent and the same letter followed by the accent are the same."""
    write_label_set(tmp_path, HEADER, "a,caf\xe9,,,", "b,cafe\u0301,,,")
    assert "or the encoding of accents" in mistakes(tmp_path)[0]


@pytest.mark.parametrize("twin", ["cafe\u0301", "CAF\xc9", "caf\xe9\u200b", "ca\xadf\xe9"])
def test_ids_that_are_one_folder_on_some_disks_are_named(tmp_path: Path, twin: str) -> None:
    """Ids that differ only in capitals, in form or in invisible letters share one folder there."""
    write_label_set(tmp_path, HEADER, "caf\xe9,coffee,,,", f"{twin},tea,,,")
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith("weather/labels.csv:3: ")
    assert "Give each row a unique id" in mistake or "invisible" in mistake
