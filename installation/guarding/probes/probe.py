"""A probe: one attempt to get data out of the show, and what the sandbox made of it.

A probe that succeeds undoes what it did, as far as possible, so that all of them can also be run
without the sandbox: only that control shows that it is the sandbox that refuses. The error number
tells who refused. An error that no layer gives (a missing file, say) counts as success. An error
that the kernel gives an ordinary user without any sandbox proves nothing about the sandbox. Many
libraries lose the number; then it is only known that their probe failed.

A machine may not have a call at all: systemd answers openat2 with ENOSYS in a unit with
RestrictSUIDSGID=, and containers deny calls with EPERM. So the launcher tries the probes of its own
scratch folder once before the sandbox; what fails with the same number before and after is absent.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from installation.guarding.layers import seccomp
from installation.guarding.status import FILE_SIZE_LIMIT, LANDLOCK, SECCOMP

READ_ONLY = "read-only file system"

LAYERS = {
    errno.EACCES: LANDLOCK,
    seccomp.REFUSED_ERRNO: SECCOMP,
    errno.EFBIG: FILE_SIZE_LIMIT,
    errno.EROFS: READ_ONLY,
}
"""The layer that refuses with each error number; no layer gives any other number."""

_DENIED_ANYWAY = (errno.EPERM, errno.EACCES, errno.ENOSYS)
"""The error numbers of a call that this user may not make, or that this kernel does not have."""

Outcome = Literal["refused", "denied anyway", "succeeded", "absent"]
"""What came of a probe: `refused` by the sandbox, `denied anyway` by the kernel without it, and
`absent` if this machine does not have what the probe tries."""

Action = Callable[[Path], object]
"""What a probe does; it gets the scratch folder, which this user may write without the sandbox."""


class AbsentError(Exception):
    """Raised by a probe if this machine does not have what it tries."""


@dataclass(frozen=True)
class Probe:
    """One attempt: its name, the call it makes, and the layer that is expected to refuse it."""

    name: str
    call: str
    layer: str
    action: Action
    library: bool = False
    """Whether it goes through a library of the show; the self-test of a start leaves those out."""
    errno: int | None = None
    """The error number with which the layer refuses it, if not the one in `LAYERS`."""

    def refusing_layer(self, number: int | None) -> str | None:
        """Return the layer that refuses this probe with the error `number`, None if none does.

        The kernel itself may answer with Landlock's number to a call that Landlock does not cover.
        """
        if number is None:
            return None
        if number == self.errno:
            return self.layer
        layer = LAYERS.get(number)
        return None if layer == LANDLOCK and self.layer != LANDLOCK else layer


@dataclass(frozen=True)
class ProbeResult:
    """The outcome of a probe in one thread.

    `errno` is the kernel's error number and `layer` the layer that refuses with it; both are None
    if a library lost the number.
    """

    name: str
    call: str
    thread: str
    outcome: Outcome
    layer: str | None = None
    errno: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the entry of `kiosk audit --json`, which has none for absent probes."""
        return {
            "name": self.name,
            "thread": self.thread,
            "refused": self.outcome == "refused",
            "layer": self.layer,
            "errno": self.errno,
        }


def run_probes(
    probes: Iterable[Probe],
    scratch_dir: Path,
    thread: str,
    unavailable: Mapping[str, int] | None = None,
) -> list[ProbeResult]:
    """Return the result of each of `probes`, run in the calling thread, which is named `thread`.

    `unavailable` is what `find_unavailable` returned before the sandbox.
    """
    unavailable = unavailable or {}
    return [
        ProbeResult(
            probe.name, probe.call, thread, *_run(probe, scratch_dir, unavailable.get(probe.name))
        )
        for probe in probes
    ]


def find_unavailable(probes: Iterable[Probe], scratch_dir: Path) -> dict[str, int]:
    """Return the error number of each of `probes` that this machine does not have, by its name.

    To be called before the sandbox; each of `probes` changes only `scratch_dir`, which belongs to
    this user, so that nothing but a missing call or an outer filter makes it fail. A number that a
    layer of the sandbox gives as well is left out: afterwards nobody could tell them apart.
    """
    unavailable = {}
    for probe in probes:
        outcome, layer, number = _run(probe, scratch_dir, None)
        if outcome != "absent" and number is not None and layer is None:
            unavailable[probe.name] = number
    return unavailable


def _run(
    probe: Probe, scratch_dir: Path, unavailable: int | None
) -> tuple[Outcome, str | None, int | None]:
    """Return the outcome of `probe`, the layer that refuses it, and the error number.

    `unavailable` is the number with which it failed before the sandbox.
    """
    try:
        probe.action(scratch_dir)
    except (AbsentError, NotImplementedError):
        return "absent", None, None
    except (ImportError, AttributeError, TypeError):
        return "succeeded", None, None  # A mistake in the probe: nothing was refused.
    except Exception as failure:
        number = failure.errno if isinstance(failure, OSError) else None
        layer = probe.refusing_layer(number)
        if layer or (probe.library and number is None):
            return "refused", layer, number
        if number is not None and number == unavailable:
            return "absent", None, number
        return "denied anyway" if number in _DENIED_ANYWAY else "succeeded", None, number
    return "succeeded", None, None
