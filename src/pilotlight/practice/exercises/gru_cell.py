"""A GRU cell.

A plain recurrent cell makes its whole state anew in each step, so what it read long ago fades. A
gated recurrent unit (GRU) can leave a number as it is: the update gate z says how much of it stays.
The reset gate r says how much of the old state the candidate n may see.

    r_x, z_x, n_x  =  the three thirds of from_input(x)
    r_h, z_h, n_h  =  the three thirds of from_hidden(h)
    r   =  sigmoid(r_x + r_h)
    z   =  sigmoid(z_x + z_h)
    n   =  tanh(n_x + r * n_h)
    h'  =  (1 - z) * n  +  z * h

The reset gate comes after the product with h, and so also scales the bias of n_h. Torch does it so;
the first paper put it before the product, and weights made for one do not fit the other. Write the
module: two linear layers named `from_input` and `from_hidden`, both with bias, and one step.
"""

import torch
from torch import Tensor, nn


class GRUCell(nn.Module):
    """One step of a GRU for `inputs` numbers in and a state of `hidden` numbers."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        # --- solution ---
        self.from_input = nn.Linear(inputs, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden)
        # --- end ---

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """`x` (batch, inputs), `h` (batch, hidden); returns the new state, shaped like `h`."""
        # --- solution ---
        r_x, z_x, n_x = self.from_input(x).chunk(3, dim=1)
        r_h, z_h, n_h = self.from_hidden(h).chunk(3, dim=1)
        r = torch.sigmoid(r_x + r_h)
        z = torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)
        return (1 - z) * n + z * h
        # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal

INPUTS, HIDDEN = 3, 4


def a_cell(answer: Any) -> Any:
    """A cell with fixed weights, in float64."""
    cell = answer.GRUCell(INPUTS, HIDDEN).double()
    with torch.no_grad():
        for seed, (_, parameter) in enumerate(sorted(cell.named_parameters())):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return cell


def parameters(answer: Any) -> Any:
    """Two linear layers with bias, each giving three numbers for every one of the state."""
    cell = answer.GRUCell(INPUTS, HIDDEN)
    return {"parameters": {n: list(p.shape) for n, p in sorted(cell.named_parameters())}}


def one_step(answer: Any) -> Any:
    """One step gives the state that torch's own cell gives."""
    with torch.no_grad():
        return {"h": a_cell(answer)(normal(5, INPUTS), normal(5, HIDDEN, seed=10))}


def keeps(answer: Any) -> Any:
    """Where the update gate is 1 the old state stays as it is."""
    cell = a_cell(answer)
    with torch.no_grad():
        cell.from_input.bias[HIDDEN : 2 * HIDDEN] = 1000
        return {"h": cell(normal(5, INPUTS), normal(5, HIDDEN, seed=10))}


def starts_anew(answer: Any) -> Any:
    """Where both gates are 0 the new state comes from the input alone."""
    cell = a_cell(answer)
    with torch.no_grad():
        cell.from_input.bias[: 2 * HIDDEN] = -1000
        return {"h": cell(normal(5, INPUTS), normal(5, HIDDEN, seed=10))}


def from_input_alone() -> Any:
    """tanh of the last third of from_input, with the numbers that `a_cell` draws for it."""
    bias, weight = normal(3 * HIDDEN, seed=2), normal(3 * HIDDEN, INPUTS, seed=3)
    third = slice(2 * HIDDEN, None)
    return {"h": (normal(5, INPUTS) @ weight[third].T + bias[third]).tanh()}


def state_untouched(answer: Any) -> Any:
    """The old state is read, not changed: going backward needs it."""
    h = normal(5, HIDDEN, seed=10)
    with torch.no_grad():
        a_cell(answer)(normal(5, INPUTS), h)
    return {"old h": h}


def many_steps(answer: Any) -> Any:
    """Step after step, what is returned goes in again."""
    cell, h = a_cell(answer), normal(5, HIDDEN, seed=20)
    with torch.no_grad():
        for x in normal(6, 5, INPUTS):
            h = cell(x, h)
    return {"h": h}


def gradients(answer: Any) -> Any:
    """The gradient goes back through four steps, to all weights and to the first state."""
    cell, start = a_cell(answer), normal(5, HIDDEN, seed=30).requires_grad_()
    h = start
    for x in normal(4, 5, INPUTS):
        h = cell(x, h)
    (h * normal(5, HIDDEN, seed=31)).sum().backward()
    return {"first state": start.grad} | {n: p.grad for n, p in sorted(cell.named_parameters())}


class TorchCell(nn.Module):
    """The same weights in torch's own cell."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden)
        self._sizes = inputs, hidden

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        weights = {
            "weight_ih": self.from_input.weight,
            "weight_hh": self.from_hidden.weight,
            "bias_ih": self.from_input.bias,
            "bias_hh": self.from_hidden.bias,
        }
        cell = nn.GRUCell(*self._sizes, device="meta")
        out: Tensor = torch.func.functional_call(cell, weights, (x, h))
        return out


class ByDifference(nn.Module):
    """Right as well: both gates at once, and a step from the old state towards the candidate."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        width = h.shape[1]
        new, old = self.from_input(x), self.from_hidden(h)
        gates = (new + old)[:, : 2 * width].sigmoid()
        candidate = torch.addcmul(new[:, 2 * width :], gates[:, :width], old[:, 2 * width :]).tanh()
        return candidate + gates[:, width:] * (h - candidate)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes, two steps."""
    batch, inputs, hidden = torch.randint(1, 5, (3,), generator=generator).tolist()
    cell = answer.GRUCell(inputs, hidden).double()
    h = torch.randn(batch, hidden, generator=generator).double()
    for _ in range(2):
        h = cell(torch.randn(batch, inputs, generator=generator).double(), h)
    return {"h": h.detach()}


RESET_BEFORE = (
    "torch.nn.functional.linear(r * h, *(p[-h.shape[1] :] for p in self.from_hidden.parameters()))"
)

exercise = Exercise(
    area="sequences",
    needs=["rnn-cell"],
    lab="gating",
    minutes=20,
    hints=[
        "Three blocks come from one layer: nn.Linear(inputs, 3 * hidden), then .chunk(3, dim=1).",
        "The two layers cannot be added first, as in an LSTM: the candidate needs its two parts "
        "apart, since r scales one of them.",
        "Gates are sigmoids, numbers from 0 to 1. (1 - z) * n + z * h is a weighted mean of the "
        "candidate and the old state.",
    ],
    tasks={
        "The layers": [parameters],
        "One step": [
            one_step,
            Check(keeps, lambda: {"h": normal(5, HIDDEN, seed=10)}),
            Check(starts_anew, from_input_alone),
            Check(state_untouched, lambda: {"old h": normal(5, HIDDEN, seed=10)}),
        ],
        "Many steps": [many_steps, gradients],
    },
    oracle={"GRUCell": TorchCell},
    alternative={"GRUCell": ByDifference},
    sample=at_random,
    wrong=[
        Wrong(
            {"r * n_h": RESET_BEFORE},
            "The reset gate scales h before the product, as in the first paper. Here it scales "
            "what from_hidden made of h, bias included: weights trained in torch would not fit.",
        ),
        Wrong(
            {"n_x + r * n_h": "r * (n_x + n_h)"},
            "The reset gate scales the input's part of the candidate too: it is about the old "
            "state only.",
        ),
        Wrong(
            {"r * n_h": "n_h"},
            "The reset gate is made but not used: the candidate always sees the whole old state.",
        ),
        Wrong(
            {"(1 - z) * n + z * h": "z * n + (1 - z) * h"},
            "The update gate is the wrong way round: z is the share of the old state, 1 - z that "
            "of the candidate. Some texts have it so, torch does not.",
        ),
        Wrong(
            {"r_x, z_x, n_x": "z_x, r_x, n_x", "r_h, z_h, n_h": "z_h, r_h, n_h"},
            "Reset gate and update gate are swapped: the first third is r, the second z.",
        ),
        Wrong(
            {"(1 - z) * n + z * h": "n + z * h"},
            "The candidate is added whole: without 1 - z the state can leave the range from -1 to "
            "1, step by step.",
        ),
        Wrong(
            {"(1 - z) * n + z * h": "(1 - z) * n"},
            "The old state is lost: z * h is missing, so nothing can stay.",
        ),
        Wrong(
            {"torch.tanh(": "torch.sigmoid("},
            "The candidate goes through a sigmoid: the state could never turn negative. It goes "
            "through tanh.",
        ),
        Wrong(
            {"z_x + z_h": "z_x"},
            "The update gate sees the input only: what stays also depends on the old state.",
        ),
        Wrong(
            {"nn.Linear(hidden, 3 * hidden)": "nn.Linear(hidden, 3 * hidden, bias=False)"},
            "from_hidden has no bias. In a GRU its bias matters: the reset gate scales it, so the "
            "other layer's cannot stand in for it.",
        ),
        Wrong(
            {"(1 - z) * n + z * h": "h.mul_(z).add_((1 - z) * n)"},
            "The old state was changed in place: whoever holds it finds another one, and going "
            "backward fails.",
        ),
        Wrong(
            {"torch.sigmoid(z_x + z_h)": "torch.sigmoid(z_x + z_h).detach()"},
            "The update gate was cut from the graph: it would never learn what to keep.",
        ),
    ],
)
