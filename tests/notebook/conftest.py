"""A small report of a statistical lab."""

from __future__ import annotations

import pytest

from pilotlight.core.report import ClaimResult, ExhibitResult, MemberRow, Report


@pytest.fixture
def report() -> Report:
    """Two comparisons, three seeds, one claim, one exhibit; texts hold markup."""
    rows = [
        MemberRow(
            3 * side + k,
            name,
            1000 + k,
            {"momentum": 0.9 * side},
            curves={"epoch": [0.0, 1.0, 2.0], "test_accuracy": [0.1, 0.5 + side / 5, 0.6 + k / 50]},
            final={"test_accuracy": 0.6 + side / 5 + k / 50},
        )
        for side, name in enumerate(("plain", "heavy_ball"))
        for k in range(3)
    ]
    claim = ClaimResult(
        id="better",
        statement="Momentum is > plain <b>everywhere</b>.",
        verdict="supported",
        expected="supported",
        effect=0.2,
        interval=(0.15, 0.25),
        unit="accuracy",
        seeds=3,
        p=0.001,
        scope="digits",
        bound="at least 0.05",
        level=0.01,
        left="heavy_ball",
        right="plain",
        metric="test_accuracy",
    )
    return Report(
        lab="momentum",
        question="Is a < b & c?",
        text="",
        evidence=True,
        why_no_verdict=(),
        claims=(claim,),
        exhibits=(ExhibitResult("same", "Equal to torch.", True, 1e-15, 1e-12),),
        members=tuple(rows),
        run="runs/momentum-1",
        state="finished",
        seconds=2.0,
        versions={},
    )
