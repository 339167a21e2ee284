"""The command `kiosk fetch`: what a venue brings from the network once, at set-up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from installation.errors import FetchError, Mistake, collect_mistakes, display_path

if TYPE_CHECKING:
    from installation.making.fetching.catalogue import Item

DONE = 0
ALL = "all"
WORDS = "bring networks and lists that are not part of the kiosk"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of `kiosk`."""
    added = commands.add_parser(
        "fetch",
        help=WORDS,
        description=f"{WORDS[0].upper()}{WORDS[1:]}. Without a NAME: what there is, what it is "
        "for, and what is there already.",
        epilog="HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and the proxies of the environment are "
        "respected. What was interrupted goes on where it stopped.",
        allow_abbrev=False,
    )
    added.add_argument(
        "names", nargs="*", metavar="NAME", help="a name of the table, all, or timm/NETWORK"
    )
    added.add_argument(
        "--sha256",
        metavar="HEX",
        help="what the file must have, for one NAME that the kiosk does not pin",
    )
    added.add_argument(
        "--once", action="store_true", help="try once, and give up after a few seconds' silence"
    )
    added.set_defaults(command=fetch)


def fetch(asked: argparse.Namespace) -> int:
    """Bring what was asked for, or say what there is.

    Raises FetchError where a name stands for nothing, before anything is fetched, and otherwise
    after trying all of it.
    """
    if asked.sha256 is not None and (len(asked.names) != 1 or asked.names == [ALL]):
        what = "it says what one file must have"
        raise FetchError(Mistake("--sha256", what, "Name one thing to fetch."))
    if not asked.names:
        _print_table()
        return DONE
    items = _found(asked.names)
    if mistakes := collect_mistakes(partial(_fetch, item, asked) for item in items):
        raise FetchError(*mistakes)
    return DONE


def _found(names: Sequence[str]) -> Sequence[Item]:
    """Return what all of `names` stand for, each once; raises FetchError."""
    from installation.making.fetching.catalogue import ITEMS, find

    items: list[Item] = []
    mistakes: list[Mistake] = []
    for name in names:
        try:
            items += ITEMS if name == ALL else [find(name)]
        except FetchError as error:
            mistakes += error.mistakes
    if mistakes:
        raise FetchError(*mistakes)
    return list(dict.fromkeys(items))


def _fetch(item: Item, asked: argparse.Namespace) -> None:
    from installation.making.fetching.fetch import ONCE, SAYS, Effort, fetch

    effort = ONCE if asked.once else Effort()
    fetched = fetch(item, sha256=asked.sha256, effort=effort, say=_say)
    how = "is there already" if fetched.was_there else "has been fetched"
    print(f"{item.name} {how}: {display_path(fetched.file)}, {fetched.size:,} bytes")
    print(f"  SHA-256 {fetched.pin.sha256}, {SAYS[fetched.pin.by]}", flush=True)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _print_table() -> None:
    from installation.making.fetching.catalogue import ITEMS
    from installation.making.fetching.fetch import state

    for item in ITEMS:
        print(f"{item.name}: {state(item)}")
        print(f"  for      {item.purpose}")
        print(f"  size     {_size(item)}")
        print(f"  licence  {item.licence}")
        for source in item.sources:
            print(f"  source   {source}")
        print(f"  SHA-256  {item.sha256 or 'not pinned; written down at the first fetch'}")
        print(f"  file     models/weights/{item.file}")
        print()
    print("all: everything above")
    print("timm/NETWORK: any network of timm's, by its name")


def _size(item: Item) -> str:
    if item.size is None:
        return "unknown"
    if item.sha256 is not None:
        return f"{item.size:,} bytes"
    return f"about {item.size / 1e6:,.2f} MB"
