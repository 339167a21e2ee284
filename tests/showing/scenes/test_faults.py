from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.running.progress import CameraFault, State
from installation.showing.scene import Size
from installation.showing.scenes.faults import (
    AnalysisFault,
    Fault,
    analysis_fault,
    camera_faults,
    faults_card,
)
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import text_of
from tests.support.languages import LANGUAGES

MakeContext = Callable[[Size], ScreenContext]

STATES = (State.LOST, State.STALLED, State.WAITING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_fault_has_words_of_its_own(language: str) -> None:
    """In every language the staff reads what is wrong and what to do, never the same twice."""
    words = load_words(language)
    found = [
        *(camera_faults(words, state) for state in STATES),
        *(camera_faults(words, State.RUNNING, fault) for fault in CameraFault),
        *([analysis_fault(words, fault)] for fault in AnalysisFault),
    ]
    assert all(len(each) == 1 for each in found)
    texts = [text for (fault,) in found for text in (fault.problem, fault.remedy)]
    count = len(STATES) + len(CameraFault) + len(AnalysisFault)
    assert len(set(texts)) == len(texts) == 2 * count


@pytest.mark.parametrize("state", [state for state in State if state not in STATES])
def test_a_camera_that_works_has_no_fault(state: State) -> None:
    """The staff's card of a show that runs or starts says nothing of faults."""
    assert camera_faults(load_words(), state) == []


def test_several_faults_are_listed_together() -> None:
    """If darkness makes pictures black and slow, only one reason for missing pictures is named."""
    words = load_words()
    dark = CameraFault.BLACK | CameraFault.SLOW
    problems = [fault.problem for fault in camera_faults(words, State.RUNNING, dark)]
    assert problems == [words.staff_black, words.staff_half_rate]
    (frozen,) = camera_faults(words, State.STALLED, CameraFault.FROZEN)
    assert frozen.problem == words.staff_frozen
    lost, torn = camera_faults(words, State.LOST, CameraFault.TORN)
    assert (lost.problem, torn.problem) == (words.staff_lost, words.staff_torn)


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (3840, 1080), (480, 800)])
def test_the_card_has_all_mistakes(context: MakeContext, size: Size) -> None:
    """Many lines of a file fit under the problem and its remedy; unknown letters are replaced."""
    screen = context(size)
    lines = [f"kiosk.yaml:{number}: \U0001f4f7 is wrong. Change it." for number in range(8)]
    scene = faults_card(screen, "camera", [Fault("It is gone.", "Plug it in.")], lines)
    assert all(panel.rect.within(screen.screen) for panel in scene.panels)
    text = " ".join(text_of(scene).split())
    for part in ("camera", "It is gone.", "Plug it in.", "kiosk.yaml:0:", "kiosk.yaml:7:"):
        assert part in text
    assert "\U0001f4f7" not in text


def test_a_problem_is_larger_than_the_log(context: MakeContext) -> None:
    """On the staff's card the largest type says what is wrong."""
    screen = replace(context((1920, 1080)), words=load_words("de"))
    (panel,) = faults_card(screen, "Kamera", [Fault("Weg.", "Her damit.")], ["a line"]).panels
    sizes = [line.size for line in panel.lines]
    assert sizes[1] > 1.4 * max(sizes[0], *sizes[2:])
