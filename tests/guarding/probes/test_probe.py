from __future__ import annotations

import errno
from pathlib import Path

import pytest

from installation.guarding.layers.bpf import REFUSED_ERRNO
from installation.guarding.probes.probe import (
    AbsentError,
    Outcome,
    Probe,
    find_unavailable,
    run_probes,
)
from installation.guarding.status import LANDLOCK, SECCOMP

REFUSED_BY_SECCOMP = OSError(REFUSED_ERRNO, "refused")
REFUSED_BY_LANDLOCK = PermissionError(errno.EACCES, "denied")
DENIED_BY_KERNEL = PermissionError(errno.EPERM, "not permitted")
WITHOUT_NUMBER = RuntimeError("it could not be written")
BROKEN_PROBE = AttributeError("imwrite")


@pytest.mark.parametrize(
    ("failure", "layer", "library", "outcome", "refused_by"),
    [
        (REFUSED_BY_SECCOMP, SECCOMP, False, "refused", SECCOMP),
        (REFUSED_BY_LANDLOCK, LANDLOCK, False, "refused", LANDLOCK),
        (REFUSED_BY_LANDLOCK, LANDLOCK, True, "refused", LANDLOCK),
        # A library drops the number, so the layer is unknown.
        (WITHOUT_NUMBER, LANDLOCK, True, "refused", None),
        # A call that an ordinary user may not make proves nothing.
        (DENIED_BY_KERNEL, SECCOMP, False, "denied anyway", None),
        (REFUSED_BY_LANDLOCK, SECCOMP, False, "denied anyway", None),
        # The kernel always returns a number.
        (WITHOUT_NUMBER, LANDLOCK, False, "succeeded", None),
        # A library has changed, and the probe no longer does what it should.
        (BROKEN_PROBE, LANDLOCK, True, "succeeded", None),
        (FileNotFoundError(errno.ENOENT, "no such file"), LANDLOCK, False, "succeeded", None),
        (None, LANDLOCK, False, "succeeded", None),
        (AbsentError("/dev/full"), LANDLOCK, False, "absent", None),
        (NotImplementedError("creat"), LANDLOCK, False, "absent", None),
    ],
)
def test_the_error_number_shows_who_refused(
    failure: Exception | None,
    layer: str,
    library: bool,
    outcome: Outcome,
    refused_by: str | None,
    tmp_path: Path,
) -> None:
    """Only an error that nothing but the sandbox returns counts as refused."""

    def action(scratch_dir: Path) -> None:
        if failure:
            raise failure

    [result] = run_probes([Probe("one", "call()", layer, action, library)], tmp_path, "main")
    assert (result.outcome, result.layer) == (outcome, refused_by)
    assert (result.name, result.call, result.thread) == ("one", "call()", "main")


def test_a_probe_may_be_refused_with_its_own_number(tmp_path: Path) -> None:
    """The filter answers clone3 with ENOSYS, so that the C library falls back to clone."""

    def action(scratch_dir: Path) -> None:
        raise OSError(errno.ENOSYS, "not implemented")

    probes = [
        Probe("one", "clone3()", SECCOMP, action, errno=errno.ENOSYS),
        Probe("two", "clone()", SECCOMP, action),
    ]
    assert [each.outcome for each in run_probes(probes, tmp_path, "main")] == [
        "refused",
        "denied anyway",
    ]


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (errno.ENOSYS, errno.ENOSYS, "absent"),
        (errno.EOPNOTSUPP, errno.EOPNOTSUPP, "absent"),
        (errno.EPERM, errno.EPERM, "absent"),
        # The sandbox alone closed this way out.
        (None, errno.ENOSYS, "denied anyway"),
        (None, None, "succeeded"),
        # The call was missing before, and the sandbox refuses it as well.
        (errno.ENOSYS, errno.EACCES, "refused"),
        (errno.ENOSYS, errno.EPERM, "denied anyway"),
        # The call was missing before and exists now.
        (errno.ENOSYS, None, "succeeded"),
    ],
)
def test_a_way_is_absent_only_if_it_was_absent_before_the_sandbox(
    before: int | None, after: int | None, outcome: Outcome, tmp_path: Path
) -> None:
    """The outcome of a probe is compared with its outcome before the sandbox."""
    numbers = [before, after]

    def action(scratch_dir: Path) -> None:
        if number := numbers.pop(0):
            raise OSError(number, "failed")

    probe = Probe("one", "call()", LANDLOCK, action)
    unavailable = find_unavailable([probe], tmp_path)
    [result] = run_probes([probe], tmp_path, "main", unavailable)
    assert result.outcome == outcome
