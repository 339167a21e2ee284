"""An artist at work: a show that runs, and a set that is built anew at every change of its words.

Building happens here, outside the show, which runs under its guard as ever and takes what was built
by looking at the files (installation/naming/renewal.py).
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from installation.errors import KioskError, LabelSetError
from installation.making.build import build
from installation.making.build.example_pictures import has_other_pictures, stamps
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import BUILT_FILE, SETTINGS_FILE, signature
from installation.naming.label_set.load import assemble, read_source
from installation.naming.label_set.settings import LabelSetSettings
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS, PROJECT
from installation.settings.yaml_file import load_yaml

POLL_S = 0.5
"""How often the files are looked at; a change is taken once it has not moved for as long."""

Say = Callable[[str], None]


def watch(
    name: str, content: ContentSettings, rest: Sequence[str], say: Say, models: Path = MODELS
) -> int:
    """Run `kiosk run --labels NAME` with `rest` and keep the set built; return the show's status.

    `content` is what that show hides. `say` hears what is built and what is wrong with a change.
    Raises KioskError where the set is wrong before the show has begun.
    """
    build_if_stale(name, content, say, models)
    show = subprocess.Popen(
        [sys.executable, "-m", "installation", "run", "--labels", name, *rest], cwd=PROJECT
    )
    with show, _ended_by_signals(show):
        try:
            keep_built(name, content, say, lambda: _ends_within(show, POLL_S), models)
        except KeyboardInterrupt:
            pass  # the show was told, too, and ends by itself
        except BaseException:
            show.terminate()  # or it would play on, and nobody would know that nothing is built
            raise
        return show.wait()


@contextlib.contextmanager
def _ended_by_signals(show: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass on to `show` what ends this process, and stop building at once.

    A terminal tells both of Ctrl-C, but who ends a process tells only that.
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


def keep_built(
    name: str,
    content: ContentSettings,
    say: Say,
    ended: Callable[[], bool],
    models: Path = MODELS,
) -> None:
    """Build the set whenever its files have changed and stand still, until `ended()`.

    `ended` takes its time: the files are looked at once for each call. The first state is tried,
    too, as somebody may have saved during the build before.
    """
    seen = tried = None
    while not ended():
        now = _state(models / name)
        if now == seen and now != tried:
            tried = now
            try:
                build_if_stale(name, content, say, models)
            except KioskError as error:
                say("labels: a change cannot be built, and the last good set stays.")
                say(str(error))
        seen = now


def _state(folder: Path) -> tuple[object, ...]:
    """Return what tells one state of what a set is built from, pictures too, from another."""
    files = {name: stamp for name, stamp in signature(folder).items() if name != BUILT_FILE}
    try:
        settings = load_yaml(folder / SETTINGS_FILE, LabelSetSettings, LabelSetError).settings
    except LabelSetError:
        return (files,)
    return files, stamps(
        folder / settings.examples
    ) if settings.method.learns_from_pictures else None


def build_if_stale(name: str, content: ContentSettings, say: Say, models: Path = MODELS) -> None:
    """Build the set unless what is built is of its present words, pictures and shown labels.

    Raises KioskError.
    """
    source = read_source(name, models)
    label_set = assemble(source, content)
    try:
        built_file.check_built(label_set)
        stale = has_other_pictures(source, label_set)
    except LabelSetError:
        stale = True
    if stale:
        say(f"labels: building {name} …")
        build.build(name, models, content=content)
        say(f"labels: {name} is built.")


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
