from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.command_name import command_name
from installation.errors import Mistake
from installation.guarding.guard import NOT_LAUNCHED
from installation.guarding.probes.probe import ProbeResult
from installation.guarding.self_test import Proof
from installation.guarding.status import STAGE_ONE
from installation.seeing.box import Box
from installation.settings.paths import PROJECT
from installation.showing.cover import Cover
from installation.showing.scene import Rect, Size
from installation.showing.scenes.bands import bands
from installation.showing.scenes.compose import compose
from installation.showing.scenes.faults import ChangedFile, FileFault, file_fault
from installation.showing.scenes.staff import (
    STAGE_ONE_LAYERS,
    STAGE_TWO_LAYERS,
    Layer,
    ShowStatus,
    layers,
    with_staff_card,
)
from installation.showing.type.typesetting import ScreenContext
from tests.support.figures import CLINICIAN, FRAME, draw, text_of, visitors_at

RESULTS = (ProbeResult("write a file", "open(O_WRONLY)", "main", "refused", "Landlock", 13),)
NO_FILTER = Mistake("seccomp", "not available on this machine (no such call)", "Use a newer Linux.")
GOT_OUT = Mistake("probe 'write a file'", "not refused", "Run `kiosk audit`.")

SWAP = Mistake("swap", "memory may be written to /dev/sda2", "Switch swap off.")


def proof(*missing: Mistake, results: tuple[ProbeResult, ...] = RESULTS) -> Proof:
    """Return a proof that lacks `missing`."""
    return Proof(results, missing, datetime.datetime(2026, 11, 20, 10, 0))


@pytest.mark.parametrize(
    ("found", "holding", "lacking"),
    [
        (proof(), (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS), {}),
        (
            proof(NO_FILTER, GOT_OUT),
            (*STAGE_ONE_LAYERS, "file size limit", "memory protection"),
            {"seccomp": NO_FILTER.problem, GOT_OUT.where: GOT_OUT.problem},
        ),
        (proof(NOT_LAUNCHED), STAGE_TWO_LAYERS, {STAGE_ONE: NOT_LAUNCHED.problem}),
        (proof(NO_FILTER, results=()), (), {"seccomp": NO_FILTER.problem}),
        (
            replace(proof(), not_prevented=(SWAP,)),
            (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS),
            {"swap": SWAP.problem},
        ),
    ],
)
def test_every_layer_holds_or_has_a_reason(
    found: Proof, holding: tuple[str, ...], lacking: dict[str, str]
) -> None:
    """Every layer is active or has a reason; none counts as active before it was entered."""
    listed = layers(found)
    assert tuple(layer.name for layer in listed if layer.missing is None) == holding
    assert {layer.name: layer.missing for layer in listed if layer.missing is not None} == lacking
    assert len({layer.name for layer in listed}) == len(listed)
    assert all(isinstance(layer, Layer) for layer in listed)


def test_remedies_can_be_typed_in_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The card names the kiosk's commands with their whole paths."""
    monkeypatch.setenv("PATH", "/usr/bin")
    command_name.cache_clear()
    remedies = [layer.remedy for layer in layers(proof(GOT_OUT)) if layer.missing]
    command_name.cache_clear()
    assert remedies == [f"Run `{PROJECT}/scripts/kiosk audit`."]


STATUS = ShowStatus(
    layers=tuple(Layer(name) for name in (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS)),
    ways_tried=127,
    tested_at=datetime.datetime(2026, 11, 20, 10, 0),
    locked_blocks=4,
    blocks=4,
    label_set="Weather",
    visible_labels=6,
    all_labels=6,
    camera="camera 0",
    detector="yunet",
    device="cpu",
    mirror_fps=29.97,
    dropped_frames=12,
    uptime_s=8040.0,
    version="0.5.0",
)


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (1280, 800), (3840, 1080)])
@pytest.mark.parametrize("x", [200, 640, 1080])
def test_the_card_does_not_cover_a_visitors_face(
    context: Callable[[Size], ScreenContext], size: Size, x: int
) -> None:
    """The card is at the side where nobody stands, and covers no face."""
    screen = context(size)
    frame = draw((1280, 720) if size[0] > size[1] else (720, 1280), [])
    box = Box.from_centre(x if size[0] > size[1] else 360, 300, 120, 160)
    scene = compose(frame, visitors_at([(box, CLINICIAN)]), screen, 0.0)
    shown = with_staff_card(scene, STATUS, screen)
    cover = Cover.from_sizes((frame.width, frame.height), bands(screen).room)
    face = cover.to_screen(box)
    card = shown.panels[len(scene.panels)]
    assert card.rect.within(bands(screen).room)
    assert not card.rect.overlaps(
        Rect(round(face.x0), round(face.y0), round(face.width), round(face.height))
    )


def test_the_card_says_what_a_technician_does(context: Callable[[Size], ScreenContext]) -> None:
    """Each row with something wrong has its remedy below it; all active layers share one row."""
    screen = context((1920, 1080))
    scene = compose(FRAME, None, screen, 0.0)
    well = text_of(with_staff_card(scene, STATUS, screen))
    assert "6 of 6 layers hold" in well
    assert "127 ways out" in well
    assert "(kiosk 0.5.0)" in well, "which version hangs there"
    assert "›" not in well
    ill = replace(
        STATUS,
        layers=(Layer("Landlock", "not available", "Use Linux 6.2 or newer."), *STATUS.layers[1:]),
        locked_blocks=1,
        mirror_fps=9.0,
        is_rehearsal=True,
    )
    text = " ".join(text_of(with_staff_card(scene, ill, screen)).split())
    for remedy in (
        "Use Linux 6.2",
        "locked memory: LimitMEMLOCK",
        "Close other",
        "Plug in a camera",
    ):
        assert remedy in text
    assert "5 of 6 layers hold" in text


def test_a_remedy_that_several_rows_share_is_said_once(
    context: Callable[[Size], ScreenContext],
) -> None:
    """A remedy that several rows share is shown once, below the last of them."""
    screen = context((1920, 1080))
    failed = tuple(Layer(f"probe {number}", "not refused", "Run it.") for number in range(5))
    scene = with_staff_card(
        compose(FRAME, None, screen, 0.0), replace(STATUS, layers=failed), screen
    )
    assert text_of(scene).count("Run it.") == 1


@pytest.mark.parametrize("fault", FileFault)
def test_the_card_says_what_is_wrong_with_a_file(
    context: Callable[[Size], ScreenContext], fault: FileFault
) -> None:
    """The first two mistakes are on the card, cut if they are long; letters without a font go."""
    screen = context((1920, 1080))
    lines = ("labels.csv:4: \U0001f600", "x" * 500, "the third")
    status = replace(STATUS, changed_files=(ChangedFile(fault, lines),))
    card = with_staff_card(compose(FRAME, None, screen, 0.0), status, screen)
    text = " ".join(text_of(card).split())
    said = file_fault(screen.words, fault)
    assert said.problem in text
    assert said.remedy in text
    assert "labels.csv:4:" in text
    assert "…" in text
    assert "the third" not in text
    assert all(panel.rect.within(Rect(0, 0, 1920, 1080)) for panel in card.panels)
