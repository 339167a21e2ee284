"""Whether the packages are installed that the default show does without, PyTorch before all.

Without a graphics card `scripts/run` installs what the show needs and nothing else. What needs more
says in one line how to get it.
"""

from __future__ import annotations

from importlib.util import find_spec

from installation.errors import Mistake, SettingsError

ALL_PACKAGES = "Run: scripts/setup --all (3.2 GB to fetch, 5.9 GB on disk)"
"""The remedy if only the show is set up. The sizes are those in scripts/setup."""


def has_all_packages() -> bool:
    """Return whether PyTorch is installed, and with it all packages; nothing is imported."""
    return find_spec("torch") is not None


def require_all_packages(where: str, what: str) -> None:
    """Raise SettingsError with the remedy unless all packages are installed.

    `what` needs them, and `where` is the place that asks for it.
    """
    if not has_all_packages():
        problem = f"{what} needs PyTorch, and only the packages of the show are installed"
        raise SettingsError(Mistake(where, problem, f"{ALL_PACKAGES}."))
