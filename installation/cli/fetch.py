"""The command `kiosk fetch`: downloads networks and lists once, when a venue is set up."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from installation.cli.arguments import Commands, add_command
from installation.cli.output import DONE, print_progress, say
from installation.errors import FetchError, Mistake, collect_mistakes, display_path

if TYPE_CHECKING:
    from installation.making.fetching.catalogue import Item

ALL = "all"

ONCE_TIMEOUT_S = 5.0


def add_commands(commands: Commands) -> None:
    """Add the command `fetch` to `commands`."""
    summary = "fetch networks and lists that are not part of the kiosk"
    command = add_command(commands, "fetch", fetch, summary)
    command.description = (
        f"{summary.capitalize()}. Without a NAME, list all items, with their purpose and whether "
        "they have been fetched."
    )
    command.epilog = (
        "HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and the proxies of the environment are respected. "
        "An interrupted download continues where it stopped."
    )
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="a name from the list, all, or timm/NETWORK"
    )
    command.add_argument(
        "--sha256",
        metavar="HEX",
        help="the expected SHA-256 of the file; needs exactly one NAME; if the kiosk has a pinned "
        "SHA-256 for the file, HEX must be equal to it",
    )
    command.add_argument(
        "--once",
        action="store_true",
        help=f"try once, and give up after {ONCE_TIMEOUT_S:g} s without data",
    )


def fetch(args: argparse.Namespace) -> int:
    """Fetch the named items, or list all items if none is named; return the exit status.

    If a name is unknown or `--sha256` is misused, FetchError is raised and nothing is fetched. If a
    download fails, the remaining items are fetched before FetchError is raised.
    """
    if args.sha256 is not None and (len(args.names) != 1 or args.names == [ALL]):
        seen = " ".join(args.names) or "none"
        problem = f"this option needs exactly one NAME (seen: {seen})"
        raise FetchError(Mistake("--sha256", problem, "Give one NAME."))
    if not args.names:
        _print_catalogue()
        return DONE
    items = _find_all(args.names)
    if mistakes := collect_mistakes(partial(_fetch, item, args) for item in items):
        raise FetchError(*mistakes)
    return DONE


def _find_all(names: Sequence[str]) -> Sequence[Item]:
    """Return the items called `names`, each once; raises FetchError for unknown names."""
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


def _fetch(item: Item, args: argparse.Namespace) -> None:
    from installation.making.fetching.fetch import Fetch

    fetch = Fetch(item, log=print_progress)
    if args.once:
        fetch = replace(fetch, attempts=1, timeout_s=ONCE_TIMEOUT_S)
    fetched = fetch.run(args.sha256)
    state = "was fetched earlier" if fetched.was_present else "has been fetched"
    say(f"{item.name} {state}: {display_path(fetched.file)}, {fetched.file.stat().st_size:,} bytes")
    pinned = "pinned by the kiosk" if item.sha256 else "recorded in fetched.yaml, not pinned"
    say(f"  SHA-256 {fetched.sha256}, {pinned}")


def _print_catalogue() -> None:
    from installation.making.fetching.catalogue import ITEMS
    from installation.making.fetching.fetch import Fetch

    for item in ITEMS:
        about = "" if item.sha256 else "about "
        say(f"{item.name}: {Fetch(item).state()}")
        say(f"  for      {item.purpose}")
        say(f"  size     {about}{item.size:,} bytes")
        say(f"  licence  {item.licence}")
        for origin in item.origins:
            say(f"  from     {origin}")
        say(f"  SHA-256  {item.sha256 or 'not pinned; recorded at the first fetch'}")
        say(f"  file     models/weights/{item.file}")
        say()
    say("all: everything above")
    say("timm/NETWORK: any of timm's networks, by its name")
