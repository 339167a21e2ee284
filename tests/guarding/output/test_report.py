from __future__ import annotations

import datetime
import errno
import html

from installation.errors import Mistake
from installation.guarding.guard import NOT_LAUNCHED
from installation.guarding.host import NOT_PROVED, PROVED
from installation.guarding.layers.bpf import REFUSED_ERRNO
from installation.guarding.output.report import as_json, as_page, as_table
from installation.guarding.probes.probe import ProbeResult
from installation.guarding.self_test import Proof

REFUSED = ProbeResult("two", "prctl()", "main", "refused", "seccomp", REFUSED_ERRNO)
ABSENT = ProbeResult("one", "nowhere()", "main", "absent")
DENIED = ProbeResult("one", "swapon()", "main", "denied anyway", None, errno.EPERM)
WITHOUT_NUMBER = ProbeResult("write", "save()", "main", "refused")


def proof(*results: ProbeResult, missing: tuple[Mistake, ...] = ()) -> Proof:
    """Return a proof with `results`."""
    return Proof(results, missing, datetime.datetime(2026, 5, 1, 9, 5))


def test_absent_probes_are_not_counted() -> None:
    """The screen, the page and the table count only the probes that this machine has."""
    found = proof(ABSENT, REFUSED)
    assert found.ways_tried == 1
    report = as_json(found)
    assert report["absent"] == ["one"]
    assert report["attempts"] == [
        {
            "name": "two",
            "thread": "main",
            "refused": True,
            "layer": "seccomp",
            "errno": REFUSED_ERRNO,
        }
    ]
    page = as_page(found, "Nothing.", "en")
    assert "1 of 1 attempts were refused" in page
    assert "<td>one</td><td>nowhere()</td><td>main</td><td>absent</td>" in page
    assert "one    nowhere()  main    absent" in as_table(found)


def test_what_the_kernel_denies_anyway_is_not_counted() -> None:
    """A call that the kernel denies an ordinary user anyway does not count as refused."""
    found = proof(DENIED)
    assert found.ways_tried == 0
    assert "one    swapon()  main    DENIED ANYWAY" in as_table(found)


def test_a_library_that_loses_the_error_number_names_no_layer() -> None:
    """If a library dropped the error number, no layer is named."""
    assert "write  save()  main    refused  unknown" in as_table(proof(WITHOUT_NUMBER))


def test_the_page_has_the_line_of_the_wall_and_what_is_not_proved() -> None:
    """The printed page has what visitors read, what is missing, and what is not proved."""
    line = "Von Ihnen wird <kein> Bild gespeichert."
    holds = as_page(proof(REFUSED), line, "de")
    assert holds.startswith("<!doctype html>")
    assert f'<h1 lang="de">{html.escape(line)}</h1>' in holds
    assert html.escape(NOT_PROVED) in holds
    lacks = as_page(proof(REFUSED, missing=(NOT_LAUNCHED,)), line, "de")
    assert "Nothing is proved" in lacks
    assert html.escape(str(NOT_LAUNCHED)) in lacks


def test_the_report_names_what_stays_open() -> None:
    """The report says that standard output, standard error and swap are not part of the proof."""
    assert "Standard output and error stay open" in NOT_PROVED
    assert "swap" in NOT_PROVED
    assert "each way out that is known" not in PROVED


def test_sentences_of_the_table_fit_a_terminal() -> None:
    """The rows of probes may be longer; all sentences are broken between words at 80 columns."""
    lacks = as_table(proof(REFUSED, missing=(NOT_LAUNCHED,)))
    assert all(len(line) <= 80 for line in lacks.splitlines())
    assert " ".join(NOT_PROVED.split()) in " ".join(lacks.split())
    assert " ".join(str(NOT_LAUNCHED).split()) in " ".join(lacks.split())
    assert lacks.splitlines()[-1].endswith("gaps."), "the result is what stays in the terminal"
