from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.naming.own_network import inspect
from tests.fuzzing.onnx_files import onnx_file, write_set
from tests.fuzzing.yard import CASES, Yard, fuzz, refusal

LONGEST_S = 1500
"""For all of 20,000 files; they took 75 s of the processor's time on a slow and busy core."""


def test_no_network_gives_a_traceback(tmp_path: Path) -> None:
    """Of thousands of classifier.onnx each can be asked, or is a sentence; none ends the kiosk.

    onnxruntime is no Python: it is tried in a process of its own, so that its death is a failure
    with a number and not the end of all tests.
    """
    words = [sys.executable, "-m", "tests.fuzzing.onnx_files", str(tmp_path), "0", str(CASES)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    said = done.stdout.split("\n")
    assert done.returncode == 0, f"ended in case {said[-2:]} with {done.returncode}: {done.stderr}"
    assert said[CASES - 1] == str(CASES - 1)
    accepted, kinds = (int(line.split()[1]) for line in said[CASES : CASES + 2])
    assert accepted > CASES // 20, "networks that are right are among them"
    assert kinds >= 10, "most of the mistakes are made"


@given(st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_the_smallest_network_is_found(
    tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    """Hypothesis draws from the same grammar, and would shrink what is wrong with the judge."""
    file = write_set(Yard(tmp_path_factory.mktemp("yard")))
    file.write_bytes(onnx_file(random))
    refusal(lambda: inspect(file.parent))


def test_a_reader_that_trusts_the_file_is_found(tmp_path: Path) -> None:
    """The control: the same files bring down a reader that judges nothing."""
    file = tmp_path / "classifier.onnx"
    with pytest.raises(AssertionError, match="case"):
        fuzz(
            Yard(tmp_path),
            onnx_file,
            file.write_bytes,
            lambda: onnx.checker.check_model(onnx.load_from_string(file.read_bytes())),
            cases=range(100),
        )
