"""Freezing: a trained body, a new head.

A network that was trained on many pictures is to tell new classes apart, of which there are few
examples. Its body has learned what is useful to see, so it stays as it is. Only a new head on top
of it learns. To freeze a body takes three things, and the second is often forgotten:

- its parameters need no gradient: `requires_grad` is false;
- its modules stay in evaluation mode, also while the head trains. Batch norm in training mode
  takes mean and variance from the new batch, and moves its stored ones towards them: a body without
  a gradient would still change. Dropout in it would still drop;
- the optimizer holds the head's parameters alone. One that holds the body's as well moves them by
  gradients that were left over from before.

Write the module and its optimizer. A training loop calls `model.train()`, and thereby `train(True)`
of all modules in it; so `train` must see to it that the body does not follow. `model.eval()` calls
`train(False)`. Both return the model.
"""

import torch
from torch import Tensor, nn


class Transfer(nn.Module):
    """A frozen `body` and a `head` that learns, under these names."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        # --- solution ---
        self.body = body.requires_grad_(False).eval()
        self.head = head
        # --- end ---

    def train(self, mode: bool = True) -> "Transfer":
        """Put the head into training mode, or into evaluation mode; return the model."""
        # --- solution ---
        super().train(mode)
        self.body.eval()
        return self
        # --- end ---

    def forward(self, x: Tensor) -> Tensor:
        """What the head makes of what the body makes of `x`."""
        # --- solution ---
        return self.head(self.body(x))
        # --- end ---


def head_optimizer(model: Transfer, rate: float) -> torch.optim.Optimizer:
    """Plain gradient descent with rate `rate`, for the head alone."""
    # --- solution ---
    return torch.optim.SGD(model.head.parameters(), lr=rate)
    # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal

RATE = 0.1


class Watched(nn.Module):
    """Passes on what it is given, and remembers in which mode it was used."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        return x


def a_body() -> nn.Sequential:
    """A trained body with everything that has modes, in training mode, in float64."""
    layers = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), Watched()
    body = nn.Sequential(*layers).double()
    with torch.no_grad():
        for seed, (_, kept) in enumerate(body.state_dict().items()):
            if kept.is_floating_point():
                kept.copy_(normal(*kept.shape, seed=seed).abs())
    return body


def a_head() -> nn.Sequential:
    """A new head, in float64."""
    head = nn.Sequential(nn.Linear(4, 2), Watched()).double()
    with torch.no_grad():
        head[0].weight.copy_(normal(2, 4, seed=20))  # type: ignore[operator]
        head[0].bias.copy_(normal(2, seed=21))  # type: ignore[operator]
    return head


def features(x: Tensor) -> Tensor:
    """What the body makes of `x` by its stored statistics, by hand."""
    linear, norm = a_body()[0].state_dict(), a_body()[1].state_dict()
    z = x @ linear["weight"].T + linear["bias"] - norm["running_mean"]
    return (z / (norm["running_var"] + 1e-5).sqrt() * norm["weight"] + norm["bias"]).relu()


def a_step(model: Any, optimizer: Any, x: Tensor, y: Tensor) -> None:
    """As every training loop takes it."""
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()


def predicts(answer: Any) -> Any:
    """The model gives what the head makes of the body's features."""
    with torch.no_grad():
        return {"prediction": answer.Transfer(a_body(), a_head()).eval()(normal(5, 3))}


def needs_gradient(answer: Any) -> Any:
    """The body's parameters need no gradient, the head's do."""
    named = answer.Transfer(a_body(), a_head()).named_parameters()
    return {name: parameter.requires_grad for name, parameter in named}


def modes(answer: Any) -> Any:
    """In use the body is always in evaluation mode; the head follows train and eval."""
    body, head = a_body(), a_head()
    model = answer.Transfer(body, head)
    for change in (model.train, model.eval, model.train, lambda: model.train(False)):
        change()
        model(normal(5, 3))
    return {"body in training mode": body[-1].modes, "head in training mode": head[-1].modes}


def as_handed_over(answer: Any) -> Any:
    """The body is frozen from the start, though it is handed over in training mode."""
    body, head = a_body(), a_head()
    answer.Transfer(body, head)(normal(5, 3))
    return {"body in training mode": body[-1].modes, "head in training mode": head[-1].modes}


def returned(answer: Any) -> Any:
    """`train` and `eval` return the model, and `training` tells its mode."""
    model, told = answer.Transfer(a_body(), a_head()), []
    for change in (model.eval, model.train):
        told.append([change() is model, model.training])
    return {"returns the model, training": told}


def statistics(answer: Any) -> Any:
    """Training leaves the stored mean and variance of batch norm as they are."""
    body = a_body()
    model = answer.Transfer(body, a_head()).train()
    for seed in range(3):
        model(normal(5, 3, seed=seed))
    return {name: kept for name, kept in body[1].state_dict().items() if "running" in name}


def held(answer: Any) -> Any:
    """The optimizer holds the head's parameters, and no others."""
    model = answer.Transfer(a_body(), a_head())
    groups = answer.head_optimizer(model, RATE).param_groups
    inside = {id(parameter) for group in groups for parameter in group["params"]}
    return {"held": sorted(name for name, p in model.named_parameters() if id(p) in inside)}


def left_over(answer: Any) -> Any:
    """Gradients that the body has from before do not move it."""
    body = a_body()
    for parameter in body.parameters():
        parameter.grad = torch.ones_like(parameter)
    model = answer.Transfer(body, a_head())
    answer.head_optimizer(model, RATE).step()
    return {name: parameter.detach() for name, parameter in body.named_parameters()}


def learns(answer: Any) -> Any:
    """Five steps move the head as if it were trained on the features alone."""
    head = a_head()
    model = answer.Transfer(a_body(), head).train()
    optimizer = answer.head_optimizer(model, RATE)
    for seed in range(5):
        a_step(model, optimizer, normal(6, 3, seed=seed), normal(6, 2, seed=50 + seed))
    return {name: parameter.detach() for name, parameter in head.named_parameters()}


def head_alone() -> Any:
    """The gradient of the mean squared error of a linear model, by hand."""
    weight, bias = a_head()[0].state_dict().values()
    for seed in range(5):
        x = features(normal(6, 3, seed=seed))
        error = x @ weight.T + bias - normal(6, 2, seed=50 + seed)
        weight, bias = weight - RATE * error.T @ x / 6, bias - RATE * error.mean(0)
    return {"0.weight": weight, "0.bias": bias}


def body_as_it_was() -> Any:
    """What was handed over."""
    return {name: parameter.detach() for name, parameter in a_body().named_parameters()}


class ByHook(nn.Module):
    """The same, with a hook that puts the body into evaluation mode just before each use."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head
        for parameter in body.parameters():
            parameter.requires_grad = False
        body.register_forward_pre_hook(self._evaluate)

    def _evaluate(self, body: nn.Module, _: Any) -> None:
        body.train(False)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(x))


class ByModule(nn.Module):
    """Right as well: switches set one by one, and no graph through the body."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head
        for parameter in body.parameters():
            parameter.requires_grad = False
        self.train()

    def train(self, mode: bool = True) -> Any:
        self.training = mode
        self.head.train(mode)
        for module in self.body.modules():
            module.training = False
        return self

    def forward(self, x: Tensor) -> Any:
        with torch.no_grad():
            seen = self.body(x)
        return self.head(seen)


def by_name(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Right as well: whatever needs a gradient."""
    return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=rate)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Two steps at any rate."""
    rate = float(torch.rand(1, generator=generator))
    drawn = torch.randn(2, 6, 5, generator=generator, dtype=torch.float64)
    model = answer.Transfer(a_body(), a_head())
    optimizer = answer.head_optimizer(model, rate)
    for rows in drawn:
        a_step(model.train(), optimizer, rows[:, :3], rows[:, 3:])
    return {"kept": dict(model.state_dict()), "prediction": model.eval()(drawn[0, :, :3])}


exercise = Exercise(
    area="representation",
    needs=["training-loop", "batch-norm"],
    minutes=20,
    hints=[
        "body.requires_grad_(False) sets all parameters at once, body.eval() all modules.",
        "In `train`, first let nn.Module do what it always does: super().train(mode). Then put the "
        "body back.",
        "In __init__ the body may come in training mode, and nobody may call `train` before the "
        "first use.",
        "torch.optim.SGD takes the parameters that it is to move: model.head.parameters().",
    ],
    tasks={
        "The model": [predicts, needs_gradient],
        "Modes": [modes, as_handed_over, returned, statistics],
        "The optimizer": [held, Check(left_over, body_as_it_was), Check(learns, head_alone)],
    },
    oracle={"Transfer": ByHook, "head_optimizer": by_name},
    alternative={"Transfer": ByModule, "head_optimizer": by_name},
    sample=at_random,
    wrong=[
        Wrong(
            {".requires_grad_(False)": ""},
            "The body's parameters still need gradients: they are computed in every step, for "
            "nothing, and whoever takes all parameters that need one moves the body.",
        ),
        Wrong(
            {"super().train(mode)\nself.body.eval()": "super().train(mode)"},
            "`train` puts the body into training mode: its batch norm takes mean and variance from "
            "the new batch and moves its stored ones. Put it back with self.body.eval().",
        ),
        Wrong(
            {
                "super().train(mode)\nself.body.eval()": "super().train(mode)",
                ".eval()\nself.head": "\nself.head",
            },
            "Only the gradients are frozen: batch norm and dropout of the body go on as in "
            "training, and the body changes with every batch. It belongs in evaluation mode.",
        ),
        Wrong(
            {"body.requires_grad_(False).eval()": "body.requires_grad_(False)"},
            "The body stays in the mode in which it was handed over until somebody calls `train`: "
            "put it into evaluation mode at the start.",
        ),
        Wrong(
            {"super().train(mode)": "super().train(False)"},
            "The head never trains: its own dropout and batch norm are to follow `mode`.",
        ),
        Wrong(
            {"super().train(mode)": "pass"},
            "The head does not follow: whatever is called, it stays in training mode.",
        ),
        Wrong(
            {"return self\n": "return None\n"},
            "`train` returns nothing: model.eval() returns what `train` does, so model.eval()(x) "
            "fails. Return self.",
        ),
        Wrong(
            {"model.head.parameters()": "model.parameters()"},
            "The optimizer holds the body as well: gradients left over from before move it, and so "
            "does weight decay.",
        ),
        Wrong(
            {
                "body.requires_grad_(False).eval()\nself.head = head": "body.eval()\n"
                "self.head = head.requires_grad_(False)"
            },
            "The wrong half is frozen: the head is to learn, the body is not.",
        ),
        Wrong(
            {
                "return self.head(self.body(x))": "with torch.no_grad():\n"
                "    return self.head(self.body(x))"
            },
            "The whole model works without a graph: the head cannot learn either. Only the body "
            "may stand under no_grad.",
        ),
    ],
)
