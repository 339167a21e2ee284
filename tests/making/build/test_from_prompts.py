from __future__ import annotations

import random
import sys
from pathlib import Path
from subprocess import run
from typing import Final

import numpy as np
import open_clip
import pytest
import torch
from skimage import data

from installation.errors import LabelSetError, WeightsError
from installation.making.build import from_prompts
from installation.making.build.evenness import evenness
from installation.making.build.from_prompts import TextTower
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import assemble, read_source
from installation.naming.networks.timm_network import Architecture, Clip
from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Reading
from installation.naming.scoring.linear import LinearScorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track
from installation.settings.kiosk import ReadingSettings
from tests.support.label_sets import write_label_set
from tests.support.made_prompts import HEADER, NAME, WEIGHTS, YAML, made_prompts, opened_prompts
from tests.support.sightings import present
from tests.support.small_clip import SHALLOW, SMALL, small_clip
from tests.support.tensors import encode, score

CPU: Final = "cpu"
SENTENCES = [
    "a photo of a cat",
    "Somebody who READS a book; it's 3 o'clock.",
    "un niño con sombrero — 猫",
    "a very long sentence " * 40,
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a built set and its CLIP."""
    folder = tmp_path_factory.mktemp("models")
    made_prompts(folder)
    return folder


@pytest.fixture(scope="module")
def text(models: Path) -> TextTower:
    """Return the text tower of the small CLIP."""
    return TextTower(models / WEIGHTS, SMALL)


@pytest.mark.parametrize("architecture", [SMALL, SHALLOW], ids=["small", "true widths"])
def test_sentences_are_embedded_as_by_open_clip(architecture: Architecture, tmp_path: Path) -> None:
    """Embeddings differ by less than 1e-4 from those of open_clip's `encode_text`.

    The second architecture is ViT-B-32 in every shape, with one layer instead of twelve.
    """
    theirs = small_clip(tmp_path / WEIGHTS, architecture)
    ours = TextTower(tmp_path / WEIGHTS, architecture)
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer("ViT-B-32")(SENTENCES)
        expected = theirs.encode_text(tokens, normalize=True)
    assert (ours.embed(SENTENCES) - expected).abs().max() < 1e-4
    for sentence, alone in zip(SENTENCES, expected, strict=True):
        assert (ours.embed([sentence])[0] - alone).abs().max() < 1e-4
    assert ours.scale == pytest.approx(100)


def test_scores_are_open_clips_recipe(tmp_path: Path) -> None:
    """Without the bias, scores are the softmax of 100 × image · text, as open_clip documents it."""
    rows = [f"{name},{name},,,,a photo of {name}," for name in ("ann", "bob", "carla")]
    label_set = made_prompts(tmp_path, HEADER, *rows)
    theirs = small_clip(tmp_path / WEIGHTS)
    made = from_prompts.build_from_prompts(
        read_source(NAME, tmp_path), weights=tmp_path / WEIGHTS, architecture=SMALL
    )
    pictures = torch.randn(5, 3, SMALL.size, SMALL.size, generator=torch.Generator().manual_seed(1))
    words = [f"a photo of {name}" for name in ("ann", "bob", "carla")]
    with torch.inference_mode():
        image_features = theirs.encode_image(pictures, normalize=True)
        tokens = open_clip.get_tokenizer("ViT-B-32")(words)
        logits = 100 * image_features @ theirs.encode_text(tokens, normalize=True).T
    features = encode(Clip(CPU, tmp_path / WEIGHTS, SMALL), pictures)
    weight, bias = made.tensors["weight"], made.tensors["bias"]
    plain = score(LinearScorer(weight.numpy(), np.zeros(3, np.float32), 3, 1.0), features)
    assert (plain - logits.softmax(1)).abs().max() < 1e-4
    shown = score(LinearScorer.from_built(label_set, made.encoder, SMALL.features), features)
    assert (shown - (logits + bias).softmax(1)).abs().max() < 1e-4


def row(
    name: str = "reader", definition: str = "", looks_like: str = "", is_background: str = ""
) -> Row:
    """Return a row of labels.csv."""
    return Row(2, name, name, definition, looks_like=looks_like, is_background=is_background)


def test_a_rows_own_sentences_stand_for_it() -> None:
    """A row with looks_like is embedded by those sentences alone, separated by `|`."""
    written = row(definition="unused", looks_like="a face | two hands|", is_background="yes")
    assert from_prompts.sentences_of(written, ["a {}"]) == ("a face", "two hands")


def test_a_name_fills_the_templates() -> None:
    """Without looks_like the name is put into the set's templates, or else the kiosk's."""
    assert from_prompts.sentences_of(row(), ["{}!", "a {}"]) == ["reader!", "a reader"]
    own = from_prompts.sentences_of(row(definition="somebody with {braces}"))
    assert own[0] == "a photo of a reader"
    assert own[-1] == "a photo of a person, reader: somebody with {braces}"
    assert len(from_prompts.sentences_of(row())) == len(own) - 1
    for template in (*from_prompts.TEMPLATES, *from_prompts.BACKGROUND):
        assert template.count("{}") == 1


def test_places_to_break_a_name_are_not_read() -> None:
    """Characters at which a name may break on the screen do not change the network's input."""
    broken = row("Regen\u00adschirm\u200bhalter", definition="wer\u2060 hält")
    assert list(from_prompts.sentences_of(broken)) == list(
        from_prompts.sentences_of(row("Regenschirmhalter", definition="wer hält"))
    )


def test_a_background_row_is_not_a_person() -> None:
    """A background row is not described as a person, whatever the templates are."""
    wall = row("an empty wall", is_background="yes", definition="unused")
    assert from_prompts.sentences_of(wall, ["a portrait of a {}"]) == [
        "a photo of an empty wall",
        "an empty wall",
    ]


def test_several_sentences_are_their_mean(text: TextTower, models: Path) -> None:
    """The embedding of a row is the normalised mean of its sentences' embeddings."""
    source = read_source(NAME, models)
    embedded = from_prompts.embed_rows(source, text)
    two = text.embed(["a person who sings", "somebody with a microphone"])
    expected = torch.nn.functional.normalize(two.mean(0), dim=0)
    assert torch.allclose(embedded[1], expected, atol=1e-5)
    assert torch.allclose(embedded.norm(dim=1), torch.ones(len(source.rows)))


def test_calibration_makes_labels_even_and_leaves_the_background() -> None:
    """Half of the labels' neutral logits is subtracted; the background's logits are unchanged."""
    generator = torch.Generator().manual_seed(0)
    offset = torch.linspace(0, 6, 12)
    labels = torch.tensor([True] * 10 + [False] * 2)
    logits, others = (torch.randn(300, 12, generator=generator) + offset for _ in range(2))
    bias = from_prompts.calibrate(logits, labels)
    assert bias[~labels].abs().max() == 0
    assert float(bias.sum()) == pytest.approx(0, abs=1e-4)
    remaining = (others + bias).mean(0)[labels]
    assert float(remaining.max() - remaining.min()) == pytest.approx(
        float(offset[labels].max()) / 2, abs=0.3
    )
    before, after = evenness(others[:, labels]), evenness((others + bias)[:, labels])
    assert after.effective > 1.3 * before.effective
    assert after.most < before.most


def test_the_card_says_how_even_the_labels_are(models: Path) -> None:
    """The card says how evenly labels win without and with calibration, and how often none wins."""
    made = from_prompts.build_from_prompts(
        read_source(NAME, models), weights=models / WEIGHTS, architecture=SMALL
    )
    before, after, background = made.figures
    assert before.startswith("On neutral pictures, without calibration: ")
    assert after.startswith("With calibration: ")
    assert background.endswith(
        "% of the neutral pictures get no label, because a background row has the highest score."
    )
    for figure in made.figures:
        assert figure in (models / NAME / "card.md").read_text(encoding="utf-8")


def test_a_sentence_that_is_too_long_is_named(tmp_path: Path, text: TextTower) -> None:
    """CLIP accepts 77 tokens; lines with more text than that are listed."""
    fitting, longer = "word " * 75, "word " * 76
    assert not text.truncates(fitting)
    assert text.truncates(longer)
    label_set = made_prompts(
        tmp_path, HEADER, f"a,air,,,,{fitting},", f"b,bee,,,,short|{longer},", f"c,sea,{longer},,,,"
    )
    card = (label_set.folder / "card.md").read_text(encoding="utf-8")
    assert "on these lines of labels.csv: 3, 4." in card


def test_a_build_is_for_its_words_and_weights(models: Path, tmp_path: Path) -> None:
    """Other templates, another background or other weights of CLIP make a build stale."""
    label_set = made_prompts(tmp_path)
    small_clip(tmp_path / WEIGHTS, seed=5)
    with pytest.raises(LabelSetError, match="other weights of the network"):
        opened_prompts(label_set)
    fingerprints = {label_set.fingerprint}
    plain = [HEADER, "reader,reader,,,,,", "wall,wall,,,,,yes"]
    for rows, yaml in (
        (plain, YAML),
        ([*plain[:2], "wall,wall,,,,,"], YAML),
        (plain, f'{YAML}templates: ["a {{}}"]\n'),
    ):
        write_label_set(tmp_path, *rows, yaml=yaml, name=NAME)
        source = read_source(NAME, tmp_path)
        fingerprints.add(assemble(source, EVERYTHING).fingerprint)
    assert len(fingerprints) == 4


def test_without_weights_nothing_is_built(models: Path, tmp_path: Path) -> None:
    """A build without CLIP's file names the command that fetches it."""
    source = read_source(NAME, models)
    with pytest.raises(WeightsError, match="Run: kiosk fetch clip"):
        from_prompts.build_from_prompts(source, weights=tmp_path / WEIGHTS, architecture=SMALL)


FACE = Box(178, 63, 268, 176)
"""The face in the portrait of the astronaut, as YuNet finds it."""


def settled(label_set: LabelSet) -> tuple[str, float]:
    """Return the id that the astronaut's portrait settles on, and the sum of its scores."""
    classifier = opened_prompts(label_set)
    settler = Settler(label_set, ReadingSettings(), random.Random(0))
    total, at = 0.0, 0.0
    for at in range(5):
        frame = Frame.from_rgb(data.astronaut(), float(at))
        track = Track(1, FACE, (0.0, 0.0, 0.0, 0.0), seen_at=at, born_at=0.0, hits=3, misses=0)
        (scores,) = classifier.classify(frame, [FACE])
        total = float(scores.sum())
        sightings = settler.settle([Reading(1, at, scores)], present(track), at)
    verdict = sightings[0].verdict
    assert verdict is not None
    return verdict.label.id, total


def test_the_machine_abstains_where_the_background_wins(tmp_path: Path) -> None:
    """A visitor for whom a background row wins is only labelled with the root.

    The row that wins the portrait is changed to background, and the set is built again.
    """
    names = ("reader", "singer", "cook", "tailor")
    yaml = f"{YAML}temperature: 0.05\nmin_score: 0.3\n"
    rows = {name: f"{name},{name},,,,a photo of a {name}," for name in names}
    winner, total = settled(made_prompts(tmp_path, HEADER, *rows.values(), yaml=yaml))
    assert winner in names
    assert total == pytest.approx(1, abs=1e-4)
    rows[winner] += "yes"
    answer, total = settled(made_prompts(tmp_path, HEADER, *rows.values(), yaml=yaml))
    assert answer == "somebody"
    assert total < 0.3


BUILDING = f"""
import sys
from functools import partial
from pathlib import Path

def refuse(event, details):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess.", "os.exec")):
        raise PermissionError(event)

sys.addaudithook(refuse)
from installation.making.build.build import build
from installation.making.build.from_prompts import build_from_prompts
from installation.naming.networks.timm_network import Architecture, Tower

models = Path(sys.argv[1])
builder = partial(build_from_prompts, weights=models / "{WEIGHTS}", architecture={SMALL!r})
print(len(build("{NAME}", models, builder).figures))
"""


def test_a_build_needs_no_network(models: Path) -> None:
    """A build opens no connection: open_clip's tokenizer comes with its package."""
    child = run(
        [sys.executable, "-c", BUILDING, models], capture_output=True, text=True, check=False
    )
    assert (child.stdout, child.stderr) == ("3\n", "")
