"""The commands of `kiosk labels`: an artist's way from an empty folder to a show."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from installation.config import MODELS, label_sets
from installation.document import shown

DONE = 0


class _Commands(Protocol):
    """What argparse gives for adding commands; its own class is private."""

    def add_parser(self, name: str, **kwargs: object) -> argparse.ArgumentParser: ...


def add(commands: _Commands) -> None:
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
    command("build", build_set, "make what the show reads from a set's words", of=there)


def new_set(asked: argparse.Namespace) -> int:
    """Make a label set, ready to edit."""
    from installation.making.beginning import begin

    folder = begin(asked.set, asked.model, MODELS)
    print(f"{shown(folder)} is there. Now:")
    print(f"  1. Open {shown(folder / 'labels.csv')} in a spreadsheet, a row for each label, and")
    print("     save it as CSV. Its columns are explained in labelset.yaml.")
    print(f"  2. Give it a title in {shown(folder / 'labelset.yaml')}.")
    print(f"  3. kiosk labels build {asked.set}")
    print(f"  4. kiosk run --labels {asked.set}")
    return DONE


def list_sets(asked: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    """Print each label set with what it is."""
    from installation.errors import KioskError
    from installation.making import describing

    width = max((len(name) for name in label_sets()), default=0)
    for name in label_sets():
        try:
            line = describing.line(name)
        except KioskError as error:
            line = f"has mistakes ({len(error.mistakes)}): kiosk labels check {name}"
        print(f"{name:<{width}}  {line}")
    return DONE


def show_set(asked: argparse.Namespace) -> int:
    """Print a set's labels, with the hidden ones and why."""
    from installation.making import describing

    for line in describing.listing(asked.set):
        print(line)
    return DONE


def check_set(asked: argparse.Namespace) -> int:
    """Print what a set is and how complete; raises LabelSetError with all its mistakes."""
    from installation.making import describing

    for line in describing.examined(asked.set):
        print(line)
    return DONE


def build_set(asked: argparse.Namespace) -> int:
    """Make what the show reads, and print the figures that its card holds."""
    from installation.making.building import build

    made = build(asked.set)
    if made is None:
        print(f"{asked.set} reads a network's own answers: there is nothing to build.")
        return DONE
    for figure in made.figures:
        print(figure)
    print(f"{asked.set} is built: kiosk run --labels {asked.set}")
    return DONE
