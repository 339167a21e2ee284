"""Tests of the names in the default label set, read from the shipped labels.csv."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from installation.naming.label_set.load import load_label_set
from installation.naming.lists import imagenet
from installation.settings.kiosk import ContentSettings
from installation.settings.reasons import REASONS

PROJECT = Path(__file__).parents[3]
LABELS = PROJECT / "models" / "persons" / "labels.csv"
WORDNET = Path("/usr/share/wordnet/data.noun")

HIDDEN = {
    # A word or two of every reason, the reference's own worst cases among them.
    "slur": ("gook", "redneck", "mulatto", "spastic", "closet queen", "Gypsy"),
    "insult": ("failure", "swot", "pip-squeak", "pudge", "misfit", "snob", "second-rater"),
    "sexual": ("hooker", "nymphomaniac", "streetwalker", "hunk", "skinny-dipper", "lover"),
    "criminal": ("rape suspect", "convict", "accused", "first offender"),
    "violence": ("soldier", "prison guard", "military recruit", "sparring partner"),
    "demeaning": (
        "inferior",
        "commoner",
        "garbage man",
        "super heavyweight",
        "nonperson",
        "laborer",
    ),
    "race": ("Black", "White", "mixed-blood", "Aryan"),
    "ethnicity": ("Slav", "Zulu", "Cheyenne", "Semite"),
    "nationality": ("Mexican", "Italian", "Dane", "New Yorker", "foreigner", "tourist"),
    "religion": ("Buddhist", "Muslimah", "priest", "rabbi", "atheist", "agnostic"),
    "politics": ("socialist", "Nazi", "Tory", "trade unionist", "white supremacist"),
    "orientation": ("bisexual", "beard"),
    "gender": ("transvestite", "tomboy", "chorus girl", "hermaphrodite"),
    "disability": ("amputee", "deaf person", "quadriplegic", "albino", "stammerer"),
    "illness": ("schizophrenic", "drug addict", "alcoholic", "patient", "epileptic"),
    "body": ("skin-diver", "dressmaker's model", "shot putter", "obstetrician"),
    "family": ("widow", "orphan", "adoptee", "divorcee", "mother-in-law"),
    "age": ("oldster", "baby boomer", "juvenile", "septuagenarian"),
    "poverty": ("homeless", "bag lady", "debtor", "peasant"),
    "unseen": ("introvert", "teetotaler", "mourner"),
    "empty": ("transferee", "locum tenens", "acquirer", "Popper"),
}
COLUMNS = ("id", "name", "definition", "parent", "hidden_because", "defined_by")
READ_AGAIN = {
    # What was shown until it was tried on photographs, and the reason for which each is hidden now.
    "insult": ("cobbler", "gossip columnist"),
    "sexual": ("glassblower",),
    "criminal": (
        "coiner",
        "pursuer",
        "store detective",
    ),
    "violence": (
        "Green Beret",
        "Marine",
        "Navy SEAL",
        "T-man",
        "apprehender",
        "artilleryman",
        "bailiff",
        "border patrolman",
        "fighter pilot",
        "grenadier",
        "guard",
        "gunnery sergeant",
        "law officer",
        "military recruit",
        "military volunteer",
        "prison guard",
        "recruiting-sergeant",
        "rifleman",
        "sapper",
        "sparring partner",
    ),
    "demeaning": (
        "back",
        "card player",
        "farmhand",
        "hand",
        "hire",
        "hospital attendant",
        "laborer",
        "major-domo",
        "mill-hand",
        "night porter",
        "orderly",
        "ranch hand",
        "scourer",
        "stand-in",
        "trier",
        "weeder",
    ),
    "race": (
        "caddie",
        "coal miner",
        "color guard",
        "dunker",
        "passer",
        "rapper",
        "redcap",
        "stock breeder",
        "stoker",
        "syncopator",
    ),
    "ethnicity": (
        "gatherer",
        "herder",
        "sitar player",
    ),
    "nationality": (
        "cobber",
        "seeker",
        "yardman",
    ),
    "religion": (
        "Aristotelian",
        "Cartesian",
        "existentialist",
        "pluralist (scholar)",
        "positivist",
        "realist",
    ),
    "gender": (
        "Etonian",
        "Sea Scout",
        "Wykehamist",
        "bird fancier",
        "cat fancier",
    ),
    "disability": (
        "distortionist",
        "prosthetist",
        "runner (athlete)",
        "scrambler",
        "traverser",
        "tumbler",
        "visualizer",
        "walk-on",
    ),
    "illness": (
        "dermatologist",
        "oncologist",
    ),
    "body": (
        "artist's model",
        "dressmaker's model",
        "hugger",
        "jockey",
        "nudger",
        "obstetrician",
        "shot putter",
        "skin-diver",
    ),
    "age": (
        "predecessor",
        "schoolchild",
    ),
    "poverty": (
        "earner",
        "gleaner",
        "home buyer",
        "job candidate",
        "process-server",
        "rentier",
        "salvager",
    ),
    "unseen": (
        "Gemini",
        "Pisces",
        "Sagittarius",
        "devisor",
        "elegist",
        "eulogist",
        "life tenant",
        "masquerader",
        "testator",
    ),
    "empty": (
        "life",
        "locum tenens",
        "remover",
        "transactor",
        "transfer",
        "transferee",
    ),
}
NEWER_REASONS = ("violence", "body", "empty")
ONE_SEX = re.compile(r"(man|men|woman|boy|girl|maid|mistress|lady|lord)$")
OF_NO_SEX: tuple[str, ...] = (
    "chess master",
    "grandmaster",
    "International Grandmaster",
    "question master",
)
OF_NO_SEX += ("quartermaster", "quartermaster general", "toastmaster")
LADDER: tuple[str, ...] = (
    "laborer",
    "lawman",
    "law officer",
    "workman",
    "working person",
    "serviceman",
    "guard",
)
LADDER += (
    "military personnel",
    "articulator",
    "acquirer",
    "recipient",
    "payer",
    "mover",
    "testator",
)
SHOWN = {
    "n09818022": "astronaut",
    "n09929577": "clinician",
    "n09759501": "academician",
    "n10654015": "stenographer",
    "n09919200": "chiropractor",
    "n10185483": "hornist",
    "n10151261": "guest of honor",
    "n09820263": "athlete",
    "n10091651": "firefighter",
    "n10380126": "optimist",
    "n10298912": "sea captain",
    "n09846755": "beekeeper",
    "n10738111": "unicyclist",
    "n10344774": "namer",
    "n10560637": "scientist",
    "n10599806": "singer",
    "n10566072": "sculptor",
    "n10604380": "skateboarder",
}

Rows = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Return the rows of labels.csv, keyed by id."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, strict=True))
    by_id = {row["id"]: row for row in found}
    assert len(by_id) == len(found), "an id is there twice"
    return by_id


def test_every_person_category_of_imagenet_is_there(rows: Rows) -> None:
    """The default set contains all 2,832 person categories of ImageNet, each with a definition."""
    assert len(rows) == 2832
    for id_, row in rows.items():
        assert tuple(row) == COLUMNS
        assert id_[0] == "n"
        assert id_[1:].isdecimal()
        assert len(id_) == 9
        assert row["name"].strip() == row["name"] != ""
        assert row["definition"].strip() == row["definition"] != ""
        assert "_" not in row["name"]


def test_no_two_categories_share_a_name(rows: Rows) -> None:
    """A shown name belongs to one category only, also if capital letters are ignored."""
    names = [row["name"].casefold() for row in rows.values()]
    assert sorted(names) == sorted(set(names))


def test_every_chain_ends_at_the_root(rows: Rows) -> None:
    """The categories above any category lead to the root, without a cycle."""
    for id_ in rows:
        chain: list[str] = []
        while id_:
            assert id_ not in chain, f"a circle: {chain}"
            chain.append(id_)
            id_ = rows[id_]["parent"]
        assert len(chain) < 12


def test_each_hidden_category_has_one_known_reason(rows: Rows) -> None:
    """Each hidden category has a reason that kiosk.yaml knows."""
    reasons = {row["hidden_because"] for row in rows.values()}
    assert reasons - {""} == set(REASONS) - {"imagenet"}


@pytest.mark.parametrize("reason", HIDDEN)
def test_what_wounds_is_hidden(reason: str, rows: Rows) -> None:
    """Slurs, insults, and names about origin, belief or illness are hidden by default."""
    for name in HIDDEN[reason]:
        meant = [row for row in rows.values() if row["name"].split(" (")[0] == name]
        assert meant, f"{name} is no category"
        assert all(row["hidden_because"] for row in meant), f"{name} is shown"


@pytest.mark.parametrize("reason", READ_AGAIN)
def test_what_wounded_on_photographs_is_hidden(reason: str, rows: Rows) -> None:
    """Each label that hurt somebody on a photograph is hidden for the right reason."""
    for name in READ_AGAIN[reason]:
        (meant,) = (row for row in rows.values() if row["name"] == name)
        assert meant["hidden_because"] == reason, name


def test_the_newer_reasons_are_explained_in_words(rows: Rows) -> None:
    """Each label that is hidden for `violence`, `body` or `empty` has a note in hidden.csv."""
    path = PROJECT / "scripts" / "persons" / "hidden.csv"
    with path.open(encoding="utf-8", newline="") as file:
        notes = {row["id"]: row["note"] for row in csv.DictReader(file)}
    newer = [id_ for id_, row in rows.items() if row["hidden_because"] in NEWER_REASONS]
    assert newer
    assert all(notes[id_] for id_ in newer)


def test_no_name_is_for_one_sex(rows: Rows) -> None:
    """No shown name says man or master; another word of ImageNet is used instead."""
    for row in rows.values():
        if not row["hidden_because"]:
            assert not ONE_SEX.search(row["name"].split(" (")[0]), row
            assert "master" not in row["name"] or row["name"] in OF_NO_SEX, row


def test_other_names_are_imagenets_own_words(rows: Rows) -> None:
    """A category that is not shown by its first word is shown by another word of ImageNet's.

    Two older names tell categories apart instead: *appointed official* and *private soldier*.
    """
    synonyms = imagenet.names()
    with (PROJECT / "scripts" / "persons" / "names.csv").open(encoding="utf-8", newline="") as file:
        chosen = {row["id"] for row in csv.DictReader(file)} - {"n09800964", "n10476467"}
    for id_ in chosen:
        name = rows[id_]["name"].split(" (")[0]
        words = synonyms[id_].split(", ")
        assert any(name == word or name.endswith(f" {word}") for word in words), (name, words)


def test_chains_show_no_ladder_of_class() -> None:
    """No chain calls a visitor a laborer, a kind of lawman or a recipient."""
    label_set = load_label_set("persons", ContentSettings())
    found = {heading for label in label_set.labels for heading in label.chain}
    assert not found & {*LADDER}
    assert "worker" in found


def test_a_wrong_parent_of_wordnet_is_put_right(rows: Rows) -> None:
    """Wrong parents in WordNet are corrected, such as those of group captain and hypnotist."""
    assert rows[rows["n10148825"]["parent"]]["name"] == "commissioned officer"
    assert rows[rows["n10195261"]["parent"]]["name"] == "practitioner"


def test_each_definition_of_our_own_is_marked(rows: Rows) -> None:
    """Definitions that are not WordNet's are marked in labels.csv and after the visitor's label."""
    wordnet = imagenet.definitions()
    shown = {label.id: label for label in load_label_set("persons", ContentSettings()).labels}
    for id_, row in rows.items():
        # A note on register, such as "(slang)", is left out.
        ours = not re.fullmatch(r"(\([^)]*\) )?" + re.escape(row["definition"]), wordnet[id_])
        assert row["defined_by"] == ("this kiosk’s words" if ours else ""), row
        if id_ in shown:
            mark = " — this kiosk’s words" if ours else ""
            assert shown[id_].definition == row["definition"] + mark


def test_no_shown_definition_speaks_of_men_only(rows: Rows) -> None:
    """A shown definition does not say he, man, workman or nobleman."""
    masculine = re.compile(r"\b(he|him|his|himself|man|men|boy|nobleman|\w+(?<!hu)(?<!wo)man)\b")
    other = (
        "his or her",
        "he/she",
        "man or woman",
        "Roman",
        "Human",
        "airman 1st class",
        "Shaw or his",
    )
    for row in rows.values():
        text = row["definition"]
        for words in other:
            text = text.replace(words, "")
        if not row["hidden_because"]:
            assert not masculine.search(text), row


def test_what_is_only_absurd_is_shown(rows: Rows) -> None:
    """Occupations, sports, arts and crafts are shown: the work needs absurd, harmless words."""
    for id_, name in SHOWN.items():
        assert rows[id_]["name"] == name
        assert rows[id_]["hidden_because"] == ""


def test_no_shown_definition_wounds(rows: Rows) -> None:
    """No shown definition calls a visitor stupid or worthless."""
    wounding = "stupid worthless inferior disparag contempt slur prostitut sexual insignificant"
    wounding += " unskilled incompetent criminal selfish foolish ridicul drunk promiscuous"
    for row in rows.values():
        if not row["hidden_because"]:
            found = [word for word in wounding.split() if word in row["definition"]]
            assert not found or row["id"] == "n10484858", row  # a prosecutor of criminal cases


def test_more_is_hidden_than_shown_but_much_is_left(rows: Rows) -> None:
    """More categories are hidden than shown, and enough are left.

    ImageNet's authors hid 1,593 of the 2,832 (Yang et al., arXiv 1912.07726), or 56 %.
    """
    hidden = sum(bool(row["hidden_because"]) for row in rows.values())
    assert 0.60 < hidden / len(rows) < 0.70


def test_the_builder_makes_the_shipped_file(tmp_path: Path) -> None:
    """The rules and decisions in scripts/ result in the shipped labels.csv, byte for byte."""
    if not WORDNET.exists():
        pytest.fail(f"{WORDNET} is missing. Run: apt-get install wordnet-base")
    built = tmp_path / "labels.csv"
    command = [sys.executable, "-m", "scripts.build_persons", "--out", str(built)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert built.read_bytes() == LABELS.read_bytes()


def test_both_networks_may_say_the_same() -> None:
    """The same categories are hidden for both networks, for the same reasons."""
    other = PROJECT / "models" / "persons-21k" / "labels.csv"
    assert other.read_bytes() == LABELS.read_bytes()


def test_the_builder_says_what_is_missing(tmp_path: Path) -> None:
    """Without WordNet's noun file the builder names the file and the package, with exit 2."""
    missing = tmp_path / "data.noun"
    command = [sys.executable, "-m", "scripts.build_persons", "--wordnet", str(missing)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert f"{missing}: WordNet's noun file cannot be read" in done.stderr
    assert "wordnet-base" in done.stderr
    assert "Traceback" not in done.stderr
