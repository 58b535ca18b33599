"""When does stopping early help, and when not?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Measured, Stopped
from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import log, switch, unit, whole
from pilotlight.data.mislabelled import mislabelled_digits
from pilotlight.engine.optim import adam
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.engine.steps import supervised
from pilotlight.nets.dense import mlp


def set_aside(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """The first quarter of the rows validates. It trains too, unless it is set aside."""
    rows, quarter = torch.arange(len(targets)), settings.rows // 4
    first = quarter if settings.set_aside else 0
    return {
        "train": rows[first : settings.rows],
        "validation": rows[:quarter],
        "test": rows[settings.rows :],
    }


def descend(x: Tensor, y: Tensor, rate: float, steps: int) -> Tensor:
    """Plain descent from 0 on |x w - y|^2 / 2; the weights after each step, [steps, inputs]."""
    w, path = torch.zeros(x.shape[1], *y.shape[1:], dtype=x.dtype), []
    for _ in range(steps):
        w = w - rate * x.T @ (x @ w - y)
        path.append(w)
    return torch.stack(path)


def table(rows: int, inputs: int) -> Tensor:
    """Inputs that differ in spread: by a factor of ten from the first column to the last."""
    draw = torch.Generator().manual_seed(0)
    spread = torch.logspace(0, -1, inputs, dtype=torch.float64)
    return torch.randn(rows, inputs, generator=draw, dtype=torch.float64) * spread


@exhibit(tolerance=1e-12)
def stopping_filters() -> tuple[float, dict[str, list[float]]]:
    """Stopped after t steps, a straight fit has learned each direction to 1 - (1 - rate * l)^t.

    l is what the inputs vary by in a direction: broad ones are learned first. Shown: how much of
    each is learned after 50 steps, and by a weight penalty of 1 / (50 * rate), trained to the end.
    """
    x, rate = table(30, 6), 0.02
    y = torch.randn(30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u, s, v = torch.linalg.svd(x, full_matrices=False)
    learned = 1 - (1 - rate * s**2) ** torch.arange(1, 501)[:, None]
    error = descend(x, y, rate, 500) - (learned / s * (y @ u)) @ v
    ridge = s**2 / (s**2 + 1 / (50 * rate))
    shown = {
        f"l = {size:.2f}: by stopping, by penalty": [round(float(share), 3) for share in shares]
        for size, *shares in zip(s**2, learned[49], ridge, strict=True)
    }
    return float(error.abs().max()), shown


@exhibit(tolerance=1e-12)
def best_moment() -> tuple[float, dict[str, int]]:
    """The more noise, the earlier the best moment; without noise it never comes.

    Error of a straight fit's weights after each step, the mean over noise of two values in each of
    ten targets: all 1,024 cases, against bias and variance in closed form.
    """
    x, rate, true = table(10, 4), 0.02, torch.ones(4, dtype=torch.float64)
    s, v = torch.linalg.svd(x, full_matrices=False)[1:]
    left = (1 - rate * s**2) ** torch.arange(1, 501)[:, None]
    signs = torch.tensor(list(product((-1.0, 1.0), repeat=10)), dtype=torch.float64).T
    errors, shown = [], {}
    for noise in (0.0, 0.5, 1.0, 2.0):
        path = descend(x, (x @ true)[:, None] + noise * signs, rate, 500)
        found = (path - true[:, None]).square().sum(1).mean(1)
        bias, variance = (left * (v @ true)) ** 2, (noise * (1 - left) / s) ** 2
        errors.append(found - (bias + variance).sum(1))
        shown[f"noise {noise:g}: best step of 500"] = int(found.argmin()) + 1
    return float(torch.stack(errors).abs().max()), shown


@exhibit(tolerance=0.0)
def lowest_point_handed_back() -> float:
    """What stopping hands back is the lowest point of the curve of a twin that does not stop."""
    members = make_members(lab, [0], {"epochs": 30}, ("stopped", "same_rows"))
    plan, material = make(lab, members, "cpu", "float64")
    curves: dict[int, list[float]] = {0: [], 1: []}
    stopped_at = kept = 0
    for event in run(replace(lab, exhibits=()), plan, material):
        if isinstance(event, Stopped):
            stopped_at, kept = event.step, event.best_step
        elif isinstance(event, Measured):
            for member, value in zip(event.members, event.values["validation_loss"], strict=True):
                curves[member].append(float(value or 0.0))
    handed_back, whole_curve = curves[0][-1], curves[1][:-1]
    steps = len(material.splits[0]["train"]) // members[0].settings.batch
    seen = whole_curve[: stopped_at // steps + 1]
    best = int(np.argmin(seen))
    waited = stopped_at - kept - members[0].settings.patience * steps
    return float(abs(handed_back - seen[best]) + abs(kept - best * steps) + abs(waited))


def going_back(curves: Mapping[str, Sequence[float]]) -> float:
    """Accuracy where the validation loss was lowest, less that where training stopped."""
    best = int(np.argmin(curves["validation_loss"]))
    return curves["test_accuracy"][best] - curves["test_accuracy"][-1]


PANELS = {"": "40 % of the labels are wrong", "right_": "All labels are right"}


def draw(report: Any, figure: Any) -> None:
    """Accuracy over epochs to the end; where stopping stopped, and what it handed back."""
    panels = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.12, top=0.92, wspace=0.06)
    for axes, (kind, title) in zip(panels, PANELS.items(), strict=True):
        axes.set(title=title, xlabel="epoch", ylim=(0, 1.02))
        for part, color in (("train", "#5a6472"), ("test", "#1f5fbf")):
            lines = [
                m.curves[f"{part}_accuracy"]
                for m in report.members
                if m.comparison == f"{kind}to_the_end" and m.curves and m.diverged_at is None
            ]
            for line in lines:
                axes.plot(line, color=color, lw=0.7, alpha=0.15)
            if lines and len(set(map(len, lines))) == 1:
                axes.plot(np.mean(np.array(lines), 0), color=color, lw=2.5)
        for m in report.members:
            if m.comparison == f"{kind}stopped" and m.best_step is not None:
                epoch = m.curves["epoch"][m.curves["step"].index(m.best_step)]
                axes.plot(epoch, m.final["test_accuracy"], "o", color="#c9540a", mec="white", ms=7)
    words = [(14, 0.96, "rows it trains on", "#5a6472"), (50, 0.48, "test digits", "#1f5fbf")]
    words.append((9, 0.41, "stopped here,\non fewer rows", "#c9540a"))
    for x, y, text, color in words:
        panels[0].text(x, y, text, color=color, fontsize=12)
    panels[0].set_ylabel("share of rows told right")


lab = Lab(
    area="foundations",
    week=1,
    systems=[8],
    needs=["mlp"],
    seconds=30,
    text="""
A network that trains long enough learns its rows by heart, mistakes and all. What is common to many
rows is learned first, and what is peculiar to one row later. So there may be a moment at which it
knows the first and not yet the second. To find it, set some rows aside, watch the loss on them, and
stop when it has not fallen for a while. Then go back to where it was lowest.

Here are 300 digits, of which 40 in 100 carry a wrong label, and the same ones with right labels.
The rows that are set aside cost something: the rival that never stops trains on all of them. So
stopping pays where there is something false to learn, and a network large enough to learn it.

In a straight fit all of this is exact. Stopping works much like a weight penalty, and without noise
there is nothing to stop for. See the exhibits.
""",
    data=mislabelled_digits,
    split=set_aside,
    model=lambda s: mlp(64, [s.width], 10),
    train=supervised(cross_entropy, parts=("train", "validation", "test")),
    optimizer=adam,
    settings=dict(
        rate=log(1e-5, 1, 0.01),
        wrong_labels=unit(0.4),
        rows=whole(40, 1200, 300),
        set_aside=switch(False),
        patience=whole(0, 100, 0),
        width=whole(1, 512, 128),
        batch=whole(1, 512, 75),
        epochs=whole(1, 500, 80),
    ),
    compare=dict(
        to_the_end={},
        stopped=dict(set_aside=True, patience=10),
        same_rows=dict(set_aside=True),
        stopped_late=dict(set_aside=True, patience=30),
        five_epochs=dict(epochs=5),
        tenth_to_the_end=dict(wrong_labels=0.1),
        tenth_stopped=dict(wrong_labels=0.1, set_aside=True, patience=10),
        right_to_the_end=dict(wrong_labels=0.0),
        right_stopped=dict(wrong_labels=0.0, set_aside=True, patience=10),
        right_same_rows=dict(wrong_labels=0.0, set_aside=True),
        small_to_the_end=dict(width=4),
        small_stopped=dict(width=4, set_aside=True, patience=10),
    ),
    seeds=24,
    quick=dict(epochs=20),
    metrics=dict(going_back=Metric(of=going_back)),
    claims=dict(
        helps=Claim(
            "With 40 % wrong labels, stopping early reads more digits, although on fewer rows.",
            "stopped",
            "to_the_end",
            at_least=0.1,
            expected=SUPPORTED,
        ),
        by_heart=Claim(
            "Trained to the end, the network knows its wrong labels by heart.",
            "to_the_end",
            metric="train_accuracy",
            at_least=0.95,
            expected=SUPPORTED,
            scope="40 % wrong labels; the share of training rows told as labelled",
        ),
        tenth=Claim(
            "With 10 % wrong labels it does so still.",
            "tenth_stopped",
            "tenth_to_the_end",
            at_least=0.01,
            expected=SUPPORTED,
        ),
        right=Claim(
            "Stopping early always pays: with right labels too.",
            "right_stopped",
            "right_to_the_end",
            at_least=0.005,
            expected=REFUTED,
        ),
        right_same_rows=Claim(
            "With right labels, and the same rows to train on, it makes no difference.",
            "right_stopped",
            "right_same_rows",
            within=0.02,
            expected=SUPPORTED,
        ),
        small=Claim(
            "Where labels are wrong it helps any network, also one of four hidden units.",
            "small_stopped",
            "small_to_the_end",
            at_least=0.05,
            expected=REFUTED,
            scope="40 % wrong labels, MLP 64-4-10, too small to learn its rows by heart",
        ),
        five_epochs=Claim(
            "Who knows when to stop sets no rows aside: five epochs on all rows do as well.",
            "five_epochs",
            "stopped",
            at_least=-0.01,
            expected=SUPPORTED,
            scope="40 % wrong labels; stopping took five epochs on other seeds",
        ),
        going_back=Claim(
            "Whoever waits for 30 epochs must also go back to where the loss was lowest.",
            "stopped_late",
            metric="going_back",
            at_least=0.05,
            expected=SUPPORTED,
            scope="40 % wrong labels",
        ),
    ),
    exhibits=[stopping_filters, best_moment, lowest_point_handed_back],
    effects=dict(
        rate=0.1,
        wrong_labels=0.2,
        rows=200,
        set_aside=True,
        patience=dict(patience=1, epochs=12, rate=0.1),
        width=32,
        batch=30,
        epochs=1,
    ),
    picture=draw,
    scope="300 digits 8x8, MLP 64-128-10, Adam at rate 0.01, one data set",
    wrong={
        "patience=10": "The rivals then watch the loss of rows that they train on. It falls until "
        "they know them by heart, so that they never stop.",
        "epochs=3": "Nobody has learned anything by heart yet: there is nothing to stop for.",
        "rate=1": "The steps are too long: accuracy stays near a guess.",
    },
    read_more=[
        "Prechelt 1998, Early stopping: but when?",
        "Arpit et al. 2017, A closer look at memorization in deep networks",
        "Ali, Kolter, Tibshirani 2019, A continuous-time view of early stopping for least squares",
    ],
)
