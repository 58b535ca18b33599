"""A multilayer perceptron.

Linear layers one after the other are together only one linear layer. With a nonlinearity in
between, here ReLU, which sets negative numbers to 0, they can draw any border. A network with
layers 1 to L and input x is

    h_0  =  x
    h_l  =  relu( W_l h_(l-1) + b_l )      for the hidden layers, l = 1 to L - 1
    out  =  W_L h_(L-1) + b_L              no ReLU: results may be negative

`hidden` lists how many numbers each hidden layer gives: [8, 4] makes three linear layers. An empty
list makes one, a linear model. Write the module, with its `nn.Linear` layers, in order, in
`self.layers`, where an optimizer finds them.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Linear layers with ReLU between them: `inputs` numbers in, `outputs` numbers out."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        # --- solution ---
        sizes = [inputs, *hidden, outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        # --- end ---

    def forward(self, x: Tensor) -> Tensor:
        """`x` (batch, inputs); returns (batch, outputs)."""
        # --- solution ---
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.relu(layer(x))
        return last(x)
        # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def a_network(answer: Any, inputs: int, hidden: list[int], outputs: int) -> Any:
    """A network with fixed weights, in float64."""
    network = answer.MLP(inputs, hidden, outputs).double()
    with torch.no_grad():
        for seed, (_, parameter) in enumerate(sorted(network.named_parameters())):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return network


def shapes(network: Any) -> dict[str, list[int]]:
    """The shape of each parameter, by name."""
    return {name: list(p.shape) for name, p in sorted(network.named_parameters())}


def parameters(answer: Any) -> Any:
    """The module knows all its weights: one Linear with bias for each step between two sizes."""
    return {"parameters": shapes(answer.MLP(5, [7, 2, 3], 4))}


def parameters_by_hand() -> Any:
    """Each weight has a row for each number that comes out."""
    sizes = {"0": [7, 5], "1": [2, 7], "2": [3, 2], "3": [4, 3]}
    weights = {f"layers.{layer}.weight": size for layer, size in sizes.items()}
    biases = {f"layers.{layer}.bias": size[:1] for layer, size in sizes.items()}
    return {"parameters": weights | biases}


def linear_model(answer: Any) -> Any:
    """Without hidden layers it is one linear layer, whose results may be negative."""
    network = a_network(answer, 3, [], 2)
    return {"parameters": shapes(network), "result": network(normal(4, 3, seed=9)).detach()}


def list_untouched(answer: Any) -> Any:
    """The list of sizes is read, not changed: the next network may be made from it."""
    hidden = [4, 2]
    answer.MLP(3, hidden, 1)
    return {"hidden": hidden}


def exclusive_or(answer: Any) -> Any:
    """Two hidden units do what no linear model can: 1 where exactly one of two inputs is 1."""
    network = answer.MLP(2, [2], 1).double()
    values = {
        "layers.0.weight": tensor([[1, -1], [-1, 1]]),
        "layers.0.bias": tensor([0, 0]),
        "layers.1.weight": tensor([[1, 1]]),
        "layers.1.bias": tensor([0]),
    }
    network.load_state_dict(values)
    points = tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    return {"result": network(points).flatten().detach()}


def deep(answer: Any) -> Any:
    """With three hidden layers every one of them counts."""
    return {"result": a_network(answer, 3, [6, 5, 7], 2)(normal(5, 3, seed=20)).detach()}


def backward(answer: Any) -> Any:
    """The gradient goes back to all weights and to the input."""
    network, x = a_network(answer, 3, [6, 5], 2), normal(5, 3, seed=20).requires_grad_()
    (network(x) * normal(5, 2, seed=21)).sum().backward()
    gradients = {name: p.grad for name, p in sorted(network.named_parameters())}
    return {"input": x.grad} | gradients


class BySequential(nn.Module):
    """The same weights in torch's own container, with torch's own ReLU between them."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        before, after = [inputs, *hidden], [*hidden, outputs]
        self.layers = nn.ModuleList(map(nn.Linear, before, after))

    def forward(self, x: Tensor) -> Tensor:
        steps = [step for layer in self.layers for step in (layer, nn.ReLU())]
        out: Tensor = nn.Sequential(*steps[:-1])(x)
        return out


class ByProducts(nn.Module):
    """Right as well: the products are written out, and ReLU comes before each layer but one."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for size in (*hidden, outputs):
            self.layers.append(nn.Linear(inputs, size))
            inputs = size

    def forward(self, x: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers):
            weight, bias = layer.parameters()
            x = (x.clamp(min=0) if number else x) @ weight.T + bias
        return x


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes, and up to three hidden layers."""
    inputs, outputs, batch, *hidden = torch.randint(1, 6, (6,), generator=generator).tolist()
    layers = int(torch.randint(4, (1,), generator=generator))
    network = a_network(answer, inputs, hidden[:layers], outputs)
    x = torch.randn(batch, inputs, generator=generator).double()
    return {"parameters": shapes(network), "result": network(x)}


exercise = Exercise(
    area="networks",
    needs=["training-loop"],
    lab="mlp",
    minutes=15,
    hints=[
        "Write the sizes in one row, inputs first, outputs last: there is one layer between each "
        "two neighbours. itertools.pairwise gives the neighbours.",
        "A Python list of layers hides them from the module: no parameters, nothing to train. "
        "nn.ModuleList is a list that the module knows.",
        "ReLU follows every layer but the last. `*hidden, last = self.layers` takes the last one "
        "apart.",
    ],
    tasks={
        "The layers": [
            Check(parameters, parameters_by_hand),
            linear_model,
            Check(list_untouched, lambda: {"hidden": [4, 2]}),
        ],
        "Forward": [Check(exclusive_or, lambda: {"result": tensor([0, 1, 1, 0])}), deep],
        "Backward": [backward],
    },
    oracle={"MLP": BySequential},
    alternative={"MLP": ByProducts},
    sample=at_random,
    wrong=[
        Wrong(
            {"nn.ModuleList(": "list("},
            "The layers stand in a Python list, which the module does not look into: an optimizer "
            "gets no parameters and nothing is ever trained. Take nn.ModuleList.",
        ),
        Wrong(
            {"torch.relu(layer(x))": "layer(x)"},
            "There is no nonlinearity between the layers: together they are only one linear layer.",
        ),
        Wrong(
            {"return last(x)": "return torch.relu(last(x))"},
            "ReLU also follows the last layer: no result can be negative, and where it is 0 no "
            "gradient comes back.",
        ),
        Wrong(
            {"torch.relu(layer(x))": "layer(torch.relu(x))"},
            "ReLU comes before each hidden layer, not after: negative inputs are lost, and nothing "
            "stands between the last two layers.",
        ),
        Wrong(
            {"torch.relu(layer(x))": "torch.sigmoid(layer(x))"},
            "The nonlinearity is a sigmoid: it is nowhere steeper than 1/4, so gradients shrink "
            "from layer to layer. The task asks for ReLU.",
        ),
        Wrong(
            {"return last(x)": "return last(x).softmax(dim=-1)"},
            "Softmax follows the last layer. The loss takes scores and does that itself; twice, it "
            "flattens them. And a network for numbers wants none.",
        ),
        Wrong(
            {"[inputs, *hidden, outputs]": "[inputs, *hidden[:1], outputs]"},
            "Only the first hidden size is used: each number in the list makes a layer.",
        ),
        Wrong(
            {
                "[inputs, *hidden, outputs]": "[inputs, *hidden]",
                "return last(x)": "return torch.relu(last(x))",
            },
            "There is no output layer: the last linear layer leads from the last hidden size to "
            "`outputs`.",
        ),
        Wrong(
            {"nn.Linear(a, b)": "nn.Linear(a, b, bias=False)"},
            "The layers have no bias: at input 0 the network could give nothing but 0.",
        ),
        Wrong(
            {
                "sizes = [inputs, *hidden, outputs]": "sizes = hidden\nsizes.insert(0, inputs)\n"
                "sizes.append(outputs)"
            },
            "The caller's list was changed: `sizes = hidden` is a second name, not a copy. The "
            "next network made from it gets too many layers.",
        ),
        Wrong(
            {"x = torch.relu(layer(x))": "x = torch.relu(layer(x)).detach()"},
            "The hidden layers were cut from the graph: only the last one learns.",
        ),
    ],
)
