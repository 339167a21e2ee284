"""Writes labels.csv of the set `persons`: ImageNet's categories, each hidden one with its reason.

The categories are the hyponyms of *person* in WordNet 3.0 that are among ImageNet's synsets. Two
steps decide which of them a public screen may not show. Rules over WordNet come first: whole
subtrees, usage domains such as *ethnic slur*, and glosses that call their own word an insult. Then
comes `scripts/persons/`, the result of reading every category with its definition:

- `hidden.csv`: categories that are hidden by hand, with the reason. If a rule also hides the
  category, this reason replaces the rule's. The column `note` explains a reason that the name and
  the definition do not explain;
- `shown.csv`: harmless, although a rule would hide it;
- `definitions.csv`: our own definition, if the name is harmless but WordNet's definition is
  hurtful, wrong or about one sex only. labels.csv and the screen mark it as ours;
- `names.csv`: another name, for categories that share their first word, or whose first word is
  about one sex only or has a hurtful second meaning. The name is another word that ImageNet has
  for the category;
- `parents.csv`: another parent, for categories that WordNet puts under a wrong one.

The screen shows a name with the chain of the categories above it. The chain leaves out hidden
categories. So a category that must not appear in a chain is hidden, for example *laborer*.

Rejected: a list of bad words. It cannot find *colossus*, which is praise in WordNet, but an insult
below a face on a screen.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from installation.errors import KioskError, LabelSetError, Mistake
from installation.naming.label_set.csv_file import MAIN_COLUMNS
from installation.naming.lists import imagenet
from installation.settings.reasons import REASONS

HERE = Path(__file__).parent
JUDGEMENT = HERE / "persons"
LABELS = [HERE.parent / "models" / name / "labels.csv" for name in ("persons", "persons-21k")]
WORDNET = Path("/usr/share/wordnet/data.noun")  # its path in Debian's wordnet-base

ROOT = "n00007846"  # person, individual, someone, somebody, mortal, soul
OURS = "this kiosk’s words"
"""The author of the definitions in definitions.csv, as stated in labels.csv and on the screen."""

CATEGORIES = 2832  # Yang et al., arXiv 1912.07726: the person subtree of ImageNet

# All values of `hidden_because`. If several rules apply, the first one is the reason: showing
# `nationality` does not show a slur on a nation.
WORST_FIRST = (
    "slur",
    "sexual",
    "criminal",
    "violence",
    "insult",
    "demeaning",
    "ethnicity",
    "nationality",
    "race",
    "religion",
    "politics",
    "orientation",
    "gender",
    "disability",
    "illness",
    "body",
    "family",
    "age",
    "poverty",
    "unseen",
    "empty",
)
# The reason `imagenet` comes from a list that a venue fetches, not from this file.
assert {*WORST_FIRST, "imagenet"} == {*REASONS}, (
    "a bug in build_persons: WORST_FIRST lacks a reason of kiosk.yaml"
)

# A synset with all its hyponyms, by WordNet 3.0's offset.
SUBTREES: dict[str, dict[str, str]] = {
    "insult": {
        "n09831962": "bad person",
        "n09631129": "unwelcome person",
        "n09632274": "unskilled person",
        "n10599354": "simpleton",
        "n10771636": "weakling",
        "n09614047": "coward",
        "n10197967": "idler",
        "n10544232": "rustic",
        "n09853645": "bigot",
        "n10284965": "malcontent",
        "n09964411": "copycat",
        "n09606527": "anomaly",
    },
    "sexual": {
        "n10257647": "libertine",
        "n10419047": "pervert",
        "n10433737": "pimp",
        "n09629246": "sensualist",
        "n10299700": "masturbator",
        "n09622302": "lover",
    },
    "criminal": {
        "n09977660": "criminal",
        "n09821253": "attacker",
        "n10707804": "thief",
        "n10231087": "killer",
        "n10476086": "prisoner",
        "n10681383": "suspect",
    },
    "demeaning": {
        "n10609325": "slave",
        "n09627462": "primitive",
        "n10435716": "pisser",
        "n10582154": "servant",
    },
    "race": {
        "n09636106": "person of color",
        "n09638875": "White",
        "n09644820": "Amerindian",
        "n10323999": "mixed-blood",
    },
    "ethnicity": {
        "n09676884": "Slav",
    },
    "nationality": {
        "n09620078": "inhabitant",
        "n09625401": "national",
        "n09620794": "native",
        "n09634494": "African",
        "n10314952": "migrant",
    },
    "religion": {
        "n09628382": "religious person",
        "n09625789": "nonreligious person",
        "n09505153": "spiritual leader",
        "n09922799": "church officer",
        "n09681351": "Jew",
    },
    "politics": {
        "n09957156": "conservative",
        "n10503452": "radical",
        "n10402086": "partisan",
        "n10618848": "socialist",
        "n10515194": "reformer",
    },
    "gender": {
        "n09619168": "female",
        "n09624168": "male",
    },
    "disability": {
        "n10158756": "handicapped person",
        "n10757625": "visually impaired person",
        "n09996481": "deaf person",
    },
    "illness": {
        "n10595647": "sick person",
        "n09898892": "case",
        "n10036266": "drug user",
    },
    "family": {
        "n10235549": "relative",
        "n10024362": "domestic partner",
    },
    "age": {
        "n09622049": "juvenile",
        "n10376523": "oldster",
    },
    "poverty": {
        "n10453357": "poor person",
    },
    "unseen": {
        "n09630641": "unfortunate",
    },
}

# WordNet's own classification of a word's usage, by the synset of its usage domain.
USAGES = {
    "n06718862": "slur",  # ethnic slur
    "n06717170": "insult",  # disparagement
    "n07124340": "sexual",  # obscenity
}
GLOSSES = {
    "slur": re.compile(r"\bethnic slur|\bslur for\b"),
    "ethnicity": re.compile(r"\bmember of .*\b(people|peoples|caste|varnas|tribe)\b"),
    "insult": re.compile(r"\b(derogatory|disparag\w+|contempt\w*|insult\w*)\b"),
}

# Notes on register are removed, because they say nothing about the meaning; notes on a field stay.
REGISTER = re.compile(r"^\((?:British slang|slang|Yiddish|formal|usually plural)\) ")


@dataclass(frozen=True)
class Synset:
    """One line of WordNet's noun file: its words, hypernyms, usage domains and gloss."""

    id: str
    lemmas: tuple[str, ...]
    hypernyms: tuple[str, ...]
    usages: tuple[str, ...]
    gloss: str

    @classmethod
    def parse(cls, line: str) -> Synset:
        """Return the synset of one data line (format: wndb(5)).

        A named individual, which WordNet calls an instance, gets no hypernyms.
        """
        head, gloss = line.split(" | ", 1)
        fields = head.split()
        n_words = int(fields[3], 16)
        words = fields[4 : 4 + 2 * n_words : 2]
        start = 4 + 2 * n_words
        n_pointers = int(fields[start])
        pointers = fields[start + 1 : start + 1 + 4 * n_pointers]
        nouns = [
            (symbol, "n" + offset)
            for symbol, offset, kind in zip(
                pointers[::4], pointers[1::4], pointers[2::4], strict=True
            )
            if kind == "n"
        ]
        return cls(
            id="n" + fields[0],
            lemmas=tuple(word.replace("_", " ") for word in words),
            hypernyms=tuple(target for symbol, target in nouns if symbol == "@"),
            usages=tuple(target for symbol, target in nouns if symbol == ";u"),
            gloss=gloss.strip(),
        )


@dataclass(frozen=True)
class Judgement:
    """The decisions made by reading the categories one by one; every mapping is keyed by id."""

    hidden: Mapping[str, str]
    shown: Mapping[str, str]
    definitions: Mapping[str, str]
    names: Mapping[str, str]
    parents: Mapping[str, str]

    @classmethod
    def from_folder(cls, folder: Path, synsets: Mapping[str, Synset]) -> Judgement:
        """Return the decisions in a folder's five files; raises LabelSetError with all mistakes."""
        mistakes: list[Mistake] = []
        hidden = _column(folder / "hidden.csv", "hidden_because", synsets, mistakes)
        shown = _column(folder / "shown.csv", "because", synsets, mistakes)
        definitions = _column(folder / "definitions.csv", "definition", synsets, mistakes)
        names = _column(folder / "names.csv", "shown_as", synsets, mistakes)
        parents = _column(folder / "parents.csv", "parent", synsets, mistakes)
        for id_, parent in parents.items():
            if parent not in synsets:
                problem = f"the parent {parent} of {id_} is not a person category"
                mistakes.append(
                    Mistake("parents.csv", problem, "Write the id of a person category.")
                )
        for id_, reason in hidden.items():
            if reason not in WORST_FIRST:
                mistakes.append(
                    Mistake(
                        "hidden.csv",
                        f"{id_} is hidden because of {reason!r} (expected a known reason)",
                        f"Known: {', '.join(WORST_FIRST)}.",
                    )
                )
            if id_ in shown:
                mistakes.append(
                    Mistake(
                        "shown.csv", f"{id_} is also in hidden.csv", "Remove one of the two rows."
                    )
                )
        if mistakes:
            raise LabelSetError(*mistakes)
        return cls(hidden, shown, definitions, names, parents)


def _column(
    path: Path, column: str, synsets: Mapping[str, Synset], mistakes: list[Mistake]
) -> dict[str, str]:
    """Return one column of a file of decisions, keyed by id, and add its mistakes to `mistakes`.

    The column `name` must be the category's first word, so that the file can be read without ids.
    """
    values: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = ["id", "name", column]
        if reader.fieldnames not in (columns, [*columns, "note"]):
            problem = (
                f"the columns are {reader.fieldnames} (expected id, name, {column}; note is "
                "optional)"
            )
            mistakes.append(Mistake(path.name, problem, "Correct its first line."))
            return values
        for row in reader:
            where = f"{path.name}:{reader.line_num}"
            id_, name, value = row["id"], row["name"], row[column]
            if id_ not in synsets:
                mistakes.append(Mistake(where, f"{id_} is not a person category", "Remove it."))
            elif name != synsets[id_].lemmas[0]:
                mistakes.append(
                    Mistake(
                        where,
                        f"the name of {id_} is {synsets[id_].lemmas[0]!r}, not {name!r}",
                        "Correct it.",
                    )
                )
            elif id_ in values or not value:
                mistakes.append(
                    Mistake(
                        where, f"{id_} occurs twice or has no {column}", "Keep one complete row."
                    )
                )
            values[id_] = value
    return values


def read_synsets(path: Path) -> dict[str, Synset]:
    """Return all noun synsets of a WordNet 3.0 data file, keyed by id; raises LabelSetError."""
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise LabelSetError(
            Mistake(
                str(path),
                f"WordNet's noun file cannot be read ({error.strerror})",
                "Install wordnet-base, or name the file with --wordnet.",
            )
        ) from error
    lines = (line for line in text.splitlines() if not line.startswith("  "))  # the licence
    return {synset.id: synset for synset in map(Synset.parse, lines)}


def hyponyms(root: str, below: Mapping[str, list[str]]) -> set[str]:
    """Return the ids of a synset and all its hyponyms; instances (named people) are left out."""
    found, waiting = {root}, [root]
    while waiting:
        for id_ in below.get(waiting.pop(), ()):
            if id_ not in found:
                found.add(id_)
                waiting.append(id_)
    return found


def direct_hyponyms(synsets: Mapping[str, Synset]) -> dict[str, list[str]]:
    """Return the ids of each synset's direct hyponyms, keyed by the synset's id."""
    below: dict[str, list[str]] = {}
    for synset in synsets.values():
        for hypernym in synset.hypernyms:
            below.setdefault(hypernym, []).append(synset.id)
    return below


def nearest_ancestor(id_: str, among: Collection[str], synsets: Mapping[str, Synset]) -> str:
    """Return the nearest hypernym of `id_` that is in `among`.

    The result is "" if *person* is nearer than all hypernyms in `among`, or if there are none.
    The search is breadth-first. Of two hypernyms that are equally near, the result is the one that
    WordNet lists first.
    """
    waiting = deque(synsets[id_].hypernyms)
    while waiting:
        hypernym = waiting.popleft()
        if hypernym == ROOT:
            return ""
        if hypernym in among:
            return hypernym
        waiting.extend(synsets[hypernym].hypernyms)
    return ""


def reasons_by_rule(synsets: Mapping[str, Synset], categories: Iterable[str]) -> dict[str, str]:
    """Return the reason of each category that a rule hides, keyed by id.

    The rules are about usage, gloss and subtree; of several reasons the worst is kept.
    """
    below = direct_hyponyms(synsets)
    found: dict[str, set[str]] = {}
    for id_ in categories:
        synset = synsets[id_]
        found[id_] = {USAGES[usage] for usage in synset.usages if usage in USAGES}
        found[id_] |= {reason for reason, words in GLOSSES.items() if words.search(synset.gloss)}
    for reason, roots in SUBTREES.items():
        for root, name in roots.items():
            first = synsets[root].lemmas[0].replace("_", " ")
            assert first == name, f"a bug in build_persons: {root} is {first!r}, not {name!r}"
            for id_ in hyponyms(root, below) & found.keys():
                found[id_].add(reason)
    return {id_: min(why, key=WORST_FIRST.index) for id_, why in found.items() if why}


def unique_names(
    synsets: Mapping[str, Synset],
    parents: Mapping[str, str],
    hidden: Mapping[str, str],
    chosen: Mapping[str, str],
) -> dict[str, str]:
    """Return a name for each category, unique even if case is ignored: its first lemma if possible.

    `parents` and `chosen` (names.csv) are keyed by id, and `hidden` are the ids of hidden
    categories. If several categories share a lemma and only one of them is shown, that one keeps
    the lemma as its name. The other categories add their second lemma in brackets or, if they have
    none, the name of the category above them. Raises LabelSetError if two names are still equal.
    """
    words = {id_: synsets[id_].lemmas[0] for id_ in parents}
    shared = Counter(word.casefold() for word in words.values())
    shown = Counter(words[id_].casefold() for id_ in words if id_ not in hidden)
    names: dict[str, str] = {}
    for id_, word in words.items():
        alone = shared[word.casefold()] == 1 or (id_ not in hidden and shown[word.casefold()] == 1)
        if id_ in chosen:
            names[id_] = chosen[id_]
        elif alone:
            names[id_] = word
        else:
            # The brackets tell categories with the same word apart.
            others = synsets[id_].lemmas[1:]
            above = synsets[parents[id_] or ROOT].lemmas[0]
            names[id_] = f"{word} ({others[0] if others else above})"
    taken = Counter(name.casefold() for name in names.values())
    twice = [f"{id_} {name}" for id_, name in names.items() if taken[name.casefold()] > 1]
    if twice:
        problem = f"categories with the same name: {', '.join(twice)}"
        raise LabelSetError(Mistake("names", problem, "Give them different names in names.csv."))
    return names


def build(wordnet: Path, judgement: Path) -> str:
    """Return the text of labels.csv, a row per category, sorted by id; raises LabelSetError."""
    synsets = read_synsets(wordnet)
    known, described = set(imagenet.synsets("imagenet22k_synsets.txt")), imagenet.definitions()
    categories = sorted((hyponyms(ROOT, direct_hyponyms(synsets)) & known) - {ROOT})
    if len(categories) != CATEGORIES:
        raise LabelSetError(
            Mistake(
                str(wordnet),
                f"{len(categories)} person categories found (expected {CATEGORIES})",
                "Use the noun file of WordNet 3.0.",
            )
        )
    persons = {id_: synsets[id_] for id_ in categories}
    judged = Judgement.from_folder(judgement, persons)
    reasons = {**reasons_by_rule(synsets, categories), **judged.hidden}
    hidden = {id_: reason for id_, reason in reasons.items() if id_ not in judged.shown}
    parents = {id_: nearest_ancestor(id_, persons, synsets) for id_ in categories}
    parents |= judged.parents
    names = unique_names(synsets, parents, hidden, judged.names)

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*MAIN_COLUMNS, "defined_by"))
    for id_ in categories:
        definition = REGISTER.sub("", described[id_])
        definition = judged.definitions.get(id_, definition)
        by = OURS if id_ in judged.definitions else ""
        writer.writerow((id_, names[id_], definition, parents[id_], hidden.get(id_, ""), by))
    return text.getvalue()


def main() -> int:
    """Write the files, print how many categories are shown, and return 0, or 2 if that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--wordnet", type=Path, default=WORDNET, help="WordNet 3.0's data.noun")
    parser.add_argument(
        "--judgement", type=Path, default=JUDGEMENT, help="folder of hand judgement"
    )
    parser.add_argument(
        "--out", type=Path, nargs="+", default=LABELS, help="each labels.csv to write"
    )
    options = parser.parse_args()
    try:
        text = build(options.wordnet, options.judgement)
    except KioskError as error:
        print(error, file=sys.stderr)
        return 2
    for file in options.out:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    reasons = Counter(row["hidden_because"] for row in csv.DictReader(io.StringIO(text)))
    names = ", ".join(map(str, options.out))
    print(f"{names}: {CATEGORIES} categories, {reasons.pop('')} shown; hidden: ", end="")
    print(", ".join(f"{reason} {reasons[reason]}" for reason in WORST_FIRST))
    return 0


if __name__ == "__main__":
    sys.exit(main())
