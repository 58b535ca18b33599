"""Do LSTM and GRU remember where an RNN forgets?"""

from __future__ import annotations

import math
from itertools import combinations, product
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, linear, log, whole
from pilotlight.data.sequences import (
    ADDING_BASELINE,
    RECALL_BASELINE,
    adding,
    copying,
    draw_task,
    selective_copying,
)
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Noise, Phase, Training, uniform
from pilotlight.nets.recurrent import GRU, LSTM, RNN, Reader, gradient_by_step

LAYERS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
TESTED, PROBED = 128, 32  # sequences for each measurement; of them, those with gradients


def network(settings: Any) -> Reader:
    """A recurrent layer and its read-out: one number, or a score for each of eight symbols."""
    inputs, outputs = (2, 1) if settings.task == "adding" else (10, 8)
    if settings.cell == "lstm":
        return Reader(LSTM(inputs, settings.hidden, settings.forget_bias), outputs)
    return Reader(LAYERS[settings.cell](inputs, settings.hidden), outputs)


def numbers(rows: int, length: int) -> dict[str, Noise]:
    """What a batch of sequences is made of."""
    return {"values": uniform(rows, length), "places": uniform(rows, length)}


def loss_of(model: Any, inputs: Tensor, targets: Tensor, settings: Any) -> Tensor:
    """Only answers count: the last step of a sum, the steps of recall of a copy. Not blanks."""
    outputs = model(inputs)
    if settings.task == "adding":
        return mse_loss(outputs[:, -1, 0], targets)
    return cross_entropy(outputs[:, -settings.symbols :].flatten(0, 1), targets.flatten())


def learn(model: Any, batch: Any, settings: Any, state: Any) -> Any:
    """One batch of fresh sequences."""
    inputs, targets = draw_task(settings, batch.noise)
    return loss_of(model, inputs, targets, settings), {}, state


def through_time(model: Any, inputs: Tensor, targets: Tensor, settings: Any) -> Tensor:
    """The gradient that reaches each step, in powers of ten, from the last one before the answer
    is asked for: [length].
    """
    size = gradient_by_step(lambda x: loss_of(model, x, targets, settings), inputs)
    return size[: settings.length] - size[settings.length - 1]


def judge(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Loss as a share of what remembering nothing costs; gradient at the first step."""
    inputs, targets = draw_task(settings, batch.noise)
    cost = ADDING_BASELINE if settings.task == "adding" else RECALL_BASELINE
    return {
        "share_of_guessing": loss_of(model, inputs, targets, settings) / cost,
        "gradient": through_time(model, inputs[:PROBED], targets[:PROBED], settings)[0],
    }


def profile(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """The gradient that reaches each step, to draw."""
    inputs, targets = draw_task(settings, batch.noise)
    return {"gradient": through_time(model, inputs[:PROBED], targets[:PROBED], settings)}


def solved(share: float) -> bool:
    """Whether nine tenths of what can be won by remembering are won."""
    return share < 0.1


# --- exhibits ---


@exhibit(tolerance=1e-12)
@torch.random.fork_rng(devices=[])
@torch.no_grad()
def same_as_torch() -> tuple[float, dict[str, float]]:
    """Written out as loops, the three layers give the numbers of nn.RNN, nn.GRU and nn.LSTM."""
    errors, inputs = dict[str, float](), torch.linspace(-2, 2, 5 * 7 * 3).view(5, 7, 3).double()
    for name, theirs in (("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)):
        layer, peer = LAYERS[name](3, 4).double(), theirs(3, 4, batch_first=True).double()
        own = layer.state_dict()
        weights = {f"weight_{k[0]}h_l0": own[f"from_{k}.weight"] for k in ("input", "hidden")}
        biases = {f"bias_{k[0]}h_l0": own[f"from_{k}.bias"] for k in ("input", "hidden")}
        peer.load_state_dict(weights | biases)
        errors[name] = float((layer(inputs) - peer(inputs)[0]).abs().max())
    return float(np.max(list(errors.values()))), errors  # np.max, as Python's max can lose a NaN


def all_copies(length: int, count: int) -> tuple[Tensor, Tensor]:
    """Values and places for every way to put `count` symbols somewhere among `length` steps."""
    symbols = list(product(range(8), repeat=count))
    rows = [(where, which) for where in combinations(range(length), count) for which in symbols]
    values, places = torch.zeros(2, len(rows), length).double()
    for row, (where, which) in enumerate(rows):
        values[row, list(where)] = (torch.tensor(which).double() + 0.5) / 8
        places[row, list(where)] = 1.0
    return values, places


@exhibit(tolerance=1e-12)
def what_remembering_nothing_costs() -> tuple[float, dict[str, float]]:
    """Over all sequences, the best guess costs 1/6 for a sum and ln 8 for a symbol."""
    n = 40
    grid = (torch.arange(n).double() + 0.5) / n  # its variance is (1 - 1 / n^2) / 12
    values = torch.full((n * n, 6), 7.0).double()  # what is not marked must not matter
    values[:, [1, 4]] = torch.cartesian_prod(grid, grid)
    inputs, sums = adding(values, torch.tensor([0.1, 0.9, 0.2, 0.3, 0.8, 0.4]).expand(n * n, 6))
    errors = [float(sums.mean()) - 1, float(sums.var(correction=0)) / (1 - 1 / n**2) - 1 / 6]
    errors += [ADDING_BASELINE - 1 / 6, float((inputs.prod(-1).sum(1) - sums).abs().max())]
    inputs, targets = selective_copying(*all_copies(5, 2), 2)
    for share in torch.stack([(targets == s).double().mean(0) for s in range(8)], 1):
        errors.append(float(-(share * share.log()).sum()) - RECALL_BASELINE)
    told = SimpleNamespace(task="copy", symbols=2)  # it sees the present; asked, it has no idea
    errors.append(float(loss_of(lambda x: 9 * x[..., :8], inputs, targets, told)) - RECALL_BASELINE)
    steps = {t: copying(torch.zeros(1, t + 9), 10)[0].shape[1] for t in (20, 100, 1000)}
    return float(np.abs(errors).max()), {
        f"pause {t}, if blanks counted too": 10 * RECALL_BASELINE / n for t, n in steps.items()
    }


@exhibit(tolerance=1e-12)
def delay_line_copies() -> tuple[float, dict[str, float]]:
    """A delay line, linear and fixed, copies every sequence; where places vary, it cannot."""
    length, count, shares = 8, 2, dict[str, float]()
    values, places = all_copies(length, count)
    tasks = {"copy": copying(values, count), "selective": selective_copying(values, places, count)}
    shift = torch.ones(length + 1).double().diag(-1)  # every number moves one place on
    for task, (inputs, targets) in tasks.items():
        memory, read = torch.zeros(len(inputs), length + 2, 10).double(), []
        for x in inputs.unbind(1):
            memory = shift @ memory
            memory[:, 0] = x
            read.append(memory[:, -1])  # what came in length + 1 steps ago
        answers = torch.stack(read, 1)[:, -count:].argmax(-1) - 1
        shares[task] = float((answers == targets).double().mean())
    # answer i is what stood at step i: by chance symbol i, else another (right once in eight)
    place = [math.comb(length - i - 1, count - i - 1) / len(places) * 64 for i in range(count)]
    by_chance = sum(p + (count / length - p) / 8 for p in place) / count
    return max(abs(shares["copy"] - 1), abs(shares["selective"] - by_chance)), shares


@exhibit(tolerance=1e-9)
@torch.random.fork_rng(devices=[])
@torch.no_grad()
def what_a_step_keeps() -> tuple[float, dict[str, float]]:
    """Each step back keeps, of a gradient, an RNN's weight or a gate's sigma(bias): exactly."""
    errors, shown = list[float](), dict[str, float]()
    inputs, targets = torch.zeros(3, 30, 2).double(), torch.ones(3).double()
    for cell, forget_bias in (("rnn", 0.0), ("gru", 0.0), ("lstm", 0.0), ("lstm", 1.0)):
        told = SimpleNamespace(
            task="adding", cell=cell, hidden=1, length=30, forget_bias=forget_bias
        )
        model = network(told).double()
        layer, keeps = model.layer, 0.8 if cell == "rnn" else 1 / (1 + math.exp(-forget_bias))
        layer.from_hidden.weight.fill_(0.8 if cell == "rnn" else 0.0)  # gates see only their bias
        layer.from_hidden.bias.zero_()
        layer.from_input.bias[torch.arange(layer.blocks) != (1 if cell == "lstm" else -1)] = 0.0
        arrives = float(through_time(model, inputs, targets, told)[0])
        errors.append(arrives - 29 * math.log10(keeps))
        shown[f"{cell}, {keeps:.2f} a step: powers of ten over 29 steps"] = arrives
    return float(np.abs(errors).max()), shown


# --- the picture ---

COLORS = {"rnn": "#c9540a", "lstm": "#00866f", "gru": "#1f5fbf"}
TITLES = dict(short="add, 5 steps", adding="add, 30", copy="copy, 14", selective="pick and copy, 8")


def draw(report: Any, figure: Any) -> None:
    """Above, every network's loss; below, how much of the gradient arrives, before and after."""
    sides = dict(left=0.1, right=0.98, wspace=0.1)
    above = figure.subplots(1, 4, sharey=True, gridspec_kw=dict(bottom=0.57, top=0.85, **sides))
    below = figure.subplots(1, 2, sharey=True, gridspec_kw=dict(bottom=0.11, top=0.4, **sides))
    figure.suptitle("Each dot is a network; below the line it remembers", x=0.1, ha="left")
    for panel, (task, title) in zip(above, TITLES.items(), strict=True):
        names = [f"{task}_{cell}" for cell in COLORS] + ["copy_lstm_forgets"] * (task == "copy")
        for place, name in enumerate(names):
            shares = [
                max(m.final["share_of_guessing"], 1e-4)
                for m in report.members
                if m.comparison == name and m.diverged_at is None and m.final
            ]
            places = place + np.linspace(-0.3, 0.3, len(shares))
            panel.plot(
                places, shares, "o", ms=4, mew=0, alpha=0.7, color=COLORS[name.split("_")[1]]
            )
        panel.axhline(0.1, color="#5a6472", lw=1, ls="--")
        panel.set(title=title, yscale="log", ylim=(7e-5, 3), xlim=(-0.5, len(names) - 0.5))
        panel.set_xticks(range(len(names)), ["RNN", "LSTM", "GRU", "LSTM\nbias 0"][: len(names)])
    for panel, which, when in zip(below, (0, -1), ("before", "after"), strict=True):
        reach(report, panel, which)
        panel.set(title=f"gradient at each of 30 steps, {when} training", ylim=(-12, 1.5))
        panel.set_xlabel("step; the sum is due after the last")
    above[0].set_ylabel("loss / guessing")
    below[0].set_ylabel("power of ten")


def reach(report: Any, panel: Any, which: int) -> None:
    """The gradient at each step of adding, in the filmed networks."""
    for cell, color in COLORS.items():
        for m in report.members:
            if m.comparison == f"adding_{cell}" and m.snapshots:
                line = m.snapshots[which]["gradient"]
                panel.plot(range(1, len(line) + 1), line, color=color, lw=1.4, alpha=0.8)
        panel.plot([], [], color=color, lw=2, label=cell.upper())
    panel.legend(loc="lower right", ncols=3)


COPY: dict[str, Any] = dict(task="copy", length=14, rate=0.02, steps=lambda s: 2 * s.steps)
COUNTED: dict[str, Any] = dict(metric="share_of_guessing", success=solved)

lab = Lab(
    area="sequences",
    week=2,
    systems=[35, 36, 37, 38, 39],
    needs=["vanishing-gradients"],
    seconds=240,
    text="""
To remember, a recurrent network hands a state on from step to step. A plain RNN makes all of it
anew each time. The gated ones, LSTM and GRU, decide by gates what stays. We ask for three things:
the sum of two marked numbers among many (adding); the first two symbols, after a pause (copy); two
symbols picked from among blanks (selective copy). A network either gets it or does not, so we count
those whose loss is below a tenth of what a guess without memory costs. A mean would hide it.

To learn what to keep, the gradient has to come back to where it came in. Do gates see to that? At
the start hardly: the gradient loses five powers of ten over thirty steps of a GRU, nine in an RNN.
Only as the GRU learns does this loss disappear (lower half of the picture). What helps is, perhaps,
that both marks are at times near the end, so that memory can grow bit by bit. A copy is never that
kind. There an LSTM learns if its forget gate starts open (a bias of 1), not if half open (0).

The layers are loops in plain PyTorch and hold the weights of torch's own. Unlike those, twenty of
them go through each step together. On one core a GRU's step then takes 1.1 ms, torch's own 4 ms.
Only torch's LSTM is as quick one by one (1.4 ms; 1.6 ms in a stack). You can stop here.
""",
    model=network,
    train=Training(
        phases=[Phase(learn)],
        evaluate=judge,
        noise=lambda s: numbers(s.batch, s.length),
        evaluation_noise=lambda s: numbers(TESTED, s.length),
        snapshot=profile,
        snapshot_seeds=3,
    ),
    optimizer=adam,
    settings=dict(
        task=choice("adding", "copy", "selective copy"),
        cell=choice("gru", "rnn", "lstm"),
        forget_bias=linear(-10, 10, 1.0),
        length=whole(2, 1000, 30),
        symbols=whole(1, 10, 2),
        hidden=whole(1, 256, 24),
        rate=log(1e-5, 1, 0.01),
        clip=log(1e-3, 1e3, 1.0),
        batch=whole(1, 512, 32),
        steps=whole(1, 50_000, 500),
        measure_every=whole(1, 1000, 50),
    ),
    compare=dict(
        short_rnn=dict(cell="rnn", length=5),
        short_gru=dict(length=5),
        short_lstm=dict(cell="lstm", length=5),
        adding_rnn=dict(cell="rnn"),
        adding_gru={},
        adding_lstm=dict(cell="lstm"),
        copy_rnn=dict(COPY, cell="rnn", rate=0.01),
        copy_gru=COPY,
        copy_lstm=dict(COPY, cell="lstm"),
        copy_lstm_forgets=dict(COPY, cell="lstm", forget_bias=0.0),
        selective_rnn=dict(task="selective copy", cell="rnn", length=8),
        selective_gru=dict(task="selective copy", length=8),
        selective_lstm=dict(task="selective copy", cell="lstm", length=8),
    ),
    seeds=20,
    quick=dict(steps=200),
    metrics=dict(
        share_of_guessing=Metric(unit="share of guessing", better="lower"),
        gradient=Metric(unit="powers of ten"),
        gradient_at_start=Metric(unit="powers of ten", of=lambda curves: curves["gradient"][0]),
    ),
    claims=dict(
        gru_adds=Claim(
            "Over thirty steps, a GRU learns to add where an RNN does not.",
            "adding_gru",
            "adding_rnn",
            at_least=0.2,
            expected=SUPPORTED,
            **COUNTED,
        ),
        lstm_adds=Claim(
            "So does an LSTM.",
            "adding_lstm",
            "adding_rnn",
            at_least=0.2,
            expected=SUPPORTED,
            **COUNTED,
        ),
        short_alike=Claim(
            "Over five steps, all learn it: gates change nothing.",
            "short_gru",
            "short_rnn",
            within=0.4,
            expected=SUPPORTED,
            scope="within 0.4 is as near as twenty seeds can tell",
            **COUNTED,
        ),
        gru_copies=Claim(
            "A GRU learns to copy where an RNN seldom does.",
            "copy_gru",
            "copy_rnn",
            at_least=0.2,
            expected=SUPPORTED,
            scope="each at the best of the rates tried on other seeds",
            **COUNTED,
        ),
        gru_selects=Claim(
            "A GRU learns to pick symbols from among blanks where an RNN does not.",
            "selective_gru",
            "selective_rnn",
            at_least=0.2,
            expected=SUPPORTED,
            **COUNTED,
        ),
        forget_bias=Claim(
            "An LSTM learns to copy with a forget bias of 1, and not with 0.",
            "copy_lstm",
            "copy_lstm_forgets",
            at_least=0.2,
            expected=SUPPORTED,
            **COUNTED,
        ),
        gates_at_start=Claim(
            "Gates keep the gradient alive from the start.",
            "adding_gru",
            metric="gradient_at_start",
            at_least=-1,
            expected=REFUTED,
            scope="thirty steps of a GRU before training lose less than a factor of ten",
        ),
        gates_after=Claim(
            "After training they do: the gradient reaches the first step as it does the last.",
            "adding_gru",
            metric="gradient",
            within=1,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[
        same_as_torch,
        what_remembering_nothing_costs,
        delay_line_copies,
        what_a_step_keeps,
    ],
    picture=draw,
    scope="24 hidden units, Adam, torch's usual first weights, 500 steps of 32 (copy: 1,000)",
    effects=dict(
        task="copy",
        cell="rnn",
        forget_bias=0.0,
        length=10,
        symbols=1,
        hidden=12,
        rate=0.1,
        clip=0.01,
        batch=16,
        steps=10,
    ),
    wrong={
        "steps=100": "Too few for sums over thirty steps; those over five a GRU has learned.",
        "forget_bias=-2": "The LSTM's memory is gone after a few steps: it does not learn to copy.",
        "rate=0.3": "The steps are too long: neither sums nor copies are learned.",
    },
    read_more=[
        "Hochreiter and Schmidhuber 1997, Long short-term memory",
        "Gers, Schmidhuber, Cummins 2000, Learning to forget",
        "Jozefowicz, Zaremba, Sutskever 2015, An empirical exploration of recurrent architectures",
        "Bai, Kolter, Koltun 2018, Generic convolutional and recurrent networks compared",
        "Gu and Dao 2023, Mamba: linear-time sequence modeling with selective state spaces",
    ],
)
