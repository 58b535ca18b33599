"""A penalty on large weights, and weight decay.

A network that fits noise needs large weights for it. The L2 penalty makes them costly: to the loss
it adds, with a strength that you choose,

    penalty  =  strength / 2 * (sum of the squares of all weights)

The half is there for the derivative: the gradient of the penalty by a weight is strength * weight.
So each step of plain gradient descent also draws every weight a little towards 0, by the share
rate * strength. That is weight decay, and torch.optim.SGD does the same without any penalty in the
loss, by its option weight_decay=strength. (With Adam the two are not the same.)

Weights are the parameters with two dimensions or more. Biases and the gains of normalization have
one: they are few, let a layer shift and scale its numbers, and are usually left alone.

Write the penalty. Then write the groups of parameters, as every optimizer of PyTorch takes them,
that make it decay the weights and nothing else.
"""

from typing import Any

import torch
from torch import Tensor, nn


def penalty(model: nn.Module, strength: float) -> Tensor:
    """What is added to the loss: a tensor without dimensions, with its graph."""
    # --- solution ---
    squares = [p.square().sum() for p in model.parameters() if p.dim() >= 2]
    return strength / 2 * torch.stack(squares).sum()
    # --- end ---


def parameter_groups(model: nn.Module, strength: float) -> list[dict[str, Any]]:
    """Groups {"params": [...], "weight_decay": ...}, with every parameter of `model` in one."""
    # --- solution ---
    weights = [w for w in model.parameters() if w.dim() >= 2]
    others = [b for b in model.parameters() if b.dim() < 2]
    return [
        {"params": weights, "weight_decay": strength},
        {"params": others, "weight_decay": 0.0},
    ]
    # --- end ---


# --- checks ---
from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

RATE = 0.1


def a_model(seed: int = 0) -> nn.Module:
    """A convolution, a normalization and a linear layer."""
    model = nn.Sequential(
        nn.Conv1d(1, 2, 3), nn.LayerNorm(4), nn.Flatten(), nn.Linear(8, 2, bias=True)
    ).double()
    for number, p in enumerate(model.parameters()):
        p.data = normal(*p.shape, seed=seed + number)
    return model


def two_layers() -> nn.Module:
    """Weights 1, -2, 3, 0 and 2, and biases that must not count."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).double()
    values = ([[1, -2], [3, 0]], [10, 20], [[2, 0]], [30])
    for p, value in zip(model.parameters(), values, strict=True):
        p.data = tensor(value)
    return model


def by_hand(answer: Any) -> Any:
    """For weights 1, -2, 3 and 2 and strength 0.5 it is a quarter of 18."""
    return {"penalty": answer.penalty(two_layers(), 0.5).detach()}


def whole_model(answer: Any) -> Any:
    """The weights of all layers count, those of convolutions too; biases and gains do not."""
    return {"penalty": answer.penalty(a_model(), 0.1)}


def gradients(answer: Any) -> Any:
    """Its gradient is strength * weight; a bias or a gain gets none, or 0."""
    model = a_model(10)
    answer.penalty(model, 0.3).backward()
    return {n: torch.zeros_like(p) + (0 if p.grad is None else p.grad) for n, p in named(model)}


def strength_times_weight() -> Any:
    """The derivative of strength / 2 * weight^2."""
    return {n: 0.3 * p.detach() * (p.dim() > 1) for n, p in named(a_model(10))}


def groups(answer: Any) -> Any:
    """In the groups each parameter stands once: weights with the strength, all others with 0."""
    model = a_model()
    optimizer = torch.optim.SGD(answer.parameter_groups(model, 0.3), lr=RATE)
    decay = {p: g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    return {n: decay.get(p, "in no group") for n, p in named(model)}


def by_layer() -> Any:
    """Layers 0 and 3 have weights; layer 1 has gains."""
    return {n: 0.3 if n in ("0.weight", "3.weight") else 0.0 for n, _ in named(a_model())}


def same_steps(answer: Any) -> Any:
    """By penalty and by decay, three steps of gradient descent lead to the same parameters."""
    models = a_model(20), a_model(20)
    decaying = torch.optim.SGD(answer.parameter_groups(models[1], 0.4), lr=RATE)
    optimizers = torch.optim.SGD(models[0].parameters(), lr=RATE), decaying
    for seed in range(3):
        added = answer.penalty(models[0], 0.4), 0.0
        for model, optimizer, more in zip(models, optimizers, added, strict=True):
            optimizer.zero_grad()
            (model(normal(5, 1, 6, seed=seed)).square().mean() + more).backward()
            optimizer.step()
    flat = [torch.cat([p.detach().flatten() for p in model.parameters()]) for model in models]
    return {"by penalty": flat[0], "by decay": flat[1]}


def named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """The parameters with their names."""
    return list(model.named_parameters())


def by_norm(model: nn.Module, strength: float) -> Tensor:
    """The same layer by layer: a norm, squared."""
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv1d)]
    return sum((m.weight.norm() ** 2 for m in layers), tensor(0)) * strength * 0.5


def layer_groups(model: nn.Module, strength: float) -> list[dict[str, Any]]:
    """The same with a group for each parameter."""
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv1d)]
    weights = {id(m.weight) for m in layers}
    return [
        {"params": [p], "weight_decay": strength * (id(p) in weights)} for p in model.parameters()
    ]


def by_products(model: nn.Module, strength: float) -> Tensor:
    """Right as well: all weights in one long vector, times itself."""
    flat = torch.cat([p.flatten() for p in model.parameters() if p.ndim > 1])
    return flat @ flat * (strength / 2)


def two_lists(model: nn.Module, strength: float) -> list[dict[str, Any]]:
    """Right as well: the default of weight_decay is 0."""
    lists: tuple[list[Any], list[Any]] = [], []
    for p in model.parameters():
        lists[p.ndim > 1].append(p)
    return [{"params": lists[0]}, {"params": lists[1], "weight_decay": strength}]


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any weights and strength."""
    model = a_model(int(torch.randint(99, (1,), generator=generator)))
    strength = float(torch.rand(1, generator=generator))
    found = answer.parameter_groups(model, strength)
    sizes = [(g.get("weight_decay"), [list(p.shape) for p in g["params"]]) for g in found]
    return {"penalty": answer.penalty(model, strength), "groups": sizes}


SQUARES = "p.square().sum() for p in model.parameters() if p.dim() >= 2"

exercise = Exercise(
    area="regularization",
    needs=["sgd"],
    lab="weight-penalty",
    minutes=15,
    hints=[
        "model.parameters() gives all parameters; p.dim() is the number of dimensions of one. "
        "p.square().sum() is the sum of its squares.",
        "torch.stack makes one tensor of a list of them, and .sum() adds them up. No detach and no "
        "item: the gradient has to find its way back.",
        "The groups are two dictionaries: {'params': weights, 'weight_decay': strength}, and one "
        "for all the others with 0. A parameter that is in no group would never learn.",
    ],
    tasks={
        "The penalty": [
            Check(by_hand, lambda: {"penalty": tensor(4.5)}),
            whole_model,
            Check(gradients, strength_times_weight),
        ],
        "Weight decay": [Check(groups, by_layer), same_steps],
    },
    oracle={"penalty": by_norm, "parameter_groups": layer_groups},
    alternative={"penalty": by_products, "parameter_groups": two_lists},
    sample=at_random,
    wrong=[
        Wrong(
            {"strength / 2 *": "strength *"},
            "The half is missing: the penalty draws twice as hard as weight decay of the same "
            "strength.",
        ),
        Wrong(
            {SQUARES: "p.square().sum() for p in model.parameters()"},
            "Biases and gains are penalised too: a layer could no longer shift its numbers freely. "
            "Only parameters with two dimensions or more are weights.",
        ),
        Wrong(
            {SQUARES: 'p.square().sum() for n, p in model.named_parameters() if "weight" in n'},
            "A normalization's gain is penalised: it is called weight, too, but has one dimension. "
            "Ask for p.dim().",
        ),
        Wrong(
            {"p.square().sum()": "p.abs().sum()"},
            "The sizes are added up, not the squares: that is the L1 penalty, which draws equally "
            "hard on small weights and large ones.",
        ),
        Wrong(
            {"p.square().sum()": "p.norm()"},
            "These are the norms of the layers, without the square: they draw on small layers as "
            "hard as on large ones. Square them.",
        ),
        Wrong(
            {"p.square().sum()": "p.square().mean()"},
            "The mean of the squares is taken: a large layer's weights would hardly be penalised. "
            "Take the sum.",
        ),
        Wrong(
            {"p.square().sum()": "p.detach().square().sum()"},
            "The weights were cut from the graph: the penalty makes the loss larger, but no weight "
            "smaller.",
        ),
        Wrong(
            {"others = [b for b in model.parameters() if b.dim() < 2]": "others = []"},
            "Biases and gains are in no group: the optimizer does not know of them, and they never "
            "learn. Give them a group with decay 0.",
        ),
        Wrong(
            {'"weight_decay": 0.0': '"weight_decay": strength'},
            "Biases and gains decay too: their group gets weight_decay 0.",
        ),
        Wrong(
            {'"weight_decay": strength': '"weight_decay": strength / 2'},
            "The half is taken once too often: weight_decay is what the weight itself is "
            "multiplied by, and in the penalty the half has gone with the derivative.",
        ),
        Wrong(
            {'"weight_decay": strength': '"weight_decay": 2 * strength'},
            "The decay is doubled, as it would be without the half in the penalty. With the half "
            "it is the strength itself.",
        ),
    ],
)
