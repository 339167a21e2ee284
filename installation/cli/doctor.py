"""The commands `kiosk doctor`, which tries every part of the show, and `kiosk cameras`.

`kiosk check` only reads files; these two commands open devices, so no other program may use the
camera at the same time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from installation import __version__
from installation.cli.arguments import Commands, add_command, add_file_argument
from installation.cli.blanking import find_blanking
from installation.cli.check import check_built, check_fonts, count_labels, load_labels
from installation.cli.output import DONE, REFUSED, say
from installation.cli.valid_parts import load_valid_parts
from installation.errors import KioskError, SettingsError
from installation.guarding.host import not_prevented
from installation.isolated import kiosk_command
from installation.settings.kiosk import Settings, load_settings
from installation.settings.yaml_file import Loaded

if TYPE_CHECKING:
    from installation.naming.label_set.label_set import LabelSet
    from installation.naming.networks.device import Device
    from installation.seeing.cameras.v4l import CameraListing


FRAMES = 8
"""A guess of how many frames a show has in memory at the same time. The staff card of a running
show has the real number.
"""


@dataclass(frozen=True)
class Finding:
    """The result of trying one part of the show, in words."""

    state: Literal["ok", "fallback", "wrong"]
    """`fallback` means that the show will use another part than the preferred one."""
    description: str


def add_commands(commands: Commands) -> None:
    """Add `doctor` and `cameras` to `commands`."""
    summary = "try every part of the show on this machine and print the results"
    add_file_argument(add_command(commands, "doctor", doctor, summary))
    summary = "list the cameras, with their paths, sizes and frame rates"
    add_command(commands, "cameras", cameras, summary)


def doctor(args: argparse.Namespace) -> int:
    """Try every part of the show on this machine, print the findings; return the exit status."""
    say(f"kiosk {__version__}, Python {platform.python_version()}, {platform.platform()}")
    states: dict[str, str] = {}

    def tell(part: str, finding: Finding) -> None:
        states[part] = finding.state
        for i, line in enumerate(finding.description.splitlines()):
            name, state = ("", "") if i else (part, finding.state)
            say(f"  {name:<8}  {state:<8}  {line}")

    try:
        loaded = load_settings(args.file)
        tell("file", Finding("ok", str(args.file.absolute())))
    except SettingsError as error:
        # The other parts are tried with the settings that are valid, and defaults for the rest.
        loaded = load_valid_parts(args.file)
        tell("file", Finding("wrong", str(error)))
    for part, examine in _Examination(loaded, args.file).parts():
        tell(part, _try(part, examine))
    say()
    if "wrong" in states.values():
        say("The show cannot run until the parts marked as wrong have been corrected.")
        return REFUSED
    others = [part for part, state in states.items() if state == "fallback"]
    if others:
        say(f"Some parts are not the preferred ones, see above: {', '.join(others)}.")
    say("The show can run: kiosk run")
    return DONE


def _try(part: str, examine: Callable[[], Finding]) -> Finding:
    """Return the finding of `examine`; an error of any kind becomes a finding too."""
    try:
        return examine()
    except KioskError as error:
        return Finding("wrong", str(error))
    except Exception as error:
        logging.getLogger("kiosk").exception("an error occurred while trying the %s", part)
        return Finding("wrong", f"this part failed ({type(error).__name__}, logged above)")


class _Examination:
    """Tries the parts of a show one by one; some parts need what an earlier part has opened."""

    def __init__(self, loaded: Loaded[Settings], file: Path) -> None:
        """Try the parts of a show with the settings `loaded` from kiosk.yaml at `file`."""
        self._loaded = loaded
        self._file = file
        self._settings = loaded.settings
        self._label_set: LabelSet | None = None
        self._built = False
        self._device: Device | None = None

    def parts(self) -> Iterator[tuple[str, Callable[[], Finding]]]:
        """Yield each part and the function that tries it.

        Parts that need another part which has failed are left out.
        """
        yield "privacy", self._privacy
        yield "memory", self._memory
        yield "camera", self._camera
        yield "line", self._line
        yield "device", self._choose_device
        yield "screen", self._screen
        if blanking := find_blanking():
            yield "blanking", lambda: Finding("fallback", "\n".join(blanking))
        yield "labels", self._labels
        if label_set := self._label_set:
            yield "fonts", lambda: self._fonts(label_set)
        yield "detector", self._detector
        if (device := self._device) and label_set and self._built:
            yield "weights", lambda: self._weights(label_set, device)

    def _privacy(self) -> Finding:
        """Return the finding of `kiosk audit --short`, which runs in a separate process.

        The process is separate because a sandbox cannot be undone.
        """
        audit = subprocess.run(
            kiosk_command("audit", "--short", "--json"),
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            report = json.loads(audit.stdout)
        except ValueError:
            problem = audit.stderr.strip() or "the audit printed nothing"
            return Finding("wrong", f"the audit could not run: {problem}")
        if not report["missing"]:
            ways = len({attempt["name"] for attempt in report["attempts"]})
            tried = f"{ways} ways to store or send a picture were tried"
            if mistakes := not_prevented():
                weaker = (
                    "the sandbox works, but the screen leaves out its promise that no picture can "
                    "be stored, because pictures could leave the show in these ways:"
                )
                return Finding("fallback", "\n".join((weaker, *map(str, mistakes))))
            return Finding("ok", f"the kernel prevents pictures from being stored or sent; {tried}")
        state: Literal["wrong", "fallback"] = (
            "wrong" if self._settings.privacy == "enforce" else "fallback"
        )
        return Finding(state, "\n".join(["not enforced:", *report["missing"]]))

    def _camera(self) -> Finding:
        """Return the finding of opening the camera in a child process under the whole guard."""
        from installation.cli.camera_trial import try_camera

        trial = try_camera(self._file, self._settings.privacy)
        lines = [trial.name]
        if trial.fallback:
            service = "Under systemd the show displays a card until a camera is plugged in."
            lines = [f"{trial.fallback}: {trial.name}. {service}"]
        if trial.unset:
            lines += ["the show runs, but without these settings:", *map(str, trial.unset)]
        is_whole = not trial.fallback and not trial.unset
        return Finding("ok" if is_whole else "fallback", "\n".join(lines))

    def _line(self) -> Finding:
        """Return a finding that says where to draw the line on the floor.

        Nobody behind this line is classified, because their faces are too small. The finding has a
        row for each of several common angles of view.
        """
        from installation.seeing.presence.floor_line import ANGLES, FloorLine

        least, camera = self._settings.visitors.least_size, self._settings.camera
        if not least:
            problem = "visitors.least_size is 0, so everybody in the picture is classified"
            remedy = (
                "The distance of the line on the floor, behind which nobody is classified, is "
                "computed from visitors.least_size. Write 0.1, the default, or another share of "
                "the picture's height."
            )
            return Finding("fallback", f"{problem}. {remedy}")
        size = camera.width, camera.height
        if camera.rotate in (90, 270):
            size = camera.height, camera.width
        lines = {angle: FloorLine.from_angle(angle, *size, least) for angle in ANGLES}
        rows = (
            f"diagonal angle of view {angle}°: the line on the floor is {line.line_m:.1f} m from "
            "the plane of the camera; most adults see the notice about AI when they are nearer "
            f"to this plane than {line.announced_m:.1f} m"
            for angle, line in lines.items()
        )
        intro = (
            f"behind the line on the floor, faces are smaller than {least:g} of the picture's "
            "height and are not classified"
        )
        return Finding("ok", "\n".join((intro, *rows)))

    def _memory(self) -> Finding:
        """Return a finding that says whether this user may lock the memory that the frames need."""
        import resource

        camera = self._settings.camera
        needed = FRAMES * 3 * camera.width * camera.height
        limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        if limit == resource.RLIM_INFINITY or limit >= needed:
            return Finding("ok", "all frames can be locked in memory, so none is written to swap")
        problem = (
            f"frames need {needed / 1e6:.0f} MB of locked memory (allowed {limit / 1e6:.0f} MB), "
            "so some frames may be written to swap"
        )
        remedy = (
            "Run the show with the systemd unit that `kiosk service` prints: it allows this "
            "much memory. Without that unit, raise `ulimit -l`."
        )
        return Finding("fallback", f"{problem}. {remedy}")

    def _choose_device(self) -> Finding:
        from installation.naming.networks.device import choose_device

        configured = self._settings.device
        self._device, description = choose_device(configured, where=self._loaded.where("device"))
        fallback = configured == "auto" and self._device == "cpu"
        return Finding("fallback" if fallback else "ok", description)

    def _screen(self) -> Finding:
        from installation.showing.window import open_screen

        where = self._loaded.where("screen", "display")
        with _without_remarks_of_libraries():
            opened, fallback = open_screen(
                self._settings.screen.display, headless=False, windowed=None, where=where
            )
            opened.close()
        if fallback:
            return Finding("fallback", fallback)
        return Finding("ok", opened.name)

    def _labels(self) -> Finding:
        label_set = load_labels(self._loaded)
        self._label_set = label_set
        check_built(label_set)
        self._built = True
        return Finding("ok", count_labels(label_set))

    def _fonts(self, label_set: LabelSet) -> Finding:
        check_fonts(self._loaded, label_set)
        return Finding("ok", "the fonts can draw every script of the labels and the screen")

    def _detector(self) -> Finding:
        from installation.seeing.faces.open import open_detector
        from installation.seeing.faces.yunet import WEIGHTS_FILE

        name = open_detector(self._settings.detector).name
        if self._settings.detector == "auto" and not WEIGHTS_FILE.exists():
            better = (
                "YuNet is faster than MTCNN and finds smaller faces. Run once: kiosk fetch yunet"
            )
            return Finding("fallback", f"{name}\n{better}")
        return Finding("ok", name)

    def _weights(self, label_set: LabelSet, device: Device) -> Finding:
        from installation.naming.reading.classifier import open_classifier

        encoder = open_classifier(label_set, device).encoder
        checksum = f"SHA-256 {encoder.fingerprint[:12]}…"
        return Finding(
            "ok", f"{encoder.name}, {checksum}; the label set was built for this network"
        )


@contextlib.contextmanager
def _without_remarks_of_libraries() -> Iterator[None]:
    """Discard what C libraries write to standard error while the `with` block runs.

    Nothing is lost, because failures are raised as exceptions.
    """
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def cameras(args: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    """Print each camera's path, sizes, frame rates and controls; return the exit status.

    The path stays valid after a restart if the camera has a name under /dev/v4l. Otherwise a line
    says that the path may change. The status is 2 if there are cameras but none of them can be
    used.
    """
    from installation.seeing.cameras.v4l import list_cameras

    listings = list_cameras()
    if not listings:
        say("This machine has no camera; with camera.source: auto the show plays the rehearsal.")
    for i, listing in enumerate(listings):
        if i:
            say()
        _print_camera(listing)
    return REFUSED if listings and all(each.problem for each in listings) else DONE


def _print_camera(listing: CameraListing) -> None:
    from installation.seeing.cameras.choice import reason_against
    from installation.seeing.cameras.named_controls import describe

    say(f"{listing.path}  {listing.name}".rstrip())
    if listing.path != listing.node:
        say(f"  currently {listing.node}")
    else:
        say("  has no name under /dev/v4l; its number may change")
    if listing.has_same_name:
        say(
            "  another camera has the same name, so this path names the port instead of the "
            "camera; always plug the camera into this port"
        )
    if listing.problem:
        say(f"  cannot be used: {listing.problem}")
    elif reason := reason_against(listing):
        say(f"  not used if camera.source is auto: {reason}")
    for mode in listing.modes:
        rates = ", ".join(f"{rate:g}" for rate in mode.fps) or "unknown"
        say(f"  {mode.format} {mode.width}×{mode.height} at {rates} frames a second")
    if listing.problem is None:
        try:
            lines = describe(listing.node)
        except OSError as error:
            lines = [f"its controls cannot be listed: {error.strerror}"]
        for line in lines:
            say(f"  {line}")
