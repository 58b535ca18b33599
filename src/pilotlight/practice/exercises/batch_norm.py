"""Batch normalization.

Deep networks train badly when the numbers inside drift to other sizes. Batch normalization keeps
each feature near mean 0 and variance 1. While training, it takes both from the batch at hand:

    mean  =  sum of x over the batch / n          variance  =  sum of (x - mean)^2 / n
    out   =  (x - mean) / sqrt(variance + eps) * weight + bias

At evaluation there may be one example only, and no answer may depend on its neighbours. So training
also keeps running statistics, and evaluation uses them in the formula, in place of the batch's:

    running  =  (1 - momentum) * running  +  momentum * what the batch had

For the running variance the batch's sum is divided by n - 1, since it stands for data not seen.
Write `forward`. `self.training` tells which mode it is. The gradient goes through mean and
variance, but the running statistics are no part of the graph.
"""

import torch
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Normalizes each of `features` columns; the running statistics are buffers."""

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_variance", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """`x` (batch, features), at least two rows while training; the result has its shape."""
        # --- solution ---
        mean, variance = self.running_mean, self.running_variance
        if self.training:
            mean, variance = x.mean(dim=0), x.var(dim=0, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_variance.lerp_(x.var(dim=0), self.momentum)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias
        # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def a_layer(answer: Any, features: int = 3, eps: float = 1e-5, momentum: float = 0.1) -> Any:
    """A layer in float64 that has learned something and seen something."""
    layer = answer.BatchNorm(features, eps, momentum).double()
    with torch.no_grad():
        layer.weight.copy_(normal(features, seed=90))
        layer.bias.copy_(normal(features, seed=91))
        layer.running_mean.copy_(normal(features, seed=92))
        layer.running_variance.copy_(normal(features, seed=93).abs() + 0.5)
    return layer


def statistics(layer: Any) -> dict[str, Tensor]:
    """What it has kept."""
    return {"running mean": layer.running_mean, "running variance": layer.running_variance}


def two_rows(answer: Any) -> Any:
    """Two different rows become -1 and 1, whatever they were."""
    layer = answer.BatchNorm(2, eps=0.0).double()
    return {"result": layer(tensor([[3, 100], [5, -300]])).detach()}


def training(answer: Any) -> Any:
    """While training each column is normalized by its batch, then scaled and shifted."""
    return {"result": a_layer(answer)(5 + 3 * normal(6, 3)).detach()}


def constant(answer: Any) -> Any:
    """A column that is the same everywhere gives its bias: eps stands under the root."""
    x = normal(4, 2) * 1e-3
    x[:, 0] = 7
    return {"result": a_layer(answer, 2, eps=1e-3)(x).detach()}


def kept(answer: Any) -> Any:
    """The running statistics move towards the batch's by momentum, and hold no graph."""
    layer = a_layer(answer, momentum=0.3)
    for seed in range(3):
        layer((2 + normal(4, 3, seed=seed)).requires_grad_())
    return statistics(layer)


def evaluation(answer: Any) -> Any:
    """At evaluation the running statistics are used, and a row's neighbours do not matter."""
    layer = a_layer(answer).eval()
    x = normal(4, 3, seed=5)
    return {"four rows": layer(x).detach(), "two of them": layer(x[:2]).detach()}


def evaluation_keeps(answer: Any) -> Any:
    """Evaluation leaves the running statistics as they are."""
    layer = a_layer(answer).eval()
    layer(normal(4, 3))
    return statistics(layer)


def statistics_by_hand() -> Any:
    """What `a_layer` was given."""
    variance = normal(3, seed=93).abs() + 0.5
    return {"running mean": normal(3, seed=92), "running variance": variance}


def gradients(answer: Any) -> Any:
    """The gradient goes back through mean and variance, to input, weight and bias, twice over."""
    layer, x = a_layer(answer), normal(5, 3).requires_grad_()
    for seed in (1, 2):
        (layer(x) * normal(5, 3, seed=seed)).sum().backward()
    return {"input": x.grad, "weight": layer.weight.grad, "bias": layer.bias.grad}


class TorchNorm(BatchNorm):
    """Torch's own function, on the same parameters and buffers."""

    def forward(self, x: Tensor) -> Tensor:
        state = (self.running_mean, self.running_variance, self.weight, self.bias)
        return functional.batch_norm(x, *state, self.training, self.momentum, self.eps)


class BySums(BatchNorm):
    """Right as well: sums are written out, and new running statistics take the old ones' place."""

    def forward(self, x: Tensor) -> Tensor:
        n = len(x)
        if not self.training:
            factor = self.weight * (self.running_variance + self.eps) ** -0.5
            return x * factor + (self.bias - self.running_mean * factor)
        mean = x.sum(0) / n
        squares = ((x - mean) ** 2).sum(0)
        keep, m = 1 - self.momentum, self.momentum
        self.running_mean = keep * self.running_mean + m * mean.detach()
        self.running_variance = keep * self.running_variance + m * squares.detach() / (n - 1)
        return torch.addcmul(self.bias, x - mean, self.weight / (squares / n + self.eps).sqrt())


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes; two batches, then evaluation."""
    batch, features = torch.randint(2, 6, (2,), generator=generator).tolist()
    eps, momentum = torch.rand(2, generator=generator).tolist()
    layer = a_layer(answer, features, eps, momentum)
    x = torch.randn(3, batch, features, generator=generator).double()
    return {"first": layer(x[0]), "second": layer(x[1])} | {"last": layer.eval()(x[2])}


RUNNING = "mean, variance = self.running_mean, self.running_variance"
BATCH = "mean, variance = x.mean(dim=0), x.var(dim=0, correction=0)"

exercise = Exercise(
    area="networks",
    needs=["mlp"],
    lab="normalization",
    minutes=25,
    hints=[
        "Each feature has a mean of its own: average over the rows, dim=0.",
        "x.var(dim=0) divides by n - 1; x.var(dim=0, correction=0) divides by n. The result needs "
        "one, the running variance the other.",
        "Change the running statistics under torch.no_grad(). a.lerp_(b, momentum) makes a into "
        "(1 - momentum) * a + momentum * b.",
        "Only what mean and variance are differs between the two modes: the last line is the same.",
    ],
    tasks={
        "While training": [
            Check(two_rows, lambda: {"result": tensor([[-1, 1], [1, -1]])}),
            training,
            constant,
        ],
        "Running statistics": [kept],
        "While evaluating": [evaluation, Check(evaluation_keeps, statistics_by_hand)],
        "Backward": [gradients],
    },
    oracle={"BatchNorm": TorchNorm},
    alternative={"BatchNorm": BySums},
    sample=at_random,
    wrong=[
        Wrong(
            {", correction=0": ""},
            "The batch is normalized with the variance that divides by n - 1: its own variance "
            "divides by n, and only the running one by n - 1.",
        ),
        Wrong(
            {"lerp_(x.var(dim=0), ": "lerp_(variance, "},
            "The running variance was fed the batch's sum divided by n: it comes out too small for "
            "data not seen. Here it is divided by n - 1.",
        ),
        Wrong(
            {
                "lerp_(mean, self.momentum)": "lerp_(mean, 1 - self.momentum)",
                "lerp_(x.var(dim=0), self.momentum)": "lerp_(x.var(dim=0), 1 - self.momentum)",
            },
            "Momentum is the wrong way round: it is the share of the new batch, not of the old "
            "value (some libraries have it so). The statistics would follow each batch.",
        ),
        Wrong(
            {"if self.training:": "if True:"},
            "Evaluation uses the batch's statistics too, and changes the running ones: an answer "
            "depends on its neighbours. Ask self.training.",
        ),
        Wrong(
            {"if self.training:": "if not self.training:"},
            "The two modes are the wrong way round: training uses the running statistics.",
        ),
        Wrong(
            {"return (x - mean)": f"{RUNNING}\nreturn (x - mean)"},
            "Training also normalizes by the running statistics: they lag behind, and no gradient "
            "goes through mean and variance.",
        ),
        Wrong(
            {"with torch.no_grad():": "if False:"},
            "The running statistics are never changed: evaluation divides by what they were at the "
            "start.",
        ),
        Wrong(
            {BATCH: BATCH.replace("dim=0", "dim=1, keepdim=True")},
            "Mean and variance run over the features of a row. That is layer normalization; here "
            "each column has its own, dim=0.",
        ),
        Wrong(
            {BATCH: BATCH.replace("dim=0", "").replace("(, ", "(")},
            "One mean and one variance were taken for all features: each column has its own, so "
            "name the dimension, dim=0.",
        ),
        Wrong(
            {"torch.sqrt(variance + self.eps)": "(torch.sqrt(variance) + self.eps)"},
            "eps is added to the root, not under it: the result differs where the variance is "
            "small, and its gradient is not finite where it is 0.",
        ),
        Wrong(
            {"torch.sqrt(variance + self.eps)": "(variance + self.eps)"},
            "The difference is divided by the variance: divide by its root, the deviation.",
        ),
        Wrong(
            {BATCH: BATCH + "\nmean, variance = mean.detach(), variance.detach()"},
            "Mean and variance were cut from the graph: their part of the gradient is missing, and "
            "weights could grow without the loss seeing it.",
        ),
        Wrong(
            {"with torch.no_grad():": "if True:"},
            "The running statistics carry the graph of every batch so far, and memory grows with "
            "every step. Change them under torch.no_grad().",
        ),
    ],
)
