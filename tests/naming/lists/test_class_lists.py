from __future__ import annotations

from installation.naming.lists import class_lists, imagenet
from installation.naming.lists.weights import LITE


def test_the_default_networks_outputs_are_imagenets_classes() -> None:
    """A class has the same index whether it is found by its WordNet id or by its number."""
    outputs = class_lists.outputs(LITE)
    assert outputs is not None
    assert class_lists.classes(LITE) == imagenet.classes()
    assert (outputs["n01440764"], outputs["0"], outputs["n01443537"]) == (0, 0, 1)
    assert len(outputs) == 2000


def test_a_name_that_tells_no_imagenet_has_no_known_outputs() -> None:
    """The outputs of a network are unknown if its name does not end in one of ImageNet's sets."""
    assert class_lists.outputs("resnet50x4_clip.openai") is None
    assert class_lists.classes("resnet50x4_clip.openai") == ()
    assert class_lists.find_head("vit_base_patch16_224.augreg_in21k") == (
        "imagenet21k_goog_synsets.txt"
    )


def test_the_outputs_of_any_network_are_numbered() -> None:
    """For a label set's own network, an id is the number of an output."""
    numbered = class_lists.numbered_outputs()
    assert (numbered["0"], numbered["99999"]) == (0, 99_999)
    assert len(numbered) == class_lists.MOST_OUTPUTS
