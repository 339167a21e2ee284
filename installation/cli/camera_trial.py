"""Opens the camera for `kiosk doctor` in a child process, under the same guard as a show.

The child enters all stages of the sandbox, runs the self-test, and waits. The doctor is outside the
sandbox, like a show's supervisor. It checks the child from outside (`guarding.witness`). Only then
does the child open the camera. The child reads no picture.

Rejected: opening the camera in the doctor's own process. The doctor also tries the display and
other parts, which may have started threads, and stage one covers only the thread that enters it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installation.cli.arguments import CAMERA_TRIAL, Parser, add_file_argument
from installation.cli.output import DONE
from installation.cli.valid_parts import load_valid_parts
from installation.errors import CameraError, KioskError, Mistake, SettingsError
from installation.guarding.guard import Guard
from installation.guarding.output.line_filter import STDOUT
from installation.guarding.status import Privacy
from installation.isolated import kiosk_command
from installation.running.clock import MonotonicClock
from installation.settings.kiosk import load_settings
from installation.settings.paths import PROJECT
from installation.show.progress import ProgressReporter

TIMEOUT_S = 60.0
"""The seconds in which the child must start, run its self-test and open the camera."""

NO_ANSWER = Mistake(
    "camera",
    f"the process that opens the camera gave no answer (it ended, or needed more than "
    f"{TIMEOUT_S:.0f} s)",
    "If the log above gives no reason: unplug the camera, plug it in again, and try once more.",
)

MORE_MISTAKES = Mistake(
    "camera",
    "there are more mistakes than are listed here",
    "Correct these first, and run `kiosk doctor` again.",
)

LONGEST_PART = 200
"""The largest number of characters in each part of a shortened mistake. The parts are the location,
the problem and the remedy.

A mistake is shortened if its line of JSON is too long for the output filter, which writes at most
4,000 characters of a line. In JSON, one character of a part takes at most six characters (twelve if
it is above U+FFFF). So three parts of 200 characters take at most 3,600 characters, unless many of
the characters are above U+FFFF.
"""

Witnessed = Callable[[int], list[Mistake]]
"""A function that checks a process in stage two from outside the sandbox. It takes the id of that
process, and returns the mistakes that it finds.
"""


@dataclass(frozen=True)
class Trial:
    """What was found out about a camera that could be opened."""

    name: str
    fallback: str | None
    """The reason why `camera.source: auto` found no camera that can be used. The rehearsal (a
    simulated visitor) was then opened instead. None in all other cases.
    """
    unset: tuple[Mistake, ...] = ()
    """The controls of kiosk.yaml that could not be set, with the reasons."""


def try_camera(file: Path, privacy: Privacy) -> Trial:
    """Open and close the camera of kiosk.yaml at `file` in a child process; return the result.

    With `privacy: degraded` the child is not checked from outside. Raises KioskError if the guard
    is incomplete, or if the camera cannot be opened.
    """
    answer = _ask(file, _witness() if privacy == "enforce" else lambda _: [])
    if "mistakes" in answer:
        raise KioskError(*answer["mistakes"])
    return Trial(answer["name"], answer["fallback"], tuple(answer["unset"] or ()))


def _witness() -> Witnessed:
    """Return a function that checks a child process from outside the sandbox.

    This call gives this process a mark, and a child that starts later inherits the mark. For the
    function, a missing mark is a mistake. So start the child after this call.
    """
    if sys.platform != "linux":
        return lambda _: []
    from installation.guarding.witness import Witness

    return Witness().find_problems


def _ask(file: Path, witnessed: Witnessed) -> dict[str, Any]:
    """Return the child's answer: `name`, `fallback` and `unset`, or a list of `mistakes`."""
    words = kiosk_command(CAMERA_TRIAL, str(file.absolute()))
    with subprocess.Popen(
        words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(TIMEOUT_S, child.kill)
        timer.start()
        try:
            answer = _next_answer(child.stdout)
            if "sealed" in answer:
                if problems := witnessed(child.pid):
                    child.kill()
                    return {"mistakes": problems}
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.write("\n")
                    child.stdin.flush()
                answer = _next_answer(child.stdout)
            if answer.get("unset"):
                answer["unset"] = _mistakes(child.stdout)
        finally:
            # A child that still waits for the check reads the end of its input and ends.
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            child.wait()
            timer.cancel()
    return answer


def _next_answer(lines: Iterator[str]) -> dict[str, Any]:
    """Return the next answer in `lines`; raises CameraError if there is none.

    If the next line reports a mistake, every line after it reports one too. The result then has
    only the key `mistakes`, with a list of all these mistakes.
    """
    try:
        answer = dict(json.loads(next(lines)))
    except (StopIteration, ValueError):
        raise CameraError(NO_ANSWER) from None
    if "mistake" not in answer:
        return answer
    return {"mistakes": [Mistake(*answer["mistake"]), *_mistakes(lines)]}


def _mistakes(lines: Iterable[str]) -> list[Mistake]:
    """Return the mistakes that `lines` report, one on each line."""
    mistakes: list[Mistake] = []
    for line in lines:
        try:
            mistakes.append(Mistake(*json.loads(line)["mistake"]))
        except ValueError:
            # The output filter of the child writes only so much, and counts the other lines.
            return [*mistakes, MORE_MISTAKES]
    return mistakes


def parser() -> Parser:
    """Return the parser of the child process's arguments."""
    parser = Parser(prog=f"kiosk {CAMERA_TRIAL}", description="try the camera", allow_abbrev=False)
    add_file_argument(parser)
    parser.set_defaults(name=CAMERA_TRIAL, command=open_under_guard)
    return parser


def open_under_guard(args: argparse.Namespace) -> int:
    """Open and close the camera under the whole guard; return the exit status.

    This is the command of the child process that `try_camera` starts. It prints the result as JSON,
    one object a line.
    """
    try:
        answer, unset = _open_under_guard(args.file)
        _answer({**answer, "unset": bool(unset)})
        for mistake in unset:
            _answer(_as_answer(mistake))
    except KioskError as error:
        for mistake in error.mistakes:
            _answer(_as_answer(mistake))
    return DONE


def _open_under_guard(file: Path) -> tuple[dict[str, object], Sequence[Mistake]]:
    """Return the answer about the camera, and a mistake for each control that could not be set."""
    guard = Guard.from_environment()
    guard.redirect_temporary_files()
    guard.check_stage_one()
    from installation.seeing.cameras.open import open_camera, resolve
    from installation.seeing.cameras.webcam import unmet_settings

    try:
        settings = load_settings(file).settings
    except SettingsError:
        # `kiosk doctor` has reported the mistakes, and tries the other parts all the same.
        settings = load_valid_parts(file).settings
    clock = MonotonicClock()
    guard.seal()
    _answer({"sealed": True})
    ProgressReporter(guard.status, clock).wait_for_permission()
    source, fallback = resolve(settings.camera.source)
    camera = open_camera(source, settings.camera, clock)
    camera.close()
    unset = unmet_settings(camera, settings.camera)
    return {"name": camera.name, "fallback": fallback}, unset


def _as_answer(mistake: Mistake) -> dict[str, object]:
    """Return the object to print for `mistake`, shortened if the output filter would omit it."""
    parts = [mistake.where, mistake.problem, mistake.remedy]
    if len(json.dumps(parts)) > STDOUT.longest_line - len('{"mistake": }'):
        parts = [textwrap.shorten(part, LONGEST_PART, placeholder=" …") for part in parts]
    return {"mistake": parts}


def _answer(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)
