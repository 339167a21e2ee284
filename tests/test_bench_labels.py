from __future__ import annotations

import subprocess
import sys

import pytest

from installation.settings.paths import PROJECT

pytestmark = pytest.mark.slow


def test_label_sets_are_measured_by_method_and_size() -> None:
    """`scripts/bench-labels` builds and reads sets, and its table has a figure in every place."""
    smallest = ["--methods", "text", "onnx", "--labels", "10", "--rounds", "1", "--builds", "1"]
    ran = subprocess.run(
        [sys.executable, "-m", "scripts.bench_labels", *smallest],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    rows = [line.strip("| ").split(" | ") for line in ran.stdout.splitlines() if line[:1] == "|"]
    text, onnx = rows[2:]
    assert text[:2] == ["text", "10"]
    assert onnx[:4] == ["onnx", "10", "nothing to build", "–"]
    assert [len(text), len(onnx)] == [8, 8]
    assert all(float(figure) > 0 for figure in text[2:] + onnx[4:])
