"""The elastic-weights lab: its exhibits pass, known mistakes make them fail, its springs hold."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Diverged, Measured
from pilotlight.data.tasks import permuted_digits, split_digits
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.continual import elastic_weights as module
from pilotlight.nets.dense import mlp

lab = module.lab


def test_exhibits_pass(failing):
    assert failing() == set()


def slopes_of_rows(model, batch, settings):
    """Of the loss with the true answer, row by row: {name: [row, ...]}."""
    found = {name: [] for name, _ in model.named_parameters()}
    for x, y in zip(batch.inputs, batch.targets, strict=True):
        scores, label = module.answers(model(x[None]), y[None], settings)
        gradients = torch.autograd.grad(cross_entropy(scores, label), list(model.parameters()))
        for name, gradient in zip(found, gradients, strict=True):
            found[name].append(gradient)
    return {name: torch.stack(each) for name, each in found.items()}


def square_of_the_mean(model, batch, settings):
    return {n: g.mean(0) ** 2 for n, g in slopes_of_rows(model, batch, settings).items()}


def empirical(model, batch, settings):
    return {n: (g**2).mean(0) for n, g in slopes_of_rows(model, batch, settings).items()}


def explicit(importance, settings):
    return settings.strength * importance


def told_anyway(scores, targets, settings):
    own = SimpleNamespace(scenario="task-incremental")
    known = settings.scenario != "permuted"
    return TRUE_ANSWERS(scores, targets, own if known else settings)


TRUE_ANSWERS = module.answers


def told_in_tests_only(model, batch, settings, state):
    scores, label = told_anyway(model(batch.inputs), batch.targets, settings)
    return {"accuracy": (scores.argmax(1) == label).to(scores.dtype)}


def over_all_tasks(matrix, after=None):
    last = (after or len(matrix)) - 1
    falls = [max(row[j] for row in matrix) - matrix[last][j] for j in range(len(matrix))]
    return sum(falls) / len(falls)


MISTAKES = {
    "the batch's mean gradient is squared": ("fisher", square_of_the_mean, "fisher_is_exact"),
    "true labels are called Fisher": ("fisher", empirical, "fisher_is_exact"),
    "the penalty explodes": ("stiffness", explicit, "no_spring_is_too_stiff"),
    "outputs are masked with new classes": ("answers", told_anyway, "rules_of_the_game"),
    "the task leaks in tests": ("right", told_in_tests_only, "rules_of_the_game"),
    "tasks not seen count": ("forgetting", over_all_tasks, "rules_of_the_game"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_exhibit_sees(monkeypatch, mistake, failing):
    name, wrong, exhibit = MISTAKES[mistake]
    monkeypatch.setattr(module, name, wrong)
    assert exhibit in failing()


def a_network(width=6):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return mlp(64, [width], 10).double()


@pytest.mark.parametrize("scenario", ["permuted", "task-incremental"])
def test_the_fisher_of_a_network_is_torchs_row_by_row(scenario):
    draw = torch.Generator().manual_seed(0)
    inputs, targets = split_digits(5, draw) if "task" in scenario else permuted_digits(1, draw)
    batch = SimpleNamespace(inputs=inputs[:9].double(), targets=targets[:9])
    told, model = SimpleNamespace(scenario=scenario, fisher_rows=9), a_network()
    expected = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for x, y in zip(batch.inputs, batch.targets, strict=True):
        logs = module.answers(model(x[None]), y[None], told)[0].log_softmax(1)[0]
        for log in logs:
            gradients = torch.autograd.grad(log, list(model.parameters()), retain_graph=True)
            for name, gradient in zip(expected, gradients, strict=True):
                expected[name] += log.exp().detach() * gradient**2 / 9
    for name, value in module.fisher(model, batch, told).items():
        torch.testing.assert_close(value, expected[name])


def test_the_gains_of_si_add_up_to_the_fall_of_the_loss():
    """Along short steps, slope times step adds up to the change (a line integral)."""
    inputs, targets = permuted_digits(1, torch.Generator().manual_seed(0))
    batch = SimpleNamespace(inputs=inputs[:100].double(), targets=targets[:100])
    told = SimpleNamespace(
        scenario="permuted", method="si", strength=0.5, rate=0.002, implicit=True
    )
    model = a_network()
    state = module.begin(model, told)
    state["anchor"] = {n: p.detach() + 0.1 for n, p in model.named_parameters()}  # it pulls
    state["importance"] = {n: torch.ones_like(p) for n, p in model.named_parameters()}
    steps = torch.optim.SGD(model.parameters(), lr=told.rate)
    losses = []
    for _ in range(150):
        losses.append(cross_entropy(model(batch.inputs), targets[:100, 0]).item())
        steps.zero_grad()
        loss, _, state = module.fit(model, batch, told, state)
        loss.backward()
        steps.step()
        state = {k: {n: v.detach().clone() for n, v in t.items()} for k, t in state.items()}
    fall = losses[0] - cross_entropy(model(batch.inputs), targets[:100, 0]).item()
    assert sum(g.sum().item() for g in state["gain"].values()) == pytest.approx(fall, rel=0.02)
    assert abs(fall) > 0.01


def test_importances_add_up_and_the_anchor_moves():
    inputs, targets = permuted_digits(1, torch.Generator().manual_seed(0))
    batch = SimpleNamespace(inputs=inputs[:9].double(), targets=targets[:9])
    told = SimpleNamespace(scenario="permuted", method="ewc", fisher_rows=9)
    model = a_network()
    once = module.remember(model, batch, told, module.begin(model, told))
    moved = a_network()
    with torch.no_grad():
        moved[0].bias += 0.5
    twice = module.remember(moved, batch, told, once)
    added = module.fisher(moved, batch, told)
    for name, parameter in moved.named_parameters():
        assert torch.equal(twice["anchor"][name], parameter)
        torch.testing.assert_close(
            twice["importance"][name], once["importance"][name] + added[name]
        )


def events(compare, **changes):
    bare = replace(lab, exhibits=(), compare=compare)
    plan, material = make(bare, make_members(bare, range(2), changes), "cpu")
    return list(run(bare, plan, material))


SHORT = {"scenario": "class-incremental", "epochs": 2, "fisher_rows": 20, "width": 16}


def test_no_strength_makes_a_nan_unless_steps_are_explicit():
    strong = {"strong": {"method": "ewc", "strength": 1e9}}
    assert not [e for e in events(strong, **SHORT) if isinstance(e, Diverged)]
    assert len([e for e in events(strong, implicit=False, **SHORT) if isinstance(e, Diverged)]) == 2


def test_each_method_sees_the_rows_it_should():
    told = SimpleNamespace(epochs=3, method="naive")
    assert [s.part for s in module.stages(told)] == [f"train_{t}" for t in range(1, 6)]
    told.method = "replay"
    assert [s.part for s in module.stages(told)] == [f"replay_{t}" for t in range(1, 6)]
    told.method = "joint"
    assert module.stages(told) == [("train", 3)]


def test_the_picture_is_drawn_of_a_report_that_lacks_comparisons():
    measured = [e for e in events({"class_naive": {}}, **SHORT) if isinstance(e, Measured)]
    curves = {"epoch": [e.epoch for e in measured if not e.final]}
    for name in measured[0].values:
        curves[name] = [e.values[name][0] for e in measured if not e.final]
    member = SimpleNamespace(comparison="class_naive", curves=curves, diverged_at=None)
    figure = Figure()
    module.draw(SimpleNamespace(members=[member]), figure)
    assert [len(panel.lines) for panel in figure.axes] == [0, 2, 0]
