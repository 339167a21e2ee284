"""The command `kiosk check`: reports mistakes in a show's files, or describes the show."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from installation.cli.arguments import Commands, add_command, add_file_argument
from installation.cli.output import DONE, say
from installation.errors import (
    CameraError,
    KioskError,
    Mistake,
    ScreenError,
    SettingsError,
    collect_mistakes,
    counted,
    display_path,
    limit_mistakes,
)
from installation.settings.kiosk import ANNOUNCE_S, CameraSettings, Settings, load_settings
from installation.settings.languages import ENGLISH, Language
from installation.settings.source import Auto, Device, Film, Pictures, Rehearsal, Source
from installation.settings.yaml_file import Loaded

if TYPE_CHECKING:
    from installation.naming.label_set.label_set import LabelSet

PRIVACY = {
    "enforce": "a camera is opened only if the kernel prevents pictures from being stored",
    "degraded": "the show also runs if the kernel cannot prevent pictures from being stored; the "
    "show then logs what is missing",
}
DETECTOR_WORDS = {
    "auto": "auto: yunet if its file has been fetched, otherwise mtcnn",
    "mtcnn": "mtcnn",
    "yunet": "yunet",
}
DEVICE_WORDS = {
    "auto": "auto: a graphics card if there is one, otherwise the processor",
    "cuda": "a graphics card by NVIDIA",
    "mps": "a Mac's graphics processor",
    "cpu": "the processor",
}


def add_commands(commands: Commands) -> None:
    """Add the command `check` to `commands`."""
    summary = "describe the show, or list all mistakes in its files"
    add_file_argument(add_command(commands, "check", check, summary))


def check(args: argparse.Namespace) -> int:
    """Print a description of the show; return the exit status.

    Raises SettingsError with all mistakes in the show's files.
    """
    loaded = load_settings(args.file)
    mistakes: list[Mistake] = []
    label_set = None
    try:
        label_set = load_labels(loaded)
    except KioskError as error:
        mistakes += error.mistakes
    if label_set is not None:
        checks = (partial(check_fonts, loaded, label_set), partial(check_built, label_set))
        mistakes += collect_mistakes(checks)
    checks_of_machine = (
        *(check_film, check_camera, check_controls, check_detector, check_device),
        check_display,
    )
    mistakes += collect_mistakes(partial(part, loaded) for part in checks_of_machine)
    if mistakes:
        raise SettingsError(*mistakes)
    assert label_set is not None
    say(f"{loaded.file} has no mistakes. The show will be:")
    plan = _plan(loaded.settings, label_set, display_exists=check_display(loaded))
    for part, description in plan:
        say(f"  {part:<12}  {' '.join(description.split())}")
    return DONE


def load_labels(loaded: Loaded[Settings]) -> LabelSet:
    """Return the label set that the settings name; raises LabelSetError with its mistakes."""
    from installation.naming.label_set.load import load_label_set

    settings = loaded.settings
    return load_label_set(
        settings.labels,
        settings.content,
        where=loaded.where("labels"),
        language=settings.language.labels,
        second=settings.language.second_labels,
    )


def check_built(label_set: LabelSet) -> None:
    """Raise LabelSetError if the label set must be built first."""
    from installation.naming.label_set import built_file

    built_file.check_ready(label_set)


def check_fonts(loaded: Loaded[Settings], label_set: LabelSet) -> None:
    """Raise ScreenError if no font can draw a text that the screen may show.

    The error has the location of each such text.
    """
    from installation.show.context import texts_by_place
    from installation.showing.type.font_files import undrawable

    if mistakes := undrawable(texts_by_place(loaded, label_set)):
        raise ScreenError(*limit_mistakes(mistakes))


def check_film(loaded: Loaded[Settings]) -> None:
    """Raise CameraError if the source is a film or folder of pictures that cannot be played.

    A real camera is not opened: the show may be running.
    """
    settings = loaded.settings.camera
    if isinstance(settings.source, Film | Pictures):
        from installation.running.clock import MonotonicClock
        from installation.seeing.cameras.open import open_camera

        open_camera(settings.source, settings, MonotonicClock()).close()


def check_camera(loaded: Loaded[Settings]) -> None:
    """Raise CameraError if the source is a device that is not plugged in, or not a camera.

    The device is not opened.
    """
    source = loaded.settings.camera.source
    if not isinstance(source, Device) or sys.platform != "linux":
        return
    node = source.id if isinstance(source.id, Path) else Path(f"/dev/video{source.id}")
    from installation.seeing.cameras.webcam import is_other_device

    if not node.exists():
        problem = f"camera.source is {node}, which is not plugged in"
        remedy = "Plug it in, or use a name that `kiosk cameras` prints."
    elif is_other_device(node.stat()):
        kind = "folder" if node.is_dir() else "device"
        problem = f"camera.source is {node}, a {kind} that does not capture video"
        remedy = "Use a name that `kiosk cameras` prints."
    else:
        return
    raise CameraError(Mistake(loaded.where("camera", "source"), problem, remedy))


def check_controls(loaded: Loaded[Settings]) -> None:
    """Raise CameraError if the camera is plugged in but does not take a control of kiosk.yaml.

    Only the camera's list of controls is read, and nothing is set, so a running show is not
    disturbed.
    """
    from installation.seeing.cameras import named_controls

    camera = loaded.settings.camera
    if not named_controls.in_words(camera):
        return
    node, _ = _camera_with_controls(camera)
    if node is not None and (mistakes := named_controls.find_mistakes(node, camera)):
        raise CameraError(
            *(
                replace(mistake, where=loaded.where(*mistake.where.split(".")))
                for mistake in mistakes
            )
        )


def _camera_with_controls(camera: CameraSettings) -> tuple[Path | None, str]:
    """Return the camera whose controls can be listed, as its path and an empty text.

    If there is no such camera, return None and a text that says why kiosk.yaml's controls are not
    checked.
    """
    from installation.seeing.cameras.named_controls import NOT_A_CAMERA, OTHER_SYSTEM

    if isinstance(camera.source, Film | Pictures | Rehearsal):
        return None, f"not set, because {NOT_A_CAMERA}"
    if sys.platform != "linux":
        return None, f"not set, because {OTHER_SYSTEM}"
    from installation.seeing.cameras.open import resolve
    from installation.seeing.cameras.webcam import check_node, node_of

    source, problem = resolve(camera.source)
    if isinstance(source, Device):
        node = node_of(source.id)
        mistake = check_node(node)
        if mistake is None:
            return node, ""
        problem = mistake.problem
    return None, f"not compared with the camera's controls: {problem}"


def check_detector(loaded: Loaded[Settings]) -> None:
    """Raise WeightsError if the detector's file is missing or damaged."""
    if loaded.settings.detector == "yunet":
        from installation.seeing.faces.yunet import YuNet

        YuNet()


def check_device(loaded: Loaded[Settings]) -> None:
    """Raise SettingsError if this machine cannot have the device that kiosk.yaml names.

    torch, which knows the devices, is not imported, because that takes seconds.
    """
    device = loaded.settings.device
    if device == "mps" and sys.platform != "darwin":
        problem = "device is 'mps', a Mac's graphics processor, but this machine is not a Mac"
    elif device == "cuda" and sys.platform == "linux" and not _has_graphics_card():
        problem = "device is 'cuda', but no driver of a graphics card is loaded on this machine"
    else:
        return
    remedy = "Write auto, which uses a graphics card if there is one."
    raise SettingsError(Mistake(loaded.where("device"), problem, remedy))


def _has_graphics_card() -> bool:
    """Return whether the driver of a graphics card is loaded: NVIDIA's, AMD's or Windows' (WSL)."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))


def check_display(loaded: Loaded[Settings]) -> bool:
    """Return whether the display that kiosk.yaml names was found.

    The result is False if kiosk.yaml has `auto` or if this session has no displays. Raises
    ScreenError if this session has displays, but not the named one.
    """
    from installation.showing.window import check_display_exists

    display = loaded.settings.screen.display
    return display != "auto" and check_display_exists(display, loaded.where("screen", "display"))


def count_labels(label_set: LabelSet) -> str:
    """Return a text with the title, the folder and the number of labels of `label_set`."""
    visible, hidden = len(label_set.labels), sum(label_set.hidden.values())
    count = f"{visible:,} of {counted(visible + hidden, 'label')}"
    return f"{label_set.settings.title} (models/{label_set.name}), {count}"


def _plan(
    settings: Settings, label_set: LabelSet, *, display_exists: bool
) -> list[tuple[str, str]]:
    """Return the name and a description of each part of the show.

    The descriptions do not contain the names of hidden labels. `display_exists` says whether the
    display that kiosk.yaml names was found.
    """
    camera, reading, screen = settings.camera, settings.reading, settings.screen
    size = f"{camera.width}×{camera.height} at {camera.fps} frames a second are requested"
    rotation = f"; the picture is turned by {camera.rotate}°" if camera.rotate else ""
    unchecked = "" if display_exists else ", not checked, because this session has no display"
    choice = (
        "the label with the most evidence" if reading.draw == "top" else "a label drawn at random"
    )
    own = [key for key, text in settings.words if text is not None]
    plan = [
        ("labels", count_labels(label_set)),
        ("language", _language_in_words(settings.language, own)),
        ("privacy", PRIVACY[settings.privacy]),
        ("hidden", _hidden_in_words(label_set)),
        ("camera", f"{_source_in_words(camera.source)}; {size}{rotation}"),
        (
            "picture",
            "a mirror"
            if camera.mirror
            else "not mirrored, so visitors see themselves as others do",
        ),
        ("detector", DETECTOR_WORDS[settings.detector]),
        ("device", DEVICE_WORDS[settings.device]),
        (
            "visitors",
            f"people whose faces are at least {settings.visitors.least_size:g} of the picture's "
            f"height; they see the notice for {reading.announce_s:g} s before they are classified",
        ),
        (
            "reading",
            f"{choice}; it is chosen after at least {reading.min_time_s:g} s and "
            f"{counted(reading.min_readings, 'reading')}, if at least {reading.agreement:.0%} of "
            f"the readings agree; it is shown for {reading.hold_s:g} s, or longer if its text "
            "takes longer to read",
        ),
        (
            "screen",
            "the first display; no screen if the machine has no display"
            if screen.display == "auto"
            else f"display {screen.display}{unchecked}",
        ),
    ]
    if controls := _controls_in_words(camera):
        plan.append(("controls", controls))
    if screen.title is not None:
        plan.append(("title", screen.title))
    if reading.announce_s < ANNOUNCE_S:
        plan.append(("short notice", reading.acknowledged))
    if settings.content.acknowledged:
        plan.append(("acknowledged", settings.content.acknowledged))
    return plan


def _source_in_words(source: Source) -> str:
    match source:
        case Auto():
            return "auto: the first camera, or the rehearsal if there is no camera"
        case Rehearsal():
            return (
                "the rehearsal, a simulated visitor (a portrait that approaches, looks and leaves)"
            )
        case Device(device):
            return str(device)
        case Film(path) | Pictures(path):
            return display_path(path)


def _controls_in_words(camera: CameraSettings) -> str:
    """Return a text with the camera's controls that kiosk.yaml sets; "" if it sets none.

    If the controls cannot be checked, the text ends with the reason.
    """
    from installation.seeing.cameras import named_controls

    named = named_controls.in_words(camera).items()
    words = ", ".join(f"{name} {value}" for name, value in named)
    _, problem = _camera_with_controls(camera) if words else (None, "")
    return f"{words}; {problem}" if problem else words


def _language_in_words(language: Language, own: list[str]) -> str:
    """Return a description of the languages of the texts and of the labels.

    `own` are the keys under `words` whose texts the curator has replaced.
    """
    from installation.showing.words import load_words

    parts = [load_words(language.words).language]
    if language.words != language.labels:
        code = language.labels
        parts.append(f"only the labels are in '{code}', because the kiosk has no words in '{code}'")
    elif language.labels != ENGLISH and not language.translated:
        parts.append("the labels have no names in this language")
    if language.second is not None:
        parts.append(f"and {_language_in_words(language.second, [])}")
    if own:
        parts.append(f"these texts are the curator's own: {', '.join(own)}")
    return "; ".join(parts)


def _hidden_in_words(label_set: LabelSet) -> str:
    if not label_set.hidden:
        return "none"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in label_set.hidden.items())
    return f"{sum(label_set.hidden.values()):,} by reason: {reasons}"
