"""Probes against closed forms and plain autograd; the model must be left as it was."""

import copy

import pytest
import torch
from torch import nn

from pilotlight.measure.probes import probe


def batch(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def filled(model, seed=1):
    """The same parameters at every call, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    model = model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return model


def test_a_linear_chain_in_closed_form():
    """y = w2 w1 x and loss y: every number by hand."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    with torch.no_grad():
        model[0].weight.fill_(3.0)
        model[1].weight.fill_(-5.0)
    x = torch.full((1, 1), 2.0, dtype=torch.float64)
    found = probe(model, lambda: model(x).sum())
    assert found["activation"] == pytest.approx({"0": 6.0, "1": 30.0})
    assert found["activation gradient"] == pytest.approx({"0": 5.0, "1": 1.0})
    assert found["gradient"] == pytest.approx({"0": 10.0, "1": 6.0})
    assert found["dead"] == {}


def mlp(inplace=False):
    return filled(nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace), nn.Linear(6, 3)))


def test_all_probes_against_plain_autograd():
    model, x = mlp(), batch(5, 4)
    found = probe(model, lambda: model(x).square().mean())
    hidden = model[0](x)
    hidden.retain_grad()
    active = model[1](hidden)
    active.retain_grad()
    output = model[2](active)
    output.retain_grad()
    output.square().mean().backward()
    for name, tensor in {"0": hidden, "1": active, "2": output}.items():
        assert found["activation"][name] == pytest.approx(tensor.square().mean().sqrt().item())
        assert found["activation gradient"][name] == pytest.approx(tensor.grad.norm().item())
    for name in ("0", "2"):
        own = torch.cat([p.grad.flatten() for p in model[int(name)].parameters()])
        assert found["gradient"][name] == pytest.approx(own.norm().item())
    assert set(found["gradient"]) == {"0", "2"}
    assert found["dead"] == {"1": pytest.approx((active == 0).all(dim=0).double().mean().item())}


def test_an_in_place_relu_changes_no_number():
    x = batch(5, 4)
    found = [probe(m, lambda m=m: m(x).square().mean()) for m in (mlp(False), mlp(True))]
    assert found[0] == found[1]


def test_dead_units_by_construction():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([1.0, -1.0, -2.0, 0.5]))
    x = batch(6, 3)
    assert probe(model, lambda: model(x).sum())["dead"] == {"1": 0.5}


def test_a_unit_alive_for_one_row_is_not_dead():
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.zero_()
    for column, share in (([-1.0, -2.0, 0.5], 0.0), ([-1.0, -2.0, -0.5], 1.0)):
        x = torch.tensor(column, dtype=torch.float64)[:, None]
        assert probe(model, lambda x=x: model(x).sum())["dead"] == {"1": share}


def test_the_units_of_a_feature_map_are_its_channels():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
        model[0].bias.zero_()
    x = torch.zeros(2, 1, 3, 3, dtype=torch.float64)
    x[1, 0, 2, 1] = 1.0
    # Channel 0 is above zero in one place, channel 1 nowhere; most places are zero in both.
    assert probe(model, lambda: model(x).sum())["dead"] == {"1": 0.5}


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training):
    model = filled(nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1)))
    x = batch(8, 4)
    model.train(training)
    model(x).sum().backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    state = copy.deepcopy(model.state_dict())
    probe(model, lambda: model(2 * x).square().mean())
    assert all(m.training is training for m in model.modules())
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())


def test_hooks_and_buffers_are_restored_when_the_loss_fails():
    model = nn.Sequential(nn.BatchNorm1d(2)).double()

    def failing():
        model(batch(4, 2))
        raise ValueError("no loss today")

    with pytest.raises(ValueError, match="no loss today"):
        probe(model, failing)
    assert not model[0]._forward_hooks
    assert model[0].num_batches_tracked == 0


def test_of_a_recurrent_layer_the_first_tensor_counts():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 5, batch_first=True)
            self.out = nn.Linear(5, 1)

        def forward(self, x):
            return self.out(self.lstm(x)[0][:, -1])

    model, x = filled(Reader()), batch(2, 7, 3)
    found = probe(model, lambda: model(x).sum())
    outputs = model.lstm(x)[0]
    assert found["activation"]["lstm"] == pytest.approx(outputs.square().mean().sqrt().item())
    # d loss / d output is the weight of `out` at the last time of each of two rows, else 0.
    expected = (2 * model.out.weight.square().sum()).sqrt().item()
    assert found["activation gradient"]["lstm"] == pytest.approx(expected)
    own = torch.autograd.grad(model(x).sum(), list(model.lstm.parameters()))
    norm = torch.cat([g.flatten() for g in own]).norm().item()
    assert found["gradient"]["lstm"] == pytest.approx(norm)


def test_a_layer_called_twice_counts_both_calls():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.relu = nn.Linear(2, 2, bias=False), nn.ReLU()

        def forward(self, x):
            return self.relu(self.layer(self.relu(self.layer(x))))

    model, x = filled(Twice()), batch(3, 2)
    first = model.layer(x)
    second = model.layer(first.relu())
    both = torch.cat([first, second]).square().mean().sqrt().item()
    found = probe(model, lambda: model(x).sum())
    assert found["activation"]["layer"] == pytest.approx(both)
    own = torch.autograd.grad(model(x).sum(), [model.layer.weight])[0]
    assert found["gradient"]["layer"] == pytest.approx(own.norm().item())
    dead = [(t.relu() == 0).all(dim=0) for t in (first, second)]
    assert found["dead"]["relu"] == pytest.approx(torch.cat(dead).double().mean().item())


def test_frozen_and_unused_parameters_have_no_gradient():
    model = mlp()
    model[2].requires_grad_(False)
    model.unused = nn.Linear(2, 2).double()
    x = batch(5, 4)
    found = probe(model, lambda: model[:3](x).sum())
    assert set(found["gradient"]) == {"0"}
    assert "unused" not in found["activation"]


def test_modules_with_parameters_of_their_own_are_layers_too():
    model = filled(nn.MultiheadAttention(4, 2, batch_first=True))
    x = batch(2, 3, 4)
    found = probe(model, lambda: model(x, x, x)[0].square().sum())
    own = torch.autograd.grad(
        model(x, x, x)[0].square().sum(), [model.in_proj_weight, model.in_proj_bias]
    )
    norm = torch.cat([g.flatten() for g in own]).norm().item()
    assert found["gradient"]["MultiheadAttention"] == pytest.approx(norm)
    assert set(found["gradient"]) == {"MultiheadAttention", "out_proj"}


def test_the_signal_of_a_deep_sigmoid_net_vanishes_towards_the_input():
    layers = [m for _ in range(12) for m in (nn.Linear(8, 8), nn.Sigmoid())]
    model, x = filled(nn.Sequential(*layers)), batch(16, 8)
    found = probe(model, lambda: model(x).square().mean())["activation gradient"]
    assert found["0"] < 1e-3 * found["22"]
