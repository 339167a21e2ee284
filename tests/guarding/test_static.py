from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "installation"

FORBIDDEN = {
    # Files.
    *("write_text", "write_bytes", "mkdir", "makedirs", "touch", "unlink", "rmdir", "rename"),
    *("symlink_to", "hardlink_to", "link", "symlink", "mkfifo", "mknod", "truncate", "ftruncate"),
    *("copyfile", "copytree", "rmtree", "NamedTemporaryFile", "TemporaryFile", "mkdtemp"),
    *("TemporaryDirectory", "mkstemp", "memfd_create", "sendfile", "chmod", "chown", "setxattr"),
    *("utime", "renames", "removedirs", "copy_file_range", "splice", "FileIO"),
    *("os.open", "os.fdopen", "os.write", "os.writev", "os.pwrite", "os.pwritev", "os.replace"),
    *("os.remove", "FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"),
    *("WatchedFileHandler", "SocketHandler", "DatagramHandler", "SysLogHandler", "HTTPHandler"),
    *("SMTPHandler", "fileConfig", "dictConfig"),
    # The libraries' own ways.
    *("imwrite", "imwritemulti", "VideoWriter", "FileStorage", "tofile", "memmap", "savez"),
    *("savetxt", "save_file", "save", "dump", "share_memory_", "SharedMemory"),
    # Networks and other programs.
    *("socket", "socketpair", "create_connection", "urlopen", "Popen", "check_output", "system"),
    *("fork", "forkpty", "popen", "execl", "execle", "execlp", "execlpe", "execv", "execve"),
    *("execvp", "execvpe", "spawnl", "spawnv", "spawnve", "posix_spawn", "posix_spawnp"),
    # Whole modules; subprocess.run is caught by its module.
    *("subprocess", "urllib", "http", "ftplib", "smtplib", "multiprocessing", "sqlite3", "shelve"),
    *("tempfile", "shutil", "requests", "asyncio", "socketserver", "ssl", "dbm", "webbrowser"),
    *("gzip", "bz2", "lzma", "zipfile", "tarfile"),
}
"""Words that name a way to a file or to others; with a dot where the last alone is harmless."""

READING = ("r", "rb", "rt")
"""The modes of `open` that only read."""

ALLOWED: dict[str, set[str]] = {
    # What must be refused is tried here.
    "guarding/attempts.py": {
        *("(ground / 'file').open()", "os.open", "write_bytes", "mkdir", "rmdir", "unlink"),
        *("rename", "link", "symlink_to", "mkfifo", "mknod", "truncate", "chmod", "chown"),
        *("utime", "setxattr", "imwrite", "VideoWriter", "save", "save_file", "tofile", "memmap"),
        *("FileHandler", "TemporaryFile", "tempfile", "sqlite3", "share_memory_", "SharedMemory"),
        *("multiprocessing", "socket", "socketpair", "urllib", "urlopen", "subprocess", "system"),
        *("fork", "execve"),
    },
    # It runs outside the sandbox and lets only words and numbers pass.
    "guarding/clerk.py": {"fork", "os.write", "write_bytes", "shutil", "rmtree"},
    # Devices are opened as mere places, to name them in a rule.
    "guarding/landlock.py": {"os.open"},
    # It becomes the show; what was closed is opened as /dev/null.
    "guarding/launcher.py": {"execve", "os.open"},
    # Before the sandbox it prepares the folder that the attempts try.
    "guarding/standing.py": {"mkdir", "write_bytes", "mkfifo"},
    # Sockets that are open already are asked what they are.
    "guarding/openings.py": {"socket"},
    # tempfile is told that there is no place.
    "guarding/sealing.py": {"tempfile"},
    # The family of sockets that is allowed has a name there.
    "guarding/seccomp.py": {"socket"},
    # What scores for a label set is opened by a method of that name.
    "naming/classifier.py": {"scorer.open()"},
    # Cameras are opened, and asked what they are.
    "seeing/cameras.py": {"Webcam.open()"},
    "seeing/v4l.py": {"os.open"},
    # OpenCV's writer knows the code of a pixel format.
    "seeing/webcam.py": {"VideoWriter"},
    # fontconfig is asked, before the second stage, which font has a script.
    "showing/fonts.py": {"subprocess"},
    # doctor runs an audit; the report of a show; nothing in the place of the standard streams.
    "cli.py": {"subprocess", "write_text", "os.write", "os.open"},
}
"""The modules that name some of it, each for a reason, and what they may name."""


def named(tree: ast.AST) -> set[str]:
    """Return the names of whatever in `tree` can write a file or reach others."""
    found: set[str] = set()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [node.attr, ast.unparse(node)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.ImportFrom):
            names = (node.module or "").split(".")
            for alias in node.names:
                names += [alias.name, f"{node.module}.{alias.name}"]
        elif isinstance(node, ast.Call) and writes(node):
            found.add(f"{ast.unparse(node.func)}()")
        found |= FORBIDDEN.intersection(names)
    return found


def writes(call: ast.Call) -> bool:
    """Tell whether `call` may write by what it is given: a mode, a file's name, a new place."""
    function = call.func
    given = {word.arg: word.value for word in call.keywords}
    if isinstance(function, ast.Name):
        return function.id == "open" and not reads(call.args[1:2], given)
    if not isinstance(function, ast.Attribute) or ast.unparse(function) in FORBIDDEN:
        return False
    if function.attr == "open":
        # A path's mode comes first, a module's second; what is no mode there is none to read.
        return not reads(call.args[:2], given)
    if function.attr == "replace":
        return len(call.args) == 1 and not given  # a path's; a text's takes two
    return function.attr == "basicConfig" and not given.keys().isdisjoint({"filename", None})


def reads(modes: list[ast.expr], given: dict[str | None, ast.expr]) -> bool:
    """Tell whether each of `modes`, and of what is `given` by name, is plainly one to read."""
    modes = [*modes, *(value for word, value in given.items() if word in ("mode", None))]
    return all(isinstance(mode, ast.Constant) and mode.value in READING for mode in modes)


@pytest.mark.parametrize(
    "leak",
    [
        "cv2.imwrite('a.png', frame.pixels)",
        "from pathlib import Path\nPath('a').write_bytes(frame.pixels)",
        "open('a', 'wb')",
        "open('a', mode)",
        "open('a', **how)",
        "path.open('ab')",
        "path.open(mode)",
        "path.open(mode=mode)",
        "io.open('b.bin', 'wb')",
        "io.FileIO('a', 'w')",
        "os.open('a', os.O_WRONLY | os.O_CREAT)",
        "os.write(3, pixels)",
        "from os import write",
        "os.replace('a', 'b')",
        "path.replace('b')",
        "logging.basicConfig(filename='a')",
        "logging.basicConfig(**how)",
        "import socket",
        "from urllib.request import urlopen",
        "numpy.save('a', pixels)",
        "pixels.tofile('a')",
    ],
)
def test_the_rule_finds_a_leak(leak: str) -> None:
    """The control: each of these would be found, also in the modules that are let name others."""
    assert named(ast.parse(leak)) - ALLOWED["seeing/webcam.py"]


@pytest.mark.parametrize(
    "harmless",
    [
        "open('a')",
        "open('a', 'rb')",
        "path.open()",
        "path.open('rb')",
        "path.open(encoding='utf-8')",
        "text.replace('a', 'b')",
        "at.replace(hour=0)",
        "logging.basicConfig(level=logging.INFO)",
        "sys.stdout.write('words')",
    ],
)
def test_the_rule_lets_reading_pass(harmless: str) -> None:
    """What only reads, or only speaks, needs no exception."""
    assert not named(ast.parse(harmless))


def test_no_module_of_the_show_can_write_or_reach_others() -> None:
    """Outside a short list, each with its reason, nothing names a way to a file or a network."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith("making/"):
            continue  # what is done before a show; the import contract keeps the show out of it
        if names := named(ast.parse(file.read_text())) - ALLOWED.get(name, set()):
            found[name] = names
    assert found == {}


@pytest.mark.parametrize("name", ALLOWED)
def test_the_list_of_exceptions_is_no_longer_than_it_must_be(name: str) -> None:
    """A module that no longer needs a word loses it."""
    assert ALLOWED[name] <= named(ast.parse((PACKAGE / name).read_text()))
