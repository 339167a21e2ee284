"""Tests that no module of the show names a function that writes files or opens sockets.

The rule reads the source code. The exceptions are listed by module, each with its reason. While the
show runs the kernel enforces the same; this rule finds a mistake earlier and names its place.
"""

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
    # Python's modules that do not open connections, start programs or call foreign code.
    *("__future__", "argparse", "collections", "contextlib", "csv", "dataclasses", "datetime"),
    *(
        "difflib",
        "enum",
        "errno",
        "fcntl",
        "functools",
        "hashlib",
        "html",
        "importlib",
        "io",
        "itertools",
    ),
    *(
        "json",
        "logging",
        "math",
        "os",
        "pathlib",
        "platform",
        "random",
        "re",
        "resource",
        "secrets",
        "select",
    ),
    *(
        "selectors",
        "signal",
        "stat",
        "string",
        "struct",
        "sys",
        "textwrap",
        "threading",
        "time",
        "traceback",
    ),
    *("types", "typing", "unicodedata", "warnings", "weakref", "zlib"),
    # The parts of the show.
    *("PIL", "cv2", "fontTools", "google", "icu", "manimgx_fonts", "numpy", "onnx"),
    *("onnxruntime", "psutil", "pydantic", "pydantic_core", "pygame", "pyphen", "safetensors"),
    *("scipy", "timm", "torch", "torchvision", "transformers", "uharfbuzz", "yaml"),
}
"""The modules that the show may import."""

RENAMED = {"numpy as np", "numpy.typing as npt"}
"""The imports that may have another name, under which this rule would not recognise them."""

FORBIDDEN = (
    # Files.
    *("FileIO", "os.open", "os.fdopen", "os.*write*", "os.remove", "os.replace", "write_text"),
    *("write_bytes", "mk[dfnst]*", "makedirs", "touch", "unlink", "rmdir", "removedirs", "rmtree"),
    *("rename", "renames", "link", "symlink*", "hardlink*", "*truncate", "*chmod", "*chown"),
    *("setxattr", "utime", "copyfile*", "copytree", "copy_file_range", "sendfile", "splice"),
    *("memfd_create", "*Temporary*", "*FileHandler", "*SocketHandler", "DatagramHandler"),
    *("SysLogHandler", "HTTPHandler", "SMTPHandler", "fileConfig", "dictConfig"),
    # The stream of bytes below a stream of text.
    "buffer",
    # Functions of libraries that write files or share memory.
    *("save*", "imsave*", "imwrite*", "dump", "dump[!s]*", "tofile", "*memmap", "VideoWriter"),
    *("FileStorage", "share_memory_", "SharedMemory", "write_file", "write_[jpv]*", "export_*"),
    *("onnx.export", "optimized_model_filepath", "enable_profiling"),
    # Networks and other programs; a compiler is a program that writes files.
    *("VideoCapture", "hub", "*download*", "*urlopen", "create_connection", "socket"),
    *("socketpair", "multiprocessing", "subprocess", "posix*", "fork*", "*spawn*", "exec[lv_]*"),
    *("popen", "system", "compile", "cpp_extension"),
    # Functions that call others by a number or a name that is known only at run time.
    *("syscalls", "ctypes", "ctypeslib", "import_module", "create_module", "load_module"),
    *("sys.modules", "builtins", "__builtins__", "__import__", "__dict__", "__getattribute__"),
)
"""Patterns of names that can write a file, reach other programs or get around this rule.

A pattern has a dot if its last name alone is harmless.
"""

HARMLESS = {"re.compile"}

BUILT_IN = {"__import__", "__builtins__", "eval", "exec", "compile", "globals", "locals", "vars"}
"""Built-in functions that can write a file, reach other programs or get around this rule."""

CALLED = {"open", "getattr"}
"""Built-in functions whose arguments are checked in each call; they may not be passed on."""

OWNERS = {"os", "sys"}
"""Modules whose functions are recognised by the name before the dot; they may not be passed on."""

READING = ("r", "rb", "rt")
"""The modes of `open` that only read."""

ALLOWED: dict[str, set[str]] = {
    # Hides Triton from torch.
    "__init__.py": {"sys.modules"},
    # Executes the command again without the environment's code, and finds its packages.
    "isolated.py": {"execv", "exec_prefix", "site"},
    # The probes try what must be refused.
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
    # Runs outside the sandbox and lets only text and numbers through.
    "guarding/output/output_filter.py": {"fork", "os.write", "write_text", "shutil", "rmtree"},
    # The one place that makes system calls by their numbers, and the layers that use it.
    "guarding/layers/syscalls.py": {"ctypes"},
    "guarding/layers/limits.py": {"syscalls", "ctypes"},
    # Names calls by their numbers, and makes none.
    "guarding/layers/bpf.py": {"syscalls"},
    # Opens devices only as paths (O_PATH), to name them in a rule.
    "guarding/layers/landlock.py": {"os.open", "syscalls", "ctypes"},
    # Executes the show, and opens closed streams as /dev/null.
    "guarding/stage_one.py": {"execve", "os.open"},
    # Opens video devices in the launcher, to ask the kernel what they are.
    "guarding/video_outputs.py": {"os.open"},
    # Looks up a user and groups for the unit that `kiosk service` prints; no show loads it.
    "guarding/unit_access.py": {"pwd", "grp"},
    # Makes the scratch folder of the probes before the sandbox, and removes those that are left.
    "guarding/status.py": {"mkdir", "write_bytes", "mkfifo", "shutil", "rmtree"},
    # Reads the addresses of sockets that are open already.
    "guarding/open_files.py": {"socket"},
    # Sets the folder for temporary files to one that nobody may write to.
    "guarding/guard.py": {"tempfile"},
    # Names the one family of sockets that is allowed.
    "guarding/layers/seccomp.py": {"socket", "syscalls", "ctypes"},
    # Memory for pictures without a file, which is locked and overwritten.
    "memory/pages.py": {"mmap", "ctypes"},
    "memory/pool.py": {"mmap"},
    "memory/buffers.py": {"ctypes"},
    # Pauses the collector, and lets it collect.
    "memory/garbage.py": {"gc"},
    # A stranger's network is read in a child process that inherits the guard.
    "naming/networks/onnx_check.py": {"subprocess", "open()"},  # open(): its pipe
    "naming/networks/confined_network.py": {"subprocess", "open()"},  # the same
    # Open cameras and films. After stage two they can connect to nothing.
    "seeing/cameras/open.py": {"Webcam.open()"},
    "show/camera/opener.py": {"Webcam.open()"},
    "seeing/cameras/named_controls.py": {"CameraControls.open()"},
    "seeing/cameras/v4l.py": {"os.open"},
    # The memory that a camera fills.
    "seeing/cameras/v4l_capture.py": {"mmap", "kernel.open()"},
    "seeing/cameras/played/film.py": {"VideoCapture"},
    # OpenCV's writer has the function that makes the code of a pixel format.
    "seeing/cameras/webcam.py": {"VideoCapture", "VideoWriter", "V4lCapture.open()"},
    # Runs fontconfig before stage two, to find a font for a script.
    "showing/type/font_files.py": {"subprocess"},
    # The picture of a line of type, in HarfBuzz's memory.
    "showing/type/face.py": {"buffer"},
    # Tells Xlib which function to call if the X server ends.
    "showing/video.py": {"ctypes"},
    # Asks the X server for the monitors, through a connection that is open before the guard.
    "showing/monitors.py": {"ctypes"},
    # The camera is opened in a process of its own, which enters all stages before that.
    "cli/camera_trial.py": {"subprocess"},
    # It runs an audit in a process of its own.
    # /dev/null takes the remarks of C libraries about the display.
    "cli/doctor.py": {"subprocess", "os.open"},
    # The name of an argument.
    "cli/status.py": {"socket"},
    # Asks gsettings what the desktop will do to the screen; no show loads it.
    "cli/blanking.py": {"subprocess"},
    # The summary of a show; /dev/null for a stream whose reader has gone.
    "cli/output.py": {"write_text", "os.write", "os.open", "open()"},  # open(): /dev/null
    # The command line has a beginning as well. It forks shows, and pipes carry their numbers.
    "launch.py": {"start as start_command", "fork"},
    # What the show may report: 17 numbers.
    "running/progress.py": {"os.write"},
    # The supervisor is outside the sandbox and sees no frame.
    "running/supervisor.py": {"socket", "socketpair", "os.write"},
    "running/service.py": {"socket"},
    "running/status_socket.py": {"socket", "chmod", "unlink"},
}
"""The exceptions: modules and the names that each may use, with the reason."""


SUSPICIOUS = re.compile("|".join(map(translate, FORBIDDEN)))


def suspicious_names(tree: ast.AST) -> set[str]:
    """Return the names in `tree` that can write a file or reach other programs."""
    nodes = list(ast.walk(tree))
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    owners = {node.value for node in nodes if isinstance(node, ast.Attribute)}
    owners |= {node.args[0] for node in nodes if isinstance(node, ast.Call) and is_hasattr(node)}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(suspicious_imports(node))
        elif isinstance(node, ast.Attribute):
            found.update(suspicious(last_name(node.value), node.attr))
            if node.attr in ("open", "replace") and node not in called:
                found.add(ast.unparse(node))
        elif isinstance(node, ast.Name):
            kept = BUILT_IN | (CALLED if node not in called else set())
            found |= {node.id} & (kept | (OWNERS if node not in owners else set()))
        elif isinstance(node, ast.Call) and may_write(node):
            found.add(f"{ast.unparse(node.func)}()")
    return found


def suspicious_imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the names that `node` imports or renames although the show may not."""
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        places = module.split(".")
        if places[0] not in LIBRARIES:
            yield places[0]
        for owner, name in zip(["", *places], [*places, alias.name], strict=True):
            yield from suspicious(owner, name)
        if alias.name == "open":
            yield "open"
        if alias.asname and f"{alias.name} as {alias.asname}" not in RENAMED:
            yield f"{alias.name} as {alias.asname}"


def suspicious(owner: str, name: str) -> set[str]:
    """Return `name` or `owner.name` if it is in `FORBIDDEN`, or nothing."""
    whole = f"{owner}.{name}"
    matching = [each for each in (name, whole) if SUSPICIOUS.match(each) and whole not in HARMLESS]
    return set(matching[:1])


def last_name(owner: ast.expr) -> str:
    """Return the last name of `owner`, such as `os` of `torch.os`."""
    return ast.unparse(owner).rpartition(".")[2]


def may_write(call: ast.Call) -> bool:
    """Return whether the arguments of `call` (a mode, a file name, a new path) let it write."""
    function = call.func
    given = {word.arg: word.value for word in call.keywords}
    if isinstance(function, ast.Name):
        if function.id == "getattr":
            return may_reach(*call.args[:2])
        return function.id == "open" and not only_reads(call.args[1:2], given)
    if not isinstance(function, ast.Attribute) or suspicious(
        last_name(function.value), function.attr
    ):
        return False
    if function.attr == "open":
        # The mode is the first argument of a path's `open` and the second of a module's. Anything
        # else in its place is not a reading mode.
        return not only_reads(call.args[:2], given)
    if function.attr == "replace":
        return len(call.args) == 1 and not given  # a path's; that of a string takes two
    return function.attr == "basicConfig" and not given.keys().isdisjoint({"filename", None})


def is_hasattr(call: ast.Call) -> bool:
    """Return whether `call` is `hasattr`, which calls nothing of its argument."""
    return isinstance(call.func, ast.Name) and call.func.id == "hasattr"


def may_reach(owner: ast.expr, name: ast.expr) -> bool:
    """Return whether the attribute `name` of `owner` can write a file or reach other programs."""
    if not isinstance(name, ast.Constant):
        return True
    return name.value == "open" or bool(suspicious(last_name(owner), str(name.value)))


def only_reads(modes: list[ast.expr], given: dict[str | None, ast.expr]) -> bool:
    """Return whether all of `modes`, and the modes in the keyword arguments `given`, only read."""
    modes = [*modes, *(value for word, value in given.items() if word in ("mode", None))]
    return all(isinstance(mode, ast.Constant) and mode.value in READING for mode in modes)


@pytest.mark.parametrize(
    "leak",
    [
        "cv2.imwrite('a.png', frame.bgr)",
        "from pathlib import Path\nPath('a').write_bytes(frame.bgr)",
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
        # By related functions.
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
        # By a name that is known only at run time.
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
        # By a library that the show does not need.
        "import _socket",
        "import xmlrpc.client",
        "import imaplib",
        "import httpx",
        "import huggingface_hub",
    ],
)
def test_the_rule_finds_a_leak(leak: str) -> None:
    """The control: the rule finds each of these leaks."""
    assert suspicious_names(ast.parse(leak))


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
    """Code that only reads, or only prints, needs no exception."""
    assert not suspicious_names(ast.parse(harmless))


def test_no_module_of_the_show_can_write_or_reach_others() -> None:
    """Outside the list of exceptions, no module names a way to a file or a network."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith("making/"):
            continue  # It runs before a show; the import contract keeps it out of the show.
        if names := suspicious_names(ast.parse(file.read_text())) - ALLOWED.get(name, set()):
            found[name] = names
    assert found == {}


@pytest.mark.parametrize("name", ALLOWED)
def test_the_list_of_exceptions_is_no_longer_than_it_must_be(name: str) -> None:
    """Every name that `ALLOWED` permits to a module is still used in it."""
    assert ALLOWED[name] <= suspicious_names(ast.parse((PACKAGE / name).read_text()))


def test_cameras_are_opened_only_under_the_guard() -> None:
    """Two modules open a camera, both after the seal.

    `kiosk check` opens only films and folders of pictures. `kiosk cameras` reads the names and
    sizes of cameras, but no picture.
    """
    opens = re.compile(r"(?<!def )(?<!_)\bopen_camera\(")
    opening = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if opens.search(file.read_text())
    }
    assert opening == {"cli/camera_trial.py", "show/camera/opener.py", "cli/check.py"}
    check = (PACKAGE / "cli/check.py").read_text()
    assert "isinstance(settings.source, Film | Pictures)" in check
