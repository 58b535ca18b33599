"""A recurrent network.

A sequence can be of any length, so a network reads it step by step with the same weights, and
carries a state h along: what it remembers. From the input x and the old state the cell makes the
new one,

    h'  =  tanh( from_input(x) + from_hidden(h) )

and tanh keeps the state between -1 and 1. Write the module: two linear layers named `from_input`
and `from_hidden`, both with bias; `forward`, one step; and `run`, which reads a whole sequence,
beginning with a state of zeros, and returns the state after every step.
"""

import torch
from torch import Tensor, nn


class RNNCell(nn.Module):
    """One step for `inputs` numbers in and a state of `hidden` numbers."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        # --- solution ---
        self.from_input = nn.Linear(inputs, hidden)
        self.from_hidden = nn.Linear(hidden, hidden)
        # --- end ---

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """`x` (batch, inputs), `h` (batch, hidden); returns the new state, shaped like `h`."""
        # --- solution ---
        return torch.tanh(self.from_input(x) + self.from_hidden(h))
        # --- end ---

    def run(self, sequence: Tensor) -> Tensor:
        """`sequence` (batch, steps, inputs); returns all states (batch, steps, hidden)."""
        # --- solution ---
        h = sequence.new_zeros(sequence.shape[0], self.hidden)
        states = []
        for x in sequence.unbind(dim=1):
            h = self(x, h)
            states.append(h)
        return torch.stack(states, dim=1)
        # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

INPUTS, HIDDEN = 3, 4


def a_cell(answer: Any, inputs: int = INPUTS, hidden: int = HIDDEN) -> Any:
    """A cell with fixed weights, in float64."""
    cell = answer.RNNCell(inputs, hidden).double()
    with torch.no_grad():
        for seed, (_, parameter) in enumerate(sorted(cell.named_parameters())):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return cell


def parameters(answer: Any) -> Any:
    """Two linear layers with bias: from the inputs and from the state to the state."""
    cell = answer.RNNCell(INPUTS, HIDDEN)
    return {"parameters": {n: list(p.shape) for n, p in sorted(cell.named_parameters())}}


def one_step(answer: Any) -> Any:
    """One step gives the state that torch's own cell gives."""
    with torch.no_grad():
        return {"h": a_cell(answer)(normal(5, INPUTS), normal(5, HIDDEN, seed=10))}


def all_states(answer: Any) -> Any:
    """A sequence gives a state for each step, the first one from zeros."""
    with torch.no_grad():
        return {"states": a_cell(answer).run(normal(2, 5, INPUTS))}


def one_number(answer: Any) -> Any:
    """A recurrent weight of 1/2 halves in each step what one small pulse left."""
    cell = answer.RNNCell(1, 1).double()
    values = {"from_input.weight": 1, "from_hidden.weight": 0.5}
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            parameter.fill_(values.get(name, 0))
        return {"states": cell.run(tensor([[[1e-5], [0], [0], [0]]])).flatten() * 1e5}


def again(answer: Any) -> Any:
    """Nothing is left from one sequence to the next: the same sequence gives the same states."""
    cell, sequence = a_cell(answer), normal(2, 3, INPUTS)
    with torch.no_grad():
        cell.run(normal(2, 4, INPUTS, seed=5))
        return {"states": cell.run(sequence)}


def no_look_ahead(answer: Any) -> Any:
    """A state knows the past only: other inputs later leave it as it is."""
    sequence = normal(1, 6, INPUTS)
    sequence[:, 3:] = 9
    with torch.no_grad():
        return {"first three": a_cell(answer).run(sequence)[:, :3]}


def gradients(answer: Any) -> Any:
    """The gradient goes back from the last state to the first input, and to all weights."""
    cell, sequence = a_cell(answer), normal(2, 4, INPUTS).requires_grad_()
    cell.run(sequence)[:, -1].sum().backward()
    return {"sequence": sequence.grad} | {n: p.grad for n, p in sorted(cell.named_parameters())}


class TorchCell(nn.Module):
    """The same weights in torch's own cell and in torch's own network."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input, self.from_hidden = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        self._sizes = inputs, hidden

    def _weights(self, after: str) -> dict[str, Tensor]:
        parts = {"ih": self.from_input, "hh": self.from_hidden}
        weights = {f"weight_{name}{after}": part.weight for name, part in parts.items()}
        return weights | {f"bias_{name}{after}": part.bias for name, part in parts.items()}

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        cell = nn.RNNCell(*self._sizes, device="meta")
        out: Tensor = torch.func.functional_call(cell, self._weights(""), (x, h))
        return out

    def run(self, sequence: Tensor) -> Tensor:
        network = nn.RNN(*self._sizes, batch_first=True, device="meta")
        out: Tensor = torch.func.functional_call(network, self._weights("_l0"), (sequence,))[0]
        return out


class ByColumns(nn.Module):
    """Right as well: the products are written out, and states go into a list that starts with 0."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_hidden = nn.Linear(hidden, hidden)
        self.from_input = nn.Linear(inputs, hidden)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        layer, other = self.from_input, self.from_hidden
        total = x @ layer.weight.T + h @ other.weight.T + layer.bias + other.bias
        return 1 - 2 / ((2 * total).exp() + 1)

    def run(self, sequence: Tensor) -> Tensor:
        start = torch.zeros(len(sequence), len(self.from_hidden.bias), dtype=sequence.dtype)
        states = [start]
        for step in range(sequence.shape[1]):
            states.append(self.forward(sequence[:, step], states[-1]))
        return torch.stack(states[1:]).transpose(0, 1)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    batch, steps, inputs, hidden = torch.randint(1, 5, (4,), generator=generator).tolist()
    cell = a_cell(answer, inputs, hidden)
    sequence = torch.randn(batch, steps, inputs, generator=generator).double()
    h = torch.randn(batch, hidden, generator=generator).double()
    return {"h": cell(sequence[:, 0], h), "states": cell.run(sequence)}


exercise = Exercise(
    area="sequences",
    needs=["training-loop"],
    lab="gating",
    minutes=20,
    hints=[
        "The state is as long as what both layers give: nn.Linear(inputs, hidden) and "
        "nn.Linear(hidden, hidden). Their results are added, then comes tanh.",
        "In `run`, `self(x, h)` is one step. What it returns is the h of the next one.",
        "sequence.unbind(dim=1) gives the steps one by one, each (batch, inputs).",
        "Keep the states in a list and put them together at the end: torch.stack(states, dim=1).",
    ],
    tasks={
        "The layers": [parameters],
        "One step": [one_step],
        "A sequence": [
            all_states,
            Check(one_number, lambda: {"states": tensor([1, 0.5, 0.25, 0.125])}),
            again,
            no_look_ahead,
        ],
        "Backward": [gradients],
    },
    oracle={"RNNCell": TorchCell},
    alternative={"RNNCell": ByColumns},
    sample=at_random,
    wrong=[
        Wrong(
            {"h = self(x, h)\nstates.append(h)": "states.append(self(x, h))"},
            "The state is never passed on: each step begins with zeros again, so nothing is "
            "remembered.",
        ),
        Wrong(
            {"states.append(h)": "states.append(h)\nh = h.detach()"},
            "The state was cut from the graph after each step: no gradient goes back in time, so "
            "nothing is learned about the past.",
        ),
        Wrong(
            {"(x) + self.from_hidden(h)": "(x)) + (self.from_hidden(h)"},
            "Only the input's part goes through tanh: the state is not held between -1 and 1, and "
            "can grow without end.",
        ),
        Wrong(
            {"torch.tanh(self": "(self"},
            "tanh is missing: the cell is linear, and its state fades or grows without end.",
        ),
        Wrong(
            {"torch.tanh(": "torch.sigmoid("},
            "The state goes through a sigmoid: it could never be negative. It goes through tanh.",
        ),
        Wrong(
            {"torch.tanh(self.from_input(x) + ": "h + torch.tanh(self.from_input(x) + "},
            "The old state is added to the new one. That is a residual step; here the new state "
            "takes the old one's place.",
        ),
        Wrong(
            {"nn.Linear(hidden, hidden)": "nn.Linear(hidden, hidden, bias=False)"},
            "from_hidden has no bias. Torch's cell has two biases, and so that weights can be "
            "exchanged, so has this one.",
        ),
        Wrong(
            {"h = self(x, h)\nstates.append(h)": "states.append(h)\nh = self(x, h)"},
            "The states are one step late: the first is the state of zeros, and the last step's "
            "is missing.",
        ),
        Wrong(
            {"sequence.unbind(dim=1)": "sequence.unbind(dim=1)[::-1]"},
            "The sequence is read from its end: a state knows what comes later, not what came "
            "before.",
        ),
        Wrong(
            {
                "self.hidden)\nstates": "self.hidden) + getattr(self, 'h', 0)\nstates",
                "return torch.stack": "self.h = h.detach()\nreturn torch.stack",
            },
            "The state of the last sequence is where the next begins: begin with zeros each time.",
        ),
        Wrong(
            {"torch.stack(states, dim=1)": "torch.stack(states)"},
            "The states were stacked with the steps first: (batch, steps, hidden) needs dim=1.",
        ),
        Wrong(
            {"sequence.new_zeros(": "torch.zeros("},
            "The first state is made in float32, whatever the sequence has: new_zeros takes its "
            "dtype.",
        ),
    ],
)
