"""Many networks at once give what each gives alone: outputs, gradients, buffers.

N member, B batch.
"""

import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import conv2d

from pilotlight.core.errors import LabError
from pilotlight.engine.stack import (
    Stack,
    as_batch,
    dropouts,
    lay_channels_last,
    refuse_hidden_draws,
    stack_models,
    why_not_stacked,
)
from pilotlight.nets.dropout import Dropout

MEMBERS, ROWS = 3, 4
# torch computes these one after another under vmap and says so; the numbers are what matters here
SLOW = pytest.mark.filterwarnings("ignore:There is a performance drop")


class PlainAttention(nn.Module):
    """One head, its softmax written out."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(6, 6) for _ in range(3))

    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / 6**0.5
        return torch.softmax(scores, -1) @ self.value(x)


class Recurrence(nn.Module):
    """A GRUCell along time, [B, T, 6] -> [B, 5]."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(6, 5)

    def forward(self, x):
        hidden = torch.zeros(len(x), 5, dtype=x.dtype)
        for t in range(x.shape[1]):
            hidden = self.cell(x[:, t], hidden)
        return hidden


class Tied(nn.Module):
    """The same weights read in and out."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.readout = nn.Linear(5, 11, bias=False)
        self.readout.weight = self.embedding.weight

    def forward(self, x):
        return self.readout(self.embedding(x))


def encoder_layer():
    return nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)


NUMBERS, TIMES, IMAGES = (ROWS, 6), (ROWS, 5, 6), (ROWS, 2, 7, 7)
BUILT = {
    "dense": (lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)), NUMBERS),
    "convolution": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        IMAGES,
    ),
    "batch norm": (lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8)), NUMBERS),
    "batch norm of images": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), IMAGES),
    "layer norm": (lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8)), NUMBERS),
    "group norm": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GroupNorm(2, 8)), NUMBERS),
    "embedding": (lambda: nn.Embedding(11, 5), "words"),
    "tied weights": (Tied, "words"),
    "gated cell": (Recurrence, TIMES),
    "attention": (PlainAttention, TIMES),
    "transformer layer": (encoder_layer, TIMES),
}


def draws(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    if shape == "words":
        return torch.randint(11, (ROWS, 5), generator=generator)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def build(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [make().double() for _ in range(MEMBERS)]


def lone(model, batches):
    """What the plain module gives over some batches in a row: outputs, gradients, buffers."""
    outputs = []
    for x in batches:
        model.zero_grad()
        output = model(x)
        (output**2).sum().backward()
        outputs.append(output.detach())
    gradients = {n: p.grad for n, p in model.named_parameters()}
    return outputs, gradients, dict(model.named_buffers())


@SLOW
@pytest.mark.parametrize("name", BUILT)
def test_a_stacked_call_equals_the_lone_call(name):
    make, shape = BUILT[name]
    batches = [[draws(shape, 10 * i + k) for k in range(3)] for i in range(MEMBERS)]
    alone = [lone(model, own) for model, own in zip(build(make), batches, strict=True)]

    models = build(make)
    parameters, buffers = stack_models(models, torch.float64, "cpu")
    stack = Stack(models[0], True, {})
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        for k in range(3):
            batch = {"inputs": torch.stack([own[k] for own in batches])}
            tensors = {**parameters, **buffers}
            output = stack.call(lambda m, b, s, state: m(b.inputs), tensors, batch, {}, {})
            expected = torch.stack([outputs[k] for outputs, _, _ in alone])
            torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
        gradients = torch.autograd.grad((output**2).sum(), list(parameters.values()))
    for (parameter, _), gradient in zip(parameters.items(), gradients, strict=True):
        expected = torch.stack([own[parameter] for _, own, _ in alone])
        torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)
    for buffer, value in buffers.items():
        expected = torch.stack([own[buffer] for _, _, own in alone])
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-12)


def test_the_running_statistics_of_a_stack_have_moved():
    models = build(lambda: nn.BatchNorm1d(6))
    parameters, buffers = stack_models(models, torch.float64, "cpu")
    batch = {"inputs": torch.stack([draws(NUMBERS, i) + i for i in range(MEMBERS)])}
    tensors = {**parameters, **buffers}
    Stack(models[0], True, {}).call(lambda m, b, s, _: m(b.inputs), tensors, batch, {}, {})
    assert buffers["num_batches_tracked"].tolist() == [1] * MEMBERS
    expected = 0.1 * batch["inputs"].mean(1)
    torch.testing.assert_close(buffers["running_mean"], expected, rtol=0, atol=1e-12)


def test_one_member_runs_as_the_plain_module():
    model = build(lambda: nn.LSTM(6, 5, batch_first=True))[0]
    x = draws(TIMES, 0)
    expected = model(x)[0].detach()
    parameters, buffers = stack_models([model], torch.float64, "cpu")
    stack = Stack(model, False, {})
    output = stack.call(
        lambda m, b, s, _: m(b.inputs)[0], {**parameters, **buffers}, {"inputs": x[None]}, {}, {}
    )
    torch.testing.assert_close(output, expected[None], rtol=0, atol=1e-15)


def test_settings_and_state_reach_each_member():
    stack = Stack(nn.Identity(), True, {"width": 4, "name": "relu"})
    rates = torch.tensor([0.1, 0.2])

    def phase(model, batch, settings, state):
        assert (settings.width, settings.name) == (4, "relu")
        grown = {"deep": {"count": state["deep"]["count"] + 1}}
        return settings.rate * batch.noise.latent.sum(), grown

    batch = {"noise": {"latent": torch.tensor([[1.0, 2.0], [3.0, 4.0]])}}
    state = {"deep": {"count": torch.tensor([5, 6])}}
    value, grown = stack.call(phase, {}, batch, {"rate": rates}, state)
    torch.testing.assert_close(value, torch.tensor([0.3, 1.4]))
    assert grown["deep"]["count"].tolist() == [6, 7]


def test_nested_mappings_are_read_as_attributes():
    batch = as_batch({"inputs": 1, "noise": {"latent": 2}})
    assert (batch.inputs, batch.noise.latent) == (1, 2)


# --- rules of phases, told in words ---


def broken(function):
    """Call a phase that breaks a rule, on two members."""
    stack = Stack(nn.Identity(), True, {})
    return stack.call(function, {}, {"x": torch.ones(2, 3)}, {}, {})


def draws_at_random(model, batch, settings, state):
    return batch.x + torch.randn(3)


def decides_in_python(model, batch, settings, state):
    return batch.x if batch.x.sum() > 1 else -batch.x


def asks_for_the_value(model, batch, settings, state):
    return batch.x * batch.x.sum().item()


OUTSIDE = torch.zeros(3)


def changes_what_lies_outside(model, batch, settings, state):
    OUTSIDE[0] = batch.x[0]
    return batch.x


def selects_by_value(model, batch, settings, state):
    return batch.x[batch.x > 0]


def calls_backward(model, batch, settings, state):
    batch.x.sum().backward()
    return batch.x


def returns_a_number(model, batch, settings, state):
    return batch.x.sum(), {"rows": 3}


@pytest.mark.parametrize(
    ("phase", "rule"),
    [
        (draws_at_random, "draws_at_random: A phase draws no random numbers: declare `noise`"),
        (decides_in_python, "decides_in_python: No Python decision .* use torch.where"),
        (asks_for_the_value, r"asks_for_the_value: No \.item\(\) inside a phase"),
        (changes_what_lies_outside, "No change in place .* return in `state`"),
        (selects_by_value, r"No shape that depends on values .* use torch\.where"),
        (calls_backward, r"Gradients inside a phase by torch\.func\.grad only"),
        (returns_a_number, "A phase returns tensors only, its metrics too"),
    ],
)
def test_a_broken_rule_is_told_in_words(phase, rule):
    with pytest.raises(LabError, match=rule):
        broken(phase)


def test_any_other_error_comes_through_as_it_is():
    with pytest.raises(RuntimeError, match="size of tensor") as caught:
        broken(lambda model, batch, settings, state: batch.x + torch.ones(4))
    assert not isinstance(caught.value, LabError)


# --- which networks can be stacked ---


@pytest.mark.parametrize(
    "layer",
    [nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(0.5), nn.RReLU(), nn.Dropout(0.1)],
    ids=lambda m: type(m).__name__,
)
def test_layers_with_hidden_draws_are_refused_by_name(layer):
    kind = type(layer).__name__
    with pytest.raises(LabError, match=rf"1 is {kind}, which draws .* Use pilotlight\.nets\.drop"):
        refuse_hidden_draws(nn.Sequential(nn.Linear(2, 2), layer))


def test_all_refused_layers_are_told_at_once():
    with pytest.raises(LabError, match="0 is Dropout") as caught:
        refuse_hidden_draws(nn.Sequential(nn.Dropout(), nn.Linear(2, 2), nn.Dropout()))
    assert len(caught.value.problems) == 2


def test_our_dropout_and_one_that_drops_nothing_are_welcome():
    refuse_hidden_draws(nn.Sequential(Dropout(0.5), nn.Dropout(0.0), encoder_layer()))


class OwnLSTM(nn.LSTM):
    """A person's subclass, which torch cannot stack either."""


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (lambda: nn.LSTM(2, 2), "nn.LSTM cannot be stacked"),
        (lambda: nn.GRU(2, 2), "nn.GRU cannot be stacked"),
        (lambda: nn.RNN(2, 2), "nn.RNN cannot be stacked"),
        (lambda: nn.LSTMCell(2, 2), "nn.LSTMCell cannot be stacked"),
        (lambda: OwnLSTM(2, 2), "nn.LSTM cannot be stacked"),
        (
            lambda: nn.Sequential(nn.GRU(2, 2), nn.ModuleList([nn.LSTM(2, 2)])),
            "nn.LSTM, nn.GRU cannot be stacked",
        ),
        (
            lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)),
            "spectral_norm cannot be stacked",
        ),
        (lambda: nn.utils.spectral_norm(nn.Linear(2, 2)), "spectral_norm cannot be stacked"),
        (lambda: nn.Sequential(nn.Linear(2, 2), nn.GRUCell(2, 2), nn.RNNCell(2, 2)), ""),
        (encoder_layer, ""),
    ],
)
def test_why_a_network_is_not_stacked(model, why):
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert why_not_stacked(model()) == why


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell])
def test_torch_still_cannot_stack_what_is_listed(kind):
    models = build(lambda: kind(6, 5))
    parameters, _ = stack_models(models, torch.float64, "cpu")
    batch = {"inputs": torch.stack([draws(NUMBERS, i) for i in range(MEMBERS)])}
    with pytest.raises(RuntimeError, match="Batching rule not implemented"):
        Stack(models[0], True, {}).call(lambda m, b, s, _: m(b.inputs), parameters, batch, {}, {})


# --- stacking and signatures ---


def test_parameters_are_stacked_in_the_asked_type_and_need_gradients_as_before():
    models = [nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(MEMBERS)]
    for model in models:
        model[0].bias.requires_grad_(False)
    parameters, buffers = stack_models(models, torch.float64, "cpu")
    for i, model in enumerate(models):
        for name, value in model.state_dict().items():
            stacked = {**parameters, **buffers}[name][i]
            assert torch.equal(stacked, value.to(stacked.dtype))
    assert {p.dtype for p in parameters.values()} == {torch.float64}
    assert buffers["1.num_batches_tracked"].dtype == torch.int64
    assert [n for n, p in parameters.items() if not p.requires_grad] == ["0.bias"]


def test_the_stack_has_weights_of_its_own():
    model = nn.Linear(2, 3)
    parameters, _ = stack_models([model], torch.float32, "cpu")
    with torch.no_grad():
        parameters["weight"].zero_()
    assert model.weight.abs().sum() > 0


def test_the_rate_of_each_dropout_in_each_member():
    models = [nn.Sequential(Dropout(r), nn.Sequential(Dropout(r / 2))) for r in (0.2, 0.5)]
    rates = dropouts(models)
    assert {n: r.tolist() for n, r in rates.items()} == {
        "0": pytest.approx([0.2, 0.5]),
        "1.0": pytest.approx([0.1, 0.25]),
    }


def test_a_phase_may_call_any_part_of_the_network():
    """As functional_call on a part would, for each member."""
    models = build(lambda: nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 3)))
    parameters, _ = stack_models(models, torch.float64, "cpu")
    x = torch.stack([draws(NUMBERS, i) for i in range(MEMBERS)])
    found = Stack(models[0], True, {}).call(
        lambda m, b, s, _: m[0](b.x), parameters, {"x": x}, {}, {}
    )
    for i in range(MEMBERS):
        own = {n.removeprefix("0."): p[i] for n, p in parameters.items() if n.startswith("0.")}
        expected = functional_call(models[0][0], own, (x[i],))
        torch.testing.assert_close(found[i], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("inputs", [1, 3])
def test_kernels_of_one_network_lie_channels_last(inputs):
    """Also of a single input, whose strides say nothing unless they are laid on purpose."""
    kernel = torch.randn(1, 4, inputs, 3, 3, generator=torch.Generator().manual_seed(0))
    kernel.requires_grad_()
    bias = torch.zeros(1, 4)
    laid = lay_channels_last({"weight": kernel, "bias": bias})
    assert torch.equal(laid["weight"], kernel)
    assert laid["weight"].requires_grad
    assert laid["weight"].squeeze(0).stride() == (9 * inputs, 1, 3 * inputs, inputs)
    pictures = torch.randn(5, inputs, 8, 8, generator=torch.Generator().manual_seed(1))
    features = conv2d(pictures, laid["weight"].squeeze(0))
    assert features.is_contiguous(memory_format=torch.channels_last)
    assert laid["bias"] is bias
    many = {"weight": torch.zeros(2, 4, inputs, 3, 3)}
    assert lay_channels_last(many)["weight"] is many["weight"]
