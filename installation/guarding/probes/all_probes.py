"""Two lists of probes: a short list for the self-test, and a longer list for the audit.

The probes are run and printed in the order of the list.
"""

from __future__ import annotations

from installation.guarding.probes import files, kernel, libraries, network, processes

QUICK_PROBES = (*files.PROBES, *kernel.PROBES, *processes.PROBES, *network.PROBES)
"""The probes of the self-test at each start: all probes that call the kernel directly."""

ALL_PROBES = (*QUICK_PROBES, *libraries.PROBES)
"""The probes of the audit: the quick probes, and the probes through libraries, which take
seconds.
"""
