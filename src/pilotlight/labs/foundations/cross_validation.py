"""How much steadier are k folds than one holdout, and what does a leak do?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_diabetes
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, switch, whole
from pilotlight.data.bundled import read_digits
from pilotlight.data.table import Data
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training

Array = npt.NDArray[np.float64]
Curves = Mapping[str, Sequence[float]]
COLUMNS, BEST = 5000, 20
"""Of so many columns of noise, or of 64 pixels, so many are chosen."""
FRESH = {"digits": 1000, "noise": 200}
"""Rows that nobody trains on: they tell how good the final model really is."""
NOISE = dict(task="noise", prepare="select", rows=100, batch=20)
SHOWN = {  # comparison -> words in the picture
    "noise_before": "20 of 5,000 noise columns,\nchosen before the split",
    "noise_inside": "inside each fold",
    "copies_apart": "near copies in\ndifferent folds",
    "copies_together": "in the same fold",
    "pixels_before": "20 of 64 pixels,\nchosen before the split",
    "pixels_inside": "inside each fold",
    "scale_before": "scaled before the split",
    "scale_inside": "inside each fold",
}


def dealt(classes: Tensor, folds: int, chance: torch.Generator) -> Tensor:
    """The fold of each row [R]: shuffled, sorted by class, then dealt like cards."""
    order = torch.randperm(len(classes), generator=chance)
    order = order[torch.argsort(classes[order], stable=True)]
    fold = torch.empty(len(classes), dtype=torch.int64)
    fold[order] = torch.arange(len(classes)) % folds
    return fold


def scaled(x: Tensor, own: Tensor, classes: Tensor) -> Tensor:
    """Columns with mean 0 and standard deviation 1 over the rows `own`."""
    spread = own.std(0, correction=0)
    return (x - own.mean(0)) / torch.where(spread > 0, spread, 1.0)


def selected(x: Tensor, own: Tensor, classes: Tensor) -> Tensor:
    """The 20 columns that tell most about the classes of the rows `own`: variance explained."""
    members = nn.functional.one_hot(classes).to(x)
    counts = members.sum(0).clamp(min=1)[:, None]
    between = (counts * (members.T @ own / counts - own.mean(0)).square()).sum(0)
    explained = between / (len(own) * own.var(0, correction=0)).clamp(min=1e-9)
    return x[:, explained.topk(BEST).indices]


def prepared(x: Tensor, classes: Tensor, fold: Tensor, settings: Any) -> Tensor:
    """Each row as each of the k + 1 models sees it: [R, k + 1, F]; [R, 1, F] if all see the same.

    What a model's preparation needs to know it learns from the rows that the model trains on, or
    with `before`, which is the leak, from all rows of the table before they are split.
    """
    if settings.prepare == "nothing":
        return x[:, None]
    rule = scaled if settings.prepare == "scale" else selected
    views = []
    for model in range(settings.folds + 1):
        own = fold < settings.folds
        if not settings.before:
            own = own & (fold != model)
        views.append(rule(x, x[own], classes[own]))
    return torch.stack(views, 1)


def table(settings: Any, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """A small table and fresh rows [R, k + 1 or 1, F]; targets [R, 2]: class, and fold.

    Fresh rows have fold k: the last model, which trains on the whole small table, answers them.
    """
    count, fresh = settings.rows, FRESH[settings.task]
    if settings.task == "noise":  # columns that have nothing to do with the classes
        x = torch.randn(count + fresh, COLUMNS, generator=chance)
        classes = torch.arange(count + fresh) % 2
    else:
        pixels, digit = read_digits()
        chosen = torch.randperm(len(digit), generator=chance)[: count + fresh]
        x, classes = pixels[chosen], digit[chosen]
    fold = torch.full((count + fresh,), settings.folds)
    fold[:count] = dealt(classes[:count], settings.folds, chance)
    if settings.copies != "none":  # the second half of the small table: the first, hardly changed
        half = count // 2
        x[half : 2 * half] = x[:half] + 0.05 * torch.randn(half, x.shape[1], generator=chance)
        classes[half : 2 * half] = classes[:half]
        fold[:count] = dealt(classes[:count], settings.folds, chance)
        if settings.copies == "together":
            fold[half : 2 * half] = fold[:half] = dealt(classes[:half], settings.folds, chance)
    return prepared(x, classes, fold, settings), torch.stack([classes, fold], 1)


def parts(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """The small table trains; its first `asked` folds are held out in turn; fresh rows test."""
    fold = targets[:, 1]
    wanted = dict(
        train=fold < settings.folds, held_out=fold < settings.asked, test=fold == settings.folds
    )
    return {part: rows.nonzero().squeeze(1) for part, rows in wanted.items()}


class Models(nn.Module):
    """k + 1 linear models side by side, as train together: [B, k + 1 or 1, F] -> [k + 1, B, C]."""

    def __init__(self, models: int, inputs: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(models, inputs, classes))
        self.bias = nn.Parameter(torch.zeros(models, 1, classes))

    def forward(self, x: Tensor) -> Tensor:
        """One set of scores from each model."""
        return x.transpose(0, 1) @ self.weight + self.bias


def network(settings: Any) -> nn.Module:
    """Softmax regression, k + 1 times."""
    inputs = {"digits": 64, "noise": COLUMNS}[settings.task]
    inputs = BEST if settings.prepare == "select" else inputs
    return Models(settings.folds + 1, inputs, 10 if settings.task == "digits" else 2)


def fit(model: Any, batch: Any, settings: Any, state: dict[str, Any]) -> Any:
    """Every model learns from all rows but those of its own fold."""
    scores, (classes, fold) = model(batch.inputs), batch.targets.unbind(1)
    every = classes.expand(len(scores), -1)
    losses = cross_entropy(scores.flatten(0, 1), every.flatten(), reduction="none")
    taught = fold != torch.arange(len(scores), device=fold.device)[:, None]
    shares = taught / taught.sum(1, keepdim=True).clamp(min=1)
    return (losses.view_as(shares) * shares).sum(), {}, state


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Whether a row is told right by the model that has never seen it."""
    classes, fold = batch.targets.unbind(1)
    answers = model(batch.inputs).argmax(2)
    return {"accuracy": (answers.gather(0, fold[None])[0] == classes).to(batch.inputs)}


def optimism(curves: Curves) -> float:
    """How much the held-out rows promise above what fresh rows give."""
    return curves["held_out_accuracy"][-1] - curves["test_accuracy"][-1]


def squared(curves: Curves) -> float:
    """The squared error of the estimate in powers of ten; less than 0.1 points counts as that."""
    return float(np.log10(max(abs(optimism(curves)), 1e-3) ** 2))


def left_out(residuals: Array, leverage: Array) -> Array:
    """Errors on rows that were left out, from a fit on all rows; Allen 1974, "PRESS"."""
    return residuals / (1 - leverage)


@exhibit(tolerance=1e-12)
def left_out_without_refitting() -> tuple[float, dict[str, float]]:
    """A ridge fit tells all 442 leave-one-out errors: residual / (1 - leverage); refits agree."""
    x, y = load_diabetes(return_X_y=True)
    x, y = np.hstack([x / x.std(0), np.ones((len(x), 1))]), (y - y.mean()) / y.std()
    penalty = np.diag([10.0] * (x.shape[1] - 1) + [0.0])
    residuals = y - x @ np.linalg.solve(x.T @ x + penalty, x.T @ y)
    leverage = np.einsum("ri,ij,rj->r", x, np.linalg.inv(x.T @ x + penalty), x)
    short = left_out(residuals, leverage)
    refitted = np.empty_like(y)
    for row in range(len(x)):
        a, b = np.delete(x, row, 0), np.delete(y, row)
        refitted[row] = y[row] - x[row] @ np.linalg.solve(a.T @ a + penalty, a.T @ b)
    return float(abs(short - refitted).max()), {
        "mean squared error on the rows trained on": float((residuals**2).mean()),
        "mean squared error, each row left out in turn": float((short**2).mean()),
    }


@exhibit(tolerance=0)
def nothing_seen() -> tuple[float, dict[str, float]]:
    """Other held-out rows leave a model's own rows as they were; with the leak they change."""
    x, classes = (t[:60] for t in read_digits())
    fold = torch.arange(60) % 3
    worst = {}
    for prepare, before in product(("scale", "select"), (False, True)):
        settings = SimpleNamespace(folds=2, prepare=prepare, before=before)
        kept, moved = prepared(x, classes, fold, settings), 0.0
        for model in range(3):
            held_out = (fold == model)[:, None]
            other = prepared(torch.where(held_out, x.flip(1), x), classes, fold, settings)
            moved = max(moved, float((other - kept)[fold != model, model].abs().max()))
        worst[prepare, before] = moved
    return max(worst["scale", False], worst["select", False]), {
        f"{prepare} before the split: largest change": worst[prepare, True]
        for prepare in ("scale", "select")
    }


def draw(report: Any, figure: Any) -> None:
    """Left: how far estimates are off. Right: what was promised and what came, with each leak."""
    told: dict[str, list[tuple[float, float]]] = {}
    for member in report.members:
        promised, came = (member.final.get(f"{part}_accuracy") for part in ("held_out", "test"))
        if promised is not None:
            told.setdefault(member.comparison, []).append((100 * promised, 100 * came))
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    figure.subplots_adjust(left=0.05, right=0.94, bottom=0.13, top=0.89, wspace=0.62)
    kinds: list[str] = [name for name in ("holdout", "two_folds", "five_folds") if name in told]
    for column, name in enumerate(kinds):
        off = np.sort(-np.diff(told[name])[:, 0])
        across = column + 0.3 * np.sin(2.4 * np.arange(len(off)))  # so that dots do not hide
        left.plot(across, off, "o", ms=4, alpha=0.45, mew=0, color="#1f5fbf")
        left.plot([column - 0.4, column + 0.4], [off.mean()] * 2, color="#1d2430", lw=2)
        words = f"variance\n{off.var():.0f}"
        left.text(column, 14.5, words, ha="center", color="#1f5fbf", weight="bold")
    left.axhline(0, color="#5a6472", lw=0.8)
    left.set(ylim=(-18, 18), xlim=(-0.6, 2.6))
    left.set_xticks(range(len(kinds)), [name.replace("_", " ") for name in kinds])
    left.set_title("Promised minus came (points)", weight="bold")
    for place, name in enumerate(reversed(SHOWN)):
        if name in told:
            promised, came = np.mean(told[name], 0)
            color = "#c9540a" if promised - came > 1.5 else "#1f5fbf"
            right.plot([came, promised], [place] * 2, color=color, lw=2)
            right.plot(came, place, "o", color=color, ms=9, mfc="white", mew=2)
            right.plot(promised, place, "o", color=color, ms=7)
            right.text(101, place, f"{promised - came:+.0f}", va="center", color=color)
    right.set(xlim=(42, 100), ylim=(-0.6, len(SHOWN) - 0.4), xlabel="percent right")
    right.set_yticks(range(len(SHOWN)), reversed(SHOWN.values()))
    right.grid(axis="x")
    right.set_title("Leaks: \u25cf promised, \u25cb came", weight="bold")


lab = Lab(
    area="foundations",
    week=1,
    systems=[7],
    needs=["minibatch"],
    seconds=30,
    text="""
How good will this model be on rows that nobody has seen? Hold a fifth of the rows back and ask it.
With 200 rows that is forty questions, so the answer depends on which forty. With five folds each
fifth is held back in turn: every row is asked once, by a model that never saw it. Two hundred
questions have a fifth of one holdout's variance, if the five scores hardly hang together. Two folds
are as cheap as two holdouts, but their models learn from half the rows and look too bad.

All this holds if nothing of the held-out rows leaks. We build three leaks. Choose the twenty best
of 5,000 columns on the whole table, and then split: pure noise now promises nine rows of ten right.
Let copies of a picture lie in different folds. Scale the columns by the whole table's mean and
spread. The first two are the usual way to fool oneself. The third is often named with them. See
what it does here.

Three parts have three duties: train, choose, and at the very end test. You can stop here.
""",
    data=Data("digits 8x8, or noise", table, per_seed=True),
    split=parts,
    model=network,
    train=Training(phases=[Phase(fit)], evaluate=evaluate, parts=("held_out", "test")),
    optimizer=adam,
    seeds=100,
    settings=dict(
        rate=log(1e-4, 1, 0.02),
        rows=whole(20, 797, 200),
        folds=whole(2, 20, 5),
        asked=whole(1, 20, 5),
        task=choice("digits", "noise"),
        prepare=choice("nothing", "scale", "select"),
        before=switch(False),
        copies=choice("none", "apart", "together"),
        batch=whole(1, 797, 40),
        epochs=whole(1, 100, 10),
    ),
    compare=dict(
        holdout=dict(asked=1),
        two_folds=dict(folds=2, asked=2),
        five_folds={},
        noise_before=dict(NOISE, before=True),
        noise_inside=NOISE,
        pixels_before=dict(prepare="select", before=True),
        pixels_inside=dict(prepare="select"),
        scale_before=dict(prepare="scale", before=True),
        scale_inside=dict(prepare="scale"),
        copies_apart=dict(copies="apart"),
        copies_together=dict(copies="together"),
    ),
    quick=dict(epochs=3),
    metrics=dict(
        held_out_accuracy=Metric(),
        log_squared_error=Metric(unit="powers of ten", better="lower", of=squared),
        optimism=Metric(better="lower", of=optimism),
    ),
    claims=dict(
        variance=Claim(
            "The estimate of five folds has less than two thirds of a holdout's squared error.",
            "five_folds",
            "holdout",
            "log_squared_error",
            at_most=-0.2,
            expected=SUPPORTED,
        ),
        two=Claim(
            "Two folds promise less than five: their models have half the rows to learn from.",
            "two_folds",
            "five_folds",
            "optimism",
            at_most=-0.005,
            expected=SUPPORTED,
        ),
        selection=Claim(
            "Columns of noise chosen before the split promise much that does not come.",
            "noise_before",
            "noise_inside",
            "optimism",
            at_least=0.2,
            expected=SUPPORTED,
        ),
        chance=Claim(
            "Chosen inside each fold, noise stays at chance.",
            "noise_inside",
            metric="held_out_accuracy",
            at_most=0.55,
            expected=SUPPORTED,
            scope="two classes; chance is 0.5",
        ),
        few_columns=Claim(
            "The same leak with 20 of 64 telling pixels adds less than three points.",
            "pixels_before",
            "pixels_inside",
            "optimism",
            within=0.03,
            expected=SUPPORTED,
        ),
        scaler=Claim(
            "A scaler fitted before the split flatters the estimate.",
            "scale_before",
            "scale_inside",
            "optimism",
            at_least=0.01,
            expected=REFUTED,
        ),
        copies=Claim(
            "Near copies in different folds flatter the estimate.",
            "copies_apart",
            "copies_together",
            "optimism",
            at_least=0.03,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[left_out_without_refitting, nothing_seen],
    picture=draw,
    effects=dict(
        rate=0.1,
        rows=100,
        folds=4,
        asked=2,
        task="noise",
        prepare="scale",
        before=True,
        copies="apart",
        batch=20,
        epochs=1,
    ),
    scope="digits 8x8 and pure noise, 200 rows (noise 100), softmax regression",
    wrong={
        "rows=40": "Eight questions for a holdout: it is off by 16 points, five folds by nine.",
        "copies=apart": "Each row has a near copy somewhere: every estimate promises too much.",
    },
    read_more=[
        "Stone 1974, Cross-validatory choice and assessment of statistical predictions",
        "Ambroise, McLachlan 2002, Selection bias in gene extraction",
        "Bengio, Grandvalet 2004, No unbiased estimator of the variance of k-fold cross-validation",
    ],
)
