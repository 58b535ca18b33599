"""Reports: what views read. A finished run, a live one and one copied home look the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pilotlight.core.event import plain


@dataclass(frozen=True)
class ClaimResult:
    """What a run says about one claim.

    `verdict` is None in a run for exploring. `effect` and `interval` are in `unit`; both are None
    where they cannot be computed. `p` is corrected for the number of the lab's claims, as the
    interval is; `p_alone` is not. `test` names the method, `level` its corrected level, `notes`
    say what a reader must know (diverged networks counted as worst, ...).
    """

    id: str
    statement: str
    verdict: str | None
    expected: str | None
    effect: float | None
    interval: tuple[float, float] | None
    unit: str
    seeds: int
    p: float | None
    scope: str
    bound: str = ""  # "at least X", "at most X" or "within ±X"
    test: str = ""
    level: float | None = None
    p_alone: float | None = None
    notes: tuple[str, ...] = ()
    left: str = ""
    right: str | None = None
    metric: str = ""

    def to_json(self) -> dict[str, Any]:
        """The documented fields, in order."""
        names = (
            "id",
            "statement",
            "verdict",
            "expected",
            "effect",
            "interval",
            "unit",
            "seeds",
            "p",
            "scope",
        )
        return {n: plain(getattr(self, n)) for n in names}


@dataclass(frozen=True)
class ExhibitResult:
    """What an exact demonstration showed: its error against the oracle, and values to look at."""

    id: str
    statement: str
    passed: bool
    error: float
    tolerance: float
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The documented fields, in order."""
        return {n: plain(getattr(self, n)) for n in ("id", "passed", "error", "tolerance")}


@dataclass(frozen=True)
class MemberRow:
    """One network of a run, as views know it. `curves[metric]` runs along `curves["epoch"]`.

    `probes[step][probe][layer]` holds what was probed after `step` steps (as text, for JSON).
    `snapshots` are in order: each has "step", "epoch" and, by name, what the lab keeps to draw.
    """

    index: int
    comparison: str
    seed: int
    settings: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    final: Mapping[str, float | None] = field(default_factory=dict)
    diverged_at: int | None = None
    stopped_at: int | None = None
    best_step: int | None = None
    probes: Mapping[str, Mapping[str, Mapping[str, float | None]]] = field(default_factory=dict)
    snapshots: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Report:
    """Everything a view shows of one run of one lab.

    `state` is "finished", "running" or "stopped" (resumable). `why_no_verdict` says why a run is
    for exploring. `about` holds what was recorded beside: plan, device, data, splits, versions.
    """

    lab: str
    question: str
    text: str
    evidence: bool
    why_no_verdict: tuple[str, ...]
    claims: tuple[ClaimResult, ...]
    exhibits: tuple[ExhibitResult, ...]
    members: tuple[MemberRow, ...]
    run: str
    state: str
    seconds: float
    versions: Mapping[str, str]
    about: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    script: str = ""
    read_more: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def comparisons(self) -> tuple[str, ...]:
        """The comparisons that ran, in the lab's order."""
        return tuple(dict.fromkeys(m.comparison for m in self.members))

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that were measured along the way."""
        return tuple(
            dict.fromkeys(k for m in self.members for k in m.curves if k not in ("epoch", "step"))
        )

    @property
    def verdicts(self) -> dict[str, str | None]:
        """Claim id to verdict."""
        return {c.id: c.verdict for c in self.claims}

    @property
    def history(self) -> dict[str, dict[str, list[list[float | None]]]]:
        """metric -> comparison -> one curve per seed."""
        return {
            metric: {
                c: [
                    list(m.curves[metric])
                    for m in self.members
                    if m.comparison == c and metric in m.curves
                ]
                for c in self.comparisons
            }
            for metric in ("epoch", *self.metrics)
        }

    def to_json(self) -> dict[str, Any]:
        """The documented summary of a run; what does not apply is null, never NaN."""
        return {
            "lab": self.lab,
            "evidence": self.evidence,
            "claims": [c.to_json() for c in self.claims],
            "exhibits": [e.to_json() for e in self.exhibits],
            "run": self.run,
            "seconds": round(self.seconds, 2),
            "members": len(self.members),
            "versions": dict(self.versions),
        }
