"""The rmsprop lab: its exhibits pass, known mistakes make them fail, its networks are as told."""

from dataclasses import replace
from statistics import median
from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Measured
from pilotlight.data.bundled import read_digits
from pilotlight.engine.plan import build, make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import rmsprop as module
from pilotlight.labs.foundations.rmsprop import double, walk

lab = load("rmsprop")


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def running_square(g, slots, at, old, new):
    return slots["square"].mul_(old).add_(new * g * g)


def epsilon_inside_the_root(p, g, slots, count, at):
    square = running_square(g, slots, at, at.smoothing, 1 - at.smoothing)
    p.sub_(at.rate * g / (square + at.epsilon).sqrt())


def no_root(p, g, slots, count, at):
    square = running_square(g, slots, at, at.smoothing, 1 - at.smoothing)
    p.sub_(at.rate * g / (square + at.epsilon))


def shares_swapped(p, g, slots, count, at):
    square = running_square(g, slots, at, 1 - at.smoothing, at.smoothing)
    p.sub_(at.rate * g / (square.sqrt() + at.epsilon))


def a_sum_instead_of_an_average(p, g, slots, count, at):
    square = running_square(g, slots, at, 1.0, 1.0)
    p.sub_(at.rate * g / (square.sqrt() + at.epsilon))


def corrected_for_its_start(p, g, slots, count, at):
    square = running_square(g, slots, at, at.smoothing, 1 - at.smoothing)
    p.sub_(at.rate * g / ((square / (1 - at.smoothing**count)).sqrt() + at.epsilon))


def the_whole_gradient_divided(p, g, slots, count, at):
    square = running_square(g.norm(), slots, at, at.smoothing, 1 - at.smoothing)
    p.sub_(at.rate * g / (square.sqrt() + at.epsilon))


MISTAKES = {
    epsilon_inside_the_root: {"same_as_torch", "first_step"},
    no_root: {"same_as_torch", "first_step", "any_unit", "never_rests"},
    shares_swapped: {"same_as_torch", "first_step"},
    a_sum_instead_of_an_average: {"same_as_torch", "first_step", "never_rests"},
    corrected_for_its_start: {"same_as_torch", "first_step"},
    the_whole_gradient_divided: {"same_as_torch", "first_step", "any_unit", "never_rests"},
}


@pytest.mark.parametrize("rule", MISTAKES, ids=lambda rule: rule.__name__)
def test_a_mistake_makes_exhibits_fail(monkeypatch, rule, failing):
    monkeypatch.setattr(module, "rmsprop", replace(module.rmsprop, rule=rule))
    assert failing() == MISTAKES[rule]


# --- published and closed forms ---


def test_first_step_published_with_keras():
    # rate 0.5, smoothing 0.9, gradients 1, 6, 7, 2 from 1, 2, 3, 4; printed to four digits
    slopes = double([1.0, 6.0, 7.0, 2.0])
    end = walk(double([1.0, 2.0, 3.0, 4.0]), lambda x: slopes, 1, rate=0.5, smoothing=0.9)[0]
    assert end.tolist() == pytest.approx([-0.5811, 0.4189, 1.4189, 2.4189], abs=5e-5)


def test_with_a_huge_epsilon_it_is_plain_descent():
    path = walk(double([1.0]), lambda x: 2 * x, 50, rate=0.1 * 1e9, epsilon=1e9)[:, 0]
    closed_form = (1 - 0.1 * 2) ** torch.arange(1, 51, dtype=torch.float64)
    torch.testing.assert_close(path, closed_form, rtol=1e-6, atol=0)


def test_without_memory_each_step_is_one_rate_long():
    path = walk(double([1.0]), lambda x: x.sinh(), 20, rate=0.03, smoothing=0.0, epsilon=0.0)[:, 0]
    assert path.tolist() == pytest.approx([1 - 0.03 * n for n in range(1, 21)], abs=1e-12)


def test_narrow_bowls_are_slow_only_across_the_axes():
    _, shown = next(e for e in lab.exhibits if e.id == "any_unit").function()
    along, across = shown.values()
    assert across > 20 * along


# --- its networks ---


def member_of(comparison, seed=0):
    return make_members(lab, [seed], {}, (comparison,))[0]


def weight_gradients(model, rows=64):
    inputs, targets = read_digits()
    cross_entropy(model(inputs[:rows]), targets[:rows]).backward()
    return [p.grad.norm().item() for p in model.parameters() if p.dim() == 2]


def test_gradients_shrink_about_two_hundred_times_through_the_sigmoids_only():
    gradients = [
        [weight_gradients(build(lab, member_of(name, seed))) for seed in range(20)]
        for name in ("deep_rmsprop", "rmsprop")
    ]
    deep, shallow = (median(own[-1] / own[0] for own in found) for found in gradients)
    assert deep == pytest.approx(200, rel=0.25)
    assert 0.5 < shallow < 2


def test_no_gradient_is_shorter_than_the_length_they_are_cut_to():
    own = member_of("deep_one_length").settings
    assert own.rate * own.clip == pytest.approx(3.0)
    model = build(lab, member_of("deep_one_length"))
    inputs, targets = read_digits()
    optimizer = torch.optim.SGD(model.parameters(), lr=own.rate)
    shortest = []
    for rows in torch.randperm(1797, generator=torch.Generator().manual_seed(0)).split(64)[:20]:
        optimizer.zero_grad()
        cross_entropy(model(inputs[rows]), targets[rows]).backward()
        shortest.append(torch.nn.utils.clip_grad_norm_(model.parameters(), own.clip).item())
        optimizer.step()
    assert min(shortest) > 100 * own.clip


def test_the_loss_of_a_phase_is_counted_in_its_unit():
    model = build(lab, member_of("rmsprop"))
    batch = SimpleNamespace(**dict(zip(("inputs", "targets"), read_digits(), strict=True)))
    losses = [module.fit(model, batch, SimpleNamespace(unit=u), {})[0].item() for u in (1, 0.01)]
    assert losses[0] == pytest.approx(cross_entropy(model(batch.inputs), batch.targets).item())
    assert losses[1] == pytest.approx(losses[0] / 100)


def test_units_leave_rmsprop_where_it_was_and_move_plain_descent():
    names = ("rmsprop", "plain", "rmsprop_unit_100", "plain_unit_100")
    members = make_members(lab, [0], {"epochs": 2}, names)
    plan, material = make(lab, members, "cpu", "float64")
    events = list(run(replace(lab, exhibits=()), plan, material))
    ends = {
        members[i].comparison: value
        for e in events
        if isinstance(e, Measured) and e.final
        for i, value in zip(e.members, e.values["test_accuracy"], strict=True)
    }
    assert ends["rmsprop_unit_100"] == pytest.approx(ends["rmsprop"], abs=0.02)
    assert ends["plain_unit_100"] < ends["plain"] - 0.3


# --- its picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    figure.canvas.draw()
    return figure


def row(comparison, values, seed=0):
    own = member_of(comparison)
    return SimpleNamespace(
        comparison=comparison, seed=seed, settings=own.settings, curves={"test_accuracy": values}
    )


def test_picture_shows_means_over_seeds_and_counts_divergence_as_zero():
    members = [row("rmsprop", [0.1, 0.8]), row("rmsprop", [0.1, 0.6], 1)]
    members += [row("rmsprop_unit_0.01", [0.1, None]), row("deep_plain", [0.1, 0.3])]
    left, right = drawn(members).axes
    line = next(li for li in left.lines if li.get_linewidth() == 2.5 and len(li.get_xdata()))
    assert list(line.get_xdata()) == [0.01, 1.0]
    assert list(line.get_ydata()) == pytest.approx([0.0, 0.7])
    assert [t.get_text() for t in right.texts] == ["plain descent"]


def test_picture_of_a_run_that_was_stopped_at_once():
    assert len(drawn([]).axes) == 2
    assert len(drawn([row("rmsprop", [])]).axes) == 2
