"""Describes the faults of the camera, the analysis and the files for the staff.

The descriptions are in the show's language. They are shown on a card, which also has the log's
lines about mistakes in files. These are in English, because they quote the files.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from installation.running.progress import CameraFault, State
from installation.showing.scene import GREY, WHITE, Scene
from installation.showing.scenes.bands import MARGIN
from installation.showing.type.typesetting import Paragraph, ScreenContext, set_panel
from installation.showing.words import Words

SIZES = (36, 32, 28, 25, 22, 20)
"""The font sizes of the card, px per em at 1080p; the largest in which everything fits is used."""

PROBLEM_SCALE = 1.5
"""The font size of a problem relative to the other lines' font size."""

NO_FAULT = CameraFault(0)


class AnalysisFault(enum.Enum):
    """A fault of the analysis, because of which visitors get their names late or not at all."""

    FAILED = "failed"
    """The networks failed, and are being opened again."""
    CARD_FAILED = "card failed"
    """The graphics card failed, and the CPU replaces it for a while."""


class FileFault(enum.Enum):
    """What is wrong with a file that was changed while the show runs."""

    SETTINGS_WRONG = "settings wrong"
    """kiosk.yaml has mistakes."""
    SETTINGS_CHANGED = "settings changed"
    """kiosk.yaml has other settings than those that the show started with."""
    LABELS_WRONG = "labels wrong"
    """The label set has mistakes, or must be built."""


@dataclass(frozen=True)
class ChangedFile:
    """A fault of a file, and the lines of the log that say what is wrong with it."""

    fault: FileFault
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A problem in words for the staff, and what to do."""

    problem: str
    remedy: str


def camera_faults(words: Words, state: State, faults: CameraFault = NO_FAULT) -> list[Fault]:
    """Return the faults of the camera, for a show in `state` whose pictures have `faults`."""
    of_state = {
        State.LOST: Fault(words.staff_lost, words.staff_lost_remedy),
        State.STALLED: Fault(words.staff_silent, words.staff_silent_remedy),
        State.WAITING: Fault(words.staff_waiting, words.staff_waiting_remedy),
    }
    of_pictures = {
        CameraFault.FROZEN: Fault(words.staff_frozen, words.staff_frozen_remedy),
        CameraFault.BLACK: Fault(words.staff_black, words.staff_black_remedy),
        CameraFault.OVEREXPOSED: Fault(words.staff_overexposed, words.staff_overexposed_remedy),
        CameraFault.TORN: Fault(words.staff_torn, words.staff_torn_remedy),
        CameraFault.OTHER_SIZE: Fault(words.staff_other_size, words.staff_other_size_remedy),
        CameraFault.SLOW: Fault(words.staff_half_rate, words.staff_half_rate_remedy),
        CameraFault.CONTROLS: Fault(words.staff_controls, words.staff_controls_remedy),
        CameraFault.LOW_RATE: Fault(words.staff_low_rate, words.staff_low_rate_remedy),
    }
    found = [words_of for fault, words_of in of_pictures.items() if fault & faults]
    if found and state == State.STALLED:
        return found  # These faults explain why no usable picture comes.
    return [*([of_state[state]] if state in of_state else []), *found]


def analysis_fault(words: Words, fault: AnalysisFault) -> Fault:
    """Return `fault` in words for the staff."""
    if fault == AnalysisFault.FAILED:
        return Fault(words.staff_no_reading, words.staff_no_reading_remedy)
    return Fault(words.staff_card_failed, words.staff_card_failed_remedy)


def file_fault(words: Words, fault: FileFault) -> Fault:
    """Return `fault` in words for the staff."""
    if fault == FileFault.SETTINGS_CHANGED:
        return Fault(words.staff_settings_changed, words.staff_settings_changed_remedy)
    if fault == FileFault.SETTINGS_WRONG:
        return Fault(words.staff_file_wrong, words.staff_settings_wrong_remedy)
    return Fault(words.staff_file_wrong, words.staff_labels_wrong_remedy)


def show_fault(words: Words) -> Fault:
    """Return the fault of a show that cannot run because of its files or devices."""
    return Fault(words.staff_wrong, words.staff_wrong_remedy)


def faults_card(
    context: ScreenContext, name: str, faults: Sequence[Fault], lines: Sequence[str]
) -> Scene:
    """Return the staff card of a show that cannot show the camera's picture.

    `name` names the part that has the `faults`. The `lines` are lines of the log; letters that have
    no font are replaced.
    """
    pad = context.px(MARGIN)
    width = context.size[0] - 2 * pad
    texts = [context.fonts.replace_lacking(line) for line in lines]
    for size in SIZES:
        px = context.px(size)
        large = round(PROBLEM_SCALE * px)
        paragraphs = [Paragraph(name, px, GREY)] if name else []
        for fault in faults:
            paragraphs += [
                Paragraph(fault.problem, large, WHITE, space_above=px),
                Paragraph(f"›\u00a0{fault.remedy}", px, WHITE, space_above=px // 3),
            ]
        paragraphs += [Paragraph(text, px, GREY, space_above=px) for text in texts]
        panel = set_panel(context.fonts, paragraphs, width, pad, None)
        if panel.rect.height <= context.size[1]:
            break
    return Scene(None, context.screen, 1.0, (), (panel,))
