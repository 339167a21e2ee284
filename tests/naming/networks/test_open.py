from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from installation.errors import LabelSetError, counted
from installation.naming.label_set.folder import MAX_NETWORK_BYTES, ONNX_FILE, TENSORS_FILE
from installation.naming.networks import confined_network
from installation.naming.networks.open import (
    MAX_HEADER_BYTES,
    check_network,
    check_size,
    check_tensors,
    open_encoder,
    prepare_network,
)
from tests.support.made_networks import (
    HEADER,
    made_onnx,
    onnx_classifier,
    refusal,
    write_onnx,
    write_set,
)


def test_there_is_one_network(tmp_path: Path) -> None:
    """A label set without a network, or with two, is refused with what is needed."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx", HEADER, "0,a,,,")
    assert "no network found (expected classifier.onnx, or" in refusal(folder)
    (folder / "classifier.onnx").write_bytes(b"")
    (folder / "model.safetensors").write_bytes(b"")
    assert "two networks found" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("model.onnx", "The folder contains 'model.onnx'. Rename it to classifier.onnx."),
        ("Model.ONNX", "The folder contains 'Model.ONNX'. Rename it to classifier.onnx."),
        ("converted_keras.h5", "rename it to keras_model.h5"),
        ("model_unquant.tflite", "Export the project as Keras"),
        ("weights.bin", "instead of TensorFlow.js"),
        ("saved_model.pb", "with tf2onnx"),
        ("best.pt", "so the kiosk does not read it. Export it with torch.onnx.export"),
        ("pytorch_model.bin", "save a model of Hugging Face as model.safetensors"),
        ("resnet.safetensors", "Rename it to model.safetensors, with config.json beside it."),
        ("notes.txt", "Copy the network into this folder."),
    ],
)
def test_a_network_of_another_name_or_format_is_named(
    tmp_path: Path, name: str, remedy: str
) -> None:
    """A network under another name or in another format is named, with the remedy."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx", HEADER, "0,a,,,")
    (folder / name).write_bytes(b"")
    assert remedy in refusal(folder)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_wrong_number_of_names_is_named(tmp_path: Path, count: int) -> None:
    """labels.txt must name every output of the network, and nothing else."""
    folder = write_set(tmp_path, "made-onnx", "method: onnx")
    (folder / "classifier.onnx").write_bytes(onnx_classifier().SerializeToString())
    (folder / "labels.txt").write_text("".join(f"weather {i}\n" for i in range(count)))
    assert refusal(folder) == (
        f"labels.txt: the file has names for {counted(count, 'output')}, but the network has 4. "
        "Give one name for each output, in the order of the outputs."
    )


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """The size of a file is checked before it is read."""
    for name in (ONNX_FILE, TENSORS_FILE):
        file = tmp_path / name
        with file.open("wb") as sparse:
            sparse.truncate(MAX_NETWORK_BYTES + 1)
        with pytest.raises(LabelSetError, match="Use a smaller network"):
            check_size(file)
        file.unlink()
        with pytest.raises(LabelSetError, match="it cannot be read"):
            check_size(file)


def test_a_long_list_of_tensors_is_not_parsed(tmp_path: Path) -> None:
    """The length that model.safetensors states for its header is checked before the header is read.

    The library safetensors would parse 100 MB of JSON.
    """
    file = tmp_path / TENSORS_FILE
    for length, claim in ((MAX_HEADER_BYTES, False), (MAX_HEADER_BYTES + 1, True), (2**63, True)):
        file.write_bytes(length.to_bytes(8, "little") + b"{}")
        if claim:
            with pytest.raises(LabelSetError, match=f"its list of tensors has {length:,} bytes"):
                check_tensors(file)
        else:
            check_tensors(file)


def test_a_show_that_may_start_no_process_reads_no_new_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of a gigabyte takes no memory of a running show, which could not use it."""
    folder = made_onnx(tmp_path).folder

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("the network is read"))
    with pytest.raises(LabelSetError, match="must not start"):
        check_network(folder)


def test_a_network_that_was_not_tried_with_success_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network whose trial in a child process failed is reported, and not opened."""
    label_set = made_onnx(tmp_path)
    monkeypatch.setattr(confined_network, "_CHILD", "raise MemoryError")
    prepare_network(label_set.folder)
    with pytest.raises(LabelSetError, match="needs more memory or time than the kiosk allows"):
        open_encoder(label_set, "cpu")


DEFAULT = """
import sys
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import open_encoder
from installation.settings.kiosk import ContentSettings
open_encoder(load_label_set("objects", ContentSettings()), "cpu")
others = ("torch", "timm", "scipy", "transformers", "onnx", "open_clip", "installation.making")
print([name for name in others if name in sys.modules])
"""


def test_the_default_network_opens_without_other_networks_libraries() -> None:
    """A show loads only the libraries that its own label set needs."""
    child = subprocess.run(
        [sys.executable, "-c", DEFAULT], capture_output=True, text=True, check=False
    )
    assert (child.stdout, child.stderr) == ("[]\n", "")


CHECK = """
import sys
from pathlib import Path
from installation.naming.networks.open import check_network
check_network(Path(sys.argv[1]))
print("torch" in sys.modules)
"""


def test_an_onnx_file_is_checked_without_torch(tmp_path: Path) -> None:
    """`kiosk labels check` ends in less time than importing torch would take."""
    folder = write_onnx(tmp_path, onnx_classifier())
    child = subprocess.run(
        [sys.executable, "-c", CHECK, folder], capture_output=True, text=True, check=False
    )
    assert (child.stdout, child.stderr) == ("False\n", "")
