"""Measures the cost of label sets for each method and several numbers of labels; prints tables.

Each set is built in a separate process without a cache. The time of the whole process is measured,
because a user of `kiosk labels build` waits for that long. Then the sets of one method classify
the same crops in turn; the classification of one crop is a reading. Everything runs on one thread.
For readings, processor time is measured, so that sets can be compared on a busy machine; for
builds, both processor time and elapsed time are measured.

Networks that must be fetched have their real architecture and random weights, because the cost of a
reading does not depend on the weights. Names and definitions are ImageNet's.

    scripts/bench-labels --methods text onnx --labels 10 1000
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import open_clip
import timm
import torch
from safetensors.torch import save_file

from installation.making.build import build as building
from installation.making.build.embedding_cache import CACHE_FOLDER
from installation.making.build.example_pictures import MIN_PICTURES
from installation.making.build.result import BuildResult
from installation.naming.label_set.csv_file import MAIN_COLUMNS
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.load import assemble, load_label_set
from installation.naming.lists import imagenet
from installation.naming.lists.weights import CLIP, PERSONS
from installation.naming.methods import METHODS, TEXT
from installation.naming.networks.encoder import Encoder
from installation.naming.networks.open import open_encoder
from installation.naming.networks.timm_network import VIT_B_32, Clip
from installation.naming.reading.classifier import CropClassifier
from installation.naming.scoring.conse import EMBEDDING
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from scripts.bench import ROOT, machine

CPU: Final = "cpu"

BENCH_BATCH = 8
"""The number of crops that are classified together."""

LABELS = (10, 100, 1000, 3000)
SIDE = 224
"""The side of the pictures of the method `examples`, and of the ONNX network's input, px."""

SPAN_S = 0.25
"""The least duration of one measurement, s."""
SHORT_S = 20.0
"""A build that needs more processor time than this, s, is measured only once."""

WAYS = ("batch of 8", "one crop", "scorer, batch of 8", "scorer, one crop")
"""The measured ways to classify crops; the scorer is the part after the network."""

BUILD = """
import resource
import sys
from functools import partial
from pathlib import Path
from installation.making.build.build import build

name, models, patience = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_CPU, (patience, patience + 1))
clip, builder = models / "weights" / "clip.safetensors", None
if clip.exists():
    from installation.making.build.from_prompts import build_from_prompts
    builder = partial(build_from_prompts, weights=clip)
build(name, models, builder)
"""
"""The program of a build's process, which loads only what `kiosk labels build` loads."""

Costs = Mapping[str, Sequence[float]]
"""The processor time of one crop in each round, s, keyed by the name in `WAYS`."""


@dataclass(frozen=True)
class Build:
    """The elapsed time and the processor time of a build, s."""

    seconds: float
    worked: float


@dataclass(frozen=True)
class Kind:
    """The settings in labelset.yaml, and the list of ImageNet from which the labels are taken.

    `prepare` is called with the set's folder and the ids of its labels. It creates what else the
    method needs.
    """

    settings: str
    synsets: str = "imagenet21k_goog_synsets.txt"
    prepare: Callable[[Path, Sequence[str]], None] | None = None


@dataclass(frozen=True)
class Figures:
    """The measurements of one set: its builds or why there are none, and the cost of reading.

    `costs` is None if a set of this size cannot exist.
    """

    builds: Sequence[Build] | str
    costs: Costs | None = None


def main() -> int:
    """Measure, print the tables, and return the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument(
        "--labels", nargs="+", type=int, default=list(LABELS), help="the sizes of sets"
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds of readings (default: 7)")
    parser.add_argument(
        "--builds", type=int, default=2, help="repetitions of each short build (default: 2)"
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=100,
        help="the limit of processor time for a build, s (default: 100)",
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    before = os.getloadavg()[0]
    measured = {
        method: measure(method, args.labels, args.rounds, args.builds, args.patience)
        for method in args.methods
    }
    print(
        f"{machine()}; load average {before:.1f} before and {os.getloadavg()[0]:.1f} after; "
        f"crops classified in {args.rounds} rounds; median (range)\n"
    )
    _print_figures(measured)
    if len(args.labels) > 1:
        _print_growth(measured)
    return 0


def measure(
    method: str, sizes: Sequence[int], rounds: int, builds: int, patience_s: int
) -> dict[int, Figures]:
    """Return the measurements of sets that use `method`, keyed by the number of labels.

    `sizes` are the numbers of labels. Each set is built `builds` times, or once if that is slow.
    Then it classifies crops in `rounds` rounds. A build is stopped after `patience_s` seconds of
    processor time.
    """
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        possible = [size for size in sizes if size <= most(method)]
        for size in possible:
            write_set(models, method, size)
        built = build_all(models, possible, builds, patience_s)
        costs = read_all(open_all(models, possible), rounds)
    impossible = Figures(f"none, because the network has only {most(method):,} classes")
    return {
        size: Figures(built[size], costs[size]) if size in possible else impossible
        for size in sizes
    }


def most(method: str) -> int:
    """Return the largest number of labels that a set of `method` can have."""
    return len(imagenet.synsets(KINDS[method].synsets))


def write_set(models: Path, method: str, size: int) -> None:
    """Write the set `labels-<size>`: its labels are spread evenly over ImageNet's list."""
    kind, folder = KINDS[method], models / _name(size)
    folder.mkdir()
    (folder / "labelset.yaml").write_text(
        "title: Measured\ncredit: Names and definitions from WordNet 3.0\n"
        f"root: {{id: somebody, name: somebody, definition: a person}}\n{kind.settings}\n",
        encoding="utf-8",
    )
    listed = imagenet.synsets(kind.synsets)
    synsets = listed[:: len(listed) // size][:size]
    ids = [str(i) for i in range(size)] if METHODS[method].brings_network else synsets
    names, definitions = imagenet.names(), imagenet.definitions()
    taken: set[str] = set()
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(MAIN_COLUMNS)
        for id_, synset in zip(ids, synsets, strict=True):
            name = names[synset].partition(", ")[0]
            if name.casefold() in taken:
                name = f"{name} {synset}"
            taken.add(name.casefold())
            table.writerow([id_, name, definitions[synset], "", ""])
    if kind.prepare is not None:
        kind.prepare(folder, ids)


def _name(size: int) -> str:
    return f"labels-{size}"


def write_pictures(folder: Path, ids: Sequence[str]) -> None:
    """Draw pictures of each label: coloured patches in the label's own pattern, slightly varied."""
    random = np.random.default_rng(0)
    for id_ in ids:
        pattern = random.uniform(0, 255, (8, 8, 3))
        of_label = folder / "examples" / id_
        of_label.mkdir(parents=True)
        for number in range(MIN_PICTURES):
            other = (pattern + random.normal(0, 25, pattern.shape)).clip(0, 255).astype(np.uint8)
            picture = cv2.resize(other, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(of_label / f"{number}.jpg"), picture)


def write_clip(folder: Path, ids: Sequence[str]) -> None:  # noqa: ARG001 - as all that prepare
    """Write a ViT-B-32 with random weights where `kiosk fetch clip` would put it.

    It is written once for all sets.
    """
    file = _weights(folder, CLIP)
    if file.exists():
        return
    image, text = VIT_B_32.image, VIT_B_32.text
    clip = open_clip.CLIP(
        VIT_B_32.features,
        vision_cfg={
            "image_size": VIT_B_32.size,
            "patch_size": VIT_B_32.patch,
            "width": image.width,
            "layers": image.layers,
        },
        text_cfg={
            "context_length": VIT_B_32.context,
            "vocab_size": VIT_B_32.vocabulary,
            "width": text.width,
            "heads": text.heads,
            "layers": text.layers,
        },
    )
    save_file(clip.state_dict(), file)


def write_vit(folder: Path, ids: Sequence[str]) -> None:  # noqa: ARG001 - as all that prepare
    """Write the network of persons-21k, with random weights, where `kiosk fetch` would put it.

    It is written once for all sets.
    """
    file = _weights(folder, PERSONS)
    if not file.exists():
        save_file(timm.create_model(PERSONS, pretrained=False).state_dict(), file)


def write_onnx(folder: Path, ids: Sequence[str]) -> None:
    """Write a MobileNetV2 0.35, the size that Teachable Machine trains; one output per id."""
    network = timm.create_model("mobilenetv2_035", pretrained=False, num_classes=len(ids)).eval()
    with warnings.catch_warnings():
        # torch's newer exporter, for which it warns, needs one more package.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, SIDE, SIDE),),
            folder / "classifier.onnx",
            dynamo=False,
            input_names=["pixels"],
            output_names=["logits"],
            dynamic_axes={"pixels": {0: "N"}, "logits": {0: "N"}},
        )


def _weights(folder: Path, name: str) -> Path:
    file = folder.parent / "weights" / f"{name}.safetensors"
    file.parent.mkdir(exist_ok=True)
    return file


KINDS: Mapping[str, Kind] = {
    "text": Kind("method: text"),
    "prompts": Kind("method: prompts", prepare=write_clip),
    "examples": Kind("method: examples\nexamples: as they are", prepare=write_pictures),
    "classes": Kind(f"method: classes\nencoder: {PERSONS}", prepare=write_vit),
    "classes-lite": Kind("method: classes", "imagenet_synsets.txt"),
    "onnx": Kind("method: onnx", prepare=write_onnx),
}
"""The five methods; `classes` occurs twice, with the network of persons-21k and with the default
one.
"""


def build_all(
    models: Path, sizes: Sequence[int], builds: int, patience_s: int
) -> dict[int, Sequence[Build] | str]:
    """Build all sets in turn, and return the times of each build, or why there is none.

    Each set of `sizes` labels in `models` is built `builds` times, or once if that is slow. If a
    build needs more processor time than `patience_s`, the larger sets are not built. A set that
    was not built gets random weights, with which it classifies crops as fast as with real ones.
    """
    label_sets = [load_label_set(_name(size), ContentSettings(), models) for size in sizes]
    if not any(label_set.is_built for label_set in label_sets):
        return dict.fromkeys(sizes, "nothing to build")
    built: dict[int, list[Build]] = {}
    why: dict[int, str] = {}
    for size in sorted(sizes):
        took = None if why else build(models, size, patience_s)
        if took is not None:
            built[size] = [took]
        else:
            why[size] = "not tried" if why else f"stopped after {patience_s} s of processor time"
            building.build(_name(size), models, draw_numbers)
    for _ in range(builds - 1):
        for size, before in built.items():
            if before[0].worked <= SHORT_S and (again := build(models, size, patience_s)):
                before.append(again)
    return {**built, **why}


def build(models: Path, size: int, patience_s: int) -> Build | None:
    """Build a set without a cache, and return the times.

    Returns None if the build needs more processor time than `patience_s`.
    """
    shutil.rmtree(models / CACHE_FOLDER, ignore_errors=True)
    command = [sys.executable, "-c", BUILD, _name(size), str(models), str(patience_s)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    print(f"building {_name(size)}", file=sys.stderr)
    began, worked = time.perf_counter(), _worked()
    ran = subprocess.run(command, cwd=ROOT, env=one_thread, check=False)
    if ran.returncode == -signal.SIGXCPU:
        return None
    ran.check_returncode()
    return Build(time.perf_counter() - began, _worked() - worked)


def _worked() -> float:
    """Return the processor time of all processes that were started here and have ended, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def draw_numbers(source: LabelSetSource, _content: ContentSettings) -> BuildResult:
    """Return random tensors of the shapes that the method's builder returns."""
    label_set = assemble(source, EVERYTHING)
    encoder, size = look_through(label_set), len(source.rows)
    if source.settings.method is TEXT:
        shapes = {"classes": (encoder.width, EMBEDDING), "labels": (size, EMBEDDING)}
        tensors = {name: torch.randn(shape).half() for name, shape in shapes.items()}
    else:
        tensors = {"weight": torch.randn(size, encoder.width), "bias": torch.randn(size)}
    return BuildResult(tensors, encoder.fingerprint, [])


def look_through(label_set: LabelSet) -> Encoder:
    """Return the network of a label set, opened on the processor."""
    if label_set.encoder == CLIP:
        return Clip(CPU, label_set.weights_folder / f"{CLIP}.safetensors")
    return open_encoder(label_set, CPU)


def open_all(models: Path, sizes: Sequence[int]) -> dict[int, CropClassifier]:
    """Return the sets' classifiers, which share their network if the sets do not contain one."""
    opened: dict[int, CropClassifier] = {}
    encoder: Encoder | None = None
    for size in sizes:
        label_set = load_label_set(_name(size), ContentSettings(), models)
        if encoder is None or label_set.settings.method.brings_network:
            encoder = look_through(label_set)
        opened[size] = CropClassifier(
            label_set, encoder, label_set.settings.method.open_scorer(label_set, encoder), CPU
        )
    return opened


def read_all(classifiers: Mapping[int, CropClassifier], rounds: int) -> dict[int, Costs]:
    """Return the costs of each classifier; all are measured in each round, in a changing order."""
    actions = {size: ways(classifier) for size, classifier in classifiers.items()}
    costs: dict[int, dict[str, list[float]]] = {
        size: {way: [] for way in WAYS} for size in classifiers
    }
    sizes = list(classifiers)
    for way, crops in zip(WAYS, (BENCH_BATCH, 1, BENCH_BATCH, 1), strict=True):
        passes = {size: _passes(actions[size][way]) for size in sizes}
        for turn in range(rounds):
            first = turn % len(sizes)
            for size in sizes[first:] + sizes[:first]:
                seconds = _timed(actions[size][way], passes[size])
                costs[size][way].append(seconds / (passes[size] * crops))
    return dict(costs)


def ways(classifier: CropClassifier) -> dict[str, Callable[[], object]]:
    """Return the functions of a classifier that are timed, keyed by the names in `WAYS`."""
    frame, boxes = crowd()
    side = classifier.encoder.input.size
    noise = np.random.default_rng(0).standard_normal((BENCH_BATCH, 3, side, side), np.float32)
    encoded = classifier.encoder.encode(noise)  # (BENCH_BATCH, width)
    actions: tuple[Callable[[], object], ...] = (
        partial(classifier.classify, frame, boxes),
        partial(classifier.classify, frame, boxes[:1]),
        partial(classifier.scorer.score, encoded),
        partial(classifier.scorer.score, encoded[:1]),
    )
    return dict(zip(WAYS, actions, strict=True))


def _passes(action: Callable[[], object]) -> int:
    """Return how many runs of `action` together take about `SPAN_S`; at least one.

    One run is timed for this, after a run that is not timed.
    """
    action()
    return max(1, round(SPAN_S / _timed(action, 1)))


def _timed(action: Callable[[], object], passes: int) -> float:
    began = time.process_time()
    for _ in range(passes):
        action()
    return time.process_time() - began


def _print_figures(measured: Mapping[str, Mapping[int, Figures]]) -> None:
    rates = " | ".join(f"{way}, readings a second" for way in WAYS[:2])
    alone = " | ".join(f"{way}, µs a crop" for way in WAYS[2:])
    print(f"| method | labels | build, s | build, s of processor time | {rates} | {alone} |")
    print("|---|---|---|---|---|---|---|---|")
    for method, sizes in measured.items():
        for size, figures in sizes.items():
            cells = [method, f"{size:,}"]
            if isinstance(figures.builds, str):
                cells += [figures.builds, "–"]
            else:
                cells.append(_cell([build.seconds for build in figures.builds]))
                cells.append(_cell([build.worked for build in figures.builds]))
            for i, way in enumerate(WAYS):
                costs = figures.costs[way] if figures.costs else ()
                cells.append(_cell([1 / cost if i < 2 else 1e6 * cost for cost in costs]))
            print(f"| {' | '.join(cells)} |")


def _print_growth(measured: Mapping[str, Mapping[int, Figures]]) -> None:
    print(
        "\nHow the cost of a crop grows with the number of labels: (cost with the most labels) / "
        "(cost with the fewest labels)\n"
    )
    print(f"| method | labels | {' | '.join(WAYS)} |\n|---|---|---|---|---|---|")
    for method, sizes in measured.items():
        possible = {size: figures.costs for size, figures in sizes.items() if figures.costs}
        if len(possible) < 2:
            continue
        fewest, largest = min(possible), max(possible)
        ratios = (
            [a / b for a, b in zip(possible[largest][way], possible[fewest][way], strict=True)]
            for way in WAYS
        )
        cells = " | ".join(_cell(ratio) for ratio in ratios)
        print(f"| {method} | {largest:,} / {fewest:,} | {cells} |")


def _cell(values: Sequence[float]) -> str:
    """Return the median of `values`, with their range if there are several."""
    if len(values) < 2:
        return "".join(map(_number, values)) or "–"
    median = statistics.median(values)
    return f"{_number(median)} ({_number(min(values))} – {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def crowd() -> tuple[Frame, list[Box]]:
    """Return a frame of noise, 1280×720 px, and `BENCH_BATCH` boxes on it in place of faces."""
    pixels = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    boxes = [Box(100.0 + 120 * i, 200, 220.0 + 120 * i, 340) for i in range(BENCH_BATCH)]
    return Frame.from_rgb(pixels, 0.0), boxes


if __name__ == "__main__":
    sys.exit(main())
