from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.label_sets import YAML, mistakes, write_label_set


@pytest.mark.parametrize("line", [r'title: "\UFFFFFFFF"', f"%YAML 1.{'9' * 5000}\n---"])
def test_what_the_yaml_parser_chokes_on_is_a_sentence(tmp_path: Path, line: str) -> None:
    """A letter that no alphabet has, and a version that no number holds, are mistakes."""
    write_label_set(tmp_path, yaml=f"{line}\n{YAML}")
    (mistake,) = mistakes(tmp_path)
    assert "labelset.yaml: this is not well-formed YAML" in mistake
