"""An LSTM cell.

A recurrent network passes a state from step to step. In an LSTM gates decide what of it stays. From
the input x and the old output h come four blocks of numbers, in this order: input gate i, forget
gate f, candidate g, output gate o.

    i, f, g, o  =  the four quarters of   from_input(x) + from_hidden(h)
    c'          =  sigmoid(f) * c  +  sigmoid(i) * tanh(g)
    h'          =  sigmoid(o) * tanh(c')

Write the module: two linear layers named `from_input` and `from_hidden`, both with bias, and one
step. The state is the pair (h, c), and the new pair is what is returned.
"""

import torch
from torch import Tensor, nn


class LSTMCell(nn.Module):
    """One step of an LSTM for `inputs` numbers in and `hidden` numbers out."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        # --- solution ---
        self.from_input = nn.Linear(inputs, 4 * hidden)
        self.from_hidden = nn.Linear(hidden, 4 * hidden)
        # --- end ---

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """`x` (batch, inputs), h and c (batch, hidden); returns the new (h, c)."""
        # --- solution ---
        h, c = state
        i, f, g, o = (self.from_input(x) + self.from_hidden(h)).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
        # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal

INPUTS, HIDDEN = 3, 2


def a_cell(answer: Any) -> Any:
    """A cell with fixed weights, in float64."""
    cell = answer.LSTMCell(INPUTS, HIDDEN).double()
    with torch.no_grad():
        for seed, (_, parameter) in enumerate(sorted(cell.named_parameters())):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return cell


def a_state(seed: int) -> tuple[Tensor, Tensor]:
    """Output and memory of five sequences."""
    return normal(5, HIDDEN, seed=seed), normal(5, HIDDEN, seed=seed + 1)


def parameters(answer: Any) -> Any:
    """Two linear layers with bias, each giving four numbers for every hidden one."""
    cell = answer.LSTMCell(INPUTS, HIDDEN)
    return {"parameters": {n: list(p.shape) for n, p in sorted(cell.named_parameters())}}


def one_step(answer: Any) -> Any:
    """One step gives the output and the memory that torch's own cell gives."""
    with torch.no_grad():
        h, c = a_cell(answer)(normal(5, INPUTS), a_state(10))
    return {"h": h, "c": c}


def many_steps(answer: Any) -> Any:
    """Step after step, what is returned goes in again."""
    cell, state = a_cell(answer), a_state(20)
    with torch.no_grad():
        for x in normal(6, 5, INPUTS):
            state = cell(x, state)
    return {"h": state[0], "c": state[1]}


def keeps(answer: Any) -> Any:
    """An open forget gate and a closed input gate keep the memory as it is."""
    cell, (h, c) = a_cell(answer), a_state(30)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.from_hidden.bias[:HIDDEN] = -100
        cell.from_hidden.bias[HIDDEN : 2 * HIDDEN] = 100
        kept = cell(normal(5, INPUTS), (h, c))[1]
    return {"c": kept}


def memory_stays() -> Any:
    """The memory that went in."""
    return {"c": a_state(30)[1]}


def state_untouched(answer: Any) -> Any:
    """The old state is read, not changed: going backward needs it."""
    state = a_state(40)
    with torch.no_grad():
        a_cell(answer)(normal(5, INPUTS), state)
    return {"old h": state[0], "old c": state[1]}


def gradients(answer: Any) -> Any:
    """The gradient goes back through four steps, to all weights."""
    cell, state = a_cell(answer), a_state(50)
    for x in normal(4, 5, INPUTS):
        state = cell(x, state)
    state[0].sum().backward()
    return {n: p.grad for n, p in sorted(cell.named_parameters())}


class TorchCell(nn.Module):
    """The same weights in torch's own cell."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, 4 * hidden)
        self.from_hidden = nn.Linear(hidden, 4 * hidden)
        self._sizes = inputs, hidden

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        weights = {
            "weight_ih": self.from_input.weight,
            "weight_hh": self.from_hidden.weight,
            "bias_ih": self.from_input.bias,
            "bias_hh": self.from_hidden.bias,
        }
        cell = nn.LSTMCell(*self._sizes, device="meta")
        h, c = torch.func.functional_call(cell, weights, (x, state))
        return h, c


class GateByGate(nn.Module):
    """Right as well: the quarters are cut out one by one."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, 4 * hidden)
        self.from_hidden = nn.Linear(hidden, 4 * hidden)
        self.hidden = hidden

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        total = self.from_input(x) + self.from_hidden(state[0])
        starts = range(0, 4 * self.hidden, self.hidden)
        let_in, keep, new, let_out = (total[:, s : s + self.hidden] for s in starts)
        memory = let_in.sigmoid().mul(new.tanh()).add(keep.sigmoid() * state[1])
        return let_out.sigmoid() * memory.tanh(), memory


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes, two steps."""
    batch, inputs, hidden = torch.randint(1, 5, (3,), generator=generator).tolist()
    cell = answer.LSTMCell(inputs, hidden).double()
    state = tuple(torch.randn(2, batch, hidden, generator=generator).double())
    for _ in range(2):
        state = cell(torch.randn(batch, inputs, generator=generator).double(), state)
    return {"h": state[0].detach(), "c": state[1].detach()}


exercise = Exercise(
    area="sequences",
    needs=["rnn-cell"],
    minutes=25,
    hints=[
        "All four blocks come from one layer: nn.Linear(inputs, 4 * hidden). So do those that come "
        "from h.",
        "(batch, 4 * hidden) into four: .chunk(4, dim=1).",
        "Gates are sigmoids, numbers from 0 to 1. What is written into the memory, and what is "
        "read from it, goes through tanh.",
        "The output reads the new memory: first c', then h'. Give them new names, or take care "
        "not to change c in place.",
    ],
    tasks={
        "The layers": [parameters],
        "One step": [one_step, Check(keeps, memory_stays), state_untouched],
        "Many steps": [many_steps, gradients],
    },
    oracle={"LSTMCell": TorchCell},
    alternative={"LSTMCell": GateByGate},
    sample=at_random,
    wrong=[
        Wrong(
            {"i, f, g, o = ": "f, i, g, o = "},
            "Input gate and forget gate are swapped: the first quarter is the input gate, the "
            "second the forget gate.",
        ),
        Wrong(
            {"i, f, g, o = ": "i, f, o, g = "},
            "Candidate and output gate are swapped: the third quarter is the candidate, the fourth "
            "the output gate.",
        ),
        Wrong(
            {"torch.tanh(g)": "torch.sigmoid(g)"},
            "The candidate goes through a sigmoid: the memory could only grow. It goes through "
            "tanh.",
        ),
        Wrong(
            {"torch.sigmoid(o) * torch.tanh(c)": "torch.sigmoid(o) * c"},
            "The output reads the memory without tanh: it can leave the range from -1 to 1.",
        ),
        Wrong(
            {"torch.sigmoid(f) * c + ": ""},
            "The old memory is lost: nothing of c goes into the new one.",
        ),
        Wrong(
            {"torch.sigmoid(f) * c": "(1 - torch.sigmoid(i)) * c"},
            "One gate does the work of two: what the input gate does not let in is kept. That is "
            "a coupled cell; here the forget gate decides for itself.",
        ),
        Wrong(
            {"torch.sigmoid(f) * c": "(1 - torch.sigmoid(f)) * c"},
            "The forget gate is turned round: open, near 1, it keeps.",
        ),
        Wrong(
            {"torch.sigmoid(i) * torch.tanh(g)": "torch.tanh(g)"},
            "The input gate is missing: every candidate is written into the memory in full.",
        ),
        Wrong(
            {"torch.sigmoid(o) * torch.tanh(c), c": "c, torch.sigmoid(o) * torch.tanh(c)"},
            "The new state is returned the wrong way round: first the output h, then the memory c.",
        ),
        Wrong(
            {
                "c = torch.sigmoid(f) * c": "new = torch.sigmoid(f) * c",
                "torch.tanh(c), c": "torch.tanh(c), new",
            },
            "The output reads the old memory: h comes from the new one.",
        ),
        Wrong(
            {"nn.Linear(hidden, 4 * hidden)": "nn.Linear(hidden, 4 * hidden, bias=False)"},
            "from_hidden has no bias. Torch's cell has two biases, and so that weights can be "
            "exchanged, so has this one.",
        ),
        Wrong(
            {
                "c = torch.sigmoid(f) * c + torch": "c.mul_(torch.sigmoid(f)).add_(torch",
                "torch.tanh(g)": "torch.tanh(g))",
            },
            "The old memory was changed in place: whoever holds it finds another one, and going "
            "backward fails.",
        ),
        Wrong(
            {"+ torch.sigmoid(i)": "+ torch.sigmoid(i).detach()"},
            "The input gate was cut from the graph: it would never learn what to let in.",
        ),
    ],
)
