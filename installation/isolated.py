"""Starts Python so that the kiosk's code runs before any other code of the Python environment.

Usually Python first runs `sitecustomize`, `usercustomize` and the lines of .pth files that begin
with `import`, and only then the program. It also searches PYTHONPATH and the current folder for
modules. Such code would run before the launcher or the show has entered the sandbox. Rejected:
searching for such code and refusing it. The code would run first and could prevent the search.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Sequence

from installation.settings.paths import PROJECT

OPTIONS = ("-I", "-S", "-B")
"""Python's options. -I: ignore the variables whose names begin with PYTHON, and import nothing from
the current folder or from the user's packages. -S: run no `sitecustomize` and no `.pth` file. -B:
write no bytecode files.
"""

PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "sys.path.insert(0, sys.argv.pop(1)); from installation.launch import start; start()"
)
"""The Python code that runs `kiosk`. The path of the project's folder is passed to it as its first
argument, because in the code the path would need quotes. Until the command installs its own
handler, Ctrl-C ends the command without a traceback.
"""


def kiosk_command(*arguments: str) -> list[str]:
    """Return the words that run `kiosk` with `arguments` in an isolated Python."""
    return [sys.executable, *OPTIONS, "-c", PROGRAM, str(PROJECT), *arguments]


def is_isolated() -> bool:
    """Return whether Python was started with -I and -S, so that the kiosk's code runs first."""
    return bool(sys.flags.isolated and sys.flags.no_site)


def isolate(arguments: Sequence[str]) -> None:
    """Replace this program by `kiosk` with `arguments` in an isolated Python.

    The command that pip installs starts a Python that is not isolated; this function makes the
    command as safe as scripts/kiosk. If this Python is already isolated, nothing happens.
    """
    if not is_isolated():
        words = kiosk_command(*arguments)
        os.execv(words[0], words)  # noqa: S606 - without a shell on purpose


def add_packages() -> None:
    """Let an isolated Python find the packages that are installed in its environment.

    An isolated Python is started with -S, so it does not do this itself. Python without -S would
    also run the packages' .pth files; this function does not.
    """
    environment = os.path.dirname(os.path.dirname(sys.executable))
    if os.path.exists(os.path.join(environment, "pyvenv.cfg")):
        sys.prefix = sys.exec_prefix = environment
    sys.path += [path for path in site.getsitepackages([sys.prefix]) if os.path.isdir(path)]
