from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Candidate, RunnerUp, Stage, Verdict
from installation.running.progress import CameraFault, State
from installation.seeing.frame import Frame
from installation.show.privacy_line import without_privacy_line
from installation.showing.scene import Scene, Size
from installation.showing.scenes.cards import title_card, trouble_card, unguarded_card
from installation.showing.scenes.compose import compose
from installation.showing.scenes.faults import AnalysisFault, camera_faults, faults_card
from installation.showing.scenes.idle import idle
from installation.showing.scenes.staff import (
    STAGE_ONE_LAYERS,
    STAGE_TWO_LAYERS,
    Layer,
    ShowStatus,
    with_staff_card,
)
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words, with_privacy_line
from tests.support.figures import (
    BOXER,
    CLINICIAN,
    CROWD,
    FARMER,
    FRAME,
    GUEST,
    HORNIST,
    LONGEST_DEFINITION,
    LONGEST_LABEL,
    PEOPLE,
    ROOT,
    Head,
    bystander,
    company,
    draw,
    face,
    rows,
    sighting,
)
from tests.support.fonts import use_test_fonts
from tests.support.golden import Check
from tests.support.languages import LANGUAGES
from tests.support.sightings import sightings_of

LANDSCAPE: Size = (1920, 1080)
PORTRAIT: Size = (1080, 1920)
FOUR_K: Size = (3840, 2160)
FORMS = (("", LANDSCAPE), ("_tall", PORTRAIT))
"""The two orientations, and what the names of tall pictures end with."""

MakeContext = Callable[[Size], ScreenContext]

ONE: list[Head] = [(620, 300, 170)]
NEAR: list[Head] = [(560, 360, 260)]
TALL_ONE: list[Head] = [(340, 500, 200)]
TWO: list[Head] = [(360, 290, 180), (880, 310, 165)]
TALL_TWO: list[Head] = [(230, 400, 150), (520, 760, 170)]

AT = datetime.datetime(2026, 11, 20, 10, 0)


@pytest.fixture
def tested(context: MakeContext) -> MakeContext:
    """Return a function that makes the context of a show that tested itself today."""

    def make(size: Size) -> ScreenContext:
        return _with_privacy_line(context(size), True, AT.date())

    return make


def _with_privacy_line(context: ScreenContext, holds: bool, today: datetime.date) -> ScreenContext:
    """Return `context` with the privacy line of a sandbox that holds, or does not."""
    return replace(context, words=with_privacy_line(context.words, holds, AT, today))


def _frame(size: Size, heads: Sequence[Head]) -> Frame:
    return draw((1280, 720) if size[0] > size[1] else (720, 1280), heads)


def _scene(context: ScreenContext, heads: Sequence[Head], *labels: Label | None) -> Scene:
    return compose(_frame(context.size, heads), company(heads, labels), context, now=0.0)


def _staged(
    context: ScreenContext, heads: Sequence[Head], *staged: tuple[Stage, Label | None, float]
) -> Scene:
    """Return the scene with a visitor at each of `heads`: a stage, a label and its score.

    The label of somebody who is being read is the one that is shown with a question mark.
    """
    visitors = []
    for number, (head, (stage, label, score)) in enumerate(zip(heads, staged, strict=True)):
        is_read = stage == "reading"
        settled = None if is_read else label
        one = sighting(number, face(head), settled, evidence=0.45, score=score, stage=stage)
        if is_read and label:
            one = replace(one, candidates=(Candidate(label, score),))
        visitors.append(one)
    return compose(_frame(context.size, heads), sightings_of(visitors), context, now=0.0)


@pytest.mark.parametrize(("form", "size"), FORMS)
def test_the_cards(golden: Check, context: MakeContext, form: str, size: Size) -> None:
    """The cards: an empty square during the start, and a calm sentence if something is wrong."""
    screen = without_privacy_line(replace(context(size), label_set=None))
    golden(f"title_card{form}", title_card(screen), screen)
    golden(f"trouble_card{form}", trouble_card(screen), screen)


def test_the_card_of_a_kiosk_without_its_guard(golden: Check, context: MakeContext) -> None:
    """Without its sandbox the kiosk tells visitors that no camera is on, and the staff why."""
    for form, size in FORMS:
        screen = context(size)
        card = unguarded_card(screen, ["Landlock", "rights of root", "seccomp"])
        golden(f"unguarded{form}", card, screen, shorter=True)


@pytest.mark.parametrize(("form", "size"), [*FORMS, ("_4k", FOUR_K)])
def test_idle(golden: Check, tested: MakeContext, form: str, size: Size) -> None:
    """The idle scene has a question, and an empty square with the list of names."""
    scene = idle(FRAME, tested(size), 12.0, 16.0)
    golden(f"idle{form}", scene, tested(size), shorter=size == FOUR_K)


def test_idle_with_the_mirror(golden: Check, tested: MakeContext) -> None:
    """With `screen.idle: mirror` the picture is dimmed behind the question."""
    screen = replace(tested(LANDSCAPE), idle="mirror")
    golden("idle_mirror", idle(_frame(LANDSCAPE, []), screen, 12.0, 16.0), screen, shorter=True)


@pytest.mark.parametrize(
    ("name", "holds", "today"),
    [
        ("privacy_earlier", True, datetime.date(2026, 11, 21)),
        ("privacy_unguarded", False, AT.date()),
    ],
)
def test_the_promise_at_the_foot(
    golden: Check, context: MakeContext, name: str, holds: bool, today: datetime.date
) -> None:
    """The privacy line states what the self-test has shown on that day."""
    screen = _with_privacy_line(context(LANDSCAPE), holds, today)
    golden(name, _scene(screen, ONE, CLINICIAN), screen, shorter=True)


@pytest.mark.parametrize(("form", "size"), [*FORMS, ("_4k", FOUR_K)])
def test_from_the_empty_square_to_a_person(
    golden: Check, tested: MakeContext, form: str, size: Size
) -> None:
    """The stages of a visitor: announced, read, named, withdrawn, and a person."""
    screen = tested(size)
    one = ONE if size[0] > size[1] else TALL_ONE
    staged: Mapping[str, tuple[Stage, Label | None, float]] = {
        "announced": ("announced", None, 0.0),
        "reading": ("reading", None, 0.0),
        "named": ("named", CLINICIAN, 0.31),
        "withdrawn": ("withdrawn", CLINICIAN, 0.31),
        "person": ("person", ROOT, 0.0),
        "unsure": ("unsure", ROOT, 0.041),
    }
    for name, visitor in staged.items():
        scene = _staged(screen, one, visitor)
        golden(f"{name}{form}", scene, screen, shorter=size == FOUR_K or name == "unsure")


@pytest.mark.parametrize(
    ("name", "size", "heads", "label"),
    [
        ("near", LANDSCAPE, [(640.0, 400.0, 560.0)], GUEST),
        ("longest_label", LANDSCAPE, NEAR, LONGEST_LABEL),
        ("longest_label_tall", PORTRAIT, TALL_ONE, LONGEST_LABEL),
        ("longest_definition", LANDSCAPE, NEAR, LONGEST_DEFINITION),
        ("longest_definition_tall", PORTRAIT, TALL_ONE, LONGEST_DEFINITION),
    ],
)
def test_a_verdict(
    golden: Check, tested: MakeContext, name: str, size: Size, heads: list[Head], label: Label
) -> None:
    """One visitor with a verdict, near and far, with the longest texts."""
    scene = _scene(tested(size), heads, label)
    golden(name, scene, tested(size), shorter=size == PORTRAIT)


@pytest.mark.parametrize(("form", "size"), FORMS)
def test_two_visitors(golden: Check, tested: MakeContext, form: str, size: Size) -> None:
    """A tag at 6 of 100 is nearly black, and a tag at 88 nearly green, in type of one size."""
    screen = tested(size)
    two = TWO if size[0] > size[1] else TALL_TWO
    scene = _staged(screen, two, ("named", GUEST, 0.06), ("named", HORNIST, 0.88))
    golden(f"two{form}", scene, screen, shorter=size == PORTRAIT)


@pytest.mark.parametrize(("form", "size"), FORMS)
def test_a_name_that_somebody_else_has(
    golden: Check, tested: MakeContext, form: str, size: Size
) -> None:
    """A better name that another visitor already has is marked as given."""
    screen = tested(size)
    two = TWO if size[0] > size[1] else TALL_TWO
    runners_up = (RunnerUp(CLINICIAN, 0.12, is_given=True), RunnerUp(BOXER, 0.08))
    visitors = [
        sighting(1, face(two[0]), CLINICIAN),
        replace(
            sighting(2, face(two[1]), HORNIST),
            verdict=Verdict(HORNIST, 0.09, 0.0, runners_up, 940, 0.71),
        ),
    ]
    scene = compose(_frame(size, two), sightings_of(visitors), screen, now=0.0)
    golden(f"given{form}", scene, screen, shorter=size == PORTRAIT)


@pytest.mark.parametrize(
    ("name", "size"),
    [("1280x800", (1280, 800)), ("3840x1080", (3840, 1080)), ("480x800", (480, 800))],
)
def test_screens_of_other_shapes(golden: Check, tested: MakeContext, name: str, size: Size) -> None:
    """No head is cut off on a wide screen, and small screens have the same scenes."""
    screen = replace(tested(size), second=load_words("de"))
    form = f"{size[0]}x{size[1]}"
    one = ONE if size[0] > size[1] else TALL_ONE
    golden(f"idle_{form}", idle(FRAME, screen, 12.0, 16.0), screen, shorter=True)
    golden(f"named_{form}", _scene(screen, one, CLINICIAN), screen, shorter=size[0] > size[1])


WHOLE = ShowStatus(
    layers=tuple(Layer(name) for name in (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS)),
    ways_tried=66,
    tested_at=AT,
    locked_blocks=4,
    blocks=4,
    label_set="ImageNet, person categories",
    visible_labels=947,
    all_labels=2832,
    camera="camera 0, 1280×720 at 30 fps",
    detector="yunet",
    device="cuda",
    mirror_fps=29.97,
    dropped_frames=12,
    uptime_s=8040.0,
    version="0.5.0",
)
NEWER = "Use Linux 6.2 or newer."
UNAVAILABLE = "not available on this machine (Function not implemented)"
LACKING = replace(
    WHOLE,
    layers=(
        *(Layer(name, UNAVAILABLE, NEWER) for name in STAGE_ONE_LAYERS[:2]),
        *(Layer(name) for name in (*STAGE_ONE_LAYERS[2:], *STAGE_TWO_LAYERS)),
        *(
            Layer(f"probe '{name}'", "not refused in the main thread", "Run `kiosk audit`.")
            for name in ("write a file", "make a folder", "rename", "link", "truncate", "mkfifo")
        ),
    ),
    locked_blocks=1,
    device="cpu",
    detector="mtcnn",
    mirror_fps=14.2,
    dropped_frames=1893,
    is_rehearsal=True,
    camera="rehearsal, 512×512",
)
SWAPPED = replace(
    WHOLE,
    layers=(*WHOLE.layers, Layer("swap", "memory may be written to /dev/sda2", "Switch swap off.")),
)
DARK = replace(WHOLE, camera_faults=CameraFault.BLACK | CameraFault.SLOW | CameraFault.CONTROLS)


@pytest.mark.parametrize(
    ("name", "size", "status", "heads"),
    [
        ("staff", LANDSCAPE, WHOLE, ONE),
        ("staff_tall", PORTRAIT, WHOLE, TALL_ONE),
        ("staff_swap", LANDSCAPE, SWAPPED, TWO[1:]),
        ("staff_lacking", LANDSCAPE, LACKING, []),
        ("staff_lacking_tall", PORTRAIT, LACKING, []),
        ("staff_camera", LANDSCAPE, DARK, []),
    ],
)
def test_the_staffs_card(
    golden: Check,
    context: MakeContext,
    name: str,
    size: Size,
    status: ShowStatus,
    heads: list[Head],
) -> None:
    """The staff card shows first what is missing, then which layers are active."""
    screen = _with_privacy_line(context(size), status is WHOLE, AT.date())
    scene = _scene(screen, heads, CLINICIAN)
    card = with_staff_card(scene, status, screen)
    golden(name, card, screen, shorter=name != "staff_lacking")


@pytest.mark.parametrize(("form", "size"), FORMS)
def test_a_network_that_failed(golden: Check, tested: MakeContext, form: str, size: Size) -> None:
    """Visitors go on seeing themselves, without words; the staff reads what to do."""
    screen = tested(size)
    one = ONE if size[0] > size[1] else TALL_ONE
    named = _staged(screen, one, ("named", CLINICIAN, 0.31))
    calm = compose(_frame(size, one), None, screen, 0.1, named, keeps_mirror=True)
    golden(f"network_failed{form}", calm, screen, shorter=True)
    status = replace(WHOLE, analysis_fault=AnalysisFault.FAILED)
    golden(f"staff_network{form}", with_staff_card(calm, status, screen), screen, shorter=True)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["", "_tall"])
def test_the_staffs_card_without_a_mirror(
    golden: Check, context: MakeContext, language: str, form: str
) -> None:
    """If no picture comes, the staff's card has the reason in each language and the log's line."""
    size = PORTRAIT if form else LANDSCAPE
    screen = replace(context(size), words=load_words(language))
    faults = camera_faults(screen.words, State.LOST, CameraFault.TORN)
    line = "camera 0: the camera was unplugged, or its cable or hub has failed. Plug it in again."
    card = faults_card(screen, screen.words.staff_camera, faults, [line])
    golden(f"staff_no_camera_{language}{form}", card, screen, shorter=True)


@pytest.mark.parametrize(
    ("name", "size", "counts", "head", "top", "step"),
    [
        ("crowd_12", LANDSCAPE, (5, 4, 3), 88.0, 0.24, 0.22),
        ("crowd_12_tall", PORTRAIT, (3, 3, 3, 3), 88.0, 0.22, 0.18),
        ("crowd_32", LANDSCAPE, (9, 9, 8, 6), 52.0, 0.2, 0.18),
        ("crowd_32_tall", PORTRAIT, (5, 6, 6, 6, 5, 4), 54.0, 0.18, 0.12),
    ],
)
def test_a_crowd(
    golden: Check,
    tested: MakeContext,
    name: str,
    size: Size,
    counts: tuple[int, ...],
    head: float,
    top: float,
    step: float,
) -> None:
    """In a crowd each name is at its own face, or is left out if it has no room."""
    heads = rows((1280, 720) if size[0] > size[1] else (720, 1280), counts, head, top, step)
    stages: Sequence[tuple[Stage, float]] = (
        ("named", 0.31),
        ("named", 0.12),
        ("reading", 0.3),
        ("withdrawn", 0.22),
        ("person", 0.0),
        ("named", 0.64),
        ("announced", 0.0),
    )
    names = iter(CROWD)
    others = {"person": ROOT, "announced": None}
    staged = [
        (stage, others[stage] if stage in others else next(names), score)
        for stage, score in (stages[number % len(stages)] for number in range(len(heads)))
    ]
    scene = _staged(tested(size), heads, *staged)
    golden(name, scene, tested(size), shorter=size == PORTRAIT)


def test_a_bystander(golden: Check, tested: MakeContext) -> None:
    """A bystander behind the line on the floor has no square, and no words cover their face."""
    heads = [(950.0, 340.0, 60.0), *ONE]
    screen = tested(LANDSCAPE)
    sightings = replace(company(ONE, [CLINICIAN]), bystanders=(bystander(heads[0]),))
    scene = compose(_frame(LANDSCAPE, heads), sightings, screen, now=0.0)
    golden("bystander", scene, screen, shorter=True)


@pytest.mark.parametrize(
    ("name", "language", "label", "others"),
    [
        (
            "arabic",
            "ar",
            Label(
                "a",
                "رائد فضاء",
                "شخص مُدرَّب على السفر في مركبة فضائية (منذ 1961) من وكالة NASA أو ESA الأوروبية",
                ("شخص", "مسافر"),
            ),
            ("طبيب", "مزارع"),
        ),
        (
            "hebrew",
            "he",
            Label("h", "אַסְטְרוֹנָאוּט", "אדם שהוכשר לטוס בחללית (space), מאז 1961", ("אדם", "נוסע")),
            ("רופא", "חקלאי"),
        ),
        (
            "japanese",
            "ja",
            Label(
                "j",
                "宇宙飛行士",
                "宇宙船に乗り、「宇宙」を旅するために訓練を受けた人。",
                ("人", "旅行者"),
            ),
            ("旅行者", "旅人"),
        ),
        (
            "thai",
            "th",
            Label(
                "t",
                "นักบินอวกาศ",
                "คนที่ได้รับการฝึกให้เดินทางในยานอวกาศ และไม่เคยบ่นเรื่องอาหารเลย",
                ("คน", "ผู้เดินทาง"),
            ),
            ("แพทย์", "ชาวนา"),
        ),
        (
            "yoruba",
            "yo",
            Label(
                "y",
                "Ọ̀rẹ́ Ọlọ́jà",
                "ẹni tí ó ń jókòó ní ọjà láti àárọ̀ títí di alẹ́, tí ó sì mọ orúkọ gbogbo ènìyàn",
                ("ẹ̀dá", "Ẹgbẹ́ Ọmọ Oòduà"),
            ),
            ("dókítà", "àgbẹ̀"),
        ),
        (
            "guarani",
            "gn",
            Label(
                "g",
                "ñe’ẽhára ha g̃uahẽhára",
                "ava oñe’ẽva mokõi ñe’ẽme, m̃ ha ỹ g̃uarã, ohendúva opavavépe",
                ("yvypóra", "mba’apohára"),
            ),
            ("pohanohára", "chokokue"),
        ),
        (
            "vietnamese_decomposed",
            "vi",
            Label(
                "v",
                unicodedata.normalize("NFD", "Người giữ chữ"),
                unicodedata.normalize(
                    "NFD", "người được nhờ giữ những chữ ẾỄỖ mà không ai còn dùng nữa, kể cả Ữ"
                ),
                (unicodedata.normalize("NFD", "người"),),
            ),
            tuple(unicodedata.normalize("NFD", name) for name in ("bác sĩ", "nông dân")),
        ),
        (
            "german_compound",
            "de",
            Label(
                "d",
                "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
                "ein Mitglied der Donaudampfschifffahrtselektrizitätenhauptbetriebswerk"
                "bauunterbeamtengesellschaft, das nie gefragt wurde",
                ("Mensch", "Grundstücksverkehrsgenehmigungszuständigkeitsübertragungsbeamter"),
            ),
            ("Bezirksschornsteinfegermeister", "Arzt"),
        ),
    ],
)
def test_every_language(
    golden: Check,
    name: str,
    language: str,
    label: Label,
    others: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each script is drawn with the right marks, direction and line breaks."""
    use_test_fonts(monkeypatch, tmp_path)
    words = load_words()
    fonts = Fonts((*words.texts(), label.name, label.definition, *label.chain, *others))
    names = tuple(Label(other, other, "", ()) for other in others)
    label_set = replace(
        PEOPLE,
        settings=PEOPLE.settings.model_copy(update={"credit": "written for this picture"}),
        labels=(label, *names, *37 * (FARMER,)),
        size=40,
    )
    context = ScreenContext(words, fonts, LANDSCAPE, language, label_set=label_set)
    visitor = sighting(0, face(ONE[0]), label, label_set=label_set)
    scene = compose(_frame(LANDSCAPE, ONE), sightings_of([visitor]), context, now=0.0)
    golden(name, scene, context, shorter=True)
