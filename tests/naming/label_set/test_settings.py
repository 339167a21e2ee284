from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.label_sets import YAML, mistakes, write_label_set


@pytest.mark.parametrize("line", [r'title: "\UFFFFFFFF"', f"%YAML 1.{'9' * 5000}\n---"])
def test_values_that_break_the_yaml_parser_are_mistakes(tmp_path: Path, line: str) -> None:
    """An escape beyond Unicode and an oversized YAML version are mistakes, not tracebacks."""
    write_label_set(tmp_path, yaml=f"{line}\n{YAML}")
    (mistake,) = mistakes(tmp_path)
    assert "labelset.yaml: this is not well-formed YAML" in mistake
