"""The card for the people who run the show: what holds, what is missing, and how it is doing.

Visitors see it only while somebody looks after the show. It is opaque and in one place, so that it
can be read on any picture; what is missing stands black on white and is seen first.
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
from installation.showing.cards import MARGIN, PLAIN, WAITING_BRIGHTNESS, at, imprint
from installation.showing.scene import BLACK, GREEN, GREY, WHITE, Colour, Panel, Paper, Rect, Scene
from installation.showing.typesetting import LEADING, ScreenContext, Text, set_panel
from installation.showing.words import Words

FIRST_LAYERS = (LANDLOCK, NO_NEW_PRIVILEGES, CORE_DUMPS)
SECOND_LAYERS = (SECCOMP, FILE_SIZE_LIMIT, MEMORY_PROTECTION)
"""The layers of the two stages."""

MOST_MISSING = 5
"""How many missing things are named; `kiosk audit` names all of them."""

WIDEST = 1260
NAMES = 310
PAD = 44
SIZES = (30, 28, 26, 24, 22, 20)
"""The card, the column of names, the room round the type, and the type, px at 1080."""

TITLE = 52
ALARM: Paper = (*WHITE, 255)


@dataclass(frozen=True)
class Layer:
    """One layer by the guard's name, and what is missing of it; None where it holds."""

    name: str
    missing: str | None = None


@dataclass(frozen=True)
class ShowStatus:
    """What there is to know of a show that runs.

    `ways` out were tried at the local time `tried_at`, None where nothing was. `locked` of `made`
    pieces of memory for frames are locked. `rate` is frames that reached the screen, 1/s, and
    `dropped` those that never did; `seconds` have passed since the start.
    """

    layers: tuple[Layer, ...]
    ways: int
    tried_at: datetime.datetime | None
    locked: int
    made: int
    labels: str
    shown: int
    size: int
    camera: str
    detector: str
    device: str
    rate: float
    dropped: int
    seconds: float


def layers(proof: Proof) -> tuple[Layer, ...]:
    """Return every layer of the guard as `proof` found it, then whatever else is missing.

    Swap on a disk is no layer, but keeps visitors from being told that nothing can be stored.
    """
    missing: dict[str, str] = {}
    for mistake in (*proof.missing, *([proof.swap] if proof.swap else [])):
        missing.setdefault(mistake.where, mistake.what)
    laid: tuple[str, ...] = ()
    if proof.results:
        laid = SECOND_LAYERS if STAGE_ONE in missing else (*FIRST_LAYERS, *SECOND_LAYERS)
    others = [name for name in missing if name not in laid]
    return tuple(Layer(name, missing.get(name)) for name in (*laid, *others))


def with_staff_card(scene: Scene, running: ShowStatus, context: ScreenContext) -> Scene:
    """Return `scene` dimmed, with squares but no captions, behind the card and over the strip.

    The card is set in the largest type in which it fits above the strip.
    """
    strip = imprint(context)
    room = strip[0].rect.y - 2 * context.px(MARGIN)
    for size in SIZES:
        card = _card(running, context, size)
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
    paper: Paper | None = None


def _rows(running: ShowStatus, context: ScreenContext) -> list[list[_Row]]:
    """Return the rows of the card in two groups: the guard, and the show."""
    words = context.words
    names = _layer_names(words)
    holding = [layer for layer in running.layers if layer.missing is None]
    lacking = [layer for layer in running.layers if layer.missing is not None]
    guard = [
        _Row(names.get(layer.name, layer.name), layer.missing or "", BLACK, ALARM)
        for layer in lacking[:MOST_MISSING]
    ]
    if len(lacking) > MOST_MISSING:
        more = words.staff_more.format(count=len(lacking) - MOST_MISSING)
        guard.append(_Row("", more, BLACK, ALARM))
    if not running.layers:
        guard.append(_Row(words.staff_guard, words.staff_unguarded, BLACK, ALARM))
    guard += [_Row(names[layer.name], words.staff_holds, GREEN) for layer in holding]
    if running.tried_at is not None:
        tried = words.staff_tried.format(
            ways=running.ways,
            date=words.date_of(running.tried_at.date()),
            time=words.time_of(running.tried_at),
        )
        guard.append(_Row(words.staff_tries, tried, WHITE))
    locked = words.staff_locked.format(locked=running.locked, made=running.made)
    guard.append(_Row(words.staff_memory, locked, WHITE))
    minutes = int(running.seconds // 60)
    show = [
        (words.staff_labels, f"{running.labels}: {running.shown} / {running.size}"),
        (words.staff_camera, running.camera),
        (words.staff_detector, running.detector),
        (words.staff_device, running.device),
        (
            words.staff_mirror,
            words.staff_rate.format(rate=round(running.rate), dropped=running.dropped),
        ),
        (
            words.staff_running,
            words.staff_time.format(hours=minutes // 60, minutes=minutes % 60),
        ),
    ]
    return [guard, [_Row(name, value, WHITE) for name, value in show]]


def _layer_names(words: Words) -> dict[str, str]:
    """Return what each layer does, by the guard's name for it."""
    return {
        LANDLOCK: words.staff_landlock,
        NO_NEW_PRIVILEGES: words.staff_new_privileges,
        CORE_DUMPS: words.staff_core_dumps,
        SECCOMP: words.staff_seccomp,
        FILE_SIZE_LIMIT: words.staff_file_size_limit,
        MEMORY_PROTECTION: words.staff_closed_memory,
    }


def _card(running: ShowStatus, context: ScreenContext, size: int) -> tuple[Panel, ...]:
    """Return the card in type of `size`, px per em at 1080."""
    margin, pad = context.px(MARGIN), context.px(PAD)
    width = min(context.px(WIDEST), context.size[0] - 2 * margin)
    left, right = margin + pad, margin + width - pad
    values = left + context.px(NAMES)
    words = context.words
    title = _placed(context, Text(words.staff_title, context.px(TITLE), WHITE), left, margin + pad)
    panels = list(title)
    y = margin + pad + context.px(1.9 * TITLE)
    for rows in _rows(running, context):
        for row in rows:
            type_px = context.px(size)
            name = _placed(context, Text(row.name, type_px, GREY), left, y, values - left - type_px)
            value = _placed(
                context, Text(row.value, type_px, row.colour), values, y, right - values, row.paper
            )
            panels += [*name, *value]
            count = max(_line_count(name), _line_count(value))
            y += round(count * LEADING * type_px) + context.px(size / 4)
        y += context.px(size * 0.7)
    hint = _placed(context, Text(words.staff_hint, context.px(size), GREY), left, y, right - left)
    y += round(_line_count(hint) * LEADING * context.px(size)) + pad
    widest = max(panel.rect.right for panel in (*panels, *hint))
    card = Panel(Rect(margin, margin, widest + pad - margin, y - margin), PLAIN, ())
    return (card, *panels, *hint)


def _line_count(panels: Sequence[Panel]) -> int:
    return sum(len(panel.lines) for panel in panels)


def _placed(
    context: ScreenContext,
    text: Text,
    x: int,
    y: int,
    measure: int | None = None,
    paper: Paper | None = None,
) -> tuple[Panel, ...]:
    """Return `text` with its type's left edge at `x` and its first line's top at `y`.

    Nothing for an empty text. Names and values of one row stand on one line.
    """
    if not text.text:
        return ()
    bleed = max(1, text.size // 4)
    panel = set_panel(context.fonts, [text], measure or context.size[0], bleed, paper)
    return (at(panel, x - bleed, y + text.size - panel.lines[0].baseline),)
