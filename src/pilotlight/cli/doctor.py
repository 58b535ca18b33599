"""`doctor`: what this machine has, in plain words."""

from __future__ import annotations

from pilotlight.app.doctor import Finding, examine
from pilotlight.cli.codes import FINE, NOT_AS_EXPECTED
from pilotlight.cli.text import emit, table

MARKS = {"ok": "", "warn": "look:", "problem": "problem:"}


def show_findings(as_json: bool) -> int:
    """Print the findings; a problem is not as expected."""
    findings = examine()
    if as_json:
        emit(findings.to_json())
    else:
        print(table([row for finding in findings.items for row in _rows(finding)], indent=""))
    return NOT_AS_EXPECTED if findings.level == "problem" else FINE


def _rows(finding: Finding) -> list[tuple[str, str]]:
    """What was found beside its topic; below it what that means and what to do."""
    below = [f"{MARKS[finding.level]} {finding.means}".strip()]
    if finding.do:
        below.append(f"To do: {finding.do}")
    return [(finding.topic, finding.found), *(("", line) for line in below)]
