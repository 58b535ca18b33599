"""Recurrent layers written out: a loop over time around an `nn.Linear` for what comes in and one
for what is remembered.

They hold the weights of `nn.RNN`, `nn.GRU` and `nn.LSTM`, in the same order, and give the same
numbers. Unlike those, they can be stacked: many networks go through the loop at once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


class Recurrent(nn.Module):
    """Read a sequence [B, T, inputs]; what is remembered after each step is [B, T, hidden].

    A kind of layer says how many `blocks` of `hidden` numbers it computes at each step, and `step`.
    The state before the first step is zero.
    """

    blocks = 1
    parts = 1  # tensors in the state; the first is the output

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, self.blocks * hidden)
        self.from_hidden = nn.Linear(hidden, self.blocks * hidden)

    def forward(self, x: Tensor) -> Tensor:
        """All steps, one after another."""
        state = (x.new_zeros(len(x), self.from_hidden.in_features),) * self.parts
        outputs = []
        for entering in self.from_input(x).unbind(1):  # one product for all steps
            state = self.step(entering, state)
            outputs.append(state[0])
        return torch.stack(outputs, 1)

    def step(self, entering: Tensor, state: State) -> State:
        """The state after a step, from what comes in [B, blocks * hidden] and the state before."""
        raise NotImplementedError


class RNN(Recurrent):
    """h' = tanh(W x + U h) (Elman 1990), as `nn.RNN`."""

    def step(self, entering: Tensor, state: State) -> State:
        """Everything that is remembered is made anew."""
        (h,) = state
        return (torch.tanh(entering + self.from_hidden(h)),)


class GRU(Recurrent):
    """Two gates (Cho et al. 2014), as `nn.GRU`: what is reset is the product U h, not h itself."""

    blocks = 3

    def step(self, entering: Tensor, state: State) -> State:
        """Reset, update, new: `update` says how much stays."""
        (h,) = state
        reset_x, update_x, new_x = entering.chunk(3, 1)
        reset_h, update_h, new_h = self.from_hidden(h).chunk(3, 1)
        reset = torch.sigmoid(reset_x + reset_h)
        update = torch.sigmoid(update_x + update_h)
        new = torch.tanh(new_x + reset * new_h)
        return (new + update * (h - new),)


class LSTM(Recurrent):
    """Three gates around a memory (Hochreiter and Schmidhuber 1997, Gers et al. 2000).

    As `nn.LSTM`, but that the two biases of the forget gate add up to `forget_bias` at the start.
    """

    blocks = 4
    parts = 2

    def __init__(self, inputs: int, hidden: int, forget_bias: float = 1.0) -> None:
        super().__init__(inputs, hidden)
        forget = slice(hidden, 2 * hidden)
        nn.init.constant_(self.from_input.bias[forget], forget_bias)
        nn.init.zeros_(self.from_hidden.bias[forget])

    def step(self, entering: Tensor, state: State) -> State:
        """Input gate, forget gate, candidate, output gate; the memory itself is only added to."""
        h, memory = state
        let_in, keep, new, let_out = (entering + self.from_hidden(h)).chunk(4, 1)
        memory = torch.sigmoid(keep) * memory + torch.sigmoid(let_in) * torch.tanh(new)
        return torch.sigmoid(let_out) * torch.tanh(memory), memory


class Reader(nn.Module):
    """A recurrent layer and a linear read-out of what it remembers after each step.

    Inputs [B, T, inputs], outputs [B, T, outputs].
    """

    def __init__(self, layer: Recurrent, outputs: int) -> None:
        super().__init__()
        self.layer = layer
        self.readout = nn.Linear(layer.from_hidden.in_features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """The read-out at every step."""
        outputs: Tensor = self.readout(self.layer(x))
        return outputs


def gradient_by_step(loss: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Norm of the gradient of `loss(inputs)` by the inputs [B, T, ...] of each step: [T].

    In powers of ten; what is gone counts as 1e-45.
    """
    gradient: Tensor = torch.func.grad(loss)(inputs)
    # in double precision, as the square of 1e-20 does not fit into single
    norms: Tensor = torch.linalg.vector_norm(gradient.transpose(0, 1).flatten(1).double(), dim=1)
    return norms.clamp(min=1e-45).log10()
