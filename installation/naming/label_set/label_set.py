"""Label sets: folders under models/ with the names that can be put on a visitor.

A folder holds `labelset.yaml` (what it is and how it reads), `labels.csv` (a spreadsheet's file, a
row per label; a network may bring its names as `labels.txt` or `config.json` instead) and, where
the method needs one, `built.safetensors`, made from them by `kiosk labels build`. What is hidden is
left out when the set is loaded: a curator who hides a label need not build anything. Who shows more
must, where the labels are a network's own: only what was shown is kept of its head.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from installation.errors import LabelSetError, Mistake
from installation.naming.label_set import csv_file, output_names
from installation.naming.label_set import folder as files
from installation.naming.label_set.csv_file import NO, YES, Row, Wording
from installation.naming.label_set.hiding import WORDNET_ID, unsafe_synsets
from installation.naming.label_set.label import Label
from installation.naming.label_set.unicode_text import is_seen, looks
from installation.naming.lists import class_lists, imagenet
from installation.naming.lists import weights as fetched
from installation.naming.lists.weights import CLIP
from installation.settings.kiosk import (
    MODELS,
    REASONS,
    WEIGHTS,
    ContentSettings,
    Reason,
    Share,
    label_sets,
)
from installation.settings.yaml_file import (
    Loaded,
    Section,
    cut,
    did_you_mean,
    load_yaml,
    shortened,
    shown,
    suggestions,
)

Crop = Literal["bust", "face", "frame"]
Method = Literal["text", "prompts", "examples", "classes", "onnx"]

LITE = "efficientnet_lite0"
"""The default network, which knows ImageNet's 1,000 classes and comes with the kiosk."""

ENCODERS: Mapping[Method, str] = {
    "text": LITE,
    "prompts": CLIP,
    "examples": LITE,
    "classes": LITE,
    "onnx": "",
}
"""What each method looks through where labelset.yaml names no encoder; `onnx` brings its own."""

RECIPES: Mapping[Method, int] = {"text": 1, "prompts": 1}
"""The version of the sentences that the kiosk adds to a set's own words, by method. Raised by hand
with them, so that older builds are stale; a test tells when."""

SURENESS: Mapping[Method, Mapping[str, float]] = {"text": {"temperature": 0.35, "min_score": 0.05}}
"""What sets have that say nothing else, where a method needs other numbers than most: meanings are
never as far apart as a network's classes. They are those of the shipped kindnesses."""

LONGEST_NAME = 120
LONGEST_DEFINITION = 400
"""Letters; what the screen can hold. WordNet's longest definition of a person has 318."""
LONGEST_DESCRIPTION = 2000
"""Letters of looks_like; some twenty sentences."""
DEEPEST_CHAIN = 50
"""Categories above a label, which are walked through for each row; the shipped sets have 7."""

JUDGED = ("objects", "persons")
"""The shipped sets that give reasons for hiding ImageNet's categories."""

SAFE = ContentSettings()
"""All is hidden that has a reason: how a show loads a set unless the curator decides otherwise."""

EVERYTHING = ContentSettings.model_construct(hide=())
"""Nothing is hidden: how tools load a set, never a show."""

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's bidirectional embeddings, overrides and isolates, which can disguise a name."""


class Translation(Section):
    """The root's name in another language."""

    name: str
    definition: str


class RootSettings(Section):
    """The name at the top of every chain; what a visitor is called where nothing scores enough."""

    id: str
    name: str
    definition: str
    translations: dict[str, Translation] = Field(default_factory=dict)
    """By language: `es`, `de`."""


Channel = Annotated[float, Field(ge=-10, le=10)]
Spread = Annotated[float, Field(gt=0, le=10)]


class InputSettings(Section):
    """The pictures that a set's own network takes, as it was trained with them."""

    size: Annotated[int, Field(ge=16, le=1024)] = 224
    """Side of the square, px."""
    mean: tuple[Channel, Channel, Channel] = (0.5, 0.5, 0.5)
    std: tuple[Spread, Spread, Spread] = (0.5, 0.5, 0.5)
    """Of red, green and blue in 0–1; 0.5 and 0.5 bring them to −1 to 1."""


Template = Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$", description="text with one {}")]


class LabelSetSettings(Section):
    """All of labelset.yaml."""

    title: str
    credit: str
    root: RootSettings
    crop: Crop = "bust"
    method: Method
    encoder: (
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="a network's name")]
        | None
    ) = None
    """The network that looks; None: the method's own."""
    temperature: Annotated[float, Field(ge=0.001, le=1000)] = 1.0
    """What logits are divided by before the softmax: lower makes the scores more decided."""
    min_score: Share = 0.1
    """The score below which a visitor is only the root."""
    templates: Annotated[tuple[Template, ...], Field(max_length=100)] = ()
    """Only for `prompts`: sentences in which {} stands for the name; none: the kiosk's own."""
    examples: str = "examples"
    """Only for `examples`: the folder with a folder of pictures for each id; a relative one
    begins at the set's own."""
    input: InputSettings | None = None
    """Only for `onnx`."""
    output: Literal["logits", "scores"] | None = None
    """Only for `onnx`: whether the network ends before its softmax or after; None: logits."""

    @model_validator(mode="after")
    def _as_sure_as_its_method(self) -> Self:
        for key, number in SURENESS.get(self.method, {}).items():
            if key not in self.model_fields_set:
                object.__setattr__(self, key, number)  # frozen only from here on
        return self


@dataclass(frozen=True)
class LabelSet:
    """The labels that can be put on a visitor, and how they are read.

    `labels` are the visible ones in the file's order. `rows[i]` is where the i-th stands in the
    built tensors, or in the logits of a network whose outputs are the labels; `background` is the
    same of rows that take score and are never shown. `size` counts all rows of labels.csv. `unread`
    counts ImageNet's categories of which the network knows nothing, and which drop out. `hidden`
    counts what is hidden, by the first reason that hides it. `fingerprint` is the SHA-256 of what
    the built file is made from.
    """

    name: str
    folder: Path
    settings: LabelSetSettings
    root: Label
    labels: tuple[Label, ...]
    rows: tuple[int, ...]
    background: tuple[int, ...]
    size: int
    unread: int
    hidden: Mapping[Reason, int]
    fingerprint: str

    @property
    def encoder(self) -> str:
        """The network that looks; empty where the set brings its own."""
        return self.settings.encoder or ENCODERS[self.settings.method]

    @property
    def is_built(self) -> bool:
        """Whether its tensors are made from its words; other sets read a network's own outputs."""
        return (self.settings.method, self.encoder) not in class_lists.READ_AS_THEY_ARE

    @property
    def built(self) -> Path:
        """Where its tensors are."""
        return self.folder / files.BUILT

    def texts(self) -> Iterator[str]:
        """Yield all that the screen may show of it, for what asks which scripts need a font."""
        yield self.settings.title
        for label in (self.root, *self.labels):
            yield from (label.name, label.definition, *label.chain)

    @property
    def weights(self) -> Path:
        """The folder with the weights that were fetched."""
        return self.folder.parent / WEIGHTS.name

    @property
    def remedy(self) -> str:
        """The sentence that says how its tensors are built, and what must be fetched before."""
        build = f"kiosk labels build {self.name}"
        if self.encoder in (LITE, "") or fetched.weights(self.encoder, self.weights).exists():
            return f"Run: {build}"
        return f"Run: {fetched.command(self.encoder)}, and then: {build}"


@dataclass(frozen=True)
class Source:
    """A label set as its files say it, hidden rows and all: what tools read and build."""

    name: str
    folder: Path
    settings: LabelSetSettings
    rows: tuple[Row, ...]


def load(
    name: str,
    content: ContentSettings,
    models: Path = MODELS,
    *,
    where: str = "kiosk.yaml",
    language: str = "en",
) -> LabelSet:
    """Return the label set `name` with the labels that `content` lets through.

    Names and definitions are those of `language` as far as the set has them. `where` is the place
    that names the set, for the message where there is none of that name. Raises LabelSetError with
    all mistakes of the set's files at once. Whether the built file fits is for `open_classifier` to
    say, as only the encoder knows its shape.
    """
    return showable(read(name, models, where=where), content, language)


def showable(source: Source, content: ContentSettings, language: str = "en") -> LabelSet:
    """Return the label set of `assemble`; raises LabelSetError where nothing of it can be shown."""
    label_set = assemble(source, content, language)
    if not label_set.labels:
        hidden, background = (
            sum(label_set.hidden.values()),
            sum(of.background for of in source.rows),
        )
        seen = f"of {len(source.rows):,} rows {hidden:,} hidden, {background:,} background"
        remedy = "Empty hidden_because or is_background in a row that may be shown."
        if label_set.unread:
            seen += f", {label_set.unread:,} unknown to the network"
            remedy = f"Take a network that knows more. {remedy}"
        what = f"no label is visible ({seen}, expected at least one)"
        file = shown(output_names.labels_file(source.folder))
        raise LabelSetError(Mistake(file, what, remedy))
    return label_set


def read(name: str, models: Path = MODELS, *, where: str = "kiosk labels") -> Source:
    """Return what the files of the label set `name` say.

    Rows have the reasons of `_judged`, too. Raises LabelSetError with all that is wrong with the
    files; `where` is the place that names the set.
    """
    known = label_sets(models)
    if name not in known:
        remedy = did_you_mean(name, known) or f"There are: {', '.join(known) or 'none'}."
        what = f"there is no label set '{cut(name)}'"
        raise LabelSetError(Mistake(where, what, remedy))
    folder = models / name
    mistakes: list[Mistake] = []
    loaded = None
    try:
        loaded = load_yaml(folder / files.SETTINGS, LabelSetSettings, LabelSetError)
    except LabelSetError as error:
        mistakes += error.mistakes
    rows: list[Row] = []
    wrong: list[Mistake] = []
    file = output_names.labels_file(folder)
    try:
        read_rows = csv_file.read if file.suffix == ".csv" else output_names.read
        rows = read_rows(file)
    except LabelSetError as error:
        wrong += error.mistakes
    if loaded is not None:
        mistakes += _check_settings(loaded)
        if rows:
            wrong += _check_rows(rows, loaded.settings, shown(file))
    if wrong:
        mistakes += [*_passed_over(file), *wrong]
    if mistakes:
        raise LabelSetError(*shortened(mistakes))
    assert loaded is not None
    return Source(name, folder, loaded.settings, tuple(_judged(rows, loaded.settings, file)))


def _passed_over(file: Path) -> Iterator[Mistake]:
    """Yield that the labels come from `file`, which is wrong, where others could hold them."""
    there = [name for name in files.NAMING if (file.parent / name).exists()]
    if others := [name for name in there if name != file.name]:
        what = f"the labels are read from it, and not from {' or '.join(others)}"
        remedy = f"If it is not meant, move {file.name} away; else mend it."
        yield Mistake(shown(file), what, remedy)


def _judged(rows: Sequence[Row], settings: LabelSetSettings, file: Path) -> Iterator[Row]:
    """Yield the rows of `file`, which is right, with all reasons for which each may be hidden.

    What ImageNet's own authors judged unsafe is hidden where their list has been fetched, whatever
    the row calls it. Names that came with a network, which nobody has looked at, are hidden for the
    reasons of the shipped sets; who writes a labels.csv decides.
    """
    method, encoder = settings.method, settings.encoder or ENCODERS[settings.method]
    by_number = {str(i): id_ for i, id_ in enumerate(class_lists.classes(method, encoder))}
    meant = [{row.id, by_number.get(row.id, row.id), *row.synsets} for row in rows]
    because = {id_: {"imagenet"} for id_ in unsafe_synsets(file.parents[1] / WEIGHTS.name)}
    if file.suffix != ".csv" and any(WORDNET_ID.fullmatch(id_) for ids in meant for id_ in ids):
        for id_, reasons in _shipped_reasons(shown(file)):
            because[id_] = because.get(id_, set()) | reasons
    for row, ids in zip(rows, meant, strict=True):
        found = {reason for id_ in ids for reason in because.get(id_, ())}
        own = [row.hidden_because] if row.hidden_because else []
        all_ = own + [reason for reason in REASONS if reason in found.difference(own)]
        first = next(iter(all_), "")
        yield replace(row, hidden_because=first, also_hidden_because=tuple(all_[1:]))


def _shipped_reasons(where: str) -> Iterator[tuple[str, set[str]]]:
    """Yield WordNet ids of ImageNet's categories and why the kiosk's own sets hide them."""
    for name in JUDGED:
        for row in read(name, MODELS, where=where).rows:
            yield row.id, set(row.reasons)


def _check_settings(loaded: Loaded[LabelSetSettings]) -> Iterator[Mistake]:
    settings, root = loaded.settings, loaded.settings.root
    texts: dict[tuple[str, ...], str] = {
        ("title",): settings.title,
        ("credit",): settings.credit,
        ("root", "id"): root.id,
        ("root", "name"): root.name,
        ("root", "definition"): root.definition,
    }
    for language, said in root.translations.items():
        texts["root", "translations", language, "name"] = said.name
        texts["root", "translations", language, "definition"] = said.definition
    for keys, text in texts.items():
        where, key = loaded.where(*keys), ".".join(map(cut, keys))
        if not text.strip():
            yield Mistake(where, f"{key} is empty (expected text)", "Write it.")
        yield from _check_text(text, key, LONGEST_DEFINITION, where)
    method = settings.method
    only_one = {"text": LITE, "prompts": CLIP}.get(method)
    if only_one is not None and settings.encoder not in (None, only_one):
        what = f"encoder is '{cut(str(settings.encoder))}', but {method} reads {only_one} only"
        yield Mistake(loaded.where("encoder"), what, "Take the line out, or take another method.")
    if method == "classes" and class_lists.outputs(method, settings.encoder or LITE) is None:
        what = f"no list of classes is known for the encoder '{cut(str(settings.encoder))}'"
        remedy = "Take one of timm's whose name ends in in1k, in12k, in21k or in22k."
        yield Mistake(loaded.where("encoder"), what, remedy)
    if method == "onnx" and settings.encoder is not None:
        what = "encoder is said, but a set with the method onnx brings its own network"
        yield Mistake(loaded.where("encoder"), what, "Take the line out.")
    only = {
        "templates": ("prompts", settings.templates),
        "input": ("onnx", settings.input),
        "output": ("onnx", settings.output),
    }
    for name, (owner, value) in only.items():
        if value and method != owner:
            what = f"{name} is said, but only the method {owner} reads it (method is {method})"
            yield Mistake(loaded.where(name), what, "Take it out, or change the method.")


def _check_rows(rows: Sequence[Row], settings: LabelSetSettings, file: str) -> Iterator[Mistake]:
    """Yield what is wrong with each row, and between rows, in the order of the file."""
    first_id: dict[str | int, Row] = {}
    first_name: dict[str, Row] = {}
    parents = {row.id: row.parent for row in rows}
    outputs = class_lists.outputs(settings.method, settings.encoder or ENCODERS[settings.method])
    headings = {row.parent for row in rows if row.parent}
    # A network may know fewer of ImageNet's categories than the set that it is tried with has.
    imagenets = imagenet.names() if settings.method == "classes" else {}
    known = (outputs or {}, headings, imagenets)
    meant = suggestions()
    for row in rows:
        where = f"{file}:{row.place}"
        if not row.id:
            yield Mistake(where, "the id is empty (expected one of its own)", "Write one.")
        elif row.id == settings.root.id:
            what = f"the id '{cut(row.id)}' is the root's (labelset.yaml names the root)"
            yield Mistake(where, what, "Take the row out.")
        else:
            place = (outputs or {}).get(row.id, row.id)
            if (first := first_id.setdefault(place, row)) is not row:
                other = f"the same output as '{cut(first.id)}'"
                same = "there twice" if first.id == row.id else other
                what = f"the id '{cut(row.id)}' is {same} (first on line {first.place})"
                yield Mistake(where, what, "Give each row an id of its own.")
        if not row.name:
            yield Mistake(where, "the name is empty (expected text)", "Write a name.")
        elif (first := first_name.setdefault(looks(row.name), row)) is not row:
            what = f"the name '{cut(row.name)}' is there twice (first on line {first.place})"
            yield Mistake(where, what, "Make the names differ, or take one row out.")
        if set("/\\") & set(row.id) or row.id.startswith("."):
            what = f"the id '{cut(row.id)}' cannot be a folder's name, as pictures need it"
            yield Mistake(where, what, "Write it without slashes, and no dot at its beginning.")
        yield from _check_text(row.id, "the id", LONGEST_NAME, where)
        yield from _check_text(row.name, "the name", LONGEST_NAME, where)
        yield from _check_text(row.definition, "the definition", LONGEST_DEFINITION, where)
        if row.parent and row.parent != settings.root.id:
            if row.parent not in parents:
                what = f"the parent '{cut(row.parent)}' is not the id of any row"
                remedy = meant(row.parent, parents) or "Write a row's id, or leave it empty."
                yield Mistake(where, what, remedy)
            elif row.id in (chain := list(islice(_ancestors(row.id, parents), DEEPEST_CHAIN + 1))):
                path = " › ".join(cut(id_) for id_ in [*reversed(chain), row.id][-4:])
                yield Mistake(where, f"the parents run in a circle ({path})", "Empty one of them.")
            elif len(chain) > DEEPEST_CHAIN:
                what = f"more than {DEEPEST_CHAIN} categories are above it, or they run in a circle"
                yield Mistake(where, what, "Empty one of the parents.")
        if row.hidden_because and row.hidden_because not in REASONS:
            what = f"hidden_because is '{cut(row.hidden_because)}' (expected a known reason)"
            remedy = did_you_mean(row.hidden_because, REASONS)
            yield Mistake(where, what, remedy or f"Known: {', '.join(REASONS)}.")
        if row.is_background.casefold() not in (*YES, *NO):
            what = f"is_background is '{cut(row.is_background)}' (expected yes, no or nothing)"
            yield Mistake(where, what, "Write yes in the rows that are never shown.")
        yield from _check_wordings(row, where)
        if outputs is not None and row.id and not any(row.id in ids for ids in known):
            what = f"the id '{cut(row.id)}' is no output of the network, nor any row's parent"
            yield Mistake(where, what, meant(row.id, outputs) or "Take the row out.")


def _check_wordings(row: Row, where: str) -> Iterator[Mistake]:
    yield from _check_text(row.looks_like, "looks_like", LONGEST_DESCRIPTION, where)
    for language, said in row.wordings.items():
        yield from _check_text(said.name, f"name_{language}", LONGEST_NAME, where)
        yield from _check_text(said.definition, f"definition_{language}", LONGEST_DEFINITION, where)


def _ancestors(id_: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the ids above `id_`, nearest first, until there is no more or one comes again."""
    seen = set()
    while (id_ := parents.get(id_, "")) and id_ not in seen:
        seen.add(id_)
        yield id_


def _check_text(text: str, what: str, longest: int, where: str) -> Iterator[Mistake]:
    if len(text) > longest:
        seen = f"{what} has {len(text)} letters (expected at most {longest})"
        yield Mistake(where, seen, "Shorten it.")
    bad = next((letter for letter in text if _forbidden(letter)), None)
    if bad is not None:
        kind = "direction-changing" if bad in OVERRIDES else "control"
        seen = f"{what} holds a {kind} character (U+{ord(bad):04X})"
        yield Mistake(where, seen, "Take it out.")
    elif text.strip() and not is_seen(text):
        seen = f"{what} holds nothing that can be seen (U+{ord(text[0]):04X})"
        yield Mistake(where, seen, "Write it with letters, or leave it empty.")


def _forbidden(letter: str) -> bool:
    return letter in OVERRIDES or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def assemble(source: Source, content: ContentSettings, language: str = "en") -> LabelSet:
    """Return the label set of rows in which nothing is wrong; it may have no label.

    With `EVERYTHING` it is the set as tools build it.
    """
    settings, rows = source.settings, source.rows
    because = {row.id: [of for of in row.reasons if of in content.hide] for row in rows}
    hidden = {id_: reasons[0] for id_, reasons in because.items() if reasons}
    parents = {row.id: row.parent for row in rows}
    words = {row.id: _words(row, language) for row in rows}
    encoder = settings.encoder or ENCODERS[settings.method]
    outputs = class_lists.outputs(settings.method, encoder)
    if outputs is None:
        place: Mapping[str, int] = {row.id: i for i, row in enumerate(rows)}
    elif (settings.method, encoder) in class_lists.READ_AS_THEY_ARE:
        place = outputs
    else:
        place = {row.id: i for i, row in enumerate(rows) if row.id in outputs}
    headings = set(parents.values())
    root = settings.root
    at_top = root.translations.get(language) or root

    named = {row.id for row in rows if row.id not in hidden and not row.background}

    def chain(id_: str) -> tuple[str, ...]:
        nearest_first = [words[a].name for a in _ancestors(id_, parents) if a in named]
        return (at_top.name, *reversed(nearest_first))

    placed = [row for row in rows if row.id in place]
    visible = [row for row in placed if row.id in named]
    counts = Counter(hidden[row.id] for row in placed if row.id in hidden)
    return LabelSet(
        name=source.name,
        folder=source.folder,
        settings=settings,
        root=Label(root.id, at_top.name, at_top.definition, ()),
        labels=tuple(
            Label(row.id, words[row.id].name, words[row.id].definition, chain(row.id))
            for row in visible
        ),
        rows=tuple(place[row.id] for row in visible),
        background=tuple(
            place[row.id] for row in placed if row.background and row.id not in hidden
        ),
        size=len(rows),
        unread=sum(row.id not in place and row.id not in headings for row in rows),
        hidden={reason: counts[reason] for reason in REASONS if counts[reason]},
        fingerprint=_fingerprint(settings, rows),
    )


def _words(row: Row, language: str) -> Wording:
    """Return a row's name and definition in `language`, each in the set's own where it has none."""
    said = row.wordings.get(language, Wording())
    return Wording(said.name or row.name, said.definition or row.definition)


def _fingerprint(settings: LabelSetSettings, rows: Sequence[Row]) -> str:
    """Return the SHA-256 of what tensors are built from; hiding, parents and languages are not."""
    method = settings.method
    made_from: list[object] = []
    if method in RECIPES:
        made_from.append(RECIPES[method])
    if method == "prompts":
        made_from.append(list(settings.templates))
    if method in ("examples", "classes"):
        made_from.append(settings.encoder or ENCODERS[method])
    for row in rows:
        words: list[object] = []
        if method in ("text", "prompts"):
            words = [row.name, row.definition, row.looks_like]
        if method == "prompts" or (method == "text" and row.background):
            words.append(row.background)
        made_from.append([row.id, *words])
    return hashlib.sha256(json.dumps(made_from, ensure_ascii=False).encode()).hexdigest()
