from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml

from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.load import load_label_set
from tests.support.fuzzing import (
    FUZZERS,
    Fuzz,
    FuzzTarget,
    WatchedFolder,
    assert_drawable,
    chance,
    mutate,
    try_seeded,
)

pytestmark = pytest.mark.slow

LABELS = "id,name,definition,parent,hidden_because\n0,sun,bright,,\n1,rain,wet,0,\n"

VALUES: dict[str, tuple[str, ...]] = {
    "title": ("Weather", "'a: b'", '"\\u202E"', "Wetter & Wind", "|\n  two\n  lines\n"),
    "credit": ("somebody", "a" * 401, '"\\e[2J"', '"\\0"'),
    "root": (
        "{id: r, name: r, definition: r}",
        "\n  id: r\n  name: r\n  definition: r\n  translations:\n    es: {name: x, definition: y}",
        "{id: r, name: r, definition: r, translations: {es: {name: '', definition: y}}}",
        '{id: r, name: r, definition: r, translations: {"\\e[2J": {name: "", definition: y}}}',
        '{id: r, name: r, definition: r, translations: {"\\u202E": {name: x}, ? [a] : b}}',
        "{id: '0', name: r, definition: r}",
    ),
    "crop": ("bust", "face", "frame", "Bust", "knee"),
    "method": ("text", "prompts", "examples", "classes", "onnx", "conse", "[text]"),
    "encoder": ("efficientnet_lite0", "clip", "vit_x.in21k", "../x", "~", "in22k", "a/b"),
    "temperature": ("0.35", "1", "0", "-1", ".nan", ".inf", "1e-320", "1e999", "'1'"),
    "min_score": ("0.1", "0", "1", "2", ".nan", "1_0", "0x1", "1:30"),
    "templates": ("['a {}']", "['{}{}']", "[{}]", "'a {}'", "[" + "'{}'," * 101 + "]", "[]"),
    "examples": ("examples", "/etc", "../..", "~"),
    "input": (
        "{size: 32}",
        "{size: 1}",
        "{mean: [1, 1]}",
        "{std: [0, 0, 0]}",
        "{mean: [.nan,0,0]}",
    ),
    "output": ("logits", "scores", "probabilities"),
}
ANY = (
    *("", "~", "yes", "0", "-0", "9" * 18, "9" * 5000, "1.5", "2026-05-01", "null", "[]", "{}"),
    *(
        "'",
        '"',
        '"\\',
        '"\\x"',
        '"\\uD800"',
        '"\\U00110000"',
        '"\\UFFFFFFFF"',
        '"\\u0085"',
        "\ufeff",
    ),
    *("*a", "&a b", "&a [*a]", "&a {x: *a}", "<<: {}", "!!str 1", "!!int x", "!!binary aGk=", "!"),
    *(
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system",
        "!!set {a}",
        "!<%ff> a",
    ),
    *(
        "!!timestamp 2026-01-01",
        "!!map []",
        "!!seq {}",
        "!!null x",
        "!!float .nan",
        "!!omap [a: b]",
    ),
    *(
        "- a\n- b",
        "? a\n: b",
        "? [a]\n: b",
        "? {a: b}\n: c",
        "a: b: c",
        "@a",
        "`a",
        "%a",
        "|",
        ">9",
        "|0",
    ),
    *("[" * 9 + "]" * 9, "[" * 11, "{a: " * 11, "[" * 30000, "- " * 3000, "? " * 3000, "a: " * 50),
    *(
        "\t",
        "\x07",
        "\x85",
        "\u2028",
        "\u202e",
        "\ud7ff",
        "\U0010ffff",
        "﷐",
        "a" * 70000,
        "  " * 200,
    ),
    *("---", "...", "--- a\n--- b", "%YAML 1.1\n---", "%YAML 9.9\n---", "%TAG ! x\n---", "#"),
    *(f"%YAML 1.{'9' * 5000}\n---", "%YAML 1.1\n%YAML 1.1\n---", "%YAML x\n---"),
)
KEYS = (
    "titel",
    "Title",
    "tittle",
    "<<",
    "1",
    "~",
    "''",
    '"\\e[2J"',
    '"\\u202E"',
    "k" * 2000,
    "é",
    "x y",
)
TOKENS = (
    b": ",
    b"\n",
    b"\t",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"&a ",
    b"*a",
    b"!!",
    b'"',
    b"'",
    b"|",
    b"%",
)


def settings_file(random: Random) -> bytes:
    """Return a labelset.yaml, more or less valid, and in half of all cases damaged."""
    lines = [f"{key}: {VALUES[key][0]}" for key in ("title", "credit", "root", "method")]
    for _ in range(random.choice((0, 1, 2, 4))):
        key = random.choice(list(VALUES))
        value = random.choice(VALUES[key] if chance(random, 0.8) else ANY)
        lines = [line for line in lines if not line.startswith(f"{key}:") or chance(random, 0.1)]
        lines.insert(random.randrange(len(lines) + 1), f"{key}: {value}")
    if chance(random, 0.15):
        lines.insert(
            random.randrange(len(lines) + 1), f"{random.choice(KEYS)}: {random.choice(ANY)}"
        )
    if chance(random, 0.15):
        lines.insert(random.randrange(len(lines) + 1), random.choice(ANY))
    if chance(random, 0.05):
        lines = [random.choice(ANY)]
    content = random.choice(("\n", "\n", "\n", "\r\n")).join(lines).encode("utf-8", "surrogatepass")
    return mutate(random, content, TOKENS) if chance(random, 0.5) else content


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    """Return a watched folder with a label set without settings."""
    watched = WatchedFolder(tmp_path)
    (watched.models / "weather").mkdir()
    (watched.models / "weather" / "labels.csv").write_text(LABELS)
    (watched.models / "weather" / "labelset.yaml").touch()
    return watched


def load(models: Path) -> None:
    """Load the set as the commands do."""
    assert_drawable(load_label_set("weather", EVERYTHING, models, language="es"))


@pytest.mark.parametrize(("fuzz", "cases"), FUZZERS)
def test_no_settings_give_a_traceback(watched: WatchedFolder, fuzz: Fuzz, cases: int) -> None:
    """Each of thousands of labelset.yaml results in valid settings, or in a message."""
    file = watched.models / "weather" / "labelset.yaml"
    target = FuzzTarget(watched, settings_file, file.write_bytes, lambda: load(watched.models))
    tally = fuzz(target, cases)
    assert tally.cases >= cases
    assert tally.accepted > cases // 20, "files that are right are among them"
    assert len(tally.refused) >= min(100, cases // 20), "most of the mistakes are made"


def test_a_reader_that_trusts_the_file_is_found(watched: WatchedFolder) -> None:
    """The control: the same files crash a reader without checks."""
    file = watched.models / "weather" / "labelset.yaml"
    target = FuzzTarget(
        watched, settings_file, file.write_bytes, lambda: yaml.safe_load(file.read_text())["title"]
    )
    with pytest.raises(AssertionError, match="case"):
        try_seeded(target, 100)
