from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests.support.fuzzing import FUZZERS, Fuzz, FuzzTarget, WatchedFolder, try_seeded
from tests.support.onnx_files import onnx_file

pytestmark = pytest.mark.slow

MAX_CASE_S = 1500
"""The limit of CPU time for 20,000 files, s; they took 75 s on a slow and busy core."""


@pytest.mark.parametrize(("fuzz", "cases"), FUZZERS)
def test_no_network_gives_a_traceback(tmp_path: Path, fuzz: Fuzz, cases: int) -> None:
    """Each of thousands of ONNX files is run or refused with a message; none ends the process.

    onnxruntime runs in a separate process here, so that a crash names its case and does not end all
    tests.
    """
    words = [sys.executable, "-m", "tests.support.onnx_files"]
    words += [str(tmp_path), fuzz.__name__, str(cases)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=MAX_CASE_S, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"ended in case {lines[-1:]} with {done.returncode}: {done.stderr}"
    *numbers, accepted, kinds = lines
    assert len(numbers) >= cases
    assert int(accepted.split()[1]) > cases // 20, "some of the networks are valid"
    assert int(kinds.split()[1]) >= min(10, cases // 50), "most of the mistakes are made"


def test_a_reader_that_trusts_the_file_is_found(tmp_path: Path) -> None:
    """The control: a reader without checks fails on the same files."""
    file = tmp_path / "classifier.onnx"

    def trusting() -> None:
        onnx.checker.check_model(onnx.load_from_string(file.read_bytes()))

    with pytest.raises(AssertionError, match="case"):
        try_seeded(FuzzTarget(WatchedFolder(tmp_path), onnx_file, file.write_bytes, trusting), 100)
