"""Every optimizer equals torch.optim, with other coefficients for each network of one stack.

N member, D numbers of a parameter.
"""

import inspect
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from pilotlight.engine.optim import adam, adamw, clip_by_norm, rmsprop, sgd

STEPS = 200
CURVATURES = torch.logspace(-1, 1, 7, dtype=torch.float64)
STARTS = torch.linspace(-1, 1, 7, dtype=torch.float64)

SGD = [
    {"rate": 0.02},
    {"rate": 0.02, "momentum": 0.9},
    {"rate": 0.01, "momentum": 0.8, "nesterov": True},
    {"rate": 0.05, "momentum": 0.9, "dampening": 0.9},
    {"rate": 0.03, "momentum": 0.5, "dampening": 0.2, "weight_decay": 0.1},
    {"rate": 0.03, "momentum": 0.5, "nesterov": True, "weight_decay": 0.3},
    {"rate": 0.03, "dampening": 0.5},
]
RMSPROP = [
    {"rate": 0.01},
    {"rate": 0.002, "smoothing": 0.9, "momentum": 0.9},
    {"rate": 0.02, "smoothing": 0.5, "epsilon": 1e-2, "weight_decay": 0.2},
]
ADAM = [
    {"rate": 0.01},
    {"rate": 0.1, "beta1": 0.5, "beta2": 0.9},
    {"rate": 0.003, "beta1": 0.0, "epsilon": 1e-2, "weight_decay": 0.5},
    {"rate": 0.05, "weight_decay": 0.0},
]
CASES = {"sgd": (sgd, SGD), "rmsprop": (rmsprop, RMSPROP), "adam": (adam, ADAM)}
CASES["adamw"] = (adamw, ADAM)


def slope(position, step):
    """A gradient that is not merely that of a bowl: it turns with the step."""
    return CURVATURES * position + torch.sin(step + 3 * position)


def coefficients(optimizer, given):
    """Each coefficient as [N, 1], defaults where a member gives none; None if it is off in all."""
    found = {}
    for name, default in optimizer.defaults.items():
        values = [g.get(name, default) for g in given]
        kind = torch.bool if isinstance(default, bool) else torch.float64
        off = not default and not any(values)
        found[name] = None if off else torch.tensor(values, dtype=kind)[:, None]
    return SimpleNamespace(**found)


def stacked_path(optimizer, given, steps=STEPS):
    """All positions of all members, [steps, N, D]."""
    at = coefficients(optimizer, given)
    position = STARTS.repeat(len(given), 1)
    slots = {name: torch.zeros_like(position) for name in optimizer.slots}
    path = []
    for step in range(1, steps + 1):
        optimizer.rule(position, slope(position, step), slots, step, at)
        path.append(position.clone())
    return torch.stack(path)


def in_torchs_words(optimizer, given):
    words = {"lr": given["rate"]}
    betas = [given.get(b, optimizer.defaults.get(b)) for b in ("beta1", "beta2")]
    if "beta1" in optimizer.defaults:
        words["betas"] = tuple(betas)
    others = {n: v for n, v in given.items() if n not in ("rate", "beta1", "beta2")}
    return words | {optimizer.torch_words[name]: value for name, value in others.items()}


def torch_path(optimizer, given, steps=STEPS):
    """Positions of one network under torch.optim, [steps, D]."""
    position = STARTS.clone().requires_grad_()
    theirs = getattr(torch.optim, optimizer.torch_name)(
        [position], **in_torchs_words(optimizer, given)
    )
    path = []
    for step in range(1, steps + 1):
        position.grad = slope(position.detach(), step)
        theirs.step()
        path.append(position.detach().clone())
    return torch.stack(path)


def distance(optimizer, given):
    theirs = torch.stack([torch_path(optimizer, g) for g in given], 1)
    return (stacked_path(optimizer, given) - theirs).abs().max()


@pytest.mark.parametrize("name", CASES)
def test_every_member_of_a_stack_equals_torch(name):
    assert distance(*CASES[name]) < 1e-12


@pytest.mark.parametrize(
    ("optimizer", "given"), [(o, g) for o, cases in CASES.values() for g in cases]
)
def test_a_member_alone_equals_torch_with_what_is_off_left_out(optimizer, given):
    assert distance(optimizer, [given]) < 1e-12


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_given_is_torchs_default_except_the_rate(name):
    optimizer, _ = CASES[name]
    by_name = inspect.signature(getattr(torch.optim, optimizer.torch_name)).parameters
    for coefficient, default in optimizer.defaults.items():
        word, _, index = optimizer.torch_words[coefficient].partition("[")
        theirs = by_name[word].default
        assert coefficient == "rate" or default == (theirs[int(index[0])] if index else theirs)


# --- known wrong variants, each of which must be told apart ---


def no_bias_correction(p, g, slots, count, at):
    slots["mean"].mul_(at.beta1).add_((1 - at.beta1) * g)
    slots["square"].mul_(at.beta2).add_((1 - at.beta2) * g * g)
    p.sub_(at.rate * slots["mean"] / (slots["square"].sqrt() + at.epsilon))


def epsilon_inside_the_root(p, g, slots, count, at):
    slots["mean"].mul_(at.beta1).add_((1 - at.beta1) * g)
    slots["square"].mul_(at.beta2).add_((1 - at.beta2) * g * g)
    square = slots["square"] / (1 - at.beta2**count)
    p.sub_(at.rate * slots["mean"] / (1 - at.beta1**count) / (square + at.epsilon).sqrt())


def epsilon_before_the_correction(p, g, slots, count, at):
    slots["mean"].mul_(at.beta1).add_((1 - at.beta1) * g)
    slots["square"].mul_(at.beta2).add_((1 - at.beta2) * g * g)
    root = (slots["square"].sqrt() + at.epsilon) / (1 - at.beta2**count).sqrt()
    p.sub_(at.rate * slots["mean"] / (1 - at.beta1**count) / root)


def velocity_without_its_first_gradient(p, g, slots, count, at):
    slots["velocity"].mul_(at.momentum).add_((1 - at.dampening) * g)
    p.sub_(at.rate * slots["velocity"])


def rmsprop_epsilon_inside(p, g, slots, count, at):
    slots["square"].mul_(at.smoothing).add_((1 - at.smoothing) * g * g)
    p.sub_(at.rate * g / (slots["square"] + at.epsilon).sqrt())


@pytest.mark.parametrize(
    ("optimizer", "rule", "given"),
    [
        (adam, no_bias_correction, {"rate": 0.01}),
        (adam, epsilon_inside_the_root, {"rate": 0.01, "epsilon": 1e-4}),
        (adam, epsilon_before_the_correction, {"rate": 0.01, "epsilon": 1e-4}),
        (adamw, adam.rule, {"rate": 0.01, "weight_decay": 0.1}),  # coupled decay
        (adam, adamw.rule, {"rate": 0.01, "weight_decay": 0.1}),
        (
            sgd,
            velocity_without_its_first_gradient,
            {"rate": 0.01, "momentum": 0.9, "dampening": 0.9},
        ),
        (rmsprop, rmsprop_epsilon_inside, {"rate": 0.01, "epsilon": 1e-4}),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_a_wrong_variant_does_not_equal_torch(optimizer, rule, given):
    assert distance(optimizer, [given]) < 1e-12
    assert distance(replace(optimizer, rule=rule), [given]) > 1e-5


# --- closed forms and published examples ---


def test_adams_first_step_has_the_size_of_the_rate_whatever_the_gradient():
    rates = [1e-3, 0.1, 2.0]
    at = coefficients(adam, [{"rate": r, "epsilon": 0.0} for r in rates])
    position = torch.zeros(3, 4, dtype=torch.float64)
    slots = {name: torch.zeros_like(position) for name in adam.slots}
    gradient = torch.tensor([1e-8, -1e-3, 7.0, -1e6], dtype=torch.float64).expand(3, 4)
    adam.rule(position, gradient, slots, 1, at)
    expected = -torch.tensor(rates, dtype=torch.float64)[:, None] * gradient.sign()
    torch.testing.assert_close(position, expected, rtol=1e-12, atol=0)


def test_the_heavy_balls_speed_under_a_constant_force():
    # a geometric sum: after many steps each step is rate * g / (1 - momentum)
    given = [{"rate": 0.1, "momentum": m} for m in (0.0, 0.5, 0.9)]
    at = coefficients(sgd, given)
    position = torch.zeros(3, 1, dtype=torch.float64)
    slots = {"velocity": torch.zeros_like(position)}
    for step in range(1, 501):
        before = position.clone()
        sgd.rule(position, torch.ones_like(position), slots, step, at)
    speeds = [0.1 / (1 - g.get("momentum", 0.0)) for g in given]
    assert (before - position).flatten().tolist() == pytest.approx(speeds, abs=1e-12)


def test_reddis_counterexample_drives_adam_to_the_worst_point_and_plain_descent_to_the_best():
    # Reddi, Kale, Kumar 2018, theorem 1: on [-1, 1] the slopes C, -1, -1 sum to C - 2 > 0, so the
    # best point is -1; Adam with beta1 = 0, beta2 = 1 / (1 + C^2) and a rate ~ 1/sqrt(t) ends at +1
    steep = 4.0
    slopes = [steep, -1.0, -1.0]
    own = {"beta1": 0.0, "beta2": 1 / (1 + steep**2), "epsilon": 0.0}

    def ends(optimizer, rate, **given):
        position = torch.zeros(1, 1, dtype=torch.float64)
        slots = {name: torch.zeros_like(position) for name in optimizer.slots}
        for step in range(1, 6001):
            at = coefficients(optimizer, [{"rate": rate / step**0.5, **given}])
            gradient = torch.full_like(position, slopes[(step - 1) % 3])
            optimizer.rule(position, gradient, slots, step, at)
            position.clamp_(-1, 1)
        return position.item()

    assert ends(adam, 0.2, **own) == pytest.approx(1.0, abs=0.02)
    assert ends(sgd, 0.2) == pytest.approx(-1.0, abs=0.02)


# --- clipping ---


def test_clipping_equals_torchs_for_each_member():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (5,), (2, 2, 2)]
    gradients = [torch.randn(4, *s, generator=generator, dtype=torch.float64) for s in shapes]
    most = torch.tensor([0.1, 1.0, 3.0, 1e6], dtype=torch.float64)
    clipped = clip_by_norm(gradients, most)
    for i, bound in enumerate(most.tolist()):
        theirs = [torch.zeros(s, dtype=torch.float64).requires_grad_() for s in shapes]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient[i].clone()
        torch.nn.utils.clip_grad_norm_(theirs, bound)
        for ours, parameter in zip(clipped, theirs, strict=True):
            torch.testing.assert_close(ours[i], parameter.grad, rtol=1e-12, atol=1e-15)
    assert all(torch.equal(c[3], g[3]) for c, g in zip(clipped, gradients, strict=True))


# --- names ---


def test_a_coefficient_may_read_another_setting():
    critic = adam.reading(rate="critic_rate").reading(beta1="critic_beta1")
    assert critic.setting("rate") == "critic_rate"
    assert critic.setting("beta1") == "critic_beta1"
    assert critic.setting("beta2") == "beta2"
    assert adam.setting("rate") == "rate"
    assert (critic.rule, critic.defaults) == (adam.rule, adam.defaults)
