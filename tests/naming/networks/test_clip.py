from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from subprocess import run

import open_clip
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data

from installation.errors import WeightsError
from installation.naming.networks import clip
from installation.naming.networks.clip import Architecture, Clip, Tower
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from tests.support.made_prompts import NAME, WEIGHTS, made_prompts
from tests.support.small_clip import SHALLOW, SMALL, small_clip

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small CLIP."""
    file = tmp_path_factory.mktemp("clip") / "clip.safetensors"
    small_clip(file)
    return file


@pytest.fixture(scope="module")
def encoder(weights: Path) -> Clip:
    """Return the image tower of a small CLIP."""
    return Clip(CPU, weights, SMALL)


def batch(count: int, side: int) -> torch.Tensor:
    """Return crops of noise."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_it_keeps_the_encoders_contract(encoder: Clip, weights: Path) -> None:
    """It satisfies Encoder: a row of `width` numbers of unit length per crop, also for no crop."""
    kept: Encoder = encoder
    assert kept.fingerprint == hashlib.sha256(weights.read_bytes()).hexdigest()
    for count in (0, 1, 3, 12):
        features = kept.encode(batch(count, kept.input.size))
        assert features.shape == (count, kept.width)
        assert features.dtype == torch.float32
        assert not features.requires_grad
        assert torch.allclose(features.norm(dim=1), torch.ones(count))


@pytest.mark.parametrize("architecture", [SMALL, SHALLOW], ids=["small", "true widths"])
def test_its_features_are_open_clips(architecture: Architecture, tmp_path: Path) -> None:
    """Features differ by less than 1e-4 from those of open_clip's `encode_image`.

    The second architecture is ViT-B-32 in every shape, with one layer instead of twelve.
    """
    theirs = small_clip(tmp_path / "clip.safetensors", architecture)
    ours = Clip(CPU, tmp_path / "clip.safetensors", architecture)
    pictures = batch(3, architecture.size)
    with torch.inference_mode():
        expected = theirs.encode_image(pictures, normalize=True)
    assert (ours.encode(pictures) - expected).abs().max() < 1e-4


def test_the_default_is_open_clips_vit_b_32() -> None:
    """The architecture is the one that open_clip has under the name ViT-B-32."""
    config = open_clip.get_model_config("ViT-B-32")
    default = clip.VIT_B_32
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


def test_a_batch_is_its_crops_one_by_one(encoder: Clip) -> None:
    """What is said of a visitor does not depend on who stands beside them."""
    pictures = batch(11, encoder.input.size)
    alone = torch.cat([encoder.encode(picture[None]) for picture in pictures])
    assert (encoder.encode(pictures) - alone).abs().max() < 1e-4


def test_pictures_reach_it_as_open_clip_prepares_them(encoder: Clip) -> None:
    """A square picture is scaled and normalised as by open_clip, to within a grey level."""
    portrait = data.astronaut()
    theirs = image_transform(
        encoder.input.size, is_train=False, mean=clip.MEAN, std=clip.STD, interpolation="bicubic"
    )(Image.fromarray(portrait))
    frame = Frame(portrait, 0.0)
    (ours,) = crops.cut(frame, [Box(0, 0, 9, 9)], "frame", encoder.input, CPU)
    grey_level = 1 / 255 / min(clip.STD)
    assert (ours - theirs).abs().max() <= grey_level + 1e-5


def refusal(weights: Path) -> str:
    """Return what is wrong with the weights, as the error says it."""
    with pytest.raises(WeightsError) as caught:
        Clip(CPU, weights, SMALL)
    (mistake,) = caught.value.mistakes
    assert mistake.remedy == "Run: kiosk fetch clip"
    assert mistake.where == str(weights)
    return mistake.what


def test_weights_that_were_not_fetched_say_how(tmp_path: Path) -> None:
    """Without its file CLIP names the command that fetches it."""
    missing = tmp_path / "clip.safetensors"
    assert refusal(missing) == "the weights cannot be read (No such file or directory)"


@pytest.mark.parametrize("length", [0, 4, 1000, 1_000_000])
def test_truncated_weights_are_refused(weights: Path, tmp_path: Path, length: int) -> None:
    """A file that was cut short is damaged, wherever it was cut."""
    cut = tmp_path / "clip.safetensors"
    cut.write_bytes(weights.read_bytes()[:length])
    assert refusal(cut) == "the weights are damaged"


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """open_clip's older files, which may carry code, are not read under this name either."""
    torch.save({"visual.proj": torch.zeros(128, 32)}, tmp_path / "clip.safetensors")
    assert refusal(tmp_path / "clip.safetensors") == "the weights are damaged"


def test_another_networks_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    """Names, shapes and kinds of all tensors are checked by the header, before any is read."""
    file = tmp_path / "clip.safetensors"
    tensors = load_file(weights)
    projection = tensors.pop("visual.proj")
    save_file(tensors, file)
    assert refusal(file) == "the tensor 'visual.proj' is missing (expected F32 [128, 32])"
    save_file({**tensors, "visual.proj": projection.T.contiguous()}, file)
    expected = "the tensor 'visual.proj' is F32 [32, 128] (expected F32 [128, 32])"
    assert refusal(file) == expected
    save_file({**tensors, "visual.proj": projection.half()}, file)
    expected = "the tensor 'visual.proj' is F16 [128, 32] (expected F32 [128, 32])"
    assert refusal(file) == expected
    wide = Architecture(Tower(64, 1), Tower(64, 1), 32, size=64)
    small_clip(file, wide)
    assert "'visual.class_embedding' is F32 [64] (expected F32 [128])" in refusal(file)


def test_the_weights_are_those_beside_the_set(tmp_path: Path) -> None:
    """A set is read by the network in the folder that its own remedy fills."""
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
from installation.naming.networks.clip import Architecture, Clip, Tower

small = {SMALL!r}
models = Path(sys.argv[1])
label_set = load_label_set("{NAME}", ContentSettings(), models)
encoder = Clip(torch.device("cpu"), models / "{WEIGHTS}", small)
scorer = label_set.settings.method.open_scorer(label_set, encoder)
classifier = CropClassifier(label_set, encoder, scorer, encoder.device)
strangers = ("open_clip", "transformers", "tokenizers", "ftfy", "installation.making")
print([name for name in strangers if name in sys.modules])
tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)]
shapes = [tuple(tensor.shape) for tensor in tensors]
assert (small.features, small.image.width) in shapes
print([shape for shape in shapes if small.vocabulary in shape or small.context in shape])
"""


def test_the_show_holds_no_text_encoder(tmp_path: Path) -> None:
    """Opening a set of sentences loads no text tower, no tokenizer, and no module of theirs."""
    made_prompts(tmp_path)
    child = run(
        [sys.executable, "-c", OPENING, tmp_path], capture_output=True, text=True, check=False
    )
    assert (child.stdout, child.stderr) == ("[]\n[]\n", "")
