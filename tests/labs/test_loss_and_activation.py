"""The lab on loss and activation: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional

from pilotlight.core.report import MemberRow
from pilotlight.labs.foundations import loss_and_activation as module
from pilotlight.labs.foundations.loss_and_activation import lab

BY_ID = {exhibit.id: exhibit for exhibit in lab.exhibits}
DEFAULTS = SimpleNamespace(**{name: s.default for name, s in lab.declared.items()})


# --- the lab as it is ---


@pytest.mark.parametrize("exhibit", lab.exhibits, ids=lambda e: e.id)
def test_exhibit_passes(exhibit, error_of):
    assert error_of(exhibit.id) <= exhibit.tolerance


def test_losses_are_torchs():
    draw = torch.Generator().manual_seed(0)
    scores, targets = torch.randn(7, 10, generator=draw), torch.arange(7)
    right = functional.one_hot(targets, 10).float()
    expected = {
        "cross_entropy": nn.CrossEntropyLoss()(scores, targets),
        "squared": nn.MSELoss()(scores, right),
        "squared_chances": nn.MSELoss()(scores.softmax(1), right),
    }
    for name, loss in module.LOSSES.items():
        torch.testing.assert_close(loss(scores, targets), expected[name])


def test_shares_have_the_least_squared_error_and_the_commonest_class_the_least_absolute():
    shown = BY_ID["what_a_loss_asks_for"].function()[1]
    assert shown["squared errors"][0] < shown["squared errors"][1]
    assert shown["absolute errors"][0] > shown["absolute errors"][1]


def test_every_second_digit_is_a_negative():
    pictures, labels = module.digits_and_negatives()
    plain, mixed = pictures.unbind(1)
    assert pictures.shape == (1797, 2, 64)
    assert len(labels) == 1797
    torch.testing.assert_close(mixed[::2], 1 - plain[::2])
    torch.testing.assert_close(mixed[1::2], plain[1::2])
    for on, expected in ((False, plain), (True, mixed), (torch.tensor(True), mixed)):
        batch = SimpleNamespace(inputs=pictures)
        shown = module.seen(batch, SimpleNamespace(negatives=on))
        torch.testing.assert_close(shown, expected)


def test_a_sure_network_says_nought_to_everything():
    torch.manual_seed(0)
    model = module.network(SimpleNamespace(**{**vars(DEFAULTS), "sure": 10.0}))
    chances = model(torch.rand(50, 64)).softmax(1)
    assert chances[:, 0].min() > 0.99


def test_layers_without_a_bend_are_one_linear_map():
    torch.manual_seed(0)
    model = module.network(SimpleNamespace(**{**vars(DEFAULTS), "activation": "linear"}))
    x = torch.rand(50, 64)
    step = model(x + 1) - model(x)
    torch.testing.assert_close(step, step[:1].expand_as(step), atol=1e-5, rtol=0)


def test_the_share_of_dead_units_is_counted_over_all_rows():
    hidden, second = nn.Linear(2, 4), nn.Linear(4, 4)
    with torch.no_grad():
        hidden.weight[:] = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
        hidden.bias[:] = torch.tensor([0.0, 0.0, -10, 10])  # the third is off for all rows
        second.weight.zero_()
        second.bias[:] = torch.tensor([1.0, 1.0, -1.0, 1.0])  # again the third
    model = nn.Sequential(hidden, nn.ReLU(), second, nn.ReLU(), nn.Linear(4, 10))
    x = torch.tensor([[1.0, 1], [-1, 1], [2, 2]])  # the second unit is on for one row only
    batch = SimpleNamespace(inputs=torch.stack([x, x], 1), targets=torch.zeros(3).long())
    measured = module.evaluate(model, batch, DEFAULTS, {})
    assert measured["dead"].tolist() == [0.25] * 3
    model[1], model[3] = nn.LeakyReLU(), nn.LeakyReLU()
    assert module.evaluate(model, batch, DEFAULTS, {})["dead"].tolist() == [0.0] * 3


def test_metrics_read_the_curves():
    curves = {"test_accuracy": [0.1, 0.5, 0.9, 0.89, 0.95], "test_dead": [0.1, 0.5, 0.3]}
    assert module.epochs_below_90(curves) == 2
    assert module.died(curves) == pytest.approx(0.2)


# --- known mistakes ---


def softmax_twice(scores, targets):
    return functional.cross_entropy(scores.softmax(1), targets)


def a_sum_over_the_rows(scores, targets):
    return functional.cross_entropy(scores, targets, reduction="sum")


def labels_as_numbers(scores, targets):
    return (scores - targets[:, None]).square().mean()


def absolute(scores, targets):
    return (scores - functional.one_hot(targets, scores.shape[1])).abs().mean()


LOSSES, ASKS = "slopes_of_losses", "what_a_loss_asks_for"


@pytest.mark.parametrize(
    ("name", "mistake", "caught"),
    [
        ("cross_entropy", softmax_twice, {LOSSES, ASKS}),
        ("cross_entropy", a_sum_over_the_rows, {LOSSES}),
        ("squared", labels_as_numbers, {LOSSES, ASKS}),
        ("squared", absolute, {LOSSES, ASKS}),
        ("squared_chances", softmax_twice, {LOSSES, ASKS}),
    ],
)
def test_a_wrong_loss_is_caught(monkeypatch, name, mistake, caught, error_of):
    monkeypatch.setitem(module.LOSSES, name, mistake)
    assert {id for id in (LOSSES, ASKS) if error_of(id) > BY_ID[id].tolerance} == caught


def test_a_slope_that_forgets_the_softmax_is_caught(monkeypatch, error_of):
    right = module.slope_by_scores

    def wrong(loss, scores, targets):
        if loss != "squared_chances":
            return right(loss, scores, targets)
        return 2 * (scores.softmax(1) - functional.one_hot(targets, 10)) / scores.numel()

    monkeypatch.setattr(module, "slope_by_scores", wrong)
    assert error_of(LOSSES) > 1e-4


@pytest.mark.parametrize(
    ("activation", "mistake"),
    [
        ("tanh", lambda z: 1 - z.tanh()),
        ("sigmoid", lambda z: z.sigmoid()),
        ("relu", lambda z: torch.ones_like(z).where(z > 0, 0.01)),
        ("leaky", lambda z: torch.ones_like(z).where(z > 0, 0.0)),
    ],
)
def test_a_wrong_slope_is_caught(monkeypatch, activation, mistake, error_of):
    right = module.slope_of
    monkeypatch.setattr(
        module, "slope_of", lambda name, z: mistake(z) if name == activation else right(name, z)
    )
    assert error_of("slopes_of_activations") > 0.005
    if activation in ("relu", "leaky"):
        assert error_of("dead_units_stay_dead") > 0.1


# --- picture ---


def test_picture_shows_every_network():
    members = [
        MemberRow(i, name, i, {}, {"epoch": [0, 1], "test_accuracy": [0.1, 0.9]}, final)
        for i, (name, final) in enumerate(
            [
                ("cross_entropy", {"test_accuracy": 0.9, "test_dead": 0.1}),
                ("sure_squared_chances", {"test_accuracy": 0.1, "test_dead": 0.2}),
                ("too_fast", {"test_accuracy": 0.4, "test_dead": 0.7}),
                ("negatives_linear", {"test_accuracy": 0.2, "test_dead": 0.0}),
                ("negatives", {"test_accuracy": None, "test_dead": None}),
            ]
        )
    ]
    figure = Figure(figsize=(8, 5))
    lab.picture(SimpleNamespace(members=members), figure)
    left, above, below = (
        [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
        for axes in figure.axes
    )
    assert left == [([0, 1], [0.1, 0.9])] * 2
    assert [y for _, y in above] == [[0.9], [], [], [], [], [0.2]]
    assert below == [([0.1], [0.9]), ([0.7], [0.4]), ([], [])]


def test_picture_of_a_run_stopped_at_once():
    lab.picture(SimpleNamespace(members=[]), Figure(figsize=(8, 5)))
