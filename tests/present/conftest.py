"""Reports made by hand, one for each kind of run that a view must show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pilotlight.core.report import ClaimResult, ExhibitResult, MemberRow, Report

COMPARISONS = {
    "plain": {"momentum": 0.0, "rate": 0.01},
    "heavy_ball": {"momentum": 0.9, "rate": 0.01},
    "larger_step": {"momentum": 0.0, "rate": 0.1},
}
EPOCHS = 15
SCOPE = "digits 8x8, 1,078 rows for training, MLP 64-64-10"
HOSTILE = "<script>alert('x')</script> é ü 训练 & $x_1$"


def member(index: int, comparison: str, seed: int, diverges: bool) -> MemberRow:
    """A network whose accuracy rises to its comparison's level; one may diverge at epoch 6."""
    random = np.random.default_rng([seed, index])
    level, speed = {"plain": (0.75, 6), "heavy_ball": (0.95, 2.5), "larger_step": (0.945, 3)}[
        comparison
    ]
    epoch = np.arange(EPOCHS + 1.0)
    level += random.normal(0, 0.012)
    accuracy = 0.1 + (level - 0.1) * (1 - np.exp(-epoch / speed)) + random.normal(0, 0.008, 16)
    loss = 2.3 * np.exp(-epoch / speed) + 0.05 * np.exp(random.normal(0, 0.1, 16))
    curves: dict[str, list[float | None]] = {
        "validation_accuracy": [float(v) for v in accuracy],
        "train_loss": [float(v) for v in loss],
    }
    if diverges:
        curves = {k: [*v[:6], *([None] * 10)] for k, v in curves.items()}
        curves["train_loss"][5] = 3e7
    final = None if diverges else float(accuracy[-1] - 0.01)
    return MemberRow(
        index=index,
        comparison=comparison,
        seed=seed,
        settings=COMPARISONS[comparison] | {"batch": 64, "epochs": EPOCHS},
        curves={"epoch": [float(e) for e in epoch], **curves},
        final={"test_accuracy": final},
        diverged_at=102 if diverges else None,
    )


def claim(name: str, **changes: object) -> ClaimResult:
    """A supported comparison, with these fields changed."""
    usual = ClaimResult(
        id=name,
        statement="At a small rate, momentum ends more accurate.",
        verdict="supported",
        expected="supported",
        effect=0.2013,
        interval=(0.1521, 0.2505),
        unit="accuracy",
        seeds=5,
        p=0.00002,
        scope=SCOPE,
        bound="at least 0.05",
        test="paired t, Holm over 3 claims, level 0.01",
        level=0.01 / 3,
        left="heavy_ball",
        right="plain",
        metric="test_accuracy",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


CLAIMS = (
    claim("more-accurate"),
    claim(
        "like-a-larger-step",
        statement="Momentum does what a ten times larger step would do, and nothing else that "
        "shows in the accuracy after fifteen epochs on clean digits.",
        verdict="refuted",
        expected="undecided",
        effect=0.055,
        interval=(0.031, 0.079),
        p=0.004,
        bound="within ±0.02",
        right="larger_step",
        notes=("1 of 5 networks of larger_step diverged and counts as the worst seen.",),
    ),
    claim(
        "fewer-epochs",
        statement="It needs at most half the epochs.",
        verdict="undecided",
        expected="supported",
        effect=-3.4,
        interval=(-7.9, 1.1),
        unit="epochs",
        p=0.21,
        bound="at most -2",
        metric="epochs_to_90",
    ),
)
EXHIBITS = (
    ExhibitResult(
        "rates_on_a_quadratic",
        "The measured rate on a quadratic is the largest eigenvalue of the companion matrix.",
        True,
        3.1e-14,
        1e-9,
        {"eigenvalue": 0.9486833, "measured": 0.9486833, "curvatures": list(range(1, 41))},
    ),
    ExhibitResult("same_as_torch", "The update equals torch.optim.SGD.", True, 0.0, 1e-12),
)
ABOUT = {
    "plan": {
        "rule": 1,
        "device": "cpu",
        "dtype": "float32",
        "members": [],
        "cohorts": [
            {"members": list(range(15)), "stacked": True, "why": "equal shapes, trained together"}
        ],
    },
    "device": "cpu",
    "data": {"name": "digits", "rows": 1797, "classes": 10, "source": "scikit-learn"},
    "splits": [
        {
            "seed": 1000 + k,
            "rule": "holdout 60/20/20, by class",
            "hash": f"{k}f3a9c0d1e2b4a5968778695a4b3c2d1e0f",
            "train": 1078,
            "validation": 359,
            "test": 360,
        }
        for k in range(5)
    ],
    "energy": "unknown",
    "command": "pilotlight run momentum --seeds 5",
    "started": "2025-01-31 14:05",
    "scope": SCOPE,
}


@pytest.fixture(scope="session")
def statistical() -> Report:
    """Three comparisons, five seeds each; one network of larger_step diverges."""
    rows = [(c, 1000 + k) for c in COMPARISONS for k in range(5)]
    return Report(
        lab="momentum",
        question="Does momentum need fewer steps, and why?",
        text="A heavy ball keeps rolling.\n\nSo does `velocity`, the sum of past gradients.",
        evidence=True,
        why_no_verdict=(),
        claims=CLAIMS,
        exhibits=EXHIBITS,
        members=tuple(
            member(i, c, s, diverges=(c, s) == ("larger_step", 1002))
            for i, (c, s) in enumerate(rows)
        ),
        run="runs/momentum-20250131-8c1f",
        state="finished",
        seconds=3.72,
        versions={"pilotlight": "0.1.0", "torch": "2.13.0", "python": "3.11.2"},
        about=ABOUT,
        notes=("1 network diverged: larger_step, seed 1002, at step 102.",),
        script="import torch\n\nfor x, y in batches:\n    loss = model(x) < y  # a & b\n",
        read_more=(
            "Sutskever et al. (2013), On the importance of initialization and momentum: "
            "https://proceedings.mlr.press/v28/sutskever13.html",
        ),
        wrong={"rate=3": "Every step overshoots; watch the loss leave."},
    )


@pytest.fixture(scope="session")
def exact() -> Report:
    """No networks: four exhibits, one of them failed, one with an error that is not finite."""
    return Report(
        lab="convolution",
        question="What is a convolution as a matrix, its transpose, its inverse?",
        text="",
        evidence=True,
        why_no_verdict=(),
        claims=(),
        exhibits=(
            *EXHIBITS,
            ExhibitResult(
                "adjoint", "The transposed convolution is the adjoint.", False, 2e-3, 1e-6
            ),
            ExhibitResult("inverse", "It has a left inverse.", False, math.inf, 1e-6),
        ),
        members=(),
        run="runs/convolution-20250131-77aa",
        state="finished",
        seconds=0.2,
        versions={"pilotlight": "0.1.0"},
    )


@pytest.fixture(scope="session")
def exploring(statistical: Report) -> Report:
    """One seed and a changed setting: effects without verdicts, intervals or p."""
    return replace(
        statistical,
        evidence=False,
        why_no_verdict=("1 seed instead of 12", "rate was changed to 0.02"),
        claims=tuple(
            replace(c, verdict=None, interval=None, p=None, level=None, seeds=1) for c in CLAIMS
        ),
        members=tuple(m for m in statistical.members if m.seed == 1000),
        about={},
    )


@pytest.fixture(scope="session")
def stopped(statistical: Report) -> Report:
    """Ended by a person after five evaluations; nothing is final, no claim has an effect."""
    rows = tuple(
        replace(m, curves={k: v[:5] for k, v in m.curves.items()}, final={}, diverged_at=None)
        for m in statistical.members
    )
    claims = tuple(
        replace(c, verdict=None, effect=None, interval=None, p=None, level=None) for c in CLAIMS
    )
    return replace(
        statistical,
        state="stopped",
        evidence=False,
        why_no_verdict=("the run was stopped",),
        members=rows,
        claims=claims,
    )


@pytest.fixture(scope="session")
def hostile(statistical: Report) -> Report:
    """Every text holds markup, accents, another script and a dollar sign."""
    rows = tuple(replace(m, comparison=f"{m.comparison} {HOSTILE}") for m in statistical.members)
    return replace(
        statistical,
        lab="hostile",
        question=HOSTILE,
        text=HOSTILE,
        claims=tuple(replace(c, statement=HOSTILE, scope=HOSTILE, unit=HOSTILE) for c in CLAIMS),
        exhibits=tuple(replace(e, statement=HOSTILE, values={HOSTILE: HOSTILE}) for e in EXHIBITS),
        members=rows,
        notes=(HOSTILE,),
        script=HOSTILE + "</code></pre><script>alert(2)</script>",
        read_more=(HOSTILE, "javascript:alert(1)"),
        wrong={HOSTILE: HOSTILE},
        about=ABOUT | {"data": {"name": HOSTILE}, "command": HOSTILE, "scope": HOSTILE},
        versions={HOSTILE: HOSTILE},
    )
