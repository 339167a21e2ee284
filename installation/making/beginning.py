"""A new label set, ready to edit."""

from __future__ import annotations

import csv
import io
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from installation.making.replacing import unwritten
from installation.making.set_names import check_free, check_plain
from installation.naming import files, labelset
from installation.naming.spreadsheet import COLUMNS, OPTIONAL, Row

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
#   text       by the meaning of names and definitions; needs nothing else
#   prompts    by sentences about pictures; needs `kiosk fetch clip` once
#   examples   by your own pictures: a folder examples/ID for each id, five pictures or more in each
#   classes    a label is a class of a network, its id the class's WordNet id or number
#   onnx       by a network of your own: classifier.onnx beside this file
method: {method}
{more}
# Lower makes the scores more decided; below min_score (0 to 1) a visitor is only the root.
temperature: {temperature:g}
min_score: {min_score:g}
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
    "temperature": 0.35,
    "min_score": 0.05,
}
"""As the shipped kindnesses have them."""


OF_METHODS = ("encoder", "templates", "examples", "input", "output")
"""Settings that only some methods have; a copy has those that its model says."""


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
        "more": "",
        "translations": "",
    }
    rows: tuple[Row, ...] = ROWS
    if model is not None:
        source = labelset.read(model, models, where="--from")
        rows, of, root = source.rows, source.settings, source.settings.root
        settings |= {"title": f"{of.title} (a copy)", "credit": of.credit, "crop": of.crop}
        settings |= {"root_id": root.id, "root_name": root.name}
        settings |= {"root_definition": root.definition, "method": of.method}
        settings |= {"temperature": of.temperature, "min_score": of.min_score}
        if said := of.model_dump(mode="json", include=set(OF_METHODS), exclude_unset=True):
            settings["more"] = yaml.safe_dump(said, allow_unicode=True, sort_keys=False)
        if root.translations:
            said = root.model_dump(include={"translations"})
            text = yaml.safe_dump(said, allow_unicode=True, sort_keys=False)
            settings["translations"] = textwrap.indent(text, "  ")
    values = {key: _quoted(value) if key in _TEXTS else value for key, value in settings.items()}
    folder = models / name
    try:
        check_free(name, models, "Take another name.")
        with TemporaryDirectory(prefix=".new-", dir=models) as staging:
            staged = Path(staging) / name
            staged.mkdir()
            (staged / files.SETTINGS).write_text(YAML.format(**values), encoding="utf-8")
            # A spreadsheet takes a file for UTF-8 where a BOM says so.
            (staged / files.LABELS).write_text(_csv(rows), encoding="utf-8-sig", newline="")
            staged.rename(folder)
    except OSError as failure:
        raise unwritten(folder, failure) from None
    return folder


_TEXTS = ("title", "credit", "root_id", "root_name", "root_definition")


def _quoted(text: object) -> str:
    """Return `text` as YAML has it in quotes, so that colons and the like stay text."""
    inside = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def _csv(rows: tuple[Row, ...]) -> str:
    """Return the spreadsheet's file of `rows`, with every column that one of them uses."""
    languages = sorted({language for row in rows for language in row.wordings})
    optional = [column for column in OPTIONAL if any(getattr(row, column) for row in rows)]
    translated = [f"{kind}_{code}" for code in languages for kind in ("name", "definition")]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *optional, *translated])
    for row in rows:
        said = [getattr(row, column) for column in (*COLUMNS, *optional)]
        for code in languages:
            wording = row.wordings.get(code)
            said += [wording.name, wording.definition] if wording else ["", ""]
        writer.writerow(said)
    return text.getvalue()
