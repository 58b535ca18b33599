"""EWC and SI: where do they work and where not?"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vmap
from torch.nn.functional import cross_entropy, one_hot

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, switch, whole
from pilotlight.data.tasks import TASKS, answers, by_task, digit_tasks, permuted_digits
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Stage, Training
from pilotlight.measure.continual import accuracy_matrix, average_accuracy, forgetting
from pilotlight.nets.dense import mlp

Weights = dict[str, Any]  # or whatever else there is one of for each weight


def stages(settings: Any) -> list[Stage]:
    """One task after another; joint training has all at once."""
    if settings.method == "joint":
        return [Stage("train", settings.epochs)]
    part = "replay" if settings.method == "replay" else "train"
    return [Stage(f"{part}_{task + 1}", settings.epochs) for task in range(TASKS)]


def begin(model: nn.Module, settings: Any) -> Any:
    """Springs that do not pull yet; and for SI, no step taken."""
    weights = dict(model.named_parameters())
    zero = {name: torch.zeros_like(w) for name, w in weights.items()}
    return {"anchor": weights, "importance": zero, "gain": zero}


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """The loss of the task in hand and, in EWC and SI, the springs to where earlier ones ended."""
    scores, label = answers(model(batch.inputs), batch.targets, settings)
    loss = cross_entropy(scores, label)
    if settings.method in ("ewc", "si"):
        loss = loss + pull(model, settings, state)
    if settings.method == "si":
        state = {**state, "gain": gain(model, batch, settings, state)}
    return loss, {}, state


def pull(model: nn.Module, settings: Any, state: Any) -> Tensor:
    """The energy of the springs: the sum of stiffness / 2 * (weight - anchor)^2."""
    ways = {n: w - state["anchor"][n] for n, w in model.named_parameters()}
    springs = [(stiffness(state["importance"][n], settings) * w**2).sum() for n, w in ways.items()]
    return torch.stack(springs).sum() / 2


def stiffness(importance: Tensor, settings: Any) -> Tensor:
    """Strength times importance. As such, plain steps explode where rate * stiffness is above 2.

    In its implicit form a plain step is the backward Euler step, which never passes the anchor.
    """
    plain = settings.strength * importance
    softer: Tensor = plain / (1 + settings.implicit * settings.rate * plain)
    return softer


def remember(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """After a task: its end is the new anchor, its importances are added to those before."""
    if settings.method not in ("ewc", "si"):
        return state
    new = fisher(model, batch, settings) if settings.method == "ewc" else by_gain(model, state)
    summed = {name: before + new[name] for name, before in state["importance"].items()}
    return {**begin(model, settings), "importance": summed}


def fisher(model: nn.Module, batch: Any, settings: Any) -> Weights:
    """EWC's importance: the diagonal of the Fisher information, exact, on the first rows.

    For each row and each answer, the slope of the answer's log-probability, squared, weighted by
    the network's own belief in it; then the mean over rows. Kirkpatrick et al. 2017.
    """

    def beliefs(weights: Weights, inputs: Tensor, targets: Tensor) -> Tensor:
        scores = functional_call(model, weights, (inputs[None],))
        logs = answers(scores, targets[None], settings)[0].log_softmax(1)[0]
        return logs.detach().exp().sqrt() * logs  # whose slope, squared, has the belief as weight

    rows = batch.inputs[: settings.fisher_rows], batch.targets[: settings.fisher_rows]
    slopes = vmap(jacrev(beliefs), in_dims=(None, 0, 0))(dict(model.named_parameters()), *rows)
    return {name: (slope**2).sum(1).mean(0) for name, slope in slopes.items()}


def gain(model: nn.Module, batch: Any, settings: Any, state: Any) -> Weights:
    """SI: by how much each weight brought the task's loss down; plain descent's next step too."""
    weights = dict(model.named_parameters())

    def loss(weights: Weights) -> Tensor:
        scores = functional_call(model, weights, (batch.inputs,))
        return cross_entropy(*answers(scores, batch.targets, settings))

    gains = {}
    for name, slope in grad(loss)(weights).items():
        hold = stiffness(state["importance"][name], settings)
        step = settings.rate * (slope + hold * (weights[name] - state["anchor"][name]))
        gains[name] = state["gain"][name] + slope * step
    return gains


def by_gain(model: nn.Module, state: Any) -> Weights:
    """SI's importance: a weight's gain, by the square of its way. Zenke et al. 2017."""
    ways = {n: w - state["anchor"][n] for n, w in model.named_parameters()}
    return {n: state["gain"][n].clamp(min=0) / (way**2 + 0.1) for n, way in ways.items()}


def right(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Whether each row is answered rightly."""
    scores, label = answers(model(batch.inputs), batch.targets, settings)
    return {"accuracy": (scores.argmax(1) == label).to(scores.dtype)}


@exhibit(tolerance=1e-12)
def fisher_is_exact() -> tuple[float, dict[str, float]]:
    """In logistic regression the Fisher has a closed form; row by row we find the same."""
    inputs, targets = (part[:200] for part in permuted_digits(1, torch.Generator().manual_seed(0)))
    x, true = inputs.double(), one_hot(targets[:, 0], 10)
    model = nn.Linear(64, 10, bias=False).double()
    model.weight = nn.Parameter(torch.zeros_like(model.weight))
    for _ in range(300):  # plain descent
        belief = (x @ model.weight.T).softmax(1).detach()
        model.weight.data += (true - belief).T @ x / 200
    belief = (x @ model.weight.T).softmax(1).detach()
    closed = (belief * (1 - belief)).T @ x**2 / 200
    told = SimpleNamespace(scenario="permuted", fisher_rows=200)
    found = fisher(model, SimpleNamespace(inputs=x, targets=targets), told)["weight"].detach()
    picked = torch.multinomial(belief, 1, generator=torch.Generator().manual_seed(0))
    drawn = one_hot(picked[:, 0], 10)
    instead = {
        "one answer a row, drawn from the network": ((drawn - belief) ** 2).T @ x**2 / 200,
        "the true answer (empirical Fisher)": ((true - belief) ** 2).T @ x**2 / 200,
        "the batch's mean slope, squared": ((true - belief).T @ x / 200) ** 2,
    }
    shares = {f"{n}: sum against exact": float(v.sum() / closed.sum()) for n, v in instead.items()}
    return float((found - closed).abs().max()), shares


@exhibit(tolerance=1e-12)
def exact_for_straight_lines() -> tuple[float, dict[str, float]]:
    """In linear regression, EWC with the full Fisher is ridge regression on all tasks at once."""
    draws = np.random.default_rng(0)
    mixed = [draws.normal(size=(20, 4)) @ draws.normal(size=(4, 4)) for _ in range(3)]
    tasks = [(x, x @ draws.normal(size=4) + draws.normal(size=20)) for x in mixed]

    def in_turn(kept: Callable[[Any], Any]) -> Any:
        anchor: Any = np.zeros(4)
        importance = np.eye(4)  # the ridge itself
        for x, y in tasks:  # the least of |y - x w|^2 + (w - anchor)' importance (w - anchor)
            anchor = np.linalg.solve(x.T @ x + importance, x.T @ y + importance @ anchor)
            importance = importance + kept(x.T @ x)  # the Fisher, at noise of variance 1
        return anchor

    inputs, targets = (np.concatenate(column) for column in zip(*tasks, strict=True))
    joint = Ridge(alpha=1.0, fit_intercept=False).fit(inputs, targets).coef_
    diagonal = in_turn(lambda full: np.diag(np.diag(full)))
    return float(np.abs(in_turn(lambda full: full) - joint).max()), {
        "largest error with the diagonal only": float(np.abs(diagonal - joint).max()),
        "largest weight of the joint fit": float(np.abs(joint).max()),
    }


@exhibit(tolerance=1e-12)
def no_spring_is_too_stiff() -> tuple[float, dict[str, float]]:
    """A plain step on the implicit pull is a backward Euler step, at any strength."""
    errors, explicit = list[float](), dict[str, float]()
    state = {"anchor": {"weight": 0.0}, "importance": {"weight": torch.ones(1, 1).double()}}
    for strength in (1e-3, 1.0, 30.0, 1e9):
        ends = []
        for implicit in (True, False):
            model = nn.Linear(1, 1, bias=False).double()
            nn.init.ones_(model.weight)
            told = SimpleNamespace(rate=0.3, strength=strength, implicit=implicit)
            (slope,) = torch.autograd.grad(pull(model, told, state), model.weight)
            ends.append(1 - 0.3 * slope.item())
        errors.append(abs(ends[0] - 1 / (1 + 0.3 * strength)))
        explicit[f"strength {strength:g}, explicit: a step from 1 towards 0 ends at"] = ends[1]
    return float(np.max(errors)), explicit


@exhibit(tolerance=1e-12)
def rules_of_the_game() -> float:
    """Who is told the task has two rivals, else ten; forgetting counts earlier tasks only."""
    scores = torch.tensor([[0.0, 0, 1, 0, 0, 2, 0, 0, 0, 0]])  # of its own two classes: 2; else: 5
    batch = SimpleNamespace(inputs=scores, targets=torch.tensor([[2, 1, 0]]))
    found, by_hand = list[float](), [0.0, 10.0, 0.0, 10.0, 1.0, 2.0]
    for name in ("permuted", "class-incremental", "task-incremental"):
        told = SimpleNamespace(scenario=name)
        found.append(right(nn.Identity(), batch, told, {})["accuracy"].item())
        found.append(answers(scores, batch.targets, told)[0].shape[1])
    matrix = [[1.0, 0.0, 0.0], [0.4, 0.8, 0.0], [0.5, 0.6, 0.9]]
    found += [forgetting(matrix, 2), forgetting(matrix), average_accuracy(matrix, 2)]
    by_hand += [0.6, (0.5 + 0.2) / 2, (0.4 + 0.8) / 2]
    return float(np.abs(np.subtract(found, by_hand)).max())


def draw(report: Any, figure: Any) -> None:
    """How well all tasks so far are known, as tasks come: one panel for each scenario."""
    found: dict[str, list[Any]] = {}
    for member in report.members:
        if member.curves and member.diverged_at is None:
            matrix = accuracy_matrix(member.curves, TASKS)
            found.setdefault(member.comparison, []).append(matrix)
    panels = figure.subplots(1, 3, sharey=True)
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.12, top=0.84, wspace=0.1)
    figure.suptitle("Right answers on all tasks so far", x=0.08, ha="left", weight="bold")
    titles = ("Other pixel orders", "Two new digits each time", "... and the task is told")
    methods = (("replay", "#00866f"), ("SI", "#a83f8e"), ("naive", "#c9540a"), ("EWC", "#1f5fbf"))
    seen = range(1, TASKS + 1)
    for panel, scenario, title in zip(panels, ("permuted", "class", "task"), titles, strict=True):
        for name, color in methods:
            matrices = found.get(f"{scenario}_{name.lower()}", [])
            lines = [[average_accuracy(m, after) for after in seen] for m in matrices]
            for line in lines:
                panel.plot(seen, line, color=color, lw=0.8, alpha=0.2)
            if lines:
                panel.plot(seen, np.mean(lines, 0), color=color, lw=2.4, label=name)
        panel.set(title=title, xlabel="tasks learned", xticks=seen, ylim=(0, 1.06))
    if joint := [average_accuracy(m) for m in found.get("permuted_joint", [])]:
        panels[0].axhline(np.mean(joint), color="#3a4350", lw=1.2, ls="--", label="all at once")
    if panels[0].lines:
        panels[0].legend(loc="lower left")


lab = Lab(
    area="continual",
    week=3,
    systems=[57],
    seconds=100,
    text="""
A network learns five tasks, one after another, and is then asked about all of them. Its weights
went where the last task wanted them, so the first is lost: that is naive training. Elastic weight
consolidation (EWC) puts each weight on a spring, back to where earlier tasks ended; the more those
tasks depend on the weight, the stiffer. How much they do is read from the Fisher information: how
far the network's own answers would change. Synaptic intelligence (SI) asks instead how much each
weight brought the loss down on its way. Replay keeps twenty rows of each class to show them again.

We ask in three scenarios. Permuted: the same ten digits each time, their pixels in another order.
Class-incremental: two new digits each time, and all ten compete. Task-incremental: the same, but
the network is told which two to choose from. The springs have their best strength for each, found
on other seeds; one comparison has a hundred times too much.

Nothing here becomes infinite, as stiff springs do under plain steps of a fixed length: the pull is
taken in its implicit form. Turn that off to see. The Fisher is exact, row by row. An exhibit shows
what the usual shortcuts give instead.
""",
    data=digit_tasks,
    split=by_task,
    model=lambda s: mlp(64, [s.width], 10),
    train=Training(
        phases=[Phase(fit)],
        evaluate=right,
        parts=("test_1", "test_2", "test_3", "test_4", "test_5"),
        start=begin,
        between=remember,
        stages=stages,
    ),
    optimizer=sgd,
    settings=dict(
        scenario=choice("permuted", "class-incremental", "task-incremental"),
        method=choice("naive", "ewc", "si", "replay", "joint"),
        strength=log(1e-3, 1e9, 10.0),
        implicit=switch(True),
        fisher_rows=whole(1, 272, 100),
        kept=whole(0, 136, 20),
        width=whole(1, 1024, 64),
        rate=log(1e-4, 10, 0.3),
        batch=whole(1, 256, 32),
        epochs=whole(1, 100, 8),
    ),
    compare=dict(
        permuted_naive={},
        permuted_ewc=dict(method="ewc"),
        permuted_too_strong=dict(method="ewc", strength=1000.0),
        permuted_si=dict(method="si", strength=0.1),
        permuted_replay=dict(method="replay"),
        permuted_joint=dict(method="joint"),
        class_naive=dict(scenario="class-incremental"),
        class_ewc=dict(scenario="class-incremental", method="ewc", strength=3000.0),
        class_replay=dict(scenario="class-incremental", method="replay"),
        task_naive=dict(scenario="task-incremental"),
        task_ewc=dict(scenario="task-incremental", method="ewc"),
    ),
    seeds=20,
    quick=dict(epochs=3),
    metrics=dict(
        average_accuracy=Metric(
            unit="accuracy",
            worst=0.0,
            of=lambda curves: average_accuracy(accuracy_matrix(curves, TASKS)),
        ),
        forgetting=Metric(
            unit="accuracy",
            better="lower",
            worst=1.0,
            of=lambda curves: forgetting(accuracy_matrix(curves, TASKS)),
        ),
    ),
    claims=dict(
        naive_forgets=Claim(
            "Without a remedy, permuted digits are forgotten.",
            "permuted_naive",
            metric="forgetting",
            at_least=0.4,
            expected=SUPPORTED,
        ),
        ewc_helps=Claim(
            "With permuted digits, EWC wins back a third of what is lost.",
            "permuted_ewc",
            "permuted_naive",
            metric="average_accuracy",
            at_least=0.15,
            expected=SUPPORTED,
        ),
        si_helps=Claim(
            "With permuted digits, SI helps too.",
            "permuted_si",
            "permuted_naive",
            metric="average_accuracy",
            at_least=0.1,
            expected=SUPPORTED,
        ),
        replay_beats_ewc=Claim(
            "With permuted digits, replay of twenty rows a class does more than EWC.",
            "permuted_replay",
            "permuted_ewc",
            metric="average_accuracy",
            at_least=0.1,
            scope="with what is kept, replay takes 1.3 times the steps",
            expected=SUPPORTED,
        ),
        too_strong=Claim(
            "At a hundred times the best strength, half of what EWC wins is gone.",
            "permuted_too_strong",
            "permuted_ewc",
            metric="average_accuracy",
            at_most=-0.12,
            expected=SUPPORTED,
        ),
        ewc_with_new_classes=Claim(
            "Regularization such as EWC counters forgetting, also where new classes come.",
            "class_ewc",
            "class_naive",
            metric="average_accuracy",
            at_least=0.25,
            scope="class-incremental; 0.25 is a third of what is lost",
            expected=REFUTED,
        ),
        nothing_to_gain=Claim(
            "Where the task is told, little is forgotten, so EWC has nothing to gain.",
            "task_ewc",
            "task_naive",
            metric="average_accuracy",
            within=0.05,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[fisher_is_exact, exact_for_straight_lines, no_spring_is_too_stiff, rules_of_the_game],
    picture=draw,
    scope="digits 8x8 as five tasks, MLP 64-64-10, plain descent, strengths chosen on other seeds",
    effects=dict(
        scenario="class-incremental",
        method="ewc",
        strength=100.0,
        implicit=False,
        fisher_rows=10,
        kept=5,
        width=32,
        rate=0.1,
        batch=16,
        epochs=1,
    ),
    wrong={
        "implicit=false": "The stiffest springs overshoot, further each time, and break.",
        "strength=1000000": "New tasks are hardly learned any more: worse than no remedy.",
        "kept=1": "With one row of each class kept, replay is no better than EWC.",
    },
    read_more=[
        "Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks",
        "Zenke, Poole, Ganguli 2017, Continual learning through synaptic intelligence",
        "Huszar 2018, Note on the quadratic penalties in elastic weight consolidation",
        "van de Ven and Tolias 2019, Three scenarios for continual learning",
        "van de Ven 2025, On the computation of the Fisher information in continual learning",
    ],
)
