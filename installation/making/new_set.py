"""A new label set, ready to edit."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from installation.errors import display_path
from installation.making.atomic_write import write_errors
from installation.making.set_names import check_free, check_plain
from installation.naming.label_set.csv_file import OPTIONAL_COLUMNS, REQUIRED_COLUMNS, Row
from installation.naming.label_set.folder import (
    CONFIG_FILE,
    LABELS_CSV,
    ONNX_FILE,
    PREPROCESSOR_FILE,
    SETTINGS_FILE,
    TENSORS_FILE,
)
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.load import assemble, read_source
from installation.naming.methods import METHODS

YAML = """\
# A set of categories. `kiosk labels check {name}` says what is right and wrong with it.
#
# The labels are in labels.csv, a row each, for any spreadsheet (save as CSV, UTF-8). Its columns:
#   id              a short word of your own for the row, such as: baker
#   name            what is put on the visitor, large: one to four words are best
#   definition      the sentence below it
#   parent          the id of the category above it; empty: it stands under the root
#   hidden_because  why it must not be shown: one of the reasons in kiosk.yaml; empty: it is shown
# These may be left out:
#   looks_like      what a picture of such a person shows: "somebody with flour on their hands";
#                   then the machine matches this, and not the definition. Several sentences: a | b
#   is_background   yes: takes part in the reading and is never shown, so that the machine may say
#                   nothing ("an empty room")
#   name_es, definition_es, name_de, …    the same in other languages, for `language` in kiosk.yaml

title: {title}
credit: {credit}

# What a visitor is called where nothing fits well enough. It heads every chain of categories.
root:
  id: {root_id}
  name: {root_name}
  definition: {root_definition}
{translations}
# What is cut out of the picture and read: bust (head and shoulders), face, or frame (all of it).
crop: {crop}

# How the labels are read:
{methods}
method: {method}
{more}
# What may be said besides. Take the # in front of a line away and write what you want there; where
# nothing is said, the method has what suits it.
#
# temperature: 0.5   # lower makes the scores more decided
# min_score: 0.1   # 0 to 1: below it a visitor is only the root
# templates: ["a photo of a {{}}", "a {{}} in a museum"]   # for prompts: {{}} is the name
# examples: photographs   # for examples: another folder of pictures
# encoder: resnet50.a1_in1k   # for examples and classes, after `kiosk fetch timm/resnet50.a1_in1k`
# output: scores   # for onnx: its answers are shares that sum to 1, as Teachable Machine's do
#   For onnx, the pictures that the network was trained with: their side, px, what is taken from
#   red, green and blue (0 to 1), and what they are then divided by. These are Teachable Machine's,
#   and are assumed where nothing is said:
# input: {{size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}}
"""

ROWS = (
    Row(0, "maker", "maker", "somebody after whom there is something that was not there before"),
    Row(0, "baker", "baker", "somebody who is up before the street is, for its bread", "maker"),
    Row(0, "listener", "listener", "somebody who lets a sentence end before beginning another"),
)
"""What a set begins with that begins with no other."""

TEXT_SETTINGS = {
    "credit": "Who wrote these labels, and when",
    "root_id": "somebody",
    "root_name": "somebody",
    "root_definition": "a person, and that is plenty",
    "crop": "bust",
    "method": "text",
}
"""As the shipped kindnesses have them."""


COPIED = {"encoder", "temperature", "min_score", "templates", "examples", "input", "output"}
"""Settings that a set may go without; a copy has those that its model says."""


NETWORK = (ONNX_FILE, TENSORS_FILE, CONFIG_FILE, PREPROCESSOR_FILE)
"""The files of a set's own network."""


def begin(name: str, model: str | None, models: Path) -> Path:
    """Make the folder of a new set and return it; with `model`, that set's labels are in it.

    Raises LabelSetError where the name cannot be a folder's, is taken, or `model` is none, and
    where nothing can be written; then nothing is left there.
    """
    check_plain(name, "kiosk labels new")
    settings: dict[str, object] = {
        **TEXT_SETTINGS,
        "name": name,
        "title": name,
        "methods": "\n".join(f"#   {one.name:<10} {one.summary}" for one in METHODS.values()),
        "more": "",
        "translations": "",
    }
    rows: tuple[Row, ...] = ROWS
    if model is not None:
        source = read_source(model, models, where="--from")
        rows, of, root = source.rows, source.settings, source.settings.root
        settings |= {"title": f"{of.title} (a copy)", "credit": of.credit, "crop": of.crop}
        settings |= {"root_id": root.id, "root_name": root.name}
        settings |= {"root_definition": root.definition, "method": of.method}
        if said := of.model_dump(mode="json", include=COPIED, exclude_unset=True):
            settings["more"] = yaml.safe_dump(said, allow_unicode=True, sort_keys=False)
        if root.translations:
            said = root.model_dump(include={"translations"})
            text = yaml.safe_dump(said, allow_unicode=True, sort_keys=False)
            settings["translations"] = textwrap.indent(text, "  ")
    values = {key: _quoted(value) if key in _TEXTS else value for key, value in settings.items()}
    folder = models / name
    with write_errors(folder):
        check_free(name, models, "Take another name.")
        with TemporaryDirectory(prefix=".new-", dir=models) as staging:
            staged = Path(staging) / name
            staged.mkdir()
            (staged / SETTINGS_FILE).write_text(YAML.format(**values), encoding="utf-8")
            # A spreadsheet reads a file as UTF-8 if it begins with a BOM.
            (staged / LABELS_CSV).write_text(_csv(rows), encoding="utf-8-sig", newline="")
            staged.rename(folder)
    return folder


def steps(name: str, model: str | None, models: Path) -> Iterator[str]:
    """Yield what is to be done with a set that has begun, step by step, until it hangs."""
    source = read_source(name, models)
    folder, method = source.folder, source.settings.method
    table = display_path(folder / LABELS_CSV)
    yield (
        f"Open {table} in a spreadsheet, a row for each label, and save it as CSV. "
        f"Its columns are explained in {SETTINGS_FILE}."
    )
    yield f"Give it a title in {display_path(folder / SETTINGS_FILE)}."
    if method.learns_from_pictures:
        pictures = display_path(folder / source.settings.examples)
        yield f"Put five pictures or more of each label into {pictures}, a folder for each id."
    if method.brings_network:
        there = [of for of in NETWORK if model is not None and (models / model / of).exists()]
        network = " and ".join(there) or ONNX_FILE
        of = f" from {display_path(models / model)}" if model is not None and there else ""
        yield f"Copy {network}{of} to {display_path(folder)}: a network is not copied by itself."
    if assemble(source, EVERYTHING).is_built:
        yield f"kiosk labels build {name}"
    yield f"kiosk run --labels {name}"


_TEXTS = ("title", "credit", "root_id", "root_name", "root_definition")


def _quoted(text: object) -> str:
    """Return `text` as YAML has it in quotes, so that colons and the like stay text."""
    inside = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def _csv(rows: tuple[Row, ...]) -> str:
    """Return the spreadsheet's file of `rows`, with every column that one of them uses."""
    languages = sorted({language for row in rows for language in row.wordings})
    optional = [column for column in OPTIONAL_COLUMNS if any(getattr(row, column) for row in rows)]
    translated = [f"{kind}_{code}" for code in languages for kind in ("name", "definition")]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*REQUIRED_COLUMNS, *optional, *translated])
    for row in rows:
        said = [getattr(row, column) for column in (*REQUIRED_COLUMNS, *optional)]
        for code in languages:
            wording = row.wordings.get(code)
            said += [wording.name, wording.definition] if wording else ["", ""]
        writer.writerow(said)
    return text.getvalue()
