from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from installation.making.build.from_text import TEXT_PACKAGE, embed_labels, open_sentence_encoder
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, write_label_set


def read_of(row: Row) -> list[str]:
    """Return the sentences that stand for a row."""
    read: list[str] = []

    def embed(texts: Sequence[str]) -> torch.Tensor:
        read.extend(texts)
        return torch.ones(len(texts), 2)

    embed_labels([row], embed)
    return read


@pytest.mark.parametrize(
    ("row", "sentences"),
    [
        (
            Row(2, "1", "baker", "somebody who bakes"),
            ["baker", "baker: somebody who bakes", "a person who is a baker, somebody who bakes"],
        ),
        (Row(2, "1", "baker", ""), ["baker", "a person who is a baker"]),
        (
            Row(2, "1", "an empty room", "nobody is there", is_background="yes"),
            ["an empty room", "nobody is there"],
        ),
        (Row(2, "1", "an empty room", "", is_background="yes"), ["an empty room"]),
        (
            Row(2, "1", "baker", "bakes", looks_like="an apron | flour", is_background="yes"),
            ["an apron", "flour"],
        ),
    ],
    ids=["person", "no definition", "background", "background by name", "own sentences"],
)
def test_each_kind_of_row_has_its_sentences(row: Row, sentences: list[str]) -> None:
    """A background row is not described as a person, and no sentence has an empty part."""
    assert read_of(row) == sentences


def test_a_row_that_becomes_background_is_built_anew(tmp_path: Path) -> None:
    """Making a row background changes its sentences, so the fingerprint changes."""
    marks = {}
    for said in ("", "no", "yes"):
        write_label_set(
            tmp_path, f"{HEADER},is_background", "a,air,thin,,,", f"b,a wall,bare,,,{said}"
        )
        marks[said] = load_label_set("weather", ContentSettings(), tmp_path).fingerprint
    assert marks[""] == marks["no"] != marks["yes"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_embeddings_are_the_mean_of_the_tokens_states() -> None:
    """The sentence encoder gives the mean of the network's last states, normalised."""
    from transformers import AutoModel, AutoTokenizer

    spec = importlib.util.find_spec(TEXT_PACKAGE)
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


EMBEDDING = """
import os, sys
import sentence_transformers

def refuse(event, details):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        raise PermissionError(event)

sys.addaudithook(refuse)
from installation.making.build.from_text import open_sentence_encoder
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
