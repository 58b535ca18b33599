"""`diagnose`: what is wrong with a training, in words."""

from __future__ import annotations

from pilotlight.cli.codes import FINE, NOT_AS_EXPECTED
from pilotlight.cli.text import emit, table, tell
from pilotlight.measure.diagnosis import Finding


def show_diagnosis(run: str, as_json: bool) -> int:
    """Print the findings; any of them is not as expected."""
    from pilotlight.app.diagnosing import findings

    found, looked = findings(run)
    if as_json:
        emit({"findings": [f.to_json() for f in found], "rows_compared": looked})
    elif found:
        print(table([row for finding in found for row in _rows(finding)], indent=""))
    else:
        print("Nothing is wrong that can be seen from here.")
    if not looked:
        tell("The rows are not at hand, so training and held-out rows could not be compared.")
    return NOT_AS_EXPECTED if found else FINE


def _rows(finding: Finding) -> list[tuple[str, str]]:
    """What was seen beside the comparison; below it what that means and what to try."""
    many = f", in {finding.networks} of {finding.of} networks" if finding.of > 1 else ""
    return [
        (finding.comparison, f"{finding.code}: {finding.evidence}{many}."),
        ("", finding.means),
        ("", f"Try: {finding.try_this}"),
    ]
