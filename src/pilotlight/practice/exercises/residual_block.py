"""A residual block: a layer that starts by doing nothing.

Put thirty layers on top of one another, and signal and gradient pass through thirty matrices, each
of which distorts them. A residual block leaves a way past: what comes in goes out again, and the
layers only add to it.

    y  =  skip(x) + second( relu( first(x) ) )

Where x and y have the same size, skip(x) is x itself, and the gradient comes back undiminished,
however many blocks there are. Nothing stands behind the sum: a ReLU there would be in the way of
all of them. Where the sizes differ, skip is a linear layer without bias. The weight and bias of
`second` start at 0, so that a new block adds nothing yet, and learns what to add.

Write the module with the linear layers `first` and `second`, both with bias, and, only where the
sizes differ, `skip`.
"""

from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """From `inputs` to `outputs` numbers, with `hidden` ones between."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        # --- solution ---
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, outputs)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)
        same = inputs == outputs
        self.skip = nn.Identity() if same else nn.Linear(inputs, outputs, bias=False)
        # --- end ---

    def forward(self, x: Tensor) -> Tensor:
        """`x` (batch, inputs); returns (batch, outputs)."""
        # --- solution ---
        return self.skip(x) + self.second(functional.relu(self.first(x)))
        # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal


def a_block(answer: Any, inputs: int = 3, hidden: int = 5, outputs: int = 3) -> Any:
    """A block in float64 whose weights are set, those that start at 0 too."""
    block = answer.ResidualBlock(inputs, hidden, outputs).double()
    for seed, (_, parameter) in enumerate(sorted(block.named_parameters())):
        parameter.data = normal(*parameter.shape, seed=seed)
    return block


def parameters(answer: Any) -> Any:
    """Two linear layers with bias, and a third without where the sizes differ."""
    sizes = {"from 3 to 3": (3, 5, 3), "from 3 to 2": (3, 5, 2)}
    made = {name: answer.ResidualBlock(*size) for name, size in sizes.items()}
    return {
        name: {n: list(p.shape) for n, p in sorted(block.named_parameters())}
        for name, block in made.items()
    }


def same_size(answer: Any) -> Any:
    """Where the sizes are the same, the branch is added to what came in."""
    return {"y": a_block(answer)(normal(4, 3, seed=20))}


def other_size(answer: Any) -> Any:
    """Where they differ, it is added to what `skip` makes of what came in."""
    return {"y": a_block(answer, 3, 4, 2)(normal(4, 3, seed=21))}


def does_nothing(answer: Any) -> Any:
    """A new block gives back what it is given, negative numbers too."""
    return {"y": answer.ResidualBlock(3, 8, 3).double()(normal(4, 3, seed=22)).detach()}


def gradients(answer: Any) -> Any:
    """The gradient goes back both ways, to what came in and to all weights."""
    block, x = a_block(answer), normal(4, 3, seed=23).requires_grad_()
    (block(x) * normal(4, 3, seed=24)).sum().backward()
    return {"x": x.grad} | {n: p.grad for n, p in sorted(block.named_parameters())}


def deep(answer: Any) -> Any:
    """Back through thirty new blocks the gradient is what it was."""
    blocks = nn.Sequential(*(answer.ResidualBlock(3, 8, 3) for _ in range(30))).double()
    x, above = normal(4, 3, seed=25).requires_grad_(), normal(4, 3, seed=26)
    (blocks(x) * above).sum().backward()
    return {"gradient": x.grad}


def learns(answer: Any) -> Any:
    """A new block can learn: `second` gets a gradient, as what it is given is not 0."""
    block = answer.ResidualBlock(3, 8, 3).double()
    block(normal(4, 3, seed=27)).square().sum().backward()
    return {"second gets a gradient": bool(block.second.weight.grad.any())}


def untouched(answer: Any) -> Any:
    """What came in is not changed: the layer before may need it to go backward."""
    x = normal(4, 3, seed=28)
    with torch.no_grad():
        a_block(answer)(x)
    return {"x": x}


class ByParts(nn.Module):
    """The same: the branch is torch's own sequence of layers, and the skip a matrix."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        branch = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
        self.first, self.second = branch[0], branch[2]
        self.skip = nn.Linear(inputs, outputs, bias=False) if inputs != outputs else None
        self.branch = [branch]
        for parameter in self.second.parameters():
            parameter.data.zero_()

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.skip.weight.T if self.skip else torch.eye(x.shape[1], dtype=x.dtype)
        return torch.addmm(self.branch[0](x), x, matrix)


class InSteps(nn.Module):
    """Right as well: one step after another, with an `if`."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, outputs)
        self.second.load_state_dict({n: 0 * p for n, p in self.second.state_dict().items()})
        if inputs != outputs:
            self.skip = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x).clamp(min=0))
        y += self.skip(x) if hasattr(self, "skip") else x
        return y


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    inputs, hidden, outputs, batch = torch.randint(1, 5, (4,), generator=generator).tolist()
    x = torch.randn(batch, inputs, generator=generator, dtype=torch.float64)
    new = answer.ResidualBlock(inputs, hidden, outputs).double()
    return {"y": a_block(answer, inputs, hidden, outputs)(x), "new": new(x)}


BIAS = "nn.init.zeros_(self.second.bias)"
ZERO = "nn.init.zeros_(self.second.weight)"
FIRST = "nn.init.zeros_(self.first.weight)"
BRANCH = "self.second(functional.relu(self.first(x)))"
SUM = f"self.skip(x) + {BRANCH}"

exercise = Exercise(
    area="networks",
    needs=["mlp"],
    lab="residual",
    minutes=15,
    hints=[
        "nn.Linear(inputs, hidden) and nn.Linear(hidden, outputs); for the skip bias=False.",
        "nn.Identity() is a module without parameters that gives back what it is given. An `if` "
        "in forward does as well.",
        "nn.init.zeros_(...) fills a parameter with 0 in place: once for the weight of `second`, "
        "once for its bias.",
    ],
    tasks={
        "The layers": [parameters],
        "Forward": [same_size, other_size, untouched],
        "Backward": [gradients],
        "At the start": [
            Check(does_nothing, lambda: {"y": normal(4, 3, seed=22)}),
            Check(deep, lambda: {"gradient": normal(4, 3, seed=26)}),
            learns,
        ],
    },
    oracle={"ResidualBlock": ByParts},
    alternative={"ResidualBlock": InSteps},
    sample=at_random,
    wrong=[
        Wrong(
            {"self.skip(x) + ": ""},
            "There is no way past the layers: what came in is not added, and the gradient has to "
            "go through all matrices.",
        ),
        Wrong(
            {SUM: f"functional.relu({SUM})"},
            "A ReLU stands behind the sum: negative numbers cannot pass, and a new block is not "
            "the identity. The original ResNet has it there; later ones do not.",
        ),
        Wrong(
            {SUM: f"self.skip(functional.relu(x)) + {BRANCH}"},
            "The way past goes through a ReLU: negative numbers are lost. x itself is added.",
        ),
        Wrong(
            {"functional.relu(self.first(x))": "self.first(x)"},
            "There is no ReLU between the layers: two linear layers are together one, and the "
            "branch can add nothing but another linear map.",
        ),
        Wrong(
            {ZERO: "pass", BIAS: "pass"},
            "`second` starts at random: every new block adds noise, and through many blocks the "
            "numbers grow. Its weight and bias start at 0.",
        ),
        Wrong(
            {BIAS: "pass"},
            "The bias of `second` starts at random: a new block shifts what it is given.",
        ),
        Wrong(
            {ZERO: FIRST, BIAS: "nn.init.zeros_(self.first.bias)"},
            "`first` starts at 0 instead of `second`: behind it ReLU gives 0 and no gradient, so "
            "`first` never learns.",
        ),
        Wrong(
            {BIAS: f"{BIAS}\n{FIRST}\nnn.init.zeros_(self.first.bias)"},
            "Both layers start at 0: `second` is given 0 and `first` gets no gradient, so neither "
            "of them ever learns. Only `second` starts at 0.",
        ),
        Wrong(
            {"nn.Identity() if same else ": ""},
            "The way past is a linear layer even where the sizes are the same: one more matrix "
            "that distorts signal and gradient.",
        ),
        Wrong(
            {", bias=False": ""},
            "`skip` has a bias: `second` has one already, and a new block would shift what it is "
            "given.",
        ),
        Wrong(
            {"self.skip(x) + self": "self.skip(x).detach() + self"},
            "The way past was cut from the graph: the gradient does not come back by it, and that "
            "is what it is for.",
        ),
        Wrong(
            {SUM: f"({SUM}) / 2"},
            "The sum is halved: through thirty blocks signal and gradient shrink to a billionth.",
        ),
        Wrong(
            {SUM: f"self.skip(x).add_({BRANCH})"},
            "What came in was changed in place: the layer before may need it to go backward, and "
            "PyTorch refuses or, worse, goes wrong.",
        ),
    ],
)
