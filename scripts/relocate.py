"""Replaces a path in a copied virtual environment: relocate.py ENVIRONMENT OLD NEW.

Python itself finds its environment by the path of its executable. Only files that an installer has
written contain the path: the scripts in bin/, pyvenv.cfg, and the files of an editable install.
Each file is replaced, never written into, because a copy of an environment may share its files by
hard links.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

LONGEST_SHEBANG = 127
"""The greatest length of a script's first line, bytes, that every Linux reads completely. The
number is in the source code with which pip writes scripts.
"""


def relocate(environment: Path, old: str, new: str) -> None:
    """Replace the path `old` by `new` in the files of `environment` that an installer wrote."""
    for file in _files(environment):
        before = file.read_bytes()
        if b"\0" not in before and (after := _relocated(file, before, old, new)) != before:
            beside = file.with_name(f"{file.name}.new")
            beside.write_bytes(after)
            beside.chmod(file.stat().st_mode)
            beside.replace(file)


def _files(environment: Path) -> Iterator[Path]:
    yield environment / "pyvenv.cfg"
    yield from (file for file in (environment / "bin").iterdir() if not file.is_symlink())
    for pattern in ("__editable__*", "*.dist-info/direct_url.json"):
        found = environment.glob(f"lib/python*/site-packages/{pattern}")
        yield from (file for file in found if file.is_file())


def _relocated(file: Path, text: bytes, old: str, new: str) -> bytes:
    """Return the `text` of `file` with the path `old` replaced by `new`.

    Both paths are escaped as the file's format requires.
    """
    interpreter, body = _split_script(text)
    interpreter = _replaced(interpreter, old, new)
    if file.suffix == ".py":
        # An installer writes `repr`, which does not escape an apostrophe; `_in_python` does.
        for written in dict.fromkeys((_in_python(old), repr(old)[1:-1])):
            body = _replaced(body, written, _in_python(new))
    elif file.suffix == ".json":
        body = _replaced(body, quote(old), quote(new))
    else:
        body = _replaced(body, old, new)
    return _first_lines(interpreter) + body


def _in_python(path: str) -> str:
    """Return `path` escaped for a Python string literal, whichever quotes the literal has."""
    return path.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')


def _replaced(text: bytes, old: str, new: str) -> bytes:
    """Return `text` with the path `old` replaced by `new`, unless it is part of a longer name."""
    return re.sub(re.escape(old.encode()) + rb"(?![\w.-])", lambda _: new.encode(), text)


def _split_script(text: bytes) -> tuple[bytes, bytes]:
    """Return the path of the interpreter that a script names, and the rest of the script.

    For a file that is not a Python script, return b"" and the whole text. pip writes the path into
    the first line or, if the path is long or contains a space, into a line for `sh`.
    """
    shell = b"#!/bin/sh\n'''exec' \""
    if text.startswith(shell):
        interpreter, _, rest = text[len(shell) :].partition(b'" "$0" "$@"\n')
        return interpreter, rest.removeprefix(b"' '''\n")
    if text.startswith(b"#!/") and b"python" in text.partition(b"\n")[0]:
        interpreter, _, rest = text[2:].partition(b"\n")
        return interpreter, rest
    return b"", text


def _first_lines(interpreter: bytes) -> bytes:
    if not interpreter:
        return b""
    if b" " in interpreter or len(interpreter) + 2 > LONGEST_SHEBANG:
        return b"#!/bin/sh\n'''exec' \"" + interpreter + b'" "$0" "$@"\n' + b"' '''\n"
    return b"#!" + interpreter + b"\n"


if __name__ == "__main__":
    relocate(Path(sys.argv[1]), *map(os.path.abspath, sys.argv[2:]))
