"""Starts Python in such a way that it runs the kiosk's code before any code of its environment.

Python usually searches PYTHONPATH and the current folder for modules, and before a program it runs
`sitecustomize`, `usercustomize` and the lines of .pth files that begin with `import`. In the
process that puts a show under the guard, or in the show itself, such code would run before the
guard. Rejected: searching for such code and refusing it, which the code itself could prevent.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Sequence

from installation.settings.paths import PROJECT

OPTIONS = ("-I", "-S", "-B")
"""Python's options: ignore PYTHON… variables, the current folder and the user's packages (-I), run
no code of the environment (-S), and write no bytecode (-B).
"""

PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "sys.path.insert(0, sys.argv.pop(1)); from installation.launch import start; start()"
)
"""The program that runs `kiosk`. Its first argument is the project's folder, so that the code
itself needs no quoting. Until Python can end the command properly, Ctrl-C ends it silently.
"""


def kiosk_command(*arguments: str) -> list[str]:
    """Return the words that run `kiosk` with `arguments` in an isolated Python."""
    return [sys.executable, *OPTIONS, "-c", PROGRAM, str(PROJECT), *arguments]


def is_isolated() -> bool:
    """Return whether this process has run no code of its environment before the kiosk's."""
    return bool(sys.flags.isolated and sys.flags.no_site)


def isolate(arguments: Sequence[str]) -> None:
    """Replace this program by `kiosk` with `arguments` in an isolated Python, if it is not one.

    So the command that pip installs is as safe as scripts/kiosk.
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
