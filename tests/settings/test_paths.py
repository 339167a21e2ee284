from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from installation.settings import paths


def test_the_paths_of_the_project_exist() -> None:
    """The shipped files are at the paths that the package expects."""
    assert paths.DEFAULT_FILE.is_file()
    assert paths.MODELS.is_dir()
    assert (paths.WORDS_FOLDER / "en.yaml").is_file()


def test_a_label_set_is_a_folder_with_labelset_yaml(tmp_path: Path) -> None:
    """Folders without labelset.yaml and hidden folders are not label sets."""
    for name in ("b", "a", ".hidden", "weights"):
        (tmp_path / name).mkdir()
        if name != "weights":
            (tmp_path / name / "labelset.yaml").touch()
    assert paths.label_set_names(tmp_path) == ["a", "b"]
    assert paths.label_set_names(tmp_path / "none") == []


def test_the_launcher_can_import_the_paths() -> None:
    """The module imports the standard library only, because the launcher imports it."""
    program = (
        "import sys; before = set(sys.modules); import installation.settings.paths; "
        "print({name.partition('.')[0] for name in set(sys.modules) - before} "
        "- set(sys.stdlib_module_names) - {'installation', 'triton'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"
