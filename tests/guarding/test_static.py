from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "installation"

FORBIDDEN = {
    # Files.
    *("write_text", "write_bytes", "mkdir", "makedirs", "touch", "unlink", "rmdir", "rename"),
    *("symlink_to", "hardlink_to", "link", "symlink", "mkfifo", "mknod", "truncate", "ftruncate"),
    *("copyfile", "copytree", "rmtree", "NamedTemporaryFile", "TemporaryFile", "mkdtemp"),
    *("TemporaryDirectory", "mkstemp", "memfd_create", "sendfile", "FileHandler", "chmod", "chown"),
    *("RotatingFileHandler", "setxattr", "utime"),
    # The libraries' own ways.
    *("imwrite", "imwritemulti", "VideoWriter", "FileStorage", "tofile", "memmap", "savez"),
    *("savetxt", "save_file", "save", "dump", "share_memory_", "SharedMemory"),
    # Networks and other programs.
    *("socket", "socketpair", "create_connection", "urlopen", "Popen", "check_output", "system"),
    *("fork", "execv", "execve", "posix_spawn", "spawnl", "popen"),
    # subprocess.run is caught by its module.
    *("subprocess", "urllib", "http", "ftplib", "smtplib", "multiprocessing", "sqlite3", "shelve"),
    *("tempfile", "shutil", "requests"),
}

ALLOWED = {
    "guarding/attempts.py": "tries what must be refused",
    "guarding/clerk.py": "runs outside the sandbox and lets only words and numbers pass",
    "guarding/launcher.py": "becomes the show",
    "guarding/standing.py": "prepares, before the sandbox, the folder that the attempts try",
    "guarding/openings.py": "wraps sockets that are open already, to ask what they are",
    "guarding/sealing.py": "tells tempfile that there is no place",
    "guarding/seccomp.py": "names the family of sockets that it allows",
    "seeing/webcam.py": "asks OpenCV's writer for the code of a pixel format",
    "showing/fonts.py": "asks fontconfig which font has a script, before the second stage",
    "cli.py": "doctor runs an audit; the report of a show without a sandbox",
}


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of whatever in `tree` can write a file or reach others."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Call):
            names = ["open to write"] if opens_to_write(node) else []
        for name in names:
            if name in FORBIDDEN or name == "open to write":
                yield getattr(node, "lineno", 0), name


def opens_to_write(call: ast.Call) -> bool:
    """Tell whether `call` is an `open` whose mode is not plainly one for reading."""
    function = call.func
    builtin = isinstance(function, ast.Name) and function.id == "open"
    method = isinstance(function, ast.Attribute) and function.attr == "open"
    modes = call.args[1:2] if builtin else call.args[:1]
    modes = [word.value for word in call.keywords if word.arg == "mode"] or modes
    for mode in modes:
        if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
            return (builtin or method) and bool(set(mode.value) & set("wax+"))
        return builtin
    return False


@pytest.mark.parametrize(
    "leak",
    [
        "cv2.imwrite('a.png', frame.pixels)",
        "from pathlib import Path\nPath('a').write_bytes(frame.pixels)",
        "open('a', 'wb')",
        "path.open('ab')",
        "open('a', mode)",
        "import socket",
        "from urllib.request import urlopen",
        "numpy.save('a', pixels)",
        "pixels.tofile('a')",
    ],
)
def test_the_rule_finds_a_leak(leak: str) -> None:
    """The control: each of these would be found."""
    assert list(named(ast.parse(leak)))


def test_no_module_of_the_show_can_write_or_reach_others() -> None:
    """Outside a short list, each with its reason, nothing names a way to a file or a network."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith("making/"):
            continue  # what is done before a show; the import contract keeps the show out of it
        names = sorted(set(named(ast.parse(file.read_text()))))
        if names and name not in ALLOWED:
            found[name] = names
    assert found == {}


def test_the_list_of_exceptions_is_no_longer_than_it_must_be() -> None:
    """A module that no longer needs its exception loses it."""
    for name in ALLOWED:
        assert list(named(ast.parse((PACKAGE / name).read_text()))), name
