from __future__ import annotations

from pathlib import Path
from typing import Final

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
from installation.settings.kiosk import ContentSettings
from tests.support.embeddings import random_text_tensors
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_networks import made_onnx, onnx_classifier

CPU: Final = "cpu"
ROWS = (HEADER, "a,air,,,", "b,breeze,,,", "c,cloud,,,")


class RunningSet:
    """A label set of three that a show runs with, and the reloader that detects its changes."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.logged: list[str] = []
        write_label_set(models, *ROWS)
        self.build()
        self.classifier = open_classifier(self.load(), CPU)
        files_read = signature(self.classifier.label_set.folder)
        self.reloader = LabelSetReloader(self.classifier, files_read, self.load, self.logged.append)

    def load(self) -> LabelSet:
        """Return the set as the show loads it."""
        label_set = load_label_set("weather", ContentSettings(), self.models)
        built_file.check_built(label_set)
        return label_set

    def build(self) -> None:
        """Build the set, with random embeddings for its words."""
        label_set = load_label_set("weather", ContentSettings(), self.models)
        tensors = random_text_tensors(1000, label_set.row_count)
        building.write_result(label_set, BuildResult(tensors, EfficientNetLite0.fingerprint, ()))

    def poll(self, times: int = 2) -> CropClassifier | None:
        """Return the classifier of a changed set after `count` polls; None if there is none."""
        for _ in range(times):
            self.reloader.poll()
        reloaded = self.reloader.mailbox.take(timeout=0)
        return reloaded.classifier if reloaded else None


@pytest.fixture
def running(tmp_path: Path) -> RunningSet:
    """Return a label set of three labels that a show runs with."""
    return RunningSet(tmp_path)


def test_files_that_stay_the_same_are_not_opened(running: RunningSet) -> None:
    """If no file has changed, nothing is opened."""
    assert running.poll(5) is None


def test_hiding_a_row_needs_no_build(running: RunningSet) -> None:
    """A reason written into a row takes effect in the running show, with the same network."""
    write_label_set(running.models, *ROWS[:2], "b,breeze,,,insult", ROWS[3])
    reloaded = running.poll()
    assert reloaded is not None
    assert [label.name for label in reloaded.label_set.labels] == ["air", "cloud"]
    assert reloaded.encoder is running.classifier.encoder
    assert running.logged == []


def test_a_file_that_is_being_written_is_not_opened(running: RunningSet) -> None:
    """A change is opened when the files are the same at two polls, and only once."""
    write_label_set(running.models, *ROWS[:2], "b,breeze,,,insult", ROWS[3])
    assert running.poll(1) is None
    assert running.poll(1) is not None
    assert running.poll(3) is None


def test_changed_words_wait_for_their_build(running: RunningSet) -> None:
    """The last good set stays until changed words are built; then they replace it."""
    write_label_set(running.models, *ROWS[:2], "b,gale,,,", ROWS[3])
    assert running.poll() is None
    (line,) = running.logged
    assert line.startswith(
        "labels: the text has changed and must be built (run `kiosk labels build`); until then"
    )
    assert running.reloader.mistakes == (line.removeprefix("labels: "),)
    running.build()
    reloaded = running.poll()
    assert reloaded is not None
    assert [label.name for label in reloaded.label_set.labels] == ["air", "gale", "cloud"]
    assert not running.reloader.mistakes


def test_another_build_of_the_same_words_is_taken(running: RunningSet) -> None:
    """A set that is built again from other pictures replaces the old one."""
    running.build()
    assert running.poll() is not None
    assert running.poll(4) is None


def test_a_changed_network_of_the_set_is_opened(tmp_path: Path) -> None:
    """An artist may replace the ONNX file in the folder while the show runs."""
    label_set = made_onnx(tmp_path)
    file = label_set.folder / "classifier.onnx"
    classifier = open_classifier(label_set, CPU)
    logged: list[str] = []
    reloader = LabelSetReloader(
        classifier, signature(label_set.folder), lambda: label_set, logged.append
    )
    file.write_bytes(onnx_classifier(softmax=True).SerializeToString())
    (label_set.folder / "labelset.yaml").touch()
    for _ in range(2):
        reloader.poll()
    assert reloader.mailbox.take(timeout=0) is None, (
        "the network returns scores, and the set says logits"
    )
    assert "Write `output: scores`" in logged[-1]
    file.write_bytes(onnx_classifier(shape=(1, 3, 48, 48)).SerializeToString())
    for _ in range(2):
        reloader.poll()
    reloaded = reloader.mailbox.take(timeout=0)
    assert reloaded is not None
    assert reloaded.classifier.encoder.input.size == 48


def test_a_reopened_network_keeps_the_device_of_the_show(tmp_path: Path) -> None:
    """A changed ONNX set is opened on the graphics card again."""
    cuda: Final = "cuda"  # an onnxruntime without it runs on the CPU
    label_set = made_onnx(tmp_path)
    classifier = open_classifier(label_set, cuda)
    assert classifier.encoder.name == "classifier.onnx on the CPU"
    assert reopen_classifier(classifier, label_set).device == cuda


def test_a_damaged_built_file_is_logged(running: RunningSet) -> None:
    """Only changed words wait for a build; damage is a mistake with its file."""
    running.classifier.label_set.built.write_bytes(b"cut off")
    assert running.poll() is None
    assert running.logged[0] == (
        "labels: the changed set has mistakes, so the show uses the last valid set."
    )
    assert "built.safetensors: the file is damaged" in running.logged[1]


def test_a_mistake_leaves_the_last_good_set_and_is_logged_once(running: RunningSet) -> None:
    """A mistake in a change is logged with its line, and the show continues with the old set."""
    write_label_set(running.models, *ROWS[:2], "b,breeze,,,nobody", ROWS[3])
    assert running.poll(6) is None
    (_, mistake) = running.logged
    assert "labels.csv:3: hidden_because is 'nobody'" in mistake
    assert running.reloader.mistakes == (mistake.removeprefix("labels: "),)
    write_label_set(running.models, *ROWS)
    assert running.poll() is None, "the set is again the one that the show has"
    assert not running.reloader.mistakes
    assert len(running.logged) == 2


def test_a_show_that_is_watched_leaves_the_report_to_labels_watch(running: RunningSet) -> None:
    """A show under `labels watch`, which reports mistakes, logs only the network's mistakes."""
    running.reloader = LabelSetReloader(
        running.classifier,
        signature(running.classifier.label_set.folder),
        running.load,
        running.logged.append,
        reports_mistakes=False,
    )
    write_label_set(running.models, *ROWS[:2], "b,breeze,,,nobody", ROWS[3])
    assert running.poll() is None
    write_label_set(running.models, *ROWS[:3], "c,fog,,,")
    assert running.poll() is None
    assert running.logged == []
    tensors = random_text_tensors(999, 3)
    label_set = load_label_set("weather", ContentSettings(), running.models)
    building.write_result(label_set, BuildResult(tensors, EfficientNetLite0.fingerprint, ()))
    assert running.poll() is None
    assert running.logged[0] == (
        "labels: the changed set has mistakes, so the show uses the last valid set."
    )


@pytest.mark.parametrize(
    "failure", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), OSError("unplugged")]
)
def test_a_failure_while_a_change_is_opened_leaves_the_last_good_set(
    running: RunningSet, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A graphics card without memory for a second network does not end the show."""
    failures = [failure]

    def load() -> LabelSet:
        if failures:
            raise failures.pop()
        return running.load()

    files_read = signature(running.classifier.label_set.folder)
    running.reloader = LabelSetReloader(running.classifier, files_read, load, running.logged.append)
    write_label_set(running.models, *ROWS[:2], "b,breeze,,,insult", ROWS[3])
    assert running.poll() is None
    (line,) = running.logged
    assert line.startswith(f"labels: the changed set cannot be opened ({type(failure).__name__}, ")
    assert "failed to open a changed label set" in caplog.text
    write_label_set(running.models, *ROWS[:2], ROWS[2], "c,cloud,,,insult")
    reopened = running.poll()
    assert reopened is not None
    assert [label.name for label in reopened.label_set.labels] == ["air", "breeze"]


def test_a_reloaded_set_comes_with_all_its_letters(running: RunningSet) -> None:
    """The show can check that every character can be drawn before the set is used."""
    write_label_set(running.models, *ROWS[:3], "c,облако,,,")
    running.build()
    for _ in range(2):
        running.reloader.poll()
    reloaded = running.reloader.mailbox.take(timeout=0)
    assert reloaded is not None
    assert set("облакоairbreeze") <= reloaded.letters
