from __future__ import annotations

import json
from pathlib import Path

import pytest

from installation.naming.label_set.load import load_label_set
from installation.naming.label_set.output_names import read_output_names
from installation.naming.lists.class_lists import MOST_OUTPUTS
from installation.settings.kiosk import ContentSettings
from tests.support.call_count import count_calls
from tests.support.made_networks import load, refusal, write_set, write_unsafe


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("0 Sun\n1 Rain\n", ["Sun", "Rain"]),
        ("Sun\n\n  Rain and snow \n", ["Sun", "Rain and snow"]),
        ("7 dwarfs\nSun\n", ["7 dwarfs", "Sun"]),
        ("0 7 dwarfs\n1 12 monkeys\n", ["7 dwarfs", "12 monkeys"]),
        ("Sun\rRain\r\nba\xadker\nbaker", ["Sun", "Rain", "ba\xadker (2)", "baker (3)"]),
        ("0: Sun\n1, Rain", ["Sun", "Rain"]),
        ("same\nSame\nother", ["same (0)", "Same (1)", "other"]),
        ("n09818022\nSun", ["astronaut", "Sun"]),
    ],
)
def test_names_are_read_from_lines(tmp_path: Path, text: str, names: list[str]) -> None:
    """labels.txt has a name per line, numbered or not; WordNet ids get their names."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(text)
    assert [label.name for label in load(folder).labels] == names
    assert load(folder).rows == tuple(range(len(names)))


IDS = "n09818022\nn10148035\nn02480855"
LINES = "n09818022 astronaut\nn10148035 groom, bridegroom\nn02480855 gorilla, Gorilla gorilla"
WORDS = "astronaut, spaceman, cosmonaut\ngroom, bridegroom\ngorilla, Gorilla gorilla"


@pytest.mark.parametrize("text", [IDS, LINES, WORDS])
@pytest.mark.parametrize("file", ["labels.txt", "config.json"])
def test_what_the_kiosk_hides_is_hidden_whatever_network_says_it(
    tmp_path: Path, file: str, text: str
) -> None:
    """Names that came with a network are hidden for the shipped sets' reasons."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    names = dict(enumerate(text.splitlines()))
    (folder / file).write_text(text if file == "labels.txt" else json.dumps({"id2label": names}))
    label_set = load(folder)
    assert label_set.rows == (0,)
    assert label_set.hidden == {"race": 1, "family": 1}


def test_what_imagenet_judged_unsafe_is_hidden_in_every_network(tmp_path: Path) -> None:
    """ImageNet's list hides an output by its name, in any network."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(f"{IDS}\nn10560637")
    write_unsafe(tmp_path, "n09818022")
    label_set = load(folder)
    assert [label.name for label in label_set.labels] == ["scientist"]
    assert label_set.hidden == {"race": 1, "family": 1, "imagenet": 1}


def test_names_that_came_with_a_network_have_all_their_reasons(tmp_path: Path) -> None:
    """If ImageNet judged a name unsafe, `imagenet` hides it, even if the set's reason does not."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(IDS)
    write_unsafe(tmp_path, "n10148035")
    words = {"hide": ("race", "imagenet"), "acknowledged": "I decided this for a test here."}
    content = ContentSettings.model_validate(words)
    label_set = load_label_set(folder.name, content, tmp_path)
    assert [label.name for label in label_set.labels] == ["astronaut"]
    assert label_set.hidden == {"race": 1, "imagenet": 1}


def test_plain_words_are_the_artists_own(tmp_path: Path) -> None:
    """Single words such as hen and crane are not taken for ImageNet's categories."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text("hen\ncrane\nlover\n")
    assert load(folder).hidden == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "1 Sun\n0 Rain\n",
            "labels.txt:1: the line begins with 1 (expected 0, because outputs are numbered 0",
        ),
        ("1 Sun\n2 Rain\n", "before each name: 0 1 Sun"),
        (
            "0 Sun\n\n2 Rain\n",
            "labels.txt:3: the line begins with 2 (expected 1, because outputs are numbered 0",
        ),
        (
            "0\n" * (MOST_OUTPUTS + 1),
            "labels.txt:100001: the file names more than 100,000 outputs",
        ),
        ("Sun\nRa\x0bin\n", "labels.txt:2: the name contains a control character (U+000B)"),
        ("Sun\n\u3164\n", "labels.txt:2: the name has no visible character"),
    ],
)
def test_lines_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, why: str) -> None:
    """Numbers in the wrong order, and names that cannot be shown, are mistakes."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(text, encoding="utf-8")
    assert why in refusal(folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "config.json:1: the file is not JSON"),
        ("[" * 100_000, "config.json:1: the file is not JSON"),
        ("[]", "the file is not a JSON object"),
        ("{}", "the file does not name any outputs (expected id2label"),
        ('{"id2label": {"0": "Sun", "2": "Rain"}}', "no name for output 1 (2 names found)"),
        ('{"id2label": {"0": 3}}', "no name for output 0 (1 name found)"),
        ('{"id2label":\n{"0": "a",\n"1": "b\\u202ec"}}', "config.json:3: the name contains a dir"),
    ],
)
def test_a_wrong_config_is_named(tmp_path: Path, text: str, why: str) -> None:
    """Every mistake of config.json names its line, if it has one."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    (folder / "config.json").write_text(text)
    (folder / "model.safetensors").write_bytes(b"")
    assert why in refusal(folder)


def test_the_lines_of_all_names_are_found_in_one_reading(tmp_path: Path) -> None:
    """The lines of all names in `id2label` are found in one reading of config.json.

    A search for each name took minutes in a file of 8 MB with 100,000 names.
    """
    file = tmp_path / "config.json"

    def read(count: int) -> list[int]:
        names = "".join(f'\n"{i}": "name {i}",' for i in range(count))
        file.write_text('{"0": "no name",\n"id2label": {' + names[:-1] + '},\n"0": 1}')
        return [row.line for row in read_output_names(file)]

    assert read(300) == list(range(3, 303))
    assert count_calls(lambda: read(300)) < 300 * 60
