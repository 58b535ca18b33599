"""Recurrent layers: equal to torch's, to the numbers that Keras publishes, and stackable."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from pilotlight.nets.recurrent import GRU, LSTM, RNN, Reader, gradient_by_step

LAYERS = {"rnn": (RNN, nn.RNN), "gru": (GRU, nn.GRU), "lstm": (LSTM, nn.LSTM)}


def filled(layer):
    """With the same weights whenever the sizes are the same."""
    for name, parameter in layer.named_parameters():
        draw = torch.Generator().manual_seed(len(name))
        nn.init.normal_(parameter, std=0.5, generator=draw)
    return layer.double()


def names(own):
    kind = own.split(".")[1]
    return f"{kind}_{'ih' if 'input' in own else 'hh'}_l0"


def normal(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_and_gradients_are_torchs(kind):
    ours, theirs = LAYERS[kind]
    layer, peer = filled(ours(3, 4)), theirs(3, 4, batch_first=True).double()
    peer.load_state_dict({names(n): p for n, p in layer.state_dict().items()})
    inputs = normal(5, 7, 3).requires_grad_()
    outputs, expected = layer(inputs), peer(inputs)[0]
    torch.testing.assert_close(outputs, expected, atol=1e-12, rtol=0)
    weight = normal(5, 7, 4, seed=1)
    (expected * weight).sum().backward()
    gradient, inputs.grad = inputs.grad, None
    (outputs * weight).sum().backward()
    torch.testing.assert_close(inputs.grad, gradient, atol=1e-12, rtol=0)
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(
            parameter.grad, peer.get_parameter(names(name)).grad, atol=1e-12, rtol=0
        )


CELLS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


@pytest.mark.parametrize("kind", CELLS)
def test_one_step_is_that_of_torchs_cell(kind):
    layer, cell = filled(LAYERS[kind][0](3, 4)), CELLS[kind](3, 4).double()
    cell.load_state_dict({names(n)[:-3]: p for n, p in layer.state_dict().items()})
    x, state = normal(5, 3), tuple(normal(layer.parts, 5, 4, seed=1))
    after = layer.step(layer.from_input(x), state)
    expected = cell(x, state if len(state) > 1 else state[0])
    for ours, theirs in zip(after, expected if len(state) > 1 else [expected], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


class ResetBefore(GRU):
    """The other convention: h is reset before the product."""

    def step(self, entering, state):
        (h,) = state
        hidden = h.shape[1]
        reset_x, update_x, new_x = entering.chunk(3, 1)
        reset_h, update_h, _ = self.from_hidden(h).chunk(3, 1)
        weight = self.from_hidden.weight[2 * hidden :]
        new = torch.tanh(new_x + (torch.sigmoid(reset_x + reset_h) * h) @ weight.T)
        update = torch.sigmoid(update_x + update_h)
        return (new + update * (h - new),)


class FirstGatesSwapped(LSTM):
    """The forget gate first, as some have it."""

    def step(self, entering, state):
        blocks = entering.chunk(4, 1)
        return super().step(torch.cat([blocks[1], blocks[0], *blocks[2:]], 1), state)


KERAS = {  # outputs after the last step in the tests of Keras 3, which give them to 1e-5
    "rnn": (RNN, (2, 3, 4), 4, [0.405432, 0.73605347]),
    "gru": (GRU, (3, 6, 4), 3, [0.5217289, 0.6371659, 0.39384964]),
    "gru, reset before": (ResetBefore, (3, 6, 4), 3, [0.51447755, 0.6426879, 0.40208298]),
    "lstm": (LSTM, (3, 6, 4), 3, [0.6288687, 0.86899155, 0.9460773]),
    "lstm, forget bias 0.03": (LSTM, (3, 6, 4), 3, [0.57019705, 0.8661914, 0.9459622]),
}


def kerass(case, layer=None):
    """Our outputs for weights 0.01 and 0.02, biases 0.03 and inputs 0, 1, 2, ..., and Keras's."""
    kind, shape, hidden, published = KERAS[case]
    layer = (layer or kind)(shape[2], hidden)
    biases = {"gru": 0.03}  # only this GRU has a second bias
    with torch.no_grad():
        layer.from_input.weight.fill_(0.01)
        layer.from_hidden.weight.fill_(0.02)
        layer.from_hidden.bias.fill_(biases.get(case, 0.0))
        kept = layer.from_input.bias[hidden : 2 * hidden].clone()
        layer.from_input.bias.fill_(0.03)
        if case == "lstm":
            layer.from_input.bias[hidden : 2 * hidden] = kept
        sequence = torch.arange(shape[0] * shape[1] * shape[2]).float().view(shape)
        return layer(sequence)[:, -1], torch.tensor(published)[:, None].expand(-1, hidden)


@pytest.mark.parametrize("case", KERAS)
def test_keras_publishes_the_same_numbers(case):
    ours, theirs = kerass(case)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("wrong", [ResetBefore])
def test_a_reset_before_the_product_is_seen(wrong):
    ours, theirs = kerass("gru", wrong)
    assert (ours - theirs).abs().max() > 1e-3


@pytest.mark.parametrize(("wrong", "theirs"), [(FirstGatesSwapped, nn.LSTM), (ResetBefore, nn.GRU)])
def test_a_wrong_cell_is_not_torchs(wrong, theirs):
    layer, peer = filled(wrong(3, 4)), theirs(3, 4, batch_first=True).double()
    peer.load_state_dict({names(n): p for n, p in layer.state_dict().items()})
    inputs = normal(5, 7, 3)
    assert (layer(inputs) - peer(inputs)[0]).abs().max() > 1e-3


@pytest.mark.parametrize("bias", [0.0, 1.0, 3.5])
def test_the_forget_gate_starts_as_told(bias):
    layer = LSTM(2, 3, bias)
    total = layer.from_input.bias + layer.from_hidden.bias
    assert torch.equal(total[3:6], torch.full((3,), bias))
    assert (total[[0, 1, 2, 6, 7, 8, 9, 10, 11]] != bias).all()


@pytest.mark.parametrize("kind", LAYERS)
def test_many_go_through_the_loop_at_once(kind):
    models = [Reader(LAYERS[kind][0](3, 4), 2).double() for _ in range(3)]
    weights, _ = stack_module_state(models)
    inputs = normal(3, 5, 6, 3)
    together = vmap(lambda w, x: functional_call(models[0], w, (x,)))(weights, inputs)
    for model, x, outputs in zip(models, inputs, together, strict=True):
        torch.testing.assert_close(outputs, model(x), atol=1e-12, rtol=0)


def test_the_gradient_of_each_step_is_autograds():
    model = Reader(filled(GRU(3, 4)), 1).double()
    inputs = normal(5, 6, 3).requires_grad_()
    found = gradient_by_step(lambda x: model(x)[:, -1].square().sum(), inputs.detach())
    model(inputs)[:, -1].square().sum().backward()
    expected = [inputs.grad[:, step].norm().log10().item() for step in range(6)]
    assert found.tolist() == pytest.approx(expected, abs=1e-10)


def test_a_gradient_that_is_gone_is_a_number():
    found = gradient_by_step(lambda x: (x[:, -1] ** 2).sum(), torch.ones(2, 3, 1))
    assert found[0].item() == pytest.approx(-45)
    assert found.isfinite().all()
