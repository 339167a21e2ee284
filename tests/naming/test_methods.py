from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from installation.errors import LabelSetError
from installation.making.build.build import build, find_builder
from installation.making.build.result import BuildResult
from installation.making.new_set import create_set
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.load import load_label_set
from installation.naming.methods import METHODS, Method
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.networks.encoder import Encoder
from installation.naming.reading.classifier import open_classifier
from installation.naming.scoring.linear import LinearScorer
from installation.naming.scoring.scorer import Scorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, YAML, load_weather, mistakes, write_label_set

PACKAGE = Path(__file__).parents[2] / "installation"

WIDTH = 1280
"""The number of features of the default network."""


def test_hiding_a_label_needs_no_rebuild(tmp_path: Path) -> None:
    """The fingerprint of a label set changes with its words, not with hiding or parents."""
    write_label_set(tmp_path, HEADER, "a,air,thin,,", "b,breeze,thick,,")
    before = load_weather(tmp_path).fingerprint
    write_label_set(tmp_path, HEADER, "a,air,thin,,insult", "b,breeze,thick,a,")
    assert load_weather(tmp_path).fingerprint == before
    write_label_set(tmp_path, HEADER, "a,air,thin,,", "b,breeze,thicker,,")
    assert load_weather(tmp_path).fingerprint != before


def test_another_network_makes_a_build_stale(tmp_path: Path) -> None:
    """The fingerprint of a set of pictures changes with its network."""
    examples = YAML.replace("text", "examples")
    write_label_set(tmp_path, yaml=examples)
    before = load_weather(tmp_path).fingerprint
    write_label_set(tmp_path, yaml=f"{examples}encoder: efficientnet_lite0\n")
    assert load_weather(tmp_path).fingerprint == before, "it is the same one, by name"
    write_label_set(tmp_path, yaml=f"{examples}encoder: clip\n")
    assert load_weather(tmp_path).fingerprint != before


@pytest.mark.parametrize("method", METHODS.values(), ids=str)
def test_every_method_that_builds_has_its_builder(method: Method) -> None:
    """The module that a method names as its builder exists; `onnx` alone builds nothing."""
    if method.builder:
        assert callable(find_builder(method))
    else:
        assert method.brings_network


def test_no_module_compares_a_methods_name() -> None:
    """No module but a method's own `Method` and builder compares its name."""
    names = "|".join(name.upper() for name in METHODS)
    comparison = re.compile(rf"method(\.name)? *(==|!=)|\bis (not )?({names})\b")
    found = [
        f"{file.relative_to(PACKAGE)}: {line.strip()}"
        for file in PACKAGE.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if comparison.search(line)
    ]
    assert found == []


# A sixth method, made up for these tests: the label with the longest name wins on every picture. It
# needs only a `Method` and a builder.


def open_length(label_set: LabelSet, encoder: Encoder) -> Scorer:
    """Return the scorer of the sixth method."""
    return LinearScorer.from_built(label_set, encoder.fingerprint, encoder.width)


def build_from_length(source: LabelSetSource, _content: ContentSettings) -> BuildResult:
    """Return weights of zero, and each name's length as the bias of its row."""
    lengths = torch.tensor([float(len(row.name)) for row in source.rows])
    tensors = {"weight": torch.zeros(len(lengths), WIDTH), "bias": lengths}
    return BuildResult(tensors, EfficientNetLite0.fingerprint, ["The longest name wins."])


LENGTH = Method(
    name="length",
    summary="by the length of its name",
    encoder=EfficientNetLite0.name,
    open_scorer=open_length,
    builder="from_length",
    temperature=2.0,
    min_score=0.0,
    built_words=lambda row: (row.name,),
)


def test_a_sixth_method_is_read_built_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method that is registered and has a builder needs no other change of the kiosk."""
    monkeypatch.setitem(METHODS, LENGTH.name, LENGTH)
    rows = ("a,air,thin,,", "b,east wind,cold,,", "c,hurricane and hail,loud,,insult")
    write_label_set(tmp_path, HEADER, *rows, yaml=YAML.replace("text", "length"))
    label_set = load_label_set("weather", ContentSettings(), tmp_path)
    assert label_set.is_built
    assert label_set.settings.temperature == 2.0
    with pytest.raises(LabelSetError, match="the label set is not built yet"):
        open_classifier(label_set, "cpu")
    result = build("weather", tmp_path, build_from_length)
    assert result is not None
    assert "| method | length |" in (tmp_path / "weather" / "card.md").read_text()
    frame = Frame.from_rgb(np.zeros((240, 320, 3), np.uint8), 0.0)
    classifier = open_classifier(label_set, "cpu")
    scores = torch.from_numpy(classifier.classify(frame, [Box(100, 60, 180, 160)]))
    lengths = torch.tensor([[len("air"), len("east wind")]]) / 2.0
    assert torch.allclose(scores, lengths.softmax(1), atol=1e-5)
    before = label_set.fingerprint
    write_label_set(
        tmp_path, HEADER, "a,airs,thin,,", *rows[1:], yaml=YAML.replace("text", "length")
    )
    assert load_label_set("weather", ContentSettings(), tmp_path).fingerprint != before


def test_a_sixth_method_is_named_where_methods_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new method is in the messages and in a new labelset.yaml as soon as it is registered."""
    monkeypatch.setitem(METHODS, LENGTH.name, LENGTH)
    write_label_set(tmp_path, yaml=YAML.replace("text", "lenght"))
    (mistake,) = mistakes(tmp_path)
    assert "method is 'lenght' (expected one of text, prompts, examples," in mistake
    assert "Did you mean 'length'?" in mistake
    folder = create_set("mine", None, tmp_path)
    assert "#   length     by the length of its name\n" in (folder / "labelset.yaml").read_text()
