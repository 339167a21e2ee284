"""The commands of `kiosk labels`, which make, check, build and exchange label sets."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable
from pathlib import Path

from installation.cli.arguments import (
    Commands,
    add_command,
    add_file_argument,
    parse_size,
    run_parser,
)
from installation.cli.output import DONE, print_progress, say
from installation.errors import (
    KioskError,
    LabelSetError,
    Mistake,
    SettingsError,
    counted,
    display_path,
    ellipsize,
    join_first,
)
from installation.settings.kiosk import Settings, load_settings
from installation.settings.paths import MODELS, label_set_names


def add_commands(commands: Commands) -> None:
    """Add the command `labels`, with its subcommands, to `commands`."""
    summary = "make, inspect and exchange label sets"
    labels = commands.add_parser("labels", help=summary, description=summary, allow_abbrev=False)
    own = labels.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(
        name: str,
        run: Callable[[argparse.Namespace], int],
        summary: str,
        set_help: str = "a label set: the name of a folder in models/",
    ) -> argparse.ArgumentParser:
        command = add_command(own, name, run, summary)
        command.add_argument("set", metavar="NAME", help=set_help)
        return command

    new = add(
        "new", new_set, "make a label set, ready to edit", "the name of the new folder in models/"
    )
    new.add_argument(
        "--from", dest="model", metavar="NAME", help="start with a copy of this set's labels"
    )
    add_command(own, "list", list_sets, "list the label sets")
    add("show", show_set, "print a set's labels, and the hidden ones with the reason")
    add(
        "check",
        check_set,
        "check a set: confirm that it is valid, or list all mistakes in its files",
    )
    add_file_argument(
        add("build", build_set, "build a set: compute the file that the show loads for it")
    )
    preview = add(
        "preview",
        preview_set,
        "paint a map of a set's labels, and print how evenly the labels are chosen for test "
        "pictures",
    )
    add_file_argument(preview)
    preview.add_argument(
        "--to",
        metavar="FILE",
        type=_parse_png,
        help="the map's file (default: preview.png in the set's folder)",
    )
    preview.add_argument(
        "--screen",
        metavar="WxH",
        type=parse_size,
        default=(1920, 1080),
        help="the size of the screen in pixels (default: 1920x1080)",
    )
    preview.add_argument(
        "--neighbours",
        action="store_true",
        help="arrange the map by t-SNE, which places similar labels together, instead of by PCA",
    )
    export = add("export", export_set, "pack a set into one file, without pictures")
    export.add_argument(
        "--to",
        type=Path,
        metavar="FILE",
        help="the zip's name (default: NAME.zip in the current folder)",
    )
    export.add_argument("--force", action="store_true", help="replace the zip if it exists")
    import_ = add_command(own, "import", import_set, "unpack a set that somebody exported")
    import_.add_argument("file", type=Path, metavar="FILE", help="the zip")
    import_.add_argument(
        "--as", dest="name", metavar="NAME", help="the name of the new folder in models/"
    )
    watch = add("watch", watch_set, "run the show, and build the set again at every change")
    watch.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="arguments of `kiosk run`, such as --windowed 1280x720",
    )


def _parse_png(text: str) -> Path:
    """Return `text` as a path.

    Raises ArgumentTypeError if the name does not end in .png, or if it is a folder. The map
    replaces the file, and a mistyped name must not replace a file of another type.
    """
    path = Path(text)
    if path.suffix.lower() == ".png" and not path.is_dir():
        return path
    raise argparse.ArgumentTypeError(f"'{text}' (expected a file whose name ends in .png)")


def new_set(args: argparse.Namespace) -> int:
    """Create a label set that is ready to edit; return the exit status."""
    from installation.making.new_set import create_set, next_steps

    folder = create_set(args.set, args.model, MODELS)
    say(f"{display_path(folder)} has been made. Next:")
    for number, step in enumerate(next_steps(args.set, args.model, MODELS), 1):
        lines = textwrap.wrap(step, 73, break_long_words=False, break_on_hyphens=False)
        say(f"  {number}. " + "\n     ".join(lines))
    return DONE


def list_sets(args: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    """Print each label set with one line about it; return the exit status."""
    from installation.making.check_set import summary_line

    width = max((len(name) for name in label_set_names()), default=0)
    for name in label_set_names():
        try:
            line = summary_line(name)
        except KioskError as error:
            line = (
                f"has {counted(len(error.mistakes), 'mistake')}; for the list, run: "
                f"kiosk labels check {name}"
            )
        say(f"{name:<{width}}  {line}")
    return DONE


def show_set(args: argparse.Namespace) -> int:
    """Print a set's labels, then its hidden labels with the reasons; return the exit status."""
    from installation.making.check_set import label_lines

    for line in label_lines(args.set):
        say(line)
    return DONE


def check_set(args: argparse.Namespace) -> int:
    """Print a description of a set; return the exit status.

    Raises LabelSetError with all mistakes of the set.
    """
    from installation.making.check_set import check_lines

    for line in check_lines(args.set):
        say(line)
    return DONE


def build_set(args: argparse.Namespace) -> int:
    """Build a set, print figures about its classes and labels; return the exit status."""
    content = _settings(args.set, args.file).content
    _check_writable(MODELS / args.set)
    # PyTorch takes seconds to load, and a mistake is reported before that.
    from installation.making.build.build import build

    print_progress(f"Building {args.set}; the first build takes about a minute …")
    made = build(args.set, content=content)
    if made is None:
        say(f"{args.set} uses a network's own classes, so it needs no building.")
        return DONE
    for figure in made.figures:
        say(figure)
    for note in made.notes:
        say(note)
    say(f"{args.set} is built. To show it, run: kiosk run --labels {args.set}")
    return DONE


def preview_set(args: argparse.Namespace) -> int:
    """Draw a map of a set, and print how evenly its labels are chosen for test pictures.

    Returns the exit status. The settings are read from kiosk.yaml, so the map shows the set as a
    show would.
    """
    settings = _settings(args.set, args.file)
    _check_writable(MODELS / args.set if args.to is None else args.to.absolute().parent)
    # PyTorch takes seconds to load, and a mistake is reported before that.
    from installation.making.preview.preview import MAX_NAMES, preview

    print_progress(
        f"Trying {args.set} on neutral pictures (drawn, without people) and on the rehearsal (a "
        "simulated visitor); this takes a minute or two …"
    )
    result = preview(args.set, args.screen, settings, tsne=args.neighbours, to=args.to)
    for figure in result.figures:
        say(figure)
    say()
    for row in result.table:
        say(f"{row.count:>6,}  {row.property}")
        if row.names:
            say(f"        {join_first(row.names, MAX_NAMES)}")
    say()
    say(f"The map is {display_path(result.map_file)}.")
    return DONE


def export_set(args: argparse.Namespace) -> int:
    """Pack a set into one zip and print its path; return the exit status."""
    from installation.making.zip_file import export

    to = export(args.set, MODELS, args.to or Path(f"{args.set}.zip"), force=args.force)
    size = f"{to.stat().st_size / 1e6:.1f} MB"
    say(f"{args.set} is packed: {display_path(to)}, {size}, without pictures.")
    return DONE


def import_set(args: argparse.Namespace) -> int:
    """Check and unpack a set that somebody exported; return the exit status."""
    from installation.making.zip_file import import_

    imported = import_(args.file, MODELS, args.name)
    name, count = imported.name, counted(imported.labels, "label")
    say(f"models/{name} has been imported: {imported.title} ({count}; {imported.credit}).")
    say("Read its labels before you show them:")
    say(f"  kiosk labels show {name}")
    return DONE


def watch_set(args: argparse.Namespace) -> int:
    """Run the show with a set, and rebuild the set after each change; return the show's status.

    Raises SettingsError if the arguments of the show name another set.
    """
    from installation.making.watch import watch

    rest = run_parser("kiosk labels watch NAME").parse_args(args.rest)
    if rest.labels not in (None, args.set):
        problem = (
            f"it names the set '{ellipsize(rest.labels)}', but this command watches the set "
            f"'{ellipsize(args.set)}'"
        )
        raise SettingsError(Mistake("--labels", problem, "Remove this option."))
    content = _settings(args.set, rest.file).content
    return watch(args.set, content, args.rest, print_progress)


def _check_writable(folder: Path) -> None:
    """Raise LabelSetError if nothing can be written into `folder`.

    This is checked before work that takes minutes.
    """
    if os.access(folder, os.W_OK | os.X_OK):
        return
    if folder.is_dir():
        problem = "nothing can be written into this folder"
        remedy = (
            "Check its permissions, and whether its disk is read-only; or copy the kiosk into a "
            "folder of your own."
        )
    else:
        problem, remedy = "this folder does not exist", "Check its name, or create it."
    raise LabelSetError(Mistake(display_path(folder), problem, remedy))


def _settings(name: str, file: Path) -> Settings:
    """Return the settings of `file`, with the label set `name`.

    Raises KioskError if the label set or `file` has mistakes.
    """
    from installation.naming.label_set.load import read_source

    read_source(name)  # so that mistakes in the set are not reported as mistakes in `file`
    return load_settings(file, labels=name).settings
