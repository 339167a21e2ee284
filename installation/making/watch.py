"""Runs a show, and rebuilds its label set whenever an artist changes the set's files.

The build runs here, outside the show. The show runs in its sandbox as usual, and loads the built
file when it changes (naming/reload.py).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from installation.errors import KioskError, LabelSetError
from installation.isolated import kiosk_command
from installation.making.build import build
from installation.making.build.example_pictures import folder_signature, pictures_changed
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import BUILT_FILE, SETTINGS_FILE, signature
from installation.naming.label_set.load import assemble_nonempty, read_source
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.reload import WATCHED
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS
from installation.settings.yaml_file import load_yaml

POLL_S = 0.5
"""The seconds between two checks of the files. A change is built only if the next check finds no
further change, because a program may still be writing a file.
"""

LineLog = Callable[[str], None]


def watch(
    name: str,
    content: ContentSettings,
    arguments: Sequence[str],
    log: LineLog,
    models: Path = MODELS,
) -> int:
    """Run `kiosk run --labels NAME`, and build the set again whenever its files change.

    Returns the show's exit status.

    Args:
        name: The label set.
        content: Says which labels the show hides.
        arguments: The arguments of `kiosk run`. The show runs in the current folder, so
            relative paths in the arguments are valid.
        log: Called with one line before and one after each build, and with the mistakes in a
            change.
        models: The folder of label sets.

    Raises:
        KioskError: if the set has mistakes when this function is called; the show is not started.
    """
    build_if_stale(name, content, log, models)
    show = subprocess.Popen(
        kiosk_command("run", "--labels", name, *arguments), env={**os.environ, WATCHED: "1"}
    )
    with show, _signals_end(show):
        try:
            rebuild_on_change(name, content, log, lambda: _ends_within(show, POLL_S), models)
        except KeyboardInterrupt:
            pass  # the show has got the signal too, and ends by itself
        except BaseException:
            show.terminate()  # a show whose set is no longer built must end
            raise
        return show.wait()


@contextlib.contextmanager
def _signals_end(show: subprocess.Popen[bytes]) -> Iterator[None]:
    """Inside the `with` block, let SIGTERM and SIGHUP end `show` and raise KeyboardInterrupt.

    A terminal sends Ctrl-C to both processes; other signals reach this process only.
    """

    def end(*_: object) -> None:
        show.terminate()
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def rebuild_on_change(
    name: str,
    content: ContentSettings,
    log: LineLog,
    has_ended: Callable[[], bool],
    models: Path = MODELS,
) -> None:
    """Build the set after each change of its files, until `has_ended()` returns true.

    The files are checked after each call of `has_ended`, so `has_ended` must wait before it
    returns. A change is built if the next check of the files finds no further change. At the start,
    a stale set is built as well, because a file may have been saved during the last build.

    `content` says which labels the show hides. `log` is called with one line before and one after
    each build, and with the mistakes in a change.
    """
    seen = built = None
    has_mistakes = False
    while not has_ended():
        now = _state(models / name)
        if now == seen and now != built:
            built = now
            try:
                build_if_stale(name, content, log, models)
                if has_mistakes:
                    log("labels: the mistakes have been corrected.")
                has_mistakes = False
            except KioskError as error:
                has_mistakes = True
                log("labels: the changed set cannot be built; the show uses the last valid set.")
                log(str(error))
        seen = now


def _state(folder: Path) -> tuple[object, ...]:
    """Return a value that changes when any file from which the set is built changes."""
    files = {name: stamp for name, stamp in signature(folder).items() if name != BUILT_FILE}
    try:
        settings = load_yaml(folder / SETTINGS_FILE, LabelSetSettings, LabelSetError).settings
    except LabelSetError:
        return (files,)
    has_pictures = settings.method.learns_from_pictures
    return files, folder_signature(folder / settings.examples_folder) if has_pictures else None


def build_if_stale(
    name: str, content: ContentSettings, log: LineLog, models: Path = MODELS
) -> None:
    """Build the set if its built file is missing or outdated.

    The file is outdated if the set's words, settings or pictures have changed since it was built,
    or if it lacks labels that the show does not hide.

    `content` says which labels the show hides. `log` is called with one line before the build and
    one after it. Raises KioskError.
    """
    source = read_source(name, models)
    label_set = assemble_nonempty(source, content)
    try:
        built_file.check_built(label_set)
        is_stale = pictures_changed(source, label_set)
    except LabelSetError:
        is_stale = True
    if is_stale:
        log(f"labels: building {name} …")
        build.build(name, models, content=content)
        log(f"labels: {name} is built.")


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
