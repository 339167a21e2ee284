"""Tests of networks of other exporters: each is read, or its remedy is named.

The exporters are torch (as two files, as one, and the older exporter), Optimum, transformers.js,
Custom Vision and tf2onnx. Teachable Machine is in tests/making/keras.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnx.utils
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from installation.errors import LabelSetError
from installation.naming.networks import onnx_check
from installation.naming.networks.encoder import MAX_BATCH
from installation.naming.networks.onnx_network import OnnxNetwork
from installation.naming.networks.open import open_encoder
from installation.naming.reading.classifier import open_classifier
from installation.settings.paths import PROJECT
from tests.support.children import STAGE_ONE_PROGRAM, USERS, run
from tests.support.made_networks import (
    SIDE,
    WEATHER,
    load,
    made_onnx,
    noise,
    onnx_classifier,
    opened,
    reference,
    refusal,
    with_node,
    write_onnx,
    write_set,
)
from tests.support.tensors import encode, score

CPU: Final = "cpu"


def test_an_onnx_classifier_gives_the_logits_of_torch(tmp_path: Path) -> None:
    """Logits are those of the same network in torch, for any number of crops."""
    encoder = open_encoder(made_onnx(tmp_path), CPU)
    batch = noise(MAX_BATCH + 3)
    assert (encode(encoder, batch) - reference(batch)).abs().max() < 1e-4
    assert encode(encoder, batch[:0]).shape == (0, 4)
    assert encoder.name == "classifier.onnx on the CPU"
    data = (tmp_path / "made-onnx" / "classifier.onnx").read_bytes()
    assert encoder.fingerprint == hashlib.sha256(data).hexdigest()


def test_a_labels_id_is_the_number_of_its_output(tmp_path: Path) -> None:
    """Rows may come in any order, and a hidden row takes no share of the score."""
    label_set = made_onnx(tmp_path)
    encoder = open_encoder(label_set, CPU)
    scores = score(
        label_set.settings.method.open_scorer(label_set, encoder), encode(encoder, noise(2))
    )
    assert [label.name for label in label_set.labels] == ["sunny one", "rainy one", "snowy one"]
    assert (scores - reference(noise(2))[:, [0, 1, 2]].softmax(1)).abs().max() < 1e-5


TEACHABLE: dict[str, Any] = {"shape": (1, SIDE, SIDE, 3), "softmax": True}
"""A network of Teachable Machine after tf2onnx: one picture, channels last, scores."""


def test_a_network_of_teachable_machine_is_read_as_exported(tmp_path: Path) -> None:
    """Channels last, one picture at a time, scores and numbered names are all supported."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx\noutput: scores")
    model = onnx_classifier(**TEACHABLE)
    (folder / "classifier.onnx").write_bytes(model.SerializeToString())
    (folder / "labels.txt").write_text("0 Sun\n1 Rain\n2 Hail and snow\n3 4 winds\n")
    label_set = load(folder)
    assert [label.name for label in label_set.labels] == ["Sun", "Rain", "Hail and snow", "4 winds"]
    encoder = open_encoder(label_set, CPU)
    scores = score(
        label_set.settings.method.open_scorer(label_set, encoder), encode(encoder, noise(3))
    )
    assert (scores - reference(noise(3)).softmax(1)).abs().max() < 1e-5


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shape", [(2, 3, SIDE, SIDE), ("N", 3, "h", "w"), (1, SIDE, SIDE, 3)])
def test_any_number_of_visitors_fits_a_fixed_batch(
    tmp_path: Path, shape: tuple[int | str, ...], count: int
) -> None:
    """A network with the batch size two classifies one or five pictures, each as if alone."""
    yaml = f"input: {{size: {SIDE}}}"
    encoder = opened(write_onnx(tmp_path, onnx_classifier(shape=shape), yaml))
    assert encoder.input.size == SIDE
    assert (encode(encoder, noise(count)) - reference(noise(count))).abs().max() < 1e-4


def test_half_precision_and_bytes_are_taken(tmp_path: Path) -> None:
    """Pictures have the type of the network's input; as bytes they have the camera's values."""
    half = opened(write_onnx(tmp_path, onnx_classifier(kind=TensorProto.FLOAT16)))
    assert (encode(half, noise(2)) - reference(noise(2))).abs().max() < 1e-2
    whole = opened(write_onnx(tmp_path, onnx_classifier(kind=TensorProto.UINT8)))
    assert whole.input.mean == (0, 0, 0)
    levels = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(2))
    batch = levels / 255 / torch.tensor(whole.input.std).view(3, 1, 1)
    assert (encode(whole, batch) - reference(levels.float())).abs().max() < 1e-2


def test_labelset_yaml_normalises_pictures(tmp_path: Path) -> None:
    """Mean and std come from labelset.yaml, and the size from the file if that fixes it."""
    yaml = "input: {mean: [0.4, 0.5, 0.6], std: [0.2, 0.2, 0.3]}"
    taken = opened(write_onnx(tmp_path, onnx_classifier(), yaml)).input
    assert taken.size == SIDE
    assert taken.mean == (0.4, 0.5, 0.6)
    assert taken.std == (0.2, 0.2, 0.3)


@pytest.mark.parametrize(
    ("form", "yaml", "why"),
    [
        (
            {},
            "input: {size: 64}",
            "32], but input.size in labelset.yaml is 64. Write 32 under input.size.",
        ),
        ({"shape": (1, 3, 32, 48)}, "", "(expected squares of 16 to 1,024 px)"),
        ({"shape": (65, 3, 32, 32)}, "", "(expected at most 64 pictures at a time)"),
        ({"shape": (1, 4, 32, 32)}, "", "(expected pictures: float, float16 or uint8"),
        ({"kind": TensorProto.INT32}, "", "its input is tensor(int32) [N, 3, 32, 32]"),
        ({"kind": TensorProto.UINT8}, "input: {mean: [0, 0, 0]}", "Delete mean and std"),
        ({"softmax": True}, "", "they are scores, not logits. Write `output: scores`"),
        ({}, "output: scores", "`output: scores`). Write `output: logits`"),
        ({"outputs": 3}, "", "the id '3' is not an output of the network (expected 0 to 2)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(
    tmp_path: Path, form: dict[str, Any], yaml: str, why: str
) -> None:
    """If file and labelset.yaml disagree, the message has the value seen and the remedy."""
    label_set = load(write_onnx(tmp_path, onnx_classifier(**form), yaml, *ROWS))
    with pytest.raises(LabelSetError) as caught:
        open_classifier(label_set, CPU)
    assert why in str(caught.value)


ROWS = ("id,name,definition,parent,hidden_because", "0,a,,,", "1,b,,,", "3,c,,,")


LOAD = """
import os, sys
import numpy as np
from pathlib import Path
from installation.settings.kiosk import ContentSettings
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import open_encoder, prepare_network
loaded = load_label_set('made-onnx', ContentSettings(), Path(sys.argv[1]))
ones = np.ones((9, 3, 32, 32), np.float32)
"""

SHOW = """
from installation.errors import LabelSetError
from installation.guarding.guard import Guard
os.environ["KIOSK_SANDBOX_STATUS"] = status.to_json()
guard = Guard(status)
prepare_network(loaded.folder)
guard.enter_middle_stage()
encoder = open_encoder(loaded, 'cpu')
proof = guard.seal()
assert proof.holds, proof.missing
print(encoder.library, *encoder.encode(ones).shape)
print(np.array_equal(open_encoder(loaded, 'cpu').encode(ones), encoder.encode(ones)))
Path.read_bytes = lambda self: b"another file"
try:
    open_encoder(loaded, 'cpu')
except LabelSetError as error:
    print(error)
"""


def test_the_network_opens_under_the_guard(tmp_path: Path) -> None:
    """The network is checked before the middle stage; a new network needs a restart.

    From the middle stage on the kernel refuses the child process that would judge the file. A
    network that failed is opened again all the same, if its file has not changed.
    """
    made_onnx(tmp_path)
    program = STAGE_ONE_PROGRAM + LOAD + SHOW
    outcome = run("-c", program, str(tmp_path), user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    first, again, changed = outcome.stdout.splitlines()
    assert first == "ONNX Runtime 9 4"
    assert again == "True"
    assert changed.endswith("which a running show must not start. Restart the show.")
    assert outcome.stderr == ""


WITHOUT_GUARD = """
encoder = open_encoder(loaded, 'cpu')
print(encoder.library, *encoder.encode(ones).shape, *encoder.encode(ones[:1]).shape)
child = Path(f"/proc/{encoder._child.pid}/status").read_text()
print([line.split()[1] for line in child.splitlines() if line.startswith("Seccomp_filters")])
"""


def test_onnxruntime_leaves_nothing_without_the_guard_either(tmp_path: Path) -> None:
    """If a label set is only checked or built, the home folder stays empty."""
    made_onnx(tmp_path)
    outcome = run("-c", LOAD + WITHOUT_GUARD, str(tmp_path), user=USERS[0], folder=tmp_path)
    library, filters = outcome.stdout.splitlines()
    assert library == "ONNX Runtime, in a process of its own 9 4 1 4", outcome.stderr
    assert filters == "['3']", "its process is under all stages"
    assert list((tmp_path / "home").rglob("*")) == []


def test_a_network_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    """A small file that needs 160 GB is a mistake of the label set; the memory is not allocated."""
    size = numpy_helper.from_array(np.array([200_000, 200_000], np.int64), "size")
    model = with_node(helper.make_node("ConstantOfShape", ["size"], ["huge"]), size)
    model.graph.node.append(helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["logits", "sum"], ["more"]))
    model.graph.output[0].name = "more"
    assert "cannot run it" in refusal(write_onnx(tmp_path, model))


@pytest.mark.parametrize("name", [b"N", b"pixels"])
def test_names_that_are_not_text_are_refused(tmp_path: Path, name: bytes) -> None:
    """Names of sizes and inputs that are not UTF-8 end in a message."""
    folder = write_onnx(tmp_path, onnx_classifier(shape=("NNNN", 3, SIDE, SIDE)))
    file = folder / "classifier.onnx"
    old = b"NNNN" if name == b"N" else name
    file.write_bytes(file.read_bytes().replace(old, b"\xff" * len(old)))
    assert "classifier.onnx: " in refusal(folder)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "name"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    """Any content of classifier.onnx that is not a network ends in a message."""
    folder = write_onnx(tmp_path, onnx_classifier())
    file = folder / "classifier.onnx"
    whole = file.read_bytes()
    bad = {
        "cut": whole[:-10],
        "empty": b"",
        "text": b"hello",
        "name": whole.replace(b"mat", b"x"),
    }
    file.write_bytes(bad[damage])
    assert refusal(folder).startswith("classifier.onnx: ")


EXPORTED = Path(__file__).with_name("exported")
"""Networks by real exporters; `classifier.onnx` and its second file by torch 2.15, as is
torch_one_file.onnx with `external_data=False`; tf2onnx.onnx by tf2onnx 1.17 from Keras 3.15."""

OPTIMUM = (0.040707, 0.073258, 0.031010, -0.006477)
"""The logits of optimum.onnx in transformers, for a picture whose numbers are all 0.25."""


def test_the_two_files_of_torch_are_read(tmp_path: Path) -> None:
    """The two files that `torch.onnx.export` writes today result in torch's logits."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx", *WEATHER)
    for name in ("classifier.onnx", "classifier.onnx.data"):
        (folder / name).write_bytes((EXPORTED / name).read_bytes())
    encoder = open_encoder(load(folder), CPU)
    grey = (torch.full((1, 3, SIDE, SIDE), 0.25) - 0.0) / 1.0
    expected = torch.tensor([[0.3085325, -0.4085406, -0.2702280, -0.3410389]])
    assert (encode(encoder, grey) - expected).abs().max() < 1e-5
    (folder / "classifier.onnx.data").unlink()
    assert "are in a second file, 'classifier.onnx.data'" in refusal(folder)


def test_the_one_file_of_torch_is_read(tmp_path: Path) -> None:
    """The one file of `torch.onnx.export(…, external_data=False)` results in torch's logits."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx", *WEATHER)
    (folder / "classifier.onnx").write_bytes((EXPORTED / "torch_one_file.onnx").read_bytes())
    logits = encode(open_encoder(load(folder), CPU), torch.full((2, 3, 32, 32), 0.25))
    expected = torch.tensor([[-0.0604327, -0.0701761, -0.0808143, 0.0600908]])
    assert (logits - expected).abs().max() < 1e-5


@pytest.mark.filterwarnings("ignore")  # torch says that this exporter is the older one.
def test_what_torchs_older_exporter_writes_is_read(tmp_path: Path) -> None:
    """`torch.onnx.export(…, dynamo=False)`, with a batch of any size, results in torch's logits."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        *(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.BatchNorm2d(8), torch.nn.Hardswish()),
        *(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 4)),
    ).eval()
    folder = write_set(tmp_path, "made-onnx", "method: onnx", *WEATHER)
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 32, 32),),
        str(folder / "classifier.onnx"),
        dynamo=False,
        input_names=["pixels"],
        dynamic_axes={"pixels": {0: "batch"}},
    )
    with torch.inference_mode():
        expected = network(noise(3, 32))
    assert (encode(opened(folder), noise(3, 32)) - expected).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("file", "weights", "options"),
    [
        ("model_quantized", "QInt8", {}),
        ("model_uint8", "QUInt8", {}),
        ("model_int8", "QInt8", {"per_channel": True, "reduce_range": True}),
    ],
)
def test_a_quantised_network_of_transformers_js_is_read(
    tmp_path: Path, file: str, weights: str, options: dict[str, bool]
) -> None:
    """Optimum's network, quantised by onnxruntime as for transformers.js, is read."""
    folder = write_set(tmp_path, "made-onnx", f"method: onnx\ninput: {{size: {SIDE}}}", *WEATHER)
    quantization.quantize_dynamic(
        EXPORTED / "optimum.onnx",
        tmp_path / f"{file}.onnx",
        weight_type=quantization.QuantType[weights],
        extra_options={"EnableSubgraph": True, "MatMulConstBOnly": True},
        **options,
    )
    (tmp_path / f"{file}.onnx").rename(folder / "classifier.onnx")
    logits = encode(open_encoder(load(folder), CPU), torch.full((2, 3, SIDE, SIDE), 0.25))
    assert (logits - torch.tensor(OPTIMUM)).abs().max() < 0.01


def test_a_network_of_optimum_is_read(tmp_path: Path) -> None:
    """A vision transformer by optimum-onnx 0.1, with four named axes, has torch's logits."""
    folder = write_set(tmp_path, "made-onnx", f"method: onnx\ninput: {{size: {SIDE}}}", *WEATHER)
    (folder / "classifier.onnx").write_bytes((EXPORTED / "optimum.onnx").read_bytes())
    encoder = open_encoder(load(folder), CPU)
    assert encoder.input.size == SIDE
    logits = encode(encoder, torch.full((2, 3, SIDE, SIDE), 0.25))
    assert (logits - torch.tensor(OPTIMUM)).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("axes", "last"),
    [
        (("batch_size", "num_channels", "height", "width"), False),
        (("N", "C", "H", "W"), False),
        (("batch_size", "channels", "h", "w"), False),
        (("batch", "height", "width", "channels"), True),
    ],
)
def test_axes_that_are_only_named_are_read(
    tmp_path: Path, axes: tuple[str, ...], last: bool
) -> None:
    """A network whose four axes are named, as by Optimum and transformers.js, is accepted."""
    shape = (1, SIDE, SIDE, 3) if last else ("N", 3, SIDE, SIDE)
    model = onnx_classifier(shape=shape)
    for dim, name in zip(model.graph.input[0].type.tensor_type.shape.dim, axes, strict=True):
        dim.dim_param = name
    encoder = opened(write_onnx(tmp_path, model, f"input: {{size: {SIDE}}}"))
    assert (encode(encoder, noise(3)) - reference(noise(3))).abs().max() < 1e-4


@pytest.mark.parametrize("last", [False, True])
def test_blue_may_come_first(tmp_path: Path, last: bool) -> None:
    """With `channels: bgr` a network is given blue first; `mean` is still in the order RGB."""
    shape = (1, SIDE, SIDE, 3) if last else ("N", 3, SIDE, SIDE)
    yaml = f"input: {{size: {SIDE}, channels: bgr, mean: [0, 0.25, 0.5]}}"
    encoder = opened(write_onnx(tmp_path, onnx_classifier(shape=shape), yaml))
    assert encoder.input.mean == (0, 0.25, 0.5)
    assert (encode(encoder, noise(2)) - reference(noise(2).flip(1))).abs().max() < 1e-4


CUSTOM_VISION = (
    "input: {size: 224, channels: bgr, mean: [0, 0, 0], std: [0.003922, 0.003922, 0.003922]}"
)
"""The line of docs/artists.md for Custom Vision's networks, whose input is bytes, 0 to 255."""


def _custom_vision() -> onnx.ModelProto:
    """Return a network exactly as Custom Vision exports it: two outputs, the second a map."""
    model = onnx_classifier(shape=("None", 3, 224, 224), softmax=True)
    graph = model.graph
    scores = graph.output[0].name
    graph.initializer.append(helper.make_tensor("tags", TensorProto.STRING, [4], [b"a"] * 4))
    ml = {"domain": "ai.onnx.ml"}
    graph.node.extend(
        [
            helper.make_node("ArgMax", [scores], ["index"], axis=1),
            helper.make_node("ArrayFeatureExtractor", ["tags", "index"], ["classLabel"], **ml),
            helper.make_node(
                "ZipMap", [scores], ["loss"], classlabels_strings=["a", "b", "c", "d"], **ml
            ),
        ]
    )
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    del graph.output[:]
    value = helper.make_tensor_value_info("classLabel", TensorProto.STRING, [None, 1])
    of_scores = helper.make_map_type_proto(
        TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    map_ = helper.make_value_info("loss", helper.make_sequence_type_proto(of_scores))
    graph.output.extend([value, map_])
    return model


def test_the_page_for_artists_has_the_settings_that_are_tried_here() -> None:
    """The page for artists has the settings for Custom Vision that are tested here."""
    assert f"`{CUSTOM_VISION}`" in (PROJECT / "docs" / "artists.md").read_text(encoding="utf-8")


def test_a_network_of_custom_vision_is_read_after_its_map_is_cut_off(tmp_path: Path) -> None:
    """Custom Vision's network is refused until all that follows its scores is cut off.

    The message says how to do it. With the settings in docs/artists.md the scores are then right.
    """
    whole = _custom_vision()
    folder = write_onnx(tmp_path, whole, f"output: scores\n{CUSTOM_VISION}")
    refused = refusal(folder)
    assert re.search("the operation '(ZipMap|ArrayFeatureExtractor)'|text", refused)
    assert "Cut off the operations after the scores, by means of onnx.utils.extract" in refused
    onnx.save(whole, tmp_path / "model.onnx")
    scores = next(node.output[0] for node in whole.graph.node if node.op_type == "Softmax")
    onnx.utils.extract_model(
        str(tmp_path / "model.onnx"),
        str(folder / "classifier.onnx"),
        [whole.graph.input[0].name],
        [scores],
        check_model=False,
    )
    encoder = opened(folder)
    assert encoder.input.size == 224
    picture = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    mean, std = (
        torch.tensor(each).view(3, 1, 1) for each in (encoder.input.mean, encoder.input.std)
    )
    logits = encode(encoder, (picture - mean) / std)
    expected = reference((picture * 255).flip(1))
    assert (logits.softmax(1) - expected.softmax(1)).abs().max() < 1e-3


STATED = {
    "Image.BitmapPixelFormat": "Bgr8",
    "Image.ColorSpaceGamma": "SRGB",
    "Image.NominalPixelRange": "NominalRange_0_255",
}
"""What Custom Vision's networks state about their pictures."""


@pytest.mark.parametrize(
    ("stated", "seen", "written"),
    [
        (
            STATED,
            "blue first and numbers from 0 to 255",
            "channels: bgr, mean: [0, 0, 0], std: [0.003922, 0.003922, 0.003922]",
        ),
        (STATED | {"Image.NominalPixelRange": "Normalized_1_1"}, "blue first", "channels: bgr"),
        (
            {"Image.NominalPixelRange": "Normalized_0_1"},
            "numbers from 0 to 1",
            "mean: [0, 0, 0], std: [1, 1, 1]",
        ),
        ({"Image.BitmapPixelFormat": "Rgb8"}, "", ""),
    ],
)
def test_what_a_network_states_about_its_pictures_is_to_be_written(
    tmp_path: Path, stated: dict[str, str], seen: str, written: str
) -> None:
    """A network that states BGR or another range is refused until labelset.yaml states the same.

    Networks by Custom Vision state BGR. Without the settings, red would be taken for blue.
    """
    model = onnx_classifier(shape=("None", 3, SIDE, SIDE), softmax=True)
    helper.set_model_props(model, stated)
    folder = write_onnx(tmp_path, model, "output: scores")
    checked = onnx_check.judge_here("classifier.onnx", model.SerializeToString())
    if seen:
        with pytest.raises(LabelSetError) as caught:
            OnnxNetwork(load(folder), checked, CPU)
        assert str(caught.value).endswith(
            f"/classifier.onnx: the network states that its pictures have {seen}, but "
            f"labelset.yaml says nothing about that. Write `{written}` under `input`."
        )
        folder = write_onnx(tmp_path, model, f"output: scores\ninput: {{{written}}}")
    assert OnnxNetwork(load(folder), checked, CPU).width == 4


def test_a_network_by_tf2onnx_is_read(tmp_path: Path) -> None:
    """A network of Keras 3 through tf2onnx 1.17 has channels last and Keras' outputs."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx\noutput: scores")
    (folder / "classifier.onnx").write_bytes((EXPORTED / "tf2onnx.onnx").read_bytes())
    (folder / "labels.txt").write_text("0 Sun\n1 Rain\n2 Hail\n")
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    logits = encode(opened(folder), torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()))
    expected = [
        [0.06677409261465073, 0.1703905314207077, 0.7628353834152222],
        [0.12568552792072296, 0.24268822371959686, 0.631626307964325],
    ]
    assert (logits.softmax(1) - torch.tensor(expected)).abs().max() < 1e-5
