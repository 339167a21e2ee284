"""The commands: the one place that reads arguments, prints, and says how the process ends.

Whatever is heavy is imported by the command that needs it, so that `kiosk run` can paint its title
card within a second and `kiosk check` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from installation import STARTED_AT
from installation.cli import arguments, fetch
from installation.cli import labels as cli_labels
from installation.errors import (
    KioskError,
    LabelSetError,
    Mistake,
    SettingsError,
    collect_mistakes,
    display_path,
)
from installation.guarding import output_filter
from installation.guarding.guard import Guard
from installation.guarding.log import Log, LogHandler
from installation.guarding.self_test import Proof
from installation.guarding.status import SandboxStatus
from installation.settings import kiosk
from installation.settings.kiosk import Settings
from installation.settings.languages import ENGLISH
from installation.settings.paths import DEFAULT_FILE, PROJECT
from installation.settings.source import Auto, Device, Film, Pictures, Rehearsal, Source
from installation.settings.yaml_file import Loaded

if TYPE_CHECKING:
    import torch

    from installation.naming.label_set.label_set import LabelSet
    from installation.seeing.cameras.v4l import CameraListing

DONE = 0
FAILED = 1
REFUSED = 2
"""A file, a device or an argument is wrong, and the message says which."""
REHEARSED_S = 120.0
"""How long the audit waits at most until the rehearsal's visitor has been named."""
PATIENCE_S = 2.0
"""How long the end waits for what was said to be written down."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


LOG = Log()
"""What the kiosk says while it runs."""


def start() -> NoReturn:
    """Run the command of the process's arguments and end the process."""
    status = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    _wait_for_output_filters()
    # Taking the interpreter down takes a second once torch is loaded, and aborts the process where
    # a thread is still inside a driver. Nothing is left that would have to be put in order.
    os._exit(status)


def _wait_for_output_filters() -> None:
    """Wait until those who write standard error and output, outside the sandbox, have done so."""
    status = SandboxStatus.from_environment()
    if status is None or not status.output_filter_pids:
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    output_filter.wait_at_most(status.output_filter_pids, PATIENCE_S)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's) and return its exit status.

    0: done. 1: a part of the kiosk failed. 2: a file, a device or an argument is wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets its number; it must not end the show.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(handlers=[LogHandler(LOG)], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    asked = _parser().parse_args(argv)
    try:
        status: int = asked.command(asked)
        sys.stdout.flush()
    except KioskError as error:
        LOG.end(str(error))
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        logging.getLogger("kiosk").exception("the command %s ended", asked.name)
        name = type(error).__name__
        LOG.end(f"kiosk: a part failed that should not ({name}, logged above).")
        return FAILED
    return status


def run(asked: argparse.Namespace) -> int:
    """Run the show; print its summary, and write it where --report says."""
    from installation.show.entry import run_show, show_trouble_card

    try:
        loaded = kiosk.load(asked.file, source=asked.source, labels=asked.labels)
    except SettingsError as error:
        LOG.end(str(error))
        show_trouble_card(headless=asked.headless, windowed=asked.windowed)
        return REFUSED
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whoever reads the events takes them for JSON, which is UTF-8 whatever the terminal is.
        sys.stdout.reconfigure(encoding="utf-8")
    guard = Guard.from_environment()
    guard.redirect_temporary_files()
    summary = run_show(
        loaded,
        headless=asked.headless,
        windowed=asked.windowed,
        seconds=asked.seconds,
        started_at=guard.status.started_at or STARTED_AT,
        log=_say,
        emit=_tell,
        guard=guard,
    )
    _tell(summary.as_event())
    if asked.report is not None:
        _report(asked.report, summary.as_event(), guard.status)
    return DONE


def _say(sentence: str) -> None:
    LOG.say(sentence)


def _tell(event: Mapping[str, object]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def _report(path: Path, event: Mapping[str, object], status: SandboxStatus) -> None:
    """Give the numbers of the summary to the clerk who writes them to `path`.

    Where there is no sandbox there is no clerk either, and they are written here.
    """
    words = json.dumps(event) + "\n"
    try:
        if status.report_pipe is None or status.report_filter_pid is None:
            path.write_text(words, encoding="utf-8")
        else:
            os.write(status.report_pipe, words.encode())
            os.close(status.report_pipe)
            output_filter.wait(status.report_filter_pid)
    except OSError as failure:
        what = f"{path} cannot be written ({failure.strerror})"
        raise SettingsError(Mistake("--report", what, "Name another file.")) from None


def check(asked: argparse.Namespace) -> int:
    """Say what the show will be, or everything that is wrong with its files."""
    loaded = kiosk.load(asked.file)
    mistakes: list[Mistake] = []
    try:
        label_set = _check_labels(loaded)
    except KioskError as error:
        mistakes += error.mistakes
    try:
        _check_camera(loaded)
    except KioskError as error:
        mistakes += error.mistakes
    if mistakes:
        raise SettingsError(*mistakes)
    print(f"{loaded.file} is right. The show will be:")
    for part, words in _plan(loaded.settings, label_set):
        print(f"  {part:<12}  {' '.join(words.split())}")
    return DONE


def doctor(asked: argparse.Namespace) -> int:
    """Try every part of the show on this machine and say what each will do."""
    loaded = kiosk.load(asked.file)
    failed = False
    for part, examine in _examinations(loaded):
        try:
            state, words = examine()
            words = words.removesuffix(".")
        except KioskError as error:
            state, words = "wrong", str(error)
        except Exception as error:
            logging.getLogger("kiosk").exception("trying the %s", part)
            state, words = "wrong", f"it failed with a {type(error).__name__}, logged above"
        failed |= state == "wrong"
        for i, line in enumerate(words.splitlines()):
            first = ("", "") if i else (part, state)
            print(f"  {first[0]:<8}  {first[1]:<7}  {line}", flush=True)
    print()
    if failed:
        print("The show cannot run before what is wrong is mended.")
        return REFUSED
    print("The show can run: kiosk run")
    return DONE


def audit(asked: argparse.Namespace) -> int:
    """Run the show on the rehearsal under the guard, try every way out, and say what became of it.

    0 only if every layer is there and every attempt was refused.
    """
    from installation.guarding import report

    guard = Guard.for_audit(short=asked.short)
    guard.redirect_temporary_files()
    if asked.short:
        guard.seal()
    else:
        from installation.show.entry import run_show

        def end_with_verdict(event: Mapping[str, object]) -> None:
            if event["event"] == "verdict":
                signal.raise_signal(signal.SIGTERM)

        run_show(
            kiosk.load(asked.file, source="rehearsal"),
            headless=True,
            seconds=REHEARSED_S,
            started_at=guard.status.started_at or STARTED_AT,
            log=_say,
            emit=end_with_verdict,
            guard=guard,
        )
    proof = guard.check_again()
    if asked.json:
        print(report.as_lines(report.as_json(proof)))
    elif asked.page:
        print(_page(proof, asked.file))
    else:
        print(report.as_table(proof))
    return DONE if proof.holds else FAILED


def _page(proof: Proof, file: Path) -> str:
    """Return the page of `proof`, with what visitors of the show of `file` read as its headline."""
    from installation.guarding.report import as_page
    from installation.showing.words import privacy_line, words_of

    settings = kiosk.load(file, source="rehearsal").settings
    words, today = words_of(settings), datetime.date.today()
    line = privacy_line(words, proof.prevents_storage, proof.ways_tried, proof.tested_at, today)
    return as_page(proof, line, settings.language.words)


def service(asked: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    """Print a systemd unit that runs the show as a user who owns nothing."""
    from installation.guarding.systemd_unit import unit

    print(unit(PROJECT), end="")
    return DONE


def cameras(asked: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    """List the cameras with the names that outlive a restart, their sizes and rates."""
    from installation.seeing.cameras.v4l import list_cameras

    listings = list_cameras()
    if not listings:
        print("There is no camera on this machine; camera.source: auto plays the rehearsal.")
    for i, listing in enumerate(listings):
        if i:
            print()
        _print_camera(listing)
    return DONE


def _check_labels(loaded: Loaded[Settings]) -> LabelSet:
    """Return the label set; raises KioskError where its files or its fonts are wrong."""
    from installation.naming.label_set import built_file
    from installation.naming.label_set.load import load_label_set
    from installation.naming.label_set.output_names import labels_file
    from installation.showing import fonts
    from installation.showing.words import words_of

    settings = loaded.settings
    label_set = load_label_set(
        settings.labels,
        settings.content,
        where=loaded.where("labels"),
        language=settings.language.labels,
    )
    mistakes = []
    kiosks_own = words_of(Settings(language=settings.language)).texts()
    said = [(("language",), kiosks_own), (("screen", "title"), [settings.screen.title or ""])]
    said += [(("words", key), [text or ""]) for key, text in settings.words]
    for keys, texts in said:
        if missing := fonts.missing_scripts(texts):
            mistakes.append(fonts.no_font(loaded.where(*keys), missing))
    if missing := fonts.missing_scripts(label_set.texts()):
        mistakes.append(fonts.no_font(display_path(labels_file(label_set.folder)), missing))
    mistakes += collect_mistakes([partial(built_file.check_ready, label_set)])
    if mistakes:
        raise LabelSetError(*mistakes)
    return label_set


def _check_camera(loaded: Loaded[Settings]) -> None:
    """Raise KioskError where the source is a film or a folder of pictures that cannot be played.

    A real camera is not touched: the show may be running.
    """
    settings = loaded.settings.camera
    if isinstance(settings.source, Film | Pictures):
        from installation.running.clock import MonotonicClock
        from installation.seeing.cameras.open import open_camera

        open_camera(settings, MonotonicClock()).close()


def _plan(settings: Settings, label_set: LabelSet) -> list[tuple[str, str]]:
    """Return what the show will be, in rows of a part and its words; no hidden label is named."""
    camera, reading, screen = settings.camera, settings.reading, settings.screen
    size = f"{camera.width}×{camera.height} at {camera.fps} a second"
    turn = f", turned by {camera.rotate}°" if camera.rotate else ""
    choice = "the one with the most evidence" if reading.draw == "top" else "drawn by lot"
    rows = [
        ("labels", _describe(label_set)),
        ("language", _language(settings)),
        ("privacy", PRIVACY[settings.privacy]),
        ("hidden", _hidden(label_set)),
        (
            "camera",
            f"{_source(camera.source)}; {size}{turn}",
        ),
        ("picture", "a mirror" if camera.mirror else "as others see the visitor"),
        ("detector", DETECTORS[settings.detector]),
        ("device", DEVICES[settings.device]),
        (
            "reading",
            f"after {reading.min_time_s:g} s, {reading.min_readings} readings and "
            f"{reading.agreement:.0%} agreement; {choice}; held for {reading.hold_s:g} s",
        ),
        (
            "screen",
            "the first display; none where the machine has none"
            if screen.display == "auto"
            else f"display {screen.display}",
        ),
    ]
    if screen.title is not None:
        rows.append(("title", screen.title))
    if settings.content.acknowledged:
        rows.append(("acknowledged", settings.content.acknowledged))
    return rows


PRIVACY = {
    "enforce": "the kernel keeps pictures from being stored, or no camera is opened",
    "degraded": "pictures are not stored, and what the kernel cannot prevent is said at the start",
}
DETECTORS = {
    "auto": "auto, yunet where its file has been fetched and mtcnn where not",
    "mtcnn": "mtcnn",
    "yunet": "yunet",
}
DEVICES = {
    "auto": "auto, a graphics card where there is one and the processor where not",
    "cuda": "a graphics card by NVIDIA",
    "mps": "a Mac's graphics",
    "cpu": "the processor",
}


def _source(source: Source) -> str:
    match source:
        case Auto():
            return "auto, the first camera, or the rehearsal if there is none"
        case Rehearsal():
            return "the rehearsal, a portrait that walks up, looks, and leaves"
        case Device(id_):
            return f"{id_}"
        case Film(path) | Pictures(path):
            return display_path(path)


def _language(settings: Settings) -> str:
    """Return which language the kiosk speaks, and whether the labels do, too."""
    from installation.showing.words import words_of

    language = settings.language
    parts = [words_of(settings).language]
    if language.words != language.labels:
        parts.append(f"the kiosk has no words in '{language.labels}', which is only the labels'")
    elif language.labels != ENGLISH and not language.translated:
        parts.append("the labels have no names in it")
    if own := [key for key, text in settings.words if text is not None]:
        parts.append(f"in the curator's own words: {', '.join(own)}")
    return "; ".join(parts)


def _describe(label_set: LabelSet) -> str:
    visible, hidden = len(label_set.labels), sum(label_set.hidden.values())
    count = f"{visible:,} of {visible + hidden:,} labels"
    return f"{label_set.settings.title} (models/{label_set.name}), {count}"


def _hidden(label_set: LabelSet) -> str:
    if not label_set.hidden:
        return "none"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in label_set.hidden.items())
    return f"{sum(label_set.hidden.values()):,} by reason: {reasons}"


Finding = tuple[str, str]
"""'ok', or 'instead' where something else was wished for, and what the part will do."""


def _examinations(loaded: Loaded[Settings]) -> Iterator[tuple[str, Callable[[], Finding]]]:
    """Yield each part of the show and what tries it; what needs a part that failed is left out."""
    settings = loaded.settings
    label_sets: list[LabelSet] = []
    devices: list[torch.device] = []

    def labels() -> Finding:
        label_sets.append(_check_labels(loaded))
        return "ok", _describe(label_sets[0])

    def fonts() -> Finding:
        return "ok", "every script of the labels and the screen can be drawn"

    def device() -> Finding:
        from installation.naming.networks.device import choose_device

        chosen, sentence = choose_device(settings.device, where=loaded.where("device"))
        devices.append(chosen)
        fallback = settings.device == "auto" and chosen.type == "cpu"
        return "instead" if fallback else "ok", sentence.removeprefix("device: ")

    def weights() -> Finding:
        from installation.naming.reading.classifier import open_classifier

        encoder = open_classifier(label_sets[0], devices[0]).encoder
        return "ok", f"{encoder.name}, SHA-256 {encoder.fingerprint[:12]}…; the label set fits it"

    def detector() -> Finding:
        from installation.seeing.faces.open import open_detector

        return "ok", open_detector(settings.detector, devices[0]).name

    def camera() -> Finding:
        from installation.running.clock import MonotonicClock
        from installation.seeing.cameras.open import open_camera, resolve

        _, fallback = resolve(settings.camera.source)
        opened = open_camera(settings.camera, MonotonicClock())
        opened.close()
        if fallback:
            return "instead", f"{fallback.removeprefix('camera: ').rstrip('.')}: {opened.name}"
        return "ok", opened.name

    def screen() -> Finding:
        from installation.showing.window import open_screen

        where = loaded.where("screen", "display")
        opened, fallback = open_screen(
            settings.screen.display, headless=False, windowed=None, where=where
        )
        opened.close()
        return ("instead", fallback.removeprefix("screen: ")) if fallback else ("ok", opened.name)

    yield "privacy", lambda: _privacy(settings)
    yield "camera", camera
    yield "device", device
    yield "screen", screen
    yield "labels", labels
    if label_sets:
        yield "fonts", fonts
    if devices:
        yield "detector", detector
    if label_sets and devices:
        yield "weights", weights


def _privacy(settings: Settings) -> tuple[str, str]:
    """Return what the guard can do here, as a process of its own finds out by trying."""
    tried = subprocess.run(
        [sys.executable, "-m", "installation", "audit", "--short", "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(tried.stdout)
    except ValueError:
        return "wrong", "the audit could not run: " + (tried.stderr.strip() or "it said nothing")
    if not found["missing"]:
        ways = len({attempt["name"] for attempt in found["attempts"]})
        return "ok", f"enforced by the kernel; {ways} ways out tried, each refused"
    words = "\n".join(["not enforced:", *found["missing"]])
    return ("wrong" if settings.privacy == "enforce" else "instead"), words


def _print_camera(listing: CameraListing) -> None:
    print(f"{listing.path}  {listing.name}".rstrip())
    if listing.by_id:
        print(f"  now {listing.node}")
    else:
        print("  has no name under /dev/v4l/by-id; its number may change")
    if listing.problem:
        print(f"  cannot be used: {listing.problem}")
    for mode in listing.modes:
        rates = ", ".join(f"{rate:g}" for rate in mode.fps) or "unknown"
        print(f"  {mode.format} {mode.width}×{mode.height} at {rates} a second")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kiosk",
        description="A mirror for galleries that names its visitors with the categories machines "
        "were taught.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        title="commands", dest="name", required=True, metavar="COMMAND"
    )

    def add(name: str, command: Callable[[argparse.Namespace], int], words: str) -> _Command:
        added = commands.add_parser(name, help=words, description=words, allow_abbrev=False)
        added.set_defaults(command=command)
        return added

    def add_file(command: _Command) -> _Command:
        arguments.add_file(command, DEFAULT_FILE)
        return command

    arguments.add_run(add("run", run, "run the show"), DEFAULT_FILE)
    add_file(add("check", check, "say what the show will be, or all that is wrong with its files"))
    words = "try every way out of the guard and print what became of each"
    audits = add_file(add("audit", audit, words))
    audits.add_argument("--json", action="store_true", help="print it for a program")
    # A page for the wall speaks of a show, which the short audit does not run.
    kinds = audits.add_mutually_exclusive_group()
    kinds.add_argument("--page", action="store_true", help="print it as a page for the wall")
    kinds.add_argument(
        "--short", action="store_true", help="only the self-test of each start, without a show"
    )
    add("service", service, "print a systemd unit that runs the show")
    add_file(add("doctor", doctor, "try every part on this machine and say what it will do"))
    add("cameras", cameras, "list the cameras, their lasting names, sizes and rates")
    cli_labels.add(commands)
    fetch.add(commands)
    return parser


_Command = argparse.ArgumentParser
