from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from subprocess import run
from typing import Final

import open_clip
import pytest
import timm
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transform import image_transform
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data
from timm.data import ImageNetInfo, infer_imagenet_subset
from timm.data.imagenet_info import _SUBSETS
from timm.models import get_pretrained_cfg

from installation.errors import KioskError, LabelSetError, WeightsError
from installation.naming.label_set.load import load_label_set
from installation.naming.lists import class_lists
from installation.naming.lists.weights import PERSONS
from installation.naming.networks.encoder import MAX_BATCH, Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.networks.timm_network import (
    VIT_B_32,
    Architecture,
    Clip,
    TimmFeatures,
    Tower,
)
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from tests.support.made_networks import TINY, made_classes, noise, tiny, write_set, write_weights
from tests.support.made_prompts import NAME, WEIGHTS, made_prompts
from tests.support.small_clip import SHALLOW, SMALL, small_clip
from tests.support.tensors import encode, score

CPU: Final = "cpu"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the tiny network's weights."""
    folder = tmp_path_factory.mktemp("models")
    write_weights(folder, tiny(), TINY)
    return folder


def message(caught: pytest.ExceptionInfo[KioskError], models: Path) -> str:
    """Return the message of an error, without the test's own folder."""
    return str(caught.value).replace(f"{models}/", "")


def test_features_head_and_scores_are_the_whole_networks(models: Path) -> None:
    """Scores of three categories are the softmax of timm's own logits for these three."""
    label_set = made_classes(models)
    encoder = open_encoder(label_set, CPU)
    scores = score(
        label_set.settings.method.open_scorer(label_set, encoder), encode(encoder, noise(3, 224))
    )
    order = ImageNetInfo("imagenet-21k-goog").label_names()
    with torch.inference_mode():
        logits = tiny()(noise(3, 224))[:, [order.index(label.id) for label in label_set.labels]]
    assert [label.name for label in label_set.labels] == ["athlete", "astronaut", "namer"]
    assert (scores - logits.softmax(1)).abs().max() < 1e-4
    assert scores.std(0).min() > 1e-4, "the pictures are told apart"


def test_more_crops_than_a_batch_are_encoded_as_each_alone(models: Path) -> None:
    """Each crop has the same features alone and among others."""
    encoder = TimmFeatures(TINY, CPU, models / "weights")
    batch = noise(MAX_BATCH + 1, 224)
    together = encode(encoder, batch)
    assert together.shape == (MAX_BATCH + 1, encoder.width)
    assert (together[-1:] - encode(encoder, batch[-1:])).abs().max() < 1e-4
    assert encode(encoder, batch[:0]).shape == (0, encoder.width)


def test_pictures_come_as_the_network_was_trained(models: Path) -> None:
    """Size, mean, std and interpolation come from timm's description of the network."""
    encoder = TimmFeatures(TINY, CPU, models / "weights")
    assert encoder.input.size == 224
    assert encoder.input.mean == encoder.input.std == (0.5, 0.5, 0.5)
    assert encoder.input.interpolation == "bicubic"
    weights = (models / "weights" / f"{TINY}.safetensors").read_bytes()
    assert encoder.fingerprint == hashlib.sha256(weights).hexdigest()


def test_without_weights_the_command_is_named(tmp_path: Path) -> None:
    """If the weights are missing, the message names the command that fetches them."""
    with pytest.raises(WeightsError) as caught:
        TimmFeatures(TINY, CPU, tmp_path)
    assert message(caught, tmp_path) == (
        f"{TINY}.safetensors: the weights of {TINY} are missing. Run: kiosk fetch timm/{TINY}"
    )
    with pytest.raises(WeightsError, match="Run: kiosk fetch persons-21k"):
        TimmFeatures(PERSONS, CPU, tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """Tensors that are missing, unknown or with another shape are named."""
    torch.manual_seed(0)
    smaller = timm.create_model("vit_tiny_patch16_224", num_classes=1000)
    write_weights(tmp_path, smaller, TINY)
    with pytest.raises(WeightsError) as caught:
        TimmFeatures(TINY, CPU, tmp_path / "weights")
    assert (
        "2 tensors with another shape (head.bias [1000], expected [21843], head.weight"
        in message(caught, tmp_path)
    )
    write_weights(tmp_path, timm.create_model("resnet10t"), TINY)
    with pytest.raises(WeightsError, match=r"152 tensors missing .*; .* tensors unknown"):
        TimmFeatures(TINY, CPU, tmp_path / "weights")


@pytest.mark.parametrize("kept", [0, 7, 5000, -1])
def test_damaged_weights_are_refused(models: Path, tmp_path: Path, kept: int) -> None:
    """A file that is cut off anywhere is damaged."""
    whole = (models / "weights" / f"{TINY}.safetensors").read_bytes()
    (tmp_path / f"{TINY}.safetensors").write_bytes(whole[:kept])
    with pytest.raises(WeightsError, match="the file is damaged"):
        TimmFeatures(TINY, CPU, tmp_path)


@pytest.mark.parametrize("name", ["nonsense", "vit_tiny_patch16_224.nonsense"])
def test_a_network_that_timm_does_not_know_is_refused(tmp_path: Path, name: str) -> None:
    """A mistyped name of a network is quoted, with an example of a whole name."""
    with pytest.raises(LabelSetError, match=r"has no network of this name\. Write the whole name"):
        TimmFeatures(name, CPU, tmp_path)


def test_the_order_of_classes_is_timms_own_for_all_its_networks() -> None:
    """For each network with a head, its name leads to the class list that timm infers."""
    for name in timm.list_models(pretrained=True):
        config = get_pretrained_cfg(name)
        subset = infer_imagenet_subset(config.to_dict())
        if subset and not name.startswith("resmlp_"):  # fb_dino, which no name reveals
            file = _SUBSETS[re.sub(r"[-_\s]", "", subset)]
            assert class_lists.find_head(name) == file, name
            places = class_lists.outputs(name)
            assert places is not None
            assert max(places.values()) + 1 == config.num_classes, name


def test_known_categories_are_at_their_known_places() -> None:
    """In each of six heads a category has the index that timm gives it, by id and by number."""
    for name, subset in (
        (PERSONS, "imagenet-21k-goog"),
        ("convnext_tiny.fb_in22k", "imagenet-22k"),
        ("focalnet_large_fl3.ms_in22k", "imagenet-22k-ms"),
        ("convnext_nano.in12k", "imagenet-12k"),
        ("tresnet_m.miil_in21k", "imagenet-21k-miil"),
        ("resnet18.a1_in1k", "imagenet-1k"),
    ):
        places = class_lists.outputs(name)
        assert places is not None
        info = ImageNetInfo(subset)
        for place in (0, 3, 500, info.num_classes() - 1):
            assert places[info.index_to_label_name(place)] == places[str(place)] == place
    persons = class_lists.outputs(PERSONS)
    assert persons is not None
    assert persons["n00007846"] == 4


def test_a_set_whose_network_timm_does_not_know_is_named(tmp_path: Path) -> None:
    """The message says which set's labelset.yaml names the network."""
    rows = ("id,name,definition,parent,hidden_because", "a,air,,,")
    write_set(tmp_path, "odd", "method: examples\nencoder: nonsense", *rows)
    with pytest.raises(LabelSetError, match=r"odd/labelset\.yaml: encoder is 'nonsense'"):
        open_encoder(load_label_set("odd", ContentSettings(), tmp_path), CPU)


def test_an_unknown_head_is_a_mistake_of_the_set(tmp_path: Path) -> None:
    """The method `classes` needs a network whose list of classes is known."""
    write_set(tmp_path, "odd", "method: classes\nencoder: resnet50x4_clip.openai", "id,name")
    with pytest.raises(LabelSetError) as caught:
        load_label_set("odd", ContentSettings(), tmp_path)
    assert "the classes of the encoder 'resnet50x4_clip.openai' are not known" in str(caught.value)


@pytest.fixture(scope="module")
def clip_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small CLIP."""
    file = tmp_path_factory.mktemp("clip") / "clip.safetensors"
    small_clip(file)
    return file


@pytest.fixture(scope="module")
def clip(clip_weights: Path) -> Clip:
    """Return the image tower of a small CLIP."""
    return Clip(CPU, clip_weights, SMALL)


def pictures(count: int, side: int) -> torch.Tensor:
    """Return normalised crops of noise, `(count, 3, side, side)`."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_clip_keeps_the_encoders_contract(clip: Clip, clip_weights: Path) -> None:
    """CLIP satisfies Encoder: a row of unit length for each crop, also for no crop."""
    encoder: Encoder = clip
    assert encoder.fingerprint == hashlib.sha256(clip_weights.read_bytes()).hexdigest()
    for count in (0, 1, 3, 12):
        features = encode(encoder, pictures(count, encoder.input.size))
        assert features.shape == (count, encoder.width)
        assert features.dtype == torch.float32
        assert not features.requires_grad
        assert torch.allclose(features.norm(dim=1), torch.ones(count))


@pytest.mark.parametrize("architecture", [SMALL, SHALLOW], ids=["small", "true widths"])
def test_clips_features_are_open_clips(architecture: Architecture, tmp_path: Path) -> None:
    """Features differ by less than 1e-4 from those of open_clip's `encode_image`.

    The second architecture is ViT-B-32 in every shape, with one layer instead of twelve.
    """
    theirs = small_clip(tmp_path / "clip.safetensors", architecture)
    ours = Clip(CPU, tmp_path / "clip.safetensors", architecture)
    batch = pictures(3, architecture.size)
    with torch.inference_mode():
        expected = theirs.encode_image(batch, normalize=True)
    assert (encode(ours, batch) - expected).abs().max() < 1e-4


def test_the_default_is_open_clips_vit_b_32() -> None:
    """The architecture is the one that open_clip has under the name ViT-B-32."""
    config = open_clip.get_model_config("ViT-B-32")
    default = VIT_B_32
    assert config["embed_dim"] == default.features
    assert config["vision_cfg"] == {
        "image_size": default.size,
        "layers": default.image.layers,
        "width": default.image.width,
        "patch_size": default.patch,
    }
    assert config["text_cfg"] == {
        "context_length": default.context,
        "vocab_size": default.vocabulary,
        "width": default.text.width,
        "heads": default.text.heads,
        "layers": default.text.layers,
    }


def test_clips_batch_is_its_crops_one_by_one(clip: Clip) -> None:
    """The features of a crop do not depend on the other crops."""
    batch = pictures(11, clip.input.size)
    alone = torch.cat([encode(clip, picture[None]) for picture in batch])
    assert (encode(clip, batch) - alone).abs().max() < 1e-4


def test_pictures_are_prepared_as_by_open_clip(clip: Clip) -> None:
    """A square picture is scaled and normalised as by open_clip, within one grey level."""
    portrait = data.astronaut()
    theirs = image_transform(
        clip.input.size,
        is_train=False,
        mean=OPENAI_DATASET_MEAN,
        std=OPENAI_DATASET_STD,
        interpolation="bicubic",
    )(Image.fromarray(portrait))
    frame = Frame.from_rgb(portrait, 0.0)
    (ours,) = crops.cut(frame, [Box(0, 0, 9, 9)], "frame", clip.input)
    grey_level = 1 / 255 / min(clip.input.std)
    assert (torch.from_numpy(ours) - theirs).abs().max() <= grey_level + 1e-5


DAMAGED = "the file does not contain clip: the file is damaged"
ANOTHERS = "the file does not contain clip: its tensors belong to another network"


def refusal(clip_weights: Path) -> str:
    """Return why CLIP's weights are refused."""
    with pytest.raises(WeightsError) as caught:
        Clip(CPU, clip_weights, SMALL)
    (mistake,) = caught.value.mistakes
    assert mistake.remedy.endswith("un: kiosk fetch clip")
    assert mistake.where == str(clip_weights)
    return mistake.problem


def test_without_clips_weights_the_command_is_named(tmp_path: Path) -> None:
    """Without CLIP's file the message names the command that fetches it."""
    missing = tmp_path / "clip.safetensors"
    assert refusal(missing) == "the weights of clip are missing"


@pytest.mark.parametrize("length", [0, 4, 1000, 1_000_000])
def test_truncated_weights_of_clip_are_refused(
    clip_weights: Path, tmp_path: Path, length: int
) -> None:
    """A file of CLIP that is cut off anywhere is damaged."""
    cut = tmp_path / "clip.safetensors"
    cut.write_bytes(clip_weights.read_bytes()[:length])
    assert refusal(cut) == DAMAGED


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """A pickle, which may contain code, is refused even if its name is clip.safetensors."""
    torch.save({"visual.proj": torch.zeros(128, 32)}, tmp_path / "clip.safetensors")
    assert refusal(tmp_path / "clip.safetensors") == DAMAGED


def test_another_networks_weights_are_not_clips(clip_weights: Path, tmp_path: Path) -> None:
    """Tensors that are missing or with another shape, type or network are refused."""
    file = tmp_path / "clip.safetensors"
    tensors = load_file(clip_weights)
    projection = tensors.pop("visual.proj")
    save_file(tensors, file)
    assert refusal(file) == ANOTHERS
    save_file({**tensors, "visual.proj": projection.T.contiguous()}, file)
    assert refusal(file) == ANOTHERS
    save_file({**tensors, "visual.proj": projection.half()}, file)
    assert refusal(file) == (
        "the file does not contain clip: its tensors are F16, F32 (expected F32)"
    )
    small_clip(file, Architecture(Tower(64, 1), Tower(64, 1), 32, size=64))
    assert refusal(file) == ANOTHERS
    save_file(timm.create_model("resnet10t").state_dict(), file)
    assert refusal(file) == ANOTHERS


def test_clips_weights_are_those_beside_the_label_set(tmp_path: Path) -> None:
    """The show reads CLIP from the folder of `kiosk fetch`."""
    label_set = made_prompts(tmp_path)
    with pytest.raises(WeightsError) as caught:
        open_encoder(label_set, CPU)
    assert str(caught.value).startswith(f"{tmp_path}/weights/clip.safetensors: ")


OPENING = f"""
import gc, sys
from pathlib import Path
import torch
from installation.settings.kiosk import ContentSettings
from installation.naming.label_set.load import load_label_set
from installation.naming.reading.classifier import CropClassifier
from installation.naming.networks.timm_network import Architecture, Clip, Tower

small = {SMALL!r}
models = Path(sys.argv[1])
label_set = load_label_set("{NAME}", ContentSettings(), models)
encoder = Clip("cpu", models / "{WEIGHTS}", small)
scorer = label_set.settings.method.open_scorer(label_set, encoder)
classifier = CropClassifier(label_set, encoder, scorer, "cpu")
strangers = ("open_clip", "transformers", "tokenizers", "ftfy", "installation.making")
print([name for name in strangers if name in sys.modules])
tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)]
shapes = [tuple(tensor.shape) for tensor in tensors]
assert (small.features, small.image.width) in shapes
print([shape for shape in shapes if small.vocabulary in shape or small.context in shape])
"""


def test_the_show_holds_no_text_encoder(tmp_path: Path) -> None:
    """A label set of sentences opens without text tower, tokenizer, or any of their modules."""
    made_prompts(tmp_path)
    child = run(
        [sys.executable, "-c", OPENING, tmp_path], capture_output=True, text=True, check=False
    )
    assert (child.stdout, child.stderr) == ("[]\n[]\n", "")
