from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.errors import LabelSetError
from installation.making.new_set import check_free, check_plain, create_set, next_steps
from installation.naming.label_set import csv_file
from installation.naming.label_set.load import read_source
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.methods import TEXT
from installation.settings.paths import MODELS, label_set_names
from tests.support.full_disk import full_disk
from tests.support.made_networks import write_set

CSV = "id,name,definition,parent,hidden_because"


def test_a_new_set_has_no_mistake_and_explains_each_column(tmp_path: Path) -> None:
    """A new set can be loaded, and labelset.yaml explains every column that labels.csv may have."""
    folder = create_set("mine", None, tmp_path)
    source = read_source("mine", tmp_path)
    assert source.settings.method is TEXT
    assert len(source.rows) == 3
    text = (folder / "labelset.yaml").read_text()
    columns = (*csv_file.MAIN_COLUMNS, *csv_file.OPTIONAL_COLUMNS, "name_es")
    for column in columns:
        assert f"#   {column}" in text


@pytest.mark.parametrize(
    ("method", "temperature", "min_score"),
    [("text", 0.1, 0.06), ("prompts", 1, 0.1), ("examples", 1, 0.1), ("onnx", 1, 0.1)],
)
def test_another_method_has_its_own_temperature_and_min_score(
    tmp_path: Path, method: str, temperature: float, min_score: float
) -> None:
    """A new set with another method has that method's temperature and min_score."""
    create_set("kind", "kindnesses", _shipped(tmp_path))
    assert read_source("kind", tmp_path).settings.temperature == 0.1
    file = create_set("mine", None, tmp_path) / "labelset.yaml"
    (file.parent / "labels.csv").write_text(f"{CSV}\n0,air,,,\n")
    file.write_text(file.read_text().replace("method: text", f"method: {method}"))
    settings = read_source("mine", tmp_path).settings
    assert (settings.temperature, settings.min_score) == (temperature, min_score)


EXTRAS = {
    "credit_translations": "text",
    "temperature": "text",
    "min_score": "text",
    "templates": "prompts",
    "lists": "text",
    "examples": "examples",
    "encoder": "examples",
    "output": "onnx",
    "input": "onnx",
}


def test_every_optional_setting_is_explained_in_a_new_set(tmp_path: Path) -> None:
    """Each commented line of a new labelset.yaml is valid after its # is deleted."""
    file = create_set("mine", None, tmp_path) / "labelset.yaml"
    (file.parent / "labels.csv").write_text(f"{CSV}\n0,air,,,\n")
    text = file.read_text()
    assert set(LabelSetSettings.model_fields) == {
        *("title", "credit", "root", "crop", "method"),
        *EXTRAS,
    }
    for key, method in EXTRAS.items():
        assert f"\n# {key}: " in text, key
        uncommented = text.replace(f"\n# {key}: ", f"\n{key}: ")
        file.write_text(uncommented.replace("method: text", f"method: {method}"))
        assert key in read_source("mine", tmp_path).settings.model_fields_set
    file.write_text(text.replace("\n  # translations: ", "\n  translations: "))
    assert read_source("mine", tmp_path).settings.root.translations["de"].name == "jemand"


def test_a_copy_of_a_network_says_which_files_to_bring(tmp_path: Path) -> None:
    """A network is not copied with a set; the next steps name its files."""
    folder = write_set(tmp_path, "model", "method: onnx", CSV, "0,air,,,")
    (folder / "classifier.onnx").touch()
    create_set("mine", "model", tmp_path)
    steps = list(next_steps("mine", "model", tmp_path))
    assert any("Copy classifier.onnx from" in step and "model to" in step for step in steps)
    assert not any("build" in step for step in steps), "there is nothing to build"
    assert steps[-1] == "kiosk run --labels mine"


def _shipped(models: Path) -> Path:
    """Return `models` with the shipped sets in it."""
    for name in label_set_names():
        (models / name).symlink_to(MODELS / name)
    return models


@pytest.mark.parametrize("model", label_set_names())
def test_a_copy_has_the_words_of_its_original(tmp_path: Path, model: str) -> None:
    """Labels, reasons, translations, the root and the method are copied from the original."""
    create_set("mine", model, _shipped(tmp_path))
    ours, theirs = read_source("mine", tmp_path), read_source(model, tmp_path)
    kept = {"title": theirs.settings.title, "encoder": theirs.settings.encoder}
    assert ours.settings.model_copy(update=kept) == theirs.settings
    for mine, other in zip(ours.rows, theirs.rows, strict=True):
        assert (mine.id, mine.name, mine.definition) == (other.id, other.name, other.definition)
        assert (mine.parent, mine.hidden_because) == (other.parent, other.hidden_because)
        assert mine.wordings == other.wordings


def test_a_copy_has_the_settings_of_its_original(tmp_path: Path) -> None:
    """Settings of a single method are copied as they were given."""
    settings = "method: onnx\noutput: scores\ninput: {size: 224, mean: [0.4, 0.5, 0.6]}"
    write_set(tmp_path, "model", settings, CSV, "0,air,,,")
    create_set("mine", "model", tmp_path)
    ours, theirs = (read_source(name, tmp_path).settings for name in ("mine", "model"))
    assert (ours.input, ours.output) == (theirs.input, theirs.output)
    assert ours.input is not None
    assert ours.input.model_fields_set == {"size", "mean"}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a b", "-a", "weights", "x" * 61, "é", "CON", "lpt1"]
)
def test_a_name_that_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    """A name that cannot be a folder's on some system is refused."""
    with pytest.raises(LabelSetError, match="cannot be the name of a set"):
        create_set(name, None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A set that exists is not changed, also if only upper and lower case differ."""
    create_set("mine", None, tmp_path)
    (tmp_path / "mine" / "labels.csv").write_text("precious")
    for name in ("mine", "Mine"):
        with pytest.raises(LabelSetError, match="this set already exists"):
            create_set(name, None, tmp_path)
    assert (tmp_path / "mine" / "labels.csv").read_text() == "precious"


@pytest.mark.parametrize("free", [0, 500])
def test_a_set_without_room_is_not_created(tmp_path: Path, free: int) -> None:
    """A full disk is an error, and no part of a set is left."""
    with full_disk(free), pytest.raises(LabelSetError, match="mine: it cannot be written"):
        create_set("mine", None, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LabelSetError, match="mine: it cannot be written"):
        create_set("mine", None, tmp_path / "nowhere")


@given(name=st.text(max_size=70))
def test_every_name_is_in_models_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """No name of a set results in a folder outside models/."""
    models = tmp_path_factory.getbasetemp() / "empty"
    models.mkdir(exist_ok=True)
    try:
        check_plain(name, "here")
        check_free(name, models, "Choose another name.")
    except LabelSetError:
        return
    assert (models / name).parent == models
    assert (models / name).name == name
