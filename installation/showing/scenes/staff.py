"""The staff card, for the people who run the show: which layers hold, and how the show is doing.

It is on the screen only while F1 asks for it. It is opaque and always in one place, so that it can
be read on any picture; what is missing stands black on white, to be seen first.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from installation.guarding.self_test import Proof
from installation.guarding.status import (
    CORE_DUMPS,
    FILE_SIZE_LIMIT,
    LANDLOCK,
    MEMORY_PROTECTION,
    NO_NEW_PRIVILEGES,
    SECCOMP,
    STAGE_ONE,
)
from installation.showing.scene import (
    BLACK,
    GREEN,
    GREY,
    ON_BLACK,
    ON_WHITE,
    WHITE,
    Background,
    Colour,
    Panel,
    Rect,
    Scene,
)
from installation.showing.scenes.cards import MARGIN, WAITING_BRIGHTNESS, imprint
from installation.showing.type.typesetting import LEADING, Paragraph, ScreenContext, set_panel
from installation.showing.words import Words

STAGE_ONE_LAYERS = (LANDLOCK, NO_NEW_PRIVILEGES, CORE_DUMPS)
STAGE_TWO_LAYERS = (SECCOMP, FILE_SIZE_LIMIT, MEMORY_PROTECTION)

MAX_MISSING = 5
"""Missing layers that are named; `kiosk audit` names all of them."""

MAX_CARD_WIDTH = 1260
NAME_COLUMN = 310
PAD = 44
SIZES = (30, 28, 26, 24, 22, 20)
TITLE_SIZE = 52
"""The card, its column of names, the room around the type, px, and the type, px per em; at 1080."""


@dataclass(frozen=True)
class Layer:
    """One layer, by the sandbox's name for it, and what is missing of it; None if it holds."""

    name: str
    missing: str | None = None


@dataclass(frozen=True)
class ShowStatus:
    """How a running show is doing, as far as the staff card tells it."""

    layers: tuple[Layer, ...]
    ways_tried: int
    tested_at: datetime.datetime | None
    """When the ways out were tried, in local time; None if none was."""
    locked_pieces: int
    pieces: int
    """Pieces of memory for frames, and how many of them are locked: never written to swap."""
    label_set: str
    visible_labels: int
    all_labels: int
    camera: str
    detector: str
    device: str
    mirror_fps: float
    """Frames that reached the screen, 1/s."""
    dropped_frames: int
    uptime_s: float


def layers(proof: Proof) -> tuple[Layer, ...]:
    """Return every layer of the sandbox as `proof` found it, then whatever else is missing.

    Swap on a disk is not a layer, nor is the kernel's log, but because of them visitors are not
    told that nothing can be stored.
    """
    missing: dict[str, str] = {}
    for mistake in (*proof.missing, *proof.stored_by_kernel):
        missing.setdefault(mistake.where, mistake.what)
    entered: tuple[str, ...] = ()
    if proof.results:
        entered = STAGE_TWO_LAYERS
        if STAGE_ONE not in missing:
            entered = (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS)
    others = [name for name in missing if name not in entered]
    return tuple(Layer(name, missing.get(name)) for name in (*entered, *others))


def with_staff_card(scene: Scene, status: ShowStatus, context: ScreenContext) -> Scene:
    """Return `scene`, dimmed and without captions, with the card and the strip over it.

    The card is set in the largest type in which it fits above the strip.
    """
    strip = imprint(context)
    room = strip[0].rect.y - 2 * context.px(MARGIN)
    for size in SIZES:
        card = _card(status, context, size)
        if card[0].rect.height <= room:
            break
    return replace(
        scene,
        brightness=WAITING_BRIGHTNESS,
        visitors=tuple(replace(visitor, tag=None, caption=None) for visitor in scene.visitors),
        panels=(*strip, *card),
    )


@dataclass(frozen=True)
class _Row:
    name: str
    value: str
    colour: Colour
    background: Background | None = None


def _rows(status: ShowStatus, words: Words) -> list[list[_Row]]:
    """Return the rows of the card in two groups: the sandbox, and the show."""
    minutes = int(status.uptime_s // 60)
    labels = f"{status.label_set}: {status.visible_labels} / {status.all_labels}"
    rate = words.staff_rate.format(rate=round(status.mirror_fps), dropped=status.dropped_frames)
    time = words.staff_time.format(hours=minutes // 60, minutes=minutes % 60)
    show = [
        (words.staff_labels, labels),
        (words.staff_camera, status.camera),
        (words.staff_detector, status.detector),
        (words.staff_device, status.device),
        (words.staff_mirror, rate),
        (words.staff_running, time),
    ]
    return [_sandbox_rows(status, words), [_Row(name, value, WHITE) for name, value in show]]


def _sandbox_rows(status: ShowStatus, words: Words) -> list[_Row]:
    names = _layer_names(words)
    holding = [layer for layer in status.layers if layer.missing is None]
    lacking = [layer for layer in status.layers if layer.missing is not None]
    rows = [
        _Row(names.get(layer.name, layer.name), layer.missing or "", BLACK, ON_WHITE)
        for layer in lacking[:MAX_MISSING]
    ]
    if len(lacking) > MAX_MISSING:
        more = words.staff_more.format(count=len(lacking) - MAX_MISSING)
        rows.append(_Row("", more, BLACK, ON_WHITE))
    if not status.layers:
        rows.append(_Row(words.staff_guard, words.staff_unguarded, BLACK, ON_WHITE))
    rows += [_Row(names[layer.name], words.staff_holds, GREEN) for layer in holding]
    if status.tested_at is not None:
        tried = words.staff_tried.format(
            ways=status.ways_tried,
            date=words.date_of(status.tested_at.date()),
            time=words.time_of(status.tested_at),
        )
        rows.append(_Row(words.staff_tries, tried, WHITE))
    locked = words.staff_locked.format(locked=status.locked_pieces, made=status.pieces)
    rows.append(_Row(words.staff_memory, locked, WHITE))
    return rows


def _layer_names(words: Words) -> dict[str, str]:
    """Return what each layer does, in words, by the name of the layer."""
    return {
        LANDLOCK: words.staff_landlock,
        NO_NEW_PRIVILEGES: words.staff_new_privileges,
        CORE_DUMPS: words.staff_core_dumps,
        SECCOMP: words.staff_seccomp,
        FILE_SIZE_LIMIT: words.staff_file_size_limit,
        MEMORY_PROTECTION: words.staff_closed_memory,
    }


def _card(status: ShowStatus, context: ScreenContext, size: int) -> tuple[Panel, ...]:
    """Return the card's panels in type of `size`, px per em at 1080; first the background."""
    margin, pad = context.px(MARGIN), context.px(PAD)
    width = min(context.px(MAX_CARD_WIDTH), context.size[0] - 2 * margin)
    left, right = margin + pad, margin + width - pad
    value_left = left + context.px(NAME_COLUMN)
    words = context.words
    heading = Paragraph(words.staff_title, context.px(TITLE_SIZE), WHITE)
    panels = list(_placed(context, heading, left, margin + pad))
    y = margin + pad + context.px(1.9 * TITLE_SIZE)
    type_px = context.px(size)
    for rows in _rows(status, words):
        for row in rows:
            name = Paragraph(row.name, type_px, GREY)
            value = Paragraph(row.value, type_px, row.colour)
            names = _placed(context, name, left, y, value_left - left - type_px)
            values = _placed(context, value, value_left, y, right - value_left, row.background)
            panels += [*names, *values]
            count = max(_line_count(names), _line_count(values))
            y += round(count * LEADING * type_px) + context.px(size / 4)
        y += context.px(size * 0.7)
    hint = _placed(context, Paragraph(words.staff_hint, type_px, GREY), left, y, right - left)
    y += round(_line_count(hint) * LEADING * type_px) + pad
    widest = max(panel.rect.right for panel in (*panels, *hint))
    card = Panel(Rect(margin, margin, widest + pad - margin, y - margin), ON_BLACK, ())
    return (card, *panels, *hint)


def _line_count(panels: Sequence[Panel]) -> int:
    return sum(len(panel.lines) for panel in panels)


def _placed(
    context: ScreenContext,
    paragraph: Paragraph,
    x: int,
    y: int,
    max_width: int | None = None,
    background: Background | None = None,
) -> tuple[Panel, ...]:
    """Return a panel whose type has its left edge at `x` and its first line's top at `y`.

    No panel for an empty text. Names and values of one row have one baseline.
    """
    if not paragraph.text:
        return ()
    bleed = max(1, paragraph.size // 4)
    panel = set_panel(context.fonts, [paragraph], max_width or context.size[0], bleed, background)
    return (panel.moved_to(x - bleed, y + paragraph.size - panel.lines[0].baseline),)
