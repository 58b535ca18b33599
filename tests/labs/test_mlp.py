"""The mlp lab: its exhibits pass, mistakes make them fail, its tasks are what they claim."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional

from pilotlight.data.generators import generator
from pilotlight.data.split import holdout
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import mlp
from pilotlight.testing import rules

lab = load("mlp")
TASKS = lab.declared["task"].choices


def settings(**own):
    defaults = {name: setting.default for name, setting in lab.declared.items()}
    return SimpleNamespace(**{**defaults, **own})


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def overflowing_softmax(scores):
    powers = np.exp(scores)
    return powers / powers.sum(1, keepdims=True)


def softmax_over_rows(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum(0)


def backward_without_bend(weights, x, y):
    into, shift, out, last = weights
    hidden = np.maximum(x @ into + shift, 0)
    by_scores = (mlp.softmax(hidden @ out + last) - y) / len(x)
    by_hidden = by_scores @ out.T
    return [x.T @ by_hidden, by_hidden.sum(0), hidden.T @ by_scores, by_scores.sum(0)]


def sum_instead_of_mean(weights, x, y, right=mlp.gradients):
    return [slope * len(x) for slope in right(weights, x, y)]


def units_that_differ(weights, x, y, right=mlp.gradients):
    into, *others = right(weights, x, y)
    return [into * (1 + 0.01 * np.arange(into.shape[1])), *others]


MISTAKES = {
    "softmax overflows": ("softmax", overflowing_softmax, {"softmax_of_large_scores"}),
    "softmax over the wrong dimension": (
        "softmax",
        softmax_over_rows,
        {"softmax_of_large_scores", "same_as_scikit_learn", "equal_units_stay_equal"},
    ),
    "the bend is forgotten on the way back": (
        "gradients",
        backward_without_bend,
        {"same_as_scikit_learn"},
    ),
    "the sum over rows for their mean": (
        "gradients",
        sum_instead_of_mean,
        {"same_as_scikit_learn"},
    ),
    "units that are pushed apart": (
        "gradients",
        units_that_differ,
        {"same_as_scikit_learn", "equal_units_stay_equal"},
    ),
    "no plane may leave the origin": (
        "separable",
        lambda points, positive, right=mlp.separable: right(points, positive) and not positive[0],
        {"yes_or_no_questions"},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_just_the_exhibits_that_can_see_it(mistake, monkeypatch, failing):
    name, wrong, seen_by = MISTAKES[mistake]
    monkeypatch.setattr(mlp, name, wrong)
    assert failing() == seen_by


def test_separable_by_hand():
    corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    assert mlp.separable(corners, np.array([0.0, 0, 0, 1]))
    assert mlp.separable(corners, np.array([0.0, 1, 1, 1]))
    assert not mlp.separable(corners, np.array([0.0, 1, 1, 0]))
    assert not mlp.separable(corners, np.array([1.0, 0, 0, 1]))


def test_scikit_learns_worked_example():
    """The figures printed in its own test, sklearn/neural_network/tests/test_mlp.py, test_fit."""
    network = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid()).double()
    given = ([[0.1, 0.3, 0.5], [0.2, 0.1, 0]], [0.1, 0.1], [[0.1, 0.2]], [1.0])
    with torch.no_grad():
        for parameter, values in zip(network.parameters(), given, strict=True):
            parameter.copy_(torch.tensor(values))
    x = torch.tensor([[0.6, 0.8, 0.7]], dtype=torch.float64)
    hidden = network[1](network[0](x))
    assert hidden.tolist()[0] == pytest.approx([0.679178699175393, 0.574442516811659], abs=1e-7)
    assert network(x).item() == pytest.approx(0.7654329, abs=1e-4)  # printed from rounded steps
    decayed = [network[0].weight, network[2].weight]
    loss = functional.binary_cross_entropy(network(x), torch.zeros(1, 1, dtype=torch.float64))
    (loss + 0.05 * sum((w**2).sum() for w in decayed)).backward()
    torch.optim.SGD(network.parameters(), 0.1).step()
    after = [p.detach().numpy().T for p in network.parameters()]
    right = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    assert after[0] == pytest.approx(np.array(right), abs=1.5e-3)
    assert after[1] == pytest.approx([0.098333, 0.09626], abs=1.5e-3)
    assert after[2] == pytest.approx(np.array([[0.04706], [0.154089]]), abs=1.5e-3)
    assert after[3] == pytest.approx([0.9235], abs=1.5e-3)


def test_gradients_by_hand_equal_autograd():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(20, 5, generator=draw, dtype=torch.float64)
    y = torch.randint(3, (20,), generator=draw)
    network = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    functional.cross_entropy(network(x), y).backward()
    weights = [p.detach().numpy().T for p in network.parameters()]
    ours = mlp.gradients(weights, x.numpy(), np.eye(3)[y])
    for found, parameter in zip(ours, network.parameters(), strict=True):
        assert found == pytest.approx(parameter.grad.numpy().T, abs=1e-15)


# --- networks ---


@pytest.mark.parametrize(
    ("own", "weights"),
    [
        ({"width": 0}, 6),
        ({"width": 8}, 42),
        ({}, 162),
        ({"bend": "none"}, 162),
        ({"task": "digits", "width": 0}, 130),
        ({"task": "digits", "width": 2}, 136),
    ],
)
def test_weights_are_as_many_as_the_scopes_say(own, weights):
    network = mlp.network(settings(**own))
    assert sum(p.numel() for p in network.parameters()) == weights


def test_units_start_equal_only_where_asked():
    drawn, equal = mlp.network(settings()), mlp.network(settings(start="equal"))
    assert len({tuple(row) for row in drawn[0].weight.tolist()}) == 32
    assert len({tuple(row) for row in equal[0].weight.tolist()}) == 1
    assert len({tuple(column) for column in equal[2].weight.T.tolist()}) == 1


def test_no_bend_is_one_linear_map():
    network = mlp.network(settings(bend="none"))
    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    halves = network(x / 2) + network(-x / 2)
    assert torch.allclose(halves, 2 * network(torch.zeros(3, 2)), atol=1e-6)


def test_a_first_loss_far_from_theory_is_caught():
    def far_off(s):
        network = mlp.network(s)
        with torch.no_grad():
            network[-1].bias.copy_(torch.tensor([5.0, -5.0]))
        return network

    bare = replace(lab, compare={"hidden": {}}, claims={}, exhibits=(), seeds=2)
    assert rules.first_loss_near_theory(rules.Trial.of(bare)) == []
    found = rules.first_loss_near_theory(rules.Trial.of(replace(bare, model=far_off)))
    assert "away from ln 2 = 0.69" in found[0]


# --- tasks ---


def drawn_rows(task, seed):
    return mlp.rows_of(settings(task=task), generator(seed, "data"))


@pytest.mark.parametrize("task", TASKS)
def test_rows_of_a_task(task):
    x, y = drawn_rows(task, 5)
    assert x.shape == ((1797, 64) if task == "digits" else (1000, 2))
    assert x.dtype == torch.float32
    assert set(y.tolist()) == {0, 1}
    assert y.double().mean().item() == pytest.approx(0.5, abs=0.06)
    again, other = drawn_rows(task, 5)[0], drawn_rows(task, 6)[0]
    assert torch.equal(x, again)
    assert torch.equal(x, other) == (task == "digits")


def test_xor_is_whether_signs_differ():
    x, y = drawn_rows("xor", 0)
    assert torch.equal(y == 1, (x[:, 0] > 0) != (x[:, 1] > 0))


def test_moons_are_two_half_circles():
    x, y = drawn_rows("moons", 0)
    centre = torch.tensor([-0.5, -0.25])
    for label, sign in ((1, 1), (0, -1)):
        away = (x[y == label] - sign * centre).norm(dim=1)
        assert away.mean().item() == pytest.approx(1, abs=0.05)
        assert away.std().item() == pytest.approx(0.2, abs=0.03)


def test_straight_border_is_as_hard_as_theory_says():
    right = 0.5 * (1 + math.erf(math.sqrt(2) / math.sqrt(2)))  # a step of sqrt(2) sd to the border
    x, y = (
        torch.cat(parts)
        for parts in zip(*(drawn_rows("border", s) for s in range(20)), strict=True)
    )
    assert ((x.sum(1) > 0) == (y == 1)).double().mean().item() == pytest.approx(right, abs=0.006)


def test_a_linear_model_at_its_optimum_does_no_better_than_ours():
    """Logistic regression solved to the end: two thirds of a spiral, the loss of a coin on XOR."""
    right, losses = [], []
    for seed in range(6):
        for task in ("spiral", "xor"):
            x, y = drawn_rows(task, seed)
            rows = holdout(y, None, generator(seed, "split"))
            x, y = x.numpy(), y.numpy()
            model = LogisticRegression(C=1e6).fit(x[rows["train"]], y[rows["train"]])
            chances = model.predict_proba(x[rows["test"]])[range(200), y[rows["test"]][:200]]
            if task == "spiral":
                right.append((chances > 0.5).mean())
            else:
                losses.append(-np.log(chances).mean())
    assert np.mean(right) == pytest.approx(0.665, abs=0.02)
    assert np.mean(losses) == pytest.approx(math.log(2), abs=0.01)


# --- the picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    canvas = FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    canvas.draw()
    return figure


def test_picture_shows_each_network_that_ended():
    members = [
        SimpleNamespace(comparison=name, final={"test_accuracy": accuracy})
        for name, accuracy in (("xor", 0.9), ("xor", None), ("xor_linear", 0.5))
    ]
    right = drawn(members).axes[0]
    assert sum(len(line.get_ydata()) for line in right.lines[:-1]) == 2
    assert len(drawn([]).axes) == 6
