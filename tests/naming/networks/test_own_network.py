from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from installation.errors import LabelSetError
from installation.naming.label_set.folder import MAX_NETWORK_BYTES, ONNX_FILE, TENSORS_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks import onnx_check, own_network
from installation.naming.networks.encoder import BATCH, Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.networks.own_network import open_network
from installation.naming.reading.classifier import open_classifier
from installation.settings.kiosk import ContentSettings
from tests.support.children import STAGE_ONE_PROGRAM, USERS, run
from tests.support.made_networks import (
    SIDE,
    made_onnx,
    onnx_classifier,
    reference,
    write_onnx,
    write_set,
    write_unsafe,
)

CPU = torch.device("cpu")


def noise(count: int, side: int = SIDE) -> torch.Tensor:
    """Return a batch as `crops.cut` gives it, of noise."""
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def load(folder: Path) -> LabelSet:
    """Return the label set in a folder of a test."""
    return load_label_set(folder.name, ContentSettings(), folder.parent)


def opened(folder: Path) -> Encoder:
    """Return the network that the set in a folder brings."""
    return open_network(load(folder), CPU)


def refusal(folder: Path) -> str:
    """Return why the set or its network is refused, without the test's own folder."""
    with pytest.raises(LabelSetError) as caught:
        opened(folder)
    return str(caught.value).replace(f"{folder}/", "").replace(f"{folder}", "the folder")


# ONNX


def test_an_onnx_classifier_says_what_torch_would(tmp_path: Path) -> None:
    """The network in the file gives its logits, for more crops than a batch too, or for none."""
    encoder = open_encoder(made_onnx(tmp_path), CPU)
    batch = noise(BATCH + 3)
    assert (encoder.encode(batch) - reference(batch)).abs().max() < 1e-4
    assert encoder.encode(batch[:0]).shape == (0, 4)
    assert encoder.name == "classifier.onnx on the CPU"
    data = (tmp_path / "made-onnx" / "classifier.onnx").read_bytes()
    assert encoder.fingerprint == hashlib.sha256(data).hexdigest()


def test_a_label_is_the_output_of_its_number(tmp_path: Path) -> None:
    """The id of a row is the output's number, whatever the order; a hidden one takes no share."""
    label_set = made_onnx(tmp_path)
    encoder = open_encoder(label_set, CPU)
    scores = label_set.settings.method.open_scorer(label_set, encoder).score(
        encoder.encode(noise(2))
    )
    assert [label.name for label in label_set.labels] == ["sunny one", "rainy one", "snowy one"]
    assert (scores - reference(noise(2))[:, [0, 1, 2]].softmax(1)).abs().max() < 1e-5


TEACHABLE: dict[str, Any] = {"shape": (1, SIDE, SIDE, 3), "softmax": True}
"""How Teachable Machine's networks come by tf2onnx: one picture, colours last, scores."""


def test_a_teachable_machine_is_understood(tmp_path: Path) -> None:
    """Colours last, one picture at a time, scores and numbered names: all as it is exported."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx\noutput: scores")
    model = onnx_classifier(**TEACHABLE)
    (folder / "classifier.onnx").write_bytes(model.SerializeToString())
    (folder / "labels.txt").write_text("0 Sun\n1 Rain\n2 Hail and snow\n3 4 winds\n")
    label_set = load(folder)
    assert [label.name for label in label_set.labels] == ["Sun", "Rain", "Hail and snow", "4 winds"]
    encoder = open_encoder(label_set, CPU)
    scores = label_set.settings.method.open_scorer(label_set, encoder).score(
        encoder.encode(noise(3))
    )
    assert (scores - reference(noise(3)).softmax(1)).abs().max() < 1e-5


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shape", [(2, 3, SIDE, SIDE), ("N", 3, "h", "w"), (1, SIDE, SIDE, 3)])
def test_any_number_of_visitors_fits_a_fixed_batch(
    tmp_path: Path, shape: tuple[int | str, ...], count: int
) -> None:
    """A network that takes two at a time reads one or five, each as alone."""
    yaml = f"input: {{size: {SIDE}}}"
    encoder = opened(write_onnx(tmp_path, onnx_classifier(shape=shape), yaml))
    assert encoder.input.size == SIDE
    assert (encoder.encode(noise(count)) - reference(noise(count))).abs().max() < 1e-4


def test_half_precision_and_bytes_are_taken(tmp_path: Path) -> None:
    """Pictures go to the network as it takes them; as bytes, they are the camera's own values."""
    half = opened(write_onnx(tmp_path, onnx_classifier(kind=TensorProto.FLOAT16)))
    assert (half.encode(noise(2)) - reference(noise(2))).abs().max() < 1e-2
    whole = opened(write_onnx(tmp_path, onnx_classifier(kind=TensorProto.UINT8)))
    assert whole.input.mean == (0, 0, 0)
    levels = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(2))
    given_ = levels / 255 / torch.tensor(whole.input.std).view(3, 1, 1)
    assert (whole.encode(given_) - reference(levels.float())).abs().max() < 1e-2


def test_the_set_says_how_pictures_are_normalised(tmp_path: Path) -> None:
    """Mean and spread come from labelset.yaml, the size from the file where that fixes it."""
    yaml = "input: {mean: [0.4, 0.5, 0.6], std: [0.2, 0.2, 0.3]}"
    taken = opened(write_onnx(tmp_path, onnx_classifier(), yaml)).input
    assert taken.size == SIDE
    assert taken.mean == (0.4, 0.5, 0.6)
    assert taken.std == (0.2, 0.2, 0.3)


@pytest.mark.parametrize(
    ("form", "yaml", "why"),
    [
        ({}, "input: {size: 64}", "32], but input.size in labelset.yaml is 64. Write 32 there."),
        ({"shape": (1, 3, 32, 48)}, "", "(expected squares of 16 to 1,024 px)"),
        ({"shape": (65, 3, 32, 32)}, "", "(expected at most 64 pictures at a time)"),
        ({"shape": (1, 4, 32, 32)}, "", "(expected pictures: float, float16 or uint8"),
        ({"kind": TensorProto.INT32}, "", "it takes tensor(int32) [N, 3, 32, 32]"),
        ({"kind": TensorProto.UINT8}, "input: {mean: [0, 0, 0]}", "Take mean and std out"),
        ({"softmax": True}, "", "they are scores, not logits. Write `output: scores`"),
        ({}, "output: scores", "(expected 0 to 1). Write `output: logits`"),
        ({"outputs": 3}, "", "the id '3' is no output of the network (expected 0 to 2)"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, form: dict[str, Any], yaml: str, why: str
) -> None:
    """Where file and labelset.yaml disagree, the message says what was seen and what to do."""
    label_set = load(write_onnx(tmp_path, onnx_classifier(**form), yaml, *ROWS))
    with pytest.raises(LabelSetError) as caught:
        open_classifier(label_set, CPU)
    assert why in str(caught.value)


ROWS = ("id,name,definition,parent,hidden_because", "0,a,,,", "1,b,,,", "3,c,,,")


def test_a_wrong_number_of_names_is_named(tmp_path: Path) -> None:
    """Names without numbers must be as many as the outputs."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "classifier.onnx").write_bytes(onnx_classifier().SerializeToString())
    (folder / "labels.txt").write_text("Sun\nRain\nSnow\n")
    assert refusal(folder) == (
        "labels.txt: it names 3 outputs, but the network has 4. Name each output, in their order."
    )


def test_there_is_one_network(tmp_path: Path) -> None:
    """A set without a network, or with two, says what it needs."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx", *ROWS)
    assert "there is none (expected classifier.onnx, or" in refusal(folder)
    (folder / "classifier.onnx").write_bytes(b"")
    (folder / "model.safetensors").write_bytes(b"")
    assert "both are there" in refusal(folder)


SHOW = """
import sys, torch
from pathlib import Path
from installation.settings.kiosk import ContentSettings
from installation.guarding.guard import Guard
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import open_encoder
torch.set_num_threads(2)
loaded = load_label_set('made-onnx', ContentSettings(), Path(sys.argv[1]))
encoder = open_encoder(loaded, torch.device('cpu'))
proof = Guard(status).seal()
assert proof.holds, proof.missing
print(*encoder.encode(torch.ones(9, 3, 32, 32)).shape)
"""


def test_the_network_runs_under_the_guard_and_reports_to_nobody(tmp_path: Path) -> None:
    """Opened under the first stage, it runs under the second; nothing is left in the home folder.

    onnxruntime would keep there what it reports to its maker.
    """
    made_onnx(tmp_path)
    outcome = run("-c", STAGE_ONE_PROGRAM + SHOW, str(tmp_path), user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == "9 4\n"
    assert outcome.stderr == ""


def test_onnxruntime_leaves_nothing_without_the_guard_either(tmp_path: Path) -> None:
    """Where a set is only checked or built, no report is begun: the home folder stays empty."""
    made_onnx(tmp_path)
    program = "\n".join(line for line in SHOW.splitlines() if "proof" not in line)
    outcome = run("-c", program, str(tmp_path), user=USERS[0], folder=tmp_path)
    assert outcome.stdout == "9 4\n", outcome.stderr
    assert list((tmp_path / "home").rglob("*")) == []


# A stranger's ONNX file


def judged(model: onnx.ModelProto) -> str:
    """Return why the ONNX file is refused before it is opened."""
    with pytest.raises(LabelSetError) as caught:
        onnx_check.judge(model.SerializeToString(), "classifier.onnx")
    return str(caught.value)


def changed(node: onnx.NodeProto, *initializers: onnx.TensorProto) -> onnx.ModelProto:
    """Return the classifier with a node more."""
    model = onnx_classifier()
    model.graph.node.append(node)
    model.graph.initializer.extend(initializers)
    return model


def test_weights_in_other_files_are_refused() -> None:
    """A network that would read another file is not opened."""
    model = onnx_classifier()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    assert "lie in other files (expected all in this one)" in judged(model)


def test_operations_that_no_classifier_needs_are_refused() -> None:
    """Unknown operations, those of others, and networks inside networks are named."""
    assert "the operation 'Loop', which no" in judged(changed(helper.make_node("Loop", [], [])))
    mine = helper.make_node("Conv", [], [], domain="com.example")
    assert "'Conv' of 'com.example' (expected ONNX's own)" in judged(changed(mine))
    inner = helper.make_node("Relu", ["x"], ["y"], body=onnx_classifier().graph)
    assert "a network inside the network" in judged(changed(inner))
    model = onnx_classifier()
    model.functions.add(name="mine")
    assert "it holds functions beside the network" in judged(model)
    texts = helper.make_tensor("t", TensorProto.STRING, [1], [b"a"])
    assert "text as a tensor" in judged(changed(helper.make_node("Relu", [], []), texts))


def test_what_ends_onnxruntime_is_refused() -> None:
    """The divisions that have been found to end the process never reach onnxruntime."""
    node = helper.make_node("DepthToSpace", ["pixels"], ["y"], blocksize=2**32)
    assert "its setting 'blocksize' is beyond 1,000,000" in judged(changed(node))
    least, minus = (
        numpy_helper.from_array(np.array([number], np.int64), name)
        for number, name in ((-(2**63), "least"), (-1, "minus"))
    )
    for operation in ("Div", "Mod"):
        node = helper.make_node(operation, ["least", "minus"], ["y"])
        assert "it divides whole numbers ('least, minus')" in judged(changed(node, least, minus))
    model = changed(helper.make_node("Cast", ["pixels"], ["whole"], to=TensorProto.INT32))
    model.graph.node.append(helper.make_node("Neg", ["whole"], ["negative"]))
    model.graph.node.append(helper.make_node("Div", ["whole", "negative"], ["y"]))
    assert "it divides whole numbers" in judged(model)


def test_fractions_are_divided_as_ever() -> None:
    """Where a picture's own numbers are divided, whatever says by which axis, nothing is amiss."""
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    model = changed(helper.make_node("Unsqueeze", ["logits", "axes"], ["more"]), axes)
    model.graph.node.append(helper.make_node("Div", ["more", "more"], ["y"]))
    onnx_check.judge(model.SerializeToString(), "classifier.onnx")


@pytest.mark.parametrize("dims", [[2**40], [2**20, 2**20], [-1], [2**63 - 1, 0], [1] * 17])
def test_a_tensor_that_claims_more_than_it_holds_is_refused(dims: list[int]) -> None:
    """Sizes are compared with the bytes that are there before anything is allocated."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "t")
    del tensor.dims[:]
    tensor.dims.extend(dims)
    model = changed(helper.make_node("Relu", ["t"], ["u"]), tensor)
    if 0 in dims:
        onnx_check.judge(model.SerializeToString(), "classifier.onnx")
    else:
        assert "a tensor claims" in judged(model)


def test_a_network_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    """A small file that asks for 160 GB is an error, not a full machine."""
    size = numpy_helper.from_array(np.array([200_000, 200_000], np.int64), "size")
    model = changed(helper.make_node("ConstantOfShape", ["size"], ["huge"]), size)
    model.graph.node.append(helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["logits", "sum"], ["more"]))
    model.graph.output[0].name = "more"
    assert "cannot run it" in refusal(write_onnx(tmp_path, model))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "name"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    """Whatever is in classifier.onnx, the answer is a sentence."""
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
    assert "classifier.onnx: it" in refusal(folder)


@pytest.mark.parametrize("name", [b"N", b"pixels"])
def test_names_that_are_no_text_are_refused(tmp_path: Path, name: bytes) -> None:
    """Names of sizes and inputs that are not UTF-8 end in a sentence."""
    folder = write_onnx(tmp_path, onnx_classifier(shape=("NNNN", 3, SIDE, SIDE)))
    file = folder / "classifier.onnx"
    old = b"NNNN" if name == b"N" else name
    file.write_bytes(file.read_bytes().replace(old, b"\xff" * len(old)))
    assert "classifier.onnx: " in refusal(folder)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """The size is looked at first."""
    for name in (ONNX_FILE, TENSORS_FILE):
        file = tmp_path / name
        with file.open("wb") as sparse:
            sparse.truncate(MAX_NETWORK_BYTES + 1)
        with pytest.raises(LabelSetError, match="Bring a smaller network"):
            own_network.check_size(file)
        file.unlink()
        with pytest.raises(LabelSetError, match="it cannot be read"):
            own_network.check_size(file)


@settings(max_examples=3000)
@given(st.binary(max_size=300))
@example(b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")
@example(b"")
def test_any_bytes_are_judged_with_a_sentence(data: bytes) -> None:
    """Random bytes are refused, never with a traceback."""
    with pytest.raises(LabelSetError):
        onnx_check.judge(data, "classifier.onnx")


def test_the_operations_are_all_onnxs_own() -> None:
    """Each operation that is let through is one that ONNX describes, and none takes a graph."""
    schemas = {schema.name: schema for schema in onnx.defs.get_all_schemas()}
    assert schemas.keys() >= onnx_check.OPERATIONS
    for name in onnx_check.OPERATIONS:
        kinds = {attribute.type.name for attribute in schemas[name].attributes.values()}
        assert not kinds & {"GRAPH", "GRAPHS"}, name


# Names of outputs


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("0 Sun\n1 Rain\n", ["Sun", "Rain"]),
        ("Sun\n\n  Rain and snow \n", ["Sun", "Rain and snow"]),
        ("7 dwarfs\nSun\n", ["7 dwarfs", "Sun"]),
        ("0 7 dwarfs\n1 12 monkeys\n", ["7 dwarfs", "12 monkeys"]),
        ("Sun\rRain\r\nba\xadker\nbaker", ["Sun", "Rain", "ba\xadker (2)", "baker (3)"]),
        ("0: Sun\n1, Rain", ["Sun", "Rain"]),
        ("same\nSame\nother", ["same (0)", "Same (1)", "other"]),
        ("n09818022\nSun", ["astronaut", "Sun"]),
    ],
)
def test_names_are_read_from_lines(tmp_path: Path, text: str, names: list[str]) -> None:
    """labels.txt holds a name a line, numbered or not; ids of ImageNet get their names."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(text)
    assert [label.name for label in load(folder).labels] == names
    assert load(folder).rows == tuple(range(len(names)))


IDS = "n09818022\nn10148035\nn02480855"
LINES = "n09818022 astronaut\nn10148035 groom, bridegroom\nn02480855 gorilla, Gorilla gorilla"
WORDS = "astronaut, spaceman, cosmonaut\ngroom, bridegroom\ngorilla, Gorilla gorilla"


@pytest.mark.parametrize("text", [IDS, LINES, WORDS])
@pytest.mark.parametrize("file", ["labels.txt", "config.json"])
def test_what_the_kiosk_hides_is_hidden_whatever_network_says_it(
    tmp_path: Path, file: str, text: str
) -> None:
    """Names that came with a network have the shipped sets' reasons, as nobody has looked."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    names = dict(enumerate(text.splitlines()))
    (folder / file).write_text(text if file == "labels.txt" else json.dumps({"id2label": names}))
    label_set = load(folder)
    assert label_set.rows == (0,)
    assert label_set.hidden == {"race": 1, "family": 1}


def test_what_imagenet_judged_unsafe_is_hidden_in_every_network(tmp_path: Path) -> None:
    """ImageNet's list knows an output by what it is called, not by its number."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(f"{IDS}\nn10560637")
    write_unsafe(tmp_path, "n09818022")
    label_set = load(folder)
    assert [label.name for label in label_set.labels] == ["scientist"]
    assert label_set.hidden == {"race": 1, "family": 1, "imagenet": 1}


def test_names_that_came_with_a_network_have_all_their_reasons(tmp_path: Path) -> None:
    """What ImageNet judged unsafe stays hidden where the shipped sets' own reason is shown."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(IDS)
    write_unsafe(tmp_path, "n10148035")
    words = {"hide": ("race", "imagenet"), "acknowledged": "I decided this for a test here."}
    content = ContentSettings.model_validate(words)
    label_set = load_label_set(folder.name, content, tmp_path)
    assert [label.name for label in label_set.labels] == ["astronaut"]
    assert label_set.hidden == {"race": 1, "imagenet": 1}


def test_plain_words_are_the_artists_own(tmp_path: Path) -> None:
    """A list of single words is not taken for ImageNet's, where hen and crane are hidden."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text("hen\ncrane\nlover\n")
    assert load(folder).hidden == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 Sun\n0 Rain\n", "labels.txt:1: the number is 1 (expected 0: outputs are 0, 1, 2"),
        ("1 Sun\n2 Rain\n", "number all lines: 0 1 Sun"),
        ("0 Sun\n\n2 Rain\n", "labels.txt:3: the number is 2 (expected 1: outputs are 0, 1, 2"),
        ("Sun\nRa\x0bin\n", "labels.txt:2: the name holds a control character (U+000B)"),
        ("Sun\n\u3164\n", "labels.txt:2: the name holds nothing that can be seen"),
    ],
)
def test_lines_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, why: str) -> None:
    """Numbers that are not the outputs' own, and names that no screen shows, are mistakes."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "labels.txt").write_text(text, encoding="utf-8")
    assert why in refusal(folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "config.json:1: it is no JSON"),
        ("[" * 100_000, "config.json:1: it is no JSON"),
        ("[]", "it is no mapping"),
        ("{}", "it names no outputs (expected id2label"),
        ('{"id2label": {"0": "Sun", "2": "Rain"}}', "no name for the output 1 (it names 2)"),
        ('{"id2label": {"0": 3}}', "no name for the output 0"),
        ('{"id2label":\n{"0": "a",\n"1": "b\\u202ec"}}', "config.json:3: the name holds a dir"),
    ],
)
def test_a_wrong_config_is_named(tmp_path: Path, text: str, why: str) -> None:
    """Whatever is wrong with config.json, the message has its line where there is one."""
    folder = write_set(tmp_path, "made-hf", "method: onnx")
    (folder / "config.json").write_text(text)
    (folder / "model.safetensors").write_bytes(b"")
    assert why in refusal(folder)
