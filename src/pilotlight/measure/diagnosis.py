"""From symptoms to findings: what is wrong with a training, what it means, what to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pilotlight.core.report import MemberRow, Report
from pilotlight.measure import symptoms
from pilotlight.measure.symptoms import Context

FEW_SEEDS = 5
"""Fewer networks of a comparison tell little about the next one."""
HALF = 0.5
"""A comparison has an illness that at least this share of its networks shows."""
LEAKING = 0.01
"""Share of held-out rows that may also be training rows before it is said."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong in one comparison: what was seen, what it means, what to try.

    `code` is stable. `networks` of `of` networks show it; `evidence` is of one of them.
    """

    code: str
    comparison: str
    evidence: str
    means: str
    try_this: str
    networks: int = 0
    of: int = 0

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


@dataclass(frozen=True)
class Illness:
    """A symptom of single networks, with what to say about it."""

    code: str
    symptom: Callable[[MemberRow, Context], str]
    means: str
    try_this: str
    share: float = HALF


ILLNESSES = (
    Illness(
        "diverged",
        symptoms.diverged,
        "A step was so long that the numbers left the range a computer can hold.",
        "A rate three to ten times smaller, or clipping of the gradient.",
        share=0.0,
    ),
    Illness(
        "rate-too-high",
        symptoms.rate_too_high,
        "Steps jump over the valley instead of going down into it.",
        "A rate three times smaller, then again. Momentum multiplies the step: lower it too.",
    ),
    Illness(
        "vanishing-gradient",
        symptoms.vanishing_gradient,
        "The first layers hear almost nothing of the error, so they hardly change.",
        "He's initialization for ReLU and Xavier's for tanh, skip connections, or batch norm.",
    ),
    Illness(
        "exploding-gradient",
        symptoms.exploding_gradient,
        "The first layers hear the error many times too loud, so their steps are too long.",
        "Smaller first weights, a normalization layer, or clipping of the gradient.",
    ),
    Illness(
        "dead-units",
        symptoms.dead_units,
        "A ReLU that is 0 for every row has no gradient. It stays 0 for good.",
        "A smaller rate, first biases of 0, or leaky ReLUs.",
    ),
    Illness(
        "not-learning",
        symptoms.not_learning,
        "The network ends as it began.",
        "A rate ten times larger. If that does not help: can it fit ten rows alone? If not, look "
        "at the loss, the targets, and whether the parameters are given to the optimizer.",
    ),
    Illness(
        "rate-too-low",
        symptoms.rate_too_low,
        "Training was stopped on its way down.",
        "A rate three times larger, or more epochs.",
    ),
    Illness(
        "overfitting",
        symptoms.overfitting,
        "From then on it learned the training rows by heart.",
        "Early stopping, weight decay, dropout, a smaller network, or more rows.",
    ),
    Illness(
        "held-out-better",
        symptoms.better_on_held_out,
        "Rows that were not trained on are easier here: the training rows have noisy labels or "
        "are augmented, the parts were not drawn from the same rows, or they share rows.",
        "Look at what differs between the parts. Measure both without noise and augmentation.",
    ),
)


def diagnose(report: Report, shared_rows: Mapping[str, float] | None = None) -> list[Finding]:
    """What is wrong with a run's trainings, the gravest first; empty for healthy ones.

    Args:
        report: of any run, finished or not.
        shared_rows: comparison -> share of its held-out rows that are training rows too.
    """
    context = context_of(report)
    found: list[Finding] = []
    for comparison in report.comparisons:
        own = [m for m in report.members if m.comparison == comparison]
        found += _leak(comparison, own, (shared_rows or {}).get(comparison, 0.0))
        found += _explained([f for i in ILLNESSES if (f := _shown(i, comparison, own, context))])
    return found + _few_seeds(report)


def context_of(report: Report) -> Context:
    """Numbers of rows (of the split with the fewest) and of classes, as the run recorded them."""
    rows: dict[str, int] = {}
    for split in report.about.get("splits") or ():
        for part, count in split.items():
            if part not in ("seed", "rule", "hash"):
                rows[part] = min(count, rows.get(part, count))
    return Context(rows, (report.about.get("data") or {}).get("classes"))


def _shown(
    illness: Illness, comparison: str, own: Sequence[MemberRow], context: Context
) -> Finding | None:
    evidence = [words for member in own if (words := illness.symptom(member, context))]
    if not evidence or len(evidence) < illness.share * len(own):
        return None
    middle = evidence[len(evidence) // 2]
    return Finding(
        illness.code,
        comparison,
        middle,
        illness.means,
        illness.try_this,
        len(evidence),
        len(own),
    )


def _explained(found: list[Finding]) -> list[Finding]:
    """Without what another finding explains: who cannot hear the error is not slow besides."""
    codes = {f.code for f in found}
    causes = {"vanishing-gradient", "dead-units", "exploding-gradient", "rate-too-high"}
    follows = {"not-learning", "rate-too-low"} if codes & causes else set()
    if "not-learning" in codes:
        follows |= {"rate-too-low"}
    return [f for f in found if f.code not in follows]


def _leak(comparison: str, own: Sequence[MemberRow], share: float) -> list[Finding]:
    if share <= LEAKING:
        return []
    return [
        Finding(
            "leak",
            comparison,
            f"{100 * share:.0f} % of the held-out rows are training rows too",
            "The network may know their answers by heart, so its score is too good.",
            "Remove duplicates before the split, or keep rows that belong together in one part.",
            len(own),
            len(own),
        )
    ]


def _few_seeds(report: Report) -> list[Finding]:
    counts = {c: sum(m.comparison == c for m in report.members) for c in report.comparisons}
    few = {c: n for c, n in counts.items() if n < FEW_SEEDS}
    if not few:
        return []
    least = min(few.values())
    return [
        Finding(
            "few-seeds",
            ", ".join(few),
            f"{least} network{'s' if least > 1 else ''} of each",
            "Another seed may end elsewhere, and nobody can say how far.",
            f"--seeds 12. Fewer than {FEW_SEEDS} do not show the spread.",
            least,
            least,
        )
    ]
