from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Final

import pytest
import timm
import torch
import transformers

from installation.errors import LabelSetError
from installation.naming.networks.encoder import Input
from installation.naming.networks.open import check_network
from tests.support.children import STAGE_ONE_PROGRAM, USERS, run
from tests.support.made_networks import (
    load,
    made_hf,
    noise,
    opened,
    peak_memory,
    refusal,
    small,
    timm_config,
    write_hf,
    write_set,
)
from tests.support.tensors import encode

CPU: Final = "cpu"


def test_a_network_that_timm_saved_gives_timms_logits(tmp_path: Path) -> None:
    """Logits, names and the format of pictures are the same as timm's."""
    label_set = made_hf(tmp_path)
    encoder = opened(label_set.folder)
    batch = noise(9, 64)
    with torch.inference_mode():
        assert (encode(encoder, batch) - small()(batch)).abs().max() < 1e-4
    assert encoder.input.size == 64
    assert encoder.input.mean == (0.485, 0.456, 0.406)
    assert encoder.input.interpolation == "bicubic"
    assert [label.name for label in label_set.labels] == ["cat", "dog", "astronaut"]
    assert encode(encoder, batch[:0]).shape == (0, 3)


def vision_transformer(**other: Any) -> Any:
    """Return a small vision transformer of transformers with random weights."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3}
    sizes |= {"intermediate_size": 100, "image_size": 32, "patch_size": 8}
    names = {0: "sun", 1: "rain", 2: "snow"}
    config = transformers.ViTConfig(**sizes, id2label=names, initializer_range=0.2, **other)
    return transformers.ViTForImageClassification(config).eval()


@pytest.mark.parametrize("other", [{}, {"qkv_bias": False, "hidden_act": "relu"}])
def test_a_vision_transformer_gives_transformers_own_logits(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    """A vision transformer saved by transformers has the same logits, names and normalisation."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    theirs = vision_transformer(**other)
    theirs.save_pretrained(folder)
    transformers.ViTImageProcessor(
        image_mean=[0.4, 0.5, 0.6], resample=3, size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    encoder = opened(folder)
    with torch.inference_mode():
        expected = theirs(pixel_values=noise(3)).logits
    assert (encode(encoder, noise(3)) - expected).abs().max() < 1e-4
    assert encoder.input.mean == (0.4, 0.5, 0.6)
    assert encoder.input.std == (0.5, 0.5, 0.5)
    assert encoder.input.interpolation == "bicubic"
    assert [label.name for label in load(folder).labels] == ["sun", "rain", "snow"]


SMALL = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3}
SMALL |= {"intermediate_size": 100, "image_size": 32, "patch_size": 8}
TWO = {"0": "sun", "1": "rain"}
SWIN: dict[str, Any] = {"image_size": 32, "patch_size": 4, "window_size": 4, "embed_dim": 12}
SWIN |= {"depths": [1, 2], "num_heads": [2, 3]}
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "layer_type": "basic"}
WIDTHS = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 2, 3, 1], "layer_scale_init_value": 0.5}


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("DeiTForImageClassification", SMALL),
        ("DeiTForImageClassificationWithTeacher", SMALL),
        ("ConvNextForImageClassification", WIDTHS),
        ("ConvNextForImageClassification", WIDTHS | {"layer_scale_init_value": 0.0}),
        ("ConvNextForImageClassification", WIDTHS | {"hidden_act": "gelu_pytorch_tanh"}),
        ("SwinForImageClassification", SWIN),
        ("ResNetForImageClassification", RESNET),
        ("MobileNetV2ForImageClassification", {"image_size": 32, "depth_multiplier": 0.25}),
    ],
)
def test_each_kind_of_classifier_gives_transformers_own_logits(
    tmp_path: Path, kind: str, other: dict[str, Any]
) -> None:
    """Vision transformers and convolutional networks have the same logits as in transformers."""
    folder = write_set(tmp_path, "made-hf", "method: onnx\ninput: {size: 32}")
    torch.manual_seed(0)
    theirs = getattr(transformers, kind)
    config = theirs.config_class(**other, num_labels=5, initializer_range=0.2)
    network = theirs(config).eval()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if "token" in name or "position" in name or name.startswith("classifier"):
                tensor.normal_()
    network.save_pretrained(folder)
    check_network(folder)
    encoder = opened(folder)
    with torch.inference_mode():
        expected = network(pixel_values=noise(3)).logits
    assert expected.std() > 0.05, "there is something to compare"
    assert (encode(encoder, noise(3)) - expected).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            {"depths": [1, 2, 3]},
            "transformers cannot build the network (out_features must be a subset",
        ),
        ({"depths": [1, 2, 9, 1]}, "54 tensors missing (convnext.encoder.stages.2.layers.3."),
        (
            {"hidden_sizes": [8, 16, 24, True]},
            "cannot build the network (Field 'hidden_sizes' with value [8, 16, 24, True]",
        ),
    ],
)
def test_a_convnext_that_does_not_fit_is_refused(
    tmp_path: Path, other: dict[str, object], why: str
) -> None:
    """The network in config.json is compared with the tensors in the file."""
    folder = write_set(tmp_path, "made-hf", "method: onnx\ninput: {size: 32}")
    network = transformers.ConvNextForImageClassification(transformers.ConvNextConfig(**WIDTHS))
    network.save_pretrained(folder)
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"id2label": TWO} | other))
    assert why in refusal(folder)


def test_the_check_names_a_kind_that_is_not_understood(tmp_path: Path) -> None:
    """If config.json names an architecture that is not supported, the check names it."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    check_network(folder)
    file = folder / "config.json"
    other = {"architectures": ["SwinModel"]}
    file.write_text(json.dumps(json.loads(file.read_text()) | other))
    with pytest.raises(
        LabelSetError, match=r"architectures is .*SwinModel.* \(expected an image classifier"
    ):
        check_network(folder)


class Trap:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.file, "code was run")


def test_nothing_else_in_the_folder_is_read_or_run(tmp_path: Path) -> None:
    """Code, pickles, adapters and other weights that config.json names are not read."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    theirs = vision_transformer()
    theirs.save_pretrained(folder)
    mark = tmp_path / "mark"
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    (folder / "evil.bin").write_bytes(pickle.dumps(Trap(mark)))
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "some/body"}')
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"x": "evil.bin"}}')
    evil = {
        "auto_map": {"AutoModelForImageClassification": "evil.Evil", "AutoConfig": "evil.Evil"},
        "transformers_weights": "evil.bin",
        "_name_or_path": "some/body",
        "_attn_implementation": "some/body:kernel",
        "attn_implementation": "some/body",
        "quantization_config": {"quant_method": "gptq", "bits": 4},
        "fusion_config": {"patch_embeddings": True},
        "torch_dtype": "float16",
    }
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | evil))
    with torch.inference_mode():
        expected = theirs(pixel_values=noise(3)).logits
    assert (encode(opened(folder), noise(3)) - expected).abs().max() < 1e-4
    assert not mark.exists()


def test_a_network_of_timm_cannot_name_a_file(tmp_path: Path) -> None:
    """The argument `checkpoint_path`, from which timm would load a pickle, is never passed on."""
    folder = write_hf(tmp_path, small(), timm_config())
    file = folder / "config.json"
    pickled = tmp_path / "evil.pth"
    pickled.write_bytes(pickle.dumps(Trap(tmp_path / "mark")))
    evil = {"checkpoint_path": str(pickled)}
    file.write_text(json.dumps(timm_config(model_args=evil)))
    assert "model_args has checkpoint_path, which is not supported" in refusal(folder)
    wrapper = {"architectures": ["TimmWrapperForImageClassification"], "model_args": evil}
    names = {"id2label": {"0": "sun", "1": "rain"}}
    file.write_text(json.dumps({"model_type": "timm_wrapper", **wrapper, **names}))
    assert "architectures is ['TimmWrapperForImageClassification'] (expected" in refusal(folder)
    inner = {"model_type": "timm_wrapper", "architecture": "resnet10t", "model_args": evil}
    outer = {"architectures": ["ShieldGemma2ForImageClassification"], "vision_config": inner}
    file.write_text(json.dumps({**outer, **names}))
    assert "the network is larger than all tensors in the file together" in refusal(folder)
    assert not (tmp_path / "mark").exists()


SHOW = """
import os, sys, torch
import numpy as np
from pathlib import Path
from installation.settings.kiosk import ContentSettings
from installation.guarding.guard import Guard
from installation.guarding.status import ENVIRONMENT_VARIABLE
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import check_network, open_encoder
os.environ[ENVIRONMENT_VARIABLE] = status.to_json()
torch.set_num_threads(2)
load = lambda: load_label_set('made-hf', ContentSettings(), Path(sys.argv[1]))
encoder = open_encoder(load(), 'cpu')
proof = Guard(status).seal()
assert proof.holds, proof.missing
again = open_encoder(load(), 'cpu')
ones = np.ones((9, 3, 32, 32), np.float32)
print(*encoder.encode(ones).shape, *again.encode(ones[:1]).shape)
"""


def test_the_network_opens_under_both_stages_of_the_guard(tmp_path: Path) -> None:
    """The network opens before the guard is sealed, and after it if the label set changes."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    outcome = run("-c", STAGE_ONE_PROGRAM + SHOW, str(tmp_path), user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == "9 3 1 3\n"
    assert outcome.stderr == ""


def test_the_network_writes_nothing_without_the_guard_either(tmp_path: Path) -> None:
    """If a label set is only checked or built, transformers leaves no cache in the home folder."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    lines = SHOW.splitlines()
    program = "\n".join(line for line in lines if "proof" not in line and "status.to" not in line)
    outcome = run("-c", program, str(tmp_path), user=USERS[0], folder=tmp_path)
    assert outcome.stdout == "9 3 1 3\n", outcome.stderr
    assert list((tmp_path / "home").rglob("*")) == []


def test_a_large_file_beside_a_small_config_takes_no_memory(tmp_path: Path) -> None:
    """Names and shapes are read from the file's header, and none of the 1.2 GB of numbers."""
    folder = write_hf(tmp_path, small(), timm_config())
    file = folder / "model.safetensors"
    size = 1_200_000_000
    wide = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    header = json.dumps({"wide": wide}).encode()
    with file.open("wb") as sparse:
        sparse.write(len(header).to_bytes(8, "little") + header)
        sparse.truncate(8 + len(header) + size)
    before = peak_memory()
    assert "1 tensor unknown (wide)" in refusal(folder)
    assert peak_memory() - before < size / 10


@pytest.mark.parametrize("shape", [[0, 2**62], [0, 2**63], [2**64], [-1], [1.5], "x"])
def test_a_header_that_claims_the_impossible_is_refused(tmp_path: Path, shape: object) -> None:
    """Impossible shapes in the header end in a message."""
    folder = write_hf(tmp_path, small(), timm_config())
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    header = json.dumps({"fc.bias": tensor}).encode()
    file = folder / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert "model.safetensors: it " in refusal(folder)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            {"architecture": "hf-hub:somebody/else"},
            "architecture is 'hf-hub:somebody/else', which timm",
        ),
        ({"architecture": 3}, "architecture is 3, which timm"),
        (
            {"num_classes": 4, "model_args": {}},
            "its tensors do not fit the resnet10t that config.json describes: 2 tensors with",
        ),
        ({"model_args": {"num_classes": 4}}, "2 tensors with another shape (fc.bias [3], expected"),
        (
            {"model_args": {"num_classes": 10**9}},
            "num_classes is 1000000000 (expected a number from 1 to 100,000)",
        ),
        (
            {"architecture": "vit_giant_patch14_224", "global_pool": None},
            "the network is larger than all tensors in the file together",
        ),
        ({"architecture": "resnet18"}, "tensors missing"),
        (
            {"global_pool": "os.system", "model_args": {}},
            "global_pool is 'os.system', which is not supported",
        ),
        ({"model_args": {"global_pool": "x"}}, "global_pool is 'x', which is not supported"),
        ({"model_args": {"block": "x"}}, "model_args has block, which is not supported"),
        ({"model_args": {"img_size": 64}}, "transformers cannot build the network"),
        ({"model_args": {"in_chans": 1}}, "in_chans is not 3"),
        ({"pretrained_cfg": {"input_size": [3, 9, 9]}}, "input_size is [3, 9, 9] (expected a sq"),
        ({"pretrained_cfg": {"mean": "x"}}, "mean is 'x' (expected three numbers up to 10)"),
        ({"pretrained_cfg": {"std": [0, 1, 1]}}, "std is [0, 1, 1] (expected three"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    tmp_path: Path, other: dict[str, object], why: str
) -> None:
    """config.json cannot describe a network that the file of tensors does not contain."""
    folder = write_hf(tmp_path, small(), timm_config(**other))
    assert why in refusal(folder)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            {"architectures": ["SwinForImageClassification"]},
            "transformers cannot build the network",
        ),
        (
            {"architectures": ["ViTModel"]},
            "architectures is ['ViTModel'] (expected an image classif",
        ),
        (
            {"architectures": None},
            "architectures is None (expected an image classifier of transformers",
        ),
        ({"hidden_size": 10**12}, "hidden_size is 1000000000000 (expected"),
        ({"hidden_size": 50}, "31 tensors with another shape (classifier.weight [3, 48], exp"),
        ({"num_hidden_layers": 3}, "16 tensors missing (vit.layers.2.attention.k_proj.bias"),
        ({"num_hidden_layers": True}, "Field 'num_hidden_layers' expected int, got bool"),
        ({"hidden_act": "xielu"}, "8 tensors missing (vit.layers.0.mlp.activation_fn"),
        ({"layer_norm_eps": "0"}, "Field 'layer_norm_eps' expected float, got str"),
        ({"num_channels": 1}, "num_channels is not 3"),
        ({"image_size": [32, 64]}, "image_size is [32, 64] (expected a square"),
        (
            {"num_hidden_layers": 900_000},
            "the network is larger than all tensors in the file together",
        ),
        (
            {"intermediate_size": 900_000},
            "the network is larger than all tensors in the file together",
        ),
        ({"depths": [1] * 900_000}, "depths has 900,000 items (expected at most 200)"),
        ({"depths": [10**6] * 4}, "(expected at most 1,000,000)"),
        ({"text_config": {"vocab": [10**9]}}, "vocab is [1000000000] (expected at most 1,000,000)"),
    ],
)
def test_a_vision_transformer_that_does_not_fit_is_refused(
    tmp_path: Path, other: dict[str, object], why: str
) -> None:
    """The network in config.json is compared with the tensors in the file."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | other))
    assert why in refusal(folder)


def test_a_huge_number_of_outputs_is_refused(tmp_path: Path) -> None:
    """The number is checked before transformers would make a name for each output."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    (folder / "labels.txt").write_text("sun\nrain\nsnow\n")
    file = folder / "config.json"
    other = {"id2label": None, "num_labels": 10**9}
    file.write_text(json.dumps(json.loads(file.read_text()) | other))
    assert "num_labels is 1000000000 (expected a number from 1 to 100,000)" in refusal(folder)


def test_the_network_pools_as_its_arguments_say(tmp_path: Path) -> None:
    """`model_args` has precedence over the default of the architecture."""
    config = timm_config(model_args={"global_pool": "max"})
    encoder = opened(write_hf(tmp_path, small(), config))
    network = timm.create_model("resnet10t", num_classes=3, global_pool="max").eval()
    network.load_state_dict(small().state_dict())
    with torch.inference_mode():
        assert (encode(encoder, noise(2, 64)) - network(noise(2, 64))).abs().max() < 1e-4


@pytest.mark.parametrize("scale", [1 / 127.5, 1, "1/255", float("nan")])
def test_other_grey_levels_are_refused(tmp_path: Path, scale: object) -> None:
    """`rescale_factor` must be 1/255, the scale of the kiosk's pictures."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps({"rescale_factor": 0.00392156862745098}))
    assert opened(folder).width == 3
    file.write_text(json.dumps({"rescale_factor": scale}))
    assert "rescale_factor is" in refusal(folder)


def test_levels_that_no_file_states_are_named(tmp_path: Path) -> None:
    """The network says which of mean and std are default values, so that `check` can tell."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    vision_transformer().save_pretrained(folder)
    assert opened(folder).input.assumed == ("mean", "std")
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps({"image_mean": [0.4, 0.5, 0.6]}))
    assert opened(folder).input == Input(32, (0.4, 0.5, 0.6), (0.5, 0.5, 0.5), assumed=("std",))
    folder = write_set(tmp_path, "stated", "method: onnx\ninput: {std: [0.2, 0.2, 0.2]}")
    vision_transformer().save_pretrained(folder)
    assert opened(folder).input.assumed == ("mean",)


def test_damaged_tensors_are_refused(tmp_path: Path) -> None:
    """A model.safetensors that is cut off anywhere is refused."""
    folder = write_hf(tmp_path, small(), timm_config())
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    for kept in (0, 7, 3000, len(whole) - 1):
        file.write_bytes(whole[:kept])
        assert "it is not a safetensors file, or it is damaged" in refusal(folder)


def test_scores_are_not_what_hugging_face_gives(tmp_path: Path) -> None:
    """`output: scores` is a mistake for a network that returns logits."""
    folder = write_hf(tmp_path, small(), timm_config(), "output: scores")
    assert "classifiers from Hugging Face return logits" in refusal(folder)


def test_labelset_yaml_may_set_another_size(tmp_path: Path) -> None:
    """If the network can take any size, labelset.yaml decides."""
    folder = write_hf(tmp_path, small(), timm_config(), "input: {size: 96}")
    assert opened(folder).input.size == 96
