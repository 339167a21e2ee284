"""Measures on a folder of pictures how evenly, steadily and equally a label set names people.

Evenly: many labels are given, each about equally often. Steadily: a small change of a picture does
not change the label. Equally: the label does not depend on whether the picture shows a woman or a
man, or on how dark the skin is.

The folder contains pictures and a photos.csv (see fairness_pictures.py). Each person is named by
the show's own crops, network, scorer and settler, on the picture as found and on changed copies of
it (its views). photos.csv states the face's box. "Settled" is the label with the best mean score
over the picture as found and nine views with a small change. Nothing is written to a disk; only the
table is printed.

    scripts/fairness FOLDER --labels persons
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from installation.errors import KioskError
from installation.naming.label_set import built_file
from installation.naming.label_set.label_set import Label, LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.reading.classifier import open_classifier
from installation.naming.reading.settler import Settler
from installation.naming.reading.values import Reading
from installation.seeing.box import Box
from installation.seeing.faces.detector import Detector
from installation.seeing.faces.open import open_detector
from installation.seeing.presence.presence import Present
from installation.seeing.tracker import Track
from installation.settings.kiosk import ContentSettings, ReadingSettings
from scripts.fairness_pictures import STEADY, VIEWS, Photo, read_photos

GROUPS_CSV = Path(__file__).with_name("fairness_groups.csv")
"""The file with the groups of labels by which women and men are compared: the columns `id`, `name`
and `group`.
"""

LOTS = 500
"""The number of groups of three people that are drawn at random to count repeated names."""

LEAST_SHARE = 0.05
"""A group of labels is called unequal only if more than this share of the women, or of the men, get
a label of it.
"""

OTHER_OVERLAP = 0.2
"""A detected box is another face if its IoU with the box in photos.csv is below this value."""

OTHER_FACE = 0.4
"""A picture is a group picture if the height of another face, relative to the height of the face in
photos.csv, is above this value.
"""

Scores = npt.NDArray[np.float32]
Name = Callable[[Sequence[Scores]], list[str]]
"""A function that returns the names of people who are in one picture.

It takes the scores `(labels,)` of each person. "" means that the person gets no name.
"""


@dataclass(frozen=True)
class People:
    """All people on the pictures: their data from photos.csv, and the scores of each view.

    `views` has the scores `(N, labels)` of all people, keyed by the view's name. `groups` has one
    item for each group picture: the scores `(labels,)` of each person on it.
    """

    labels: Sequence[Label]
    presentations: Sequence[str]
    is_webcam: Sequence[bool]
    views: Mapping[str, Scores]
    groups: Sequence[Sequence[Scores]]

    def settled(self) -> Scores:
        """Return the mean scores over the picture as found and its views in `STEADY`."""
        views = [self.views[name] for name in ("as found", *STEADY)]
        return np.asarray(np.mean(views, axis=0), np.float32)


def main() -> int:
    """Measure and print the table, and return 0, or 2 if something cannot be read."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of pictures with a photos.csv")
    parser.add_argument("--labels", default="persons", help="the label set (default: persons)")
    args = parser.parse_args()
    try:
        people, name = read_people(list(read_photos(args.folder)), args.labels)
    except (KioskError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for line in table(people, label_groups(), name):
        print(line)
    return 0


def read_people(photos: Sequence[Photo], labels: str) -> tuple[People, Name]:
    """Return the people on `photos` with their scores, and the function that names people.

    The function names the people in one picture together. The show's own parts are used. In the
    views, people get scores even if more than a third of their bust is outside the picture, as in
    pictures that were cropped around a face. A show gives such people no scores.
    """
    label_set = load_label_set(labels, ContentSettings())
    built_file.check_ready(label_set)  # before PyTorch is loaded, which takes seconds
    classifier = open_classifier(label_set, "cpu")
    detector = open_detector("auto")
    read: dict[str, list[Scores]] = {view: [] for view in VIEWS}
    groups = []
    for photo in tqdm(photos, "people", unit="person", leave=False):
        for view, show in VIEWS.items():
            frame, box = show(photo.frame, photo.box)
            read[view].append(classifier.score_all(frame, [box])[0])
        if len(boxes := _faces(photo, detector)) > 1:
            groups.append(list(classifier.classify(photo.frame, boxes)))
    return People(
        labels=label_set.labels,
        presentations=[photo.presentation for photo in photos],
        is_webcam=[photo.is_webcam for photo in photos],
        views={view: np.stack(rows) for view, rows in read.items()},
        groups=groups,
    ), settle_together(label_set)


def _faces(photo: Photo, detector: Detector) -> list[Box]:
    """Return the boxes of all large faces on a picture; the first is the box in photos.csv."""
    others = [
        face.box
        for face in detector.detect(photo.frame)
        if face.box.iou(photo.box) < OTHER_OVERLAP
        and face.box.height > OTHER_FACE * photo.box.height
    ]
    return [photo.box, *others]


def settle_together(label_set: LabelSet) -> Name:
    """Return the function that names the people in one picture, with the show's own settler."""
    settings = ReadingSettings()

    def name(scores: Sequence[Scores]) -> list[str]:
        settler = Settler(label_set, settings, random.Random(0))
        face = Box(0, 0, 1, 1)
        visitors = [
            Present(Track(i, face, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 1, 0), 0.0, may_be_read=True)
            for i in range(len(scores))
        ]
        for number in range(settings.min_readings + 1):
            at = number * settings.min_time_s
            readings = [Reading(i, at, row) for i, row in enumerate(scores)]
            sightings = settler.settle(readings, visitors, at)
        verdicts = [sighting.verdict for sighting in sightings]
        given = [verdict.label.name if verdict else "" for verdict in verdicts]
        return ["" if name == label_set.root.name else name for name in given]

    return name


def label_groups() -> dict[str, str]:
    """Return the group of each label, keyed by the label's id."""
    with GROUPS_CSV.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["group"] for row in csv.DictReader(file)}


def even(names: Sequence[object]) -> float:
    """Return the number of equally frequent names that would have the same entropy as `names`."""
    shares = np.array(list(Counter(names).values())) / len(names)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def bits(one: Sequence[str], other: Sequence[str]) -> tuple[float, float]:
    """Return the mutual information of `one` and `other`, bits: as counted, and corrected.

    The correction for few people is Miller's and Madow's: (cells − rows − columns + 1) / (2 N ln
    2), in which only the cells, rows and columns that occur are counted.
    """

    def entropy(values: Sequence[object]) -> float:
        return math.log2(even(values))

    both = list(zip(one, other, strict=True))
    counted = entropy(one) + entropy(other) - entropy(both)
    cells = len(set(both)) - len(set(one)) - len(set(other)) + 1
    return counted, counted - cells / (2 * len(both) * math.log(2))


def table(people: People, groups: Mapping[str, str], name: Name) -> Iterator[str]:
    """Yield the lines of the table."""
    labels = people.labels
    group = [groups.get(label.id, "other") for label in labels]
    settled = people.settled().argmax(1)
    first = {view: scores.argmax(1) for view, scores in people.views.items()}
    found = first["as found"]
    top = Counter(settled.tolist()).most_common(8)
    webcam = settled[np.array(people.is_webcam)]
    scores = people.views["as found"].max(1)

    yield f"{len(settled)} people, {len(labels):,} labels"
    given = settled.tolist()
    yield f"labels given: {len(set(given))} (effective number {even(given):.1f})"
    yield "most frequent: " + ", ".join(f"{labels[i].name} {count}" for i, count in top)
    if len(webcam):
        effective = even(webcam.tolist())
        yield (
            f"people on pictures from webcams: {len(webcam)} (effective number of labels "
            f"{effective:.1f})"
        )
    middle, low = np.quantile(scores, (0.5, 0.1))
    yield f"best scores on unchanged pictures: median {middle:.2f}, first decile {low:.2f}"
    yield ""
    same = {view: float((first[view] == found).mean()) for view in STEADY}
    mean = np.mean(list(same.values()))
    yield f"share of slightly changed pictures with the label of the unchanged one: {mean:.2f}"
    yield "  " + ", ".join(f"{view} {share:.2f}" for view, share in same.items())
    yield ""
    yield from _by_presentation(people.presentations, [group[i] for i in settled])
    yield ""
    yield from _by_skin(first, group)
    yield ""
    for view in ("bare face", "plain wall", "dim room"):
        counts = first[view].tolist()
        most = Counter(counts).most_common(1)[0]
        yield (
            f"{view}: {len(set(counts))} labels (effective number {even(counts):.1f}); most "
            f"frequent {labels[most[0]].name} {most[1] / len(counts):.0%}; same label as in the "
            f"unchanged picture {(first[view] == found).mean():.2f}"
        )
    yield ""
    yield from _repeats(people, name)


def _by_presentation(presentations: Sequence[str], groups: Sequence[str]) -> Iterator[str]:
    pairs = [pair for pair in zip(groups, presentations, strict=True) if pair[1] in "fm"]
    counted, corrected = bits([group for group, _ in pairs], [who for _, who in pairs])
    figure = f"{counted:.3f} ({corrected:.3f} corrected)"
    yield f"mutual information of label group and presentation (woman or man), bits: {figure}"
    for group in sorted(set(groups)):
        women, men = (
            sum(pair == (group, who) for pair in pairs) / max(1, sum(p[1] == who for p in pairs))
            for who in "fm"
        )
        unequal = max(women, men) > max(LEAST_SHARE, 2 * min(women, men))
        given = f"given to {women:5.1%} of the women and {men:5.1%} of the men"
        yield f"  {group:20} {given}{'  UNEQUAL' if unequal else ''}"


def _by_skin(first: Mapping[str, npt.NDArray[np.intp]], group: Sequence[str]) -> Iterator[str]:
    dark, light = ([group[i] for i in first[f"skin {how}"]] for how in ("darkened", "lightened"))
    found = first["as found"]
    for how in ("darkened", "lightened"):
        share = (first[f"skin {how}"] != found).mean()
        yield f"skin {how}: {share:.0%} of people get another label"
    for one in sorted({*dark, *light}):
        only_dark = sum(d == one != li for d, li in zip(dark, light, strict=True))
        only_light = sum(li == one != d for d, li in zip(dark, light, strict=True))
        z = (only_dark - only_light) / math.sqrt(max(1, only_dark + only_light))
        yield (
            f"  {one:20} darkened {dark.count(one) / len(dark):5.1%}  lightened "
            f"{light.count(one) / len(light):5.1%}  people who get it only if darkened "
            f"{only_dark}, only if lightened {only_light} (z {z:+.1f})"
        )


def _repeats(people: People, name: Name) -> Iterator[str]:
    lots = random.Random(0)
    found = people.views["as found"]
    draws = LOTS if len(found) >= 3 else 0
    drawn = [[found[i] for i in lots.sample(range(len(found)), 3)] for _ in range(draws)]
    for title, groups in (("group pictures", people.groups), ("random groups of three", drawn)):
        if not groups:
            continue
        alone = sum(_repeats_one([name([row])[0] for row in rows]) for rows in groups)
        repeated = sum(_repeats_one(name(rows)) for rows in groups)
        yield (
            f"{title}: {len(groups)}; in {repeated / len(groups):.0%} of the groups two people get "
            f"the same name ({alone / len(groups):.0%} if each person is named alone)"
        )


def _repeats_one(names: Sequence[str]) -> bool:
    """Return whether two people have the same name; "" (no name) does not count."""
    given = [name for name in names if name]
    return len(set(given)) < len(given)


if __name__ == "__main__":
    sys.exit(main())
