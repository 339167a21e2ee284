"""Checks whether all packages are installed, including those that the default show does not need.

The largest package that the default show does not need is PyTorch. On a machine without a graphics
card `scripts/run` installs only the packages that this show needs. A function that needs a missing
package reports in one line how to install it.
"""

from __future__ import annotations

from importlib.util import find_spec

from installation.errors import Mistake, SettingsError

ALL_PACKAGES = "Run: scripts/setup --all (3.2 GB to fetch, 7.0 GB on disk)"
"""The remedy if only the packages of the show are installed. scripts/setup states the same sizes.
"""


def has_all_packages() -> bool:
    """Return whether all packages are installed.

    Only PyTorch is looked for, and it is not imported.
    """
    return find_spec("torch") is not None


def require_all_packages(where: str, feature: str) -> None:
    """Raise SettingsError with the remedy unless all packages are installed.

    `feature` names what needs the packages, and `where` is the location of the setting that
    requires it.
    """
    if not has_all_packages():
        problem = f"{feature} needs PyTorch, which is not installed"
        raise SettingsError(Mistake(where, problem, f"{ALL_PACKAGES}."))
