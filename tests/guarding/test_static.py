from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "installation"

LIBRARIES = {
    "installation",
    # Python's own: none opens connections, starts programs or calls foreign code by itself.
    *("__future__", "argparse", "collections", "contextlib", "csv", "dataclasses", "datetime"),
    *("difflib", "errno", "fcntl", "functools", "hashlib", "html", "importlib", "io", "itertools"),
    *("json", "logging", "math", "os", "pathlib", "platform", "random", "re", "resource", "select"),
    *("signal", "stat", "string", "struct", "sys", "textwrap", "threading", "time", "traceback"),
    *("types", "typing", "unicodedata", "warnings", "weakref"),
    # Others': what the show is made of.
    *("bidi", "cv2", "facenet_pytorch", "fontTools", "google", "numpy", "onnx", "onnxruntime"),
    *("psutil", "pydantic"),
    *("pydantic_core", "pygame", "safetensors", "scipy", "timm", "torch", "torchvision"),
    *("transformers", "yaml"),
}
"""All that a module of the show may import."""

RENAMED = {
    *("numpy as np", "numpy.typing as npt"),
    # Modules of the package, whose own names would hide local ones.
    "check_set as describing",
    "labels as cli_labels",
}
"""What may be imported under another name."""

FORBIDDEN = (
    # Files.
    *("FileIO", "os.open", "os.fdopen", "os.*write*", "os.remove", "os.replace", "write_text"),
    *("write_bytes", "mk[dfnst]*", "makedirs", "touch", "unlink", "rmdir", "removedirs", "rmtree"),
    *("rename", "renames", "link", "symlink*", "hardlink*", "*truncate", "*chmod", "*chown"),
    *("setxattr", "utime", "copyfile*", "copytree", "copy_file_range", "sendfile", "splice"),
    *("memfd_create", "*Temporary*", "*FileHandler", "*SocketHandler", "DatagramHandler"),
    *("SysLogHandler", "HTTPHandler", "SMTPHandler", "fileConfig", "dictConfig"),
    # Below a stream of words lies one of any bytes.
    "buffer",
    # The libraries' own ways.
    *("save*", "imsave*", "imwrite*", "dump", "dump[!s]*", "tofile", "*memmap", "VideoWriter"),
    *("FileStorage", "share_memory_", "SharedMemory", "write_file", "write_[jpv]*", "export_*"),
    *("onnx.export", "optimized_model_filepath", "enable_profiling"),
    # Networks and other programs; a compiler is one, and keeps what it makes.
    *("VideoCapture", "hub", "*download*", "*urlopen", "create_connection", "socket"),
    *("socketpair", "multiprocessing", "subprocess", "posix*", "fork*", "*spawn*", "exec[lv_]*"),
    *("popen", "system", "compile", "cpp_extension"),
    # What calls the system, or anything, by a number or a name that is known only when it runs.
    *("syscalls", "ctypes", "ctypeslib", "import_module", "create_module", "load_module"),
    *("sys.modules", "builtins", "__builtins__", "__import__", "__dict__", "__getattribute__"),
)
"""Patterns of names that lead to a file, to others or past this rule; with a dot where the last
alone is harmless."""

HARMLESS = {"re.compile"}

BUILT_IN = {"__import__", "__builtins__", "eval", "exec", "compile", "globals", "locals", "vars"}
"""Of Python's own functions those that lead anywhere."""

CALLED = {"open", "getattr"}
"""Those that are looked at where they are called, and must be nowhere else."""

OWNERS = {"os", "sys"}
"""Modules whose names are known by what stands before the dot, and must be nowhere else."""

READING = ("r", "rb", "rt")
"""The modes of `open` that only read."""

ALLOWED: dict[str, set[str]] = {
    # torch is told that there is no Triton.
    "__init__.py": {"sys.modules"},
    # What must be refused is tried here.
    "guarding/probes/action.py": {"syscalls"},
    "guarding/probes/files.py": {
        *("(scratch_dir / 'file').open()", "os.open", "write_bytes", "mkdir", "rmdir", "unlink"),
        *("rename", "link", "symlink_to", "mkfifo", "mknod", "truncate", "chmod", "fchmod"),
        *("chown", "fchown", "utime", "setxattr", "mmap", "syscalls"),
    },
    "guarding/probes/kernel.py": {"syscalls", "ctypes"},
    "guarding/probes/processes.py": {"subprocess", "fork", "execve", "syscalls", "ctypes"},
    "guarding/probes/network.py": {"socket", "socketpair"},
    "guarding/probes/libraries.py": {
        *("unlink", "imwrite", "VideoWriter", "save", "save_file", "tofile", "memmap"),
        *("FileHandler", "TemporaryFile", "tempfile", "sqlite3", "share_memory_", "SharedMemory"),
        *("multiprocessing", "urllib", "urlopen", "system"),
    },
    # It runs outside the sandbox and lets only words and numbers pass.
    "guarding/output_filter.py": {"fork", "os.write", "write_bytes", "shutil", "rmtree"},
    # The one place that makes system calls by their numbers, and the layers made of them.
    "guarding/layers/syscalls.py": {"ctypes"},
    "guarding/layers/limits.py": {"syscalls"},
    # Devices are opened as mere places, to name them in a rule.
    "guarding/layers/landlock.py": {"os.open", "syscalls", "ctypes"},
    # It becomes the show; what was closed is opened as /dev/null.
    "guarding/stage_one.py": {"execve", "os.open"},
    # Before the sandbox it prepares the folder that the attempts try.
    "guarding/status.py": {"mkdir", "write_bytes", "mkfifo"},
    # Sockets that are open already are asked what they are.
    "guarding/open_files.py": {"socket"},
    # tempfile is told that there is no place.
    "guarding/guard.py": {"tempfile"},
    # The family of sockets that is allowed has a name there.
    "guarding/layers/seccomp.py": {"socket", "syscalls", "ctypes"},
    # Memory for pictures, which lies under no file, and how it is locked and overwritten.
    "memory/pages.py": {"mmap", "ctypes"},
    "memory/pool.py": {"mmap"},
    "memory/buffers.py": {"ctypes"},
    # A stranger's network is read in a child process that inherits the guard.
    "naming/networks/onnx_check.py": {"subprocess"},
    # What scores for a label set is opened by a method of that name.
    # Cameras are opened, and asked what they are; films are played. Nothing is connected to any
    # more by then: the second stage comes first.
    "seeing/cameras/open.py": {"Webcam.open()"},
    "seeing/cameras/v4l.py": {"os.open"},
    "seeing/cameras/film.py": {"VideoCapture"},
    # OpenCV's writer knows the code of a pixel format.
    "seeing/cameras/webcam.py": {"VideoCapture", "VideoWriter"},
    # fontconfig is asked, before the second stage, which font has a script.
    "showing/fonts.py": {"subprocess"},
    # doctor runs an audit; the report of a show; nothing in the place of the standard streams.
    "cli/main.py": {"subprocess", "write_text", "os.write", "os.open"},
    # The command line has a beginning as well.
    "launch.py": {"start as start_command"},
}
"""The modules that name some of it, each for a reason, and what they may name."""


FOUND = re.compile("|".join(map(translate, FORBIDDEN)))


def named(tree: ast.AST) -> set[str]:
    """Return the names of whatever in `tree` can write a file or reach others."""
    nodes = list(ast.walk(tree))
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    owners = {node.value for node in nodes if isinstance(node, ast.Attribute)}
    owners |= {node.args[0] for node in nodes if isinstance(node, ast.Call) and asks(node)}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(imported(node))
        elif isinstance(node, ast.Attribute):
            found.update(leading(last(node.value), node.attr))
            if node.attr in ("open", "replace") and node not in called:
                found.add(ast.unparse(node))
        elif isinstance(node, ast.Name):
            kept = BUILT_IN | (CALLED if node not in called else set())
            found |= {node.id} & (kept | (OWNERS if node not in owners else set()))
        elif isinstance(node, ast.Call) and writes(node):
            found.add(f"{ast.unparse(node.func)}()")
    return found


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield what `node` imports that the show may not have, or not under that name."""
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        places = module.split(".")
        if places[0] not in LIBRARIES:
            yield places[0]
        for owner, name in zip(["", *places], [*places, alias.name], strict=True):
            yield from leading(owner, name)
        if alias.name == "open":
            yield "open"
        if alias.asname and f"{alias.name} as {alias.asname}" not in RENAMED:
            yield f"{alias.name} as {alias.asname}"


def leading(owner: str, name: str) -> set[str]:
    """Return `name`, or else `owner.name`, if it leads to a file or to others."""
    whole = f"{owner}.{name}"
    led = [each for each in (name, whole) if FOUND.match(each) and whole not in HARMLESS]
    return set(led[:1])


def last(owner: ast.expr) -> str:
    """Return the last name of `owner`: of `torch.os` that is `os`."""
    return ast.unparse(owner).rpartition(".")[2]


def writes(call: ast.Call) -> bool:
    """Tell whether `call` may write by what it is given: a mode, a file's name, a new place."""
    function = call.func
    given = {word.arg: word.value for word in call.keywords}
    if isinstance(function, ast.Name):
        if function.id == "getattr":
            return reaches(*call.args[:2])
        return function.id == "open" and not reads(call.args[1:2], given)
    if not isinstance(function, ast.Attribute) or leading(last(function.value), function.attr):
        return False
    if function.attr == "open":
        # A path's mode comes first, a module's second; what is no mode there is none to read.
        return not reads(call.args[:2], given)
    if function.attr == "replace":
        return len(call.args) == 1 and not given  # a path's; a text's takes two
    return function.attr == "basicConfig" and not given.keys().isdisjoint({"filename", None})


def asks(call: ast.Call) -> bool:
    """Tell whether `call` is `hasattr`, which only tells whether its owner has a name."""
    return isinstance(call.func, ast.Name) and call.func.id == "hasattr"


def reaches(owner: ast.expr, name: ast.expr) -> bool:
    """Tell whether the attribute `name` of `owner` may lead to a file or to others."""
    if not isinstance(name, ast.Constant):
        return True
    return name.value == "open" or bool(leading(last(owner), str(name.value)))


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
        # By the functions' relatives.
        "np.savez_compressed('a', pixels)",
        "cv2.imwriteanimation('a', pictures)",
        "cv2.VideoWriter('a', code, 30, size)",
        "pygame.image.save_extended(surface, 'a')",
        "np.lib.format.open_memmap('a', 'w+')",
        "net.dumpToFile('a')",
        "os.spawnvp(os.P_WAIT, 'a', [])",
        "os.execvp('a', [])",
        "torch.compile(network)",
        "network.compile()",
        "sys.stderr.buffer.write(pixels)",
        "cv2.VideoCapture('http://a')",
        "torch.hub.load('a', 'b')",
        "from torch import hub",
        # By another name.
        "f = open",
        "partial(open, mode='wb')",
        "f = path.open",
        "map(path.replace, others)",
        "from io import open as o",
        "from io import open",
        "import os as o",
        "o = os",
        "o, p = os, open",
        "pathlib.os.open('a', 1)",
        "sys.modules['os']",
        # By a name that is known only when it runs.
        "getattr(cv2, 'imwrite')",
        "getattr(os, 'open')",
        "getattr(path, 'open')",
        "getattr(cv2, name)",
        "map(getattr, libraries, names)",
        "vars(cv2)['imwrite']",
        "cv2.__dict__['imwrite']",
        "__import__('socket')",
        "importlib.import_module('socket')",
        "exec(text)",
        "eval(text)",
        "from operator import attrgetter",
        # By the kernel.
        "from installation.guarding.layers import syscalls",
        "from installation.guarding.layers.syscalls import call",
        "import installation.guarding.layers.syscalls",
        "installation.guarding.layers.syscalls.call('creat', b'a', 0o600)",
        "memory.ctypes.CDLL(None).fopen(b'a', b'w')",
        "import ctypes",
        "from ctypes import CDLL",
        "np.ctypeslib.load_library('libc.so.6', '/')",
        "import mmap",
        "import posix",
        # By a library that the show has no use for.
        "import _socket",
        "import xmlrpc.client",
        "import imaplib",
        "import httpx",
        "import huggingface_hub",
    ],
)
def test_the_rule_finds_a_leak(leak: str) -> None:
    """The control: each of these would be found."""
    assert named(ast.parse(leak))


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
        "getattr(failure, 'strerror', None)",
        "hasattr(os, 'sched_getaffinity')",
        "re.compile('a')",
        "network.eval()",
        "json.dumps(event)",
        "import numpy as np",
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
