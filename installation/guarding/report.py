"""The proof in words: as a table, as JSON, and as a page for the wall."""

from __future__ import annotations

import html
import json
import os
from collections import Counter
from collections.abc import Mapping

from installation.guarding.host import NOT_PROVED, PROVED, Fact, facts
from installation.guarding.stage_two import Proof

BECAME = {
    "refused": "refused",
    "forbidden anyway": "FORBIDDEN ANYWAY",
    "got through": "GOT THROUGH",
    "not there": "not there",
}
HEAD = ("attempt", "how", "thread", "became of it", "layer", "error number")
GOOD = {True: "good", False: "NOT GOOD", None: "unknown"}


def as_json(proof: Proof) -> dict[str, object]:
    """Return the proof for a program; `absent` names what this machine does not have to try."""
    absent = {outcome.name for outcome in proof.outcomes if outcome.became == "not there"}
    return {
        "attempts": [each.as_json() for each in proof.outcomes if each.became != "not there"],
        "absent": sorted(absent),
        "facts": [fact.as_json() for fact in facts()],
        "missing": [str(mistake) for mistake in proof.missing],
        "proved": proved(proof),
        "not_proved": NOT_PROVED,
    }


def as_lines(said: Mapping[str, object]) -> str:
    """Return `said` as JSON with each item of a list on a line of its own.

    Where output is a file, a clerk lets only short lines pass.
    """

    def written(value: object) -> str:
        if not isinstance(value, list) or not value:
            return json.dumps(value, ensure_ascii=False)
        return ",\n".join(json.dumps(each, ensure_ascii=False) for each in value).join("[]")

    return ",\n".join(f"{json.dumps(key)}: {written(of)}" for key, of in said.items()).join("{}")


def proved(proof: Proof) -> str:
    """Return the sentence of what was proved."""
    return PROVED if proof.holds else "Nothing is proved: the guard does not hold on this machine."


def as_table(proof: Proof) -> str:
    """Return the proof for a terminal."""
    rows = [HEAD, *_rows(proof)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines += ["", "This machine:"]
    lines += [f"  {fact.name:<13}  {GOOD[fact.good]:<8}  {_told(fact)}" for fact in facts()]
    if proof.missing:
        lines += ["", "Missing:", *(f"  {mistake}" for mistake in proof.missing)]
    return "\n".join([*lines, "", proved(proof), NOT_PROVED])


def _rows(proof: Proof) -> list[tuple[str, ...]]:
    return [
        (
            outcome.name,
            outcome.how,
            outcome.thread,
            BECAME[outcome.became],
            outcome.layer or ("not told" if outcome.became == "refused" else ""),
            "" if outcome.error is None else f"{outcome.error} {os.strerror(outcome.error)}",
        )
        for outcome in proof.outcomes
    ]


def _told(fact: Fact) -> str:
    return fact.seen if fact.good else f"{fact.seen}. {fact.remedy}"


def as_page(proof: Proof, headline: str, language: str) -> str:
    """Return the proof as a page of HTML, to be printed, in English under a `headline`.

    That is what visitors read, in their `language`.
    """
    tries = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>"
        for row in _rows(proof)
    )
    machine = "\n".join(
        f"<li>{html.escape(f'{fact.name}: {GOOD[fact.good]}; {_told(fact)}')}</li>"
        for fact in facts()
    )
    missing = "\n".join(f"<li>{html.escape(str(mistake))}</li>" for mistake in proof.missing)
    became = Counter(outcome.became for outcome in proof.outcomes)
    tried = became["refused"] + became["got through"]
    head = "".join(f"<th>{cell}</th>" for cell in HEAD)
    return f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>What becomes of the pictures</title>
<style>
body {{ font: 11pt/1.4 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em }}
h1 {{ font-size: 24pt; line-height: 1.15 }}
table {{ border-collapse: collapse; font-size: 8pt; width: 100% }}
td, th {{ text-align: left; border-bottom: 1px solid #ccc; padding: 1pt 6pt 1pt 0 }}
</style>
<h1 lang="{language}">{html.escape(headline)}</h1>
<p>Tried in {proof.ways} ways on {proof.at:%Y-%m-%d} at {proof.at:%H:%M}, in two threads of the
program: {became["refused"]} of {tried} attempts were refused.</p>
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
{tries}
</table>
</html>"""
