"""What do L2 and L1 do to the weights and to the error?"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Lasso, Ridge
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, softshrink

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import linear, log, switch, unit, whole
from pilotlight.data.mislabelled import first_rows_train, mislabelled_digits
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.dense import mlp


def weights_of(model: nn.Module) -> list[Tensor]:
    """All weights. Biases are no part of it: they only shift, so nobody fears them large."""
    return [p for p in model.parameters() if p.dim() > 1]


def penalty(model: nn.Module, settings: Any) -> Tensor:
    """l2 / 2 * the sum of squares and, unless there is a proximal step, l1 * the sum of sizes."""
    squares = [w.square().sum() for w in weights_of(model)]
    squares += [settings.biases * b.square().sum() for b in model.parameters() if b.dim() == 1]
    sizes = [(1 - 1.0 * settings.proximal) * w.abs().sum() for w in weights_of(model)]
    total: Tensor = settings.l2 / 2 * sum(squares) + settings.l1 * sum(sizes)
    return total


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """The loss of a batch, and the penalty."""
    return cross_entropy(model(batch.inputs), batch.targets) + penalty(model, settings), {}, state


def soft(w: Tensor, by: Any) -> Tensor:
    """Each number nearer to 0 by so much, and no further than 0: the soft threshold."""
    nearer: Tensor = w.sign() * (w.abs() - by).relu()
    return nearer


def shrink(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """L1's proximal step: a loss whose gradient is what the soft threshold takes off.

    A step of rate 1 down this loss is the threshold itself, so what it zeroes is exactly 0.
    """
    by = settings.rate * settings.l1 * settings.proximal
    off = [w - soft(w.detach(), by) for w in weights_of(model)]
    return torch.stack([way.square().sum() for way in off]).sum() / 2, {}, state


whole_step = replace(sgd, defaults={**sgd.defaults, "rate": 1.0}, reads={"rate": "shrink_rate"})


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Accuracy of each row; and of the weights, the same for all rows, how many are exactly 0."""
    right = (model(batch.inputs).argmax(1) == batch.targets).to(batch.inputs.dtype)
    zero = torch.cat([(w == 0).flatten() for w in weights_of(model)]).to(right.dtype).mean()
    return {"accuracy": right, "zeros": zero.expand(len(right))}


def line(x: Tensor, y: Tensor, **given: Any) -> nn.Linear:
    """A straight fit trained as the networks of this lab are, but for its loss: squares, halved."""
    usual = dict(l1=0.0, l2=0.0, proximal=True, biases=False, rate=0.4)
    settings, model = SimpleNamespace(**{**usual, **given}), nn.Linear(x.shape[1], 1).double()
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    for _ in range(300):
        loss = mse_loss(model(x)[:, 0], y) / 2 + penalty(model, settings)
        slopes = torch.autograd.grad(loss, (model.weight, model.bias))
        model.weight.data -= settings.rate * slopes[0]
        model.bias.data -= settings.rate * slopes[1]
        (taken_off,) = torch.autograd.grad(shrink(model, None, settings, {})[0], model.weight)
        model.weight.data -= taken_off
    return model


def planted(rows: int = 60, inputs: int = 20) -> tuple[Tensor, Tensor]:
    """Targets that depend on the first four of so many inputs, with noise and an offset."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(rows, inputs, generator=draw, dtype=torch.float64)
    noise = torch.randn(rows, generator=draw, dtype=torch.float64)
    return x, x[:, :4] @ torch.tensor([3.0, -2.0, 1.0, 1.0]).double() + 5 + noise


@exhibit(tolerance=1e-9)
def same_as_scikit_learn() -> tuple[float, dict[str, int]]:
    """Trained to the end, our penalties give scikit-learn's ridge and lasso, zeros and all.

    And at the lasso's end each slope of the loss is l1 against the weight's sign, or smaller than
    l1 where the weight is 0. Of 20 weights 16 are not needed.
    """
    x, y = planted()
    ridge = Ridge(alpha=60 * 0.3, solver="cholesky").fit(x, y)
    lasso = Lasso(alpha=0.3, tol=1e-14, max_iter=100_000).fit(x, y)
    errors, lines = list[float](), {}
    for theirs, given in ((ridge, {"l2": 0.3}), (lasso, {"l1": 0.3})):
        own = lines[next(iter(given))] = line(x, y, **given)
        w = own.weight.detach().numpy()[0]
        errors += [*np.abs(w - theirs.coef_), abs(own.bias.item() - theirs.intercept_)]
        errors += [float(np.sum((w == 0) != (theirs.coef_ == 0)))]
    own, w = lines["l1"], lines["l1"].weight.detach()[0]
    slopes = x.T @ (own(x)[:, 0] - y).detach() / len(y)
    rest = torch.where(w == 0, soft(slopes, 0.3), slopes + 0.3 * w.sign())
    lines["l1, left to the gradient"] = line(x, y, l1=0.3, proximal=False)
    shown = {f"{n}: weights exactly 0": int((m.weight == 0).sum()) for n, m in lines.items()}
    shown |= {"l1: the four that are needed": int((w[:4] != 0).sum())}
    return float(np.max([*errors, float(rest.abs().max())])), shown


@exhibit(tolerance=1e-9)
def shrink_or_cut() -> tuple[float, dict[str, list[float]]]:
    """Where inputs do not overlap, L2 divides every weight by 1 + l2 and L1 cuts l1 off each."""
    draw = torch.Generator().manual_seed(0)
    columns = torch.randn(40, 6, generator=draw, dtype=torch.float64)
    columns[:, 0] = 1  # the bias's own; the others are then apart from it, too
    x = torch.linalg.qr(columns)[0][:, 1:] * 40**0.5
    true = torch.tensor([2.0, -1.0, 0.5, 0.2, -0.1]).double()
    y = x @ true
    ends = {"l2 of 1": line(x, y, l2=1.0), "l1 of 0.3": line(x, y, l1=0.3)}
    closed = {"l2 of 1": true / 2, "l1 of 0.3": softshrink(true, 0.3)}
    found = {name: own.weight.detach()[0] for name, own in ends.items()}
    error = max(float((found[name] - closed[name]).abs().max()) for name in closed)
    return error, {n: [round(float(v), 6) for v in w] for n, w in {"none": true, **found}.items()}


@exhibit(tolerance=1e-12)
def decay_is_the_penalty() -> tuple[float, dict[str, float]]:
    """torch's weight_decay=d is the penalty d / 2 * squares, of biases too; in AdamW it is not."""
    x, y = planted()
    penalised = SimpleNamespace(l1=0.0, l2=0.5, proximal=True, biases=True)

    def trained(optimizer: Any, decay: float) -> Tensor:
        model = nn.Linear(20, 1).double()
        nn.init.ones_(model.weight)
        nn.init.ones_(model.bias)
        moves = optimizer(model.parameters(), lr=0.05, weight_decay=decay)
        for _ in range(100):
            moves.zero_grad()
            loss = mse_loss(model(x)[:, 0], y) / 2
            torch.autograd.backward(loss if decay else loss + penalty(model, penalised))
            moves.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    kinds = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}
    apart = {n: float((trained(k, 0.5) - trained(k, 0.0)).abs().max()) for n, k in kinds.items()}
    return max(apart["SGD"], apart["Adam"]), {
        f"{n}: largest difference": v for n, v in apart.items()
    }


LINES = (  # which labels, what is shown, words, colour
    ("right_", "test_accuracy", "read, all labels right", "#5a6472"),
    ("", "test_accuracy", "read, 40 % wrong labels", "#1f5fbf"),
    ("", "test_zeros", "weights exactly 0", "#c9540a"),
)


def draw(report: Any, figure: Any) -> None:
    """Over the strength of L2 and of L1: digits read, and weights that are exactly 0."""
    found: dict[str, list[Any]] = {}
    for member in report.members:
        if member.diverged_at is None and member.final:
            found.setdefault(member.comparison, []).append(member)
    panels = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.12, top=0.92, wspace=0.06)
    for axes, kind in zip(panels, ("l2", "l1"), strict=True):
        steps = ("plain", f"{kind}_weak", kind, f"{kind}_strong")
        strengths = [lab.compare[name].get(kind, 0) for name in steps]
        axes.set(title=kind.upper(), xlabel="strength of the penalty", ylim=(-0.03, 1.03))
        axes.set_xticks(range(4), [f"{strength:g}" for strength in strengths])
        for labels, metric, words, color in LINES:
            means = dict[int, float]()
            for place, name in enumerate(steps):
                values = [m.final[metric] for m in found.get(labels + name, [])]
                axes.plot([place] * len(values), values, "o", color=color, alpha=0.3, ms=6, mew=0)
                means |= {place: float(np.mean(values))} if values else {}
            axes.plot(list(means), list(means.values()), color=color, lw=2.5, label=words)
    panels[0].set_ylabel("share")
    panels[0].legend(loc=(0.02, 0.12), fontsize=11)


lab = Lab(
    area="foundations",
    week=1,
    systems=[10],
    needs=["early-stopping"],
    seconds=40,
    text="""
A penalty on weights makes a network pay for each of them. L2 takes their squares: large weights
cost most, and each step shrinks every weight by a share of itself. L1 takes their sizes: each step
takes the same off all, and a weight that arrives at 0 stays there. So L2 makes all weights smaller,
and L1 removes most of them.

A network that may not have large weights cannot bend to every row. Where 40 in 100 labels are wrong
that is what one wants. Where all are right, there is nothing false to be kept from.

L1 has a catch. Plain descent jumps over 0 and back, and never lands on it. The step that does land
is called proximal: each weight moves nearer to 0 by rate * strength, and no further than 0.
""",
    data=mislabelled_digits,
    split=first_rows_train,
    model=lambda s: mlp(64, [s.width], 10),
    train=Training([Phase(fit), Phase(shrink, optimizer=whole_step)], evaluate, ("test",)),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-4, 10, 0.5),
        l2=linear(0.0, 10.0, 0.0),
        l1=linear(0.0, 10.0, 0.0),
        proximal=switch(True),
        biases=switch(False),
        wrong_labels=unit(0.4),
        rows=whole(40, 1200, 300),
        width=whole(1, 512, 64),
        batch=whole(1, 512, 75),
        epochs=whole(1, 500, 200),
    ),
    compare=dict(
        plain={},
        l2_weak=dict(l2=0.003),
        l2=dict(l2=0.02),
        l2_strong=dict(l2=0.1),
        l2_biases=dict(l2=0.02, biases=True),
        l1_weak=dict(l1=0.001),
        l1=dict(l1=0.004),
        l1_strong=dict(l1=0.008),
        l1_gradient=dict(l1=0.004, proximal=False),
        right_plain=dict(wrong_labels=0.0),
        right_l2_weak=dict(wrong_labels=0.0, l2=0.003),
        right_l2=dict(wrong_labels=0.0, l2=0.02),
        right_l2_strong=dict(wrong_labels=0.0, l2=0.1),
        right_l1=dict(wrong_labels=0.0, l1=0.004),
    ),
    seeds=12,
    quick=dict(epochs=50),
    metrics=dict(test_zeros=Metric("share of weights", worst=0.0)),
    claims=dict(
        l2_helps=Claim(
            "With 40 % wrong labels, L2 reads more digits.",
            "l2",
            "plain",
            at_least=0.1,
            expected=SUPPORTED,
        ),
        l1_helps=Claim("So does L1.", "l1", "plain", at_least=0.05, expected=SUPPORTED),
        right=Claim(
            "A penalty always pays: with right labels too.",
            "right_l2",
            "right_plain",
            at_least=0.005,
            expected=REFUTED,
            scope="L2 of 0.02",
        ),
        too_strong=Claim(
            "Five times the strength is worse again.",
            "l2_strong",
            "l2",
            at_most=-0.1,
            expected=SUPPORTED,
            scope="L2 of 0.1",
        ),
        zeros=Claim(
            "L1 makes at least seven of ten weights exactly 0.",
            "l1",
            metric="test_zeros",
            at_least=0.7,
            expected=SUPPORTED,
            scope="by proximal steps, strength 0.004",
        ),
        gradient=Claim(
            "Left to plain descent, L1 makes weights exactly 0 as well.",
            "l1_gradient",
            metric="test_zeros",
            at_least=0.01,
            expected=REFUTED,
        ),
        gradient_alike=Claim(
            "Apart from that, the two ways end alike.",
            "l1_gradient",
            "l1",
            within=0.03,
            expected=SUPPORTED,
        ),
        biases=Claim(
            "Whether the biases are penalised too makes no difference.",
            "l2_biases",
            "l2",
            within=0.03,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[same_as_scikit_learn, shrink_or_cut, decay_is_the_penalty],
    effects=dict(
        rate=0.1,
        l2=0.1,
        l1=0.1,
        proximal=False,
        biases=True,
        wrong_labels=0.2,
        rows=200,
        width=32,
        batch=30,
        epochs=1,
    ),
    picture=draw,
    scope="300 digits 8x8, MLP 64-64-10, plain descent at rate 0.5, 200 epochs, one data set",
    wrong={
        "l2=5": "At a rate of 0.5 each step takes off 2.5 times the weight: it diverges.",
        "rate=3": "The steps are too long: accuracy stays near a guess.",
        "proximal=false": "L1 is left to plain descent: of its weights none is exactly 0.",
    },
    read_more=[
        "Hoerl, Kennard 1970, Ridge regression",
        "Tibshirani 1996, Regression shrinkage and selection via the lasso",
        "Loshchilov, Hutter 2019, Decoupled weight decay regularization",
    ],
)
