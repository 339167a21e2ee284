"""A probe: one attempt to get data out of the show, and its outcome.

A probe that succeeds undoes its effect as far as possible. So all probes can also be run without
the sandbox, and a probe that succeeds there and fails in the sandbox was refused by the sandbox.
The error number shows which layer refused. An error that no layer returns, such as ENOENT for a
missing file, counts as success, because no layer stopped the call. An error that the kernel returns
to an ordinary user even without the sandbox proves nothing about the sandbox. Many libraries drop
the error number; only the failure of the probe is then known.

A call may not exist on a machine: systemd makes openat2 fail with ENOSYS in a unit with
RestrictSUIDSGID=, and containers make calls fail with EPERM. So the launcher runs some probes once
before it enters the sandbox. These probes change only the scratch folder, which is temporary. A
probe that fails with the same error number outside and inside the sandbox counts as absent.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from installation.guarding.layers import bpf
from installation.guarding.status import FILE_SIZE_LIMIT, LANDLOCK, SECCOMP

READ_ONLY = "read-only file system"

LAYERS = {
    errno.EACCES: LANDLOCK,
    bpf.REFUSED_ERRNO: SECCOMP,
    errno.EFBIG: FILE_SIZE_LIMIT,
    errno.EROFS: READ_ONLY,
}
"""For each error number, the layer that uses this number to refuse calls. If a layer refuses the
call of a probe with another number, that number is in `Probe.errno`.
"""

_DENIED_ANYWAY = (errno.EPERM, errno.EACCES, errno.ENOSYS)
"""The error numbers of a call that this user may not make or this kernel does not have."""

Outcome = Literal["refused", "denied anyway", "succeeded", "absent"]
"""The outcome of a probe: `refused` by the sandbox, `denied anyway` by the kernel even without the
sandbox, `succeeded`, or `absent` if this machine does not have the call that the probe makes.
"""

Action = Callable[[Path], object]
"""The attempt that a probe makes. Its argument is the scratch folder, which this user could write
to without the sandbox.
"""


class AbsentError(Exception):
    """Raised by a probe if this machine does not have the call or device that it needs."""


class IgnoredError(Exception):
    """Raised by a probe if its call reported success, but did nothing."""


@dataclass(frozen=True)
class Probe:
    """One attempt: its name, the call that it makes, and the layer that should refuse that call."""

    name: str
    call: str
    layer: str
    action: Action
    library: bool = False
    """Whether the probe goes through a library of the show; the self-test at the start omits such
    probes.
    """
    errno: int | None = None
    """The error number with which the layer refuses this probe, if it is not the one in
    `LAYERS`.
    """

    def refusing_layer(self, number: int | None) -> str | None:
        """Return the layer that refused this probe, found by the error number `number`.

        The result is None if no layer refuses with `number`. It is also None if `number` is that of
        Landlock, but another layer should refuse this call. The kernel itself then refused it.
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

    `errno` is the kernel's error number; None if no number is known, for example because a library
    dropped it. `layer` is the layer that refused the call; None if no layer is known to have
    refused it.
    """

    name: str
    call: str
    thread: str
    outcome: Outcome
    layer: str | None = None
    errno: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return this result's entry in `kiosk audit --json`; absent probes have no entry there."""
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
    """Run `probes` in the calling thread, which is named `thread`, and return their results.

    `unavailable` is the result of `find_unavailable`, called before the sandbox was entered.
    """
    unavailable = unavailable or {}
    return [
        ProbeResult(
            probe.name, probe.call, thread, *_run(probe, scratch_dir, unavailable.get(probe.name))
        )
        for probe in probes
    ]


def find_unavailable(probes: Iterable[Probe], scratch_dir: Path) -> dict[str, int]:
    """Return the error numbers of the probes that fail even without the sandbox, keyed by name.

    Call this before the sandbox is entered. Each probe changes only `scratch_dir`, which belongs to
    this user. So a probe fails only if the kernel or the file system does not support the call, or
    if systemd or a container refuses it. The error numbers that layers of the sandbox use are left
    out: inside the sandbox, such a number would not show whether the layer or the machine refused.
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

    `unavailable` is the error number with which the probe failed before the sandbox was entered;
    None if it did not fail.
    """
    try:
        probe.action(scratch_dir)
    except (AbsentError, NotImplementedError):
        return "absent", None, None
    except IgnoredError:
        return "refused", probe.layer, None
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
