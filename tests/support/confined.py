"""What a child process that reads a stranger's file tells about its sandbox."""

from __future__ import annotations

from pathlib import Path

from installation.guarding.layers.seccomp import FILTERS

TELL_LAYERS = (
    "import resource; text = open('/proc/self/status').read(); "
    "print('LAYERS', text, resource.getrlimit(resource.RLIMIT_FSIZE), flush=True)"
)
"""Statements that follow the child's work, and print its layers after its answer."""


def assert_confined(answer: bytes) -> None:
    """Fail unless `answer` ends with the layers of a process under all stages."""
    status = answer.rpartition(b"LAYERS")[2].decode()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    own = Path("/proc/self/status").read_text()
    outside = int(own.partition("Seccomp_filters:")[2].split()[0])
    assert int(fields["Seccomp_filters"]) == outside + FILTERS
    assert fields["NoNewPrivs"].strip() == "1"
    assert status.rstrip().endswith("(0, 0)"), "no file can grow"
