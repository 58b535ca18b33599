"""What does dropout regularise?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, linear, log, unit, whole
from pilotlight.data.mislabelled import TESTED, first_rows_train, mislabelled_digits
from pilotlight.engine.optim import adamw
from pilotlight.engine.steps import Phase, Training, uniform


class Net(nn.Module):
    """One hidden layer of ReLU units. `mask` [B, width] multiplies what comes out of them."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.hidden, self.readout = nn.Linear(inputs, width), nn.Linear(width, outputs)

    def forward(self, x: Tensor, mask: Any = 1.0) -> Tensor:
        """Scores [B, outputs]."""
        scores: Tensor = self.readout(self.hidden(x).relu() * mask)
        return scores


def mask_of(draws: Tensor, rate: Any) -> Tensor:
    """0 for a share `rate` of uniform draws, 1 / (1 - rate) for the rest: 1 on average."""
    mask: Tensor = (draws >= rate).to(draws.dtype) / (1 - rate)
    return mask


def start(model: Any, settings: Any) -> Any:
    """No step taken yet; room for the draws of an epoch."""
    zero = model.readout.weight.new_zeros(1, settings.width)
    return {"step": zero.sum(), "draws": zero}


def draws_of(batch: Any, settings: Any, state: Any) -> tuple[Tensor, Any]:
    """What decides who is dropped, and the state: drawn anew for each row, batch or epoch."""
    now = batch.noise.hidden
    if settings.masks == "row":
        return now, state
    if settings.masks == "batch":
        return now[:1], state
    begins = state["step"] % (settings.rows // settings.batch) == 0
    draws = torch.where(begins, now[:1], state["draws"])
    return draws, {"step": state["step"] + 1, "draws": draws}


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """The loss of a network some of whose hidden units are silent."""
    draws, state = draws_of(batch, settings, state)
    scores = model(batch.inputs, mask_of(draws, settings.dropout))
    return cross_entropy(scores, batch.targets), {}, state


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Whether each row is told right: by the whole network, and with dropout left on."""
    mask = mask_of(batch.noise.hidden[: len(batch.inputs)], settings.dropout)
    scores = {"accuracy": model(batch.inputs), "accuracy_left_on": model(batch.inputs, mask)}
    return {n: (s.argmax(1) == batch.targets).to(s.dtype) for n, s in scores.items()}


def all_masks(width: int, rate: float) -> tuple[Tensor, Tensor]:
    """Every mask of so few units, [2^width, width], and how likely it is."""
    draws = torch.tensor(list(product((0.0, 1.0), repeat=width)), dtype=torch.float64)
    kept = draws.sum(1)
    return mask_of(draws, rate), (1 - rate) ** kept * rate ** (width - kept)


def example(inputs: int, width: int) -> tuple[Net, Tensor]:
    """A small network and thirty rows for it, the same ones always."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net(inputs, width, 3).double(), torch.randn(30, inputs, dtype=torch.float64)


@exhibit(tolerance=1e-12)
def same_as_torch() -> float:
    """With the units dropped that nn.Dropout drops, scores and gradients are those of torch."""
    own, x = example(6, 40)
    peer = nn.Sequential(own.hidden, nn.ReLU(), nn.Dropout(0.3), own.readout)
    kept: list[Tensor] = []
    peer[2].register_forward_hook(lambda layer, given, out: kept.append(out.detach() != 0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theirs = peer(x)
    ours = own(x, mask_of(kept[0].double(), 0.3))  # a silent unit may be dropped or not
    slopes = [
        torch.autograd.grad(scores.sin().sum(), own.hidden.weight) for scores in (theirs, ours)
    ]
    errors = [theirs - ours, slopes[0][0] - slopes[1][0], peer.eval()(x) - own(x)]
    return max(float(error.detach().abs().max()) for error in errors)


@exhibit(tolerance=0.0)
def masks_of_an_epoch() -> tuple[float, dict[str, int]]:
    """In an epoch of 300 rows there are 300 masks: a new one for each row, not for each epoch."""
    shown, expected = {}, {"row": 300, "batch": 4, "epoch": 1}
    for masks in expected:
        told = SimpleNamespace(masks=masks, rows=300, batch=75, width=128)
        generator, state = torch.Generator().manual_seed(0), start(example(2, 128)[0].float(), told)
        seen = set[bytes]()
        for _ in range(4):
            noise = SimpleNamespace(hidden=torch.rand(75, 128, generator=generator))
            draws, state = draws_of(SimpleNamespace(noise=noise), told, state)
            seen |= {row.numpy().tobytes() for row in mask_of(draws, 0.5)}
        shown[f"drawn for each {masks}: masks of an epoch"] = len(seen)
    return float(
        max(abs(a - b) for a, b in zip(shown.values(), expected.values(), strict=True))
    ), shown


@exhibit(tolerance=1e-10)
def ridge_in_a_straight_fit() -> tuple[float, dict[str, list[float]]]:
    """In a straight fit dropout is ridge: each weight pays by the size of its own input.

    The least squares over all masks of all rows, against (X'X + rate / (1 - rate) diag X'X)^-1 X'y.
    So an input in other units is treated alike, which is not so for a plain weight penalty.
    """
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(20, 6, generator=draw, dtype=torch.float64) * torch.logspace(0, 1, 6).double()
    y, errors, shown = torch.randn(20, generator=draw, dtype=torch.float64), [], {}
    for rate in (0.0, 0.2, 0.5, 0.8):
        masks, likely = all_masks(6, rate)
        rows = (masks[:, None] * x).flatten(0, 1)  # each row under each mask
        weight = likely.repeat_interleave(20).sqrt()
        found = torch.linalg.lstsq(rows * weight[:, None], y.repeat(64) * weight).solution
        gram = x.T @ x
        ridge = torch.linalg.solve(gram + rate / (1 - rate) * gram.diag().diag(), x.T @ y)
        errors.append(found - ridge)
        shown[f"rate {rate:g}: weights"] = [round(float(w), 4) for w in found]
    return float(torch.stack(errors).abs().max()), shown


@exhibit(tolerance=1e-12)
def mean_of_all_networks() -> tuple[float, dict[str, float]]:
    """Switched off for testing, this network is the geometric mean of all that dropout makes of it.

    All 256 networks of eight hidden units, each with its chance. The plain mean of what they say
    is another number; how far off is shown.
    """
    net, x = example(5, 8)
    whole_net = softmax(net(x), 1).detach()
    errors, shown = [], {}
    for rate in (0.2, 0.5, 0.8):
        masks, likely = all_masks(8, rate)
        said = torch.stack([net(x, mask).detach() for mask in masks]).log_softmax(2)
        geometric = softmax((likely[:, None, None] * said).sum(0), 1)
        plain = (likely[:, None, None] * said.exp()).sum(0)
        errors.append(geometric - whole_net)
        shown[f"rate {rate:g}: plain mean, largest difference"] = float(
            (plain - whole_net).abs().max()
        )
        noise = SimpleNamespace(hidden=torch.zeros(30, 8).double())  # would drop all units
        batch = SimpleNamespace(inputs=x, targets=geometric.argmax(1), noise=noise)
        right = evaluate(net, batch, SimpleNamespace(dropout=rate), {})["accuracy"]
        errors.append((right - 1)[:, None].expand(30, 3))
    return float(torch.stack(errors).abs().max()), shown


def stays(curves: Mapping[str, Sequence[float]]) -> float:
    """Accuracy at the end, less that after a quarter of the epochs."""
    return curves["test_accuracy"][-1] - curves["test_accuracy"][len(curves["epoch"]) // 4]


def left_on(curves: Mapping[str, Sequence[float]]) -> float:
    """Accuracy with dropout left on, less that of the whole network."""
    return curves["test_accuracy_left_on"][-1] - curves["test_accuracy"][-1]


PANELS = {"": "40 % of the labels are wrong", "right_": "All labels are right"}
LINES = {"plain": "#5a6472", "dropout": "#1f5fbf", "dropout_0.8": "#c9540a"}
WORDS = {"plain": "no dropout", "dropout": "half dropped", "dropout_0.8": "four in five dropped"}


def draw(report: Any, figure: Any) -> None:
    """Accuracy over epochs, mean and standard deviation; with wrong labels and with right ones."""
    panels = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.12, top=0.92, wspace=0.06)
    for axes, (kind, title) in zip(panels, PANELS.items(), strict=True):
        axes.set(title=title, xlabel="epoch", ylim=(0, 1.02))
        for name, color in LINES.items():
            nets = [m for m in report.members if m.comparison == kind + name]
            curves = [m.curves["test_accuracy"] for m in nets if m.curves and not m.diverged_at]
            if curves and len(set(map(len, curves))) == 1:
                mean, spread = np.mean(curves, 0), np.std(curves, 0)
                axes.fill_between(
                    range(len(mean)), mean - spread, mean + spread, color=color, alpha=0.15, lw=0
                )
                axes.plot(mean, color=color, lw=2.5, label=WORDS[name])
    panels[0].set_ylabel("share of test digits told right")
    if panels[0].lines:
        panels[0].legend(loc="lower right", fontsize=12)


lab = Lab(
    area="foundations",
    week=1,
    systems=[9],
    needs=["weight-penalty"],
    seconds=30,
    text="""
Dropout silences units at random while a network trains: each hidden unit, for each row, by the toss
of a coin. No unit can rely on another, so what is learned must be told by many of them at once. For
testing all units are back.

One sometimes reads that a share of the units is fixed to 0 in each epoch. That is another method,
as the coin is tossed anew for each row. Here are both, on 300 digits of which 40 in 100 carry a
wrong label. With right labels there is nothing to gain.

Dropout does not end learning by heart, it slows it down. In a straight fit it is exactly a weight
penalty, but one in which each weight pays by the size of its input. See the exhibits.
""",
    data=mislabelled_digits,
    split=first_rows_train,
    model=lambda s: Net(64, s.width, 10),
    train=Training(
        [Phase(fit)],
        evaluate,
        ("test",),
        noise=lambda s: {"hidden": uniform(s.batch, s.width)},
        evaluation_noise=lambda s: {"hidden": uniform(TESTED, s.width)},
        start=start,
    ),
    optimizer=adamw,
    settings=dict(
        rate=log(1e-5, 1, 0.01),
        dropout=linear(0.0, 0.99, 0.0),
        masks=choice("row", "batch", "epoch"),
        weight_decay=linear(0.0, 100.0, 0.0),
        wrong_labels=unit(0.4),
        rows=whole(40, 1200, 300),
        width=whole(1, 512, 128),
        batch=whole(1, 512, 75),
        epochs=whole(1, 500, 80),
    ),
    compare={
        "plain": {},
        "dropout": dict(dropout=0.5),
        "dropout_0.8": dict(dropout=0.8),
        "epoch_0.8": dict(dropout=0.8, masks="epoch"),
        "narrow": dict(width=64),
        "decay": dict(weight_decay=3.0),
        "right_plain": dict(wrong_labels=0.0),
        "right_dropout": dict(wrong_labels=0.0, dropout=0.5),
        "right_dropout_0.8": dict(wrong_labels=0.0, dropout=0.8),
    },
    seeds=20,
    quick=dict(epochs=20),
    metrics=dict(stays=Metric(of=stays), left_on=Metric(of=left_on)),
    claims=dict(
        helps=Claim(
            "With 40 % wrong labels, a network with dropout reads more digits.",
            "dropout",
            "plain",
            at_least=0.05,
            expected=SUPPORTED,
            scope="half of the units dropped",
        ),
        more=Claim(
            "Dropping four in five reads more again.",
            "dropout_0.8",
            "dropout",
            at_least=0.02,
            expected=SUPPORTED,
        ),
        right=Claim(
            "With right labels it makes no difference.",
            "right_dropout",
            "right_plain",
            within=0.02,
            expected=SUPPORTED,
        ),
        narrow=Claim(
            "It is not that fewer units are in use: it beats a network of half as many.",
            "dropout",
            "narrow",
            at_least=0.05,
            expected=SUPPORTED,
        ),
        stays=Claim(
            "It keeps a network from learning by heart for good: what it gains stays.",
            "dropout",
            metric="stays",
            at_least=-0.03,
            expected=REFUTED,
            scope="accuracy after 80 epochs, less that after 20",
        ),
        epoch=Claim(
            "Fixing units to 0 for an epoch each does the same.",
            "epoch_0.8",
            "dropout_0.8",
            at_least=-0.05,
            expected=REFUTED,
            scope="four in five dropped, 40 % wrong labels",
        ),
        left_on=Claim(
            "Left on while the network is tested, it costs accuracy.",
            "dropout",
            metric="left_on",
            at_most=-0.03,
            expected=SUPPORTED,
        ),
        decay=Claim(
            "A weight penalty does as much.",
            "decay",
            "dropout_0.8",
            at_least=-0.02,
            expected=SUPPORTED,
            scope="AdamW, weight_decay 3",
        ),
    ),
    exhibits=[same_as_torch, masks_of_an_epoch, ridge_in_a_straight_fit, mean_of_all_networks],
    effects=dict(
        rate=0.1,
        dropout=0.3,
        masks=dict(masks="batch", dropout=0.5),
        weight_decay=1.0,
        wrong_labels=0.2,
        rows=200,
        width=32,
        batch=30,
        epochs=1,
    ),
    picture=draw,
    scope="300 digits 8x8, MLP 64-128-10, Adam at rate 0.01, 80 epochs, one data set",
    wrong={
        "epochs=8": "Nobody has learned anything by heart yet: without dropout it goes as well.",
        "width=4": "No unit can be spared: dropping half of four leaves too little to read with.",
        "rate=0.3": "The steps are too long, with or without dropout.",
    },
    read_more=[
        "Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting",
        "Baldi, Sadowski 2013, Understanding dropout",
        "Wager, Wang, Liang 2013, Dropout training as adaptive regularization",
    ],
)
