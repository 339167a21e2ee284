from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests.support.fuzzing import MAKERS, Fuzz, Trial, Yard, try_numbered
from tests.support.onnx_files import onnx_file

LONGEST_S = 1500
"""For all of 20,000 files; they took 75 s of the processor's time on a slow and busy core."""


@pytest.mark.parametrize(("fuzz", "cases"), MAKERS)
def test_no_network_gives_a_traceback(tmp_path: Path, fuzz: Fuzz, cases: int) -> None:
    """Of thousands of classifier.onnx each can be asked, or is a sentence; none ends the kiosk.

    onnxruntime is no Python: it is tried in a process of its own, so that its death is a failure
    with a number and not the end of all tests.
    """
    words = [sys.executable, "-m", "tests.support.onnx_files"]
    words += [str(tmp_path), fuzz.__name__, str(cases)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    said = done.stdout.splitlines()
    assert done.returncode == 0, f"ended in case {said[-1:]} with {done.returncode}: {done.stderr}"
    *said, accepted, kinds = said
    assert len(said) >= cases
    assert int(accepted.split()[1]) > cases // 20, "networks that are right are among them"
    assert int(kinds.split()[1]) >= min(10, cases // 50), "most of the mistakes are made"


def test_a_reader_that_trusts_the_file_is_found(tmp_path: Path) -> None:
    """The control: the same files bring down a reader that judges nothing."""
    file = tmp_path / "classifier.onnx"

    def trusting() -> None:
        onnx.checker.check_model(onnx.load_from_string(file.read_bytes()))

    with pytest.raises(AssertionError, match="case"):
        try_numbered(Trial(Yard(tmp_path), onnx_file, file.write_bytes, trusting), 100)
