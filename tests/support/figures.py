"""Drawn visitors: pictures of no person, and the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from installation.naming.label_set.label_set import Label, LabelSet
from installation.naming.reading.values import (
    Candidate,
    RunnerUp,
    Sighting,
    Sightings,
    Stage,
    Verdict,
)
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track
from installation.showing.scene import Panel, Scene, Size
from tests.support.sightings import sightings_of
from tests.support.weather import WEATHER

Head = tuple[float, float, float]
"""Centre x and y of a head on the frame, and its size, px."""

CLINICIAN = Label(
    "n09927451",
    "clinician",
    "a practitioner who treats patients at the bedside",
    ("person", "worker", "professional", "health professional"),
)
GUEST = Label(
    "n10150940",
    "guest of honor",
    "a visitor who is welcomed on a particular occasion",
    ("person", "traveler", "visitor"),
)
BOXER = Label(
    "n10617193",
    "sparring partner",
    "a boxer who helps another boxer to prepare for a fight",
    ("person", "contestant", "athlete", "boxer"),
)
HORNIST = Label("n10182190", "hornist", "a musician who plays a horn", ("person", "musician"))
FARMER = Label("n10078806", "farmer", "a person who runs a farm", ("person", "worker"))
ROOT = Label("n00007846", "person", "a human being", ())
LABELS = (CLINICIAN, GUEST, BOXER, HORNIST, FARMER)

LONGEST_LABEL = Label(
    "n10571907",
    "Secretary of Health and Human Services",
    "the person who is at the head of the department of that name",
    ("person", "leader", "head", "administrator", "executive", "Cabinet member", "secretary"),
)
LONGEST_DEFINITION = Label(
    "n00000001",
    "cataloguer",
    "one who writes down what there is and under which name it belongs; some of them have worked "
    "for kings, some for museums, and some at home, for nobody, by lamplight; their lists outlive "
    "the things that were listed, so that readers take the list for the world and wonder "
    "only at the gaps that it leaves between its names",
    ("person", "worker", "clerk", "recorder"),
)
"""A label whose definition is as long as the longest of ImageNet's person categories: 318
characters.
"""


_NAMES = (
    *("cabinetmaker", "caddie", "cadet", "caller", "calligrapher", "candidate", "caregiver"),
    *("captain (of an aircraft)", "cardiologist", "caretaker", "caricaturist", "carillonneur"),
    *("carpenter", "cashier", "caterer", "cat fancier", "celebrity", "cellist", "centurion"),
    *("charioteer", "chartist", "checker", "chess master", "choreographer", "clinician", "clown"),
    *("coach", "cobbler", "collector", "composer", "conductor", "contestant", "cook"),
)
CROWD = (
    *LABELS,
    *(Label(f"crowd {name}", name, "", ("person",)) for name in _NAMES if name != CLINICIAN.name),
)
"""Labels enough for a crowd in which nobody has the name of somebody else."""
_ROWS, _SHOWN = 2832, 943
PEOPLE = replace(
    WEATHER,
    settings=WEATHER.settings.model_copy(
        update={"credit": "ImageNet, 2009 (WordNet)", "credit_translations": {}}
    ),
    labels=_SHOWN * (FARMER,),
    row_count=_ROWS,
    size=_ROWS,
    root=ROOT,
    listing=tuple(
        _NAMES[row * _SHOWN // _ROWS % len(_NAMES)]
        if row * _SHOWN % _ROWS < _SHOWN
        else 4 + row * 7 % 17
        for row in range(_ROWS)
    ),
)
"""A label set with as many names as the shipped one, and as many hidden names."""


def draw(size: Size, heads: Sequence[Head]) -> Frame:
    """Return a frame of `size` px with grey figures, the first of `heads` at the back.

    The background is lighter at the top, and the same in each row, so that stored pictures are
    small.
    """
    width, height = size
    shade = np.linspace(208, 96, height).astype(np.uint8)
    pixels = np.ascontiguousarray(np.broadcast_to(shade[:, None, None], (height, width, 3)))
    for number, (x, y, size_px) in enumerate(heads):
        grey = (62, 84, 48, 74, 96)[number % 5]
        for dy, wide, high, lighter in (
            (2.55, 1.2, 1.75, 0),
            (0.62, 0.24, 0.42, 50),
            (-0.10, 0.50, 0.64, -30),
            (0.0, 0.42, 0.56, 70),
        ):
            _ellipse(pixels, x, y + dy * size_px, wide * size_px, high * size_px, grey + lighter)
    return Frame.from_rgb(pixels, 0.0)


def _ellipse(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    x: float,
    y: float,
    wide: float,
    high: float,
    grey: int,
) -> None:
    centre, axes = ((round(256 * a), round(256 * b)) for a, b in ((x, y), (wide, high)))
    cv2.ellipse(pixels, centre, axes, 0, 0, 360, (grey,) * 3, -1, cv2.LINE_AA, 8)


def rows(size: Size, counts: Sequence[int], head: float, top: float, step: float) -> list[Head]:
    """Return heads in rows of `counts`, each row larger than the one behind it."""
    width, height = size
    heads = []
    for row, count in enumerate(counts):
        size_px = head * (1 + 0.3 * row / max(1, len(counts) - 1))
        for seat in range(count):
            shift = 0.25 * (row % 2)
            wave = 0.2 * size_px * ((seat * 7 + row * 3) % 5 - 2) / 2
            x = width * (seat + 0.5 + shift) / (count + 0.25)
            heads.append((x, height * (top + step * row) + wave, size_px))
    return heads


def face(head: Head) -> Box:
    """Return the box that a detector would find on `head`."""
    x, y, size_px = head
    return Box.from_centre(x, y, 0.84 * size_px, 1.1 * size_px)


def verdict(label: Label, score: float = 0.31, label_set: LabelSet | None = None) -> Verdict:
    """Return the verdict `label` with runners-up, which share what `score` leaves.

    The runners-up are from `label_set`. If it is None, they are from `LABELS`, and the number of
    the other labels is that of `PEOPLE`.
    """
    if not label.chain:
        return Verdict(label, score, 0.0)
    others = [each for each in (label_set.labels if label_set else LABELS) if each != label]
    left = 1 - score
    shares = tuple(
        max(0.0, min(share * left, score - 0.01 * (place + 1)))
        for place, share in enumerate((0.17, 0.13, 0.06))
    )
    runners_up = tuple(RunnerUp(each, share) for each, share in zip(others, shares, strict=False))
    others_score = left - sum(shares)
    count = len((label_set or PEOPLE).labels) - 1 - len(runners_up)
    return Verdict(label, score, 0.0, runners_up, count, others_score)


def sighting(
    number: int,
    box: Box,
    label: Label | None,
    evidence: float = 1.0,
    score: float = 0.31,
    stage: Stage | None = None,
    label_set: LabelSet | None = None,
) -> Sighting:
    """Return a visitor with the verdict `label`; with None, one that is still being read.

    `stage` replaces the stage that follows from the verdict. `label_set` is that of `verdict`.
    """
    track = Track(number, box, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0)
    if stage is None:
        stage = "reading" if label is None else "named" if label.chain else "unsure"
    candidates: tuple[Candidate, ...] = ()
    if stage == "reading":
        candidates = tuple(Candidate(each, 0.3 / (1 + place)) for place, each in enumerate(LABELS))
    ends_at = 3.0 if stage in ("announced", "named", "withdrawn") else None
    of_label = verdict(label, score, label_set) if label else None
    return Sighting(track, candidates, evidence, of_label, stage, ends_at)


def bystander(head: Head) -> Track:
    """Return the track of somebody at `head` who is too far away to be read."""
    return Track(1000 + round(head[0]), face(head), (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0)


def company(heads: Sequence[Head], labels: Sequence[Label | None]) -> Sightings:
    """Return visitors at `heads` with `labels`, repeated as needed; None: being read."""
    return sightings_of(
        [
            sighting(number, face(head), labels[number % len(labels)], evidence=0.45)
            for number, head in enumerate(heads)
        ]
    )


FRAME = Frame.from_rgb(np.zeros((720, 1280, 3), np.uint8), 0.0)
"""A black frame, for tests that check only positions."""


def visitors_at(visitors: Sequence[tuple[Box, Label | None]]) -> Sightings:
    """Return visitors at boxes of a frame, with their verdicts; None: being read."""
    return sightings_of(
        [sighting(number, box, label) for number, (box, label) in enumerate(visitors)]
    )


def visitor_panels(scene: Scene) -> list[Panel]:
    """Return the tags and captions of all visitors of `scene`."""
    tags = [visitor.tag.panel for visitor in scene.visitors if visitor.tag]
    return tags + [visitor.caption.panel for visitor in scene.visitors if visitor.caption]


def text_of(scene: Scene) -> str:
    """Return all words that are on the screen in `scene`."""
    panels = [*visitor_panels(scene), *scene.panels]
    return " ".join(line.text for panel in panels for line in panel.lines)
