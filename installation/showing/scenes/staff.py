"""The staff card, for the people who run the show: what to do, and the state of the show.

F1 shows and removes the card. It is in that corner of the picture where it covers the least of the
faces. Faults of the camera and missing layers of the sandbox come first, black on white, each with
a remedy; all active layers share one row.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from installation.command_name import as_called
from installation.errors import Mistake
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
from installation.running.progress import CameraFault, State
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
from installation.showing.scenes.bands import SAFE, bands
from installation.showing.scenes.faults import (
    NO_FAULT,
    AnalysisFault,
    ChangedFile,
    FileFault,
    analysis_fault,
    camera_faults,
    file_fault,
)
from installation.showing.type.typesetting import LEADING, Paragraph, ScreenContext, set_panel
from installation.showing.words import Words

STAGE_ONE_LAYERS = (LANDLOCK, NO_NEW_PRIVILEGES, CORE_DUMPS)
STAGE_TWO_LAYERS = (SECCOMP, FILE_SIZE_LIMIT, MEMORY_PROTECTION)

MAX_MISSING = 4
"""The largest number of missing layers that the card names; `kiosk audit` names all of them."""

MAX_FILE_LINES = 2
"""The largest number of a file's mistakes that the card lists; the log has all of them."""

MAX_FILE_LETTERS = 240
"""The largest number of letters that the card shows of one mistake in a file."""

CARD_WIDTH = 760
"""The width of the card, px at 1080p."""

NAME_COLUMN = 230
"""The width of the card's left column, which has the names of the values, px at 1080p."""

PAD = 30
"""The space around the card's text, px at 1080p."""

SIZES = (30, 28, 26, 24, 22, 20, 18, 17, 16, 15)
"""The font sizes of the text, px per em at 1080p; the largest in which the card fits is used."""

TITLE_SIZE = 48
"""The font size of the card's title, px per em at 1080p."""

DIM = 0.6
"""The brightness of the mirror beside the card, 0–1."""

SLOW_FPS = 20.0
"""The rate below which the mirror visibly lags, frames a second. Below it, the card shows a remedy.
"""


@dataclass(frozen=True)
class Layer:
    """A layer of the sandbox; `missing` says why it is not active, and is None if it is active.

    `remedy` is what a technician can do.
    """

    name: str
    missing: str | None = None
    remedy: str = ""


@dataclass(frozen=True)
class ShowStatus:
    """The state of a running show, as the staff card shows it."""

    layers: tuple[Layer, ...]
    ways_tried: int
    tested_at: datetime.datetime | None
    """The local time at which the self-test ran; None if it has not run."""
    locked_blocks: int
    blocks: int
    """The number of blocks of memory for frames; `locked_blocks` of them are locked, and so never
    written to swap.
    """
    label_set: str
    visible_labels: int
    all_labels: int
    camera: str
    detector: str
    device: str
    mirror_fps: float
    """The number of frames that reached the screen per second."""
    dropped_frames: int
    uptime_s: float
    version: str
    """The kiosk's version."""
    is_rehearsal: bool = False
    camera_state: State = State.RUNNING
    camera_faults: CameraFault = NO_FAULT
    analysis_fault: AnalysisFault | None = None
    changed_files: tuple[ChangedFile, ...] = ()
    """The files that were changed while the show runs, if the staff must correct a mistake in them
    or start the show again.
    """


def layers(proof: Proof) -> tuple[Layer, ...]:
    """Return every layer of the sandbox as `proof` found it, then problems that concern no layer.

    Such a problem is, for example, swap on a disk. It is listed because, until it is solved, the
    screen does not promise visitors that pictures cannot be stored. Remedies name commands with
    absolute paths, because nobody knows in which folder the staff will type them.
    """
    missing: dict[str, Mistake] = {}
    for mistake in (*proof.missing, *proof.not_prevented):
        missing.setdefault(mistake.where, mistake)
    entered: tuple[str, ...] = ()
    if proof.results:
        entered = STAGE_TWO_LAYERS
        if STAGE_ONE not in missing:
            entered = (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS)
    entered = tuple(name for name in entered if name not in proof.absent_layers)
    others = [name for name in missing if name not in entered]
    return tuple(
        Layer(name, missing[name].problem, as_called(missing[name].remedy, anywhere=True))
        if name in missing
        else Layer(name)
        for name in (*entered, *others)
    )


def with_staff_card(scene: Scene, status: ShowStatus, context: ScreenContext) -> Scene:
    """Return `scene`, dimmed and without tags and captions, with the card over it.

    The bands at the top and at the bottom of the screen remain. The card is set in the largest font
    size in which it fits between them.
    """
    edges = bands(context)
    edge = context.px(SAFE)
    height = edges.room.height - 2 * edge
    if context.size[0] < context.size[1]:
        height = edges.room.height // 2
    for size in SIZES:
        card = _card(status, context, size)
        if card[0].rect.height <= height:
            break
    card = _beside_faces(card, [visitor.square for visitor in scene.visitors], edges.room, edge)
    return replace(
        scene,
        brightness=min(scene.brightness, DIM),
        visitors=tuple(replace(visitor, tag=None, caption=None) for visitor in scene.visitors),
        panels=(*edges.panels, *card),
        empty_square=None,
    )


def _beside_faces(
    card: Sequence[Panel], squares: Sequence[Rect], room: Rect, edge: int
) -> tuple[Panel, ...]:
    """Return the panels of `card`, moved from 0, 0 to a corner of `room`.

    The corner is the one in which the card covers the smallest area of the faces' `squares`. `edge`
    is the distance to the sides of `room`, px.
    """
    whole = card[0].rect
    left, right = room.x + edge, room.right - edge - whole.width
    top, bottom = room.y + edge // 2, room.bottom - edge // 2 - whole.height
    corners = [(left, top), (right, top), (left, max(top, bottom)), (right, max(top, bottom))]

    def covered(corner: tuple[int, int]) -> int:
        x, y = corner
        return sum(
            max(0, min(x + whole.width, square.right) - max(x, square.x))
            * max(0, min(y + whole.height, square.bottom) - max(y, square.y))
            for square in squares
        )

    x, y = min(corners, key=covered)
    return tuple(panel.moved_to(x + panel.rect.x, y + panel.rect.y) for panel in card)


@dataclass(frozen=True)
class _Row:
    name: str
    value: str
    colour: Colour = WHITE
    background: Background | None = None
    remedy: str = ""


def _rows(status: ShowStatus, words: Words) -> list[list[_Row]]:
    """Return the rows of the card in three groups, about faults, the sandbox, and the show."""
    minutes = int(status.uptime_s // 60)
    labels = f"{status.label_set}: {status.visible_labels} / {status.all_labels}"
    rate = words.staff_rate.format(rate=round(status.mirror_fps), dropped=status.dropped_frames)
    time = words.staff_time.format(hours=minutes // 60, minutes=minutes % 60)
    time += f" (kiosk {status.version})"
    slow = words.staff_slow if 0 < status.mirror_fps < SLOW_FPS else ""
    plug = words.staff_plug if status.is_rehearsal else ""
    show = [
        _Row(words.staff_camera, status.camera, remedy=plug),
        _Row(words.staff_mirror, rate, remedy=slow),
        _Row(words.staff_labels, labels),
        _Row(words.staff_detector, status.detector),
        _Row(words.staff_device, status.device),
        _Row(words.staff_running, time),
    ]
    faults = [
        _Row("" if number else words.staff_camera, fault.problem, BLACK, ON_WHITE, fault.remedy)
        for number, fault in enumerate(
            camera_faults(words, status.camera_state, status.camera_faults)
        )
    ]
    if status.analysis_fault is not None:
        fault = analysis_fault(words, status.analysis_fault)
        faults.append(_Row(words.staff_device, fault.problem, BLACK, ON_WHITE, fault.remedy))
    for file in status.changed_files:
        faults += _file_rows(file, words)
    return [*([faults] if faults else []), _sandbox_rows(status, words), show]


def _file_rows(file: ChangedFile, words: Words) -> list[_Row]:
    fault = file_fault(words, file.fault)
    name = words.staff_labels if file.fault == FileFault.LABELS_WRONG else "kiosk.yaml"
    lines = [_cut(line) for line in file.lines[:MAX_FILE_LINES]]
    rows = [_Row(name, fault.problem, BLACK, ON_WHITE), *(_Row("", line) for line in lines)]
    return [*rows[:-1], replace(rows[-1], remedy=fault.remedy)]


def _cut(line: str) -> str:
    return line if len(line) <= MAX_FILE_LETTERS else f"{line[:MAX_FILE_LETTERS]}…"


def _sandbox_rows(status: ShowStatus, words: Words) -> list[_Row]:
    names = _layer_names(words)
    lacking = [layer for layer in status.layers if layer.missing is not None]
    named = lacking[:MAX_MISSING]
    rows = [
        _Row(
            names.get(layer.name, layer.name),
            layer.missing or "",
            BLACK,
            ON_WHITE,
            "" if following and following.remedy == layer.remedy else layer.remedy,
        )
        for layer, following in zip_longest(named, named[1:])
    ]
    if len(lacking) > MAX_MISSING:
        more = words.staff_more.format(count=len(lacking) - MAX_MISSING)
        rows.append(_Row("", more, BLACK, ON_WHITE))
    if not status.layers:
        rows.append(_Row(words.staff_guard, words.staff_unguarded, BLACK, ON_WHITE))
    else:
        known = [layer for layer in status.layers if layer.name in names]
        holding = sum(layer.missing is None for layer in known)
        hold = words.staff_layers.format(holding=holding, all=len(known))
        rows.append(_Row(words.staff_guard, hold, GREEN if holding == len(known) else WHITE))
    if status.tested_at is not None:
        tried = words.staff_tried.format(
            ways=status.ways_tried,
            date=words.date_of(status.tested_at.date()),
            time=words.time_of(status.tested_at),
        )
        rows.append(_Row(words.staff_tries, tried))
    locked = words.staff_locked.format(locked=status.locked_blocks, made=status.blocks)
    raise_limit = words.staff_memlock if status.locked_blocks < status.blocks else ""
    rows.append(_Row(words.staff_memory, locked, remedy=raise_limit))
    return rows


def _layer_names(words: Words) -> dict[str, str]:
    """Return a description of each layer, keyed by the layer's name."""
    return {
        LANDLOCK: words.staff_landlock,
        NO_NEW_PRIVILEGES: words.staff_new_privileges,
        CORE_DUMPS: words.staff_core_dumps,
        SECCOMP: words.staff_seccomp,
        FILE_SIZE_LIMIT: words.staff_file_size_limit,
        MEMORY_PROTECTION: words.staff_closed_memory,
    }


def _card(status: ShowStatus, context: ScreenContext, size: int) -> tuple[Panel, ...]:
    """Return the panels of the card, the background first.

    The upper left corner of the background is at 0, 0. `size` is the font size, px per em at 1080p.
    """
    pad = context.px(PAD)
    width = min(context.px(CARD_WIDTH), context.size[0] - 2 * context.px(SAFE))
    if context.size[0] < context.size[1]:
        width = context.size[0] - 2 * context.px(SAFE)
    right = width - pad
    value_left = pad + context.px(NAME_COLUMN)
    words = context.words
    heading = Paragraph(words.staff_title, context.px(TITLE_SIZE), WHITE)
    panels = list(_placed(context, heading, pad, pad, right - pad))
    y = pad + context.px(1.7 * TITLE_SIZE)
    type_px = context.px(size)
    for rows in _rows(status, words):
        for row in rows:
            name = Paragraph(row.name, type_px, GREY)
            value = Paragraph(context.fonts.replace_lacking(row.value), type_px, row.colour)
            names = _placed(context, name, pad, y, value_left - pad - type_px)
            values = _placed(context, value, value_left, y, right - value_left, row.background)
            panels += [*names, *values]
            count = max(_line_count(names), _line_count(values))
            y += round(count * LEADING * type_px) + context.px(size / 4)
            if row.remedy:
                remedy = Paragraph(f"›\u00a0{row.remedy}", type_px, WHITE)
                panels += _placed(context, remedy, value_left, y, right - value_left)
                y += round(_line_count(panels[-1:]) * LEADING * type_px) + context.px(size / 4)
        y += context.px(size * 0.5)
    hint = _placed(context, Paragraph(words.staff_hint, type_px, GREY), pad, y, right - pad)
    y += round(_line_count(hint) * LEADING * type_px) + pad
    card = Panel(Rect(0, 0, width, y), ON_BLACK, ())
    return (card, *panels, *hint)


def _line_count(panels: Sequence[Panel]) -> int:
    return sum(len(panel.lines) for panel in panels)


def _placed(
    context: ScreenContext,
    paragraph: Paragraph,
    x: int,
    y: int,
    max_width: int,
    background: Background | None = None,
) -> tuple[Panel, ...]:
    """Return a tuple with the panel of `paragraph`; an empty tuple if it has no text.

    The text has its left edge at `x`, and the baseline of its first line is one font size below
    `y`. So a name and its value, which have the same `y`, share a baseline. The lines are at most
    `max_width` px wide.
    """
    if not paragraph.text:
        return ()
    bleed = max(1, paragraph.size // 4)
    panel = set_panel(context.fonts, [paragraph], max_width, bleed, background)
    return (panel.moved_to(x - bleed, y + paragraph.size - panel.lines[0].baseline),)
