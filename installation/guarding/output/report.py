"""Formats the results of the self-test as a table, as JSON for programs, and as a page to print."""

from __future__ import annotations

import html
import json
import os
import textwrap
from collections import Counter
from collections.abc import Mapping

from installation.guarding.host import NOT_PROVED, PROVED, HostCheck, check_host
from installation.guarding.self_test import Proof

HEAD = ("probe", "call", "thread", "outcome", "layer", "error number")
OUTCOMES = {
    "refused": "refused",
    "denied anyway": "DENIED ANYWAY",
    "succeeded": "SUCCEEDED",
    "absent": "absent",
}
"""The outcomes in words, in capitals if the call exists and the sandbox did not refuse it."""
COLUMNS = 80
"""The largest number of characters in a line of text before or after the table of probes. Most
terminals have this width. The width of the reader's terminal is not known, because the output
passes a filter.
"""

STATES = {True: "good", False: "NOT GOOD", None: "unknown"}


def as_json(proof: Proof) -> dict[str, object]:
    """Return the proof as data for a program; `kiosk audit --json` prints it.

    The key `attempts` has the results of the probes. The key `absent` has the names of the probes
    whose call this machine does not have; they are not in `attempts`. The key `facts` has the
    checks of the machine.
    """
    absent = {result.name for result in proof.results if result.outcome == "absent"}
    return {
        "attempts": [each.as_json() for each in proof.results if each.outcome != "absent"],
        "absent": sorted(absent),
        "facts": [check.as_json() for check in check_host()],
        "missing": [str(mistake) for mistake in proof.missing],
        "proved": proved(proof),
        "not_proved": NOT_PROVED,
    }


def as_lines(report: Mapping[str, object]) -> str:
    """Return `report` as JSON, with each item of a list on a separate line.

    On one line, a long list could exceed `longest_line`, and the output filter would omit the line.
    """

    def dump(value: object) -> str:
        if not isinstance(value, list) or not value:
            return json.dumps(value, ensure_ascii=False)
        return ",\n".join(json.dumps(each, ensure_ascii=False) for each in value).join("[]")

    entries = (f"{json.dumps(key)}: {dump(value)}" for key, value in report.items())
    return ",\n".join(entries).join("{}")


def proved(proof: Proof) -> str:
    """Return the sentence that states what was proved."""
    return PROVED if proof.holds else "Nothing is proved: on this computer the sandbox has gaps."


def as_table(proof: Proof) -> str:
    """Return the proof as a table for a terminal."""
    rows = [HEAD, *_rows(proof)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines += ["", "This machine:"]
    for check in check_host():
        start = f"  {check.name:<13}  {STATES[check.good]:<8}  "
        lines.append(_wrapped(start + _finding(check), len(start)))
    if proof.missing:
        lines += ["", "Missing:", *(_wrapped(f"  {mistake}", 4) for mistake in proof.missing)]
    # The result comes last, because a hundred rows scroll the first lines out of the terminal.
    return "\n".join([*lines, "", _wrapped(NOT_PROVED), "", _wrapped(proved(proof))])


def _wrapped(text: str, indent: int = 0) -> str:
    """Return `text` in lines of at most `COLUMNS` characters.

    Each line after the first begins with `indent` spaces.
    """
    return textwrap.fill(
        text,
        COLUMNS,
        subsequent_indent=" " * indent,
        replace_whitespace=False,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _rows(proof: Proof) -> list[tuple[str, ...]]:
    return [
        (
            result.name,
            result.call,
            result.thread,
            OUTCOMES[result.outcome],
            result.layer or ("unknown" if result.outcome == "refused" else ""),
            "" if result.errno is None else f"{result.errno} {os.strerror(result.errno)}",
        )
        for result in proof.results
    ]


def _finding(check: HostCheck) -> str:
    return check.found if check.good else f"{check.found}. {check.remedy}"


def as_page(proof: Proof, headline: str, language: str) -> str:
    """Return the proof as a page of HTML to print, in English.

    `headline` is the sentence that visitors read on the screen; its language is `language`.
    """
    probes = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>"
        for row in _rows(proof)
    )
    machine = "\n".join(
        f"<li>{html.escape(f'{check.name}: {STATES[check.good]}; {_finding(check)}')}</li>"
        for check in check_host()
    )
    missing = "\n".join(f"<li>{html.escape(str(mistake))}</li>" for mistake in proof.missing)
    count = Counter(result.outcome for result in proof.results)
    tried = count["refused"] + count["succeeded"]
    head = "".join(f"<th>{cell}</th>" for cell in HEAD)
    return f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>What happens to the pictures</title>
<style>
body {{ font: 11pt/1.4 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em }}
h1 {{ font-size: 24pt; line-height: 1.15 }}
table {{ border-collapse: collapse; font-size: 8pt; width: 100% }}
td, th {{ text-align: left; border-bottom: 1px solid #ccc; padding: 1pt 6pt 1pt 0 }}
</style>
<h1 lang="{language}">{html.escape(headline)}</h1>
<p>On {proof.tested_at:%Y-%m-%d} at {proof.tested_at:%H:%M} this program tried
{proof.ways_tried} ways to store or send data, each in two of its threads:
{count["refused"]} of {tried} attempts were refused.</p>
<p>{html.escape(proved(proof))}</p>
<p>{html.escape(NOT_PROVED)}</p>
{f"<h2>Missing</h2><ul>{missing}</ul>" if missing else ""}
<h2>This computer</h2>
<ul>
{machine}
</ul>
<h2>Every attempt</h2>
<table>
<tr>{head}</tr>
{probes}
</table>
</html>"""
