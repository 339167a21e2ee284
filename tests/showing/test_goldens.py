from __future__ import annotations

import datetime
import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from installation.naming.label_set.label_set import Label
from installation.seeing.frame import Frame
from installation.showing.scene import Scene, Size
from installation.showing.scenes.cards import title_card, trouble_card, unguarded_card
from installation.showing.scenes.compose import compose
from installation.showing.scenes.staff import (
    STAGE_ONE_LAYERS,
    STAGE_TWO_LAYERS,
    Layer,
    ShowStatus,
    with_staff_card,
)
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words, privacy_line
from tests.support.figures import (
    BOXER,
    CLINICIAN,
    FARMER,
    GUEST,
    HORNIST,
    LONGEST_DEFINITION,
    LONGEST_LABEL,
    ROOT,
    Head,
    company,
    draw,
    rows,
)
from tests.support.golden import Check

LANDSCAPE: Size = (1920, 1080)
PORTRAIT: Size = (1080, 1920)
FOUR_K: Size = (3840, 2160)

MakeContext = Callable[[Size], ScreenContext]

ONE: list[Head] = [(620, 250, 170)]
NEAR: list[Head] = [(560, 330, 260)]
TALL_ONE: list[Head] = [(340, 420, 200)]
TWO: list[Head] = [(360, 250, 180), (880, 270, 165)]


def _frame(size: Size, heads: list[Head]) -> Frame:
    return draw((1280, 720) if size[0] > size[1] else (720, 1280), heads)


def _scene(context: ScreenContext, heads: list[Head], *labels: Label | None) -> Scene:
    return compose(_frame(context.size, heads), company(heads, labels), context, now=0.0)


def test_the_title_card(golden: Check, context: MakeContext) -> None:
    """While the show loads, the screen shows the title on black."""
    golden("title_card", title_card(context(LANDSCAPE)), context(LANDSCAPE))


def test_the_trouble_card(golden: Check, context: MakeContext) -> None:
    """When something is wrong, visitors see one calm sentence."""
    golden("trouble_card", trouble_card(context(LANDSCAPE)), context(LANDSCAPE))


def test_the_card_of_a_kiosk_without_its_guard(golden: Check, context: MakeContext) -> None:
    """Without its sandbox the kiosk tells visitors that no camera is on, and the staff why."""
    for name, size in (("unguarded", LANDSCAPE), ("unguarded_tall", PORTRAIT)):
        screen = context(size)
        golden(name, unguarded_card(screen, ["Landlock", "rights of root", "seccomp"]), screen)


AT = datetime.datetime(2026, 11, 20, 10, 0)


def _with_privacy_line(context: ScreenContext, holds: bool, today: datetime.date) -> ScreenContext:
    """Return `context` with the privacy line of a sandbox that holds, or does not."""
    line = privacy_line(context.words, holds, 66, AT, today)
    return replace(context, words=context.words.model_copy(update={"privacy": line}))


@pytest.mark.parametrize(
    ("name", "size", "holds", "today"),
    [
        ("privacy_today", LANDSCAPE, True, AT.date()),
        ("privacy_today_tall", PORTRAIT, True, AT.date()),
        ("privacy_earlier", LANDSCAPE, True, datetime.date(2026, 11, 21)),
        ("privacy_unguarded", LANDSCAPE, False, AT.date()),
    ],
)
def test_the_promise_on_the_strip(
    golden: Check, context: MakeContext, name: str, size: Size, holds: bool, today: datetime.date
) -> None:
    """The strip says what is true of the pictures on that day."""
    screen = _with_privacy_line(context(size), holds, today)
    golden(name, _scene(screen, ONE if size == LANDSCAPE else TALL_ONE, CLINICIAN), screen)


WHOLE = ShowStatus(
    layers=tuple(Layer(name) for name in (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS)),
    ways_tried=66,
    tested_at=AT,
    locked_pieces=4,
    pieces=4,
    label_set="ImageNet, person categories",
    visible_labels=947,
    all_labels=2832,
    camera="camera 0, 1280×720 at 30 fps",
    detector="yunet",
    device="cuda",
    mirror_fps=29.97,
    dropped_frames=12,
    uptime_s=8040.0,
)
UNAVAILABLE = "not available on this machine (Function not implemented)"
LACKING = replace(
    WHOLE,
    layers=(
        *(Layer(name, UNAVAILABLE) for name in STAGE_ONE_LAYERS[:2]),
        *(Layer(name) for name in (*STAGE_ONE_LAYERS[2:], *STAGE_TWO_LAYERS)),
        *(
            Layer(f"probe '{name}'", "not refused in the main thread")
            for name in ("write a file", "make a folder", "rename", "link", "truncate", "mkfifo")
        ),
    ),
    locked_pieces=1,
    device="cpu",
    detector="mtcnn",
    mirror_fps=24.2,
    dropped_frames=1893,
)
SWAPPED = replace(
    WHOLE, layers=(*WHOLE.layers, Layer("swap", "memory may be written to /dev/sda2"))
)


@pytest.mark.parametrize(
    ("name", "size", "status", "heads"),
    [
        ("staff", LANDSCAPE, WHOLE, ONE),
        ("staff_tall", PORTRAIT, WHOLE, TALL_ONE),
        ("staff_swap", LANDSCAPE, SWAPPED, ONE),
        ("staff_swap_tall", PORTRAIT, SWAPPED, TALL_ONE),
        ("staff_lacking", LANDSCAPE, LACKING, []),
        ("staff_lacking_tall", PORTRAIT, LACKING, []),
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
    """The staff card shows which layers hold, and first of all what is missing."""
    screen = _with_privacy_line(context(size), status is WHOLE, AT.date())
    scene = _scene(screen, heads, CLINICIAN)
    golden(name, with_staff_card(scene, status, screen), screen)


@pytest.mark.parametrize(("name", "size"), [("waiting", LANDSCAPE), ("waiting_tall", PORTRAIT)])
def test_waiting(golden: Check, context: MakeContext, name: str, size: Size) -> None:
    """Without visitors the mirror is dimmed behind the title."""
    golden(name, compose(_frame(size, []), None, context(size), now=0.0), context(size))


def test_reading(golden: Check, context: MakeContext) -> None:
    """While a face is read, the lit part of its square is the evidence."""
    golden("reading", _scene(context(LANDSCAPE), ONE, None), context(LANDSCAPE))


@pytest.mark.parametrize(
    ("name", "size", "heads", "label"),
    [
        ("verdict", LANDSCAPE, ONE, CLINICIAN),
        ("verdict_tall", PORTRAIT, TALL_ONE, CLINICIAN),
        ("verdict_4k", FOUR_K, ONE, CLINICIAN),
        ("unsure", LANDSCAPE, ONE, ROOT),
        ("near", LANDSCAPE, [(640.0, 400.0, 560.0)], GUEST),
        ("longest_label", LANDSCAPE, NEAR, LONGEST_LABEL),
        ("longest_label_tall", PORTRAIT, TALL_ONE, LONGEST_LABEL),
        ("longest_definition", LANDSCAPE, NEAR, LONGEST_DEFINITION),
        ("longest_definition_tall", PORTRAIT, TALL_ONE, LONGEST_DEFINITION),
    ],
)
def test_a_verdict(
    golden: Check, context: MakeContext, name: str, size: Size, heads: list[Head], label: Label
) -> None:
    """One visitor with a verdict, on every screen, near and far, with the longest texts."""
    golden(name, _scene(context(size), heads, label), context(size))


def test_two_visitors(golden: Check, context: MakeContext) -> None:
    """Two visitors have a caption each, in type of one size."""
    golden("two", _scene(context(LANDSCAPE), TWO, CLINICIAN, GUEST), context(LANDSCAPE))


@pytest.mark.parametrize(
    ("name", "size", "counts", "head", "top", "step"),
    [
        ("crowd_12", LANDSCAPE, (5, 4, 3), 95.0, 0.18, 0.24),
        ("crowd_32", LANDSCAPE, (9, 9, 8, 6), 52.0, 0.13, 0.18),
        ("crowd_32_tall", PORTRAIT, (5, 6, 6, 6, 5, 4), 54.0, 0.12, 0.13),
    ],
)
def test_a_crowd(
    golden: Check,
    context: MakeContext,
    name: str,
    size: Size,
    counts: tuple[int, ...],
    head: float,
    top: float,
    step: float,
) -> None:
    """In a crowd the names stay, beside the faces, and definitions go."""
    heads = rows((1280, 720) if size[0] > size[1] else (720, 1280), counts, head, top, step)
    labels = (CLINICIAN, GUEST, None, BOXER, HORNIST, FARMER)
    golden(name, _scene(context(size), heads, *labels), context(size))


CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc")
CJK_SHA256 = "faa5f3656a78b2e2d450d27fe8382c778bc2b6bb5ea29c986664a6a435056ceb"
"""The font of Debian 12's package fonts-noto-cjk, the only one of the system in a golden screen."""


@pytest.mark.parametrize(
    ("name", "language", "label"),
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
        ),
        (
            "hebrew",
            "he",
            Label("h", "אַסְטְרוֹנָאוּט", "אדם שהוכשר לטוס בחללית (space), מאז 1961", ("אדם", "נוסע")),
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
        ),
    ],
)
def test_every_language(golden: Check, name: str, language: str, label: Label) -> None:
    """Marks stand where they belong, each script reads its own way, and words break as they may."""
    if name == "japanese":
        if not CJK.exists():
            pytest.fail(f"{CJK} is missing. Run: apt-get install fonts-noto-cjk")
        if hashlib.sha256(CJK.read_bytes()).hexdigest() != CJK_SHA256:
            pytest.skip(f"the golden screen was drawn with {CJK.name} of Debian 12")
    words = load_words()
    fonts = Fonts((*words.texts(), label.name, label.definition, *label.chain))
    context = ScreenContext(words, fonts, LANDSCAPE, language)
    golden(name, _scene(context, ONE, label), context)
