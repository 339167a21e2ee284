from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installation import launch
from installation.settings.paths import PROJECT
from tests.support.call_count import count_calls

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("text", "privacy"),
    [
        ("privacy: degraded\n", "degraded"),
        ("privacy: enforce\n", "enforce"),
        ("labels: persons\n", "enforce"),
        ("privacy: degradd\n", "enforce"),
        ("privacy: [degraded\n", "enforce"),
        ("camera: {privacy: degraded}\n", "enforce"),
        ("- privacy: degraded\n", "enforce"),
        ("[privacy, degraded]\n", "enforce"),
        ("labels: a\n---\nprivacy: degraded\n", "enforce"),
        ("privacy: degraded\nprivacy: enforce\n", "enforce"),
        ("camera: {source: auto}\nwords: []\nprivacy: degraded\n", "degraded"),
        ("[" * 5000, "enforce"),
        ("", "enforce"),
    ],
)
def test_only_the_plain_word_degraded_weakens_the_guard(
    text: str, privacy: str, tmp_path: Path
) -> None:
    """A file that is missing, wrong, or lacks the setting counts as `enforce`."""
    file = tmp_path / "kiosk.yaml"
    assert launch.read_privacy(file) == "enforce"
    file.write_text(text)
    assert launch.read_privacy(file) == privacy


def test_a_file_that_grows_when_it_is_read_is_no_danger(tmp_path: Path) -> None:
    """A kiosk.yaml whose aliases and merges expand exponentially is scanned with few calls."""
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{n}: &a{n} {{k: [*a{n - 1}, *a{n - 1}], <<: *a{n - 1}}}" for n in range(1, 40)]
    file = tmp_path / "kiosk.yaml"
    file.write_text("\n".join([*lines, "privacy: degraded"]))
    found = []
    count_calls(lambda: found.append(launch.read_privacy(file)), most=200_000)
    assert found == ["degraded"]


def test_a_package_without_its_project_says_so(tmp_path: Path) -> None:
    """An installation that is not editable has no kiosk.yaml and models/, and says so in a line."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(PROJECT / "installation", source / "installation")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target), "."]
    subprocess.run([*pip, *offline], cwd=source, check=True, timeout=120)
    assert (target / "installation" / "py.typed").exists()
    started = subprocess.run(
        [sys.executable, "-P", str(target / "bin" / "kiosk"), "check"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.stderr.startswith(
        f"kiosk: {target} contains neither kiosk.yaml nor a label set in models/"
    )
    assert len(started.stderr.splitlines()) == 1
    assert started.returncode == 1
