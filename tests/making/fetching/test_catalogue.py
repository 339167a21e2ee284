from __future__ import annotations

import pytest

from installation.errors import FetchError
from installation.making.fetching import catalogue
from installation.making.fetching.catalogue import WebFile
from installation.seeing.faces import yunet


def test_every_item_has_its_own_name_file_and_https_origins() -> None:
    """Names and files of the catalogue are unique, and web addresses use https."""
    for values in ([item.name for item in catalogue.ITEMS], [i.file for i in catalogue.ITEMS]):
        assert len(set(values)) == len(values)
    for item in catalogue.ITEMS:
        assert catalogue.find(item.name) is item
        assert "/" not in item.file
        for origin in item.origins:
            assert not isinstance(origin, WebFile) or origin.url.startswith("https://")
        assert item.sha256 is None or len(item.sha256) == 64


def test_the_catalogue_pins_the_detector_that_the_show_accepts() -> None:
    """`kiosk fetch yunet` downloads the file that the show's detector accepts."""
    item = catalogue.find("yunet")
    assert (item.file, item.sha256) == (yunet.WEIGHTS_FILE.name, yunet.WEIGHTS_SHA256)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yunnet", "'yunnet' is not in the catalogue. Did you mean 'yunet'?"),
        ("qqq", "Known: yunet, persons-21k, clip, imagenet-safety, all, timm/NETWORK."),
        ("timm/vit_base_patch16_224.augreg_in21", "timm has no network with this name"),
        ("timm/qqq", "or no weights for it. See https://huggingface.co/timm."),
        ("timm/gcvit_tiny.in1k", "the weights of this network are not on Hugging Face"),
    ],
)
def test_an_unknown_name_is_refused(name: str, message: str) -> None:
    """A name that is not in the catalogue is refused, with the known or the most similar names.

    So is a network whose weights are not on Hugging Face.
    """
    with pytest.raises(FetchError) as caught:
        catalogue.find(name)
    assert message in str(caught.value)


def test_every_network_of_timms_on_the_hub_can_be_fetched() -> None:
    """timm/NETWORK is the hub's file of that network; the one of persons-21k is persons-21k."""
    for name in ("convnext_tiny.fb_in22k", "resnet50.a1_in1k"):
        item = catalogue.find(f"timm/{name}")
        assert item.file == f"{name}.safetensors"
        assert str(item.origins[0]) == f"Hugging Face timm/{name}, model.safetensors"
    default = catalogue.find("timm/vit_base_patch16_224.augreg_in21k")
    assert default is catalogue.find("persons-21k")
