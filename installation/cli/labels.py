"""The commands of `kiosk labels`: an artist's way from an empty folder to a show."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from installation.cli import arguments
from installation.errors import Mistake, SettingsError, display_path, ellipsize, join_first
from installation.settings import kiosk
from installation.settings.kiosk import Settings
from installation.settings.paths import DEFAULT_FILE, MODELS, label_set_names

DONE = 0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `labels` with its own commands to those of the kiosk."""
    words = "make, look at and exchange label sets"
    labels = commands.add_parser("labels", help=words, description=words, allow_abbrev=False)
    own = labels.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], words: str, *, of: str = ""
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = own.add_parser(
            name, help=words, description=words, allow_abbrev=False
        )
        added.set_defaults(command=run)
        if of:
            added.add_argument("set", metavar="NAME", help=of)
        return added

    there = "a label set: the name of a folder in models/"
    new = command("new", new_set, "make a label set, ready to edit", of="what its folder is called")
    new.add_argument(
        "--from", dest="model", metavar="NAME", help="begin with a copy of this set's labels"
    )
    command("list", list_sets, "list the label sets")
    command("show", show_set, "print a set's labels, with the hidden ones and why", of=there)
    command("check", check_set, "say what is right and what is wrong with a set", of=there)
    build = command("build", build_set, "make what the show reads from a set's words", of=there)
    arguments.add_file(build, DEFAULT_FILE)
    preview = command(
        "preview", preview_set, "paint a set as a map, and say what to know", of=there
    )
    arguments.add_file(preview, DEFAULT_FILE)
    preview.add_argument(
        "--screen",
        metavar="WxH",
        type=arguments.size,
        default=(1920, 1080),
        help="the size of the wall, px (default: 1920x1080)",
    )
    preview.add_argument(
        "--neighbours",
        action="store_true",
        help="lay the map out by t-SNE, which keeps neighbours together, instead of PCA",
    )
    packed = command("export", export_set, "pack a set into one file, without pictures", of=there)
    packed.add_argument("--to", type=Path, metavar="FILE", help="its name (default: NAME.zip here)")
    packed.add_argument("--force", action="store_true", help="replace the file if it is there")
    unpacked = command("import", import_set, "take in a set that somebody packed")
    unpacked.add_argument("file", type=Path, metavar="FILE", help="the zip")
    unpacked.add_argument("--as", dest="name", metavar="NAME", help="what to call it here")
    watch = command(
        "watch", watch_set, "run the show, and build and swap the set at every change", of=there
    )
    watch.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="what `kiosk run` takes, such as --windowed 1280x720",
    )


def new_set(asked: argparse.Namespace) -> int:
    """Make a label set, ready to edit."""
    from installation.making.new_set import begin, steps

    folder = begin(asked.set, asked.model, MODELS)
    print(f"{display_path(folder)} is there. Now:")
    for number, step in enumerate(steps(asked.set, asked.model, MODELS), 1):
        lines = textwrap.wrap(step, 73, break_long_words=False, break_on_hyphens=False)
        print(f"  {number}. " + "\n     ".join(lines))
    return DONE


def list_sets(asked: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    """Print each label set with what it is."""
    from installation.errors import KioskError
    from installation.making import check_set as describing

    width = max((len(name) for name in label_set_names()), default=0)
    for name in label_set_names():
        try:
            line = describing.line(name)
        except KioskError as error:
            line = f"has mistakes ({len(error.mistakes)}): kiosk labels check {name}"
        print(f"{name:<{width}}  {line}")
    return DONE


def show_set(asked: argparse.Namespace) -> int:
    """Print a set's labels, with the hidden ones and why."""
    from installation.making import check_set as describing

    for line in describing.listing(asked.set):
        print(line)
    return DONE


def check_set(asked: argparse.Namespace) -> int:
    """Print what a set is and how complete; raises LabelSetError with all its mistakes."""
    from installation.making import check_set as describing

    for line in describing.examined(asked.set):
        print(line)
    return DONE


def build_set(asked: argparse.Namespace) -> int:
    """Make what the show reads, and print the figures that its card holds."""
    from installation.making.build.build import build

    content = _settings(asked.set, asked.file).content
    print(
        f"Building {asked.set}; the first time this takes a minute …", file=sys.stderr, flush=True
    )
    made = build(asked.set, content=content)
    if made is None:
        print(f"{asked.set} reads a network's own answers: there is nothing to build.")
        return DONE
    for figure in made.figures:
        print(figure)
    for aside in made.asides:
        print(aside)
    print(f"{asked.set} is built: kiosk run --labels {asked.set}")
    return DONE


def preview_set(asked: argparse.Namespace) -> int:
    """Paint a set as a map into its folder, and print what a curator must know of it.

    What is hidden, and the language, are those of kiosk.yaml: the set as it would hang.
    """
    from installation.making.preview.preview import MOST_NAMED, preview

    settings = _settings(asked.set, asked.file)
    words = f"Trying {asked.set} on pictures of nothing and on the rehearsal; a minute or two …"
    print(words, file=sys.stderr, flush=True)
    painted = preview(
        asked.set,
        asked.screen,
        settings.content,
        language=settings.language.labels,
        neighbours=asked.neighbours,
    )
    for figure in painted.figures:
        print(figure)
    print()
    for fact in painted.facts:
        print(f"{fact.count:>6,}  {fact.what}")
        if fact.which:
            print(f"        {join_first(fact.which, MOST_NAMED)}")
    print()
    print(f"The map is {display_path(painted.picture)}.")
    return DONE


def export_set(asked: argparse.Namespace) -> int:
    """Pack a set into one zip and say where it is."""
    from installation.making.zip_file import export

    to = export(asked.set, MODELS, asked.to or Path(f"{asked.set}.zip"), force=asked.force)
    size = f"{to.stat().st_size / 1e6:.1f} MB"
    print(f"{asked.set} is packed: {display_path(to)}, {size}, no pictures in it.")
    return DONE


def import_set(asked: argparse.Namespace) -> int:
    """Take in a set that somebody packed, after judging it."""
    from installation.making.zip_file import import_

    come = import_(asked.file, MODELS, asked.name)
    print(f"models/{come.name} is there: {come.title} ({come.labels:,} labels; {come.credit}).")
    print("Nothing in it is trusted before you have read it:")
    print(f"  kiosk labels show {come.name}")
    return DONE


def watch_set(asked: argparse.Namespace) -> int:
    """Run the show with a set and build that anew whenever its words change; return its status."""
    from installation.making.watch import watch

    show = argparse.ArgumentParser(prog="kiosk labels watch NAME", allow_abbrev=False)
    arguments.add_run(show, DEFAULT_FILE)
    rest = show.parse_args(asked.rest)
    if rest.labels not in (None, asked.set):
        what = f"it is '{ellipsize(rest.labels)}', but '{ellipsize(asked.set)}' is watched"
        raise SettingsError(Mistake("--labels", what, "Leave it out: what is watched is shown."))
    content = _settings(asked.set, rest.file).content
    return watch(
        asked.set, content, asked.rest, lambda line: print(line, file=sys.stderr, flush=True)
    )


def _settings(name: str, file: Path) -> Settings:
    """Return the curator's, with the label set `name` in place of theirs. Raises KioskError."""
    from installation.naming.label_set.load import read_source

    read_source(name)  # what is wrong with the set is said of the set, not of the file
    return kiosk.load(file, labels=name).settings
