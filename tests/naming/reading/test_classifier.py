from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest
from skimage import data

from installation.naming.label_set.load import load_label_set
from installation.naming.lists import imagenet
from installation.naming.networks.efficientnet import CLASSES, EfficientNetLite0
from installation.naming.networks.encoder import Batch, Encoded, Input
from installation.naming.reading import crops
from installation.naming.reading.classifier import Classifier, CropClassifier, open_classifier
from installation.naming.scoring.conse import ConseScorer
from installation.naming.scoring.scorer import softmax
from installation.seeing.box import Box
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import label_set_names
from tests.support.made_examples import made_examples
from tests.support.made_networks import as_in_a_show, made_classes, made_hf, made_onnx
from tests.support.made_prompts import made_prompts, opened_prompts
from tests.support.pictures import film_of_people

CPU: Final = "cpu"
FACE = Box(178, 63, 268, 176)
"""The face in the portrait of the astronaut, as YuNet finds it."""

Open = Callable[[str], Classifier]


def opened_hf(models: Path) -> Classifier:
    """Return the classifier of a Hugging Face set, run in this process as a show runs it."""
    with as_in_a_show():
        return open_classifier(made_hf(models), CPU)


MAKERS: dict[str, Callable[[Path], Classifier]] = {
    "examples": lambda models: open_classifier(made_examples(models), CPU),
    "prompts": lambda models: opened_prompts(made_prompts(models)),
    "classes": lambda models: open_classifier(made_classes(models), CPU),
    "onnx": lambda models: open_classifier(made_onnx(models), CPU),
    "a folder from Hugging Face": opened_hf,
}
"""Makes a label set of each kind that is not among the shipped ones."""

SETS = [*(name for name in label_set_names() if name != "persons-21k"), *MAKERS]
"""All shipped sets that need no fetched weights, and the kinds that tests make."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Return a function that opens the classifier of a set, each only once."""
    classifiers: dict[str, Classifier] = {}
    models = tmp_path_factory.mktemp("models")

    def get(name: str) -> Classifier:
        if name not in classifiers:
            make = MAKERS.get(name)
            if make is not None:
                classifiers[name] = make(models)
            else:
                classifiers[name] = open_classifier(load_label_set(name, ContentSettings()), CPU)
        return classifiers[name]

    return get


def portrait() -> Frame:
    """Return the portrait of the astronaut, 512×512."""
    return Frame.from_rgb(data.astronaut(), 12.5)


def boxes_around_the_face(count: int) -> list[Box]:
    """Return boxes that pan and zoom around the portrait's face."""
    random = np.random.default_rng(0)
    x, y = FACE.centre
    return [
        Box.from_centre(
            x + random.normal(0, 25),
            y + random.normal(0, 25),
            FACE.width * (zoom := float(np.exp(random.normal(0, 0.3)))),
            FACE.height * zoom,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("name", SETS)
def test_every_label_set_satisfies_the_contract(opened: Open, name: str) -> None:
    """Each box has a row of scores, in the boxes' order, which sums to 1 with the background."""
    classifier = opened(name)
    labels = len(classifier.label_set.labels)
    assert classifier.classify(portrait(), []).shape == (0, labels)
    boxes = boxes_around_the_face(3)
    scores = classifier.classify(portrait(), boxes)
    assert scores.dtype == np.float32
    assert scores.shape == (3, labels)
    assert scores.min() >= 0
    assert (scores.sum(1) < 1 + 1e-4).all()
    assert (scores.sum(1) > 1 - 1e-4).all() or classifier.label_set.background
    assert np.abs(classifier.classify(portrait(), boxes[::-1])[::-1] - scores).max() < 1e-4
    classifier.forget()


@pytest.mark.parametrize("name", SETS)
def test_a_batch_scores_as_each_box_alone(opened: Open, name: str) -> None:
    """The scores of eleven boxes, in two batches, equal the scores of each box alone."""
    classifier = opened(name)
    boxes = boxes_around_the_face(11)
    together = classifier.classify(portrait(), boxes)
    for box, scores in zip(boxes, together, strict=True):
        (alone,) = classifier.classify(portrait(), [box])
        assert np.abs(alone - scores).max() < 1e-4


def test_the_portrait_is_read_as_somebody_fitting(opened: Open) -> None:
    """The shipped persons give the astronaut a fitting label, above the least score."""
    classifier = opened("persons")
    (scores,) = classifier.classify(portrait(), [FACE])
    best = scores.argsort()[::-1][:5]
    names = {classifier.label_set.labels[i].name for i in best}
    assert names & {"astronaut", "athlete", "football player", "test pilot", "cosmonaut"}
    assert scores.max() > classifier.label_set.settings.min_score


def test_ten_crops_of_a_portrait_have_five_names(opened: Open) -> None:
    """Ten busts of one portrait get at least five labels.

    This is tested with busts only; with half bodies too, names vary less.
    """
    whole = load_label_set("persons", ContentSettings())
    busts = replace(whole, settings=whole.settings.model_copy(update={"crop": "bust"}))
    scores = open_classifier(busts, CPU).classify(portrait(), boxes_around_the_face(10))
    assert len(set(scores.argmax(1).tolist())) >= 5


def test_ten_people_of_a_film_have_five_names(opened: Open) -> None:
    """Ten faces from all over a film of real people get at least five labels."""
    film = cv2.VideoCapture(str(film_of_people()))
    detector, classifier = Mtcnn(), opened("persons")
    count = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
    names = []
    for number in range(0, count, count // 12):
        film.set(cv2.CAP_PROP_POS_FRAMES, number)
        _, picture = film.read()
        frame = Frame(bgr=np.asarray(picture, np.uint8), taken_at=12.5)
        for face in detector.detect(frame)[:1]:
            (scores,) = classifier.classify(frame, [face.box])
            names.append(classifier.label_set.labels[int(scores.argmax())].name)
    assert len(names[:10]) == 10
    assert len(set(names[:10])) >= 5


@pytest.mark.parametrize("level", [90, 127, 200, 250])
def test_a_lit_empty_wall_is_only_a_person(opened: Open, level: int) -> None:
    """On a picture of an empty, lit wall no label reaches the least score."""
    classifier = opened("persons")
    wall = Frame.from_rgb(np.full((400, 400, 3), level, np.uint8), 12.5)
    (scores,) = classifier.classify(wall, [FACE])
    assert scores.max() < classifier.label_set.settings.min_score


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        ("lab coat", "biochemist"),
        ("academic gown", "scholar"),
        ("cowboy hat", "horse wrangler"),
        ("acoustic guitar", "guitarist"),
        ("stethoscope", "doctor"),
        ("space shuttle", "astronaut"),
        ("microphone", "singer"),
        ("library", "archivist"),
        ("mortarboard", "valedictorian"),
    ],
)
def test_a_thing_is_read_as_a_person_who_has_it(thing: str, expected: str) -> None:
    """If the network is certain of one thing, a person who has it is among the ten best labels."""
    label_set = load_label_set("persons", ContentSettings())
    # The temperature is so high that no score is rounded to 0.
    settings = label_set.settings.model_copy(update={"temperature": 5.0})
    label_set = replace(label_set, settings=settings)
    scorer = ConseScorer.from_built(label_set, EfficientNetLite0.fingerprint, CLASSES)
    logits = np.zeros((1, CLASSES), np.float32)
    names = [imagenet.names()[id_].partition(", ")[0] for id_ in imagenet.classes()]
    logits[0, names.index(thing)] = 20
    best = scorer.score(logits)[0].argsort()[::-1][:10]
    assert expected in {label_set.labels[i].name for i in best}


def test_half_the_body_is_averaged_with_the_bust(opened: Open) -> None:
    """The scores are computed from the mean of the network's output for both crops."""
    persons = opened("persons")
    assert isinstance(persons, CropClassifier)
    encoder = persons.encoder
    encoded = [
        encoder.encode(crops.cut(portrait(), [FACE], part, encoder.input))
        for part in ("bust", "half")
    ]
    expected = persons.scorer.score(np.mean(encoded, axis=0))
    assert np.abs(persons.classify(portrait(), [FACE]) - expected).max() < 1e-4


def test_a_bust_mostly_outside_the_frame_says_nothing(opened: Open) -> None:
    """If more than a third of a bust is outside the frame its row is zero; other rows stay."""
    classifier = opened("persons")
    outside = Box(-40, 63, 50, 176)
    scores = classifier.classify(portrait(), [outside, FACE])
    assert not scores[0].any()
    assert np.abs(scores[1] - classifier.classify(portrait(), [FACE])[0]).max() < 1e-4
    assert not classifier.classify(portrait(), [outside]).any()


def test_crops_reuse_their_memory_and_forget_overwrites_it(opened: Open) -> None:
    """Batches of up to eight crops use the same memory; `forget` calls the encoder's `forget`."""
    places: list[int] = []
    sizes: list[int] = []

    class RecordingEncoder:
        name, library, width, fingerprint = "recording", "none", 2, ""
        input = EfficientNetLite0.input

        def encode(self, batch: Batch) -> Encoded:
            places.append(batch.ctypes.data)
            sizes.append(len(batch))
            assert batch.any()
            return np.zeros((len(batch), 2), np.float32)

        def forget(self) -> None:
            sizes.append(0)

        def score(self, encoded: Encoded) -> Encoded:
            return softmax(encoded)

    classifier = CropClassifier(
        opened("persons").label_set, RecordingEncoder(), RecordingEncoder(), CPU
    )
    classifier.has_time = False
    for count in (20, 1, 2, 0, 0, 1, 0):
        if count:
            assert len(classifier.classify(portrait(), boxes_around_the_face(count))) == count
        else:
            classifier.forget()
    assert sizes == [8, 8, 4, 1, 2, 0, 0, 1, 0]
    assert len(set(places)) == 1


def test_the_label_set_says_what_is_cropped(opened: Open) -> None:
    """The network is given the bust, the face or the whole frame, and the crop is zeroed after."""
    seen, kept = [], []

    class SmallEncoder:
        name, library, width, fingerprint = "small", "none", 2, ""
        input = Input(8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

        def encode(self, batch: Batch) -> Encoded:
            seen.append(batch.copy())
            kept.append(batch)
            return np.zeros((len(batch), 2), np.float32)

        def forget(self) -> None:
            pass

        def score(self, encoded: Encoded) -> Encoded:
            return softmax(encoded)

    shipped = opened("persons").label_set
    for crop in ("bust", "face", "frame"):
        settings = shipped.settings.model_copy(update={"crop": crop})
        label_set = replace(shipped, settings=settings)
        CropClassifier(label_set, SmallEncoder(), SmallEncoder(), CPU).classify(portrait(), [FACE])
        assert np.array_equal(seen.pop(), crops.cut(portrait(), [FACE], crop, SmallEncoder.input))
        assert not kept.pop().any(), "crops are zeroed once they have been classified"
