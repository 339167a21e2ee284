from __future__ import annotations

from pathlib import Path

import pytest
import torch

from installation.making.build import build as building
from installation.making.build.result import BuildResult
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import signature
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.reading.classifier import (
    CropClassifier,
    open_classifier,
    reopen_classifier,
)
from installation.naming.reload import LabelSetReloader
from installation.naming.scoring import conse
from installation.settings.kiosk import ContentSettings
from tests.support.embeddings import random_embeddings
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_networks import made_onnx, onnx_classifier

CPU = torch.device("cpu")
ROWS = (HEADER, "a,air,,,", "b,breeze,,,", "c,cloud,,,")


class Room:
    """A label set that is in the show, and whoever looks for its changes."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.said: list[str] = []
        write_label_set(models, *ROWS)
        self.build()
        self.classifier = open_classifier(self.load(), CPU)
        seen = signature(self.classifier.label_set.folder)
        self.reloader = LabelSetReloader(self.classifier, seen, self.load, self.said.append)

    def load(self) -> LabelSet:
        """Return the set as the show loads it."""
        label_set = load_label_set("weather", ContentSettings(), self.models)
        built_file.check_built(label_set)
        return label_set

    def build(self) -> None:
        """Build the set; what its words mean is drawn by lot."""
        label_set = load_label_set("weather", ContentSettings(), self.models)
        classes, labels = conse.calibrate(
            random_embeddings(1000, 1), random_embeddings(label_set.size, 2)
        )
        tensors = {"classes": classes.half(), "labels": labels.half()}
        building.write(label_set, BuildResult(tensors, EfficientNetLite0.fingerprint, ()))

    def look(self, times: int = 2) -> CropClassifier | None:
        """Look so often and return what came out."""
        for _ in range(times):
            self.reloader.poll()
        renewed = self.reloader.mailbox.take(timeout=0)
        return renewed.classifier if renewed else None


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Return a set of three in the show."""
    return Room(tmp_path)


def test_nothing_changes_where_nothing_was_changed(room: Room) -> None:
    """Looking alone opens nothing."""
    assert room.look(5) is None


def test_a_row_that_is_hidden_goes_without_a_build(room: Room) -> None:
    """A reason written into a row takes effect in the show that runs, through the same network."""
    write_label_set(room.models, *ROWS[:2], "b,breeze,,,insult", ROWS[3])
    renewed = room.look()
    assert renewed is not None
    assert [label.name for label in renewed.label_set.labels] == ["air", "cloud"]
    assert renewed.encoder is room.classifier.encoder
    assert room.said == []


def test_a_file_that_is_still_written_is_not_opened(room: Room) -> None:
    """A change is taken when it stands still from one look to the next, and once only."""
    write_label_set(room.models, *ROWS[:2], "b,breeze,,,insult", ROWS[3])
    assert room.look(1) is None
    assert room.look(1) is not None
    assert room.look(3) is None


def test_other_words_wait_for_their_build(room: Room) -> None:
    """Words that were not built yet leave the last good set, and once built they take its place."""
    write_label_set(room.models, *ROWS[:2], "b,gale,,,", ROWS[3])
    assert room.look() is None
    (said,) = room.said
    assert said.startswith(
        "labels: the text has changed; the last good set stays until the new one is built"
    )
    room.build()
    renewed = room.look()
    assert renewed is not None
    assert [label.name for label in renewed.label_set.labels] == ["air", "gale", "cloud"]


def test_other_numbers_for_the_same_words_are_taken(room: Room) -> None:
    """What was built anew from other pictures takes its place, though no word has changed."""
    room.build()
    assert room.look() is not None
    assert room.look(4) is None


def test_another_network_of_the_sets_own_is_opened(tmp_path: Path) -> None:
    """An artist who trains again puts the new file over the old one while the show runs."""
    label_set = made_onnx(tmp_path)
    file = label_set.folder / "classifier.onnx"
    classifier = open_classifier(label_set, CPU)
    said: list[str] = []
    reloader = LabelSetReloader(
        classifier, signature(label_set.folder), lambda: label_set, said.append
    )
    file.write_bytes(onnx_classifier(softmax=True).SerializeToString())
    (label_set.folder / "labelset.yaml").touch()
    for _ in range(2):
        reloader.poll()
    assert reloader.mailbox.take(timeout=0) is None, "it gives scores, and the set says logits"
    assert "Write `output: scores`" in said[-1]
    file.write_bytes(onnx_classifier(shape=(1, 3, 48, 48)).SerializeToString())
    for _ in range(2):
        reloader.poll()
    renewed = reloader.mailbox.take(timeout=0)
    assert renewed is not None
    assert renewed.classifier.encoder.input.size == 48


def test_a_network_that_is_opened_anew_runs_where_the_show_asked(tmp_path: Path) -> None:
    """A live change of an ONNX set, which takes crops on the CPU, keeps it on the graphics card."""
    cuda = torch.device("cuda")  # an onnxruntime without it runs on the CPU
    label_set = made_onnx(tmp_path)
    classifier = open_classifier(label_set, cuda)
    assert classifier.encoder.device == CPU
    assert reopen_classifier(classifier, label_set).device == cuda


def test_damage_is_called_damage(room: Room) -> None:
    """Only other text waits for a build; what else is wrong with the built file is said."""
    room.classifier.label_set.built.write_bytes(b"cut off")
    assert room.look() is None
    assert room.said[0] == "labels: a change cannot be taken, and the last good set stays."
    assert "built.safetensors: it is damaged" in room.said[1]


def test_a_mistake_leaves_the_last_good_set_and_is_said_once(room: Room) -> None:
    """What is wrong with a change is said with its line, and the show goes on as it was."""
    write_label_set(room.models, *ROWS[:2], "b,breeze,,nobody,", ROWS[3])
    assert room.look(6) is None
    (_, mistake) = room.said
    assert "labels.csv:3: the parent 'nobody' is not the id of any row" in mistake
    write_label_set(room.models, *ROWS)
    assert room.look() is None, "the set is again what the show has"
    assert len(room.said) == 2


@pytest.mark.parametrize(
    "failure", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), OSError("unplugged")]
)
def test_a_failure_while_a_change_is_opened_leaves_the_last_good_set(
    room: Room, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A graphics card without memory for a second network does not end the show; the next works."""
    failures = [failure]

    def load() -> LabelSet:
        if failures:
            raise failures.pop()
        return room.load()

    files_read = signature(room.classifier.label_set.folder)
    room.reloader = LabelSetReloader(room.classifier, files_read, load, room.said.append)
    write_label_set(room.models, *ROWS[:2], "b,breeze,,,insult", ROWS[3])
    assert room.look() is None
    (line,) = room.said
    assert line.startswith(f"labels: opening a change failed with a {type(failure).__name__}, ")
    assert "opening a changed label set" in caplog.text
    write_label_set(room.models, *ROWS[:2], ROWS[2], "c,cloud,,,insult")
    reopened = room.look()
    assert reopened is not None
    assert [label.name for label in reopened.label_set.labels] == ["air", "breeze"]


def test_every_letter_that_may_be_shown_comes_with_it(room: Room) -> None:
    """Whoever draws is told of all characters, so that none is found missing on the wall."""
    write_label_set(room.models, *ROWS[:3], "c,облако,,,")
    room.build()
    for _ in range(2):
        room.reloader.poll()
    renewed = room.reloader.mailbox.take(timeout=0)
    assert renewed is not None
    assert set("облакоairbreeze") <= renewed.letters
