"""Creates a new label set, ready to edit, with a name that every system accepts for a folder."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.making.atomic_write import write_errors
from installation.naming.label_set.csv_file import (
    MAIN_COLUMNS,
    OPTIONAL_COLUMNS,
    WINDOWS_NAME,
    Row,
)
from installation.naming.label_set.folder import (
    CONFIG_FILE,
    LABELS_CSV,
    ONNX_DATA_FILE,
    ONNX_FILE,
    PREPROCESSOR_FILE,
    SETTINGS_FILE,
    TENSORS_FILE,
)
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.load import assemble, read_source
from installation.naming.methods import METHODS
from installation.settings.paths import WEIGHTS

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")

RESERVED_NAMES = (WEIGHTS.name,)
"""The folders in models/ that are not label sets."""

YAML = """\
# A set of categories. `kiosk labels check {name}` lists the mistakes in it.
#
# The labels are in labels.csv, a row for each, for any spreadsheet (save as CSV, UTF-8). Columns:
#   name            shown large on the visitor; one to four words are best
# Optional columns:
#   definition      a sentence, shown below the name; with `method: text` it is also compared with
#                   the pictures. May be empty
#   id              a short name of your own for the row, such as: baker; empty: the name itself
#   parent          the id of the category above this one; empty: the root
#   hidden_because  one of the reasons in kiosk.yaml if the label must be hidden; empty: it is shown
#   looks_like      what a picture of such a person shows: "somebody with flour on their hands";
#                   pictures are compared with it, not with the definition. Several sentences: a | b
#   is_background   yes: the label is read but never shown, so that a picture without a person can
#                   have no name ("an empty room")
#   defined_by      who wrote the definition, if not the author in `credit`; shown after it
#   name_es, definition_es, name_de, …    translations, for `language` in kiosk.yaml

title: {title}
# At the foot of the visitors' screen, so keep it short: "Names: ImageNet, 2009 (WordNet)."
credit: {credit}

# What a visitor is called if no label fits well enough. Every chain of categories begins with it.
root:
  id: {root_id}
  name: {root_name}
  definition: {root_definition}
{translations}
# Which part of the picture is read: bust (head and shoulders), bust+half (half the body as well, in
# twice the time), face, or frame (all of it).
crop: {crop}

# How the labels are read:
{methods}
method: {method}
{more}
# Further settings. Delete the # in front of a line and write your own value; without them, the
# method's own values are used.
#
# credit_translations: {{de: "für diese Sammlung geschrieben"}}   # the credit in other languages
# temperature: 0.5   # above 0; a lower value makes the best score higher
# min_score: 0.1   # 0 to 1: if no label has this score, the visitor gets the root's name
# lists: true   # for text: use the kiosk's lists of labels for objects, for sets like persons
# templates: ["a photo of a {{}}", "a {{}} in a museum"]   # for prompts: {{}} is the name
# examples: photographs   # for examples: another folder of pictures
#   Pictures for examples are cut around the face in them, as visitors are (see crop). If you have
#   cropped them already, or if they show no faces, write "as they are" instead of a folder.
# encoder: resnet50.a1_in1k   # for examples and classes, after `kiosk fetch timm/resnet50.a1_in1k`
# output: scores   # for onnx: the network's outputs sum to 1, as Teachable Machine's do
#   For onnx, how the network's pictures were prepared: their side, px, the mean of red, green and
#   blue (0 to 1), which is subtracted, and the std by which they are then divided. These are
#   Teachable Machine's values, which are assumed without this line:
# input: {{size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}}
#   Add `channels: bgr` if the network needs blue first, as Custom Vision's networks do.
"""

ROOT_TRANSLATIONS = """\
  # translations: {de: {name: "jemand", definition: "ein Mensch"}}   # the root in other languages
"""
"""The commented line for the root's translations, in a set without translations."""

ROWS = (
    Row(0, "maker", "maker", "somebody after whom there is something that was not there before"),
    Row(
        0,
        "baker",
        "baker",
        "somebody who gets up at night so that others have bread in the morning",
        "maker",
    ),
    Row(0, "listener", "listener", "somebody who lets a sentence end before beginning another"),
)
"""The labels of a new set that is not a copy."""

TEXT_SETTINGS = {
    "credit": "Who wrote these labels, and when",
    "root_id": "somebody",
    "root_name": "somebody",
    "root_definition": "a person, and that is plenty",
    "crop": "bust",
    "method": "text",
}
"""The text settings of a new set that is not a copy. The root is that of the set kindnesses."""

COPIED_SETTINGS = {
    "credit_translations",
    "encoder",
    "temperature",
    "min_score",
    "templates",
    "lists",
    "examples",
    "input",
    "output",
}
"""The optional settings that a copy of a set takes over from the original."""

NETWORK_FILES = (ONNX_FILE, ONNX_DATA_FILE, TENSORS_FILE, CONFIG_FILE, PREPROCESSOR_FILE)
"""The files of a set's own network."""

_QUOTED = ("title", "credit", "root_id", "root_name", "root_definition")
"""The values in the template that are free text, and are therefore written in quotes."""


def create_set(name: str, original: str | None, models: Path) -> Path:
    """Create a label set and return its folder; with `original`, a copy of that set's labels.

    Raises LabelSetError if the name is not valid or is taken, if `original` does not exist, or if
    writing fails; `models` is then unchanged.
    """
    check_plain(name, "kiosk labels new")
    values: dict[str, object] = {
        **TEXT_SETTINGS,
        "name": name,
        "title": name,
        "methods": "\n".join(f"#   {one.name:<10} {one.summary}" for one in METHODS.values()),
        "more": "",
        "translations": ROOT_TRANSLATIONS,
    }
    rows: tuple[Row, ...] = ROWS
    if original is not None:
        source = read_source(original, models, where="--from")
        rows, settings, root = source.rows, source.settings, source.settings.root
        values |= {"title": f"{settings.title} (a copy)", "credit": settings.credit}
        values |= {"crop": settings.crop, "method": settings.method}
        values |= {"root_id": root.id, "root_name": root.name, "root_definition": root.definition}
        copied = settings.model_dump(mode="json", include=COPIED_SETTINGS, exclude_unset=True)
        if copied:
            values["more"] = yaml.safe_dump(copied, allow_unicode=True, sort_keys=False)
        if root.translations:
            translations = root.model_dump(include={"translations"})
            text = yaml.safe_dump(translations, allow_unicode=True, sort_keys=False)
            values["translations"] = textwrap.indent(text, "  ")
    values |= {key: _quoted(values[key]) for key in _QUOTED}
    folder = models / name
    with write_errors(folder):
        check_free(name, models, "Choose another name.")
        with TemporaryDirectory(prefix=".new-", dir=models) as staging:
            staged = Path(staging) / name
            staged.mkdir()
            (staged / SETTINGS_FILE).write_text(YAML.format(**values), encoding="utf-8")
            # A spreadsheet reads a file as UTF-8 if it begins with a BOM.
            (staged / LABELS_CSV).write_text(_csv(rows), encoding="utf-8-sig", newline="")
            staged.rename(folder)
    return folder


def check_plain(name: str, where: str) -> None:
    """Raise LabelSetError if `name` cannot be a set's name; the message begins with `where`."""
    taken = name.casefold() in RESERVED_NAMES or WINDOWS_NAME.match(name)
    if not PLAIN_NAME.fullmatch(name) or taken:
        problem = f"'{ellipsize(name)}' cannot be the name of a set"
        reserved = ", ".join(RESERVED_NAMES)
        expected = f"at most 60 of the characters A–Z, a–z, 0–9, '-' and '_'; not {reserved}"
        if WINDOWS_NAME.match(name):
            expected = "another name, because Windows reserves this one for a device"
        raise LabelSetError(
            Mistake(where, f"{problem} (expected {expected})", "Choose another name.")
        )


def check_free(name: str, models: Path, remedy: str) -> None:
    """Raise LabelSetError with `remedy` if `models` has a set called `name`, ignoring case."""
    taken = {entry.name.casefold(): entry.name for entry in models.iterdir()}
    if existing := taken.get(name.casefold()):
        problem = "this set already exists; it was not changed"
        raise LabelSetError(Mistake(display_path(models / existing), problem, remedy))


def next_steps(name: str, original: str | None, models: Path) -> Iterator[str]:
    """Yield the steps by which an artist completes and shows a new set."""
    source = read_source(name, models)
    folder, method = source.folder, source.settings.method
    yield (
        f"Open {display_path(folder / LABELS_CSV)} in a spreadsheet, write a row for each label, "
        f"and save it as CSV. {SETTINGS_FILE} explains the columns."
    )
    yield f"Give the set a title in {display_path(folder / SETTINGS_FILE)}."
    if method.learns_from_pictures:
        pictures = display_path(folder / source.settings.examples_folder)
        yield f"Put five pictures or more of each label into {pictures}/ID; ID is the label's id."
    if method.brings_network:
        source_folder = None if original is None else models / original
        found = [
            file for file in NETWORK_FILES if source_folder and (source_folder / file).exists()
        ]
        files = " and ".join(found) or ONNX_FILE
        origin = f" from {display_path(source_folder)}" if source_folder and found else ""
        yield f"Copy {files}{origin} to {display_path(folder)}; this command has not done so."
    if assemble(source, EVERYTHING).is_built:
        yield f"kiosk labels build {name}"
    yield f"kiosk run --labels {name}"


def _quoted(text: object) -> str:
    """Return `text` in YAML quotes, so that colons and similar characters stay text."""
    inside = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def _csv(rows: tuple[Row, ...]) -> str:
    """Return the text of labels.csv for `rows`, with all columns that any of them uses."""
    languages = sorted({language for row in rows for language in row.wordings})
    optional = [column for column in OPTIONAL_COLUMNS if any(getattr(row, column) for row in rows)]
    translated = [f"{kind}_{code}" for code in languages for kind in ("name", "definition")]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*MAIN_COLUMNS, *optional, *translated])
    for row in rows:
        cells = [getattr(row, column) for column in (*MAIN_COLUMNS, *optional)]
        for code in languages:
            wording = row.wordings.get(code)
            cells += [wording.name, wording.definition] if wording else ["", ""]
        writer.writerow(cells)
    return text.getvalue()
