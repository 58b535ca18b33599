"""What `verify` says of several labs together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pilotlight.core.report import Report
from pilotlight.measure.holm import holm

LEVEL = 0.01


def summaries(
    verified: Sequence[tuple[Report, bool]], *, family: bool = False
) -> list[dict[str, Any]]:
    """The documented summary of each run, and whether it came out as expected.

    With `family` each claim also has "p_family": corrected over all claims of all these labs, as
    information; a verdict is that of its own lab.
    """
    listed = [report.to_json() | {"as_expected": good} for report, good in verified]
    if family:
        corrected = iter(_over_all(report for report, _ in verified))
        for summary in listed:
            for claim in summary["claims"]:
                claim["p_family"] = next(corrected)
    return listed


def _over_all(reports: Iterable[Report]) -> list[float | None]:
    alone = [claim.p_alone for report in reports for claim in report.claims]
    corrected, _ = holm([1.0 if p is None else p for p in alone], LEVEL)
    return [None if p is None else c for p, c in zip(alone, corrected, strict=True)]
