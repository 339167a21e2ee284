from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import timm
import torch
from safetensors.torch import save_file

from installation.errors import LabelSetError, WeightsError
from installation.making.build import build, from_head
from installation.naming.label_set import built_file
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.scoring.linear import LinearScorer
from installation.settings.kiosk import ContentSettings
from tests.support.made_networks import (
    HEADER,
    PERSONS,
    TINY,
    made_classes,
    tiny,
    write_set,
    write_weights,
)
from tests.support.tensors import score

CPU: Final = "cpu"


def write(models: Path, encoder: str, *rows: str) -> LabelSetSource:
    """Write a set that reads `encoder` by its classes, and return what it says."""
    write_set(models, "made", f"method: classes\nencoder: {encoder}", *(rows or PERSONS))
    return read_source("made", models)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (SAFE, {0: "n09820263", 1: "n09818022", 4: "n10344774"}),
        (EVERYTHING, {0: "n09820263", 1: "n09818022", 3: "n09846755", 4: "n10344774"}),
    ],
)
def test_only_the_rows_that_are_shown_are_kept(
    tmp_path: Path, content: ContentSettings, kept: Mapping[int, str]
) -> None:
    """The built file has the head's row of each visible label, and of no hidden one."""
    write_weights(tmp_path, tiny(), TINY)
    made = from_head.build_from_head(write(tmp_path, TINY), content)
    weight, bias = made.tensors["weight"], made.tensors["bias"]
    assert made.tensors["rows"].tolist() == list(kept)
    assert weight.shape == (len(kept), 192)
    assert weight.dtype == bias.dtype == torch.float32
    order = timm.data.ImageNetInfo("imagenet-21k-goog").label_names()
    for place, id_ in enumerate(kept.values()):
        assert torch.equal(weight[place], tiny().head.weight[order.index(id_)])
        assert torch.equal(bias[place], tiny().head.bias[order.index(id_)])
    assert f"The built file has {len(kept)} of the network's 21,843 classes" in made.figures[0]


def test_background_takes_score_in_a_head_too(tmp_path: Path) -> None:
    """The built file has the head's rows of the background."""
    write_weights(tmp_path, tiny(), TINY)
    rows = (f"{HEADER},is_background", "0,none,,,,yes", "3,three,,,,")
    assert from_head.build_from_head(write(tmp_path, TINY, *rows)).tensors["rows"].tolist() == [
        0,
        1,
    ]


def test_showing_more_labels_needs_a_build(tmp_path: Path) -> None:
    """Showing a label that was hidden when the head was built is an error.

    Hiding another label is not. After a build with the curator's list, the scores are the same as
    after a build of everything.
    """
    safe = made_classes(tmp_path)
    everything = load_label_set("made-classes", EVERYTHING, tmp_path)
    why = (
        r"some labels are shown now, but were hidden when this file was built, so it does not "
        r"contain them \(1 label\). "
        r"Run: kiosk labels build made-classes"
    )
    encoder = built_file.read_metadata(safe)["encoder_sha256"]
    with pytest.raises(LabelSetError, match=why):
        built_file.check_built(everything)
    with pytest.raises(LabelSetError, match=why):
        LinearScorer.from_built(everything, encoder, 192)
    built_file.check_built(safe)
    features = torch.randn(4, 192, generator=torch.Generator().manual_seed(0))
    of_safe = score(LinearScorer.from_built(safe, encoder, 192), features)
    build.build("made-classes", tmp_path, content=EVERYTHING)
    built_file.check_built(everything)
    assert score(LinearScorer.from_built(everything, encoder, 192), features).shape == (4, 4)
    assert torch.equal(score(LinearScorer.from_built(safe, encoder, 192), features), of_safe)


def test_a_label_may_be_named_by_its_number(tmp_path: Path) -> None:
    """The id of a row may be the number of a class."""
    write_weights(tmp_path, tiny(), TINY)
    made = from_head.build_from_head(write(tmp_path, TINY, HEADER, "21842,last,the last one,,"))
    assert torch.equal(made.tensors["weight"][0], tiny().head.weight[21842])


@pytest.mark.parametrize(
    "name",
    [
        "resnet10t.c3_in1k",  # a linear layer on pooled features
        "convnext_atto.d2_in1k",  # a norm between the pooling and the head
        "resnetv2_50x1_bit.goog_in21k",  # a head that is a convolution of one pixel
        "mobilenetv3_small_050.lamb_in1k",  # layers between the pooling and the head
    ],
)
def test_heads_of_many_forms_are_one_weighted_sum(tmp_path: Path, name: str) -> None:
    """The build accepts four kinds of heads, because each is a weighted sum of the features.

    The build itself compares its rows with the logits of the whole network.
    """
    torch.manual_seed(0)
    network = timm.create_model(name).eval()
    write_weights(tmp_path, network, name)
    made = from_head.build_from_head(
        write(tmp_path, name, HEADER, "3,three,the third,,", "0,none,the first,,")
    )
    assert made.tensors["rows"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("deit_tiny_distilled_patch16_224.fb_in1k", "no head, or more than one"),
        ("vit_base_patch32_224.orig_in21k", "no head, or more than one|has no head"),
    ],
)
def test_a_network_without_one_head_is_refused(tmp_path: Path, name: str, why: str) -> None:
    """A network with two heads or none is refused."""
    write_weights(tmp_path, timm.create_model("resnet10t", num_classes=0), name)
    with pytest.raises(WeightsError, match=why):
        from_head.build_from_head(write(tmp_path, name, HEADER, "3,three,the third,,"))


@pytest.mark.parametrize(
    ("weight", "bias", "why"),
    [
        (
            torch.zeros(1000),
            torch.zeros(1000),
            r"'fc.weight' has the shape \[1000\] \(expected 1,000 rows\)",
        ),
        (torch.zeros(999, 8), torch.zeros(999), r"'fc.weight' has the shape \[999, 8\]"),
        (
            torch.zeros(1000, 8),
            torch.zeros(7),
            r"'fc.bias' has the shape \[7\] \(expected 1,000 numbers\)",
        ),
    ],
)
def test_a_head_of_another_form_is_refused(
    tmp_path: Path, weight: torch.Tensor, bias: torch.Tensor, why: str
) -> None:
    """Another network's file is refused with what is wrong with its tensors."""
    file = tmp_path / "foreign.safetensors"
    save_file({"fc.weight": weight, "fc.bias": bias}, file)
    with pytest.raises(WeightsError, match=why):
        from_head.read_rows("resnet10t.c3_in1k", file, [3], 1000)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """A truncated file is refused with the command that fetches it."""
    file = write_weights(tmp_path, tiny(), TINY)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(
        WeightsError, match=f"the file is damaged. Delete the file and run: kiosk fetch timm/{TINY}"
    ):
        from_head.build_from_head(write(tmp_path, TINY))


def test_a_head_that_does_more_than_sum_is_refused(tmp_path: Path) -> None:
    """A network that changes its logits after the weighted sum is refused."""

    class Louder(torch.nn.Module):
        pretrained_cfg = tiny().pretrained_cfg

        def __init__(self) -> None:
            super().__init__()
            self.network = timm.create_model("vit_tiny_patch16_224", num_classes=10)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.network(batch)
            return logits * 2 + 1

        def reset_classifier(self, classes: int) -> None:
            self.network.reset_classifier(classes)

    torch.manual_seed(0)
    louder = Louder().eval()
    head = louder.network.head
    weight, bias = head.weight.detach(), head.bias.detach()
    assert from_head.try_rows(louder, weight, bias, list(range(10))) > from_head.TOLERANCE


def test_the_building_needs_the_weights(tmp_path: Path) -> None:
    """Without the weights the build names the command that fetches them."""
    with pytest.raises(WeightsError, match=f"Run: kiosk fetch timm/{TINY}"):
        from_head.build_from_head(write(tmp_path, TINY))
    with pytest.raises(LabelSetError, match="has no network of this name"):
        from_head.build_from_head(write(tmp_path, "vit_tiny_patch16_224.x_in21k"))
